"""Misses: six look-ups in a hundred, half of them typing errors, half cards whose contract has ended; whoever tries a list that is not this
platform's misses far more often.

Wald's sequential test of 25 % against 6 %, started again at 0, so that years of honest work buy no credit.
"""

from rempart.incident.cusum import after_trial
from rempart.incident.model import Evidence, Finding, Party, Rule, Strength

USUAL, SUSPECT = 0.06, 0.25
THRESHOLD = 11.0
"""Seven misses in a row are not enough, eight are."""


def after_lookup(total: float, *, told: bool) -> float:
    """The sum after one more look-up."""
    return after_trial(total, not told, USUAL, SUSPECT)


def judge_misses(total: float, party: Party, at: int, evidence: Evidence) -> Finding | None:
    """A device guesses."""
    if total < THRESHOLD:
        return None
    return Finding(Rule.MISSES, at, party, total, THRESHOLD, Strength.STRONG, evidence)
