"""Lexical search over the reports: BM25 (bm25s) over words and pairs of words.

Another search engine can take its place: anything that is built from reports and answers
`search(query, k)` with paths, scores and snippets.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, Protocol, Self

import bm25s
import numpy as np
from bm25s.tokenization import Tokenized
from numpy.typing import NDArray

from buildhour_helpers.reports.report import Report

SNIPPET_CHARS = 200
_SPACES = str.maketrans({c: " " for c in map(chr, range(128)) if not c.isalnum()})
# Question words and the commonest English ones: measured on FinQA, leaving them out lifts
# recall@1 by six points, because they otherwise count in every pair.
STOP_WORDS = frozenset(
    "a an and are as at be by did do does for from how in is it its many much of on "  # noqa: SIM905
    "that the this to was were what which with".split()
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that search found; scores compare within one query only."""

    path: str
    score: float
    snippet: str


class SearchIndex(Protocol):
    """What the tool server needs of a search engine."""

    @classmethod
    def build(cls, reports: Mapping[str, Report]) -> Self: ...

    def search(self, query: str, k: int = 5) -> list[Hit]: ...


class Bm25Index:
    """BM25 with k1 0.8 and b 0.75 over the words and word pairs of path and page."""

    def __init__(
        self,
        reports: Sequence[Report],
        vocabulary: dict[str, int],
        pairs: NDArray[np.int64],
        scorer: bm25s.BM25,
    ) -> None:
        self._reports = reports
        self._vocabulary = vocabulary
        self._pairs = pairs
        self._scorer = scorer

    @classmethod
    def build(cls, reports: Mapping[str, Report]) -> Bm25Index:
        if not reports:
            raise ValueError("no reports to search; give the index at least one page")
        vocabulary = _vocabulary()
        documents = [_word_ids(_indexed(report), vocabulary) for report in reports.values()]
        keys = [_pair_keys(document) for document in documents]
        pairs, pair_ids = np.unique(np.concatenate(keys), return_inverse=True)
        ends = np.cumsum([len(part) for part in keys])[:-1]
        terms = [
            np.concatenate([document, part + len(vocabulary)])
            for document, part in zip(documents, np.split(pair_ids, ends), strict=True)
        ]
        scorer = _VectorisedBM25(k1=0.8, b=0.75, method="lucene")
        names = {n: n for n in range(len(vocabulary) + len(pairs))}
        corpus = Tokenized(ids=terms, vocab=names)
        scorer.index(corpus, create_empty_token=False, show_progress=False)
        return cls(list(reports.values()), dict(vocabulary), pairs, scorer)

    def search(self, query: str, k: int = 5) -> list[Hit]:
        """The best `k` pages, best first; fewer where fewer share a word with the query."""
        return best_hits(self._reports, self.scores(query), query, k)

    def scores(self, query: str) -> NDArray[np.float32]:
        """A number for each page, in the order of the reports."""
        terms = self._query_terms([self._vocabulary.get(word, -1) for word in words(query)])
        if not terms:
            return np.zeros(len(self._reports), dtype=np.float32)
        # Rounded, so that the last bit of one platform's logarithm never decides an order.
        scores: NDArray[np.float32] = np.round(self._scorer.get_scores_from_ids(terms), 3)
        return scores

    def _query_terms(self, known: list[int]) -> list[int]:
        """The ids of known words (-1 is unknown) and of the word pairs that some page contains."""
        found = {word for word in known if word >= 0}
        ids = np.array(known, dtype=np.int64)
        keys = _pair_keys(ids)[(ids[:-1] >= 0) & (ids[1:] >= 0)]
        indices = np.searchsorted(self._pairs, keys)
        for key, index in zip(keys.tolist(), indices.tolist(), strict=True):
            if index < len(self._pairs) and self._pairs[index] == key:
                found.add(index + len(self._vocabulary))
        return sorted(found)


def best_hits(
    reports: Sequence[Report], scores: NDArray[np.float32], query: str, k: int
) -> list[Hit]:
    """The `k` pages with the highest scores above zero, each with a snippet for the query."""
    asked = words(query)
    return [
        Hit(reports[n].path, float(scores[n]), snippet(reports[n], asked))
        for n in (_best(scores, k) if k > 0 else ())
    ]


