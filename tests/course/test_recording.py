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
    said: list[str] = []
    path = recordings.record("small", said.append)
    assert said == ["halfway"]
    assert path == tmp_path / "small.json"
    made = json.loads(path.read_text(encoding="utf-8"))
    assert made == {
        "command": "python -m authoring.course record small",
        "reward_mean": 0.25,
        "unit": "µ",
    }


def test_one_that_does_not_exist(small: ModuleType) -> None:
    with pytest.raises(WorkshopError, match="no recording large; there are: small"):
        recordings.record("large")


def test_one_that_is_too_large_to_ship(
    small: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "MAX_BYTES", 20)
    with pytest.raises(WorkshopError, match=r"recording small: \d+ bytes, more than 20"):
        recordings.record("small")
    assert not (tmp_path / "small.json").exists()


def test_every_module_of_recordings_can_be_recorded_and_was() -> None:
    for name in recordings.NAMES:
        made = json.loads((RUNS / f"{name}.json").read_text(encoding="utf-8"))
        _, _, seeds = made["command"].partition(" --seeds ")
        assert made["command"] == recordings.command(name, list(map(int, seeds.split()))), name


class TestCommandLine:
    def test_all_recordings(self, small: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
        assert course.main(["record", "--all"]) == 0
        assert capsys.readouterr().out.startswith("small: recording\n  halfway\nsmall: ")

    def test_which_recording(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert course.main(["record"]) == 1
        assert "course record: which recordings?" in capsys.readouterr().err

    def test_a_lesson_that_does_not_exist(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert course.main(["build", "42"]) == 1
        assert capsys.readouterr().err.startswith("course build: no lesson 42 in solutions/")

    def test_the_table(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert course.main(["table", "--untimed", "00"]) == 0
        head, row = capsys.readouterr().out.splitlines()
        columns = ("minutes", "seconds", "cells", "words per code line", "longest cell")
        assert all(column in head for column in columns)
        assert row.startswith("00_start_here ")


def test_seeds_other_than_its_own(small: ModuleType, tmp_path: Path) -> None:
    def record(
        folder: Path, progress: Callable[[str], None], *, seeds: tuple[int, ...] = (1, 2)
    ) -> dict[str, Any]:
        return {"seeds": list(seeds)}

    small.record = record  # type: ignore[attr-defined]
    for seeds, kept, command in (
        (None, [1, 2], "record small"),
        ([7], [7], "record small --seeds 7"),
    ):
        made = json.loads(recordings.record("small", seeds=seeds).read_text(encoding="utf-8"))
        assert made["seeds"] == kept
        assert made["command"].endswith(command)


def test_one_that_takes_no_seeds(small: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(WorkshopError, match="recording small: its seed is fixed"):
        recordings.record("small", seeds=[7])
    assert not (tmp_path / "small.json").exists()
