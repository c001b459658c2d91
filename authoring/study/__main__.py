"""`python -m authoring.study`: what the workshop's agent gains, measured over several seeds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from authoring import recordings
from authoring.study import pages, study
from buildhour_helpers import lifetimes
from buildhour_helpers.demo.plan import DemoOptions, make_plan
from buildhour_helpers.errors import Interrupted, WorkshopError
from buildhour_helpers.progress import progress_as_lines
from buildhour_helpers.recordings import RUNS

MISLEADING_GRADERS = ("hackable_grader", "flat_grader")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study; a WorkshopError becomes one line and the exit status 1."""
    options = parser().parse_args(arguments)
    lifetimes.end_like_ctrl_c()
    progress_as_lines()
    try:
        run(options)
    except WorkshopError as error:
        print(f"study: {error}", file=sys.stderr)
        return 130 if isinstance(error, Interrupted) else 1
    except KeyboardInterrupt:
        print("study: stopped", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m authoring.study", description=__doc__)
    add = parser.add_argument
    add("--seeds", type=int, nargs="+", required=True, help="a job is trained with each of them")
    add(
        "--table",
        action="store_true",
        help="measure everything in the table of docs/results.md, and write that page (about an "
        "hour on two cores)",
    )
    add(
        "--finqa",
        type=Path,
        metavar="DIR",
        help="FinQA as import-finqa wrote it, too; without --table it alone",
    )
    add("--folder", type=Path, metavar="DIR", default=RUNS, help="where study*.json go (data/runs)")
    add("--steps", type=int, default=DemoOptions.steps, help="training steps (%(default)s)")
    add("--questions", type=int, default=study.ALL_QUESTIONS, help="held-out questions (all)")
    return parser


def run(options: argparse.Namespace) -> None:
    chosen = study.StudyOptions(
        seeds=tuple(options.seeds),
        folder=options.folder.resolve(),
        steps=options.steps,
        questions=options.questions,
    )
    if options.table:
        measure(chosen, options.finqa)
    else:
        study.run(of_finqa(chosen, options.finqa) if options.finqa else chosen)


def of_finqa(options: study.StudyOptions, folder: Path) -> study.StudyOptions:
    return replace(options, name="study_finqa", reports=folder)


def measure(options: study.StudyOptions, finqa: Path | None) -> None:
    """Everything in docs/results.md, then the pages. What is done is kept, whatever happens later.

    Raises WorkshopError with the fix, or Interrupted when Ctrl-C came.
    """
    if finqa:  # report a wrong folder now rather than an hour later
        make_plan(of_finqa(options, finqa).demo(options.seeds[0]))
    study.run_demo(options)
    study.run_small(options)
    study.run(options)
    study.run(replace(options, name="study_no_penalty", reasoning_token_penalty=0))
    for name in MISLEADING_GRADERS:
        print(f"{name}:", flush=True)
        recordings.record(
            name, lambda text: print(f"  {text}", flush=True), options.seeds, options.folder
        )
    if finqa:
        study.run(of_finqa(options, finqa))
    if options.folder == RUNS.resolve():
        pages.main()


if __name__ == "__main__":
    sys.exit(main())
