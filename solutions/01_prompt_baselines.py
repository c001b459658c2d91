# %% [markdown]
# # 01 Prompt baselines
#
# Training is the most expensive way to improve an agent. First find out
# what the model already does, where it fails, and how far a better prompt
# carries it. That measurement is the **baseline**: every later gain is
# compared with it.
#
# **In this lesson you will**
#
# - measure an agent: reward, accuracy, calls, tokens and latency, each with
#   an interval;
# - use repeats to tell noise from change, and read pass@k and pass^k;
# - read failures and count their kinds;
# - try a better prompt, better tool descriptions and a simpler task, and
#   see where each stops;
# - take home an evaluation harness of about 80 lines.
#
# **Time** 40 minutes. **Simulated:** unless you chose a live service, the
# figures come from the **simulated model**. They show how to measure, not
# what a large language model would score.

# %%
from buildhour_helpers import session

session.start()
print(session.describe(), "·", session.model())

# %% [markdown]
# ## Measure the baseline
#
# The agent gets a question about one page among 2,800 pages of company
# reports. It has three tools (`search`, `list`, `cat`) and ten calls. A
# grader scores the answer: 1 if it is right, 0.5 for one slip of sign,
# scale or rounding, otherwise 0. We use **validation** questions. The test
# questions are for the final report only: once you have used questions to
# choose a prompt, they no longer test it.

# %%
from buildhour_helpers.tasks import FIRST_PROMPT, load_questions

validation = load_questions(split="validation")
questions = validation[::7]  # live, [::40] costs less
print(len(questions), "of", len(validation), "questions. The first:\n")
print(questions[0].text, "\nreference:", questions[0].answer_text)
print("\nthe first prompt:", FIRST_PROMPT)

# %% [markdown]
# One attempt at a question is a **rollout**. `evaluate` runs three for each.
# The last part of this lesson builds such a harness from scratch.

# %%
from buildhour_helpers.rollouts import evaluate
from buildhour_helpers.tasks import build_rows
from buildhour_helpers.tools.schemas import DEFINITIONS

first = await evaluate(
    build_rows(questions, FIRST_PROMPT, DEFINITIONS),
    model=session.model(),
    file=session.scratch() / "first.jsonl",
    run="first",
    repeats=3,
    progress=False,
)

# %%
from buildhour_helpers.analysis.summaries import summarise
from buildhour_helpers.analysis.tables import summary_table

baseline = summarise(first)
summary_table(baseline)

# %%
reward = baseline.measures["reward"]
half_width = (reward.high - reward.low) / 2
needed = len(questions) * (half_width / 0.03) ** 2
print(f"reward {reward.value:.2f} ± {half_width:.2f}")
print(f"for ± 0.03: about {needed:.0f} questions")
assert needed > len(questions)

# %% [markdown]
# The agent's mean reward is {{reward.value:.2f}}. The brackets are 95%
# intervals: with {{len(questions)}} questions this mean is known to about
# ± {{half_width:.2f}}. Knowing it to ± 0.03 would take about
# {{needed:.0f}} questions, because half the width costs four times the
# questions. The other rows are what the agent costs: calls, turns and
# tokens. Latency is computed from the simulated model's tokens.
#
# ## Repeat each question
#
# A model samples its answers, so two rollouts of one question can differ.
# Here are the three rewards of some questions, from best to worst:

# %%
from buildhour_helpers.analysis.summaries import by_question

rewards = {
    name: [record.reward for record in repeats]
    for name, repeats in by_question(first).items()
}
by_sum = sorted(rewards, key=lambda name: sum(rewards[name]))
for name in by_sum[::-4]:
    print(f"{name:9}", rewards[name])

# %%
never = sum(max(r) == 0 for r in rewards.values())
always = sum(min(r) == 1 for r in rewards.values())
vary = sum(len(set(r)) > 1 for r in rewards.values())
print(f"never score: {never}, always 1: {always}, vary: {vary}")
assert vary > always

