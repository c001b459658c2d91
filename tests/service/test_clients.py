"""Clients that were not written for this service, each unchanged and doing a whole tool loop."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel, Field

from .conftest import Running
from .customer import LOOKUP, row

MODEL = "sim-agent-mini"
QUESTION = "What is the value of key5"
TOOL = {"type": "function", **LOOKUP["function"]}
ANSWERS = ("value key5", "unknown")


def test_openai_async(service: Running) -> None:
    async def loop() -> list[str]:
        async with AsyncOpenAI(base_url=f"{service.url}/v1", api_key=service.key) as client:
            several = await asyncio.gather(
                *(client.responses.create(model=MODEL, input=QUESTION) for _ in range(20))
            )
            stream = await client.responses.create(model=MODEL, input=QUESTION, stream=True)
            kinds = [event.type async for event in stream]
            page = await client.models.list()
            assert kinds[-1] == "response.completed"
            assert len(page.data) == 3
            return [response.output_text for response in several]

    assert asyncio.run(loop()) == ["unknown"] * 20


def test_openai_raw_responses_and_pagination(service: Running) -> None:
    raw = service.client.responses.with_raw_response.create(model=MODEL, input=QUESTION)
    assert raw.headers["content-type"] == "application/json"
    assert raw.parse().output_text == "unknown"
    ids = [service.upload([row(n)]) for n in range(7)]
    assert [file.id for file in service.client.files.list(limit=2)][:7] == ids[::-1]


class Answer(BaseModel):
    answer: str


def test_openai_structured_outputs(service: Running) -> None:
    parsed = service.client.responses.parse(model=MODEL, input=QUESTION, text_format=Answer)
    assert parsed.output_parsed == Answer(answer="unknown")
    completion = service.client.chat.completions.parse(
        model=MODEL, messages=[{"role": "user", "content": QUESTION}], response_format=Answer
    )
    assert completion.choices[0].message.parsed == Answer(answer="unknown")


@asynccontextmanager
async def agents_model(service: Running, api: str) -> AsyncIterator[Any]:
    """A model of openai-agents that asks this service, over one of the two APIs."""
    from agents import OpenAIChatCompletionsModel, OpenAIResponsesModel, set_tracing_disabled

    set_tracing_disabled(True)
    kind = OpenAIResponsesModel if api == "responses" else OpenAIChatCompletionsModel
    async with AsyncOpenAI(base_url=f"{service.url}/v1", api_key=service.key) as client:
        yield kind(model=MODEL, openai_client=client)


@pytest.mark.parametrize("api", ["responses", "chat"])
def test_openai_agents(service: Running, api: str) -> None:
    from agents import Agent, Runner, function_tool

    asked = list[str]()

    @function_tool
    def lookup(key: str) -> str:
        """Look a key up."""
        asked.append(key)
        return f"value {key}"

    async def run() -> tuple[str, str]:
        async with agents_model(service, api) as model:
            agent = Agent(name="finder", instructions="Look up.", tools=[lookup], model=model)
            whole = await Runner.run(agent, QUESTION)
            streamed = Runner.run_streamed(agent, QUESTION)
            async for _ in streamed.stream_events():
                pass
            return whole.final_output, streamed.final_output

    whole, streamed = asyncio.run(run())
    assert whole == streamed
    assert whole in ANSWERS
    assert asked == ["key5", "key5"]


@pytest.mark.parametrize("responses_api", [False, True])
def test_langchain(service: Running, responses_api: bool) -> None:
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_openai import ChatOpenAI, OpenAIEmbeddings

    model = ChatOpenAI(
        model=MODEL,
        base_url=f"{service.url}/v1",
        api_key=service.key,  # type: ignore[arg-type]
        use_responses_api=responses_api,
        temperature=0,
    ).bind_tools([LOOKUP])
    messages: list[Any] = [HumanMessage(QUESTION)]
    asked = model.invoke(messages)
    assert [call["args"] for call in asked.tool_calls] == [{"key": "key5"}]
    results = [ToolMessage("value key5", tool_call_id=call["id"]) for call in asked.tool_calls]
    answer = model.invoke([*messages, asked, *results])
    assert answer.text in ANSWERS
    streamed = "".join(chunk.text for chunk in model.stream([*messages, asked, *results]))
    assert streamed == answer.text
    embeddings = OpenAIEmbeddings(
        model="sim-embedding",
        base_url=f"{service.url}/v1",
        api_key=service.key,  # type: ignore[arg-type]
        check_embedding_ctx_length=False,
    )
    assert len(embeddings.embed_query("interest")) == 512


def test_litellm(service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    where = {
        "model": f"openai/{MODEL}",
        "api_base": f"{service.url}/v1",
        "api_key": service.key,
    }
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    asked = litellm.completion(messages=messages, tools=[LOOKUP], **where)
    call = asked.choices[0].message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"key": "key5"}
    messages += [
        asked.choices[0].message.model_dump(),
        {"role": "tool", "tool_call_id": call.id, "content": "value key5"},
    ]
    answer = litellm.completion(messages=messages, tools=[LOOKUP], **where)
    assert answer.choices[0].message.content in ANSWERS
    chunks = litellm.completion(messages=messages, tools=[LOOKUP], stream=True, **where)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == answer.choices[0].message.content
    response = litellm.responses(input=QUESTION, tools=[TOOL], **where)
    assert response.output[-1].type == "function_call"


# --- a tool with a parameter of each kind --------------------------------------------------------


class Kind(Enum):
    PAGE = "page"
    TABLE = "table"


class Where(BaseModel):
    folder: str
    depth: Annotated[int, Field(ge=1, le=5)]


class Found(BaseModel):
    """What was looked for."""

    keys: Annotated[list[str], Field(min_length=1)]
    where: Where
    kind: Kind
    order: Literal["up", "down"]
    limit: int | None


def find_tool() -> tuple[Callable[..., str], list[Found]]:
    """A tool as a customer writes one, and what it was called with."""
    calls: list[Found] = []

    def find(
        keys: Annotated[list[str], Field(min_length=1)],
        where: Where,
        kind: Kind,
        order: Literal["up", "down"],
        limit: int | None = None,
    ) -> str:
        """Find values by their keys."""
        calls.append(Found(keys=keys, where=where, kind=kind, order=order, limit=limit))
        return "The value is 42."  # the only number, so any computation gives its digits

    return find, calls


def check_asked(text: str) -> None:
    """Only words of the question are in a text; "key 5" for "key5" is one way to look for it."""
    words = r"[a-z]+|\d+"
    found = re.findall(words, text.lower())
    assert found
    assert set(found) <= set(re.findall(words, QUESTION.lower())), text


def check_found(calls: list[Found], answer: str) -> None:
    check_asked(calls[0].keys[0])
    check_asked(calls[0].where.folder)
    assert "42" in answer


@pytest.mark.parametrize("api", ["responses", "chat"])
def test_openai_agents_calls_a_tool_of_many_types(simulated: Running, api: str) -> None:
    from agents import Agent, Runner, function_tool

    find, calls = find_tool()

    async def run() -> str:
        async with agents_model(simulated, api) as model:
            agent = Agent(name="finder", tools=[function_tool(find)], model=model)
            return str((await Runner.run(agent, QUESTION)).final_output)

    check_found(calls, asyncio.run(run()))


@pytest.mark.parametrize(("responses_api", "strict"), [(False, None), (True, True)])
def test_langchain_calls_a_tool_of_many_types(
    simulated: Running, responses_api: bool, strict: bool | None
) -> None:
    from langchain_core.messages import HumanMessage
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI

    find, calls = find_tool()
    finder = tool(find)
    model = ChatOpenAI(
        model=MODEL,
        base_url=f"{simulated.url}/v1",
        api_key=simulated.key,  # type: ignore[arg-type]
        use_responses_api=responses_api,
    )
    messages: list[Any] = [HumanMessage(QUESTION)]
    for _ in range(10):
        choice = None if calls else "required"  # the model might answer in haste
        said = model.bind_tools([finder], strict=strict, tool_choice=choice).invoke(messages)
        messages += [said, *map(finder.invoke, said.tool_calls)]
        if not said.tool_calls:
            break
    check_found(calls, said.text)
    assert isinstance(model.with_structured_output(Found).invoke(QUESTION), Found)


@pytest.mark.parametrize("api", ["responses", "chat"])
def test_pydantic_ai(simulated: Running, api: str) -> None:
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    kind = OpenAIResponsesModel if api == "responses" else OpenAIChatModel
    provider = OpenAIProvider(base_url=f"{simulated.url}/v1", api_key=simulated.key)
    find, calls = find_tool()
    agent = Agent(kind(MODEL, provider=provider), tools=[find])
    check_found(calls, asyncio.run(agent.run(QUESTION)).output)
    typed = Agent(kind(MODEL, provider=provider), output_type=Found)
    assert isinstance(asyncio.run(typed.run(QUESTION)).output, Found)


def install(command: list[str], folder: Path) -> Path:
    """Run an installer in a folder. Only CI asks for it to succeed, since it needs a network."""
    is_asked_for = os.environ.get("CI") == "true"
    if shutil.which(command[0]) is None:
        assert not is_asked_for, f"{command[0]} is not installed"
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        assert not is_asked_for, done.stderr
        pytest.skip(f"{command[0]} cannot reach its registry")
    return folder


@pytest.fixture(scope="module")
def instructor_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with instructor in it. It asks for an older `jiter` than the openai package does, so
    that the two cannot be installed together, though they work together."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", "."]
    packages = ["instructor==1.17.0", "docstring-parser==0.18.0"]
    return install([*pip, *packages], tmp_path_factory.mktemp("instructor"))


def test_instructor(
    simulated: Running, instructor_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(instructor_folder)
    instructor = importlib.import_module("instructor")
    for mode in ("TOOLS", "RESPONSES_TOOLS", "JSON_SCHEMA"):
        client = instructor.from_openai(simulated.client, mode=instructor.Mode[mode])
        asked: Any = {"messages": [{"role": "user", "content": QUESTION}], "max_retries": 0}
        found = client.create(model=MODEL, response_model=Found, **asked)
        assert isinstance(found, Found)
        if mode != "JSON_SCHEMA":
            check_asked(found.keys[0])


NODE = """
import OpenAI from "openai";
const client = new OpenAI();
const question = { role: "user", content: "What is the value of key5" };
const tools = [JSON.parse(process.env.TOOL)];
const model = "sim-agent-mini";
const first = await client.responses.create({ model, input: [question], tools });
const call = first.output.find((item) => item.type === "function_call");
const output = { type: "function_call_output", call_id: call.call_id, output: "value key5" };
const second = await client.responses.create({
  model, input: [output], tools, previous_response_id: first.id,
});
const kinds = [];
for await (const event of await client.responses.create({ model, input: [question], stream: true }))
  kinds.push(event.type);
