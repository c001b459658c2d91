# %% [markdown]
# # 03 Tool definition
#
# Your tools have two readers. The model reads their descriptions and
# results. The training service calls them over HTTP, thousands of times and
# many at once. This lesson builds tools that work for both.
#
# **In this lesson you will**
#
# - read what the model is told about a tool;
# - write and run a tool server that keeps the contract;
# - keep a file tool inside its folder, and a budget correct under parallel
#   calls;
# - see what the service does with a tool that is slow, busy or broken;
# - choose a search engine and the length of its results by reward and cost.
#
# **Time** 40 minutes. **Before** Lesson 01, or any agent that you have
# built. Results of agents come from the **simulated model**; the servers,
# calls and attacks are real.

# %%
from buildhour_helpers import session

OFFLINE = session.start().mode == "offline"
print(session.describe())

# %% [markdown]
# ## What the model is told
#
# The model sees three things: a name, a description and a schema for the
# parameters. It never sees your code. So the description is a prompt. Say
# what comes back, in which form, and when to use another tool.

# %%
from buildhour_helpers.tools import DEFINITIONS

for tool in DEFINITIONS:
    print(tool["function"]["name"], "-", tool["function"]["description"])

# %% [markdown]
# Look at the last sentence of `search`: without it, agents answer from
# snippets. `list` and `cat` spell out the form of a path, so that one tool's
# output fits the next tool's input. The parameters are JSON Schema, and
# bounds belong there: `k` must be from 1 to 20.
#
# A training row nests these keys under `function`; the Responses API takes
# them flat. Convert in one place (`for_responses`), so that the two never
# differ.
#
# *Time to here: 3 minutes.*
#
# ## The contract
#
# In training, the service runs these calls. It sends one POST per call and
# expects one answer:
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
# The **trace ID** names the rollout. All tool calls of one rollout carry the
# same one, and so does the call to your grader. `item` is the dataset row.
# The course's tool server is running, so call it by hand:

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
    async with web, web.post(f"{url}/{call['name']}", json=call) as answer:
        return answer.status, await answer.json()


# %%
import uuid

rollout = f"trace_{uuid.uuid4().hex}"
words = {"query": "Aldantis rent expense 2010", "k": 2}
status, answer = await post(as_call("search", words, rollout))
print(status, answer["output"], sep="\n")

# %% [markdown]
# ### Mistakes and faults
#
# Two kinds of things go wrong. Keep them apart.
#
# - A **mistake** is the model's: a wrong path, an empty query. Answer 200
#   with an `output` that starts with `Error:` and says what to do instead.
#   The model reads it, corrects itself, and learns.
# - A **fault** is yours: the database is down, a bug. Answer 5xx. The
#   service tries again, and in the end **discards** the rollout. It does not
#   score it 0, because a 0 would teach the model that it was wrong.

# %%
good = as_call("list", {"path": "ALDA/2010/"}, rollout)
tries = {
    "a folder": as_call("cat", {"path": "ALDA"}, rollout),
    "an empty query": as_call("search", {"query": " "}, rollout),
    "k out of bounds": as_call("search", {"query": "x", "k": 99}, rollout),
    "no trace ID": {**good, "trace_id": ""},
}
for what, body in tries.items():
    status, said = await post(body)
    text = said.get("output") or said["error"]["message"]
    print(f"{status} {what}: {text[:60]}")

# %% [markdown]
# The first three are mistakes of the model, and each message says what to
# do. The last one breaks the contract, so the caller gets a 4xx. A wrong key
# gets a 401 before anything else is read. Give each job its own key, and
# revoke it when the job ends.
#
# *Time to here: 6 minutes.*
#
# ## Your own tool server
#
# You need functions, a key and a web framework. Start with the functions:
# plain Python, from arguments to text. Give mistakes their own exception, so
# that nothing confuses them with bugs.

# %% take="1"
PAGES = {
    "ACME/2011/page_1.pdf": "Net sales were 11.2 million in 2011.",
    "ACME/2012/page_1.pdf": "Net sales were 12.5 million in 2012.",
}


# %% take="1"
class ModelError(Exception):
    """The model's mistake: the message says what to do instead."""


