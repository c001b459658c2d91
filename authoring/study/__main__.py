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
from buildhour_helpers.demo.plan import make_plan
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
    add("--finqa", type=Path, metavar="DIR", help="with --table: FinQA as import-finqa wrote it")
    add("--reports", type=Path, metavar="DIR", help="without --table: other reports")
    add("--folder", type=Path, metavar="DIR", default=RUNS, help="where study*.json go (data/runs)")
    add("--steps", type=int, help="training steps (default: as in the demo)")
    add("--questions", type=int, help="held-out questions (default: all)")
    add("--concurrency", type=int, default=32, help="rollouts of a job at once (default: 32)")
    return parser


def run(options: argparse.Namespace) -> None:
    if options.table and options.reports:
        raise WorkshopError("--table measures the shipped reports; add FinQA by --finqa DIR")
    if options.finqa and not options.table:
        raise WorkshopError("--finqa belongs to --table; for a study of FinQA alone: --reports")
    sizes = {name: getattr(options, name) for name in ("steps", "questions")}
    chosen = study.StudyOptions(
        seeds=tuple(options.seeds),
        folder=options.folder,
        reports=options.reports,
        concurrency=options.concurrency,
        **{name: size for name, size in sizes.items() if size},
    )
    if options.table:
        measure(chosen, options.finqa)
    else:
        study.run(chosen)


def measure(options: study.StudyOptions, finqa: Path | None) -> None:
    """Everything in docs/results.md, then the pages. What is done is kept, whatever happens later.

    Raises WorkshopError with the fix, or Interrupted when Ctrl-C came.
    """
    of_finqa = replace(options, name="study_finqa", reports=finqa)
    if finqa:  # report a wrong folder now rather than an hour later
        make_plan(of_finqa.demo(options.seeds[0]))
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
        study.run(of_finqa)
    if options.folder == RUNS:
        pages.main()


if __name__ == "__main__":
    sys.exit(main())
