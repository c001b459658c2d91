# %% [markdown]
# # 05 Launching Agent RFT
#
# Everything is ready: a task, tools behind HTTP, a grader. This lesson puts
# them into a job, says what it will cost, follows it while it runs, and shows
# what a job looks like that is going wrong.
#
# **In this lesson you will**
#
# - write the two files and the one request that an Agent RFT job is;
# - learn what each hyperparameter does, from measurements;
# - estimate rollouts, tool calls, tokens and minutes from a few rollouts;
# - follow a real job, pause it, resume it, cancel it, use its checkpoints;
# - recognise a dead tool, discarded rollouts and a flat grader by sight.
#
# **Time** 40 minutes. **Before** Lessons 02 to 04, or a task, tools and a
# grader of your own. The jobs below really run, over HTTP, and change weights.
# The model that learns is the **simulated model**: its figures show how to
# read a job, not how far yours will get.

# %%
from buildhour_helpers import session

session.start()
print(session.describe(), "·", session.model())

# %% [markdown]
# Live, this lesson needs more than a key: a service that offers you
# reinforcement fine-tuning with tools (lesson 00 lists them), and a tool
# server at a public address, in `BUILDHOUR_TOOLS_URL`, since the service
# calls you. Without these, stay offline: the requests are the same.

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
# Sixteen rows are too few to teach anything that lasts (lesson 02), but they
# keep this lesson short. Uploading gives each file an ID; the service refuses
# a line that is not JSON, by its number.

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
# and the grader. `max_episode_steps` ends a rollout that never answers. What
# the `openai` client's types do not know passes as a plain dictionary.

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
# `seed` decides every random draw: the same request gives the same job.
# `suffix` becomes part of the tuned model's name.


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
# *Time to here: 4 minutes.*
#
# ## What each hyperparameter does
#
# A **step** takes `batch_size` rows, runs a group of rollouts for each, and
# updates the weights once. Within a group a rollout is pushed up or down by
# how far its reward lies from the group's mean. All the hyperparameters turn
# on that sentence:
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
# | `reasoning_token_penalty` | what 1,000 reasoning tokens cost in reward | 0.1 |
#
# What `auto` stands for is this service's choice; OpenAI does not publish
# its own, and has no hyperparameter like the last. Ours is there because a
# penalty decides what a job teaches: before the rollouts of a group are
# compared, each pays for its thinking. So a job also teaches to think less,
# and you can see by how much, or set it to 0.
#
# We **recorded** small jobs (simulated model) from the same weights, on the
# same questions. Each differs in one thing from a base job: `auto`, but
# validated only at its end, and then with more samples. The last is of
# another kind.

# %%
import pandas as pd

from buildhour_helpers.recordings import load

recorded = load("hyperparameters")
print("recorded by:", recorded["command"])
measured = pd.DataFrame(recorded["arms"])
measured.index = [
    ", ".join(f"{name} {value}" for name, value in changed.items())
    or "base"
    for changed in measured["changed"]
]
print(f"{len(measured)} jobs, {measured['rollouts'].sum():,} rollouts")
print("base:", recorded["base"])

# %% [markdown]
# **Batch size** trades the number of updates against how many rows each
# rests on. The rollouts are the same; only how they are cut differs.


# %%
def show(names, *columns):
    table = measured.loc[names, list(columns)]
    print(table.to_string(float_format="{:.2f}".format))


sizes = ["batch_size 8", "base", "batch_size 32"]
show(sizes, "steps", "rollouts", "distance_from_base")
assert measured.loc[sizes, "rollouts"].nunique() == 1
assert measured.loc[sizes, "distance_from_base"].is_monotonic_decreasing

# %% [markdown]
# `distance_from_base` is how far all weights together have moved. Half the
# batch means twice the updates, so the weights go further. Further is not
# better: each of those updates saw half as many rows, and is noisier.
#
# **Compute multiplier** buys more attempts at the same row. A group whose
# rollouts all got the same reward teaches nothing.

# %%
multiples = ["compute_multiplier 0.5", "base", "compute_multiplier 2"]
show(multiples, "rollouts", "tool_calls", "groups_without_variance")
wasted = measured.loc[multiples, "groups_without_variance"]
assert wasted.iloc[0] > wasted.iloc[-1]

