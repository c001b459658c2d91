# %% [markdown]
# # 05 Launching Agent RFT
#
# You have a task, tools behind HTTP and a grader. In three minutes a job is
# running that really improves the agent. While it runs, you read what each
# setting does and predict the bill.
#
# **In this lesson you will**
#
# - launch an Agent RFT job: two files and one request;
# - choose hyperparameters from measurements over five seeds;
# - estimate tokens, calls, time and money, and check them against the job;
# - follow, pause, resume and cancel a job, and use its checkpoints;
# - recognise the three ways in which a job goes wrong.
#
# **Time** 38 minutes. **Before** Lessons 02 to 04, or your own task, tools
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
# A job trains on one file and validates on another. A line is a row:
# `messages` and `tools`, which the model sees, and whatever your grader and
# tools need, which it never sees.
#
# Which rows? Those whose reward varies between rollouts (lesson 02). A
# recorded pilot of the base model found them; we take 128.

# %%
from buildhour_helpers.recordings import load
from buildhour_helpers.tasks import BEST_PROMPT, build_rows, load_questions
from buildhour_helpers.tools.schemas import DEFINITIONS

recorded = load("hyperparameters")
print("recorded by:", recorded["command"])
pilot, asked = recorded["pilot"], {q.id: q for q in load_questions()}
names = {
    "train": pilot["varying"][:128],
    "validation": recorded["validation"]["questions"],
}
rows = {
    split: build_rows([asked[name] for name in of], BEST_PROMPT, DEFINITIONS)
    for split, of in names.items()
}
print(f"{len(pilot['varying'])} of {pilot['questions']} questions vary;")
print({split: len(of) for split, of in rows.items()}, "rows in the files")

# %% take="1"
from pathlib import Path

from openai import OpenAI

client = OpenAI()  # reads OPENAI_BASE_URL and OPENAI_API_KEY


def upload(path):
    return client.files.create(file=Path(path), purpose="fine-tune").id


# %%
from buildhour_helpers.tasks import write_rows

folder = session.scratch()
files = {
    split: upload(write_rows(of, folder / f"{split}.jsonl"))
    for split, of in rows.items()
}
print(len(files), "files uploaded:", ", ".join(files))

# %% [markdown]
# ## One request
#
# The request names the files, the model, your tools with their addresses,
# and the grader. `max_episode_steps` ends a rollout that never answers. The
# client's types do not know `tools`, so they travel in a plain dictionary.

# %% take="1"
import os

MODEL = os.environ.get("BUILDHOUR_MODEL", "sim-agent-mini")
TOOLS_URL = os.environ["BUILDHOUR_TOOLS_URL"]
HEADERS = {"Authorization": "Bearer " + os.environ["BUILDHOUR_TOOLS_KEY"]}


def endpoint(name):
    return {"server_url": f"{TOOLS_URL}/{name}", "headers": HEADERS}


TOOLS = [{"name": name, **endpoint(name)} for name in ("search", "list", "cat")]
GRADER = {
    "type": "endpoint",
    "name": "right_value",
    "url": f"{TOOLS_URL}/grade",
    "headers": HEADERS,
}


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
        seed=7,  # the same request gives the same job
    )


# %% [markdown]
# Launch it. Everything that we leave out is `auto`.

# %%
SETTINGS = {"batch_size": 13, "eval_interval": 5}
job = launch(files, SETTINGS)
method = job.method.reinforcement
print(job.object, "of", job.model)
print(method.hyperparameters.to_dict())
print("keys stay hidden:", method.tools[0]["headers"])

# %% [markdown]
# *Time to here: 4 minutes.*
#
# The dashboard shows status, curves and events, and has buttons to pause,
# resume and cancel. `session.open_page(job.id)` opens the same in a browser,
# with every rollout to read. Leave it running and read on.

# %% tags=["uncompared"]
from buildhour_helpers.analysis.widgets import JobDashboard

dashboard = JobDashboard(client, job.id)
dashboard

