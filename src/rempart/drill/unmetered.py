"""The same thief on a platform without meters, as they were in 2024: computed from his pace and his list, not played.

There, a session or a password is enough, whatever is presented is looked up, and nobody counts. What a request brings is what his list is
worth: everybody on it is told of. It is the curve that the picture shows beside the measured one.
"""

from bisect import bisect_right
from itertools import accumulate, pairwise

from rempart.drill.pace import HUMAN_AN_HOUR, MOST_UNDER_CAP_A_DAY, WORKING_HOURS
from rempart.drill.rhythms import RHYTHMS, is_working
from rempart.drill.scenario import Scenario
from rempart.foundation.clock import HOUR, MINUTE
from rempart.foundation.vocabulary import Profession

_ONCE = frozenset({"database-dump"})


def without_meters(scenario: Scenario, listed: int, begins: int, ends: int) -> list[tuple[int, int]]:
    """(instant, persons cumulated), a point a minute, or an hour in long drills. `listed`: how many people his list holds."""
    thief = scenario.thief
    if thief.holds in _ONCE:
        # Whoever has the database has everybody in it.
        return [(begins, scenario.population.persons), (ends, scenario.population.persons)]
    if thief.knows == "none":
        return [(begins, 0), (ends, 0)]
    pace = {
        "human": HUMAN_AN_HOUR * thief.accounts,
        "under-cap": MOST_UNDER_CAP_A_DAY / WORKING_HOURS * thief.accounts,
    }
    an_hour = pace[thief.pace] if isinstance(thief.pace, str) else float(thief.pace)
    awake = thief.hours == "any" and not isinstance(thief.pace, str)
    rhythm = RHYTHMS[Profession.PHARMACY]
    instants = [*range(begins, ends, HOUR if thief.days > 3 else MINUTE), ends]
    gains = [0.0] + [
        an_hour * (later - at) / HOUR if awake or is_working(rhythm, at) else 0.0
        for at, later in pairwise(instants)
    ]
    return [(at, min(listed, int(sum_))) for at, sum_ in zip(instants, accumulate(gains), strict=True)]


def persons_by(curve: list[tuple[int, int]], at: int) -> int:
    """The curve's value at an instant."""
    place = bisect_right(curve, (at, 1 << 62))
    return curve[place - 1][1] if place else 0
