# %% [markdown]
# # 03 Tool definition
#
# Your tools serve two users. The model reads their descriptions and
# results. The training service calls them over HTTP, thousands of times and
# many at once. This lesson builds tools that work for both.
#
# **In this lesson you will**
#
# - read what the model is told about a tool;
# - write and run a tool server;
# - keep a file tool inside its folder, and a budget under parallel calls;
# - see what the service does with a slow, busy or broken tool;
# - choose a search engine and the length of its results by reward and cost.
#
# **Time** 40 minutes. **Before** Lesson 01. Agents run on a **simulated
# model**; servers, calls and attacks are real.

# %%
from buildhour_helpers import session

OFFLINE = session.start().mode == "offline"
print(session.describe())

# %% [markdown]
# ## What the model is told
#
# The model never sees your code, only a name, a description and a schema for
# the parameters. So the description is a prompt. Say what comes back, in
# which form, and when to use another tool.

# %%
from textwrap import fill

from buildhour_helpers.tools import DEFINITIONS

for tool in DEFINITIONS:
    about = tool["function"]
    print(fill(f"{about['name']}: {about['description']}", 70))
k = DEFINITIONS[0]["function"]["parameters"]["properties"]["k"]
print(fill(f"k: {k}", 70))

# %% [markdown]
# Look at the last sentence of `search`: without it, agents answer from
# snippets. `list` spells out the form of a path, so that its output fits the
# input of `cat`. The last line is part of a schema: bounds belong there.
#
# *Time to here: 2 minutes.*
#
# ## The contract
#
# In training, the service sends one POST per call and expects one answer:
#
# ```text
# POST https://your.server/search          Authorization: Bearer KEY
# {"type": "function_call", "id": "fc_1", "call_id": "call_1",
#  "name": "search", "arguments": "{\"query\": \"...\"}",
#  "trace_id": "trace_4f1c...", "item": {...}}
#
# 200 {"type": "function_call_output", "call_id": "call_1",
#      "output": "what the model will read"}
# ```
#
# The **trace ID** names the rollout: all of its tool calls carry it, and so
# does the call to your grader. `item` is the dataset row. The course's tool
# server is running, so call it by hand:

# %% take="1"
import json
import os

import aiohttp

TOOLS_URL = os.environ["BUILDHOUR_TOOLS_URL"]
KEY = os.environ["BUILDHOUR_TOOLS_KEY"]
PATIENCE = aiohttp.ClientTimeout(total=30)  # seconds


# %% take="1"
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
    web = aiohttp.ClientSession(headers=headers, timeout=PATIENCE)
    address = f"{url}/{call['name']}"
    async with web, web.post(address, json=call) as answer:
        return answer.status, await answer.text()


# %% take="1"
def said(body):
    answer = json.loads(body)
    return answer.get("output") or answer["error"]["message"]


# %%
import uuid

rollout = f"trace_{uuid.uuid4().hex}"
words = {"query": "Aldantis rent expense 2010", "k": 2}
status, body = await post(as_call("search", words, rollout))
print(status, said(body), sep="\n")

# %% [markdown]
# ### Mistakes and faults
#
# Two kinds of things go wrong. Keep them apart.
#
# - A **mistake** is the model's: a wrong path, an empty query. Answer 200
#   with an `output` that starts with `Error:` and says what to do instead.
#   The model reads it and learns.
# - A **fault** is yours: the database is down, a bug. Answer 5xx. The
#   service tries again, and in the end **discards** the rollout. A reward of
#   0 would teach the model that it was wrong.

# %%
calls = {
    "a folder": as_call("cat", {"path": "ALDA"}, rollout),
    "an empty query": as_call("search", {"query": " "}, rollout),
    "k too large": as_call("search", {"query": "x", "k": 99}, rollout),
    "no trace ID": as_call("list", {"path": "ALDA/2010/"}, ""),
}
for what, call in calls.items():
    status, body = await post(call)
    print(f"{what}: {status}\n    {said(body)}")

