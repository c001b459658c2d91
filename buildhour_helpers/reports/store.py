"""Reports on disk: one gzipped JSON line per page, in a folder that `load` reads."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterable
from pathlib import Path

from buildhour_helpers.reports.report import Report

SHIPPED = Path(__file__).resolve().parents[2] / "data"
REPORTS_FILE = "reports.jsonl.gz"

Reports = dict[str, Report]
"""Path -> report, in the order of the file."""


def load(folder: Path | None = None) -> Reports:
    """Read every report of `folder` (default: the generated ones that ship with the course).

    Raises FileNotFoundError or ValueError that names the file, the line and the fix.
    """
    file = (folder or SHIPPED) / REPORTS_FILE
    reports: Reports = {}
    for number, line in enumerate(_lines(file), 1):
        report = _parse(line, f"{file}, line {number}")
        if report.path in reports:
            raise ValueError(
                f"{file}, line {number}: path {report.path!r} occurs twice; remove one"
            )
        reports[report.path] = report
    return reports


def save(reports: Iterable[Report], folder: Path) -> Path:
    """Write the reports into `folder` with a gzip header free of time and name."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / REPORTS_FILE
    file.write_bytes(gzip.compress(to_bytes(reports), compresslevel=9, mtime=0))
    return file


def to_bytes(reports: Iterable[Report]) -> bytes:
    """The uncompressed content of the file: what a hash of the corpus is taken over."""
    out = io.StringIO()
    for report in reports:
        row = {
            "path": report.path,
            "pre_text": report.pre_text,
            "table": report.table,
            "post_text": report.post_text,
        }
        out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
    return out.getvalue().encode("utf-8")


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


def _parse(line: str, where: str) -> Report:
    try:
        row = json.loads(line)
        return Report(
            path=row["path"],
            pre_text=tuple(row["pre_text"]),
            table=tuple(tuple(cells) for cells in row["table"]),
            post_text=tuple(row["post_text"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{where}: not a report ({error!r}); restore the file from git") from error
