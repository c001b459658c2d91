"""Search at 2,800, 28,000 and 100,000 pages: build time, memory, milliseconds a query.

    python benchmarks/search.py [--reports DIR] [--pages 2800 28000 100000]
    python benchmarks/search.py --recall [--reports DIR]

Larger corpora are copies of the reports under other tickers with other numbers, so that the
vocabulary grows as well. Each size is measured in a separate process, and beside it the
yardstick: bm25s as its documentation shows it, over the same words without pairs and snippets.

`--recall` shows how often each search engine finds the page of a train or validation question among
its best 1, 5 and 10. The semantic ones need the extra `semantic`.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bm25s
import numpy as np
import psutil

from authoring.recordings.search_designs import RANKS, recall
from buildhour_helpers.reports import Bm25Index, Report, load
from buildhour_helpers.reports.search import words
from buildhour_helpers.reports.semantic import ENGINES, check_engine
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


def plain_index(corpus: dict[str, Report]) -> Callable[[str], object]:
    """The yardstick: stock bm25s over the words of the pages; gives its search."""
    scorer = bm25s.BM25(k1=0.8, b=0.75)
    scorer.index([words(page.text()) for page in corpus.values()], show_progress=False)
    return lambda query: scorer.retrieve([words(query)], k=5, show_progress=False)


def our_index(corpus: dict[str, Report]) -> Callable[[str], object]:
    index = Bm25Index.build(corpus)
    return lambda query: index.search(query, 5)


BUILDERS = {"ours": our_index, "bm25s": plain_index}


def measure(folder: Path | None, pages: int, builder: str) -> dict[str, float]:
    """Build one index and search it; memory is what the process grew by, in MB."""
    corpus = grown(load(folder), pages)
    questions = [question.text for question in load_questions(folder)[:QUERIES]]
    process = psutil.Process()
    before = process.memory_info().rss
    start = time.perf_counter()
    search = BUILDERS[builder](corpus)
    build_s = time.perf_counter() - start
    times_ms = []
    for question in questions:
        start = time.perf_counter()
        search(question)
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
    parser.add_argument("--recall", action="store_true", help="compare the search engines instead")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--builder", choices=BUILDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.reports, options.one, options.builder)))
        return 0
    if options.recall:
        show_recall(options.reports)
        return 0
    heads = f"{'build s':>9}{'index MB':>10}{'median ms':>11}{'p99 ms':>8}"
    print(f"{'pages':>8}{'':>7}{heads}   growth in time")
    first: dict[str, dict[str, float]] = {}
    for pages in options.pages:
        rows = {builder: apart(options.reports, pages, builder) for builder in BUILDERS}
        first = first or rows
        for builder, row in rows.items():
            print(f"{row['pages']:8,.0f}{builder:>7}{figures(row)}   {growth(row, first[builder])}")
        ours, stock = rows.values()
        print(
            f"{'':>8}{'ratio':>7}{ours['build_s'] / stock['build_s']:9.2f}"
            f"{ours['index_mb'] / stock['index_mb']:10.2f}"
            f"{ours['median_ms'] / stock['median_ms']:11.2f}{ours['p99_ms'] / stock['p99_ms']:8.2f}"
        )
    return 0


def show_recall(folder: Path | None) -> None:
    """A line for each search engine, over the same questions."""
    reports = load(folder)
    asked = [one for one in load_questions(folder) if one.split in ("train", "validation")]
    print(f"{len(asked)} questions, {len(reports):,} pages; recall at {RANKS}, ms a query")
    for name, build in ENGINES.items():
        try:
            check_engine(name)
        except ValueError as error:
            print(f"{name:9} {error}")
            continue
        index = build(reports)
        start = time.perf_counter()
        found = recall(index, asked)
        each_ms = 1e3 * (time.perf_counter() - start) / len(asked)
        print(f"{name:9}", *(f"{share:6.3f}" for share in found.values()), f"{each_ms:7.2f}")


def apart(folder: Path | None, pages: int, builder: str) -> dict[str, float]:
    """`measure` in a separate process, so that its memory is measured alone."""
    command = [sys.executable, __file__, "--one", str(pages), "--builder", builder]
    command += ["--reports", str(folder)] if folder else []
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row: dict[str, float] = json.loads(done.stdout)
    return row


def figures(row: dict[str, float]) -> str:
    timed = f"{row['median_ms']:11.2f}{row['p99_ms']:8.1f}"
    return f"{row['build_s']:9.1f}{row['index_mb']:10.0f}{timed}"


def growth(row: dict[str, float], first: dict[str, float]) -> str:
    return (
        f"pages x{row['pages'] / first['pages']:.1f}, "
        f"build x{row['build_s'] / first['build_s']:.1f}, "
        f"query x{row['median_ms'] / first['median_ms']:.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