# %% [markdown]
# Twice the rollouts, and up to twice the tool calls on your server: fewer
# where the job teaches to call less. Larger groups waste fewer rows, but see
# how little a second doubling may save. If most groups are flat because the
# task is hard, this is the knob; if it is solved, choose other questions.
#
# **Learning rate multiplier** scales every update. It costs nothing, and it is
# the easiest way to break a model.

# %%
name = "learning_rate_multiplier"
rates = [f"{name} 0.25", "base", f"{name} 4"]
show(rates, "rollouts", "distance_from_base")
assert measured.loc[rates, "distance_from_base"].is_monotonic_increasing

# %% [markdown]
# **Epochs** use the same rows again, which is where memorising begins. Two
# recorded jobs spent the same number of rollouts: one on a few rows many
# times over, the other (the main run of lesson 06) on many rows once. The gap
# is how far training reward lies above validation reward at the end:

# %%
from buildhour_helpers.analysis.figures import reward_gaps
from buildhour_helpers.analysis.statistics import Interval

few, many = measured.iloc[-1], load("main_run")
used = sum(step["usage"]["train"]["rollouts"] for step in many["steps"])
print("rows:      ", few["rows"], many["questions"]["train"])
print("rollouts:  ", few["rollouts"], used)
curves = few["curve"], many["steps"]
gaps = [reward_gaps(curve)[-1][1] for curve in curves]
print("gap:       ", *(f"{gap:+.2f}" for gap in gaps))
ends = few["valid_reward"], many["checkpoints"][-1]["validation"]
print("validation:", *(Interval(*end) for end in ends))
assert few["rollouts"] == used
assert gaps[0] > gaps[1]

# %% [markdown]
# On the few rows training reward runs away. What validation makes of it is
# the last line, but the two had different validation questions. The base job
# had those of the few rows, so it can be compared with them **in pairs**. It
# saw more rows, once, for a fraction of the rollouts:

# %%
from buildhour_helpers.analysis.statistics import paired_difference

rewards = measured["valid_rewards"]
print("rollouts:", few["rollouts"], measured.loc["base", "rollouts"])
ahead = paired_difference(rewards["base"], rewards.iloc[-1])
print("few rows minus base:", ahead)

# %% [markdown]
# All those rollouts should have put it far ahead: did they? Where you have new
# rows, spend on them first. (A second epoch is no crime: see the next figure.)
#
# **Reasoning effort** is how much thinking a turn may hold. It is fixed for
# the job, and you should serve the tuned model with the same value.

# %%
efforts = ["reasoning_effort low", "base", "reasoning_effort high"]
show(efforts, "reasoning_tokens_first_step", "tool_calls")

# %% [markdown]
# The simulated model thinks in its own way, so this table is no forecast: on
# a large model effort can be the dearest knob. Measure it on a few rollouts.
#
# **Eval interval and samples** buy knowledge, not learning. They change the
# price and the number of checkpoints, and not one training rollout:

# %%
evals = ["base", "eval_interval 2", "eval_samples 1"]
show(evals, "rollouts", "validation_rollouts", "checkpoints")
curves = [measured.loc[arm, "curve"] for arm in evals]
trained = [[p["train_mean_reward"] for p in curve] for curve in curves]
assert trained[0] == trained[1] == trained[2]

# %% [markdown]
# And which setting scored best in the end? Every job against the base job, in
# pairs: the difference of validation reward, with its 95% interval.

# %%
from buildhour_helpers.analysis import figures

arms = [arm for arm in measured.index[1:-1] if not arm.startswith("eval")]
base = rewards["base"]
apart = {arm: paired_difference(base, rewards[arm]) for arm in arms}
clear = [arm for arm in arms if apart[arm].is_clear_of_zero]
figure = figures.intervals(
    apart,
    f"{len(clear)} of {len(arms)} jobs can be told from the base job",
    unit="reward, minus that of the base job",
    line=("base", 0.0),
    note="simulated model, recorded",
)
figure

# %%
print(figure.alt_text())
for arm in clear:
    print("clear of zero:", arm, apart[arm])

