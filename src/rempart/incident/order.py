"""Identifiers in order: people come to a counter in no order, a robot counts."""

from collections.abc import Sequence

from rempart.incident.model import Evidence, Finding, Party, Rule, Strength

WINDOW = 24
THRESHOLD = 10
"""Of the last 24 charged look-ups. At 2 in 100 by chance (an insurer of a few thousand), ten of 24 happen once in 10^11."""
FORWARD = frozenset({2, 3, 4})
"""The next number, within ten, within a hundred upwards. The same number again is a family's card."""


def judge_order(steps: Sequence[int], party: Party, at: int, evidence: Evidence) -> Finding | None:
    """Too many of a device's last look-ups follow the one before. `steps`: classes, the last `WINDOW`."""
    forward = sum(step in FORWARD for step in steps)
    if forward < THRESHOLD:
        return None
    return Finding(Rule.ORDER, at, party, forward, THRESHOLD, Strength.STRONG, evidence)
