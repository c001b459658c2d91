"""`/v1/models` through the openai client."""

from __future__ import annotations

import openai
import pytest

from .conftest import Running, Start

BUILT_IN = ["sim-agent-mini", "sim-grader", "sim-embedding"]


def test_models_are_listed_retrieved_and_deleted(start: Start, customer_url: str) -> None:
    service = start()
    models = service.client.models
    assert [model.id for model in models.list()] == BUILT_IN
    job = service.wait(service.job(customer_url).id)
    checkpoints = service.client.fine_tuning.jobs.checkpoints
    kept = [one.fine_tuned_model_checkpoint for one in checkpoints.list(job.id)]
    paged = [one.fine_tuned_model_checkpoint for one in checkpoints.list(job.id, limit=1)]
    assert kept == paged
    assert [model.id for model in models.list()] == [*BUILT_IN, *kept[::-1], job.fine_tuned_model]
    assert models.retrieve(kept[0]).owned_by == "workshop"
    assert models.delete(kept[0]).deleted
    assert [one.fine_tuned_model_checkpoint for one in checkpoints.list(job.id)] == kept[1:]
    for gone in (models.retrieve, models.delete):
        with pytest.raises(openai.NotFoundError, match="does not exist"):
            gone(kept[0])
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        service.client.responses.create(model=kept[0], input="hello")


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_model_stays_and_only_agents_are_trained(
    service: Running, customer_url: str, name: str
) -> None:
    with pytest.raises(openai.PermissionDeniedError, match="is built in"):
        service.client.models.delete(name)
    assert service.client.models.retrieve(name).owned_by == "system"
    if name != "sim-agent-mini":
        with pytest.raises(openai.BadRequestError, match="cannot be fine-tuned"):
            service.job(customer_url, model=name)
