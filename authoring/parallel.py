"""Runs the parts of a study or a recording in several processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Event
from types import FrameType
from typing import Any

CORES_PER_JOB = 2  # the service and the tool server are a process each

Part = tuple[Any, ...]
"""A function of a module, and its arguments."""

GRACE_S = 20.0  # for a part to cancel its job and stop its servers
POLL_S = 0.5
INTERRUPTS = {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}

_stopped: Event
"""In a worker: set by the first process that receives Ctrl-C."""


def run_parts(parts: Sequence[Part]) -> Iterator[Any]:
    """The results of the parts, in order. One part per two cores runs at a time.

    Each part starts its own servers, so running them side by side changes no number. When a part
    fails, or on Ctrl-C, the parts that have not begun are cancelled and those under way stopped.
    """
    workers = min(max(1, (os.cpu_count() or 1) // CORES_PER_JOB), len(parts))
    context = multiprocessing.get_context("spawn")
    stopped = context.Event()
    with ProcessPoolExecutor(workers, context, _initialize, (stopped,)) as pool:
        futures = [pool.submit(run_part, *part) for part in parts]
        try:
            for future in futures:
                yield future.result()
        except BaseException:
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise


def _initialize(stopped: Event) -> None:
    """In a worker: Ctrl-C counts only while a part is under way, and also comes when another
    process was stopped or the one that started this worker has ended."""
    global _stopped
    _stopped = stopped
    for number in INTERRUPTS - {signal.SIGTERM}:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_pass_on, args=(stopped,), daemon=True).start()


def _pass_on(stopped: Event) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    while parent.is_alive() and not stopped.wait(POLL_S):
        pass
    stopped.set()
    if hasattr(signal, "pthread_kill"):  # which also ends a wait for the network
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
    parent.join()
    time.sleep(GRACE_S)
    os._exit(1)  # nobody is left to give this worker an order


def run_part(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run one part, unless another process was stopped by Ctrl-C.

    The pool cannot cancel a part that it has already handed to a worker, and a worker whose part
    was interrupted would go on to it.
    """
    before = {number: signal.signal(number, _interrupt) for number in INTERRUPTS}
    try:
        if _stopped.is_set():
            raise KeyboardInterrupt
        return function(*arguments)
    except KeyboardInterrupt:
        _stopped.set()
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Stop the part under way, once: a second signal must not stop it from cleaning up."""
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