const chat = await client.chat.completions.create({ model, messages: [question] });
const files = [];
for await (const file of client.files.list({ limit: 1 })) files.push(file.id);
let refused;
try {
  await client.fineTuning.jobs.retrieve("ftjob-none");
} catch (error) {
  refused = [error.status, error.code];
}
console.log(JSON.stringify({
  arguments: call.arguments, text: second.output_text, last: kinds.at(-1),
  chat: chat.choices[0].message.content, files: files.length, refused,
}));
"""


@pytest.fixture(scope="module")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with packages from npm in it: openai and the Vercel AI SDK."""
    npm = ["npm", "install", "--no-audit", "--no-fund", "--silent"]
    packages = ["openai@6", "ai@6", "@ai-sdk/openai@3", "zod@4"]
    return install([*npm, *packages], tmp_path_factory.mktemp("node"))


def run_node(service: Running, folder: Path, source: str) -> Any:
    """What a script prints, as JSON."""
    script = folder / "loop.mjs"
    script.write_text(source, encoding="utf-8")
    environment = {
        **os.environ,
        "OPENAI_BASE_URL": f"{service.url}/v1",
        "OPENAI_API_KEY": service.key,
        "TOOL": json.dumps({**TOOL, "strict": False}),
    }
    done = subprocess.run(
        ["node", str(script)], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_openai_from_npm(service: Running, node_folder: Path) -> None:
    for number in range(3):
        service.upload([row(number)])
    told = run_node(service, node_folder, NODE)
    assert told.pop("text") in ANSWERS
    assert told.pop("files") >= 3
    assert told == {
        "arguments": '{"key": "key5"}',
        "last": "response.completed",
        "chat": "unknown",
        "refused": [404, "not_found"],
    }


AI_SDK = """
import { generateText, stepCountIs, tool } from "ai";
import { openai } from "@ai-sdk/openai";
import { z } from "zod";
globalThis.AI_SDK_LOG_WARNINGS = false;
const asked = [];
const lookup = tool({
  description: "Look a key up.", inputSchema: z.object({ key: z.string() }),
  execute: async ({ key }) => { asked.push(key); return `value ${key}`; },
});
const told = {};
for (const store of [true, false]) {
  const { steps, text } = await generateText({
    model: openai("sim-agent-mini"), prompt: "What is the value of key5", tools: { lookup },
    stopWhen: stepCountIs(5), providerOptions: { openai: { store } },
  });
  told[store] = [steps.length, text];
}
console.log(JSON.stringify({ asked, told }));
"""


def test_the_ai_sdk_from_npm(service: Running, node_folder: Path) -> None:
    """Its second step refers to stored items, or without `store` leaves the reasoning out."""
    told = run_node(service, node_folder, AI_SDK)
    assert told["asked"] == ["key5", "key5"]
    for steps, text in told["told"].values():
        assert (steps, text in ANSWERS) == (2, True)
