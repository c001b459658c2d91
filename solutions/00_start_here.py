# %% [markdown]
# # 00 Start here
#
# In this course you build an agent, train it, and measure whether it got
# better. Everything runs on this machine: no key, no network, no bill.
#
# **In this lesson you will**
#
# - start a training job in minute two, and watch an agent improve;
# - run the agent yourself, and read a failed and a successful attempt;
# - turn grades into a training signal, and make one update by hand;
# - measure the agent before and after training on held-out questions;
# - choose between prompting, retrieval, SFT, base RFT and Agent RFT.
#
# **Time** 40 minutes. **Before** Some Python; nothing about training.
#
# **What is simulated** The model. `sim-agent-mini` is a small program that
# really learns, but it is not a language model
# ([what it can do](../docs/model.md)). Tools, grader, jobs and API are real.
# Its scores tell you nothing about a large model; the way you train and
# measure carries over.

# %%
from buildhour_helpers import session

session.start(mode="offline")
print(session.describe())

# %% [markdown]
# Run a cell with Shift+Enter. If one fails, run `python workshop.py doctor` in
# a terminal. An **exercise** raises `NotImplementedError`: put your code there,
# and the next cell checks it. Below its text are folded hints. No later cell
# needs your answer.
#
# ## Why train an agent?
#
# You want right answers (**accuracy**), short waits (**latency**) and a small
# bill (**cost**). Prompts move all three, up to a point. Training changes the
# model itself, so that it uses *your* tools better.
#
# One customer's example, as reported by OpenAI in its
# [Build Hour](https://www.youtube.com/watch?v=1s_7RMG4O4U) on Agent RFT
# (10 November 2025): Ambience trained an agent that finds the medical codes
# for a visit to the doctor. F1 rose from 0.52 to 0.57, and answers came 18%
# faster. Lesson 08 has more customers.
#
# *Time to here: 2 minutes.*

# %% [markdown]
# ## Start a job now
#
# This job takes less than a minute, and runs while you read on. `OpenAI()`
# finds the service through `OPENAI_BASE_URL` and `OPENAI_API_KEY`, which
# `session.start` has set.

# %% take="1"
import os

from openai import OpenAI

client = OpenAI(timeout=120)
MODEL = os.environ.get("BUILDHOUR_MODEL", "sim-agent-mini")
TOOLS_URL = os.environ["BUILDHOUR_TOOLS_URL"]
TOOLS_KEY = os.environ["BUILDHOUR_TOOLS_KEY"]
HEADERS = {"Authorization": f"Bearer {TOOLS_KEY}"}


def url(name):
    return f"{TOOLS_URL}/{name}"


# %% [markdown]
# The job trains on questions where four **recorded** attempts of the
# untrained agent did not all get the same reward: only those can teach, as
# you will see.

# %%
from buildhour_helpers.recordings import load
from buildhour_helpers.tasks import load_questions

attempts = load("samples")["pilot"]  # id -> rewards, as "0 1 0 0.5"
by_id = {one.id: one for one in load_questions(split="train")}
varying = [
    by_id[name]
    for name, rewards in attempts.items()
    if len(set(rewards.split())) > 1
]
train = varying[:128]
validation = load_questions(split="validation")[:20]
print(len(train), "questions; the first:", attempts[train[0].id])

# %% [markdown]
# A row of the training file has a prompt, a question and the tools, and what
# only the grader may see: the right answer.

# %%
from buildhour_helpers.tasks import BEST_PROMPT, build_rows, write_rows


def upload(questions, tools):
    rows = build_rows(questions, BEST_PROMPT, tools)
    path = write_rows(rows, session.scratch() / "rows.jsonl")
    return client.files.create(file=path, purpose="fine-tune").id


# %% [markdown]
# During the job the service calls your grader and your tools over HTTP. For
# each it needs an address and a key:

# %%
GRADER = {
    "type": "endpoint",
    "name": "right_value",
    "url": url("grade"),
    "headers": HEADERS,
}


def endpoint(name):
    return {"name": name, "headers": HEADERS, "server_url": url(name)}


