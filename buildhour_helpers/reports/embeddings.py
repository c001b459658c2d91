"""Search by embeddings: pages and queries become vectors, and the nearest pages win.

The second implementation of `SearchIndex`, over any service's `/v1/embeddings`. Lesson 03 compares
it with BM25. Offline the vectors are hashed n-grams, which capture words but not meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from openai import OpenAI

from buildhour_helpers.reports.report import Report
from buildhour_helpers.reports.search import Hit, snippet, words

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]
"""Texts to vectors of length 1, one row per text."""

OFFLINE_MODEL = "sim-embedding"
BATCH = 100  # texts a request; the API takes 2,048, and 300,000 tokens in all


def embedder(client: OpenAI, model: str) -> Embed:
    """Embed through the client, in batches."""

    def embed(texts: Sequence[str]) -> Vectors:
        rows: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            batch = list(texts[start : start + BATCH])
            answer = client.embeddings.create(model=model, input=batch)
            rows += [one.embedding for one in answer.data]
        return np.array(rows, dtype=np.float32)

    return embed


class EmbeddingIndex:
    """Pages by the cosine of their vector with the query's."""

    def __init__(self, reports: Sequence[Report], vectors: Vectors, embed: Embed) -> None:
        self._reports, self._vectors, self._embed = reports, vectors, embed

    @classmethod
    def build(cls, reports: Mapping[str, Report], embed: Embed | None = None) -> EmbeddingIndex:
        """Embed every page; by default with the service that the environment names."""
        pages, embed = list(reports.values()), embed or embedder(OpenAI(), OFFLINE_MODEL)
        return cls(pages, embed([f"{page.text()}\n{page.path}" for page in pages]), embed)

    def search(self, query: str, k: int = 5) -> list[Hit]:
        """The nearest `k` pages, nearest first."""
        scores = np.round(self._vectors @ self._embed([query])[0], 5)
        nearest = np.argsort(-scores, kind="stable")[:k]
        asked = words(query)
        return [
            Hit(self._reports[n].path, float(scores[n]), snippet(self._reports[n], asked))
            for n in nearest
        ]
