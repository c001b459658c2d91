# %% [markdown]
# # 06 Analysing results
#
# A job has ended and its curve went up. Is the agent better? By how much, at
# what cost, and on which questions is it worse? This lesson answers that for
# a whole study: one agent before training, and five jobs after it.
#
# **In this lesson you will**
#
# - split accuracy into finding the page and reading it correctly;
# - put an interval on a gain, over questions and over jobs;
# - see what changed: cost, tool sequences, single traces;
# - list what got worse, and test whether the agent forgot another task;
# - choose a checkpoint, weighing its cost.
#
# **Time** 40 minutes. **Before** Lesson 05 helps, but nothing is carried over.
# Every number comes from the **simulated model**, and the jobs are
# **recorded**, because five of them take too long for a lesson. The numbers
# show how to read a run. They do not forecast what a large model gains.

# %%
from buildhour_helpers import session

session.start()
print(session.describe())

# %% [markdown]
# ## The recording
#
# You have the base model with the best prompt on every held-out question,
# three rollouts each, and five jobs that differ only in their seed. `before`
# and `after` hold the rollouts of the base model and of the first job. Of
# the other four jobs the recording keeps one mean reward for each question.

# %%
from buildhour_helpers.recordings import load, load_records

run = load("main_run")
before = load_records("main_run.before")
after = load_records("main_run.after")
print("recorded by:", run["command"])
print(len(before), "rollouts before,", len(after), "after")
print("seeds of the jobs:", *(job["seed"] for job in run["jobs"]))

# %% [markdown]
# Each question has its **gold pages**: those that hold the answer.

# %%
from buildhour_helpers.tasks import load_questions

questions = {q.id: q for q in load_questions(split="test")}
gold = {q.id: set(q.gold_pages) for q in questions.values()}
print(len(questions), "held-out questions")

# %% [markdown]
# ## Was the page found, and was it read correctly?
#
# To answer, the agent must open the right page
# and then take the right number from it. Apart from a few lucky answers:
#
# > accuracy = P(found) × P(right | found)
#
# P(right | found) is the share of right answers among the rollouts that
# found the page. Each part has its own fix, so you want both. Read the calls
# from the trace first:


# %% take="1"
import json


def arguments_of(item):
    """A call's arguments; empty where they are not a JSON object."""
    try:
        arguments = json.loads(item["arguments"])
    except ValueError:
        return {}
    return arguments if isinstance(arguments, dict) else {}


def calls_of(record):
    """The tool calls of a record, in order: (name, arguments)."""
    calls = (i for i in record.trace if i.get("type") == "function_call")
    return [(call["name"], arguments_of(call)) for call in calls]


# %% [markdown]
# The page is found if one of the calls of `cat` opened it.


# %% take="1"
def found_page(record, pages):
    """Whether the rollout opened one of these pages."""
    read = (args for name, args in calls_of(record) if name == "cat")
    paths = (str(args.get("path")).strip("/") for args in read)
    return any(path in pages for path in paths)


# %% take="1"
def decompose(records, gold):
    """P(found), P(right | found), accuracy, and lucky answers."""
    found = [r for r in records if found_page(r, gold[r.question_id])]
    hits = sum(r.correct for r in found)
    right = sum(r.correct for r in records)
    return {
        "found": len(found) / len(records),
        "right if found": hits / max(1, len(found)),
        "accuracy": right / len(records),
        "right, page not opened": (right - hits) / len(records),
    }


# %%
base = decompose(before, gold)
for name, share in base.items():
    print(f"{name:24} {share:.3f}")

# %% [markdown]
# The base model opens a right page in {{base['found']:.0%}} of its rollouts
# and then answers correctly in {{base['right if found']:.0%}} of those. The
# last line is what the product leaves out, the lucky answers: a snippet of
# `search` showed the number, or a yes-or-no answer was guessed.
#
# ### Exercise 6.1: predict both parts
# Difficulty 1/5 · 2 minutes
#
# Training raised accuracy. What happened to P(found), and to
# P(right | found)? Commit to two numbers between 0 and 1 before you look:
# `prediction = {"found": ..., "right if found": ...}`. Any honest guess
# passes. The check tells you how far off you are.