# %%
settings = method.hyperparameters
per_step = 8 * settings.batch_size
print(f"each step: {settings.batch_size} rows x 8 = {per_step} rollouts")

# %% [markdown]
# ## What one step does
#
# 1. **Sample.** A step takes `batch_size` rows and runs a *group* of rollouts
#    for each, 8 by default, with your tools and your grader.
# 2. **Compare.** A rollout's *advantage* is its reward minus its group's mean.
#    This is **GRPO**, without its division by the standard deviation. Where
#    all rewards of a group are equal, the advantage is 0: a **zero-variance
#    group** teaches nothing.
# 3. **Update.** Sampled actions with a positive advantage become likelier.
#    Prompts and tool results are **masked**: the model did not write them.
#
# Every action of a rollout gets the same advantage. There is **no per-turn
# credit**: a good search in a rollout that failed is discouraged too. Large
# groups average this out.
#
# An update goes over the step's rollouts more than once. After the first
# pass they are slightly **off-policy**: older weights sampled them. So
# **PPO** looks at the *ratio* of an action's new probability to its old one,
# and *clips* it: an action that has moved by more than 20% in this step is
# pushed no further.
#
# ## What each hyperparameter does
#
# | name | what it sets | `auto` here |
# |---|---|---|
# | `n_epochs` | how often each row is used | 1 |
# | `batch_size` | rows per step | 16 |
# | `compute_multiplier` | rollouts per row: 8 times this | 1 |
# | `learning_rate_multiplier` | how far one update goes | 1 |
# | `reasoning_effort` | how long the model may think in a turn | `default` |
# | `eval_interval` | steps between two validations | 5 |
# | `eval_samples` | rollouts per validation row | 1 |
# | `reasoning_token_penalty` | reward lost per 1,000 reasoning tokens | 0.1 |
#
# OpenAI does not publish what its `auto` means, and has no such penalty; ours
# is an extension. The two `eval_` settings change the bill and the number of
# checkpoints, and nothing that is learned. The others we **recorded**: from
# the same base weights, each job changes one thing in a small baseline job.
# Five seeds each choose other rows and other rollouts.

# %%
import pandas as pd

variants = {one["name"]: one for one in recorded["variants"]}
baseline = variants["baseline"]
print("baseline:", recorded["baseline"], "on", baseline["rows"], "rows")
print(len(variants), "settings, seeds", *recorded["seeds"])

# %% [markdown]
# All jobs end with the same 100 validation questions. So we can subtract the
# baseline's reward question by question and seed by seed.

# %%
from statistics import fmean

from buildhour_helpers.analysis.statistics import paired_difference


def rewards(name):
    return [one["rewards"] for one in variants[name]["jobs"]]


effects = {
    name: paired_difference(rewards("baseline"), rewards(name))
    for name in variants
    if name != "baseline"
}
effects = dict(sorted(effects.items(), key=lambda one: -one[1].value))

# %%
from buildhour_helpers.analysis import figures

usual = rewards("baseline")
by_seed = {
    name: [fmean(a) - fmean(b) for a, b in zip(rewards(name), usual)]
    for name in effects
}
clear = [name for name in effects if effects[name].is_clear_of_zero]
figure = figures.intervals(
    effects,
    f"{len(clear)} of {len(effects)} settings differ clearly",
    unit="validation reward minus the baseline job's",
    line=("baseline job", 0.0),
    seeds=by_seed,
    note="simulated model, recorded; a small dot is a seed",
)
figure

# %%
print("minus the baseline job, with its 95% interval:")
for name, effect in effects.items():
    print(f"  {name:31}{effect:+.3f}")

# %% [markdown]
# FINDINGS-1
#
# What each setting spends, and what the tuned agent then spends per answer:


# %%
def columns(one):
    jobs = one["jobs"]
    valid = [job["usage"]["valid"] for job in jobs]
    each = sum(used["rollouts"] for used in valid)
    return {
        "rollouts": jobs[0]["usage"]["train"]["rollouts"],
        "zero-var.": fmean(job["zero_variance_groups"] for job in jobs),
        "KL": fmean(job["kl_to_base"] for job in jobs),
        "entropy": fmean(job["entropy"][-1] for job in jobs),
        "calls": sum(used["tool_calls"] for used in valid) / each,
        "reasoning": sum(used["reasoning_tokens"] for used in valid) / each,
    }


