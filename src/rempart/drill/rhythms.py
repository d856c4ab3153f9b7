"""When a profession works, and how many people come: what honest traffic is drawn from. Pure; local time of Paris."""

import math
import random
from bisect import bisect
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate

from rempart.foundation.clock import PARIS, SECOND
from rempart.foundation.vocabulary import Domain, Profession

Hours = tuple[tuple[float, float, float], ...]
"""(from, to, weight): hours of the day and how busy they are, relative to each other."""


@dataclass(frozen=True)
class Rhythm:
    """A profession's day. `people`: rights checked on an ordinary weekday by an establishment of ordinary size."""

    domain: Domain
    second: Domain
    """What the same patient is sometimes asked for too."""
    people: float
    seats: int
    """People with an account, each at a device of their own."""
    hours: Hours
    saturday: Hours = ()
    monday: float = 1.15
    """Mondays make up for the week-end."""
    saturday_share: float = 0.6


_PRACTICE: Hours = ((8.5, 10, 1.0), (10, 12.5, 1.2), (14, 17, 1.0), (17, 19, 0.8))
_SHOP: Hours = ((9.5, 12.5, 1.0), (14, 19, 1.0))
RHYTHMS: dict[Profession, Rhythm] = {
    Profession.PHARMACY: Rhythm(
        Domain.PHAR, Domain.LPP, 48, 3, ((9, 12.5, 1.2), (14, 16.5, 0.8), (16.5, 19.5, 1.3)),
        ((9, 12.5, 1.2), (14, 19, 0.9)), 1.25, 0.75,
    ),
    Profession.LABORATORY: Rhythm(
        Domain.LABO, Domain.MED, 48, 3, ((7, 10, 3.0), (10, 12.5, 0.8), (14, 18, 0.4)), ((7, 12, 1.0),), 1.2, 0.6
    ),
    Profession.RADIOLOGY: Rhythm(Domain.RADL, Domain.MED, 25, 2, ((8, 12.5, 1.0), (13.5, 18.5, 1.0))),
    Profession.DOCTOR: Rhythm(Domain.MED, Domain.AUXM, 20, 1, _PRACTICE, ((9, 12, 1.0),), 1.3, 0.35),
    Profession.AUXILIARY: Rhythm(Domain.AUXM, Domain.LPP, 10, 1, ((7.5, 12, 1.2), (14, 19, 0.8)), ((8, 12, 1.0),)),
    Profession.DENTIST: Rhythm(Domain.DENT, Domain.RADL, 12, 1, _PRACTICE),
    Profession.OPTICIAN: Rhythm(Domain.OPTI, Domain.AUDI, 8, 2, _SHOP, _SHOP, 0.8, 1.5),
    Profession.AUDIOLOGIST: Rhythm(Domain.AUDI, Domain.OPTI, 4, 1, _SHOP),
    Profession.HOSPITAL: Rhythm(
        Domain.HOSP, Domain.RADL, 44, 4, ((7.5, 11, 1.6), (11, 14, 0.8), (14, 18, 0.8)), ((8, 13, 1.0),), 1.2, 0.25
    ),
    Profession.AMBULANCE: Rhythm(Domain.TRAN, Domain.HOSP, 12, 2, ((6.5, 12, 1.2), (13, 18, 1.0)), ((7, 13, 1.0),)),
}  # fmt: skip

ACCOUNTED = 0.75
"""Of people whose right is open, how many end in an invoice: with those whose right is closed, three look-ups in ten become none."""
MISTYPED = 0.025
"""Of checks, how many have a typing error first."""
TWO_DOMAINS = 0.04
BY_VITALE = 0.02
"""Of checks, how many are made without the complementary card at hand."""
AT_HOME = 0.7
"""Of an establishment's patients, how many come from its own two départements."""


def hours_on(rhythm: Rhythm, day: date) -> Hours:
    """When it is open that day; nothing on Sundays."""
    if day.weekday() == 6:
        return ()
    return rhythm.saturday if day.weekday() == 5 else rhythm.hours


def is_working(rhythm: Rhythm, at: int) -> bool:
    """Is it open at this instant?"""
    local = datetime.fromtimestamp(at / SECOND, PARIS)
    hour = local.hour + local.minute / 60
    return any(begins <= hour < ends for begins, ends, _ in hours_on(rhythm, local.date()))


def arrivals(rhythm: Rhythm, day: date, size: float, chance: random.Random) -> list[int]:
    """The instants (µs) at which people come that day, in order. `size`: of this establishment, 1 is ordinary."""
    hours = hours_on(rhythm, day)
    if not hours:
        return []
    share = {0: rhythm.monday, 5: rhythm.saturday_share}.get(day.weekday(), 1.0)
    weights = list(accumulate((ends - begins) * weight for begins, ends, weight in hours))
    drawn = []
    for _ in range(poisson(rhythm.people * size * share, chance)):
        begins, ends, _ = hours[bisect(weights, chance.random() * weights[-1])]
        drawn.append(moment(day, begins + chance.random() * (ends - begins)))
    return sorted(drawn)


def opening(rhythm: Rhythm, day: date) -> int | None:
    """When people sign in, a few minutes before the first patient; None on a closed day."""
    hours = hours_on(rhythm, day)
    return moment(day, hours[0][0] - 0.1) if hours else None


def moment(day: date, hour: float) -> int:
    """The instant of an hour of the day in Paris."""
    local = datetime(day.year, day.month, day.day, tzinfo=PARIS) + timedelta(seconds=int(hour * 3600))
    return int(local.timestamp()) * SECOND


def poisson(mean: float, chance: random.Random) -> int:
    """Knuth's method for small means, the normal approximation beyond."""
    if mean > 40:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    floor, product, count = math.exp(-mean), chance.random(), 0
    while product > floor:
        product *= chance.random()
        count += 1
    return count
