"""The softmax, the gradient of PPO's clipped objective (checked against finite differences), and
Adam's state."""

import json
from dataclasses import replace

import numpy as np
import pytest

from rft_service.engines.simulated.weights import (
    MAX_SUMS,
    Decision,
    Weights,
    policy_gradient,
    softmax,
)

FAMILIES = {"pick": ("a", "b", "c")}
FEATURES = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0], [0.5, 0.5, 0.0]])
BLOCKS = ("pick", "pick/all")
OWN = ("pick/x", "pick/y", "pick/x")
CLIP = 0.2


def filled(seed: int = 0) -> Weights:
    weights = Weights(FAMILIES)
    rng = np.random.default_rng(seed)
    values = {
        f"{block}:{name}": rng.normal()
        for block in (*BLOCKS, "pick/x", "pick/y")
        for name in FAMILIES["pick"]
    }
    weights.load({"weights": values})
    return weights


def chosen(index: int, weights: Weights, ratio: float = 1.0) -> Decision:
    """The choice of candidate `index`, whose probability has become `ratio` times what it was."""
    now = float(weights.probabilities(FEATURES, BLOCKS, OWN)[index])
    return Decision(index, now / ratio, FEATURES, BLOCKS, OWN)


def clipped_objective(weights: Weights, weighted) -> float:
    """Schulman et al., arXiv 1707.06347, equation 7: the mean over trajectories."""
    total = 0.0
    for advantage, decisions in weighted:
        for decision in decisions:
            ratio = weights.of(decision)[decision.index] / decision.probability
            within = min(max(ratio, 1 - CLIP), 1 + CLIP)
            total += min(ratio * advantage, within * advantage)
    return total / len(weighted)


def slopes(weights: Weights, weighted) -> dict[str, list[float]]:
    """The objective's derivative by every weight, by central differences."""
    named, step = weights.as_dict(), 1e-6
    found: dict[str, list[float]] = {}
    for name in named:
        ends = []
        for moved in (named[name] + step, named[name] - step):
            other = Weights(FAMILIES)
            other.load({"weights": named | {name: moved}})
            ends.append(clipped_objective(other, weighted))
        found.setdefault(name.partition(":")[0], []).append((ends[0] - ends[1]) / (2 * step))
    return found


def test_unknown_tool_names_leave_nothing_in_memory():
    """A client may ask a service for any tool names, as long as it runs."""
    weights = filled()
    for number in range(MAX_SUMS + 100):
        weights.summed(("pick", f"pick/tool{number}"))
    assert len(weights._summed) <= MAX_SUMS
    assert set(weights._theta) == set(filled()._theta)
    assert weights.save() == filled().save()


def test_the_gradient_is_that_of_the_clipped_objective():
    weights = filled()
    weighted = [
        (1.0, [chosen(0, weights), chosen(1, weights, ratio=1.15)]),
        (-0.5, [chosen(2, weights, ratio=0.9), chosen(1, weights, ratio=1.6)]),
        (0.7, [chosen(2, weights, ratio=0.4), chosen(0, weights, ratio=1.5)]),  # the last: clipped
        (0.0, [chosen(1, weights)]),
    ]
    gradient = policy_gradient(weights, weighted, CLIP)
    expected = slopes(weights, weighted)
    assert set(gradient) == set(expected)
    for block, values in expected.items():
        assert gradient[block] == pytest.approx(values, abs=1e-6)


@pytest.mark.parametrize(
    ("advantage", "ratio", "learns"),
    [
        (1.0, 1.19, True),
        (1.0, 1.21, False),  # has become likely enough
        (1.0, 0.3, True),  # has become less likely: that is not what its reward asks for
        (-1.0, 0.81, True),
        (-1.0, 0.79, False),  # has become unlikely enough
        (-1.0, 3.0, True),
        (0.0, 1.0, False),
    ],
)
def test_a_decision_that_has_moved_beyond_the_clip_adds_nothing(advantage, ratio, learns):
    weights = filled()
    gradient = policy_gradient(weights, [(advantage, [chosen(1, weights, ratio)])], CLIP)
    assert bool(gradient) is learns


def test_probabilities_are_a_softmax_of_shared_and_own_weights():
    weights = filled()
    theta = weights.block("pick") + weights.block("pick/all")
    own = np.array([weights.block(name) for name in OWN])
    scores = [float(row @ (theta + more)) for row, more in zip(FEATURES, own, strict=True)]
    powers = np.exp(scores)
    found = weights.probabilities(FEATURES, BLOCKS, OWN)
    assert found == pytest.approx(powers / powers.sum())
    assert weights.of(chosen(0, weights)) == pytest.approx(found)
    # Without own blocks only the shared weights count, and unknown blocks are zero.
    shared = softmax(FEATURES @ theta)
    assert weights.probabilities(FEATURES, (*BLOCKS, "pick/new")) == pytest.approx(shared)


def test_choices_follow_the_probabilities():
    weights = filled()
    uniforms = (np.arange(2000) + 0.5) / 2000
    decisions = [weights.choose(FEATURES, BLOCKS, u, OWN) for u in uniforms]
    expected = weights.probabilities(FEATURES, BLOCKS, OWN)
    counts = np.bincount([decision.index for decision in decisions], minlength=3)
    assert counts / 2000 == pytest.approx(expected, abs=0.001)
    assert {d.probability for d in decisions} == {float(p) for p in expected}


def test_saved_weights_continue_exactly():
    one = filled()
    gradient = policy_gradient(one, [(0.7, [chosen(1, one)])], CLIP)
    one.ascend(gradient, 0.1)
    other = Weights(FAMILIES)
    other.load(json.loads(json.dumps(one.save())))
    for weights in (one, other):
        weights.ascend(gradient, 0.1)
    assert one.save() == other.save()


def test_a_reason_is_a_feature_that_raised_the_chosen_candidate():
    weights = Weights(FAMILIES)
    weights.load({"weights": {"pick:a": 3.0, "pick:c": -1.0}})
    decision = Decision(2, 1.0, np.eye(3), ("pick",))
    # Candidate c was taken in spite of its weight; a has a weight that speaks for it.
    assert weights.reasons(decision) == ()
    assert weights.reasons(replace(decision, index=0)) == ("a",)


def test_unknown_weights_are_refused_by_name():
    with pytest.raises(ValueError, match="pick:nonsense"):
        Weights(FAMILIES).load({"weights": {"pick:nonsense": 1.0}})
