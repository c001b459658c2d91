"""Conversations as tokens, and sampled tokens as turns: what `renderers` knows about a model.

A turn after the first extends the exact tokens of the turn before it, those that were sampled
included; nothing that a model said is ever tokenized again. Where a model's format does not allow
that (`bridge_to_next_turn` returns None), the conversation is rendered anew, and the turn becomes a
separate training example.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import renderers
from numpy.typing import NDArray
from renderers.base import MODEL_RENDERER_MAP, RENDERER_REGISTRY, load_tokenizer

from rft_service.rl.engine import Call, ToolSpec, Turn, TurnEnd, TurnRequest
from rft_wire import Item, text_of

Tokens = NDArray[np.int32]
ASSISTANT = ("reasoning", "function_call")  # items of one turn, besides messages
LENGTH = "length"  # the stop reason of a turn that reached its limit
TEXT_CALL = re.compile(r"<tool_call>")
CALL_NAME = re.compile(r'"name"\s*:\s*"([^"]+)"|<function=([^>\s]+)')


@dataclass(frozen=True)
class Sampled:
    """One turn in tokens. `extends`: `prompt` begins with every token of the turn before it."""

    prompt: Tokens
    tokens: Tokens
    logprobs: NDArray[np.float32]
    extends: bool = False


class ChatFormat:
    """The chat format of one model: its tokenizer, and the renderer of its family."""

    def __init__(self, folder: Path, model: str, renderer: str = "auto") -> None:
        """Raises ValueError if the folder holds no tokenizer, or there is no such renderer.

        `renderer` is a name that `renderers` knows, `auto` (by the model's name), `default` (the
        tokenizer's own chat template, with calls as in Qwen 3), or a class as MODULE.CLASS.
        """
        if not folder.is_dir():
            raise ValueError(f"{folder}: not a folder; --tokenizer names one with tokenizer.json")
        os.environ["HF_HUB_OFFLINE"] = "1"  # a tokenizer is read from disk, never fetched
        try:
            self._tokenizer = load_tokenizer(str(folder))
        except Exception as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(f"{folder}: no usable tokenizer ({reason})") from error
        try:
            self._plain = renderers.create_renderer(self._tokenizer, _config(renderer, model))
        except Exception as error:
            known = ", ".join(sorted(RENDERER_REGISTRY))
            raise ValueError(
                f"the renderer {renderer!r} does not fit the tokenizer in {folder} ({error}); "
                f"choose another with --engine-option renderer=NAME: {known}"
            ) from error
        self._by_effort = {"default": self._plain}

    @cached_property
    def stop_tokens(self) -> list[int]:
        """The tokens that end a turn."""
        return list(self._plain.get_stop_token_ids())

    def count(self, text: str) -> int:
        """The length of a text in tokens."""
        return len(self._tokenizer.encode(text, add_special_tokens=False)) if text else 0

    def prompt(self, request: TurnRequest, previous: Turn | None = None) -> tuple[Tokens, bool]:
        """The tokens to sample after, and whether they extend those of `previous` exactly."""
        renderer, tools = self._renderer(request.reasoning_effort), tools_of(request)
        if previous is not None and (new := tool_messages(request.items)):
            before: Sampled = previous.sampled
            said = [before.prompt, before.tokens]
            bridged = renderer.bridge_to_next_turn(*(s.tolist() for s in said), new, tools=tools)
            if bridged is not None:
                tokens = np.asarray(bridged.token_ids, dtype=np.int32)
                known = np.concatenate(said)
                return tokens, bool(np.array_equal(tokens[: len(known)], known))
        messages = messages_of(request)
        rendered = renderer.render_ids(messages, tools=tools, add_generation_prompt=True)
        return np.asarray(rendered, dtype=np.int32), False

    def turn(self, request: TurnRequest, sampled: Sampled, stop_reason: str) -> Turn:
        """What was said: text, calls or both, and why it ended.

        A malformed call that names its tool stays a call, so that the model is told about it; one
        that does not leaves the turn unparsable, unless there is a proper call beside it.
        """
        parsed = self._renderer(request.reasoning_effort).parse_response(
            sampled.tokens.tolist(),
            tools=tools_of(request),
            prompt_ids=sampled.prompt.tolist(),
        )
        thought, text, attempts = parsed.reasoning_content or "", parsed.content, parsed.tool_calls
        if not attempts:
            text, attempts = calls_in_text(text)
        turn = Turn(
            text=cut(text, request.stop) or None,
            reasoning_summary=thought,
            reasoning_tokens=min(self.count(thought), len(sampled.tokens)),
            output_tokens=len(sampled.tokens),
            input_tokens=len(sampled.prompt),
            sampled=sampled,
        )
        if stop_reason == LENGTH:
            return replace(turn, end=TurnEnd.LENGTH_LIMIT)
        calls = tuple(filter(None, map(call_of, attempts)))
        if calls and request.tool_choice != "none":
            calls = calls if request.parallel_tool_calls else calls[:1]
            return replace(turn, calls=calls, end=TurnEnd.CALLED_TOOLS)
        if attempts or parsed.reasoning_complete is False or turn.text is None:
            return replace(turn, text=self._raw(sampled), end=TurnEnd.UNPARSABLE)
        return replace(turn, end=TurnEnd.ANSWERED)

    def _raw(self, sampled: Sampled) -> str:
        """All that was sampled as text, markers included, but for the token that ended the turn."""
        tokens = [token for token in sampled.tokens.tolist() if token not in self.stop_tokens]
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=False)
        return text

    def _renderer(self, effort: str) -> renderers.Renderer:
        """The renderer for a reasoning effort: the plain one where the format knows none."""
        if effort not in self._by_effort:
            config = self._plain.config
            known, chosen = renderers.template_field_names(config), dict[str, Any]()
            if "reasoning_effort" in known and effort in ("low", "medium", "high"):
                chosen = {"reasoning_effort": effort}
            elif "enable_thinking" in known:
                chosen = {"enable_thinking": effort not in ("none", "minimal")}
            self._by_effort[effort] = renderers.create_renderer(
                self._tokenizer, renderers.merge_chat_template_kwargs(config, chosen)
            )
        return self._by_effort[effort]


def _config(renderer: str, model: str) -> renderers.RendererConfig:
    """The typed configuration of a renderer."""
    if renderer == "auto":
        renderer = MODEL_RENDERER_MAP.get(model, "default")
    if renderer == "default":
        return renderers.DefaultRendererConfig(tool_parser="qwen3", reasoning_parser="think")
    try:
        return renderers.config_from_name(renderer)
    except ValueError:
        if "." not in renderer:
            raise
        return renderers.CustomRendererConfig(import_path=renderer)


def tools_of(request: TurnRequest) -> list[dict[str, Any]] | None:
    """The tools that a model is shown, as chat templates know them; None where there are none,
    since a template may take an empty list for a list of tools."""
    shown = [
        tool for tool in request.tools if request.tool_choice in ("auto", "required", tool.name)
    ]
    return [_function(tool) for tool in shown] or None


def _function(tool: ToolSpec) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    return {"type": "function", "function": function}


def hints(request: TurnRequest) -> list[str]:
    """What the model is told where an engine with constrained decoding would see to it."""
    told = []
    if request.tool_choice == "required":
        told.append("Call a tool before you answer.")
    elif request.tool_choice not in ("auto", "none"):
        told.append(f"Call the tool {request.tool_choice} before you answer.")
    if request.response_format is not None:
        schema = json.dumps(request.response_format, ensure_ascii=False)
        told.append(f"Write the final answer as JSON that satisfies this schema: {schema}")
    return told


def messages_of(request: TurnRequest) -> list[dict[str, Any]]:
    """Responses items as chat messages: what an assistant said in one turn is one message."""
    messages, names = list[dict[str, Any]](), dict[str, str]()
    said: dict[str, Any] | None = None
    for item in request.items:
        kind = item.get("type", "message")
        if kind in ASSISTANT or item.get("role") == "assistant":
            if said is None:
                said = {"role": "assistant", "content": ""}
                messages.append(said)
            _add_said(said, item, names)
            continue
        said = None
        if kind == "function_call_output":
            messages.append(_tool_message(item, names))
        else:
            role = "system" if item["role"] == "developer" else item["role"]
            messages.append({"role": role, "content": text_of(item.get("content") or "")})
    instructions = [text for text in (request.instructions, *hints(request)) if text]
    if instructions:
        if messages and messages[0]["role"] == "system":  # many templates read one only
            instructions.insert(0 if not request.instructions else 1, messages.pop(0)["content"])
        messages.insert(0, {"role": "system", "content": "\n\n".join(instructions)})
    return messages


def _add_said(said: dict[str, Any], item: Item, names: dict[str, str]) -> None:
    match item.get("type", "message"):
        case "reasoning":
            said["reasoning_content"] = text_of(item.get("summary") or [])
        case "function_call":
            names[item["call_id"]] = item["name"]
            function = {"name": item["name"], "arguments": _arguments(item["arguments"])}
            call = {"type": "function", "id": item["call_id"], "function": function}
            said.setdefault("tool_calls", []).append(call)
        case _:
            said["content"] += text_of(item.get("content") or "")


def _arguments(text: str) -> Any:
    """Arguments as an object, which every template can write; as text where they are none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) else text


