"""The verb that makes recordings, and the command line around it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from authoring import recordings
from authoring.course import __main__ as course
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.recordings import RUNS


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A recording named `small`, kept in a folder of its own."""
    module = ModuleType("small")

    def record(folder: Path, progress: Callable[[str], None]) -> dict[str, Any]:
        assert list(folder.iterdir()) == []
        progress("halfway")
        return {"reward_mean": 0.25, "unit": "µ"}

    module.record = record  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, f"{recordings.__name__}.small", module)
    monkeypatch.setattr(recordings, "NAMES", ("small",))
    monkeypatch.setattr(recordings.record, "__defaults__", (print, None, tmp_path))
    return module


def test_a_recording_carries_its_command(small: ModuleType, tmp_path: Path) -> None:
    path = recordings.record("small", print)
    assert path == tmp_path / "small.json"
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "command": "python -m authoring.course record small",
        "reward_mean": 0.25,
        "unit": "µ",
    }


def test_what_cannot_be_recorded_is_one_line_and_writes_nothing(
    small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WorkshopError, match="no recording large; there are: small"):
        recordings.record("large")
    with pytest.raises(WorkshopError, match="recording small: its seed is fixed"):
        recordings.record("small", seeds=[7])
    monkeypatch.setattr(recordings, "MAX_BYTES", 20)
    with pytest.raises(WorkshopError, match=r"recording small: \d+ bytes, more than 20"):
        recordings.record("small")
    assert not (tmp_path / "small.json").exists()


def test_seeds_other_than_its_own(small: ModuleType) -> None:
    def record(folder: Path, progress: Any, *, seeds: tuple[int, ...] = (1, 2)) -> dict[str, Any]:
        return {"seeds": list(seeds)}

    small.record = record  # type: ignore[attr-defined]
    made = json.loads(recordings.record("small", seeds=[7]).read_text(encoding="utf-8"))
    assert made["seeds"] == [7]
    assert made["command"].endswith("record small --seeds 7")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["record", "--all"], 0, "small: recording\n  halfway\nsmall: "),
        (["record"], 1, "course record: which recordings?"),
        (["build", "42"], 1, "course build: no lesson 42 in solutions/"),
        (["table", "--untimed", "00"], 0, "\n00_start_here "),
    ],
)
def test_the_command_line(
    arguments: list[str],
    status: int,
    said: str,
    small: ModuleType,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert course.main(arguments) == status
    printed = capsys.readouterr()
    assert said in printed.out + printed.err


def test_every_module_of_recordings_was_recorded() -> None:
    for name in recordings.NAMES:
        made = json.loads((RUNS / f"{name}.json").read_text(encoding="utf-8"))
        _, _, seeds = made["command"].partition(" --seeds ")
        assert made["command"] == recordings.command(name, list(map(int, seeds.split()))), name
