"""A job as a request to another service: its body, its files, and a script that sends them."""

from __future__ import annotations

import copy
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

from buildhour_helpers.errors import WorkshopError, writing
from buildhour_helpers.export.job import Job, write_json
from buildhour_helpers.proxies import is_local

EXTENSIONS = ("reasoning_token_penalty",)
"""Hyperparameters of this project's service that no other API has."""
SIMULATED = "sim-"
NAMES = {"--rows": "training.jsonl", "--validation": "validation.jsonl"}


def write_request(job: Job, model: str | None, folder: Path) -> list[str]:
    """Write `request.json`, both files and `launch.py` into a folder; returns lines for the user.

    `model` replaces the job's. Raises WorkshopError.
    """
    chosen = model or job.parsed.model
    if chosen.startswith(SIMULATED) or chosen.startswith(f"ft:{SIMULATED}"):
        raise WorkshopError(
            f"{job.file}: the model {chosen!r} is simulated and is nowhere else; give --model NAME"
        )
    body, dropped = portable(job.body), [n for n in EXTENSIONS if n in job.method.hyperparameters]
    body["model"] = chosen
    datasets = {option: job.dataset(option) for option in NAMES}
    launch = files("buildhour_helpers.export") / "templates" / "launch.py"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_json(body, folder / "request.json")
        (folder / "launch.py").write_text(launch.read_text(encoding="utf-8"), encoding="utf-8")
        for option, file in datasets.items():
            target = folder / NAMES[option]
            if file.resolve() != target.resolve():
                shutil.copyfile(file, target)
    urls = [tool.server_url for tool in job.method.tools]
    urls += [g["url"] for g in job.graders if "url" in g]
    unknown = "no service shows them"
    return [
        f"Wrote {folder / 'request.json'}, {', '.join(NAMES.values())} and launch.py.",
        *(f"Left out: {name}, which no other service has." for name in dropped),
        *(f"request.json: write the headers of {who}; {unknown}." for who in job.hidden()),
        *(f"{url} is on this machine; a hosted service needs a public one." for url in urls
          if is_local(url)),
        f"Now: OPENAI_BASE_URL=... OPENAI_API_KEY=... python {folder / 'launch.py'}",
    ]  # fmt: skip


def portable(given: dict[str, Any]) -> dict[str, Any]:
    """The body without what another service would refuse or does not know: file IDs, extensions."""
    body = {k: v for k, v in copy.deepcopy(given).items() if not k.endswith("_file")}
    reinforcement = body["method"]["reinforcement"]
    body["method"]["type"] = "reinforcement"
    settings = reinforcement.get("hyperparameters") or {}
    reinforcement["hyperparameters"] = {k: v for k, v in settings.items() if k not in EXTENSIONS}
    if reinforcement.get("response_format", 0) is None:
        del reinforcement["response_format"]
    return body
