"""Where an establishment stands: not yet open, open, suspended, closed. What each forbids, and how long after its closing what goes on.

Not containment (rempart.vaultdoor.holds), which answers an attack and may close everything at once. Here nothing is suspected: what was
engaged is invoiced and paid, and what is one's own is read. docs/establishments.md has the same table for people.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rempart.foundation.errors import Refusal
from rempart.vaultdoor.holds import Doing

NEVER = 2**63 - 1
"""No date is set, µs: the largest bigint."""
CESSION = "cession"
LEAVING = (CESSION, "retirement", "convention-ended", "licence", "request")
"""Why an establishment leaves. After a cession the FINESS goes on, with another titulaire."""
SUSPENSIONS = ("convention-lapsed", "indu", "papers", "request")
"""Why one is suspended."""
INVOICE_DAYS = 60
"""For how long after the closing date invoices are taken on engagements given before it."""
READING_DAYS = 400
"""For how long the former members read invoices, payments, statements and journal: longer than a year's accounts take."""


class Standing(StrEnum):
    """What an establishment is, at an instant."""

    OPEN = "open"
    SUSPENDED = "suspended"
    NOT_YET = "not-yet"
    """It takes a FINESS over, on a day to come."""
    DEPARTED = "departed"
    """Its closing date has come: invoices, and what is one's own."""
    READING = "reading"
    """The days for invoices are over: what is one's own."""
    ENDED = "ended"
    """Nobody works there any more: no session stands."""


CLOSED = frozenset({Standing.DEPARTED, Standing.READING, Standing.ENDED})
"""Its closing date has come."""


class SeatNotOpen(Refusal):
    """The day on which it takes over has not come."""

    code = "seat-not-open"


class SeatSuspended(Refusal):
    """Suspended by the operator, for a reason that is not an attack."""

    code = "seat-suspended"


class SeatDeparted(Refusal):
    """Its closing date has come."""

    code = "seat-departed"


class InvoicesOver(Refusal):
    """Invoices were taken for some days after the closing date; they are over."""

    code = "seat-invoices-over"


_AFTER = frozenset({Doing.LOOK_UP, Doing.QUOTE, Doing.AGREE})
_FORBIDDEN: Mapping[Standing, tuple[type[Refusal], frozenset[Doing]]] = {
    # The account to be paid on is not changed meanwhile: whoever owes money does not lead it elsewhere.
    Standing.SUSPENDED: (SeatSuspended, _AFTER | {Doing.RIB}),
    Standing.NOT_YET: (SeatNotOpen, _AFTER | {Doing.INVOICE}),
    Standing.DEPARTED: (SeatDeparted, _AFTER),
}


def against(standing: str, doing: Doing) -> type[Refusal] | None:
    """Why this is refused there; None when it is not."""
    if standing == Standing.ENDED:
        return SeatDeparted
    if standing == Standing.READING:
        return InvoicesOver if doing is Doing.INVOICE else SeatDeparted if doing in _AFTER else None
    refusal, doings = _FORBIDDEN.get(Standing(standing), (None, frozenset()))
    return refusal if doing in doings else None


@dataclass(frozen=True, slots=True)
class Life:
    """An establishment's dates, µs. `stage`: how far the calendar has come (0210_departure.sql); it only rises."""

    opens: int = 0
    closes: int = NEVER
    invoices_until: int = NEVER
    ends: int = NEVER
    stage: int = 0
    suspended_since: int = 0
    suspended_until: int = 0

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Life":
        """As a row of vault.establishment has it."""
        return cls(*(row[name] for name in cls.__slots__))

    def at(self, now: int) -> Standing:
        """The strictest that holds."""
        if self.stage >= 3 or self.ends <= now:
            return Standing.ENDED
        if self.stage >= 2 or self.invoices_until <= now:
            return Standing.READING
        if self.stage >= 1 or self.closes <= now:
            return Standing.DEPARTED
        if self.opens > now:
            return Standing.NOT_YET
        return Standing.SUSPENDED if self.suspended_until > now else Standing.OPEN

    def served_at(self, at: int) -> bool:
        """Was it open then? For what is told afterwards (an offline card's use)."""
        suspended = self.suspended_since <= at < self.suspended_until
        return self.opens <= at < self.closes and not suspended
