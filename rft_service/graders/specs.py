"""Grader specs in requests: OpenAI's six kinds for reinforcement fine-tuning."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

from pydantic import Field, TypeAdapter, ValidationError, field_validator

from rft_service.endpoints import Headers, Url
from rft_service.errors import ApiError, bad_request, reason_of
from rft_service.strict_json import RequestModel

Name = Annotated[str, Field(min_length=1, max_length=64)]
MAX_SOURCE_BYTES = 256_000


class StringCheck(RequestModel):
    """1 where the comparison holds, else 0: `eq`, `ne`, `like` (contains), `ilike` (any case)."""

    type: Literal["string_check"]
    name: Name
    input: str
    reference: str
    operation: Literal["eq", "ne", "like", "ilike"]


class TextSimilarity(RequestModel):
    """A similarity of two texts, from 0 to 1."""

    type: Literal["text_similarity"]
    name: Name
    input: str
    reference: str
    evaluation_metric: Literal[
        "fuzzy_match", "bleu", "gleu", "meteor", "cosine",
        "rouge_1", "rouge_2", "rouge_3", "rouge_4", "rouge_5", "rouge_l",
    ]  # fmt: skip
    pass_threshold: float | None = None


class Message(RequestModel):
    """A message to a grading model; its text may hold templates."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str | dict[str, Any] | list[str | dict[str, Any]]
    type: Literal["message"] | None = None

    def text(self) -> str:
        """The text parts, joined by newlines."""
        parts = self.content if isinstance(self.content, list) else [self.content]
        return "\n".join(p if isinstance(p, str) else str(p.get("text", "")) for p in parts)


class ScoreModel(RequestModel):
    """A model reads the messages and gives a score within `range`."""

    type: Literal["score_model"]
    name: Name
    model: str
    input: list[Message] = Field(min_length=1)
    range: tuple[float, float] = (0.0, 1.0)
    sampling_params: dict[str, Any] | None = None
    pass_threshold: float | None = None

    @field_validator("range")
    @classmethod
    def _rising(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not value[0] < value[1]:
            raise ValueError("the first number must be below the second")
        return value


class Python(RequestModel):
    """`source` defines `grade(sample, item)`, which returns a number."""

    type: Literal["python"]
    name: Name
    source: str
    image_tag: str | None = None
    pass_threshold: float | None = None

    @field_validator("source")
    @classmethod
    def _bounded(cls, value: str) -> str:
        if len(value.encode("utf-8", "replace")) > MAX_SOURCE_BYTES:
            raise ValueError("the source is larger than 256 kB")
        return value


class Endpoint(RequestModel):
    """The customer's own HTTP endpoint. `rate_limit` is in requests a second."""

    type: Literal["endpoint"]
    name: Name
    url: Url
    headers: Headers = Field(default_factory=dict)
    rate_limit: Annotated[float, Field(gt=0)] | None = None
    pass_threshold: float | None = None


SingleGrader = Annotated[
    Union[StringCheck, TextSimilarity, ScoreModel, Python, Endpoint],  # noqa: UP007
    Field(discriminator="type"),
]


class Multi(RequestModel):
    """Several graders and the formula that joins their scores."""

    type: Literal["multi"]
    name: Name
    graders: dict[str, SingleGrader] = Field(min_length=1)
    calculate_output: Annotated[str, Field(min_length=1, max_length=2_000)]


Grader = Annotated[
    Union[StringCheck, TextSimilarity, ScoreModel, Python, Endpoint, Multi],  # noqa: UP007
    Field(discriminator="type"),
]
AnyGrader = StringCheck | TextSimilarity | ScoreModel | Python | Endpoint | Multi
_ADAPTER: TypeAdapter[AnyGrader] = TypeAdapter(Grader)


def parse_grader(spec: Any, param: str = "grader") -> AnyGrader:
    """A spec from JSON. Raises ApiError 400 that names the field and what is wrong with it."""
    try:
        return _ADAPTER.validate_python(spec)
    except ValidationError as error:
        raise _explained(error, param) from None


def _explained(error: ValidationError, param: str) -> ApiError:
    problem = error.errors(include_url=False)[0]
    kinds = {"string_check", "text_similarity", "score_model", "python", "endpoint", "multi"}
    where = ".".join([param, *(str(part) for part in problem["loc"] if part not in kinds)])
    message = f"Invalid grader: {where}: {reason_of(problem['msg'])}."
    return bad_request(message, where, "invalid_grader")


def parts(grader: AnyGrader) -> dict[str, AnyGrader]:
    """The graders within a multi grader by name; any other grader under its own name."""
    return dict(grader.graders) if isinstance(grader, Multi) else {grader.name: grader}


def endpoints(grader: AnyGrader) -> list[Endpoint]:
    return [part for part in parts(grader).values() if isinstance(part, Endpoint)]
