"""`session.start()` starts the servers and points `OpenAI()` at them.

Offline (the default) the service is this project's own, on this machine. Live it is any service
with the same API: the one that OPENAI_BASE_URL named before the start, or, with
`session.start(mode="live")`, the one that the `openai` client uses by default. A variable that is
empty or blank counts as unset.
"""

from __future__ import annotations

import atexit
import os
import platform
import shutil
import tempfile
import webbrowser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from buildhour_helpers import proxies, servers
from buildhour_helpers.errors import WorkshopError
from buildhour_helpers.home import home, prepare, remove
from buildhour_helpers.reports.semantic import check_engine
from buildhour_helpers.servers import Program, Server

Mode = Literal["offline", "live"]

DEFAULT_LIVE_URL = "https://api.openai.com/v1"
OFFLINE_MODEL = "sim-agent-mini"
OURS = "BUILDHOUR_SESSION"
"""Set to "offline" while this module sets the OPENAI_ variables, so that child processes know."""

_before: dict[str, str | None] = {}
"""The environment variables that `start` set, with their values before."""
_started: list[Session] = []
"""The session that `start` returned last, if any."""
_servers: dict[str, Server] = {}
"""The servers of that session, by name."""


@dataclass(frozen=True)
class Session:
    """Addresses and keys; in live mode `base_url` and `api_key` are the live service's."""

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
    bound: bool = False,
    service_options: Sequence[str] = (),
) -> Session:
    """Start the servers, or find them running, and set the environment variables; prints one line.

    `mode` defaults to offline, or to live if OPENAI_BASE_URL is set. BUILDHOUR_SEED changes the
    seed of the simulated model, BUILDHOUR_SEARCH the engine of the tool `search` (bm25, semantic or
    hybrid). `reports` is a folder that `import-finqa` made, instead of the
    generated reports; port 0 takes a free one. Live starts only the tool server, which the live
    service must be able to reach: set BUILDHOUR_TOOLS_URL to a public address of yours to use that
    instead. Servers that run already are reused if they fit; where they do not and are in use, this
    session has others beside them, and says so. If `bound`, the servers end with this process
    (unless another one uses them); otherwise with `stop`. `service_options` are further options of
    `python -m rft_service`. Raises WorkshopError with the fix.
    """
    chosen = mode or _chosen_mode()
    if chosen not in ("offline", "live"):
        raise WorkshopError(f'session.start: mode is "offline" or "live", not {chosen!r}')
    live = _live_credentials() if chosen == "live" else None
    folder = prepare()
    own_tools = _own("BUILDHOUR_TOOLS_URL") if live else ""
    programs = [] if live else [service_program(folder, port, _seed(), service_options)]
    programs += [] if own_tools else [tools_program(reports, tools_port)]
    up = servers.ensure(folder, programs, bound=bound)
    base_url, api_key = live or (up["service"].url, up["service"].key)
    if own_tools:
        tools_url, tools_key = own_tools, _own("BUILDHOUR_TOOLS_KEY")
    else:
        tools_url, tools_key = up["tools"].url, up["tools"].key
    session = Session(chosen, base_url, api_key, tools_url, tools_key)
    _export(session)
    _started[:] = [session]
    _servers.update(up)
    if not quiet:
        print(f"{_summary(session)}; session.stop() ends it{_unset_proxies()}")
    return session


def model() -> str:
    """The lessons' model: the simulated one, or the live one that BUILDHOUR_MODEL names.

    Raises WorkshopError in a live session without BUILDHOUR_MODEL.
    """
    if mode() == "offline":
        return OFFLINE_MODEL
    named = os.environ.get("BUILDHOUR_MODEL", "").strip()
    if not named:
        raise WorkshopError(
            "session.model: which of the live service's models? Set BUILDHOUR_MODEL to its name"
        )
    return named


def mode() -> Mode:
    """The mode of the session, or the one that `start` would choose."""
    return _started[0].mode if _started else _chosen_mode()


def destination() -> str:
    """One line that says where the learner's requests go.

    Raises WorkshopError, with the fix, where no live session can be started.
    """
    if mode() == "live":
        url, _ = _live_credentials()
        here = " on this machine" if proxies.is_local(url) else ""
        return f"Requests go to {proxies.shown(url)}{here}, with your OPENAI_API_KEY."
    to = f" at {_started[0].base_url}" if _started else ""
    return f"Requests go to the local service{to}; nothing leaves this machine{_unset_proxies()}."


