"""Endpoints and engines that are down for a while: they cost a job time, not rollouts.

Where a server is down, the step in flight is given up, as at a pause, and run again once the server
answers. Nothing random depends on a clock, so the outcome is what it would have been. A rollout
does not wait in the middle, since a server that was started again may have forgotten its state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from rft_service.graders.specs import endpoints
from rft_service.store.job_spec import JobSpec
from rft_wire.client import EndpointClient, EndpointLimits, Fault, Reply


@dataclass(frozen=True)
class Request:
    """A POST to an endpoint, as it can be sent again."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class OutageError(Exception):
    """A server is down. `answers` asks it whether it is up again."""

    def __init__(
        self, url: str, reason: str, answers: Callable[[EndpointClient], Awaitable[bool]]
    ) -> None:
        super().__init__(f"{url} {reason}")
        self.url, self.reason = url, reason
        self.answers = answers


@dataclass
class _Server:
    """The tools on one host and port, or one grader: what is up or down as a whole."""

    answered: Request | None = None  # the last that was
    check: asyncio.Task[bool] | None = None
    open_calls: int = 0  # that may still be answered
    call_ended: asyncio.Event = field(default_factory=asyncio.Event)


class JobClient(EndpointClient):
    """The calls of one attempt at a job; an outage ends the attempt.

    A request that fails even between two others that are answered is itself at fault, and its
    rollout is discarded. Otherwise its server is down.
    """

    def __init__(self, limits: EndpointLimits, spec: JobSpec) -> None:
        super().__init__(limits)
        self._grader_urls = {grader.url for grader in endpoints(spec.grader)}
        self._servers: dict[str, _Server] = {}
        self._outage: OutageError | None = None
        self._end = asyncio.timeout(None)

    async def attempt(self, work: Awaitable[None]) -> None:
        """Do work that makes calls. Raises OutageError."""
        try:
            async with self._end:
                await work
        except TimeoutError:
            if self._outage is None:
                raise
            raise self._outage from None

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, retry_429: bool = False
    ) -> Reply | Fault:
        request, server = Request(url, headers, body), self._server_of(url)
        while True:
            had_answered = server.answered is not None
            reply, answers = await self._send(request, server, retry_429)
            if isinstance(reply, Reply) or not reply.may_be_down:
                return reply
            if answers and await self._answers(server):
                return reply
            while server.answered is None and server.open_calls:
                await server.call_ended.wait()  # another call will tell whether it is up
            if had_answered or server.answered is None:
                return await self._give_up(request, server, reply)

    async def _send(
        self, request: Request, server: _Server, retry_429: bool
    ) -> tuple[Reply | Fault, bool]:
        """The reply, and whether the server answered another request before the last try."""
        answers = False

        async def check() -> None:
            nonlocal answers
            answers = await self._answers(server)

        server.open_calls += 1
        try:
            reply = await self.request(
                "POST",
                request.url,
                request.headers,
                request.body,
                retry_429=retry_429,
                before_last_try=check,
            )
        finally:
            server.open_calls -= 1
            server.call_ended.set()
            server.call_ended = asyncio.Event()
        if isinstance(reply, Reply):
            server.answered = request
        return reply, answers

    async def _give_up(self, request: Request, server: _Server, fault: Fault) -> Reply:
        """End the attempt, and with it this call."""
        if self._outage is None:
            known = [server.answered] if server.answered else []
            answers = partial(any_is_answered, [request, *known])
            self._outage = OutageError(request.url, fault.reason, answers)
            self._end.reschedule(asyncio.get_running_loop().time())
        await asyncio.Event().wait()
        raise AssertionError("an attempt that has ended goes on")

    def _server_of(self, url: str) -> _Server:
        name = url if url in self._grader_urls else urlsplit(url).netloc
        return self._servers.setdefault(name, _Server())

    async def _answers(self, server: _Server) -> bool:
        """Whether a request that was answered before is answered now, too."""
        if server.answered is None:
            return False
        if server.check is None or server.check.done():  # one for all that ask meanwhile
            server.check = asyncio.create_task(is_answered(self, server.answered))
        return await server.check


async def is_answered(client: EndpointClient, request: Request) -> bool:
    reply = await client.request("POST", request.url, request.headers, request.body)
    return isinstance(reply, Reply) or not reply.may_be_down


async def any_is_answered(requests: Sequence[Request], client: EndpointClient) -> bool:
    """Whether a server answers one of these again; it will answer at least one when it is up."""
    for request in requests:
        if await is_answered(client, request):
            return True
    return False


async def is_over(outage: OutageError, limits: EndpointLimits) -> bool:
    """Wait for a server that is down; whether it answers again in time."""
    pause_s = limits.first_pause_s * 2**limits.retries  # goes on where the retries ended
    async with EndpointClient(limits) as client:
        try:
            async with asyncio.timeout(limits.patience_s):
                while True:
                    if await outage.answers(client):
                        return True
                    await asyncio.sleep(pause_s)
        except TimeoutError:
            return False


def duration(seconds: float) -> str:
    """A length of time as a person says it, such as "10 minutes"."""
    return f"{seconds:.2g} seconds" if seconds < 100 else f"{seconds / 60:.2g} minutes"
