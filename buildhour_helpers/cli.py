"""The command line: `python workshop.py VERB`, or `buildhour VERB` where that is on the path."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from buildhour_helpers import doctor as checkup
from buildhour_helpers import jupyter, lifetimes, proxies, servers, session
from buildhour_helpers.errors import Interrupted, WorkshopError
from buildhour_helpers.home import home, is_checkout, prepare, program, repository

INTERRUPTED = 130
POLL_S = 0.5
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as lint; lint()"
# The lessons come first: each takes long, so none must be left for the end.
EVERYTHING = (
    *("-n", "2", "--dist", "loadscope"),
    *("--nbval", "--nbval-current-env", "solutions", "notebooks", "tests"),
)
STAYS_HERE = "Nothing leaves this machine."
PASS_ON = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": ["--help"],
}

ReportsOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="reports that import-finqa made")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")]

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The Agent RFT workshop. `VERB --help` explains a verb.",
    epilog="State is kept in the folder that BUILDHOUR_HOME names, or else in .buildhour/: of the "
    "checkout, or of your home folder without one.",
    subcommand_metavar="VERB ...",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status."""
    lifetimes.end_like_ctrl_c()
    if wrapper := os.environ.get("BUILDHOUR_WRAPPER"):  # workshop.py, where it cannot become this
        lifetimes.end_with(int(wrapper))
    try:
        app(arguments, prog_name=program())
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


