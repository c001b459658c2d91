"""The state that is kept for each rollout, and its bound."""

from __future__ import annotations

from buildhour_helpers.tools import TraceStore


def test_beyond_its_capacity_the_longest_unused_trace_is_dropped() -> None:
    store = TraceStore(capacity=2)
    store.open("one")
    store.open("two")
    store.open("one")
    store.open("three")
    assert store.get("two") is None
    assert store.get("one") is not None
    assert len(store) == 2
