"""Pace of new persons, on a device and in a house, against their own week: a one-sided CUSUM of ten-minute counts.

The bin that runs is judged with the mean of a whole one: whoever takes in two minutes what others take in a day is seen in two minutes.
"""

from dataclasses import dataclass

from rempart.incident.cusum import Expected, after_bin
from rempart.incident.model import Evidence, Finding, Party, Rule, Strength

SLACK = 1.0
"""Standard deviations that each bin may lie above its mean for nothing: a busy day is not a theft."""
DEVICE_THRESHOLD = 12.0
HOUSE_THRESHOLD = 14.0
AT_ONCE = 20
"""New persons on one device in ten minutes, and four times its own mean: nobody serves one every thirty seconds. Needs no history."""
_TIMES = 4
FEWEST = 12
"""New persons in the bins that the sum counts: below, whatever the history, nobody is hurt yet."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`total`: the sum of the bins that are over; `count`: new persons in the bin that runs; `counted`: in all the sum's bins."""

    total: float
    count: int
    expected: Expected
    counted: int


def running_total(pace: Pace) -> float:
    """The sum, the running bin counted as it stands."""
    return after_bin(pace.total, pace.count, pace.expected, SLACK)


def judge_device(pace: Pace, party: Party, at: int, evidence: Evidence) -> Finding | None:
    """A device is told of many more new persons than at this hour of its other weeks."""
    total = running_total(pace)
    if pace.count >= max(AT_ONCE, _TIMES * pace.expected.mean):
        return Finding(Rule.PACE_DEVICE, at, party, pace.count, AT_ONCE, Strength.STRONG, evidence)
    if total < DEVICE_THRESHOLD or pace.counted < FEWEST:
        return None
    return Finding(Rule.PACE_DEVICE, at, party, total, DEVICE_THRESHOLD, Strength.STRONG, evidence)


def judge_establishment(pace: Pace, party: Party, at: int, evidence: Evidence) -> Finding | None:
    """A whole house is, by many devices that each stay below. Which of them is for a person to find."""
    total = running_total(pace)
    if total < HOUSE_THRESHOLD or pace.counted < 2 * FEWEST:
        return None
    house = Party(establishment=party.establishment)
    return Finding(Rule.PACE_ESTABLISHMENT, at, house, total, HOUSE_THRESHOLD, Strength.SIGN, evidence)
