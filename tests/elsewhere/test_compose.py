"""The compose file for a team: its format, and its three commands together on this machine."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from openai import OpenAI

from buildhour_helpers import jobs
from buildhour_helpers.graders import specs
from buildhour_helpers.tasks import BEST_PROMPT, build_rows, load_questions
from buildhour_helpers.tasks.dataset import write_rows
from buildhour_helpers.tools.schemas import DEFINITIONS
from tests.service.servers import closed_port

ROOT = Path(__file__).parents[2]
FILE = ROOT / "examples" / "team" / "compose.yaml"
# Names and types of the Compose Specification, those that are used here.
KEY, TOOLS_KEY = "sk-" + "ana" * 8, "a-key-of-the-tests"
HOST = "rft.example.com"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def test_its_parts_agree_with_the_image_and_with_the_page(compose: dict[str, Any]) -> None:
    """Volumes, secrets, build arguments and variables exist; only loopback is published."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "elsewhere.md").read_text(encoding="utf-8")
    published = []
    for service in compose["services"].values():
        assert (FILE.parent / service["build"]["context"]).resolve() == ROOT
        assert all(f"ARG {name}=" in dockerfile for name in service["build"]["args"])
        for name, folder, *_ in (volume.split(":") for volume in service.get("volumes", ())):
            assert name in compose["volumes"]
            assert re.search(rf"mkdir .*{folder}\b", dockerfile), folder
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        assert {*service.get("depends_on", ())} <= set(compose["services"])
        published += service.get("ports", ())
    assert [port.split(":")[0] for port in published] == ["127.0.0.1"]
    needed = set(re.findall(r"\$\{(\w+):\?", FILE.read_text(encoding="utf-8")))
    shown = page.split("docker compose up")[0].split("export ")[-1]
    assert needed
    assert needed <= set(re.findall(r"(\w+)=", shown))


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """A container's command as a process, from when it listens until the block's end."""
    own = {"BUILDHOUR_TOOLS_KEY": TOOLS_KEY}
    process = subprocess.Popen([sys.executable, *command[1:]], cwd=ROOT, env={**os.environ, **own})
    try:
        for _ in range(1_200):
            assert process.poll() is None
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


def test_its_commands_train_a_job_for_a_key_of_the_team(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "team.keys").write_text(f"ana {KEY}\n", encoding="utf-8")
    ports = {port: closed_port() for port in ("8001", "8002", "8100")}
    here = {
        "/home/learner": str(tmp_path),
        "/run/secrets/keys": str(tmp_path / "team.keys"),
        "0.0.0.0": "127.0.0.1",
        **{name: str(port) for name, port in ports.items()},
    }

    def local(word: str) -> str:
        word = re.sub(r"\$\{RFT_HOST:\?[^}]*\}", HOST, word)
        for theirs, mine in here.items():
            word = word.replace(theirs, mine)
        return word

    with ExitStack() as containers:
        for name, port in (("tools", "8002"), ("engine", "8100"), ("service", "8001")):
            command = [local(word) for word in compose["services"][name]["command"]]
            containers.enter_context(running(command, ports[port]))
        client = OpenAI(
            base_url=f"http://127.0.0.1:{ports['8001']}/v1",
            api_key=KEY,
            default_headers={"Host": HOST},
            max_retries=0,
        )
        rows = build_rows(load_questions(split="train")[:10], BEST_PROMPT, DEFINITIONS)
        file = jobs.upload(client, write_rows(rows, tmp_path / "rows.jsonl"))
        tools = f"http://127.0.0.1:{ports['8002']}"
        job = jobs.launch(
            client,
            model="tiny",
            training_file=file,
            validation_file=file,
            tools=jobs.tool_endpoints(tools, TOOLS_KEY),
            grader=specs.endpoint(f"{tools}/grade", TOOLS_KEY),
            max_episode_steps=3,
            hyperparameters={"batch_size": 5, "compute_multiplier": 0.25, "eval_interval": 2},
        )
        done = jobs.wait(client, job.id, progress=False)
    assert done.status == "succeeded"
    assert done.to_dict()["created_by"] == "ana"
