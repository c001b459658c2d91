"""The hyperparameters of a reinforcement job: one class from the request to the trainer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from rft_service.rl.engine import ModelInfo
from rft_service.strict_json import RequestModel


class Hyperparameters(RequestModel):
    """Each may be given as a value or as `"auto"`; the defaults are what `"auto"` means.

    `reasoning_token_penalty` is subtracted from the reward per 1,000 reasoning tokens. Its default
    is the model's: None stands for that until `resolved` fills it in.
    """

    n_epochs: Annotated[int, Field(ge=1, le=100)] = 1
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 16
    compute_multiplier: Annotated[float, Field(gt=0, le=16)] = 1.0
    learning_rate_multiplier: Annotated[float, Field(gt=0, le=100)] = 1.0
    eval_interval: Annotated[int, Field(ge=1, le=10_000)] = 5
    eval_samples: Annotated[int, Field(ge=1, le=64)] = 1
    reasoning_effort: Literal["default", "low", "medium", "high"] = "default"
    reasoning_token_penalty: Annotated[float, Field(ge=0, le=10)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_auto(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {
            name: value
            for name, value in given.items()
            if value != "auto" or name == "reasoning_effort"
        }

    def penalty_on(self, model: ModelInfo) -> float:
        """The reward that 1,000 reasoning tokens cost: as given, or the model's default."""
        given = self.reasoning_token_penalty
        return model.reasoning_token_penalty if given is None else given

    def resolved(self, model: ModelInfo) -> Hyperparameters:
        """The same with the model's defaults in it, as a job shows them."""
        return self.model_copy(update={"reasoning_token_penalty": self.penalty_on(model)})