def find(query):
    words = set(query.lower().split())
    hits = [
        path
        for path, text in PAGES.items()
        if words & set(text.lower().split())
    ]
    if not hits:
        raise ModelError("nothing found; use words from the page")
    return "\n".join(hits)


# %% take="1"
def read(path):
    if path not in PAGES:
        raise ModelError(f"no page {path!r}; call find to see the paths")
    return PAGES[path]


FUNCTIONS = {"find": find, "read": read}

# %% [markdown]
# The model writes the arguments, so arguments that do not fit are its
# mistake too. Every other exception is a bug and becomes a 500.

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
# Next, what a call must contain, and the **budget**. The prompt only asks
# for ten calls; the server enforces it. A refusal is an `Error:` as well, so
# the rollout goes on to an answer. A call that was lost on the way comes
# again with the same `call_id`, and must count once.

# %% take="1"
from pydantic import BaseModel, Field

BUDGET = 10
made = {}  # trace_id -> the call_ids of this rollout


class Call(BaseModel):
    call_id: str = Field(min_length=1)
    trace_id: str = Field(min_length=1)
    arguments: str | dict
    id: str | None = None


# %% take="1"
def allowed(call):
    calls = made.setdefault(call.trace_id, set())
    if call.call_id not in calls and len(calls) >= BUDGET:
        return False
    calls.add(call.call_id)
    return True


# %% [markdown]
# Last the endpoint. It compares the key in constant time, so that the delay
# of a refusal reveals nothing. It runs the function in a thread, so that a
# slow tool does not block other rollouts.

# %% take="1"
import asyncio
import secrets

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError

MY_KEY = secrets.token_urlsafe(24)
app = FastAPI()


def refuse(status, message):
    return JSONResponse({"error": {"message": message}}, status)


# %% take="1"
@app.post("/{name}")
async def endpoint(name: str, request: Request):
    sent = request.headers.get("authorization", "").encode()
    if not secrets.compare_digest(sent, f"Bearer {MY_KEY}".encode()):
        return refuse(401, "wrong key")
    if name not in FUNCTIONS:
        return refuse(404, "no such tool")
    try:
        call = Call.model_validate_json(await request.body())
    except ValidationError:
        return refuse(400, "want JSON: call_id, trace_id, arguments")
    output = "Error: no calls left; answer with what you have read"
    if allowed(call):
        output = await asyncio.to_thread(output_of, name, call.arguments)
    reply = {"type": "function_call_output", "output": output}
    return reply | {"call_id": call.call_id, "id": call.id}


# %% take="1"
import socket
import threading
import time

import uvicorn


def serve(app):
    listener = socket.create_server(("127.0.0.1", 0))  # any free port
    config = uvicorn.Config(app, log_level="critical")
    server = uvicorn.Server(config)
    threading.Thread(
        target=server.run, args=([listener],), daemon=True
    ).start()
    while not server.started:
        time.sleep(0.01)
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


MY_URL = serve(app)

# %% [markdown]
# Test it as the service would: a call, a mistake, a wrong key, a broken
# body.

# %% take="1"
mine = as_call("read", {"path": "ACME/2012/page_1.pdf"}, "trace_a")
wrong = as_call("read", {"path": "ACME/2099"}, "trace_a", "call_2")
print(await post(mine, MY_URL, MY_KEY))
print(await post(wrong, MY_URL, MY_KEY))
print(await post(mine, MY_URL, "guessed"))
print(await post({**mine, "trace_id": ""}, MY_URL, MY_KEY))

# %% [markdown]
# *Time to here: 11 minutes.*
#
# ### Exercise 3.1: a safe cat
# Difficulty 3/5 · 6 minutes
#
# `read` looks a path up in a dictionary, which is safe. Most servers read
# files, and then a path can be an attack. A model that explores tries
# anything, and a page that it reads may suggest what to try. This attack is
# called **path traversal**.
#
# Write `cat(root, path)`. It returns the text of the file at `path` below
# the folder `root`, or raises a `ValueError` with a message that helps the
# model. Refuse `../secret.txt`, absolute paths, a link that leads out of the
# root, and the neighbour folder `../reports-private`. A folder or a missing
# page is a mistake too. No message may reveal where the root is on disk.
#
# Passing: every page is read, every escape is refused, and every refusal
# helps.

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
# arrive together. Does the budget hold? Send fourteen at once:


