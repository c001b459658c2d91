# %% [markdown]
# # 06 Analysing results
#
# A job has ended and its curve went up. Is the agent better? By how much, at
# what cost, on which questions, and where is it worse? One full run answers.
#
# **In this lesson you will**
#
# - compare two models on held-out questions, with honest intervals;
# - weigh reward against latency, calls and tokens;
# - see single questions get better and worse, and read why;
# - watch errors vanish from the tool sequences, and a new habit appear;
# - choose a checkpoint, and say when a job should have stopped.
#
# **Time** 40 minutes. **Before** Lesson 05, or a tuned model of your own.
# Every figure comes from the **simulated model**. They show how to read a run;
# they do not forecast what a large model gains.

# %%
from buildhour_helpers import session

session.start()
print(session.describe(), "·", session.model())

# %% [markdown]
# ## The run
#
# A full job is too long for a lesson, so this one was **recorded**: the base
# model on every held-out question, three times each; the job; and the chosen
# checkpoint on the same questions. Training saw none of their companies.

# %%
from buildhour_helpers.recordings import load_records
from buildhour_helpers.recordings import load

run = load("main_run")
before = load_records("main_run.before")
after = load_records("main_run.after")
print("recorded by:", run["command"])
print("questions:", run["questions"], "repeats:", run["repeats"])
print("rollouts:", len(before), "before,", len(after), "after")
print("steps:", len(run["steps"]), "chosen:", run["chosen_step"])

# %% [markdown]
# A record is one rollout: question, actions, answer, reward, cost.
# `rollouts.evaluate` writes the same for your own models. Two questions, live:

# %%
from statistics import fmean

from buildhour_helpers.rollouts import evaluate
from buildhour_helpers.tasks import BEST_PROMPT, build_rows, load_questions
from buildhour_helpers.tools.schemas import DEFINITIONS

questions = {q.id: q for q in load_questions(split="test")}
two = list(questions.values())[:2]
live = await evaluate(
    build_rows(two, BEST_PROMPT, DEFINITIONS),
    model=session.model(),
    repeats=3,
    file=session.scratch() / "live.jsonl",
    progress=False,
)
print(len(live), "records with", ", ".join(vars(live[0])))

# %% [markdown]
# ## Is it better?
#
# **The unit is the question, not the rollout.** Three rollouts of one
# question resemble each other: they are not three pieces of evidence. So
# average the repeats of each question first.

# %% take="1"
from collections import defaultdict
from statistics import fmean


def question_means(records, value):
    """The mean of value(record) for each question, over its repeats."""
    groups = defaultdict(list)
    for record in records:
        if record.reward is not None:  # discarded: no verdict, not a 0
            groups[record.question_id].append(value(record))
    return {question: fmean(values) for question, values in groups.items()}


# %%
old = question_means(before, lambda r: r.reward)
new = question_means(after, lambda r: r.reward)
print(f"{fmean(old.values()):.3f} before, {fmean(new.values()):.3f} after")

# %% [markdown]
# Two means are no finding yet: other questions would have given others, and
# an interval says how different. A bootstrap gets it from the data: draw as
# many questions as there are, with replacement, ten thousand times.

# %%
from buildhour_helpers.analysis.summaries import compare, summarise
from buildhour_helpers.analysis.tables import summary_table

comparison = compare(before, after)
table = summary_table(summarise(before), summarise(after))
table.columns = ["before", "after"]
print(table.to_string())
difference = comparison.difference["reward"]
print("\nreward, after minus before:", difference)
assert difference.low > 0, "the gain is clear of zero"

# %% [markdown]
# The 95% interval of the difference lies above zero: on questions like
# these the tuned agent is better, by about as much as the brackets say.
# Quote them with the number, always.
#
# **Why paired?** Some questions are easy for both models, some hopeless.
# Drawing the *same* questions for both takes that spread out of the
# difference. Unpaired, the same data say less:

# %%
import numpy as np

ids = [question for question in old if question in new]
was = np.array([old[question] for question in ids])
now = np.array([new[question] for question in ids])
random = np.random.default_rng(0)


def resampled(values):
    drawn = random.integers(0, len(values), (10_000, len(values)))
    return values[drawn].mean(axis=1)


