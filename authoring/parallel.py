"""Runs the parts of a study or a recording in several processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import resource_tracker
from multiprocessing.synchronize import Event
from typing import Any

CORES_PER_JOB = 2  # the service and the tool server are a process each

Part = tuple[Any, ...]
"""A function of a module, and its arguments."""

GRACE_S = 20.0  # for a part to cancel its job and stop its servers
POLL_S = 0.5

_stopped: Event
"""In a worker: set when the study is stopped."""
_idle = threading.Event()
"""In a worker: set while no part is under way."""
_idle.set()


def run_parts(parts: Sequence[Part], at_once: int | None = None) -> Iterator[Any]:
    """The results of the parts, in order. One part per two cores runs at a time, or `at_once`.

    Each part starts its own servers, so running them side by side changes no number. When a part
    fails, or on Ctrl-C, the parts that have not begun are cancelled and those under way stopped.
    """
    workers = min(at_once or max(1, (os.cpu_count() or 1) // CORES_PER_JOB), len(parts))
    context = multiprocessing.get_context("spawn")
    _start_tracker()
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


def _start_tracker() -> None:
    """Start multiprocessing's helper process such that a closed terminal does not end it first."""
    if hasattr(signal, "SIGHUP"):
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        resource_tracker.ensure_running()
        signal.signal(signal.SIGHUP, before)


def _initialize(stopped: Event) -> None:
    """In a worker: Ctrl-C reaches the main process alone, which then tells all workers."""
    global _stopped
    _stopped = stopped
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setsid"):
        os.setsid()
    threading.Thread(target=_interrupt_when, args=(stopped,), daemon=True).start()


def _interrupt_when(stopped: Event) -> None:
    """Interrupt the part under way once the study was stopped or its main process has ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    while parent.is_alive() and not stopped.wait(POLL_S):
        pass
    stopped.set()
    if hasattr(signal, "pthread_kill"):  # which also ends a wait for the network
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
    _idle.wait(GRACE_S)
    parent.join(GRACE_S)
    os._exit(1)  # nobody is left to tell this worker to end


def run_part(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run one part, unless the study was stopped.

    The pool cannot cancel a part that it has already handed to a worker, and a worker whose part
    was interrupted would go on to it.
    """
    _idle.clear()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if _stopped.is_set():
            raise KeyboardInterrupt
        return function(*arguments)
    except KeyboardInterrupt:
        _stopped.set()
        raise
    finally:
        signal.signal(signal.SIGINT, before)
        _idle.set()
