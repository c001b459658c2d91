# %% [markdown]
# # 05 Launching Agent RFT
#
# Everything is ready: a task, tools behind HTTP, a grader. This lesson puts
# them into a job, says what the job will cost before it runs, follows it
# while it runs, and shows what a job looks like that is going wrong.
#
# **In this lesson you will**
#
# - write the two files and the one request that an Agent RFT job is;
# - learn what each hyperparameter does, from measurements;
# - estimate rollouts, tool calls, tokens and minutes from a few rollouts;
# - follow a real job, pause it, resume it, cancel it, use its checkpoints;
# - recognise a dead tool, discarded rollouts and a flat grader by sight.
#
# **Time** 35 minutes. **Before** Lessons 02 to 04, or a task, tools and a
# grader of your own. The jobs below really run: they call the tools and the
# grader over HTTP and change weights by the rewards that come back. The
# model that learns is the **simulated model**, so its figures show how to
# read a job, not how far yours will get.

# %%
from buildhour_helpers import session

session.start()
print(session.describe(), "·", session.model())

# %% [markdown]
# Live, this lesson needs more than a key: a service that offers
# reinforcement fine-tuning with tools and takes your account, and a tool
# server at a public address (set `BUILDHOUR_TOOLS_URL` to it), since the
# service calls you and not the other way round. Lesson 00 lists who offers
# it today. Without one, stay offline: the requests are the same.

# %%
from openai import APIStatusError, OpenAI

try:
    OpenAI().fine_tuning.jobs.list(limit=1)
except APIStatusError:
    raise SystemExit(
        "This lesson needs a service that offers fine-tuning, and this one "
        "does not (or not to you). Unset OPENAI_BASE_URL to stay offline."
    ) from None
print("This service takes fine-tuning jobs.")

# %% [markdown]
# ## Two files
#
# A job trains on one file and measures itself on another, and both are
# required. A line is a row: `messages` and `tools`, which the model sees,
# and whatever else your grader and tools want to know, which it never sees.

# %%
from buildhour_helpers.tasks import (
    BEST_PROMPT,
    build_rows,
    load_questions,
    write_rows,
)
from buildhour_helpers.tools.schemas import DEFINITIONS

