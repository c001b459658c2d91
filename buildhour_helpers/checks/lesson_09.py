"""Checks of lesson 09: a prediction, the diagnosis of steps on a real engine, and the capstone."""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from buildhour_helpers import session
from buildhour_helpers.analysis.figures import token_columns
from buildhour_helpers.analysis.statistics import Interval, paired_difference
from buildhour_helpers.capstone import (
    BUDGET,
    Plan,
    Row,
    app,
    candidates,
    held_out,
    log,
    missing,
    question,
    rollouts_of,
    search,
)
from buildhour_helpers.checks.verdict import Finding, Findings, exercise, right, wrong
from buildhour_helpers.jobs import Checkpoint
from buildhour_helpers.rollouts import evaluate
from buildhour_helpers.rollouts.endpoints import ToolServer
from buildhour_helpers.tools.serving import served

HINTS = {
    "9.1": (
        "Think about what the grader pays for, and about what else a model can vary while it gets "
        "the same reward. There is no wrong prediction: what surprises you is what you learn.",
        "Four words, each up, down or same: for the reward, for the entropy (how undecided the "
        "model is), for the share of tool calls that fail, and for the tokens of a rollout.",
        'prediction = {"reward": "up", "entropy": "down", "failed calls": "down", '
        '"tokens": "same"} is one that can be defended.',
    ),
    "9.2": (
        "Begin with a step of the recorded run in front of you: print it. Then write one condition "
        "for each line of the table, and mind the steps that have no update.",
        'update = last["update"] or {}. Compare update.get(...) with the limits, and tool_errors '
        "with a quarter of all calls.",
        "found = set(); if update.get('extended_turns', 0) < update.get('later_turns', 0): "
        "found.add('retokenized'); if update.get('logprob_gap', 0) > 0.02: "
        "found.add('off-policy'); and so on. For 'collapse' both entropies must be there.",
    ),
    "9.3": (
        "Begin with the rows: plan = capstone.Plan(choose_rows), then run the check. It names the "
        "traps that are left. Read ten rows of the pool, and look their answers up with "
        "capstone.search.",
        "Rows: compare reference answers with validation's, with the question's own text and with "
        "the log, keep each reference once, require a ship's name. Grader: equal after strip(), "
        "not `in`. Settings: make ten updates or more. Checkpoint: the best validation reward.",
        '{"n_epochs": 3, "batch_size": 7, "compute_multiplier": 0.5, "eval_interval": 4} with 28 '
        "rows is 28 × 3 × 4 + 3 × 20 = 396 rollouts and 12 updates. "
        "max(checkpoints, key=lambda one: one.valid_reward_mean or 0) picks.",
    ),
}

WORDS = ("up", "down", "same")
MEASURES = ("reward", "entropy", "failed calls", "tokens")
SAME = 0.1
"""A change of less than this share of the first value counts as none."""


@exercise("9.1")
def exercise_9_1(prediction: object, steps: Sequence[Mapping[str, Any]]) -> Findings:
    """Compare a prediction with the run; whatever was predicted in earnest passes."""
    if not isinstance(prediction, Mapping):
        yield wrong(
            f"prediction is a {type(prediction).__name__}",
            f"a dictionary with the keys {', '.join(MEASURES)}",
        )
        return
    absent = [name for name in MEASURES if name not in prediction]
    if absent:
        yield wrong(f"it says nothing about {', '.join(absent)}", "add a word for each")
    if unknown := [str(name) for name in prediction if name not in MEASURES]:
        yield wrong(
            f"{', '.join(unknown)}: this is not measured here",
            f"the keys are {', '.join(MEASURES)}",
        )
    if absent or unknown:
        return
    said = {name: str(prediction[name]).strip().lower() for name in MEASURES}
    vague = [name for name in MEASURES if said[name] not in WORDS]
    for name in vague:
        yield wrong(
            f"{name}: {prediction[name]!r} is not one of {', '.join(WORDS)}",
            "commit to one word, so that the run can surprise you",
        )
    if vague:
        return
    for name, (first, last, happened) in measured(steps).items():
        ends = f"{name} went from {first:.2f} to {last:.2f}"
        if said[name] == happened:
            yield right(f"{ends}: {happened}, as you predicted")
        else:
            yield right(f"{ends}: {happened}, and you predicted {said[name]}. Find out why")