apart = np.quantile(resampled(now) - resampled(was), [0.025, 0.975])
print(f"paired:   {difference.high - difference.low:.3f} wide")
print(f"unpaired: {apart[1] - apart[0]:.3f} wide")
assert difference.high - difference.low < apart[1] - apart[0]

# %% [markdown]
# *Time to here: 5 minutes.*
#
# ### Exercise 6.1: a paired bootstrap
# Difficulty 3/5 · 8 minutes
#
# Write `paired_bootstrap(before, after, resamples=4000)`. It takes two lists
# of numbers, where element *i* of both is of the same question, and returns
# `(difference, low, high)`: the mean of `after` minus that of `before`, and
# the ends of its 95% interval, pairing by question. Use numpy. Passing looks
# like "right" on data where pairing matters and on data where it does not.


# %% exercise="6.1" difficulty=3 minutes=8
def paired_bootstrap(before, after, resamples=4000):
    # begin solution
    change = np.array(after) - np.array(before)
    random = np.random.default_rng(0)
    drawn = random.integers(0, len(change), (resamples, len(change)))
    low, high = np.quantile(change[drawn].mean(axis=1), [0.025, 0.975])
    return change.mean(), low, high
    # end solution


# %%
from buildhour_helpers import checks

checks.exercise_6_1(paired_bootstrap)

# %% [markdown]
# ## At what cost?
#
# Reward is half of the story. The same comparison for what a rollout costs,
# as relative changes:

# %%
for name, by in comparison.change.items():
    print(f"{name:17} {by.value:+.0%} [{by.low:+.0%}, {by.high:+.0%}]")
assert comparison.change["reasoning_tokens"].high < 0
assert comparison.change["latency_s"].high < 0

# %% [markdown]
# Thinking and time fell, and the agent was paid for that: in training, each
# rollout's reward is lowered by the job's `reasoning_token_penalty` (lesson 05)
# for every 1,000 reasoning tokens, and a turn that calls a tool costs some. So
# these rows alone do not show that it knows where to look. The reward does,
# and it rose.
#
# One picture holds both: up is better, left is faster. A model that moved
# up *and* right has bought its reward with waiting time.

# %%
from buildhour_helpers.analysis import figures

figure = figures.reward_against_latency(before, after)
figure

# %%
print(figure.alt_text())

# %% [markdown]
# Latency is simulated here, computed from the tokens, and so the same on any
# machine. Measure your own with wall time.
#
# ## Which questions?
#
# A mean can rise while a group of questions falls. Each point below is one
# question: its change of reward, against its change of tool calls.

# %%
figure = figures.question_deltas(before, after)
figure

# %%
print(figure.alt_text())

# %% [markdown]
# Four stories: *better and cheaper* found the short way; *better, not cheaper*
# learnt to look further; *worse and cheaper* gave up too early (read these
# first: they are the price of the others); *worse, not cheaper* got lost.


# %% take="1"
from collections import Counter


def quadrants(reward_change, cost_change):
    """Count questions that changed in reward, by whether they cost less."""
    counts = Counter()
    for question, change in reward_change.items():
        if change:
            verdict = "better" if change > 0 else "worse"
            cheaper = cost_change[question] < 0
            counts[f"{verdict}, {'' if cheaper else 'not '}cheaper"] += 1
    return counts


# %%
old_calls = question_means(before, lambda r: r.metrics.tool_calls)
new_calls = question_means(after, lambda r: r.metrics.tool_calls)
counts = quadrants(
    {question: new[question] - old[question] for question in ids},
    {
        question: new_calls[question] - old_calls[question]
        for question in ids
    },
)
print(dict(counts))
better = counts["better, cheaper"] + counts["better, not cheaper"]
worse = counts["worse, cheaper"] + counts["worse, not cheaper"]
assert better > worse > 0

# %% [markdown]
# More got better than worse, and some did get worse, as in nearly every run
# worth shipping. With three repeats a question also moves by luck: before you
# mourn a single one, roll it out again.
#
# Cut your own results along the lines your users see, too: by customer, by
# document, by language.
#
# *Time to here: 17 minutes.*
#
# ## What does it do differently?
#
# Now the actions. Which tool follows which, as shares of each row:

# %%
figure = figures.tool_transitions(before, after)
figure

# %%
print(figure.alt_text())

# %% [markdown]
# And the commonest whole sequences. A trained agent settles on a few:


