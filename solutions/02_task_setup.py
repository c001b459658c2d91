# %% [markdown]
# # 02 Task setup
#
# Many agents fail to learn because their task cannot teach. This lesson
# takes one task apart, measures what makes it trainable, and writes the
# dataset files that a training job reads.
#
# **In this lesson you will**
#
# - meet hardened FinQA: a question, 2,800 pages, ten tool calls;
# - measure three properties of a trainable task: it cannot be guessed, it
#   is well specified, it is neither hopeless nor solved;
# - split by company, and find a leak in a bad split;
# - write dataset rows (JSONL) and validate them line by line;
# - see which samples teach, and what it costs to find them.
#
# **Time** 40 minutes. **Simulated:** where a figure comes from the
# **simulated model**, the text says so. Everything else here is a fact
# about data.

# %%
from buildhour_helpers import session

here = session.start()
MODEL = session.model()
print(session.describe(), "·", MODEL)

# %% [markdown]
# ## Meet hardened FinQA
#
# FinQA is a public set of questions about pages of company filings. Each
# needs numbers from a table or from prose, and a few steps of arithmetic. Our
# task is harder than the original:
#
# | | FinQA | here |
# |---|---|---|
# | the model sees | the page and the question | the question alone |
# | it must | compute | find the page, then compute |
# | among | 1 page | 2,800 pages |
# | with | one reply | `search`, `list`, `cat`, ten calls |
#
# Our pages are generated and look like FinQA's. You can import the real ones
# (`python workshop.py import-finqa`).

# %%
from buildhour_helpers import reports
from buildhour_helpers.tasks import load_questions

pages = reports.load()
questions = load_questions()
print(f"{len(pages):,} pages, {len(questions):,} questions")
question = questions[2]
print(question.text)
print("reference:", question.answer_text)

# %% [markdown]
# A question also carries what the grader needs, and how its answer is
# computed, from which facts, on which page:

# %%
print("computed: ", question.program)
for fact in question.facts:
    print("fact:     ", fact)
print("answer is on:", *question.gold_pages)
print("level:    ", question.level, "of 4, kind:", question.kind)

# %% [markdown]
# ## Check that the task is trainable
#
# Training reinforces whatever scores. So only the skill that you want
# should score, and it should score now and then:
#
# 1. **It cannot be guessed.** Otherwise training teaches guessing.
# 2. **It is well specified.** Two experts who work alone give one answer.
# 3. **It is neither hopeless nor solved.** Rewards vary.
#
# ### It cannot be guessed
#
# The laziest agent gives one answer to everything. What would the best
# constant answer score? We try the ten most common reference answers of
# each kind, with the grader that training will use.

# %%
from buildhour_helpers.graders import Reference, compare

train = [q for q in questions if q.split == "train"]


def score(answer, q):
    reference = Reference(q.answer, q.kind, q.answer_text)
    return compare(answer, reference).score


# %%
from collections import Counter
from statistics import fmean

constant = {}
for kind in ("percent", "amount", "ratio", "yes_no"):
    asked = [q for q in train if q.kind == kind]
    common = Counter(q.answer_text for q in asked).most_common(10)
    scores = [fmean(score(a, q) for q in asked) for a, _ in common]
    constant[kind] = max(scores)
    print(f"{kind:8}{len(asked):4} questions, best constant", end=" ")
    print(f"{constant[kind]:.2f}")

# %%
yes_no = sum(q.kind == "yes_no" for q in train) / len(train)
print(f"yes-or-no questions: {yes_no:.1%}")
numbers = max(constant[kind] for kind in ("percent", "amount", "ratio"))
assert numbers < 0.1 < 0.5 <= constant["yes_no"]
assert yes_no < 0.05

# %% [markdown]
# A constant number scores {{numbers:.2f}} at most. A constant yes or no
# scores {{constant["yes_no"]:.2f}}, without any work. A dataset of yes-or-no
# questions trains a coin flip. Keep them rare (here {{yes_no:.1%}}), or ask
# for the number behind them.
#
# The next laziest agent copies a number from the right page. How often is
# the answer there, ready to copy?

# %%
numeric = [q for q in train if q.kind != "yes_no"]
copied = fmean(
    q.answer_text.strip("-%$") in pages[q.gold_pages[0]].text()
    for q in numeric
)
print(f"answer can be copied from its page: {copied:.1%}")
assert copied < 0.1

# %% [markdown]
# Only {{copied:.1%}} can be copied. Last, the model may know the answers
# from pretraining (contamination). Take its tools away and ask (simulated
# model):

