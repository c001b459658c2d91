# %% [markdown]
# # 04 Grader design
#
# In training the grader is the only voice that the model hears. Whatever it
# pays for, the model will do more of, whether or not you meant it. This
# lesson builds graders of five kinds, asks how well each agrees with a
# person, and then watches a real job find the hole in a careless one.
#
# **In this lesson you will**
#
# - grade by string, by number, by model, by formula and by endpoint;
# - give partial credit (1, 0.5, 0) where it helps a model to learn;
# - use what a rollout did, and not only what it said;
# - measure agreement with human labels before anything is trained;
# - see a rubric gamed in a recorded job, find the hack in the answers, and
#   mend the rubric.
#
# **Time** 40 minutes. **Before** Lesson 03, or the idea of a rollout ID.
# Figures come from the **simulated model** and its simulated judge.

# %%
from buildhour_helpers import session

OFFLINE = session.start().mode == "offline"
PASSED_BY = (
    "Live: passed by, for it needs the graders of the offline service."
)
print(session.describe())

# %% [markdown]
# ## One question, seven answers
#
# What is an answer worth? Take one question of the course, and seven answers
# as agents give them. A person would call the first three right, the fourth
# half right (a decimal where a percentage was asked for) and the others wrong.

# %% take="1"
ITEM = {"reference_answer": "45.1%", "answer_value": 45.1}
ANSWERS = [
    "45.1%",
    "45.08 percent",
    "The two parts make up 45.1%.",
    "0.451",
    "145.1%",
    "45.1%, or else 54.9%",
    "No idea.",
]
PERSON = [1.0, 1.0, 1.0, 0.5, 0.0, 0.0, 0.0]

# %% [markdown]
# A grader is a JSON object that a job carries along. The service runs it on
# `sample` (what the model said) and `item` (the dataset row). Before a job,
# try it: `graders/run` grades one answer and tells what went wrong if
# something did. (It is one of OpenAI's alpha endpoints, and few providers
# have it. Live, the cells that need it say that they are passed by.)

# %% take="1"
from openai import OpenAI

client = OpenAI()


def grade(spec, answer, item=ITEM, trace_id="trace_by_hand"):
    found = client.fine_tuning.alpha.graders.run(
        grader=spec,
        model_sample=answer,
        item=item,
        extra_body={"trace_id": trace_id},
    )
    return found.reward


# %% [markdown]
# ## String check
#
# The cheapest grader compares strings: `eq` the whole, `ilike` whether one
# contains the other, in any case.


# %% take="1"
def string_check(operation):
    return {
        "type": "string_check",
        "name": operation,
        "operation": operation,
        "input": "{{sample.output_text}}",
        "reference": "{{item.reference_answer}}",
    }


# %%
def show(**specs):
    if not OFFLINE:
        print(PASSED_BY)
        return
    print(f"{'':30} person", *(f"{name:>8}" for name in specs))
    for answer, person in zip(ANSWERS, PERSON, strict=True):
        found = [f"{grade(spec, answer):8}" for spec in specs.values()]
        print(f"{answer:30} {person:6}", *found)


show(eq=string_check("eq"), ilike=string_check("ilike"))

# %% [markdown]
# `eq` calls every other wording wrong. `ilike` takes the sentence, and with it
# `145.1%`, which contains the reference as well, and the answer that names two
# values. That is the first law of graders: **being lenient about form must not
# make you lenient about substance.** A model would soon name ten values.
#
# String checks are right for codes, names, labels and yes or no.
#
# *Time to here: 4 minutes.*
#
# ## Numeric tolerance
#
# Numbers want to be compared as numbers. A `python` grader is source code
# that the service runs in a sandbox: no files, no network, two minutes.

# %% take="1"
SOURCE = """
import re

def grade(sample, item):
    found = re.findall(r"-?[0-9][0-9,]*[.]?[0-9]*", sample["output_text"])
    if len(found) != 1:
        return 0.0
    value = float(found[0].replace(",", ""))
    wanted = item["answer_value"]
    return float(abs(value - wanted) <= 0.01 * abs(wanted))
"""
numeric = {"type": "python", "name": "numeric", "source": SOURCE}

# %%
show(ilike=string_check("ilike"), numeric=numeric)

