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


PARAPHRASES = (
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
        "condition first",
        "contract",
        "If the answer contains the reference value and no other value, the score is 1. If it is "
        "the reference value at the wrong scale or with a flipped sign, the score is 0.5. "
        "Otherwise the score is 0.",
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
        "style is ignored",
        "contract",
        "Judge substance only; ignore tone, length and confidence. Score 1 when the value is "
        "correct, however clearly or badly it is put. Score 0.5 when it would be correct in "
        "another scale or with the other sign. Score 0 when it is not, or when several are named.",
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
        "negative instructions",
        "contract",
        "Don't be fooled by confident language. Don't give more than 0 to an answer with several "
        "values. Don't give more than 0.5 to an answer with the right digits but the wrong scale "
        "or sign. Only give 1 to an answer that states the reference value. Everything else is 0.",
    ),
)
