"""Uses of offline cards, told on reopening: `/acts/offline/report` (docs/offline-card.md, "Uses").

A use is a statement that the session's own device signed when nobody answered: which card, which domain, when, for how much. What it earns
is an engagement, bounded: all uses of one card on one day, wherever they were, share one amount. So a photograph of a card is worth that
amount once, and a lie about the time no more.
"""

import secrets
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from msgspec import Meta

from rempart.foundation.clock import HOUR, SECOND, paris_date
from rempart.foundation.vocabulary import Domain, Lane
from rempart.vault import store_offline, store_switches
from rempart.vault.asked import Asked, Body
from rempart.vault.engagement import number_of
from rempart.vault.errors import Forbidden
from rempart.vault.keystore import offline_key
from rempart.vault.offline import Person, open_person
from rempart.vault.policy import LINES
from rempart.vault.published import PublishedKey, b64url
from rempart.vault.store_accounts import Connection
from rempart.vaultdoor.holds import REFUSALS, Doing, forbidding
from rempart.vaultdoor.messages import OfflineUse, OfflineUses
from rempart.vaultdoor.offline_card import (
    SKEW,
    USE,
    CardRefused,
    OfflineCard,
    read_card,
    unpack_number,
    verified_payload,
)
from rempart.vaultdoor.seats import against

MOST = 12
"""Statements of one report: what fits in an act's body."""


class ReportBody(Body, frozen=True):
    """Compact JWS each, kind USE."""

    statements: Annotated[list[Annotated[str, Meta(max_length=6_000)]], Meta(min_length=1, max_length=MOST)]


class _Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement's payload. `at`: seconds; `cents`: what is to be asked of the insurer."""

    card: str
    domain: Domain
    at: int
    cents: Annotated[int, Meta(ge=1, le=1_000_000)]


@dataclass(frozen=True)
class _Use:
    """A statement of this device about a card of this platform; whether it is worth anything is not judged yet."""

    said: _Said
    card: OfflineCard
    person: Person

    @property
    def number(self) -> UUID:
        return unpack_number(self.card.number)

    @property
    def at(self) -> int:
        """µs."""
        return self.said.at * SECOND

    @property
    def day(self) -> date:
        return paris_date(self.at)


class _NotWorth(Exception):
    """A use that earns nothing, and why: a reason of the closed list."""


async def report(asked: Asked, c: Connection, body: ReportBody) -> OfflineUses:
    """Judge each statement by itself; the same one again is answered the same. Raises Forbidden, Contained, ReadOnly, Outage."""
    await _require_may(asked, c)
    read = [_read(asked, statement) for statement in body.statements]
    # In one order, before the ledger's head: two reports never wait for each other.
    await store_offline.lock_cards(c, sorted({one.number for one in read if isinstance(one, _Use)}))
    await store_offline.forget_uses(c, asked.at - 2 * _window(asked))
    return OfflineUses([await _answer(asked, c, one) for one in read])


async def _require_may(asked: Asked, c: Connection) -> None:
    who = asked.who
    if who.establishment is None or who.profession not in LINES:
        raise Forbidden("profession")
    parties = [
        ("platform", ""), ("profession", str(who.profession)), ("establishment", str(who.establishment)), ("account", str(who.account)),
        ("device", str(who.device)),
    ]  # fmt: skip
    refusal = against(who.life.at(asked.at), Doing.INVOICE)
    if refusal is not None:
        raise refusal
    # What may be invoiced may be told; and the lane is closed as any other is.
    for doing, scopes in ((Doing.INVOICE, parties), (Doing.LOOK_UP, [("lane", str(int(Lane.OFFLINE)))])):
        hold = forbidding(doing, await store_switches.holds_on(c, asked.at, scopes))
        if hold is not None:
            raise REFUSALS[hold]
    # As before a look-up: no leaf where the witnesses were not heard, or the count is not written.
    asked.zone.witnessing.require_heard()
    asked.zone.operations.require_counted()


