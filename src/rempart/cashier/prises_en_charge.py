"""Prises en charge: asked, amended, cancelled, listed; and what the insurer decides of those that wait."""

import secrets
import uuid
from dataclasses import replace

import asyncpg
import msgspec

from rempart.cashier.engaged import Engaged, prove
from rempart.cashier.errands import Asked
from rempart.cashier.telling import tell
from rempart.claims import store_care
from rempart.claims import store_prises_en_charge as store
from rempart.claims.care import PricedCare, price_care
from rempart.claims.messages import (
    AskBody,
    Care,
    DecideBody,
    NumberBody,
    PriseEnCharge,
    PriseEnChargeFilter,
    PriseEnChargePage,
)
from rempart.claims.prise_en_charge import (
    INSURERS_REASONS,
    NUMBERS,
    REASONS,
    Decision,
    Reason,
    as_written,
    decide_by_rule,
    freeze,
    number_of,
    validity,
)
from rempart.claims.rejects import Reject, Rejected
from rempart.claims.store_prises_en_charge import Held, New
from rempart.foundation.clock import paris_date
from rempart.foundation.errors import BadInput, Refusal
from rempart.vaultdoor.holds import Doing


class AlreadyDecided(Refusal):
    """It no longer waits."""

    code = "prise-en-charge-decided"
    french = "Cette prise en charge n'attend plus de décision : rechargez la page."
    english = "This prise en charge no longer waits for a decision: reload the page."


async def ask(asked: Asked, c: asyncpg.Connection, body: AskBody) -> PriseEnCharge:
    """Agreed, waiting or refused, at once. The same request again answers the same; `amends` replaces one that is not billed.

    Raises Rejected, EngagementInvalid, EngagementElsewhere."""
    asked.require(Doing.AGREE)
    engaged = await prove(asked, c, body.care.receipt, lately=True)
    await store_care.lock_people(c, [(engaged.insurer.number, engaged.terms.pseudonym)])
    former = await _former(c, body.amends, engaged)
    twin = await store.find_active_twin(c, engaged.terms.index, body.care.lines)
    if twin is not None:
        return store.view(twin, paris_date(asked.at))
    number = await _decide_and_write(asked, c, body.care, engaged, former)
    return await _read(asked, c, number)


async def cancel(asked: Asked, c: asyncpg.Connection, body: NumberBody) -> PriseEnCharge:
    """Give it up: its counters are free again. Once cancelled, the same answer. Raises Rejected when it is unknown, refused or billed."""
    asked.require(Doing.INVOICE)
    held = await lock(c, as_written(body.number))
    asked.concerns(held.insurer)
    if held.agreement.billed:
        raise Rejected(Reject.PEC_USED, held.invoice)
    if held.agreement.state == "refusee":
        raise Rejected(Reject.PEC_NOT_AGREED, held.agreement.number)
    if held.agreement.state != "annulee":
        await _end(c, held, "annulee", Reason.CANCELLED, "professional", asked.at)
    return await _read(asked, c, held.agreement.number)


async def list_page(asked: Asked, c: asyncpg.Connection, body: PriseEnChargeFilter) -> PriseEnChargePage:
    """The establishment's own, newest first."""
    return PriseEnChargePage(*await store.page(c, body, paris_date(asked.at)))


async def decide(asked: Asked, c: asyncpg.Connection, body: DecideBody) -> PriseEnCharge:
    """The insurer's word on one that waits. Agreed amounts are priced anew on what the ceilings hold now.

    Raises Rejected when it is unknown to this insurer, AlreadyDecided, BadInput for a reason that is not its to give."""
    asked.require(Doing.DECIDE)
    held = await lock(c, as_written(body.number))
    asked.concerns(held.insurer)
    if held.agreement.state != "en-attente":
        raise AlreadyDecided
    if body.decision == "refusee":
        reason = REASONS.get(body.reason)
        if reason not in INSURERS_REASONS:
            raise BadInput("reason")
        await _end(c, held, "refusee", reason, "insurer", asked.at)
    else:
        await _agree(asked, c, held)
    await tell(asked, str(held.establishment), "prise-en-charge:decide", held.agreement.number)
    return await _read(asked, c, held.agreement.number)


async def lock(c: asyncpg.Connection, number: str) -> Held:
    """One that the caller may see, with its beneficiary's counters, until the transaction ends. Raises Rejected when there is none."""
    seen = await store.find(c, number)
    if seen is None:
        raise Rejected(Reject.PEC_UNKNOWN, "prise_en_charge")
    await store_care.count_for(c, seen.insurer)
    await store_care.lock_people(c, [(seen.insurer, seen.agreement.pseudonym)])
    held = await store.find(c, number, lock=True)
    assert held is not None
    return held


