"""`export metrics`: the same numbers in CSV and in TensorBoard's event files as in the events."""

from __future__ import annotations

import csv
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from buildhour_helpers import cli
from rft_wire.metrics import numbers
from tests.service.conftest import Running


@pytest.fixture
def job_id(service: Running, customer_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A job that has ended, of the service that the environment names."""
    monkeypatch.setenv("OPENAI_BASE_URL", f"{service.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", service.key)
    found = service.job(customer_url).id
    service.wait(found)
    return found


def told(service: Running, job_id: str) -> list[dict[str, float]]:
    return [numbers(e.data) for e in service.events(job_id) if e.type == "metrics"]


def test_a_csv_has_a_line_for_each_step(
    service: Running, job_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "tensorboardX", None)  # not installed
    assert cli.main(["export", "metrics", job_id, "-o", str(tmp_path / "out")]) == 0
    assert "pip install tensorboardx" in capsys.readouterr().out
    with (tmp_path / "out" / "metrics.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert next(iter(lines[0])) == "step"
    found = [{name: float(text) for name, text in line.items() if text} for line in lines]
    assert found == told(service, job_id)
    assert any("full_valid_mean_reward" in line for line in found)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["metrics.csv"]
    for job, words in (("job.json", "give the ID of a job"), ("ftjob-0", "no such job there")):
        assert cli.main(["export", "metrics", job, "-o", str(tmp_path)]) == 1
        assert words in capsys.readouterr().err


def test_tensorboards_events_hold_the_same(
    service: Running, job_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorboardX")
    for _ in range(2):  # a second export replaces the first
        assert cli.main(["export", "metrics", job_id, "-o", str(tmp_path)]) == 0
    assert f"tensorboard --logdir {tmp_path}" in capsys.readouterr().out
    (file,) = (tmp_path / job_id).iterdir()
    found: dict[int, dict[str, float]] = {}
    for step, tag, value in scalars(file):
        found.setdefault(step, {})[tag] = value
    wanted = told(service, job_id)
    assert list(found) == [line["step"] for line in wanted]
    for line, values in zip(wanted, found.values(), strict=True):
        assert values == pytest.approx(line, rel=1e-6)  # they are kept in single precision


def scalars(file: Path) -> Iterator[tuple[int, str, float]]:
    """Step, tag and value of each scalar: records of length, checksum, event, checksum."""
    from tensorboardX.proto.event_pb2 import Event

    data, place = file.read_bytes(), 0
    while place < len(data):
        (size,) = struct.unpack_from("<Q", data, place)
        event = Event.FromString(data[place + 12 : place + 12 + size])
        place += size + 16
        for value in event.summary.value:
            yield event.step, value.tag, value.simple_value
