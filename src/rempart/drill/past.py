"""A platform that has lived: the eight weeks before the drill, as the meters would know them.

Honest devices have a past. Playing it through the doors before each drill would take most of its time, so it is written: drawn from the
same generator as the traffic that is played (rhythms, sizes, patients, typing errors, missing claims), and written as the rows that
living would have left: what each account, device and establishment asked in the last month, what claims followed, by day. What was earned
by it the vault then reckons itself. Whom they were told of is not written, since the drill does not know the pseudonyms: in the drill
everybody's first visit costs a unit again, and so does in the past, for all professions, a visit a day after the last.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import psycopg

from rempart.drill.rhythms import ACCOUNTED, BY_VITALE, MISTYPED, arrivals, moment
from rempart.drill.town import House, Town
from rempart.foundation.clock import DAY, HOUR, MINUTE, SharedClock
from rempart.foundation.errors import Outage

PAST_DAYS = 56
_MONTH_SLOTS, _SLOT_DAYS = 8, 4
_CARD, _VITALE, _MISS, _SURPLUS = 1, 10, 5, 1
"""Units; the last is what a claim earns beyond its look-up's own (docs/meters.md)."""
RECKONED_SECONDS = 30
_UNRECKONED = "SELECT count(DISTINCT d.key) FROM vault.earned_day d JOIN vault.meter m ON m.key = d.key WHERE m.earned_slot = 0"
_DEVICES = "SELECT account::text, device::text FROM vault.binding"


@dataclass
class _Lived:
    """Units by key and day since 1970."""

    asked: Counter[tuple[str, int]] = field(default_factory=Counter)
    claimed: Counter[tuple[str, int]] = field(default_factory=Counter)


async def write_past(
    connection: "psycopg.AsyncConnection[Any]", town: Town, first_day: date, seed: int
) -> None:
    """Write what the days before `first_day` left in the meters, as the vault reckons it on that morning."""
    cursor = await connection.execute(_DEVICES)
    devices: dict[str, str] = dict(await cursor.fetchall())
    lived = _Lived()
    for number, house in enumerate(town.houses):
        _live(house, devices, first_day, random.Random(f"past {seed} {number}"), lived)  # noqa: S311
    morning = moment(first_day, 0)
    today = morning // DAY
    async with (
        connection.cursor() as cursor,
        cursor.copy("COPY vault.earned_day (key, day, units) FROM STDIN") as copy,
    ):
        for (key, day), units in lived.claimed.items():
            await copy.write_row((key, day, units))
    slot_now = today // _SLOT_DAYS
    slots: dict[str, list[int]] = {}
    for (key, day), units in lived.asked.items():
        age = slot_now - day // _SLOT_DAYS
        if age < _MONTH_SLOTS:
            slots.setdefault(key, [0] * _MONTH_SLOTS)[age] += units
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "UPDATE vault.meter SET month = %s, month_slot = %s WHERE key = %s",
            [(month, slot_now, key) for key, month in slots.items()],
        )


async def were_idle(connection: "psycopg.AsyncConnection[Any]", accounts: Collection[str]) -> None:
    """Whose holders ask nothing asked nothing before either: no past on their accounts and devices."""
    await connection.execute(
        "WITH gone AS (SELECT account AS key FROM vault.binding WHERE account = ANY (%(accounts)s::uuid[])"
        " UNION SELECT device FROM vault.binding WHERE account = ANY (%(accounts)s::uuid[])), days AS ("
        " DELETE FROM vault.earned_day WHERE key IN (SELECT key FROM gone))"
        " UPDATE vault.meter SET month = array_fill(0, ARRAY[8]), earned = array_fill(0, ARRAY[8]), flight = 0"
        " WHERE key IN (SELECT key FROM gone)",
        {"accounts": list(accounts)},
    )


async def until_reckoned(connection: "psycopg.AsyncConnection[Any]", clock: SharedClock) -> None:
    """Let the vault reckon what the past earned, as it does every hour. Raises Outage when it does not."""
    clock.move(clock() + HOUR + MINUTE)
    began = time.monotonic()
    while True:
        cursor = await connection.execute(_UNRECKONED)
        row = await cursor.fetchone()
        if row is not None and row[0] == 0:
            return
        if time.monotonic() - began > RECKONED_SECONDS:
            raise Outage("the vault does not reckon what was earned")
        await asyncio.sleep(0.05)


def _live(
    house: House, devices: dict[str, str], first_day: date, chance: random.Random, lived: _Lived
) -> None:
    told: dict[int, int] = {}
    for back in range(PAST_DAYS, 0, -1):
        day = first_day - timedelta(days=back)
        for at in arrivals(house.rhythm, day, house.size, chance):
            seat = chance.choice(house.seats)
            keys = (seat.account, devices[seat.account], seat.establishment)
            patient = int(len(house.patients) * chance.random() ** 1.5)
            weight = _VITALE if chance.random() < BY_VITALE else _CARD
            units = weight * _MISS if chance.random() < MISTYPED else 0
            person = house.patients[patient]
            if person.is_known(day):
                if told.get(patient, -DAY) + DAY <= at:
                    told[patient] = at
                    units += weight
                    if chance.random() < ACCOUNTED and person.is_open(house.rhythm.domain, day):
                        lived.claimed.update({(key, at // DAY): weight + _SURPLUS for key in keys})
            else:
                units += weight * _MISS
            lived.asked.update({(key, at // DAY): units for key in keys})
