# %% [markdown]
# # 05 Launching Agent RFT
#
# You have a task, tools behind HTTP and a grader. In three minutes you start a
# job that improves the agent. While it runs, you read what each setting does
# and predict the bill.
#
# **In this lesson you will**
#
# - launch an Agent RFT job: two files and one request;
# - choose hyperparameters from measurements over five seeds;
# - estimate tokens, calls, time and money, and check them against the job;
# - follow, pause, resume and cancel a job, and use its checkpoints;
# - recognise the three ways in which a job goes wrong.
#
# **Time** 40 minutes. **Before** Lessons 02 to 04, or your own task, tools
# and grader. The **simulated model** learns here: its numbers show how to
# read a job, not what yours will gain.

# %%
from buildhour_helpers import session

session.start()
print(session.describe(), "·", session.model())

# %% [markdown]
# Live, you need a service that offers reinforcement fine-tuning with tools,
# and a public address for your tools in `BUILDHOUR_TOOLS_URL`.

# %%
from openai import OpenAI

from buildhour_helpers import jobs

jobs.need_fine_tuning(OpenAI())
print("This service takes fine-tuning jobs.")

# %% [markdown]
# ## Two files
#
# A job trains on one file and validates on another. A line is a row:
# `messages` and `tools`, which the model sees, and whatever your grader and
# tools need, which it never sees.
#
# Which rows? Those whose reward varies between rollouts, because only they
# teach (lesson 02). A recorded pilot of the base model found them.

# %%
from buildhour_helpers.recordings import load

recorded = load("hyperparameters")
pilot = recorded["pilot"]
print("recorded by:", recorded["command"])
print(len(pilot["varying"]), "of", pilot["questions"], "questions vary")

# %% [markdown]
# We train on 128 of the {{len(pilot["varying"])}} that vary, and validate on
# 100 other questions.

# %%
from buildhour_helpers.tasks import BEST_PROMPT, build_rows, load_questions
from buildhour_helpers.tools.schemas import DEFINITIONS

asked = {question.id: question for question in load_questions()}
train = [asked[name] for name in pilot["varying"][:128]]
valid = [asked[name] for name in recorded["validation"]["questions"]]
rows = build_rows(train, BEST_PROMPT, DEFINITIONS)
valid_rows = build_rows(valid, BEST_PROMPT, DEFINITIONS)
print(len(rows), "training rows,", len(valid_rows), "validation rows")

# %% take="1"
from openai import OpenAI

client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY

# %% take="1"
import json


def upload(rows, name="rows.jsonl"):
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    file = (name, lines.encode())
    return client.files.create(file=file, purpose="fine-tune").id


# %%
files = {"train": upload(rows), "validation": upload(valid_rows)}
print(len(files), "files uploaded:", ", ".join(files))

# %% [markdown]
# ## One request
#
# The request names the files, the model, your tools with their addresses,
# and the grader.

# %% take="1"
import os

MODEL = os.environ.get("BUILDHOUR_MODEL", "sim-agent-mini")
URL = os.environ["BUILDHOUR_TOOLS_URL"]
KEY = {"Authorization": "Bearer " + os.environ["BUILDHOUR_TOOLS_KEY"]}
NAMES = ("search", "list", "cat")
TOOLS = [
    {"name": name, "server_url": f"{URL}/{name}", "headers": KEY}
    for name in NAMES
]
GRADER = {"type": "endpoint", "name": "right_value"}
GRADER |= {"url": f"{URL}/grade", "headers": KEY}

# %% [markdown]
# `max_episode_steps` ends a rollout that never answers. The client's types do
# not know `tools`, so they travel in a plain dictionary.


# %% take="1"
def launch(files, hyperparameters, tools=TOOLS, grader=GRADER):
    """Start a job over {"train": file ID, "validation": file ID}."""
    reinforcement = {"tools": tools, "grader": grader}
    reinforcement["max_episode_steps"] = 12
    reinforcement["hyperparameters"] = hyperparameters
    method = {"type": "reinforcement", "reinforcement": reinforcement}
    return client.fine_tuning.jobs.create(
        model=MODEL,
        training_file=files["train"],
        validation_file=files["validation"],
        method=method,
        suffix="lesson-05",
        seed=7,  # the same request gives the same job
    )


