"""`/v1/embeddings`: hashed n-grams. Lexical, not semantic: texts are near if they share words.

Each word, pair of words, and run of four letters within a word is hashed to a place and a sign
(feature hashing: Weinberger et al. 2009); counts are damped by a square root; the vector has
length 1.
"""

from __future__ import annotations

import base64
import re
import zlib
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, field_validator

from rft_service.api.context import Serving
from rft_service.errors import bad_request
from rft_service.store.models import EMBEDDING_MODEL, unknown_model
from rft_service.strict_json import StrictRoute
from rft_service.tokens import count_tokens

DIMENSIONS = 512
MAX_TOKENS = 8_192  # of one input, as with OpenAI's models
MAX_INPUTS = 2_048
LETTERS = 4

Vector = npt.NDArray[np.float32]
Text = Annotated[str, Field(min_length=1)]
TokenIds = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]

router = APIRouter(prefix="/v1/embeddings", tags=["embeddings"], route_class=StrictRoute)


class EmbeddingRequest(BaseModel):
    """Texts, or the token numbers that some clients send in their place."""

    model_config = ConfigDict(extra="forbid")

    model: str
    input: Text | TokenIds | list[Text] | list[TokenIds]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=16, le=2048)] | None = None
    user: str | None = None

    @field_validator("input", mode="before")
    @classmethod
    def _some_texts(cls, value: Any) -> Any:
        """Says what is wrong itself where the error of a union would name its first kind only."""
        if not isinstance(value, list):
            return value
        if not value:
            raise ValueError("the list is empty")
        if not isinstance(value[0], int) and len(value) > MAX_INPUTS:
            raise ValueError(f"{len(value)} inputs; send at most {MAX_INPUTS} at once")
        return value

    def texts(self) -> list[str]:
        """Every input as a text; token numbers become words of their own."""
        given = self.input
        several = isinstance(given, list) and not isinstance(given[0], int)
        return [_as_text(value) for value in (given if several else [given])]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else " ".join(f"token{number}" for number in value)


@lru_cache(maxsize=65_536)
def _features(word: str) -> tuple[int, ...]:
    """Hashes of a word and of the runs of letters in it."""
    padded = f"<{word}>"
    runs = {padded[start : start + LETTERS] for start in range(len(padded) - LETTERS + 1)}
    return tuple(zlib.crc32(feature.encode()) for feature in (word, *sorted(runs - {word})))


def embed(text: str, dimensions: int = DIMENSIONS) -> Vector:
    """A vector of length 1 (of length 0 for a text without a letter or digit)."""
    words = re.findall(r"\w+", text.casefold())
    hashes = [value for word in words for value in _features(word)]
    hashes += [zlib.crc32(f"{first} {second}".encode()) for first, second in pairwise(words)]
    if not hashes:
        return np.zeros(dimensions, np.float32)
    values, counts = np.unique(np.array(hashes, np.int64), return_counts=True)
    signs = np.where(values >> 31, 1.0, -1.0)
    places = (values & 0x7FFFFFFF) % dimensions
    vector = np.bincount(places, signs * np.sqrt(counts), dimensions)
    length = float(np.linalg.norm(vector))
    return (vector / (length or 1.0)).astype(np.float32)


@router.post("")
def create(service: Serving, body: EmbeddingRequest) -> Any:
    del service
    if body.model != EMBEDDING_MODEL:
        raise unknown_model(body.model)
    texts = body.texts()
    for number, text in enumerate(texts):
        if count_tokens(text) > MAX_TOKENS:
            message = f"Input {number} is longer than {MAX_TOKENS} tokens; split it."
            raise bad_request(message, "input", "input_too_long")
    vectors = [embed(text, body.dimensions or DIMENSIONS) for text in texts]
    tokens = sum(count_tokens(text) for text in texts)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": n, "embedding": _encoded(v, body.encoding_format)}
            for n, v in enumerate(vectors)
        ],
        "model": body.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _encoded(vector: Vector, encoding: str | None) -> str | list[float]:
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [round(float(value), 7) for value in vector]
