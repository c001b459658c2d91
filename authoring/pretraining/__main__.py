"""Make the base weights: `python -m authoring.pretraining`."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from tqdm.auto import tqdm

from authoring.pretraining.families import FAMILIES
from authoring.pretraining.world import Worlds, task
from rft_service.engines.simulated.engine import MODEL, SimulatedLearner
from rft_service.engines.simulated.turn import FAMILIES as BLOCKS
from rft_service.engines.simulated.weights import Weights
from rft_service.rl.hyperparameters import Hyperparameters
from rft_service.rl.trainer import StepReport, Trainer

SEED = 20262
LEARNING_RATE = 0.1
TOKEN_PENALTY = 0.05


class Phase(NamedTuple):
    """A part of pretraining: its steps, rollouts of a group, whether its questions are the easy
    ones, and the tasks of a step by family."""

    name: str
    steps: int
    group_size: int
    easy: bool
    shares: Mapping[str, int]


# First arithmetic on tables that are at hand, then with prose around them, then finding things
# out, then everything. Large groups at first, when an answer is rarely right.
_FINDING = {"archive": 6, "depot": 5, "notebook": 4, "museum": 6, "timetable": 5, "glossary": 6}
_ALL = {"archive": 8, "depot": 8, "notebook": 6, "museum": 4, "timetable": 3, "glossary": 3}
PHASES = (
    Phase("drill", 45, 16, True, {"slate": 32}),
    Phase("prose", 45, 16, True, {"slate": 4, "notebook": 24, "glossary": 4}),
    Phase("easy", 30, 8, True, _FINDING),
    Phase("all", 60, 8, False, _ALL),
)
# All that is not learnt: parallel calls and giving up start out rare, and the words of quantity
# start out with what they mean in English, or arithmetic would be too rarely right to be learnt.
STARTING_WEIGHTS = {
    "also:any": -2.0,
    "act/=give_up:any": -2.0,
    "operation/change:asks_growth": 1.5,
    "operation/change:asks_decline": 1.5,
    "operation/change:asks_percent": 1.0,
    "operation/change:asks_change": 1.0,
    "operation/difference:asks_difference": 2.0,
    "operation/difference:asks_remove": 1.5,
    "operation/difference:asks_change": 1.0,
    "operation/sum:asks_total": 2.0,
    "operation/average:asks_average": 2.5,
    "operation/ratio:asks_ratio": 2.5,
    "operation/share:asks_share": 2.0,
    "operation/share:asks_percent": 1.0,
    "operation/compare:asks_question": 4.0,
    "operation/product:asks_product": 4.0,
    "operation/row_greatest:asks_most": 3.0,
    "operation/row_least:asks_least": 3.0,
    "operation/text:asks_which": 2.0,
}
WEIGHTS_FILE = Path(str(files("rft_service.engines.simulated"))) / "base_weights.json"


def blank_weights() -> Weights:
    """The weights of a model that knows STARTING_WEIGHTS and nothing else."""
    weights = Weights(BLOCKS)
    weights.load({"weights": STARTING_WEIGHTS})
    return weights


def build_trainer(weights: Weights, phase: Phase) -> Trainer:
    """A trainer over the tasks of a phase, mixed in the proportions of its shares."""
    rng = random.Random(f"pretraining/{SEED}/{phase.name}")
    worlds = {
        name: FAMILIES[name](rng, phase.steps * share, phase.easy)
        for name, share in phase.shares.items()
    }
    tasks = [task(world, problem, rng) for world in worlds.values() for problem in world.problems]
    model = replace(
        MODEL,
        group_size=phase.group_size,
        learning_rate=LEARNING_RATE,
        reasoning_token_penalty=TOKEN_PENALTY,
    )
    return Trainer(
        SimulatedLearner(weights, model, general_only=True),
        Worlds(list(worlds.values())),
        Hyperparameters(batch_size=sum(phase.shares.values())),
        tasks,
        [],
        seed=SEED,
    )


def reward_by_world(report: StepReport, trainer: Trainer) -> dict[str, float]:
    """Mean reward of a step's rollouts, by family."""
    rewards: dict[str, list[float]] = {name: [] for name in FAMILIES}
    for rollout in report.rollouts:
        rewards[trainer.train[rollout.row_index].item["world"]].append(rollout.reward or 0.0)
    return {name: fmean(values) for name, values in rewards.items() if values}


async def pretrain(phases: Sequence[Phase] = PHASES, quiet: bool = False) -> dict[str, float]:
    """Train from STARTING_WEIGHTS through all phases; returns the named weights."""
    weights = blank_weights()
    for phase in phases:
        trainer = build_trainer(weights, phase)
        progress = tqdm(range(1, trainer.total_steps + 1), phase.name, disable=quiet, unit="step")
        for step in progress:
            report = await trainer.step(step)
            rewards = reward_by_world(report, trainer)
            progress.set_postfix({name: f"{value:.2f}" for name, value in rewards.items()})
    return weights.as_dict()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the file, write nothing")
    parser.add_argument("--output", type=Path, default=WEIGHTS_FILE, help="where to write")
    arguments = parser.parse_args()
    text = json.dumps({"weights": asyncio.run(pretrain())}, indent=1, sort_keys=True) + "\n"
    if arguments.check:
        same = arguments.output.read_text(encoding="utf-8") == text
        print(f"{arguments.output.name}: {'the same' if same else 'DIFFERENT'}")
        return 0 if same else 1
    arguments.output.write_text(text, encoding="utf-8", newline="\n")
    print(f"{text.count(chr(10)) - 4} weights written to {arguments.output.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
