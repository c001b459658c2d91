"""Records: written and read back, and clear about what is wrong in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.rollouts import (
    Metrics,
    RolloutRecord,
    StopReason,
    read_records,
    write_records,
)

RECORD = RolloutRecord(
    question_id="q1",
    repeat=1,
    model="sim",
    trace_id="trace_1",
    trace=[{"role": "user", "content": "Wie viel? 5 €\u2028"}],
    answer="8.35%",
    reward=0.5,
    metrics=Metrics(turns=2, tool_calls_by_name={"cat": 1}, simulated_latency_s=1.25),
    stop_reason=StopReason.ANSWERED,
)


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    failed = RolloutRecord("q2", 0, "sim", "trace_2", error="no score")
    write_records([RECORD, failed], tmp_path / "r.jsonl")
    assert read_records(tmp_path / "r.jsonl") == [RECORD, failed]
    assert (tmp_path / "r.jsonl").read_bytes().count(b"\n") == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reward": "1"}, "reward: Input should be a valid number, not '1'"),
        ({"reward": True}, "reward: Input should be a valid number, not True"),
        ({"repeat": None}, "repeat: Input should be a valid integer, not None"),
        ({"metrics": []}, "metrics: Input should be an object"),
        ({"metrics": {}}, "metrics.turns: missing"),
        ({"stop_reason": "tired"}, "stop_reason: Input should be 'answered'"),
        ({"trace_id": ...}, "trace_id: missing"),
    ],
)
def test_a_wrong_field_is_named_with_file_and_line(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    row = {**json.loads(RECORD.to_line()), **change}
    row = {key: value for key, value in row.items() if value is not ...}
    (tmp_path / "r.jsonl").write_text(RECORD.to_line() + json.dumps(row) + "\n", encoding="utf-8")
    with pytest.raises(WorkshopError) as raised:
        read_records(tmp_path / "r.jsonl")
    assert f"r.jsonl, line 2: {said}" in str(raised.value)


def test_a_torn_end_is_let_pass_only_where_asked(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text(RECORD.to_line() + RECORD.to_line()[:-9], encoding="utf-8")
    assert read_records(file, torn_end=True) == [RECORD]
    with pytest.raises(WorkshopError, match=r"none\.jsonl: No such file"):
        read_records(tmp_path / "none.jsonl")
    with pytest.raises(WorkshopError, match="line 2"):
        read_records(file)
