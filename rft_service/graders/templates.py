"""`{{item.x}}` and `{{sample.output_text}}` templates in grader specs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from rft_service.graders.specs import AnyGrader, ScoreModel, StringCheck, TextSimilarity, parts

_TEMPLATE = re.compile(r"\{\{([^{}]*)\}\}")
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d{1,9})\]|\[['\"]([^'\"]+)['\"]\]")
_ROOTS = ("item", "sample")


class TemplateError(ValueError):
    """A malformed template, or one whose path does not exist, in the sample if `in_sample`."""

    def __init__(self, message: str, in_sample: bool = False) -> None:
        super().__init__(message)
        self.in_sample = in_sample


def _path(expression: str) -> tuple[str, list[str | int]]:
    """`item.a[0].b` as its root and steps. Raises TemplateError."""
    expression = expression.strip()
    root = next((root for root in _ROOTS if re.match(rf"{root}(?![\w-])", expression)), None)
    if root is None:
        raise TemplateError(f"{{{{{expression}}}}} must begin with item or sample")
    steps: list[str | int] = []
    position = len(root)
    while position < len(expression):
        match = _STEP.match(expression, position)
        if match is None:
            raise TemplateError(f"{{{{{expression}}}}} is not a path such as item.answer")
        steps.append(int(match[2]) if match[2] else match[1] or match[3])
        position = match.end()
    return root, steps


def _resolve(expression: str, namespaces: Mapping[str, Any]) -> Any:
    root, steps = _path(expression)
    value = namespaces[root]
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            message = f"{{{{{expression}}}}} does not exist in this {root}"
            raise TemplateError(message, in_sample=root == "sample") from None
    return value


def fill(template: str, sample: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    """Replace every template by its value; what is not a string becomes JSON.

    Raises TemplateError if a template is malformed or its path does not exist.
    """
    namespaces = {"sample": sample, "item": item}

    def replace(match: re.Match[str]) -> str:
        value = _resolve(match[1], namespaces)
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return _TEMPLATE.sub(replace, template)


def _texts(grader: AnyGrader) -> list[str]:
    texts = list[str]()
    for part in parts(grader).values():
        if isinstance(part, StringCheck | TextSimilarity):
            texts += [part.input, part.reference]
        elif isinstance(part, ScoreModel):
            texts += [message.text() for message in part.input]
    return texts


def item_keys(grader: AnyGrader) -> set[str]:
    """The dataset keys that a grader's templates use. Raises TemplateError at a broken one."""
    keys = set[str]()
    for text in _texts(grader):
        for match in _TEMPLATE.finditer(text):
            root, steps = _path(match[1])
            if root == "item" and steps:
                keys.add(str(steps[0]))
    return keys
