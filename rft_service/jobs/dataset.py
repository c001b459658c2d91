"""Rows of a training or validation file: checked with line numbers, read one by one.

A file stays on the disk; memory holds the offset of each line, so that its size hardly matters.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, overload

from rft_service.graders.templates import item_keys
from rft_service.rl.engine import Engine
from rft_service.rl.rollout import Task
from rft_service.schemas.check import SchemaError, check_parameters
from rft_service.store.files import StoredFile, numbered_lines, parse_object
from rft_service.store.job import base_of
from rft_service.store.job_spec import JobSpec
from rft_wire.functions import parameters_problem
from rft_wire.rows import MIN_ROWS, Row, RowError, read_row


class DatasetError(Exception):
    """A file that cannot be trained on: names file, line and field, and says how to fix it.

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


def task_of(row: Row, spec: JobSpec) -> Task:
    return Task.from_row(row, spec.json_schema(), spec.hyperparameters.reasoning_effort)


class Rows(Sequence[Task]):
    """The tasks of a file, parsed when asked for."""

    def __init__(self, stored: StoredFile, spec: JobSpec) -> None:
        self._spec = spec
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

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Task]: ...
    def __getitem__(self, index: int | slice) -> Task | Sequence[Task]:
        """The task at `index`, from 0. Raises IndexError beyond the last."""
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        with self._lock:
            self._file.seek(self._offsets[index])
            line = self._file.readline()
        return task_of(read_row(parse_object(line)), self._spec)

    def close(self) -> None:
        self._file.close()


def validate_file(stored: StoredFile, param: str, spec: JobSpec, engine: Engine) -> int:
    """Check every row of a file as the job will read it; returns their number.

    Raises DatasetError at the first problem.
    """
    row_check = _RowCheck(spec, engine)
    count = 0
    try:
        for number, line in numbered_lines(stored.path):
            try:
                row = parse_object(line)
            except ValueError as error:
                raise ValueError(f"line {number} {error}") from None
            try:
                row_check(row)
            except RowError as error:
                field, problem = error.problems[0]
                raise ValueError(f"line {number}, {field}: {problem}") from None
            count += 1
    except ValueError as error:
        raise DatasetError(param, f"{param} {stored.filename}: {error}.") from None
    if count < MIN_ROWS:
        raise DatasetError(
            param, f"{param} {stored.filename}: {count} rows; at least {MIN_ROWS} are needed."
        )
    return count


class _RowCheck:
    """Raises RowError for a row that the job's tools, grader or model cannot use."""

    def __init__(self, spec: JobSpec, engine: Engine) -> None:
        self._spec, self._engine = spec, engine
        self._tools = {tool.name for tool in spec.tools}
        self._item_keys = sorted(item_keys(spec.grader))
        base = base_of(spec.model)
        self._model = next(model for model in engine.models if model.name == base)

    def __call__(self, raw: Any) -> None:
        row = read_row(raw, self._tools, schema_problem)
        for key in self._item_keys:
            if key not in row.item:
                raise RowError([(key, f"missing; the grader's template uses item.{key}")])
        model = self._model
        tokens = self._engine.prompt_tokens(model.name, task_of(row, self._spec).request)
        if tokens > model.context_window_tokens:
            problem = (
                f"{tokens} tokens, tools included; {model.name} reads "
                f"{model.context_window_tokens} at most, so shorten them"
            )
            raise RowError([("messages", problem)])
