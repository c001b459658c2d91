"""`python -m buildhour_helpers VERB`: what `buildhour` and workshop.py run.

It is the command line, whose imports take so long that a Ctrl-C can come before it has begun.
"""

import sys


def main() -> int:
    try:
        from buildhour_helpers.cli import main as run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
