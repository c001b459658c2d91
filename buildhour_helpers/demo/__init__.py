"""The main job of the workshop, headless: what `buildhour demo` runs."""

from buildhour_helpers.demo.plan import DemoOptions
from buildhour_helpers.demo.result import DemoResult
from buildhour_helpers.demo.run import run

__all__ = ["DemoOptions", "DemoResult", "run"]