# %% [markdown]
# Launch it. Everything that we leave out is `auto`.

# %%
SETTINGS = {"batch_size": 13, "eval_interval": 5}
job = launch(files, SETTINGS)
method = job.method.reinforcement
print(job.object, "of", job.model)
print("keys stay hidden:", method.tools[0]["headers"])

# %% [markdown]
# *Time to here: 4 minutes.*
#
# The dashboard shows curves and events, with buttons to pause, resume and
# cancel. `session.open_page(job.id)` opens a page with every rollout. Leave
# it running and read on.

# %% tags=["uncompared"]
from buildhour_helpers.analysis.widgets import JobDashboard

dashboard = JobDashboard(client, job.id)
dashboard

# %%
print(json.dumps(method.hyperparameters.to_dict(), indent=1))

# %% [markdown]
# ## What one step does
#
# 1. **Sample.** For each of `batch_size` rows, a *group* of rollouts is run
#    with your tools and graded, 8 by default.
# 2. **Compare.** A rollout's *advantage* is its reward minus its group's mean:
#    **GRPO**, without its division by the standard deviation. In a
#    **zero-variance group** all are equal, and it teaches nothing.
# 3. **Update.** Actions with a positive advantage become likelier. Prompt and
#    tool results are **masked**: the model did not write them.
#
# All actions of a rollout share its advantage. There is **no per-turn
# credit**: a good search in a failed rollout is discouraged too. Many
# rollouts average this out.
#
# An update goes over its rollouts twice. In the second pass they are slightly
# **off-policy**: older weights sampled them. So **PPO** takes the *ratio* of
# an action's new probability to its old one and *clips* it: an action that
# has moved by 20% is pushed no further.
#
# ## What each hyperparameter does
#
# | name | what it sets | `auto` here |
# |---|---|---|
# | `n_epochs` | how often each row is used | 1 |
# | `batch_size` | rows per step | 16 |
# | `compute_multiplier` | rollouts per row: 8 times this | 1 |
# | `learning_rate_multiplier` | how far one update goes | 1 |
# | `reasoning_token_penalty` | reward lost per 1,000 reasoning tokens | 0.1 |
# | `reasoning_effort` | how long the model may think in a turn | `default` |
# | `eval_interval` | steps between two validations | 5 |
# | `eval_samples` | rollouts per validation row | 1 |
#
# OpenAI does not publish its `auto`, and the penalty is this service's
# extension. The `eval_` settings change the bill and the checkpoints, and
# nothing that is learned. Serve the model with the effort of the job.
#
# We **recorded** what the others do: each job changes one setting of a small
# baseline job, and each of five seeds chooses other training rows.

# %%
from textwrap import fill

from buildhour_helpers.analysis.variants import variants_of

variants = variants_of(recorded)
baseline = variants.pop("baseline")
print(fill(f"baseline: {recorded['baseline']}", 72))
print(fill(f"changed: {', '.join(variants)}", 72))

# %% [markdown]
# All jobs end with the same 100 validation questions. So we subtract the
# baseline's reward seed by seed and question by question, and sort by effect.

# %%
found = {name: one.minus(baseline) for name, one in variants.items()}
effects = dict(sorted(found.items(), key=lambda one: -one[1].value))
dots = {n: variants[n].minus_by_seed(baseline) for n in effects}
for name, effect in effects.items():
    low, high = min(dots[name]), max(dots[name])
    print(f"{name:30}{effect:+.3f}   seeds {low:+.2f} to {high:+.2f}")
assert min(dots["160 rows"]) > 0 > max(dots["batch_size 20"])
assert min(dots["n_epochs 2"]) < 0 < max(dots["n_epochs 2"])

# %%
from buildhour_helpers.analysis import figures

