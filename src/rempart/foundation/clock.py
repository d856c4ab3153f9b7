"""Time is passed in. An instant inside Rempart is an integer: microseconds since 1970-01-01 UTC."""

import mmap
import os
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

Clock = Callable[[], int]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

PARIS = ZoneInfo("Europe/Paris")


def system_clock() -> int:
    """Microseconds since the epoch, from the machine's clock."""
    return time.time_ns() // 1000


def instant(micros: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return datetime.fromtimestamp(micros / SECOND, UTC)


def in_paris(micros: int, *, exact: bool = False) -> str:
    """What every command shows: Paris's time with its offset, in ISO 8601. Typed again anywhere, it is the same instant: of the
    second, unless `exact`.
    """
    return instant(micros).astimezone(PARIS).isoformat(timespec="auto" if exact else "seconds")


def paris_date(micros: int) -> date:
    """The civil date in Paris: what a care date given without more ado means."""
    return datetime.fromtimestamp(micros / SECOND, PARIS).date()


class SharedClock:
    """Eight bytes of memory that processes share by an inherited descriptor: one of them moves it, the others read it. A drill's time."""

    SIZE = 8

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        # One aligned machine word: a reader never sees half of an instant.
        self._word = memoryview(mmap.mmap(descriptor, self.SIZE)).cast("q")

    @classmethod
    def begin(cls, micros: int) -> "SharedClock":
        """A new clock that stands at this instant. Its descriptor is passed on to whoever shall read it, and to nobody else."""
        descriptor = os.memfd_create("rempart-clock")
        os.ftruncate(descriptor, cls.SIZE)
        clock = cls(descriptor)
        clock._word[0] = micros
        return clock

    def __call__(self) -> int:
        return self._word[0]

    def move(self, micros: int) -> None:
        """Let it be this instant. Raises ValueError backwards: no process of ours has to expect that of a drill."""
        if micros < self._word[0]:
            raise ValueError("a drill's clock moves forwards")
        self._word[0] = micros
