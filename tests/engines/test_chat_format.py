"""Conversations as tokens and back, and rollouts as what an engine learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tinker import types

from rft_service.engines.tinker.chat_format import ChatFormat, Sampled, calls_in_text
from rft_service.engines.tinker.training_data import Batch, examples_of, sampling_metrics
from rft_service.engines.tiny.tokenizer import write_tokenizer
from rft_service.rl.engine import Call, ToolSpec, Trajectory, Turn, TurnEnd, TurnRequest

TOOL = ToolSpec("lookup", "Look up.", {"type": "object", "properties": {}})
ASKED = TurnRequest([{"type": "message", "role": "user", "content": "What is it"}], (TOOL,))
CALL = '<tool_call>\n{"name": "lookup", "arguments": {"key": "a"}}\n</tool_call>'
BROKEN = '<tool_call>\n{"name": "lookup", "arguments": {"key": "a\n</tool_call>'
NAMELESS = "<tool_call>\nlookup a\n</tool_call>"
MADE = Call("lookup", '{"key": "a"}')


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(written)
    return written


@pytest.fixture(scope="module")
def chat(folder: Path) -> ChatFormat:
    return ChatFormat(folder, "tiny", "qwen3")


def encoded(chat: ChatFormat, text: str) -> list[int]:
    tokens: list[int] = chat._tokenizer.encode(text, add_special_tokens=False)
    return tokens


def say(
    chat: ChatFormat,
    text: str,
    request: TurnRequest = ASKED,
    previous: Turn | None = None,
    stop_reason: str = "stop",
) -> Turn:
    """The turn that a model would make by sampling this text."""
    prompt, extends = chat.prompt(request, previous)
    tokens = np.array(encoded(chat, text), dtype=np.int32)
    logprobs = np.full(len(tokens), -0.5, np.float32)
    return chat.turn(request, Sampled(prompt, tokens, logprobs, extends), stop_reason)


TURNS = {
    "an answer": ("It is 7.<|im_end|>", TurnEnd.ANSWERED, "It is 7.", ()),
    "thought, then an answer": (
        "<think>\nhm\n</think>\n\nIt is 7.<|im_end|>",
        TurnEnd.ANSWERED,
        "It is 7.",
        (),
    ),
    "a call": (f"{CALL}<|im_end|>", TurnEnd.CALLED_TOOLS, None, (MADE,)),
    "text and two calls": (
        f"I look.\n{CALL}\n{CALL}<|im_end|>",
        TurnEnd.CALLED_TOOLS,
        "I look.",
        (MADE, MADE),
    ),
    "a malformed call that names its tool": (
        f"{BROKEN}<|im_end|>",
        TurnEnd.CALLED_TOOLS,
        None,
        (Call("lookup", '{"name": "lookup", "arguments": {"key": "a'),),
    ),
    "a proper call beside one that names nothing": (
        f"{NAMELESS}\n{CALL}<|im_end|>",
        TurnEnd.CALLED_TOOLS,
        None,
        (MADE,),
    ),
    "a call that names nothing": (f"{NAMELESS}<|im_end|>", TurnEnd.UNPARSABLE, NAMELESS, ()),
    "thought without an end": ("<think>hm<|im_end|>", TurnEnd.UNPARSABLE, "<think>hm", ()),
    "nothing": ("<|im_end|>", TurnEnd.UNPARSABLE, "", ()),
}


@pytest.mark.parametrize("what", TURNS)
def test_what_was_sampled_becomes_text_and_calls(chat: ChatFormat, what: str) -> None:
    sampled, end, text, calls = TURNS[what]
    turn = say(chat, sampled)
    assert (turn.end, turn.text, turn.calls) == (end, text, calls)
    assert turn.output_tokens == len(encoded(chat, sampled))
    assert turn.reasoning_summary == ("hm" if "<think>" in sampled else "")


REQUESTS: dict[str, tuple[dict[str, Any], str, TurnEnd, str | None]] = {
    "the token limit": ({}, "It is", TurnEnd.LENGTH_LIMIT, "It is"),
    "the token limit within a call": ({}, f"So {CALL[:30]}", TurnEnd.LENGTH_LIMIT, "So"),
    "a stop sequence": ({"stop": ("is",)}, "It is 7<|im_end|>", TurnEnd.ANSWERED, "It "),
    "no tools wanted": ({"tool_choice": "none"}, f"{CALL}<|im_end|>", TurnEnd.UNPARSABLE, CALL),
}


@pytest.mark.parametrize("what", REQUESTS)
def test_what_a_request_asks_for_is_applied(chat: ChatFormat, what: str) -> None:
    changes, sampled, end, text = REQUESTS[what]
    reason = "stop" if sampled.endswith("<|im_end|>") else "length"
    turn = say(chat, sampled, replace(ASKED, **changes), stop_reason=reason)
    assert (turn.end, turn.text, turn.calls) == (end, text, ())


def test_one_call_where_parallel_calls_are_not_wanted(chat: ChatFormat) -> None:
    turn = say(chat, f"{CALL}\n{CALL}<|im_end|>", replace(ASKED, parallel_tool_calls=False))
    assert turn.calls == (MADE,)


HINTS: dict[str, tuple[dict[str, Any], str]] = {
    "tool_choice required": ({"tool_choice": "required"}, "Call a tool before you answer."),
    "tool_choice of a tool": ({"tool_choice": "lookup"}, "Call the tool lookup before"),
    "response_format": ({"response_format": {"type": "object"}}, 'satisfies this schema: {"type"'),
    "instructions": ({"instructions": "Be brief."}, "<|im_start|>system\nBe brief."),
}


@pytest.mark.parametrize("what", HINTS)
def test_what_is_not_enforced_is_said_to_the_model(chat: ChatFormat, what: str) -> None:
    changes, said = HINTS[what]
    assert said in shown(chat, replace(ASKED, **changes))
    assert said not in shown(chat, ASKED)


def shown(chat: ChatFormat, request: TurnRequest) -> str:
    text: str = chat._tokenizer.decode(chat.prompt(request)[0].tolist())  # what the model reads
    return text


def test_effort_turns_thinking_off_where_the_format_can(chat: ChatFormat) -> None:
    assert shown(chat, replace(ASKED, reasoning_effort="none")).endswith("<think>\n\n</think>\n\n")
    assert shown(chat, replace(ASKED, reasoning_effort="high")) == shown(chat, ASKED)


def answered(turn: Turn, output: str) -> TurnRequest:
    """The conversation after the tools have answered a turn's calls."""
    items = list(ASKED.items)
    for number, call in enumerate(turn.calls):
        arguments = {"name": call.name, "arguments": call.arguments}
        items.append({"type": "function_call", "call_id": f"c{number}", **arguments})
    for number in range(len(turn.calls)):
        answer = {"type": "function_call_output", "call_id": f"c{number}", "output": output}
        items.append(answer)
    return replace(ASKED, items=items)