clear = [name for name, one in effects.items() if one.is_clear_of_zero]
assert clear == ["160 rows"]
figure = figures.intervals(
    effects,
    f"{len(clear)} of {len(effects)} settings differ clearly in reward",
    unit="validation reward minus the baseline job's",
    line=("baseline job", 0.0),
    seeds=dots,
    note="simulated model, recorded; a small dot is a seed",
)
figure

# %% [markdown]
# **Only doubling the rows is clearly better:**
# {{effects["160 rows"].value:+.3f}}, and more reward with every seed. Two
# epochs and groups of twice the size spend the same rollouts, and no
# difference from the baseline is shown. So spend on new rows that vary first.
# (Of many 95% intervals one may miss by luck; here the five seeds agree.)
#
# **One seed proves nothing.** With two epochs, one seed lost
# {{-min(dots["n_epochs 2"]):.2f}} and another gained
# {{max(dots["n_epochs 2"]):.2f}}.
#
# **Larger batches lost with every seed.** The same rollouts make half as many
# updates.

# What did the jobs spend, and their agents per answer?

# %%
import pandas as pd

every = {"baseline": baseline, **variants}
spent = pd.DataFrame({name: v.summary() for name, v in every.items()})
spent = spent.T.astype({"rollouts": int})
print(spent.round(2).to_string())
tokens, idle, moved = (
    spent[column] for column in ("output tokens", "zero-variance", "KL")
)
by_penalty = ["reasoning_token_penalty 0.3", "baseline"]
by_penalty += ["reasoning_token_penalty 0"]
assert tokens[by_penalty].is_monotonic_increasing
assert idle["compute_multiplier 0.5"] > 1.5 * idle["baseline"]
assert moved["learning_rate_multiplier 4"] > 2 * moved["baseline"]

# %% [markdown]
# **The penalty sets what an answer costs.** At 0, 0.1 and 0.3 an answer takes
# {{tokens["reasoning_token_penalty 0"]:,.0f}}, {{tokens["baseline"]:,.0f}} and
# {{tokens["reasoning_token_penalty 0.3"]:,.0f}} output tokens. No difference
# in reward is shown.
#
# **Small groups waste rows.** With half the rollouts per row,
# {{idle["compute_multiplier 0.5"]:.0%}} of the groups have zero variance; in
# the baseline {{idle["baseline"]:.0%}}.
#
# **Further is not better.** At four times the rate the policy moves more than
# twice as far (KL), and its reward is no higher.
#
# *Time to here: 10 minutes.*
#
# ## What it will cost
#
# Do this before you launch. (Ours runs while you read.) The number of rollouts
# follows from the settings alone.

# %% take="1"
from math import ceil

AUTO = {"n_epochs": 1, "batch_size": 16, "compute_multiplier": 1}
AUTO |= {"eval_interval": 5, "eval_samples": 1}  # your service's own


def count_rollouts(rows, valid_rows, settings, group=8):
    """Steps and rollouts of a job, as its settings determine them."""
    asked = {**AUTO, **settings}
    steps = asked["n_epochs"] * ceil(rows / asked["batch_size"])
    size = max(2, round(group * asked["compute_multiplier"]))
    valid = ceil(steps / asked["eval_interval"]) * valid_rows
    train = asked["n_epochs"] * rows * size
    valid *= asked["eval_samples"]
    return {"steps": steps, "train": train, "valid": valid}


# %%
counted = count_rollouts(128, 100, SETTINGS)
print("this job:         ", counted)
print("1,000 rows, twice:", count_rollouts(1_000, 100, {"n_epochs": 2}))

# %% [markdown]
# What a rollout costs has to be measured: the base model on each training row
# once, and on each validation row twice. The second is also the *before* of
# the comparison below.

# %%
from buildhour_helpers.rollouts import evaluate

folder = session.scratch()
ask = {"model": MODEL, "progress": False}
file = folder / "sample.jsonl"
sample = await evaluate(rows, file=file, **ask)
file = folder / "before.jsonl"
before = await evaluate(valid_rows, file=file, repeats=2, **ask)
print(len(sample), "and", len(before), "rollouts of the base model")

