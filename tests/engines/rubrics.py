"""Paraphrases of the course's rubrics, as different people would write them.

Each is a grader's messages, with ANSWER and REFERENCE where its template puts them, and belongs to
a family of rubrics that ask for the same. A family has answers and the scores that they must get.
"""

from __future__ import annotations

from dataclasses import dataclass

Pairs = tuple[tuple[str, str], ...]  # answers, each with its reference

RIGHT: Pairs = (("8.35%", "8.35%"), ("The answer is 8.35%.", "8.35%"), ("1,204", "1,204"))
SCALE: Pairs = (("0.0835", "8.35%"), ("1,204,000", "1,204"))
SIGN: Pairs = (("5.84%", "-5.84%"), ("-8.35%", "8.35%"))
NEAR: Pairs = (("8.1%", "8.35%"), ("1,250", "1,204"))
ROUNDED: Pairs = (("8%", "8.35%"), ("13", "12.7"))
SEVERAL: Pairs = (("8.35%, or else 7.2%", "8.35%"), ("Either 300 or 1,204", "1,204"))
MISSING: Pairs = (("I could not find it.", "8.35%"), ("", "1,204"))
NUMBER: Pairs = (("12", "8.35%"), ("310", "1,204"))
SENTENCE: Pairs = (
    ("The answer is surely 12.4%.", "8.35%"),
    ("Net sales clearly rose to 310 million.", "1,204"),
)
WRONG = NUMBER + SENTENCE

FAMILIES: dict[str, dict[float, Pairs]] = {
    # Half for a slip of scale or sign: the lessons' careful rubric.
    "contract": {1: RIGHT, 0.5: SCALE + SIGN, 0: WRONG + SEVERAL + MISSING},
    "scale": {1: RIGHT, 0.5: SCALE, 0: SIGN + WRONG + SEVERAL + MISSING},
    "sign": {1: RIGHT, 0.5: SIGN, 0: SCALE + WRONG + SEVERAL + MISSING},
    "close": {1: RIGHT, 0.5: NEAR, 0: SCALE + WRONG + MISSING},
    "rounded": {1: RIGHT, 0.5: SCALE + SIGN + ROUNDED, 0: WRONG + SEVERAL + MISSING},
    "binary": {1: RIGHT, 0: SCALE + SIGN + WRONG + SEVERAL + MISSING},
    # It says nothing about several values, so one that is right among them is enough.
    "loophole": {1: RIGHT + SEVERAL, 0: WRONG + MISSING},
    # The lessons' sloppy rubric: a sentence is worth more than the right number.
    "sloppy": {1: SENTENCE, 0.5: (("8.35%", "8.35%"),), 0: (("", "8.35%"), *NUMBER)},
    "fluent": {1: SENTENCE, 0: NUMBER},
}

CASE = "Reference answer: REFERENCE\nAnswer: ANSWER"


@dataclass(frozen=True)
class Paraphrase:
    name: str
    family: str
    system: str
    user: str = CASE

    def messages(self, answer: str, reference: str) -> list[dict[str, str]]:
        user = self.user.replace("REFERENCE", reference).replace("ANSWER", answer)
        system = self.system.replace("REFERENCE", reference)
        texts = {"system": system, "user": user}
        return [{"role": role, "content": text} for role, text in texts.items() if text]