def _read(asked: Asked, statement: str) -> _Use | str:
    """The statement, if this session's device signed it and the card is ours; or why not."""
    who, zone = asked.who, asked.zone
    numbers = who.public_key.public_numbers()
    x, y = (b64url(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
    device = {"keys": [{"kid": b64url(who.thumbprint), "x": x, "y": y}]}
    try:
        said = msgspec.json.decode(verified_payload(statement, device, USE), type=_Said)
    except (ValueError, msgspec.MsgspecError):
        return "device"
    key = PublishedKey(offline_key(zone.keys.ring))
    try:
        card = read_card(said.card, {"issuer": zone.settings.origin, "keys": [key.jwk]})
        return _Use(said, card, open_person(zone.keys, unpack_number(card.number).bytes, card.sealed))
    except CardRefused as refused:
        return refused.reason
    except InvalidTag:
        return "forged"


async def _answer(asked: Asked, c: Connection, use: _Use | str) -> OfflineUse:
    if isinstance(use, str):
        return OfflineUse(refused=use)
    told = OfflineUse(card=use.card.number, domain=use.said.domain, at=use.said.at)
    try:
        index, commitment, logged, cents = await _honour(asked, c, use)
    except _NotWorth as why:
        return msgspec.structs.replace(told, refused=str(why))
    return msgspec.structs.replace(
        told,
        engagement=number_of(index),
        receipt=_receipt(asked, use, index, commitment, logged, cents),
        cents=cents,
    )


async def _honour(asked: Asked, c: Connection, use: _Use) -> tuple[int, bytes, int, int]:
    """Index, commitment and time of its leaf, and what it is worth. Raises _NotWorth."""
    who = asked.who
    known = await store_offline.find_use(c, use.number, who.device, use.said.domain.code, use.at)
    if known is not None:
        if known["establishment"] != who.establishment:
            raise _NotWorth("device")
        return known["index"], known["commitment"], known["reported"], known["cents"]
    await _judge(asked, c, use)
    spent = await store_offline.spent(c, use.number, use.day)
    cents = min(use.said.cents, asked.zone.settings.offline_cents - spent)
    if cents <= 0:
        raise _NotWorth("spent")
    asked.zone.operations.attested()
    index, commitment = await store_offline.log_use(
        c, asked.at, who, use.person, use.said.domain.code, secrets.token_bytes(16)
    )
    await store_offline.keep_use(
        c, use.number, who, use.said.domain.code, use.at, use.day, cents, index, asked.at
    )
    return index, commitment, asked.at, cents


async def _judge(asked: Asked, c: Connection, use: _Use) -> None:
    """Is it worth anything at the time that it names? The time is the device's word: what bounds a lie is the amount. Raises _NotWorth."""
    at, card, who = use.at, use.card, asked.who
    if not asked.at - _window(asked) <= at <= asked.at + SKEW * SECOND:
        raise _NotWorth("time")
    if not (card.not_before - SKEW) * SECOND <= at < card.not_after * SECOND:
        raise _NotWorth("time")
    kept = await store_offline.card_of(c, use.number)
    if kept is None or kept["insurer"] != use.person.insurer:
        raise _NotWorth("unknown")
    if kept["revoked"] is not None and kept["revoked"] <= at:
        raise _NotWorth("revoked")
    insurers = await store_switches.holds_on(c, asked.at, [("insurer", str(kept["insurer"]))])
    if forbidding(Doing.INVOICE, insurers) is not None:
        raise _NotWorth("closed")
    bound = await store_offline.bound_since(c, who.account, who.device)
    # A use names a whole second: one in the very second of the binding counts.
    if bound is None or bound - bound % SECOND > at:
        raise _NotWorth("device")
    # Told after the closing date, of before it: as any invoice.
    if not who.life.served_at(at):
        raise _NotWorth("house")
    contracts = card.open_on(use.said.domain, use.day)
    if not contracts:
        raise _NotWorth("not-open")
    if any(contract["pec"] for contract in contracts):
        raise _NotWorth("pec")
    if await store_offline.cards_that_day(c, who.device, use.day) >= asked.zone.settings.offline_cards_a_day:
        raise _NotWorth("too-many")


def _receipt(asked: Asked, use: _Use, index: int, commitment: bytes, logged: int, cents: int) -> str:
    """An engagement like any other, with its bound."""
    signer, card = asked.zone.signer, use.card
    terms: dict[str, object] = {
        "jti": number_of(index),
        "sub": str(asked.who.establishment),
        "amc": card.amc,
        "domain": use.said.domain,
        "date": use.day.isoformat(),
        "contracts": [_unbounded(contract) for contract in card.open_on(use.said.domain, use.day)],
        "psn": signer.sealed_beneficiary(use.person.insurer, use.person.subject, use.person.age, commitment),
        "most": cents,
    }
    return signer.receipt(index=index, commitment=commitment, at=logged, terms=terms)


def _unbounded(contract: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in contract.items() if name != "until"}


def _window(asked: Asked) -> int:
    hours: int = asked.zone.settings.offline_report_hours
    return hours * HOUR