# %% exercise="6.1" difficulty=1 minutes=2
prediction = None
# begin solution
prediction = {"found": 0.60, "right if found": 0.62}
# end solution

# %%
from buildhour_helpers import checks

checks.exercise_6_1(prediction)

# %% [markdown]
# This is what happened:

# %%
import pandas as pd

tuned = decompose(after, gold)
both = pd.DataFrame({"before": base, "after": tuned})
print(both.round(3).to_string())

# %% [markdown]
# Finding rose from {{base['found']:.0%}} to {{tuned['found']:.0%}}, reading
# from {{base['right if found']:.0%}} to {{tuned['right if found']:.0%}}. Which
# of the two matters more? Let only one of them change:

# %%
only_found = tuned["found"] * base["right if found"]
only_read = base["found"] * tuned["right if found"]
print(f"new finding, old reading: {only_found:.3f}")
print(f"old finding, new reading: {only_read:.3f}")
assert only_found > only_read

# %% [markdown]
# Better finding alone gives {{only_found:.3f}}, better reading alone
# {{only_read:.3f}}. So this job mostly taught the agent to **find**.
#
# Is that one job's luck? Here are all five:

# %%
jobs = pd.DataFrame(run["jobs"]).set_index("seed")
parts = pd.DataFrame(
    {
        "found": jobs["found"] / jobs["rollouts"],
        "right if found": jobs["found_and_right"] / jobs["found"],
        "accuracy": jobs["right"] / jobs["rollouts"],
    }
)
print(parts.round(3).to_string())

# %% [markdown]
# Both parts rose in all five jobs. What is left to gain?

# %%
for name in ("found", "right if found"):
    assert (parts[name] > base[name]).all()
missed, misread = 1 - parts[["found", "right if found"]].mean()
print(f"page missed {missed:.3f}, found but misread {misread:.3f}")

# %% [markdown]
# {{missed:.0%}} of the rollouts still miss the page: better search would help
# (lesson 03). When the page is found, {{misread:.0%}} of the answers are still
# wrong, and no search engine helps with those.
#
# *Time to here: 9 minutes.*
#
# ## How sure is the gain?
#
# **The unit is the question, not the rollout.** Three rollouts of one
# question resemble each other, so they are not three pieces of evidence.
# Average the repeats of each question first.


# %% take="1"
from collections import defaultdict
from statistics import fmean


def question_means(records, value):
    """The mean of value(record) for each question, over its repeats."""
    groups = defaultdict(list)
    for record in records:
        if record.reward is not None:  # None: discarded, which is not 0
            groups[record.question_id].append(value(record))
    return {name: fmean(values) for name, values in groups.items()}


# %% [markdown]
# The recording holds such means: `was` for the base model, and in `now` a row
# for each job.

# %%
import numpy as np

old = question_means(before, lambda r: r.reward)
was = np.array(run["base"]["rewards"])
now = np.array([job["rewards"] for job in run["jobs"]])
print("shapes:", was.shape, now.shape)
print("before:", was.mean().round(3))
print("after: ", *now.mean(axis=1).round(3))
assert np.allclose(list(old.values()), was)

# %% [markdown]
# **Pair by question.** Some questions are easy for both models and some are
# hopeless for both. Comparing question by question removes that spread from
# the difference. A **bootstrap** shows it: draw 300 questions with
# replacement, ten thousand times. The middle 95% of the results are the
# interval.

# %%
random = np.random.default_rng(0)
drawn, others = random.integers(0, 300, (2, 10_000, 300))


def width(differences):
    low, high = np.quantile(differences, [0.025, 0.975])
    return high - low


# %% [markdown]
# Give both models the same drawn questions, and then each its own:

# %%
first = now[0]
paired = width(first[drawn].mean(axis=1) - was[drawn].mean(axis=1))
unpaired = width(first[drawn].mean(axis=1) - was[others].mean(axis=1))
print(f"width of the 95% interval: paired   {paired:.3f}")
print(f"                           unpaired {unpaired:.3f}")
assert paired < unpaired