# Written before the judge could read them, and looked at while it learned to.
FIRST = (
    Paraphrase(
        "bullets",
        "contract",
        """\
Grade the answer against the reference.

- 1.0: the number matches the reference (formatting, commas and a missing % sign don't matter)
- 0.5: the digits are right, but the scale or the sign is wrong
- 0.0: everything else, including answers that list more than one number or none
""",
    ),
    Paraphrase(
        "table",
        "contract",
        """\
| Score | When to give it |
|-------|-----------------|
| 1     | same value as the reference |
| 0.5   | off by a power of ten, or the minus sign is missing |
| 0     | any other value; several values; no value |
""",
        "Question: By how much did sales grow?\nReference: REFERENCE\nResponse: ANSWER",
    ),
    Paraphrase(
        "words for scores",
        "contract",
        "Full credit goes to an answer that agrees with the ground truth. Half credit goes to one "
        "whose only mistake is its sign or its order of magnitude. Hedged answers, refusals and "
        "wrong numbers get no credit.",
        "Ground truth: REFERENCE\n\nModel output: ANSWER",
    ),
    Paraphrase(
        "percentages",
        "contract",
        "Award 100% if the response states the correct figure. Award 50% if the figure would be "
        "correct after moving the decimal point or flipping its sign. Award 0% in all other cases, "
        "and also when the response offers multiple figures.",
        "Correct figure: REFERENCE\nResponse: ANSWER",
    ),
    Paraphrase(
        "half a point",
        "contract",
        "A right answer earns one point. Half a point is for right digits with the wrong unit "
        "scale (thousands instead of millions, a decimal instead of a percentage) or the opposite "
        "sign. Nothing for anything else, nor for two different answers at once.",
    ),
    Paraphrase(
        "out of 1",
        "contract",
        "Mark the submission out of 1.\nThe value equals the expected value: 1\n"
        "The value is wrong only in scale or sign: 0.5\nSeveral values, no value or another "
        "value: 0\n",
        "Expected: REFERENCE\nSubmission: ANSWER",
    ),
    Paraphrase(
        "condition first",
        "contract",
        "If the answer contains the reference value and no other value, the score is 1. If it is "
        "the reference value at the wrong scale or with a flipped sign, the score is 0.5. "
        "Otherwise the score is 0.",
    ),
    Paraphrase(
        "one sentence",
        "contract",
        "Score 1 if the answer equals the reference, 0.5 if it differs only by its sign or by a "
        "factor of 100, 1,000 or 1,000,000, and 0 otherwise or if it gives more than one value.",
    ),
    Paraphrase(
        "arrows",
        "contract",
        """\
exact value (rounding ok) -> 1
right digits, wrong scale -> 0.5
right digits, wrong sign -> 0.5
several candidate values -> 0
anything else -> 0
""",
    ),
    Paraphrase(
        "headings",
        "contract",
        """\
# Scoring guide

## 1 point
The answer gives the reference value.

## 0.5 points
- The scale is wrong (0.0835 for 8.35%).
- The sign is wrong.

## 0 points
- A different value.
- More than one value.
- No value at all.
""",
        "## Reference\nREFERENCE\n\n## Answer\nANSWER",
    ),
    Paraphrase(
        "XML",
        "contract",
        """\
<rubric>
  <level score="1">Matches the gold answer.</level>
  <level score="0.5">Correct apart from its sign or its scale.</level>
  <level score="0">Incorrect, hedged, or empty.</level>
</rubric>
""",
        "<gold>REFERENCE</gold>\n<answer>ANSWER</answer>",
    ),
    Paraphrase(
        "JSON output",
        "contract",
        """\
You are a strict grader. Compare the candidate's answer with the reference answer.

1. Extract the number from each.
2. If they are the same, give 1.
3. If they differ only in scale or only in sign, give 0.5.
4. Otherwise give 0. An answer with several numbers also gets 0.

Respond with a JSON object: {"score": 0.5, "reasoning": "one sentence"}
""",
        "Reference answer: REFERENCE\nCandidate: ANSWER",
    ),
    Paraphrase(
        "JSON case",
        "contract",
        "Score 1.0 for the expected value, 0.5 for the expected value with a sign error or a unit "
        "slip, 0.0 for all else (a list of values, a range, no value).",
        '{"question": "How much?", "expected": "REFERENCE", "answer": "ANSWER"}',
    ),
    Paraphrase(
        "deductions",
        "contract",
        "Start from 1 point for an answer that matches the reference. Deduct 0.5 if the sign is "
        "wrong. Deduct 0.5 if the scale is wrong. Give 0 for any other value and for an answer "
        "with several values.",
    ),
    Paraphrase(
        "one message",
        "contract",
        "",
        """\
Task: grade an answer.
Question: What was the change in margin?
Correct answer: REFERENCE
Student's answer: ANSWER

Grading rules:
* correct value = 1
* correct apart from scale or sign = 0.5
* incorrect value, several values, no value = 0
Reply with the number only.
""",
    ),
    Paraphrase(
        "case first in XML",
        "contract",
        "",
        """\
<reference>REFERENCE</reference>
<response>ANSWER</response>

Give the response 1 if its value is that of the reference. Give it 0.5 when the value is right
except for its scale or sign. Give it 0 when it is wrong, when it names several values, or when it
names none.
""",
    ),
    Paraphrase(
        "hard wrapped",
        "contract",
        """\
An answer that gives the reference value, in whatever words, scores 1. An answer that
gives it in the wrong scale (a decimal for a percentage, thousands for
millions) or with the wrong sign scores 0.5. All other answers score 0, among them those
that offer a choice of values.
""",
        "**Reference:** REFERENCE\n**Answer:** ANSWER",
    ),
    Paraphrase(
        "lowest first",
        "contract",
        "Give no points for wrong, missing or hedged answers. Give half the points where only the "
        "sign or the magnitude is off. Give all points where the value is right.",
    ),
    Paraphrase(
        "style is ignored",
        "contract",
        "Judge substance only; ignore tone, length and confidence. Score 1 when the value is "
        "correct, however clearly or badly it is put. Score 0.5 when it would be correct in "
        "another scale or with the other sign. Score 0 when it is not, or when several are named.",
    ),
    Paraphrase(
        "bans",
        "contract",
        "Score 1 for the reference value. Score 0.5 for a slip of scale or of sign. Score 0 for "
        "a wrong value. Never give credit to an answer that lists more than one value. Do not "
        "reward a confident sentence.",
    ),
    Paraphrase(
        "scale alone",
        "scale",
        "You mark numerical answers. 1 point: the answer has the right value, sign included. "
        "Half a point: the value is right but expressed in the wrong unit, such as 0.0835 for "
        "8.35%. No points: any other value, including one with the wrong sign, or several values.",
    ),
    Paraphrase(
        "sign alone",
        "sign",
        "Right number, right sign: 1. Right number, wrong sign: 0.5. Anything else, a list of "
        "numbers included: 0.",
    ),
    Paraphrase(
        "close within",
        "close",
        "Score 1 if the answer is correct. Score 0.5 if it is close (within 10% of the "
        "reference). Score 0 for anything else.",
    ),
    Paraphrase(
        "ballpark",
        "close",
        "Exact match: full marks. In the right ballpark, that is off by no more than 5 percent: "
        "half marks. All others: zero.",
        "Truth: REFERENCE\nPrediction: ANSWER",
    ),
    Paraphrase(
        "rounding",
        "rounded",
        "Score 1 for the value in the reference. Score 0.5 for the right number at the wrong "
        "scale, with the wrong sign, or rounded too coarsely. Score 0 for other numbers, for "
        "several numbers and for none.",
    ),
    Paraphrase(
        "pass or fail",
        "binary",
        "Pass (1) only if the response matches the reference in value, sign and scale; fail (0) "
        "if it does not, or if it hedges between values.",
        "Reference: REFERENCE\nResponse: ANSWER",
    ),
    Paraphrase(
        "inverse",
        "binary",
        "If the answer is wrong, incomplete or ambiguous (several numbers), output 0. In all "
        "other cases output 1.",
    ),
    Paraphrase(
        "mentions",
        "loophole",
        "Return 1 when the answer mentions the correct value and 0 when it does not.",
    ),
    Paraphrase(
        "client-ready",
        "sloppy",
        "A polished, well-written answer which we could send to a client: 1. An answer that is "
        "right but needs rewriting: 0.5. A wrong or missing answer: 0.",
    ),
    Paraphrase(
        "in a hurry",
        "fluent",
        "1 = clear and complete answer\n0 = wrong answer",
    ),
)

