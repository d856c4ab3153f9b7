"""Many accounts moving as one: devices of houses that have nothing in common begin to run in the same twenty minutes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from rempart.foundation.clock import MINUTE
from rempart.incident.model import Evidence, Finding, Party, Rule, Strength

WINDOW = 20 * MINUTE
BURST = 7.0
"""The pace's sum at which a device counts as running: well below what alarms by itself."""
BURST_FEWEST = 8
SAME_INSURER = 4
"""Distinct houses that run after one insurer's people."""
ANY_INSURER = 10
"""Distinct houses that run, whatever they are after. An epidemic fills waiting rooms too: a question to the person, not more."""


@dataclass(frozen=True, slots=True)
class Burst:
    """A device that runs, since when, and after whose people mostly (0: nobody's)."""

    at: int
    party: Party
    insurer: int
    indexes: tuple[int, ...]


def judge_together(bursts: Sequence[Burst], at: int) -> list[Finding]:
    """One finding a device that moves with the others. `bursts`: those of the last `WINDOW`, a device once."""
    found = []
    houses: Counter[int] = Counter()
    everywhere: set[UUID | None] = set()
    seen: set[tuple[int, UUID | None]] = set()
    for burst in bursts:
        everywhere.add(burst.party.establishment)
        if burst.insurer and (burst.insurer, burst.party.establishment) not in seen:
            seen.add((burst.insurer, burst.party.establishment))
            houses[burst.insurer] += 1
    for burst in bursts:
        evidence = Evidence(burst.indexes)
        if houses[burst.insurer] >= SAME_INSURER:
            found.append(
                Finding(
                    Rule.TOGETHER,
                    at,
                    burst.party,
                    houses[burst.insurer],
                    SAME_INSURER,
                    Strength.SURE,
                    evidence,
                )
            )
        elif len(everywhere) >= ANY_INSURER:
            found.append(
                Finding(
                    Rule.TOGETHER, at, burst.party, len(everywhere), ANY_INSURER, Strength.STRONG, evidence
                )
            )
    return found