# %% [markdown]
# The job names them, the model, the files and a few settings. Lesson 05
# explains every field.


# %%
def launch(tools):
    names = [tool["function"]["name"] for tool in tools]
    reinforcement = {
        "grader": GRADER,
        "tools": [endpoint(name) for name in names],
        "max_episode_steps": 12,
        "hyperparameters": {"batch_size": 13, "eval_interval": 10},
    }
    return client.fine_tuning.jobs.create(
        model=MODEL,
        training_file=upload(train, tools),
        validation_file=upload(validation, tools),
        method={"type": "reinforcement", "reinforcement": reinforcement},
        seed=7,
    )


# %%
from buildhour_helpers.tools.schemas import DEFINITIONS

job = launch(DEFINITIONS)
print("A job on", job.model, "with", len(DEFINITIONS), "tools runs.")

# %% [markdown]
# The next cell shows it live. The left curve is the mean reward of each step;
# the line smooths five steps. Watch it rise, and read on.

# %% tags=["uncompared"]
from buildhour_helpers.analysis.widgets import JobDashboard

dashboard = JobDashboard(client, job.id)
dashboard

# %% [markdown]
# ## What an agent is
#
# Our agent answers questions about 2,800 pages of company reports. All
# companies are invented, so no model can know them. A training question:

# %%
question = train[0]
print(question.text)
print("\nThe right answer:", question.answer_text)

# %% [markdown]
# The model alone has not seen the page, so it cannot know:


# %% take="1"
def ask(items, tools=(), attempt=0):
    return client.responses.create(
        model=MODEL,
        input=items,
        tools=list(tools),
        reasoning={"summary": "auto"},
        # Has an effect only here: another number gives another attempt.
        metadata={"attempt": str(attempt)},
    )


# %%
print(ask(question.text).output_text)

# %% [markdown]
# An **agent** is a model that can act before it answers. You tell it which
# **tools** there are. It replies with a **tool call**. Your program runs the
# call and sends the result back, until the model answers. To the model, a tool
# is a name, a description and a schema of parameters:


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
# Now the reply is **reasoning** and a call. Nothing has run yet: the model asks
# us to run it.

# %%
reply = ask(question.text, TOOLS)
call = reply.output[-1]
print([item.type for item in reply.output])
print(call.name, call.arguments)

# %% [markdown]
# Our tools are behind HTTP, because the training service must reach them too.
# `trace_id` says to which attempt a call belongs.

# %% take="1"
import httpx

web = httpx.Client(headers=HEADERS, timeout=30)


def post(name, body):
    answer = web.post(url(name), json=body)
    answer.raise_for_status()
    return answer.json()


# %%
result = post(call.name, call.to_dict() | {"trace_id": "trace_first"})
print(result["output"][:240], "...")

# %% [markdown]
# *Time to here: 8 minutes.*
#
# ## The whole agent
#
# An agent is a loop around these two steps. We append each turn and each
# result to a list, and send the whole list again, until a turn has no call.
# Our tools allow ten calls, so twelve turns are enough.

# %% take="1"
import uuid


def roll_out(text, attempt=0):
    trace = [{"role": "user", "content": text}]
    trace_id = f"trace_{uuid.uuid4().hex}"
    for _ in range(12):
        reply = ask(trace, TOOLS, attempt)
        turn = [item.to_dict() for item in reply.output]
        trace += turn
        calls = [one for one in turn if one["type"] == "function_call"]
        if not calls:
            break
        for call in calls:
            got = post(call["name"], call | {"trace_id": trace_id})
            back = {"call_id": call["call_id"], "output": got["output"]}
            trace.append({"type": "function_call_output", **back})
    return trace


# %% [markdown]
# One attempt from question to answer is a **rollout** (or trajectory). What
# happened in it is its **trace**:


# %%
def text_of(item):
    if item.get("type") == "function_call":
        return f"{item['name']} {item['arguments']}"
    parts = item.get("summary") or item.get("content") or item.get("output")
    if isinstance(parts, list):
        parts = " ".join(part["text"] for part in parts)
    return " ".join((parts or "").split())