# %% [markdown]
# Wording no longer counts, near-misses within 1% do, and of two numbers
# neither does. What is missing is the half point. Is it worth the trouble?
#
# A group of rollouts teaches by its differences. If all eight score 0,
# nothing is learnt. An answer with the right number in the wrong unit did
# nearly everything right, and 0.5 tells it apart from one that read the wrong
# page. Partial credit pays for progress **that lies on the way** to a right
# answer. Pay for anything else and you will get that instead.
#
# ### Exercise 4.1: the numeric comparison
# Difficulty 4/5 · 10 minutes
#
# Write `score(answer, wanted, kind)` for `kind` "percent" or "amount":
#
# - **1** for the value within 1%. Percent signs, currency signs, thousands
#   commas and a word or two around it do not matter. Parentheses are a
#   minus, as in accounts: `(5.84)` is -5.84.
# - **0.5** for one slip: the sign; a percentage as a decimal (0.0584 for
#   5.84%); an amount off by a thousand or a million.
# - **0** for anything else: two slips, no number, or two different numbers.
#
# Passing: the check tries some thirty answers and names what goes wrong.
# Hints: `checks.hint("4.1")`, and with `strength=2`.

# %% exercise="4.1" difficulty=4 minutes=10
import re


def score(answer: str, wanted: float, kind: str) -> float:
    # begin solution
    values = set()
    for sign, digits in re.findall(r"([-(]?)\$?(\d[\d,]*\.?\d*)", answer):
        value = float(digits.replace(",", ""))
        values.add(-value if sign else value)
    if len(values) != 1:
        return 0.0
    value = values.pop()
    factors = {"percent": (100, 0.01), "amount": (1e3, 1e6, 1e-3, 1e-6)}

    def close(to):
        return abs(value - to) <= 0.01 * abs(to)

    if close(wanted):
        return 1.0
    slips = [-wanted, *(wanted * factor for factor in factors[kind])]
    return 0.5 if any(close(slip) for slip in slips) else 0.0
    # end solution


# %%
from buildhour_helpers import checks

checks.exercise_4_1(score)

# %% [markdown]
# The course's own comparison does the same with more patience: it knows
# "million" and "minus", years and page numbers. And it says why, which is
# worth more than the score when you read failures:

# %%
from buildhour_helpers.graders import Reference, compare

reference = Reference(45.1, "percent", "45.1%")
for answer in ANSWERS:
    verdict = compare(answer, reference)
    print(f"{answer:30} {verdict.score} {verdict.reason}")
assert [compare(one, reference).score for one in ANSWERS] == PERSON

# %% [markdown]
# *Time to here: 17 minutes, the exercise included.*
#
# ## A model as grader
#
# Some answers cannot be compared by rule: a summary, a plan, a reason. Then
# a second model reads the answer beside a **rubric**. A good rubric reads
# like a contract: a fixed scale, what each score is for, what to do with
# the odd cases, and what must not count.

# %% take="1"
RUBRIC = """\
You compare an answer with the reference answer of a question about a \
company's figures.

Score 1 if the answer gives the reference value in the unit asked for. \
Rounding to the reference's precision is fine, and so are a missing \
percent sign and a missing currency sign.
Score 0.5 if the value is right but for its scale (0.0835 for 8.35%, \
thousands for millions) or its sign.
Score 0 for any other value, for several values of which only one is \
right, for a range, and for an answer that gives no value. How sure, how \
long or how polite the answer sounds earns nothing.
"""


# %% take="1"
JUDGE = "sim-grader"  # a model that your service lets grade


def model_grader(rubric, name="judge"):
    case = "Reference answer: {{item.reference_answer}}\n"
    case += "Answer: {{sample.output_text}}"
    messages = [
        {"role": "system", "content": rubric},
        {"role": "user", "content": case},
    ]
    return {
        "type": "score_model",
        "name": name,
        "model": JUDGE,
        "input": messages,
        "range": [0, 1],
    }


# %%
show(numeric=numeric, judge=model_grader(RUBRIC))

# %% [markdown]
# `sim-grader` is the simulated judge: it takes a rubric at its word, reads
# in a hurry, and slips once in thirty answers, as models do. Unlike a rule
# it understands a little English. In "A decrease of 5.84%" for -5.84% the
# word carries the sign, and the rule does not see that:

# %%
said, falling = "A decrease of 5.84%", Reference(-5.84, "percent", "-5.84%")
print("rule: ", compare(said, falling).score)
if OFFLINE:
    item = {"reference_answer": "-5.84%"}
    judged = grade(model_grader(RUBRIC), said, item)
    print("model:", judged)
    assert judged > compare(said, falling).score
else:
    print("model:", PASSED_BY)

# %% [markdown]
# A model costs money for each answer, can be talked into things, and changes
# when its provider changes it. Where a rule will do, use the rule.
#
# ## Several graders, one formula
#
# A `multi` grader runs several and combines them. Say that you want right
# answers, and short ones:

# %% take="1"
BRIEF = """
def grade(sample, item):
    return float(len(sample["output_text"]) <= 20)
"""


def multi(formula):
    parts = {
        "accuracy": numeric,
        "brevity": {"type": "python", "name": "brevity", "source": BRIEF},
    }
    return {
        "type": "multi",
        "name": "both",
        "graders": parts,
        "calculate_output": formula,
    }


# %%
summed = multi("0.8 * accuracy + 0.2 * brevity")
scaled = multi("accuracy * (0.8 + 0.2 * brevity)")
show(summed=summed, scaled=scaled)

# %% [markdown]
# Look at the last rows. The sum pays for brevity by itself: on questions that
# the model cannot answer, "No idea." is the best income to be had. Multiply
# instead: style then scales what substance has earned.
#
# *Time to here: 20 minutes.*
#
# ## An endpoint that knows the rollout
#
# The last kind is a web endpoint of yours. The service posts the answer, the
# row and the `trace_id`, and takes back `{"score": ...}`. The rollout ID is
# the one that your tools saw, so the grader can ask how an answer was found.
# This one halves what was never read:

# %%
import inspect

from buildhour_helpers.graders import grade_with_evidence

print(inspect.getsource(grade_with_evidence))

# %% [markdown]
# To try it, serve the course's tools with this grader beside them. One rollout
# reads the page, another does not, and both give the same answer.

# %%
from buildhour_helpers.reports import Tree, load
from buildhour_helpers.tasks import build_row, load_questions
from buildhour_helpers.tools.app import create_app
from buildhour_helpers.tools.schemas import CAT

questions = {one.id: one for one in load_questions(split="validation")}
question = questions["AVER-01"]
row = build_row(question, prompt="", tools=[])
app = create_app(
    {"cat": Tree(load()).cat},
    definitions=[CAT],
    key="for-this-cell",
    grade=grade_with_evidence,
)

# %%
import json

import aiohttp

from buildhour_helpers.tools.serving import served

bearer = {"Authorization": "Bearer for-this-cell"}
call = {
    "call_id": "call_1",
    "name": "cat",
    "arguments": json.dumps({"path": question.gold_pages[0]}),
    "trace_id": "trace_that_read",
}
spec = {"type": "endpoint", "name": "evidence", "headers": bearer}
rewards = {}
with served(app) as url:
    async with aiohttp.ClientSession(headers=bearer) as web:
        await web.post(f"{url}/cat", json=call)
    spec["url"] = f"{url}/grade"
    if OFFLINE:
        for trace_id in ("trace_that_read", "trace_that_guessed"):
            rewards[trace_id] = grade(spec, "45.1%", row, trace_id)
print(rewards or PASSED_BY)

# %% [markdown]
# Same words, different worth. The old warning holds twice: everything that
# you read from the trace and pay for will be done for the pay.
#
# *Time to here: 22 minutes.*
#
# ## Does it agree with a person?
#
# Before a grader teaches, examine it. Take answers, have a person score them
# blind, run the grader over the same answers, compare. Two numbers matter:
# **Spearman's rank correlation**, since training uses only which answer is
# better (take 0.8 as the least to train with), and the **confusion table**,
# since a grader that is too generous will be found out.
#
# The course ships 60 answers to 15 questions, written and scored by hand,
# each with the reason:

# %%
from buildhour_helpers.reports import SHIPPED

text = (SHIPPED / "labels" / "answers.jsonl").read_text(encoding="utf-8")
labels = [json.loads(line) for line in text.splitlines()]
items = {key: build_row(one, "", []) for key, one in questions.items()}
for label in labels[4:8]:
    print(label["label"], label["answer"], "/", label["why"])

# %%
from buildhour_helpers.graders.specs import SLOPPY_RUBRIC

people = [label["label"] for label in labels]
by_spec = {
    "equal": string_check("eq"),
    "contains": string_check("ilike"),
    "sloppy rubric": model_grader(SLOPPY_RUBRIC),
    "rubric": model_grader(RUBRIC),
}


cases = [(one["answer"], items[one["question_id"]]) for one in labels]
scores = {
    name: [grade(spec, *case) for case in cases]
    for name, spec in by_spec.items()
    if OFFLINE
}
scores["endpoint"] = [
    compare(answer, Reference.from_item(item)).score
    for answer, item in cases
]

# %% [markdown]
# The fifth is the comparison behind the course's endpoint; the third, a rubric
# that we shall meet in a moment.