def measured(steps: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, float, str]]:
    """Of each measure the first and the last known value, and the word for the change."""
    columns = token_columns(steps)
    found = {}
    for name in MEASURES:
        known = columns[name][np.isfinite(columns[name])]
        first, last = float(known[0]), float(known[-1])
        is_same = abs(last - first) <= SAME * abs(first)
        found[name] = (first, last, "same" if is_same else "up" if last > first else "down")
    return found


# --- 9.2


def step(
    tokens: float,
    reward: float,
    *,
    entropy: float | None = 1.0,
    gap: float = 1e-6,
    turns: tuple[float, float] = (9.0, 9.0),
    errors: int = 0,
) -> dict[str, Any]:
    """The data of a metrics event with 12 rollouts and 12 calls. An entropy of None: no update."""
    update = {"logprob_gap": gap, "entropy": entropy, "later_turns": turns[0]}
    return {
        "step": 8,
        "train_mean_reward": reward,
        "completion_tokens_mean": tokens,
        "tool_calls_per_rollout": 1.0,
        "tool_errors": errors,
        "update": None if entropy is None else update | {"extended_turns": turns[1]},
        "stop_reasons": {"train": {"answered": 10, "length_limit": 2}, "valid": {}},
    }


FIRST = step(40.0, 0.2)
CASES: tuple[tuple[dict[str, Any], set[str], str, str], ...] = (
    (
        step(45.0, 0.6, entropy=0.7, errors=1),
        set(),
        "a healthy step",
        "one call of 12 failed, less than a quarter of all calls, and every limit was kept",
    ),
    (
        step(44.0, 0.5, turns=(9.0, 4.0)),
        {"retokenized"},
        "4 of 9 later turns extend the tokens before them",
        "compare extended_turns with later_turns",
    ),
    (
        step(44.0, 0.5, gap=0.05),
        {"off-policy"},
        "a gap of 0.05 nats",
        "logprob_gap above 0.02 is too much",
    ),
    (
        step(38.0, 0.3, entropy=0.1),
        {"collapse"},
        "an entropy of 0.1 at a reward of 0.3",
        "below a fifth of the first entropy, and the reward is below 0.9",
    ),
    (
        step(38.0, 0.98, entropy=0.1),
        set(),
        "an entropy of 0.1 at a reward of 0.98",
        "a model that is sure and right has not collapsed: look at the reward, too",
    ),
    (
        step(70.0, 0.6),
        {"longer"},
        "70 tokens where there were 40",
        "completion_tokens_mean above 1.5 times the first step's",
    ),
    (
        step(41.0, 0.6, errors=5),
        {"format"},
        "5 of 12 calls failed",
        "tool_errors by all calls: tool_calls_per_rollout times the sum of stop_reasons['train']",
    ),
    (
        step(90.0, 0.3, gap=0.3, errors=9, entropy=0.15),
        {"off-policy", "longer", "format", "collapse"},
        "four troubles at once",
        "return all that you find, not the first one",
    ),
    (
        step(41.0, 1.0, entropy=None),
        set(),
        "a step without an update, because no group's rewards differed",
        'last["update"] is None there: (last["update"] or {}).get(...)',
    ),
)


@exercise("9.2")
def exercise_9_2(
    diagnose: Callable[[Mapping[str, Any], Mapping[str, Any]], Collection[str]],
) -> Findings:
    """The diagnosis of nine steps."""
    for number, (last, expected, example, fix) in enumerate(CASES):
        try:
            found = diagnose(FIRST, last)
        except Exception as error:
            if number == 0:  # it fails anyway: once is enough, with its line
                raise
            yield wrong(f"{example}: it raised {type(error).__name__}: {error}", fix)
            continue
        if isinstance(found, str) or not isinstance(found, Collection):
            yield wrong(
                f"{example}: it returns {found!r:.40}, not a set of names",
                "collect the names in a set, which may be empty",
            )
            return
        names = sorted(map(str, found))
        if set(names) == expected:
            yield right(f"{example}: {', '.join(names) or 'nothing'}")
        else:
            should = ", ".join(sorted(expected)) or "nothing"
            yield wrong(f"{example}: it says {', '.join(names) or 'nothing'}, not {should}", fix)


# --- 9.3

