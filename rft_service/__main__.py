"""`python -m rft_service`: run the service; `--help` lists its options."""

from __future__ import annotations

import sys

from rft_service.server import options, serve

if __name__ == "__main__":
    sys.exit(serve(options()))