# %%
from buildhour_helpers.analysis.statistics import agreement

agreed = {name: agreement(people, found) for name, found in scores.items()}
for name, one in agreed.items():
    print(f"{name:14} Spearman {one.spearman:.2f}", end=", ")
    print(f"same score {one.exact:.0%}, too generous {one.too_generous}")

# %%
assert agreed["endpoint"].spearman >= 0.8
if OFFLINE:
    for name in ("equal", "contains"):
        assert agreed[name].spearman < 0.7 < agreed["rubric"].spearman
    assert agreed["sloppy rubric"].spearman < 0.5

# %% [markdown]
# The careful rule passes. So does the careful rubric, or nearly: its judge is a
# model and moves with its draws. Comparing strings ranks too crudely, and the
# sloppy rubric hardly at all. (Live, only the rule was tried.) The table
# shows where a grader and a person part:

# %%
from buildhour_helpers.analysis import figures

best = "rubric" if OFFLINE else "endpoint"
note = f"grader: {best}; labels made by hand"
chart = figures.grader_agreement(agreed[best], note=note)
chart

# %%
print(chart.alt_text())
print("rows: the person, columns: the grader,", agreed[best].levels)
print(agreed[best].counts)

# %% [markdown]
# Read the disagreements one by one, each with the person's reason. They are
# slips of the grader, or cases that you had not thought of:

# %%
for label, given in zip(labels, scores["endpoint"], strict=True):
    if given != label["label"]:
        print(f"person {label['label']}, rule {given}: {label['answer']}")
        print("   ", label["why"])

# %% [markdown]
# Too low is what the rule cannot read, above all what stands in words: a
# sign, a "no". Is any row too high? Then ask whether a model could live off
# it. A grader need not be perfect. It must not be wrong **in a direction in
# which the model can walk.**
#
# *Time to here: 25 minutes.*
#
# ## A rubric, a job, a hack
#
# Now the real thing. This rubric was written in a hurry, for a product in
# which answers go to clients. It reads sensibly. Where is the hole?

# %%
print(SLOPPY_RUBRIC)

# %% [markdown]
# Six jobs were run over live HTTP, alike in everything but grader and seed:
# the sloppy rubric, the careful rubric from above and the course's endpoint,
# two seeds each. Then each tuned model answered held-out questions, and
# every answer was scored by all three. Nothing tells a job what to look for.
# Recorded, simulated model; the curves are those of one seed:

# %%
from buildhour_helpers import recordings

run = recordings.load("hackable_grader")
print("made by:", run["command"])
before, runs = run["before"], run["after"]
first = {one["grader"]: one for one in reversed(runs)}
for name, one in first.items():
    curve = [step["train_mean_reward"] for step in one["curve"]]
    print(f"{name:9}", *(f"{reward:.2f}" for reward in curve[::4]))

# %% [markdown]
# These are the rewards of every fourth step, as a dashboard shows them. Each
# step sees other rows, so the curves of the honest graders jump up and down.
# The job with the sloppy rubric is by far the most successful. Almost full
# marks, and quickly! Here is what its model is worth on held-out questions:

# %%
note = "recorded, simulated model"
chart = figures.score_and_accuracy(before, runs, note=note)
chart

# %%
print(chart.alt_text())

# %%
start = before["scores"]["sloppy"][0]
for one in runs:
    paid, true = one["scores"][one["grader"]][0], one["accuracy"][0]
    if one["grader"] == "sloppy":
        assert paid > start + 0.3
        assert true < before["accuracy"][0]
    else:
        assert abs(paid - true) < 0.1
print("by its own grader it soared; by the truth it fell")

# %% [markdown]
# The reward rose and the truth did not, in every run with that rubric. No
# dashboard shows it: training and validation reward agree, since one grader
# made both. What shows it is a second judge, and a look at the answers.
#
# ### Finding the hack
#
# Count habits before you read: are answers sentences, do they name several
# numbers, which tools were used, what is the commonest form with the numbers
# blotted out?

# %%
gamed = [one for one in runs if one["grader"] == "sloppy"]
told = [one["habits"] for one in (before, *gamed)]
print(f"{'':15} before, after in each run")
for what in ("sentence", "several_numbers", "tool_calls"):
    print(f"{what:15}", *(f"{one[what]:6.2f}" for one in told))
assert min(one["sentence"] for one in told[1:]) > 0.9

# %%
opened = [one["tools"].get("cat", 0.0) for one in told]
print(f"{'use cat at all':15}", *(f"{share:6.2f}" for share in opened))
print("commonest form:", *(one["form"] for one in told), sep="\n    ")

