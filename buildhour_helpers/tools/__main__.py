"""`python -m buildhour_helpers.tools`: serve the tools and the grader until interrupted."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from buildhour_helpers.reports import load
from buildhour_helpers.reports.semantic import ENGINES, check_engine
from buildhour_helpers.tools.app import BUDGET, create_app
from buildhour_helpers.tools.functions import ReportTools
from buildhour_helpers.tools.serving import Server


def main(arguments: list[str] | None = None) -> int:
    """Serve; returns the exit status. Bad input is one line on stderr and status 1."""
    options = _parser().parse_args(arguments)
    key = options.key or os.environ.get("BUILDHOUR_TOOLS_KEY") or secrets.token_urlsafe(24)
    try:
        log = _open_log(options.log)
        check_engine(options.search)
        reports = load(options.reports)
        functions = ReportTools(reports, ENGINES[options.search](reports)).functions()
        server = Server(
            create_app(functions, key=key, budget=options.budget, log=log), options.port
        )
    except (OSError, ValueError) as error:
        print(f"tools: {error}", file=sys.stderr)
        return 1
    ready = {"tools_url": server.url, "tools_key": key, "pid": os.getpid()}
    said = json.dumps(ready) if options.json else f"tools at {server.url}, key {key}"
    with suppress(KeyboardInterrupt):
        server.serve_until_stopped(lambda: print(said, flush=True))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m buildhour_helpers.tools", description=__doc__)
    parser.add_argument(
        "--reports", type=Path, help="folder of reports (default: the shipped ones)"
    )
    parser.add_argument(
        "--search", default="bm25", help="search engine: bm25, semantic or hybrid (default: bm25)"
    )
    parser.add_argument(
        "--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)"
    )
    parser.add_argument("--key", help="bearer key (default: $BUILDHOUR_TOOLS_KEY, or a random one)")
    parser.add_argument("--budget", type=int, default=BUDGET, help="tool calls a rollout may make")
    parser.add_argument("--log", type=Path, help="append a JSON line for each call and grade")
    parser.add_argument(
        "--json", action="store_true", help="print one line of JSON once it answers"
    )
    return parser


def _open_log(file: Path | None) -> TextIO | None:
    if file is None:
        return None
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.open("a", encoding="utf-8", newline="\n", buffering=1)


if __name__ == "__main__":
    sys.exit(main())