# %% [markdown]
# Pairing narrows the interval from {{unpaired:.3f}} to {{paired:.3f}}, from
# the same rollouts.
#
# **Resample jobs, too.** An interval over questions says how sure you are of
# *this* job. Another seed makes another agent. To say something about the
# *method*, resample both: questions and jobs.
#
# ### Exercise 6.2: bootstrap questions and jobs
# Difficulty 3/5 · 7 minutes
#
# Write `paired_bootstrap(before, after, resamples=4000)`. `before` is an array
# like `was`, with one number for each question. `after` is like `now`, with a
# row of such numbers for each job. Return `(difference, low, high)`: the mean
# of `after` minus that of `before`, and its 95% interval. Each resample draws
# as many questions as there are and as many jobs as there are, with
# replacement, and uses the same questions for every job and for `before`.


# %% exercise="6.2" difficulty=3 minutes=7
def paired_bootstrap(before, after, resamples=4000):
    # begin solution
    change = after - before  # a row for each job
    jobs, questions = change.shape
    random = np.random.default_rng(0)
    means = []
    for _ in range(resamples):
        some_jobs = random.integers(0, jobs, jobs)
        some_questions = random.integers(0, questions, questions)
        means.append(change[some_jobs][:, some_questions].mean())
    low, high = np.quantile(means, [0.025, 0.975])
    return change.mean(), low, high
    # end solution


# %%
checks.exercise_6_2(paired_bootstrap)

# %% [markdown]
# The library does the same. From one job it resamples questions only, from
# five also jobs:

# %%
from buildhour_helpers.analysis.statistics import paired_difference

for job, rewards in zip(run["jobs"], now):
    apart = paired_difference(was, rewards)
    print(f"job {job['seed']}:   {apart}")
gain = paired_difference(was, now)
print(f"five jobs: {gain}")
assert gain.low > 0

# %% [markdown]
# Training added {{gain.value:+.3f}} to the mean reward, with a 95% interval
# from {{gain.low:+.3f}} to {{gain.high:+.3f}}. Report it in this form:
# the number, the interval, and what was resampled. Five jobs are few, so also
# show each of them. All five gained.
#
# *Time to here: 20 minutes.*
#
# ## At what cost?
#
# The study in [docs/results.md](../docs/results.md) holds the costs of the
# same five jobs, as changes from the base model, in percent:

# %%
study = {
    one["seed"]: one["against_best"]["change"]
    for one in load("study")["seeds"]
}
costs = ["tool_calls", "turns", "reasoning_tokens", "latency_s"]
changes = pd.DataFrame(study).loc[costs].map(lambda change: change[0])
print((100 * changes).round().astype(int).to_string())
assert (changes < 0).all().all()

# %% [markdown]
# Reward rose and every cost fell, in all five jobs. Part of that was asked
# for: in training each 1,000 reasoning tokens cost 0.1 of the reward
# (lesson 05). Latency is simulated: it is computed from tokens and turns.
#
# **Quadrants.** A mean can rise while some questions get worse. The figure
# has all questions of the first job, by their change in reward and in tool
# calls. Questions with the same two changes share a dot.

# %%
from buildhour_helpers.analysis import figures

figure = figures.question_deltas(before, after)
figure


# %% [markdown]
# The same in numbers:

# %%
new = question_means(after, lambda r: r.reward)
change = (pd.Series(new) - pd.Series(old)).round(6)
calls = pd.DataFrame(
    question_means(records, lambda r: r.metrics.tool_calls)
    for records in (before, after)
)
cheaper = calls.loc[1] < calls.loc[0]
verdict = np.sign(change).map({1: "better", 0: "same", -1: "worse"})
counts = pd.crosstab(verdict.rename("reward"), cheaper.rename("cheaper"))
print(counts)
better, worse = (counts.loc[name].sum() for name in ("better", "worse"))
assert better > worse > 0

# %% [markdown]
# {{better}} questions got better and {{worse}} got worse, {{counts.loc['worse', True]}}
# of these with fewer calls. Read the quadrants like this: *better, cheaper*
# found a shorter way; *better, not cheaper* looks further; *worse, cheaper*
# stops too early; *worse, not cheaper* gets lost. Split your own results by
# what users notice, too: customer, document type, language.
#
# ## What does it do differently?
#
# Count the sequences of tools. An agent that has learned a routine uses fewer.


# %% take="1"
from collections import Counter


def sequences(records):
    """How often each sequence of tools occurs."""
    made = map(calls_of, records)
    return Counter(" ".join(name for name, _ in calls) for calls in made)


