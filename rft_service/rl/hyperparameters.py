"""The hyperparameters of a reinforcement job, and what `auto` becomes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rft_service.rl.trainer import TrainingSettings

BASE_GROUP = 8  # rollouts a row at compute_multiplier 1
BASE_LEARNING_RATE = 0.12
Auto = Literal["auto"]


class Hyperparameters(BaseModel):
    """As they stand in a request; `"auto"` and absence mean the same."""

    model_config = ConfigDict(extra="forbid")

    n_epochs: Annotated[int, Field(ge=1, le=100)] | Auto | None = "auto"
    batch_size: Annotated[int, Field(ge=1, le=1024)] | Auto | None = "auto"
    compute_multiplier: Annotated[float, Field(gt=0, le=16)] | Auto | None = "auto"
    learning_rate_multiplier: Annotated[float, Field(gt=0, le=100)] | Auto | None = "auto"
    eval_interval: Annotated[int, Field(ge=1, le=10_000)] | Auto | None = "auto"
    eval_samples: Annotated[int, Field(ge=1, le=64)] | Auto | None = "auto"
    reasoning_effort: Literal["default", "low", "medium", "high"] | None = "default"

    def resolved(self) -> Resolved:
        """Every `auto` replaced by the number that it stands for."""
        given = {k: v for k, v in self.model_dump().items() if v not in ("auto", None)}
        return Resolved(**given)


class Resolved(BaseModel):
    """Hyperparameters without any `auto`; the defaults are what `auto` means."""

    n_epochs: int = 1
    batch_size: int = 16
    compute_multiplier: float = 1.0
    learning_rate_multiplier: float = 1.0
    eval_interval: int = 5
    eval_samples: int = 1
    reasoning_effort: Literal["default", "low", "medium", "high"] = "default"

    def settings(self, seed: int, max_episode_steps: int, concurrency: int) -> TrainingSettings:
        """What the trainer needs. A group has two rollouts at least: one alone teaches nothing."""
        return TrainingSettings(
            seed=seed,
            n_epochs=self.n_epochs,
            batch_size=self.batch_size,
            group_size=max(2, round(BASE_GROUP * self.compute_multiplier)),
            learning_rate=BASE_LEARNING_RATE * self.learning_rate_multiplier,
            max_episode_steps=max_episode_steps,
            eval_interval=self.eval_interval,
            eval_samples=self.eval_samples,
            concurrency=concurrency,
        )
