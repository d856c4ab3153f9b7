"""What the thief was told, as he counts it himself."""

from collections import Counter
from dataclasses import dataclass, field

from rempart.drill.receipts import Receipts
from rempart.population import Person


@dataclass
class Loot:
    """Distinct (insurer, beneficiary) with the instant (µs) at which each was first told to him."""

    told: dict[tuple[int, str], int] = field(default_factory=dict)
    receipts: Receipts = field(default_factory=Receipts)
    """Of his answers."""
    asked: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    """By code; "told" and "absent" for answers."""
    began: int = 0
    """His first request; 0 before."""
    ended: int = 0
    notes: list[str] = field(default_factory=list)
    """What he tried besides, a line each, for the report."""

    def take(self, person: Person, at: int) -> None:
        """Somebody's right was told, or somebody was seen."""
        # Not by the NIR: a child is presented under a parent's, and is a person.
        self.told.setdefault((person.insurer, person.member_ref), at)

    @property
    def persons(self) -> int:
        """How many so far."""
        return len(self.told)

    def persons_by(self, at: int) -> int:
        """How many until that instant, included."""
        return sum(when <= at for when in self.told.values())
