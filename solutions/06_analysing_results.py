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
from buildhour_helpers.tasks import load_questions

run = load("main_run")
before = load_records("main_run.before")
after = load_records("main_run.after")
questions = {q.id: q for q in load_questions(split="test")}
gold = {q.id: set(q.gold_pages) for q in questions.values()}
print("recorded by:", run["command"])
print(len(questions), "questions,", len(before), "rollouts of each model")
print("seeds of the jobs:", *(job["seed"] for job in run["jobs"]))

# %% [markdown]
# ## Was the page found, and was it read correctly?
#
# Start here, before any curve. To answer, the agent must open the right page
# and then take the right number from it:
#
# > accuracy = P(found) × P(right | found)
#
# P(right | found) is the share of right answers among the rollouts that
# found the page. The two parts have different remedies, so you want both.


# %% take="1"
import json


def calls_of(record):
    """The tool calls of a record, in order: (name, arguments)."""
    return [
        (item["name"], json.loads(item["arguments"]))
        for item in record.trace
        if item.get("type") == "function_call"
    ]


def found_page(record, pages):
    """Whether the rollout opened one of these pages."""
    read = (args for name, args in calls_of(record) if name == "cat")
    return any(args.get("path", "").strip("/") in pages for args in read)


# %% take="1"
def decompose(records, gold):
    """P(found), P(right | found), accuracy, and right without the page."""
    found = [r for r in records if found_page(r, gold[r.question_id])]
    hits = sum(r.correct for r in found)
    right = sum(r.correct for r in records)
    return {
        "found": len(found) / len(records),
        "right if found": hits / len(found),
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
# last line is what the product leaves out: a snippet of `search` showed the
# number, or a yes-or-no answer was guessed.
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
# Now look. The third row is an accuracy that never existed: the new finding
# with the old reading. The fourth is the old finding with the new reading.

# %%
import pandas as pd

tuned = decompose(after, gold)
only_found = tuned["found"] * base["right if found"]
only_read = base["found"] * tuned["right if found"]
print(pd.DataFrame({"before": base, "after": tuned}).round(3).to_string())
print(f"\nnew finding, old reading: {only_found:.3f}")
print(f"old finding, new reading: {only_read:.3f}")
assert only_found > only_read

# %% [markdown]
# Finding rose from {{base['found']:.0%}} to {{tuned['found']:.0%}}, reading
# from {{base['right if found']:.0%}} to {{tuned['right if found']:.0%}}. New
# finding with old reading makes {{only_found:.2f}}, new reading with old
# finding {{only_read:.2f}}. So this job mostly taught the agent to **find**.
#
# Is that one job's luck? Here are all five:

# %%
parts = pd.DataFrame(
    {
        job["seed"]: {
            "found": job["found"] / job["rollouts"],
            "right if found": job["found_and_right"] / job["found"],
            "accuracy": job["right"] / job["rollouts"],
        }
        for job in run["jobs"]
    }
).T
print(parts.round(3).to_string())
assert (parts["found"] > base["found"]).all()
assert (parts["right if found"] > base["right if found"]).all()
missed, misread = 1 - parts[["found", "right if found"]].mean()
print(f"\npage missed {missed:.3f}, found but misread {misread:.3f}")

# %% [markdown]
# Both parts rose in all five jobs. And what is left to gain? {{missed:.0%}} of
# the rollouts still miss the page, where better search would help
# (lesson 03). When the page is found, {{misread:.0%}} of the answers are still
# wrong, and no search engine helps with those.
#
# *Time to here: 8 minutes.*
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
        if record.reward is not None:  # discarded: no score, which is not 0
            groups[record.question_id].append(value(record))
    return {question: fmean(values) for question, values in groups.items()}


# %%
import numpy as np

old = question_means(before, lambda r: r.reward)
ids = list(old)
was = np.array(run["base"]["rewards"])  # 300 questions
now = np.array([job["rewards"] for job in run["jobs"]])  # 5 jobs x 300
assert np.allclose(list(old.values()), was)
print("shapes:", was.shape, now.shape)
print("before:", was.mean().round(3))
print("after: ", *now.mean(axis=1).round(3), "mean", now.mean().round(3))

# %% [markdown]
# **Pair by question.** Some questions are easy for both models and some are
# hopeless for both. Comparing question by question removes that spread from
# the difference. A bootstrap shows it: draw 300 questions with replacement,
# ten thousand times, once the same for both models and once separately.

# %%
random = np.random.default_rng(0)
drawn, others = random.integers(0, 300, (2, 10_000, 300))


def width(differences):
    low, high = np.quantile(differences, [0.025, 0.975])
    return high - low


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
# *this* job. Run it again with another seed and you get another agent. To
# speak about the *method*, resample both: questions and jobs.
#
# ### Exercise 6.2: bootstrap questions and jobs
# Difficulty 3/5 · 7 minutes
#
# Write `paired_bootstrap(before, after, resamples=4000)`. `before` has one
# number for each question, `after` has a row of such numbers for each job.
# Return `(difference, low, high)`: the mean of `after` minus that of
# `before`, and its 95% interval. Each resample draws as many questions as
# there are and as many jobs as there are, with replacement, and uses the
# same questions for every job and for `before`.


# %% exercise="6.2" difficulty=3 minutes=7
def paired_bootstrap(before, after, resamples=4000):
    # begin solution
    change = np.array(after) - np.array(before)  # a row for each job
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
# The library does the same. Compare one job with all five:

# %%
from buildhour_helpers.analysis.statistics import paired_difference

for job, rewards in zip(run["jobs"], now):
    apart = paired_difference(was, rewards)
    print(f"job {job['seed']}, over questions: {apart}")
gain = paired_difference(was, now)
print(f"five jobs, both levels: {gain}")
assert gain.low > 0

# %% [markdown]
# Training added {{gain.value:+.3f}} to the mean reward, with a 95% interval
# from {{gain.low:+.3f}} to {{gain.high:+.3f}}. Report it in this form:
# the number, the interval, and what was resampled. Five jobs are few, so also
# show each of them. All five gained.
#
# *Time to here: 19 minutes.*
#
# ## At what cost?
#
# The study in [docs/results.md](../docs/results.md) holds the costs of the
# same five jobs, as changes from the base model:

# %%
study = load("study")["seeds"]
costs = ["tool_calls", "turns", "reasoning_tokens", "latency_s"]
changes = pd.DataFrame(
    {
        one["seed"]: {
            name: one["against_best"]["change"][name][0] for name in costs
        }
        for one in study
    }
).T
print((100 * changes).round().astype(int).to_string(), "\n(percent)")
assert (changes < 0).all().all()

# %% [markdown]
# Reward rose and every cost fell, in all five jobs. Part of that was asked
# for: in training each 1,000 reasoning tokens cost 0.1 of the reward
# (lesson 05). Latency is simulated: it is computed from tokens and turns.
#
# **Quadrants.** A mean can rise while a group of questions falls. Each point
# below is one question of the first job: its change in reward, against its
# change in tool calls.

# %%
from buildhour_helpers.analysis import figures

figure = figures.question_deltas(before, after)
figure


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
new = question_means(after, lambda r: r.reward)
calls = [
    question_means(records, lambda r: r.metrics.tool_calls)
    for records in (before, after)
]
change = {question: new[question] - old[question] for question in ids}
counts = quadrants(change, {q: calls[1][q] - calls[0][q] for q in ids})
better = counts["better, cheaper"] + counts["better, not cheaper"]
worse = counts["worse, cheaper"] + counts["worse, not cheaper"]
print(dict(counts))
print("better", better, "worse", worse, "same", len(ids) - better - worse)
assert better > worse > 0

# %% [markdown]
# {{better}} questions got better and {{worse}} got worse, of which
# {{counts['worse, cheaper']}} became cheaper. Read the quadrants like this:
# *better, cheaper* found a shorter way; *better, not cheaper* looks further;
# *worse, cheaper* stops too early; *worse, not cheaper* gets lost. Split your
# own results by what users notice, too: customer, document type, language.
#
# ## What does it do differently?
#
# Count the sequences of tools. An agent that has learned a routine uses fewer.


# %% take="1"
def sequences(records):
    """How often each sequence of tools occurs."""
    return Counter(
        " ".join(name for name, _ in calls_of(record)) for record in records
    )


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
    made = [[str(call) for call in calls_of(record)] for record in records]
    return {
        "calls": sum(map(len, made)),
        "errors": sum(record.metrics.tool_errors for record in records),
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
# fell as well. No rule said so. A wasted call delays the page and costs
# tokens, so such rollouts score below the mean of their group.
#
# **Two traces side by side.** Numbers say *that* something changed. Traces
# say *what*. Take the question that gained most: its worst rollout before,
# its best one after. (The recording leaves out tool results; `whole` makes
# the calls again.)

# %%
from buildhour_helpers.recordings import whole
from buildhour_helpers.reports import load as load_reports
from buildhour_helpers.tools.functions import ReportTools

tools = ReportTools(load_reports()).functions()
most = max(ids, key=lambda question: change[question])


def rollouts_of(question, records):
    """Its rollouts, the lowest reward first."""
    mine = (r for r in records if r.question_id == question)
    return [whole(r, tools) for r in sorted(mine, key=lambda r: r.reward)]


pair = rollouts_of(most, before)[0], rollouts_of(most, after)[-1]

# %% tags=["uncompared"]
from IPython.display import HTML

from buildhour_helpers.analysis.widgets.viewer import trace_of
from rft_traces import pair_html, style

shown = pair_html(*map(trace_of, pair), ("Before", "After"))
HTML(f"<style>{style()}</style>{shown}")


# %%
def tell(record):
    """Each call of a rollout, and its answer."""
    for name, arguments in calls_of(record):
        print(f"  {name}({', '.join(map(str, arguments.values()))[:60]})")
    print(f"  answer {record.answer!r}, reward {record.reward}")


print(questions[most].text, "->", questions[most].answer_text)
for label, record in zip(("before", "after"), pair):
    print(label)
    tell(record)

# %% [markdown]
# Read a dozen such pairs before you believe a curve.
# `TraceViewer(after)` of `analysis.widgets` lets you browse all of them.
#
# *Time to here: 26 minutes.*
#
# ## What got worse?
#
# Before you ship, you need an answer to "what did we break?". List every
# question whose mean fell, with the reason from the first section. Then use
# the other four jobs: with three rollouts a question also falls by chance,
# but a habit that training teaches shows in other jobs as well.

# %%
fell = [question for question in ids if change[question] < 0]
reasons = Counter()
for question in fell:
    mine = [r for r in after if r.question_id == question]
    seen = any(found_page(r, gold[question]) for r in mine)
    reasons["page found, misread" if seen else "page not found"] += 1
others = (now[1:] < was).mean(axis=0)  # share of the other jobs that fell
again = [q for q in fell if others[ids.index(q)] > 0.5]
print(len(fell), "fell:", dict(reasons))
print(len(again), "of them fell in most of the other jobs, too")
assert 0 < len(again) < len(fell)

# %% [markdown]
# {{len(fell)}} questions fell in the first job, and {{len(again)}} of them
# fell in most other jobs as well. Read those first. (Not all of them are habits
# either: every job is compared with the same three rollouts before, and
# these may have been lucky.) This one fell furthest:

# %%
least = min(again, key=lambda question: change[question])
print(questions[least].text, "->", questions[least].answer_text)
print(f"reward {old[least]:.2f} before, {new[least]:.2f} after; after:")
lost = rollouts_of(least, after)[0]
tell(lost)
print("  opened a right page:", found_page(lost, gold[least]))

# %% [markdown]
# ## Did it forget anything?
#
# A job changes weights that other tasks use as well. When a model gets worse
# at what it is not trained on, that is **forgetting**. Measure it on a task
# of another kind, never on the training task. Ours is a catalogue of spare
# parts: two other tools, 120 questions, answers that are codes. No job saw it.

# %%
parts_before = np.array(run["base"]["parts_rewards"])
parts_after = np.array([job["parts_rewards"] for job in run["jobs"]])
columns = ["parts_answered", "parts_tool_calls", "parts_reasoning_tokens"]
sides = {"base": run["base"]} | {job["seed"]: job for job in run["jobs"]}
table = pd.DataFrame(sides).T[columns].astype(float).round(2)
table.insert(0, "reward", [parts_before.mean(), *parts_after.mean(axis=1)])
print(table.round(2).to_string())

# %%
forgotten = paired_difference(parts_before, parts_after)
means = parts_before.mean(), parts_after.mean()
print("reward on parts:", *(f"{mean:.3f}" for mean in means))
print("after minus before:", forgotten)
assert forgotten.low > -0.05
calls_on_parts = table["parts_tool_calls"]
assert (calls_on_parts[1:] < calls_on_parts["base"]).all()

# %% [markdown]
# Nothing was forgotten. The mean reward on parts went from
# {{parts_before.mean():.3f}} to {{parts_after.mean():.3f}}, and the interval
# of the change goes from {{forgotten.low:+.3f}} to {{forgotten.high:+.3f}}: at
# worst a tiny loss. All five agents also make fewer calls there, so what they
# learned about wasted calls carried over. This is one small task and a small
# model. A language model has more to forget.
#
# *Time to here: 30 minutes.*
#
# ## Choose the checkpoint
#
# The first job kept three checkpoints. The rule is short: **choose on
# validation, report on held-out.** `job_said` is the validation reward that
# the job measured with one rollout a question. `validation` is the same
# checkpoint measured again with three, with its 95% interval.

# %%
kept = pd.DataFrame(run["checkpoints"]).set_index("step")
chosen = run["chosen_step"]
shown = kept[["job_said"]].copy()
for name in ("validation", "held_out"):
    shown[name] = [
        f"{mean:.3f} [{low:.3f}, {high:.3f}]"
        for mean, low, high in kept[name]
    ]
for name in ("tool_calls", "latency_s"):
    shown[name] = [fmean(values) for values in kept[f"validation_{name}"]]
print(shown.round(3).to_string())

# %% [markdown]
# For one and the same checkpoint validation says
# {{kept.validation[chosen][0]:.3f}}, held-out {{kept.held_out[chosen][0]:.3f}}. The highest of
# several noisy numbers is too high on average (the winner's curse of
# lesson 01), and these are other questions. So report held-out.
#
# Overlapping intervals do not tell you whether two checkpoints differ. They
# answered the same questions, so compare them in pairs:

# %%
for step in kept.index.drop(chosen):
    columns = kept["validation_reward"]
    apart = paired_difference(columns[step], columns[chosen])
    print(f"step {chosen} minus step {step}: {apart}")
    assert not apart.is_clear_of_zero

# %% [markdown]
# Both intervals hold zero: no difference shown. That does not make the
# checkpoints equal. The upper end says what you may be giving up.
#
# ### Exercise 6.3: decide with a cost
# Difficulty 2/5 · 6 minutes
#
# A right answer is worth `worth`, and each second that a user waits costs
# `per_second`. Write `choose(checkpoints, worth, per_second)`. It returns the
# step with the most value per question. `checkpoints` maps each step to a
# dictionary with `reward` and `latency_s` (a number for each validation
# question), `job_said` and `held_out` (a number each). Two of these four do
# not belong in the decision. If you can show no difference between the best
# ones, the cheapest of them is a good answer, too.


# %% exercise="6.3" difficulty=2 minutes=6
def choose(checkpoints, worth, per_second):
    # begin solution
    def value(step):
        measured = checkpoints[step]
        waiting = per_second * np.mean(measured["latency_s"])
        return worth * np.mean(measured["reward"]) - waiting

    return max(checkpoints, key=value)
    # end solution


# %%
checks.exercise_6_3(choose)

# %% [markdown]
# Now our three checkpoints, for two products. In a nightly batch nobody
# waits. In a chat a second costs a hundredth of what a right answer is worth.

# %%
waits = {"batch": 0.0, "chat": 0.01}
values = pd.DataFrame(
    {
        product: {
            step: fmean(row["validation_reward"])
            - per_second * fmean(row["validation_latency_s"])
            for step, row in kept.iterrows()
        }
        for product, per_second in waits.items()
    }
)
print(values.round(3).to_string())
best = values.idxmax().to_dict()
print("best:", best)

# %% [markdown]
# Step {{best['batch']}} is best for the batch and step {{best['chat']}} for the
# chat. There is a real trade-off elsewhere: the same five jobs were also run
# without the penalty on reasoning tokens (lesson 05). At which price of a second
# does the decision turn?

# %%
with_penalty, without = (
    load(name)["tuned"]["measures"]
    for name in ("study", "study_no_penalty")
)
for name, side in {"penalty": with_penalty, "none": without}.items():
    reward, seconds = (side[key][0] for key in ("reward", "latency_s"))
    print(f"{name:8} reward {reward:.3f}, {seconds:.1f} s")
more, longer = (
    without[key][0] - with_penalty[key][0]
    for key in ("reward", "latency_s")
)
print(f"turns at {more / longer:.4f} of a right answer per second")
assert more > 0
assert longer > 0

# %% [markdown]
# Without the penalty the agents gain {{more:.3f}} more reward and take
# {{longer:.1f}} seconds longer. If a second of waiting costs you more than
# {{more / longer:.4f}} of a right answer, take the faster agent.
#
# ## Take it with you
#
# Copy the cells with `calls_of` and `found_page`, `decompose`,
# `question_means`, `quadrants` and `sequences`. They need no package. For the
# intervals, take your own `paired_bootstrap`. Rollouts of lesson 01 become
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
# The decomposition, pairing by question and both levels of the bootstrap
# carry over unchanged. What differs: sampling is not repeatable, so run the
# base model again on the day you compare. Arguments of calls are sometimes not
# valid JSON; count these as format errors instead of letting `json.loads`
# stop the analysis. A model may know a public document by heart, so "right,
# page not opened" can be large: that is contamination, not skill. Answers and
# reasoning may grow longer in training, so look at tokens beside the reward.
# Latency is measured, and depends on load. Test forgetting on your product's
# other tasks and on refusals and safety, not on one small catalogue.
#
# ## Recap
#
# - Split accuracy first: was the page found, was it read correctly?
# - Questions are the unit. Pair them, and resample jobs as well.
# - Put reward, calls, tokens and latency into one table.
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
