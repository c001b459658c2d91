"""The base weights: made by the same trainer, on worlds that are no reports, the same each time."""

import asyncio
import json
import random
import re
from importlib.resources import files
from pathlib import Path

import pytest

from authoring.pretraining.__main__ import PHASES, Phase, blank_weights, build_trainer, pretrain
from authoring.pretraining.families import FAMILIES
from authoring.pretraining.world import score
from rft_service.engines.simulated.engine import base_weights

SHORT = (
    Phase("drill", 2, 4, True, {"slate": 4}),
    Phase("all", 2, 4, False, dict.fromkeys(FAMILIES, 1)),
)


def test_pretraining_gives_the_same_weights_each_time():
    runs = [asyncio.run(pretrain(SHORT, quiet=True)) for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0] != blank_weights().as_dict()


def test_the_first_drill_teaches_arithmetic():
    trainer = build_trainer(blank_weights(), Phase("drill", 16, 16, True, {"slate": 16}))

    async def means() -> list[float]:
        reports = [await trainer.step(step) for step in range(1, 17)]
        rewards = [[r.reward or 0.0 for r in report.rollouts] for report in reports]
        return [sum(values) / len(values) for values in rewards]

    found = asyncio.run(means())
    assert sum(found[-4:]) > sum(found[:4]) + 0.2


def test_the_base_weights_know_no_tool_by_name():
    weights = base_weights().as_dict()
    tools = re.compile(r"^(fill|also)/|^act/[^=]")
    assert not [name for name in weights if tools.search(name)]
    assert len(weights) > 200


def test_nothing_of_pretraining_speaks_of_finance():
    folder = Path(str(files("authoring.pretraining")))
    text = " ".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py")).lower()
    for word in ("revenue", "dividend", "fiscal", "shareholder", "earnings", "ticker", "finqa"):
        assert word not in text


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_problem_can_be_read_from_its_world(family):
    world = FAMILIES[family](random.Random(1), 20, False)
    assert len(world.problems) == 20
    for problem in world.problems:
        if isinstance(problem.answer, str):
            assert score(problem.answer, problem.answer, problem.kind) == 1.0
        else:
            sign = "%" if problem.kind == "percent" else ""
            assert score(f"{problem.answer:.6f}{sign}", problem.answer, problem.kind) == 1.0


def test_the_phases_end_with_every_family_but_the_first_drill():
    assert set(PHASES[-1].shares) == set(FAMILIES) - {"slate"}


def test_the_shipped_file_is_sorted_and_whole():
    text = files("rft_service.engines.simulated").joinpath("base_weights.json")
    data = json.loads(text.read_text(encoding="utf-8"))
    assert list(data["weights"]) == sorted(data["weights"])