# %% [markdown]
# The first three are mistakes of the model. The last one breaks the contract,
# so the caller gets a 4xx. A wrong key gets a 401: give each job its own key,
# and revoke it when the job ends.
#
# *Time to here: 5 minutes.*
#
# ## Your own tool server
#
# You need functions, a key and a web framework. Start with the functions:
# plain Python, from arguments to text. Mistakes get their own exception, so
# that nothing confuses them with bugs.

# %% take="1"
PAGES = {
    "ACME/2011/page_1.pdf": "Net sales were 11.2 million in 2011.",
    "ACME/2012/page_1.pdf": "Net sales were 12.5 million in 2012.",
}


class ModelError(Exception):
    """The model's mistake: the message says what to do instead."""


# %% take="1"
def find(query):
    words = set(query.lower().split())
    hits = [p for p in PAGES if words & set(PAGES[p].lower().split())]
    if not hits:
        raise ModelError("nothing found; use words from the page")
    return "\n".join(hits)


# %% take="1"
def read(path):
    if path not in PAGES:
        raise ModelError(f"no page {path!r}; call find for the paths")
    return PAGES[path]


FUNCTIONS = {"find": find, "read": read}

# %% [markdown]
# Arguments that do not fit are the model's mistake too. Every other exception
# is a bug and becomes a 500.

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
# Next, what a call must contain:

# %% take="1"
from pydantic import BaseModel, Field


class Call(BaseModel):
    call_id: str = Field(min_length=1)
    trace_id: str = Field(min_length=1)
    arguments: str | dict
    id: str | None = None


# %% [markdown]
# The prompt asks for at most ten calls; the server enforces that **budget**.
# If an answer is lost, the service sends the call again with the same
# `call_id`. It must count once.

# %% take="1"
BUDGET = 10
made = {}  # trace_id -> the call_ids of this rollout


def allowed(call):
    calls = made.setdefault(call.trace_id, set())
    if call.call_id not in calls and len(calls) >= BUDGET:
        return False
    calls.add(call.call_id)
    return True


# %% [markdown]
# The key is compared in constant time, so that the delay of a refusal
# reveals nothing about it.

# %% take="1"
import secrets

MY_KEY = secrets.token_urlsafe(24)


def has_key(request):
    sent = request.headers.get("authorization", "").encode()
    return secrets.compare_digest(sent, f"Bearer {MY_KEY}".encode())


# %% [markdown]
# Last the endpoint. A call beyond the budget gets an `Error:` too, so the
# rollout goes on to an answer. The function runs in a thread, so that a slow
# tool does not block other rollouts.

# %% take="1"
import asyncio

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError

app = FastAPI()


def refuse(status, message):
    return JSONResponse({"error": {"message": message}}, status)


# %% take="1"
@app.post("/{name}")
async def endpoint(name: str, request: Request):
    if not has_key(request):
        return refuse(401, "wrong key")
    if name not in FUNCTIONS:
        return refuse(404, "no such tool")
    try:
        call = Call.model_validate_json(await request.body())
    except ValidationError:
        return refuse(400, "want JSON: call_id, trace_id, arguments")
    text = "Error: no calls left; answer with what you have read"
    if allowed(call):
        text = await asyncio.to_thread(output_of, name, call.arguments)
    reply = {"type": "function_call_output", "output": text}
    return reply | {"call_id": call.call_id, "id": call.id}


# %% take="1"
import socket
import threading
import time

import uvicorn


def serve(app):
    listener = socket.create_server(("127.0.0.1", 0))  # any free port
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    run = threading.Thread(target=server.run, args=([listener],))
    run.daemon = True
    run.start()
    while not server.started:
        time.sleep(0.01)
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


# %% [markdown]
# Test it: a call, a mistake, a wrong key, no trace ID.

