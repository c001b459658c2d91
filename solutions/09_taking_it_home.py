# %% [markdown]
# # 09 Taking it home
#
# You leave with three things: a project of your own, a job that has run on a
# real engine, and a list of what to check before you spend money.
#
# **In this lesson you will**
#
# - make a project from the schema of a tool;
# - train a real model, token by token, and read the metrics that only tokens
#   have;
# - read a recorded run of a language model;
# - see what changes on a GPU, a cluster, a hosted service or TRL;
# - design a whole job yourself, on a task with traps.
#
# **Time** 40 minutes. **Before** Lessons 02 to 06. Three models appear here.
# The first is the **simulated model** that you know. The second is the tiny
# engine's: a few hundred real weights that are sampled and trained token by
# token. The third is SmolLM2-135M, a real language model, in a recorded run.

# %%
from buildhour_helpers import session

session.start()
print(session.describe())

# %% [markdown]
# ## Your project, from a tool's schema
#
# `python workshop.py new` writes a project. Give it what you have: a tool's
# JSON Schema, an OpenAPI document, an MCP server, or Python functions. Here
# is the schema of one tool:

# %%
import json

schema = {
    "title": "opening_hours",
    "description": "When a branch of the library is open.",
    "type": "object",
    "properties": {
        "branch": {"type": "string"},
        "weekday": {"type": "string", "enum": ["monday", "saturday"]},
    },
    "required": ["branch", "weekday"],
}
folder = session.scratch()
(folder / "tools.json").write_text(json.dumps(schema), encoding="utf-8")
print(len(schema["properties"]), "parameters")


# %%
import os
import subprocess
import sys


