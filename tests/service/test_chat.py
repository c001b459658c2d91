"""`/v1/chat/completions` through the openai client."""

from __future__ import annotations

from functools import partial

import openai
import pytest

from .conftest import Running
from .customer import LOOKUP

MODEL = "sim-agent-mini"
QUESTION = {"role": "user", "content": "What is key3"}


def test_a_tool_is_called_and_its_answer_used(service: Running) -> None:
    create = service.client.chat.completions.create
    first = create(model=MODEL, messages=[QUESTION], tools=[LOOKUP])
    choice = first.choices[0]
    assert choice.finish_reason == "tool_calls"
    call = choice.message.tool_calls[0]
    assert call.function.arguments == '{"key": "key3"}'
    messages = [
        QUESTION,
        choice.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "value 3"},
    ]
    second = create(model=MODEL, messages=messages, tools=[LOOKUP])
    assert second.choices[0].finish_reason == "stop"
    assert second.choices[0].message.content in ("value 3", "unknown")
    assert second.usage.total_tokens == second.usage.prompt_tokens + second.usage.completion_tokens


def test_chat_and_responses_give_the_same_turn(service: Running) -> None:
    chat = service.client.chat.completions.create(model=MODEL, messages=[QUESTION], tools=[LOOKUP])
    flat = {"type": "function", **LOOKUP["function"], "strict": False}
    response = service.client.responses.create(model=MODEL, input=[QUESTION], tools=[flat])
    call = chat.choices[0].message.tool_calls[0]
    assert (call.id, call.function.name, call.function.arguments) == (
        response.output[-1].call_id,
        response.output[-1].name,
        response.output[-1].arguments,
    )


CALL = {"id": "c", "type": "function", "function": {"name": "lookup", "arguments": "{}"}}
LOOKED_UP = [
    QUESTION,
    {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c", "content": "value 3"},
]


def test_choices_differ_and_a_seed_varies_them(service: Running) -> None:
    create = partial(service.client.chat.completions.create, model=MODEL, messages=LOOKED_UP)
    several = {choice.message.content for choice in create(n=12).choices}
    seeded = {create(seed=seed).choices[0].message.content for seed in range(12)}
    assert several == seeded == {"value 3", "unknown"}


def test_a_stream_adds_up_to_the_whole(service: Running) -> None:
    create = service.client.chat.completions.create
    whole = create(model=MODEL, messages=[QUESTION], tools=[LOOKUP])
    options = {"include_usage": True}
    chunks = list(
        create(
            model=MODEL, messages=[QUESTION], tools=[LOOKUP], stream=True, stream_options=options
        )
    )
    calls = [c.choices[0].delta.tool_calls for c in chunks if c.choices]
    arguments = "".join(call[0].function.arguments for call in calls if call)
    assert arguments == whole.choices[0].message.tool_calls[0].function.arguments
    assert chunks[-1].usage == whole.usage
    assert chunks[-2].choices[0].finish_reason == "tool_calls"


def test_text_is_streamed_and_stopped_and_cut(service: Running) -> None:
    create = service.client.chat.completions.create
    chunks = create(model=MODEL, messages=[QUESTION], stream=True)
    text = "".join(c.choices[0].delta.content or "" for c in chunks)
    assert text == "unknown"
    stopped = create(model=MODEL, messages=[QUESTION], stop=["know"])
    assert stopped.choices[0].message.content == "un"
    cut = create(model=MODEL, messages=[QUESTION], max_completion_tokens=11)
    assert cut.choices[0].finish_reason == "length"
    assert cut.choices[0].message.content == "unkn"


def test_what_is_taken_and_ignored_changes_nothing(service: Running) -> None:
    ignored = {
        "temperature": 2.0, "top_p": 0.1, "frequency_penalty": 2.0, "presence_penalty": 2.0,
        "logit_bias": {"1": 100}, "user": "x", "service_tier": "flex", "verbosity": "high",
    }  # fmt: skip
    create = partial(service.client.chat.completions.create, model=MODEL, messages=LOOKED_UP)
    for seed in range(6):
        one, two = (create(seed=seed, **more) for more in ({}, ignored))
        assert one.choices == two.choices


def test_a_completion_is_not_stored(service: Running) -> None:
    made = service.client.chat.completions.create(model=MODEL, messages=[QUESTION], store=True)
    with pytest.raises(openai.NotFoundError):
        service.client.chat.completions.retrieve(made.id)
