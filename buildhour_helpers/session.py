"""The switch: `session.start()` brings the servers up and points `OpenAI()` at them.

Offline (the default) that is this project's own service on this machine. Live is any service
that speaks the same API: the one that OPENAI_BASE_URL named before the session was started, or,
with `session.start(mode="live")`, whichever the `openai` client finds by itself.
"""

from __future__ import annotations

import atexit
import os
import platform
import shutil
import tempfile
import webbrowser
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from filelock import FileLock

from buildhour_helpers import servers
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.home import home, prepare, remove
from buildhour_helpers.servers import Program, Server

Mode = Literal["offline", "live"]

DEFAULT_LIVE_URL = "https://api.openai.com/v1"
OFFLINE_MODEL = "sim-agent-mini"
NAMES = ("service", "tools")
OURS = "BUILDHOUR_SESSION"
"""Set to "offline" once the OPENAI_ variables are this module's, for child processes to know."""

_before: dict[str, str | None] = {}
"""The environment variables that `start` set, with what they held before."""
_started: list[Session] = []
"""The session that `start` last gave, if any."""


@dataclass(frozen=True)
class Session:
    """Where the two sides are. In live mode `base_url` and `api_key` are the live service's."""

    mode: Mode
    base_url: str
    api_key: str
    tools_url: str
    tools_key: str


def start(
    mode: Mode | None = None,
    *,
    reports: Path | None = None,
    port: int = 0,
    tools_port: int = 0,
    quiet: bool = False,
) -> Session:
    """Have the servers running and the environment variables set; prints one line.

    Without `mode` it is offline, unless OPENAI_BASE_URL was set beforehand; with BUILDHOUR_SEED set
    the simulated model draws otherwise than everybody else's. `reports` is a folder
    that `import-finqa` made, in place of the generated reports; a port of 0 is a free one. In live
    mode only the tool server is started; a live service must be able to reach it, so a
    BUILDHOUR_TOOLS_URL that was set beforehand (a public address of yours) is kept.
    Raises WorkshopError with the cure.
    """
    chosen = mode or _chosen_mode()
    if chosen not in ("offline", "live"):
        raise WorkshopError(f'session.start: mode is "offline" or "live", not {chosen!r}')
    _forget()
    live = _live_credentials() if chosen == "live" else None
    folder = prepare()
    own_tools = os.environ.get("BUILDHOUR_TOOLS_URL") if live else None
    programs = [] if live else [service_program(folder, port, _seed())]
    programs += [] if own_tools else [tools_program(reports, tools_port)]
    with FileLock(folder / "servers.lock"):
        up = servers.ensure(folder, programs)
    base_url, api_key = live or (up["service"].url, up["service"].key)
    if own_tools:
        tools_url, tools_key = own_tools, os.environ.get("BUILDHOUR_TOOLS_KEY", "")
    else:
        tools_url, tools_key = up["tools"].url, up["tools"].key
    session = Session(chosen, base_url, api_key, tools_url, tools_key)
    _export(session)
    _started[:] = [session]
    if not quiet:
        print(f"{_words(session)}; session.stop() ends it")
    return session


def model() -> str:
    """The model that the lessons work with: the simulated one, or live what BUILDHOUR_MODEL names.

    Raises WorkshopError with the cure in a live session that was not told which.
    """
    if _mode() == "offline":
        return OFFLINE_MODEL
    named = os.environ.get("BUILDHOUR_MODEL")
    if not named:
        raise WorkshopError(
            "session.model: which of the live service's models? Set BUILDHOUR_MODEL to its name"
        )
    return named


def describe() -> str:
    """One line that says what the outputs of a notebook come from: mode, model and versions."""
    of = (
        "simulated model" if _mode() == "offline" else os.environ.get("BUILDHOUR_MODEL", "no model")
    )
    packages = ("openai", "agent-rft-workshop")
    versions = [f"{name} {version(name)}" for name in packages]
    python = f"Python {platform.python_version()}"
    return " · ".join([_mode(), of, *versions, python])


def scratch() -> Path:
    """A new empty folder for what a notebook writes: its own, and gone when its kernel ends."""
    parent = prepare() / "scratch"
    parent.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=parent))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def stop() -> bool:
    """Stop the servers that `start` started; False where none was running."""
    _forget()
    return servers.stop(home(), *NAMES) > 0


