"""`python -m rft_service.engines.tiny`: run the tiny engine; `--help` lists its options."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import uvicorn

from rft_service.engines.tiny.server import MODEL_NAME, create_app
from rft_service.engines.tiny.tokenizer import write_tokenizer
from rft_service.server import HOST, Server, default_home, listen


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m rft_service.engines.tiny")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--home",
        type=Path,
        default=default_home() / "tiny-engine",
        help="the folder for the tokenizer and for saved weights",
    )
    parser.add_argument("--json", action="store_true", help="print the same as a line of JSON")
    parser.add_argument("--faults", action="store_true", help="let tests inject faults over HTTP")
    chosen = parser.parse_args()
    tokenizer = chosen.home.absolute() / "tokenizer"
    try:
        write_tokenizer(tokenizer)
        listener = listen(chosen.port)
    except (OSError, OverflowError) as error:
        print(f"engine: cannot start ({error}); choose another port or --home", file=sys.stderr)
        return 1
    url = f"http://{HOST}:{listener.getsockname()[1]}"

    def announce() -> None:
        about = {"url": url, "base_model": MODEL_NAME, "tokenizer": str(tokenizer)}
        if chosen.json:
            print(json.dumps(about | {"pid": os.getpid()}), flush=True)
            return
        print("\n".join(f"{name:10} {value}" for name, value in about.items()))
        print("Train it with the service, in another terminal:")
        print(
            f"serve --engine tinker --engine-url {url} --base-model {MODEL_NAME} "
            f"--tokenizer {tokenizer} --engine-option renderer=qwen3",
            flush=True,
        )

    app = create_app(chosen.home, with_faults=chosen.faults)
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    # uvicorn shuts down in order, and then raises the signal that it was sent
    with contextlib.suppress(KeyboardInterrupt):
        Server(config, announce).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