# %% [markdown]
# Read the whiskers before the dots. Where a job is clearly better, ask what
# it bought: two epochs are twice the rollouts. Where one is clearly worse,
# look back at how far its weights went. The others cannot be told apart by
# jobs this short, one seed each: start with `auto`, and change one thing for
# a reason that you can name.
#
# *Time to here: 12 minutes.*
#
# ## What it will cost, before it runs
#
# The number of rollouts follows from the settings alone.

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
# The job that we are about to launch, and one as you might for real. Our
# small groups make noisy updates, so we let each go only a quarter as far:

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
# What one rollout costs has to be measured: a handful of rollouts of the base
# model, on training questions, is enough.

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
# Multiplied, with the number of rollouts that the service runs at once. Put
# in your service's rate, by the hour or by the token. The last line is the
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
# The minutes are those of the model's (simulated) answering time; the tools'
# own comes on top. OpenAI advises that endpoints bear 50 calls a second.
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
# **Following it.** In a notebook the dashboard shows status, curves and
# events, with buttons to pause, resume and cancel, while you work on.
# `session.open_page(job.id)` opens the same in the browser, with every
# rollout of the job to read.

# %% tags=["uncompared"]
from buildhour_helpers.analysis.widgets import JobDashboard

dashboard = JobDashboard(client, job.id)
dashboard

# %% [markdown]
# Outside a notebook you read the same events. The service lists them newest
# first; this gives them oldest first, until the job has ended. It asks
# every ten seconds (ours is short, so we ask more often), and as long as a job
# is paused, it waits.

# %% take="1"
import time
from itertools import takewhile

ENDED = ("succeeded", "failed", "cancelled")


def follow(job_id, poll_s=10):
    """A job's events, oldest first, until it has ended."""
    jobs, seen, ended = client.fine_tuning.jobs, set(), False
    while not ended:
        ended = jobs.retrieve(job_id).status in ENDED
        listed = jobs.list_events(job_id, limit=100)
        new = list(takewhile(lambda event: event.id not in seen, listed))
        seen.update(event.id for event in new)
        yield from reversed(new)
        if not ended:
            time.sleep(poll_s)


# %%
events = list(follow(job.id, poll_s=0.5))
for event in events:
    if event.type == "metrics":
        print(event.message)
print(client.fine_tuning.jobs.retrieve(job.id).status)

# %% [markdown]
# The message is the line that OpenAI's dashboard shows. Of the numbers behind
# it, in `data`, watch these:

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
# - **reward** jumps about, since each step sees other rows: look at its trend.
# - **validation** sees the same rows each time: this curve decides.
# - **calls** and **reasoning** are what the agent costs you later.
# - **tool errors** count answers such as `Error: no such page`: the model can
#   learn from them, and they are no faults of yours.
# - **flat groups** is the share of groups that taught nothing.
#
# The same as a picture:

# %%
figure = figures.training_curves(steps, note="simulated model")
figure

# %%
print(figure.alt_text())

# %% [markdown]
# Four small steps prove nothing about learning. Lesson 06 reads a full job.
#
# **Did it cost what we expected?**

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
# Rollouts come out exactly, calls and tokens roughly: the job changes the
# model that the estimate was made with. Within a factor of two is enough to
# decide.
#
# *Time to here: 19 minutes.*
#
# ### Exercise 5.1: half the compute
# Difficulty 2/5 · 5 minutes
#
# You like the settings but your tool server does not like the load. Launch
# the job again with half as many training rollouts **a row**: the same rows
# and steps, everything else as in `SETTINGS`. Put the job into `half_job`.
# Passing looks like "right". `checks.hint("5.1")` gives a hint, `strength=2`
# a stronger one.

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
# after the resume. Pause when your tools need a restart, or to read traces
# before you pay for more.


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
# A paused job waits until you resume it. Resumed, it goes on after the
# last step that it had finished. With the seed of our first job it must come
# to the same end:

# %%
client.fine_tuning.jobs.resume(again.id)
resumed = [e.data for e in follow(again.id, 0.5) if e.type == "metrics"]
same = [
    one["train_mean_reward"] == other["train_mean_reward"]
    for one, other in zip(steps, resumed, strict=True)
]
print(wait_for(again.id, *ENDED).status, same)
assert all(same)

