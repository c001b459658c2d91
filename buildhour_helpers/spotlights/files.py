"""Cognition's task, made small: which files will this change touch?

A repository of one shop is generated from the seed. A request asks to remove one to three feature
flags; the agent searches the repository with shell-like tools and answers with the list of files
that have to change. Its reward is the F1 of that list. A flag is also mentioned in files that need
no change, such as old release notes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence

from buildhour_helpers.graders.endpoint import GraderCall
from buildhour_helpers.spotlights.environment import (
    Environment,
    dataset_row,
    f1,
    list_answer,
    list_format,
    precision,
    recall,
    turns_taken,
)
from buildhour_helpers.tasks.dataset import Row
from buildhour_helpers.tools.functions import Tool, ToolError
from buildhour_helpers.tools.schemas import definition

PROMPT = (
    "You plan changes to a repository. Use the tools to find every file that the request would "
    "change, and no other. Answer with the list of their paths."
)
TURN_COST = 0.05
TRAIN, VALIDATION, HELD_OUT = 80, 16, 40
MOST_LINES = 20

TOOLS = [
    definition(
        "grep",
        "Find the lines that contain a text, exactly as it is written. Returns JSON.",
        pattern={"type": "string", "description": "An identifier, as it is in the code."},
    ),
    definition(
        "find",
        "Find files whose path contains a word. Returns one path a line.",
        name={"type": "string", "description": "A word of the file's name."},
    ),
    definition(
        "read",
        "Read a whole file.",
        path={"type": "string", "description": "A file's path as grep and find return it."},
    ),
]

PACKAGES = (
    "basket",
    "billing",
    "catalog",
    "courier",
    "ledger",
    "loyalty",
    "parcel",
    "pricing",
    "refund",
    "stock",
)
MODULES = (
    "api",
    "cache",
    "export",
    "jobs",
    "limits",
    "mail",
    "models",
    "queue",
    "report",
    "rules",
    "sync",
    "views",
)
SUBJECTS = tuple(
    """
    banner bundle coupon digest draft export filter gift hint invoice label layout margin
    notice offer payout picker preview quota rating reminder retry search sorting split
    summary tax teaser ticket timer tip total voucher warning
    """.split()  # noqa: SIM905  (a list of words reads best as text)
)
USES = (
    'if flags.is_on("{flag}"):',
    'enabled = flags.is_on("{flag}") and not dry_run',
    'return flags.choose("{flag}", new, old)',
    'with flags.forced("{flag}"):',
)
MENTIONS = (
    "- {flag} is live for all customers since spring",
    "- measured {flag} against the old page for six weeks",
    "- moved the owners of {flag} to another team",
)
REQUESTS = (
    "We retire the feature {flags} {names}. Which files does that touch?",
    "Which files mention the {flags} {names} in code? We take {them} out.",
    "The {flags} {names} will go. Which files do we have to edit?",
)

Repository = dict[str, list[str]]
"""The lines of each file, by path."""


def make(seed: int) -> Environment:
    """A repository and requests for it; each flag belongs to one split."""
    rng = random.Random(f"spotlights/files/{seed}")
    repository = _empty_repository(rng)
    flags = [f"{subject}_v{n}" for subject in SUBJECTS for n in range(2, 8)]
    rng.shuffle(flags)
    touched = {flag: _use(rng, repository, flag) for flag in flags}
    third = len(flags) * 2 // 5
    return Environment(
        name="files",
        definitions=TOOLS,
        functions=_functions(repository),
        train=_rows(rng, "train", TRAIN, flags[: 2 * third - 20], touched),
        validation=_rows(rng, "valid", VALIDATION, flags[2 * third - 20 : 2 * third], touched),
        held_out=_rows(rng, "test", HELD_OUT, flags[2 * third :], touched),
        grade=grade_files,
        graders={
            "turns": grade_files_and_turns,
            "precision": lambda call: precision(*_lists(call)),
            "recall": lambda call: recall(*_lists(call)),
        },
        response_format=list_format("paths"),
        hyperparameters={
            "batch_size": 16,
            "n_epochs": 2,
            "eval_interval": 100,
            "learning_rate_multiplier": 2.0,
        },
    )


def grade_files(call: GraderCall) -> float:
    """F1 of the paths: too few break the change, too many waste a reviewer's time."""
    return f1(*_lists(call))


