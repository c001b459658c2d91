"""What a request asks of the simulated model, it gets: tools, choices, forms, reasons."""

import asyncio
import json

import pytest

from rft_service.engines.simulated import engine
from rft_service.engines.simulated.actions import ACT_FEATURES
from rft_service.engines.simulated.parameters import PARAMETER_FEATURES
from rft_service.engines.simulated.reasons import SAID
from rft_service.rl.engine import Seed, ToolSpec, TurnRequest

LOOKUP = ToolSpec(
    "lookup",
    "Search for a thing.",
    {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "Words"},
            "area": {"type": "string", "enum": ["north", "south"]},
        },
        "required": ["query", "area"],
    },
)
FETCH = ToolSpec("fetch", "Get one.", {"type": "object", "properties": {"id": {"type": "string"}}})
ASKED = {"role": "user", "content": "What is the weight of the red mug in grams?"}
FOUND = [
    {"type": "function_call", "call_id": "c1", "name": "lookup", "arguments": '{"query": "mug"}'},
    {
        "type": "function_call_output",
        "call_id": "c1",
        "output": json.dumps([{"id": "M-17", "label": "red mug", "weight_grams": 312}]),
    },
]


def turns(count: int = 40, **request):
    request.setdefault("items", [ASKED])
    request.setdefault("tools", [LOOKUP, FETCH])
    sampler = engine.SimulatedSampler(engine.base_weights())
    return [asyncio.run(sampler.sample(TurnRequest(**request), Seed.of(n))) for n in range(count)]


@pytest.mark.parametrize("text", ['{"weights": {"act', "[]", "{}", '{"weights": [1]}', None])
def test_damaged_base_weights_are_named_with_the_cure(text, tmp_path, monkeypatch):
    file = tmp_path / "base_weights.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    monkeypatch.setattr(engine, "files", lambda package: tmp_path)
    with pytest.raises(ValueError, match="damaged") as damaged:
        engine.base_weights()
    assert str(file) in str(damaged.value)
    assert str(damaged.value).endswith(f"; restore it: git checkout -- {file}")


def test_tool_choice_is_obeyed():
    assert all(turn.text is not None for turn in turns(tool_choice="none"))
    assert all(turn.calls for turn in turns(tool_choice="required"))
    one_at_a_time = turns(tool_choice="required", parallel_tool_calls=False)
    assert {len(turn.calls) for turn in one_at_a_time} == {1}


def test_every_turn_says_why_and_counts_its_tokens():
    for turn in turns(10, items=[ASKED, *FOUND]):
        assert turn.reasoning_summary
        assert 0 < turn.reasoning_tokens < turn.output_tokens
        assert turn.latency_s > 0


def test_an_answer_is_read_from_what_the_tools_said():
    answers = [t.text for t in turns(tool_choice="none", items=[ASKED, *FOUND])]
    assert answers.count("312") > len(answers) / 2


def test_without_anything_read_there_is_no_answer_to_invent():
    answers = {t.text for t in turns(tool_choice="none")}
    assert answers == {"I could not find the answer."}


def test_more_effort_reads_more():
    page = "\n".join(f"Line {n} says nothing of interest." for n in range(120))
    items = [ASKED, FOUND[0], {**FOUND[1], "output": page}]
    none, low, high = (
        sum(
            turn.reasoning_tokens
            for turn in turns(60, items=items, tool_choice="none", reasoning_effort=effort)
        )
        for effort in ("none", "low", "high")
    )
    assert none < low < high


def test_every_feature_of_an_action_can_be_said_in_words():
    assert {*ACT_FEATURES, *PARAMETER_FEATURES} == set(SAID)
    summary = turns(1)[0].reasoning_summary
    assert any(words in summary for words in SAID.values()), summary
