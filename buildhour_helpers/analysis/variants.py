"""Recorded jobs that each change one setting of a baseline job, over several seeds (lesson 05)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from buildhour_helpers.analysis.costs import Usage, usage_of_phase
from buildhour_helpers.analysis.statistics import Interval, paired_difference


@dataclass(frozen=True)
class Variant:
    """The jobs of one setting, a seed each. Row i of all validations is the same question."""

    name: str
    jobs: Sequence[Mapping[str, Any]]

    @property
    def rewards(self) -> list[list[float]]:
        """The validation reward of each question, a row for each job."""
        return [job["rewards"] for job in self.jobs]

    def mean(self, measure: str) -> float:
        """The mean over jobs of a number such as `kl_to_base`; of a list, that of its last."""
        found = [job[measure] for job in self.jobs]
        return fmean(one[-1] if isinstance(one, list) else one for one in found)

    def usage(self, phase: Literal["train", "valid"]) -> Usage:
        """What all jobs together used."""
        return sum((usage_of_phase(job["usage"][phase]) for job in self.jobs), Usage())

    def summary(self) -> dict[str, float]:
        """What a job spent and changed, and what its agent then spends per answer."""
        answer = self.usage("valid").mean()
        return {
            "rollouts": self.usage("train").rollouts / len(self.jobs),
            "zero-variance": self.mean("zero_variance_groups"),
            "KL": self.mean("kl_to_base"),
            "entropy": self.mean("entropy"),
            "calls": answer["tool_calls"],
            "output tokens": answer["output_tokens"],
        }

    def minus(self, other: Variant) -> Interval:
        """The mean difference of reward, paired by seed and question, over jobs and questions."""
        return paired_difference(other.rewards, self.rewards)

    def minus_by_seed(self, other: Variant) -> list[float]:
        """The same for each seed."""
        pairs = zip(self.rewards, other.rewards, strict=True)
        return [fmean(mine) - fmean(theirs) for mine, theirs in pairs]


def variants_of(recorded: Mapping[str, Any]) -> dict[str, Variant]:
    """The variants of the recording `hyperparameters`, by name."""
    return {one["name"]: Variant(one["name"], one["jobs"]) for one in recorded["variants"]}
