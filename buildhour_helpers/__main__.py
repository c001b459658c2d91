"""`python -m buildhour_helpers VERB`: what `buildhour` and workshop.py run.

It is the command line, whose imports take so long that a Ctrl-C can come before it has begun.
"""

import sys

from buildhour_helpers.progress import progress_as_lines


def main() -> int:
    try:
        progress_as_lines()
        from buildhour_helpers.cli import main as run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
