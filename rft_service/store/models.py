"""The models that can be asked: the engine's base models, and what jobs made of them."""

from __future__ import annotations

import time
from typing import Any

from rft_service.errors import ApiError
from rft_service.rl.engine import Engine, ModelInfo, Sampler
from rft_service.store.database import Database
from rft_service.store.job import base_of

GRADER_MODEL = "sim-grader"
EMBEDDING_MODEL = "sim-embedding"
OTHER_WORK = {GRADER_MODEL: "in a score_model grader", EMBEDDING_MODEL: "at /v1/embeddings"}
"""The models that hold no conversations, and where they are used."""


class ModelStore:
    """Finds the engine's sampler for a model's name. The engine caches; this stores URIs only."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self._database = database
        self._engine = engine
        self._started_at = int(time.time())

    @property
    def bases(self) -> list[str]:
        """The names of the base models, the default first."""
        return [model.name for model in self._engine.models]

    def uri_to_train_from(self, name: str) -> str | None:
        """The saved weights that a job starts from, or None for a base model.

        A job keeps the URI, since the model may be deleted before the job ends. Raises ApiError
        400 if there is no such model, or it cannot be trained.
        """
        if name in self.bases:
            return None
        known = " or ".join(map(repr, self.bases))
        if name in OTHER_WORK:
            message = f"The model {name!r} cannot be fine-tuned; use {known}."
            raise ApiError(400, message, param="model", code="model_not_available")
        uri = self._uri(name)
        if uri is None:
            message = f"There is no model {name!r}; use {known} or a fine-tuned one."
            raise ApiError(400, message, param="model", code="model_not_available")
        return uri

    def base(self, name: str) -> ModelInfo:
        """The base model of a model that exists: itself, or what a job fine-tuned.

        Raises ApiError 400 where another engine made it.
        """
        for model in self._engine.models:
            if model.name == base_of(name):
                return model
        message = f"The model {name!r} is another engine's; start the service with that one."
        raise ApiError(400, message, param="model", code="model_not_available")

    async def sampler(self, name: str) -> Sampler:
        """A model to sample from. Raises ApiError: 404 if no model has that name, 400 if it is
        for other work or another engine's."""
        if name in OTHER_WORK:
            message = f"The model {name!r} holds no conversations; use it {OTHER_WORK[name]}."
            raise ApiError(400, message, param="model", code="model_not_supported")
        if name in self.bases:
            return await self._engine.sampler(name)
        uri = self._uri(name)
        if uri is None:
            raise unknown_model(name)
        return await self._engine.sampler(self.base(name).name, uri)

    def _uri(self, name: str) -> str | None:
        row = self._database.row("SELECT weights_uri FROM models WHERE name = ?", name)
        return row["weights_uri"] if row else None

    def public(self) -> list[dict[str, Any]]:
        """Every model as `/v1/models` shows it, the built-in ones first."""
        rows = self._database.rows("SELECT name, created_at FROM models ORDER BY rowid")
        builtin = [_public(name, self._started_at, "system") for name in (*self.bases, *OTHER_WORK)]
        return builtin + [_public(row["name"], row["created_at"], "workshop") for row in rows]

    async def delete(self, name: str) -> None:
        """Remove a fine-tuned model. Raises ApiError 404, or 403 for a built-in one."""
        if name in (*self.bases, *OTHER_WORK):
            raise ApiError(403, f"The model {name!r} is built in and cannot be deleted.")
        uri = self._uri(name)
        if uri is None:
            raise unknown_model(name)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM models WHERE name = ?", (name,))
            connection.execute("DELETE FROM checkpoints WHERE model = ?", (name,))
        if not self._database.refers_to(uri):
            await self._engine.delete(uri)


def unknown_model(name: str) -> ApiError:
    message = f"The model {name!r} does not exist; GET /v1/models lists those that do."
    return ApiError(404, message, param="model", code="model_not_found")


def _public(name: str, created_at: int, owner: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created_at, "owned_by": owner}
