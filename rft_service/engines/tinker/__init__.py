"""An engine behind Tinker's protocol: hosted Tinker, SkyRL, TuFT, or the tiny engine beside this.

`python -m rft_service --engine tinker --engine-url URL --base-model NAME --tokenizer FOLDER`. It
needs the extra `engines` (packages `tinker` and `renderers`); without it, only `create` fails.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from rft_service.engines.simulated.judge import SeededJudge
from rft_wire.records import first_problem

if TYPE_CHECKING:
    from rft_service.engines.tinker.engine import TinkerEngine

KEY_VARIABLE = "TINKER_API_KEY"
PACKAGES = "'tinker>=0.25,<0.26' 'renderers>=0.1.12,<0.2'"  # the extra `engines`
LOCAL_KEY = "tml-local"  # for an engine that asks for none; the SDK insists on the prefix


def create(
    _folder: Path,
    seed: int = 0,
    *,
    engine_url: str = "",
    base_model: str = "",
    tokenizer: str = "",
    **options: str,
) -> tuple[TinkerEngine, SeededJudge]:
    """The engine at `engine_url` (default: hosted Tinker), which must answer, and the simulated
    grading model. Saved states stay on the engine, so that no folder is needed.

    `options` are those of `engine.Options`. Raises ImportError or ValueError with the fix.
    """
    os.environ["TINKER_TELEMETRY"] = "0"
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"  # it misses torch, which nothing here needs
    try:
        from rft_service.engines.tinker.chat_format import ChatFormat
        from rft_service.engines.tinker.connection import HOSTED_URL, Address
        from rft_service.engines.tinker.engine import Options, TinkerEngine
    except ImportError as error:
        raise ImportError(
            f"the engine 'tinker' needs the package {error.name!r}: run "
            f"`python -m pip install {PACKAGES}` in this environment"
        ) from error
    try:
        chosen = Options.model_validate(options)
    except ValidationError as error:
        raise ValueError(f"--engine-option {first_problem(error)}") from None
    key = os.environ.get(KEY_VARIABLE, "")
    if not engine_url and not key:
        raise ValueError(
            f"hosted Tinker needs a key: set {KEY_VARIABLE}, or name another engine: --engine-url"
        )
    if key and not key.startswith("tml-"):
        raise ValueError(f"{KEY_VARIABLE} must start with 'tml-', as Tinker's keys do")
    if not tokenizer:
        raise ValueError("give --tokenizer FOLDER: the folder with the model's tokenizer.json")
    address = Address((engine_url or HOSTED_URL).rstrip("/"), key or LOCAL_KEY)
    offered = address.models()
    name = base_model or (next(iter(offered)) if len(offered) == 1 else "")
    if name not in offered:
        listed = ", ".join(sorted(offered)) or "none"
        raise ValueError(f"--base-model {name!r}: {address.url} offers {listed}")
    chat = ChatFormat(Path(tokenizer), name, chosen.renderer)
    engine = TinkerEngine(address, name, chat, chosen, offered[name], seed)
    return engine, SeededJudge(seed)
