"""The capstone's task: a ferry line's maintenance log, a tool that searches it, and a job's plan.

    plan = Plan(choose_rows, grade, SETTINGS, pick)
    plan.train()

`Plan.train` launches the job on the session's service, with tool and grader served from this
process, and follows it to its end. Ships, parts and codes are invented. The pool of candidate rows
has traps: questions that validation asks too, answers that are in the question, references that
the log does not hold, questions that name no ship, and the same question twice.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from fastapi import FastAPI
from openai import OpenAI

from buildhour_helpers import jobs, session
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.jobs import Checkpoint
from buildhour_helpers.tools.serving import served

SHIPS = ("Alma", "Borea", "Corvo", "Delta", "Edda", "Freya", "Gavia", "Hebe", "Iris", "Juno")
UNSEEN = SHIPS[7:]
"""Ships of the held-out questions: none of the pool's or of validation's."""
PARTS = (
    *("bilge pump", "fuel filter", "drive belt", "oil seal"),
    *("rudder bearing", "radar mast", "anchor winch", "inlet valve"),
)
ASKED = {
    "fitted": "What is the serial number of the {part} that was fitted on the {ship}?",
    "removed": "What is the serial number of the {part} that was removed from the {ship}?",
}
AGAIN = {
    "fitted": "Which serial number does the {part} have that was fitted on the {ship}?",
    "removed": "Which serial number does the {part} have that was removed from the {ship}?",
}
PROMPT = "Answer with the code alone."
BUDGET = 500
"""Rollouts of the job, validation included."""
MOST_HITS = 8
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "find_entries",
            "description": "Search the maintenance log for terms. Answers with JSON.",
            "parameters": {
                "type": "object",
                "properties": {"terms": {"type": "string", "description": "Search terms"}},
                "required": ["terms"],
            },
        },
    }
]

Row = dict[str, Any]
Entry = Mapping[str, str]
Grade = Callable[[Mapping[str, Any], Mapping[str, Any]], float]


@cache
def log() -> tuple[dict[str, str], ...]:
    """The log: an entry for each part of each ship, with both serial numbers and other codes."""
    rng = random.Random("ferry log")
    serials = iter(rng.sample(range(1000, 10_000), 2 * len(SHIPS) * len(PARTS)))
    return tuple(
        {
            "ship": ship,
            "part": part,
            "removed": f"SN-{next(serials)}",
            "fitted": f"SN-{next(serials)}",
            "job": f"JO-{rng.randint(1000, 9999)}",
            "berth": f"{rng.choice('KLM')}{rng.randint(10, 99)}",
        }
        for ship in SHIPS
        for part in PARTS
    )


def search(terms: str) -> str:
    """What the tool answers: the entries that have every word of `terms`, as JSON."""
    words = set(re.findall(r"\w+", terms.lower()))
    hits = [
        entry
        for entry in log()
        if words and words <= set(f"{entry['ship']} {entry['part']}".lower().split())
    ]
    return json.dumps(hits[:MOST_HITS]) if hits else "No entry has all of these words."


def row(entry: Entry, kind: str, question: str = "", reference: str = "") -> Row:
    """A dataset row that asks for one of an entry's serial numbers."""
    asked = question or ASKED[kind].format(**entry)
    return {
        "messages": [
            {"role": "system", "content": PROMPT},
            {"role": "user", "content": asked},
        ],
        "tools": TOOLS,
        "reference_answer": reference or entry[kind],
    }


def question(row: Row) -> str:
    """The user's question of a row."""
    text: str = row["messages"][-1]["content"]
    return text


@dataclass(frozen=True)
class Candidates:
    """The rows that the learner chooses from. `traps` has the ones to leave out, by their fault."""

    pool: Sequence[Row]
    validation: Sequence[Row]
    clean: Sequence[Row]
    traps: Mapping[str, Sequence[Row]]


def candidates() -> Candidates:
    """Validation rows, and a pool in which clean rows and traps are mixed; always the same."""
    rng = random.Random("ferry rows")
    facts = [(e, kind) for e in log() if e["ship"] not in UNSEEN for kind in ASKED]
    rng.shuffle(facts)
    validation = [row(*fact) for fact in facts[:20]]
    clean = [row(*fact) for fact in facts[20:48]]
    traps = {
        "asked in validation": [row(e, k, AGAIN[k].format(**e)) for e, k in facts[:5]],
        "asked twice": [row(e, k, AGAIN[k].format(**e)) for e, k in facts[20:24]],
        "answer in the question": [
            row(e, k, f"{ASKED[k].format(**e)} The delivery note says {e[k]}.")
            for e, k in facts[48:52]
        ],
        "not in the log": [
            row(e, k, reference=f"SN-{rng.randint(100, 999)}X") for e, k in facts[52:56]
        ],
        "no ship named": [
            row(e, k, re.sub(r" (on|from) the \w+\?", "?", ASKED[k].format(**e)))
            for e, k in facts[56:60]
        ],
    }
    pool = [*clean, *(bad for bads in traps.values() for bad in bads)]
    rng.shuffle(pool)
    return Candidates(pool, validation, clean, traps)


