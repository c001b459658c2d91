# %% [markdown]
# # 03 Tool definition
#
# An agent is as good as what its tools tell it. In Agent RFT a training
# service calls them too, over HTTP, thousands of times, many at once. So a
# tool has two readers, the model and the service. This lesson serves both.
#
# **In this lesson you will**
#
# - read what the model is told about a tool, and what it makes of it;
# - speak the wire contract by hand: a call, an answer, a key, an error;
# - write and run a tool server of your own, with state for each rollout;
# - send it calls in parallel and under load;
# - compare designs of `search` by what the agent does with them.
#
# **Time** 40 minutes. **Before** Lesson 01, or any agent that you have
# built. Figures come from the **simulated model** unless you chose a live
# service.

# %%
from buildhour_helpers import session

OFFLINE = session.start().mode == "offline"
from openai import OpenAI

client = OpenAI()
MODEL = session.model()
print(session.describe())

# %% [markdown]
# ## What the model is told
#
# Of a tool the model sees a name, a description and the schema of its
# parameters. Nothing else: not the code, not the README. The description is
# therefore a prompt, and the best place to say what comes back and when to
# use something else.

# %%
from buildhour_helpers.tools import DEFINITIONS

for tool in DEFINITIONS:
    print(tool["function"]["name"], "-", tool["function"]["description"])

# %% [markdown]
# Note the last sentence of `search`: an agent that answers from snippets
# looks right until the numbers matter. And `list` and `cat` name the form of
# a path, so that one tool's output is the next tool's input.
#
# The parameters are JSON Schema. Short descriptions and bounds do more than
# prose.

# %%
import json

search = DEFINITIONS[0]["function"]
print(json.dumps(search["parameters"]["properties"], indent=1))

# %% [markdown]
# Two forms are in use. A dataset row for training carries the form of chat
# completions, nested under `function`; the Responses API takes the same
# keys flat. One small function keeps the two from drifting apart.

# %%
from buildhour_helpers.tools import for_responses

tools = for_responses(DEFINITIONS)
assert tools[0]["name"] == DEFINITIONS[0]["function"]["name"]
print("nested:", sorted(DEFINITIONS[0]), "· flat:", sorted(tools[0]))

# %% [markdown]
# ### What the model makes of it
#
# Given the tools and a question, the model answers with a **function
# call**: a name, and arguments as a JSON string. It has run nothing. It
# asks, and whoever holds the tools decides what to do.

# %%
question = "How did rent expense change at Aldantis from 2009 to 2010?"
turn = client.responses.create(
    model=MODEL,
    input=question,
    tools=tools,
    tool_choice="required",  # for once: no answer without a call
)
call = next(one for one in turn.output if one.type == "function_call")
print(call.name, call.arguments)

# %% [markdown]
# *Time to here: 5 minutes.*
#
# ## The wire contract
#
# While it trains, the service makes these calls itself. It sends one POST
# for each call and expects one answer:
#
# ```text
# POST https://your.server/search          Authorization: Bearer KEY
# {"type": "function_call", "id": "fc_1", "call_id": "call_1",
#  "name": "search", "arguments": "{\"query\": \"...\"}",
#  "trace_id": "trace_4f1c...", "item": {...}}
#
# 200 {"type": "function_call_output", "call_id": "call_1", "id": "fc_1",
#      "output": "what the model will read"}
# ```
#
# `trace_id` is the **rollout ID**: one for a whole rollout, the same in all
# of its tool calls and in the call to the grader. `item` is the dataset row
# without its messages. The course's own tool server is up; speak to it by
# hand, with nothing but an HTTP client.

# %% take="1"
import json
import os

import aiohttp

TOOLS_URL = os.environ["BUILDHOUR_TOOLS_URL"]
KEY = os.environ["BUILDHOUR_TOOLS_KEY"]


def as_call(name, arguments, trace_id, call_id="call_1"):
    return {
        "type": "function_call",
        "call_id": call_id,
        "name": name,
        "arguments": json.dumps(arguments),
        "trace_id": trace_id,
    }


