"""Search by embeddings, with vectors that a test can read: one place for each of a few words."""

import numpy as np

from buildhour_helpers.reports import Report
from buildhour_helpers.reports.embeddings import BATCH, EmbeddingIndex, embedder

WORDS = ("sales", "debt", "tax")


def page(path: str, text: str) -> Report:
    return Report(path, (text,), (), ())


def embed(texts):
    counts = np.array([[text.lower().count(word) for word in WORDS] for text in texts], np.float32)
    return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1)


PAGES = {
    one.path: one
    for one in (
        page("ACME/2011/page_1.pdf", "Sales rose. Tax fell."),
        page("ACME/2012/page_1.pdf", "Sales and sales again."),
        page("ACME/2013/page_1.pdf", "Debt is due."),
    )
}


def test_the_nearest_page_comes_first_with_a_snippet():
    hits = EmbeddingIndex.build(PAGES, embed).search("sales", k=2)
    assert [hit.path for hit in hits] == ["ACME/2012/page_1.pdf", "ACME/2011/page_1.pdf"]
    assert hits[0].snippet == "Sales and sales again."
    assert hits[0].score > hits[1].score


def test_equally_near_pages_keep_their_order():
    hits = EmbeddingIndex.build(PAGES, embed).search("nothing known", k=3)
    assert [hit.path for hit in hits] == list(PAGES)


class Client:
    """As much of the client as embedding needs; counts the texts of each request."""

    def __init__(self) -> None:
        self.embeddings, self.sizes = self, []

    def create(self, *, model, input):
        self.sizes.append(len(input))
        vectors = embed(input).tolist()
        return type("Answer", (), {"data": [type("One", (), {"embedding": v})() for v in vectors]})


def test_texts_go_out_in_batches_and_come_back_in_order():
    client = Client()
    vectors = embedder(client, "any")(["sales"] * BATCH + ["debt"])
    assert client.sizes == [BATCH, 1]
    assert vectors.shape == (BATCH + 1, len(WORDS))
    assert vectors[-1].tolist() == [0, 1, 0]
