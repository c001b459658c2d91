"""The way to an engine: sessions, calls that end, and errors that say what to do.

The SDK retries by itself, some requests for minutes and some without end. Here every call ends:
when the engine has not answered for `grace_s`, or has worked on one request for `timeout_s`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import logging
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import tinker
from tinker import types
from tinker.lib.client_connection_pool_type import ClientConnectionPoolType
from tinker.lib.internal_client_holder import InternalClientHolder

from rft_service.rl.engine import EngineError, EngineUnavailableError

T = TypeVar("T")
log = logging.getLogger(__name__)
HOSTED_URL = "https://tinker.thinkingmachines.dev/services/tinker-prod"
CHECK_S = 2.0  # between two looks at an engine that has not answered yet
PROBE_TIMEOUT_S = 10.0
LOST = (404, 409, 410)  # the session, model or result is gone, as after a restart
LOST_TEXT = re.compile(r"not loaded|not found|does not exist")
SHOWN = 300  # characters of what an engine says


class Loop:
    """An event loop in a separate thread: whatever belongs to the engine runs there, although the
    API and the jobs wait for it on two others."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="engine", daemon=True).start()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work there, and wait here; a cancellation reaches it."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Do the work there; nobody waits."""
        asyncio.run_coroutine_threadsafe(work, self._loop)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


async def in_thread(work: Callable[[], T]) -> T:
    """Do what blocks in a thread that the end of the program does not wait for."""
    future = concurrent.futures.Future[T]()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(future)


@dataclass(frozen=True)
class Address:
    """Where the engine is and how to be let in. The key appears in no text."""

    url: str
    key: str = field(repr=False)

    def get(self, path: str) -> tuple[int, bytes]:
        """GET a path. Raises OSError if nothing answers."""
        request = urllib.request.Request(f"{self.url}{path}", headers={"X-API-Key": self.key})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=PROBE_TIMEOUT_S) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def answers(self) -> bool:
        try:
            status, _ = self.get("/api/v1/healthz")
        except OSError:
            return False
        return status < 500

    def models(self) -> dict[str, int | None]:
        """The models that the engine offers, with their context windows where it says so.

        Raises ValueError with the fix.
        """
        try:
            status, body = self.get("/api/v1/get_server_capabilities")
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise ValueError(
                f"the engine at {self.url} cannot be reached ({reason}); start it first, or "
                "correct --engine-url"
            ) from None
        if status in (401, 403):
            raise ValueError(f"the engine at {self.url} refuses the key in TINKER_API_KEY")
        try:
            found = json.loads(body)["supported_models"]
            return {model["model_name"]: model.get("max_context_length") for model in found}
        except (ValueError, LookupError, TypeError):
            raise ValueError(
                f"{self.url} answered {status}, and not as a Tinker engine does; correct "
                "--engine-url"
            ) from None


class Connection:
    """Makes calls to one engine, on the engine's loop."""

    def __init__(self, address: Address, grace_s: float, timeout_s: float) -> None:
        self.address = address
        self._grace_s, self._timeout_s = grace_s, timeout_s
        self._checked_at = 0.0
        self._silent_since: float | None = None
        self._check = asyncio.Lock()

    async def finish(self, call: Awaitable[T], doing: str) -> T:
        """Wait for a call, such as "sample". Raises EngineError where the engine refuses it, and
        EngineUnavailableError where it does not come to an end."""
        task = asyncio.ensure_future(call)
        deadline = time.monotonic() + self._timeout_s
        try:
            while not (await asyncio.wait({task}, timeout=min(CHECK_S, self._grace_s)))[0]:
                if time.monotonic() > deadline:
                    limit = f"{self._timeout_s / 60:.2g} minutes"
                    raise self._unavailable(f"did not {doing} within {limit}")
                silent_s = await self._silence_s()
                if silent_s > self._grace_s:
                    raise self._unavailable(f"has not answered for {silent_s:.0f} seconds")
            return task.result()
        except EngineUnavailableError:
            raise
        except Exception as error:
            raise self._explained(error, doing) from error
        finally:
            task.cancel()

    async def _silence_s(self) -> float:
        """For how long the engine has not answered; all calls that wait share one look at it."""
        async with self._check:
            now = time.monotonic()
            if now - self._checked_at > min(CHECK_S, self._grace_s) / 2:
                answers = await in_thread(self.address.answers)
                self._checked_at = time.monotonic()
                self._silent_since = None if answers else self._silent_since or now
            return 0.0 if self._silent_since is None else time.monotonic() - self._silent_since

    def _unavailable(self, reason: str) -> EngineUnavailableError:
        return EngineUnavailableError(self.address.url, reason)

    def _explained(self, error: Exception, doing: str) -> Exception:
        """An SDK's exception as the service knows it."""
        status = _status_of(error)
        said = str(error).replace(self.address.key, "[not shown]")[:SHOWN]
        where = f"the engine at {self.address.url}"
        if status in (401, 403):
            return EngineError(
                f"{where} refuses the key ({said}); set TINKER_API_KEY and start the service again"
            )
        if status == 402:
            return EngineError(f"{where} wants to be paid first ({said})")
        if status in LOST or LOST_TEXT.search(said):
            return self._unavailable(f"does not know the model, as after a restart ({said})")
        if "Maximum number of LoRA adapters" in said:
            return self._unavailable("has no free adapter; one is freed when its job has ended")
        if status == 429:
            return self._unavailable("has answered 429 for minutes")
        if status >= 500 or isinstance(error, (tinker.APIConnectionError, OSError)):
            return self._unavailable(f"failed to {doing} ({said})")
        return EngineError(f"{where} refused to {doing} ({said})")