# %% take="1"
def calls_of(record):
    """The tool calls of a record, in order: (name, arguments as text)."""
    return [
        (item["name"], item["arguments"])
        for item in record.trace
        if item.get("type") == "function_call"
    ]


def sequences(records):
    """How often each sequence of tools occurs."""
    return Counter(
        " ".join(name for name, _ in calls_of(record)) for record in records
    )


# %%
for label, records in (("before", before), ("after", after)):
    found = sequences(records)
    print(f"{label}: {len(found)} different sequences, most often")
    for tools, count in found.most_common(4):
        print(f"  {count / len(records):4.0%}  {tools}")
assert len(sequences(after)) < len(sequences(before))

# %% [markdown]
# What does it waste? A call that the tool answered with `Error:`, or one
# that repeats an earlier call of the same rollout word for word. We count
# both, and of the second those that read a page again.


# %%
def repeated(record):
    """The calls of a rollout that it had made before, word for word."""
    made = calls_of(record)
    return [call for i, call in enumerate(made) if call in made[:i]]


def waste(records):
    again = [repeated(record) for record in records]
    names = Counter(name for calls in again for name, _ in calls)
    return {
        "errors": sum(record.metrics.tool_errors for record in records),
        "repeated": names.total(),
        "of them cat": names["cat"],
        "rollouts that repeat": sum(map(bool, again)),
    }


# %%
import pandas as pd

wasted = pd.DataFrame({"before": waste(before), "after": waste(after)})
print(wasted.to_string())
assert wasted.loc["errors", "after"] < wasted.loc["errors", "before"] / 2

# %% [markdown]
# No rule against either was given. An error costs a call that could have
# found the page, so such rollouts tend to score below their group's mean, and
# most errors vanish. Repeats do not: look at the other rows. An agent that
# reads again a page that it has read loses little as long as it has calls
# left, so nothing pushes against it, and what nothing pushes against may
# spread. Look for such habits: no reward shows them.
#
# ## Two traces side by side
#
# Numbers say that something changed. Traces say what. We take the question
# that gained most: its worst rollout before, and its best one after. (The
# records leave out what the tools said; `whole` makes the calls again.)

# %%
from buildhour_helpers.recordings import whole
from buildhour_helpers.reports import load as load_reports
from buildhour_helpers.tools.functions import ReportTools

tools = ReportTools(load_reports()).functions()
most = max(ids, key=lambda question: new[question] - old[question])


def rollouts_of(question, records):
    """Its graded rollouts, the worst first."""
    graded = (r for r in records if r.question_id == question)
    return sorted(graded, key=lambda r: r.reward or 0)


worst = whole(rollouts_of(most, before)[0], tools)
best = whole(rollouts_of(most, after)[-1], tools)
print(questions[most].text)
print("reference:", questions[most].answer_text)

# %% tags=["uncompared"]
from IPython.display import HTML

from buildhour_helpers.analysis.widgets.viewer import trace_of
from rft_traces import pair_html, style

pair = pair_html(trace_of(worst), trace_of(best), ("Before", "After"))
HTML(f"<style>{style()}</style>{pair}")

# %% [markdown]
# The same in short: each call, and the first line of what came back.


# %%
def tell(record):
    outputs = {
        item["call_id"]: item["output"]
        for item in record.trace
        if item.get("type") == "function_call_output"
    }
    for item in record.trace:
        if item.get("type") == "function_call":
            said = outputs[item["call_id"]].splitlines()[0]
            print(f"  {item['name']}({item['arguments'][:60]})")
            print(f"      {said[:66]}")
    print(f"  answer {record.answer!r}, reward {record.reward}")


for label, record in (("before", worst), ("after", best)):
    print(label)
    tell(record)
assert best.reward > worst.reward

# %% [markdown]
# Read a dozen such pairs before you believe a curve. `TraceViewer(after)` of
# `analysis.widgets` lets you browse them all.
#
# *Time to here: 21 minutes.*
#
# ## Where it got worse
#
# Before you ship, you owe an answer to "what did we break?". A rollout can go
# wrong in two places: it never read a page that holds the answer, or it read
# one and drew the wrong number from it.


# %%
import json


def pages_read(record):
    """The pages that a rollout read with cat."""
    return {
        json.loads(arguments).get("path", "").strip("/")
        for name, arguments in calls_of(record)
        if name == "cat"
    }


