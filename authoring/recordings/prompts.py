"""Lesson 01: the base model on all validation questions, under several prompts.

Only what is said to the model differs: the system prompt, and in one variant the descriptions of
the tools. Questions, repeats and grader are the same, so the variants are paired by question.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buildhour_helpers.analysis.summaries import by_question, summarise
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.demo.work import BASE_MODEL
from buildhour_helpers.rollouts import RolloutRecord, evaluate
from buildhour_helpers.rollouts.endpoints import ToolServer
from buildhour_helpers.tasks import (
    BEST_PROMPT,
    FIRST_PROMPT,
    Question,
    build_rows,
    load_questions,
)
from buildhour_helpers.tools.schemas import DEFINITIONS, Definition

REPEATS = 3
ANSWER_FORM = " Answer with the number only; write a percentage with a % sign."
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
    tools: Sequence[Definition] = ()


def without_descriptions(tools: Sequence[Definition]) -> list[Definition]:
    """The same tools, with nothing said about them but names, types and defaults."""
    bare = copy.deepcopy(list(tools))
    for tool in bare:
        tool["function"]["description"] = ""
        for schema in tool["function"]["parameters"]["properties"].values():
            schema.pop("description", None)
    return bare


VARIANTS = (
    Variant("no instructions", "Answer the question."),
    Variant("first prompt", FIRST_PROMPT),
    Variant("+ form of the answer", FIRST_PROMPT + ANSWER_FORM),
    Variant("+ read before answering", FIRST_PROMPT + ANSWER_FORM + READ_FIRST),
    Variant("best prompt", BEST_PROMPT),
    Variant("best + an example", BEST_PROMPT + EXAMPLE),
    Variant("best, tools undescribed", BEST_PROMPT, without_descriptions(DEFINITIONS)),
)


def record(folder: Path, progress: Callable[[str], None]) -> dict[str, Any]:
    """Every variant on every validation question, `REPEATS` times."""
    questions = load_questions(split="validation")
    variants: dict[str, Any] = {}
    with stage(folder, None, 0, 32) as servers:
        for variant in VARIANTS:
            progress(variant.name)
            records = measure(servers, folder, variant, questions)
            variants[variant.name] = {"prompt": variant.prompt, **_told(records)}
    return {
        "model": "simulated",
        "split": "validation",
        "questions": len(questions),
        "repeats": REPEATS,
        "variants": rounded_off(variants),
    }


def measure(
    servers: Stage, folder: Path, variant: Variant, questions: Sequence[Question]
) -> list[RolloutRecord]:
    """The rollouts of one variant; the records are in a file of its own under `folder`."""
    rows = build_rows(questions, variant.prompt, variant.tools or DEFINITIONS)
    file = folder / f"{VARIANTS.index(variant)}.jsonl"

    async def rolled_out() -> list[RolloutRecord]:
        tools = servers.tools
        async with servers.async_client() as client:
            return await evaluate(
                rows,
                model=BASE_MODEL,
                file=file,
                run=variant.name,
                repeats=REPEATS,
                client=client,
                server=ToolServer(tools.url, tools.key),
                progress=False,
            )

    return asyncio.run(rolled_out())


def rewards_of(records: Sequence[RolloutRecord]) -> Mapping[str, str]:
    """The rewards of each question's repeats, in order: "0 1 0.5". One short line a question."""
    return {
        question: " ".join(f"{record.reward:g}" for record in repeats)
        for question, repeats in by_question(records).items()
    }


def _told(records: Sequence[RolloutRecord]) -> dict[str, Any]:
    measures = summarise(records).measures
    return {
        "means": {name: interval.value for name, interval in measures.items()},
        "rewards": rewards_of(records),
    }