# %%
from buildhour_helpers.rollouts import evaluate
from buildhour_helpers.tasks import BEST_PROMPT, build_rows
from buildhour_helpers.tools.schemas import DEFINITIONS

folder = session.scratch()


async def measure(name, asked, tools, repeats):
    return await evaluate(
        build_rows(asked, BEST_PROMPT, tools),
        model=MODEL,
        file=folder / f"{name}.jsonl",
        run=name,
        repeats=repeats,
        progress=False,
    )


# %%
from buildhour_helpers.analysis.summaries import summarise

blind = summarise(await measure("blind", train[::31], [], 1))
without_tools = blind.measures["reward"].value
print(f"{blind.questions} questions without tools: {without_tools:.2f}")
assert without_tools < 0.05

# %% [markdown]
# Without tools it scores {{without_tools:.2f}}: nothing leaks from the
# questions. A simulated model cannot have seen the pages. A real one
# may have, and then it can answer without its tools.
#
# ### It is well specified
#
# OpenAI's guide to reinforcement fine-tuning asks that experts agree on the
# answer. A program can be the second expert: it recomputes each answer from its
# facts, and the grader compares.

# %%
from buildhour_helpers.reports.program import execute

agreed, skipped = 0, 0
for q in questions:
    try:
        value = execute(q.program)
    except ValueError:  # a table's average or maximum needs the table
        skipped += 1
        continue
    if q.kind == "percent":
        value = value * 100
    agreed += score(str(value), q) == 1
print(f"{agreed} of {len(questions) - skipped} agree, {skipped} skipped")
assert agreed == len(questions) - skipped

# %% [markdown]
# All {{agreed}} agree. The wording matters as much: a question must name
# everything that its answer depends on. What if we left out the year? Count the
# values of the same line in the same company's filings:

# %%
from buildhour_helpers.tasks.splits import company


def values_without_year(q):
    label = q.facts[0].split(" | ")[0]
    own = [p for path, p in pages.items() if path.startswith(company(q))]
    rows = [row for p in own for row in p.table if row[0] == label]
    return {cell for row in rows for cell in row[1:]}


# %%
in_table = [q for q in train[::8] if q.facts[0].count(" | ") == 2]
choices = [len(values_without_year(q)) for q in in_table]
several = fmean(count > 1 for count in choices)
print(f"{several:.0%} of {len(in_table)} would have several answers")
assert several > 0.9

# %% [markdown]
# Without the year, {{several:.0%}} of the questions have several right
# answers, and the model is graded on which one it happens to choose. To
# the trainer that is noise, and it looks just like difficulty. If an expert
# cannot answer from your wording alone, fix the wording.
#
# ### It is neither hopeless nor solved
#
# This depends on the model, so run a **pilot**: some training questions,
# four rollouts each, with the best prompt that you have.

# %%
from buildhour_helpers.analysis.summaries import by_question

pilot_questions = train[::21]
pilot = await measure("pilot", pilot_questions, DEFINITIONS, 4)
rewards = {
    name: [record.reward for record in repeats]
    for name, repeats in by_question(pilot).items()
}
print(len(pilot), "rollouts of", len(rewards), "questions")

# %%
never = sum(max(r) == 0 for r in rewards.values())
always = sum(min(r) == 1 for r in rewards.values())
vary = sum(len(set(r)) > 1 for r in rewards.values())
mean = fmean(reward for r in rewards.values() for reward in r)
print(f"never score {never}, always 1 {always}, vary {vary}")
print(f"mean reward {mean:.2f}")
assert 0.1 < mean < 0.8
assert vary > len(rewards) / 4

# %% [markdown]
# A mean reward of {{mean:.2f}}, and {{vary}} of {{len(rewards)}} questions
# vary: this task can teach. A rule of thumb: a mean between 0.1 and 0.8, and a
# quarter of the questions or more that vary. Below, the task is hopeless for
# this model: simplify it, fix the tools, or give partial credit. Above, there is
# little left to gain.
#
# *Time to here: 9 minutes.*
#
# ## Split by company
#
# **Train** is for learning, **validation** for choosing prompts and
# checkpoints, **test** for one final report. Nothing memorised in training may
# help in the test. So things that belong together stay in one split. Here that
# is the company:

# %%
companies = {}
for split in ("train", "validation", "test"):
    asked = [q for q in questions if q.split == split]
    companies[split] = {company(q) for q in asked}
    print(f"{split:11}{len(asked):4} questions", end=", ")
    print(len(companies[split]), "companies")