def own_service() -> str:
    """One line that says where `OpenAI()` goes without a session; "" if nothing is set."""
    names = [name for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY") if _own(name)]
    if not names:
        return ""
    active = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} active again"
    return f"Your own {active}: OpenAI() sends requests to {proxies.shown(_live_url())}."


def describe() -> str:
    """One line for the top of a notebook: mode, model and versions."""
    is_offline = mode() == "offline"
    live_model = os.environ.get("BUILDHOUR_MODEL", "").strip() or "no model"
    versions = [f"{name} {version(name)}" for name in ("openai", "agent-rft-workshop")]
    return " · ".join(
        [
            mode(),
            "simulated model" if is_offline else live_model,
            *versions,
            f"Python {platform.python_version()}",
        ]
    )


def scratch() -> Path:
    """A new empty folder for what a notebook writes; it is deleted when the kernel ends."""
    parent = prepare() / "scratch"
    parent.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=parent))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def stop() -> bool:
    """End this session: stop the servers that no other program uses; False if there were none.

    Says so if the user's own key is active again.
    """
    _end()
    return servers.release(home()) > 0


def reset() -> bool:
    """Stop all servers, also those that others use, and delete the state folder; False if there
    was none."""
    _end()
    servers.stop(home())
    return remove()


def page_link(path: str = "/") -> str:
    """The link that opens a page of the offline service in a browser.

    It contains the key, so do not print it in a notebook. Raises WorkshopError if no service runs.
    """
    up = running().get("service")
    if up is None:
        raise WorkshopError("no offline service is running; call session.start() first")
    opened = urlencode({"key": up.key, "to": path})
    return f"{up.url.removesuffix('/v1')}/open?{opened}"


def open_page(job_id: str | None = None) -> None:
    """Open the page of a job, or the list of all jobs, in this machine's browser."""
    webbrowser.open(page_link(f"/finetune/{job_id}" if job_id else "/"))


def running() -> dict[str, Server]:
    """This session's servers that are up, by name; before `start`, those of this state folder."""
    if _started:
        return {name: server for name, server in _servers.items() if servers.process_of(server)}
    # Of several with one name, the one without options has the shortest slot.
    found = sorted(servers.running(home()), key=lambda server: len(server.slot), reverse=True)
    return {server.name: server for server in found}


def service_program(
    folder: Path, port: int = 0, seed: int = 0, options: Sequence[str] = ()
) -> Program:
    """How to start the offline service; `seed` is the model's.

    Each seed but 0 and each engine has its own jobs and files, since two services cannot share a
    state folder.
    """
    apart = [f"seed-{seed}"] if seed else []
    if "--engine" in options:
        apart.append(options[options.index("--engine") + 1])
    return Program(
        name="service",
        module="rft_service",
        url_field="base_url",
        key_field="api_key",
        options=(*(("--seed", str(seed)) if seed else ()), *options),
        code=("rft_service", "rft_wire"),
        port=port,
        state=folder.joinpath(*apart),
    )


def tools_program(reports: Path | None = None, port: int = 0, calls: Path | None = None) -> Program:
    """How to start the tool server over `reports` (default: the generated ones).

    It appends each tool call and each grade to the file `calls`. Its key is BUILDHOUR_TOOLS_KEY,
    if the user has set that, and otherwise the one of the last time. BUILDHOUR_SEARCH names its
    search engine.
    """
    options = [] if reports is None else ["--reports", str(reports.resolve())]
    if (engine := os.environ.get("BUILDHOUR_SEARCH", "").strip() or "bm25") != "bm25":
        try:
            check_engine(engine)
        except ValueError as error:
            raise WorkshopError(f"BUILDHOUR_SEARCH: {error}") from None
        options += ["--search", engine]
    options += [] if calls is None else ["--log", str(calls)]
    return Program(
        name="tools",
        module="buildhour_helpers.tools",
        url_field="tools_url",
        key_field="tools_key",
        options=tuple(options),
        code=(
            "buildhour_helpers.tools",
            "buildhour_helpers.graders",
            "buildhour_helpers.reports",
            "buildhour_helpers.tasks",
        ),
        port=port,
        key_variable="BUILDHOUR_TOOLS_KEY",
        key=_own("BUILDHOUR_TOOLS_KEY"),
    )


