"""Thieves for the rules, riding on an honest town: `python -m tests.incident.thieves` prints how soon each is found (docs/detection.md)."""

import random
from collections.abc import Iterator
from datetime import date
from uuid import UUID

from rempart.foundation.clock import DAY, HOUR
from rempart.incident.desk import Desk
from rempart.incident.model import Alert, Lookup
from tests.incident.honest import NIL, Day, House, days, town

FIRST = date(2026, 3, 2)
LEARNT = 14
"""Honest days before the thief comes."""


def riding(made: Iterator[Day], house: House, a_day: int, within: int, *, idle: bool) -> Iterator[Day]:
    """The same days; from the fifteenth on, a thief asks for `a_day` persons at the house's first device, within so many µs from ten.

    `idle`: from then on, nobody else asks.
    """
    dice, stolen = random.Random(3), 10**9
    for number, day in enumerate(made):
        lookups = list(day.lookups)
        if number >= LEARNT and lookups:
            start = (lookups[-1].at // DAY) * DAY + 9 * HOUR
            lookups = [] if idle else lookups
            for _ in range(a_day):
                stolen += 1
                lookups.append(theft(stolen, start + dice.randrange(within), house, dice))
            lookups.sort(key=lambda seen: seen.at)
        yield Day(lookups, day.claimed)


def theft(number: int, at: int, house: House, dice: random.Random) -> Lookup:
    """One person of a list that comes from everywhere, never billed."""
    return Lookup(
        index=number, at=at, account=UUID(int=house.devices[0].int + (1 << 70)), device=house.devices[0], establishment=house.id,
        editor=NIL, insurer=1 + dice.randrange(8), told=True, cost=1, subject=UUID(int=(9 << 64) + number), bucket=dice.randrange(256),
        step=5, profession=house.profession,
    )  # fmt: skip


def hunt(
    profession: str, a_day: int, within: int, length: int = 28, *, idle: bool = False
) -> tuple[Alert | None, int, int, int]:
    """The first hold; persons stolen until then and until the closure; µs from the first theft to the hold."""
    house = next(h for h in town(5, 64) if h.profession == profession)
    place = [house]
    desk, claimed, stolen, begun = Desk(), set(), 0, 0
    first: Alert | None = None
    at_first = after = 0
    for day in riding(days(place, FIRST, LEARNT + length, 4), house, a_day, within, idle=idle):
        claimed |= day.claimed
        for seen in day.lookups:
            if seen.index >= 10**9:
                stolen, begun = stolen + 1, begun or seen.at
            alerts = desk.feed(seen) + desk.settle(desk.due(seen.at), claimed, seen.at)
            for alert in alerts:
                if not (
                    alert.by_itself and alert.proposed and alert.proposed.key == house.devices[0] and begun
                ):
                    continue
                if first is None:
                    first, at_first, after = alert, stolen, seen.at - begun
                elif alert.proposed.hold == "closed":
                    return first, at_first, stolen, after
    return first, at_first, stolen, after


HUNTS = [
    ("pharmacy", 600, HOUR), ("pharmacy", 60, HOUR), ("pharmacy", 40, 8 * HOUR), ("pharmacy", 20, 8 * HOUR), ("pharmacy", 10, 8 * HOUR),
    ("pharmacy", 5, 8 * HOUR), ("pharmacy", 3, 8 * HOUR), ("doctor", 600, HOUR), ("doctor", 60, HOUR), ("doctor", 40, 8 * HOUR),
    ("doctor", 20, 8 * HOUR), ("doctor", 10, 8 * HOUR), ("doctor", 5, 8 * HOUR), ("doctor", 3, 8 * HOUR),
]  # fmt: skip


def main() -> None:
    """Print the table of docs/detection.md."""
    rows = [(*each, False) for each in HUNTS] + [
        ("doctor", 12, 8 * HOUR, True),
        ("doctor", 5, 8 * HOUR, True),
    ]
    for profession, a_day, within, idle in rows:
        first, held, closed, after = hunt(profession, a_day, within, idle=idle)
        rule = f"`{first.finding.rule.value}`" if first else "nothing"
        whose = f"{'idle' if idle else 'working'} {profession}"
        print(
            f"| {whose} | {a_day} in {within // HOUR} h a day | {rule} | {held} | {after / HOUR:.1f} h | {closed} |"
        )


if __name__ == "__main__":
    main()
