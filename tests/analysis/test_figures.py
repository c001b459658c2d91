"""Figures: the data that is drawn, the finding in the title, and the alt text."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import count, pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib import image

from buildhour_helpers.analysis import figures
from buildhour_helpers.analysis.figures.chart import AFTER, BEFORE
from buildhour_helpers.analysis.statistics import Interval, agreement
from buildhour_helpers.rollouts import Metrics, RolloutRecord, StopReason

RUNNING = count()


def record(
    question: str, reward: float | None, tools: str = "search cat", simulated: bool = True
) -> RolloutRecord:
    made = tools.split()
    calls = [{"type": "function_call", "name": name} for name in made]
    return RolloutRecord(
        question_id=question,
        repeat=next(RUNNING),
        model="sim",
        trace_id=f"trace_{next(RUNNING)}",
        trace=[{"role": "user", "content": "?"}, *calls],
        answer="1",
        reward=reward,
        correct=reward == 1.0,
        metrics=Metrics(
            tool_calls=len(made),
            latency_s=9.0,
            simulated_latency_s=float(len(made)) if simulated else None,
        ),
        stop_reason=StopReason.ANSWERED,
    )


BEFORE_RECORDS = [
    record("q1", 0.0, "search search cat"),
    record("q1", 1.0, "search search cat"),
    record("q2", 0.5, "list cat cat"),
    record("q2", 0.5, "list cat cat"),
    record("q3", 1.0, "search"),
    record("q3", 1.0, "search"),
    record("q3", None),
]
AFTER_RECORDS = [
    record("q1", 1.0, "search cat"),
    record("q2", 1.0, "list list cat cat"),
    record("q3", 0.0, "search cat"),
]


def step(number: int, **changed: Any) -> dict[str, Any]:
    """A metrics event; every second step is validated."""
    is_validated = number % 2 == 0
    valid = {"rollouts": 10, "tool_calls": 70, "reasoning_tokens": 900}
    return {
        "step": number,
        "total_steps": 4,
        "train_mean_reward": number / 10,
        "full_valid_mean_reward": number / 8 if is_validated else None,
        "tool_calls_per_rollout": 8.0 - number,
        "reasoning_tokens_mean": 100.0,
        "completion_tokens_mean": 40.0,
        "mean_unresponsive_rewards": 0.25,
        "tool_calls_by_name": {"search": 16, "cat": 8 * number},
        "tool_errors": number,
        "usage": {
            "train": {"rollouts": 16},
            "valid": valid if is_validated else dict.fromkeys(valid, 0),
        },
        "errors": {"train_discarded": 4},
        "stop_reasons": {"train": {"answered": 3, "length_limit": 1}},
        "update": {"entropy": 1.5, "logprob_gap": 2e-6} if number < 4 else None,
        **changed,
    }


STEPS = [step(number) for number in range(1, 5)]

LONG_NAMES = [f"look_up_a_{what}_of_the_report" for what in "abcdefghijkl"]
MANY = [record("q1", 1.0, " ".join(LONG_NAMES[:8])), record("q1", 0.0, " ".join(LONG_NAMES[:8]))]
OF_MANY = [step(1, tool_calls_by_name={name: n for n, name in enumerate(LONG_NAMES, 1)})]


CHARTS = {
    "agent_rft_loop": figures.agent_rft_loop(),
    "reward_variance": figures.reward_variance(BEFORE_RECORDS),
    "reward_against_latency": figures.reward_against_latency(BEFORE_RECORDS, AFTER_RECORDS),
    "question_deltas": figures.question_deltas(BEFORE_RECORDS, AFTER_RECORDS),
    "tool_transitions": figures.tool_transitions(BEFORE_RECORDS, AFTER_RECORDS),
    "distributions": figures.distributions({"before": BEFORE_RECORDS, "after": AFTER_RECORDS}),
    "training_curves": figures.training_curves(STEPS, note="simulated model"),
    "never validated": figures.training_curves(
        [step(number, full_valid_mean_reward=None) for number in range(1, 5)]
    ),
    "all discarded": figures.training_curves(
        [step(1, train_mean_reward=None, full_valid_mean_reward=None)] * 2
    ),
    "under a penalty": figures.training_curves(
        [step(1, reasoning_token_penalty=0.08)], note="simulated model"
    ),
    "token_metrics": figures.token_metrics(STEPS),
    "training_gaps": figures.training_gaps({"one": STEPS, "other": STEPS}),
    "tool_mix": figures.tool_mix(STEPS, note="simulated model"),
    "tool_mix, many": figures.tool_mix(OF_MANY),
    "tool_transitions, many": figures.tool_transitions(MANY, MANY),
    "unusable_rollouts": figures.unusable_rollouts(STEPS, note="simulated model"),
    "intervals": figures.intervals(
        {"one": Interval(0.2, 0.1, 0.3), "two": Interval(0.3, 0.25, 0.35)},
        "Two were measured",
        line=("best of 3", 0.5),
    ),
    "against_length": figures.against_length(
        {"short": 100.0, "long": 4000.0},
        {"short": Interval(0.2, 0.1, 0.3), "long": Interval(0.4, 0.3, 0.5)},
        {"short": Interval(9000, 8000, 9500), "long": Interval(40000, 39000, 41000)},
        "Longer results cost more",
    ),
    "sample_efficiency": figures.sample_efficiency(
        {"few": [[(100, 0.3), (200, 0.4)], [(120, 0.2), (220, 0.3)]], "many": [[(300, 0.5)]]},
        "Two choices of samples",
        before=0.25,
    ),
    "grader_agreement": figures.grader_agreement(agreement([0, 0.5, 1, 1], [0, 1, 1, 1])),
    "score_and_accuracy": figures.score_and_accuracy(
        {"scores": {"lax": [0.1], "strict": [0.2]}, "accuracy": [0.2]},
        [
            {"grader": "lax", "scores": {"lax": [0.9]}, "accuracy": [0.1]},
            {"grader": "lax", "scores": {"lax": [0.7]}, "accuracy": [0.1]},
            {"grader": "strict", "scores": {"strict": [0.4]}, "accuracy": [0.4]},
        ],
    ),
}


@pytest.mark.parametrize("name", sorted(set(CHARTS) - {"agent_rft_loop"}))
def test_a_figure_says_what_it_shows_and_its_texts_stay_inside(name: str) -> None:
    """On white, with a name on every axis, and no text over another."""
    chart = CHARTS[name]
    png, metadata = chart._repr_png_()
    assert metadata == {"alt": chart.alt_text()}
    assert chart.alt_text().startswith(f"{chart.get_suptitle()}. ")
    assert any(letter.isdigit() for letter in chart.alt_text())
    assert np.allclose(image.imread(io.BytesIO(png), format="png")[0, -1, :3], 1.0)
    width, height = chart.get_size_inches() * chart.dpi
    title = chart._suptitle.get_window_extent()  # type: ignore[attr-defined]
    assert title.x0 >= 0
    assert title.x1 <= width * 1.005
    assert title.y1 <= height * 1.005
    for axis in chart.axes:
        assert axis.get_window_extent().y1 <= title.y0
        assert axis.get_xlabel()
        same_scale = axis.get_shared_y_axes().get_siblings(axis)
        named = any(label.get_text()[:1].isalpha() for label in axis.get_yticklabels())
        assert named or any(one.get_ylabel() for one in same_scale)
        left, right = axis.get_xlim()
        ticks = (tick for tick in axis.xaxis.get_major_ticks() if left <= tick.get_loc() <= right)
        names = [tick.label1.get_window_extent() for tick in ticks]
        assert all(not one.overlaps(other) for one, other in pairwise(names))


def test_a_simulated_model_and_a_penalty_are_named_below() -> None:
    assert CHARTS["reward_variance"].get_supxlabel() == "simulated model"
    real = [record("q", reward, simulated=False) for reward in (0.0, 1.0)]
    assert figures.reward_variance(real).get_supxlabel() == ""
    assert CHARTS["training_curves"].get_supxlabel() == "simulated model"
    said = "simulated model; penalty of 0.08 per 1,000 reasoning tokens"
    assert CHARTS["under a penalty"].get_supxlabel() == said


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (True, True, "simulated latency"),
        (False, False, "latency"),
        (False, True, "latency, simulated in part"),
    ],
)
def test_latency_is_called_simulated_where_it_is(before: bool, after: bool, name: str) -> None:
    one, other = (
        [record(f"q{n}", n / 2, simulated=simulated) for n in range(3)]
        for simulated in (before, after)
    )
    label = figures.reward_against_latency(one, other).axes[0].get_xlabel()
    assert label == f"mean {name} per rollout (s)"
    spread = figures.distributions({"one": one, "other": other})
    assert spread.axes[1].get_xlabel().startswith(f"{name} per rollout (s)")
    deltas = figures.question_deltas(one, other, cost="latency_s")
    assert deltas.axes[0].get_xlabel() == f"change of {name} (s) per rollout"


def test_the_points_lie_at_the_means_of_reward_and_latency() -> None:
    (axis,) = CHARTS["reward_against_latency"].axes
    points = [(c[0].get_xdata()[0], c[0].get_ydata()[0]) for c in axis.containers]
    assert np.allclose(points, [(7 / 3, 2 / 3), (8 / 3, 2 / 3)])
    assert [container[0].get_color() for container in axis.containers] == [BEFORE, AFTER]


def test_the_deltas_are_those_of_each_question() -> None:
    (axis,) = CHARTS["question_deltas"].axes
    points = axis.collections[0].get_offsets()
    assert np.asarray(points).tolist() == [[-1.0, 0.5], [1.0, 0.5], [1.0, -1.0]]
    assert [int(text.get_text().rpartition(": ")[2]) for text in axis.texts] == [1, 1, 0, 1, 0]


def test_questions_with_the_same_change_share_one_dot() -> None:
    """The same mean out of other sums may differ in its last bit."""
    before = [record(f"q{n}", 0.0) for n in range(3) for _ in range(3)]
    after = [record(f"q{n}", reward) for n in (0, 1) for reward in (0.1, 0.2, 0.3)]
    after += [record("q1", 0.2), *(record("q2", 0.0) for _ in range(3))]
    dots = figures.question_deltas(before, after).axes[0].collections[0]
    assert np.asarray(dots.get_offsets()).round(3).tolist() == [[0.0, 0.2], [0.0, 0.0]]
    both, one = dots.get_sizes()
    assert both == 2 * one


def test_transitions_count_from_start_to_answer() -> None:
    before, _ = CHARTS["tool_transitions"].axes
    rows = [label.get_text() for label in before.get_yticklabels()]
    columns = [label.get_text() for label in before.get_xticklabels()]
    assert rows == ["start", "cat", "list", "search"]
    assert columns == ["cat", "list", "search", "answer"]
    shares = np.asarray(before.images[0].get_array())
    assert shares.sum(axis=1) == pytest.approx(1.0)
    assert shares[0].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 0])


def test_the_curves_hold_every_step_and_only_validated_steps() -> None:
    reward, calls, tokens = CHARTS["training_curves"].axes
    dots, mean, valid = reward.lines
    assert list(dots.get_ydata()) == [0.1, 0.2, 0.3, 0.4]
    assert list(mean.get_ydata()) == pytest.approx([0.2, 0.25, 0.25, 0.3])
    assert valid.get_xydata().tolist() == [[2, 0.25], [4, 0.5]]
    assert list(calls.lines[0].get_ydata()) == [7, 6, 5, 4]
    assert calls.lines[2].get_xydata().tolist() == [[2, 7], [4, 7]]
    assert tokens.lines[2].get_xydata().tolist() == [[2, 90], [4, 90]]


def test_the_mix_has_a_panel_for_all_tools_and_for_each() -> None:
    """Of many tools, the less called are added up."""
    drawn = {axis.get_title(loc="left"): axis for axis in CHARTS["tool_mix"].axes}
    assert {name: list(axis.lines[0].get_ydata()) for name, axis in drawn.items()} == {
        "all tools": [1.5, 2.0, 2.5, 3.0],
        "cat": [0.5, 1.0, 1.5, 2.0],
        "search": [1.0] * 4,
    }
    assert len({axis.get_ylim() for axis in drawn.values()}) == 1
    axes = CHARTS["tool_mix, many"].axes
    titles = [axis.get_title(loc="left") for axis in axes]
    assert titles == ["all tools", *reversed(LONG_NAMES[-6:]), "6 others"]
    total, *parts = (float(axis.lines[0].get_ydata()[0]) for axis in axes)
    assert total == pytest.approx(sum(parts))


def test_intervals_stand_under_each_other_the_first_on_top() -> None:
    (axis,) = CHARTS["intervals"].axes
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["one", "two"]
    whiskers = [list(line.get_xdata()) for line in axis.lines[:4:2]]
    assert whiskers == [[0.1, 0.3], [0.25, 0.35]]
    assert axis.yaxis_inverted()
    assert [text.get_text() for text in axis.texts] == ["best of 3"]


def test_the_histograms_are_shares_that_sum_to_one() -> None:
    scores, durations = CHARTS["distributions"].axes
    for bars in scores.containers:
        assert sum(bar.get_height() for bar in bars) == pytest.approx(1.0)
    for line in durations.patches:
        assert np.nansum(line.get_data().values) == pytest.approx(1.0)
        assert (line.get_data().values != 0).all()  # nothing is no line along the axis
    labels = map(scores.yaxis.get_major_formatter(), (0.4, 0.07, 0.025))
    assert list(labels) == ["40%", "7%", "2.5%"]


def test_the_curves_start_at_zero_so_that_a_growing_job_keeps_its_scale() -> None:
    assert {axis.get_ylim()[0] for axis in CHARTS["training_curves"].axes} == {0.0}
    below = figures.training_curves([step(1, train_mean_reward=-1.0), step(2)])
    assert below.axes[0].get_ylim()[0] == -1.0


def test_a_wide_gap_has_a_bar_even_where_its_neighbours_have_none() -> None:
    steps = [
        step(number, train_mean_reward=0.5, full_valid_mean_reward=reward)
        for number, reward in enumerate((0.5, 0.2, 0.5), 1)
    ]
    (bars,) = figures.training_gaps({"a job": steps}).axes[0].collections
    assert [bar.tolist() for bar in bars.get_segments()] == [[[2.0, 0.2], [2.0, 0.5]]]


NEVER_VALIDATED = [step(1, full_valid_mean_reward=None)]
UNGRADED = [record("q1", None)]


@pytest.mark.parametrize(
    ("draw", "missing"),
    [
        (lambda: figures.training_curves([]), "no metrics event yet"),
        (lambda: figures.unusable_rollouts([]), "no metrics event yet"),
        (lambda: figures.tool_mix([step(1, tool_calls_by_name={})]), "no tool call yet"),
        (lambda: figures.training_gaps({}), "no job"),
        (lambda: figures.training_gaps({"a job": NEVER_VALIDATED}), "a job has no step with a tr"),
        (lambda: figures.score_and_accuracy({}, []), "no run"),
        (lambda: figures.intervals({}, "Nothing"), "nothing was measured"),
        (lambda: figures.against_length({}, {}, {}, "Nothing"), "no design was given"),
        (lambda: figures.distributions({}), "no evaluation"),
        (lambda: figures.distributions({"before": UNGRADED}), "before: no rollout has a reward"),
        (lambda: figures.reward_variance([]), "no rollout has a reward; see their errors"),
        (lambda: figures.reward_variance(UNGRADED), "no rollout has a reward"),
        (lambda: figures.tool_transitions(BEFORE_RECORDS, UNGRADED), "no rollout has a reward"),
        (lambda: figures.reward_against_latency(UNGRADED, AFTER_RECORDS), "has a reward"),
        (lambda: figures.question_deltas(UNGRADED, AFTER_RECORDS), "no graded question in common"),
    ],
)
def test_what_is_missing_is_named(draw: Callable[[], object], missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        draw()


def test_failed_calls_are_a_share_of_all_calls_and_a_step_without_an_update_has_no_entropy() -> (
    None
):
    columns = {name: values.tolist() for name, values in figures.token_columns(STEPS).items()}
    assert columns["failed calls"] == pytest.approx([1 / 28, 2 / 24, 3 / 20, 4 / 16])
    assert columns["cut off"] == [0.25] * 4
    *entropy, last = columns["entropy"]
    assert entropy == [1.5] * 3
    assert np.isnan(last)


SAID = {
    "reward_variance": (
        "33% of questions vary over 2 repeats; best of 2 is 0.83 against a mean of 0.67. "
    ),
    "reward_against_latency": (
        "Reward +0.00 [-1.00, +0.50], simulated latency +0.3 [-1.0, +1.0] s: "
        "reward and latency not clear of zero. "
    ),
    "tool_transitions": "The same tool again: 20% of moves before, 18% after. ",
    "training_curves": "Validation reward went from 0.25 to 0.50. ",
    "never validated": "Training reward went from 0.10 to 0.40. ",
    "all discarded": "No reward yet. ",
    "under a penalty": "trained with a penalty of 0.08 per 1,000 reasoning tokens",
    "token_metrics": "entropy, nats per token from 1.5 to 1.5",
    "training_gaps": "gap +0.00 at 2, -0.20 at 4",
    "tool_mix": "Tool calls per rollout went from 1.5 to 3.0: cat +1.5. ",
    "score_and_accuracy": "lax: own score 0.10 to 0.80, accuracy 0.20 to 0.10",
    "distributions": "before: of 6 rollouts 17% have reward 0 and 50% reward 1, half take between",
    "agent_rft_loop": "step 5",
}


@pytest.mark.parametrize("name", SAID)
def test_title_and_alternative_text_hold_the_numbers(name: str) -> None:
    assert SAID[name] in CHARTS[name].alt_text()