def grade_files_and_turns(call: GraderCall) -> float:
    """The same, minus TURN_COST for each turn, but not below 0: a service takes scores from 0 to 1,
    and discards a rollout with another score."""
    return max(0.0, grade_files(call) - TURN_COST * turns_taken(call))


def _lists(call: GraderCall) -> tuple[list[str], list[str]]:
    """The paths of an answer, and the expected ones."""
    return list_answer(call.answer, "paths"), call.item["expected_paths"]


# --- the generated repository --------------------------------------------------------------------


def _empty_repository(rng: random.Random) -> Repository:
    files: Repository = {}
    for package in PACKAGES:
        for module in rng.sample(MODULES, 6):
            files[f"{package}/{module}.py"] = [f'"""{module.capitalize()} of the {package}."""']
        files[f"tests/{package}_test.py"] = [f'"""Tests of the {package}."""']
    for year in range(3):
        files[f"docs/release_{'abc'[year]}.md"] = ["Release notes"]
    return files


def _use(rng: random.Random, repository: Repository, flag: str) -> list[str]:
    """Put a flag into the repository; returns the files that use it, which is where it is code."""
    package = rng.choice(PACKAGES)
    modules = [path for path in repository if path.startswith(f"{package}/")]
    used = rng.sample(modules, rng.randint(1, 3))
    if rng.random() < 0.5:
        used.append(f"tests/{package}_test.py")
    for path in used:
        repository[path].append("    " + rng.choice(USES).format(flag=flag))
    notes = [path for path in repository if path.startswith("docs/")]
    for path in rng.sample(notes, rng.randint(0, 2)):
        repository[path].append(rng.choice(MENTIONS).format(flag=flag))
    return used


def _rows(
    rng: random.Random,
    split: str,
    count: int,
    flags: Sequence[str],
    touched: Mapping[str, Sequence[str]],
) -> list[Row]:
    return [
        _row(f"{split}-{number}", rng, rng.sample(flags, rng.choice((1, 2, 2, 3, 3))), touched)
        for number in range(1, count + 1)
    ]


def _row(
    question_id: str,
    rng: random.Random,
    flags: Sequence[str],
    touched: Mapping[str, Sequence[str]],
) -> Row:
    several = len(flags) > 1
    names = ", ".join(flags[:-1]) + " and " + flags[-1] if several else flags[0]
    words = {"flags": "flags" if several else "flag", "them": "them" if several else "it"}
    request = rng.choice(REQUESTS).format(names=names, **words)
    expected = sorted({path for flag in flags for path in touched[flag]})
    return dataset_row(question_id, PROMPT, request, TOOLS, expected_paths=expected)


# --- the tools -----------------------------------------------------------------------------------


def _functions(repository: Repository) -> Mapping[str, Tool]:
    def grep(pattern: str) -> str:
        found = [
            {"file": path, "line": line.strip()}
            for path, lines in sorted(repository.items())
            for line in lines
            if pattern in line
        ]
        if not found:
            raise ToolError(f"no line contains {pattern!r}")
        return json.dumps(found[:MOST_LINES])

    def find(name: str) -> str:
        found = [path for path in sorted(repository) if name in path]
        if not found:
            raise ToolError(f"no path contains {name!r}")
        return "\n".join(found[:MOST_LINES])

    def read(path: str) -> str:
        if path not in repository:
            raise ToolError(f"there is no file {path!r}")
        return "\n".join(repository[path])

    return {"grep": grep, "find": find, "read": read}
