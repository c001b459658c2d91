"""`/v1/files` through the openai client."""

from __future__ import annotations

import io
from typing import Any

import openai
import pytest

from .conftest import Running, Start
from .customer import jsonl, row


def test_a_file_is_kept_listed_and_deleted(start: Start) -> None:
    service = start()
    files = service.client.files
    ids = [service.upload([row(n)], f"{n}.jsonl") for n in range(5)]
    notes = files.create(file=("notes.txt", b"hello"), purpose="user_data")
    assert files.content(ids[0]).content == jsonl([row(0)])
    assert files.retrieve(ids[0]).bytes == len(jsonl([row(0)]))
    assert [file.id for file in files.list()] == [notes.id, *ids[::-1]]
    assert [file.id for file in files.list(purpose="fine-tune", limit=2)] == ids[::-1]
    assert [file.id for file in files.list(order="asc", limit=2)] == [*ids, notes.id]
    assert files.delete(ids[0]).deleted
    for missing in (files.retrieve, files.delete, files.content):
        with pytest.raises(openai.NotFoundError, match="No such file"):
            missing(ids[0])


def stored(service: Running) -> set[str]:
    return {path.name for path in (service.home / "files").iterdir()}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file has no rows"),
        (b'{"a": 1}\n\n{"a": \n', "x.jsonl: line 3 is not valid JSON"),
        (b'{"a": 1}\n[1]\n', "line 2 is not a JSON object but an array"),
        (b'{"a": "\xff"}\n', "line 1 is not valid JSON (not UTF-8)"),
        (b'{"a": NaN}\n', "line 1 is not valid JSON (NaN is not JSON)"),
        (b'{"a": 1}\n' + b"[" * 70 + b"]" * 70, "line 2 is not valid JSON (nested"),
        (b'{"a": "' + b"x" * 5_000_000 + b'"}', "line 1 is longer than 4 MiB"),
    ],
    ids=["empty", "half a row", "a list", "not UTF-8", "NaN", "nested", "a long line"],
)
def test_a_training_file_is_refused_with_the_line(
    service: Running, content: bytes, words: str
) -> None:
    before = stored(service)
    with pytest.raises(openai.BadRequestError) as caught:
        service.client.files.create(file=("x.jsonl", io.BytesIO(content)), purpose="fine-tune")
    assert words in caught.value.body["message"]
    assert caught.value.body["param"] == "file"
    assert stored(service) == before


@pytest.mark.parametrize(
    "name", ["../../escape.jsonl", "/etc/passwd.jsonl", "a\\b.jsonl", "😀.jsonl"]
)
def test_a_file_name_never_becomes_a_path(service: Running, name: str) -> None:
    before = stored(service)
    file_id = service.upload([row(1)], name)
    assert stored(service) - before == {file_id}
    assert service.client.files.retrieve(file_id).filename.endswith(".jsonl")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"file": ("x.csv", b"a,b"), "purpose": "fine-tune"}, "JSON Lines and end in .jsonl"),
        ({"purpose": "magic"}, "purpose"),
        ({"expires_after": {"anchor": "created_at", "seconds": 3_600}}, "is not offered"),
        ({"extra_body": {"colour": "red"}}, "Unknown parameter: 'colour'"),
    ],
    ids=["name", "purpose", "not offered", "unknown"],
)
def test_a_field_that_is_not_read_is_refused(
    service: Running, form: dict[str, Any], words: str
) -> None:
    before = stored(service)
    with pytest.raises(openai.BadRequestError, match=words):
        service.client.files.create(**{"file": ("x.txt", b"x"), "purpose": "user_data", **form})
    assert stored(service) == before


@pytest.mark.parametrize("path", ["uploads", "batches"])
def test_resources_that_are_not_there(service: Running, path: str) -> None:
    with pytest.raises(openai.NotFoundError, match="Unknown request URL"):
        service.client.post(f"/{path}", body={}, cast_to=object)