LEAST_ROWS = 16
LEAST_GAIN = 0.2
NEAR = 0.1
"""A checkpoint this close to the best validation reward is as good a choice."""
WAYS_OUT = {
    "asked in validation": "compare reference answers, not wordings, with those of validation",
    "asked twice": "keep the first row of each reference answer",
    "answer in the question": "leave out a row whose question holds its own reference answer",
    "not in the log": "look for the reference answer in the log: the tool shows nothing else",
    "no ship named": "leave out a question that names no ship: several answers are right",
}


@exercise("9.3")
def exercise_9_3(plan: object) -> Findings:
    """Rows, grader and budget first; then the job, the checkpoint, and the held-out questions."""
    if not isinstance(plan, Plan):
        yield wrong(
            f"plan is a {type(plan).__name__}",
            "plan = capstone.Plan(choose_rows, grade, SETTINGS, pick)",
        )
        return
    found = [*_part("choose_rows", _rows, plan), *_part("grade", _grader, plan)]
    if "rows" in vars(plan):  # choose_rows has returned
        found += _part("SETTINGS", _budget, plan)
    if plan.pick is missing:
        found.append(wrong("pick is missing", "write it, and give it to Plan: pick=pick"))
    yield from found
    if all(finding.is_right for finding in found):
        plan.train()
        yield right(f"the job used {plan.spent} of {BUDGET} rollouts in {len(plan.steps)} steps")
        yield from _outcome(plan)


def _part(name: str, check: Callable[[Plan], Findings], plan: Plan) -> list[Finding]:
    """The findings about one part. One that is missing or fails does not hide the others."""
    try:
        return list(check(plan))
    except NotImplementedError:
        return [wrong(f"{name} is missing", f"write it, and give it to Plan: {name}={name}")]
    except Exception as error:
        return [
            wrong(
                f"{name}: it raised {type(error).__name__}: {error}",
                "call it yourself in a new cell, and read the traceback",
            )
        ]


def _rows(plan: Plan) -> Findings:
    given, rows = candidates(), plan.rows
    known = {question(one): one for one in given.pool}
    strange = [one for one in rows if not isinstance(one, dict) or known.get(_asked(one)) != one]
    if strange:
        yield wrong(
            f"{len(strange)} rows are not in the pool, such as {_asked(strange[0])!r:.60}",
            "return rows of the pool, unchanged",
        )
        return
    bad = 0
    for fault, traps in given.traps.items():
        kept = _doubles(rows) if fault == "asked twice" else [one for one in rows if one in traps]
        bad += len(kept)
        if kept:
            yield wrong(
                f"{len(kept)} rows: {fault}, such as {question(kept[0])!r}", WAYS_OUT[fault]
            )
    if bad:
        return
    if len(rows) < LEAST_ROWS:
        yield wrong(
            f"{len(rows)} rows are left of {len(given.clean)} good ones",
            "drop only what you can name a fault of",
        )
    else:
        yield right(f"{len(rows)} rows, and none of the {len(given.traps)} kinds of trap")


def _asked(row: Any) -> str:
    try:
        return question(row)
    except (TypeError, LookupError):
        return repr(row)


def _doubles(rows: Sequence[Row]) -> list[Row]:
    """The rows whose reference an earlier row has."""
    seen, found = set[str](), list[Row]()
    for row in rows:
        if row["reference_answer"] in seen:
            found.append(row)
        seen.add(row["reference_answer"])
    return found


def _grader(plan: Plan) -> Findings:
    """Try the grader with answers that a model will find."""
    entry, other = log()[0], log()[1]
    item, reference = {"reference_answer": entry["fitted"]}, entry["fitted"]

    def score(text: str | None) -> float:
        sample: Row = {"output_text": text, "output_tools": []}
        found = plan.grade(sample, item)
        if not isinstance(found, int | float | np.number | np.bool_):
            raise TypeError(f"grade returned {found!r}, which is not a number")
        return float(found)

    full = score(reference)
    if not (math.isfinite(full) and 0.5 <= full <= 1):
        yield wrong(
            f"the right answer {reference!r} gets {full:g}", "full marks for it: a score of 1"
        )
        return
    wrongs = {
        "the serial that was removed": entry["removed"],
        "another part's serial": other["fitted"],
        "no answer": "",
        "a missing answer (None)": None,
        "a refusal": "I could not find the answer.",
        "a piece of the serial": reference[:4],
        "a longer serial that begins the same": f"{reference}7",
        "both serials": f"{entry['removed']} or {reference}",
        "all that the tool returned": search("alma"),
    }
    generous = {name: score(text) for name, text in wrongs.items()}
    for name, given in generous.items():
        if not 0 <= given <= full / 2:
            yield wrong(
                f"{name} gets {given:g}, and the right answer {full:g}",
                "compare the whole answer with the reference: a model finds every cheaper way",
            )
    if all(0 <= given <= full / 2 for given in generous.values()):
        yield right(f"the grader gives the answer {full:g}, and resists {len(wrongs)} attacks")


