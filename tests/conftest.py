"""What every test starts from: its own state folder, and nobody's service, key or proxy."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings

from buildhour_helpers import proxies

# No test is timed, and no test draws other examples than the last time.
settings.register_profile("workshop", deadline=None, derandomize=True)
settings.load_profile("workshop")

# Under `nohup` a hang-up is ignored, by every process that a test starts too. Tests send it.
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

OWN_VARIABLES = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "BUILDHOUR_COMMAND",
    "BUILDHOUR_MODEL",
    "BUILDHOUR_SEARCH",
    "BUILDHOUR_SEED",
    "BUILDHOUR_SESSION",
    "BUILDHOUR_TOOLS_URL",
    "BUILDHOUR_TOOLS_KEY",
    *(f"{scheme}_proxy" for scheme in (*proxies.SCHEMES, "no")),
    *(f"{scheme}_proxy".upper() for scheme in (*proxies.SCHEMES, "no")),
)


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDHOUR_HOME", str(tmp_path / "state"))
    for name in OWN_VARIABLES:
        monkeypatch.delenv(name, raising=False)