# %%
kinds = {"before": sequences(before), "after": sequences(after)}
for label, found in kinds.items():
    print(f"{label}: {len(found)} different sequences, most often")
    for tools, count in found.most_common(3):
        print(f"  {count / len(before):4.0%}  {tools}")
assert len(kinds["after"]) < len(kinds["before"])

# %% [markdown]
# {{len(kinds['before'])}} sequences became {{len(kinds['after'])}}. Next,
# count what is wasted: calls that the tool answered with `Error:`, and
# calls that repeat an earlier one of the same rollout word for word.


# %%
def waste(records):
    made = [[str(call) for call in calls_of(r)] for r in records]
    return {
        "calls": sum(map(len, made)),
        "errors": sum(r.metrics.tool_errors for r in records),
        "repeats": sum(len(one) - len(set(one)) for one in made),
    }


wasted = pd.DataFrame({"before": waste(before), "after": waste(after)})
shares = wasted.loc[["errors", "repeats"]] / wasted.loc["calls"]
print(wasted.to_string(), "\n\nas shares of the calls")
print(shares.round(3).to_string())
assert (shares["after"] < shares["before"] / 2).all()

# %% [markdown]
# Of the base model's calls {{shares.loc['errors', 'before']:.0%}} came back as
# errors, of the tuned one's {{shares.loc['errors', 'after']:.0%}}; repeats
# fell as well. A wasted call delays the page and costs tokens, so such
# rollouts score below the mean of their group.
#
# **Two traces side by side.** Take the question that gained most: its worst
# rollout before, its best one after. (The recording leaves out tool results;
# `whole` makes the calls again.)

# %%
from buildhour_helpers.recordings import whole
from buildhour_helpers.reports import load as load_reports
from buildhour_helpers.tools.functions import ReportTools

tools = ReportTools(load_reports()).functions()


def rollouts_of(question, records):
    """Its rollouts, the lowest reward first."""
    mine = [r for r in records if r.question_id == question]
    mine.sort(key=lambda r: r.reward)
    return [whole(r, tools) for r in mine]


most = change.idxmax()
pair = rollouts_of(most, before)[0], rollouts_of(most, after)[-1]

# %% tags=["uncompared"]
from IPython.display import HTML

from buildhour_helpers.analysis.widgets.viewer import trace_of
from rft_traces import pair_html, style

shown = pair_html(*map(trace_of, pair), ("Before", "After"))
HTML(f"<style>{style()}</style>{shown}")

# %% [markdown]
# In short, as text:

# %%
from textwrap import fill


def tell(record):
    """Each call of a rollout, and its answer."""
    for name, arguments in calls_of(record):
        given = ", ".join(map(str, arguments.values()))
        print(f"  {name}({given[:60]})")
    print(f"  answer {record.answer!r}, reward {record.reward}")


print(fill(f"{questions[most].text} -> {questions[most].answer_text}"))
for label, record in zip(("before", "after"), pair):
    print(label)
    tell(record)

# %% [markdown]
# Read a dozen such pairs before you believe a curve.
# `TraceViewer(after)` of `analysis.widgets` lets you browse all of them.
#
# *Time to here: 25 minutes.*
#
# ## What got worse?
#
# Before you ship, you need an answer to "what did we break?". List every
# question whose mean fell, with the reason from the first section.

# %%
fell = list(change.index[change < 0])
reasons = Counter()
for question in fell:
    mine = [r for r in after if r.question_id == question]
    seen = any(found_page(r, gold[question]) for r in mine)
    reasons["page found, misread" if seen else "page not found"] += 1
print(len(fell), "fell:", dict(reasons))
assert reasons["page found, misread"] > len(fell) / 2

# %% [markdown]
# {{len(fell)}} questions fell in the first job. For
# {{reasons['page found, misread']}} of them a rollout had opened the right
# page, so the loss is in reading. With three rollouts a question also falls by
# chance, but a habit that training teaches shows in other jobs as well:

# %%
others = pd.Series((now[1:] < was).mean(axis=0), list(old))
again = [question for question in fell if others[question] > 0.5]
print(len(again), "of them fell in most of the other jobs, too")
assert 0 < len(again) < len(fell)

