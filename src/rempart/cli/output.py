"""Where commands print: as wide as the terminal; into a file or another command, wide enough that no line of a table is folded."""

import sys

from rich.console import Console

WIDE = 250


def wide_console() -> Console:
    """For tables that are read by people at night, and by `grep`."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
