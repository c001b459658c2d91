"""Five customers of Agent RFT, each as a small environment that anyone can run.

Cognition (`files`), Ambience (`codes`), Rogo (`filings`), Mako (`kernels`) and Genspark (`slides`)
told in public what they trained. Here each has an invented world, tools, a grader and a job of
about ten seconds; no patient, company, product or code in them is real. An environment is a module
with one function, `make(seed) -> Environment`. Read `environment` first, then `run`.

`python -m buildhour_helpers.spotlights NAME` runs one.
"""

from buildhour_helpers.spotlights.environment import (
    NAMES,
    Environment,
    ModelGrader,
    dataset_row,
    f1,
    list_answer,
    list_format,
    make,
    precision,
    recall,
    turns_taken,
)
from buildhour_helpers.spotlights.results import mean_of, means, recorded, rewards, scores, table
from buildhour_helpers.spotlights.run import Result, launch, measure, opened, run
from buildhour_helpers.tools.schemas import definition

__all__ = [
    "NAMES",
    "Environment",
    "ModelGrader",
    "Result",
    "dataset_row",
    "definition",
    "f1",
    "launch",
    "list_answer",
    "list_format",
    "make",
    "mean_of",
    "means",
    "measure",
    "opened",
    "precision",
    "recall",
    "recorded",
    "rewards",
    "run",
    "scores",
    "table",
    "turns_taken",
]