# %% [markdown]
# Cancelling is final. Checkpoints made before it stay; there is no tuned
# model.

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
# Choosing is your work (lesson 06). Ask a checkpoint as any other model:

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
# *Time to here: 27 minutes, an exercise included.*
#
# ## What going wrong looks like
#
# **A dead tool.** First of all this service opens a connection to every
# endpoint. One that does not answer ends the job before anything is spent:

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
    spoilt_events = list(follow(spoilt.id, poll_s=0.5))
print(wait_for(spoilt.id, *ENDED).status)

# %% [markdown]
# The slip is no mistake of the model, so such a rollout is not scored 0 but
# thrown away, and counted. (So is one with a call that gets a 500 four times,
# while other calls are answered. The job waits for a tool that is down.) As
# long as some rollouts are usable, the job goes on, and its status says
# nothing. An event of level `warn` does:

# %%
warned = [e.message for e in spoilt_events if e.level == "warn"]
print(warned[0])
spoilt_steps = [e.data for e in spoilt_events if e.type == "metrics"]
discarded = [step["errors"]["train_discarded"] for step in spoilt_steps]
print("discarded of 8, step by step:", discarded)
assert sum(discarded) > 0

# %% [markdown]
# Discarding is not harmless: what is left is a biased sample, the rows that
# the slip spared and the rollouts that never read a page, and the agent is
# taught from it. Stop, mend, start again.
#
# **A flat grader.** The third way is the quietest: nothing fails. Somebody
# wrote the reference as a sentence, the prompt asks for the bare number, so
# no answer ever matches. This one was **recorded**, beside the same job with
# the working grader:

# %%
flat_run = load("flat_grader")
print("recorded by:", flat_run["command"])
print("the grader compares with:", flat_run["grader"]["reference"])
flat = flat_run["flat"]
for warning in (flat["warnings"][0], flat["warnings"][-1]):
    print("warn:", warning)

# %% [markdown]
# Every step warned, and at the end the service says it in full. The job
# *succeeded*, and there is a tuned model. Look at what it is:

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
# Not one weight moved, and it answers as the base model does every time. The
# tell is not the reward, which may be a constant 0.5 as well, but the share
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
# `"discarded"` where no training rollout was usable, `"flat"` where some were
# but no group could teach, and `"ok"` otherwise. What you need is in `usage`,
# `errors` and `mean_unresponsive_rewards` (print a step). Passing looks like
# "right" on steps that you have not seen.


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
# *Time to here: 38 minutes, exercises included.*
#
# ## Take it with you
#
# The cells to copy use nothing but `openai`: those with `upload`, `TOOLS`,
# `launch`, `AUTO`, `count_rollouts`, `estimate`, `follow` and `checkpoints`.
# Change in them:
#
# - `MODEL`, `AUTO`, and the environment variables that name your tool server;
# - the tools' names, and the grader (lesson 04 has the other kinds);
# - `base_group` and `at_once`, to what your service does, if it says.
#
# Then measure ten rollouts, estimate, launch, and let discarded rollouts and
# flat groups in the first steps alarm you.
#
# ## Recap
#
# - A job is two files and one request.
# - Rollouts are rows × epochs × group, plus validation: know them, the calls
#   and the minutes before you launch.
# - New rows before more epochs; larger groups where many are flat; most knobs
#   cannot be told apart by one small run.
# - Watch validation, flat groups, discarded rollouts.
#
# ## Three questions
#
# <details><summary>Your job's training reward is 0.0 in every step. Is the
# grader broken?</summary>
#
# Look at a few answers. If right ones score 0, it is the grader. If all are
# wrong, the task is too hard as it is: easier questions, partial credit or a
# better prompt first. Either way all groups are flat, and nothing is learnt.
# </details>
#
# <details><summary>Why is a rollout whose tool failed discarded and not
# scored 0?</summary>
#
# A 0 says "what you did was bad". The agent did nothing wrong: the tool did.
# Scored 0, every outage of yours would be taught as a lesson.
# </details>
#
# <details><summary>You can pay for twice the rollouts. Twice the rows, the
# epochs or the multiplier?</summary>
#
# Rows, if you have them. The multiplier, if many groups are flat because the
# questions are hard. Epochs last, with an eye on the gap.
# </details>
