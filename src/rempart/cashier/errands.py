"""The errands: one closed table address → who may → what is done. What is not in it does not exist, and no door has a say in it.

`perform` does, in this order: find the errand; have the vault say who signed the request, now and for the first time; require the errand's
party and rank; read the body; then one transaction, which sees the rows of that party alone.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Literal

import asyncpg
import msgspec

from rempart.cashier.holding import require_open, require_still_open
from rempart.cashier.zone import Zone
from rempart.claims.messages import Body, View
from rempart.foundation.errors import Outage, Refusal
from rempart.foundation.vocabulary import Role
from rempart.vaultdoor.bodies import read_body
from rempart.vaultdoor.holds import Doing
from rempart.vaultdoor.messages import Act, Paper, Refused, Reply, Vouch, Vouched


class Party(Enum):
    """Whose errand it is."""

    PROFESSIONAL = auto()
    """Somebody of an establishment that gives care."""
    TITULAIRE = auto()
    """Its titulaire."""
    INSURER = auto()
    """Somebody of an insurer."""
    ANYBODY = auto()
    """Somebody of any seat: an establishment's, an insurer's, a group's administrator."""


class Forbidden(Refusal):
    """Signed in, but not for this."""

    code = "forbidden"


class NotFound(Refusal):
    """No such errand."""

    code = "not-found"


@dataclass(frozen=True, slots=True)
class Asked:
    """One vouched request."""

    zone: Zone
    at: int
    """The vault's clock when it vouched, µs."""
    who: Vouched
    language: str
    target: str
    """Path and query as they were signed."""
    doings: set[Doing] = field(default_factory=set)
    insurers: set[int] = field(default_factory=set)

    def require(self, doing: Doing) -> None:
        """The first thing that a handler asks: is this forbidden by the establishment's dates, or by a switch?

        Raises SeatDeparted, InvoicesOver, SeatSuspended, SeatNotOpen, Contained, ClaimsOnly, ReadOnly, KnownOnly.
        """
        self.doings.add(doing)
        require_open(self.who, doing)

    def concerns(self, insurer: int) -> None:
        """Whose claims they are, as soon as the engagement says so: a switch on that insurer counts."""
        self.insurers.add(insurer)


Handler = Callable[[Asked, asyncpg.Connection, Any], Awaitable[View | Paper]]


@dataclass(frozen=True)
class Errand:
    """One errand. `body` None: the handler reads `bytes` itself (FHIR). `proof`: how fresh the sign-in must be."""

    party: Party
    body: type[Body] | None
    handler: Handler
    proof: Literal["session", "step-up"] = "session"
    method: str = "POST"


Table = Mapping[str, Errand]
"""Address → errand. An address that ends in `/*` stands for one more part, e.g. an id."""


class Errands:
    """The table of a cashier, made of the tables of its modules."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self.table: dict[str, Errand] = {}
        for table in tables:
            twice = self.table.keys() & table.keys()
            if twice:
                raise ValueError(f"two errands at {sorted(twice)}")
            self.table |= table

    def find(self, act: Act) -> Errand:
        """The errand of this method and address. Raises NotFound."""
        path = act.target.partition("?")[0].replace("%24", "$")
        parent, _, last = path.rpartition("/")
        for key in (f"{act.method} {path}", f"{act.method} {parent}/*" if last else ""):
            if key in self.table:
                return self.table[key]
        raise NotFound


async def perform(act: Act, zone: Zone, errands: Errands) -> Reply:
    """Do what a signed request asks, if it may. Raises BadInput, Refusal or Outage; on any of them nothing was done."""
    errand = errands.find(act)
    who = await zone.vault.call(Vouch(act, errand.proof))
    if isinstance(who, Refused):
        return who
    if not isinstance(who, Vouched):
        raise Outage("vouch")
    _require_party(errand, who)
    body = act.body if errand.body is None else read_body(act.body, errand.body)
    try:
        async with zone.pool.acquire(timeout=5) as c, c.transaction():
            await see_only(c, who)
            asked = Asked(zone, who.at, who, act.language, act.target)
            answer = await errand.handler(asked, c, body)
            # Again before it is kept and told: what was thrown meanwhile undoes it.
            await require_still_open(c, who, asked.doings, asked.insurers)
    except (
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        OSError,
        TimeoutError,
    ) as error:
        raise Outage(type(error).__name__) from error
    return answer if isinstance(answer, Paper) else Paper(type(answer).__name__, msgspec.json.encode(answer))


async def see_only(c: asyncpg.Connection, who: Vouched) -> None:
    """Row security: this transaction sees one establishment's rows, or one insurer's; of answers about an incident, those of the seat."""
    parties = [who.establishment] if who.establishment else [*who.groups, *(house.id for house in who.houses)]
    await c.execute(
        "SELECT set_config('rempart.establishment', $1, true), set_config('rempart.insurer', $2, true),"
        " set_config('rempart.parties', $3, true)",
        "" if who.insurer else who.establishment,
        str(who.insurer) if who.insurer else "",
        ",".join(parties),
    )


def _require_party(errand: Errand, who: Vouched) -> None:
    if errand.party is Party.ANYBODY:
        return
    if errand.party is Party.INSURER:
        if not who.insurer:
            raise Forbidden("insurer")
        return
    if who.insurer or not who.establishment:
        raise Forbidden("establishment")
    if errand.party is Party.TITULAIRE and who.role != Role.TITULAIRE:
        raise Forbidden("role")
