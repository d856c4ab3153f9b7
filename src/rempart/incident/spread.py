"""Spread: a counter's people come from a few places, a stolen list from everywhere. Measured against the device's own windows."""

from dataclasses import dataclass
from math import sqrt

from rempart.incident.model import Evidence, Finding, Party, Rule, Strength

WINDOW = 40
"""New persons a window; windows do not overlap."""
KNOWN_FROM = 6
THRESHOLD = 6.0
"""Standard deviations of distinct buckets above the device's own mean; a deviation is 1.5 buckets at the least."""
LEAST_DEVIATION = 1.5


@dataclass(frozen=True, slots=True)
class Spread:
    """How many distinct buckets a window of this device has: mean and sum of squares (Welford), over so many windows."""

    windows: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def learn(self, distinct: int) -> "Spread":
        """With one window more."""
        n = self.windows + 1
        mean = self.mean + (distinct - self.mean) / n
        return Spread(n, mean, self.squares + (distinct - self.mean) * (distinct - mean))

    def deviations(self, distinct: int) -> float:
        """How far a window lies above the mean."""
        deviation = sqrt(self.squares / (self.windows - 1)) if self.windows > 1 else 0.0
        return (distinct - self.mean) / max(LEAST_DEVIATION, deviation)


def judge_spread(known: Spread, distinct: int, party: Party, at: int, evidence: Evidence) -> Finding | None:
    """A device's people come from many more places than before."""
    if known.windows < KNOWN_FROM or known.deviations(distinct) < THRESHOLD:
        return None
    figure = known.deviations(distinct)
    return Finding(Rule.SPREAD, at, party, figure, THRESHOLD, Strength.SIGN, evidence)