class Verb(TyperCommand):
    """A command whose help ends with examples and whose WorkshopError becomes one line.

    The epilog holds the examples, one a line, without the program's name.
    """

    def format_epilog(self, _ctx: Any, formatter: Any) -> None:
        examples = (self.epilog or self.name or "").splitlines()
        formatter.write("\nexamples:\n" + "".join(f"  {program()} {e}\n" for e in examples))

    def invoke(self, ctx: Any) -> None:
        try:
            raise typer.Exit(super().invoke(ctx) or 0)
        except WorkshopError as error:
            print(f"{ctx.command_path}: {error}", file=sys.stderr)
            raise typer.Exit(INTERRUPTED if isinstance(error, Interrupted) else 1) from None
        except KeyboardInterrupt:
            print(f"\n{ctx.command_path}: stopped", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None


def verb(
    name: str, *examples: str, **settings: Any
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Register a function as a verb: its docstring is the help, its result the exit status."""
    return app.command(name, cls=Verb, epilog="\n".join(examples), **settings)


@verb(
    "demo",
    "demo",
    "demo --seed 7 --json result.json",
    "demo --reports finqa --steps 30",
    "demo --reasoning-token-penalty 0",
)
def demo(
    seed: Annotated[int, typer.Option(min=0, help="decides everything")] = 0,
    steps: Annotated[int, typer.Option(min=1, help="training steps")] = 40,
    questions: Annotated[int, typer.Option(min=1, help="held-out questions to compare on")] = 100,
    reports: ReportsOption = None,
    concurrency: Annotated[int, typer.Option(min=1, help="rollouts at once")] = 32,
    json_path: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="write the figures to FILE")
    ] = None,
    reasoning_token_penalty: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=10,
            help="reward that 1,000 reasoning tokens cost in training; "
            "left out: the model's default",
        ),
    ] = None,
) -> int:
    """Train the agent and measure its gain on held-out questions."""
    from buildhour_helpers.demo import DemoOptions, run

    print("Requests go to a local service of this run; nothing leaves this machine.", flush=True)
    run(
        DemoOptions(
            seed, steps, questions, reports, concurrency, json_path, reasoning_token_penalty
        )
    )
    return 0


@verb(
    "lab",
    "lab",
    "lab --no-browser --port 9999        (any option of `jupyter lab`)",
    context_settings=PASS_ON,
)
def lab(context: typer.Context) -> int:
    """Open JupyterLab on the first notebook, with the servers up."""
    users = home() / "servers" / f"lab-{os.getpid()}.users"
    watched = [sys.executable, "-m", "buildhour_helpers.lifetimes", str(users)]
    folder = repository() if is_checkout() else Path.cwd()
    workspaces = prepare() / "lab"
    command = [*watched, "jupyterlab", *jupyter.arguments(folder, workspaces), *context.args]
    try:
        session.start(quiet=True, bound=True)
        print(session.destination(), flush=True)
        if session.mode() == "offline":
            print(f"Jobs: {session.page_link()}", flush=True)
        lifetimes.add_user(users)
        process = subprocess.Popen(command, cwd=folder, env=jupyter.environment(os.environ))
        return waited(process)
    finally:
        shutil.rmtree(users, ignore_errors=True)
        servers.release(home(), bound_only=True)


@verb(
    "serve",
    "serve",
    "serve --json --port 8001 --tools-port 8002",
    "serve --host 0.0.0.0 --port 8001 --allowed-host rft.example.com --keys team.keys --jobs 4",
    "serve --engine tinker --engine-url http://127.0.0.1:8000 --tokenizer models/Qwen3-0.6B",
)
def serve(
    as_json: Annotated[
        bool, typer.Option("--json", help="one line of JSON once both answer")
    ] = False,
    port: Port = 0,
    tools_port: Port = 0,
    reports: ReportsOption = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="address that the service listens on; it speaks plain HTTP, so put a proxy with "
            "TLS in front of it",
        ),
    ] = "127.0.0.1",
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="a name that requests may be sent to besides 127.0.0.1 and localhost; may be "
            "repeated",
        ),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="further keys, a line `NAME KEY` for each person; jobs tell who created them",
        ),
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=1, help="jobs that train at once; others are queued")
    ] = 1,
    max_upload: Annotated[
        int, typer.Option(min=1, metavar="MIB", help="size of one uploaded file")
    ] = 512,
    max_storage: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="MIB", help="size of all uploaded files together  [default: no limit]"
        ),
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="rollouts of a job at once")] = 32,
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="where the models live: simulated or tinker")
    ] = "simulated",
    engine_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="tinker: the engine  [default: hosted, TINKER_API_KEY]"),
    ] = None,
    base_model: Annotated[
        str | None, typer.Option(metavar="NAME", help="tinker: the model, as the engine names it")
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="tinker: the folder of tokenizer.json")
    ] = None,
    engine_option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="tinker: see docs/real-models.md; may be repeated"),
    ] = None,
) -> int:
    """Run service and tool server until interrupted.

    Prints their addresses and keys. The tool server stays on 127.0.0.1. For a team see
    docs/elsewhere.md.
    """
    given: dict[str, Any] = {
        "--host": host if host != "127.0.0.1" else None,
        "--keys": keys and keys.resolve(),
        "--jobs": jobs if jobs != 1 else None,
        "--max-upload": max_upload if max_upload != 512 else None,
        "--max-storage": max_storage,
        "--concurrency": concurrency if concurrency != 32 else None,
        "--engine": engine if engine != "simulated" else None,
        "--engine-url": engine_url,
        "--base-model": base_model,
        "--tokenizer": tokenizer and tokenizer.resolve(),
    }
    options = [str(part) for pair in given.items() if pair[1] is not None for part in pair]
    options += [part for name in allowed_host or () for part in ("--allowed-host", name)]
    options += [part for text in engine_option or () for part in ("--engine-option", text)]
    try:
        up = session.start(
            "offline",
            reports=reports,
            port=port,
            tools_port=tools_port,
            quiet=True,
            bound=True,
            service_options=options,
        )
        about = {
            name: getattr(up, name) for name in ("base_url", "api_key", "tools_url", "tools_key")
        }
        if as_json:
            print(json.dumps(about), flush=True)
        else:
            about["job page"] = session.page_link()
            print("\n".join(f"{name:10} {value}" for name, value in about.items()))
            print(session.destination() if engine == "simulated" else _leaves_for(engine_url))
            if names := proxies.in_use():
                print(f"{', '.join(names)}: give your programs NO_PROXY=127.0.0.1,localhost too.")
            sys.stdout.flush()
        while session.running().keys() >= {"service", "tools"}:
            time.sleep(POLL_S)
        raise WorkshopError(f"a server ended by itself; its log is in {home() / 'logs'}")
    except KeyboardInterrupt:
        return 0
    finally:
        servers.release(home(), bound_only=True)


def _leaves_for(engine_url: str | None) -> str:
    """One line that says where an engine's service sends what it is sent."""
    return f"Conversations and results go on to the engine: {engine_url or 'hosted Tinker'}."


@verb("engine", "engine --tiny", "engine --tiny --port 8100")
def engine(
    tiny: Annotated[
        bool, typer.Option("--tiny", help="a small model in numpy, for trying things out")
    ] = False,
    port: Port = 0,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--home", metavar="DIR", help="its tokenizer and saved weights; left out: in the state"
        ),
    ] = None,
) -> int:
    """Run an engine that jobs can train on until interrupted.

    Prints the command that starts the service in front of it.
    """
    if not tiny:
        raise WorkshopError("which engine? Give --tiny; for others see docs/real-models.md")
    state = prepare()
    options = ["--home", str(folder or state / "tiny-engine"), "--port", str(port)]
    return run_module("rft_service.engines.tiny", *options)


