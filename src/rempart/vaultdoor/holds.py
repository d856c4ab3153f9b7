"""What a thrown switch does: five holds, strictest first, and what each forbids. docs/runbooks/contain.md has the same table for people.

Several may stand on one key, thrown by different people for different reasons. What is forbidden by any of them is forbidden.
"""

from collections.abc import Iterable
from enum import StrEnum

from rempart.foundation.errors import Refusal


class Hold(StrEnum):
    """Strictest first: the order in which they are told and lifted."""

    CLOSED = "closed"
    """Nothing is told, nothing is taken in. On a wide scope, what is one's own stays in sight."""
    CLAIMS_ONLY = "claims-only"
    """No look-up; invoices on engagements already given are taken."""
    READ_ONLY = "read-only"
    """Rights are told; nothing is agreed, invoiced or changed."""
    KNOWN_ONLY = "known-only"
    """Rights are told of people whom this establishment was told of before."""
    STEP_UP = "step-up"
    """Rights are told once a person has confirmed with a passkey since the switch was thrown."""


class Doing(StrEnum):
    """What somebody is about to do, as far as a hold tells it from another thing."""

    LOOK_UP = "look-up"
    WHO_CONSULTED = "who-consulted"
    """An insurer asks who was told of its member."""
    QUOTE = "quote"
    AGREE = "agree"
    """A prise en charge is asked for."""
    DECIDE = "decide"
    """An insurer decides one that waits."""
    INVOICE = "invoice"
    """An invoice is sent, corrected or cancelled; a prise en charge is given up."""
    RIB = "rib"
    """A bank account is changed or confirmed."""
    FOLLOW = "follow"
    """One's own: payments, statements, invoices, flows; and stopping a change of bank account."""


class Contained(Refusal):
    """A switch that closes is thrown."""

    code = "contained"


class ClaimsOnly(Refusal):
    """A switch is thrown that leaves invoices on engagements already given, and nothing else."""

    code = "claims-only"


class ReadOnly(Refusal):
    """A switch is thrown under which rights are told and nothing is agreed, invoiced or changed."""

    code = "read-only"


class KnownOnly(Refusal):
    """Only people are told of whom this establishment was told of before, and this is none of them; or a bank account was to be changed.
    Whether somebody exists is not said."""

    code = "known-only"


class AskedToConfirm(Refusal):
    """A person must confirm since the switch was thrown."""

    code = "step-up"


REFUSALS: dict[Hold, type[Refusal]] = {
    Hold.CLOSED: Contained,
    Hold.CLAIMS_ONLY: ClaimsOnly,
    Hold.READ_ONLY: ReadOnly,
    Hold.KNOWN_ONLY: KnownOnly,
    Hold.STEP_UP: AskedToConfirm,
}
LOOK_UP_ONLY = frozenset({"lane"})
"""How somebody is looked up. A claim has no lane: these scopes concern look-ups alone."""
NAMED = frozenset({"device", "account", "establishment", "editor"})
"""Scopes that name a suspect. The others hold honest people too: money already engaged goes on there, and everybody sees their own."""
_EVERYTHING = frozenset(Doing)
_FORBIDDEN: dict[Hold, frozenset[Doing]] = {
    Hold.CLOSED: _EVERYTHING - {Doing.FOLLOW},
    Hold.CLAIMS_ONLY: frozenset({Doing.LOOK_UP, Doing.QUOTE, Doing.AGREE, Doing.RIB}),
    Hold.READ_ONLY: frozenset({Doing.AGREE, Doing.DECIDE, Doing.INVOICE, Doing.RIB}),
    # Whom a look-up may be about is decided by the one SQL call, which alone knows.
    Hold.KNOWN_ONLY: frozenset({Doing.RIB}),
    # That somebody confirmed since is asked where the session is known.
    Hold.STEP_UP: frozenset(),
}


def forbidden(scope: str, hold: Hold) -> frozenset[Doing]:
    """What a switch forbids to whomever its scope concerns."""
    if hold is Hold.CLOSED and scope in NAMED:
        return _EVERYTHING
    if scope in LOOK_UP_ONLY:
        return _FORBIDDEN[hold] & {Doing.LOOK_UP}
    return _FORBIDDEN[hold]


def forbidding(doing: Doing, thrown: Iterable[tuple[str, str]]) -> Hold | None:
    """The strictest of these (scope, hold) that forbids it; None when none does."""
    against = {Hold(hold) for scope, hold in thrown if doing in forbidden(scope, Hold(hold))}
    return next((hold for hold in Hold if hold in against), None)


def does_something(scope: str, hold: Hold) -> bool:
    """Does this hold change anything on this scope? The card's lane, read-only, would not."""
    return hold in {Hold.KNOWN_ONLY, Hold.STEP_UP} or bool(forbidden(scope, hold))
