"""`python -m buildhour_helpers.spotlights NAME`: run one environment and print what it gained."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from buildhour_helpers import session
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.spotlights import NAMES, Result, make, run


def main(arguments: list[str] | None = None) -> int:
    """Run; returns the exit status. Bad input is one line on stderr and status 1."""
    parser = argparse.ArgumentParser(prog="python -m buildhour_helpers.spotlights")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--seed", type=int, default=0, help="of the world and of the job")
    parser.add_argument("--grader", default="", help="another grader to train with")
    parser.add_argument("--json", action="store_true", help="print the whole result")
    options = parser.parse_args(arguments)
    try:
        session.start(quiet=True, bound=True)
        environment = make(options.name, options.seed)
        result = asyncio.run(run(environment, options.seed, grader=options.grader))
    except (WorkshopError, KeyError) as error:
        print(f"spotlights: {error.args[0]}", file=sys.stderr)
        return 1
    print(json.dumps(result, indent=1) if options.json else report(result))
    return 0


def report(result: Result) -> str:
    """The result as a few lines."""
    before, after = result["before"], result["after"]
    gain, low, high = result["gain"]
    lines = [
        f"{result['name']}, seed {result['seed']}, {result['held_out']} held-out rows"
        " (simulated model)",
        f"reward    {before['reward'][0]:.2f} -> {after['reward'][0]:.2f}"
        f"   {gain:+.2f} [{low:+.2f}, {high:+.2f}]",
    ]
    for name, digits in (("turns", 1), ("calls", 1), ("tokens", 0), ("parallel", 2)):
        lines.append(f"{name:<9} {before[name]:.{digits}f} -> {after[name]:.{digits}f}")
    for name, (first, last) in result["scores"].items():
        lines.append(f"{name:<9} {first:.2f} -> {last:.2f}   by this other grader")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
