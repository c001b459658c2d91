"""Serving an app on 127.0.0.1: in the foreground, or in a thread beside a notebook."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI


class Server(uvicorn.Server):
    """uvicorn on a free port of 127.0.0.1 (or on `port`); `url` is known before it starts.

    Raises OSError at once if the port is taken.
    """

    def __init__(self, app: FastAPI, port: int = 0) -> None:
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
        super().__init__(config)
        self._socket = socket.socket()
        if os.name == "posix":  # elsewhere this option would share a port that is in use
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(("127.0.0.1", port))
        except OSError as error:
            reason = error.strerror or error
            raise OSError(
                f"port {port} of 127.0.0.1 cannot be used ({reason}); choose another"
            ) from None
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def serve_until_stopped(self, on_answering: Callable[[], None] = lambda: None) -> None:
        """Serve in this thread; calls `on_answering` once connections are taken."""
        self._on_answering = on_answering
        self.run(sockets=[self._socket])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_answering()


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an app from a thread while the block runs; gives its URL."""
    server = Server(app)
    answering = threading.Event()
    thread = threading.Thread(target=server.serve_until_stopped, args=(answering.set,), daemon=True)
    thread.start()
    answering.wait(timeout=30)
    try:
        yield server.url
    finally:
        server.should_exit = True
        thread.join(timeout=30)