# %% [markdown]
# ### Exercise 5.1: Predict the share of input
# Difficulty 1/5 · 2 minutes
#
# A rollout writes reasoning, calls and an answer. It reads the prompt, the
# tools and their results. What share of all its tokens is read? Write your
# guess, a number between 0 and 1, into `guess`. Any honest guess passes.

# %% exercise="5.1" difficulty=1 minutes=2
guess = None
# begin solution
guess = 0.6
# end solution

# %%
from buildhour_helpers import checks
from buildhour_helpers.analysis.costs import usage_of

once, valid_once = usage_of(sample), usage_of(before)
all_tokens = once.input_tokens + once.output_tokens
input_share = once.input_tokens / all_tokens
print({name: round(mean, 1) for name, mean in once.mean().items()})
checks.exercise_5_1(guess, input_share)

# %% [markdown]
# {{input_share:.0%}} of the tokens are input, because each turn sends the whole
# conversation again. We ask the service what each turn of one rollout reads:

# %%
from buildhour_helpers.analysis.costs import turn_inputs

reads = turn_inputs(client, MODEL, sample[0])
print(f"input: {input_share:.0%} of all tokens")
print("read, turn by turn:", *reads, "; together", sum(reads))

# %% [markdown]
# The last turn reads the whole conversation, {{reads[-1]:,}} tokens. All other
# input is a repeat. With **prefix caching** a service keeps what it computed
# for the beginning of a prompt and charges less for it. Ours has no cache; a
# real one reports `cached_tokens`. A perfect cache would serve:

# %%
some = sample[::16]
new = sum(turn_inputs(client, MODEL, record)[-1] for record in some)
cached = 1 - new / usage_of(some).input_tokens
print(f"read before: {cached:.0%} of the input of {len(some)} rollouts")

# %% [markdown]
# Our grader uses no tokens. A model as the grader would, for one answer:

# %%
from statistics import fmean

from buildhour_helpers.graders import specs

judge = specs.score_model()
run = client.fine_tuning.alpha.graders.run
tokens = []
for record in some:
    item = {"reference_answer": record.reference_answer}
    said = record.answer or "(none)"
    graded = run(grader=judge, item=item, model_sample=said)
    tokens.append(graded.metadata.token_usage)
per_grade = fmean(tokens)
print(f"{per_grade:.0f} tokens for a grade by {judge['model']}")

# %% [markdown]
# The prices are **an example**: Tinker's for Qwen3-8B, from
# [its list](https://tinker-docs.thinkingmachines.ai/tinker/models/) of
# 7 October 2026, with 80% off for cached input. No real model uses exactly
# the tokens of ours. Time is that of the model: each turn waits for a first
# token and then writes.

# %% take="1"
PRICES = {  # US dollars per million tokens; the grader's is made up
    "input": 0.195, "cached": 0.039, "output": 0.60,
    "trained": 0.44, "grader": 0.60,
}  # fmt: skip


def bill(used, cached_share=0.0, train_share=1.0, at_once=32):
    """Minutes of the model, and US dollars. `train_share` of the
    rollouts are trained on: each of their tokens once."""
    output, given = used["output_tokens"], used["input_tokens"]
    cached = cached_share * given
    new = given - cached
    tokens = {"input": new, "cached": cached, "output": output}
    tokens["trained"] = train_share * (new + output)
    tokens["grader"] = used.get("grader_tokens", 0)
    usd = sum(PRICES[kind] * tokens[kind] for kind in PRICES) / 1e6
    seconds = 0.5 * used["turns"] + output / 80  # first token; speed
    return {**used, "minutes": seconds / at_once / 60, "USD": usd}


# %% take="1"
def estimate(counted, train, valid):
    """What a job uses; `train` and `valid` are means of one rollout."""
    return {
        name: counted["train"] * mean + counted["valid"] * valid[name]
        for name, mean in train.items()
    }


# %%
def tidy(number):
    return f"{number:,.2f}".removesuffix(".00")


def show(**bills):
    print(pd.DataFrame(bills).map(tidy).to_string())


rough = estimate(counted, once.mean(), valid_once.mean())
trained = counted["train"] / (counted["train"] + counted["valid"])
full, less = (bill(rough, share, trained) for share in (0, cached))
show(no_cache=full, cache=less)

