"""Genspark's task, made small: the outline of a slide deck, built by tool calls.

A brief lists sections and says whom each is for. The agent reads the brief and adds a slide for
each section that concerns its audience. Whether the deck has these slides and no others can be
measured; whether it looks good cannot be here.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence

from buildhour_helpers.graders.endpoint import GraderCall
from buildhour_helpers.spotlights.environment import Environment, dataset_row
from buildhour_helpers.tasks.dataset import Row
from buildhour_helpers.tools.functions import Tool, ToolError
from buildhour_helpers.tools.schemas import definition

PROMPT = (
    "You build slide decks with the tools. Add one slide for each section of the brief that is for "
    "the audience, and no other. Then say done."
)
TRAIN, VALIDATION, HELD_OUT = 96, 16, 40
SECTIONS_PER_BRIEF, LEAST_SLIDES = 8, 2

TOOLS = [
    definition(
        "read_brief",
        "Read a brief: its sections, and whom each is for. Answers with JSON.",
        brief={"type": "string", "description": "The brief's code, as the task names it."},
    ),
    definition(
        "add_slide",
        "Add a slide to the end of the deck.",
        title={"type": "string", "description": "The title: a section, as the brief writes it."},
    ),
]

AUDIENCES = ("investors", "engineers", "customers")
SECTIONS = (
    "Competitors",
    "Customer quotes",
    "Data model",
    "Energy use",
    "Hiring plan",
    "Market size",
    "Open questions",
    "Patents",
    "Pricing",
    "Release notes",
    "Revenue outlook",
    "Risks",
    "Roadmap",
    "Service levels",
    "Supply chain",
    "Test coverage",
    "Training",
    "Unit costs",
)
PRODUCTS = """
    bricks buoys ferries kettles lamps lifts looms pumps saws scales tents trams trucks valves
""".split()  # noqa: SIM905

Brief = list[dict[str, str]]
"""Sections in order, each with its `section` and its `audience`."""


def make(seed: int) -> Environment:
    """Ninety briefs, each with one product; the briefs of each split are its own."""
    rng = random.Random(f"spotlights/slides/{seed}")
    codes = [f"B-{number}" for number in rng.sample(range(10, 100), 90)]
    briefs = {code: _brief(rng) for code in codes}
    return Environment(
        name="slides",
        definitions=TOOLS,
        functions=_functions(briefs),
        train=_rows(rng, "train", TRAIN, codes[:50], briefs),
        validation=_rows(rng, "valid", VALIDATION, codes[50:60], briefs),
        held_out=_rows(rng, "test", HELD_OUT, codes[60:], briefs),
        grade=grade_outline,
        graders={"complete": grade_complete, "slides": count_slides},
        hyperparameters={"batch_size": 8, "eval_interval": 100},
        budget=12,
        max_turns=12,
    )


def grade_outline(call: GraderCall) -> float:
    """F1 of the deck's slides, where a slide that is there twice is right once at most."""
    made, asked = _titles(call), call.item["sections"]
    return 2 * len(set(made) & set(asked)) / (len(made) + len(asked))


def grade_complete(call: GraderCall) -> float:
    """The share of the sections asked for that have a slide."""
    asked = set(call.item["sections"])
    return len(asked & set(_titles(call))) / len(asked)


def count_slides(call: GraderCall) -> float:
    """The number of slides in the deck."""
    return float(len(_titles(call)))


def _titles(call: GraderCall) -> list[str]:
    made = call.trace.calls if call.trace else []
    added = [one for one in made if one.name == "add_slide" and not one.is_error]
    return [json.loads(one.arguments)["title"] for one in added]


def _brief(rng: random.Random) -> Brief:
    sections = rng.sample(SECTIONS, SECTIONS_PER_BRIEF)
    return [{"section": section, "audience": rng.choice(AUDIENCES)} for section in sections]


def _rows(
    rng: random.Random, split: str, count: int, codes: Sequence[str], briefs: Mapping[str, Brief]
) -> list[Row]:
    """Tasks whose audience has at least LEAST_SLIDES sections."""
    rows: list[Row] = []
    while len(rows) < count:
        code, audience = rng.choice(codes), rng.choice(AUDIENCES)
        asked = [one["section"] for one in briefs[code] if one["audience"] == audience]
        if len(asked) < LEAST_SLIDES:
            continue
        task = f"Build the deck on {rng.choice(PRODUCTS)} for {audience} from brief {code}."
        question_id = f"{split}-{len(rows) + 1}"
        rows.append(dataset_row(question_id, PROMPT, task, TOOLS, sections=asked))
    return rows


def _functions(briefs: Mapping[str, Brief]) -> Mapping[str, Tool]:
    def read_brief(brief: str) -> str:
        if brief not in briefs:
            raise ToolError(f"there is no brief {brief!r}; give the code in the task")
        return json.dumps(briefs[brief])

    def add_slide(title: str) -> str:
        if not title.strip():
            raise ToolError("title is empty; give a section of the brief")
        return "The slide is in the deck."

    return {"read_brief": read_brief, "add_slide": add_slide}
