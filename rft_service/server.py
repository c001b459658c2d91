"""One service as a process: it holds its state folder, listens (on loopback, unless `--host` says
otherwise) and says where."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import importlib
import inspect
import json
import logging
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from rft_service.api.security import LOOPBACK_HOSTS, api_key, read_keys
from rft_service.app import DATABASE, Settings, create_app
from rft_service.graders.python import isolation
from rft_service.graders.run import Judge
from rft_service.ids import repeat_ids
from rft_service.lock import AlreadyRunningError, FolderLock
from rft_service.rl.engine import Engine
from rft_service.store.database import Database
from rft_service.store.files import FileStore
from rft_wire.client import EndpointLimits

HOST = "127.0.0.1"
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  (what `--host` may say)
SHUTDOWN_S = 3  # for requests that are under way; streams of open pages are cut then


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m rft_service")
    parser.add_argument(
        "--home",
        type=Path,
        default=default_home(),
        help="the state folder (default: $BUILDHOUR_HOME, or .buildhour in your home folder)",
    )
    parser.add_argument("--check", action="store_true", help="load the base model and exit")
    parser.add_argument(
        "--engine",
        default="simulated",
        help="where the models live: simulated, tinker, or a module with `create`",
    )
    parser.add_argument("--engine-url", metavar="URL", help="tinker: where it is (default: hosted)")
    parser.add_argument("--base-model", metavar="NAME", help="tinker: the model, as it names it")
    parser.add_argument(
        "--tokenizer", metavar="FOLDER", help="tinker: the folder of tokenizer.json"
    )
    parser.add_argument(
        "--engine-option",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="tinker: any option of docs/real-models.md; may be given several times",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default=HOST, help=f"address to listen on (default: {HOST})")
    parser.add_argument(
        "--allowed-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name that requests may be sent to besides loopback; may be repeated",
    )
    parser.add_argument(
        "--keys", type=Path, metavar="FILE", help="further keys: a line `NAME KEY` for each person"
    )
    parser.add_argument(
        "--jobs", type=positive, default=1, help="jobs that train at once; others are queued"
    )
    parser.add_argument(
        "--max-upload", type=positive, default=512, metavar="MIB", help="size of one file"
    )
    parser.add_argument(
        "--max-storage", type=positive, metavar="MIB", help="size of all files together"
    )
    parser.add_argument("--json", action="store_true", help="print address and key as JSON")
    parser.add_argument("--concurrency", type=int, default=32, help="rollouts of a job at once")
    parser.add_argument("--id-seed", help="derive IDs from this and what is stored")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other answers")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds an endpoint may take")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds before the first retry")
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    """A whole number above 0. Raises ValueError, which argparse turns into its message."""
    if (number := int(text)) < 1:
        raise ValueError
    return number


def default_home() -> Path:
    """Where state goes without `--home`; never into whatever folder is the current one."""
    return Path(os.environ.get("BUILDHOUR_HOME") or "~/.buildhour").expanduser()


def create_engine(chosen: argparse.Namespace) -> tuple[Engine, Judge]:
    """An engine and its grading model, from `create` of a module: one of this package's engines,
    or any other module by its full name. Raises ImportError or ValueError with the fix."""
    name: str = chosen.engine
    module = importlib.import_module(name if "." in name else f"rft_service.engines.{name}")
    options = engine_options(chosen)
    takes = inspect.signature(module.create).parameters
    if not any(one.kind is one.VAR_KEYWORD for one in takes.values()):
        for option in options.keys() - takes.keys():
            raise ValueError(f"the engine {name!r} has no option {option!r}; leave it out")
    made: tuple[Engine, Judge] = module.create(chosen.home / "weights", chosen.seed, **options)
    return made


def engine_options(chosen: argparse.Namespace) -> dict[str, str]:
    """What was given for the engine, by name. Raises ValueError for what is not NAME=VALUE."""
    named = {name: getattr(chosen, name) for name in ("engine_url", "base_model", "tokenizer")}
    options = {name: value for name, value in named.items() if value}
    for text in chosen.engine_option:
        option, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--engine-option {text!r}: write NAME=VALUE")
        options[option] = value
    return options


async def describe(engine: Engine) -> str:
    """One line about the default model. Raises ValueError if its weights are damaged."""
    model = engine.models[0].name
    weights = await (await engine.sampler(model)).weights()
    return f"{model}, {len(weights.get('weights', weights))} weights" if weights else model


def serve(chosen: argparse.Namespace) -> int:
    """Serve until a signal ends it; the exit status. What keeps it from starting is one line."""
    folder = chosen.home
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        holders = read_keys(chosen.keys) if chosen.keys else {}
        hosts = allowed_hosts(chosen.host, chosen.allowed_host)
    except OSError as error:
        return refuse(f"--keys {chosen.keys}: {error.strerror}; name a file with lines `NAME KEY`")
    except ValueError as error:
        return refuse(str(error))
    try:
        engine, judge = create_engine(chosen)
        about = asyncio.run(describe(engine))
    except (ImportError, AttributeError, ValueError) as error:
        return refuse(str(error))
    if chosen.check:
        confined = " and ".join(isolation()) or "the audit hook alone (docs/security.md)"
        print(f"{about}; python graders confined by {confined}")
        return 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FolderLock(folder)
        key = api_key(folder)
        made = opened(folder)
    except AlreadyRunningError as error:
        return refuse(str(error))
    except sqlite3.Error as error:
        fix = "move it away to start with an empty one"
        return refuse(f"the database {folder / DATABASE} cannot be used ({error}); {fix}")
    except OSError as error:
        reason = f"{error.strerror or error}: {error.filename or folder}"
        return refuse(f"the state folder {folder} cannot be used ({reason}); choose another")
    try:
        listener = listen(chosen.port, chosen.host)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        where = f"port {chosen.port} of {chosen.host}"
        return refuse(f"{where} cannot be used ({reason}); choose another")
    if chosen.id_seed:
        repeat_ids(f"{chosen.id_seed}/{made}")
    base_url = f"http://{reached_at(chosen.host)}:{listener.getsockname()[1]}/v1"

    def announce() -> None:
        lock.publish(base_url)
        told = {"base_url": base_url, "api_key": key, "pid": os.getpid()}
        print(json.dumps(told) if chosen.json else f"serving {base_url}", flush=True)

    settings = Settings(
        home=folder,
        engine=engine,
        judge=judge,
        limits=EndpointLimits(timeout_s=chosen.timeout, first_pause_s=chosen.pause),
        concurrency=chosen.concurrency,
        jobs=chosen.jobs,
        holders=holders,
        hosts=hosts,
        upload_bytes=chosen.max_upload * 2**20,
        stored_bytes=None if chosen.max_storage is None else chosen.max_storage * 2**20,
    )
    config = uvicorn.Config(
        create_app(settings),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    logging.getLogger("uvicorn.error").addFilter(is_no_cancellation)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    collect_garbage_rarely()
    try:
        Server(config, announce).run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # uvicorn has shut down in order, and raises the signal that it was sent
    finally:
        lock.release()
    return 0


def collect_garbage_rarely() -> None:
    """Look for cycles after 100,000 new objects instead of Python's 700: rollouts make many objects
    and few cycles, and looking took a seventh of a job's time."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def is_no_cancellation(record: logging.LogRecord) -> bool:
    """Whether a log record tells of more than a request that was cut short by the shutdown."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def opened(folder: Path) -> int:
    """Open database and files once, so that what is wrong with them is said before anything is
    served. Returns how many objects were ever stored. Raises OSError or sqlite3.Error."""
    with contextlib.closing(Database(folder / DATABASE)) as database:
        FileStore(database, folder)
        row = database.row("SELECT ifnull(sum(seq), 0) AS made FROM sqlite_sequence")
        return int(row["made"]) if row else 0


def allowed_hosts(host: str, names: Sequence[str]) -> tuple[str, ...]:
    """The Host headers to serve, ports left out. Raises ValueError if no name is given for a
    service that listens on every address: nobody else could call it."""
    if host in EVERY_ADDRESS:
        if not names:
            raise ValueError(
                f"--host {host} listens on every address; give --allowed-host NAME, the name that "
                "requests will be sent to, for each such name"
            )
        return (*LOOPBACK_HOSTS, *names)
    return (*LOOPBACK_HOSTS, bracketed(host), *names)


def bracketed(host: str) -> str:
    """A host as it is written in a URL: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


def reached_at(host: str) -> str:
    """The host by which this machine reaches a service that listens on `host`."""
    return HOST if host in EVERY_ADDRESS else bracketed(host)


def listen(port: int, host: str = HOST) -> socket.socket:
    """A listening socket. Raises OSError or OverflowError if the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(256)
    return listener


class Server(uvicorn.Server):
    """A uvicorn server that says when it answers."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()


def refuse(message: str) -> int:
    """One line on stderr, and the exit status of a service that did not start."""
    print(f"service: {message}", file=sys.stderr)
    return 1
