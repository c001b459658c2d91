"""`/v1/responses` through the openai client."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from .conftest import Running

TOOL = {
    "type": "function",
    "name": "lookup",
    "description": "Look a key up.",
    "parameters": {"type": "object", "properties": {"key": {"type": "string"}}},
    "strict": False,
}
MODEL = "sim-agent-mini"


def ask(service: Running, **more: Any) -> Any:
    return service.client.responses.create(**{"model": MODEL, "input": "What is key1", **more})


def looked_up(
    output: str = "value 1", call_id: str = "c", content: Any = "What is key1"
) -> list[Any]:
    """A question, a call and what the tool answered."""
    return [
        {"role": "user", "content": content},
        {"type": "function_call", "call_id": call_id, "name": "lookup", "arguments": "{}"},
        {"type": "function_call_output", "call_id": call_id, "output": output},
    ]


def test_usage_adds_up_and_the_latency_is_simulated(service: Running) -> None:
    response = ask(service, tools=[TOOL])
    usage = response.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert 0 < usage.output_tokens_details.reasoning_tokens <= usage.output_tokens
    assert response.model_extra["simulated_latency_s"] == 0.9


def test_the_same_request_gives_the_same_answer_and_metadata_varies_it(service: Running) -> None:
    plain = [ask(service, input=looked_up(), tools=[TOOL]) for _ in range(2)]
    assert plain[0].output == plain[1].output
    assert plain[0].id != plain[1].id
    varied = {
        ask(service, input=looked_up(), tools=[TOOL], metadata={"repeat": str(n)}).output_text
        for n in range(12)
    }
    assert varied == {"unknown", "value 1"}


def test_ids_and_wrapping_of_text_do_not_change_the_answer(service: Running) -> None:
    parts = [{"type": "input_text", "text": "What is key1"}]
    one, two = (
        ask(service, input=looked_up(**how)) for how in ({}, {"call_id": "b", "content": parts})
    )
    assert one.output == two.output


def test_what_is_taken_and_ignored_changes_nothing(service: Running) -> None:
    ignored = {
        "temperature": 2.0, "top_p": 0.1, "truncation": "auto", "service_tier": "flex",
        "prompt_cache_key": "x", "safety_identifier": "y", "max_tool_calls": 1,
        "reasoning": {"context": "all_turns", "mode": "pro"},
        "stream_options": {"include_obfuscation": False},
    }  # fmt: skip
    for repeat in range(6):
        vary = {"input": looked_up(), "metadata": {"repeat": str(repeat)}}
        assert ask(service, **vary, **ignored).output == ask(service, **vary).output


def test_a_conversation_goes_on_from_what_was_stored(service: Running) -> None:
    first = ask(service, tools=[TOOL])
    call = first.output[-1]
    second = ask(
        service,
        previous_response_id=first.id,
        tools=[TOOL],
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "value 1"}],
    )
    assert second.output[-1].type == "message"
    assert second.previous_response_id == first.id
    kept = service.client.responses.retrieve(second.id)
    assert kept.output == second.output
    listed = list(service.client.responses.input_items.list(second.id, order="asc"))
    assert [item.type for item in listed] == [
        "message", "reasoning", "function_call", "function_call_output",
    ]  # fmt: skip
    one_by_one = list(service.client.responses.input_items.list(second.id, order="asc", limit=1))
    assert [item.id for item in one_by_one] == [item.id for item in listed]
    service.client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        service.client.responses.retrieve(first.id)
    with pytest.raises(openai.BadRequestError, match="not found"):
        ask(service, previous_response_id=first.id)


def test_what_is_not_stored_cannot_be_had_again(service: Running) -> None:
    response = ask(service, store=False)
    with pytest.raises(openai.NotFoundError):
        service.client.responses.retrieve(response.id)


def test_tool_choice(service: Running) -> None:
    other = {**TOOL, "name": "other"}
    kinds = {"auto": "function_call", "none": "message", "required": "function_call"}
    for choice, kind in kinds.items():
        response = ask(service, tools=[TOOL], tool_choice=choice)
        assert response.output[-1].type == kind
    named = ask(service, tools=[TOOL, other], tool_choice={"type": "function", "name": "other"})
    assert named.output[-1].name == "other"
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"name": "other"}]}
    assert ask(service, tools=[TOOL, other], tool_choice=allowed).output[-1].name == "other"


def test_encrypted_content_must_come_back_as_it_was_given(service: Running) -> None:
    asked = {"include": ["reasoning.encrypted_content"], "store": False}
    first = ask(service, reasoning={"summary": "auto"}, **asked)
    reasoning, said = (item.model_dump(exclude_none=True) for item in first.output)
    assert reasoning["encrypted_content"]
    following = [said, {"role": "user", "content": "What is key1"}]
    bare = {**reasoning, "summary": []}
    by_hand = {"type": "reasoning", "summary": reasoning["summary"]}
    told, sealed, written = (
        ask(service, input=[item, *following]) for item in (reasoning, bare, by_hand)
    )
    assert told.output == sealed.output == written.output
    signed = reasoning["encrypted_content"]
    tampered = ("B" if signed.startswith("A") else "A") + signed[1:]  # the key is random
    for content in (tampered, "no base64 !", "é"):
        with pytest.raises(openai.BadRequestError, match="could not be verified"):
            ask(service, input=[{**reasoning, "encrypted_content": content}, *following])
    assert ask(service, store=False).output[0].encrypted_content is None


def test_max_output_tokens_leaves_an_incomplete_response(service: Running) -> None:
    long = "word " * 100
    for repeat in range(20):
        asked = {"input": looked_up(long), "metadata": {"repeat": str(repeat)}}
        if ask(service, **asked).output_text == long:
            break
    cut = ask(service, **asked, max_output_tokens=20)
    assert cut.status == "incomplete"
    assert cut.incomplete_details.reason == "max_output_tokens"
    assert cut.output_text == long[:40]
    assert cut.usage.output_tokens == 20


def test_streamed_events_come_in_the_documented_order(service: Running) -> None:
    events = list(ask(service, tools=[TOOL], stream=True, reasoning={"summary": "auto"}))
    kinds = [event.type.removeprefix("response.") for event in events]
    once = [kind for at, kind in enumerate(kinds) if at == 0 or kinds[at - 1] != kind]
    assert once == [
        "created", "in_progress",
        "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
        "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.done",
        "output_item.done", "completed",
    ]  # fmt: skip
    assert [event.sequence_number for event in events] == list(range(len(events)))
    streamed = "".join(e.delta for e in events if e.type.endswith("arguments.delta"))
    assert streamed == events[-1].response.output[-1].arguments


def test_a_stream_tells_the_same_as_the_whole(service: Running) -> None:
    whole = ask(service, store=False)
    with service.client.responses.stream(model=MODEL, input="What is key1", store=False) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert "response.output_text.delta" in kinds
    assert final.output_text == whole.output_text
    assert final.usage == whole.usage


def test_a_stored_response_is_streamed_as_when_it_was_made(service: Running) -> None:
    made = list(ask(service, tools=[TOOL], stream=True))
    name = made[-1].response.id
    retrieve = service.client.responses.retrieve
    assert list(retrieve(name, stream=True)) == made
    assert list(retrieve(name, stream=True, starting_after=3)) == made[4:]


def test_each_input_item_has_an_id_to_page_by(service: Running) -> None:
    messages = [
        {"role": "user", "content": f"What is key{n}", "id": name}
        for n, name in enumerate(["msg_1", "", None, "7", "msg_2"])
    ]
    made = ask(service, input=messages)
    pages = service.client.responses.input_items.list(made.id, limit=1, order="asc")
    listed = [item.to_dict() for item in pages]
    assert [item["content"][0]["text"] for item in listed] == [m["content"] for m in messages]
    names = [item["id"] for item in listed]
    assert names[0] == "msg_1"
    assert names[4] == "msg_2"
    assert len({*names}) == 5


def test_an_item_is_named_as_it_stands_in_this_request(service: Running) -> None:
    first = ask(service)
    with pytest.raises(openai.BadRequestError, match=r"'input\[0\]\.role'"):
        ask(service, previous_response_id=first.id, input=[{"role": "robot", "content": "x"}])


@pytest.mark.parametrize(
    ("name", "asked"),
    [("summary", "auto"), ("summary", "concise"), ("generate_summary", "detailed")],
)
def test_a_summary_comes_where_it_is_asked_for(service: Running, name: str, asked: str) -> None:
    response = ask(service, reasoning={"effort": "high", name: asked})
    assert [part.text for part in response.output[0].summary] == ["I answer."]
    assert response.reasoning.summary == asked
    assert service.client.responses.retrieve(response.id).output == response.output


@pytest.mark.parametrize("reasoning", [{}, None, {"effort": "high"}, {"summary": None}])
def test_without_being_asked_for_there_is_no_summary(service: Running, reasoning: Any) -> None:
    response = ask(service, reasoning=reasoning)
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert response.output[0].summary == []
    events = ask(service, reasoning=reasoning, stream=True)
    assert not [event.type for event in events if "summary" in event.type]
    following = ask(service, previous_response_id=response.id, input="And key2")
    listed = service.client.responses.input_items.list(following.id).to_json()
    assert "I answer." not in listed


@pytest.mark.parametrize("path", ["resp_1/cancel", "compact", "input_tokens"])
def test_what_is_not_offered_is_not_found(service: Running, path: str) -> None:
    with pytest.raises(
        openai.NotFoundError, match=f"Unknown request URL: POST /v1/responses/{path}"
    ):
        service.client.post(f"/responses/{path}", body={}, cast_to=object)


def test_a_stream_cannot_start_after_a_number_beyond_any_event(service: Running) -> None:
    response = service.client.responses.create(model="sim-agent-mini", input="hello")
    path = f"/responses/{response.id}?stream=true&starting_after={2**70}"
    with pytest.raises(openai.BadRequestError) as caught:
        service.client.get(path, cast_to=object)
    assert caught.value.body["param"] == "starting_after"
