"""Lesson 03: five designs of one tool, `search`, and what they do to the same agent.

The base model works on validation questions with a tool server whose search engine alone differs:
BM25 with snippets, BM25 that returns bare paths, an index of the service's embeddings, and the two
engines of the extra `semantic`, without which this raises WorkshopError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from authoring.recordings.runs import roll_out, triple
from buildhour_helpers.analysis.summaries import compare, summarise
from buildhour_helpers.demo.result import rounded_off
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.reports import Bm25Index, Hit, Report, Reports, SearchIndex, load
from buildhour_helpers.reports.embeddings import OFFLINE_MODEL, EmbeddingIndex, embedder
from buildhour_helpers.reports.semantic import ENGINES, check_engine
from buildhour_helpers.rollouts import RolloutRecord
from buildhour_helpers.rollouts.endpoints import ToolServer
from buildhour_helpers.tasks import Question, load_questions
from buildhour_helpers.tools import ReportTools
from buildhour_helpers.tools.app import create_app
from buildhour_helpers.tools.serving import served

KEY = "search-designs"  # of tool servers that only this recording uses
QUESTIONS, REPEATS = 200, 2
SNIPPETS, PATHS, EMBEDDINGS = "snippets", "bare paths", "embeddings"
RANKS = (1, 5, 10)
SLICE = 20


class BarePaths:
    """BM25 without its snippets."""

    def __init__(self, index: Bm25Index) -> None:
        self._index = index

    @classmethod
    def build(cls, reports: Mapping[str, Report]) -> BarePaths:
        return cls(Bm25Index.build(reports))

    def search(self, query: str, k: int = 5) -> list[Hit]:
        return [replace(hit, snippet="") for hit in self._index.search(query, k)]


def record(
    folder: Path, progress: Callable[[str], None], *, questions: int = QUESTIONS
) -> dict[str, Any]:
    """Recall of each design's engine, and the base model's rollouts with each design."""
    try:
        check_engine("semantic")
    except ValueError as error:
        raise WorkshopError(f"recording search_designs: {error}") from None
    asked = load_questions(split="validation")[:questions]
    with stage(folder, None, 0, 32) as up:
        indices = designs(up, load())
        rollouts, recalls = {}, {}
        for name, index in indices.items():
            progress(f"{name}: {len(asked)} questions, {REPEATS} rollouts each")
            recalls[name] = recall(index, asked)
            rollouts[name] = measure(up, folder / f"{name}.jsonl", index, asked, REPEATS)
    first = rollouts[SNIPPETS]
    found: dict[str, Any] = rounded_off(
        {
            "model": "simulated",
            "questions": len(asked),
            "repeats": REPEATS,
            "designs": {
                name: {
                    "recall": recalls[name],
                    "measures": {k: triple(v) for k, v in summarise(records).measures.items()},
                    "against_snippets": {
                        k: triple(v) for k, v in compare(first, records).difference.items()
                    },
                    "slice": outcomes(records)[:SLICE],
                }
                for name, records in rollouts.items()
            },
        }
    )
    return found


def designs(up: Stage, reports: Reports) -> dict[str, SearchIndex]:
    """The engines by name."""
    bm25 = Bm25Index.build(reports)
    embed = embedder(up.client(), OFFLINE_MODEL)
    return {
        SNIPPETS: bm25,
        PATHS: BarePaths(bm25),
        EMBEDDINGS: EmbeddingIndex.build(reports, embed),
        "semantic": ENGINES["semantic"](reports),
        "hybrid": ENGINES["hybrid"](reports),
    }


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
