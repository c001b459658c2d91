"""Everything that README's table says, measured by one command over the same seeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from authoring import recordings
from authoring.study import readme, study
from buildhour_helpers.demo.plan import make_plan
from buildhour_helpers.home import repository

TAUGHT_WRONG = ("hackable_grader", "flat_grader")
FINQA_QUESTIONS = 300  # at most; the importer's own splits hold fewer


def measure(options: study.StudyOptions, finqa: Path | None) -> None:
    """The study, the two graders that teach nothing good, and the study on an imported FinQA, where
    there is one; then README's table. What is done is kept, whatever happens later.

    Raises WorkshopError with the fix, or Interrupted when Ctrl-C came.
    """
    of_finqa = replace(
        options, out=repository() / readme.FINQA, reports=finqa, questions=FINQA_QUESTIONS
    )
    if finqa:  # a wrong folder is told now, not half an hour later
        make_plan(of_finqa.demo(options.seeds[0]))
    study.run(options)
    for name in TAUGHT_WRONG:
        print(f"{name}:", flush=True)
        recordings.record(name, lambda text: print(f"  {text}", flush=True), options.seeds)
    if finqa:
        study.run(of_finqa)
    readme.main()