# %% [markdown]
# Of {{len(rewards)}} questions {{never}} never score, {{always}} are
# always right and {{vary}} vary. Each kind calls for something else:
#
# | its repeats | what it means |
# |---|---|
# | never score | too hard for this model, or the question is broken: read it |
# | always score 1 | solved: there is nothing left to learn |
# | vary | the model can do it, but not reliably |
#
# Agent RFT feeds on the last kind. It runs a group of rollouts for a
# question and reinforces what the better ones did. In a **zero-variance
# group** all rewards are equal, so there is nothing to prefer.

# %%
from buildhour_helpers.analysis import figures

figure = figures.reward_variance(first)
print(figure.alt_text())
figure

# %% [markdown]
# ### Exercise 1.1: Sometimes right, always right
# Difficulty 2/5 · 3 minutes
#
# Two numbers summarise the repeats: the share of questions solved **at least
# once**, and the share solved **every time**. Write `pass_rates(rewards)`. It
# gets a dictionary from question to a list of rewards and returns the two
# shares, between 0 and 1. Only a reward of 1 counts as solved. `None` is a
# rollout that a broken tool spoiled: leave it out, and leave out a question
# that has nothing else.


# %% exercise="1.1" difficulty=2 minutes=3
def pass_rates(rewards):
    """Shares of questions: solved at least once, solved every time."""
    # begin solution
    graded = [[r for r in of if r is not None] for of in rewards.values()]
    solved = [[r == 1 for r in of] for of in graded if of]
    once = sum(map(any, solved)) / len(solved)
    every_time = sum(map(all, solved)) / len(solved)
    return once, every_time
    # end solution


# %%
from buildhour_helpers import checks

checks.exercise_1_1(pass_rates)

# %% [markdown]
# ## Compare pass@k and pass^k
#
# In general, **pass@k** is the chance that at least one of *k* rollouts is
# right, and **pass^k** the chance that all *k* are. With *n* repeats of a
# question, *c* of them right, both can be estimated without bias for any
# *k* up to *n*:

# %%
from math import comb


def pass_at(k, n, c):
    return 1 - comb(n - c, k) / comb(n, k)


def pass_hat(k, n, c):
    return comb(c, k) / comb(n, k)


# %% [markdown]
# We need more rollouts to see them. This run is **recorded** (simulated
# model): the same prompt, all validation questions, eight repeats.

# %%
from buildhour_helpers import recordings

run = recordings.load("prompts")
print("recorded by:", run["command"])
recorded = {
    name: {
        question_id: [float(reward) for reward in text.split()]
        for question_id, text in variant["rewards"].items()
    }
    for name, variant in run["variants"].items()
}

# %%
from statistics import fmean

eight = recorded["first prompt"].values()
right = [sum(reward == 1 for reward in of) for of in eight]
at = {k: fmean(pass_at(k, 8, c) for c in right) for k in (1, 2, 4, 8)}
hat = {k: fmean(pass_hat(k, 8, c) for c in right) for k in (1, 2, 4, 8)}
for k in at:
    print(f"k = {k}: pass@k {at[k]:.2f}   pass^k {hat[k]:.2f}")

# %% [markdown]
# One rollout is right {{at[1]:.0%}} of the time. Given eight tries, the
# agent solves {{at[8]:.0%}} of the questions at least once, but it solves
# only {{hat[8]:.0%}} all eight times. The gap between pass@1 and pass@8 is
# **headroom**: answers that the model already finds by luck. Training can turn
# that luck into habit. Without a gap, expect little from it.
#
# ## Know your noise
#
# Take each of the eight repeats as a complete benchmark run: same model,
# same prompt, same questions.

# %%
runs = sorted(fmean(of[n] for of in eight) for n in range(8))
print("eight runs:", *[f"{one:.3f}" for one in runs])
spread = runs[-1] - runs[0]
print(f"largest difference: {spread:.3f}")
assert spread > 0.02

# %% [markdown]
# Nothing changed, and still the best run scores {{spread:.3f}} more than the
# worst. A gain of that size between two prompts, each run once, shows nothing.
#
# Intervals must count **questions**: eight rollouts of one question are
# alike, not eight independent facts.

