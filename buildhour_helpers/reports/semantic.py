"""Search by meaning: the page with the passage nearest to the query, alone or together with BM25.

The encoder is wordllama's, which comes with the extra `semantic`: a table of 256 numbers for each
word piece, of which a text's vector is the mean. It ships in its package, so nothing is downloaded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from buildhour_helpers.reports.report import Report
from buildhour_helpers.reports.search import Bm25Index, Hit, SearchIndex, best_hits

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]
"""Texts to vectors of length 1, one row per text."""

PASSAGE_WORDS = 30  # 60 and 120 find fewer pages
SEMANTIC_SHARE = 0.5  # of BM25's weight in a hybrid; 0.25 is as good, 1 is worse


class SemanticIndex:
    """Pages by the cosine of their nearest passage with the query."""

    def __init__(
        self, reports: Sequence[Report], vectors: Vectors, first: NDArray[np.intp], embed: Embed
    ) -> None:
        self._reports, self._vectors, self._first, self._embed = reports, vectors, first, embed

    @classmethod
    def build(cls, reports: Mapping[str, Report], embed: Embed | None = None) -> SemanticIndex:
        """Embed every passage, which takes about ten seconds for 2,800 pages."""
        embed, pages = embed or encoder(), list(reports.values())
        passages = [_passages(page) for page in pages]
        first = np.cumsum([0, *(len(one) for one in passages[:-1])])
        return cls(pages, embed([text for one in passages for text in one]), first, embed)

    def search(self, query: str, k: int = 5) -> list[Hit]:
        """The nearest `k` pages, nearest first."""
        return best_hits(self._reports, self.scores(query), query, k)

    def scores(self, query: str) -> NDArray[np.float32]:
        """A number for each page, in the order of the reports."""
        cosines = self._vectors @ self._embed([query])[0]
        nearest: Vectors = np.maximum.reduceat(cosines, self._first)
        return nearest.round(5)


class HybridIndex:
    """Pages by the sum of their BM25 and semantic scores, each relative to the query's best."""

    def __init__(
        self, reports: Sequence[Report], lexical: Bm25Index, semantic: SemanticIndex
    ) -> None:
        self._reports, self._lexical, self._semantic = reports, lexical, semantic

    @classmethod
    def build(cls, reports: Mapping[str, Report]) -> HybridIndex:
        return cls(list(reports.values()), Bm25Index.build(reports), SemanticIndex.build(reports))

    def search(self, query: str, k: int = 5) -> list[Hit]:
        """The best `k` pages, best first."""
        lexical, semantic = self._lexical.scores(query), self._semantic.scores(query)
        scores: Vectors = _relative(lexical) + SEMANTIC_SHARE * _relative(semantic)
        return best_hits(self._reports, scores.round(5), query, k)


ENGINES: Mapping[str, Callable[[Mapping[str, Report]], SearchIndex]] = {
    "bm25": Bm25Index.build,
    "semantic": SemanticIndex.build,
    "hybrid": HybridIndex.build,
}
"""The search engines that a tool server can have, by name."""


def check_engine(name: str) -> None:
    """Raises ValueError unless there is such an engine and what it needs is installed."""
    if name not in ENGINES:
        raise ValueError(f"no search engine {name!r}; use {', '.join(ENGINES)}")
    if name != "bm25" and find_spec("wordllama") is None:
        raise ValueError(
            f"the search engine {name!r} needs the extra `semantic`; run "
            "`python -m pip install wordllama` in this environment"
        )


def encoder() -> Embed:
    """Texts to vectors of length 1, with the weights that ship in wordllama's package."""
    check_engine("semantic")
    # It would configure the root logger, and with it everybody's, unless that has a handler.
    handler = logging.NullHandler()
    logging.root.addHandler(handler)
    try:
        import wordllama
    finally:
        logging.root.removeHandler(handler)
    # Version 0.4.0 looks for its own tokenizer in a wrong folder, but as a cache it is found.
    package = Path(wordllama.__file__).parent
    model = wordllama.WordLlama.load(cache_dir=package, disable_download=True)

    def embed(texts: Sequence[str]) -> Vectors:
        vectors: Vectors = model.embed(list(texts), norm=True, batch_size=256).astype(np.float32)
        return vectors

    return embed


def _passages(page: Report) -> list[str]:
    """The page's lines in groups of about PASSAGE_WORDS words, each after the words of its path."""
    lines = [*page.pre_text, *(" | ".join(row) for row in page.table), *page.post_text]
    groups: list[list[str]] = [[]]
    for line in lines:
        if sum(len(one.split()) for one in groups[-1]) >= PASSAGE_WORDS:
            groups.append([])
        groups[-1].append(line)
    where = page.path.replace("/", " ").removesuffix(".pdf")
    return [" ".join([where, *group]) for group in groups]


def _relative(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    best = scores.max()
    return scores / best if best > 0 else np.zeros_like(scores)