# %% take="1"
MY_URL = serve(app)
mine = as_call("read", {"path": "ACME/2012/page_1.pdf"}, "trace_a")
wrong = as_call("read", {"path": "ACME/2099"}, "trace_a", "call_2")
cases = [(mine, MY_KEY), (wrong, MY_KEY)]
cases += [(mine, "guessed"), ({**mine, "trace_id": ""}, MY_KEY)]
for call, key in cases:
    status, body = await post(call, MY_URL, key)
    print(status, said(body))

# %% [markdown]
# *Time to here: 9 minutes.*
#
# ### Exercise 3.1: a safe cat
# Difficulty 3/5 · 6 minutes
#
# `read` looks a path up in a dictionary, which is safe. Most servers read
# files, and then a path can be an attack: **path traversal**. A model that
# explores tries anything, and a page that it reads may suggest what to try.
#
# Write `cat(root, path)`. It returns the text of the file at `path` below
# the folder `root`, or raises a `ValueError`. Refuse `../secret.txt`,
# absolute paths, a link that leads out of the root, and the neighbour folder
# `../reports-private`. A folder or a missing page is a mistake too. The model
# reads your message, so say what to do instead, and do not reveal where the
# root is on disk.
#
# Passing: every page is read, every escape is refused, and every refusal
# helps the model.

# %% exercise="3.1" difficulty=3 minutes=6
from pathlib import Path


def cat(root: Path, path: str) -> str:
    # begin solution
    inside = root.resolve()
    file = (inside / path).resolve()  # follows links, undoes ".."
    if not file.is_relative_to(inside):
        raise ValueError("this path leads out; use one from list")
    if not file.is_file():
        raise ValueError(f"no page {path!r}; call list to see the pages")
    return file.read_text(encoding="utf-8")
    # end solution


# %%
from buildhour_helpers import checks

checks.exercise_3_1(cat)

# %% [markdown]
# ## Parallel calls and race conditions
#
# A model can ask for several things in one turn, so calls of one rollout
# arrive together. Does the course's server keep the budget? Send it fourteen
# at once:

# %%
crowd = f"trace_{uuid.uuid4().hex}"
calls = [as_call("list", {}, crowd, f"call_{n}") for n in range(14)]
replies = await asyncio.gather(*map(post, calls))
outputs = [said(body) for _, body in replies]
refused = [text for text in outputs if text.startswith("Error:")]
print(14 - len(refused), "answered,", len(refused), "refused")
print(refused[0])
assert len(refused) == 4

# %% [markdown]
# It does, because it reads and changes the count without a pause in between.
# Put one `await` between the two (a database, a log) and you have a **race
# condition**: every call sees the old count.


# %%
async def careless(state):
    count = state["calls"]
    await asyncio.sleep(0)  # anything that waits
    state["calls"] = count + 1
    return count < 10


state = {"calls": 0}
let_in = await asyncio.gather(*(careless(state) for _ in range(14)))
print(f"{sum(let_in)} of 14 allowed, the count says {state['calls']}")
assert (sum(let_in), state["calls"]) == (14, 1)

# %% [markdown]
# Read and change on the same side of every `await`, or hold a lock per trace
# ID. With several server processes, keep the count in a shared store with an
# atomic increment.
#
# ### Exercise 3.2: debug someone else's tool
# Difficulty 3/5 · 7 minutes
#
# A colleague's handler returns a status and a text. `find(query)` raises
# `LookupError` if the model asks for something that does not exist, and
# `ConnectionError` if the database is down. The handler looks fine, and it
# would spoil a training job in four ways.
#
# ```python
# async def handle(made, trace_id, call_id, query, find, budget=10):
#     count = made.get(trace_id, 0)
#     if count >= budget:
#         return 200, "Error: no calls left; answer now"
#     try:
#         found = await find(query)
#     except ConnectionError:
#         return 200, "Error: nothing found"
#     except LookupError as error:
#         return 500, str(error)
#     made[trace_id] = count + 1
#     return 200, found
# ```
#
# Fix it. `made` starts as an empty dictionary; put in it what you like. For a
# fault, return a 5xx or let the exception pass.
#
# Passing: the budget holds under parallel calls, a repeated `call_id` counts
# once, mistakes are `Error:` results, and faults are faults.


