"""*Who consulted me*: an insurer asks, for one of its members, for every answer that told of them. Read from the ledger's own entries.

By a person at the insurer's seat, with a fresh proof, or by the insurer's systems, with its signing key. The member's reference becomes the
pseudonym `subject` here, under the asking insurer's n° AMC, and is forgotten: another insurer's member is a pseudonym that no entry has.
Every asking is journaled, and counted: a thief at an insurer's desk leaves with few, and is seen.
"""

import uuid
from typing import Annotated, ClassVar
from urllib.parse import parse_qsl

from msgspec import Meta

from rempart.foundation.clock import DAY, HOUR
from rempart.foundation.errors import BadInput, Outage, Refusal
from rempart.foundation.vocabulary import DOMAIN_BY_CODE, Lane
from rempart.vault import store_accounts as store
from rempart.vault import store_consultations
from rempart.vault.asked import Asked, Body
from rempart.vault.capsule import subject
from rempart.vault.errors import Forbidden
from rempart.vault.insurers_key import proven, require_first_time
from rempart.vault.notices import Audited, journal
from rempart.vault.store_accounts import Connection, Row
from rempart.vault.zone import Zone
from rempart.vaultdoor.holds import Contained
from rempart.vaultdoor.insurer import read_insurers_signature
from rempart.vaultdoor.messages import Act, Consultation, Consultations

MEMBER = "patient:identifier"
"""The search parameter that holds the member's reference."""
PAGE = 200
SEAT_LIMIT = 100
"""Askings a day by one person: what a help desk does by hand."""
KEY_LIMIT = 20_000
"""Askings an hour by an insurer's systems: members who look at their page."""


class TooManyInquiries(Refusal):
    """Said openly: this person, or this insurer's systems, asked often enough for now."""

    code: ClassVar[str] = "inquiries"


MemberRef = Annotated[str, Meta(min_length=1, max_length=64)]


class InquiryBody(Body, frozen=True):
    """`member`: the insurer's own reference, as its files give it. `before`: an index, 0 for the newest."""

    member: MemberRef
    before: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0


async def ask(asked: Asked, c: Connection, body: InquiryBody) -> Consultations:
    """By somebody at an insurer's seat. Raises Forbidden, Contained, TooManyInquiries."""
    who = asked.who
    place = await store.active_place(c, who.establishment) if who.establishment else None
    if place is None or not place["insurer"]:
        raise Forbidden("insurer")
    scopes = [
        ("account", str(who.account)),
        ("device", str(who.device)),
        ("establishment", str(who.establishment)),
        ("profession", who.profession or ""),
    ]
    await _require_open(c, asked.at, place["insurer"], scopes)
    await _require_room(c, asked.at, place["insurer"], who.account)
    told = await _told(c, asked.zone, place["insurer"], place["amc"], body)
    await store_consultations.note_inquiry(c, asked.at, place["insurer"], who.account, len(told.items))
    # Again before it leaves: a switch thrown meanwhile counts.
    await _require_open(c, asked.zone.clock(), place["insurer"], scopes)
    await journal(c, asked.at, who.login, Audited.CONSULTATIONS_ASK, place["amc"], str(len(told.items)))
    return told


async def ask_by_key(act: Act, zone: Zone) -> Consultations:
    """By the insurer's own systems: a POST to WHO_CONSULTED that its signing key signed, now and for the first time.

    Raises NotTheInsurers, Stale, BadInput, Contained, TooManyInquiries, Outage.
    """
    claimed, now = read_insurers_signature(act), zone.clock()
    try:
        # Proven before anything of the body is read.
        insurer = await proven(zone, act, claimed, now)
        body = read_search(act.body)
        async with zone.pool.acquire() as c, c.transaction():
            await require_first_time(c, claimed, now)
            await _require_open(c, now, insurer["number"], [])
            await _require_room(c, now, insurer["number"], None)
            told = await _told(c, zone, insurer["number"], insurer["amc"], body)
            await store_consultations.note_inquiry(c, now, insurer["number"], None, len(told.items))
            await _require_open(c, zone.clock(), insurer["number"], [])
    except store.LOST as error:
        raise Outage(type(error).__name__) from error
    return told


def read_search(form: bytes) -> InquiryBody:
    """`patient:identifier=[system|]reference` and, for the next page, `page`. Raises BadInput; never with a value."""
    try:
        pairs = parse_qsl(form.decode("ascii"), strict_parsing=True, max_num_fields=4)
    except ValueError:
        raise BadInput("form") from None
    values = dict(pairs)
    if len(values) != len(pairs) or not values.keys() <= {MEMBER, "page"}:
        raise BadInput("form")
    member, page = values.get(MEMBER, "").rpartition("|")[2], values.get("page", "0")
    if not 1 <= len(member) <= 64:
        raise BadInput(MEMBER)
    if not page.isascii() or not page.isdecimal() or len(page) > 15:
        raise BadInput("page")
    return InquiryBody(member, int(page))


async def _require_open(c: Connection, now: int, insurer: int, scopes: list[tuple[str, str]]) -> None:
    if await store.is_contained(c, now, [("platform", ""), ("insurer", str(insurer)), *scopes]):
        raise Contained


async def _require_room(c: Connection, now: int, insurer: int, account: uuid.UUID | None) -> None:
    window, limit = (DAY, SEAT_LIMIT) if account else (HOUR, KEY_LIMIT)
    if await store_consultations.asked_since(c, insurer, account, now - window) >= limit:
        raise TooManyInquiries


async def _told(c: Connection, zone: Zone, insurer: int, amc: str, body: InquiryBody) -> Consultations:
    pseudonym = uuid.UUID(bytes=subject(zone.keys.prf("subject"), amc, body.member))
    rows = await store_consultations.consultations(c, insurer, pseudonym, body.before, PAGE + 1)
    shown = [_consultation(row) for row in rows[:PAGE]]
    return Consultations(
        amc=amc,
        items=shown,
        next=shown[-1].index if len(rows) > PAGE else 0,
        pruned_before=await store_consultations.pruned_before(c),
        at=zone.clock(),
    )


def _consultation(row: Row) -> Consultation:
    return Consultation(
        index=row["index"],
        at=row["at"],
        finess=row["finess"],
        profession=row["profession"],
        role=row["role"],
        domain=DOMAIN_BY_CODE[row["domain"]],
        lane=Lane(row["lane"]).name.lower(),
        answer_class=row["answer_class"],
        editor=row["editor"],
    )
