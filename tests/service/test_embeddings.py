"""`/v1/embeddings` through the openai client."""

from __future__ import annotations

import math

import pytest

from .conftest import Running

MODEL = "sim-embedding"


def dot(one: list[float], two: list[float]) -> float:
    return sum(a * b for a, b in zip(one, two, strict=True))


def test_texts_that_share_words_are_near(service: Running) -> None:
    texts = ["interest expense of 2012", "the expense for interest in 2012", "a green parrot"]
    found = service.client.embeddings.create(model=MODEL, input=texts)
    expense, similar, parrot = (item.embedding for item in found.data)
    assert math.isclose(dot(expense, expense), 1.0, abs_tol=1e-4)
    assert dot(expense, similar) > 0.3 > dot(expense, parrot)


def test_base64_is_what_float_is(service: Running) -> None:
    create = service.client.embeddings.create
    encoded = create(model=MODEL, input="interest", encoding_format="base64").data[0].embedding
    plain = create(model=MODEL, input="interest", encoding_format="float").data[0].embedding
    assert isinstance(encoded, str)
    decoded = create(model=MODEL, input="interest").data[0].embedding  # decoded by the client
    assert decoded == pytest.approx(plain, abs=1e-6)


def test_dimensions_and_token_numbers(service: Running) -> None:
    create = service.client.embeddings.create
    assert len(create(model=MODEL, input="x").data[0].embedding) == 512
    assert len(create(model=MODEL, input="x", dimensions=64).data[0].embedding) == 64
    assert len(create(model=MODEL, input=[1, 2, 3]).data) == 1
    assert len(create(model=MODEL, input=[[1, 2], [3]]).data) == 2
