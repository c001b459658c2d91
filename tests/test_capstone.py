"""The capstone's task: its pool has each trap, and held-out ships are nowhere else."""

from __future__ import annotations

import json

import pytest

from buildhour_helpers import capstone
from buildhour_helpers.capstone import candidates, held_out, question, rollouts_of, search


def test_the_pool_is_the_clean_rows_and_the_traps() -> None:
    found = candidates()
    traps = [row for rows in found.traps.values() for row in rows]
    assert len(found.pool) == len(found.clean) + len(traps)
    references = [row["reference_answer"] for row in found.clean]
    validation = {row["reference_answer"] for row in found.validation}
    assert len(set(references)) == len(references)
    assert not validation & set(references)
    leaks = found.traps["asked in validation"]
    assert {row["reference_answer"] for row in leaks} <= validation
    assert not {question(row) for row in leaks} & {question(row) for row in found.validation}
    assert {row["reference_answer"] for row in found.traps["asked twice"]} <= set(references)
    for row in found.traps["answer in the question"]:
        assert row["reference_answer"] in question(row)
    for row in found.traps["no ship named"]:
        assert not any(ship in question(row) for ship in capstone.SHIPS)
    assert candidates() == found
    seen = " ".join(question(row) for row in (*found.pool, *found.validation))
    assert not any(ship in seen for ship in capstone.UNSEEN)
    assert len(held_out()) == 2 * len(capstone.UNSEEN) * len(capstone.PARTS)


def test_the_tool_wants_every_word() -> None:
    (entry,) = json.loads(search("alma OIL seal"))
    assert (entry["ship"], entry["part"]) == ("Alma", "oil seal")
    assert len(json.loads(search("Alma"))) == len(capstone.PARTS)
    assert search("the oil seal of the Alma") == search("") == "No entry has all of these words."


@pytest.mark.parametrize(
    ("settings", "rollouts"),
    [
        ({}, 28 * 8 + 20),
        ({"n_epochs": 3, "batch_size": 7, "compute_multiplier": 0.5, "eval_interval": 4}, 396),
        ({"n_epochs": "auto", "compute_multiplier": 0.1, "eval_samples": 2}, 28 * 2 + 40),
    ],
)
def test_the_budget_counts_validation(settings: dict[str, object], rollouts: int) -> None:
    assert rollouts_of(settings, 28, 20) == rollouts
