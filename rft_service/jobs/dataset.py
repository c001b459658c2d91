"""Rows of a training or validation file: checked with line numbers, read one by one.

A file stays on the disk; memory holds the offset of each line, so that its size hardly matters.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, overload

from rft_service.rl.rollout import Task
from rft_service.schemas.check import SchemaError, check_parameters
from rft_service.store.files import StoredFile, numbered_lines, parse_object
from rft_wire.functions import parameters_problem
from rft_wire.rows import MIN_ROWS, row_problems


class DatasetError(Exception):
    """A file that cannot be trained on: one line with file, line, field and cure.

    `param` is the job's parameter that names the file.
    """

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message)
        self.param = param


def schema_problem(parameters: Mapping[str, Any]) -> str | None:
    """What is wrong with a tool's parameters, or None."""
    try:
        check_parameters(parameters)
    except SchemaError as error:
        return f"not a usable JSON Schema: {error}"
    return parameters_problem(parameters)


class Rows(Sequence[Task]):
    """The tasks of a file, parsed when asked for."""

    def __init__(
        self,
        stored: StoredFile,
        response_format: Mapping[str, Any] | None,
        reasoning_effort: str,
    ) -> None:
        self._response_format = response_format
        self._reasoning_effort = reasoning_effort
        self._file = stored.path.open("rb")
        self._lock = threading.Lock()
        self._offsets = list[int]()
        offset = 0
        for line in self._file:
            if line.strip():
                self._offsets.append(offset)
            offset += len(line)

    def __len__(self) -> int:
        return len(self._offsets)

    def row(self, index: int) -> dict[str, Any]:
        """The row at `index`, from 0. Raises IndexError beyond the last."""
        with self._lock:
            self._file.seek(self._offsets[index])
            return parse_object(self._file.readline())

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Task]: ...
    def __getitem__(self, index: int | slice) -> Task | Sequence[Task]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return Task.from_row(self.row(index), self._response_format, self._reasoning_effort)

    def close(self) -> None:
        self._file.close()


def validate_file(stored: StoredFile, param: str, tool_names: set[str], item_keys: set[str]) -> int:
    """Check every row of a file; returns their number.

    `item_keys` are the row's keys that the grader's templates use. Raises DatasetError at the
    first problem.
    """
    count = 0
    try:
        for number, line in numbered_lines(stored.path):
            try:
                row = parse_object(line)
            except ValueError as error:
                raise ValueError(f"line {number} {error}") from None
            for field, problem in row_problems(row, tool_names, schema_problem):
                raise ValueError(f"line {number}, {field}: {problem}")
            for key in sorted(item_keys - set(row)):
                raise ValueError(
                    f"line {number}, {key}: missing; the grader's template uses item.{key}"
                )
            count += 1
    except ValueError as error:
        raise DatasetError(param, f"{param} {stored.filename}: {error}.") from None
    if count < MIN_ROWS:
        raise DatasetError(
            param, f"{param} {stored.filename}: {count} rows; at least {MIN_ROWS} are needed."
        )
    return count
