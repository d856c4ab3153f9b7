"""Time is passed in. An instant inside Rempart is an integer: microseconds since 1970-01-01 UTC."""

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


def paris_date(micros: int) -> date:
    """The civil date in Paris: what a care date given without more ado means."""
    return datetime.fromtimestamp(micros / SECOND, PARIS).date()
