"""Honest traffic for the rules, without a database: professions' rhythms, lunch, weekends, Monday peaks, families, typing errors, claims
that never come. Made from a seed, in the order of time, a day at a time.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from rempart.foundation.clock import DAY, MINUTE, PARIS, SECOND
from rempart.incident.model import Lookup

PROFESSIONS = (
    *["pharmacy"] * 4, *["doctor"] * 3, *["auxiliary"] * 2, "laboratory", "radiology", "dentist", "optician", "audiologist",
    "hospital", "ambulance",
)  # fmt: skip
VOLUME = {
    # Persons a day in a house of ordinary size, and its devices.
    "pharmacy": (180, 4), "laboratory": (160, 3), "radiology": (70, 2), "doctor": (25, 1), "auxiliary": (15, 1), "dentist": (14, 1),
    "optician": (12, 1), "audiologist": (7, 1), "hospital": (220, 6), "ambulance": (12, 1),
}  # fmt: skip
HOURS = {
    "laboratory": (2, 10, 9, 7, 4, 2, 1, 2, 2, 2, 1, 0),
    "": (0, 1, 6, 8, 9, 7, 2, 5, 8, 9, 10, 8),
}
"""Weights of the hours from 7:00 to 19:00."""
DAYS = {"pharmacy": (1.35, 1, 1, 1, 1.05, 0.7, 0.0), "hospital": (1.2, 1, 1, 1, 1, 0.5, 0.4)}
UNCLAIMED, MISSES, FAMILY, AGAIN = 0.30, 0.06, 0.15, 0.05
NIL = UUID(int=0)


@dataclass(frozen=True)
class House:
    number: int
    profession: str
    size: float
    unclaimed: float
    devices: tuple[UUID, ...]

    @property
    def id(self) -> UUID:
        return UUID(int=(1 << 64) + self.number)


def town(seed: int, houses: int) -> list[House]:
    """So many houses; sizes vary by a factor of two, the unclaimed share by a few points."""
    dice = random.Random(seed)
    made = []
    for number in range(houses):
        profession = PROFESSIONS[number % len(PROFESSIONS)]
        devices = tuple(UUID(int=(2 << 64) + number * 16 + i) for i in range(VOLUME[profession][1]))
        share = min(0.45, max(0.15, dice.gauss(UNCLAIMED, 0.04)))
        made.append(House(number, profession, math.exp(dice.gauss(0, 0.4)), share, devices))
    return made


@dataclass(frozen=True)
class Day:
    """A day's look-ups in order, and the indexes that are billed in the end."""

    lookups: list[Lookup]
    claimed: set[int]


def days(houses: list[House], first: date, count: int, seed: int) -> Iterator[Day]:
    """So many days of the town."""
    dice, index = random.Random(seed), 0
    for day in (first + timedelta(days=n) for n in range(count)):
        midnight = (
            int(datetime(day.year, day.month, day.day, tzinfo=PARIS).astimezone(UTC).timestamp()) * SECOND
        )
        visits = sorted(
            (visit for house in houses for visit in _visits(house, day, midnight, dice)), key=lambda v: v[0]
        )
        lookups, claimed = [], set()
        for at, house in visits:
            seen = _lookup(index, at, house, dice)
            if seen.cost and dice.random() >= house.unclaimed:
                claimed.add(index)
            lookups.append(seen)
            index += 1
        yield Day(lookups, claimed)


def _visits(house: House, day: date, midnight: int, dice: random.Random) -> Iterator[tuple[int, House]]:
    shape = HOURS.get(house.profession, HOURS[""])
    weekday = DAYS.get(house.profession, (1.1, 1, 1, 1, 1, 0.15, 0))[day.weekday()]
    mean = VOLUME[house.profession][0] * house.size * weekday * math.exp(dice.gauss(0, 0.2))
    for hour, weight in enumerate(shape):
        rate = mean * weight / sum(shape)
        for _ in range(poisson(rate, dice)):
            at = midnight + (7 + hour) * 60 * MINUTE + dice.randrange(60 * MINUTE)
            yield at, house
            while dice.random() < FAMILY:
                at += dice.randrange(5, 60) * SECOND
                yield at, house
    if house.profession == "hospital":
        for _ in range(poisson(0.1 * mean, dice)):
            yield midnight + dice.randrange(DAY), house


def _lookup(index: int, at: int, house: House, dice: random.Random) -> Lookup:
    told = dice.random() >= MISSES
    bucket = house.number % 97 if dice.random() < 0.6 else min(255, int(dice.expovariate(1 / 25)))
    insurer = 1 + min(7, int(dice.expovariate(1 / 2)))
    return Lookup(
        index=index, at=at, account=UUID(int=house.devices[0].int + (1 << 70)), device=dice.choice(house.devices),
        establishment=house.id, editor=NIL, insurer=insurer, told=told, cost=5 if not told else 0 if dice.random() < AGAIN else 1,
        subject=UUID(int=(3 << 64) + house.number * 10**6 + dice.randrange(10**6)) if told else NIL, bucket=bucket,
        step=1 if dice.random() < 0.1 else 4 if dice.random() < 0.01 else 5, profession=house.profession,
    )  # fmt: skip


def poisson(mean: float, dice: random.Random) -> int:
    """Knuth's, in pieces so that no exponential underflows."""
    total = 0
    while mean > 30:
        total += poisson(30.0, dice)
        mean -= 30
    limit, product = math.exp(-mean), dice.random()
    while product > limit:
        total += 1
        product *= dice.random()
    return total
