# %% [markdown]
# # 00 Start here
#
# In this course you build an agent, train it by trial and reward, and prove
# that it has become better. All of it runs on this machine: no key, no
# network, no bill.
#
# **In this lesson you will**
#
# - see that your machine is ready;
# - learn what an agent is: a model, tools and a loop;
# - run one and read what it did, line by line;
# - grade it, and turn the grades of a group into a training signal;
# - place Agent RFT beside prompting and base RFT, and learn where it can be
#   run today.
#
# **Time** 35 minutes. **Before** Some Python. Nothing about training.

# %% [markdown]
# ## How these lessons work
#
# Run a cell with Shift+Enter, read what it printed, go on. Lost your place?
# *Run > Run All Above Selected Cell* brings you back.
#
# An **exercise** raises `NotImplementedError`: put your code there, and the
# cell below tells how it did. No later cell needs your answer. Solved
# lessons are in `solutions/`.
#
# Two lines begin every lesson:

# %%
from buildhour_helpers import session

session.start()
print(session.describe())

# %% [markdown]
# They started a **service** that speaks OpenAI's API, and a **tool server**,
# the part that would be yours in a real project. Both listen to this machine
# alone. If the cell failed, run `python workshop.py doctor` in a terminal:
# it says what is missing, and the cure.

# %% [markdown]
# From here on the code is what you would write anywhere. The client reads
# `OPENAI_BASE_URL` and `OPENAI_API_KEY`, which the two lines have set.

# %% take="1"
import os

from openai import OpenAI

client = OpenAI()
MODEL = os.environ.get("BUILDHOUR_MODEL", "sim-agent-mini")

# %% [markdown]
# `sim-agent-mini` is the **simulated model**: no language model, but a small
# program that chooses by a table of numbers, its weights, and learns by the
# arithmetic by which large models learn. What it scores says nothing about a
# large one; how you measure and train it carries over.
#
# *Time to here: 4 minutes.*

# %% [markdown]
# ## A question that cannot be known
#
# The course has one task: answer a question about one page among 2,800
# pages of company reports. The companies are invented, so no model can have
# read about them. Here is one of the training questions:

# %%
from buildhour_helpers.tasks import load_questions

questions = load_questions(split="train")
question = questions[3]
print(question.text)
print("\nThe answer a person would give:", question.answer_text)

# %% [markdown]
# Ask the model, and it has nothing to go by:


# %% take="1"
def ask(items, tools=(), repeat=0):
    return client.responses.create(
        model=MODEL,
        input=items,
        tools=list(tools),
        reasoning={"summary": "auto"},
        metadata={"repeat": str(repeat)},
    )


# %%
print(ask(question.text).output_text)

# %% [markdown]
# A large model might invent a number, which is worse. No prompt cures
# either: the page was never in reach.

# %% [markdown]
# ## What an agent is
#
# An agent is a model that may act before it answers. It is told which
# **tools** there are; it replies with a call; a program of yours carries the
# call out and sends the output back; and so on, until it answers.
#
# ```
#   question ──► model ───────────────► answer
#                ▲   │
#         output │   │ tool call
#                │   ▼
#                tools        (yours: a search, a database, an API)
# ```
#
# Three tools are enough for our task. To the model a tool is a name, a
# description and the schema of its parameters:


# %% take="1"
def tool(name, description, parameter):
    schema = {"type": "object", "required": [parameter]}
    schema["properties"] = {parameter: {"type": "string"}}
    about = {"name": name, "description": description}
    return {"type": "function", **about, "parameters": schema}


TOOLS = [
    tool("search", "Search all report pages by words.", "query"),
    tool("list", "List a folder, such as ACME/2012/.", "path"),
    tool("cat", "Read one page, by its full path.", "path"),
]

# %% [markdown]
# With the tools in the request, the same question brings a different reply:

# %%
first = ask(question.text, TOOLS)
for item in first.output:
    print(item.type)

# %% [markdown]
# A **call**, and **reasoning** before it. The model has run nothing; it has
# asked us to.

# %%
call = first.output[-1]
print(call.name, call.arguments)

# %% [markdown]
# ## Carry out a call
#
# Our tools stand behind web addresses, since later a training service must
# call them too. We send the model's call as it came, and add a `trace_id`:
# which attempt the call belongs to.

