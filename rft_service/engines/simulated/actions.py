"""What to do next: call one of the tools, look further into what was read, answer or give up.

All actions share the features of the situation, and each has a block of weights for them. A tool
has further features, of what it could be called with. `turn` chooses among the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from rft_service.engines.simulated.memory import Memory
from rft_service.engines.simulated.operands import PAGE_FEATURES, NumberPool
from rft_service.engines.simulated.parameters import MATCHES, TextPool, kinds_named
from rft_service.engines.simulated.weights import Vector
from rft_service.rl.engine import ToolSpec, TurnRequest

SOURCE_KINDS = ("path", "identifier")
LOOK, ANSWER, GIVE_UP = "look", "answer", "give_up"
_PAGE_YEAR, _PAGE_NAME = PAGE_FEATURES.index("page_year"), PAGE_FEATURES.index("page_name")


@dataclass
class _Situation:
    """A turn in which each output has been read up to its window, in segments."""

    memory: Memory
    request: TurnRequest
    numbers: NumberPool
    windows: Sequence[int]

    @cached_property
    def seen_whole(self) -> int:
        """How many sources have been opened: outputs of tools that take a path or a code."""
        openers = {t.name for t in self.request.tools if parameter_kind(t) in SOURCE_KINDS}
        outputs = self.memory.outputs
        return sum(o.call.name in openers and not o.view.is_error for o in outputs)

    def unread(self) -> int:
        """Segments beyond the windows."""
        return sum(
            max(0, len(output.view.segment_words) - window)
            for output, window in zip(self.memory.outputs, self.windows, strict=True)
        )


ADVICE = ("says_budget", "says_read_before", "says_search_first", "says_no_tools", "says_wrong")


def _says(cue: str) -> Callable[[_Situation], float]:
    return lambda s: cue in s.memory.question.prompt_cues


# Thresholds turn a quantity into steps, since scores are linear in the features.
_STATE_FEATURES: dict[str, Callable[[_Situation], float]] = {
    "any": lambda _: True,
    "calls_1": lambda s: len(s.memory.calls) >= 1,
    "calls_2": lambda s: len(s.memory.calls) >= 2,
    "calls_3": lambda s: len(s.memory.calls) >= 3,
    "calls_5": lambda s: len(s.memory.calls) >= 5,
    "calls_8": lambda s: len(s.memory.calls) >= 8,
    "last_error": lambda s: s.memory.last_is_error,
    "numbers_read": lambda s: bool(s.numbers.parts),
    "records_read": lambda s: s.numbers.has_records,
    # How much of the question's topic the best number is about, and whether in the right year.
    "cover_40": lambda s: s.numbers.cover_best >= 0.4,
    "cover_60": lambda s: s.numbers.cover_best >= 0.6,
    "cover_80": lambda s: s.numbers.cover_best >= 0.8,
    "cover_year": lambda s: s.numbers.best_is_of(frozenset(s.memory.question.years)),
    # Whether every thing that the question names has been found, with growing certainty.
    "phrases_40": lambda s: s.numbers.weakest_naming >= 0.4,
    "phrases_70": lambda s: s.numbers.weakest_naming >= 0.7,
    "phrases_95": lambda s: s.numbers.weakest_naming >= 0.95,
    "page_named": lambda s: bool(
        np.any(s.numbers.pages[:, _PAGE_YEAR] * s.numbers.pages[:, _PAGE_NAME])
    ),
    "unread": lambda s: min(1.0, s.unread() / 32),
    "effort_low": lambda s: s.request.reasoning_effort in ("minimal", "low"),
    "effort_high": lambda s: s.request.reasoning_effort in ("high", "xhigh"),
    **{cue: _says(cue) for cue in ADVICE},
    "seen_whole": lambda s: s.seen_whole >= 1,
    "seen_two_whole": lambda s: s.seen_whole >= 2,
}


class _Option:
    """A tool and the candidates for its first parameter that it has not been called with yet."""

    def __init__(self, tool: ToolSpec, memory: Memory, pool: TextPool) -> None:
        self.tool, self.memory, self.kind = tool, memory, parameter_kind(tool)
        self.used = [call for call in memory.calls if call.name == tool.name]
        used_texts = frozenset().union(*(call.texts for call in self.used))
        candidates = pool.by_kind.get(self.kind, ())
        self.fresh = [index for index, text in candidates if text not in used_texts]
        none = np.zeros(len(MATCHES))
        matches: Vector = pool.matches[self.fresh].max(axis=0) if self.fresh else none
        self.year, self.exact, self.letters, self.cover = matches  # each the best of all


_TOOL_FEATURES: dict[str, Callable[[_Option], float]] = {
    "is_tool": lambda _: True,
    "takes_query": lambda o: o.kind == "query",
    "takes_path": lambda o: o.kind == "path",
    "takes_identifier": lambda o: o.kind == "identifier",
    "takes_other": lambda o: o.kind in ("folder", "string"),
    "takes_nothing": lambda o: o.kind == "",
    "named_in_prompt": lambda o: o.tool.name.lower() in o.memory.question.prompt,
    "never_used": lambda o: not o.used,
    "used_twice": lambda o: len(o.used) >= 2,
    "used_last": lambda o: o.memory.last_tool == o.tool.name,
    "fresh": lambda o: bool(o.fresh),
    "fresh_year": lambda o: o.year,
    "fresh_name": lambda o: max(o.exact, o.letters),
    "fresh_cover": lambda o: o.cover,
    "fresh_cover_80": lambda o: o.cover >= 0.8,
    "query_first": lambda o: o.kind == "query" and not o.memory.calls,
}
ACT_FEATURES = (*_STATE_FEATURES, *_TOOL_FEATURES, "looks")


def state_features(
    memory: Memory,
    request: TurnRequest,
    numbers: NumberPool,
    windows: Sequence[int],
) -> Vector:
    """The situation, whatever comes next [_STATE_FEATURES]."""
    situation = _Situation(memory, request, numbers, windows)
    return np.array([feature(situation) for feature in _STATE_FEATURES.values()], dtype=float)


def tool_features(tools: Sequence[ToolSpec], memory: Memory, pool: TextPool) -> Vector:
    """What each tool could be called with [tools, _TOOL_FEATURES]."""
    options = [_Option(tool, memory, pool) for tool in tools]
    rows = [[feature(option) for feature in _TOOL_FEATURES.values()] for option in options]
    return np.array(rows, dtype=float).reshape(len(tools), len(_TOOL_FEATURES))


def act_features(state: Vector, tools: Vector, others: int, looks: int) -> Vector:
    """Features of each tool and then of each other action [tools + others, ACT_FEATURES]."""
    rows = np.zeros((len(tools) + others, len(ACT_FEATURES)))
    rows[:, : len(state)] = state
    rows[: len(tools), len(state) : -1] = tools
    rows[:, -1] = looks
    return rows


def parameter_kind(tool: ToolSpec) -> str:
    """The kind of text that a tool's first required parameter asks for, by its name or else by its
    description: "string" if neither says, "" if the tool takes nothing."""
    properties = tool.parameters.get("properties", {})
    if not properties:
        return ""
    name = next(iter(tool.parameters.get("required", ())), next(iter(properties)))
    return _kind_asked(name, str(properties.get(name, {}).get("description", "")))


@lru_cache(maxsize=1024)
def _kind_asked(name: str, description: str) -> str:
    for text in (name, description):
        kinds = kinds_named(text)
        for kind in ("query", "path", "folder", "identifier", "string"):
            if kind in kinds:
                return kind
    return "string"
