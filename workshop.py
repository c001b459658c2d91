"""Install the workshop on the first call, then run `buildhour`: `python workshop.py demo`.

The first call creates `.venv` beside this file and installs the pinned packages into it; so does
a later call after pyproject.toml or constraints.txt has changed. `--help` installs nothing. After
the folder was moved or renamed, the paths in `.venv` are corrected, without a network. Needs only
Python 3.11 or newer.
The syntax is one that much older Pythons can read, so that they too can say what is wrong.
"""

from __future__ import print_function

import sys

NEEDED = (3, 11)
if sys.version_info < NEEDED:
    sys.exit(
        "workshop.py needs Python %d.%d or newer, and this is %d.%d (%s). "
        "Install a newer one from python.org, then run: python3 workshop.py"
        % (NEEDED + tuple(sys.version_info[:2]) + (sys.executable,))
    )

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECONDS_BETWEEN_LINES = 10
EXTRA_OF_VERB = {"engine": "engines", "lab": "engines", "test": "test"}
NO_NETWORK = ("NewConnectionError", "NameResolutionError", "TimeoutError", "ProxyError")


class SetupError(Exception):
    """Something that the reader can fix; the message is one line that says how."""


def fingerprint(root):
    """A hash of everything that decides what has to be installed."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def installed(marker):
    """What the last complete install recorded: {"fingerprint": str, "extras": [str], "root": str}.

    `root` is the folder for which the paths in the environment are right.
    """
    try:
        found = json.loads(marker.read_text(encoding="utf-8"))
        texts = {name: str(found[name]) for name in ("fingerprint", "root")}
        return dict(texts, extras=list(found["extras"]))
    except (OSError, ValueError, KeyError, TypeError):
        return {"fingerprint": "", "extras": [], "root": ""}


def extras_to_install(found, expected_fingerprint, verb):
    """The extras to install now, or None if everything that `verb` needs is installed."""
    extras = set(found["extras"])
    needed = extras | ({EXTRA_OF_VERB[verb]} if verb in EXTRA_OF_VERB else set())
    if found["fingerprint"] == expected_fingerprint and needed == extras:
        return None
    return sorted(needed)


def venv_program(venv, name):
    """Path of a program in a virtual environment, on any platform."""
    if os.name == "nt":
        return venv / "Scripts" / (name + ".exe")
    return venv / "bin" / name


def works(python):
    """Whether a virtual environment's Python still runs, and is new enough."""
    check = "import sys, pip; sys.exit(sys.version_info < %r)" % (NEEDED,)
    try:
        done = subprocess.run([str(python), "-c", check], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def make_venv(venv):
    """Create a new virtual environment. Raises SetupError."""
    tell("Making a virtual environment in %s" % venv.name)
    shutil.rmtree(str(venv), ignore_errors=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(venv)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        said = (made.stdout + made.stderr).strip()
        if "ensurepip" in said:
            raise SetupError(
                "this Python cannot make virtual environments: install its venv package "
                "(Debian, Ubuntu: sudo apt install python3-venv), then run the same command again"
            )
        last = said.splitlines()[-1] if said else "no reason given"
        raise SetupError("cannot make %s: %s" % (venv, last))


def progress_of(line, collected):
    """What a line of pip's output means for the reader, or None; adds to `collected`."""
    if line.startswith("Collecting "):
        collected.add(line.split()[1])
        return "%d packages found" % len(collected)
    if line.startswith("Installing collected packages"):
        return "%d packages found, unpacking them" % len(collected)
    return None


def explain_failure(log_text):
    """One line that says why pip failed and how to fix it."""
    if any(word in log_text for word in NO_NETWORK):
        return (
            "no package index can be reached: the first install needs a network (nothing "
            "after it does); connect, then run the same command again"
        )
    if "No space left on device" in log_text:
        return "the disk is full: free about 2 GB, then run the same command again"
    errors = [line for line in log_text.splitlines() if line.startswith("ERROR:")]
    return errors[-1][len("ERROR:") :].strip() if errors else "pip failed"


def tell(line, end="\n"):
    """Progress goes to stderr: stdout is the verb's (`serve --json`)."""
    print(line, end=end, file=sys.stderr, flush=True)


def install(venv, root, extras):
    """Install the project, editable, at the pinned versions; pip's output goes to a log."""
    target = str(root) + ("[%s]" % ",".join(extras) if extras else "")
    command = [str(venv_program(venv, "python")), "-m", "pip", "install", "--retries", "2"]
    command += ["--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--constraint", str(root / "constraints.txt"), "--editable", target]
    log_path = venv / "install.log"
    started, collected = time.monotonic(), set()
    moving = sys.stderr.isatty()  # elsewhere, such as in a log, a line now and then
    end = "\r" if moving else "\n"
    tell("Installing packages (once; a few minutes)", end=end)
    told = started
    with log_path.open("w", encoding="utf-8") as log:
        pip = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        try:
            for line in pip.stdout:
                log.write(line)
                news = progress_of(line.strip(), collected)
                is_due = moving or "unpacking" in (news or "")
                if news and (is_due or time.monotonic() - told > SECONDS_BETWEEN_LINES):
                    told = time.monotonic()
                    tell("Installing packages: " + (news.ljust(45) if moving else news), end=end)
        except BaseException:
            pip.terminate()
            raise
        finally:
            pip.wait()
    if moving:
        tell("")
    if pip.returncode:
        why = explain_failure(log_path.read_text(encoding="utf-8"))
        raise SetupError("%s (pip's output: %s)" % (why, log_path))
    tell("Installed in %.0f s" % (time.monotonic() - started))


def move(venv, old_root, root):
    """Correct the paths in an environment whose folder was moved: in its programs and `.pth` files.

    Launchers of Windows (`.exe`) stay as they are; `python workshop.py` needs none of them.
    """
    tell("The folder was moved: correcting the paths in %s" % venv.name)
    old, new = re.escape(os.fsencode(str(old_root))), os.fsencode(str(root))
    old_path = re.compile(old + rb"(?![^/\\\s\"'])")  # not one that only begins with the same name
    # A `#!` line can hold no space and is limited in length; this is what pip writes then.
    python = os.fsencode(str(venv_program(venv, "python")))
    first_lines = b"#!/bin/sh\n'''exec' \"" + python + b'" "$0" "$@"\n\' \'\'\'\n'
    programs = venv_program(venv, "python").parent
    for file in [*programs.iterdir(), *venv.rglob("*.pth")]:
        if file.suffix == ".exe" or file.is_symlink() or not file.is_file():
            continue
        text = file.read_bytes()
        moved = re.sub(rb"\A#!" + old + rb"/.*\n", lambda _: first_lines, text)
        moved = old_path.sub(lambda _: new, moved)
        if moved != text:
            file.write_bytes(moved)


def missing_extras(root, verb):
    """The extras that have to be installed for `verb`, or None if `.venv` is ready for it."""
    venv = root / ".venv"
    found = installed(venv / "workshop.json")
    if not works(venv_program(venv, "python")):
        found["fingerprint"] = ""
    return extras_to_install(found, fingerprint(root), verb)


def prepare(root, verb):
    """Get `.venv` ready for `verb`; returns the command that runs `buildhour` there."""
    venv = root / ".venv"
    marker = venv / "workshop.json"
    found = installed(marker)
    extras = missing_extras(root, verb)
    if extras is not None:
        if not works(venv_program(venv, "python")):
            make_venv(venv)
        marker.unlink(missing_ok=True)
        install(venv, root, extras)
    elif found["root"] != str(root):
        extras = found["extras"]
        move(venv, found["root"], root)
    if extras is not None:
        record = {"fingerprint": fingerprint(root), "extras": extras, "root": str(root)}
        marker.write_text(json.dumps(record), encoding="utf-8")
    return [str(venv_program(venv, "python")), "-P", "-m", "buildhour_helpers"]


def help_text(root, verb):
    """The help of a verb, or of all of them, for a machine on which nothing is installed."""
    page = (root / "docs" / "commands.md").read_text(encoding="utf-8")
    shown = page.split("```\n")[1::2]
    begins = "Usage: python workshop.py %s " % verb
    return next((text for text in shown if text.startswith(begins)), shown[0])


def variables(root):
    """The environment of `buildhour`: it finds its packages here, wherever the folder was moved."""
    paths = [str(root)] + list(filter(None, [os.environ.get("PYTHONPATH")]))
    return dict(
        os.environ,
        BUILDHOUR_COMMAND="python workshop.py",
        PYTHONPATH=os.pathsep.join(paths),
    )


def pass_on(command, root=HERE):
    """Become the command, so that every signal reaches it.

    Windows cannot: there this process waits, Ctrl-C reaches both, and the command ends when it sees
    that this process has ended.
    """
    if os.name != "nt":
        os.execve(command[0], command, variables(root))  # noqa: S606
    environment = dict(variables(root), BUILDHOUR_WRAPPER=str(os.getpid()))
    child = subprocess.Popen(command, env=environment)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


def interrupt(_signal, _frame):
    raise KeyboardInterrupt


def main(arguments):
    verb = next((word for word in arguments if not word.startswith("-")), "")
    for name in ("SIGTERM", "SIGHUP"):  # end what pip started, too
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) == signal.SIG_DFL:
            signal.signal(getattr(signal, name), interrupt)
    try:
        wants_help = not arguments or "--help" in arguments or "-h" in arguments
        if wants_help and missing_extras(HERE, verb) is not None:
            print(help_text(HERE, verb), end="")
            return 0 if arguments else 2
        return pass_on(prepare(HERE, verb) + arguments)
    except SetupError as error:
        print("workshop.py: %s" % error, file=sys.stderr)
        return 1
    except OSError as error:
        print("workshop.py: %s: %s" % (error.filename, error.strerror), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nworkshop.py: stopped; the next call continues from here", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