trace = roll_out(question.text)
for item in trace:
    print(f"{item.get('type', 'question'):22}{text_of(item)[:76]}")

# %% [markdown]
# `reasoning` is a summary of why; it comes only because we asked for it.
# `function_call_output` is all that the model knows about the reports.
# `message` is the answer.

# %% [markdown]
# ### Exercise 0.1: Count the calls
#
# Difficulty 1/5 · 3 minutes
#
# Write `count_calls(trace)`. It returns how often each tool was called, such
# as `{"search": 2, "cat": 1}`. The check runs it on another trace.


# %% exercise="0.1" difficulty=1 minutes=3
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
# Training needs one number for each rollout: its **reward**. Your **grader**
# computes it. Ours gives 1 for the right value, 0.5 for a slip of sign or scale
# (0.0835 instead of 8.35%), and 0 otherwise.


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


print(text_of(trace[-1]), "· reward:", grade(question, trace))

# %% [markdown]
# ## A failed and a successful rollout
#
# The model samples its actions, so attempts at the same question differ. We
# make eight, and look for a question where some fail and some succeed.

# %%
for question in train:
    group = [roll_out(question.text, attempt) for attempt in range(8)]
    rewards = [grade(question, trace) for trace in group]
    if {0.0, 1.0} <= set(rewards):
        break
print(question.text, "\n\nrewards:", rewards)

# %% [markdown]
# Here is one of each, side by side. Unfold a result to read the page.

# %% tags=["uncompared"]
from buildhour_helpers.analysis.widgets import side_by_side


def row(question, trace, reward):
    return {"question_id": question.id, "trace": trace, "reward": reward}


failed, solved = (group[rewards.index(reward)] for reward in (0.0, 1.0))
pair = row(question, failed, 0.0), row(question, solved, 1.0)
side_by_side(*pair, titles=("Failed", "Successful"))


# %%
def tools_called(trace):
    return [i["name"] for i in trace if i.get("type") == "function_call"]


for name, trace in (("failed", failed), ("successful", solved)):
    calls = tools_called(trace)
    print(f"{name:11}{' → '.join(calls)} → {text_of(trace[-1])}")
print("the right answer:", question.answer_text)

# %% [markdown]
# Nobody tells the model which call was good: there is one reward per rollout.
#
# *Time to here: 16 minutes.*
#
# ## The loop of Agent RFT
#
# **Agent reinforcement fine-tuning** (Agent RFT) repeats five steps. You have
# just done the first three by hand. Tools and grader are yours; the service
# does the rest.

# %%
from buildhour_helpers.analysis import figures

figures.agent_rft_loop()

# %% [markdown]
# ## Groups and advantages
#
# Is a reward of 0.5 good? That depends on the question. So a rollout is compared
# with others of the same question: its **advantage** is its reward minus the
# mean of the group.

# %%
mean = sum(rewards) / len(rewards)
print(f"mean of the group: {mean:.3f}")
for trace, reward in zip(group, rewards):
    print(f"{reward:.1f}  {reward - mean:+.3f}  {text_of(trace[-1])}")

# %% [markdown]
# This is the idea of **GRPO** (group relative policy optimisation), which also
# divides by the group's standard deviation. **Leave-one-out** (RLOO) subtracts
# the mean of the *other* rollouts. Our service subtracts the group's mean and
# does not divide. All three agree on the sign. With equal rewards, in a
# **zero-variance group**, all advantages are zero and nothing is learned. That
# is why we chose questions that vary.

# %% [markdown]
# ### Exercise 0.2: From rewards to advantages
#
# Difficulty 2/5 · 4 minutes
#
# Write `advantages(rewards)`: the advantages of one group, in the same order.
# GRPO's and leave-one-out advantages are right, too.


# %% exercise="0.2" difficulty=2 minutes=4
def advantages(rewards):
    # begin solution
    mean = sum(rewards) / len(rewards)
    return [reward - mean for reward in rewards]
    # end solution


# %%
checks.exercise_0_2(advantages)