def _status_of(error: BaseException) -> int:
    """The HTTP status behind an exception; 0 if there is none. The SDK wraps what a late result
    says in a ValueError, and a lost one in an exception without a status."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return status
    if isinstance(error, tinker.RequestFailedError):
        return 400 if error.category is types.RequestErrorCategory.User else 500
    return _status_of(error.__cause__) if error.__cause__ else 0


class Session:
    """One session on the engine, and the model in training in it, if any.

    Each learner has its own: the engine frees the model's adapter when the session has ended.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._service: tinker.ServiceClient | None = None
        self._training: tinker.TrainingClient | None = None
        self._closed = False

    def open(self) -> tinker.ServiceClient:
        """Connect; blocks. The session ends at once if it has been closed meanwhile."""
        service = tinker.ServiceClient(base_url=self._address.url, api_key=self._address.key)
        _ = service.holder  # connects
        self._service = service
        if self._closed:
            self.close()
        return service

    def train(self, base_model: str, uri: str | None, rank: int) -> tinker.TrainingClient:
        """A model to train, from a saved state or with a new adapter; blocks."""
        service = self.open()
        if uri is None:
            training = service.create_lora_training_client(base_model, rank=rank, seed=0)
        else:
            training = service.create_training_client_from_state_with_optimizer(uri)
        self._training = training
        if self._closed:
            self.close()
        return training

    def close(self) -> None:
        """Unload the model and end the session; waits for nothing."""
        self._closed = True
        if self._service is not None:
            holder = self._service.holder
            holder.run_coroutine_threadsafe(_end(holder, self._training))


async def _end(holder: InternalClientHolder, training: tinker.TrainingClient | None) -> None:
    """Free a model's adapter and stop the session's heartbeat, without which the engine frees it
    anyway (SkyRL after 300 s)."""
    try:
        if training is not None:
            request = types.UnloadModelRequest(model_id=training.model_id)
            with holder.aclient(ClientConnectionPoolType.TRAIN) as client:
                await client.models.unload(request=request, max_retries=0, timeout=PROBE_TIMEOUT_S)
    except Exception as error:
        log.debug("a model was not unloaded: %s", error)
    finally:
        holder.close()  # type: ignore[no-untyped-call]
