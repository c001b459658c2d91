"""`python benchmarks/small_job.py`: the seconds of a small job: 128 rows in ten steps of 13.

It trains on the first 128 training questions, not on those that vary (the study does): finding them
takes a baseline, and they take as long. Only names that commit 6742e4d has as well are used, so
that `against.py` can run it on either.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from buildhour_helpers import jobs
from buildhour_helpers.demo.plan import DemoOptions, make_plan
from buildhour_helpers.demo.stage import stage
from buildhour_helpers.demo.work import Work

ROWS = 128
SMALL = {"n_epochs": 1, "batch_size": 13, "eval_interval": 10_000}

launch = jobs.launch


def launch_small(*arguments: Any, **job: Any) -> Any:
    return launch(*arguments, **{**job, "hyperparameters": SMALL})


def main() -> None:
    plan = make_plan(DemoOptions(seed=0))
    jobs.launch = launch_small  # the older plan has no hyperparameters to set
    with tempfile.TemporaryDirectory() as name, stage(Path(name), None, 0, 32) as servers:
        work = Work(replace(plan, train=plan.train[:ROWS]), Path(name), servers)
        print(json.dumps(work.train().job.wall_s))


if __name__ == "__main__":
    main()
