"""Writes the shipped reports and questions: `python -m authoring.corpus`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from authoring.corpus.check import check
from authoring.corpus.pages import world
from authoring.corpus.questions import ask_all
from buildhour_helpers.reports import load
from buildhour_helpers.reports.report import Report
from buildhour_helpers.reports.store import SHIPPED, save
from buildhour_helpers.tasks.questions import Question, load_questions, save_questions

ROUNDS = 5


def generate(seed: int) -> tuple[list[Report], list[Question]]:
    """Reports and questions; a question that the check rejects is replaced by another.

    Raises ValueError if the check still rejects a question after a few rounds.
    """
    reports = {page.report.path: page.report for page in world(seed)}
    refused: set[str] = set()
    for _ in range(ROUNDS):
        questions = ask_all(seed, refused)
        problems = check(reports, questions)
        if not problems:
            return list(reports.values()), questions
        texts = {question.id: question.text for question in questions}
        refused |= {texts[problem.question_id] for problem in problems}
    raise ValueError(f"seed {seed}: the check still rejects questions, such as {problems[0]}")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m authoring.corpus")
    parser.add_argument("--seed", type=int, default=0, help="decides every byte (default: 0)")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder to write (default: data)")
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; prove every answer in the folder from its printed page",
    )
    options = parser.parse_args(argv)
    if options.check:
        return _check(options.out)
    reports, questions = generate(options.seed)
    for file in (save(reports, options.out), save_questions(questions, options.out)):
        print(f"{file}  {file.stat().st_size / 1e6:.2f} MB")
    return 0


def _check(folder: Path) -> int:
    questions = load_questions(folder)
    problems = check(load(folder), questions)
    for problem in problems:
        print(problem)
    print(f"{len(questions)} questions checked, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
