"""How the lessons are compared: `pytest --nbval --nbval-current-env solutions notebooks`.

Each cell is run again and its output compared with the committed one. Here is what that needs
beside nbval: a state folder and servers for each worker, a sane time-out, what to overlook
(tests/notebooks.sanitize), and that a notebook ends with its first cell that fails.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest
from nbval.plugin import IPyNbCell

from authoring.course.execution import workplace

CELL_TIMEOUT_S = 180.0
SANITIZER = Path(__file__).parent / "tests" / "notebooks.sanitize"

_at_end = ExitStack()
_failed = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    if not config.option.nbval:
        return
    given = [argument.partition("=")[0] for argument in config.invocation_params.args]
    if "--nbval-cell-timeout" not in given:
        config.option.nbval_cell_timeout = CELL_TIMEOUT_S
    config.option.nbval_sanitize_with = config.option.nbval_sanitize_with or str(SANITIZER)
    # Each of xdist's workers has its own servers: a lesson and its solution run the same rollouts,
    # and two of them at once would share the state that the tool server keeps for a trace ID.
    _at_end.enter_context(workplace())


def pytest_unconfigure() -> None:
    _at_end.close()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if isinstance(item, IPyNbCell) and _failed in item.parent.stash:
        pytest.skip(f"{item.parent.stash[_failed]} of this notebook has failed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if isinstance(item, IPyNbCell) and report.failed:
        item.parent.stash[_failed] = item.name
    return report
