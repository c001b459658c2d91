"""Checks of lesson 08: F1 of a list, a prediction, and a grader that cannot be gamed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from buildhour_helpers.checks.verdict import Finding, Findings, exercise, number_of, right, wrong
from buildhour_helpers.spotlights import mean_of, recorded

HINTS = {
    "8.1": (
        "Count three things: paths in the answer, expected paths, and paths that are in both. A "
        "path that is listed twice counts once.",
        "Make a set of each list, then compute precision, recall and their harmonic mean. An "
        "answer without a right path gets 0: return it before you divide.",
        "found, expected = set(found), set(expected); right = len(found & expected); then "
        "2 * right / (len(found) + len(expected)), and 0 where right is 0.",
    ),
    "8.2": (
        "Look at the five runs above: how many turns does an agent take after training without a "
        "price on turns? It needs at least two: one to search, one to answer.",
        "A turn costs 0.05 of the reward. What would an agent give up for a turn less? Write two "
        "numbers: mean turns, and mean F1 without the charge.",
        'prediction = {"turns": 2.2, "f1": 0.6} is such a prediction. Any two numbers that you '
        "believe in are fine.",
    ),
    "8.3": (
        "Attack your grader: what is the cheapest answer that gets 1? Try several figures, "
        "and a list of all filings.",
        "Find all numbers of the answer with re.findall, and require exactly one. Require that "
        "`cited` holds the source and nothing else, and that the source is in `opened`. Without "
        "that, a right figure is worth 0.4.",
        'numbers = re.findall(r"-?\\d[\\d,]*\\.?\\d*", answer); values = '
        '{float(n.replace(",", "")) for n in numbers}; a right answer has len(values) == 1 and '
        'is within 1% of item["value"]; it is cited if set(cited) == {item["source"]} and '
        'item["source"] is in opened.',
    ),
}


def _expect(found: object, expected: float, example: str, fix: str) -> Finding:
    number = number_of(found)
    if number is None:
        return wrong(f"{example}: it returns {found!r}, which is not a number", "return a float")
    if math.isclose(number, expected, abs_tol=0.006):
        return right(f"{example}: {expected:.2f}")
    return wrong(f"{example}: it returns {number:.2f}, not {expected:.2f}", fix)


# --- 8.1 -----------------------------------------------------------------------------------------

A, B, C, D = "basket/api.py", "basket/rules.py", "refund/mail.py", "tests/refund_test.py"
LISTS: tuple[tuple[str, list[str], list[str], float, str], ...] = (
    ("all paths found", [A, B], [A, B], 1.0, "2 * right / (found + expected)"),
    ("in another order", [B, A], [A, B], 1.0, "the order says nothing: compare sets"),
    (
        "half of the paths found, none too many",
        [A],
        [A, B],
        2 / 3,
        "precision is 1 and recall is 0.5: take their harmonic mean, not one of them",
    ),
    (
        "all paths found, and two too many",
        [A, B, C, D],
        [A, B],
        2 / 3,
        "paths too many lower the precision: divide by the length of the answer too",
    ),
    (
        "one of four right, of two expected",
        [A, C, D, "docs/release_a.md"],
        [A, B],
        1 / 3,
        "the harmonic mean of 0.25 and 0.5, not their average",
    ),
    ("a path listed twice", [A, A, B], [A, B], 1.0, "count each path once: make a set"),
    ("only wrong paths", [C], [A, B], 0.0, "nothing is right, so the score is 0"),
    ("an empty answer", [], [A, B], 0.0, "return 0 before you divide"),
)


@exercise("8.1")
def exercise_8_1(score: Callable[[list[str], list[str]], Any]) -> Findings:
    """F1 of a list of paths."""
    for example, found, expected, value, fix in LISTS:
        try:
            given = score(list(found), list(expected))
        except ZeroDivisionError:
            yield wrong(f"{example}: it divides by zero", fix)
            continue
        yield _expect(given, value, example, fix)


# --- 8.2 -----------------------------------------------------------------------------------------

MOST_TURNS = 8
CLOSE = {"turns": 0.3, "f1": 0.06}


@exercise("8.2")
def exercise_8_2(prediction: Any) -> Findings:
    """A prediction of turns and F1, compared with the recorded runs."""
    form = 'write {"turns": NUMBER, "f1": NUMBER}'
    if not isinstance(prediction, Mapping):
        yield wrong(f"it is {prediction!r:.60}, not a dictionary", form)
        return
    if missing := [name for name in ("turns", "f1") if name not in prediction]:
        yield wrong(f"it does not have the key {' and '.join(missing)}", form)
        return
    runs = recorded("files", "turns")
    measured = {"turns": mean_of(runs, "after", "turns"), "f1": mean_of(runs, "after")}
    bounds = {"turns": (1.0, float(MOST_TURNS)), "f1": (0.0, 1.0)}
    for name, (low, high) in bounds.items():
        number = number_of(prediction[name])
        if number is None:
            yield wrong(
                f"{name}: {prediction[name]!r:.40} is not a number",
                "predict a number: only then can the run surprise you",
            )
        elif not low <= number <= high:
            yield wrong(
                f"{name}: {number:g} cannot happen",
                f"a rollout has {name} from {low:g} to {high:g}",
            )
        else:
            gap = number - measured[name]
            met = "close" if abs(gap) <= CLOSE[name] else "too high" if gap > 0 else "too low"
            yield right(
                f"{name}: you said {number:.2f}, the five runs say {measured[name]:.2f}: {met}"
            )


# --- 8.3 -----------------------------------------------------------------------------------------

SOURCE, OTHER, THIRD = (
    "KESTREL/2022/income.md",
    "KESTREL/2021/income.md",
    "TAMAR/2022/cash.md",
)
ITEM = {"value": 1204.5, "source": SOURCE}
NEGATIVE = {"value": -38.2, "source": SOURCE}


@dataclass(frozen=True)
class Attack:
    """An answer, what was cited and opened, and what it is worth."""

    answer: str
    cited: Sequence[str]
    opened: Sequence[str]
    item: Mapping[str, Any]
    worth: float


FAMILIES: dict[str, tuple[str, tuple[Attack, ...]]] = {
    "a right figure with its filing": (
        "1 for the one value, where the source alone is cited and was opened",
        (
            Attack("1204.5", [SOURCE], [SOURCE], ITEM, 1.0),
            Attack("1204.5", [SOURCE], [OTHER, SOURCE], ITEM, 1.0),
        ),
    ),
    "other ways to write it": (
        "drop ',' and '$', take the number out of its sentence, and allow 1% for rounding",
        (
            Attack("$1,204.5 million", [SOURCE], [SOURCE], ITEM, 1.0),
            Attack("Revenue came to 1,205.", [SOURCE], [SOURCE], ITEM, 1.0),
        ),
    ),
    "negative figures": (
        "keep the sign of the number, and allow 1% of abs(item['value'])",
        (
            Attack("-38.2", [SOURCE], [SOURCE], NEGATIVE, 1.0),
            Attack("38.2", [SOURCE], [SOURCE], NEGATIVE, 0.0),
        ),
    ),
    "wrong figures": (
        "compare numbers, and give 0 for a wrong one whatever was cited",
        (
            Attack("1302.5", [SOURCE], [SOURCE], ITEM, 0.0),
            Attack("11204.5", [SOURCE], [SOURCE], ITEM, 0.0),
        ),
    ),
    "no figure, but a confident sentence": (
        "no number in the answer is 0, however good it sounds",
        (
            Attack("A complete review confirms the revenue.", [SOURCE], [SOURCE], ITEM, 0.0),
            Attack("", [SOURCE], [SOURCE], ITEM, 0.0),
        ),
    ),
    "two figures, one of them right": (
        "find all numbers, and require that they have exactly one value",
        (
            Attack("1204.5 or 1302.5", [SOURCE], [SOURCE], ITEM, 0.0),
            Attack("Between 1100 and 1204.5", [SOURCE], [SOURCE], ITEM, 0.0),
        ),
    ),
    "a right figure without its filing": (
        "give 0.4: the figure is right, but a reader cannot check it",
        (
            Attack("1204.5", [], [SOURCE], ITEM, 0.4),
            Attack("1204.5", [OTHER], [SOURCE, OTHER], ITEM, 0.4),
        ),
    ),
    "citing every filing": (
        "the source must be the only filing cited: set(cited) == {item['source']}",
        (Attack("1204.5", [SOURCE, OTHER, THIRD], [SOURCE, OTHER], ITEM, 0.4),),
    ),
    "citing a filing that was never opened": (
        "ask for the source in opened as well",
        (
            Attack("1204.5", [SOURCE], [], ITEM, 0.4),
            Attack("1204.5", [SOURCE], [OTHER], ITEM, 0.4),
        ),
    ),
}


NAMES = {SOURCE: "the source", OTHER: "another filing", THIRD: "a third filing"}


@exercise("8.3")
def exercise_8_3(grade: Callable[[str, list[str], list[str], Mapping[str, Any]], Any]) -> Findings:
    """A grader of figures and citations that withstands nine kinds of answers."""
    plain = FAMILIES["a right figure with its filing"][1][0]
    grade(plain.answer, list(plain.cited), list(plain.opened), dict(plain.item))  # may raise: once
    for family, (fix, attacks) in FAMILIES.items():
        tried = (_tried(grade, attack, fix) for attack in attacks)
        yield next((found for found in tried if found), right(family))


def _tried(
    grade: Callable[[str, list[str], list[str], Mapping[str, Any]], Any], attack: Attack, fix: str
) -> Finding | None:
    """What an attack shows about a grader, or None where the score is as it should be."""
    what = (
        f"{attack.answer!r:.44}, where {attack.item['value']} is right, "
        f"citing {_listed(attack.cited)}, having opened {_listed(attack.opened)}"
    )
    try:
        given = grade(attack.answer, list(attack.cited), list(attack.opened), dict(attack.item))
    except Exception as error:  # go on: the other attacks tell the learner more
        return wrong(f"{what}: it raises {type(error).__name__}: {error}", fix)
    number = number_of(given)
    if number is None:
        return wrong(f"{what}: it returns {given!r:.30}", "return a number from 0 to 1")
    if math.isclose(number, attack.worth, abs_tol=1e-6):
        return None
    return wrong(f"{what}: it gives {number:g}, not {attack.worth:g}", fix)


def _listed(filings: Sequence[str]) -> str:
    return " and ".join(NAMES[one] for one in filings) or "nothing"
