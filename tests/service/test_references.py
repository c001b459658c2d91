"""Items sent back: by reference, by ID, with their reasoning, or written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest

from .conftest import Running
from .customer import LOOKUP

MODEL = "sim-agent-mini"
ASKED = {"role": "user", "content": "What is key5"}
TOOL = {"type": "function", **LOOKUP["function"], "strict": False}
NOT_STORED = r"Items are not persisted when `store` is set to false\."

Items = list[dict[str, Any]]


def ask(service: Running, items: Any, **more: Any) -> Any:
    return service.client.responses.create(model=MODEL, input=items, tools=[TOOL], **more)


def called(service: Running, **more: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Reasoning, the call that it led to, and the call's output."""
    response = ask(service, [ASKED], **more)
    reasoning, call = (item.to_dict() for item in response.output)
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "value 5"}
    return reasoning, call, output


def reference(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "item_reference", "id": item["id"]}


def by_id(item: dict[str, Any]) -> dict[str, Any]:
    return {"id": item["id"]}


def null_type(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": None, "id": item["id"]}


@pytest.mark.parametrize("refer", [reference, by_id, null_type])
def test_a_reference_stands_for_the_stored_item(
    service: Running, refer: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    first = ask(service, [ASKED])
    reasoning, call = (item.to_dict() for item in first.output)
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "value 5"}
    whole = ask(service, [ASKED, reasoning, call, output])
    referred = ask(service, [ASKED, refer(reasoning), refer(call), output])
    continued = ask(service, [output], previous_response_id=first.id)
    unstored = ask(service, [ASKED, refer(reasoning), refer(call), output], store=False)
    assert referred.output == whole.output == continued.output
    assert unstored.output_text == whole.output_text
    listed = list(service.client.responses.input_items.list(referred.id, order="asc"))
    assert [item.type for item in listed] == [
        "message", "reasoning", "function_call", "function_call_output",
    ]  # fmt: skip
    assert [item.id for item in listed[1:3]] == [reasoning["id"], call["id"]]
    again = [*map(refer, (item.to_dict() for item in listed))]
    assert ask(service, again).output == referred.output  # an input's items are stored as well


def test_an_answer_and_its_reasoning_are_referred_to_in_a_next_question(service: Running) -> None:
    first = service.client.responses.create(model=MODEL, input=[ASKED])
    following = {"role": "user", "content": "And key6"}
    said = [item.to_dict() for item in first.output]
    texts = {
        ask(service, [ASKED, *items, following]).output[-1].id
        for items in (said, [reference(item) for item in said])
    }
    assert len(texts) == 1


def test_what_is_not_stored_is_not_found(service: Running) -> None:
    _, _, output = called(service)
    sealed = called(service, store=False)
    deleted = ask(service, [ASKED], metadata={"repeat": "1"})
    service.client.responses.delete(deleted.id)
    for missing in (sealed[0]["id"], deleted.output[0].id, deleted.output[1].id, "fc_unknown"):
        for items in ([ASKED, {"type": "item_reference", "id": missing}], [ASKED, {"id": missing}]):
            with pytest.raises(openai.NotFoundError, match=f"'{missing}' not found.") as caught:
                ask(service, items)
            assert caught.value.body["param"] == "input"
    with pytest.raises(openai.NotFoundError, match=NOT_STORED):
        ask(service, [ASKED, *sealed[:2], output])  # reasoning without its encrypted content
    with pytest.raises(openai.BadRequestError, match=r"'input\[1\]\.id'"):
        ask(service, [ASKED, {"type": "item_reference"}])


def test_items_of_equal_responses_outlive_one_of_them(service: Running) -> None:
    asked = {"role": "user", "content": "What is key9"}  # which no other test asks
    one, two = (ask(service, [asked]) for _ in range(2))
    assert one.output == two.output
    items = [asked, *({"id": item.id} for item in one.output)]
    items.append({"type": "function_call_output", "call_id": one.output[1].call_id, "output": "x"})
    service.client.responses.delete(two.id)
    ask(service, items)
    service.client.responses.delete(one.id)
    with pytest.raises(openai.NotFoundError):
        ask(service, items)


@pytest.mark.parametrize(
    "pick",
    [
        lambda r, c, o: [ASKED, r, c, {**o, "id": c["id"]}],
        lambda r, c, o: [ASKED, r, r, c, o],
        lambda r, c, o: [ASKED, r, c, reference(c), o],
        lambda r, c, o: [{**ASKED, "id": "msg_a"}, {**ASKED, "id": "msg_a"}],
        lambda r, c, o: [{**ASKED, "id": "x"}, r, c, {**o, "id": "x"}],
    ],
)
def test_an_id_stands_once_in_an_input(service: Running, pick: Callable[..., Items]) -> None:
    with pytest.raises(openai.BadRequestError, match="Duplicate item found with id") as caught:
        ask(service, pick(*called(service)))
    assert caught.value.body["param"] == "input"


def test_an_id_of_an_earlier_turn_is_a_duplicate_too(service: Running) -> None:
    first = ask(service, [ASKED])
    call = first.output[1]
    echoed = {"type": "function_call_output", "call_id": call.call_id, "output": "x"}
    with pytest.raises(openai.BadRequestError, match=f"Duplicate item found with id {call.id}"):
        ask(service, [{**echoed, "id": call.id}], previous_response_id=first.id)


@pytest.mark.parametrize(
    ("pick", "words"),
    [
        (lambda r, c, o: [ASKED, r], "'reasoning' was provided without its required following"),
        (lambda r, c, o: [ASKED, r, ASKED], "without its required following item"),
        (lambda r, c, o: [ASKED, reference(r), ASKED], "without its required following item"),
        (lambda r, c, o: [r, ASKED, c, o], "without its required following item"),
        (lambda r, c, o: [ASKED, c, o], "'function_call' was provided without its required"),
        (lambda r, c, o: [ASKED, reference(c), o], r"required 'reasoning' item: 'rs_\w+'"),
        (lambda r, c, o: [ASKED, c, r, o], "without its required 'reasoning' item"),
    ],
)
def test_reasoning_and_what_followed_it_go_together(
    service: Running, pick: Callable[..., Items], words: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=words) as caught:
        ask(service, pick(*called(service)))
    assert caught.value.body["param"] == "input"


def test_an_answer_needs_its_reasoning_as_well(service: Running) -> None:
    _, said = ask(service, [ASKED], tool_choice="none").output
    with pytest.raises(openai.BadRequestError, match="of type 'message' was provided without"):
        ask(service, [ASKED, said.to_dict(), ASKED])


@pytest.mark.parametrize(
    "pick",
    [
        lambda r, c, o: [ASKED, r, c, o],
        lambda r, c, o: [ASKED, {**r, "id": None}, {**c, "id": None}, o],
        lambda r, c, o: [ASKED, {k: c[k] for k in ("type", "call_id", "name", "arguments")}, o],
        lambda r, c, o: [ASKED, r, {k: v for k, v in c.items() if k != "id"}, o],
        lambda r, c, o: [ASKED, {"type": "reasoning", "summary": []}, ASKED],
        lambda r, c, o: [ASKED, {**c, "id": "fc_by_hand"}, {**o, "id": "fco_by_hand"}],
        lambda r, c, o: [ASKED, r, {"role": "assistant", "content": "I look."}, ASKED],
    ],
)
@pytest.mark.parametrize("stored", [True, False])
def test_histories_that_are_in_order_are_taken(
    service: Running, pick: Callable[..., Items], stored: bool
) -> None:
    """With reasoning from the store or encrypted, without any, and written by hand."""
    include = [] if stored else ["reasoning.encrypted_content"]
    items = pick(*called(service, store=stored, include=include))
    assert ask(service, items, store=stored).status == "completed"


def test_parallel_calls_share_their_reasoning(service: Running) -> None:
    reasoning, call, output = called(service)
    other = {**call, "id": None, "call_id": "c2"}
    outputs = [output, {**output, "call_id": "c2"}]
    ask(service, [ASKED, reasoning, call, other, *outputs])
    ask(service, [ASKED, reasoning, other, call, *outputs[::-1]])