def _budget(plan: Plan) -> Findings:
    settings: object = plan.settings
    if not isinstance(settings, Mapping):
        yield wrong(f"SETTINGS is a {type(settings).__name__}", "a dictionary: see lesson 05")
        return
    try:
        planned = rollouts_of(settings, len(plan.rows), len(candidates().validation))
    except (TypeError, ValueError, ZeroDivisionError) as error:
        yield wrong(f"the settings cannot be read ({error})", 'numbers, or "auto"')
        return
    if planned > BUDGET:
        yield wrong(
            f"this job takes {planned:,} rollouts, and {BUDGET} are allowed; it was not launched",
            "rows × epochs × group size, plus validation rows × number of validations",
        )
    else:
        yield right(f"{planned} rollouts are planned, within {BUDGET}")


def _outcome(plan: Plan) -> Findings:
    chosen = plan.pick(plan.checkpoints)
    name = chosen.model if isinstance(chosen, Checkpoint) else str(chosen)
    kept = {one.model: one for one in plan.checkpoints}
    if name not in kept:
        yield wrong(
            f"pick returns {chosen!r:.60}, which is not a checkpoint of this job",
            "return one of the checkpoints, or its .model",
        )
        return
    yield _choice(kept[name], plan.checkpoints)
    gain, before, after = _gain(name)
    told = f"{before:.2f} to {after:.2f} on questions about ships it has not seen: {gain:+.2f}"
    if gain.value >= LEAST_GAIN and gain.is_clear_of_zero:
        yield right(told)
        return
    varied = [1 - step["mean_unresponsive_rewards"] for step in plan.steps]
    yield wrong(
        f"{told}, and +{LEAST_GAIN} was asked for",
        f"the job made {len(plan.steps)} updates, and {np.mean(varied):.0%} of its groups varied: "
        "smaller batches make more updates of the same rollouts",
    )


def _choice(chosen: Checkpoint, kept: Sequence[Checkpoint]) -> Finding:
    validated = [one.valid_reward_mean for one in kept if one.valid_reward_mean is not None]
    mine, best = chosen.valid_reward_mean, max(validated, default=0.0)
    if mine is None or mine < best - NEAR:
        at = "without a validation" if mine is None else f"with a validation reward of {mine:.2f}"
        return wrong(
            f"the checkpoint of step {chosen.step} is one {at}; the best has {best:.2f}",
            "choose by validation reward, never by training reward or held-out questions",
        )
    return right(f"the checkpoint of step {chosen.step}, with a validation reward of {mine:.2f}")


def _gain(model: str) -> tuple[Interval, float, float]:
    """The gain over the base model on the held-out questions, and both mean rewards."""
    with served(app(_exact)) as url, tempfile.TemporaryDirectory() as folder:
        before, after = (
            _rewards(name, url, Path(folder) / f"{number}.jsonl")
            for number, name in enumerate((session.OFFLINE_MODEL, model))
        )
    return paired_difference(before, after), float(np.mean(before)), float(np.mean(after))


def _exact(sample: Mapping[str, Any], item: Mapping[str, Any]) -> float:
    return float((sample.get("output_text") or "").strip() == item["reference_answer"])


def _rewards(model: str, url: str, file: Path) -> list[float]:
    """In a separate thread, because a notebook's thread already runs an event loop."""

    async def run() -> list[float]:
        records = await evaluate(
            held_out(),
            model=model,
            file=file,
            max_steps=6,
            server=ToolServer(url, "unused"),
            progress=False,
        )
        return [record.reward or 0.0 for record in records]

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()