# %% [markdown]
# A perfect cache brings the bill from USD {{bill(rough, 0, trained)["USD"]:.2f}}
# to {{bill(rough, cached, trained)["USD"]:.2f}}.
#
# This job teaches the model to be brief, so its rollouts get shorter. By how
# much? Four of the five recorded baseline jobs tell us; the fifth is kept for
# a check.

# %%
from dataclasses import replace

known = replace(baseline, jobs=baseline.jobs[:-1])
kept = replace(baseline, jobs=baseline.jobs[-1:])


def written(usage):
    return usage.mean()["output_tokens"]


factor = written(known.usage("train")) / written(once)
valid_factor = written(known.usage("valid")) / written(valid_once)
print(f"factors: {factor:.2f} training, {valid_factor:.2f} validation")

# %%
likely = once.times(factor), valid_once.times(valid_factor)
likely = [usage.mean() for usage in likely]
expected = bill(estimate(counted, *likely), cached, trained)
show(expected=expected)

# %% [markdown]
# We expect USD {{expected["USD"]:.2f}} and {{expected["minutes"]:.0f}}
# minutes at 32 rollouts at once, plus the time of the tools.
#
# *Time to here: 18 minutes.*
#
# ## Follow the job
#
# Outside a notebook you read the events. The service lists them newest first;
# this yields them oldest first, until the job has ended.

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
        new = list(takewhile(lambda one: one.id not in seen, listed))
        seen.update(event.id for event in new)
        yield from reversed(new)
        if not ended:
            time.sleep(poll_s)


# %%
events = list(follow(job.id, poll_s=0.5))
steps = [event.data for event in events if event.type == "metrics"]
print(len(events), "events, the last:", events[-1].message)

# %%
WATCHED = {
    "train_mean_reward": "reward",
    "full_valid_mean_reward": "validation",
    "tool_calls_per_rollout": "calls",
    "reasoning_tokens_mean": "reasoning",
    "mean_unresponsive_rewards": "zero-var.",
}
flat = pd.json_normalize(steps, sep=" ").set_index("step")
curve = flat[[*WATCHED, "update entropy", "update kl_to_base"]]
curve = curve.rename(columns=WATCHED)
print(curve.to_string(na_rep="", float_format="{:.2f}".format))

# %% [markdown]
# - **reward**: each step sees other rows, so it jumps. Look at the trend.
# - **validation**: the same rows each time. This curve decides.
# - **calls**, **reasoning**: what an answer will cost you. Real models often
#   write longer and longer while they train (**length growth**).
# - **zero-var.**: the share of groups that taught nothing.
# - **entropy**: how undecided the model is. If it falls to 0, all rollouts of
#   a group are alike and learning stops: **entropy collapse**.
# - **kl_to_base**: the **KL divergence**, how far the policy has moved from
#   the base model. Some trainers penalise it; this one only clips.

# %%
figure = figures.training_curves(steps, note="simulated model")
figure

# %% [markdown]
# ## Did it learn?
#
# The first validation came after {{SETTINGS["eval_interval"]}} steps, so the curve
# does not show what they taught. Compare with the base model. The tuned model
# answers the validation questions, on which it never trained.

# %%
from buildhour_helpers.analysis.summaries import compare

ask["model"] = client.fine_tuning.jobs.retrieve(job.id).fine_tuned_model
file = folder / "after.jsonl"
after = await evaluate(valid_rows, file=file, repeats=2, **ask)
compared = compare(before, after)
gain, change = compared.difference["reward"], compared.change
print(f"reward {gain:+.2f} on {compared.questions} questions")
print(f"tool calls {change['tool_calls']:+.0%}")
assert gain.low > 0

# %% [markdown]
# The job gained {{gain.value:+.2f}} reward on questions that it never trained
# on, and the interval is above zero. Tool calls changed by
# {{change["tool_calls"].value:+.0%}}.
#
# ## Was the bill right?

# %%
from buildhour_helpers.analysis.costs import usage_of_job


