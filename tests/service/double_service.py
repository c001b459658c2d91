"""The service as a process of its own, with the policy that a test can foresee."""

from __future__ import annotations

import sys

from rft_service.server import options, serve

from .doubles import LookupPolicy, keyword_judge

if __name__ == "__main__":
    sys.exit(serve(options(), LookupPolicy, keyword_judge))