# %% take="1"
async def post(call, url=TOOLS_URL, key=KEY):
    headers = {"Authorization": f"Bearer {key}"}
    address = f"{url}/{call['name']}"
    async with (
        aiohttp.ClientSession(headers=headers) as web,
        web.post(address, json=call) as answer,
    ):
        return answer.status, await answer.json()


# %%
import uuid

rollout = f"trace_{uuid.uuid4().hex}"
words = {"query": "Aldantis rent expense 2010", "k": 3}
status, answer = await post(as_call("search", words, rollout))
print(status, sorted(answer))
print(answer["output"])

# %% [markdown]
# ### Errors the model can use, and faults it cannot
#
# Things go wrong in two ways, and they must not be mixed up.
#
# A **mistake of the model** is a wrong path, an empty query. The answer is
# 200 and an `output` that begins with `Error:` and says the cure. The model
# reads it and can do better: that is part of what it learns.
#
# A **fault** is everything that no better answer of the model would mend.
# 4xx is for a body that breaks the contract and for a wrong key. 5xx says
# "I am broken": the service tries again, three times at most, and then
# discards the rollout. Discarded is not zero. A zero would teach the model
# that it had been wrong.

# %%
good = as_call("list", {"path": "ALDA/2010/"}, rollout)
tries = {
    "a folder, not a page": as_call("cat", {"path": "ALDA"}, rollout),
    "an empty query": as_call("search", {"query": " "}, rollout),
    "a missing argument": as_call("cat", {}, rollout),
    "k out of bounds": as_call("search", {"query": "x", "k": 99}, rollout),
    "no rollout ID": {**good, "trace_id": ""},
}
for what, body in tries.items():
    status, said = await post(body)
    text = said.get("output") or said["error"]["message"]
    print(f"{status} {what}: {text[:60]}")

# %% [markdown]
# Four are the model's to mend, and each says how. The fifth is the caller's
# fault: no output, a 4xx. The key comes before everything else:

# %%
status, refused = await post(good, key="guessed")
assert status == 401
print(refused["error"]["message"])

# %% [markdown]
# The key is sent by the service in every call, so give a job a key of its
# own, for these tools alone, and take it back when the job is over.
#
# *Time to here: 9 minutes.*
#
# ## A tool server of your own
#
# Now the other side. A server needs a web framework, a key, and functions.
# First the functions: plain Python from arguments to text. A mistake of the
# model is an exception of its own kind, so that it can never be confused
# with a bug. Two toy pages stand in for your documents.

# %% take="1"
PAGES = {
    "ACME/2011/page_1.pdf": "Net sales were 11.2 million in 2011.",
    "ACME/2012/page_1.pdf": "Net sales were 12.5 million in 2012.",
}


class ModelError(Exception):
    """The model's mistake: the message tells it what to do instead."""


def find(query):
    words = set(query.lower().split())
    hits = [
        path
        for path, text in PAGES.items()
        if words & set(text.lower().split())
    ]
    if not hits:
        raise ModelError("nothing found; use words that stand on the page")
    return "\n".join(hits)


# %% take="1"
def read(path):
    if path not in PAGES:
        raise ModelError(f"no page {path!r}; find says which there are")
    return PAGES[path]


FUNCTIONS = {"find": find, "read": read}

# %% [markdown]
# Then what stands between a call and its function. The model writes the
# arguments, so arguments that do not fit are its mistake, as a `ModelError`
# is. Any other exception is a bug, and must stay one: it becomes a 500.

# %% take="1"
from inspect import signature


def output_of(name, arguments):
    try:
        if isinstance(arguments, str):
            arguments = json.loads(arguments)
        signature(FUNCTIONS[name]).bind(**arguments)
    except (TypeError, ValueError) as error:
        return f"Error: {error}"
    try:
        return FUNCTIONS[name](**arguments)
    except ModelError as mistake:
        return f"Error: {mistake}"


# %% [markdown]
# What a call must hold; a body that lacks it gets a 4xx:

# %% take="1"
from pydantic import BaseModel, Field


class Call(BaseModel):
    call_id: str = Field(min_length=1)
    trace_id: str = Field(min_length=1)
    arguments: str | dict
    id: str | None = None