def check(expected, used):
    """Two bills side by side. Tokens, time, price: within 10%."""
    table = pd.DataFrame({"expected": expected, "used": used})
    table = table[table["expected"] > 0]
    table["ratio"] = table["used"] / table["expected"]
    print(table.map(tidy).to_string())
    lines = ["input_tokens", "output_tokens", "minutes", "USD"]
    assert table.loc[lines, "ratio"].between(0.9, 1.1).all()


used = bill(vars(usage_of_job(steps)), cached, trained)
check(expected, used)

# %% [markdown]
# The job cost USD {{used["USD"]:.2f}}; we expected {{expected["USD"]:.2f}}.
#
# The same sample predicts the **recorded** job that we kept back, which trained
# on other rows. Below it are the tokens of a recorded job with a model as its
# grader, and what the pilot cost that found the rows.

# %%
small_count = count_rollouts(80, 100, recorded["baseline"])
both = kept.usage("train") + kept.usage("valid")
guessed = bill(estimate(small_count, *likely), cached, trained)
check(guessed, bill(vars(both), cached, trained))

# %%
from buildhour_helpers.analysis.costs import usage_of_phase

judged = recorded["model_grader"]
grades = sum(phase["rollouts"] for phase in judged["usage"].values())
ratio = judged["grader_tokens"] / (per_grade * grades)
print(f"grader tokens of a recorded job, used / expected: {ratio:.2f}")
assert 0.9 < ratio < 1.1
extra = per_grade * expected["rollouts"] * PRICES["grader"] / 1e6
print(f"a model grader would add USD {extra:.2f} to this job")
piloted = usage_of_phase(pilot["usage"])
pilot_usd = bill(vars(piloted), cached, train_share=0)["USD"]
print(f"pilot: {piloted.rollouts:,} rollouts, USD {pilot_usd:.2f}")

# %% [markdown]
# *Time to here: 22 minutes.*
#
# ## Decide with a cost
#
# You pay for a job once, and for its agent with every answer. From the
# recorded jobs, at the example prices:


# %%
def usd(usage, train_share=0):
    return bill(usage.mean(), cached, train_share)["USD"]


priced = pd.DataFrame(
    {
        "reward": fmean(map(fmean, one.rewards)),
        "answer_usd": usd(one.usage("valid")),
        "job_usd": usd(one.usage("train"), 1) * spent.loc[name, "rollouts"],
    }
    for name, one in every.items()
)
priced.index = list(every)
base_reward = fmean(recorded["validation"]["base_rewards"])
priced.loc["base model"] = [base_reward, usd(valid_once), 0.0]
print(priced.round(4).to_string())

# %%
answer = priced["answer_usd"]
print(answer.round(4)["base model"], answer.round(4)["baseline"])
assert answer["base model"] > answer["baseline"] > answer[by_penalty[0]]

# %% [markdown]
# The trained agent is also cheaper: an answer of the base model costs USD
# {{answer["base model"]:.4f}}, after the baseline job {{answer["baseline"]:.4f}}.
#
# ### Exercise 5.2: Choose the option that pays
# Difficulty 3/5 · 4 minutes
#
# Write `decide(options, answers, value_usd)`. `options` maps a name to a
# dictionary with `reward` (the mean of an answer), `answer_usd` (the price of
# an answer) and `job_usd` (the price of the job). Your agent will answer
# `answers` questions in its life, and a reward of 1 is worth `value_usd` to
# you. Return the name of the option that leaves you the most money.


# %% exercise="5.2" difficulty=3 minutes=4
def decide(options, answers, value_usd):
    # begin solution
    def profit(name):
        option = options[name]
        each = value_usd * option["reward"] - option["answer_usd"]
        return answers * each - option["job_usd"]

    return max(options, key=profit)
    # end solution


# %%
checks.exercise_5_2(decide)

# %% [markdown]
# ## Pause, resume, cancel
#
# Pause when your tools need a restart. The step in flight is given up, and run
# again after the resume.


# %%
def wait_for(job_id, *statuses):
    while True:
        found = client.fine_tuning.jobs.retrieve(job_id)
        if found.status in statuses:
            return found
        time.sleep(0.02)