assert not companies["train"] & companies["test"]

# %% [markdown]
# Why not just shuffle? Because filings repeat themselves: each year's page
# prints last year's column again. Shuffle the same questions into splits of
# the same sizes, and count what crosses over:

# %%
import random
from dataclasses import replace

shuffled = random.Random(0).sample(questions, len(questions))
labels = [q.split for q in questions]
careless = [replace(q, split=s) for q, s in zip(shuffled, labels)]


# %%
def known_from_training(asked, key):
    known = {k for q in asked if q.split == "train" for k in key(q)}
    tested = [q for q in asked if q.split == "test"]
    return fmean(any(k in known for k in key(q)) for q in tested)


# %%
keys = {
    "company": lambda q: [company(q)],
    "page": lambda q: q.gold_pages,
    "fact": lambda q: [(company(q), fact) for fact in q.facts],
}
shared = {n: known_from_training(careless, k) for n, k in keys.items()}
clean = {n: known_from_training(questions, k) for n, k in keys.items()}
print("test questions that share with training: shuffled  by company")
for name in keys:
    print(f"{name:41}{shared[name]:8.1%}{clean[name]:12.1%}")
    assert shared[name] > clean[name] == 0

# %% [markdown]
# After shuffling, {{shared["company"]:.0%}} of the test questions are about a
# company from training, and {{shared["page"]:.0%}} can be answered from a page
# that training used. A model could learn "for this company, open that
# page", score well on the test, and fail on the first new customer. Split by
# whatever will be new in production: the company, the customer, the
# repository, the month.
#
# `find_leaks` checks that no unit is in two splits and that no question
# is asked twice:

# %%
from buildhour_helpers.tasks import find_leaks

print("by company:", find_leaks(questions))
leaks = find_leaks(careless)
print("shuffled:", len(leaks), "leaks, the first:")
print(leaks[0])
assert not find_leaks(questions)

# %% [markdown]
# Here is a split with some leaks in it.

# %%
from buildhour_helpers.checks.lesson_02 import leaky_split

leaky_train, leaky_test = leaky_split()
print(len(leaky_train), "training,", len(leaky_test), "test questions")

# %% [markdown]
# ### Exercise 2.1: Find the leak in a split
# Difficulty 3/5 · 7 minutes
#
# Someone merged an old export into the training questions, and it brought test
# questions along. Write `find_leak(train, test)`. It returns the set of IDs of
# **training** questions (`q.id`) that must go. A training question leaks if
# the test asks the same text (spaces and capitals may differ), or if it is
# about a company of the test split. Some questions have lost their
# `gold_pages`. The check also tries your function on a second split.


# %% exercise="2.1" difficulty=3 minutes=7
def find_leak(train, test):
    """The IDs of training questions that the test split gives away."""

    # begin solution
    def text(q):
        return " ".join(q.text.lower().split())

    def owners(q):
        return {path.split("/")[0] for path in q.gold_pages}

    texts = {text(q) for q in test}
    owned = set().union(*(owners(q) for q in test))
    return {q.id for q in train if text(q) in texts or owners(q) & owned}
    # end solution


# %%
from buildhour_helpers import checks

checks.exercise_2_1(find_leak)

# %% [markdown]
# *Time to here: 20 minutes.*
#
# ## Write the rows
#
# A job reads JSON lines (JSONL), one row per question. The model sees
# `messages` and `tools`. **Every other key goes only to your grader and tools**,
# as `item`. Here is a row in plain Python:


# %% take="1"
def dataset_row(prompt, question, tools, **item):
    messages = [
        {"role": "system", "content": prompt},
        {"role": "user", "content": question},
    ]
    return {"messages": messages, "tools": tools, **item}


# %% take="1"
SEARCH = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Find pages by words on them.",
        "parameters": {
            "type": "object",
            "properties": {"query": {"type": "string"}},
            "required": ["query"],
        },
    },
}

# %% take="1"
example = dataset_row(
    "Use the tools to answer the question.",
    "By how many percent did revenue at Acme grow from 2011 to 2012?",
    [SEARCH],
    reference_answer="8.35%",
)
print("keys:", ", ".join(example))

# %% [markdown]
# A file holds one row in each line:

# %% take="1"
import json
from pathlib import Path


def write_jsonl(rows, file):
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    Path(file).write_text("\n".join(lines) + "\n", encoding="utf-8")