# %% [markdown]
# Last the endpoint. The key is compared in constant time, so that an
# answer's delay gives nothing away. `made` keeps the calls of each rollout,
# for a budget, a log, or a grader that asks what was read. And the function
# runs in a **thread** of its own, or one slow tool would stall all rollouts.

# %% take="1"
import asyncio
import secrets

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError

MY_KEY = secrets.token_urlsafe(24)
app = FastAPI()
made = {}  # trace_id -> {call_id: (name, arguments)}


def refused(status, message):
    return JSONResponse({"error": {"message": message}}, status)


# %% take="1"
@app.post("/{name}")
async def endpoint(name: str, request: Request):
    sent = request.headers.get("authorization", "").encode()
    if not secrets.compare_digest(sent, f"Bearer {MY_KEY}".encode()):
        return refused(401, "wrong key")
    if name not in FUNCTIONS:
        return refused(404, "no such tool")
    try:
        call = Call.model_validate_json(await request.body())
    except ValidationError:
        return refused(400, "want JSON: call_id, trace_id, arguments")
    made.setdefault(call.trace_id, {})[call.call_id] = name, call.arguments
    output = await asyncio.to_thread(output_of, name, call.arguments)
    reply = {"type": "function_call_output", "output": output}
    return reply | {"call_id": call.call_id, "id": call.id}


# %% [markdown]
# In production a process serves this app; in a notebook a thread will do.

# %% take="1"
import socket
import threading
import time

import uvicorn

listener = socket.create_server(("127.0.0.1", 0))  # 0: any free port
MY_URL = f"http://127.0.0.1:{listener.getsockname()[1]}"
server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
serve = threading.Thread(target=server.run, args=([listener],), daemon=True)
serve.start()
while not server.started:
    time.sleep(0.01)

# %% [markdown]
# Does it keep the contract? Ask as the service would:

# %% take="1"
mine = as_call("read", {"path": "ACME/2012/page_1.pdf"}, "trace_a")
print(await post(mine, MY_URL, MY_KEY))
wrong = as_call("read", {"path": "ACME/2099"}, "trace_a", "call_2")
print(await post(wrong, MY_URL, MY_KEY))
print(await post(mine, MY_URL, "guessed"))
print(await post({**mine, "trace_id": ""}, MY_URL, MY_KEY))

# %% [markdown]
# The offline service asks the same at `alpha/tool/run`: it forwards one call
# to your server, and says which part of the contract was broken. Run it
# before any job. (Other providers may not offer it: live, this cell is
# passed by.)

# %%
if OFFLINE:
    key = {"Authorization": f"Bearer {MY_KEY}"}
    door = {"server_url": f"{MY_URL}/read", "headers": key}
    run = "/fine_tuning/alpha/tool/run"
    said = client.post(run, body={**mine, **door}, cast_to=object)
    print(said["output"])

# %% [markdown]
# *Time to here: 14 minutes.*
#
# ### Exercise 3.1: a safe cat
# Difficulty 3/5 · 8 minutes
#
# `read` above looks a path up in a dictionary, which is safe. Most servers
# read files, and then a path is an attack: the model tries anything while
# it explores, and a page that it reads may tell it what to try. Write
# `cat(root, path)`: the text of the file at `path` under the folder `root`,
# or a `ValueError` whose message the model can use.
#
# It must refuse `../secret.txt`, an absolute path, a link that leads out of
# the root, and the neighbour folder `../reports-private` whose name begins
# as the root's does. A folder or a missing page is a mistake of the model
# as well, and no message may tell where the root lies on your disk.
#
# Passing: every escape is refused, every page is read, every refusal says
# something of use. Hints: `checks.hint("3.1")`, and with `strength=2`.

# %% exercise="3.1" difficulty=3 minutes=8
from pathlib import Path


def cat(root: Path, path: str) -> str:
    # begin solution
    inside = root.resolve()
    file = (inside / path).resolve()  # follows links, undoes ".."
    if not file.is_relative_to(inside):
        raise ValueError("path leads out; take one that list names")
    if not file.is_file():
        raise ValueError(f"no page {path!r}; list shows which there are")
    return file.read_text(encoding="utf-8")
    # end solution