# %% [markdown]
# Read these {{len(again)}} first. (Some may still be chance: every job is
# compared with the same three rollouts before, and these may have been lucky.)
# This one fell furthest:

# %%
least = change[again].idxmin()
print(fill(f"{questions[least].text} -> {questions[least].answer_text}"))
print(f"reward {old[least]:.2f} before, {new[least]:.2f} after; after:")
lost = rollouts_of(least, after)[0]
tell(lost)
print("  opened a right page:", found_page(lost, gold[least]))

# %% [markdown]
# ## Did it forget anything?
#
# A job changes weights that other tasks use as well. When a model gets worse
# at what it is not trained on, that is **forgetting**. Measure it on a task
# of another kind. Ours is a catalogue of spare
# parts: two other tools, 120 questions, answers that are codes. No job saw it.

# %%
sides = {"base": run["base"]} | {job["seed"]: job for job in run["jobs"]}
table = pd.DataFrame(
    {
        name: {
            "reward": fmean(side["parts_rewards"]),
            "calls": side["parts_tool_calls"],
            "reasoning tokens": side["parts_reasoning_tokens"],
        }
        for name, side in sides.items()
    }
).T
print(table.round(2).to_string())
assert (table["calls"][1:] < table["calls"]["base"]).all()

# %% [markdown]
# The reward is higher after every job. Is the rise clear of zero?

# %%
parts_before = np.array(run["base"]["parts_rewards"])
parts_after = np.array([job["parts_rewards"] for job in run["jobs"]])
forgotten = paired_difference(parts_before, parts_after)
print("after minus before:", forgotten)
assert forgotten.low > 0

# %% [markdown]
# Nothing was forgotten: the reward on parts rose by {{forgotten.value:.3f}}, and
# the interval, {{forgotten.low:+.3f}} to {{forgotten.high:+.3f}}, lies just
# above zero. All five agents also make fewer calls there, so what they learned
# about wasted calls carried over.
#
# *Time to here: 28 minutes.*
#
# ## Choose the checkpoint
#
# The first job kept three checkpoints. **Choose on validation,
# report on held-out.** `job_said` is the validation reward that
# the job measured, with one rollout a question. `reward` and `latency_s` are
# measured again on validation, with three, and have a number per question.

# %%
checkpoints = {
    one["step"]: {
        "reward": one["validation_reward"],
        "latency_s": one["validation_latency_s"],
        "job_said": one["job_said"],
        "held_out": one["held_out"][0],
    }
    for one in run["checkpoints"]
}
measured = pd.DataFrame(checkpoints).map(np.mean).T
print(measured.round(3).to_string())
chosen = measured["reward"].idxmax()

# %% [markdown]
# Step {{chosen}} is best on validation: {{measured.reward[chosen]:.3f}}. On held-out
# questions it has {{measured.held_out[chosen]:.3f}}. The highest of several noisy
# numbers is too high on average (the winner's curse of lesson 01), and these
# are other questions. So report held-out.
#
# Is step {{chosen}} really better than the others? They answered the same
# questions, so compare them in pairs:

# %%
for step in measured.index.drop(chosen):
    apart = paired_difference(
        checkpoints[step]["reward"], checkpoints[chosen]["reward"]
    )
    print(f"{chosen} minus {step}: {apart}")
    assert not apart.is_clear_of_zero

# %% [markdown]
# Both intervals contain zero: no difference shown. That does not make the
# checkpoints equal. The upper end says what you may be giving up.
#
# ### Exercise 6.3: decide with a cost
# Difficulty 2/5 · 5 minutes
#
# A right answer is worth `worth`, and each second that a user waits costs
# `per_second`. Write `choose(checkpoints, worth, per_second)`. It returns the
# step with the most value per question. `checkpoints` has the form of the
# dictionary above: lists for `reward` and `latency_s`, one number for
# `job_said` and for `held_out`. Two of these four do not belong in the
# decision. Of checkpoints that you cannot tell apart, the cheapest is a good
# answer, too.


# %% exercise="6.3" difficulty=2 minutes=5
def choose(checkpoints, worth, per_second):
    # begin solution
    def value(step):
        one = checkpoints[step]
        waiting = per_second * fmean(one["latency_s"])
        return worth * fmean(one["reward"]) - waiting

    return max(checkpoints, key=value)
    # end solution