# %%
def listing(number, trace_id):
    return as_call("list", {"path": ""}, trace_id, f"call_{number}")


crowd = f"trace_{uuid.uuid4().hex}"
sent = [post(listing(n, crowd)) for n in range(14)]
outputs = [said["output"] for _, said in await asyncio.gather(*sent)]
refusals = [one for one in outputs if one.startswith("Error:")]
print(len(outputs) - len(refusals), "answered,", len(refusals), "refused")
print(refusals[0])
assert len(refusals) == 4

# %% [markdown]
# It holds, because the server reads and changes the count without a pause in
# between. Put one `await` between the two (a database, a log) and you have a
# **race condition**: every call sees the old count.


# %%
async def careless(state):
    count = state["calls"]
    await asyncio.sleep(0)  # anything that waits
    state["calls"] = count + 1
    return count < 10


state = {"calls": 0}
let_in = await asyncio.gather(*(careless(state) for _ in range(14)))
print(f"{sum(let_in)} of 14 allowed, and the count says {state['calls']}")
assert (sum(let_in), state["calls"]) == (14, 1)

# %% [markdown]
# The careless version allows {{sum(let_in)}} of 14 calls and counts
# {{state["calls"]}}. Read and change on the same side of every `await`, or
# hold a lock per trace ID. With several server processes, keep the count in
# a shared store with an atomic increment.
#
# ### Exercise 3.2: debug someone else's tool
# Difficulty 3/5 · 7 minutes
#
# A colleague wrote this handler. `find(query)` is slow and asynchronous. It
# raises `LookupError` if the model asks for something that does not exist,
# and `ConnectionError` if the database is down. The handler returns a status
# and a text. It looks fine, and it would spoil a training job in four ways.
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
# Fix it. `made` starts as an empty dictionary and you may put anything in
# it. For a fault, return any 5xx or let the exception pass.
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
# *Time to here: 27 minutes, exercises included.*
#
# ## Slow, busy and broken tools
#
# What does the service do when a tool misbehaves? This server is late,
# fails once, always fails, or says that it is busy:

# %%
from collections import Counter

moody, tried = FastAPI(), Counter()
MOODY_URL = serve(moody)


# %%
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
# The service can forward one call to your server, exactly as a job does, at
# `alpha/tool/run`. (An alpha endpoint of OpenAI's; few other providers have
# it, so live this cell does nothing.)

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


MOODS = ("late", "broken_once", "broken", "busy") if OFFLINE else ()
replies = await asyncio.gather(*map(as_the_service, MOODS))
for mood, reply in zip(MOODS, replies, strict=True):
    print(f"{mood:12} {tried[mood]} × {reply[:60]}")
if not OFFLINE:
    print("needs the offline service")

# %% [markdown]
# - **Late** is fine, up to ten minutes. Then it counts as a fault.
# - **5xx**: up to three more tries, with growing pauses. If one works, nothing
#   is lost. If all four fail, the rollout is discarded.
# - **429**, like every 4xx from a tool, is *not* tried again. The model reads
#   it as a result, and may learn to avoid your tool. If you are overloaded,
#   answer 503 or let the call wait.
#
# Slow tools make slow jobs. A step of 16 rows with 8 rollouts each and 6
# calls per rollout makes {{16 * 8 * 6}} calls:

# %%
STEP_CALLS = 16 * 8 * 6
for at_once in (1, 8, 32):
    seconds = STEP_CALLS * 0.5 / at_once
    print(
        f"half a second each, {at_once:2} at once: {seconds:3.0f} s a step"
    )
print(STEP_CALLS, "calls a step")

# %% [markdown]
# So serve calls concurrently, and test under load before you train. Services
# advise planning for 50 calls a second. Bound the concurrency of your test,
# check each status, and set a timeout:


# %% take="1"
async def load_test(call, count, at_once, url, key):
    gate = asyncio.Semaphore(at_once)
    headers = {"Authorization": f"Bearer {key}"}

    async def one(web, number):
        body = call | {"trace_id": f"trace_load_{number}"}
        async with gate:
            started = time.perf_counter()
            async with web.post(
                f"{url}/{call['name']}", json=body
            ) as answer:
                await answer.read()
        return answer.status, time.perf_counter() - started

    web = aiohttp.ClientSession(headers=headers, timeout=PATIENCE)
    async with web:
        return await asyncio.gather(*(one(web, n) for n in range(count)))


