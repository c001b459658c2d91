"""`python -m authoring.course VERB`: build, check, try, table, slides, record."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from authoring import recordings
from authoring.course import slides
from authoring.course.build import build, check, table, try_seeds
from authoring.course.source import lessons
from buildhour_helpers.errors import WorkshopError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except WorkshopError as error:
        print(f"course {options.verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\ncourse {options.verb}: stopped", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m authoring.course")
    verbs = parser.add_subparsers(dest="verb", required=True)

    building = verbs.add_parser("build", help="both notebooks of each lesson, executed")
    building.add_argument(
        "--patience",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="stretch the time budgets, on a busy machine (default: %(default)s)",
    )
    building.set_defaults(run=lambda o: build(lessons(o.lesson), o.patience))

    checking = verbs.add_parser("check", help="whether what is committed is what is built")
    checking.set_defaults(run=lambda o: check(lessons(o.lesson)))

    trying = verbs.add_parser("try", help="run them with other seeds of the service, for asserts")
    trying.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5], metavar="SEED")
    trying.set_defaults(run=lambda o: try_seeds(lessons(o.lesson), o.seeds))

    measuring = verbs.add_parser("table", help="minutes, seconds, cells, prose of each lesson")
    measuring.add_argument("--untimed", action="store_true", help="do not run them")
    measuring.set_defaults(run=_table)

    showing = verbs.add_parser("slides", help="an HTML deck of the lessons' figures")
    showing.add_argument("-o", "--output", type=Path, default=Path("slides.html"), metavar="FILE")
    showing.set_defaults(run=_slides)

    for verb in (building, checking, trying, measuring, showing):
        verb.add_argument("lesson", nargs="*", metavar="NN", help="its number (default: all)")

    record = verbs.add_parser("record", help="make recordings of data/runs/ again")
    record.add_argument("name", nargs="*", metavar="NAME")
    record.add_argument("--all", action="store_true", help="all of them")
    record.add_argument(
        "--seeds", type=int, nargs="+", metavar="SEED", help="instead of its default seeds"
    )
    record.set_defaults(run=_record)
    return parser


def _slides(options: argparse.Namespace) -> None:
    count = slides.write(lessons(options.lesson), options.output)
    print(f"{options.output}: {count} slides; open it in a browser, and move by the arrow keys")


def _table(options: argparse.Namespace) -> None:
    print(table(lessons(options.lesson), timed=not options.untimed).to_string())


def _record(options: argparse.Namespace) -> None:
    chosen = recordings.NAMES if options.all else options.name
    if not chosen:
        raise WorkshopError(f"which recordings? --all, or some of: {', '.join(recordings.NAMES)}")
    for name in chosen:
        print(f"{name}: recording", flush=True)
        path = recordings.record(name, lambda text: print(f"  {text}", flush=True), options.seeds)
        print(f"{name}: {path.stat().st_size:,} bytes", flush=True)


if __name__ == "__main__":
    sys.exit(main())
