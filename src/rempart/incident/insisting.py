"""A session that is asked for a person and goes on without one: whoever stands at the counter confirms within minutes, a robot cannot."""

from rempart.foundation.clock import MINUTE
from rempart.incident.model import Evidence, Finding, Party, Rule, Strength

WINDOW = 30 * MINUTE
THRESHOLD = 6
"""Requests refused for want of a confirmation, with nobody told of in between. The browser asks for the passkey at the first one."""
BUSY_WINDOW = 10 * MINUTE
BUSY_THRESHOLD = 30
"""Requests refused for any reason of the line, one every twenty seconds for ten minutes: nobody types like that."""


def judge_insisting(
    unconfirmed: int, refused: int, party: Party, at: int, evidence: Evidence
) -> Finding | None:
    """`unconfirmed`: asked for a confirmation in `WINDOW`, since the last person told of; `refused`: of any kind in `BUSY_WINDOW`."""
    for count, threshold in ((unconfirmed, THRESHOLD), (refused, BUSY_THRESHOLD)):
        if count >= threshold:
            return Finding(Rule.INSISTING, at, party, count, threshold, Strength.STRONG, evidence)
    return None