# %% [markdown]
# ## One update by hand
#
# An update makes better actions more likely. Take each answer of the group as
# an action. It has a weight, and its probability grows with the weight (a
# softmax). We start from how often each answer came up. The update adds an
# action's advantages to its weight.

# %%
import math
from collections import Counter

answers = [text_of(trace[-1]) for trace in group]
weights = {text: math.log(n) for text, n in Counter(answers).items()}


def probabilities(weights):
    total = sum(math.exp(weight) for weight in weights.values())
    return {text: math.exp(w) / total for text, w in weights.items()}


# %%
old = probabilities(weights)
for text, reward in zip(answers, rewards):
    weights[text] += reward - mean
new = probabilities(weights)
for text in old:
    print(f"{old[text]:.2f} → {new[text]:.2f}  {text[:50]}")
best = {text for text, r in zip(answers, rewards) if r == 1}
was, now = (sum(step[text] for text in best) for step in (old, new))
assert now > was
print(f"right answers: {was:.2f} → {now:.2f}")

# %% [markdown]
# One update takes the right answers from {{was:.0%}} to {{now:.0%}}. In a job,
# every action on the way gets the advantage of its rollout: which tool, which
# words, when to stop. All questions share the weights.
#
# *Time to here: 23 minutes.*

# %% [markdown]
# ## Your agent, before and after
#
# Now collect the job. If it has not ended yet, this cell waits.

# %%
from buildhour_helpers import jobs

agent = jobs.wait(client, job.id, progress=False).fine_tuned_model
dashboard.wait()
events = jobs.follow(client, job.id)
steps = [step for event in events if (step := jobs.step_of(event))]
curve = [step["train_mean_reward"] for step in steps]
print("reward in each step:", *(f"{reward:.2f}" for reward in curve))

# %%
figure = figures.training_curves(steps, note="simulated model")
print(figure.alt_text())
start, end = sum(curve[:3]) / 3, sum(curve[-3:]) / 3
assert end > start
print(f"first three steps: {start:.2f}; last three: {end:.2f}")
figure

# %% [markdown]
# The training reward rose from {{start:.2f}} in the first three steps to
# {{end:.2f}} in the last three. Single steps jump, because each has other
# questions. The square is the reward on validation questions. They were not
# chosen because they vary, and some never score, so expect less of them. The
# job also charges a little for reasoning tokens (lesson 05).
#
# Did the agent get better, or did it memorise? **Held-out** questions tell.
# They are about companies that the job has never seen.

# %%
from buildhour_helpers.rollouts import evaluate

held_out = load_questions(split="test")[::2]
folder = session.scratch()


async def measure(name, model, tools=DEFINITIONS):
    rows = build_rows(held_out, BEST_PROMPT, tools)
    file = folder / f"{name}.jsonl"
    asked = {"model": model, "repeats": 2, "file": file}
    return await evaluate(rows, **asked, progress=False)


# %%
from buildhour_helpers.analysis.summaries import summarise

before = await measure("before", MODEL)
after = await measure("after", agent)
print(len(held_out), "questions, each asked twice before and after")
base = summarise(before).measures
print(f"before: reward {base['reward'].value:.2f}")
print(f"before: tool calls {base['tool_calls'].value:.1f}")

# %% [markdown]
# ### Exercise 0.3: Predict, then look
#
# Difficulty 1/5 · 2 minutes
#
# Before training, the mean reward is {{base['reward'].value:.2f}}, with
# {{base['tool_calls'].value:.1f}} tool calls in a rollout. What are they after
# ten steps of training? Write both down before you look, as
# `{"reward": ..., "tool calls": ...}`.

# %% exercise="0.3" difficulty=1 minutes=2
prediction = None
# begin solution
prediction = {"reward": 0.40, "tool calls": 5}
# end solution

# %%
checks.exercise_0_3(prediction, after)

# %% [markdown]
# The comparison is **paired**: each question is compared with itself. Brackets
# are 95% intervals over questions.

# %%
from buildhour_helpers.analysis.summaries import compare

trained = summarise(after).measures
difference = compare(before, after).difference
for name, change in difference.items():
    old, new = base[name].value, trained[name].value
    print(f"{name:17}{old:9.2f} →{new:9.2f}   {change:+.2f}")
