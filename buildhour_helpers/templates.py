"""Templates of text that people go on editing: source code, Markdown, shell."""

from __future__ import annotations

import json

from jinja2 import Environment, PackageLoader, StrictUndefined


def text_templates(package: str, folder: str = "templates") -> Environment:
    """The templates in a folder of a package. Nothing is escaped, a missing name is an error, and
    the filter `json` writes a value as JSON, which is a literal in Python, too, for strings and
    numbers."""
    made = Environment(  # noqa: S701  (text, not HTML)
        loader=PackageLoader(package, folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["json"] = json.dumps
    return made