def reset() -> bool:
    """A clean slate: stop the servers and delete the state folder; False where there was none."""
    stop()
    return remove()


def page_link(path: str = "/") -> str:
    """The link that opens the offline service's pages in a browser. It carries the key: open it,
    but do not print it into a notebook. Raises WorkshopError where no service is up."""
    up = running().get("service")
    if up is None:
        raise WorkshopError("no offline service is running; call session.start() first")
    opened = urlencode({"key": up.key, "to": path})
    return f"{up.url.removesuffix('/v1')}/open?{opened}"


def open_page(job_id: str | None = None) -> None:
    """Open the page of a job, or the list of all jobs, in this machine's browser."""
    webbrowser.open(page_link(f"/finetune/{job_id}" if job_id else "/"))


def running() -> dict[str, Server]:
    """The servers that are up, by name."""
    found = {name: servers.find(home(), name) for name in NAMES}
    return {name: server for name, server in found.items() if server}


def service_program(folder: Path, port: int = 0, seed: int = 0) -> Program:
    """How to start the offline service with its state in `folder`; `seed` is the model's."""
    return Program(
        name="service",
        module="rft_service",
        url_field="base_url",
        key_field="api_key",
        options=("--home", str(folder), "--port", str(port), "--seed", str(seed)),
        code=("rft_service", "rft_wire"),
    )


def tools_program(reports: Path | None = None, port: int = 0, calls: Path | None = None) -> Program:
    """How to start the tool server over `reports` (default: the generated ones); it appends each
    tool call and each grade to the file `calls`."""
    options = [] if reports is None else ["--reports", str(reports.resolve())]
    options += [] if calls is None else ["--log", str(calls)]
    return Program(
        name="tools",
        module="buildhour_helpers.tools",
        url_field="tools_url",
        key_field="tools_key",
        options=("--port", str(port), *options),
        code=(
            "buildhour_helpers.tools",
            "buildhour_helpers.graders",
            "buildhour_helpers.reports",
            "buildhour_helpers.tasks",
        ),
    )


def _seed() -> int:
    text = os.environ.get("BUILDHOUR_SEED", "0")
    if not text.isdecimal():
        raise WorkshopError(f"BUILDHOUR_SEED={text!r}: set it to a whole number, or unset it")
    return int(text)


def _chosen_mode() -> Mode:
    chosen_by_user = "OPENAI_BASE_URL" in os.environ and os.environ.get(OURS) != "offline"
    return "live" if chosen_by_user else "offline"


def _live_credentials() -> tuple[str, str]:
    if os.environ.get(OURS) == "offline":
        raise WorkshopError(
            "session.start: this process was started with the offline service's address; unset "
            "BUILDHOUR_SESSION and set OPENAI_API_KEY (and OPENAI_BASE_URL) to the live service's"
        )
    key = os.environ.get("OPENAI_API_KEY")
    if not key:
        raise WorkshopError("session.start: a live session needs OPENAI_API_KEY; set it first")
    return os.environ.get("OPENAI_BASE_URL", DEFAULT_LIVE_URL), key


def _export(session: Session) -> None:
    """Set what the `openai` client and the lessons read, keeping the user's own values aside."""
    values = {
        "BUILDHOUR_TOOLS_URL": session.tools_url,
        "BUILDHOUR_TOOLS_KEY": session.tools_key,
        "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1"])),
    }
    if session.mode == "offline":
        values |= {"OPENAI_BASE_URL": session.base_url, "OPENAI_API_KEY": session.api_key}
        values[OURS] = "offline"
    _before.update({name: os.environ.get(name) for name in values})
    os.environ.update(values)


def _mode() -> Mode:
    """The mode of the session, or that which a start would choose."""
    return _started[0].mode if _started else _chosen_mode()


def _forget() -> None:
    """Put the environment back as `start` found it."""
    _started.clear()
    for name, value in _before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _before.clear()


def _words(session: Session) -> str:
    """The same on each start: no port, no key, so that notebooks can be compared."""
    if session.mode == "offline":
        return "Offline: simulated model and tool server, on this machine"
    here = session.tools_url.startswith("http://127.0.0.1:")
    tools = "tool server on this machine" if here else f"tools at {session.tools_url}"
    return f"Live: {session.base_url}, {tools}"
