"""What the model is told about the tools: names, descriptions and parameters (JSON Schema).

A description is a prompt. It says what comes back, in which form the next tool wants it, and when
to use which tool. `DEFINITIONS` is in the form that a dataset row carries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Definition = dict[str, Any]
"""A chat-completions tool: `{"type": "function", "function": {name, description, parameters}}`."""

MOST_HITS = 20


def definition(name: str, description: str, /, **properties: Mapping[str, Any]) -> Definition:
    """A tool as a dataset row has it; its parameters are required unless they have a `default`."""
    parameters = {
        "type": "object",
        "properties": properties,
        "required": [name for name, schema in properties.items() if "default" not in schema],
        "additionalProperties": False,
    }
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


SEARCH = definition(
    "search",
    "Search all report pages by words. Returns the best pages, one path each with a snippet, best "
    "first. Read a page with cat before you trust it: the snippet is only one line of it.",
    query={
        "type": "string",
        "description": "Words that stand on the page: the company, the item, the year.",
    },
    k={
        "type": "integer",
        "description": "How many pages to return.",
        "minimum": 1,
        "maximum": MOST_HITS,
        "default": 5,
    },
)

LIST = definition(
    "list",
    "List a folder of the report tree TICKER/YEAR/page_N.pdf: the companies, a company's years, or "
    "the pages of a year. Returns one full path a line; folders end with a slash.",
    path={
        "type": "string",
        "description": "A folder, such as ACME/ or ACME/2012/. Empty for the root.",
        "default": "",
    },
)

CAT = definition(
    "cat",
    "Read one report page: its text and its table. Returns the whole page.",
    path={
        "type": "string",
        "description": "A page's full path as search and list return it: ACME/2012/page_45.pdf.",
    },
)

DEFINITIONS: list[Definition] = [SEARCH, LIST, CAT]


def for_responses(definitions: Iterable[Definition] = DEFINITIONS) -> list[dict[str, Any]]:
    """The same tools as the Responses API takes them: one flat object each."""
    return [{"type": "function", **tool["function"], "strict": False} for tool in definitions]