order = ["baseline", *effects]
spent = pd.DataFrame({name: columns(variants[name]) for name in order}).T
print(spent.astype({"rollouts": int, "reasoning": int}).round(2).to_string())

# %% [markdown]
# FINDINGS-2
#
# *Time to here: 14 minutes.*
#
# ## What it will cost
#
# Do this before you launch; we launched first so that the job runs while you
# read. The number of rollouts follows from the settings alone.

# %% take="1"
from math import ceil

AUTO = {  # what "auto" stands for here; put in your service's own
    "n_epochs": 1,
    "batch_size": 16,
    "compute_multiplier": 1,
    "eval_interval": 5,
    "eval_samples": 1,
}


def count_rollouts(rows, valid_rows, settings, group=8):
    """Steps and rollouts of a job, as its settings determine them."""
    asked = {**AUTO, **settings}
    steps = asked["n_epochs"] * ceil(rows / asked["batch_size"])
    size = max(2, round(group * asked["compute_multiplier"]))
    validations = ceil(steps / asked["eval_interval"])
    return {
        "steps": steps,
        "train": asked["n_epochs"] * rows * size,
        "validation": validations * valid_rows * asked["eval_samples"],
    }


# %%
counted = count_rollouts(128, 100, SETTINGS)
print("this job:", counted)
print("1,000 rows, twice:", count_rollouts(1_000, 100, {"n_epochs": 2}))

# %% [markdown]
# What a rollout costs has to be measured: one rollout of each training row
# with the base model, and two of each validation row. You need the second
# anyway: it is the *before* of the comparison below.

# %%
from buildhour_helpers.rollouts import evaluate

sample = await evaluate(
    rows["train"],
    model=MODEL,
    file=folder / "sample.jsonl",
    progress=False,
)
before = await evaluate(
    rows["validation"],
    model=MODEL,
    repeats=2,
    file=folder / "before.jsonl",
    progress=False,
)
print(len(sample), "and", len(before), "rollouts of the base model")

# %% [markdown]
# ### Exercise 5.1: Predict the share of input
# Difficulty 1/5 · 2 minutes
#
# A rollout writes reasoning, calls and an answer. It reads the prompt, the
# tools and their results. Of all its tokens, which share is read? Write your
# guess, a number between 0 and 1, into `guess`. Any honest guess passes.

# %% exercise="5.1" difficulty=1 minutes=2
guess = None
# begin solution
guess = 0.6
# end solution

# %%
from buildhour_helpers import checks
from buildhour_helpers.analysis.costs import (
    Usage,
    usage_of,
    usage_of_job,
    usage_of_phase,
)

once, valid_once = usage_of(sample), usage_of(before)
measured = once.input_tokens / (once.input_tokens + once.output_tokens)
checks.exercise_5_1(guess, measured)

# %% [markdown]
# {{measured:.0%}} of the tokens are input, because each turn sends the whole
# conversation again. Here is one rollout: we ask the service what each of
# its turns reads. (A real provider tells you in the `usage` of each turn.)

# %%
from buildhour_helpers.tools.schemas import for_responses

tools = for_responses()


def read_by(items):
    answer = client.responses.create(model=MODEL, input=items, tools=tools)
    return answer.usage.input_tokens


def turns(record):
    """The conversation as each turn of a rollout read it."""
    items, ours = record.trace, (None, "function_call_output")
    starts = [
        n
        for n in range(1, len(items))
        if items[n].get("type") not in ours
        and items[n - 1].get("type") in ours
    ]
    return [items[:n] for n in starts]


reads = [read_by(items) for items in turns(sample[0])]
print("read turn by turn:", reads, "=", sum(reads))
assert sum(reads) == usage_of(sample[:1]).input_tokens

