"""The example with SmolLM2: what it says is missing, and how the recording's task is graded."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from authoring.recordings import smollm2
from buildhour_helpers.errors import WorkshopError

EXAMPLE = Path(__file__).parents[2] / "examples" / "smollm2" / "engine.py"


@pytest.fixture
def engine() -> ModuleType:
    spec = importlib.util.spec_from_file_location("smollm2_engine", EXAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(sys.platform == "win32", reason="there it only says: use WSL")
@pytest.mark.parametrize(
    ("machine", "says"),
    [
        ({}, None),
        ({"version": (3, 15)}, "this is Python 3.15"),
        ({"platform": "win32"}, "WSL"),
        ({"memory": 2}, "this machine has 2.0 GB of memory, and 8 GB are needed"),
        ({"disk": 1}, "1.0 of the 4 GB needed; choose a disk with --home"),
    ],
)
def test_it_says_in_one_line_what_is_missing(
    engine: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    machine: dict[str, Any],
    says: str | None,
) -> None:
    memory, disk = machine.get("memory", 16) * 10**9, machine.get("disk", 16) * 10**9
    monkeypatch.setattr(engine.sys, "version_info", machine.get("version", (3, 12)))
    monkeypatch.setattr(engine.sys, "platform", machine.get("platform", "linux"))
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": memory}.__getitem__)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, disk))
    said = engine.missing_here(tmp_path)
    assert said is None if says is None else says in said


@pytest.mark.parametrize(
    ("arguments", "answer", "expected"),
    [
        ([], "12", 0.0),
        (["{"], "", 0.1),
        (['{"item": "rice"}'], "no", 0.1),
        (['{"item": "tea"}'], "It is 42.", 0.3),
        (['{"item": "rice"}', '{"item": "tea"}'], " 42\n", 1.0),
    ],
)
def test_the_task_rewards_each_part_of_what_is_asked(
    arguments: list[str], answer: str, expected: float
) -> None:
    calls = [{"function": {"name": "price", "arguments": text}} for text in arguments]
    sample = {"output_text": answer, "output_tools": calls}
    assert smollm2.score(smollm2.row("tea", 42), sample) == pytest.approx(expected)


def test_without_a_running_engine_the_recording_says_what_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMOLLM2_HOME", str(tmp_path))
    with pytest.raises(WorkshopError, match=r"start examples/smollm2/engine\.py"):
        smollm2.record(tmp_path, print)
    (tmp_path / "engine.json").write_text(json.dumps({"url": "http://127.0.0.1:9"}))
    assert smollm2.running_engine() == {"url": "http://127.0.0.1:9"}
