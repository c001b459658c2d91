"""Scoring one sample with a grader. What goes wrong is part of the grade, never an exception."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from rft_service.errors import bad_request
from rft_service.graders import formula
from rft_service.graders.python import PythonError, run_python
from rft_service.graders.similarity import NOT_OFFERED, similarity
from rft_service.graders.specs import (
    AnyGrader,
    Endpoint,
    Multi,
    Python,
    ScoreModel,
    StringCheck,
    TextSimilarity,
    parts,
)
from rft_service.graders.templates import TemplateError, fill, item_keys
from rft_service.redaction import redacted
from rft_service.rl.engine import Seed
from rft_service.strict_json import dumps, loads
from rft_wire.client import MAX_BYTES, EndpointClient, Fault, Reply

GRADER_MODEL = "sim-grader"
MAX_QUOTED = 200  # characters of an endpoint's error
ROUNDING = 1e-9
"""How far beyond a bound a score may be by rounding alone: 0.4 + 0.2 + 0.3 + 0.1 is above 1."""
NOT_THE_ANSWERS = frozenset({"other_error", "python_grader_server_error"})
"""Flags of failures that say nothing about the answer: such a rollout is always discarded."""


class Judgement(Protocol):
    """What a grading model says of a sample."""

    @property
    def score(self) -> float: ...
    @property
    def explanation(self) -> str: ...
    @property
    def tokens(self) -> int: ...


Judge = Callable[[Sequence[Mapping[str, str]], tuple[float, float], Seed], Judgement]
"""A grading model: chat messages, the range of scores, and a source of randomness."""


@dataclass(frozen=True)
class Grade:
    """A score, or why there is none.

    `flags` are the error flags of `graders/run`; `details` are texts that belong to some of them.
    """

    name: str
    kind: str
    score: float | None
    failure: str | None = None
    flags: frozenset[str] = frozenset()
    details: Mapping[str, str] = field(default_factory=dict)
    sub_grades: Mapping[str, Grade] = field(default_factory=dict)
    model: str | None = None
    tokens: int = 0
    explanation: str | None = None
    latency_s: float = 0.0

    @property
    def explanations(self) -> dict[str, str]:
        """What the grading models said, by the name of their grader."""
        parts = self.sub_grades or {self.name: self}
        return {name: part.explanation for name, part in parts.items() if part.explanation}


def failed(grader: AnyGrader, flag: str, failure: str, **details: str) -> Grade:
    return Grade(grader.name, grader.type, None, failure, flags=frozenset({flag}), details=details)


def check_grader(grader: AnyGrader, param: str = "grader") -> None:
    """What parsing alone cannot see. Raises ApiError 400 that names the field."""
    for name, part in parts(grader).items():
        where = f"{param}.graders.{name}" if isinstance(grader, Multi) else param
        if isinstance(part, ScoreModel) and part.model != GRADER_MODEL:
            raise bad_request(
                f"Invalid grader: {where}.model: no such grading model {part.model!r}; "
                f"use {GRADER_MODEL!r}.",
                f"{where}.model",
                "model_not_found",
            )
        if isinstance(part, TextSimilarity) and part.evaluation_metric in NOT_OFFERED:
            metric = part.evaluation_metric
            raise bad_request(
                f"Invalid grader: {where}.evaluation_metric: {metric} is not offered here: "
                f"{NOT_OFFERED[metric]}.",
                f"{where}.evaluation_metric",
                "metric_not_offered",
            )
        if isinstance(part, Python):
            _check_source(part, where)
    try:
        item_keys(grader)
        if isinstance(grader, Multi):
            formula.check(grader.calculate_output, grader.graders)
    except TemplateError as error:
        raise bad_request(f"Invalid grader: {error}.", param, "invalid_template") from None
    except formula.FormulaError as error:
        where = f"{param}.calculate_output"
        raise bad_request(f"Invalid grader: {where}: {error}.", where, "invalid_formula") from None


def _check_source(grader: Python, where: str) -> None:
    try:
        compile(grader.source, "<grader>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise bad_request(
            f"Invalid grader: {where}.source: {error}.", f"{where}.source", "invalid_source"
        ) from None
    if "grade" not in grader.source:
        raise bad_request(
            f"Invalid grader: {where}.source: defines no function grade(sample, item).",
            f"{where}.source",
            "invalid_source",
        )


class RateLimit:
    """Spaces calls evenly, `per_second` at most; belongs to one event loop."""

    def __init__(self, per_second: float) -> None:
        self._interval_s = 1 / per_second
        self._next_s = 0.0

    async def turn(self) -> None:
        now = time.monotonic()
        at = max(now, self._next_s)
        self._next_s = at + self._interval_s
        if at > now:
            await asyncio.sleep(at - now)


class GraderRunner:
    """Runs graders of every kind; endpoint graders are called through `client`."""

    def __init__(self, client: EndpointClient, judge: Judge) -> None:
        self._client = client
        self._judge = judge
        self._rates: dict[tuple[str, float], RateLimit] = {}

    async def grade(
        self, grader: AnyGrader, sample: Mapping[str, Any], item: Mapping[str, Any], trace_id: str
    ) -> Grade:
        """Grade one sample; `latency_s` of the grade is wall time."""
        started = time.perf_counter()
        if isinstance(grader, Multi):
            grade = await self._multi(grader, sample, item, trace_id)
        else:
            grade = await self._single(grader, sample, item, trace_id)
        return replace(grade, latency_s=time.perf_counter() - started)

    async def _single(
        self, grader: AnyGrader, sample: Mapping[str, Any], item: Mapping[str, Any], trace_id: str
    ) -> Grade:
        try:
            if isinstance(grader, Endpoint):
                return await self._endpoint(grader, sample, item, trace_id)
            if isinstance(grader, Python):
                return await self._python(grader, sample, item)
            if isinstance(grader, ScoreModel):
                return self._score_model(grader, sample, item)
            assert isinstance(grader, StringCheck | TextSimilarity)
            text, reference = (fill(t, sample, item) for t in (grader.input, grader.reference))
            if isinstance(grader, StringCheck):
                score = float(string_check(grader.operation, text, reference))
                return Grade(grader.name, grader.type, score)
            return await self._text_similarity(grader, text, reference)
        except TemplateError as error:
            flag = "sample_parse_error" if error.in_sample else "invalid_variable_error"
            return failed(grader, flag, str(error))

    async def _text_similarity(self, grader: TextSimilarity, text: str, reference: str) -> Grade:
        metric = grader.evaluation_metric
        try:  # in a thread: some metrics take seconds, and the service has other callers
            score = await asyncio.to_thread(similarity, metric, text, reference)
        except ValueError as error:
            return failed(grader, "other_error", str(error))
        return Grade(grader.name, grader.type, score)

    async def _multi(
        self, grader: Multi, sample: Mapping[str, Any], item: Mapping[str, Any], trace_id: str
    ) -> Grade:
        grades = dict(
            zip(
                grader.graders,
                await asyncio.gather(
                    *(self.grade(g, sample, item, trace_id) for g in grader.graders.values())
                ),
                strict=True,
            )
        )
        tokens = sum(grade.tokens for grade in grades.values())
        broken = {name: grade for name, grade in grades.items() if grade.score is None}
        joint = Grade(grader.name, grader.type, None, sub_grades=grades, tokens=tokens)
        if broken:
            failure = "; ".join(f"{name}: {grade.failure}" for name, grade in broken.items())
            flags = frozenset[str]().union(*(grade.flags for grade in broken.values()))
            details = {k: v for grade in broken.values() for k, v in grade.details.items()}
            joint = replace(joint, failure=failure, flags=flags, details=details)
            return joint if flags & NOT_THE_ANSWERS else invalid(grader, joint)
        scores = {name: g.score for name, g in grades.items() if g.score is not None}
        try:
            score = rounded(formula.evaluate(grader.calculate_output, scores))
            return replace(joint, score=score)
        except formula.FormulaError as error:
            flags = frozenset({"formula_parse_error"})
            return invalid(grader, replace(joint, failure=str(error), flags=flags))

    def _score_model(
        self, grader: ScoreModel, sample: Mapping[str, Any], item: Mapping[str, Any]
    ) -> Grade:
        messages = [
            {"role": message.role, "content": fill(message.text(), sample, item)}
            for message in grader.input
        ]
        seed = Seed.of("grader", grader.model, dumps(messages), *grader.range)
        judgement = self._judge(messages, grader.range, seed)
        return Grade(
            grader.name,
            grader.type,
            judgement.score,
            model=grader.model,
            tokens=judgement.tokens,
            explanation=judgement.explanation,
        )

    async def _python(
        self, grader: Python, sample: Mapping[str, Any], item: Mapping[str, Any]
    ) -> Grade:
        try:
            score = bounded(await run_python(grader.source, sample, item))
            return Grade(grader.name, grader.type, score)
        except ScoreError as error:
            failure = f"grade() returned {error}"
            return failed(
                grader,
                "python_grader_runtime_error",
                failure,
                python_grader_runtime_error_details=failure,
            )
        except PythonError as error:
            if error.is_servers:
                return failed(
                    grader,
                    "python_grader_server_error",
                    str(error),
                    python_grader_server_error_type=error.kind,
                )
            return failed(
                grader,
                "python_grader_runtime_error",
                str(error),
                python_grader_runtime_error_details=str(error),
            )

    async def _endpoint(
        self, grader: Endpoint, sample: Mapping[str, Any], item: Mapping[str, Any], trace_id: str
    ) -> Grade:
        body = dumps({"sample": sample, "item": item, "trace_id": trace_id}).encode()
        if len(body) > MAX_BYTES:
            return failed(grader, "other_error", "the grader's request is larger than 1 MB")
        if grader.rate_limit is not None:
            key = (grader.url, grader.rate_limit)
            await self._rates.setdefault(key, RateLimit(grader.rate_limit)).turn()
        reply = await self._client.post(grader.url, grader.headers, body, retry_429=True)
        if isinstance(reply, Fault):
            return failed(grader, "other_error", f"the grader {grader.name!r} {reply.reason}")
        return _read_endpoint_reply(grader, reply)


def _read_endpoint_reply(grader: Endpoint, reply: Reply) -> Grade:
    who = f"the grader {grader.name!r} answered {reply.status}"
    if reply.body is None:
        return failed(grader, "other_error", f"{who} with more than 1 MB")
    if reply.status >= 400:
        text = redacted(reply.body.decode("utf-8", "replace"), grader.headers)[:MAX_QUOTED]
        return failed(grader, "other_error", f"{who}: {text}")
    try:
        answer = loads(reply.body)
    except ValueError as error:
        return failed(grader, "other_error", f"{who} with no usable JSON ({error})")
    score = answer.get("score") if isinstance(answer, dict) else None
    if isinstance(score, bool) or not isinstance(score, int | float):
        return failed(grader, "other_error", f"{who} with no number in `score`")
    try:
        return Grade(grader.name, grader.type, bounded(score))
    except ScoreError as error:
        return failed(grader, "other_error", f"{who} with the score {error}")


class ScoreError(ValueError):
    """A score that is not within 0 to 1."""


def bounded(score: float) -> float:
    """A score from 0 to 1; one that is beyond a bound by rounding alone is the bound.

    Raises ScoreError.
    """
    if -ROUNDING <= score <= 1 + ROUNDING:
        return rounded(float(score))
    raise ScoreError(f"{score!r}, which is not from 0 to 1")


def rounded(score: float) -> float:
    """0 or 1 for a score that differs from it by rounding alone; any other score as it is."""
    return next((bound for bound in (0.0, 1.0) if abs(score - bound) <= ROUNDING), score)


def invalid(grader: Multi, grade: Grade) -> Grade:
    """A grade without a score: it has the grader's `invalid_grade`, if there is one."""
    return grade if grader.invalid_grade is None else replace(grade, score=grader.invalid_grade)


def string_check(operation: str, text: str, reference: str) -> bool:
    """`eq`, `ne` or `neq`; `like` and `ilike` ask whether the text contains the reference."""
    match operation:
        case "eq":
            return text == reference
        case "ne" | "neq":
            return text != reference
        case "like":
            return reference in text
        case _:
            return reference.casefold() in text.casefold()