# %% [markdown]
# The last turn reads {{reads[-1]:,}} tokens, and these hold everything that
# was ever new. The rest was read before. A service with **prefix caching**
# keeps what it computed for the beginning of a prompt and reads it again at
# a discount. Ours has no cache; a real one reports `cached_tokens`. How much
# could a perfect cache serve?

# %%
some = sample[::8]
new = sum(read_by(turns(record)[-1]) for record in some)
cached_share = 1 - new / usage_of(some).input_tokens
print(f"read before: {cached_share:.0%} of input, in {len(some)} rollouts")

# %% [markdown]
# A model as the grader reads and writes tokens, too. Our endpoint costs none;
# here is what a model grader would use for one answer:

# %%
from buildhour_helpers.graders import specs

judge = specs.score_model()
graded = [
    client.fine_tuning.alpha.graders.run(
        grader=judge,
        item={"reference_answer": record.reference_answer},
        model_sample=record.answer or "",
    )
    for record in some
]
per_grade = fmean(one.metadata.token_usage for one in graded)
print(f"{per_grade:.0f} tokens for a grade by {judge['model']}")

# %% [markdown]
# Now the bill. The prices are **an example**: those that Tinker, a training
# service for open models, listed for Qwen3-8B on 7 October 2026, in US
# dollars per million tokens, with 80% off for cached input
# ([its price list](https://tinker-docs.thinkingmachines.ai/tinker/models/)).
# The simulated model costs nothing. Put in your provider's prices of today.

# %% take="1"
PRICES = {  # US dollars per million tokens
    "input": 0.195,
    "cached": 0.039,
    "output": 0.60,
    "trained": 0.44,
    "grader": 0.60,  # not on that list: put in your grading model's
}


def price(used, cached_share=0.0, train_share=1.0):
    """US dollars. `cached_share` of the input was read before;
    `train_share` of the rollouts are trained on, each token once."""
    cached = cached_share * used["input_tokens"]
    new = used["input_tokens"] - cached
    output = used["output_tokens"]
    tokens = {"input": new, "cached": cached, "output": output}
    tokens["trained"] = train_share * (new + output)
    tokens["grader"] = used.get("grader_tokens", 0)
    return sum(PRICES[kind] * tokens[kind] for kind in PRICES) / 1e6


# %% [markdown]
# Time follows from turns and output: each turn waits for a first token, then
# writes at some speed. Many rollouts run at once. The tools' own time comes
# on top.


# %% take="1"
def minutes(used, at_once=32, first_token_s=0.5, tokens_per_s=80):
    writing = used["output_tokens"] / tokens_per_s
    seconds = used["turns"] * first_token_s + writing
    return seconds / at_once / 60


def estimate(counted, train, valid):
    """What a job uses; `train` and `valid` are means of one rollout."""
    return {
        name: round(
            counted["train"] * mean + counted["validation"] * valid[name]
        )
        for name, mean in train.items()
    }


# %%
def bill(used, counted):
    share = counted["train"] / (counted["train"] + counted["validation"])
    return {
        **used,
        "minutes": minutes(used),
        "USD": price(used, cached_share, share),
        "USD without a cache": price(used, 0.0, share),
    }


def show(table):
    print(pd.DataFrame(table).map("{:,.2f}".format).to_string())


upper = estimate(counted, once.mean(), valid_once.mean())
show({"as the base model": bill(upper, counted)})

# %% [markdown]
# The base model is only where the job begins. This job teaches the agent to
# be brief, so rollouts get shorter while it runs. By how much? Four of the
# five recorded baseline jobs tell us; the fifth we keep for a check.


# %%
def phase_of(jobs, phase):
    found = [usage_of_phase(one["usage"][phase]) for one in jobs]
    return sum(found, Usage())


known, kept_back = baseline["jobs"][:4], baseline["jobs"][4:]
shorter = {
    "train": phase_of(known, "train").mean()["output_tokens"]
    / once.mean()["output_tokens"],
    "valid": phase_of(known, "valid").mean()["output_tokens"]
    / valid_once.mean()["output_tokens"],
}