# %%
from buildhour_helpers import checks

checks.exercise_3_1(cat)

# %% [markdown]
# ## State for each rollout
#
# The course's server keeps a trace for each rollout ID: what was called and
# whether the model had made a mistake. `GET /traces/ID` shows it. These are
# the calls that this notebook made above:

# %%
bearer = {"Authorization": f"Bearer {KEY}"}


async def calls_of(trace_id):
    address = f"{TOOLS_URL}/traces/{trace_id}"
    async with (
        aiohttp.ClientSession(headers=bearer) as web,
        web.get(address) as answer,
    ):
        return (await answer.json())["calls"]


calls = await calls_of(rollout)
for one in calls:
    mistake = "mistake" if one["is_error"] else ""
    print(one["name"], one["arguments"][:50], mistake)
assert [one["is_error"] for one in calls] == [False, True, True, True, True]

# %% [markdown]
# The search and the four mistakes are there; what broke the contract belongs
# to nobody's rollout.
#
# The first use of this state is a **budget**. The task says ten calls, and
# the server holds the agent to it: a model cannot be trusted to count. Send
# fourteen, then one of another rollout:


# %%
def listing(number, trace_id):
    return as_call("list", {"path": ""}, trace_id, f"call_{number}")


busy, fresh = (f"trace_{uuid.uuid4().hex}" for _ in range(2))
said = [(await post(listing(n, busy)))[1] for n in range(14)]
outputs = [one["output"] for one in said]
kept = [not output.startswith("Error:") for output in outputs]
print(f"{sum(kept)} answered, then: {outputs[-1]}")
assert kept == [True] * 10 + [False] * 4
_, other = await post(listing(0, fresh))
assert not other["output"].startswith("Error:")

# %% [markdown]
# The refusal is an `Error:` and no 4xx, and it says what to do: answer now.
# So the rollout goes on to an answer, and a wasteful one earns less than a
# thrifty one. That is how a budget teaches.
#
# ### Exercise 3.2: count the calls of a rollout
# Difficulty 2/5 · 7 minutes
#
# Write `allow(made, trace_id, call_id, budget)`: True if this call may be
# made. `made` is a dictionary that your server keeps, empty at first; put
# into it whatever you need. Each rollout has a budget of its own. A call
# that was lost on the way is sent again with the same `call_id`: it was
# paid for, so it is allowed again, and counts once.
#
# Passing: `budget` calls of a rollout are allowed and no more, other
# rollouts are not touched, a repeated call is free, also when the budget is
# used up. Hints: `checks.hint("3.2")`, and with `strength=2`.


# %% exercise="3.2" difficulty=2 minutes=7
def allow(made: dict, trace_id: str, call_id: str, budget=10) -> bool:
    # begin solution
    calls = made.setdefault(trace_id, set())
    if call_id in calls:
        return True
    if len(calls) >= budget:
        return False
    calls.add(call_id)
    return True
    # end solution


# %%
checks.exercise_3_2(allow)

# %% [markdown]
# *Time to here: 30 minutes.*
#
# ## Parallel calls
#
# A model may ask for several things in one turn, and a service runs a
# hundred rollouts at once. Calls of one rollout then arrive together. Does
# the budget hold?

# %%
crowd = f"trace_{uuid.uuid4().hex}"
sent = [post(listing(n, crowd)) for n in range(14)]
outputs = [said["output"] for _, said in await asyncio.gather(*sent)]
refusals = [one for one in outputs if one.startswith("Error:")]
print(len(outputs) - len(refusals), "answered,", len(refusals), "refused")
assert len(await calls_of(crowd)) == 10

# %% [markdown]
# It holds, because the server looks at the count and changes it in one go.
# It is easy to lose that. Put one `await` between the look and the change
# (a database, a log, another service), and every call that arrives
# meanwhile has seen the old count:


# %%
async def careless(state):
    count = state["calls"]
    await asyncio.sleep(0)  # anything that waits
    state["calls"] = count + 1
    return count < 10