gain = difference["reward"]
assert gain.low > 0

# %% [markdown]
# On {{len(held_out)}} held-out questions the simulated model gained
# {{gain.value:+.2f}} reward (**accuracy**). The interval, from
# {{gain.low:+.2f}} to {{gain.high:+.2f}}, is above zero: this is not luck with
# the questions. **Cost**: tool calls went from
# {{base['tool_calls'].value:.1f}} to {{trained['tool_calls'].value:.1f}}, and
# reasoning tokens from {{base['reasoning_tokens'].value:,.0f}} to
# {{trained['reasoning_tokens'].value:,.0f}}. **Latency** (simulated) went from
# {{base['latency_s'].value:.0f}} to {{trained['latency_s'].value:.0f}} seconds.
# Longer jobs gain more ([results](../docs/results.md)).
#
# Traces show what changed. This is the question that gained most:

# %%
from buildhour_helpers.analysis.summaries import by_question, question_means

means = [question_means(run, "reward") for run in (before, after)]
most = max(means[0], key=lambda name: means[1][name] - means[0][name])
worst = min(by_question(before)[most], key=lambda record: record.reward)
best = max(by_question(after)[most], key=lambda record: record.reward)
for name, record in (("before", worst), ("after", best)):
    calls = tools_called(record.trace)
    print(f"{name:7}{' → '.join(calls)} → {record.answer}")
    print(f"{'':7}reward {record.reward:g}")
assert best.reward > worst.reward

# %% tags=["uncompared"]
side_by_side(worst, best)

# %% [markdown]
# *Time to here: 29 minutes.*
#
# ## The same job without tools
#
# **Base RFT** trains one reply: prompt in, answer out, no tools. We run it on
# the same questions, with the same grader and settings.

# %%
no_tools = launch([])
finished = jobs.wait(client, no_tools.id, progress=False)
base_rft = finished.fine_tuned_model
told = list(jobs.follow(client, no_tools.id))
flat = [s for event in told if (s := jobs.step_of(event))]
print("rewards:", {step["train_mean_reward"] for step in flat})
share = {step["mean_unresponsive_rewards"] for step in flat}
print(len(flat), "steps; share of zero-variance groups:", share)
print(next(event.message for event in told if event.level == "warn"))

# %% [markdown]
# In all {{len(flat)}} steps every rollout got the reward 0. Every group had zero
# variance, and the service warns. Did the job change anything? (Only this
# service shows you the weights.)


# %%
def weights_of(model):
    path = f"/models/{model}/weights"
    return client.get(path, cast_to=object)["weights"]


start = weights_of(MODEL)
for name, model in (("base RFT", base_rft), ("Agent RFT", agent)):
    end = weights_of(model)
    changed = sum(end.get(key) != start.get(key) for key in end | start)
    print(f"{name:10} {changed:5,} of {len(start):,} weights changed")
assert weights_of(base_rft) == start

# %%
without = await measure("without tools", base_rft, tools=[])
closed = summarise(without).measures["reward"].value
print("base RFT, held out: reward", closed)
print("answers:", {record.answer for record in without})
assert closed == 0
assert share == {1.0}

# %% [markdown]
# The job *succeeded* and changed nothing. Without tools every attempt fails, so
# there is nothing to reinforce. On the same questions Agent RFT gained
# {{gain.value:+.2f}}. RFT does not add facts: it makes what sometimes works
# happen more often.
#
# *Time to here: 30 minutes.*
#
# ## Which method for which problem?
#
# | method | what changes | you need | good for |
# |---|---|---|---|
# | prompting | the words | an hour | a rule that nobody has stated yet |
# | retrieval | the context | searchable text | facts that are missing or change |
# | SFT | the weights | examples of right outputs | a fixed form or mapping |
# | base RFT | the weights | a grader, no examples | reasoning within one reply |
# | Agent RFT | the weights | a grader, live tools | using tools over many turns |
#
# SFT is supervised fine-tuning. Start at the top: the rows get more expensive.
# If all attempts fail, first make the task easier or the tools better.