# %%
busy = as_call("search", words, "")
timings = await load_test(busy, 300, 32, TOOLS_URL, KEY)

# %% tags=["uncompared"]
times = sorted(seconds for _, seconds in timings)
slow_ms = 1000 * times[int(0.95 * len(times))]
print(f"95% within {slow_ms:.0f} ms, here and now")

# %%
failed = [status for status, _ in timings if status != 200]
print(len(timings), "searches,", len(failed), "failed")
assert not failed

# %% [markdown]
# *Time to here: 31 minutes.*
#
# ## Which search engine?
#
# Three candidates. **BM25** counts shared words and weighs rare ones more. A
# **semantic** engine compares vectors from an encoder, here a small one that
# averages word vectors. A **hybrid** adds the two scores. First the engines
# alone: how often is the right page among the best 1, 5 and 10?

# %%
from buildhour_helpers import recordings
from buildhour_helpers.reports import Bm25Index, load
from buildhour_helpers.tasks import load_questions

questions = load_questions(split="validation")
bm25 = Bm25Index.build(load())


# %%
def recall(index, k):
    found = 0
    for one in questions:
        paths = {hit.path for hit in index.search(one.text, k)}
        found += bool(paths & set(one.gold_pages))
    return found / len(questions)


print("BM25:", {k: f"{recall(bm25, k):.0%}" for k in (1, 5, 10)})

# %% [markdown]
# The encoder is an optional extra, so the rest is **recorded** (simulated
# model), with the command that makes it again. Each design answered the same
# questions with the same model.

# %%
recorded = recordings.load("search_designs")
DESIGNS = recorded["designs"]
print(recorded["command"], "·", recorded["questions"], "questions")
for name, design in DESIGNS.items():
    reward, tokens = (
        design["measures"][key][0] for key in ("reward", "total_tokens")
    )
    print(f"{name:18} page in best 5: {design['recall']['5']:4.0%}", end="")
    print(f"  reward {reward:.3f}  {tokens:7,.0f} tokens a rollout")

# %%
from buildhour_helpers.analysis.statistics import Interval


def measured(key, kind="measures"):
    return {
        name: Interval(*one[kind][key]) for name, one in DESIGNS.items()
    }


gap = measured("reward", "difference")  # minus "BM25, one line"
semantic, hybrid = gap["semantic, one line"], gap["hybrid, one line"]
print(f"minus BM25: semantic {semantic:+.3f}, hybrid {hybrid:+.3f}")
assert semantic.high < 0
assert not hybrid.is_clear_of_zero

# %% [markdown]
# The semantic engine costs {{-semantic.value:.2f}} of reward: it puts the right
# page among the best five for {{DESIGNS["semantic, one line"]["recall"]["5"]:.0%}}
# of the questions, BM25 for {{DESIGNS["BM25, one line"]["recall"]["5"]:.0%}}. A
# report is found by rare words, such as a company's name, and averaging word
# vectors blurs exactly those. The hybrid gains {{hybrid.value:.3f}}, but the
# interval contains zero: no difference shown. A larger encoder may do better,
# and so may questions that share no words with their page.
#
# ## How much should a result say?
#
# Now keep BM25 and change what `search` returns for each page: its path
# alone, one matching line, five lines, or the whole page. Everything that a
# tool returns stays in the context and is read again in every later turn.

# %%
from buildhour_helpers.analysis import figures

lengths = {
    name.removeprefix("BM25, "): one["search_output_tokens"]
    for name, one in sorted(
        DESIGNS.items(), key=lambda item: item[1]["search_output_tokens"]
    )
    if one["engine"] == "bm25"
}
rewards, tokens = (
    {name: measured(key)[f"BM25, {name}"] for name in lengths}
    for key in ("reward", "total_tokens")
)

# %%
chart = figures.against_length(
    lengths,
    rewards,
    tokens,
    "Whole pages gain reward and multiply the tokens",
    note="recorded, simulated model",
)
chart

# %%
for name, length in lengths.items():
    print(f"{name:10} {length:6,.0f} tokens a result", end=", ")
    print(f"{tokens[name].value:7,.0f} tokens a rollout", end=", ")
    print(f"reward {rewards[name].value:.3f}")