def run_module(module: str, *arguments: str) -> int:
    """Run a module like `python -m MODULE` until it ends or is interrupted; its exit status. It
    ends with this program, however that ends."""
    users = home() / "servers" / f"{module}-{os.getpid()}.users"
    command = [sys.executable, "-m", "buildhour_helpers.lifetimes", str(users), module]
    lifetimes.add_user(users)
    process = subprocess.Popen([*command, *arguments])
    try:
        return waited(process)
    finally:
        shutil.rmtree(users, ignore_errors=True)


def waited(process: subprocess.Popen[bytes]) -> int:
    """A program's exit status once it has ended; Ctrl-C ends it, and counts as success."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        return 0


@verb("import-finqa", "import-finqa FinQA/dataset finqa")
def import_finqa(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="a folder with train.json, dev.json, test.json, or one such file"
        ),
    ],
    destination: Annotated[
        Path,
        typer.Argument(metavar="DESTINATION", help="the folder to write, outside the state folder"),
    ],
    force: Annotated[
        bool, typer.Option("--force", help="replace reports that the folder holds already")
    ] = False,
) -> int:
    """Turn FinQA's published JSON into reports and questions."""
    from buildhour_helpers.reports.store import REPORTS_FILE
    from buildhour_helpers.tasks import finqa

    print(STAYS_HERE)
    if destination.resolve().is_relative_to(home()):
        raise WorkshopError(
            f"{destination}: is in the state folder, which `reset` deletes; give a folder beside it"
        )
    if (destination / REPORTS_FILE).exists() and not force:
        raise WorkshopError(
            f"{destination}: holds reports already; give a new folder, or --force to replace them"
        )
    try:
        report = finqa.import_finqa(source, destination)
    except OSError as error:
        said = f"{error.filename}: {error.strerror}; give another folder"
        raise WorkshopError(said if error.strerror else str(error)) from error
    except ValueError as error:
        raise WorkshopError(str(error)) from error
    print(report.summary())
    if not report.questions.total() and report.skipped:
        raise WorkshopError(f"{source}: no question could be read; the list above says why")
    if missing := report.missing_splits():
        print(f"\nThe tools can read it; a demo also needs {', '.join(missing)} questions.")
    else:
        print(f"\nNow: {program()} demo --reports {destination}")
    return 0


class ExportKind(StrEnum):
    """What a job can be exported to."""

    TRL = "trl"
    OPENAI = "openai"
    METRICS = "metrics"