def tool_messages(items: Sequence[Item]) -> list[dict[str, Any]]:
    """The tools' answers at the end of a conversation: what came since the last turn."""
    first = len(items)
    while first and items[first - 1].get("type") == "function_call_output":
        first -= 1
    names = {i["call_id"]: i["name"] for i in items[:first] if i.get("type") == "function_call"}
    return [_tool_message(item, names) for item in items[first:]]


def _tool_message(item: Item, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "role": "tool",
        "tool_call_id": item["call_id"],
        "name": names.get(item["call_id"], ""),
        "content": text_of(item["output"]),
    }


def call_of(parsed: renderers.ParsedToolCall) -> Call | None:
    """A call as the rollout makes it; None if not even the tool's name can be read."""
    if parsed.status == renderers.ToolCallParseStatus.OK and parsed.name:
        arguments = parsed.arguments
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        return Call(parsed.name, arguments)
    if parsed.name:
        return Call(parsed.name, parsed.raw)
    found = CALL_NAME.search(parsed.raw)
    return Call(found[1] or found[2], parsed.raw) if found else None


def calls_in_text(text: str) -> tuple[str, list[renderers.ParsedToolCall]]:
    """The text before the first call, and the calls: of a model whose tokenizer has no token that
    begins a call, so that the markers are ordinary text."""
    text, *blocks = TEXT_CALL.split(text)
    found = list[renderers.ParsedToolCall]()
    for raw in blocks:
        body = raw.partition("</tool_call>")[0].strip()
        said = _arguments(body)
        name = said.get("name") if isinstance(said, dict) else None
        status = renderers.ToolCallParseStatus.INVALID_JSON
        if isinstance(name, str):
            status = renderers.ToolCallParseStatus.OK
        arguments = said.get("arguments", {}) if isinstance(said, dict) else None
        found.append(renderers.ParsedToolCall(body, name, arguments, status=status))
    return text.strip() if found else text, found


def cut(text: str, stops: Sequence[str]) -> str:
    """A text up to the first stop sequence. Engines take stop tokens or stop texts and not both, so
    that these are applied here."""
    for stop in filter(None, stops):
        text = text.partition(stop)[0]
    return text
