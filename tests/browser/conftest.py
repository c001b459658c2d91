"""A browser that keeps count of its mistakes: no console error, no request to another host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from openai.types.fine_tuning import FineTuningJob
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.service.conftest import (
    Running,
    customer,
    customer_url,
    running,
    service,
    shared,
    start,
)
from tests.service.customer import Customer
from tests.service.servers import served

from .chromium import chromium, executable

PATIENCE_MS = 60_000  # how long a test waits for what must come; nothing is timed

expect.set_options(timeout=PATIENCE_MS)

__all__ = ["customer", "customer_url", "service", "shared", "start"]  # fixtures


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(item.path).parent == Path(__file__).parent]
    missing = executable() is None and os.environ.get("CI") != "true"
    for item in here:
        item.add_marker(pytest.mark.browser)
        if missing:
            reason = "no Chromium on this machine; install it (Debian: apt install chromium)"
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@dataclass
class Finished:
    """A service whose one job has ended, for tests that only look at it."""

    service: Running
    job: FineTuningJob

    @property
    def path(self) -> str:
        return f"/finetune/{self.job.id}"


@pytest.fixture(scope="package")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    home = tmp_path_factory.mktemp("finished")
    with running(home) as service, served(Customer().app()) as customer_url:
        yield Finished(service, service.wait(service.job(customer_url).id))


@dataclass
class Watched:
    """What went wrong in a context's pages."""

    problems: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def watch(self, page: Page) -> None:
        page.on("console", lambda m: self._note(m.type in ("error", "warning"), m.text))
        page.on("pageerror", lambda error: self._note(True, str(error)))
        page.on("response", lambda r: self._note(r.status >= 400, f"{r.status} {r.url}"))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def _note(self, is_problem: bool, text: str) -> None:
        if is_problem:
            self.problems.append(text)


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def context(browser: Browser, watched: Watched) -> Iterator[BrowserContext]:
    """A fresh profile; at its end nothing may have gone wrong or left this machine."""
    made = browser.new_context(
        viewport={"width": 1280, "height": 900},
        permissions=["clipboard-read", "clipboard-write"],
        reduced_motion="reduce",
    )
    made.set_default_timeout(PATIENCE_MS)
    made.on("page", watched.watch)
    yield made
    made.close()
    assert watched.problems == []
    assert all(host == "" or host.startswith("127.0.0.1:") for host in watched.hosts), watched.hosts


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
