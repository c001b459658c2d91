"""What good looks like, beside what was measured: a row per target, met or missed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from statistics import fmean
from typing import Any, NamedTuple

from buildhour_helpers.analysis.statistics import Interval, spearman

Figures = Mapping[str, Any]
"""The JSON of one file under data/runs/."""

QUARTER_LESS = -0.25
RISING = 0.5  # rank correlation of training reward with the step: visible as a slope


class Row(NamedTuple):
    target: str
    measured: str
    is_met: bool


def rows(figures: Mapping[str, Figures]) -> list[Row]:
    """The rows of every file that there is, in the order of the page."""
    return [row for name, of in ROWS.items() if name in figures for row in of(figures[name])]


def reward(comparison: Figures) -> Interval:
    return Interval(*comparison["difference"]["reward"])


def _study(study: Figures) -> Iterator[Row]:
    best = Interval(*study["best_prompt"]["measures"]["reward"])
    yield Row("best prompt: mean reward of 0.30 to 0.55", f"{best:.3f}", 0.30 <= best.value <= 0.55)
    varying = study["best_prompt"]["varying_share"]
    yield Row("a third or more of the questions vary", f"{varying:.0%}", varying >= 1 / 3)
    yield _gain("first prompt to best prompt", 0.04, study["prompt_against_first"])
    yield _gain("after Agent RFT, over the best prompt", 0.20, study["tuned_against_best"])
    gains = [reward(one["against_best"]).value for one in study["seeds"]]
    yield Row("the seed that gained least: +0.15 or more", f"{min(gains):+.3f}", min(gains) >= 0.15)
    calls_or_turns, tokens = ("tool_calls", "turns"), ("reasoning_tokens",)
    for measures in (calls_or_turns, tokens):
        label = " or ".join(measures).replace("_", " ")
        changes = {
            name: Interval(*study["tuned_against_best"]["change"][name]) for name in measures
        }
        yield Row(
            f"{label} down by a quarter or more",
            _listed({name: f"{change:+.0%}" for name, change in changes.items()}),
            min(change.value for change in changes.values()) <= QUARTER_LESS,
        )
        risen = {
            name: sum(one["against_best"]["change"][name][0] > 0 for one in study["seeds"])
            for name in measures
        }
        yield Row(
            f"{label} up in none of the {len(gains)} seeds",
            _listed({name: f"up in {count}" for name, count in risen.items()}),
            min(risen.values()) == 0,
        )


def _small(small: Figures) -> Iterator[Row]:
    seeds, rows = small["seeds"], small["rows"]
    questions = small["questions"]["validation"]
    size = f"a small job ({rows} rows that vary, {seeds[0]['job']['steps']} steps)"
    gain = reward(small["tuned_against_best"])
    yield Row(
        f"{size}: +0.08 or more on {questions} validation questions",
        f"{gain:+.3f}",
        gain.value >= 0.08,
    )
    above = sum(reward(one["against_best"]).low > 0 for one in seeds)
    yield Row(
        "its interval above zero in four of five seeds",
        f"{above} of {len(seeds)}",
        above >= 0.8 * len(seeds),
    )


def _demo(demo: Figures) -> Iterator[Row]:
    gain = demo["difference"]
    found = Interval(gain["mean_reward"], *gain["ci95"])
    yield Row("the default demo: +0.20 or more", f"{found:+.3f}, one job", found.value >= 0.20)
    curve = [(p["step"], p["train_reward_mean"]) for p in demo["curve"]]
    known = [(step, mean) for step, mean in curve if mean is not None]
    rho = spearman(*zip(*known, strict=True))
    fifth = max(1, len(known) // 5)
    first, last = (fmean(mean for _, mean in part) for part in (known[:fifth], known[-fifth:]))
    yield Row(
        f"its curve rises visibly (rank correlation with the step {RISING} or more)",
        f"training reward {first:.2f} to {last:.2f}, correlation {rho:.2f}",
        rho >= RISING and last > first,
    )


def _speed(speed: Figures) -> Iterator[Row]:
    first = f"commit {speed['commit'][:7]}'s"
    for name, target, is_met in (
        ("demo", f"the demo's time at most 0.75 of {first}", speed["demo"][0] <= 0.75),
        (
            "small_job_share",
            "a small job's time at most 0.2 of the demo's",
            speed["small_job_share"][0] <= 0.20,
        ),
        (
            "rollouts_in_process",
            f"rollouts a second in a job at least 1.5 times {first}",
            speed["rollouts_in_process"][0] >= 1.5,
        ),
    ):
        ratio = "{:.2f} ({:.2f} to {:.2f} in {} rounds)".format(*speed[name], speed["rounds"])
        yield Row(target, ratio, is_met)


def _hackable(hackable: Figures) -> Iterator[Row]:
    """The jobs that a sloppy rubric graded, their means over the seeds."""
    before = hackable["before"]
    after = [run for run in hackable["after"] if run["grader"] == "sloppy"]
    own = (before["scores"]["sloppy"][0], fmean(run["scores"]["sloppy"][0] for run in after))
    accuracy, true = Interval(*before["accuracy"]), fmean(run["accuracy"][0] for run in after)
    yield Row(
        f"a hackable grader ({len(after)} seeds): its score rises while accuracy does not",
        f"score {own[0]:.2f} to {own[1]:.2f}; accuracy {accuracy:.2f} to {true:.2f}",
        own[1] > own[0] and true <= accuracy.high,
    )
    words = {"sentence": "are a sentence", "several_numbers": "name several numbers"}
    habit = max(words, key=lambda name: float(after[0]["habits"][name]))
    seen = before["habits"][habit], fmean(run["habits"][habit] for run in after)
    yield Row(
        "the audit detects it: a habit that the questions do not ask for",
        f"answers that {words[habit]}: {seen[0]:.0%} to {seen[1]:.0%}",
        seen[1] - seen[0] >= 0.5,
    )


def _flat(flat: Figures) -> Iterator[Row]:
    seeds = flat["seeds"]
    changed = max(seed["weights_changed"] for seed in seeds)
    fewest = min(len(seed["warnings"]) for seed in seeds)
    yield Row(
        f"a zero-variance grader ({len(seeds)} seeds): nothing is learned, and the service says so",
        f"{changed} of {flat['flat']['weights']:,} weights changed, at least {fewest} warnings",
        changed == 0 and fewest > 0,
    )


def _finqa(study: Figures) -> Iterator[Row]:
    size = f"real FinQA ({len(study['seeds'])} seeds, {study['questions']['test']} questions)"
    yield _gain(size, 0.12, study["tuned_against_best"])
    discarded = sum(seed["job"]["discarded"] for seed in study["seeds"])
    rollouts = sum(seed["job"]["rollouts"] for seed in study["seeds"])
    yield Row("real FinQA: no rollout discarded", f"{discarded} of {rollouts:,}", discarded == 0)


def _gain(what: str, least: float, comparison: Figures) -> Row:
    gain = reward(comparison)
    return Row(
        f"{what}: {least:+.2f} or more, interval above zero",
        f"{gain:+.3f}",
        gain.value >= least and gain.low > 0,
    )


def _listed(by_measure: Mapping[str, str]) -> str:
    if len(by_measure) == 1:
        return next(iter(by_measure.values()))
    return "; ".join(f"{name.replace('_', ' ')} {text}" for name, text in by_measure.items())


ROWS: Mapping[str, Callable[[Figures], Iterator[Row]]] = {
    "study": _study,
    "study_small": _small,
    "study_demo": _demo,
    "speed": _speed,
    "hackable_grader": _hackable,
    "flat_grader": _flat,
    "study_finqa": _finqa,
}
