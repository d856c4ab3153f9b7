"""The room's words: what is read of the stream, what a rule finds, what is done about it. No identifier of a person anywhere.

Instants are µs of the stream: each entry's own time, never the wall's, so that a compressed day is judged like a day.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from uuid import UUID


class Rule(StrEnum):
    """Each has its section in docs/detection.md."""

    PACE_DEVICE = "pace-device"
    PACE_ESTABLISHMENT = "pace-establishment"
    ODD_HOURS = "odd-hours"
    MISSES = "misses"
    ORDER = "order"
    SPREAD = "spread"
    UNCLAIMED = "unclaimed"
    ONE_PERSON = "one-person"
    TOGETHER = "together"
    NEW_DEVICE = "new-device"
    CANARY = "canary"
    SIGN_IN = "sign-in"
    INSISTING = "insisting"


class Strength(IntEnum):
    """How far a finding may be trusted by itself."""

    SIGN = 1
    """A person looks; two different ones on one device within a day are as good as a strong one."""
    STRONG = 2
    """Sure enough for a question to the person at the counter, which costs the honest ten seconds."""
    SURE = 3
    """No honest day looks like this: closed."""


class Scope(StrEnum):
    """What detection may contain by itself: the smallest scopes."""

    DEVICE = "device"
    ACCOUNT = "account"
    ESTABLISHMENT = "establishment"
    EDITOR = "editor"


class Hold(StrEnum):
    """What a switch does: ask for a passkey with user verification, or tell nothing."""

    STEP_UP = "step-up"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Lookup:
    """One entry of the ledger, with its two features. `cost` 0: somebody this establishment was told of already."""

    index: int
    at: int
    account: UUID
    device: UUID
    establishment: UUID
    editor: UUID
    insurer: int
    told: bool
    cost: int
    subject: UUID
    bucket: int
    step: int
    profession: str
    withheld: bool = False
    """Nobody was told of, while only people whom the house knew were served."""

    @property
    def new_person(self) -> bool:
        """Somebody told of, and charged for."""
        return self.told and self.cost > 0


@dataclass(frozen=True, slots=True)
class Event:
    """One refusal, or a canary told of. `detail`: a keyed hash or a code; `subject`: the canary's pseudonym."""

    id: int
    at: int
    kind: str
    account: UUID | None = None
    device: UUID | None = None
    establishment: UUID | None = None
    editor: UUID | None = None
    index: int | None = None
    detail: str = ""
    subject: UUID | None = None


def in_order(entries: Iterable[Lookup], events: Iterable[Event]) -> list[Lookup | Event]:
    """Both streams as one, by their times."""
    both: list[Lookup | Event] = [*entries, *events]
    return sorted(both, key=lambda seen: seen.at)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Ledger indexes (the last hundred at most) and events, so that somebody else can check."""

    indexes: tuple[int, ...] = ()
    events: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Party:
    """Whose stream was looked at. A finding of the whole platform has none."""

    device: UUID | None = None
    account: UUID | None = None
    establishment: UUID | None = None
    editor: UUID | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: its figure beyond its threshold."""

    rule: Rule
    at: int
    party: Party
    figure: float
    threshold: float
    strength: Strength
    evidence: Evidence = Evidence()


@dataclass(frozen=True, slots=True)
class Containment:
    """A switch to be thrown. `minutes` 0: until somebody undoes it."""

    scope: Scope
    key: UUID
    hold: Hold
    minutes: int


@dataclass(frozen=True, slots=True)
class Held:
    """What detection contained, and when."""

    at: int
    containment: Containment


@dataclass(frozen=True, slots=True)
class Alert:
    """A finding, what is proposed, and whether that is done without waiting for a person. Both sentences name no person."""

    finding: Finding
    proposed: Containment | None
    by_itself: bool
    french: str
    english: str
