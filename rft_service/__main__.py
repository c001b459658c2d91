"""`python -m rft_service`: the service with the simulated model."""

from __future__ import annotations

import sys

from rft_service.engines.simulated import SimulatedPolicy
from rft_service.engines.simulated.judge import judge
from rft_service.server import options, serve

if __name__ == "__main__":
    sys.exit(serve(options(), SimulatedPolicy.base, judge))