# %% exercise="3.2" difficulty=3 minutes=7
async def handle(made, trace_id, call_id, query, find, budget=10):
    # begin solution
    calls = made.setdefault(trace_id, set())
    if call_id not in calls and len(calls) >= budget:
        return 200, "Error: no calls left; answer now"
    calls.add(call_id)  # before the await, and once per call_id
    try:
        return 200, await find(query)
    except LookupError as error:
        return 200, f"Error: {error}"
    except ConnectionError:
        return 503, "the database is down"
    # end solution


# %%
checks.exercise_3_2(handle)

# %% [markdown]
# *Time to here: 26 minutes, exercises included.*
#
# ## Slow, busy and broken tools
#
# What does the service do when a tool misbehaves? Here is a tool that is
# late, fails once, always fails, or is busy:

# %%
from collections import Counter

moody, tried = FastAPI(), Counter()
MOODY_URL = serve(moody)


@moody.post("/{mood}")
async def misbehave(mood: str, request: Request):
    tried[mood] += 1
    call_id = (await request.json())["call_id"]
    if mood == "late":
        await asyncio.sleep(1)
    if mood == "broken" or (mood == "broken_once" and tried[mood] == 1):
        return refuse(500, "out of order")
    if mood == "busy":
        return refuse(429, "too many calls")
    return {"call_id": call_id, "output": "found it"}


# %% [markdown]
# The service can send your server one call, as a job does. (This is an alpha
# endpoint of OpenAI's, so in live mode nothing is sent.)

# %%
from openai import APIStatusError, AsyncOpenAI


async def as_the_service(mood):
    where = {"server_url": f"{MOODY_URL}/{mood}", "headers": {}}
    try:
        said = await AsyncOpenAI().post(
            "/fine_tuning/alpha/tool/run",
            body=as_call(mood, {}, "trace_moody") | where,
            cast_to=object,
        )
        return said["output"]
    except APIStatusError as error:
        return error.body["message"]


# %%
MOODS = ("late", "broken_once", "broken", "busy") if OFFLINE else ()
replies = await asyncio.gather(*map(as_the_service, MOODS))
for mood, reply in zip(MOODS, replies, strict=True):
    times = "once" if tried[mood] == 1 else f"{tried[mood]} times"
    print(f"{mood}, called {times}:\n    {reply}")

# %% [markdown]
# - **Late** is fine, up to ten minutes. Then it counts as a fault.
# - **5xx**: three more tries, with growing pauses. If all four fail, the
#   rollout is discarded.
# - **429**, like every 4xx from a tool, is *not* tried again. The model reads
#   it as a result, and may learn to avoid your tool. If you are overloaded,
#   answer 503 or let the call wait.
#
# Slow tools make slow jobs. Take a step of 16 rows, with 8 rollouts each,
# 6 calls a rollout and half a second a call:

# %%
step_calls = 16 * 8 * 6
print(step_calls, "calls a step")
for at_once in (1, 8, 32):
    print(f"{at_once:2} at once: {step_calls * 0.5 / at_once:3.0f} s")

# %% [markdown]
# So serve calls concurrently, and test under load: OpenAI asks for 50 calls a
# second.


# %% take="1"
async def timed(call, number, gate, url, key):
    call = call | {"trace_id": f"trace_load_{number}"}
    async with gate:
        started = time.perf_counter()
        status, _ = await post(call, url, key)
    return status, time.perf_counter() - started


async def load_test(call, count, at_once, url, key):
    gate = asyncio.Semaphore(at_once)
    each = (timed(call, n, gate, url, key) for n in range(count))
    return await asyncio.gather(*each)