def found_page(record):
    gold = questions[record.question_id].gold_pages
    return bool(pages_read(record) & set(gold))


for label, records in (("before", before), ("after", after)):
    reached = [record for record in records if found_page(record)]
    right = fmean(record.correct for record in reached)
    print(
        f"{label}: read the page in {len(reached) / len(records):.0%} of "
        f"rollouts, and was then right in {right:.0%}"
    )

# %% [markdown]
# They tell you what to work on next: a low first number wants better search
# or more calls; a low second one wants better reading and computing, and no
# search engine will help it.
#
# ### Exercise 6.2: what regressed, and why
# Difficulty 3/5 · 10 minutes
#
# Write `regressed(before, after, gold)`: two lists of records, and for each
# question the set of pages that answer it. Return a dictionary from each
# question whose **mean** reward fell to the reason: `"page not read"` if no
# rollout of `after` read one of its gold pages, else `"read, but wrong"`.
# Leave out discarded records (reward None). Use `question_means` and
# `pages_read`. Passing looks like "right" on records with one trap each.


# %% exercise="6.2" difficulty=3 minutes=10
def regressed(before, after, gold):
    # begin solution
    was, now = (
        question_means(records, lambda r: r.reward)
        for records in (before, after)
    )
    read = {
        record.question_id
        for record in after
        if record.reward is not None
        and pages_read(record) & gold[record.question_id]
    }
    return {
        question: "read, but wrong" if question in read else "page not read"
        for question in was
        if question in now and now[question] < was[question]
    }
    # end solution


# %%
checks.exercise_6_2(regressed)

# %% [markdown]
# Here is the question that fell furthest, in its worst rollout afterwards:

# %%
least = min(ids, key=lambda question: new[question] - old[question])
print(questions[least].text)
print("reference:", questions[least].answer_text)
print(f"reward {old[least]:.2f} before, {new[least]:.2f} after")
fallen = whole(rollouts_of(least, after)[0], tools)
tell(fallen)
print("  it read a page that answers it:", found_page(fallen))
assert new[least] < old[least]

# %% [markdown]
# Ask of each such trace: is it a habit that training has taught, or bad luck
# that the base model might have had as well? Habits show up again in the
# other fallen questions.
#
# *Time to here: 34 minutes, exercises included.*
#
# ## Choosing a checkpoint
#
# The curve of the job, with what the service measured as it went:

# %%
figure = figures.training_curves(
    run["steps"], note="simulated model, recorded"
)
figure

# %%
print(figure.alt_text())

# %% [markdown]
# The rule is short: **choose on validation, report on held-out.** Below are
# the checkpoints that the service kept: the validation reward that the job
# saw, the same measured again with three repeats, the held-out reward, which
# had no say in the choice, and the tool calls per rollout at that step.

# %%
checkpoints = pd.DataFrame(run["checkpoints"]).set_index("step")
rewards = pd.DataFrame(dict(checkpoints.pop("validation_rewards")))
for name in ("validation", "held_out"):
    checkpoints[name] = [
        f"{value:.2f} [{low:.2f}, {high:.2f}]"
        for value, low, high in checkpoints[name]
    ]
cost = {s["step"]: s["tool_calls_per_rollout"] for s in run["steps"]}
checkpoints["calls"] = [round(cost[step], 1) for step in checkpoints.index]
print(checkpoints.round({"job_said": 2}).to_string())
chosen = checkpoints["job_said"].idxmax()
print("chosen:", chosen)
assert chosen == run["chosen_step"]

# %% [markdown]
# The best of several noisy numbers is too good on average: part of what made
# it the best was luck, which does not come along to held-out questions. And
# the brackets overlap. Can the rows be told apart? Overlapping brackets are
# no such test. All these checkpoints answered the same questions, so compare
# them **in pairs**, on validation:

# %%
from buildhour_helpers.analysis.statistics import paired_difference

for step in rewards.columns.drop(chosen):
    apart = paired_difference(rewards[step], rewards[chosen])
    print(f"step {chosen} less step {step}: {apart}")