# %% take="1"
import json
from urllib.request import Request, urlopen

TOOLS_URL = os.environ["BUILDHOUR_TOOLS_URL"]
HEADERS = {
    "Authorization": "Bearer " + os.environ["BUILDHOUR_TOOLS_KEY"],
    "Content-Type": "application/json",
}


def post(path, body):
    data = json.dumps(body).encode()
    with urlopen(Request(f"{TOOLS_URL}/{path}", data, HEADERS)) as answer:
        return json.load(answer)


# %%
body = call.to_dict() | {"trace_id": "trace_of_my_first_call"}
output = post(call.name, body)["output"]
print(output[:300], "...")

# %% [markdown]
# That text is for the model. A path is a company's ticker, a year, a page.
#
# *Time to here: 8 minutes.*

# %% [markdown]
# ## The loop
#
# Now the whole of an agent. Everything said so far goes into each request;
# what comes back is appended; a reply without a call is the answer. Our
# tools allow ten calls an attempt, so twelve turns are plenty.

# %% take="1"
import uuid


def roll_out(text, repeat=0):
    trace = [{"role": "user", "content": text}]
    trace_id = f"trace_{uuid.uuid4().hex}"
    for _ in range(12):
        turn = [item.to_dict() for item in ask(trace, TOOLS, repeat).output]
        trace += turn
        calls = [one for one in turn if one["type"] == "function_call"]
        if not calls:
            break
        for one in calls:
            answer = post(one["name"], one | {"trace_id": trace_id})
            back = {"call_id": one["call_id"], "output": answer["output"]}
            trace.append({"type": "function_call_output", **back})
    return trace


# %%
trace = roll_out(question.text)
print(len(trace), "items; the last is a", trace[-1]["type"])

# %% [markdown]
# One attempt from question to answer is a **rollout** (a *trajectory*,
# elsewhere), and the list of what happened is its **trace**. Read it:


# %%
def text_of(item):
    if item.get("type") == "function_call":
        return f"{item['name']} {item['arguments']}"
    keys = ("summary", "content", "output")
    parts = next((item[key] for key in keys if item.get(key)), "")
    if isinstance(parts, str):
        return parts
    return " ".join(part["text"] for part in parts)


for item in trace:
    kind = item.get("type", "question")
    print(f"{kind:22}{' '.join(text_of(item).split())[:76]}")

# %% [markdown]
# - `reasoning` is why, in a summary that comes because we ask for it. In
#   parentheses the simulated model says what spoke most for its choice.
# - `function_call` is what it did. Look at the arguments: the whole question,
#   or its telling words?
# - `function_call_output` is all that it learnt. `Error:` tells the model of
#   a mistake of its own. If the answer follows from none of the outputs, it
#   was a guess.
# - `message` is the answer.
#
# An untrained agent wanders: it may hold the right page and read three more.
#
# *Time to here: 11 minutes.*

# %% [markdown]
# ### Exercise 0.1: Count the calls
#
# Difficulty 1/5 · 5 minutes
#
# Write `count_calls(trace)`: how often each tool was called, by name, such
# as `{"search": 2, "cat": 1}`. A tool that was not called is left out. It
# passes if it is right for a trace that the check has made up.
# Stuck? `checks.hint("0.1")`, then `checks.hint("0.1", strength=2)`; so it
# is for each exercise.


# %% exercise="0.1" difficulty=1 minutes=5
def count_calls(trace):
    # begin solution
    counts = {}
    for item in trace:
        if item.get("type") == "function_call":
            counts[item["name"]] = counts.get(item["name"], 0) + 1
    return counts
    # end solution


# %%
from buildhour_helpers import checks

checks.exercise_0_1(count_calls)

# %% [markdown]
# ## The grade
#
# Training needs one number for a rollout: its **reward**. The **grader**
# gives it, and that is yours too: any program behind an address that takes
# the answer and what you know of the question, and returns a score. Ours
# gives 1 for the right value, 0.5 for a slip of sign or scale (0.0835 for
# 8.35%), and 0 for the rest.


# %%
def grade(question, trace):
    item = {
        "reference_answer": question.answer_text,
        "answer_value": question.answer,
        "answer_kind": question.kind,
    }
    sample = {"output_text": text_of(trace[-1])}
    body = {"sample": sample, "item": item, "trace_id": "trace_0"}
    return post("grade", body)["score"]