# %%
from buildhour_helpers.analysis.statistics import mean_interval

naive = mean_interval([reward for of in eight for reward in of])
proper = mean_interval([fmean(of) for of in eight])
print("over rollouts, too narrow:", naive)
print("over questions:           ", proper)
too_narrow = (proper.high - proper.low) / (naive.high - naive.low)
print(f"the honest interval is {too_narrow:.1f} times as wide")
assert too_narrow > 1.5

# %% [markdown]
# The honest interval is {{too_narrow:.1f}} times as wide. Average the repeats of
# a question first, then resample questions.
#
# *Time to here: 12 minutes.*
#
# ## Read the failures
#
# The mean says how often the agent fails, but not why. So read some traces.
# The first failed rollout is about this question:

# %%
question_of = {question.id: question for question in questions}
failed = [record for record in first if not record.correct]
asked = question_of[failed[0].question_id]
print(asked.text)
print("answer is on:", *asked.gold_pages)

# %% [markdown]
# What the agent did, with long outputs cut:

# %%
import json


def show(record, width=62):
    for item in record.trace[1:]:
        kind = item.get("type", "message")
        if kind == "function_call":
            print("→", item["name"], item["arguments"][:width])
        elif kind == "function_call_output":
            print("    ", item["output"].replace("\n", " ")[:width])


show(failed[0])
print("answered:", failed[0].answer, "· reference:", asked.answer_text)

# %% [markdown]
# Ask three things, in this order. Did the page turn up? Was it opened? Was
# the right number taken from it? The first *no* is the kind of failure. The
# viewer shows whole traces:

# %% tags=["uncompared"]
from buildhour_helpers.analysis.widgets import TraceViewer

TraceViewer(failed[:10])

# %% [markdown]
# After ten traces you know the kinds. Then let code count them:


# %%
def pages_opened(record):
    cats = [item for item in record.trace if item.get("name") == "cat"]
    return {json.loads(item["arguments"]).get("path") for item in cats}


def kind_of(record, question):
    if record.reward is None:
        return "discarded"
    if record.reward == 0.5:
        return "sign, scale or rounding"
    if pages_opened(record) & set(question.gold_pages):
        return "right page, wrong value"
    return "page never opened"


# %%
from collections import Counter

kinds = Counter(kind_of(r, question_of[r.question_id]) for r in failed)
for kind, count in kinds.most_common():
    print(f"{count:4} {count / len(failed):4.0%}  {kind}")
unopened = kinds["page never opened"] / len(failed)
assert max(kinds, key=kinds.get) == "page never opened"

# %% [markdown]
# In {{unopened:.0%}} of the failures the agent never opened a page with the
# answer. Each kind needs another fix:
#
# | kind | where to look first |
# |---|---|
# | discarded | your servers: it is not the model's fault, so never score it 0 |
# | sign, scale or rounding | the prompt: units; the grader: is it fair? (04) |
# | page never opened | search, and the tools' descriptions (03) |
# | right page, wrong value | practice: training (05) |
#
# ### Exercise 1.2: Not found, or passed over?
# Difficulty 3/5 · 4 minutes
#
# "Page never opened" mixes two failures. Either **not found**: no tool
# output named the page, so search is to blame. Or **passed over**: an output
# named it, and the agent opened something else. Write
# `why_unopened(trace, gold_pages)`. It returns `"not found"`, `"passed
# over"`, or `"opened"` if `cat` was called on a gold page. `trace` is a list
# of items like `record.trace`. Compare whole paths:
# `ME/2012/page_4.pdf` is not `ACME/2012/page_4.pdf`.


# %% exercise="1.2" difficulty=3 minutes=4
def why_unopened(trace, gold_pages):
    # begin solution
    opened, named = set(), set()
    for item in trace:
        if item.get("type") == "function_call" and item["name"] == "cat":
            opened.add(json.loads(item["arguments"]).get("path"))
        if item.get("type") == "function_call_output":
            named.update(item["output"].split())
    if opened & set(gold_pages):
        return "opened"
    return "passed over" if named & set(gold_pages) else "not found"
    # end solution