def expect(counted):
    """The bill of a job whose rollouts get shorter, as they did before."""
    scaled = {
        **counted,
        "train": counted["train"] * shorter["train"],
        "validation": counted["validation"] * shorter["valid"],
    }
    used = estimate(scaled, once.mean(), valid_once.mean())
    return used | {"rollouts": counted["train"] + counted["validation"]}


print({phase: round(of, 2) for phase, of in shorter.items()})
expected = expect(counted)
show({"expected": bill(expected, counted)})

# %% [markdown]
# COST-FINDING
#
# *Time to here: 24 minutes.*
#
# ## Follow the job
#
# Outside a notebook you read the events. The service lists them newest first;
# this yields them oldest first, until the job has ended, and waits while a
# job is paused. Ten seconds between two requests are polite; ours is short,
# so we ask more often.

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
print(client.fine_tuning.jobs.retrieve(job.id).status)
steps = [event.data for event in events if event.type == "metrics"]
WATCHED = {
    "train_mean_reward": "reward",
    "full_valid_mean_reward": "validation",
    "tool_calls_per_rollout": "calls",
    "reasoning_tokens_mean": "reasoning",
    "mean_unresponsive_rewards": "zero-var.",
}
curve = pd.DataFrame(steps).set_index("step")[list(WATCHED)]
for name in ("entropy", "kl_to_base"):
    curve[name] = [step["update"][name] for step in steps]
print(curve.rename(columns=WATCHED).round(2).to_string(na_rep=""))

# %% [markdown]
# - **reward**: each step sees other rows, so it jumps. Look at the trend.
# - **validation**: the same rows each time. This curve decides.
# - **calls**, **reasoning**: what an answer will cost you later. Real models
#   often grow longer while they train (**length growth**).
# - **zero-var.**: the share of groups that taught nothing.
# - **entropy**: how undecided the model is. If it falls to 0, all rollouts of
#   a group are alike and learning stops: **entropy collapse**.
# - **kl_to_base**: the **KL divergence**, how far the policy has moved from
#   the base model. Some trainers add it as a penalty; this one relies on
#   clipping.

# %%
figure = figures.training_curves(steps, note="simulated model")
figure

# %%
print(figure.alt_text())

# %% [markdown]
# ## Did it learn?
#
# The last model answers the validation questions, which it was never trained
# on. We compare question by question with the base model.

# %%
from buildhour_helpers.analysis.summaries import compare

tuned = client.fine_tuning.jobs.retrieve(job.id).fine_tuned_model
after = await evaluate(
    rows["validation"],
    model=tuned,
    repeats=2,
    file=folder / "after.jsonl",
    progress=False,
)
compared = compare(before, after)
gain = compared.difference["reward"]
print(f"reward {gain:+.2f} on {compared.questions} questions")
for name in ("tool_calls", "turns", "reasoning_tokens"):
    print(f"{name:17}{compared.change[name]:+.0%}")
assert gain.low > 0

# %% [markdown]
# LEARN-FINDING
#
# ## Was the bill right?

# %%
def check(expected, used, counted):
    """Two bills side by side; each line must be within 10%."""
    bills = [bill(of, counted) for of in (expected, used)]
    table = pd.DataFrame(bills, ["expected", "used"]).T
    table = table[table["expected"] > 0]
    table["ratio"] = table["used"] / table["expected"]
    print(table.map("{:,.2f}".format).to_string())
    assert table["ratio"].between(0.9, 1.1).all()
    return table["ratio"]


ratio = check(expected, vars(usage_of_job(steps)), counted)

# %% [markdown]
# BILL-FINDING
#
# The same sample also predicts the bill of the fifth **recorded** baseline
# job, which trained on other rows:

# %%
counted_80 = count_rollouts(80, 100, recorded["baseline"])
used_80 = phase_of(kept_back, "train") + phase_of(kept_back, "valid")
recorded_ratio = check(expect(counted_80), vars(used_80), counted_80)

