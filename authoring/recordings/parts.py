"""A second task for lesson 06: a catalogue of spare parts, with its own tools and grader.

It shares nothing with the reports: no page, no company, no tool. Answers are codes, not numbers.
The lesson asks whether a job on reports changes how the agent does here.
"""

from __future__ import annotations

import json
import random
from contextlib import AbstractContextManager
from typing import Any

from buildhour_helpers.graders.endpoint import GraderCall
from buildhour_helpers.tools.app import create_app
from buildhour_helpers.tools.functions import ToolError
from buildhour_helpers.tools.schemas import Definition, definition
from buildhour_helpers.tools.serving import served as served_app

MACHINES = ("Norden press", "Vela mill", "Castor lathe", "Orion saw", "Tycho pump", "Halley fan")
PARTS = (
    "drive belt", "oil seal", "guide rail", "clutch plate", "feed roller", "brake pad",
    "valve spring", "gear rack", "pump shaft", "filter mesh",
)  # fmt: skip
PROMPT = "You answer questions about spare parts. Answer with the code alone."
HITS = 4
KEY = "none"
MOST_CALLS = 1_000  # of a rollout: in effect no limit
LISTED = ("machine", "description", "maker", "article")
DETAILS = ("article", "price_cents", "supplier", "bay")

Part = dict[str, Any]


def _tool(name: str, description: str, **properties: str) -> Definition:
    tool = definition(
        name,
        description,
        **{key: {"type": "string", "description": told} for key, told in properties.items()},
    )
    del tool["function"]["parameters"]["additionalProperties"]  # recorded without it
    return tool


TOOLS = [
    _tool(
        "find_parts",
        "Find spare parts by machine and description. Returns a JSON list of parts.",
        terms="Words of the machine and of the part",
    ),
    _tool(
        "part_details",
        "Look up one part by its article code. Returns JSON: price, supplier and bay.",
        article="The article code of a part, such as NO-1234",
    ),
]


def catalogue() -> list[Part]:
    """60 parts, each with an article code and, in its details, a supplier and a bay."""
    rng = random.Random("parts")
    return [
        {
            "machine": machine,
            "description": part,
            "article": f"{machine[:2].upper()}-{rng.randint(1000, 9999)}",
            "maker": f"MK{rng.randint(10, 99)}",
            "supplier": f"S{rng.randint(100, 999)}",
            "bay": f"{rng.choice('KLM')}-{rng.randint(10, 99)}",
            "price_cents": rng.randint(200, 90_000),
        }
        for machine in MACHINES
        for part in PARTS
    ]


def rows() -> list[dict[str, Any]]:
    """120 dataset rows: for each part one question about its article and one about its bay."""
    asked = []
    for part in catalogue():
        name = f"the {part['description']} of my {part['machine']}"
        asked += [
            (f"{part['article']}/article", f"Which article replaces {name}?", part["article"]),
            (f"{part['article']}/bay", f"In which bay is {name}?", part["bay"]),
        ]
    return [
        {
            "messages": [
                {"role": "system", "content": PROMPT},
                {"role": "user", "content": text},
            ],
            "tools": TOOLS,
            "question_id": question,
            "reference_answer": answer,
        }
        for question, text, answer in asked
    ]


def find_parts(terms: str) -> str:
    """The parts that share most words with the terms, without their details."""
    words = set(terms.lower().replace("?", " ").split())

    def shared(part: Part) -> int:
        return len(words & set(f"{part['machine']} {part['description']}".lower().split()))

    hits = sorted(filter(shared, catalogue()), key=lambda part: (-shared(part), part["article"]))
    return json.dumps([{key: part[key] for key in LISTED} for part in hits[:HITS]])


def part_details(article: str) -> str:
    """The details of one part."""
    for part in catalogue():
        if part["article"] == article:
            return json.dumps({key: part[key] for key in DETAILS})
    raise ToolError(f"no article {article!r}; find_parts lists the codes.")


def grade(call: GraderCall) -> float:
    """1 for the code itself, 0 for everything else."""
    return float(call.answer.strip() == call.item["reference_answer"])


def served() -> AbstractContextManager[str]:
    """The address of the catalogue's tools and grader, on this machine, while the block runs."""
    functions = {"find_parts": find_parts, "part_details": part_details}
    app = create_app(functions, key=KEY, definitions=TOOLS, grade=grade, budget=MOST_CALLS)
    return served_app(app)
