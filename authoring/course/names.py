"""Which names a cell binds and which it reads, as Python's own parser sees it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

SCOPES = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)
"""What keeps the names that it binds to itself."""
NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def bound(tree: ast.AST) -> set[str]:
    """Names that code binds at its top level, or in a block there: also those it imports."""
    names = imported(tree)
    for node in _top_level(tree):
        if isinstance(node, NAMED):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def read(tree: ast.AST) -> set[str]:
    """Names that code reads, wherever it does."""
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {node.id for node in names if isinstance(node.ctx, ast.Load)}


def imported(tree: ast.AST) -> set[str]:
    """Names that code imports."""
    aliases = (node for node in ast.walk(tree) if isinstance(node, ast.alias))
    return {(alias.asname or alias.name).partition(".")[0] for alias in aliases}


def until_raise(tree: ast.Module) -> ast.Module:
    """The statements that a stub runs before it raises."""
    raising = (number for number, one in enumerate(tree.body) if isinstance(one, ast.Raise))
    return ast.Module(tree.body[: next(raising, len(tree.body))], [])


def _top_level(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those inside functions, classes and comprehensions."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if not isinstance(node, SCOPES):
            yield from _top_level(node)