@verb(
    "export",
    "export trl job.json --rows train.jsonl -o train.py",
    "export openai job.json --rows train.jsonl --validation valid.jsonl --model o4-mini -o request",
    "export metrics ftjob-... -o metrics",
)
def export(
    kind: Annotated[
        ExportKind,
        typer.Argument(
            metavar="KIND",
            help="trl: a script for TRL's GRPOTrainer. openai: the request and its files, for a "
            "service that takes Agent RFT jobs. metrics: a CSV file, and TensorBoard's event files "
            "where tensorboardx is installed",
        ),
    ],
    job: Annotated[
        str,
        typer.Argument(
            metavar="JOB",
            help="a file with the body of POST /v1/fine_tuning/jobs, or the ID of a job of the "
            "running service (or of the one that OPENAI_BASE_URL names), whose files come with it",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PATH", help="a file for trl, else a folder")
    ],
    rows: Annotated[
        Path | None, typer.Option(metavar="FILE", help="training rows of a JOB that is a file")
    ] = None,
    validation: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="its validation rows; also of an ID without such a file"),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="openai: the model to train there")
    ] = None,
) -> int:
    """Write a job for other programs: TRL, another provider, TensorBoard."""
    from buildhour_helpers.export import job as jobs
    from buildhour_helpers.export import metrics, request, trl

    is_id = job.startswith("ftjob-") and not Path(job).exists()
    if kind is ExportKind.METRICS:
        if not is_id:
            raise WorkshopError(f"{job}: metrics are a service's; give the ID of a job (ftjob-...)")
        said = metrics.write(jobs.service(), job, output)
    else:
        folder = output.parent if kind is ExportKind.TRL else output
        if is_id:
            wanted = jobs.fetch_job(jobs.service(), job, folder, validation)
        else:
            wanted = jobs.read_job(Path(job), rows, validation)
        if kind is ExportKind.TRL:
            said = trl.write_script(wanted, output)
        else:
            said = request.write_request(wanted, model, output)
    print("\n".join(said))
    return 0


@verb(
    "new",
    "new my-agent",
    "new my-agent --from tools.json      (also .yaml, and .py with functions)",
    "new my-agent --mcp https://mcp.example/mcp",
    "new my-agent --mcp 'python my_server.py'",
)
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="the folder to write: a new one")],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="what describes the tools: a JSON Schema file, an OpenAPI document, or Python "
            "functions (imported, and called a few times for example rows)",
        ),
    ] = None,
    mcp: Annotated[
        str | None,
        typer.Option(
            metavar="SERVER", help="an MCP server: its address, or the command that starts it"
        ),
    ] = None,
) -> int:
    """Start your own project from a description of its tools."""
    from buildhour_helpers.new import create

    if mcp is not None:
        print("Asking the MCP server for its tools", flush=True)
    made = create(folder, source, mcp)
    print(f"{folder}: {', '.join(tool.name for tool in made.tools)}")
    print(f"Now: cd {shlex.quote(str(folder))} && make check")
    return 0


@verb(
    "test",
    "test",
    "test tests/test_cli.py -k help      (pytest alone, with any of its options)",
    context_settings=PASS_ON,
)
def test(context: typer.Context) -> int:
    """Check style, types and imports; run the lessons and tests."""
    folder = repository()
    print(STAYS_HERE, flush=True)
    python = sys.executable
    checks = [
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        [python, "-c", LINT_IMPORTS],
    ]
    tests = [python, "-m", "pytest", *(context.args or EVERYTHING)]
    commands = [tests] if context.args else [*checks, tests]
    statuses = [subprocess.run(c, cwd=folder, check=False).returncode for c in commands]
    failed = [" ".join(c[-2:]) for c, s in zip(commands[:-1], statuses[:-1], strict=True) if s]
    if failed:
        print(f"{program()} test: failed before pytest: {'; '.join(failed)}", file=sys.stderr)
    return next((status for status in statuses if status), 0)


@verb("doctor")
def doctor() -> int:
    """Say what is missing or broken on this machine, and the fix."""
    return checkup.main()


@verb("reset")
def reset() -> int:
    """Stop what was started and delete the state folder."""
    folder = home()
    print(f"Deleted {folder}" if session.reset() else f"Nothing to delete: no {folder}")
    print(session.own_service() or STAYS_HERE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