# %%
checks.exercise_1_2(why_unopened)

# %% [markdown]
# *Time to here: 20 minutes.*
#
# ## Improve the prompt
#
# What can a prompt do here? Be warned: the simulated model does not
# understand prompts. It looks for a few **cues** and takes them literally:
#
# | words in your prompt | what the simulated model does |
# |---|---|
# | units, %, decimals, negative, parentheses | fewer slips of scale, sign, rounding |
# | read ... before, read the page | reads on instead of answering in haste |
# | a budget of ... calls, at most ... calls | uses a little more of its budget |
# | no tools, without tools | answers at once, with nothing read |
# | wrong, random, guess | gives up, even if you wrote "do not guess" |
# | anything else, such as a role or a tone | nothing |
#
# ([The whole list](../docs/model.md#what-a-prompt-can-say).) What carries over
# to a real model is how we compare: the same questions for both prompts,
# **paired**, so that each question is its own control.

# %%
from buildhour_helpers.analysis.statistics import paired_difference

means = {
    name: {question: fmean(of) for question, of in variant.items()}
    for name, variant in recorded.items()
}


def gain(after, before="first prompt"):
    sides = (list(means[name].values()) for name in (before, after))
    return paired_difference(*sides)


# %% [markdown]
# What does a prompt cost in tokens?


# %%
def tokens(name):
    return run["variants"][name]["means"]["reasoning_tokens"]


def more_tokens(name):
    return tokens(name) / tokens("first prompt") - 1


# %% [markdown]
# Four prompts against the first one, recorded on all 200 validation
# questions: change of reward and of reasoning tokens.

# %%
names = (
    "a poem about the sea",
    "first + units and signs",
    "first + read before answering",
    "best prompt",
)
poem, units, read, best = map(gain, names)
for name in names:
    print(f"{name:30} {gain(name):+.3f}  tokens {more_tokens(name):+.0%}")

# %%
assert poem.low < 0 < poem.high
assert read.low < 0 < read.high
assert units.low > 0
assert more_tokens("first + units and signs") < 0
assert best.low > 0
assert more_tokens("best prompt") > 0.2

# %% [markdown]
# - One sentence about units and signs gains {{units.value:+.3f}} and costs no
#   extra tokens. It fixes a kind of failure that we had counted.
# - Reading before answering takes
#   {{more_tokens(names[2]):+.0%}} tokens, and no
#   difference of reward is shown.
# - `BEST_PROMPT`, which says all of this and more, gains
#   {{best.value:+.3f}} for {{more_tokens("best prompt"):+.0%}} tokens.
# - "Write a poem about the sea." is level with the first prompt. Neither has
#   a cue, so the simulated model sees no difference. A real model would
#   write you a poem.
#
# An interval that includes zero means that *these rollouts cannot tell*. It
# does not mean that the prompts are equal. See what happens with only three
# of the first prompt's eight repeats:

# %%
three = [fmean(of[:3]) for of in eight]
few = paired_difference(three, list(means["best prompt"].values()))
print("best prompt, against 3 repeats:", format(few, "+.3f"))
print("best prompt, against 8 repeats:", format(best, "+.3f"))
assert few.low < 0 < few.high

# %% [markdown]
# Those three repeats were lucky ones, and the gain disappeared:
# {{few.value:+.3f}}. With all eight it is {{best.value:+.3f}}. Is it real? We
# asked all test questions once with each prompt:

# %%
study = recordings.load("study")
on_test = study["prompt_against_first"]["difference"]["reward"]
print("best prompt, 300 test questions:", end=" ")
print("{:+.3f} [{:+.3f}, {:+.3f}]".format(*on_test))
assert on_test[1] > 0

# %% [markdown]
# On new questions the gain is {{on_test[0]:+.3f}}. Later lessons use
# `BEST_PROMPT` before and after training, so that only the weights differ.
#
# ## Improve the tool descriptions
#
# A description is part of the prompt. What if the tools keep their names
# and parameters, but lose every description?

