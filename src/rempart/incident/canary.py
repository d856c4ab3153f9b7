"""Canaries: people who do not exist, placed by insurers. Nobody honest has their card; one may be typed by mistake, two may not."""

from rempart.foundation.clock import DAY
from rempart.incident.model import Evidence, Finding, Party, Rule, Strength

THRESHOLD = 1
SURE_FROM = 2
"""Distinct canaries at one device; one is enough where another rule found something in the last 28 days."""
MEMORY = 28 * DAY


def judge_canary(distinct: int, *, other: bool, party: Party, at: int, evidence: Evidence) -> Finding | None:
    """A device was told of a canary. `other`: another rule found something at it."""
    if distinct < THRESHOLD:
        return None
    sure = distinct >= SURE_FROM or other
    return Finding(
        Rule.CANARY, at, party, distinct, THRESHOLD, Strength.SURE if sure else Strength.SIGN, evidence
    )