# %%
call = as_call("search", words, "")
timings = await load_test(call, 300, 32, TOOLS_URL, KEY)
failed = [status for status, _ in timings if status != 200]
print(len(timings), "searches,", len(failed), "failed")
assert not failed

# %% tags=["uncompared"]
seconds = sorted(took for _, took in timings)
slow_ms = 1000 * seconds[int(0.95 * len(seconds))]
print(f"95% within {slow_ms:.0f} ms, here and now")

# %% [markdown]
# *Time to here: 29 minutes.*
#
# ## Which search engine?
#
# Three candidates. **BM25** counts shared words and weighs rare ones more. A
# **semantic** engine compares vectors from an encoder, here a small one that
# averages word vectors. A **hybrid** adds the two scores. The encoder is an
# optional extra, so these runs of the simulated model are **recorded**, with
# the command that repeats them.

# %%
from buildhour_helpers import recordings

recorded = recordings.load("search_designs")
DESIGNS = recorded["designs"]
print(recorded["command"], "·", recorded["questions"], "questions")


# %%
from buildhour_helpers.analysis.statistics import Interval


def measured(key, kind="measures"):
    return {n: Interval(*d[kind][key]) for n, d in DESIGNS.items()}


reward, tokens = measured("reward"), measured("total_tokens")

# %%
print(f"{'':20}page in best 5  reward  tokens a rollout")
for name, design in DESIGNS.items():
    best5 = f"{design['recall']['5']:.0%}"
    costs = f"{reward[name].value:8.3f}{tokens[name].value:18,.0f}"
    print(f"{name:20}{best5:>14}{costs}")

# %% [markdown]
# Is a difference in reward more than noise?

# %%
gap = measured("reward", "difference")  # minus "BM25, one line"
semantic, hybrid = gap["semantic, one line"], gap["hybrid, one line"]
print(f"semantic minus BM25: {semantic:+.3f}")
print(f"hybrid minus BM25: {hybrid:+.3f}")
assert semantic.high < 0
assert not hybrid.is_clear_of_zero

# %% [markdown]
# The semantic engine costs {{-semantic.value:.2f}} of reward: it puts the right
# page among the best five for {{DESIGNS["semantic, one line"]["recall"]["5"]:.0%}}
# of the questions, BM25 for {{DESIGNS["BM25, one line"]["recall"]["5"]:.0%}}.
# Rare words, such as a company's name, lead to the right report, and averaging
# word vectors blurs exactly those. The hybrid gains {{hybrid.value:.3f}}, but
# the interval contains zero: no difference shown.
#
# ## How much should a result say?
#
# Keep BM25 and change what `search` returns for each page: its path, one
# matching line, five lines, or all of it. What a tool returns stays in the
# context, and every later turn reads it again.

# %%
from buildhour_helpers.analysis import figures

LENGTHS = ("path only", "one line", "five lines", "whole page")


def by_length(values):
    return {name: values[f"BM25, {name}"] for name in LENGTHS}


# %%
results = {n: d["search_output_tokens"] for n, d in DESIGNS.items()}
chart = figures.against_length(
    *map(by_length, (results, reward, tokens)),
    "Whole pages gain reward and multiply the tokens",
    note="recorded, simulated model",
)
chart

# %%
for name, length in by_length(results).items():
    print(f"{name:10} {length:6,.0f} tokens a result", end=", ")
    print(f"{by_length(tokens)[name].value:7,.0f} a rollout", end=", ")
    print(f"reward {by_length(reward)[name].value:.3f}")

# %%
gains = by_length(gap)
for name in ("path only", "five lines", "whole page"):
    print(f"{name} minus one line: reward {gains[name]:+.3f}")
assert gains["whole page"].low > 0
assert not gains["path only"].is_clear_of_zero
assert not gains["five lines"].is_clear_of_zero
whole, line = tokens["BM25, whole page"], tokens["BM25, one line"]
more = whole.value / line.value
print(f"whole pages take {more:.1f} times the tokens of one line")