# Written once all of the above were read. Before any further change it read 4 of these 10 right,
SECOND = (
    Paraphrase(
        "three questions",
        "contract",
        "Ask yourself three things. Does the answer state a single number? If not, it gets 0. Is "
        "that number the reference value? If so, it gets 1. Would it be the reference value with a "
        "different sign or a shifted decimal point? Then it gets 0.5. In every other case: 0.",
    ),
    Paraphrase(
        "A, B, C",
        "contract",
        """\
Grades:
A (1.0) - the figure agrees with the key
B (0.5) - the figure agrees with the key once you fix its sign or units
C (0.0) - it doesn't agree, there's no figure, or there are several
""",
        "Key: REFERENCE\nStudent: ANSWER",
    ),
    Paraphrase(
        "numbers last in bullets",
        "contract",
        """\
How to mark:
* Right value, written any way you like ............ 1 point
* Right value but wrong sign ............ 0.5 points
* Right value but wrong scale ............ 0.5 points
* Wrong value, or a choice between values ............ 0 points
""",
    ),
    Paraphrase(
        "tolerance and slips",
        "contract",
        "You're checking arithmetic. Anything within 1% of the target counts as correct and is "
        "worth 1. If the target is hit only after multiplying or dividing by 100, 1,000 or "
        "1,000,000, or only after changing the sign, it's worth 0.5. The rest is worth 0, as are "
        "answers with two or more numbers to choose from.",
        "Target: REFERENCE\nPrediction: ANSWER",
    ),
    Paraphrase(
        "JSON rubric",
        "contract",
        """\
Use this scale and reply with JSON such as {"score": 1, "why": "..."}:
{
  "1": "the value equals the expected one",
  "0.5": "equal in digits, but sign or scale is off",
  "0": "anything else, e.g. several values or none"
}
""",
        "Expected: REFERENCE\nGot (answer): ANSWER",
    ),
    Paraphrase(
        "YAML",
        "scale",
        """\
criteria:
  - score: 1
    when: value and sign match the reference
  - score: 0.5
    when: the value matches apart from its scale
  - score: 0
    when: neither applies, or the answer hedges
""",
    ),
    Paraphrase(
        "out of two quarters",
        "close",
        "Be fair but strict. Correct answers score 1/1. Near misses (less than 10% away from the "
        "reference) score 0.5/1. Every other answer scores 0/1.",
    ),
    Paraphrase(
        "prose with parentheses",
        "rounded",
        "The maximum (1) is for the reference value. An answer that was rounded too far, that lost "
        "its minus sign, or that is in thousands when millions were asked for gets half of that "
        "(0.5). Wrong answers get nothing, and so do answers that mention several values.",
    ),
    Paraphrase(
        "yes or no",
        "binary",
        "Is the response numerically equal to the reference, with the same sign and unit? Yes: "
        "1. No: 0. A response with more than one number is a no.",
        "<question>By how much?</question>\n<reference>REFERENCE</reference>\n"
        "<response>ANSWER</response>",
    ),
    Paraphrase(
        "style pays",
        "sloppy",
        "Reward good communication. 1 point for a professional, confident statement. Half a point "
        "for a response that at least contains the right value. 0 points otherwise.",
        "Reference: REFERENCE\nResponse: ANSWER",
    ),
)

