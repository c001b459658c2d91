"""Many rollouts: bounded, in order, and resumed after whatever happened."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import openai
import pytest

from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.rollouts import RolloutRecord, evaluate, read_records

from .conftest import KEY, Item, World, row, search_read_answer

ROWS = [row(number) for number in range(6)]


def run(world: World, file: Path, rows: list[Item] = ROWS, **options: Any) -> list[RolloutRecord]:
    async def evaluation() -> list[RolloutRecord]:
        async with world.connected() as (client, server):
            settings = {"model": "sim", "progress": False, "repeats": 2, **options}
            return await evaluate(rows, file=file, client=client, server=server, **settings)

    return asyncio.run(evaluation())


def without_times(records: list[RolloutRecord]) -> list[RolloutRecord]:
    return [
        dataclasses.replace(one, metrics=dataclasses.replace(one.metrics, latency_s=0.0))
        for one in records
    ]


def test_the_records_are_in_order_whatever_the_concurrency(world: World, tmp_path: Path) -> None:
    world.model.delay_s = 0.01
    few = run(world, tmp_path / "3.jsonl", concurrency=3)
    assert world.model.most_at_once == 3
    many = run(world, tmp_path / "32.jsonl", concurrency=32)
    assert without_times(few) == without_times(many)
    assert [(record.question_id, record.repeat) for record in many] == [
        (f"q{number}", repeat) for number in range(6) for repeat in range(2)
    ]
    assert [record.reward for record in many] == [1.0, 0.0] * 6
    assert read_records(tmp_path / "32.jsonl") == many


def test_more_repeats_add_to_what_is_there(world: World, tmp_path: Path) -> None:
    first = run(world, tmp_path / "r.jsonl", repeats=1)
    world.model.requests.clear()
    assert run(world, tmp_path / "r.jsonl", repeats=1) == first
    assert world.model.requests == []
    assert len(run(world, tmp_path / "r.jsonl", repeats=2)) == 12
    assert {request["metadata"]["repeat"] for request in world.model.requests} == {"1"}


@pytest.mark.parametrize("torn", ["", '{"question_id": "q9", "rep', "\udcff"])
def test_an_interrupted_run_resumes(world: World, tmp_path: Path, torn: str) -> None:
    """A rollout that was cut off starts again with its whole budget of tool calls."""
    file = tmp_path / "r.jsonl"

    def broken_after_eight(body: Item) -> list[Item] | int:
        return search_read_answer(body) if len(world.model.requests) <= 8 else 401

    for _ in range(4):  # each of them spends calls of the same rollouts
        world.model.script = broken_after_eight
        world.model.requests.clear()
        file.unlink(missing_ok=True)
        with pytest.raises(openai.AuthenticationError):
            run(world, file, concurrency=2)
    kept = read_records(file)
    assert 1 <= len(kept) <= 3
    with file.open("a", encoding="utf-8", errors="surrogateescape") as out:
        out.write(torn)
    world.model.script = search_read_answer
    world.model.requests.clear()
    records = run(world, file)
    assert [record.metrics.tool_errors for record in records] == [0] * 12
    assert len(world.model.requests) == 3 * (12 - len(kept))
    assert without_times(records) == without_times(run(world, tmp_path / "undisturbed.jsonl"))
    assert read_records(file) == records


def test_a_cancelled_run_keeps_what_is_done(world: World, tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    world.model.delay_s = 0.02

    async def cancelled() -> None:
        async with world.connected() as (client, server):
            options = {"model": "sim", "progress": False, "concurrency": 2}
            task = asyncio.create_task(
                evaluate(ROWS, file=file, client=client, server=server, **options)  # type: ignore[arg-type]
            )
            while not (file.exists() and file.read_bytes().count(b"\n") >= 2):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancelled())
    done = len(read_records(file))
    assert 2 <= done < 6
    world.model.requests.clear()
    run(world, file, repeats=1)
    assert len(world.model.requests) == 3 * (6 - done)


def test_failed_rollouts_are_run_again(world: World, tmp_path: Path) -> None:
    world.model.script = lambda body: (
        500 if "(3)" in body["input"][1]["content"] else search_read_answer(body)
    )
    first = run(world, tmp_path / "r.jsonl")
    assert [record.question_id for record in first if record.error] == ["q3", "q3"]
    world.model.script = search_read_answer
    world.model.requests.clear()
    assert all(record.reward is not None for record in run(world, tmp_path / "r.jsonl"))
    assert len(world.model.requests) == 6


@pytest.mark.parametrize("change", [{"model": "other"}, {"run": "other"}, {"rows": ROWS[:5]}])
def test_the_file_of_another_evaluation_is_refused(
    world: World, tmp_path: Path, change: dict[str, Any]
) -> None:
    file = tmp_path / "r.jsonl"
    run(world, file)
    before = file.read_bytes()
    with pytest.raises(WorkshopError, match=r"r\.jsonl, line \d+: .*another evaluation"):
        run(world, file, **change)
    assert file.read_bytes() == before


def test_without_a_client_the_environment_names_both_servers(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", world.api_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with pytest.raises(WorkshopError, match=r"session\.start\(\)"):
        asyncio.run(evaluate(ROWS, model="sim", file=tmp_path / "none"))
    monkeypatch.setenv("BUILDHOUR_TOOLS_URL", world.tools_url)
    monkeypatch.setenv("BUILDHOUR_TOOLS_KEY", KEY)
    for name in ("one", "two"):  # a plain script may well do it twice, each in its own loop
        done = asyncio.run(evaluate(ROWS, model="sim", file=tmp_path / name, progress=False))
        assert [record.reward for record in done] == [1.0] * 6


@pytest.mark.parametrize("key", ["messages", "tools", "question_id"])
def test_a_row_that_lacks_something_is_named(world: World, tmp_path: Path, key: str) -> None:
    lacking = {name: value for name, value in row(3).items() if name != key}
    with pytest.raises(WorkshopError, match=f"^row 3: '{key}' is missing; a row needs"):
        run(world, tmp_path / "r.jsonl", rows=[row(1), row(2), lacking])
    assert world.model.requests == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_is_one_line_with_the_file(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def open_on_a_full_disk(self: Path, mode: str = "r", **options: Any) -> Any:
        return opened(Path("/dev/full") if mode == "a" else self, mode, **options)

    monkeypatch.setattr(Path, "open", open_on_a_full_disk)
    with pytest.raises(WorkshopError, match=r"r\.jsonl: cannot be written \(No space left") as said:
        run(world, tmp_path / "r.jsonl")
    assert "\n" not in str(said.value)
