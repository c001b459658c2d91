"""Search by meaning, and together with BM25; the encoder only where the extra is installed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from buildhour_helpers import session
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.reports import Bm25Index, Report, semantic
from buildhour_helpers.reports.semantic import HybridIndex, SemanticIndex, check_engine
from buildhour_helpers.tools.__main__ import main

needs_encoder = pytest.mark.skipif(
    find_spec("wordllama") is None, reason="the extra `semantic` is not installed"
)
WORDS = ("sales", "debt", "tax")


def embed(texts: Sequence[str]) -> Any:
    """Vectors that a test can read: the shares of WORDS, in a text that has any."""
    counts = np.array([[text.lower().count(word) for word in WORDS] for text in texts], np.float32)
    return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1)


def pages(*texts: tuple[str, ...]) -> dict[str, Report]:
    """Pages 1, 2, 3... of one report."""
    made = (Report(f"ACME/2012/page_{n}.pdf", lines, (), ()) for n, lines in enumerate(texts, 1))
    return {one.path: one for one in made}


FILLER = " ".join(["other"] * semantic.PASSAGE_WORDS)
PAGES = pages((f"Sales and sales. {FILLER}", "Debt is due."), ("Debt, debt and tax.",), ("Tax.",))


@pytest.mark.parametrize(
    ("query", "found"), [("debt", [1, 2]), ("sales", [1]), ("tax", [3, 2]), ("debt tax", [2, 1, 3])]
)
def test_a_page_is_as_near_as_its_nearest_passage(query: str, found: list[int]) -> None:
    hits = SemanticIndex.build(PAGES, embed).search(query)
    assert [hit.path for hit in hits] == [f"ACME/2012/page_{number}.pdf" for number in found]


def test_a_hybrid_adds_both_scores_relative_to_the_best() -> None:
    lexical, nearest = Bm25Index.build(PAGES), SemanticIndex.build(PAGES, embed)
    hits = HybridIndex(list(PAGES.values()), lexical, nearest).search("debt and tax")
    scores = {hit.path: hit.score for hit in hits}
    a, b = lexical.scores("debt and tax"), nearest.scores("debt and tax")
    expected = a / a.max() + semantic.SEMANTIC_SHARE * b / b.max()
    assert scores == pytest.approx(dict(zip(PAGES, expected.tolist(), strict=True)), abs=1e-4)
    assert HybridIndex(list(PAGES.values()), lexical, nearest).search("zebra") == []


@needs_encoder
@pytest.mark.parametrize("name", ["semantic", "hybrid"])
def test_the_encoder_finds_a_page_by_a_synonym_without_a_network(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the encoder must not use a network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    handlers = list(logging.root.handlers)
    shelf = pages(
        ("The automobile was repaired by a mechanic.",),
        ("The bank raised its interest rate.",),
        ("Bread is baked from flour.",),
    )
    index = semantic.ENGINES[name](shelf)
    assert index.search("fixing a car")[0].path == "ACME/2012/page_1.pdf"
    assert logging.root.handlers == handlers


@pytest.mark.parametrize(
    ("name", "said"),
    [("semantic", "needs the extra `semantic`"), ("google", "use bm25, semantic, hybrid")],
)
def test_an_engine_that_cannot_be_had_is_one_line(
    name: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(semantic, "find_spec", lambda name: None)  # the encoder is not installed
        check_engine("bm25")
        assert main(["--search", name]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
        patch.setenv("BUILDHOUR_SEARCH", name)
        with pytest.raises(WorkshopError, match=said):
            session.tools_program()
    monkeypatch.setattr(semantic, "find_spec", lambda name: name)
    monkeypatch.setenv("BUILDHOUR_SEARCH", "hybrid")
    assert session.tools_program().options == ("--search", "hybrid")