# %%
undescribed = gain("best, tools undescribed", before="best prompt")
print("without descriptions:", format(undescribed, "+.3f"))
assert undescribed.low < 0 < undescribed.high

# %% [markdown]
# No loss is shown ({{undescribed:+.3f}}): the simulated model goes by names and
# parameter types. Large models depend on descriptions, so measure yours.
#
# ## Simplify the task
#
# Each question has a level. Level 1 names company and year and uses the
# page's words. Level 4 needs prose beside a table, units, several steps.

# %%
levels = {}
for question in validation:
    mean = means["best prompt"][question.id]
    levels.setdefault(question.level, []).append(mean)
by_level = {n: mean_interval(levels[n]) for n in sorted(levels)}
for level, score in by_level.items():
    print(f"level {level}: {len(levels[level]):3} questions, {score:.2f}")
assert by_level[1].value - by_level[4].value > units.value

# %% [markdown]
# With the best prompt the agent scores {{by_level[1].value:.2f}} on level 1
# and {{by_level[4].value:.2f}} on level 4: a larger difference than any
# prompt made. A narrow product that works beats a wide one that does not. But
# it is another task: never compare its score with the full task's.
#
# ## Find the plateau
#
# Now all seven variants, beside the reward that the first prompt would reach
# if someone picked the best of three rollouts each time.

# %%
from buildhour_helpers.analysis.statistics import best_of_n

measured = {n: mean_interval(list(of.values())) for n, of in means.items()}
lucky = fmean(best_of_n(of, 3) for of in eight)
values = [interval.value for interval in measured.values()]
print(f"first prompt, best of 3: {lucky:.3f}")

# %%
figure = figures.intervals(
    measured,
    f"Seven variants score {min(values):.2f} to {max(values):.2f}",
    line=("first prompt, best of 3", lucky),
    note="simulated model, recorded",
)
print(figure.alt_text())
assert lucky > max(values) + 0.1
figure

# %% [markdown]
# The best variant scores {{max(values):.2f}}. The first prompt's best of
# three scores {{lucky:.2f}}. So the behaviour we want is in the model, and no
# wording brings it out reliably. This is the **plateau**, the point at
# which fine-tuning starts to make sense.
#
# ### Beware of the winner's curse
#
# If you try many prompts and keep the best, you keep some luck with it.
# Choose the winner on one half of the questions, score it on the other half,
# and repeat with 200 random halves:

# %%
import random


def lead(prompt, half):
    plain = means["first prompt"]
    return fmean(means[prompt][one] - plain[one] for one in half)


leads, ids = [], list(means["first prompt"])
for key in range(200):
    shuffled = random.Random(key).sample(ids, len(ids))
    chosen, other = shuffled[::2], shuffled[1::2]
    winner = max(means, key=lambda prompt: lead(prompt, chosen))
    leads.append((lead(winner, chosen), lead(winner, other)))

# %%
where_chosen, elsewhere = map(fmean, zip(*leads))
print(f"the winner's lead where it was chosen: {where_chosen:+.3f}")
print(f"the same winner's lead elsewhere:      {elsewhere:+.3f}")
assert where_chosen > elsewhere

# %% [markdown]
# The winner leads by {{where_chosen:+.3f}} where it was chosen and by
# {{elsewhere:+.3f}} elsewhere. The second number is the honest one. So choose
# on validation questions, and report on test questions.
#
# ### Exercise 1.3: Write a better prompt
# Difficulty 4/5 · 5 minutes
#
# Return your prompt from `my_prompt`. It should tell the agent how to do
# this task better than `FIRST_PROMPT` does. The check measures both on
# questions that you have not seen. You pass if your prompt is about this task
# and is not clearly worse. "No difference shown" is a good answer.


