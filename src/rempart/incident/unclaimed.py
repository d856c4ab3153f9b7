"""Look-ups that no claim follows: three in ten of the honest, all of a thief's. Two sums: of many at once, and of a few a day for weeks.

Judged when a look-up is a day old (three days where invoices wait for the end of a stay or a series).
"""

from dataclasses import dataclass, replace

from rempart.foundation.clock import DAY
from rempart.incident.cusum import after_trial
from rempart.incident.model import Evidence, Finding, Party, Rule, Strength

ALLOWED, ALLOWED_AGREED = 0.30, 0.45
"""The share that the credit line allows (docs/meters.md); where care is agreed first, many quotes come to nothing."""
LEAST, ABOVE = 0.15, 0.15
"""What a device's own share may be learnt as, at the least, and above what is allowed: more is no habit, it is what this rule looks for."""
SLOW_SHIFT = 0.10
"""The slow sum looks for ten points more than usual; the fast one for nine in ten."""
FAST_SHARE = 0.90
SLOW_THRESHOLD = 10.0
FAST_THRESHOLD = 16.0
_WEIGHT = 150
"""The allowed share weighs as much as 150 look-ups of one's own."""
_MOST_LEARNT = 1_500
_LATE = frozenset({"hospital", "auxiliary", "dentist", "optician", "audiologist", "ambulance", "radiology"})


_AGREED = frozenset({"optician", "audiologist"})


def allowed(profession: str) -> float:
    """The share of look-ups that come to nothing, before a device has shown its own."""
    return ALLOWED_AGREED if profession in _AGREED else ALLOWED


def matures_after(profession: str) -> int:
    """µs after a look-up by which its claim should be there."""
    return 3 * DAY if profession in _LATE else DAY


@dataclass(frozen=True, slots=True)
class Claimed:
    """A device's two sums, and its own share as learnt so far (`open` of `all` look-ups)."""

    slow: float = 0.0
    fast: float = 0.0
    open: float = 0.0
    all: float = 0.0
    allowed: float = ALLOWED

    @property
    def usual(self) -> float:
        """Its own share of unclaimed look-ups, between what is believable."""
        share = (self.open + self.allowed * _WEIGHT) / (self.all + _WEIGHT)
        return min(self.allowed + ABOVE, max(LEAST, share))

    def after(self, *, claimed: bool) -> "Claimed":
        """With one look-up that is old enough. While the slow sum is high, nothing is learnt: a thief is no habit."""
        usual = self.usual
        slow = after_trial(self.slow, not claimed, usual, usual + SLOW_SHIFT)
        fast = after_trial(self.fast, not claimed, usual, FAST_SHARE)
        if slow > SLOW_THRESHOLD / 2:
            return replace(self, slow=slow, fast=fast)
        shrink = 0.5 if self.all >= _MOST_LEARNT else 1.0
        return replace(
            self, slow=slow, fast=fast, open=shrink * (self.open + (not claimed)), all=shrink * (self.all + 1)
        )


def judge_claims(known: Claimed, party: Party, at: int, evidence: Evidence) -> Finding | None:
    """Too many of a device's look-ups come to nothing."""
    if known.slow >= SLOW_THRESHOLD:
        # Whoever rides on a counter's device for weeks rides on its holder's confirmations too: asking once more would help him.
        return Finding(Rule.UNCLAIMED, at, party, known.slow, SLOW_THRESHOLD, Strength.SURE, evidence)
    if known.fast >= FAST_THRESHOLD:
        return Finding(Rule.UNCLAIMED, at, party, known.fast, FAST_THRESHOLD, Strength.STRONG, evidence)
    return None
