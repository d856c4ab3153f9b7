"""From what was observed and announced to a level, now and day by day. No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from rempart.foundation.clock import MINUTE, PARIS, SECOND, paris_date
from rempart.status.model import Announcement, Board, Change, Level, Service

STALE = 5 * MINUTE
"""The worker looks every minute. Nobody having looked for longer, a green light would be a guess."""
DAYS = 90


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a service in Paris: its worst level, how long it was not operational (µs). `known`: somebody had looked by then."""

    date: date
    worst: Level
    troubled: int
    known: bool


def level_now(board: Board, service: Service, now: int) -> Level:
    """The worst of what is observed and announced; unknown where the worker has not looked of late, whatever was seen before."""
    announced = [a.level for a in board.announcements if service in a.services and _stands(a, now)]
    seen = [change.level for change in board.changes if change.service is service]
    observed = seen[-1] if seen and now - board.observed <= STALE else Level.UNKNOWN
    return max([observed, *announced])


def overall(board: Board, now: int) -> Level:
    """The worst of all services."""
    return max(level_now(board, service, now) for service in Service)


def history(board: Board, service: Service, now: int, days: int = DAYS) -> list[Day]:
    """The last days, oldest first, today included."""
    today = paris_date(now)
    dates = [today - timedelta(days=back) for back in reversed(range(days))]
    return [_day(board, service, date, now) for date in dates]


def _day(board: Board, service: Service, day: date, now: int) -> Day:
    begin, end = _midnight(day), min(_midnight(day + timedelta(days=1)), now)
    spells = [s for s in _spells(board, service, now) if s[0] < end and s[1] > begin]
    troubles = [(max(a, begin), min(b, end)) for a, b, level in spells if level is not Level.OPERATIONAL]
    worst = max((level for _, _, level in spells), default=Level.OPERATIONAL)
    first = min((change.since for change in board.changes if change.service is service), default=now)
    return Day(day, worst, _covered(troubles), known=first < end)


def _spells(board: Board, service: Service, now: int) -> Iterator[tuple[int, int, Level]]:
    """From, to, level: of what was observed, then of what was announced. They overlap."""
    seen = [change for change in board.changes if change.service is service]
    ends = [*(change.since for change in seen), now][1:] if seen else []
    for change, end in zip(seen, ends, strict=True):
        yield change.since, end, change.level
    for announced in board.announcements:
        if service in announced.services:
            yield announced.started, announced.ended or now, announced.level


def _covered(spells: Iterable[tuple[int, int]]) -> int:
    """How long at least one of them lasted."""
    total = reached = 0
    for begin, end in sorted(spells):
        total += max(0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def _stands(announced: Announcement, now: int) -> bool:
    return announced.started <= now and (announced.ended == 0 or announced.ended > now)


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), PARIS).timestamp()) * SECOND


def changes_between(before: dict[Service, Level], seen: dict[Service, Level], now: int) -> list[Change]:
    """What is worth writing down: the levels that are not those known before."""
    return [Change(service, now, level) for service, level in seen.items() if before.get(service) != level]
