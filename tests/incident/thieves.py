"""Thieves for the rules, riding on an honest town: `python -m tests.incident.thieves` prints how soon each is found (docs/detection.md)."""

import random
from collections.abc import Iterator
from datetime import date
from uuid import UUID

from rempart.foundation.clock import DAY, HOUR, MINUTE
from rempart.incident.desk import Desk
from rempart.incident.model import Alert, Lookup
from tests.incident.honest import NIL, Day, House, days, town

FIRST = date(2026, 3, 2)
LEARNT = 14
"""Honest days before the thief comes."""


def riding(made: Iterator[Day], house: House, a_day: int, within: int, *, seed: int = 3) -> Iterator[Day]:
    """The same days; from the fifteenth on, a thief asks for `a_day` persons at the house's first device, within so many µs from ten."""
    dice, stolen = random.Random(seed), 10**9
    for number, day in enumerate(made):
        lookups = list(day.lookups)
        if number >= LEARNT and lookups:
            start = (lookups[-1].at // DAY) * DAY + 9 * HOUR
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


def hunt(profession: str, a_day: int, within: int, length: int = 28) -> tuple[Alert | None, int, int, int]:
    """The first hold; persons stolen until then and until the closure; µs from the first theft to the hold."""
    house = next(h for h in town(5, 64) if h.profession == profession)
    place = [house]
    desk, claimed, stolen, begun = Desk(), set(), 0, 0
    first: Alert | None = None
    at_first = after = 0
    for day in riding(days(place, FIRST, LEARNT + length, 4), house, a_day, within):
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


def main() -> None:
    """Print the table."""
    for profession in ("pharmacy", "doctor"):
        for a_day, within in (
            (600, HOUR),
            (60, 10 * MINUTE),
            (60, HOUR),
            (40, 2 * HOUR),
            (40, 8 * HOUR),
            (20, 8 * HOUR),
            (10, 8 * HOUR),
            (5, 8 * HOUR),
            (3, 8 * HOUR),
        ):
            first, held, closed, after = hunt(profession, a_day, within)
            rule = first.finding.rule.value if first else "nothing"
            when = f"hold after {held} persons, {after / HOUR:.2f} h; closed after {closed}"
            print(f"{profession:10} {a_day:4} a day within {within / HOUR:4.1f} h: {rule:14} {when}")


if __name__ == "__main__":
    main()