# %% exercise="1.3" difficulty=4 minutes=5
def my_prompt():
    # begin solution
    return (
        "You are a financial analyst. "
        "Use the tools to answer the question. "
        "Search with the company, the item and the year. "
        "Mind units (thousands, millions); parentheses mean negative. "
        "Answer with a number only, with two decimals and a % sign if it "
        "is a percentage."
    )
    # end solution


# %%
checks.exercise_1_3(my_prompt)

# %% [markdown]
# *Time to here: 34 minutes.*
#
# ## Build the harness
#
# Here is the whole evaluation in plain client code. First the clients.
# `openai` retries what is worth retrying, such as 429 and 500. A semaphore
# limits how many rollouts run at once:

# %% take="1"
import asyncio
import os

import httpx
from openai import APIError, AsyncOpenAI

client = AsyncOpenAI(max_retries=5, timeout=120)
MODEL = os.environ.get("BUILDHOUR_MODEL", "sim-agent-mini")
TOOLS_URL = os.environ["BUILDHOUR_TOOLS_URL"]
HEADERS = {"Authorization": "Bearer " + os.environ["BUILDHOUR_TOOLS_KEY"]}
web = httpx.AsyncClient(headers=HEADERS, timeout=30)
AT_ONCE = asyncio.Semaphore(8)

# %% [markdown]
# A tool is a name, a description and a schema. Ours take one text each:


# %% take="1"
def tool(name, description, parameter, meaning):
    text = {"type": "string", "description": meaning}
    schema = {"type": "object", "required": [parameter]}
    schema["properties"] = {parameter: text}
    about = {"name": name, "description": description}
    return {"type": "function", **about, "parameters": schema}


# %% take="1"
TOOLS = [
    tool("search", "Find report pages.", "query", "words on the page"),
    tool("list", "List a folder.", "path", "such as ACME/2012/"),
    tool("cat", "Read one page.", "path", "as search or list named it"),
]

# %% [markdown]
# Tools and grader are web endpoints, so a training service can call them
# later just as we do now. `trace_id` says which rollout a call belongs to;
# `item` is the dataset row. A bad status raises an error:


# %% take="1"
async def post(path, body):
    answer = await web.post(f"{TOOLS_URL}/{path}", json=body)
    answer.raise_for_status()
    return answer.json()


async def call_tool(call, item, trace_id):
    body = {key: call[key] for key in ("name", "arguments", "call_id")}
    body |= {"item": item, "trace_id": trace_id}
    return (await post(call["name"], body))["output"]


# %% [markdown]
# Each turn sends the conversation so far. `metadata` matters to the
# simulated model alone: it answers equal requests alike, so the number of
# the repeat must be in there somewhere. Other providers ignore it.


# %% take="1"
async def ask(items, tools, repeat):
    return await client.responses.create(
        model=MODEL,
        input=items,
        tools=tools,
        reasoning={"effort": "medium"},
        store=False,
        include=["reasoning.encrypted_content"],
        metadata={"repeat": str(repeat)},
    )


# %% [markdown]
# The loop runs the model's calls and appends their outputs. A turn without
# calls is the answer:


# %% take="1"
async def converse(items, item, trace_id, tools=TOOLS, repeat=0):
    for _ in range(12):  # ten calls, one refusal, the answer
        turn = await ask(items, tools, repeat)
        said = [one.to_dict() for one in turn.output]
        items += said
        calls = [one for one in said if one["type"] == "function_call"]
        if not calls:
            break
        for call in calls:
            output = await call_tool(call, item, trace_id)
            back = {"call_id": call["call_id"], "output": output}
            items.append({"type": "function_call_output", **back})
    return turn.output_text


# %% [markdown]
# A rollout is that conversation and its grade. If a server fails, the reward
# is `None`, not 0: the model is not to blame.

# %% take="1"
import uuid


async def rollout(prompt, question, item, tools=TOOLS, repeat=0):
    items = [
        {"role": "system", "content": prompt},
        {"role": "user", "content": question},
    ]
    trace_id = "trace_" + uuid.uuid4().hex
    done = {"question_id": item["question_id"], "items": items}
    try:
        answer = await converse(items, item, trace_id, tools, repeat)
        body = {"sample": {"output_text": answer}, "item": item}
        grade = await post("grade", body | {"trace_id": trace_id})
    except (httpx.HTTPError, APIError) as error:
        return done | {"reward": None, "error": repr(error)}
    return done | {"reward": grade["score"], "answer": answer}


