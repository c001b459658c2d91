"""What shows that a job goes wrong: its warning of a collapse, and metrics that diverge."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pytest

from rft_service.jobs.training import mean_before_collapse
from rft_service.rl.engine import Trajectory

from .conftest import Running, Start, running
from .customer import Customer
from .doubles import LookupModel
from .servers import served

# Eight steps of five rows, validated every second one.
SIZES = {"batch_size": 5, "eval_interval": 2, "n_epochs": 2}


class Collapsing(LookupModel):
    """Repeats the tool's output more and more often, and after the fourth update never again."""

    async def update(
        self, trajectories: Sequence[Trajectory], rate_multiplier: float
    ) -> dict[str, float]:
        self.weight = self.weight + 0.5 if self.weight < 1.5 else -50.0
        return {"gradient_norm": math.inf if self.weight < 0 else 1.0, "entropy": math.nan}


def collapses(service: Running, job_id: str) -> list[str]:
    return [message for message in service.messages(job_id) if "collapsed" in message]


@pytest.fixture(scope="module")
def collapsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str]]:
    """A service, and its job whose reward has collapsed."""
    home = tmp_path_factory.mktemp("collapsed")
    with running(home, model=Collapsing) as service, served(Customer().app()) as url:
        job = service.wait(service.job(url, hyperparameters=SIZES).id)
        assert job.status == "succeeded"
        yield service, job.id


def test_a_collapse_is_told_once_with_the_best_checkpoint(collapsed: tuple[Running, str]) -> None:
    service, job_id = collapsed
    rewards = [step["train_mean_reward"] for step in service.steps(job_id)]
    assert rewards[4:] == [0.0] * 4
    before = sum(rewards[:4]) / 4
    kept = service.client.fine_tuning.jobs.checkpoints.list(job_id).data
    best = max(kept, key=lambda one: one.metrics.to_dict()["full_valid_mean_reward"])  # type: ignore[union-attr,arg-type,return-value]
    assert best.step_number == 2
    (told,) = collapses(service, job_id)
    assert told.startswith(
        f"Step 7: the training reward has collapsed to 0.00, 0.00, 0.00, from {before:.2f} on "
        "average before; cancel the job"
    )
    assert f"The best checkpoint so far is {best.fine_tuned_model_checkpoint} (step 2," in told


def test_a_pause_during_a_collapse_changes_nothing(
    start: Start, customer: Customer, customer_url: str
) -> None:
    service = start(model=Collapsing)
    customer.delay_s = 0.02
    job_id = service.job(customer_url, hyperparameters=SIZES).id
    while not any("Step 5/" in message for message in service.messages(job_id)):
        pass
    service.client.fine_tuning.jobs.pause(job_id)
    service.client.fine_tuning.jobs.resume(job_id)
    service.wait(job_id)
    (told,) = collapses(service, job_id)
    assert told.startswith("Step 7: ")


def test_a_metric_that_diverged_is_null_and_not_the_end_of_the_job(
    collapsed: tuple[Running, str],
) -> None:
    service, job_id = collapsed
    updates = [step["update"] for step in service.steps(job_id)]
    assert updates[0] == {"gradient_norm": 1.0, "entropy": None}
    assert updates[3] == {"gradient_norm": None, "entropy": None}
    assert updates[4] is None  # no group varied any more


@pytest.mark.parametrize(
    ("rewards", "before"),
    [
        ([0.4, 0.4, 0.4, 0.0, 0.0, 0.0], 0.4),
        ([0.4, 0.4, 0.4, 0.19, 0.0, 0.1], 0.4),
        ([0.1, 0.3, 0.5, 0.7, 0.1, 0.1, 0.1], 0.4),  # rising until then
        ([0.4, 0.4, 0.4, 0.0, 0.0], None),  # only two steps
        ([0.4, 0.4, 0.4, 0.0, 0.25, 0.0], None),  # one of them is above the half
        ([0.4, 0.4, 0.0, 0.0, 0.0], None),  # too few to compare with
        ([0.09, 0.09, 0.09, 0.0, 0.0, 0.0], None),  # so low that chance halves it
        ([0.5, 0.3, 0.4, 0.3, 0.4, 0.35], None),  # noise
        ([], None),
    ],
)
def test_a_collapse_is_three_steps_below_half_of_what_was_before(
    rewards: list[float], before: float | None
) -> None:
    found = mean_before_collapse(rewards)
    assert found == (before if before is None else pytest.approx(before))
