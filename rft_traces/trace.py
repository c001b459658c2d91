"""A trace: the prompt, then step by step what the model thought, called and received."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Item = Mapping[str, Any]

ID_KEYS = ("question_id", "sample_id", "item_id", "id", "index")
REWARD_KEYS = ("reward", "score")
COSTS = ("turns", "tool_calls", "reasoning_tokens", "output_tokens")


class Outcome(StrEnum):
    """The outcome of a rollout, by its reward."""

    RIGHT = "right"  # a reward of 1 or more
    PARTIAL = "partial"  # between 0 and 1
    WRONG = "wrong"  # 0 or less
    DISCARDED = "discarded"  # no reward: a tool, the grader or the API failed

    @classmethod
    def of(cls, reward: float | None) -> Outcome:
        if reward is None:
            return cls.DISCARDED
        if reward >= 1:
            return cls.RIGHT
        return cls.PARTIAL if reward > 0 else cls.WRONG


@dataclass(frozen=True)
class Call:
    """A tool call; `output` is None if none came back."""

    name: str
    arguments: str
    output: str | None = None

    @property
    def is_error(self) -> bool:
        """Whether the tool reported a mistake of the model."""
        return self.output is not None and self.output.startswith("Error:")

    def given(self) -> list[tuple[str, str]]:
        """The arguments by name, as text; one without a name if they are not a JSON object."""
        try:
            values = json.loads(self.arguments)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            return [("", self.arguments)]
        return [(name, text_of(value)) for name, value in values.items()]


@dataclass(frozen=True)
class Step:
    """One turn of the model: its reasoning, its calls, and what it said."""

    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    text: str | None = None

    @property
    def tools(self) -> tuple[str, ...]:
        return tuple(call.name for call in self.calls)


@dataclass(frozen=True)
class Trace:
    """One rollout, ready to be shown. `raw` is the object that it was read from."""

    question_id: str
    prompt: tuple[tuple[str, str], ...]  # role and text of each message before the first step
    steps: tuple[Step, ...]
    answer: str | None
    reward: float | None
    repeat: int | None = None
    model: str = ""
    stop_reason: str = ""
    error: str = ""
    reference: str = ""
    explanations: Mapping[str, Any] = field(default_factory=dict)  # what grading models said
    metrics: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, row: Item) -> Trace:
        """Read a record, a rollout of the service, or one of the published demo's shape.

        Raises ValueError if the row has neither `trace` nor `items`.
        """
        items = row.get("trace", row.get("items"))
        if not isinstance(items, Sequence) or isinstance(items, str):
            raise ValueError("trace: missing; a rollout needs a list of Responses items")
        prompt, steps = _parts(item for item in items if isinstance(item, Mapping))
        metrics = row.get("metrics")
        metrics = metrics if isinstance(metrics, Mapping) else {}
        explanations = row.get("explanations")
        last = steps[-1].text if steps else None
        return cls(
            question_id=str(_first(row, ID_KEYS, "")),
            prompt=prompt,
            steps=steps,
            answer=_text_or_none(row.get("answer", last)),
            reward=_number(_first(row, REWARD_KEYS, _first(metrics, REWARD_KEYS, None))),
            repeat=row["repeat"] if isinstance(row.get("repeat"), int) else None,
            model=str(row.get("model") or ""),
            stop_reason=str(row.get("stop_reason") or ""),
            error=str(row.get("error") or ""),
            reference=str(row.get("reference_answer") or ""),
            explanations=explanations if isinstance(explanations, Mapping) else {},
            metrics=metrics,
            raw=row,
        )

    @property
    def question(self) -> str:
        """The last thing that the user said before the first step."""
        return next((text for role, text in reversed(self.prompt) if role == "user"), "")

    @property
    def outcome(self) -> Outcome:
        return Outcome.of(self.reward)

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools called, in order, repeats included."""
        return tuple(name for step in self.steps for name in step.tools)

    @property
    def is_simulated(self) -> bool:
        """Whether `latency_s` is what a real model would have taken, rather than measured."""
        return _number(self.metrics.get("simulated_latency_s")) is not None

    @property
    def latency_s(self) -> float | None:
        """Simulated latency if there is one, else wall time."""
        name = "simulated_latency_s" if self.is_simulated else "latency_s"
        return _number(self.metrics.get(name))

    def costs(self) -> dict[str, float]:
        """Turns, calls and tokens: from the row's metrics, else as counted here."""
        counted = {"turns": len(self.steps), "tool_calls": len(self.tools)}
        found = {name: _number(self.metrics.get(name, counted.get(name))) for name in COSTS}
        return {name: value for name, value in found.items() if value is not None}

    def to_json(self) -> str:
        """The row that the trace was read from, indented."""
        return json.dumps(self.raw, ensure_ascii=False, indent=2)


def _parts(items: Iterable[Item]) -> tuple[tuple[tuple[str, str], ...], tuple[Step, ...]]:
    """The messages before the first step, and the steps: a turn ends where its outputs do."""
    prompt: list[tuple[str, str]] = []
    turns: list[list[Item]] = []
    answered = True
    for item in items:
        kind = item.get("type", "message")
        if kind == "message" and item.get("role") != "assistant":
            prompt.append((str(item.get("role", "user")), content_text(item.get("content"))))
            answered = True
            continue
        if kind == "function_call_output":
            answered = True
        elif answered:
            turns.append([])
            answered = False
        if turns:
            turns[-1].append(item)
    return tuple(prompt), tuple(map(_step, turns))


def _step(items: Sequence[Item]) -> Step:
    outputs = [item for item in items if item.get("type") == "function_call_output"]
    calls = []
    reasons, said = [], []
    for item in items:
        kind = item.get("type", "message")
        if kind == "function_call":
            output = next((o for o in outputs if o.get("call_id") == item.get("call_id")), None)
            if output is not None:
                outputs.remove(output)
            answer = None if output is None else content_text(output.get("output"))
            calls.append(Call(str(item.get("name")), text_of(item.get("arguments", "")), answer))
        elif kind == "reasoning":
            reasons.append(content_text(item.get("summary")))
        elif kind == "message":
            said.append(content_text(item.get("content")))
    return Step("\n".join(filter(None, reasons)), tuple(calls), "\n".join(said) if said else None)


def content_text(content: Any) -> str:
    """The text of a message's content, a reasoning summary or an output: a string, or parts."""
    if isinstance(content, Sequence) and not isinstance(content, str):
        parts = (part.get("text", "") if isinstance(part, Mapping) else part for part in content)
        return "\n".join(str(part) for part in parts if part)
    return text_of(content)


def text_of(value: Any) -> str:
    """A string as it is, anything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _first(row: Item, keys: Iterable[str], default: Any) -> Any:
    return next((row[key] for key in keys if row.get(key) is not None), default)


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None


def _text_or_none(value: Any) -> str | None:
    return None if value is None else text_of(value)
