"""Answers to the exercises of lesson 05."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from . import Honest, Lesson, Nonsense

LESSON = Lesson({"5.1": "guess", "5.2": "decide", "5.3": "diagnose"})
GIVEN = {"5.1": (0.89,)}

solved = LESSON.solution


def decide(code: str) -> Any:
    return LESSON.body("5.2", "decide(options, answers, value_usd)", code)


def diagnose(code: str) -> Any:
    return LESSON.body("5.3", "diagnose(step)", code)


def with_numpy(options: Any, answers: int, value_usd: float) -> Any:
    table = np.array([list(option.values()) for option in options.values()])
    reward, answer, job = table.T
    profit = answers * (value_usd * reward - answer) - job
    return np.array(list(options))[np.argmax(profit)]


def with_pandas(options: Any, answers: int, value_usd: float) -> Any:
    table = pd.DataFrame(options).T
    table["profit"] = answers * (value_usd * table["reward"] - table["answer_usd"])
    return (table["profit"] - table["job_usd"]).idxmax()


def in_fractions(options: Any, answers: int, value_usd: float) -> Any:
    def profit(name: str) -> Fraction:
        reward, answer, job = (Fraction(str(number)) for number in options[name].values())
        return answers * (Fraction(str(value_usd)) * reward - answer) - job

    return max(options, key=profit)


HONEST: Honest = {
    "5.1": {
        "close": 0.9,
        "half": 0.5,
        "low": 0.2,
        "numpy": np.float32(0.75),
        "a fraction": Fraction(2, 3),
        "too high": 0.99,
        "a hair": 1e-3,
    },
    "5.2": {
        "numpy": with_numpy,
        "pandas": with_pandas,
        "fractions": in_fractions,
        "loop": decide("""
            best, most = None, float("-inf")
            for name, option in options.items():
                left = answers * value_usd * option["reward"]
                left = left - answers * option["answer_usd"] - option["job_usd"]
                if left > most:
                    best, most = name, left
            return best
        """),
        "sorted": decide("""
            cost = lambda o: o["job_usd"] + answers * o["answer_usd"]
            money = lambda o: answers * o["reward"] * value_usd - cost(o)
            return sorted(options, key=lambda name: money(options[name]))[-1]
        """),
        "least loss": decide("""
            return min(options, key=lambda n: options[n]["job_usd"] - answers * (
                value_usd * options[n]["reward"] - options[n]["answer_usd"]))
        """),
        "pairs": decide("""
            found = [(answers * (value_usd * o["reward"] - o["answer_usd"]) - o["job_usd"], name)
                     for name, o in options.items()]
            return max(found)[1]
        """),
    },
    "5.3": {
        "by missing reward": diagnose("""
            if step["train_mean_reward"] is None:
                return "discarded"
            return "zero variance" if step["mean_unresponsive_rewards"] >= 1 else "ok"
        """),
        "with a hyphen": diagnose("""
            if step["errors"]["train_discarded"] >= step["usage"]["train"]["rollouts"]:
                return "Discarded"
            return "zero-variance" if step["mean_unresponsive_rewards"] == 1.0 else "OK"
        """),
        "usable": diagnose("""
            usable = step["usage"]["train"]["rollouts"] - step["errors"]["train_discarded"]
            if not usable:
                return "discarded"
            return "zero variance" if step["mean_unresponsive_rewards"] == 1 else "ok"
        """),
        "nearly one": diagnose("""
            if step["errors"]["train_discarded"] / step["usage"]["train"]["rollouts"] > 0.99:
                return "discarded"
            return ["ok", "zero variance"][step["mean_unresponsive_rewards"] > 0.99]
        """),
        "match": diagnose("""
            errors, used = step["errors"], step["usage"]["train"]
            all_lost = errors["train_discarded"] == used["rollouts"]
            match (all_lost, step["mean_unresponsive_rewards"]):
                case (True, _):
                    return "discarded"
                case (_, 1.0):
                    return "zero_variance"
            return "ok"
        """),
        "numpy": diagnose("""
            import numpy as np
            lost, sampled = step["errors"]["train_discarded"], step["usage"]["train"]["rollouts"]
            all_lost = np.equal(lost, sampled)
            none_vary = np.isclose(step["mean_unresponsive_rewards"], 1)
            return str(np.select([all_lost, none_vary], ["discarded", "zero variance"], "ok"))
        """),
    },
}

NONSENSE: Nonsense = {
    "5.1": {
        "a percentage": (90, "write 90% as 0.9"),
        "text": ("90%", "guess is '90%', not a number"),
        "a list": ([0.9], "not a number"),
        "negative": (-0.5, "the share is between 0 and 1"),
        "nothing is read": (0, "a rollout both reads and writes"),
        "all is read": (1.0, "a rollout both reads and writes"),
        "true": (True, "guess is True, not a number"),
        "not a number": (math.nan, "guess is nan, not a number"),
        "tokens": (16_000, "the share is between 0 and 1"),
        "a function": (len, "not a number"),
        "no real number": (Decimal("sNaN"), "not a number"),
    },
    "5.2": {
        "the best reward": (
            decide("return max(options, key=lambda name: options[name]['reward'])"),
            "100 answers worth 1 cent each: it says 'large', not 'base'",
        ),
        "the cheapest answer": (
            decide("return min(options, key=lambda name: options[name]['answer_usd'])"),
            "weigh the higher reward",
        ),
        "the job is free": (
            LESSON.changed("5.2", 'answers * each - option["job_usd"]', "answers * each"),
            "take off job_usd",
        ),
        "answers are free": (
            LESSON.changed("5.2", ' - option["answer_usd"]', ""),
            "take off answer_usd for each answer",
        ),
        "one answer": (
            LESSON.changed("5.2", "answers * each", "each"),
            "multiply by the number of answers",
        ),
        "the value is left out": (
            LESSON.changed("5.2", "value_usd * ", ""),
            "100 answers worth 1 cent each",
        ),
        "always the same": (decide("return 'cheap'"), "which is not one of the options"),
        "the profit": (
            decide("return max(answers * o['reward'] for o in options.values())"),
            "return an option's name",
        ),
        "nothing": (decide("return None"), "it says None"),
        "only a profit counts": (
            decide("""
                best, most = None, 0
                for name, o in options.items():
                    left = answers * (value_usd * o["reward"] - o["answer_usd"]) - o["job_usd"]
                    if left > most:
                        best, most = name, left
                return best
            """),
            "return an option's name, also if all lose money",
        ),
        "the worst": (LESSON.changed("5.2", "return max(", "return min("), "not 'base'"),
    },
    "5.3": {
        "by reward": (
            diagnose("""
                known = {None: "discarded", 0.0: "zero variance"}
                return known.get(step["train_mean_reward"], "ok")
            """),
            "always gives 0.5: it says 'ok'",
        ),
        "zero variance first": (
            diagnose("""
                if step["mean_unresponsive_rewards"] == 1:
                    return "zero variance"
                return "discarded" if step["errors"]["train_discarded"] == 16 else "ok"
            """),
            "ask for discarded rollouts first",
        ),
        "any discarded": (
            LESSON.changed("5.3", '["train_discarded"] == sampled', '["train_discarded"]'),
            "compare train_discarded with the number of training rollouts",
        ),
        "any zero-variance group": (
            LESSON.changed("5.3", '"] == 1', '"] > 0'),
            "some zero-variance groups are normal",
        ),
        "always ok": (diagnose("return 'ok'"), "not 'zero variance'"),
        "another word": (
            LESSON.changed("5.3", '"zero variance"', '"flat"'),
            "return one of 'discarded', 'zero variance', 'ok'",
        ),
        "a number": (diagnose("return step['mean_unresponsive_rewards']"), "return one of"),
        "no such key": (diagnose("return step['discarded']"), "raised KeyError"),
    },
}
