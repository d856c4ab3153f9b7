"""Credential stuffing: many logins tried, from one device or on the whole platform. Only keyed hashes of logins are seen here."""

from math import sqrt

from rempart.foundation.clock import HOUR, MINUTE
from rempart.incident.model import Evidence, Finding, Party, Rule, Strength

DEVICE_WINDOW = HOUR
DEVICE_THRESHOLD = 8
"""Distinct logins refused on one device in an hour: a house's whole staff does not forget at once."""
PLATFORM_WINDOW = 10 * MINUTE
PLATFORM_THRESHOLD = 40
_DEVIATIONS = 8


def judge_device_sign_ins(distinct: int, at: int, evidence: Evidence) -> Finding | None:
    """One device tries many logins. The vault already makes it wait longer and longer; a person is told."""
    if distinct < DEVICE_THRESHOLD:
        return None
    return Finding(Rule.SIGN_IN, at, Party(), distinct, DEVICE_THRESHOLD, Strength.SIGN, evidence)


def judge_platform_sign_ins(distinct: int, usual: float, at: int, evidence: Evidence) -> Finding | None:
    """Many devices, or none that is known, try many logins. `usual`: distinct logins refused in ten minutes, on average.

    Nothing smaller than the platform would hold it, and a password opens nothing by itself: a person is told, nobody is shut out.
    """
    threshold = max(PLATFORM_THRESHOLD, usual + _DEVIATIONS * sqrt(usual))
    if distinct < threshold:
        return None
    return Finding(Rule.SIGN_IN, at, Party(), distinct, threshold, Strength.SIGN, evidence)
