"""Install the workshop on the first call, then run `buildhour`: `python workshop.py demo`.

The first call creates `.venv` beside this file and installs the pinned packages into it; so does
a later call after pyproject.toml or constraints.txt has changed. Needs only Python 3.11 or newer.
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
import shutil
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXTRA_OF_VERB = {"test": "test"}
NO_NETWORK = ("NewConnectionError", "NameResolutionError", "TimeoutError", "ProxyError")


class SetupError(Exception):
    """Something that the reader can fix; the message is one line that says how."""


def fingerprint(root):
    """A hash of everything that decides what has to be installed, and of where: after the folder
    was moved, the environment still points to the old one."""
    digest = hashlib.sha256(str(root).encode("utf-8"))
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def installed(marker):
    """What the last complete install recorded: {"fingerprint": str, "extras": [str]}."""
    try:
        found = json.loads(marker.read_text(encoding="utf-8"))
        return {"fingerprint": str(found["fingerprint"]), "extras": list(found["extras"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"fingerprint": "", "extras": []}


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
    print("Making a virtual environment in %s" % venv.name, flush=True)
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


def install(venv, root, extras):
    """Install the project, editable, at the pinned versions; pip's output goes to a log."""
    target = str(root) + ("[%s]" % ",".join(extras) if extras else "")
    command = [str(venv_program(venv, "python")), "-m", "pip", "install", "--retries", "2"]
    command += ["--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--constraint", str(root / "constraints.txt"), "--editable", target]
    log_path = venv / "install.log"
    started, collected = time.monotonic(), set()
    shown = sys.stdout.isatty()
    print("Installing packages (once; a few minutes)", end="\r" if shown else "\n", flush=True)
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
                if news and shown:
                    print("Installing packages: %-45s" % news, end="\r", flush=True)
        except BaseException:
            pip.terminate()
            raise
        finally:
            pip.wait()
    if shown:
        print()
    if pip.returncode:
        why = explain_failure(log_path.read_text(encoding="utf-8"))
        raise SetupError("%s (pip's output: %s)" % (why, log_path))
    print("Installed in %.0f s" % (time.monotonic() - started), flush=True)


def prepare(root, verb):
    """Get `.venv` ready for `verb`; returns the command that runs `buildhour` there."""
    venv = root / ".venv"
    marker = venv / "workshop.json"
    if not works(venv_program(venv, "python")):
        make_venv(venv)
    expected = fingerprint(root)
    found = installed(marker)
    extras = extras_to_install(found, expected, verb)
    if extras is not None:
        marker.unlink(missing_ok=True)
        install(venv, root, extras)
        text = json.dumps({"fingerprint": expected, "extras": extras})
        marker.write_text(text, encoding="utf-8")
    return [str(venv_program(venv, "python")), "-P", "-m", "buildhour_helpers"]


def pass_on(command):
    """Run the command to its end. Ctrl-C reaches it too, and it decides how to stop."""
    child = subprocess.Popen(command, env=dict(os.environ, BUILDHOUR_COMMAND="python workshop.py"))
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


def main(arguments):
    verb = next((word for word in arguments if not word.startswith("-")), "")
    try:
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