@pytest.mark.parametrize("sampled", [f"{CALL}<|im_end|>", f"so  {BROKEN} {CALL}\n<|im_end|>"])
def test_a_later_turn_extends_the_exact_tokens(chat: ChatFormat, sampled: str) -> None:
    """However the model spaced them: a second rendering would write other tokens."""
    first = say(chat, sampled)
    second = say(chat, "It is 7.<|im_end|>", answered(first, "seven"), first)
    before = [*first.sampled.prompt, *first.sampled.tokens]
    assert second.sampled.extends
    assert second.sampled.prompt[: len(before)].tolist() == before
    added = chat._tokenizer.decode(second.sampled.prompt[len(before) :].tolist())
    assert added.count("seven") == len(first.calls)


def rollout(chat: ChatFormat, *, advantage: float, extends: bool = True) -> Trajectory:
    first = say(chat, f"{CALL}<|im_end|>")
    second = say(chat, "It is 7.<|im_end|>", answered(first, "seven"), first if extends else None)
    return Trajectory([first, second], advantage)


def test_a_rollout_is_one_datum_and_its_prompts_and_results_are_masked(chat: ChatFormat) -> None:
    trajectory = rollout(chat, advantage=2.0)
    (example,) = examples_of(trajectory)
    said = [turn.sampled.tokens for turn in trajectory.turns]
    assert example.tokens[example.said].tolist() == np.concatenate(said).tolist()
    (datum,) = Batch.of([trajectory]).data
    inputs = {name: tensor.to_numpy() for name, tensor in datum.loss_fn_inputs.items()}
    tokens = datum.model_input.to_ints()
    assert inputs["target_tokens"].tolist()[:-1] == tokens[1:]  # shifted by one
    masked = ~example.said[1:]
    assert not inputs["advantages"][masked].any()
    assert not inputs["logprobs"][masked].any()
    assert inputs["advantages"].sum() == pytest.approx(2.0)  # over the sampled tokens together
    assert set(inputs["logprobs"][~masked].tolist()) == {-0.5}


def test_a_turn_that_was_rendered_anew_is_a_datum_of_its_own(chat: ChatFormat) -> None:
    trajectory = rollout(chat, advantage=1.0, extends=False)
    assert [example.said.sum() for example in examples_of(trajectory)] == [
        len(turn.sampled.tokens) for turn in trajectory.turns
    ]
    metrics = sampling_metrics([trajectory])
    assert (metrics["later_turns"], metrics["extended_turns"]) == (1, 0)
    assert metrics["entropy"] == pytest.approx(0.5)


def test_rollouts_without_an_advantage_are_left_out_and_padding_teaches_nothing(
    chat: ChatFormat,
) -> None:
    trajectories = [rollout(chat, advantage=a) for a in (1.0, 0.0, -1.0, 0.5)]
    batch = Batch.of(trajectories, multiple=4)
    assert (len(batch.examples), len(batch.data), batch.padding) == (3, 4, 1)
    assert not batch.data[-1].loss_fn_inputs["advantages"].to_numpy().any()


def test_the_gap_is_measured_on_sampled_tokens_alone(chat: ChatFormat) -> None:
    batch = Batch.of([rollout(chat, advantage=1.0)], multiple=2)
    (example,) = batch.examples
    trained = np.where(example.said[1:], -0.75, -9.0).astype(np.float32)
    assert batch.metrics(output_of([trained, trained])) == pytest.approx(
        {"logprob_gap": 0.25, "logprob_gap_max": 0.25}
    )
    assert batch.metrics(output_of([])) == {}


def output_of(logprobs: Sequence[np.ndarray[Any, Any]]) -> types.ForwardBackwardOutput:
    outputs: Any = [{"logprobs": types.TensorData.from_numpy(found)} for found in logprobs]
    return types.ForwardBackwardOutput(loss_fn_output_type="x", loss_fn_outputs=outputs, metrics={})


def test_a_tokenizer_without_tokens_for_calls_is_read_as_text() -> None:
    text, found = calls_in_text(f"I look. {CALL} and {NAMELESS}")
    assert text == "I look."
    assert [(call.name, str(call.status)) for call in found] == [
        ("lookup", "ok"),
        (None, "invalid_json"),
    ]
    assert calls_in_text("no call") == ("no call", [])