state = {"calls": 0}
allowed = await asyncio.gather(*(careless(state) for _ in range(14)))
print(f"{sum(allowed)} of 14 allowed, and the count says {state['calls']}")
assert sum(allowed) == 14
assert state["calls"] == 1

# %% [markdown]
# All fourteen got through, and the books say one. Keep look and change on
# one side of every `await`, or hold a lock for each `trace_id`. With
# several server processes the count belongs into a shared store with an
# atomic increment.
#
# ## Under load
#
# Services advise an endpoint to bear 50 calls a second. One slow tool slows
# the whole job, and a tool that fails under load discards rollouts. So
# measure before you train: 300 searches, 32 in flight, each with the
# question of a real task.

# %%
from buildhour_helpers.tasks import load_questions

questions = load_questions(split="validation")
queries = [questions[n % len(questions)].text for n in range(300)]
gate = asyncio.Semaphore(32)


async def timed(web, query, number):
    body = as_call("search", {"query": query}, f"trace_load_{number}")
    async with gate:
        started = time.perf_counter()
        async with web.post(f"{TOOLS_URL}/search", json=body) as answer:
            await answer.read()
    return answer.status, time.perf_counter() - started


# %%
async def load_test():
    async with aiohttp.ClientSession(headers=bearer) as web:
        calls = [timed(web, query, n) for n, query in enumerate(queries)]
        return await asyncio.gather(*calls)


started = time.perf_counter()
timings = await load_test()
whole_s = time.perf_counter() - started

# %% tags=["uncompared"]
seconds = sorted(seconds for _, seconds in timings)
slow_ms = 1000 * seconds[int(0.95 * len(seconds))]
print(f"{len(timings) / whole_s:.0f} calls a second here and now")
print(f"95% of them within {slow_ms:.0f} ms")

# %% [markdown]
# That figure is of your machine, now. What must hold everywhere is that
# nothing failed:

# %%
failed = [status for status, _ in timings if status != 200]
assert not failed
print(len(timings), "searches,", len(failed), "failed")

# %% [markdown]
# The limits to design for: 1 MB for a call and 1 MB for an answer, ten
# minutes a call, three more tries after a fault. Mind the model's patience
# too: what a tool returns is read as tokens, in every turn that follows.
#
# *Time to here: 34 minutes.*
#
# ## Two designs of one tool
#
# Which search is the better tool? Two candidates: **BM25**, which counts
# shared words and weighs the rare ones, and an index of **embeddings**,
# which compares vectors. First the engines alone: how often is the page
# that answers a question among the best 1, 5 and 10?

# %%
from buildhour_helpers.reports import Bm25Index, load

bm25 = Bm25Index.build(load())


def recall(index, k):
    found = 0
    for one in questions:
        paths = {hit.path for hit in index.search(one.text, k)}
        found += bool(paths & set(one.gold_pages))
    return found / len(questions)


ours = {k: recall(bm25, k) for k in (1, 5, 10)}
print({k: f"{share:.0%}" for k, share in ours.items()})

# %% [markdown]
# To embed 2,800 pages takes a while, so the other engine's figures are
# **recorded**, with the command that made them.

# %%
from buildhour_helpers import recordings

recorded = recordings.load("search_designs")
print("made by:", recorded["command"])
other = recorded["designs"]["embeddings"]["recall"]
print({int(k): f"{share:.0%}" for k, share in other.items()})

# %%
for k, share in ours.items():
    assert share == recorded["designs"]["snippets"]["recall"][str(k)]
    assert share > other[str(k)]
print("BM25, measured now, is as recorded, and ahead of the embeddings")

# %% [markdown]
# Here BM25 wins by far: a report is found by its rare words, a company's
# name and a line item. (The offline embeddings are hashed n-grams, which
# know words and no meanings; a learnt encoder does better.) Where questions
# share no word with their page it would be the other way round. Measure.
#
# ### What the agent makes of a design
#
# An engine's figures are not yet the tool's. The question goes in as the
# model words it, and what comes out is read by a model with its own habits.
# So the third design is BM25 once more, **without the snippets**: paths
# alone. Two more are a **semantic** search, by an encoder that has learned
# meanings (the extra `semantic`), and a **hybrid** that adds its scores to
# BM25's. Each worked with the same base model on the same questions.
# Recorded, simulated model:

