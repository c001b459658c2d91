"""The tiny engine as a lesson starts it: two processes, a client, and nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildhour_helpers import engines, servers
from buildhour_helpers.errors import WorkshopError


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDHOUR_HOME", str(tmp_path / "state"))


def test_it_answers_and_stops() -> None:
    tiny = engines.start_tiny()
    try:
        with tiny.client() as client:
            assert tiny.model in [model.id for model in client.models.list()]
        assert {server.name for server in servers.running(tiny.home)} == {"engine", "service"}
    finally:
        assert tiny.stop() == 2
    assert not servers.running(tiny.home)


def test_a_missing_package_is_one_line_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None if name == "tinker" else object())
    with pytest.raises(WorkshopError, match=r"%pip install 'tinker>=0.25,<0.26'$"):
        engines.start_tiny()