async def reserve_again(c: asyncpg.Connection, held: Held) -> None:
    """Its invoice is gone: it may be billed anew, and holds its part of the ceilings again.

    Never more than they hold now: what a smaller invoice had left free may be used by another since. Then it is agreed to that."""
    agreement = held.agreement
    taken = await store_care.taken(c, held.insurer, agreement.pseudonym, held.id)
    frozen = msgspec.structs.replace(agreement.frozen, taken=taken)
    priced, now = reserved(held), reserved(replace(held, agreement=replace(agreement, frozen=frozen)))
    if now.shares.amc < agreement.shares.amc:
        priced = now
        await store.lower(c, held, frozen, now.shares)
    await store_care.take(c, held.id, held.insurer, agreement.pseudonym, priced.takings, "reserved")


def reserved(held: Held) -> PricedCare:
    """What it reserves: priced again from what it froze. Not for one whose lines are gone."""
    agreement = held.agreement
    assert agreement.lines is not None
    frozen = agreement.frozen
    care = Care(lines=agreement.lines, regime=frozen.regime, territory=frozen.territory)  # type: ignore[arg-type]
    terms = frozen.terms(agreement.pseudonym)
    return price_care(care, terms, frozen.care_date, frozen.counted_on, frozen.taken)


async def _former(c: asyncpg.Connection, number: str, engaged: Engaged) -> Held | None:
    """The one that is amended: of the same person, not billed, not ended."""
    if not number:
        return None
    held = await store.find(c, as_written(number), lock=True)
    if held is None or (held.insurer, held.agreement.pseudonym) != (
        engaged.insurer.number,
        engaged.terms.pseudonym,
    ):
        raise Rejected(Reject.PEC_UNKNOWN, "amends")
    if held.agreement.billed:
        raise Rejected(Reject.PEC_USED, "amends")
    if held.agreement.state not in {"accordee", "en-attente"}:
        raise Rejected(Reject.PEC_NOT_AGREED, "amends")
    return held


async def _decide_and_write(
    asked: Asked, c: asyncpg.Connection, care: Care, engaged: Engaged, former: Held | None
) -> str:
    """Judge without what the former one reserves; it gives way unless the new one is refused. The new number."""
    terms, insurer, today = engaged.terms, engaged.insurer, paris_date(asked.at)
    taken = await store_care.taken(c, insurer.number, terms.pseudonym, former.id if former else None)
    decision, priced = decide_by_rule(care, terms, taken, today)
    if former is not None and decision.state != "refusee":
        await _end(c, former, "annulee", Reason.AMENDED, "professional", asked.at)
    new = _new(asked, care, engaged, decision, priced)
    new = replace(new, frozen=freeze(care, terms, today, taken), amends=former.id if former else None)
    await store.insert(c, new)
    if decision.state == "accordee":
        await store_care.take(c, new.id, insurer.number, terms.pseudonym, priced.takings, "reserved")
    return new.number


def _new(asked: Asked, care: Care, engaged: Engaged, decision: Decision, priced: PricedCare) -> New:
    terms = engaged.terms
    return New(
        uuid.uuid4(), number_of(secrets.randbelow(NUMBERS)), uuid.UUID(asked.who.establishment), engaged.insurer.number,
        terms.pseudonym, decision.state, decision.code, asked.at, *validity(terms), freeze(care, terms, paris_date(asked.at), []),
        None if decision.state == "refusee" else care.lines, priced.shares, None,
    )  # fmt: skip


async def _agree(asked: Asked, c: asyncpg.Connection, held: Held) -> None:
    agreement, today = held.agreement, paris_date(asked.at)
    taken = await store_care.taken(c, held.insurer, agreement.pseudonym)
    frozen = msgspec.structs.replace(agreement.frozen, taken=taken, counted_on=today)
    priced = reserved(replace(held, agreement=replace(agreement, frozen=frozen)))
    await store.agree(c, held, frozen, priced.shares, asked.at)
    await store_care.take(c, held.id, held.insurer, agreement.pseudonym, priced.takings, "reserved")


async def _end(c: asyncpg.Connection, held: Held, state: str, reason: Reason, by: str, at: int) -> None:
    await store.end(c, held, state, reason.code, by, at)
    await store_care.release(c, held.id)


async def _read(asked: Asked, c: asyncpg.Connection, number: str) -> PriseEnCharge:
    held = await store.find(c, number)
    assert held is not None
    return store.view(held, paris_date(asked.at))
