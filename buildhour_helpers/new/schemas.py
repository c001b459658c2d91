"""Tool definitions from Python functions: names, docstrings and type hints become JSON Schemas.

`python schemas.py` writes those of functions.py into tools.json. Run it after you have changed a
function's name, parameters or docstring, and then `python rows.py --sync`.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from pydantic import Field, create_model
from pydantic.errors import PydanticUserError

ROLLOUT_ID = "rollout_id"
"""A parameter of this name gets the rollout ID; the model does not see it."""

_SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns?|Raises|Yields|Examples?):$")
_ARGUMENT = re.compile(r"^(\w+)(?: *\([^)]*\))?: *(.*)$|^:param (?:\w+ )?(\w+): *(.*)$")


def definitions(module: ModuleType) -> list[dict[str, Any]]:
    """A chat-completions tool for each public function that the module defines.

    `__all__` chooses among them. Raises ValueError naming the function and the fix.
    """
    chosen = getattr(module, "__all__", None)
    functions = [
        value
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and (not name.startswith("_") if chosen is None else name in chosen)
    ]
    if not functions:
        raise ValueError("defines no public function; each function is to be a tool")
    return [definition(function) for function in functions]


def definition(function: Callable[..., Any]) -> dict[str, Any]:
    """One function as a chat-completions tool. Raises ValueError naming the parameter."""
    name = function.__name__
    about, of_parameter = _read(inspect.getdoc(function) or "")
    if not about:
        raise ValueError(f"{name}: has no docstring; say what it does and returns, for the model")
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise ValueError(f"{name}: a type hint cannot be read ({error}); import it") from None
    fields = dict[str, Any]()
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == ROLLOUT_ID:
            continue
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ValueError(f"{name}: {parameter} cannot be described; name each parameter")
        if parameter.name not in hints:
            raise ValueError(f"{name}: {parameter.name} has no type hint; add one, such as str")
        default = ... if parameter.default is parameter.empty else parameter.default
        description = of_parameter.get(parameter.name)
        fields[parameter.name] = (hints[parameter.name], Field(default, description=description))
    try:
        schema = create_model(name, **fields).model_json_schema()
    except (PydanticUserError, NameError) as error:
        said = str(error).splitlines()[0]
        problem = f"{name}: a type hint has no JSON form ({said}); use plain types"
        raise ValueError(problem) from None
    parameters = {"properties": {}, **_untitled(schema), "additionalProperties": False}
    return {
        "type": "function",
        "function": {"name": name, "description": about, "parameters": parameters},
    }


def _untitled(schema: Any) -> Any:
    """Without the titles that pydantic makes of names, and without the model's own docstring."""
    if isinstance(schema, list):
        return [_untitled(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _untitled(part) for name, part in value.items()}
        if key in ("properties", "$defs")
        else _untitled(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }


def _read(doc: str) -> tuple[str, dict[str, str]]:
    """A docstring's text without its sections, and what it says of each parameter (Google's style
    or `:param name:`)."""
    about, of_parameter = list[str](), dict[str, str]()
    section, last = "", ""
    for line in doc.splitlines():
        text = line.strip()
        if found := _SECTION.match(text):
            section, last = found[1], ""
        elif (found := _ARGUMENT.match(text)) and (found[3] or section in ("Args", "Arguments")):
            last = found[1] or found[3]
            of_parameter[last] = found[2] or found[4] or ""
        elif last and text:
            of_parameter[last] += f" {text}"
        elif text.startswith(":"):  # :return:, :raises:
            section = text
        elif not section:
            about.append(text)
    return " ".join(" ".join(about).split()), of_parameter


def main() -> None:
    import functions  # type: ignore[import-not-found]  # it is beside this file in a project

    here = Path(__file__).parent
    try:
        text = json.dumps(definitions(functions), indent=2, ensure_ascii=False)
    except ValueError as error:
        sys.exit(f"functions.py: {error}")
    (here / "tools.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