# %%
SMALL = {"batch_size": 4, "compute_multiplier": 0.5, "eval_interval": 2}
few = upload(rows[:16]), upload(valid_rows[:10])
small_files = dict(zip(("train", "validation"), few))
small = launch(small_files, SMALL)
wait_for(small.id, "running")
print(client.fine_tuning.jobs.pause(small.id).status)
client.fine_tuning.jobs.resume(small.id)
told = list(follow(small.id, poll_s=0.5))
ran = [event.data["step"] for event in told if event.type == "metrics"]
print(wait_for(small.id, *ENDED).status, "after steps", *ran)
assert ran == [1, 2, 3, 4]

# %% [markdown]
# No step is missing, and none counts twice. Cancelling is final: there is no
# tuned model, but checkpoints made before it stay.

# %%
stopped = launch(small_files, SMALL)
wait_for(stopped.id, "running")
cancelled = client.fine_tuning.jobs.cancel(stopped.id)
print(cancelled.status, cancelled.fine_tuned_model)

# %% [markdown]
# ## Checkpoints are models
#
# At each validation the service keeps a checkpoint: the best three by
# validation reward, and the last. Each is a model with a name that you can
# call at once, even while the job runs.


# %% take="1"
def checkpoints(job_id):
    """The checkpoints kept, by step: (step, reward, model)."""
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
for step, reward, model in checkpoints(job.id):
    short = model.split(":")[-1]
    print(f"step {step}: validation reward {reward:.2f}, ...:{short}")

# %% [markdown]
# `fine_tuned_model` is the model after the *last* step, not the best one.
# Lesson 06 chooses.
#
# *Time to here: 30 minutes.*
#
# ## Three ways to go wrong
#
# **A dead tool.** Before it spends anything, the service connects to every
# endpoint. One that does not answer ends the job:

# %%
nowhere = {"name": "search", "server_url": "http://127.0.0.1:9/search"}
dead = launch(small_files, SMALL, tools=[nowhere, *TOOLS[1:]])
failed = wait_for(dead.id, *ENDED)
print(failed.status, failed.error.code, "at", failed.error.param)
assert failed.error.code == "endpoint_unreachable"

# %% [markdown]
# **Discarded rollouts.** A tool that answers, but sometimes wrongly, is
# harder to see. This proxy before `cat` writes `result` where the contract
# says `output`, for some rows only:

# %%
import httpx
from fastapi import FastAPI

from buildhour_helpers.tools.serving import served

proxy, web = FastAPI(), httpx.Client(headers=KEY)


@proxy.post("/cat")
def cat(body: dict):
    answer = web.post(f"{URL}/cat", json=body).json()
    if body["item"]["answer_kind"] == "percent":
        answer["result"] = answer.pop("output")  # the bug
    return answer


# %%
with served(proxy) as url:
    broken_cat = {"name": "cat", "server_url": f"{url}/cat"}
    broken = launch(small_files, SMALL, tools=[*TOOLS[:2], broken_cat])
    told = list(follow(broken.id, poll_s=0.5))
print(wait_for(broken.id, *ENDED).status)
print(next(event.message for event in told if event.level == "warn"))

# %%
lost = [e.data["errors"] for e in told if e.type == "metrics"]
discarded = [step["train_discarded"] for step in lost]
print("discarded of 16, step by step:", *discarded)
assert sum(discarded) > 0

# %% [markdown]
# The job *succeeded*; only warnings tell. Such rollouts are not scored 0, since
# the model did nothing wrong. But what is left is a biased sample. Stop the
# job, fix the tool, start again.
#
# **A zero-variance grader.** Here nothing fails. The grader compares with a
# whole sentence, and the prompt asks for the bare number, so no answer ever
# matches. We **recorded** this job, and the same one with a working grader:

# %%
useless = load("flat_grader")
print("recorded by:", useless["command"])
print("it compares with:", useless["grader"]["reference"])
zero, working = useless["flat"], useless["working"]
for name, run in (("zero-variance", zero), ("working", working)):
    print(f"{name}: {run['weights_changed']:,} weights changed")
