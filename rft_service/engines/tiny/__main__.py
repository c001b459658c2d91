"""`python -m rft_service.engines.tiny`: run the tiny engine; `--help` lists its options."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import sys
from pathlib import Path

import uvicorn

try:
    from rft_service.engines.tiny.server import MODEL_NAME, create_app
    from rft_service.engines.tiny.tokenizer import write_tokenizer
except ImportError as error:
    sys.exit(
        f"engine: it needs the package {error.name!r}: run `python -m pip install "
        "'tinker>=0.25,<0.26' 'renderers>=0.1.12,<0.2'` in this environment"
    )

HOST = "127.0.0.1"
LEARNING_RATE = "4e-4"  # suits its few weights


def options() -> argparse.Namespace:
    state = Path(os.environ.get("BUILDHOUR_HOME") or "~/.buildhour").expanduser()
    parser = argparse.ArgumentParser(prog="python -m rft_service.engines.tiny")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--home",
        type=Path,
        default=state / "tiny-engine",
        help="the folder for the tokenizer and for saved weights",
    )
    parser.add_argument("--json", action="store_true", help="print address and names as JSON")
    parser.add_argument("--faults", action="store_true", help="let tests inject faults over HTTP")
    return parser.parse_args()


def main() -> int:
    chosen = options()
    tokenizer = chosen.home.absolute() / "tokenizer"
    try:
        write_tokenizer(tokenizer)
        listener = socket.create_server((HOST, chosen.port))
    except (OSError, OverflowError) as error:
        print(f"engine: cannot start ({error}); choose another port or --home", file=sys.stderr)
        return 1
    app = create_app(chosen.home, with_faults=chosen.faults)
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    # after Ctrl-C uvicorn shuts down in order, and then raises the signal that it was sent
    with contextlib.suppress(KeyboardInterrupt):
        announce(f"http://{HOST}:{listener.getsockname()[1]}", tokenizer, as_json=chosen.json)
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def announce(url: str, tokenizer: Path, *, as_json: bool) -> None:
    about = {"url": url, "base_model": MODEL_NAME, "tokenizer": str(tokenizer)}
    if as_json:
        print(json.dumps(about | {"pid": os.getpid()}), flush=True)
        return
    print("\n".join(f"{name:10} {value}" for name, value in about.items()))
    print("Train it with the service, in another terminal:")
    print(
        f"{os.environ.get('BUILDHOUR_COMMAND', 'buildhour')} serve --engine tinker "
        f"--engine-url {url} --base-model {MODEL_NAME} --tokenizer {tokenizer} "
        f"--engine-option renderer=qwen3 --engine-option learning_rate={LEARNING_RATE}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
