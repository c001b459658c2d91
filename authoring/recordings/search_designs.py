"""Lesson 03: one tool, `search`, built in several ways, and what each does to the same agent.

The base model answers validation questions with a tool server that differs in `search` alone: three
engines (BM25, an encoder, a hybrid) with the same snippet, and BM25 with a result of four lengths
(the path alone, one line, more lines, the whole page). Needs the extra `semantic`; without it,
`record` raises WorkshopError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from authoring.parallel import run_parts
from authoring.recordings.runs import roll_out, triple
from buildhour_helpers.analysis.statistics import mean_interval, paired_difference
from buildhour_helpers.analysis.summaries import by_question
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.reports import Bm25Index, Hit, Report, Reports, SearchIndex, load
from buildhour_helpers.reports.search import words
from buildhour_helpers.reports.semantic import ENGINES, check_engine
from buildhour_helpers.rollouts import RolloutRecord
from buildhour_helpers.rollouts.endpoints import ToolServer
from buildhour_helpers.tasks import Question, load_questions
from buildhour_helpers.tools import ReportTools
from buildhour_helpers.tools.app import create_app
from buildhour_helpers.tools.serving import served

KEY = "search-designs"  # of tool servers that only this recording uses
QUESTIONS, REPEATS = 200, 2
BASELINE = "BM25, one line"
RANKS = (1, 5, 10)
SLICE = 20
MEASURES: Mapping[str, Callable[[RolloutRecord], float]] = {
    "reward": lambda record: record.reward or 0.0,
    "tool_calls": lambda record: record.metrics.tool_calls,
    "total_tokens": lambda record: record.metrics.total_tokens,
}


class Excerpts:
    """An engine whose hits show the `lines` lines of the page that share most words with the query,
    in the page's order; with None, the whole page."""

    def __init__(
        self, index: SearchIndex, reports: Mapping[str, Report], lines: int | None
    ) -> None:
        self._index, self._reports, self._lines = index, reports, lines

    @classmethod
    def build(cls, reports: Mapping[str, Report]) -> Excerpts:
        return cls(Bm25Index.build(reports), reports, None)

    def search(self, query: str, k: int = 5) -> list[Hit]:
        return [
            replace(hit, snippet=self._excerpt(self._reports[hit.path], query))
            for hit in self._index.search(query, k)
        ]

    def _excerpt(self, page: Report, query: str) -> str:
        lines = [*page.pre_text, *(" | ".join(row) for row in page.table), *page.post_text]
        if self._lines is None:
            return page.text()
        asked = set(words(query))
        best = sorted(range(len(lines)), key=lambda n: -len(asked & set(words(lines[n]))))
        return "\n   ".join(lines[n] for n in sorted(best[: self._lines]))


DESIGNS: Mapping[str, tuple[str, Callable[[SearchIndex, Reports], SearchIndex]]] = {
    BASELINE: ("bm25", lambda index, _: index),
    "semantic, one line": ("semantic", lambda index, _: index),
    "hybrid, one line": ("hybrid", lambda index, _: index),
    "BM25, path only": ("bm25", lambda index, reports: Excerpts(index, reports, 0)),
    "BM25, five lines": ("bm25", lambda index, reports: Excerpts(index, reports, 5)),
    "BM25, whole page": ("bm25", lambda index, reports: Excerpts(index, reports, None)),
}
"""Of each design its engine, and what makes of the engine's hits what the agent reads."""


def record(
    folder: Path, progress: Callable[[str], None], *, questions: int = QUESTIONS
) -> dict[str, Any]:
    """Recall of each engine, and the base model's rollouts with each design."""
    try:
        check_engine("semantic")
    except ValueError as error:
        raise WorkshopError(f"recording search_designs: {error}") from None
    asked = load_questions(split="validation")[:questions]
    parts = run_parts([(tried, folder, name, asked) for name in DESIGNS])
    designs: dict[str, Any] = {}
    first: dict[str, list[float]] = {}
    for name, found in zip(DESIGNS, parts, strict=True):
        progress(f"{name}: {len(asked)} questions, {REPEATS} rollouts each")
        means = found.pop("means")
        first = means if name == BASELINE else first
        designs[name] = found | {
            "measures": {key: triple(mean_interval(means[key])) for key in MEASURES},
            "difference": {
                key: triple(paired_difference(first[key], means[key])) for key in MEASURES
            },
        }
    recorded: dict[str, Any] = rounded_off(
        {"model": "simulated", "questions": len(asked), "repeats": REPEATS, "designs": designs}
    )
    return recorded


def tried(folder: Path, name: str, asked: Sequence[Question]) -> dict[str, Any]:
    """A design's recall, the length of its results, and the mean of each measure by question."""
    reports = load()
    index = design(name, reports)
    with stage(folder / name, None, 0, 32) as up:
        records = measure(up, folder / f"{name}.jsonl", index, asked, REPEATS)
    return {
        "engine": DESIGNS[name][0],
        "recall": recall(index, asked),
        "search_output_tokens": fmean(output_tokens(records)),
        "means": {key: question_means(records, asked, of) for key, of in MEASURES.items()},
        "slice": outcomes(records)[:SLICE],
    }


def design(name: str, reports: Reports) -> SearchIndex:
    engine, shown = DESIGNS[name]
    return shown(ENGINES[engine](reports), reports)


def recall(index: SearchIndex, asked: Sequence[Question]) -> dict[str, float]:
    """The share of questions whose page is among the best 1, 5 and 10."""
    ranked = [[hit.path for hit in index.search(one.text, max(RANKS))] for one in asked]
    return {
        str(k): fmean(
            bool(set(paths[:k]) & set(one.gold_pages))
            for paths, one in zip(ranked, asked, strict=True)
        )
        for k in RANKS
    }


def measure(
    up: Stage, file: Path, index: SearchIndex, asked: Sequence[Question], repeats: int
) -> list[RolloutRecord]:
    """The base model on the questions, with tools that this process serves."""
    tools = ReportTools(load(), index)
    with served(create_app(tools.functions(), key=KEY)) as url:
        return roll_out(
            up, file, asked, repeats=repeats, run="search-designs", server=ToolServer(url, KEY)
        )


def output_tokens(records: Sequence[RolloutRecord]) -> Iterator[float]:
    """The length of each search result, in tokens of four characters."""
    for record in records:
        searches = {
            item["call_id"]
            for item in record.trace
            if item.get("type") == "function_call" and item["name"] == "search"
        }
        for item in record.trace:
            if item.get("type") == "function_call_output" and item["call_id"] in searches:
                yield len(item["output"]) / 4


def question_means(
    records: Sequence[RolloutRecord],
    asked: Sequence[Question],
    measure: Callable[[RolloutRecord], float],
) -> list[float]:
    """The mean over each question's repeats, in the order of the questions."""
    groups = by_question(records)
    return [fmean(map(measure, groups[question.id])) for question in asked]


def outcomes(records: Sequence[RolloutRecord]) -> list[dict[str, Any]]:
    """The first rollout of each question."""
    return [
        {
            "question_id": record.question_id,
            "answer": record.answer,
            "reward": record.reward,
            "tool_calls": record.metrics.tool_calls,
        }
        for record in records
        if record.repeat == 0
    ]