groups = [step["mean_unresponsive_rewards"] for step in zero["steps"]]
print("share of zero-variance groups, step by step:", *groups)
print(zero["warnings"][-1])
assert zero["weights_changed"] == 0 < working["weights_changed"]
assert zero["same_answers"] == zero["rollouts"]

# %% [markdown]
# This job succeeded too, and its model gives the base model's answer every
# time. A constant reward of 0.5 would do the same. So look at the share of
# zero-variance groups, not at the reward: it is 1 in every step.
#
# ### Exercise 5.3: Diagnose a step
# Difficulty 3/5 · 4 minutes
#
# Write `diagnose(step)` for the `data` of one metrics event. Return
# `"discarded"` if no training rollout was usable, `"zero variance"` if some
# were but no group could teach, else `"ok"`. What you need is in `usage`,
# `errors` and `mean_unresponsive_rewards` (print `steps[0]`).


# %% exercise="5.3" difficulty=3 minutes=4
def diagnose(step):
    # begin solution
    sampled = step["usage"]["train"]["rollouts"]
    if step["errors"]["train_discarded"] == sampled:
        return "discarded"
    if step["mean_unresponsive_rewards"] == 1:
        return "zero variance"
    return "ok"
    # end solution


# %%
checks.exercise_5_3(diagnose)

# %% [markdown]
# ## Take it with you
#
# The cells to copy use nothing but `openai`: those with `client`, `upload`, `TOOLS`,
# `launch`, `count_rollouts`, `bill`, `estimate`, `follow` and `checkpoints`.
# Change in them:
#
# - `MODEL`, the variables that name your tool server, and your tools' `NAMES`;
# - `GRADER`, if yours is not an endpoint (lesson 04 has the other kinds);
# - `AUTO` and `PRICES`, to what your service says today, and in `bill` the
#   rollouts at once, the time to a first token and the speed.
#
# `train` and `valid` are means of your agent's `usage`, such as `{"rollouts":
# 1, "turns": 6, "input_tokens": 14_000, "output_tokens": 2_000}`. Only this
# service has `reasoning_token_penalty`.
#
# ## With a real model
#
# **The same:** the request, the events, what each setting means, how a bill
# adds up.
#
# **Different:**
#
# - *Tokens.* Thinking is longer and varies more: measure more rollouts.
#   Without a charge for length expect growth, not shrinking.
# - *Format.* Small models write calls that cannot be parsed. Watch
#   `tool_errors` and `stop_reasons`.
# - *Stability.* Collapse is real: watch entropy, keep the best checkpoint.
# - *Price.* Some charge by the hour. OpenAI's
#   [billing guide](https://help.openai.com/en/articles/11323177-billing-guide-for-the-reinforcement-fine-tuning-api)
#   named 100 dollars per hour of training for o4-mini, plus a model grader's
#   tokens. Then slow tools cost money.
#
# `docs/real-models.md` has details and engines.
#
# ## Recap
#
# - A job is two files and one request. Its rollouts are rows x epochs x group,
#   plus validation.
# - New rows that vary were the only clear gain. Judge settings over several
#   seeds: one proves nothing.
# - The penalty on reasoning sets what an answer costs.
# - Most tokens are input, read again in each turn. Estimate before you launch.
# - Watch validation, zero-variance groups, discarded rollouts and entropy.
#
# ## Three questions
#
# <details><summary>Training reward is 0.0 in every step. Is the grader
# broken?</summary>
#
# Read a few answers. If right ones score 0, it is. If all are wrong, the task
# is too hard: try easier questions, partial credit or a better prompt.
# </details>
#
# <details><summary>Why is a rollout whose tool failed discarded, and not
# scored 0?</summary>
#
# The agent did nothing wrong. Scored 0, each outage would teach it to avoid your
# tools.
# </details>
#
# <details><summary>You can pay for twice the rollouts. Twice the rows, two
# epochs, or twice the multiplier?</summary>
#
# Rows, if you have some that vary: only they were clearly better. Without new
# rows try a second epoch and watch validation. Raise the multiplier if many
# groups have zero variance.
# </details>
