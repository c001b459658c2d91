"""The softmax and its gradient, checked against finite differences."""

import json

import numpy as np
import pytest

from rft_service.engines.simulated.weights import MAX_SUMS, Weights, mean_gradient, softmax

FAMILIES = {"pick": ("a", "b", "c")}
FEATURES = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0], [0.5, 0.5, 0.0]])
OWN = ["pick/x", "pick/y", "pick/x"]


def log_probability(weights: Weights, index: int) -> float:
    theta = weights.block("pick") + weights.block("pick/all")
    own = np.array([weights.block(name) for name in OWN])
    scores = FEATURES @ theta + (FEATURES * own).sum(axis=1)
    return float(np.log(softmax(scores)[index]))


def filled() -> Weights:
    weights = Weights(FAMILIES)
    rng = np.random.default_rng(0)
    values = {
        f"{block}:{name}": rng.normal()
        for block in ("pick", "pick/all", "pick/x", "pick/y")
        for name in FAMILIES["pick"]
    }
    weights.load({"weights": values})
    return weights


def test_unknown_tool_names_leave_nothing_in_memory():
    """A client may ask a service for any tool names, as long as it runs."""
    weights = filled()
    for number in range(MAX_SUMS + 100):
        weights.summed(("pick", f"pick/tool{number}"))
    assert len(weights._summed) <= MAX_SUMS
    assert set(weights._theta) == set(filled()._theta)
    assert weights.save() == filled().save()


@pytest.mark.parametrize("uniform", [0.05, 0.4, 0.8, 0.999])
def test_the_gradient_is_that_of_the_log_probability(uniform):
    weights = filled()
    decision = weights.choose(FEATURES, ("pick", "pick/all"), uniform, OWN)
    gradient = mean_gradient([(1.0, [decision])], 1)
    for block in ("pick", "pick/all", "pick/x", "pick/y"):
        for index in range(3):
            theta, step = weights.block(block), 1e-6
            theta[index] += step
            above = log_probability(weights, decision.index)
            theta[index] -= 2 * step
            below = log_probability(weights, decision.index)
            theta[index] += step
            assert gradient[block][index] == pytest.approx((above - below) / (2 * step), abs=1e-6)


def test_choices_follow_the_probabilities():
    weights = filled()
    uniforms = (np.arange(2000) + 0.5) / 2000
    chosen = [weights.choose(FEATURES, ("pick",), u).index for u in uniforms]
    expected = softmax(FEATURES @ weights.block("pick"))
    assert np.bincount(chosen, minlength=3) / 2000 == pytest.approx(expected, abs=0.001)


def test_learning_raises_what_was_rewarded():
    weights = filled()
    decision = weights.choose(FEATURES, ("pick", "pick/all"), 0.999, OWN)
    chosen = decision.index
    before = log_probability(weights, chosen)
    weights.ascend(mean_gradient([(1.0, [decision])], 1), 0.1)
    assert log_probability(weights, chosen) > before


def test_saved_weights_continue_exactly():
    one = filled()
    decision = one.choose(FEATURES, ("pick", "pick/all"), 0.3, OWN)
    gradient = mean_gradient([(0.7, [decision])], 1)
    one.ascend(gradient, 0.1)
    other = Weights(FAMILIES)
    other.load(json.loads(json.dumps(one.save())))
    for weights in (one, other):
        weights.ascend(gradient, 0.1)
    assert one.save() == other.save()


def test_unknown_weights_are_refused_by_name():
    with pytest.raises(ValueError, match="pick:nonsense"):
        Weights(FAMILIES).load({"weights": {"pick:nonsense": 1.0}})