# %% [markdown]
# The shortest leak of all is an answer inside its question, so look for it in
# every file that you write:


# %% take="1"
def given_away(row, key="reference_answer"):
    """Is the answer a word of the question?"""
    words = row["messages"][-1]["content"].replace("?", " ").split()
    return row[key] in words


print("given away:", given_away(example))

# %%
from buildhour_helpers.tasks import write_rows

rows = build_rows(train, BEST_PROMPT, DEFINITIONS)
for key, value in rows[0].items():
    sees = "model" if key in ("messages", "tools") else "grader"
    print(f"{sees:7}{key:17}{json.dumps(value)[:50]}")
given = [row["question_id"] for row in rows if given_away(row)]
print(len(given), "of", len(rows), "rows give their answer away")
assert not given

# %% [markdown]
# ## Validate line by line
#
# One bad row stops a whole job. Your own check finds all of them at once,
# before you upload anything. Break three rows on purpose:

# %%
from buildhour_helpers.tasks import validate_file

broken = [json.loads(json.dumps(row)) for row in rows[:12]]
broken[2]["messages"][1]["role"] = "usr"
broken[5]["tools"][0]["function"]["name"] = "search reports"
broken[9]["messages"].append({"role": "assistant", "content": "8%"})
file = write_rows(broken, folder / "broken.jsonl")
faults = validate_file(file, job_tools={"search", "list", "cat"})
for fault in faults:
    print(f"line {fault.line}, {fault.field}:\n    {fault.message}")

# %%
whole = write_rows(rows, folder / "train.jsonl")
assert {fault.line for fault in faults} == {3, 6, 10}
assert validate_file(whole, job_tools={"search", "list", "cat"}) == []
print("train.jsonl: no faults")

# %% [markdown]
# The service checks too, but later: the upload passes, and the job fails at
# the first bad line. (Live, this cell is skipped.)

# %%
from openai import OpenAI

from buildhour_helpers import jobs
from buildhour_helpers.graders import specs


def launch(client, training_file):
    return jobs.launch(
        client,
        model=MODEL,
        training_file=jobs.upload(client, training_file),
        validation_file=jobs.upload(client, whole),
        tools=jobs.tool_endpoints(here.tools_url, here.tools_key),
        grader=specs.endpoint(f"{here.tools_url}/grade", here.tools_key),
    )


# %%
if here.mode == "offline":
    client = OpenAI()
    job_id = launch(client, file).id
    *_, last = jobs.follow(client, job_id, poll_s=0.1)
    failed = client.fine_tuning.jobs.retrieve(job_id)
    print(failed.status, "·", failed.error.message)

# %% [markdown]
# ## Which samples teach
#
# For each question the trainer runs a **group** of rollouts. The
# **advantage** of a rollout is its reward minus the mean of its group (GRPO
# also divides by the standard deviation). It is all that there is to learn
# from.


# %%
def advantages(group):
    return [reward - fmean(group) for reward in group]


for group in ([0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1], [0, 1, 0, 1]):
    print(group, "->", advantages(group))

# %% [markdown]
# In a **zero-variance group** all rewards are equal, so all advantages
# are 0. Its rollouts cost as much as others and teach nothing. If a
# rollout succeeds with probability *p*, a group of *n* varies with
# probability 1 − *pⁿ* − (1 − *p*)*ⁿ*:


# %%
def chance_to_vary(p, n):
    return 1 - p**n - (1 - p) ** n


print("   p      n = 2      4      8     16")
for p in (0.01, 0.05, 0.2, 0.5, 0.8, 0.95):
    chances = [f"{chance_to_vary(p, n):7.0%}" for n in (2, 4, 8, 16)]
    print(f"{p:5.2f}   ", *chances)

# %% [markdown]
# With *p* = 0.5 a group of eight varies {{chance_to_vary(0.5, 8):.0%}} of
# the time, with *p* = 0.05 only {{chance_to_vary(0.05, 8):.0%}}. A pilot
# tells you which questions vary. But it costs rollouts too: is it worth
# them?
#
# We **recorded** four choices of training questions, with the simulated
# model and five seeds each. All jobs use batches of 16 questions in groups of eight.
#
# | choice | its questions | pilot |
# |---|---|---|
# | as they come | 384 random ones, each once | none |
# | 128 that vary | 128 with different rewards in a pilot | large |
# | 32 that vary | 32 of those, four times as often | small |
# | 32 that never score | 32 that scored 0 four times in the pilot | small |
#
# ### Exercise 2.2: Predict, then run
# Difficulty 1/5 · 2 minutes
#
# After eight steps all four have spent the same number of training rollouts.
# Order their names by the reward you expect on held-out questions, best first.
# Any order passes. Commit before you look.