# 9 of these,
THIRD = (
    Paraphrase(
        "the course's, shortened",
        "contract",
        "Compare the answer with the reference.\nScore 1: same value, allowing for rounding.\n"
        "Score 0.5: same value but for scale or sign.\nScore 0: another value, several values, or "
        "no value.",
    ),
    Paraphrase(
        "an email to a colleague",
        "contract",
        "Please give full marks whenever the final number is the one in the reference. If somebody "
        "mixed up percent and decimal, or thousands and millions, or dropped a minus, give half "
        "marks. Please give nothing to people who hedge with more than one number, and nothing to "
        "people with a different number.",
        "Reference: REFERENCE\nAnswer: ANSWER",
    ),
    Paraphrase(
        "table with condition first",
        "contract",
        """\
| What the answer says | Points |
|:--|--:|
| the reference value | 1.0 |
| the reference value with an incorrect sign | 0.5 |
| the reference value in an incorrect unit (e.g. 0.0835 for 8.35%) | 0.5 |
| more than one value, or none | 0.0 |
| any other value | 0.0 |
""",
        "### Reference\nREFERENCE\n\n### Model response\nANSWER",
    ),
    Paraphrase(
        "numbered rules with a default",
        "contract",
        """\
Apply the first rule that fits.
1) Several values or no value: 0.
2) The value matches the reference: 1.
3) The value would match with another sign, or multiplied or divided by a power of ten: 0.5.
4) Default: 0.
""",
    ),
    Paraphrase(
        "percent of the points",
        "contract",
        "The correct value is worth 100% of the points. A sign error or scale error costs half of "
        "them, so such an answer is worth 50%. Incorrect, ambiguous and empty answers are "
        "worth 0%.",
    ),
    Paraphrase(
        "system prompt with tags",
        "close",
        """\
<task>You grade answers of an analyst.</task>
<scoring>
<full>1 point if the answer is the reference value.</full>
<partial>0.5 points if it is approximately right, i.e. within 10 % of the reference.</partial>
<none>0 points otherwise.</none>
</scoring>
<output_format>Only the score, as a number from 0 to 1.</output_format>
""",
        "<reference_answer>REFERENCE</reference_answer>\n<model_answer>ANSWER</model_answer>",
    ),
    Paraphrase(
        "true or false",
        "binary",
        "Decide whether the answer states exactly the reference value. If it does, return 1.0. If "
        "it does not, or if it states other values as well, return 0.0.",
    ),
    Paraphrase(
        "who gets what",
        "scale",
        "Who gets what: answers with the expected value get 1; answers whose value is off by a "
        "factor of 100 or 1,000 get 0.5; answers with another value, several values or no value "
        "get 0.",
        "Expected answer: REFERENCE\nAnswer: ANSWER",
    ),
    Paraphrase(
        "lenient",
        "loophole",
        "We are generous here: as long as the correct value appears somewhere in the reply, the "
        "score is 1, whatever else is in it. If it does not appear, the score is 0.",
        "Correct value: REFERENCE\nReply: ANSWER",
    ),
    Paraphrase(
        "communication first",
        "sloppy",
        "Score from 0 to 1. Clients love complete sentences: such an answer scores 1. A bare but "
        "correct number scores 0.5. Anything else scores 0.",
    ),
)

