"""`python benchmarks/against.py COMMIT`: this tree's speed as a ratio to that of another commit.

The commit is checked out into a temporary worktree, and the two are measured in turn, so that what
else the machine does slows both: rollouts a second in a job (each tree's own
`benchmarks/rollouts.py`), the demo from start to end, and a small job. Each ratio is the median of
the rounds, with the lowest and the highest. Wanted against commit 6742e4d: 1.5
times its rollouts a second, 0.75 of its demo, and a small job in a fifth of the demo's time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
Round = dict[str, float]
"""What was measured of a tree, by name: rollouts a second, or seconds."""


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """A worktree of the commit, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git("worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree))


def git(*words: str) -> str:
    done = subprocess.run(["git", "-C", HERE, *words], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().strip()


def measure(tree: Path, rollouts: int, demo_options: Sequence[str]) -> Round:
    found = {}
    for way in ("plain", "http"):
        script = [str(tree / "benchmarks" / "rollouts.py"), "--rollouts", str(rollouts)]
        found[way] = float(json.loads(run(tree, *script, "--way", way, "job"))[0])
    started = time.perf_counter()
    run(tree, "-m", "buildhour_helpers.cli", "demo", *demo_options)
    found["demo_s"] = time.perf_counter() - started
    found["small_job_s"] = float(json.loads(run(tree, str(HERE / "small_job.py"))))
    return found


def run(tree: Path, *arguments: str) -> str:
    """The output of Python on the tree's packages, with a state folder that ends with it."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "PYTHONPATH": str(tree), "BUILDHOUR_HOME": home}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tree, env=environment, stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
    return done.stdout.decode()


RATIOS: dict[str, tuple[str, Callable[[Round, Round], float]]] = {
    "rollouts_in_process": ("rollouts a second in process", lambda a, b: a["plain"] / b["plain"]),
    "rollouts_over_http": ("rollouts a second over HTTP", lambda a, b: a["http"] / b["http"]),
    "demo": ("the demo's time", lambda a, b: a["demo_s"] / b["demo_s"]),
    "small_job": ("a small job's time", lambda a, b: a["small_job_s"] / b["small_job_s"]),
    "small_job_share": (
        "a small job's time to this demo's",
        lambda a, _: a["small_job_s"] / a["demo_s"],
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit", help="such as 6742e4d")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rollouts", type=int, default=640)
    parser.add_argument("--json", type=Path, metavar="FILE", help="e.g. data/runs/speed.json")
    options, demo_options = parser.parse_known_args()
    with checked_out(options.commit) as other:
        rounds = []
        for number in range(1, options.rounds + 1):
            theirs, ours = (
                measure(tree, options.rollouts, demo_options) for tree in (other, HERE.parent)
            )
            rounds.append((ours, theirs))
            for tree, figures in (("this tree", ours), (options.commit, theirs)):
                listed = ", ".join(f"{name} {value:.1f}" for name, value in figures.items())
                print(f"round {number}, {tree}: {listed}", flush=True)
    ratios = {
        name: [ratio(ours, theirs) for ours, theirs in rounds]
        for name, (_, ratio) in RATIOS.items()
    }
    for name, found in ratios.items():
        print(f"{RATIOS[name][0]:34} {median(found):5.2f} ({min(found):.2f} to {max(found):.2f})")
    if options.json:
        figures = {
            name: [round(of(found), 3) for of in (median, min, max)]
            for name, found in ratios.items()
        }
        head = {"commit": git("rev-parse", options.commit), "rounds": options.rounds}
        text = json.dumps({**head, **figures}, indent=1) + "\n"
        options.json.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