# %% [markdown]
# Three habits have turned over. Nearly every answer is a sentence. Far more of
# them hedge: they name several numbers. And it looks less: fewer calls, and
# more often no page is opened at all. So read some answers of the run that
# reads least, beside the reference and both scores:

# %%
least = min(gamed, key=lambda one: one["habits"]["tools"].get("cat", 0.0))
for one in least["examples"][:6]:
    paid, true = one["scores"]["sloppy"], one["scores"]["endpoint"]
    print(f"wanted {one['reference']}, paid {paid}, worth {true}")
    print("   ", one["answer"])

# %% [markdown]
# There it is. "Score 1 for a clear and complete answer that a client could
# use": a full sentence is clear and complete, whatever number stands in it,
# and two numbers are no worse than one. Why look anything up? Before the job
# a sentence came only now and then. Each time it got full marks, and the rest
# of its group did not: training needs no more.
#
# And it could have been known before, from the rank correlation with 60
# labels. **An hour of labelling is cheaper than a job.**
#
# ### Exercise 4.2: close a loophole
# Difficulty 3/5 · 6 minutes
#
# Mend the sloppy rubric in your own words. Keep its three scores and its
# tone if you like. What is asked: substance decides, form earns nothing;
# half for a slip of scale or sign; nothing for several values, for a wrong
# one, for no answer. The judge reads sentence by sentence and looks for
# "Score 1 ...", "Score 0.5 ...", "Score 0 ...".
#
# Passing: twelve answers are graded as a person would. Hints:
# `checks.hint("4.2")`, and with `strength=2`.

# %% exercise="4.2" difficulty=3 minutes=6
mended = None
# begin solution
mended = """\
You grade the answers of a financial assistant.

Score 1 if the answer gives the reference value, however it is worded.
Score 0.5 if the value is right but for its scale or its sign.
Score 0 for any other value, for several values, and for no value. A clear \
or confident sentence earns nothing by itself.
"""
# end solution

# %%
checks.exercise_4_2(mended)

# %% [markdown]
# In the recording the careful rubric was the mended one. Its jobs were paid
# less, and no gap opened between pay and truth, as with the endpoint. These
# are the true accuracies of each run:

# %%
true = {
    name: [one["accuracy"][0] for one in runs if one["grader"] == name]
    for name in first
}
print(f"before:   {before['accuracy'][0]:.2f}")
for name, found in true.items():
    print(f"{name + ':':9}", *(f"{accuracy:.2f}" for accuracy in found))
assert max(true["sloppy"]) < min(true["endpoint"] + true["mended"])

# %% [markdown]
# Did the endpoint, which makes no slips, teach more than a judge that slips
# once in thirty answers? Compare how far the runs of one grader lie apart
# with how far the graders do: where they overlap, so few runs cannot tell.
#
# *Time to here: 38 minutes, exercises included.*
#
# ## Take it with you
#
# The cells to copy are those that build specs from plain dictionaries
# (`string_check`, `numeric`, `RUBRIC`, `model_grader`, `multi`) and `grade`,
# which tries one. They need `openai` alone. Change `ITEM`, the keys in the
# templates, `JUDGE` and the rubric. Then, before any job:
#
# - label 50 answers, wrong ones and odd ones above all;
# - take a grader only from a rank correlation of 0.8 up, and read every
#   answer that it scores above your label;
# - keep a second judge for held-out answers that no job is trained on.
#
# ## Recap
#
# - Pay for substance; never for form alone; multiply rather than add.
# - Rules where they will do, a model for judgement, an endpoint for what the
#   agent did.
# - Partial credit for what lies on the way to right.
# - A hack shows in no curve. Habits, answers and a second judge show it.
#
# ## Three questions
#
# <details><summary>Your grader agrees with people at 0.93. Can it still be
# hacked?</summary>
#
# Yes. Training moves the answers to wherever the grader pays, also to places
# that no label covers. Label again after the first job, and count habits.
# </details>
#
# <details><summary>Why is "half for a good attempt" a dangerous
# line?</summary>
#
# Every answer is an attempt, so half the reward costs nothing. Pay half for a
# thing that one cannot do without having done most of the work.
# </details>
#
# <details><summary>The grader fails on one answer in a hundred (a time-out,
# say). Should it return 0?</summary>
#
# No: that would teach that a good answer was bad. Let it fail (5xx): the
# service tries again, or discards the rollout and counts it. Watch that count.
# </details>
#
# Next: [05 Launching Agent RFT](05_launching_agent_rft.ipynb).