folder = session.scratch()
paths = {}
for split, count in (("train", 16), ("validation", 10)):
    questions = load_questions(split=split)
    chosen = questions[:: len(questions) // count][:count]
    rows = build_rows(chosen, BEST_PROMPT, DEFINITIONS)
    paths[split] = write_rows(rows, folder / f"{split}.jsonl")
    print(f"{split}: {len(rows)} rows; a row has {', '.join(rows[0])}")

# %% [markdown]
# Sixteen rows are too few to teach anything that lasts: they keep this
# lesson short. Lesson 02 works out how many you need. Uploading gives each
# file an ID; the service refuses a line that is not JSON, by its number.

# %% take="1"
from pathlib import Path

from openai import OpenAI

client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY


def upload(path):
    return client.files.create(file=Path(path), purpose="fine-tune").id


# %%
files = {split: upload(path) for split, path in paths.items()}
print(len(files), "files uploaded:", ", ".join(files))

# %% [markdown]
# ## One request
#
# The job names the files, the model, your tools with the address of each,
# and the grader. `max_episode_steps` ends a rollout that never answers. The
# `openai` client's types do not know the tools of Agent RFT, but a plain
# dictionary passes through it as it is.

# %% take="1"
import os

MODEL = os.environ.get("BUILDHOUR_MODEL", "sim-agent-mini")
TOOLS_URL = os.environ["BUILDHOUR_TOOLS_URL"]
HEADERS = {"Authorization": "Bearer " + os.environ["BUILDHOUR_TOOLS_KEY"]}


def endpoint(name):
    return {"server_url": f"{TOOLS_URL}/{name}", "headers": HEADERS}


NAMES = ("search", "list", "cat")
TOOLS = [{"name": name, **endpoint(name)} for name in NAMES]
GRADER = {
    "type": "endpoint",
    "name": "right_value",
    "url": f"{TOOLS_URL}/grade",
    "headers": HEADERS,
}

# %% [markdown]
# `seed` decides every random draw, so the same request gives the same job
# again. `suffix` becomes part of the tuned model's name.


# %% take="1"
def launch(files, hyperparameters, tools=TOOLS, grader=GRADER):
    """Start a job over {"train": file ID, "validation": file ID}."""
    reinforcement = {
        "tools": tools,
        "grader": grader,
        "max_episode_steps": 12,
        "hyperparameters": hyperparameters,
    }
    return client.fine_tuning.jobs.create(
        model=MODEL,
        training_file=files["train"],
        validation_file=files["validation"],
        method={"type": "reinforcement", "reinforcement": reinforcement},
        suffix="lesson-05",
        seed=7,
    )


# %% [markdown]
# **Time to here: 8 minutes.**
#
# ## What each hyperparameter does
#
# A **step** takes `batch_size` rows, runs a group of rollouts for each, and
# updates the weights once. Within a group a rollout is pushed up or down by
# how far its reward lies from the group's mean. All seven hyperparameters
# turn on that sentence:
#
# | name | what it sets | `auto` here |
# |---|---|---|
# | `n_epochs` | how often each row is used | 1 |
# | `batch_size` | rows a step, so how many rows one update rests on | 16 |
# | `compute_multiplier` | rollouts a row: 8 times this, at least 2 | 1 |
# | `learning_rate_multiplier` | how far one update goes | 1 |
# | `reasoning_effort` | how long the model may think in a turn | `default` |
# | `eval_interval` | steps between two validations | 5 |
# | `eval_samples` | rollouts a validation row | 1 |
#
# What `auto` stands for is this service's choice; OpenAI does not publish
# its own. The job object shows the numbers once the job exists.
#
# We measured each of them: small jobs from the same weights, on the same
# questions, each different from the default job in one thing. They take too
# long for a lesson, so they were **recorded** (simulated model):

# %%
import pandas as pd

from buildhour_helpers.course.recording import load

recorded = load("hyperparameters")
print("recorded by:", recorded["command"])
measured = pd.DataFrame(recorded["arms"])
measured.index = [
    ", ".join(f"{name} {value}" for name, value in changed.items())
    or "default"
    for changed in measured["changed"]
]
print(f"{len(measured)} jobs, {measured['rollouts'].sum():,} rollouts")

# %% [markdown]
# **Batch size** trades the number of updates against how many rows each
# rests on. The rollouts are the same; only how they are cut differs.


# %%
def show(names, *columns):
    table = measured.loc[names, list(columns)]
    print(table.to_string(float_format="{:.2f}".format))


sizes = ["batch_size 8", "default", "batch_size 32"]
show(sizes, "steps", "rollouts", "distance_from_base")
assert measured.loc[sizes, "rollouts"].nunique() == 1
assert measured.loc[sizes, "distance_from_base"].is_monotonic_decreasing

# %% [markdown]
# `distance_from_base` is how far all weights together have moved. Half the
# batch means twice the updates, and the weights end further away. Further
# is not better: each of those updates saw half as many rows, and is noisier.
#
# **Compute multiplier** buys more attempts at the same row. That matters
# because a group whose rollouts all got the same reward has nothing to
# compare, and teaches nothing.

# %%
multiples = ["compute_multiplier 0.5", "default", "compute_multiplier 2"]
show(multiples, "rollouts", "tool_calls", "groups_without_variance")
assert measured.loc[
    multiples, "groups_without_variance"
].is_monotonic_decreasing

# %% [markdown]
# Twice the rollouts, twice the tool calls on your server, and fewer groups
# wasted. If most of your groups have no variance because the task is hard,
# this is the knob; if they have none because the task is solved, no knob
# helps, and lesson 02's choice of questions does.
#
# **Learning rate multiplier** scales every update. It costs nothing, so it
# is tempting, and it is the easiest way to break a model.

# %%
rates = [
    "learning_rate_multiplier 0.25",
    "default",
    "learning_rate_multiplier 4",
]
show(rates, "rollouts", "distance_from_base")
assert measured.loc[rates, "distance_from_base"].is_monotonic_increasing

# %% [markdown]
# **Epochs** use the same rows again. That doubles the price, and each row
# is seen twice, which is where memorising begins. Two recorded jobs spent
# the same number of rollouts: one on a few rows many times over, the other
# (the main run of lesson 06) on many rows once. The gap is how far training
# reward lies above validation reward at the end:

# %%
from buildhour_helpers.analysis.figures import reward_gaps

show(["default", "n_epochs 2"], "rows", "steps", "rollouts")
few, many = measured.iloc[-1], load("main_run")
used = sum(step["usage"]["train"]["rollouts"] for step in many["steps"])
print("\nrows, few and many:", few["rows"], many["questions"]["train"])
print("rollouts:", few["rollouts"], used)
curves = {"few rows": few["curve"], "many rows": many["steps"]}
gaps = {name: reward_gaps(curve)[-1][1] for name, curve in curves.items()}
print("gap:", {name: f"{gap:+.2f}" for name, gap in gaps.items()})
assert few["rollouts"] == used
assert gaps["few rows"] > gaps["many rows"]

# %% [markdown]
# The agent gets good at the few rows it sees over and over, and validation
# does not follow. Lesson 06 makes a stopping rule of it. New rows beat
# repeated rows for the same money.
#
# **Reasoning effort** is how much thinking a turn may hold. It is fixed for
# the job, and you should serve the tuned model with the same value.

# %%
efforts = ["reasoning_effort low", "default", "reasoning_effort high"]
show(efforts, "reasoning_tokens_first_step", "tool_calls")

# %% [markdown]
# For the simulated model effort caps how often it may look again at what it
# has read within a turn, so this table is no forecast. On a large reasoning
# model effort can be the dearest knob of all: measure it on your own model
# with a few rollouts before the job, as the next section does.
#
# **Eval interval and samples** buy knowledge, not learning. They change the
# price and the number of checkpoints, and not one training rollout:

# %%
evals = ["default", "eval_interval 2", "eval_samples 1"]
show(evals, "rollouts", "validation_rollouts", "checkpoints")
trained = [
    [point["train_mean_reward"] for point in measured.loc[arm, "curve"]]
    for arm in evals
]
assert trained[0] == trained[1] == trained[2]

# %% [markdown]
# And which setting scored best in the end? Here is the validation reward
# that each of these jobs ended with, with its 95% interval.

# %%
from buildhour_helpers.analysis import figures
from buildhour_helpers.analysis.statistics import Interval

comparable = measured.index[:-1].drop("eval_samples 1")
rewards = measured.loc[comparable, "valid_reward"]
ends = {arm: Interval(*reward) for arm, reward in rewards.items()}
others = [end for arm, end in ends.items() if arm != "default"]
alike = sum(end.low <= ends["default"].value <= end.high for end in others)
figure = figures.intervals(
    ends,
    f"{alike} of {len(others)} jobs cannot be told from the default",
    note="simulated model, recorded",
)
figure

# %%
print(figure.alt_text())
assert alike > len(others) / 2

# %% [markdown]
# Read the whiskers before the dots. With jobs this short, one seed each,
# most settings cannot be told apart by reward. So do not tune these knobs
# on one small run each. Start with `auto`, change one thing for a reason
# that you can name, and spend what you saved on more rows.
#
# **Time to here: 17 minutes.**
#
# ## What it will cost, before it runs
#
# The number of rollouts follows from the settings alone. It is a
# multiplication, and better made before the job makes it for you.

# %% take="1"
AUTO = {  # what "auto" stands for here; put in your service's own
    "n_epochs": 1,
    "batch_size": 16,
    "compute_multiplier": 1,
    "eval_interval": 5,
    "eval_samples": 1,
}

# %% take="1"
from math import ceil


def count_rollouts(rows, valid_rows, settings, base_group=8):
    """Steps and rollouts of a job, as its settings determine them."""
    asked = {**AUTO, **settings}
    steps = asked["n_epochs"] * ceil(rows / asked["batch_size"])
    group = max(2, round(base_group * asked["compute_multiplier"]))
    validations = ceil(steps / asked["eval_interval"])
    return {
        "steps": steps,
        "train": asked["n_epochs"] * rows * group,
        "validation": validations * valid_rows * asked["eval_samples"],
    }


# %% [markdown]
# The job that we are about to launch, and one of a size that you might
# launch for real. Ours has small batches of small groups, so each update is
# noisy, and we let it go only a quarter as far:

# %%
SETTINGS = {
    "n_epochs": 1,
    "batch_size": 4,
    "compute_multiplier": 0.5,
    "learning_rate_multiplier": 0.25,
    "eval_interval": 2,
    "eval_samples": 1,
}
small = count_rollouts(16, 10, SETTINGS)
real = count_rollouts(1_000, 100, {"n_epochs": 2})
print("this lesson's job:", small)
print("1,000 rows twice: ", real)

# %% [markdown]
# What one rollout costs has to be measured. A handful of rollouts of the
# base model, on training questions, is enough for the right order of size.

# %%
from buildhour_helpers.rollouts import evaluate

few_questions = load_questions(split="train")[::80]
sample = await evaluate(
    build_rows(few_questions, BEST_PROMPT, DEFINITIONS),
    model=MODEL,
    repeats=2,
    file=folder / "sample.jsonl",
    progress=False,
)

# %%
metrics = pd.DataFrame([vars(record.metrics) for record in sample])
seconds = metrics["simulated_latency_s"].fillna(metrics["latency_s"])
one = {
    "tool calls": metrics["tool_calls"].mean(),
    "tokens written": metrics["output_tokens"].mean(),
    "seconds": seconds.mean(),
}
print(len(sample), "rollouts, each on average:")
print({name: round(float(value), 1) for name, value in one.items()})

# %% [markdown]
# Multiplied, with the number of rollouts that the service runs at once.
# Services bill differently, by the hour of training or by the token: put
# your own rate in. The last line matters as much as the money: it is the
# load on *your* tool server.


# %% take="1"
def estimate(rollouts, one, at_once=32):
    """What a job will use, from one rollout's means."""
    total = rollouts["train"] + rollouts["validation"]
    hours = total * one["seconds"] / at_once / 3600
    calls = total * one["tool calls"]
    return {
        "rollouts": total,
        "tool calls": round(calls),
        "tokens written": round(total * one["tokens written"]),
        "minutes": round(hours * 60, 1),
        "tool calls a second": round(calls / hours / 3600, 1),
    }


# %%
expected = estimate(small, one)
both = pd.DataFrame({"small": expected, "real": estimate(real, one)})
print(both.map("{:,.0f}".format).to_string())

# %% [markdown]
# The minutes are those of the model's (simulated) answering time alone; the
# tools' own time comes on top. OpenAI advises that endpoints bear 50 calls a
# second: lesson 03 put ours under that load.
#
# ## Launch
#
# One call. What comes back is the job, with every `auto` resolved and every
# header hidden.

# %%
job = launch(files, SETTINGS)
method = job.method.reinforcement
print(job.object, "of", job.model)
print(method.hyperparameters.to_dict())
print(method.tools[0]["headers"])

# %% [markdown]
# **Following it.** In a notebook the dashboard shows status, curves and the
# last events, with buttons to pause, resume and cancel. It follows in the
# background, so you can work on. `session.open_page(job.id)` opens the same
# in the browser, with every rollout of the job to read.

# %% tags=["uncompared"]
from buildhour_helpers.analysis.widgets import JobDashboard

dashboard = JobDashboard(client, job.id)
dashboard

# %% [markdown]
# Outside a notebook you read the same events. A job's events come newest
# first; this gives them oldest first, as they come, until the job has ended.

# %% take="1"
import time

ENDED = ("succeeded", "failed", "cancelled")


def follow(job_id):
    """A job's events, oldest first, until it has ended."""
    jobs, seen = client.fine_tuning.jobs, set()
    while True:
        ended = jobs.retrieve(job_id).status in ENDED
        events = list(jobs.list_events(job_id, limit=100))
        for event in reversed(events):
            if event.id not in seen:
                seen.add(event.id)
                yield event
        if ended:
            return
        time.sleep(0.5)


# %%
events = list(follow(job.id))
for event in events:
    if event.type == "metrics":
        print(event.message)
print(client.fine_tuning.jobs.retrieve(job.id).status)

# %% [markdown]
# The message is the line that OpenAI's dashboard shows. The numbers behind
# it are in `data`, and these are the ones to watch:

# %%
WATCHED = {
    "train_mean_reward": "reward",
    "full_valid_mean_reward": "validation",
    "tool_calls_per_rollout": "calls",
    "reasoning_tokens_mean": "reasoning",
    "tool_errors": "tool errors",
    "mean_unresponsive_rewards": "flat groups",
}
steps = [event.data for event in events if event.type == "metrics"]
curve = pd.DataFrame(steps).set_index("step")[list(WATCHED)]
print(curve.rename(columns=WATCHED).round(2).to_string(na_rep=""))

# %% [markdown]
# - **reward** jumps about, since each step sees other rows; look at its
#   trend over many steps, never at two neighbours.
# - **validation** sees the same rows each time: this is the curve that
#   decides. It has a value where `eval_interval` says so, and at the end.
# - **calls** and **reasoning** are what the agent costs you later.
# - **tool errors** count answers such as `Error: no such page`, which the
#   model can learn from. They are not faults of yours.
# - **flat groups** is the share of groups that taught nothing.
#
# The same as a picture:

# %%
figure = figures.training_curves(steps, note="simulated model")
figure

# %%
print(figure.alt_text())

# %% [markdown]
# Four steps of four rows prove nothing about learning, and a good eye for
# noise sees that at once. Lesson 06 reads a job of full length.
#
# **Did it cost what we expected?** Every step reports what it used.

# %%
used = pd.DataFrame(
    [phase for step in steps for phase in step["usage"].values()]
).sum()
spent = {
    "rollouts": int(used["rollouts"]),
    "tool calls": int(used["tool_calls"]),
    "tokens written": int(used["completion_tokens"]),
}
both = pd.DataFrame({"expected": expected, "used": spent}).dropna()
print(both.map("{:,.0f}".format).to_string())
assert spent["rollouts"] == expected["rollouts"]
assert 0.5 < spent["tool calls"] / expected["tool calls"] < 2

# %% [markdown]
# Rollouts come out exactly. Calls and tokens come out roughly: the estimate
# rests on a few rollouts of a model that the job then changes. An estimate
# within a factor of two, made in a minute, is what you need to decide.
#
# **Time to here: 24 minutes.**
#
# ### Exercise 5.1: half the compute
# Difficulty 2/5 · 5 minutes
#
# You like the settings but your tool server does not like the load. Launch
# the job again with half as many training rollouts **a row**: the same rows,
# the same number of steps, everything else as in `SETTINGS`. Put the job
# into `half_job`. Passing looks like "right", with the number of rollouts of
# both jobs. `checks.hint("5.1")` gives a hint, `strength=2` a stronger one.

# %% exercise="5.1" difficulty=2 minutes=5
half_job = None
# begin solution
half_job = launch(files, {**SETTINGS, "compute_multiplier": 0.25})
# end solution

# %%
from buildhour_helpers import checks

checks.exercise_5_1(half_job, job)

# %% [markdown]
# ## Pause, resume, cancel
#
# A pause takes effect at once: the step in flight is given up, and run again
# after the resume. Pause when your tools need a restart, or when a curve
# looks odd and you want to read traces before you pay for more.


# %%
def wait_for(job_id, *statuses):
    while True:
        found = client.fine_tuning.jobs.retrieve(job_id)
        if found.status in statuses:
            return found
        time.sleep(0.02)


again = launch(files, SETTINGS)
wait_for(again.id, "running")
print(client.fine_tuning.jobs.pause(again.id).status)

# %% [markdown]
# Paused is no status that ends by itself. Resumed, the job goes on after the
# last step that it had finished. It has the same seed as our first job, so
# it must come to the same end, pause or no pause:

# %%
client.fine_tuning.jobs.resume(again.id)
resumed = [e.data for e in follow(again.id) if e.type == "metrics"]
same = [
    one["train_mean_reward"] == other["train_mean_reward"]
    for one, other in zip(steps, resumed, strict=True)
]
print(wait_for(again.id, *ENDED).status, same)
assert all(same)

# %% [markdown]
# Cancelling is final. Checkpoints made before it stay; a tuned model of the
# last step there is not.

# %%
stopped = launch(files, SETTINGS)
wait_for(stopped.id, "running")
cancelled = client.fine_tuning.jobs.cancel(stopped.id)
print(cancelled.status, cancelled.fine_tuned_model)

# %% [markdown]
# ## Checkpoints are models
#
# At every validation the service keeps a checkpoint: the best three by
# validation reward, and the last. Each is a model with a name, served at
# once, while the job still runs.


# %% take="1"
def checkpoints(job_id):
    """The checkpoints that were kept, by step: (step, reward, model)."""
    listed = client.fine_tuning.jobs.checkpoints.list(job_id)
    return sorted(
        (
            one.step_number,
            one.metrics.full_valid_mean_reward,
            one.fine_tuned_model_checkpoint,
        )
        for one in listed
    )


# %%
kept = checkpoints(job.id)
for step, reward, model in kept:
    name = model.split(":")[-1]
    print(f"step {step}: validation reward {reward:.2f}, ...:{name}")
assert [step for step, _, _ in kept] == [2, 4]

# %% [markdown]
# `fine_tuned_model` is the model after the *last* step, not the best one.
# Choosing is your work (lesson 06), and until you have chosen, nothing is
# lost: ask a checkpoint something, as any other model.

# %%
from buildhour_helpers.tools.schemas import for_responses

response = client.responses.create(
    model=kept[0][2],
    input=rows[0]["messages"],
    tools=for_responses(),
)
for item in response.output:
    print(item.type, getattr(item, "name", ""))

# %% [markdown]
# **Time to here: 30 minutes.**
#
# ## What going wrong looks like
#
# **A dead tool.** Before it samples anything, this service opens a
# connection to every endpoint. One that does not answer ends the job at
# once, before anything is spent:

# %%
nowhere = {"name": "search", "server_url": "http://127.0.0.1:9/search"}
dead = launch(files, SETTINGS, tools=[nowhere, *TOOLS[1:]])
failed = wait_for(dead.id, *ENDED)
print(failed.status, failed.error.code, "at", failed.error.param)
assert failed.error.code == "endpoint_unreachable"

# %% [markdown]
# **Discarded rollouts.** Harder to see is a tool that answers, but wrongly,
# and only now and then. We put a proxy before `cat` that spoils the answer
# for some rows: it writes `result` where the contract says `output`.

# %%
import httpx
from fastapi import FastAPI

from buildhour_helpers.tools.serving import served

proxy, web = FastAPI(), httpx.Client(headers=HEADERS)


@proxy.post("/cat")
def cat(body: dict):
    answer = web.post(f"{TOOLS_URL}/cat", json=body).json()
    if body["item"]["answer_kind"] == "percent":
        answer["result"] = answer.pop("output")  # the slip
    return answer


with served(proxy) as url:
    spoilt_cat = {"name": "cat", "server_url": f"{url}/cat"}
    settings = {**SETTINGS, "compute_multiplier": 0.25}
    spoilt = launch(files, settings, tools=[*TOOLS[:2], spoilt_cat])
    spoilt_events = list(follow(spoilt.id))
print(wait_for(spoilt.id, *ENDED).status)

# %% [markdown]
# The slip is no mistake of the model, so such a rollout is not scored 0: it
# is thrown away, and counted. (So is one whose tool answers 500 or not at
# all, after three more tries.) As long as some rollouts of three steps in a
# row are usable, the job goes on, and its status says nothing. An event of
# level `warn` does:

# %%
warned = [event.message for event in spoilt_events if event.level == "warn"]
print(warned[0])
spoilt_steps = [e.data for e in spoilt_events if e.type == "metrics"]
discarded = [step["errors"]["train_discarded"] for step in spoilt_steps]
print("discarded of 8, step by step:", discarded)
assert sum(discarded) > 0
assert "`output`" in warned[0]

# %% [markdown]
# Discarding is not harmless. What is left are the rows that the slip spared
# and the rollouts that never read a page, so the mean reward is that of a
# biased sample, and the agent is taught from it. Stop, mend, start again.
#
# **A flat grader.** The third way is the quietest: nothing fails. Somebody
# wrote the reference as a sentence, while the prompt asks for the bare
# number, so no answer ever matches and every rollout scores the same. This
# one was **recorded**, beside the same job with the working grader:

# %%
flat_run = load("flat_grader")
print("recorded by:", flat_run["command"])
print("the grader compares with:", flat_run["grader"]["reference"])
flat = flat_run["flat"]
for warning in (flat["warnings"][0], flat["warnings"][-1]):
    print("warn:", warning)

# %% [markdown]
# Every step warned, and at the end the service says it in full. The job
# *succeeded*, and there is a tuned model with a name. Look at what it is:

# %%
working = flat_run["working"]
summary = pd.DataFrame(
    {
        name: {
            "weights changed": run["weights_changed"],
            "held-out rollouts that answer as before": run["same_answers"],
            "of": run["rollouts"],
        }
        for name, run in (("flat", flat), ("working", working))
    }
)
print(summary)
assert flat["weights_changed"] == 0
assert flat["after"] == flat_run["before"]
assert flat["same_answers"] == flat["rollouts"]
assert working["weights_changed"] > 0

# %% [markdown]
# Not one weight moved, and on held-out questions it gives the same answer
# as the base model every time. A flat grader need not score 0: one that
# always gives 0.5 does the same. The tell is not the reward but the share
# of **flat groups**, which is 1 in every step:

# %%
figure = figures.unusable_rollouts(flat["steps"], note="recorded")
figure

# %%
print(figure.alt_text())

# %% [markdown]
# ### Exercise 5.2: read a run that went wrong
# Difficulty 3/5 · 6 minutes
#
# Write `diagnose(step)` for the `data` of one metrics event. It returns
# `"discarded"` where no training rollout was usable, `"flat"` where there
# were usable rollouts but no group could teach, and `"ok"` otherwise. The
# numbers you need are in `usage`, `errors` and `mean_unresponsive_rewards`
# (print a step and look). Passing looks like "right" on healthy, flat and
# broken steps, among them steps that you have not seen.


# %% exercise="5.2" difficulty=3 minutes=6
def diagnose(step):
    # begin solution
    sampled = step["usage"]["train"]["rollouts"]
    if step["errors"]["train_discarded"] == sampled:
        return "discarded"
    if step["mean_unresponsive_rewards"] == 1:
        return "flat"
    return "ok"
    # end solution


# %%
checks.exercise_5_2(diagnose)

# %% [markdown]
# ## Take it with you
#
# The cells to copy are the seven that use nothing but `openai`: the client
# and `upload`, the endpoints, `launch`, `count_rollouts`, `estimate`,
# `follow` and `checkpoints`. Change in them:
#
# - `MODEL`, and the environment variables that name your tool server;
# - the tools' names, and the grader (lesson 04 has the other kinds);
# - `base_group` and `at_once`, to what your service does, if it says.
#
# Then: validate both files, measure ten rollouts, estimate, launch, and
# alarm yourself on `discarded` and on flat groups in the first steps.
#
# ## Recap
#
# - A job is two files and one request. Your tools and your grader are
#   addresses in it.
# - Rollouts are rows × epochs × group, plus validation. Know the number, the
#   calls and the minutes before you launch.
# - More rows beat more epochs; larger groups waste fewer rows; evaluation
#   settings buy knowledge only; most knobs cannot be told apart by one
#   small run.
# - Watch validation reward, flat groups, discarded rollouts. A job that
#   succeeded may have learnt nothing.
#
# ## Three questions
#
# <details><summary>Your job's training reward is 0.0 in every step. Is the
# grader broken?</summary>
#
# Look at the flat groups: they are 1. Then look at a few answers. If the
# grader scores right answers 0, it is the grader. If all answers are wrong,
# the task is too hard for the model as it is, and you need easier questions,
# partial credit or a better prompt first. Either way nothing is learnt.
# </details>
#
# <details><summary>Why is a rollout whose tool failed discarded and not
# scored 0?</summary>
#
# A 0 says "what you did was bad", and pushes the agent away from whatever
# it did. It did nothing wrong: the tool did. Scored 0, every outage of yours
# would be taught as a lesson.
# </details>
#
# <details><summary>You can pay for twice the rollouts. Twice the rows, twice
# the epochs or twice the multiplier?</summary>
#
# Rows, if you have them: they teach what the others cannot. The multiplier,
# if many groups are flat because the questions are hard. Epochs last, with
# an eye on the gap between training and validation.
# </details>