# %% [markdown]
# ### Exercise 0.4: Choose a method
#
# Difficulty 2/5 · 4 minutes
#
# Six teams ask for advice. Write a dictionary that gives each team, by its
# name below, the cheapest method that can help. Use the names in the table,
# or "not yet".
#
# - **summaries** Every summary is correct but too long. The prompt does not
#   mention length.
# - **handbook** Staff ask about 9,000 pages of rules, which change every
#   week. The model answers from memory, and often wrongly.
# - **triage** A report goes in, one of nine codes comes out. There are 5,000
#   labelled reports. Weeks of work on the prompt got 6 of 10 right.
# - **puzzles** A program checks the answer to a puzzle. Nobody has written
#   solutions. 4 of 10 attempts are right; prompts no longer help.
# - **contracts** The agent finds the clause that applies with three search
#   tools, in 5 to 15 calls. About half of the attempts succeed; prompts no
#   longer help.
# - **proofs** On none of 200 cases has any of eight attempts been right.

# %% exercise="0.4" difficulty=2 minutes=4
advice = None
# begin solution
advice = {
    "summaries": "prompting",
    "handbook": "retrieval",
    "triage": "SFT",
    "puzzles": "base RFT",
    "contracts": "Agent RFT",
    "proofs": "not yet",
}
# end solution

# %%
checks.exercise_0_4(advice)

# %% [markdown]
# ## Where you can run Agent RFT
#
# OpenAI's service has been closed to new organisations since May 2026 and takes
# no new jobs from January 2027. [Services](../docs/services.md) lists the
# others, and open engines. Lesson 09 takes your job there.
#
# ## Take it with you
#
# The cells with `client`, `ask`, `TOOLS`, `post` and `roll_out` are a complete
# agent. Paste them into an empty project in that order.
#
# - **Install** `openai`. It brings `httpx` with it.
# - **Set** `OPENAI_API_KEY`, `OPENAI_BASE_URL` and `BUILDHOUR_MODEL`, and for
#   your own tool server `BUILDHOUR_TOOLS_URL` and `BUILDHOUR_TOOLS_KEY`.
# - **Change** `TOOLS` to your tools. A tool answers
#   `{"output": "text for the model"}`; lesson 03 builds one.
# - `metadata` has an effect only here. Elsewhere attempts differ by themselves.
#
# ## With a real model
#
# The loop, the API calls, advantages and the held-out comparison carry over.
# What will differ:
#
# - A real model samples tokens. A tool call is dozens of actions, and each
#   sampled token gets the advantage. Tool results are masked out.
# - It can write malformed calls, and make up facts.
# - Without tools it gets some answers right by a guess or from memory
#   (contamination), so a job without tools would change weights.
# - A step takes minutes on GPUs and costs money. Ours takes a second.
# - Answers may grow longer during training ([what goes
#   wrong](../docs/real-models.md)).
#
# ## Recap
#
# - An agent is a model, tools and a loop. The tools run on your side.
# - A grader gives each rollout a reward, a group turns rewards into advantages,
#   and an update makes better actions more likely.
# - Ten steps of that raised the reward on held-out questions by
#   {{gain.value:.2f}} (simulated model).
# - Where no attempt succeeds, RFT has nothing to reinforce.
#
# ## Three questions
#
# <details><summary>1. All eight rewards of a group are 1. What does the group
# teach?</summary>
#
# Nothing: all advantages are zero, as with eight failures. Lesson 02 finds
# questions that teach.
#
# </details>
#
# <details><summary>2. Why is the right answer not in the prompt?</summary>
#
# The model would copy it. Only the grader and the tools see it, in `item`.
#
# </details>
#
# <details><summary>3. Training reward rose. Why measure again on other
# questions?</summary>
#
# An agent can memorise, and some steps have easier questions. Only the same
# held-out questions, before and after, show what it can do.
#
# </details>
#
# Next: [01 Prompt baselines](01_prompt_baselines.ipynb). How good is the agent
# before training, and how far does a prompt take it?
