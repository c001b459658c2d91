"""Records as pictures: one evaluation, or the same questions before and after training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle, pairwise
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from buildhour_helpers.analysis.figures.chart import (
    AFTER,
    BEFORE,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Chart,
    need,
    panels,
    percent,
    percent_tick,
    styled,
)
from buildhour_helpers.analysis.statistics import Floats, best_of_n
from buildhour_helpers.analysis.summaries import (
    by_question,
    compare,
    graded,
    latency_s,
    question_means,
    summarise,
    varying_share,
)
from rft_wire.records import RolloutRecord

Records = Sequence[RolloutRecord]

UNITS = {
    "tool_calls": "tool calls",
    "reasoning_tokens": "reasoning tokens",
    "latency_s": "latency (s)",
}
AREA = 20.0  # square points of a dot, for each of its questions
START, END = "start", "answer"
OUTLINES = ((BEFORE, "--"), (AFTER, "-"), (GREEN, ":"), (GREY, "-."))
UNGRADED = "no rollout has a reward; see their errors"
MOST_LETTERS = 40  # of the names under a table that stand side by side
QUARTILES = (0.25, 0.5, 0.75)
BINS = 24  # of the durations
SHOWN = 0.99  # of the durations, so that a few long rollouts do not leave the axis empty


def note_of(*evaluations: Records) -> str:
    """ "simulated model" if one made the records."""
    simulated = any(
        record.metrics.simulated_latency_s is not None
        for records in evaluations
        for record in records
    )
    return "simulated model" if simulated else ""


@styled
def reward_variance(records: Records) -> Chart:
    """Each question's mean reward, its spread over the repeats and its best, sorted."""
    groups = by_question(records)
    need(groups, UNGRADED)
    rewards = sorted(
        ([record.reward or 0.0 for record in repeats] for repeats in groups.values()),
        key=lambda scores: (fmean(scores), max(scores)),
    )
    repeats = min(map(len, rewards))
    means, best = [fmean(scores) for scores in rewards], [max(scores) for scores in rewards]
    least, at = [min(scores) for scores in rewards], np.arange(len(rewards))
    expected = fmean(best_of_n(scores, repeats) for scores in rewards)
    varies = varying_share(records)
    finding = (
        f"{percent(varies)} of questions vary over {repeats} repeats; "
        f"best of {repeats} is {expected:.2f} against a mean of {fmean(means):.2f}"
    )
    chart = Chart(finding, note=note_of(records))
    axis = chart.subplots()
    axis.fill_between(
        at, least, best, step="mid", color=BLUE, alpha=0.2, linewidth=0, label="least to best"
    )
    axis.plot(at, best, "^", color=GREEN, markersize=3, label=f"best of {repeats}")
    axis.plot(at, means, ".", color=BLUE, markersize=4, label="mean")
    axis.set_xlabel("questions, sorted by mean reward")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_ylabel("reward")
    axis.set_ylim(-0.04, 1.04)
    axis.legend(loc="upper left")
    chart.describe(
        f"{len(rewards)} questions sorted by mean reward, each with its least, mean and best "
        f"reward. {means.count(0.0)} never score, {least.count(1.0)} always score 1."
    )
    return chart


@styled
def reward_against_latency(before: Records, after: Records) -> Chart:
    """Mean reward against mean latency of two models, each with its 95% intervals."""
    summaries = {"before": summarise(before), "after": summarise(after)}
    difference = compare(before, after).difference
    gain, delay = difference["reward"], difference["latency_s"]
    unclear = [
        name
        for name, change in (("reward", gain), ("latency", delay))
        if not change.is_clear_of_zero
    ]
    verdict = f"{' and '.join(unclear)} not clear of zero" if unclear else "both clear of zero"
    finding = f"Reward {gain:+.2f}, latency {delay:+.1f} s: {verdict}"
    chart = Chart(finding, note=note_of(before, after))
    axis = chart.subplots()
    words, points = [], []
    for (label, summary), colour, marker in zip(
        summaries.items(), (BEFORE, AFTER), "os", strict=True
    ):
        reward, latency = summary.measures["reward"], summary.measures["latency_s"]
        axis.errorbar(
            latency.value,
            reward.value,
            xerr=[[latency.value - latency.low], [latency.high - latency.value]],
            yerr=[[reward.value - reward.low], [reward.high - reward.value]],
            fmt=marker,
            color=colour,
            capsize=3,
            markersize=7,
        )
        at = (latency.value, reward.value)
        axis.annotate(label, at, (8, 8), textcoords="offset points")
        points.append(at)
        words.append(f"{label}: reward {reward:.2f}, latency {latency:.1f} s")
    arrow = {"arrowstyle": "->", "color": GREY, "shrinkA": 10, "shrinkB": 10}
    axis.annotate("", xy=points[1], xytext=points[0], arrowprops=arrow)
    axis.set_xlabel("mean latency of a rollout (s)")
    axis.set_ylabel("mean reward")
    axis.margins(0.25)
    axis.grid(visible=True, axis="both")
    chart.describe(f"An arrow between two points with 95% intervals. {'; '.join(words)}.")
    return chart


