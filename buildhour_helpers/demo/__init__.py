"""The main job of the workshop, headless: what `buildhour demo` and `buildhour study` run."""

from .plan import DemoOptions
from .result import DemoResult
from .run import run

__all__ = ["DemoOptions", "DemoResult", "run"]