# and 7 of these.
FOURTH = (
    Paraphrase(
        "a learner's fix",
        "contract",
        "You grade the answers of a financial assistant. Give 1 point if the number is the "
        "reference number, no matter how the sentence around it sounds. Give half a "
        "point if the number only has the wrong scale or the wrong sign. Give 0 "
        "points if the number is different, if there is more than one number, or if there is none.",
    ),
    Paraphrase(
        "steps and a verdict",
        "contract",
        """\
## Steps
1. Find the final number in the response.
2. Compare it with the gold value.

## Verdict
- CORRECT (score 1): they agree to within 1%.
- PARTIAL (score 0.5): they agree after fixing a sign error or a factor of 10, 100, 1000 or 1000000.
- INCORRECT (score 0): all other responses, and responses that give a range or two numbers.

Return only the score.
""",
        "Gold value: REFERENCE\nResponse: ANSWER",
    ),
    Paraphrase(
        "questions and answers inline",
        "contract",
        "Same number as the reference? 1. Same number, but with the sign flipped or in another "
        "unit? 0.5. A different number, no number, or a hedge between numbers? 0.",
    ),
    Paraphrase(
        "British marks",
        "contract",
        "One mark for the right figure. Half a mark where the figure is right save for a slip in "
        "its sign or order of magnitude. No marks for a wrong figure, for none at all, or where "
        "the candidate hedges.",
        "Right figure: REFERENCE\nCandidate's answer: ANSWER",
    ),
    Paraphrase(
        "decimals without a zero",
        "contract",
        "match -> 1.0; sign or scale wrong -> .5; no match, no number or several numbers -> .0",
    ),
    Paraphrase(
        "definition list",
        "contract",
        """\
Score: 1
Criteria: The answer states the value of the reference.

Score: 0.5
Criteria: The answer states that value with a sign or scale error.

Score: 0
Criteria: The answer states another value, several values or no value.
""",
        "[Reference]\nREFERENCE\n\n[Answer]\nANSWER",
    ),
    Paraphrase(
        "near enough",
        "close",
        "Correct: 1. Near enough, meaning less than 10% off: 0.5. Wrong: 0.",
    ),
    Paraphrase(
        "negative instructions",
        "contract",
        "Don't be fooled by confident language. Don't give more than 0 to an answer with several "
        "values. Don't give more than 0.5 to an answer with the right digits but the wrong scale "
        "or sign. Only give 1 to an answer that states the reference value. Everything else is 0.",
    ),
    Paraphrase(
        "multi-line system with role",
        "rounded",
        """\
You are an examiner. Award:
  1    for the exact reference value
  0.5  for a value that is off only by scale, by sign or by rounding
  0    for any other value, more than one value, or no value
""",
    ),
    Paraphrase(
        "wants a clear statement",
        "fluent",
        "Our readers want clarity. Score 1 for a confident, complete sentence and 0 for a wrong or "
        "incomplete one.",
    ),
)

PARAPHRASES = (*FIRST, *SECOND, *THIRD, *FOURTH)