# %% [markdown]
# An evaluation is many rollouts. `item` is whatever your grader reads:

# %% take="1"
PROMPT = (
    "You are a financial analyst. Use the tools to answer the question."
)


def row(name, question, value, kind):
    item = {"question_id": name, "answer_value": value}
    return {"question": question, "item": item | {"answer_kind": kind}}


# %% take="1"
BRAMVERN = (
    "By how much did ending balance of the allowance for doubtful "
    "accounts at Bramvern Logistics Ltd. change from fiscal 2004 to "
    "fiscal 2006, in thousands?"
)
INGCTON = (
    "What was the growth rate of dividends paid to shareholders at the "
    "owner of the Ingcton brand from 2012 to 2013, in percent?"
)
ROWS = [
    row("BRAV-03", BRAMVERN, 2273, "amount"),
    row("NEVS-02", INGCTON, -1.5786, "percent"),
]


# %% [markdown]
# Eight rollouts run at once:


# %% take="1"
async def limited(row, repeat):
    async with AT_ONCE:
        question, item = row["question"], row["item"]
        return await rollout(PROMPT, question, item, repeat=repeat)


async def harness(rows, repeats=3):
    jobs = [limited(row, n) for row in rows for n in range(repeats)]
    return await asyncio.gather(*jobs)


for done in await harness(ROWS):
    print(done["question_id"], "reward", done["reward"], end=" ")
    print("after", len(done["items"]), "items")

# %% [markdown]
# `evaluate`, which measured your baseline, adds progress, a line of JSON per
# rollout, and resuming after an interruption.
#
# ## Recap
#
# - Report reward, accuracy, calls, tokens and latency, with intervals over
#   questions.
# - Repeats separate noise from change. pass@k shows headroom, pass^k shows
#   reliability. Questions that vary can teach.
# - Failures have kinds, and each has its fix. Read ten, count all.
# - Try prompt, descriptions and a simpler task first, in paired
#   comparisons. Stop at the plateau, and expect the winner to shrink.
#
# ## Take it with you
#
# Copy the cells from `client = AsyncOpenAI(...)` to `await harness(ROWS)`. They
# need `openai` and `httpx`. Then replace
#
# - `TOOLS` with your tools' definitions, and `BUILDHOUR_TOOLS_URL` and its
#   key with your server's;
# - `PROMPT` and `ROWS` with yours; `item` is whatever your grader reads;
# - `metadata` with nothing: other providers need no repeat number.
#
# ## With a real model
#
# **What carries over:** repeats, paired intervals over questions, kinds of
# failure, the plateau test, and the harness. **What will differ:** a real
# model reads every word of a prompt, so wording, order and examples matter
# more, and so do tool descriptions. Prompts do not transfer well between
# models: measure again after each upgrade. The API never repeats itself
# exactly, and hosted models change under you, so run old and new prompt on
# the same day. Answers come with format errors that your grader must
# survive. The model may have seen your documents in pretraining
# (contamination), so also measure without tools.
#
# ## Three questions
#
# <details><summary>Prompt B scores two points more than prompt A on twenty
# questions, one run each. Do you switch?</summary>
#
# Not for that. Pair them by question, repeat each three times, and look at
# the interval of the difference. With twenty questions it will almost
# certainly include zero.
#
# </details>
#
# <details><summary>pass@8 equals pass@1. What does that say about
# training?</summary>
#
# Repeats never differ: each question is solved or out of reach. Training
# has nothing to prefer. Change the task first.
#
# </details>
#
# <details><summary>Most failures are "page never opened", and most of those
# are "not found". What do you try first?</summary>
#
# Search: its description, its results, its engine. A page that never turns
# up cannot be read.
#
# </details>
