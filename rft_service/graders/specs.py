"""Grader specs in requests: OpenAI's six kinds for reinforcement fine-tuning."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from rft_service.endpoints import Headers, Url
from rft_service.errors import ApiError, bad_request, reason_of
from rft_service.strict_json import RequestModel

Name = Annotated[str, Field(min_length=1, max_length=64)]
MAX_SOURCE_BYTES = 256_000


class BaseGrader(RequestModel):
    """What all kinds share; `pass_threshold` has no effect in fine-tuning."""

    pass_threshold: float | None = None


class StringCheck(BaseGrader):
    """1 where the comparison holds, else 0: `eq`, `ne`, `like` (contains), `ilike` (any case).

    OpenAI's API reference calls the second one `ne`, its guide `neq`.
    """

    type: Literal["string_check"]
    name: Name
    input: str
    reference: str
    operation: Literal["eq", "ne", "neq", "like", "ilike"]


class TextSimilarity(BaseGrader):
    """A similarity of two texts, from 0 to 1."""

    type: Literal["text_similarity"]
    name: Name
    input: str
    reference: str
    evaluation_metric: Literal[
        "fuzzy_match", "bleu", "gleu", "meteor", "cosine",
        "rouge_1", "rouge_2", "rouge_3", "rouge_4", "rouge_5", "rouge_l",
    ]  # fmt: skip


class Message(RequestModel):
    """A message to a grading model; its text may hold templates."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str | dict[str, Any] | list[str | dict[str, Any]]
    type: Literal["message"] | None = None

    def text(self) -> str:
        """The text parts, joined by newlines."""
        parts = self.content if isinstance(self.content, list) else [self.content]
        return "\n".join(p if isinstance(p, str) else str(p.get("text", "")) for p in parts)


class ScoreModel(BaseGrader):
    """A model reads the messages and gives a score within `range`."""

    type: Literal["score_model"]
    name: Name
    model: str
    input: list[Message] = Field(min_length=1)
    range: tuple[float, float] = (0.0, 1.0)
    sampling_params: dict[str, Any] | None = None

    @field_validator("range")
    @classmethod
    def _rising(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not value[0] < value[1]:
            raise ValueError("the first number must be below the second")
        return value


class Python(BaseGrader):
    """`source` defines `grade(sample, item)`, which returns a number."""

    type: Literal["python"]
    name: Name = "python"
    source: str
    image_tag: str | None = None

    @field_validator("source")
    @classmethod
    def _bounded(cls, value: str) -> str:
        if len(value.encode("utf-8", "replace")) > MAX_SOURCE_BYTES:
            raise ValueError("the source is larger than 256 kB")
        return value


class Endpoint(BaseGrader):
    """The customer's own HTTP endpoint. `rate_limit` is in requests a second."""

    type: Literal["endpoint"]
    name: Name = "endpoint"
    url: Url
    headers: Headers = Field(default_factory=dict)
    rate_limit: Annotated[float, Field(gt=0)] | None = None


UNNAMED = ("python", "endpoint")
"""The kinds that published code sends without a name."""
SingleGrader = Annotated[
    Union[StringCheck, TextSimilarity, ScoreModel, Python, Endpoint],  # noqa: UP007
    Field(discriminator="type"),
]


class Multi(BaseGrader):
    """Several graders and the formula that joins their scores; a grader without a name has its key.

    `invalid_grade` (Foundry's) is the score of an answer that a grader or the formula cannot score.
    """

    type: Literal["multi"]
    name: Name = "multi"
    graders: dict[str, SingleGrader] = Field(min_length=1)
    calculate_output: Annotated[str, Field(min_length=1, max_length=2_000)]
    invalid_grade: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _named_by_key(cls, value: Any) -> Any:
        graders = value.get("graders") if isinstance(value, dict) else None
        if not isinstance(graders, dict):
            return value
        named = {
            key: {"name": key, **{k: v for k, v in spec.items() if v is not None}}
            if isinstance(spec, dict) and spec.get("type") in UNNAMED
            else spec
            for key, spec in graders.items()
        }
        return {**value, "graders": named}


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
    path = list(problem["loc"])
    if path[:2] == ["multi", "graders"]:
        del path[3:4]  # pydantic's path also has the type that it chose: here that of a part
    where = ".".join([param, *map(str, path[1:])])
    message = f"Invalid grader: {where}: {reason_of(problem['msg'])}."
    return bad_request(message, where, "invalid_grader")


def parts(grader: AnyGrader) -> dict[str, AnyGrader]:
    """The graders within a multi grader by name; any other grader under its own name."""
    return dict(grader.graders) if isinstance(grader, Multi) else {grader.name: grader}


def endpoints(grader: AnyGrader) -> list[Endpoint]:
    return [part for part in parts(grader).values() if isinstance(part, Endpoint)]