# %%
judged = recorded["model_grader"]
grades = sum(phase["rollouts"] for phase in judged["usage"].values())
ratio_of_grades = judged["grader_tokens"] / (per_grade * grades)
print(f"grader tokens, used / expected: {ratio_of_grades:.2f}")
assert 0.9 < ratio_of_grades < 1.1

# %% [markdown]
# GRADER-FINDING
#
# Do not forget the pilot that found the rows. It is paid once, and serves
# every later job on these questions:

# %%
found_by = usage_of_phase(pilot["usage"])
pilot_usd = price(vars(found_by), cached_share, train_share=0)
print(f"pilot: {found_by.rollouts:,} rollouts, USD {pilot_usd:.2f}")

# %% [markdown]
# *Time to here: 30 minutes.*
#
# ## Decide with a cost
#
# A job is paid once. Its agent is paid for with every answer. From the
# recorded jobs, at the example prices:

# %%
CHOICES = {
    "penalty 0": "reasoning_token_penalty 0",
    "penalty 0.1": "baseline",
    "penalty 0.3": "reasoning_token_penalty 0.3",
    "2 epochs": "n_epochs 2",
}


def usd(usage, train_share):
    return price(usage.mean(), cached_share, train_share)


# %%
prices_of = {"base model": (fmean(recorded["validation"]["base_rewards"]), usd(valid_once, 0), 0.0)}
for choice, name in CHOICES.items():
    jobs = variants[name]["jobs"]
    trained = phase_of(jobs, "train")
    prices_of[choice] = (
        fmean(map(fmean, rewards(name))),
        usd(phase_of(jobs, "valid"), 0),
        usd(trained, 1) * trained.rollouts / len(recorded["seeds"]),
    )
fields = ["reward", "answer_usd", "job_usd"]
options = pd.DataFrame(prices_of, fields).T
print(options.round(4).to_string())

# %% [markdown]
# ### Exercise 5.2: Choose the option that pays
# Difficulty 3/5 · 6 minutes
#
# Write `decide(options, answers, value_usd)`. `options` maps a name to a
# dictionary with `reward` (the mean of an answer), `answer_usd` (the price of
# an answer) and `job_usd` (the price of the job). Your agent will answer
# `answers` questions in its life, and a reward of 1 is worth `value_usd` to
# you. Return the name of the option that leaves you the most money.


# %% exercise="5.2" difficulty=3 minutes=6
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
# A pause takes effect at once: the step in flight is given up, and run again
# after the resume. Pause when your tools need a restart. A smaller job shows
# it: 16 rows, groups of 4.

# %%
SMALL = {"batch_size": 4, "compute_multiplier": 0.5, "eval_interval": 2}
small_files = {
    split: upload(write_rows(rows[split][:count], folder / f"{split}-small"))
    for split, count in (("train", 16), ("validation", 10))
}


def wait_for(job_id, *statuses):
    while True:
        found = client.fine_tuning.jobs.retrieve(job_id)
        if found.status in statuses:
            return found
        time.sleep(0.02)


# %%
small = launch(small_files, SMALL)
wait_for(small.id, "running")
print(client.fine_tuning.jobs.pause(small.id).status)
client.fine_tuning.jobs.resume(small.id)
resumed = [e.data["step"] for e in follow(small.id, 0.5) if e.type == "metrics"]
print(wait_for(small.id, *ENDED).status, "after steps", *resumed)
assert resumed == [1, 2, 3, 4]

# %% [markdown]
# No step is missing, and none was run twice. Cancelling is final: there is
# no tuned model, but checkpoints made before it stay.

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
for step, reward, model in checkpoints(job.id):
    short = model.split(":")[-1]
    print(f"step {step}: validation reward {reward:.2f}, ...:{short}")

# %% [markdown]
# `fine_tuned_model` is the model after the *last* step, not the best one.
# Lesson 06 chooses.
#
# *Time to here: 33 minutes.*
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

proxy, web = FastAPI(), httpx.Client(headers=HEADERS)