# %%
whole, five, path = (
    gap[f"BM25, {name}"]
    for name in ("whole page", "five lines", "path only")
)
times = tokens["whole page"].value / tokens["one line"].value
print(f"minus one line: whole page {whole:+.3f}, five lines {five:+.3f}")
print(f"path only {path:+.3f}; whole pages: {times:.1f} times the tokens")
assert whole.low > 0
assert not any(one.is_clear_of_zero for one in (five, path))

# %% [markdown]
# Whole pages raise the reward by {{whole.value:.2f}} and multiply the tokens
# by {{times:.1f}}. For five lines and for paths alone no difference is shown.
# Which design is better depends on what a right answer is worth and what
# tokens cost.
#
# ### Exercise 3.3: decide with a cost
# Difficulty 2/5 · 3 minutes
#
# Write `choose(designs, value, price)`. `designs` maps names to dictionaries
# with a mean `reward` and the mean `total_tokens` of a rollout. `value` is
# what a reward of 1 is worth, in dollars; `price` is that of a million
# tokens. Return the name of the design with the greatest value minus cost.
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
extra = tokens["whole page"].value - tokens["one line"].value
break_even = extra / 1e6 / whole.value
print(f"{extra:,.0f} more tokens; break-even at {break_even:.2f} dollars")

# %% [markdown]
# Once a right answer is worth more than {{break_even:.2f}} dollars, in this
# simulation. Do the same sum before you change your own tool's output.
#
# *Time to here: 37 minutes.*
#
# ## Take it with you
#
# Copy the tool server and its test client: the cells that define `as_call`,
# `post`, `PAGES`, `read`, `output_of`, `Call`, `MY_KEY`, `endpoint`,
# `serve`, `mine` and `load_test`, in this order. They need `aiohttp`,
# `fastapi` and `uvicorn`. Change these things:
#
# - `PAGES`, `find` and `read`: your documents and functions. Raise
#   `ModelError` for mistakes, and let faults raise.
# - `MY_KEY`: from your secret store, one per job.
# - `serve`: in production, a process that the training service can reach.
# - `made`: delete old rollouts now and then, and share it between processes.
#
# The format is OpenAI's. Other providers may put the rollout's ID elsewhere,
# such as in the URL, and may send `arguments` as an object, which `Call`
# accepts. The server gives no meaning to `item` or to any metadata.
#
# ## With a real model
#
# The contract, the server, the attacks and the load test carry over as they
# are. A real model reads the whole description, so wording matters more than
# here. It also makes mistakes that the simulated one cannot: tools that do
# not exist, arguments that are not JSON. Answer them with `Error:` and count
# them. Long results can distract it, and a full context window ends the
# rollout (**truncation**), so longer is not always better. Real encoders are
# much larger than ours. Repeat both comparisons with your own model and its
# prices, which differ for input, output and cached tokens.
#
# ## Recap
#
# - A description is a prompt, and a schema limits what the model can get
#   wrong.
# - One POST per call; the trace ID holds a rollout together.
# - A mistake is 200 with `Error:` and advice. A fault is a 5xx: it is tried
#   again, then the rollout is discarded. A 429 is read by the model.
# - Resolve paths before you trust them. Change counts before you `await`.
# - Judge a tool by the agent's reward *and* by its tokens.
#
# ## Three questions
#
# <details><summary>The database behind your tool is down for a minute in the
# middle of a job. What should the tool answer?</summary>
#
# A 5xx. The service tries again, and discards the rollout if that fails, so
# the model learns nothing from it. A polite `Error: database unavailable`
# with a 200 would teach the model to avoid the tool.
# </details>
#
# <details><summary>The prompt already says ten calls. Why does the server
# enforce it?</summary>
#
# A prompt asks; a server decides. After a refusal the rollout goes on to an
# answer. If wasted calls cost it the answer, it scores lower than the rest
# of its group, and that is what the model learns from.
# </details>
#
# <details><summary>Your tool takes eight seconds, and a job makes 768 calls a
# step. What do you do first?</summary>
#
# Serve calls concurrently: at 32 in parallel a step takes about three minutes
# instead of almost two hours. Then cache what repeats.
# </details>
#
# Next: [04 Grader design](04_grader_design.ipynb). What is a good answer
# worth?