# %% [markdown]
# A bracket above zero rules a candidate out. One that holds zero does not
# make two checkpoints equal: its upper end says what you may be giving up.
# Take the cheaper one only where you could bear that. Else measure both with
# more questions. And never let the held-out column choose.
#
# ## When to stop
#
# A job that memorises its rows goes on climbing in training while validation
# stays behind. Our rule: **stop when training reward, smoothed, is more than
# 0.10 above validation at two validations in a row.**


# %% take="1"
def smoothed(values, half=2):
    """The mean over up to five neighbouring steps."""
    return [
        fmean(values[max(0, i - half) : i + half + 1])
        for i in range(len(values))
    ]


def gaps(steps):
    """(step, smoothed training less validation reward) where validated."""
    train = smoothed([step["train_mean_reward"] for step in steps])
    return [
        (step["step"], value - step["full_valid_mean_reward"])
        for step, value in zip(steps, train)
        if step["full_valid_mean_reward"] is not None
    ]


# %% take="1"
from itertools import pairwise


def stop_at(steps, limit=0.10):
    """The step at which to stop, or None if there is no need."""
    wide = [(step, gap > limit) for step, gap in gaps(steps)]
    for (_, first), (step, second) in pairwise(wide):
        if first and second:
            return step
    return None


# %% [markdown]
# Our run used every training row once. Beside it a recorded job that spent as
# many rollouts on a few rows:

# %%
few_rows = load("hyperparameters")["arms"][-1]
print(few_rows["rows"], "rows,", few_rows["changed"]["n_epochs"], "epochs")
curves = {"our run": run["steps"], "few rows": few_rows["curve"]}
figure = figures.training_gaps(curves, note="simulated model, recorded")
figure

# %%
print(figure.alt_text())

# %%
for name, steps in curves.items():
    valid = [step["full_valid_mean_reward"] for step in steps]
    first, *_, last = [reward for reward in valid if reward is not None]
    went = f"validation {first:.2f} -> {last:.2f}"
    print(f"{name}: {went}, stop at {stop_at(steps)}")
assert gaps(few_rows["curve"])[-1][1] > gaps(run["steps"])[-1][1]

# %% [markdown]
# Over and over the same rows, training reward leaves validation behind. Look
# at where validation began and ended: that is all that the money has bought.
# With new rows in every step there is nothing to memorise: stop when
# validation has been flat for longer than its own noise.
#
# The rule needs two sets of one difficulty. If yours differ, compare the gap
# with that of the first step, and not with 0.
#
# ## Take it with you
#
# The cells to copy are those with `question_means`, `quadrants`, `calls_of`
# with `sequences`, and `smoothed`, `gaps` and `stop_at`. They need no package.
# Rollouts of lesson 01 become records so:
#
# ```python
# from types import SimpleNamespace
#
#
# def record_of(rollout):
#     items = rollout["items"]
#     trace = [i if isinstance(i, dict) else i.model_dump() for i in items]
#     return SimpleNamespace(trace=trace, **rollout)
# ```
#
# Change in them:
#
# - `reward`, `question_id`, `trace`: to what your records call these;
# - the limit of 0.10: to what your validation set can resolve. With 50
#   questions, gaps below 0.10 are noise.
#
# For the intervals, take your own `paired_bootstrap`.
#
# ## Recap
#
# - Questions are the unit; pair them; quote the interval with the number.
# - Reward, calls, tokens and latency belong into one table.
# - Some questions get worse in every good run: find them, name the reason.
# - Choose on validation, in pairs; report on held-out.
# - Training above validation by more than 0.10, twice: stop.
#
# ## Three questions
#
# <details><summary>Your gain is +0.04, with an interval from -0.01 to +0.09.
# What do you report, and what do you do?</summary>
#
# Report exactly that. Then get more questions, which narrow the interval;
# more repeats hardly do. Do not try checkpoints on the held-out set until
# one is clear of zero: that is choosing on the test.
# </details>
#
# <details><summary>Reward is up, and tool calls have doubled. Ship it?
# </summary>
#
# Look at the quadrants. Where reward rose with the calls, it learnt to look
# further, and you bought reward with latency. Where it did not, it learnt a
# habit: put a price on calls, or take an earlier checkpoint.
# </details>
#
# <details><summary>The highest validation reward is at the very first
# checkpoint. What now?</summary>
#
# Measure again with more repeats: it may be luck. If it stays, nothing was
# learnt that carries over. Look at flat groups, at the learning rate, and at
# the gap, in this order.
# </details>