# %% exercise="2.2" difficulty=1 minutes=2
predicted = None
# begin solution
predicted = [
    "128 that vary",
    "32 that vary",
    "as they come",
    "32 that never score",
]
# end solution

# %%
checks.exercise_2_2(predicted)

# %%
from buildhour_helpers import recordings

run = recordings.load("samples")
print("recorded by:", run["command"])
per_step = run["batch_size"] * run["group_size"]
print(per_step, "rollouts in a step")

# %% [markdown]
# A point is the rollouts spent, the pilot's included, and the reward reached:


# %%
def curve(job):
    pilot, points = job["pilot_rollouts"], job["curve"]
    return [(pilot + per_step * p["step"], p["reward"]) for p in points]


curves = {
    name: [curve(job) for job in of_seeds]
    for name, of_seeds in run["variants"].items()
}


def reached(name, point):
    """Mean rollouts spent and mean reward over the seeds."""
    of_seeds = [curve[point] for curve in curves[name]]
    return [fmean(of) for of in zip(*of_seeds)]


# %%
from buildhour_helpers.analysis import figures

figure = figures.sample_efficiency(
    curves,
    "Hopeless questions teach least; a large pilot pays late",
    before=run["base"],
    note="simulated model, recorded",
)
print(figure.alt_text())
figure

# %% [markdown]
# **Equal training.** After eight steps:


# %%
wasted, after_8 = {}, {}
for name, of_seeds in run["variants"].items():
    wasted[name] = fmean(job["zero_variance"] for job in of_seeds)
    spent, after_8[name] = reached(name, 0)
    print(f"{name:20} zero-variance {wasted[name]:.0%}", end=", ")
    print(f"reward {after_8[name]:.3f} for {spent:,.0f} rollouts")

# %%
never_score = after_8.pop("32 that never score")
apart = max(after_8.values()) - min(after_8.values())
at_8 = [curve[0][1] for curve in curves["as they come"]]
seeds_apart = max(at_8) - min(at_8)
print(f"the other three are {apart:.3f} apart", end=", ")
print(f"seeds of as they come {seeds_apart:.3f}")
assert never_score < min(after_8.values()) - 0.03
assert apart < seeds_apart

# %% [markdown]
# - **Hopeless questions teach least.** Of the groups of questions that never
#   scored, {{wasted["32 that never score"]:.0%}} have no variance. They end at
#   {{never_score:.2f}}; the other choices at {{min(after_8.values()):.2f}} and
#   more.
# - **Picking helped little.** Questions that vary waste
#   {{wasted["128 that vary"]:.0%}} of their groups instead of
#   {{wasted["as they come"]:.0%}}. Yet the three other choices are only
#   {{apart:.3f}} apart. Seeds of one choice are {{seeds_apart:.3f}} apart.
#
# **Equal cost.** Now count the pilot's rollouts, too:

# %%
for point in (0, 1):
    for name, at in ("as they come", point + 1), ("128 that vary", point):
        spent, reward = reached(name, at)
        print(f"{name:13} {reward:.3f} for {spent:,.0f} rollouts")
plain, picked = curves["as they come"], curves["128 that vary"]
wins = sum(a[1][1] > b[0][1] for a, b in zip(plain, picked))
print(f"first pair: as they come wins {wins} of {len(plain)} seeds")

# %%
early, early_picked = reached("as they come", 1), reached(name, 0)
late, late_picked = reached("as they come", 2), reached(name, 1)
few = reached("32 that vary", 1)
print(f"32 that vary  {few[1]:.3f} for {few[0]:,.0f} rollouts")
assert early[1] > early_picked[1] + 0.02
assert abs(late[1] - late_picked[1]) < 0.02

# %% [markdown]
# - **A large pilot pays late, if at all.** For {{early[0]:,.0f}} rollouts
#   the questions as they come reach {{early[1]:.3f}}. Finding 128 that vary
#   and training on them reaches {{early_picked[1]:.3f}} for about as many. At
#   {{late[0]:,.0f}} the two are level.
# - **Few can be enough.** 32 that vary, seen eight times each, reach
#   {{few[1]:.3f}} for {{few[0]:,.0f}} rollouts.
#
# So run a small pilot to see whether the task can teach, and spend the rest on
# training. If about half of your questions vary, as here, take them as they
# come. If few do, picking has more to gain; we have not measured that.
#
# ### Exercise 2.3: Choose the samples
# Difficulty 2/5 · 4 minutes
#
# Write `choose(rewards, most)`. `rewards` maps a question's ID to its pilot
# rewards; `None` is a discarded rollout. Return a list of at most `most` IDs:
# only questions whose rewards differ, the most even first (mean nearest to
# 0.5), ties by ID.


