"""One-sided cumulative sums (Page, Biometrika 41, 1954): small shifts that last are found, single peaks are forgiven.

Two forms: of a standardised count (pace), and of a likelihood ratio of two shares (misses, claims), which is Wald's sequential test
started again at 0.
"""

from dataclasses import dataclass
from math import log, sqrt


@dataclass(frozen=True, slots=True)
class Expected:
    """A count in one bin: its mean, and how uncertain that mean is from day to day (a share of it)."""

    mean: float
    uncertainty: float


OVERDISPERSION = 1.3
"""People come in families and by bus: counts vary more than Poisson's."""
FLOOR = 0.5
"""Added to the variance: two people at an hour when nobody comes are no alarm."""


def standardise(count: int, expected: Expected) -> float:
    """How many standard deviations the count lies above its mean."""
    variance = OVERDISPERSION * expected.mean + (expected.uncertainty * expected.mean) ** 2 + FLOOR
    return (count - expected.mean) / sqrt(variance)


def after_bin(total: float, count: int, expected: Expected, slack: float) -> float:
    """The sum after one bin. `slack`: what each bin may lie above its mean for nothing."""
    return max(0.0, total + standardise(count, expected) - slack)


def after_trial(total: float, hit: bool, usual: float, suspect: float) -> float:
    """The sum after one trial that was a hit or not: ln of how much likelier it is at the suspect share than at the usual one."""
    gain = log(suspect / usual) if hit else log((1 - suspect) / (1 - usual))
    return max(0.0, total + gain)
