"""`--clock-fd N`: how a process is told which clock to read. Without it, the machine's; with it, a drill's, which production refuses.

A process of the platform does, in its `__main__`:

    add_clock_option(parser)
    ...
    clock = read_clock(arguments.clock_fd, settings.mode)
"""

import argparse
import os

from rempart.foundation.clock import Clock, SharedClock, system_clock
from rempart.foundation.settings import BadSettings, Mode


class ClockRefused(BadSettings):
    """Somebody who moves the clock moves every limit that counts in hours."""

    code = "clock"
    french = "Une horloge simulée ne sert qu'aux exercices : la production la refuse."
    english = "A simulated clock is for drills only: production refuses it."


def add_clock_option(parser: argparse.ArgumentParser) -> None:
    """Take `--clock-fd`, which no help mentions: it is nothing an administrator sets."""
    parser.add_argument("--clock-fd", type=int, default=None, help=argparse.SUPPRESS)


def read_clock(descriptor: int | None, mode: Mode) -> Clock:
    """The clock of this process. Raises ClockRefused in production, or when the descriptor is not a clock's."""
    if descriptor is None:
        return system_clock
    if mode == "production":
        raise ClockRefused
    try:
        if os.fstat(descriptor).st_size != SharedClock.SIZE:
            raise ClockRefused("--clock-fd")
        return SharedClock(descriptor)
    except OSError as error:
        raise ClockRefused("--clock-fd") from error