def held_out() -> list[Row]:
    """Questions about ships that neither the pool nor validation names."""
    facts = [(e, kind) for e in log() if e["ship"] in UNSEEN for kind in ASKED]
    return [
        row(*fact) | {"question_id": f"held-out-{number}"} for number, fact in enumerate(facts, 1)
    ]


def app(grade: Grade) -> FastAPI:
    """The customer's server: the tool and a grader."""
    made = FastAPI()

    @made.post("/find_entries")
    def find_entries(body: dict[str, Any]) -> dict[str, Any]:
        try:
            output = search(str(json.loads(body["arguments"])["terms"]))
        except (ValueError, LookupError, TypeError):
            output = 'Error: call it with {"terms": "..."}'
        return {"type": "function_call_output", "call_id": body["call_id"], "output": output}

    @made.post("/grade")
    def graded(body: dict[str, Any]) -> dict[str, float]:
        return {"score": float(grade(body["sample"], body["item"]))}

    return made


def missing(*_: object) -> Any:
    """Stands for a part of a plan that is not written yet."""
    raise NotImplementedError("this part of the plan is missing")


@dataclass
class Plan:
    """A job as the learner designs it: four parts. `train` adds what came of it."""

    choose_rows: Callable[[Sequence[Row], Sequence[Row]], Iterable[Row]]
    grade: Grade = missing
    settings: Mapping[str, Any] = field(default_factory=dict)
    pick: Callable[[Sequence[Checkpoint]], object] = missing
    steps: list[Mapping[str, Any]] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)

    @cached_property
    def rows(self) -> list[Row]:
        """The chosen rows, as the plan's function returns them."""
        found = candidates()
        return list(self.choose_rows(list(found.pool), list(found.validation)))

    @property
    def spent(self) -> int:
        """Rollouts that the job has used, validation included."""
        return sum(
            step["usage"][split]["rollouts"] for step in self.steps for split in ("train", "valid")
        )

    def train(self) -> None:
        """Launch the job on the session's service and wait for its end; once only.

        Raises WorkshopError if the job failed, openai.BadRequestError if it was refused.
        """
        if self.steps:
            return
        client, folder = OpenAI(), session.scratch()
        files = {}
        for name, rows in (("train", self.rows), ("validation", candidates().validation)):
            file = folder / f"{name}.jsonl"
            file.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
            files[name] = jobs.upload(client, file)
        with served(app(self.grade)) as url:
            job = jobs.launch(
                client,
                model=session.OFFLINE_MODEL,
                training_file=files["train"],
                validation_file=files["validation"],
                tools=[{"name": "find_entries", "server_url": f"{url}/find_entries"}],
                grader={"type": "endpoint", "name": "serials", "url": f"{url}/grade"},
                max_episode_steps=6,
                hyperparameters=self.settings,
                suffix="capstone",
                seed=7,
            )
            self.steps = [s for event in jobs.follow(client, job.id) if (s := jobs.step_of(event))]
        ended = client.fine_tuning.jobs.retrieve(job.id)
        if ended.status != "succeeded":
            why = ended.error.message if ended.error else "see its events"
            raise WorkshopError(f"the job {ended.status}: {why}")
        self.checkpoints = jobs.checkpoints(client, job.id)


def rollouts_of(settings: Mapping[str, Any], rows: int, validation: int) -> int:
    """The rollouts that a job will use, from its settings ("auto" as the service has it)."""

    def setting(name: str, auto: float) -> float:
        value = settings.get(name, "auto")
        return auto if value == "auto" else float(value)

    epochs = setting("n_epochs", 1)
    steps = epochs * -(-rows // setting("batch_size", 16))
    group = max(2, round(8 * setting("compute_multiplier", 1)))
    validations = -(-steps // setting("eval_interval", 5))
    return int(epochs * rows * group + validations * validation * setting("eval_samples", 1))