def _seed() -> int:
    text = os.environ.get("BUILDHOUR_SEED", "").strip() or "0"
    if not text.isdecimal():
        raise WorkshopError(f"BUILDHOUR_SEED={text!r}: set it to a whole number, or unset it")
    return int(text)


def _own(name: str) -> str:
    """The user's own value of a variable; "" where it is unset or blank, or is a session's."""
    values = {**os.environ, **_before}
    is_ours = values.get(OURS) == "offline"
    return "" if is_ours else (values.get(name) or "").strip()


def _chosen_mode() -> Mode:
    return "live" if _own("OPENAI_BASE_URL") else "offline"


def _live_url() -> str:
    return _own("OPENAI_BASE_URL") or DEFAULT_LIVE_URL


def _live_credentials() -> tuple[str, str]:
    """The address and the key of the user's service. Raises WorkshopError with the fix."""
    if {**os.environ, **_before}.get(OURS) == "offline":
        raise WorkshopError(
            "session.start: this process was started with the offline service's address; unset "
            "BUILDHOUR_SESSION and set OPENAI_API_KEY (and OPENAI_BASE_URL) to the live service's"
        )
    url, key = _live_url(), _own("OPENAI_API_KEY")
    if not url.startswith(("http://", "https://")) or not proxies.host_of(url):
        raise WorkshopError(
            f"OPENAI_BASE_URL={proxies.shown(url)!r} is not the address of a service; write it as "
            "https://HOST/v1, or unset it"
        )
    if not key:
        raise WorkshopError(
            f"session.start: a live session with {proxies.shown(url)} needs OPENAI_API_KEY; set it "
            "first, or unset OPENAI_BASE_URL to stay offline"
        )
    if not proxies.is_local(url) and (bad := proxies.unusable()):
        raise WorkshopError(
            f"{', '.join(bad)}: the openai client cannot use this proxy setting; correct it (a "
            "SOCKS proxy needs socks5:// and the package socksio) or unset it"
        )
    return url, key


def _export(session: Session) -> None:
    """Set what the `openai` client and the lessons read, and remember the user's own values."""
    _forget()
    values: dict[str, str | None] = {
        "BUILDHOUR_TOOLS_URL": session.tools_url,
        "BUILDHOUR_TOOLS_KEY": session.tools_key,
        "OPENAI_BASE_URL": session.base_url,
        "OPENAI_API_KEY": session.api_key,
        **proxies.past_proxies(session.base_url, session.tools_url),
    }
    if session.mode == "offline":
        values |= {OURS: "offline", "OPENAI_CUSTOM_HEADERS": None}  # they may hold the user's key
    _before.update({name: os.environ.get(name) for name in values})
    _set(values)


def _unset_proxies() -> str:
    names = [n for n in _before if n.lower().endswith("_proxy") and n not in os.environ]
    return f" ({', '.join(names)} unset, since the openai client cannot use it)" if names else ""


def _end() -> None:
    """Restore the environment, and say so if that makes the user's own service active again."""
    was_offline = bool(_started) and mode() == "offline"
    _forget()
    if was_offline and (said := own_service()):
        print(said)


def _forget() -> None:
    """Restore the environment variables that `start` set."""
    _started.clear()
    _servers.clear()
    _set(_before)
    _before.clear()


def _set(values: Mapping[str, str | None]) -> None:
    """Set the environment variables, or unset those that are None."""
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _summary(session: Session) -> str:
    """What `start` prints: no port of ours and no key, so that notebook outputs can be compared."""
    if session.mode == "offline":
        return "Offline: simulated model and tool server, on this machine"
    here = session.tools_url.startswith("http://127.0.0.1:")
    tools = (
        "tool server on this machine" if here else f"tools at {proxies.shown(session.tools_url)}"
    )
    return (
        f"Live: requests go to {proxies.shown(session.base_url)} with your OPENAI_API_KEY; {tools}"
    )
