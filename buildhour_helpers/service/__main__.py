"""`python -m buildhour_helpers.service`: the service with the simulated model."""

from __future__ import annotations

import sys

from ..training.simulated import SimulatedPolicy
from ..training.simulated.judge import judge
from .server import options, serve

if __name__ == "__main__":
    sys.exit(serve(options(), SimulatedPolicy.base, judge))
