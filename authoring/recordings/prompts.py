"""Lesson 01: the base model on all validation questions, under several prompts.

Only the instructions differ: the system prompt, and in one variant the tools' descriptions.
Questions, repeats and grader are the same, so the variants are paired by question.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authoring.recordings.runs import rewards_of, roll_out
from buildhour_helpers.analysis.summaries import summarise
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.rollouts import RolloutRecord
from buildhour_helpers.tasks import BEST_PROMPT, FIRST_PROMPT, Question, load_questions
from buildhour_helpers.tools.schemas import DEFINITIONS, Definition

REPEATS, MANY_REPEATS = 3, 8
UNITS_AND_SIGNS = (
    " Mind units (thousands, millions) and that parentheses mean a negative number. Write a "
    "percentage with a % sign and two decimals."
)
READ_FIRST = " Read the whole page with cat before you answer: a snippet is not enough."
EXAMPLE = """
An example. Question: By what percentage did rental income at Acme grow from 2011 to 2012?
search "Acme rental income 2012 2011" names ACME/2012/page_45.pdf; cat shows its table:
| rental income | 108.4 | 100.0 | under the columns 2012 and 2011. (108.4 - 100.0) / 100.0 = 8.4%.
Answer: 8.4%
"""


@dataclass(frozen=True)
class Variant:
    """One way to put the task to the model."""

    name: str
    prompt: str
    tools: Sequence[Definition] = tuple(DEFINITIONS)
    repeats: int = REPEATS


def without_descriptions(tools: Sequence[Definition]) -> list[Definition]:
    """The same tools with names, types and defaults, but without descriptions."""
    bare = copy.deepcopy(list(tools))
    for tool in bare:
        tool["function"]["description"] = ""
        for schema in tool["function"]["parameters"]["properties"].values():
            schema.pop("description", None)
    return bare


VARIANTS = (
    Variant("a poem about the sea", "Write a poem about the sea."),
    Variant("first prompt", FIRST_PROMPT, repeats=MANY_REPEATS),
    Variant("first + units and signs", FIRST_PROMPT + UNITS_AND_SIGNS),
    Variant("first + read before answering", FIRST_PROMPT + READ_FIRST),
    Variant("best prompt", BEST_PROMPT),
    Variant("best + an example", BEST_PROMPT + EXAMPLE),
    Variant("best, tools undescribed", BEST_PROMPT, without_descriptions(DEFINITIONS)),
)


def record(folder: Path, progress: Callable[[str], None]) -> dict[str, Any]:
    """Every variant on every validation question, each at least `REPEATS` times."""
    questions = load_questions(split="validation")
    variants: dict[str, Any] = {}
    with stage(folder, None, 0, 32) as up:
        for variant in VARIANTS:
            progress(variant.name)
            records = measure(up, folder, variant, questions)
            measures = summarise(records).measures
            variants[variant.name] = {
                "prompt": variant.prompt,
                "repeats": variant.repeats,
                "means": {name: interval.value for name, interval in measures.items()},
                "rewards": rewards_of(records),
            }
    return {
        "model": "simulated",
        "split": "validation",
        "questions": len(questions),
        "variants": rounded_off(variants),
    }


def measure(
    up: Stage, folder: Path, variant: Variant, questions: Sequence[Question]
) -> list[RolloutRecord]:
    """The rollouts of one variant."""
    return roll_out(
        up,
        folder / f"{VARIANTS.index(variant)}.jsonl",
        questions,
        repeats=variant.repeats,
        run=variant.name,
        prompt=variant.prompt,
        tools=variant.tools,
    )