@styled
def question_deltas(before: Records, after: Records, cost: str = "tool_calls") -> Chart:
    """Each question's change of reward against its change of cost, counted in four quadrants."""
    old, new = (question_means(records, "reward") for records in (before, after))
    old_cost, new_cost = (question_means(records, cost) for records in (before, after))
    shared = [question for question in old if question in new]
    need(shared, "the two have no graded question in common")
    reward = np.array([new[question] - old[question] for question in shared])
    spent = np.array([new_cost[question] - old_cost[question] for question in shared])
    better, worse = int((reward > 0).sum()), int((reward < 0).sum())
    unchanged = len(shared) - better - worse
    finding = f"{better} of {len(shared)} questions got better, {worse} got worse"
    chart = Chart(finding, note=note_of(before, after), height=4.6)
    axis = chart.subplots()
    # Rounded, since the same mean may come out of other sums with another last bit.
    points = Counter(zip(spent.round(6).tolist(), reward.round(6).tolist(), strict=True))
    at, changes = np.array(list(points)).T
    colours = np.where(changes > 0, BLUE, np.where(changes < 0, ORANGE, GREY))
    axis.axhline(0, color=GREY, linewidth=0.8)
    axis.axvline(0, color=GREY, linewidth=0.8)
    sizes = [AREA * count for count in points.values()]
    axis.scatter(at, changes, c=colours, s=sizes, alpha=0.7, linewidths=0)
    counts = quadrants(reward, spent)
    corners = [(0.02, 0.98), (0.98, 0.98), (0.02, 0.02), (0.98, 0.02)]
    for (x, y), (name, count) in zip(corners, counts.items(), strict=True):
        sides: dict[str, Any] = {
            "ha": "left" if x < 0.5 else "right",
            "va": "top" if y > 0.5 else "bottom",
        }
        axis.text(x, y, f"{name}: {count}", transform=axis.transAxes, fontsize=8, **sides)
    axis.text(
        0.98, 0.53, f"same reward: {unchanged}", transform=axis.transAxes, fontsize=8, ha="right"
    )
    axis.set_title("A dot's area is its number of questions", fontsize=8)
    axis.set_xlabel(f"change of {UNITS[cost]} per rollout")
    axis.set_ylabel("change of mean reward")
    axis.set_ylim(-1.25, 1.25)
    limit = max(1.0, float(np.abs(spent).max())) * 1.1
    axis.set_xlim(-limit, limit)
    listed = ", ".join(f"{count} {name}" for name, count in counts.items())
    chart.describe(
        f"Dots that stand for {len(shared)} questions: {listed}; {unchanged} with the same reward."
    )
    return chart


def quadrants(reward: Floats, spent: Floats) -> dict[str, int]:
    """How many questions changed in reward, by whether they cost less or not."""
    less = spent < 0
    return {
        "better, cheaper": int(((reward > 0) & less).sum()),
        "better, not cheaper": int(((reward > 0) & ~less).sum()),
        "worse, cheaper": int(((reward < 0) & less).sum()),
        "worse, not cheaper": int(((reward < 0) & ~less).sum()),
    }


@styled
def tool_transitions(before: Records, after: Records) -> Chart:
    """Which tool follows which, as shares of the row, before and after."""
    counted = [transitions(records) for records in (before, after)]
    for label, pairs in zip(("before", "after"), counted, strict=True):
        need(pairs, f"{label}: {UNGRADED}")
    tools = sorted({name for pairs in counted for pair in pairs for name in pair} - {START, END})
    loops = [_share_of_repeats(pairs, tools) for pairs in counted]
    finding = f"The same tool again: {percent(loops[0])} of moves before, {percent(loops[1])} after"
    chart = Chart(finding, note=note_of(before, after), height=1.8 + 0.5 * (len(tools) + 1))
    words = []
    for axis, pairs, label in zip(panels(chart, 2), counted, ("before", "after"), strict=True):
        shares = _shares(pairs, [START, *tools], [*tools, END])
        _heat(axis, shares, [START, *tools], [*tools, END], label)
        strongest = max(pairs, key=lambda pair: (pairs[pair], pair))
        words.append(f"{label}: most often {strongest[1]} after {strongest[0]}")
    chart.describe(f"Two tables of which tool follows which. {'; '.join(words)}.")
    return chart