print(grade(question, trace), "for the answer:", text_of(trace[-1]))

# %% [markdown]
# Mark who sees what. The model never sees `item`; the grader never sees the
# weights. During training the number alone passes from one to the other.

# %% [markdown]
# ## A group, and its advantages
#
# One rollout teaches nothing: was it good, or was the question easy? So a
# question is rolled out several times. The model draws its choices by
# chance, and attempts differ. We look for a question on which some of eight
# attempts do better than others:

# %%
for question in questions[:24]:
    group = [roll_out(question.text, repeat) for repeat in range(8)]
    rewards = [grade(question, trace) for trace in group]
    if len(set(rewards)) > 1:
        break
print(question.text, "\n")
print("rewards:", rewards)

# %% [markdown]
# They differ in what they did on the way, too:

# %%
for trace, reward in zip(group, rewards):
    calls = [one for one in trace if one.get("type") == "function_call"]
    print(reward, *(one["name"] for one in calls))

# %% [markdown]
# The **advantage** of a rollout is its reward less the mean of its group:
# above zero, it did better than usual on this question.

# %%
mean = sum(rewards) / len(rewards)
for trace, reward in zip(group, rewards):
    print(f"{reward - mean:+.3f}  {text_of(trace[-1])[:50]}")

# %% [markdown]
# ### Exercise 0.2: From rewards to advantages
#
# Difficulty 2/5 · 6 minutes
#
# Write `advantages(rewards)`: for the rewards of one group, each one's
# advantage, as a list in the same order. It passes if they sum to zero, and
# if equal rewards give zeros only: such a group teaches nothing.


# %% exercise="0.2" difficulty=2 minutes=6
def advantages(rewards):
    # begin solution
    mean = sum(rewards) / len(rewards)
    return [reward - mean for reward in rewards]
    # end solution


# %%
checks.exercise_0_2(advantages)

# %% [markdown]
# ## One update, by hand
#
# Training makes what did better than usual more likely. Take each answer of
# the group as one choice. A choice has a weight, its chance grows with the
# weight, and an update adds to the weight the advantages it has earned.

# %%
import math
from collections import Counter

answers = [text_of(trace[-1]) for trace in group]
weights = {text: math.log(n) for text, n in Counter(answers).items()}


def chances(weights):
    total = sum(math.exp(weight) for weight in weights.values())
    return {text: math.exp(w) / total for text, w in weights.items()}


# %%
before = chances(weights)
for text, reward in zip(answers, rewards):
    weights[text] += reward - mean
after = chances(weights)
for text in before:
    print(f"{before[text]:.2f} -> {after[text]:.2f}  {text[:50]}")

# %% [markdown]
# Nobody told the model what is right. Yet what did better than usual has
# gained, taken together:

# %%
better = {text for text, r in zip(answers, rewards) if r > mean}
share = [sum(map(step.get, better)) for step in (before, after)]
assert share[1] > share[0]
print(f"better than usual: {share[0]:.2f} -> {share[1]:.2f}")

# %% [markdown]
# In a real job each **action** on the way shares the rollout's advantage:
# which tool, which words, when to stop.
#
# *Time to here: 25 minutes.*

# %% [markdown]
# ## The loop in one picture
#
# ```
#            ┌────────────────────── the service ─────────────────────┐
#            │                                                        │
#  questions ──► 1 SAMPLE        4 ADVANTAGE         5 UPDATE         │
#            │   a group of  ┌─► reward less  ─────► better choices   │
#            │   rollouts    │   the group's mean    more likely ──┐  │
#            │    │  ▲       │                                     │  │
#            │    │  └───────┼───────── next step ─────────────────┘  │
#            └────┼──────────┼────────────────────────────────────────┘
#                 ▼          │
#            2 TOOLS ──► 3 GRADER
#            search,     a score for
#            list, cat   each rollout
#            └──────── your side ───────┘
# ```
#
# You have now done every numbered step by hand. **Agent reinforcement
# fine-tuning** (Agent RFT) is a service that does 1, 4 and 5 for you, a few
# thousand times, and calls your tools and your grader for 2 and 3.

