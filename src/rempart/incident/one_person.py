"""One person asked for by many houses: somebody is looked for, not cared for.

The alert shows ledger indexes; whose they are, nobody here knows.
"""

from dataclasses import dataclass
from math import ceil, sqrt

from rempart.incident.model import Evidence, Finding, Party, Rule, Strength

DAY_THRESHOLD, WEEK_THRESHOLD = 6, 12
"""Distinct establishments in 24 hours and in 7 days. A day of hospital, laboratory, radiology, doctor, pharmacy is five."""
_DEVIATIONS = 7
"""Where people are few and houses many, as many standard deviations above the platform's own mean."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Distinct establishments that were told of this person, and how many a person has on average (`mean_*`)."""

    day: int
    week: int
    mean_day: float
    mean_week: float


def judge_person(asked: Asked, party: Party, at: int, evidence: Evidence) -> Finding | None:
    """The party is the last that asked."""
    for count, least, mean in (
        (asked.day, DAY_THRESHOLD, asked.mean_day),
        (asked.week, WEEK_THRESHOLD, asked.mean_week),
    ):
        threshold = max(least, ceil(mean + _DEVIATIONS * sqrt(mean)))
        if count >= threshold:
            return Finding(Rule.ONE_PERSON, at, party, count, threshold, Strength.SIGN, evidence)
    return None
