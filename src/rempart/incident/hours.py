"""Look-ups when this house is never at work. A pharmacy on duty at night is a sign, not a fault: alone, it only tells a person."""

from dataclasses import dataclass

from rempart.incident.model import Evidence, Finding, Party, Rule, Strength
from rempart.incident.rhythm import ALL_NIGHT

THRESHOLD = 6
"""New persons at one device in one night, or in one day's unusual hours."""
USUAL_SHARE = 0.005
"""Of what a house is told of: a band with less is none of its hours."""
KNOWN_FROM = 300
"""New persons that must have been learnt before its own hours are believed; until then only the night is odd."""


@dataclass(frozen=True, slots=True)
class Hours:
    """`count`: at one device since 06:00, at hours that were odd by `is_odd`."""

    count: int
    profession: str


def is_odd(profession: str, *, night: bool, share: float, learnt: float) -> bool:
    """Is this hour none of this house's? `share`: how much of what it is told of falls into this band."""
    if profession in ALL_NIGHT:
        return False
    if learnt >= KNOWN_FROM:
        return share < USUAL_SHARE
    return night


def judge_hours(hours: Hours, party: Party, at: int, evidence: Evidence) -> Finding | None:
    """A device works while its house is shut."""
    if hours.count < THRESHOLD or hours.profession in ALL_NIGHT:
        return None
    return Finding(Rule.ODD_HOURS, at, party, hours.count, THRESHOLD, Strength.SIGN, evidence)
