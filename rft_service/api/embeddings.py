"""`/v1/embeddings`: hashed n-grams. Lexical, not semantic: texts are near if they share words.

Each word, pair of words, and run of four letters within a word is hashed to an index and a sign
(feature hashing: Weinberger et al. 2009). Counts are damped by a square root, and the vector has
length 1.
"""

from __future__ import annotations

import base64
import re
import zlib
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Any, Literal, cast

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter
from pydantic import Field, field_validator

from rft_service.errors import bad_request
from rft_service.store.models import EMBEDDING_MODEL, unknown_model
from rft_service.strict_json import RequestModel, StrictRoute
from rft_service.tokens import count_tokens

DIMENSIONS = 512
MAX_TOKENS = 8_192  # of one input, as with OpenAI's models
MAX_INPUTS = 2_048
LETTERS = 4

Vector = npt.NDArray[np.float32]
Text = Annotated[str, Field(min_length=1)]
TokenIds = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]

router = APIRouter(prefix="/v1/embeddings", tags=["embeddings"], route_class=StrictRoute)


class EmbeddingRequest(RequestModel):
    """Texts, or the token numbers that some clients send instead."""

    model: str
    input: Text | TokenIds | list[Text] | list[TokenIds]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Field(ge=16, le=2048)] = DIMENSIONS
    user: str | None = None

    @field_validator("input", mode="before")
    @classmethod
    def _not_too_many(cls, value: Any) -> Any:
        # Pydantic's own error for a union would name only its first type, a string.
        if not isinstance(value, list):
            return value
        if not value:
            raise ValueError("the list is empty")
        if not isinstance(value[0], int) and len(value) > MAX_INPUTS:
            raise ValueError(f"{len(value)} inputs; send at most {MAX_INPUTS} at once")
        return value

    def texts(self) -> list[str]:
        """Every input as a text; each token number becomes a word."""
        is_one = isinstance(self.input, str) or isinstance(self.input[0], int)
        return [
            value if isinstance(value, str) else " ".join(f"token{number}" for number in value)
            for value in cast(list[str | list[int]], [self.input] if is_one else self.input)
        ]


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
    indices = (values & 0x7FFFFFFF) % dimensions
    vector = np.bincount(indices, signs * np.sqrt(counts), dimensions)
    length = float(np.linalg.norm(vector))
    return (vector / (length or 1.0)).astype(np.float32)


@router.post("")
def create(body: EmbeddingRequest) -> Any:
    if body.model != EMBEDDING_MODEL:
        raise unknown_model(body.model)
    texts = body.texts()
    for number, text in enumerate(texts):
        if count_tokens(text) > MAX_TOKENS:
            message = f"Input {number} is longer than {MAX_TOKENS} tokens; split it."
            raise bad_request(message, "input", "input_too_long")
    vectors = [embed(text, body.dimensions) for text in texts]
    tokens = sum(count_tokens(text) for text in texts)
    return {
        "object": "list",
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": _encoded(vector, body.encoding_format),
            }
            for index, vector in enumerate(vectors)
        ],
        "model": body.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _encoded(vector: Vector, encoding: str) -> str | list[float]:
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [round(float(value), 7) for value in vector]
