"""Runs the parts of a study or a recording in several processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Event
from typing import Any

CORES_PER_JOB = 2  # the service and the tool server are a process each

Part = tuple[Any, ...]
"""A function of a module, and its arguments."""

_stopped: Event
"""In a worker: set by the first process that receives Ctrl-C."""


def run_parts(parts: Sequence[Part]) -> Iterator[Any]:
    """The results of the parts, in order. One part per two cores runs at a time.

    Each part starts its own servers, so running them side by side changes no number. When a part
    fails, or on Ctrl-C, the parts that have not begun are cancelled.
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
    global _stopped
    _stopped = stopped


def run_part(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run one part, unless another process was stopped by Ctrl-C.

    The pool cannot cancel a part that it has already handed to a worker, and a worker whose part
    was interrupted would go on to it.
    """
    if _stopped.is_set():
        raise KeyboardInterrupt
    try:
        return function(*arguments)
    except KeyboardInterrupt:
        _stopped.set()
        raise
