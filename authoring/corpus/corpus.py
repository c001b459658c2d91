"""The whole of what ships: the reports of a seed, and questions that the check has proved."""

from __future__ import annotations

from authoring.corpus.check import check
from authoring.corpus.pages import world
from authoring.corpus.questions import ask_all
from buildhour_helpers.reports.report import Report
from buildhour_helpers.tasks.questions import Question

ROUNDS = 5


def generate(seed: int) -> tuple[list[Report], list[Question]]:
    """Reports and questions; what the check refuses is asked anew.

    Raises ValueError where the check still refuses something after a few rounds.
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
    raise ValueError(f"seed {seed}: the check refuses questions still, such as {problems[0]}")