# %%
checks.exercise_6_3(choose)

# %% [markdown]
# Now our three checkpoints, for two products. In a nightly batch nobody
# waits. In a chat a second costs a hundredth of what a right answer is worth.

# %%
values = pd.DataFrame(
    {
        product: measured["reward"] - per_second * measured["latency_s"]
        for product, per_second in {"batch": 0.0, "chat": 0.01}.items()
    }
)
print(values.round(3).to_string())
assert (values.idxmax() == chosen).all()

# %% [markdown]
# Step {{chosen}} is best for both: it answers best and also fastest. There is a
# real trade-off elsewhere. The same five jobs were also run without the penalty
# on reasoning tokens (lesson 05). At which price of a second does the decision
# change?

# %%
penalty = pd.DataFrame(
    {
        "with": load("study")["tuned"]["measures"],
        "without": load("study_no_penalty")["tuned"]["measures"],
    }
)
penalty = penalty.loc[["reward", "latency_s"]].map(lambda mean: mean[0])
print("penalty:\n", penalty.round(3).to_string())
more, longer = penalty["without"] - penalty["with"]
print(f"without it {more:+.3f} reward, {longer:+.1f} s")
print(f"break-even: {more / longer:.4f} right answers a second")
assert more > 0
assert longer > 0

# %% [markdown]
# Without the penalty the agents gain {{more:.3f}} more reward and take
# {{longer:.1f}} seconds longer. If a second of waiting costs you more than
# {{more / longer:.4f}} of a right answer, take the faster agent.
#
# ## Take it with you
#
# Copy the cells with `arguments_of`, `calls_of`, `found_page`, `decompose`,
# `question_means` and `sequences`. They need no package. For the intervals,
# take your own `paired_bootstrap`. Rollouts of lesson 01 become
# records like this:
#
# ```python
# from types import SimpleNamespace
#
#
# def record_of(rollout):
#     items = rollout["items"]
#     trace = [i if isinstance(i, dict) else i.model_dump() for i in items]
#     correct = rollout["reward"] == 1
#     return SimpleNamespace(trace=trace, correct=correct, **rollout)
# ```
#
# Change in them:
#
# - `found_page`: what "found" means for you, such as the right table, file
#   or customer record, and the name of the tool that opens it;
# - `reward`, `question_id` and `trace`: to what your records call these.
#
# ## With a real model
#
# The decomposition, the pairing and the bootstrap carry over. What differs:
# sampling is not repeatable, so run the base model again on the day you
# compare. Arguments are sometimes not valid JSON: `arguments_of` takes them as
# empty; count them as format errors. A model may know a public document by heart, so "right,
# page not opened" can be large: that is contamination, not skill. Answers and
# reasoning may grow longer in training, so look at tokens beside the reward.
# Latency depends on load. A language model has more to forget: test your
# product's other tasks, refusals and safety, not one small catalogue.
#
# ## Recap
#
# - Split accuracy first: was the page found, was it read correctly?
# - Questions are the unit. Pair them, and resample jobs as well.
# - Some questions get worse in every good run. Find them and name the reason.
# - Measure forgetting on another task.
# - Choose on validation, with the cost; report on held-out.
#
# ## Three questions
#
# <details><summary>Your gain is +0.04, with an interval from -0.01 to +0.09.
# What do you report, and what do you do?</summary>
#
# Report exactly that: no difference shown. Then add questions, which narrow
# the interval; more repeats hardly do. Do not try checkpoints on the held-out
# set until one is clear of zero, because then you choose on the test.
# </details>
#
# <details><summary>P(found) rose from 0.5 to 0.8, but accuracy did not move.
# What happened, and where do you look?</summary>
#
# P(right | found) must have fallen. Perhaps the new finds are harder pages,
# or the agent now answers after a glance. Compare reading on the questions
# that were found both times.
# </details>
#
# <details><summary>Reward is up and tool calls have doubled. Do you ship it?
# </summary>
#
# Look at the quadrants and at the price. Where reward rose with the calls, you
# bought reward with latency: decide as in exercise 6.3. Where it did not rise,
# the calls are a habit: penalize them, or take an earlier checkpoint.
# </details>
