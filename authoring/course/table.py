"""One row a lesson: what it asks of a learner and of a machine."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence

import pandas as pd
from nbformat import NotebookNode

from authoring.course.building import solved_notebook
from authoring.course.execution import execute, workplace
from authoring.course.source import Lesson, read

READING_WORDS_PER_MINUTE = 130
"""Of technical prose, with its outputs looked at."""
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
"""Diagrams and code within Markdown: no prose."""
RUNNING_MINUTES_PER_CELL = 0.25
"""To read a short cell, run it, and read what comes."""


def table(chosen: Sequence[Lesson], timed: bool = True) -> pd.DataFrame:
    """The lessons by name; with `timed`, each solved one is run for its seconds."""
    seconds = _seconds(chosen) if timed else {}
    rows = {}
    for lesson in chosen:
        cells = read(lesson).cells
        rows[lesson.name] = {**shape(cells), "seconds": round(seconds.get(lesson.name, 0.0), 1)}
    return pd.DataFrame.from_dict(rows, orient="index")


def shape(cells: Sequence[NotebookNode]) -> dict[str, float]:
    """Minutes (reading, running, exercises), cells, words per code line, and how long code is."""
    prose = [FENCED.sub("", cell.source) for cell in cells if cell.cell_type == "markdown"]
    code = [len(_code_lines(cell.source)) for cell in cells if cell.cell_type == "code"]
    words = sum(len(re.findall(r"\b\w[\w'-]*", text)) for text in prose)
    exercises = [cell.metadata for cell in cells if "exercise" in cell.metadata]
    exercise_minutes = sum(exercise.get("minutes", 0) for exercise in exercises)
    reading = words / READING_WORDS_PER_MINUTE + RUNNING_MINUTES_PER_CELL * len(code)
    return {
        "minutes": round(reading + exercise_minutes),
        "exercises": len(exercises),
        "cells": len(cells),
        "code cells": len(code),
        "words per code line": round(words / max(1, sum(code)), 1),
        "median cell": statistics.median(code),
        "p90 cell": sorted(code)[int(0.9 * (len(code) - 1))],
        "longest cell": max(code),
    }


def _seconds(chosen: Sequence[Lesson]) -> dict[str, float]:
    taken = {}
    with workplace():
        for lesson in chosen:
            executed = execute(solved_notebook(lesson), lesson.source.parent)
            taken[lesson.name] = sum(executed.seconds.values())
    return taken


def _code_lines(code: str) -> list[str]:
    return [line for line in code.splitlines() if line.strip()]