# %% [markdown]
# Whole pages raise the reward by {{gains["whole page"].value:.2f}} and multiply
# the tokens by {{more:.1f}}. For five lines and for paths alone no difference
# is shown. Is it worth the tokens?
#
# ### Exercise 3.3: decide with a cost
# Difficulty 2/5 · 3 minutes
#
# Write `choose(designs, value, price)`. `designs` maps names to dictionaries
# with the mean `reward` and `total_tokens` of a rollout. A reward of 1 is worth
# `value` dollars, and a million tokens cost `price` dollars. Return the name of
# the design with the greatest value minus cost.
#
# Passing: your choice is the best one for six combinations.


# %% exercise="3.3" difficulty=2 minutes=3
def choose(designs, value, price):
    # begin solution
    def net(name):
        design = designs[name]
        cost = price * design["total_tokens"] / 1_000_000
        return value * design["reward"] - cost

    return max(designs, key=net)
    # end solution


# %%
checks.exercise_3_3(choose)

# %% [markdown]
# When do whole pages pay, at a dollar per million tokens?

# %%
extra = whole.value - line.value
break_even = extra / 1e6 / gains["whole page"].value
print(f"{extra:,.0f} more tokens; break even at ${break_even:.2f}")

# %% [markdown]
# In this simulation they pay once a right answer is worth more than
# {{break_even:.2f}} dollars.
#
# *Time to here: 37 minutes.*
#
# ## Take it with you
#
# Copy the tool server and its test client: the cells that define `PATIENCE`,
# `as_call`, `post`, `said`, `PAGES`, `find`, `read`, `output_of`, `Call`,
# `allowed`, `MY_KEY`, `app`, `endpoint`, `serve`, `mine` and `load_test`, in
# this order. They need `aiohttp`, `fastapi` and `uvicorn`. Change these things:
#
# - `PAGES`, `find` and `read`: your documents and functions. Raise
#   `ModelError` for mistakes, and let faults raise.
# - `MY_KEY`: from your secret store, one per job.
# - `serve`: in production, a process that the training service can reach.
# - `made`: delete old rollouts now and then, and share it between processes.
#
# The format is OpenAI's. Other providers may put the rollout's ID elsewhere,
# such as in the URL, and may send `arguments` as an object, which `Call`
# accepts. The server ignores `item` and any metadata.
#
# ## With a real model
#
# The contract, the server, the attacks and the load test carry over. A real
# model reads the whole description, so wording matters more than here. It
# also calls tools that do not exist and writes arguments that are not JSON.
# Answer with `Error:` and count them. Long results can distract it, and a
# full context window ends the rollout (**truncation**), so longer is not
# always better. Real encoders are larger than ours and may do better. Repeat
# both comparisons with your own model and its prices.
#
# ## Recap
#
# - A description is a prompt. A schema limits what the model can get wrong.
# - The trace ID holds a rollout together.
# - A mistake is a 200 with `Error:` and advice. A fault is a 5xx.
# - Resolve paths before you trust them. Change counts before you `await`.
# - Judge a tool by the agent's reward *and* by its tokens.
#
# ## Three questions
#
# <details><summary>The database behind your tool is down for a minute in the
# middle of a job. What should the tool answer?</summary>
#
# A 5xx. The service tries again, and discards the rollout if that fails. A
# 200 with `Error: database unavailable` would teach the model to avoid the
# tool.
# </details>
#
# <details><summary>The prompt already says ten calls. Why does the server
# enforce it?</summary>
#
# A prompt only asks. If wasted calls cost a rollout its answer, it scores
# lower than the rest of its group, and the model learns from that.
# </details>
#
# <details><summary>Your tool takes eight seconds, and a job makes 768 calls a
# step. What do you do first?</summary>
#
# Serve calls concurrently: at 32 in parallel a step takes about three minutes
# instead of almost two hours. Then cache what repeats.
# </details>
#
# Next: [04 Grader design](04_grader_design.ipynb).