# %%
for name, design in recorded["designs"].items():
    means = {what: found[0] for what, found in design["measures"].items()}
    print(f"{name:12} reward {means['reward']:.3f}", end=", ")
    print(f"{means['tool_calls']:.2f} calls", end=", ")
    print(f"{means['reasoning_tokens']:.0f} reasoning tokens")

# %%
from buildhour_helpers.analysis import figures
from buildhour_helpers.analysis.statistics import Interval

gaps = {
    name: Interval(*design["against_snippets"]["reward"])
    for name, design in recorded["designs"].items()
    if name != "snippets"
}
chart = figures.intervals(
    gaps,
    "What another search does to the agent's reward",
    unit="mean reward less that with BM25 and snippets",
    line=("no difference", 0.0),
    note="recorded, simulated model",
)
chart

# %%
print(chart.alt_text())

# %%
for name, gap in gaps.items():
    print(f"{name}: {gap}, clear of zero: {gap.is_clear_of_zero}")
assert gaps["embeddings"].high < 0

against = recorded["designs"]["bare paths"]["against_snippets"]
tokens = "{:+.0f} [{:+.0f}, {:+.0f}]".format(*against["reasoning_tokens"])
print("bare paths, reasoning tokens a rollout:", tokens)

# %% [markdown]
# The weaker engine costs reward: too often the page is not in front of the
# model. Whether snippets pay is a question that one rarely thinks to ask.
# Where its interval spans zero, reward is no reason to prefer either; tokens
# may be.
#
# *Time to here: 39 minutes.*
#
# ## Take it with you
#
# A tool server that keeps the contract, in plain FastAPI, and a client to
# try it with: the cells that define `as_call`, `post`, `PAGES`, `read`,
# `output_of`, `Call`, `MY_KEY`, `endpoint`, `MY_URL` and `mine`, in this
# order. They need `aiohttp`, `fastapi` and `uvicorn`. Change three things:
#
# - `PAGES`, `find` and `read`: your documents, your functions. Keep
#   `ModelError` for what the model can mend, and let real faults raise.
# - `MY_KEY`: from your secret store, one for each job.
# - the thread that serves: a process of its own, behind an address that the
#   training service can reach.
#
# Your `allow` from exercise 3.2 belongs in `endpoint`, before the thread. And
# forget old rollouts now and then, or `made` grows for ever.
#
# ## Recap
#
# - A description is a prompt: what comes back, in which form, what to use
#   instead. Schemas bound what the model can get wrong.
# - One POST a call, one answer. `trace_id` holds a rollout together.
# - A mistake of the model is 200 with `Error:` and the cure; a fault is a
#   5xx, is tried again, and discards the rollout. Never mix them up.
# - The server keeps the budget, safely under parallel calls, and refuses
#   every path that leads out.
# - Judge a tool by what the agent does with it, in pairs, with intervals.
#
# ## Three questions
#
# <details><summary>A database behind your tool is down for a minute in the
# middle of a job. What should the tool answer?</summary>
#
# A 5xx, and none of your own prose. The service tries the call again, and
# if that fails discards the rollout, so nothing is learnt from it. A polite
# `Error: database unavailable` with a 200 would be read by the model as its
# own doing: it would learn to avoid the tool.
# </details>
#
# <details><summary>Why does the server hold the budget, when the prompt
# already says ten calls?</summary>
#
# A prompt asks; a server decides. With the refusal the rollout goes on to an
# answer, and a wasteful one scores less than its group: so it learns.
# </details>
#
# <details><summary>`search` returns five pages of 4 kB each in full, to save
# the agent the calls to `cat`. What speaks against it?</summary>
#
# Everything returned is read again in each later turn, right or wrong page
# alike. And the step in which the agent chooses a page is gone, and with it
# what training could have taught. Measure it, as above.
# </details>
#
# Next: [04 Grader design](04_grader_design.ipynb). What is a good answer
# worth?
