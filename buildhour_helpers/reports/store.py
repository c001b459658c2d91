"""Reports on disk: one gzipped JSON line per page, in a folder that `load` reads."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from buildhour_helpers.home import data_folder
from buildhour_helpers.reports.report import Report
from rft_wire.records import first_problem

SHIPPED = data_folder()
REPORTS_FILE = "reports.jsonl.gz"

_ADAPTER = TypeAdapter(Report)

Reports = dict[str, Report]
"""Path -> report, in the order of the file."""


def load(folder: Path | None = None) -> Reports:
    """Read every report of `folder` (default: the generated ones that ship with the course).

    Raises FileNotFoundError or ValueError that names the file, the line and the fix.
    """
    file = (folder or SHIPPED) / REPORTS_FILE
    reports: Reports = {}
    for number, line in enumerate(_lines(file), 1):
        try:
            report = _ADAPTER.validate_json(line, strict=True)
        except ValidationError as error:
            problem = first_problem(error)
            raise ValueError(
                f"{file}, line {number}, {problem}; restore the file from git"
            ) from None
        if report.path in reports:
            raise ValueError(
                f"{file}, line {number}: path {report.path!r} occurs twice; remove one"
            )
        reports[report.path] = report
    return reports


def save(reports: Iterable[Report], folder: Path) -> Path:
    """Write the reports into `folder`; the same reports give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / REPORTS_FILE
    file.write_bytes(gzip.compress(to_bytes(reports), compresslevel=9, mtime=0))
    return file


def to_bytes(reports: Iterable[Report]) -> bytes:
    """The uncompressed content of the file, over which the corpus is hashed."""
    return b"".join(_ADAPTER.dump_json(report) + b"\n" for report in reports)


def _lines(file: Path) -> list[str]:
    if not file.is_file():
        raise FileNotFoundError(
            f"{file}: no such file; make the reports with "
            "`python -m authoring.corpus` or import FinQA into this folder"
        )
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            return list(lines)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: damaged ({error}); restore it from git") from error
