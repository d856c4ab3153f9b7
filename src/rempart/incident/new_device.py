"""A new device that runs at once, in a house that has been here for a while: how a stolen account is usually used."""

from dataclasses import dataclass

from rempart.foundation.clock import DAY
from rempart.incident.model import Evidence, Finding, Party, Rule, Strength

NEW_FOR = DAY
HOUSE_KNOWN_FOR = 7 * DAY
"""Everybody is new on the first day."""
THRESHOLD = 20
"""New persons in the device's first day, where they are also more than twice what its house is told of in an hour of that kind."""


@dataclass(frozen=True, slots=True)
class NewDevice:
    """`age`, `house_age`: since the first look-up; `count`: new persons told to the device; `usual`: the house's in that time."""

    age: int
    house_age: int
    count: int
    usual: float


def judge_new_device(new: NewDevice, party: Party, at: int, evidence: Evidence) -> Finding | None:
    """It is told of more than twice what its whole house usually is."""
    if new.age >= NEW_FOR or new.house_age < HOUSE_KNOWN_FOR:
        return None
    if new.count < THRESHOLD or new.count < 2 * new.usual:
        return None
    return Finding(Rule.NEW_DEVICE, at, party, new.count, THRESHOLD, Strength.STRONG, evidence)
