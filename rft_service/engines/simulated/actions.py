"""What to do next: call one of the tools, look further into what was read, answer, give up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rft_service.engines.simulated.memory import Memory
from rft_service.engines.simulated.operands import NumberPool
from rft_service.engines.simulated.parameters import TextPool, kinds_named
from rft_service.engines.simulated.weights import Vector
from rft_service.rl.engine import Conversation, ToolSpec

LOOK, ANSWER, GIVE_UP = "look", "answer", "give_up"

STATE_FEATURES = (
    "any",
    "calls_1",
    "calls_2",
    "calls_3",
    "calls_5",
    "calls_8",
    "last_error",
    "numbers_read",
    "records_read",
    "cover_40",
    "cover_60",
    "cover_80",
    "cover_year",
    "phrases_40",
    "phrases_70",
    "phrases_95",
    "page_named",
    "unread",
    "effort_low",
    "effort_high",
    "says_budget",
    "says_read_before",
    "says_search_first",
)
TOOL_FEATURES = (
    "is_tool",
    "takes_query",
    "takes_path",
    "takes_identifier",
    "takes_other",
    "takes_nothing",
    "named_in_prompt",
    "never_used",
    "used_twice",
    "used_last",
    "fresh",
    "fresh_year",
    "fresh_name",
    "fresh_cover",
    "fresh_cover_80",
    "query_first",
)
ACT_FEATURES = (*STATE_FEATURES, *TOOL_FEATURES, "looks")
_TOOL_START = len(STATE_FEATURES)
_KINDS = ("query", "path", "identifier")


def state_features(
    memory: Memory,
    conversation: Conversation,
    numbers: NumberPool,
    windows: Sequence[int],
) -> Vector:
    """What the situation is, whatever comes next [STATE_FEATURES]."""
    calls = len(memory.calls)
    best = numbers.cover_best
    unread = sum(
        max(0, len(output.view.segment_words) - window)
        for output, window in zip(memory.outputs, windows, strict=True)
    )
    named = bool(np.any(numbers.pages[:, 2] * numbers.pages[:, 3]))
    cues = memory.question.prompt_cues
    values = (
        True,
        calls >= 1,
        calls >= 2,
        calls >= 3,
        calls >= 5,
        calls >= 8,
        memory.last_is_error,
        bool(numbers.parts),
        numbers.has_records,
        best >= 0.4,
        best >= 0.6,
        best >= 0.8,
        numbers.best_is_of(frozenset(memory.question.years)),
        numbers.weakest_naming >= 0.4,
        numbers.weakest_naming >= 0.7,
        numbers.weakest_naming >= 0.95,
        named,
        min(1.0, unread / 32),
        conversation.reasoning_effort in ("minimal", "low"),
        conversation.reasoning_effort in ("high", "xhigh"),
        "says_budget" in cues,
        "says_read_before" in cues,
        "says_search_first" in cues,
    )
    return np.array(values, dtype=float)


def act_features(state: Vector, tools: Vector, others: int, looks: int) -> Vector:
    """Features of each tool and then of each other action [tools + others, ACT_FEATURES]."""
    rows = np.zeros((len(tools) + others, len(ACT_FEATURES)))
    rows[:, : len(state)] = state
    rows[: len(tools), _TOOL_START:-1] = tools
    rows[:, -1] = looks
    return rows


def tool_features(tools: Sequence[ToolSpec], memory: Memory, pool: TextPool) -> Vector:
    """What each tool could do now [tools, TOOL_FEATURES]."""
    rows = [_tool_features(tool, memory, pool) for tool in tools]
    return np.array(rows, dtype=float).reshape(len(tools), len(TOOL_FEATURES))


def _tool_features(tool: ToolSpec, memory: Memory, pool: TextPool) -> tuple[float, ...]:
    kind = parameter_kind(tool)
    used = [call for call in memory.calls if call.name == tool.name]
    texts = frozenset().union(*(call.texts for call in used))
    fresh = [place for place, text in pool.by_kind.get(kind, ()) if text not in texts]
    year = exact = letters = cover = 0.0
    if fresh:
        year, exact, letters, cover = pool.matches[fresh].max(axis=0)
    return (
        1.0,
        kind == "query",
        kind == "path",
        kind == "identifier",
        kind not in (*_KINDS, ""),
        kind == "",
        tool.name.lower() in memory.question.prompt,
        not used,
        len(used) >= 2,
        memory.last_tool == tool.name,
        bool(fresh),
        year,
        max(exact, letters),
        cover,
        bool(cover >= 0.8),
        kind == "query" and not memory.calls,
    )


def parameter_kind(tool: ToolSpec) -> str:
    """The kind of span that a tool's first parameter speaks of: by its name, else by its
    description; "" where the tool takes nothing, "string" where nothing tells."""
    properties = tool.parameters.get("properties", {})
    if not properties:
        return ""
    name = next(iter(tool.parameters.get("required", ())), next(iter(properties)))
    described = str(properties.get(name, {}).get("description", ""))
    for text in (name, described):
        kinds = kinds_named(text)
        for kind in ("query", "path", "folder", "identifier", "string"):
            if kind in kinds:
                return kind
    return "string"