def run(*arguments, cwd=folder, **variables):
    """Run Python in a folder and return what it prints."""
    command = [sys.executable, *arguments]
    options = {"env": os.environ | variables, "text": True}
    done = subprocess.run(command, cwd=cwd, capture_output=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


new = ("new", "my-agent", "--from", "tools.json")
print(run("-m", "buildhour_helpers", *new).splitlines()[0])
project = folder / "my-agent"
files = sorted(path.name for path in project.iterdir())
print(*files, sep="  ")

# %% [markdown]
# The project has rows, a tool server, a grader with tests, a baseline, and
# `launch.py`. None of it imports the workshop. The tool answers from examples
# until you write its code.
#
# `make check` runs all of it with the simulated model. We shorten the job to
# one epoch and show the middle of the output.

# %%
said = run("check.py", cwd=project, EPOCHS="1")
baseline = said.partition("== baseline\n")[2].partition("every")[0]
print(baseline.rstrip())
assert "All of it works" in said

# %% [markdown]
# Replace the example rows and the tool's code with yours, and run `make
# check` after each change. docs/your-project.md has the other sources.
#
# *Time to here: 4 minutes.*
#
# ## A real engine
#
# An **engine** holds a model, samples tokens from it, and trains it. The
# service in front of the engine does the rest: rollouts, calls of your tools
# and grader, advantages, checkpoints. Your job does not change.
#
# The tiny engine is the smallest one. It speaks Tinker's protocol, as larger
# engines do, and needs no download. In a terminal:
#
# ```
# python workshop.py engine --tiny
# python workshop.py serve --engine tinker --engine-url URL ...
# ```
#
# Here a helper starts the same two processes, which end with this notebook.
# If it says that packages are missing, run the line that it prints.

# %%
from buildhour_helpers import engines

tiny = engines.start_tiny()
client = tiny.client()  # an ordinary OpenAI client, with another base_url
print("it offers:", client.models.list().data[0].id)

# %% [markdown]
# The task is the one that was recorded with SmolLM2: the price of an item,
# which only a tool knows. A call earns 0.1, a call about the right item 0.3,
# and the right price as the answer another 0.7.

# %%
from fastapi import FastAPI

ITEMS = ["milk", "rice", "salt", "soap", "tea", "honey", "butter"]
ITEMS += ["cheese", "apples", "onions", "sugar", "flour", "coffee"]
ITEMS += ["pepper", "beans", "corn", "fish", "grapes", "lemons", "nuts"]
ITEMS += ["olives", "pears", "plums", "yeast", "ham", "oats", "peas"]
ITEMS += ["lamb", "mint", "figs"]
PRICES = {name: 17 + 37 * n % 80 for n, name in enumerate(ITEMS)}
shop = FastAPI()


def item_of(arguments):
    try:
        return json.loads(arguments).get("item")
    except (ValueError, AttributeError):
        return None  # a malformed call


@shop.post("/price")
def price(body: dict):
    known = PRICES.get(str(item_of(body["arguments"])))
    output = str(known) if known else "Error: there is no such item"
    kind = "function_call_output"
    return {"type": kind, "call_id": body["call_id"], "output": output}


# %%
@shop.post("/grade")
def grade_price(body: dict):
    sample, item = body["sample"], body["item"]
    calls = [call["function"] for call in sample["output_tools"]]
    asked = [item_of(call["arguments"]) for call in calls]
    called = 0.3 if item["item"] in asked else 0.1 * bool(asked)
    answered = sample["output_text"].strip() == item["price"]
    return {"score": called + 0.7 * answered}


# %% [markdown]
# Next come the rows, and the client side of a job for any service with Agent
# RFT.

# %%
parameters = {
    "type": "object",
    "properties": {"item": {"type": "string"}},
    "required": ["item"],
}
tool = {"name": "price", "description": "the price of an item"}
tool = {"type": "function", "function": {**tool, "parameters": parameters}}


def row(name):
    question = {"role": "user", "content": f"Price of {name}?"}
    wanted = {"item": name, "price": str(PRICES[name])}
    return {"messages": [question], "tools": [tool], **wanted}


rows = {"train": ITEMS[:20], "validation": ITEMS[20:]}
rows = {split: list(map(row, names)) for split, names in rows.items()}
print({split: len(some) for split, some in rows.items()})

# %% take="1"
import json
import time


def launch(client, model, rows, reinforcement, seed=7):
    """Upload {"train": rows, "validation": rows}; start a job on them."""
    files = {}
    for split, some in rows.items():
        text = "".join(json.dumps(one) + "\n" for one in some)
        file = (f"{split}.jsonl", text.encode())
        made = client.files.create(file=file, purpose="fine-tune")
        files[split] = made.id
    return client.fine_tuning.jobs.create(
        model=model,
        training_file=files["train"],
        validation_file=files["validation"],
        method={"type": "reinforcement", "reinforcement": reinforcement},
        seed=seed,
    )


# %% take="1"
def steps_of(client, job_id, poll_s=0.5, timeout_s=3600):
    """Wait for a job's end; the metrics of its steps, oldest first."""
    deadline = time.monotonic() + timeout_s
    ended, jobs = (
        ("succeeded", "failed", "cancelled"),
        client.fine_tuning.jobs,
    )
    while (job := jobs.retrieve(job_id)).status not in ended:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{job_id} is {job.status}; see its events")
        time.sleep(poll_s)
    if job.status != "succeeded":
        raise RuntimeError(f"{job_id} {job.status}: {job.error}")
    events = jobs.list_events(job_id, limit=100)
    found = [event.data for event in events if event.type == "metrics"]
    return sorted(found, key=lambda step: step["step"])


# %% [markdown]
# ### Exercise 9.1: predict, then run
# Difficulty 2/5 · 3 minutes
#
# The job takes 10 steps, with 80 rollouts in each. Before it runs, commit to
# a prediction for four things, each `"up"`, `"down"` or `"same"`: the reward;
# the **entropy** (how undecided the model is about its next token); the share
# of tool calls that fail; and the tokens of a rollout. The untrained model
# calls tools that do not exist, forgets braces, and rambles. Any prediction
# in earnest passes.

# %% exercise="9.1" difficulty=2 minutes=3
prediction = None
# begin solution
prediction = {
    "reward": "up",
    "entropy": "down",
    "failed calls": "down",
    "tokens": "same",
}
# end solution

# %%
from buildhour_helpers import checks
from buildhour_helpers.tools.serving import served

settings = {"n_epochs": 5, "batch_size": 10, "eval_interval": 5}
with served(shop) as url:
    reinforcement = {
        "tools": [{"name": "price", "server_url": f"{url}/price"}],
        "grader": {"type": "endpoint", "name": "s", "url": f"{url}/grade"},
        "max_episode_steps": 4,
        "hyperparameters": settings | {"learning_rate_multiplier": 0.3},
    }
    job = launch(client, tiny.model, rows, reinforcement)
    steps = steps_of(client, job.id)
checks.exercise_9_1(prediction, steps)

# %% [markdown]
# ## What the tokens tell
#
# Some metrics exist only where a model writes tokens. The service puts
# entropy and gap into each step's `update`; other providers name them
# differently or do not show them.

# %%
from buildhour_helpers.analysis import figures

figure = figures.token_metrics(steps, note="tiny engine, trained live")
figure

# %%
import pandas as pd

columns = ["reward", "entropy", "gap", "failed calls", "tokens"]
columns += ["cut off"]


def token_table(steps):
    rewards = [step["train_mean_reward"] for step in steps]
    values = [rewards, *figures.token_columns(steps).values()]
    return pd.DataFrame(dict(zip(columns, values, strict=True)))


live = token_table(steps)
print(live.round(4).to_string())

# %%
start, peak, end = live.iloc[0], live["tokens"].max(), live.iloc[-1]
entropy = live["entropy"].dropna()
assert end["reward"] > start["reward"] + 0.5
assert entropy.iloc[-1] < entropy.iloc[0] / 2
assert end["tokens"] < 0.75 * peak
assert start["tokens"] < 0.75 * peak
assert end["failed calls"] < start["failed calls"] / 2
assert live["gap"].max() < 1e-6
idle = int(live["entropy"].isna().sum())
calls = [step["tool_calls_per_rollout"] for step in steps]
print(f"{peak:.1f} tokens at most; {idle} steps without an update")
print("calls per rollout:", [round(count, 1) for count in calls])
assert max(calls) > 1.3 * max(calls[0], calls[-1])

# %% [markdown]
# - **Reward** rises from {{start["reward"]:.2f}} to {{end["reward"]:.2f}}. In
#   {{idle}} steps no group's rewards differed, so there was nothing to learn
#   and no update: a solved task looks like this.
# - **Entropy** falls from {{entropy.iloc[0]:.2f}} to {{entropy.iloc[-1]:.2f}}
#   nats per token. It is estimated as the mean of minus the log-probabilities
#   of the sampled tokens. Some fall is learning. **Entropy collapse** is a
#   fall while the reward is still low: the rollouts of a group become copies
#   of each other, and a model that does not vary cannot learn.
# - **The log-probability gap** is how far the learner's probability of a
#   token is from the sampler's. Here the same code computes both, so it is
#   {{live["gap"].max():.0f}}. With different kernels for both, expect about
#   0.00001 nats in float32 and up to 0.02 in bfloat16. Above that, the data
#   are **off-policy**: they come from a model that is not quite yours.
# - **Failed calls** fall from {{start["failed calls"]:.0%}} to
#   {{end["failed calls"]:.0%}} of all calls. They are malformed, name a tool
#   that does not exist, or ask for the wrong item.
# - **Tokens** per rollout rise from {{start["tokens"]:.0f}} to
#   {{peak:.0f}} and fall to {{end["tokens"]:.0f}} again. So do the calls, from
#   {{calls[0]:.1f}} to {{max(calls):.1f}} and back to {{calls[-1]:.1f}}. First
#   the model learned to try again after a failed call, and later to do without
#   the failure. **Length growth** is not bad in itself: ask what it buys.
#
# One more number matters. Later turns must extend the exact tokens of
# earlier ones. If a conversation is rendered as text again, it is tokenized
# again, and you train on tokens that nobody sampled.

# %%
updates = [step["update"] for step in steps if step["update"]]
later = sum(update["later_turns"] for update in updates)
extended = sum(update["extended_turns"] for update in updates)
print(f"{extended:.0f} of {later:.0f} later turns extend the turns before")
assert extended == later > 0

# %% [markdown]
# *Time to here: 14 minutes.*
#
# ## A real language model, recorded
#
# The same task and the same service, with SmolLM2-135M-Instruct on SkyRL, on
# two CPU cores. This is **one recorded run**, with only 12 rollouts a step.

# %%
from buildhour_helpers.recordings import load

smol = load("smollm2")
print("recorded by:", smol["command"])
print(f"{smol['minutes']:.1f} minutes,", smol["engine"])
real = token_table(smol["steps"])
print(real.round(6).to_string())

# %%
figure = figures.token_metrics(smol["steps"], note="recorded: SmolLM2-135M")
figure

# %%
ends = real["reward"].iloc[:5].mean(), real["reward"].iloc[5:].mean()
held = [step["full_valid_mean_reward"] for step in smol["steps"]]
held = [value for value in held if value is not None]
calls = [step["tool_calls_per_rollout"] for step in smol["steps"]]
fell = real["entropy"].dropna()
updates = [step["update"] for step in smol["steps"] if step["update"]]
worst = max(update.get("logprob_gap_max", 0) for update in updates)
limited = smol["steps"][-1]["stop_reasons"]["train"]["length_limit"]
assert ends[1] > ends[0] + 0.3
assert held[1] > held[0]
assert calls[0] < calls[-1]
assert fell.iloc[-1] < fell.iloc[0] / 2
assert list(real["entropy"].isna())[-2:] == [True, True]

# %%
print(f"reward: {ends[0]:.2f} in the first five steps, then {ends[1]:.2f}")
print(f"on {smol['task']['held_out']} held-out items:", held)
print(f"calls per rollout: {calls[0]:.2f} to {calls[-1]:.2f}")
print(f"entropy: {fell.iloc[0]:.2f} to {fell.iloc[-1]:.2f}")
print(f"largest gap of a token: {worst:.5f}; cut off at the end: {limited}")
took = [step["seconds"] for step in smol["steps"]]
print(f"seconds per step: {min(took):.0f} to {max(took):.0f}")

# %% [markdown]
# Mean reward was {{ends[0]:.2f}} over the first five steps and
# {{ends[1]:.2f}} over the last five. On ten held-out items it was
# {{held[0]:.2f}} after step 5 and {{held[1]:.2f}} after step 10. Calls per
# rollout went from {{calls[0]:.2f}} to {{calls[-1]:.2f}}: it learned to ask the
# tool first. (The recording has no texts, so no rollout can be shown.)
#
# Read the rest as you would read your own run. The entropy fell from
# {{fell.iloc[0]:.2f}} to {{fell.iloc[-1]:.2f}} nats in eight steps, and in
# the last two steps no group varied: the run was over. In the last step
# {{limited}} of 12 rollouts still hit the limit of 32 tokens. The largest gap
# of any token was {{worst:.5f}} nats, so sampler and learner agree.

# %% [markdown]
# ### Exercise 9.2: diagnose a real run
# Difficulty 3/5 · 5 minutes
#
# Write `diagnose(first, last)` for the metrics of two steps. It returns a set
# with the names of all troubles in the last one; the set may be empty.
#
# | name | when |
# |---|---|
# | `"retokenized"` | `extended_turns` is below `later_turns` |
# | `"off-policy"` | `logprob_gap` is above 0.02 |
# | `"collapse"` | `entropy` is below a fifth of the first one, and the reward below 0.9 |
# | `"longer"` | `completion_tokens_mean` is above 1.5 times the first one |
# | `"format"` | more than a quarter of the calls failed |
#
# The first three are in `update`, which is `None` in a step that learned
# nothing. `tool_errors` counts the failed calls of a step.


# %% exercise="9.2" difficulty=3 minutes=5
def diagnose(first, last):
    # begin solution
    before, update = first["update"] or {}, last["update"] or {}
    found = set()
    if update.get("extended_turns", 0) < update.get("later_turns", 0):
        found.add("retokenized")
    if (update.get("logprob_gap") or 0) > 0.02:
        found.add("off-policy")
    is_sure = "entropy" in update and (
        update["entropy"] < before.get("entropy", 0) / 5
    )
    if is_sure and last["train_mean_reward"] < 0.9:
        found.add("collapse")
    tokens = "completion_tokens_mean"
    if last[tokens] > 1.5 * first[tokens]:
        found.add("longer")
    rollouts = sum(last["stop_reasons"]["train"].values())
    calls = last["tool_calls_per_rollout"] * rollouts
    if last["tool_errors"] > calls / 4:
        found.add("format")
    return found
    # end solution


# %%
checks.exercise_9_2(diagnose)

# %% [markdown]
# *Time to here: 24 minutes.*
#
# ## One address each
#
# The job stays the same: rows, tools, grader, hyperparameters. What you start,
# and the address, change.
#
# | where | you start | the address | run for this course? |
# |---|---|---|---|
# | simulated model | `python workshop.py serve` | `OPENAI_BASE_URL` of that service | yes, in every lesson |
# | tiny engine | `engine --tiny`, then `serve --engine tinker` | `--engine-url http://127.0.0.1:PORT` | yes, above |
# | a laptop's CPU | `python3.12 examples/smollm2/engine.py` | the same, with its port | yes, recorded |
# | one GPU | SkyRL with `--backend fsdp` | `--engine-url http://GPU:8000` | **no** |
# | a cluster | SkyRL on Ray, or OpenRL on Kubernetes | `--engine-url` of its head | **no** |
# | hosted Tinker | nothing; set `TINKER_API_KEY` | none: it is the default | **no**, it needs a paid account |
# | a service with live tools | nothing; your tools at public addresses | `OPENAI_BASE_URL` of the provider | **no** |
# | your own trainer | TRL, below | your tools' addresses | two steps, in a test |
#
# docs/real-models.md has the commands, memory and costs. docs/services.md
# lists who offers what, with dates; some doors are closing.
#
# ## Export to TRL
#
# If you would rather own the training loop, export the job. TRL trains on
# your GPU, and calls the same tools and grader over HTTP.

# %%
service = {
    "OPENAI_BASE_URL": tiny.base_url,
    "OPENAI_API_KEY": tiny.api_key,
}
export = ("-m", "buildhour_helpers", "export", "trl", job.id)
run(*export, "-o", "train.py", **service)
script = (folder / "train.py").read_text(encoding="utf-8")
differs = script.partition("What TRL does")[2].partition('"""')[0]
print("What TRL does" + differs.rstrip())
method = script.partition("    def price(")[2].partition("    def ")[0]
print("\n    def price(" + method.rstrip())

# %% [markdown]
# Each tool becomes a method with type hints, from which TRL makes the schema
# again. TRL owns the loop and the checkpoints, and has no penalty for reasoning
# tokens. We did not run such a script on a GPU. A test trains a tiny model
# with one for two steps.
#
# The engine has done its work:

# %%
print(tiny.stop(), "processes stopped")

# %% [markdown]
# ## Before you launch
#
# Copy this list, and fill in the last column. An empty cell is a reason to
# wait.
#
# | check | lesson | yours |
# |---|---|---|
# | a prompt was measured, and more prompting does not help | 01 | |
# | the base model is right sometimes, and not always | 02 | |
# | no question, page or answer is in two splits | 02 | |
# | enough rows vary: three rollouts each have shown it | 02 | |
# | each tool answers fast, with errors that a model can read | 03 | |
# | calls of one rollout cannot disturb another's | 03 | |
# | you attacked the grader, and so did a colleague | 04 | |
# | cost: rollouts, tokens of all kinds, calls, and a limit | 05 | |
# | someone watches zero-variance groups, discards and entropy | 05, 09 | |
# | held-out questions were used for nothing else | 06 | |
# | what may get worse has a regression set | 06, 07 | |
# | keys, personal data, side effects, and who may roll back | 07 | |
#
# *Time to here: 28 minutes.*
#
# ## Capstone: a ferry line's maintenance log
#
# Ten ferries, eight parts each. When a part is changed, the log notes the
# serial number that was removed and the one that was fitted. The agent has
# one tool, `find_entries`. The model is the simulated one again. You get a
# pool of candidate rows, which is not clean, and twenty validation rows.

# %%
from buildhour_helpers import capstone

given = capstone.candidates()
print(
    len(given.pool), "candidates,", len(given.validation), "for validation"
)
for one in given.pool[:6]:
    print("-", capstone.question(one), "->", one["reference_answer"])

# %%
print(capstone.search("Alma bilge pump"))
print(capstone.search("the bilge pump that was fitted on the Alma"))

# %% [markdown]
# The tool wants every word to match, so a whole question finds nothing. No
# prompt says so. The agent can learn it from rewards alone.
#
# ### Exercise 9.3: design the whole job
# Difficulty 5/5 · 12 minutes
#
# Make a `Plan` of four parts:
#
# - `choose_rows(pool, validation)`: the rows to train on. The pool has five
#   kinds of trap. Print more of it, and compare it with `capstone.log()`.
# - `grade(sample, item)`: from 0 to 1, from `sample["output_text"]` and
#   `item["reference_answer"]`.
# - `SETTINGS`: hyperparameters, with at most 500 rollouts in all, validation
#   included.
# - `pick(checkpoints)`: one of them. Each has `step`, `model`,
#   `train_reward_mean` and `valid_reward_mean`.
#
# `plan.train()` launches the job. Passing means: no trap among your rows, a
# grader that resists attacks, the budget kept, and at least 0.2 more reward on
# questions about ferries that neither you nor the agent has seen.


# %% exercise="9.3" difficulty=5 minutes=12
plan = None
# begin solution
SERIALS = {
    e[kind] for e in capstone.log() for kind in ("fitted", "removed")
}


def choose_rows(pool, validation):
    taken = {row["reference_answer"] for row in validation}
    chosen = []
    for row in pool:
        asked, answer = capstone.question(row), row["reference_answer"]
        names_a_ship = any(ship in asked for ship in capstone.SHIPS)
        is_known = answer in SERIALS and answer not in asked
        if is_known and names_a_ship and answer not in taken:
            taken.add(answer)  # each reference once, and none of validation
            chosen.append(row)
    return chosen


def grade(sample, item):
    answer = (sample["output_text"] or "").strip()
    return float(answer == item["reference_answer"])


SETTINGS = {
    "n_epochs": 3,
    "batch_size": 7,
    "compute_multiplier": 0.5,
    "eval_interval": 4,
}


def pick(checkpoints):
    return max(checkpoints, key=lambda one: one.valid_reward_mean or 0)


plan = capstone.Plan(choose_rows, grade, SETTINGS, pick)
plan.train()
# end solution

# %%
checks.exercise_9_3(plan)

# %% [markdown]
# The solution makes twelve small updates. With `auto` the same rows make two,
# and two are not enough.
#
# ## Take it with you
#
# The cells with `launch` and `steps_of` need only `openai`. Change in them:
#
# - the client: `OpenAI(base_url=..., api_key=...)`, and the model's name;
# - `reinforcement`: your tools, your grader, your hyperparameters;
# - `timeout_s`: a real job takes hours.
#
# Only this service's metrics events hold `update`. Elsewhere read entropy and
# gap from the provider's own metrics.
#
# ## With a real model
#
# What carries over: rows, tools, grader, statistics, the checklist, and the
# order of things. What differs: a step takes minutes, not a second (SmolLM2
# took {{min(took):.0f}} to {{max(took):.0f}} s on a CPU). The model starts with malformed calls unless its
# chat format is right. Nothing constrains its answers to a schema unless the
# engine does. Answers can grow until they hit a limit. Entropy can collapse
# at a rate that is five times too high. Sampler and learner never agree
# exactly. It may have seen your test questions in pretraining, so write some
# that are new. It costs money: multiply the tokens of a small job by your
# provider's prices first. And run three seeds where you can afford it.
#
# ## Recap
#
# - `new` writes a project; `make check` runs all of it offline.
# - A job moves from engine to engine by changing an address.
# - Watch entropy, the gap, failed calls and length, and ask what each buys.
# - Clean rows and an honest grader come before hyperparameters.
# - We ran no GPU, no cluster and no hosted service. You may be the first.
#
# ## Three questions
#
# <details><summary>Entropy fell to a fifth, and the reward is 0.95. Is that a
# collapse?</summary>
#
# No. The model is sure and right. It is a collapse if the model is sure while
# the reward is low. Then lower the learning rate, use larger groups, and go
# on from the best checkpoint.
# </details>
#
# <details><summary>The log-probability gap jumped from 0.001 to 0.2 after an
# upgrade of the sampler. The reward still rises. Do you go on?</summary>
#
# No. You are training on samples of a model that is not the one you train.
# Find the difference first: precision, kernels, tokenizer, or a chat template
# that renders turns again.
# </details>
#
# <details><summary>You have 500 rollouts and 28 good rows. One epoch with
# groups of 16, or three with groups of 4?</summary>
#
# Three with groups of 4: more updates of fewer rollouts were enough here. Where
# most groups have no variance, larger groups help more. Run a pilot and count.
# </details>