# %% [markdown]
# ## Which lever for which problem
#
# | | prompt | base RFT | Agent RFT |
# |---|---|---|---|
# | what changes | the words | the weights | the weights |
# | steps in a rollout | any | one: prompt in, answer out | many |
# | tools while it learns | - | none | yours, live |
# | who grades | you, by reading | a grader of the platform | any program of yours |
# | costs | minutes | a job | a job, and load on your tools |
#
# Pull the cheapest lever that moves the thing. And training needs attempts
# that differ: where all of them fail, every advantage is zero, and first the
# task must become easier or the tools better.

# %% [markdown]
# ### Exercise 0.3: Choose the lever
#
# Difficulty 2/5 · 5 minutes
#
# Four teams ask for your advice. Give each "prompt", "base RFT", "Agent RFT"
# or "not yet".
#
# - **triage** A report goes in, one of nine codes comes out; an exact match
#   is right. The prompt has been polished for weeks; 6 of 10 are right.
# - **contracts** Finds the clause that applies with three search tools of
#   the firm, in five to fifteen calls. Prompts no longer help; about half of
#   the attempts at a case succeed.
# - **summaries** Every summary is correct, but too long. The prompt never
#   mentions a length.
# - **proofs** On none of 200 cases has any of eight attempts been right.
#
# It passes if all four are right.

# %% exercise="0.3" difficulty=2 minutes=5
advice = None
# begin solution
advice = {
    "triage": "base RFT",
    "contracts": "Agent RFT",
    "summaries": "prompt",
    "proofs": "not yet",
}
# end solution

# %%
checks.exercise_0_3(advice)

# %% [markdown]
# ## Where Agent RFT can be run today
#
# As of November 2026 most people who learn this can run it only on a service
# like this one, or on an open engine.
#
# | where | state |
# |---|---|
# | OpenAI, self-serve | closed to new organisations since 2026-05-07, to inactive ones since 2026-07-02; no new jobs from 2027-01-06 |
# | models there | o4-mini left on 2026-10-23; gpt-5 leaves on 2026-12-11, gpt-4.1 on 2027-01-14 |
# | Microsoft Foundry | the same live tools, in preview, behind feature flags, for existing customers; o4-mini until at least 2027-04-16 |
# | Amazon Bedrock | the same API for jobs, a grader in Lambda, no tools |
# | SageMaker multi-turn RL, Fireworks, agent-lightning, rLLM | you drive the loop against a policy's address |
# | Tinker, and what speaks its API | you sample and train by API calls |
#
# What you learn is on your side of the wire: tools, grader, data,
# statistics. It is the same everywhere.

# %% [markdown]
# ## Take it with you
#
# The cells that define `client`, `ask`, `TOOLS`, `post` and `roll_out` are
# an agent, whole. Paste them into an empty project in that order.
#
# - **Install** `openai`, nothing else.
# - **Set** `OPENAI_API_KEY`, `OPENAI_BASE_URL` and `BUILDHOUR_MODEL`; and
#   `BUILDHOUR_TOOLS_URL` and `BUILDHOUR_TOOLS_KEY` to your own tool server.
# - **Change** `TOOLS`: your tools' names, descriptions and parameters. A
#   tool answers `{"output": "text for the model"}`; lesson 03 builds one.

# %% [markdown]
# ## Recap
#
# - An agent is a model, tools and a loop; the tools run on your side.
# - A rollout is one attempt; its trace says what happened and why.
# - A grader makes rewards of rollouts, a group makes advantages of rewards,
#   an update makes the better choices likelier.
# - Agent RFT is that, many times over.
#
# ## Three questions
#
# <details><summary>1. A group has the rewards 1, 1, 1, 1. What does it teach?</summary>
#
# Nothing: each advantage is zero. Lesson 02 looks for questions that are
# neither too easy nor too hard.
#
# </details>
#
# <details><summary>2. Why is the reference answer not in the prompt?</summary>
#
# Then copying would be rewarded. It goes to grader and tools alone, as a
# field of `item`.
#
# </details>
#
# <details><summary>3. What must an agent do that base RFT cannot train?</summary>
#
# Act in between: call a tool, read its output, decide on the next call.
#
# </details>
#
# Next: [01 Prompt baselines](01_prompt_baselines.ipynb), how good the agent
# is before any training, and how far words alone can carry it.
