"""Tools from a file of Python functions, which a project calls as they are."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.new.description import Description, Tool, checked
from buildhour_helpers.new.schemas import definitions

MODULE = "functions"  # as it is called in a project


def from_functions(file: Path) -> Description:
    """A tool for each public function of the file, which is imported for that.

    Raises WorkshopError naming the function and the fix.
    """
    module = load(file)
    try:
        functions = [one["function"] for one in definitions(module)]
    except ValueError as error:
        raise WorkshopError(f"{file}: {error}") from error
    tools = [Tool(one["name"], one["description"], one["parameters"]) for one in functions]
    source = file.read_text(encoding="utf-8")
    files = {f"{MODULE}.py": source}
    return Description("python", checked(tools, str(file)), files, module=module)


def load(file: Path) -> ModuleType:
    """Import the file. Raises WorkshopError if it fails, or imports what is beside it: a project
    has a copy of this one file."""
    folder, before = file.resolve().parent, set(sys.modules)
    spec = importlib.util.spec_from_file_location(MODULE, file)
    if spec is None or spec.loader is None:
        raise WorkshopError(f"{file}: is not a Python file; give one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(folder))
    sys.modules[MODULE] = module  # it stays there: type hints in quotes are looked up in it
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        said = " ".join(str(error).split())
        raise WorkshopError(
            f"{file}: cannot be imported ({type(error).__name__}: {said}); correct it, or install "
            f"what it needs for {sys.executable}"
        ) from error
    finally:
        sys.path.remove(str(folder))
    for name in set(sys.modules) - before - {MODULE}:
        found = getattr(sys.modules[name], "__file__", None)
        if found and Path(found).resolve().parent == folder:
            raise WorkshopError(
                f"{file}: imports its neighbour {name}; put the functions into one file, or "
                f"install {name} as a package"
            )
    return module
