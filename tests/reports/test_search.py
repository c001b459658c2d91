"""The search index: bm25s's own scores, and recall on real questions where they are at hand."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path

import bm25s
import numpy as np
import pytest
from bm25s.tokenization import Tokenized

from buildhour_helpers.reports import Bm25Index, Report
from buildhour_helpers.reports.search import words
from buildhour_helpers.reports.store import load
from buildhour_helpers.tasks.finqa import import_finqa

FINQA = Path(__file__).parents[3] / "shared" / "finqa"

TEXTS = {
    "A/2001/page_1.pdf": "Net sales of anvils rose. Anvils are heavy anvils.",
    "A/2002/page_2.pdf": "Net sales of springs fell in 2002, and net income fell.",
    "B/2001/page_3.pdf": "Springs and sales offices; the net was empty.",
    "B/2002/page_4.pdf": "Nothing of the kind.",
}
REPORTS = {path: Report(path, (text,), (), ()) for path, text in TEXTS.items()}


def test_scores_are_those_of_bm25s_over_words_and_pairs() -> None:
    def terms(text: str) -> list[str]:
        found = words(text)
        return found + [f"{a} {b}" for a, b in pairwise(found)]

    documents = [terms(f"{report.text()}\n{path}") for path, report in REPORTS.items()]
    names = sorted({term for document in documents for term in document})
    vocabulary = {name: number for number, name in enumerate(names)}
    plain = bm25s.BM25(k1=0.8, b=0.75, method="lucene")
    ids = [[vocabulary[term] for term in document] for document in documents]
    plain.index(Tokenized(ids=ids, vocab=vocabulary), show_progress=False)

    query = "What were net sales of springs in 2002, and who asked?"
    asked = sorted({vocabulary[term] for term in terms(query) if term in vocabulary})
    expected = dict(zip(REPORTS, plain.get_scores_from_ids(asked), strict=True))
    hits = Bm25Index.build(REPORTS).search(query, 4)
    assert len(hits) == np.count_nonzero(list(expected.values()))
    assert {hit.path: hit.score for hit in hits} == pytest.approx(
        {hit.path: expected[hit.path] for hit in hits}, abs=1e-3
    )
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_query_of_no_known_word_finds_nothing_and_a_snippet_is_one_short_line() -> None:
    index = Bm25Index.build(REPORTS)
    for query in ("", "the of and", "zebra xylophone", "???"):
        assert index.search(query) == []
    report = Report("A/1/p", ("short", "anvil " * 100), (), ())
    (hit,) = Bm25Index.build({"A/1/p": report}).search("anvil")
    assert len(hit.snippet) <= 200
    assert "\n" not in hit.snippet
    with pytest.raises(ValueError, match="at least one page"):
        Bm25Index.build({})


def test_k_bounds_the_hits_and_ties_keep_the_order_of_the_reports() -> None:
    twins = {path: Report(path, ("same words here",), (), ()) for path in ("A/1/p", "B/1/p")}
    index = Bm25Index.build(twins)
    assert [hit.path for hit in index.search("same words", 5)] == ["A/1/p", "B/1/p"]
    assert [hit.path for hit in index.search("same words", 1)] == ["A/1/p"]
    assert index.search("same words", 0) == []


@pytest.mark.skipif(not FINQA.is_dir(), reason="needs the real FinQA data beside the checkout")
def test_recall_on_real_finqa(tmp_path: Path) -> None:
    import_finqa(FINQA, tmp_path)
    index = Bm25Index.build(load(tmp_path))
    with gzip.open(FINQA / "dev.json.gz", "rt", encoding="utf-8") as file:
        examples = json.load(file)
    found = [[hit.path for hit in index.search(e["qa"]["question"], 5)] for e in examples]
    pages = [example["filename"] for example in examples]
    assert len(examples) == 883
    assert np.mean([page == paths[0] for page, paths in zip(pages, found, strict=True)]) >= 0.43
    assert np.mean([page in paths for page, paths in zip(pages, found, strict=True)]) >= 0.72
