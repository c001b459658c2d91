"""`python -m authoring.study`: measure first prompt, best prompt and trained agent over seeds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from authoring.study import readme, results, study
from buildhour_helpers import lifetimes
from buildhour_helpers.errors import Interrupted, WorkshopError
from buildhour_helpers.home import repository
from buildhour_helpers.progress import progress_as_lines


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
    add("--out", type=Path, metavar="FILE", help="where the figures go (with --table: data/runs/)")
    add(
        "--table",
        action="store_true",
        help="measure everything in README's table and write it, also a hackable grader and one "
        "without variance (half an hour)",
    )
    add("--finqa", type=Path, metavar="DIR", help="with --table: FinQA as import-finqa wrote it")
    add("--steps", type=int, help="training steps (default: as in the demo)")
    add("--questions", type=int, help="held-out questions (default: all)")
    add("--reports", type=Path, metavar="DIR", help="reports that import-finqa wrote")
    add("--reasoning-token-penalty", type=float, help="of the jobs (default: the model's own)")
    add("--concurrency", type=int, default=32, help="rollouts of a job at once (default: 32)")
    return parser


def run(options: argparse.Namespace) -> None:
    own = ("out", "steps", "questions", "reports", "reasoning_token_penalty")
    if options.table and any(getattr(options, name) is not None for name in own):
        raise WorkshopError("--table has its own sizes: beside --seeds it takes --finqa alone")
    if options.finqa and not options.table:
        raise WorkshopError("--finqa belongs to --table; for a study of FinQA alone: --reports")
    if not options.out and not options.table:
        raise WorkshopError("where do the figures go? --out FILE, or --table")
    chosen = study.StudyOptions(
        seeds=tuple(options.seeds),
        out=options.out or repository() / readme.STUDY,
        steps=options.steps,
        questions=options.questions,
        reports=options.reports,
        concurrency=options.concurrency,
        reasoning_token_penalty=options.reasoning_token_penalty,
    )
    if options.table:
        results.measure(chosen, options.finqa)
    else:
        study.run(chosen)


if __name__ == "__main__":
    sys.exit(main())