def transitions(records: Records) -> Counter[tuple[str, str]]:
    """How often one call follows another, with `start` before the first and `answer` last."""
    pairs: Counter[tuple[str, str]] = Counter()
    for record in graded(records):
        made = [item["name"] for item in record.trace if item.get("type") == "function_call"]
        end = [END] if record.answer is not None else []
        pairs.update(pairwise([START, *made, *end]))
    return pairs


def _share_of_repeats(pairs: Mapping[tuple[str, str], int], tools: Iterable[str]) -> float:
    total = sum(pairs.values())
    return sum(pairs.get((tool, tool), 0) for tool in tools) / total if total else 0.0


def _shares(
    pairs: Mapping[tuple[str, str], int], rows: Sequence[str], columns: Sequence[str]
) -> Floats:
    counts = np.array([[float(pairs.get((row, column), 0)) for column in columns] for row in rows])
    totals = counts.sum(axis=1, keepdims=True)
    shares: Floats = counts / np.maximum(totals, 1)
    return shares


def _heat(
    axis: Axes, shares: Floats, rows: Sequence[str], columns: Sequence[str], title: str
) -> None:
    axis.grid(visible=False)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1.2, aspect="auto")
    is_crowded = sum(map(len, columns)) > MOST_LETTERS
    axis.set_xticks(range(len(columns)), columns, rotation=90 if is_crowded else 0)
    axis.set_yticks(range(len(rows)), rows)
    axis.set_xlabel("then, share of the row")
    axis.set_ylabel("this tool")
    axis.set_title(title)
    for row, values in enumerate(shares):
        for column, share in enumerate(values):
            colour = "white" if share > 0.6 else "black"
            axis.text(
                column, row, percent(share), ha="center", va="center", color=colour, fontsize=8
            )


@styled
def distributions(evaluations: Mapping[str, Records]) -> Chart:
    """How rewards and durations are spread, an outline for each of the named evaluations."""
    need(evaluations, "no evaluation was given")
    kept = {name: graded(records) for name, records in evaluations.items()}
    for name, records in kept.items():
        need(records, f"{name}: {UNGRADED}")
    shares = {name: fmean(record.correct for record in records) for name, records in kept.items()}
    spread = {name: np.quantile(_durations(records), QUARTILES) for name, records in kept.items()}
    finding = "; ".join(
        f"{name}: {percent(shares[name])} right, median {spread[name][1]:.1f} s" for name in kept
    )
    chart = Chart(finding, note=note_of(*evaluations.values()), height=3.6)
    scores, durations = panels(chart, 2)
    rewards = {name: [record.reward or 0.0 for record in of] for name, of in kept.items()}
    longest_s = max(
        float(np.quantile(_durations(records), SHOWN, method="higher")) for records in kept.values()
    )
    looks = dict(zip(kept, cycle(OUTLINES), strict=False))
    scores.hist(
        list(rewards.values()),
        np.linspace(-0.05, 1.05, 12).tolist(),
        weights=[np.full(len(of), 1 / len(of)) for of in rewards.values()],
        color=[colour for colour, _ in looks.values()],
        label=list(kept),
    )
    for name, (colour, dashes) in looks.items():
        counts, edges = np.histogram(_durations(kept[name]), np.linspace(0, longest_s, BINS + 1))
        # No line where there is nothing: the lines of several would lie on each other.
        share = np.where(counts, counts / len(kept[name]), np.nan)
        look: dict[str, Any] = {"color": colour, "linestyle": dashes, "linewidth": 1.8}
        durations.stairs(share, edges, baseline=None, label=name, **look)
    durations.set_xlim(0, longest_s)
    durations.set_ylim(bottom=0)
    scores.set_xlabel("reward")
    durations.set_xlabel(f"duration of a rollout (s), up to the {100 * SHOWN:.0f}th percentile")
    for axis in (scores, durations):
        axis.set_ylabel("share of rollouts")
        axis.yaxis.set_major_formatter(percent_tick)
        axis.legend(loc="best")
    listed = "; ".join(_spread_in_words(name, rewards[name], spread[name]) for name in kept)
    chart.describe(f"Histograms of reward and of duration. {listed}.")
    return chart


def _spread_in_words(name: str, rewards: Sequence[float], duration_s: Floats) -> str:
    none, full = (percent(fmean(reward == at for reward in rewards)) for at in (0.0, 1.0))
    return (
        f"{name}: of {len(rewards)} rollouts {none} have reward 0 and {full} reward 1, half take "
        f"between {duration_s[0]:.1f} and {duration_s[2]:.1f} s"
    )


def _durations(records: Records) -> list[float]:
    return [latency_s(record) for record in records]