# %% exercise="2.3" difficulty=2 minutes=4
def choose(rewards, most):
    # begin solution
    graded = {
        name: [r for r in of if r is not None]
        for name, of in rewards.items()
    }
    kept = [name for name, of in graded.items() if len(set(of)) > 1]
    kept.sort(key=lambda name: (abs(fmean(graded[name]) - 0.5), name))
    return kept[:most]
    # end solution


# %%
checks.exercise_2_3(choose)

# %% [markdown]
# *Time to here: 36 minutes.*
#
# ## How many you need
#
# **To measure**, use lesson 01's rule: the half-width of an interval is about
# 1.96 times the spread between questions, divided by the square root of their
# number.

# %%
from statistics import stdev

spread = stdev(fmean(r) for r in rewards.values())
for half_width in (0.10, 0.05, 0.03):
    needed = (1.96 * spread / half_width) ** 2
    print(f"for ± {half_width:.2f}: {needed:4.0f} questions")

# %% [markdown]
# **To learn**, there is no formula. Users of Agent RFT report success with
# about 10 examples, and most used 100 to 1,000 (OpenAI's talk at
# AI Engineer, December 2025). Watch the gap between training and validation
# reward: if it grows beyond 0.10, the model is **overfitting** (lesson 06).
#
# Quality comes before quantity. Spoil a tenth of the labels and let a
# perfect agent answer:

# %%
from buildhour_helpers.tasks import add_label_noise

noisy, errors = add_label_noise(train, 0.1)
perfect = fmean(score(q.answer_text, n) for q, n in zip(train, noisy))
print(len(errors), "labels spoiled, such as:", errors[0].error)
print(f"a perfect agent scores {perfect:.2f}")
assert perfect < 0.95

# %% [markdown]
# A perfect agent now scores {{perfect:.2f}}. Worse, each wrong label punishes
# the right answer during training. Check a sample of your labels by hand before you
# add a thousand more.
#
# ## Recap
#
# - A task is trainable if it cannot be guessed, is well specified, and is
#   neither hopeless nor solved. Measure each before you train.
# - Split by what will be new in production. Look for leaks by text and by
#   unit.
# - The model sees `messages` and `tools`; the rest of a row is for the
#   grader. Validate line by line before you upload.
# - Only groups that vary teach. A small pilot shows whether yours do. With
#   half of the questions varying, a large one did not pay.
#
# ## Take it with you
#
# The five cells from `def dataset_row` to `def given_away` need nothing
# but Python. Then replace
#
# - the prompt and the question with yours, and `SEARCH` with your tools;
# - `reference_answer` with whatever your grader reads, in `given_away` too.
#
# ## With a real model
#
# **What carries over:** the three properties, splits by unit, leak checks, rows,
# line-by-line validation, and counting the pilot's rollouts. **What will
# differ:** a real model may know public documents from pretraining, so the
# test without tools matters more. It guesses better than a constant: try its
# favourite answers as well. Pilot rollouts cost money and minutes, so begin with
# 30 questions. Real rewards have other noise (refusals, format errors,
# cut-off answers); read zero-reward rollouts before you call a
# question hopeless. Which samples teach best depends on your model
# and task: try the four choices again.
#
# ## Three questions
#
# <details><summary>Your pilot has a mean reward of 0.02, and nothing varies.
# What now?</summary>
#
# Do not train yet. Read the failures first (lesson 01): a broken tool or an
# unfair grader looks just like this. Then simplify the task, fix the
# tools, or give partial credit until some rollouts succeed.
#
# </details>
#
# <details><summary>Why is a random split not enough for support tickets?
# </summary>
#
# Tickets of one customer, or of one incident, resemble each other. Split by
# customer or by week, whichever is new when the agent is used.
#
# </details>
#
# <details><summary>A group of eight scores 0.5 eight times. What does it
# teach?</summary>
#
# Nothing: every advantage is zero. Partial credit helps only if it tells
# rollouts apart.
#
# </details>
