"""The models that can be asked: the base, and what jobs made of it."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rft_service.errors import ApiError
from rft_service.rl.engine import Policy
from rft_service.store.database import Database, unpack
from rft_service.strict_json import dumps

BASE_MODEL = "sim-agent-mini"
GRADER_MODEL = "sim-grader"
EMBEDDING_MODEL = "sim-embedding"
LOADED = 16  # policies kept in memory


@dataclass(frozen=True)
class LoadedModel:
    """A policy and the digest of its weights, which stands for it in every random draw."""

    name: str
    policy: Policy
    digest: str


class ModelRegistry:
    """Finds a policy by a model's name; keeps those last used in memory."""

    def __init__(self, database: Database, base_policy: Callable[[], Policy]) -> None:
        self._database = database
        self._base_policy = base_policy
        self._loaded: OrderedDict[str, LoadedModel] = OrderedDict()
        self._lock = threading.Lock()
        self._started_at = int(time.time())

    def base(self) -> Policy:
        """A policy of its own with the base model's weights."""
        return self._base_policy()

    def to_train_from(self, name: str) -> bytes | None:
        """The packed weights that a job begins with, or None for the base model's.

        A job keeps a copy, since the model may be deleted before its end. Raises ApiError 400 if
        there is no such model, or it is none that learns.
        """
        if name == BASE_MODEL:
            return None
        if name in (GRADER_MODEL, EMBEDDING_MODEL):
            message = f"The model {name!r} cannot be fine-tuned; use {BASE_MODEL!r}."
            raise ApiError(400, message, param="model", code="model_not_available")
        weights = self._packed(name)
        if weights is None:
            message = f"There is no model {name!r}; use {BASE_MODEL!r} or a fine-tuned one."
            raise ApiError(400, message, param="model", code="model_not_available")
        return weights

    def get(self, name: str) -> LoadedModel:
        """The shared policy for sampling. Raises ApiError: 404 if no model has that name, 400 if
        it is one for other work."""
        if name in (GRADER_MODEL, EMBEDDING_MODEL):
            use = "in a score_model grader" if name == GRADER_MODEL else "at /v1/embeddings"
            message = f"The model {name!r} holds no conversations; use it {use}."
            raise ApiError(400, message, param="model", code="model_not_supported")
        with self._lock:
            if name not in self._loaded:
                policy = self._base_policy()
                if name != BASE_MODEL:
                    policy.load(self._weights(name))
                digest = hashlib.sha256(dumps(policy.save()).encode()).hexdigest()
                self._loaded[name] = LoadedModel(name, policy, digest)
                if len(self._loaded) > LOADED:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(name)
            return self._loaded[name]

    def forget(self, name: str) -> None:
        """Drop a model whose checkpoint is no longer kept."""
        with self._lock:
            self._loaded.pop(name, None)

    def _weights(self, name: str) -> Mapping[str, Any]:
        packed = self._packed(name)
        if packed is None:
            raise unknown_model(name)
        weights: Mapping[str, Any] = unpack(packed)
        return weights

    def _packed(self, name: str) -> bytes | None:
        row = self._database.row("SELECT weights FROM models WHERE name = ?", name)
        return row["weights"] if row else None

    def public(self) -> list[dict[str, Any]]:
        """Every model as `/v1/models` shows it, the built-in ones first."""
        rows = self._database.rows("SELECT name, created_at, job_id FROM models ORDER BY rowid")
        builtin = [
            _public(name, self._started_at, "system")
            for name in (BASE_MODEL, GRADER_MODEL, EMBEDDING_MODEL)
        ]
        return builtin + [_public(row["name"], row["created_at"], "workshop") for row in rows]

    def delete(self, name: str) -> None:
        """Remove a fine-tuned model. Raises ApiError 404, or 403 for a built-in one."""
        if name in (BASE_MODEL, GRADER_MODEL, EMBEDDING_MODEL):
            raise ApiError(403, f"The model {name!r} is built in and cannot be deleted.")
        with self._database.transaction() as connection:
            if not connection.execute("DELETE FROM models WHERE name = ?", (name,)).rowcount:
                raise unknown_model(name)
            connection.execute("DELETE FROM checkpoints WHERE model = ?", (name,))
        self.forget(name)


def unknown_model(name: str) -> ApiError:
    message = f"The model {name!r} does not exist; GET /v1/models lists those that do."
    return ApiError(404, message, param="model", code="model_not_found")


def _public(name: str, created_at: int, owner: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created_at, "owned_by": owner}
