"""Search at 2,800, 28,000 and 100,000 pages: build time, memory, milliseconds a query.

    python benchmarks/search.py [--reports DIR] [--pages 2800 28000 100000]

Larger corpora are copies of the reports under other tickers with other numbers, so that the
vocabulary grows as well. Each size is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil

from buildhour_helpers.reports import Bm25Index, Report, load
from buildhour_helpers.tasks import load_questions

QUERIES = 300
_DIGITS = re.compile(r"\d{3,}")


def grown(reports: dict[str, Report], pages: int) -> dict[str, Report]:
    """At least as many pages as asked for: the reports, then copies with shifted numbers."""
    originals = list(reports.values())
    corpus: dict[str, Report] = {}
    for place in range(pages):
        copy, number = divmod(place, len(originals))
        page = _shifted(originals[number], copy) if copy else originals[number]
        corpus[page.path] = page
    return corpus


def _shifted(page: Report, copy: int) -> Report:
    def shift(text: str) -> str:
        return _DIGITS.sub(lambda digits: str(int(digits.group()) + 37 * copy), text)

    return replace(
        page,
        path=f"X{copy}{page.path}",
        pre_text=tuple(map(shift, page.pre_text)),
        table=tuple(tuple(map(shift, row)) for row in page.table),
        post_text=tuple(map(shift, page.post_text)),
    )


def measure(folder: Path | None, pages: int) -> dict[str, float]:
    """Build one index and search it; memory is what the process grew by, in MB."""
    corpus = grown(load(folder), pages)
    questions = [question.text for question in load_questions(folder)[:QUERIES]]
    process = psutil.Process()
    before = process.memory_info().rss
    start = time.perf_counter()
    index = Bm25Index.build(corpus)
    build_s = time.perf_counter() - start
    times_ms = []
    for question in questions:
        start = time.perf_counter()
        index.search(question, 5)
        times_ms.append(1e3 * (time.perf_counter() - start))
    return {
        "pages": len(corpus),
        "build_s": build_s,
        "index_mb": (process.memory_info().rss - before) / 1e6,
        "median_ms": float(np.median(times_ms)),
        "p99_ms": float(np.percentile(times_ms, 99)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=Path, help="reports folder (default: the shipped one)")
    parser.add_argument("--pages", type=int, nargs="+", default=[2_800, 28_000, 100_000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.reports, options.one)))
        return 0
    folder = ["--reports", str(options.reports)] if options.reports else []
    print(
        f"{'pages':>8}{'build s':>9}{'index MB':>10}{'median ms':>11}{'p99 ms':>8}   growth in time"
    )
    first: dict[str, float] = {}
    for pages in options.pages:
        command = [sys.executable, __file__, *folder, "--one", str(pages)]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        row = json.loads(result.stdout)
        first = first or row
        growth = (
            f"pages x{row['pages'] / first['pages']:.1f}, "
            f"build x{row['build_s'] / first['build_s']:.1f}, "
            f"query x{row['median_ms'] / first['median_ms']:.1f}"
        )
        print(
            f"{row['pages']:8,.0f}{row['build_s']:9.1f}{row['index_mb']:10.0f}"
            f"{row['median_ms']:11.2f}{row['p99_ms']:8.1f}   {growth}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