@proxy.post("/cat")
def cat(body: dict):
    answer = web.post(f"{TOOLS_URL}/cat", json=body).json()
    if body["item"]["answer_kind"] == "percent":
        answer["result"] = answer.pop("output")  # the bug
    return answer


# %%
with served(proxy) as url:
    broken_cat = {"name": "cat", "server_url": f"{url}/cat"}
    broken = launch(small_files, SMALL, tools=[*TOOLS[:2], broken_cat])
    told = list(follow(broken.id, poll_s=0.5))
print(wait_for(broken.id, *ENDED).status)
print([event.message for event in told if event.level == "warn"][0])

# %% [markdown]
# The job *succeeded*. Only the warnings say that rollouts were thrown away.
# They are not scored 0, because the model did nothing wrong. But what is left
# is a biased sample, the rows that the bug spared. Stop, fix the tool, start
# again.

# %%
lost = [e.data["errors"] for e in told if e.type == "metrics"]
discarded = [step["train_discarded"] for step in lost]
print("discarded of 16, step by step:", discarded)
assert sum(discarded) > 0

# %% [markdown]
# **A zero-variance grader.** Nothing fails here. The grader compares with a
# whole sentence, the prompt asks for the bare number, so no answer ever
# matches. This one was **recorded**, beside the same job with a working
# grader:

# %%
useless = load("flat_grader")
print("recorded by:", useless["command"])
print("the grader compares with:", useless["grader"]["reference"])
zero, working = useless["flat"], useless["working"]
print("warn:", zero["warnings"][-1])

# %%
for name, run in (("zero-variance", zero), ("working", working)):
    same = run["same_answers"] / run["rollouts"]
    print(f"{name:14}{run['weights_changed']:5} of {run['weights']:,} weights")
    print(f"{'':14}changed; {same:4.0%} of held-out answers are the same")
assert zero["weights_changed"] == 0 < working["weights_changed"]
shares = [step["mean_unresponsive_rewards"] for step in zero["steps"]]
print("share of zero-variance groups, step by step:", shares)

# %% [markdown]
# This job succeeded too, and its model answers as the base model does, every
# time. A constant reward of 0.5 would look the same. The sign to watch is the
# share of zero-variance groups, 1 in every step.
#
# ### Exercise 5.3: Diagnose a step
# Difficulty 3/5 · 6 minutes
#
# Write `diagnose(step)` for the `data` of one metrics event. Return
# `"discarded"` if no training rollout was usable, `"zero variance"` if some
# were but no group could teach, else `"ok"`. What you need is in `usage`,
# `errors` and `mean_unresponsive_rewards` (print `steps[0]`). The check
# tries steps that you have not seen.


# %% exercise="5.3" difficulty=3 minutes=6
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
# The cells to copy use nothing but `openai`: those with `upload`, `TOOLS`,
# `launch`, `count_rollouts`, `price`, `minutes` and `estimate`, `follow` and
# `checkpoints`. Change in them:
#
# - `MODEL`, the variables that name your tool server, and your tools' names;
# - the grader, if it is not an endpoint (lesson 04 has the other kinds);
# - `AUTO` and `PRICES`, to what your service says today, and `group`,
#   `at_once` and `tokens_per_s`, to what you measure.
#
# Only this service has `reasoning_token_penalty` and pauses on an endpoint
# that is down. Tools in a request are OpenAI's Agent RFT; others differ.
#
# ## With a real model
#
# REALBOX
#
# ## Recap
#
# RECAP
#
# ## Three questions
#
# <details><summary>Training reward is 0.0 in every step. Is the grader
# broken?</summary>
#
# Read a few answers. If right ones score 0, it is the grader. If all are
# wrong, the task is too hard as it stands: easier questions, partial credit or
# a better prompt first. Either way there is no variance, and nothing is
# learned.
# </details>
#
# <details><summary>Why is a rollout whose tool failed discarded, and not
# scored 0?</summary>
#
# A 0 says "what you did was bad". The agent did nothing wrong. Scored 0, each
# outage of your tools would teach it to avoid them.
# </details>
#
# QUESTION3