def words(text: str) -> list[str]:
    """The words of a text that count in search: lower case, in order, stop words left out."""
    return [word for word in text.lower().translate(_SPACES).split() if word not in STOP_WORDS]


def snippet(report: Report, asked: Iterable[str]) -> str:
    """The line of the page with most of the words asked for, cut to SNIPPET_CHARS."""
    lines, text, ends = _lines(report)
    counts = [0] * len(lines)
    for word in set(asked):
        place = text.find(word)
        while place >= 0:
            number = bisect_right(ends, place)
            counts[number] += 1
            place = text.find(word, ends[number])  # a word counts once a line
    best = lines[counts.index(max(counts))] if lines else ""
    line = " ".join(best.split())
    return line if len(line) <= SNIPPET_CHARS else line[: SNIPPET_CHARS - 3].rstrip() + "..."


@lru_cache(maxsize=4096)
def _lines(report: Report) -> tuple[list[str], str, list[int]]:
    """A page's lines, its whole text in lower case, and where in that text each line ends.

    Looking a word up in the whole text is several times faster than in each line.
    """
    lines = [*report.pre_text, *(" | ".join(row) for row in report.table), *report.post_text]
    lowered = [line.lower() for line in lines]
    return lines, "\n".join(lowered), list(accumulate(len(line) + 1 for line in lowered))


def _best(scores: NDArray[np.float32], k: int) -> list[int]:
    """The indices of the `k` highest scores above zero, ties in the order of the reports."""
    floor = np.partition(scores, -k)[-k] if k < len(scores) else 0.0
    candidates = np.flatnonzero((scores >= floor) & (scores > 0))
    ranked = candidates[np.argsort(-scores[candidates], kind="stable")[:k]]
    return [int(index) for index in ranked]


def _indexed(report: Report) -> str:
    return f"{report.text()}\n{report.path}"


def _vocabulary() -> defaultdict[str, int]:
    """Word -> id, numbering new words as they come; the stop words hold the first ids."""
    vocabulary: defaultdict[str, int] = defaultdict()
    vocabulary.default_factory = vocabulary.__len__
    for word in sorted(STOP_WORDS):
        vocabulary[word]
    return vocabulary


def _word_ids(text: str, vocabulary: defaultdict[str, int]) -> NDArray[np.int64]:
    everything = text.lower().translate(_SPACES).split()
    ids = np.array(list(map(vocabulary.__getitem__, everything)), dtype=np.int64)
    return ids[ids >= len(STOP_WORDS)]


def _pair_keys(words: NDArray[np.int64]) -> NDArray[np.int64]:
    """One number for each two neighbouring words: the first's id above the second's 31 bits."""
    return (words[:-1] << 31) | words[1:]


class _VectorisedBM25(bm25s.BM25):  # type: ignore[misc]
    """bm25s with its documented hook `build_index_from_ids` in numpy: the same scores, sooner.

    Lucene's formula: idf = ln(1 + (N - df + 0.5) / (df + 0.5)), and a term counts
    tf / (tf + k1 (1 - b + b length / mean length)).
    """

    def build_index_from_ids(
        self,
        unique_token_ids: list[int],
        corpus_token_ids: list[NDArray[np.int64]],
        **_: Any,
    ) -> dict[str, Any]:
        self.nonoccurrence_array = None  # what the base class sets here for Lucene's variant
        lengths = np.array([len(ids) for ids in corpus_token_ids])
        counted = [np.unique(ids, return_counts=True) for ids in corpus_token_ids]
        terms = np.concatenate([ids for ids, _ in counted])
        frequencies = np.concatenate([counts for _, counts in counted])
        documents = np.repeat(np.arange(len(lengths)), [len(ids) for ids, _ in counted])
        document_frequency = np.bincount(terms, minlength=len(unique_token_ids))
        idf = np.log1p((len(lengths) - document_frequency + 0.5) / (document_frequency + 0.5))
        penalty = self.k1 * (1 - self.b + self.b * lengths / lengths.mean())
        scores = idf[terms] * frequencies / (frequencies + penalty[documents])
        order = np.argsort(terms, kind="stable")
        return {
            "data": scores[order].astype(self.dtype),
            "indices": documents[order].astype(self.int_dtype),
            "indptr": np.concatenate([[0], np.cumsum(document_frequency)]),
            "num_docs": len(lengths),
        }
