"""Invoices: accepted or refused at once, corrected, cancelled, listed.

Each errand is one transaction: whatever is killed, all of it happened or nothing.
"""

import uuid
from dataclasses import dataclass
from datetime import date

import asyncpg
import msgspec

from rempart.cashier import prises_en_charge
from rempart.cashier.engaged import prove
from rempart.cashier.errands import Asked
from rempart.cashier.telling import tell
from rempart.claims import store_care
from rempart.claims import store_invoices as store
from rempart.claims import store_prises_en_charge as store_pec
from rempart.claims.act_lines import ActLines, seal_act_lines
from rempart.claims.care import PricedCare, cap
from rempart.claims.engagement import Engagement
from rempart.claims.invoice import content_digest, fingerprint, judge_agreed, judge_engaged
from rempart.claims.messages import Invoice, InvoiceBody, InvoiceFilter, InvoicePage, NumberBody, Shares
from rempart.claims.prise_en_charge import as_written, has_expired
from rempart.claims.rejects import Reject, Rejected
from rempart.claims.store_care import KnownInsurer
from rempart.claims.store_invoices import Judged, Kept
from rempart.claims.store_prises_en_charge import Held
from rempart.foundation.clock import DAY, paris_date
from rempart.foundation.errors import BadInput
from rempart.vaultdoor.holds import Doing

INDU_NOTICE = 30 * DAY
"""An amount that was paid is recovered by offset after this notice."""


@dataclass(frozen=True)
class _Basis:
    """What an invoice stands on: the terms, signed or frozen, and the prise en charge where there is one."""

    terms: Engagement
    insurer: KnownInsurer
    held: Held | None


async def submit(asked: Asked, c: asyncpg.Connection, body: InvoiceBody) -> Invoice:
    """Accept or refuse. Idempotent by number: an accepted one answers the same; a refused one may come again.

    Nothing is kept when it raises: EngagementInvalid, EngagementElsewhere, Rejected (engagement-missing, prise-en-charge-unknown,
    number-used)."""
    asked.require(Doing.INVOICE)
    await store_care.lock_numbers(c, asked.who.establishment, [body.number, body.corrects])
    known = await store.find(c, body.number)
    if known is not None and known.state != "refused":
        if known.digest != content_digest(body):
            raise Rejected(Reject.NUMBER_USED, body.number)
        return known.view(asked.language)
    former = await store.find(c, body.corrects) if body.corrects else None
    basis = await _basis(asked, c, body, former)
    try:
        async with c.transaction():
            priced = await _accept(asked, c, body, basis, former)
    except Rejected as rejected:
        # The correction of an invoice that is refused leaves the former one as it was.
        await store.write(c, _judged(asked, body, basis, _unpaid(body), former, rejected))
        priced = None
    kept = await store.find(c, body.number)
    assert kept is not None
    if priced is None:
        return kept.view(asked.language)
    return msgspec.structs.replace(kept.view(asked.language, priced.steps), lines=list(priced.lines))


async def cancel(asked: Asked, c: asyncpg.Connection, body: NumberBody) -> Invoice:
    """Cancel an accepted invoice; once cancelled, the same answer. Raises Rejected (invoice-unknown)."""
    asked.require(Doing.INVOICE)
    await store_care.lock_numbers(c, asked.who.establishment, [body.number])
    kept = await store.find(c, body.number)
    if kept is None or kept.state == "refused":
        raise Rejected(Reject.INVOICE_UNKNOWN, "number")
    asked.concerns(kept.insurer)
    if kept.state == "accepted":
        await store_care.count_for(c, kept.insurer)
        await store_care.lock_people(c, [(kept.insurer, kept.pseudonym)])
        await _undo(asked, c, kept)
    cancelled = await store.find(c, body.number)
    assert cancelled is not None
    return cancelled.view(asked.language)


async def list_page(asked: Asked, c: asyncpg.Connection, body: InvoiceFilter) -> InvoicePage:
    """The establishment's own, newest first. Raises BadInput for a day that is none."""
    for name, day in (("first_day", body.first_day), ("last_day", body.last_day)):
        if day and _day(day) is None:
            raise BadInput(name)
    return InvoicePage(*await store.page(c, body, asked.language))


async def _basis(asked: Asked, c: asyncpg.Connection, body: InvoiceBody, former: Kept | None) -> _Basis:
    """The terms, proved; the beneficiary's counters (and those of the invoice that is corrected) are this request's alone from here on."""
    if body.care.prise_en_charge:
        held = await store_pec.find(c, as_written(body.care.prise_en_charge))
        if held is None:
            raise Rejected(Reject.PEC_UNKNOWN, "prise_en_charge")
        insurer = await store_care.insurer_by_number(c, held.insurer)
        terms = held.agreement.frozen.terms(held.agreement.pseudonym)
    else:
        engaged = await prove(asked, c, body.care.receipt)
        held, insurer, terms = None, engaged.insurer, engaged.terms
    asked.concerns(insurer.number)
    people = [(insurer.number, terms.pseudonym)]
    if former is not None:
        asked.concerns(former.insurer)
        people.append((former.insurer, former.pseudonym))
    await store_care.lock_people(c, people)
    return _Basis(terms, insurer, held)


async def _accept(
    asked: Asked, c: asyncpg.Connection, body: InvoiceBody, basis: _Basis, former: Kept | None
) -> PricedCare:
    """Undo what it corrects, judge, and write everything an acceptance leaves. Raises Rejected."""
    if body.corrects:
        if former is None or former.state != "accepted" or body.corrects == body.number:
            raise Rejected(Reject.CORRECTS_UNKNOWN, "corrects")
        await store_care.count_for(c, former.insurer)
        await _undo(asked, c, former)
    insurer, terms = basis.insurer, basis.terms
    await store_care.count_for(c, insurer.number)
    priced, held = await _judge(asked, c, body, basis)
    judged = _judged(asked, body, basis, priced.shares, former, None)
    invoice = await store.write(c, judged)
    if held is not None:
        # What was reserved becomes what is used.
        await store_care.release(c, held.id)
        await store_pec.bill(c, held.agreement.number, invoice)
    await store_care.take(c, invoice, insurer.number, terms.pseudonym, priced.takings, "used")
    acts = _act_lines(str(invoice), asked.who.establishment, body, basis, priced)
    await store.keep_acts(c, invoice, insurer.number, seal_act_lines(acts, insurer.notice_key, insurer.amc))
    if priced.shares.amc:
        await store.owe(c, invoice, judged.establishment, insurer.number, priced.shares.amc, asked.at)
        await store.tell_line(c, terms.index, asked.at)
    return priced


async def _judge(
    asked: Asked, c: asyncpg.Connection, body: InvoiceBody, basis: _Basis
) -> tuple[PricedCare, Held | None]:
    today, insurer, terms = paris_date(asked.at), basis.insurer.number, basis.terms
    twin = await store.twin_of(c, _fingerprint(body, basis))
    if basis.held is None:
        taken = await store_care.taken(c, insurer, terms.pseudonym)
        priced = judge_engaged(body, terms, taken, today, twin)
        if terms.most is not None:
            left = terms.most - await store.honoured(c, terms.index)
            priced = cap(priced, max(0, left), offline=True)
        return priced, None
    # Read again: it may have been billed or freed meanwhile.
    held = await store_pec.find(c, basis.held.agreement.number, lock=True)
    assert held is not None
    return judge_agreed(body, held.agreement, today, twin), held


async def _undo(asked: Asked, c: asyncpg.Connection, kept: Kept) -> None:
    """Cancelled: the amount goes back, counters are free, its prise en charge may be billed again."""
    await store.cancel(c, kept.id, asked.at)
    await store_care.release(c, kept.id)
    if kept.shares.amc:
        await _take_back(asked, c, kept)
        await store.untell_line(c, kept.row["engagement"], asked.at)
    if kept.prise_en_charge:
        held = await store_pec.find(c, kept.prise_en_charge, lock=True)
        assert held is not None
        await store_pec.bill(c, kept.prise_en_charge, None)
        if held.agreement.lines is not None and not has_expired(
            held.agreement.valid_to, paris_date(asked.at)
        ):
            await prises_en_charge.reserve_again(c, held)


async def _take_back(asked: Asked, c: asyncpg.Connection, kept: Kept) -> None:
    establishment = uuid.UUID(asked.who.establishment)
    if await store.take_back(c, kept, establishment, asked.at, INDU_NOTICE):
        facts = {
            "invoice": kept.row["number"],
            "cents": kept.shares.amc,
            "care_date": kept.row["care_date"].isoformat(),
            "amc": kept.row["insurer_amc"],
            "not_before": paris_date(asked.at + INDU_NOTICE).isoformat(),
        }
        await store.announce_indu(c, establishment, asked.at, facts)
        await tell(asked, asked.who.establishment, "indu:notice", kept.row["number"])


def _judged(
    asked: Asked,
    body: InvoiceBody,
    basis: _Basis,
    shares: Shares,
    former: Kept | None,
    rejected: Rejected | None,
) -> Judged:
    terms = basis.terms
    return Judged(
        uuid.UUID(asked.who.establishment), body.number, content_digest(body), basis.insurer.number, terms.index, terms.number,
        basis.held.id if basis.held else None, terms.pseudonym, terms.domain, _day(body.care_date) or terms.care_date, asked.at,
        "refused" if rejected else "accepted", rejected.code if rejected else "", rejected.detail if rejected else "", shares,
        _fingerprint(body, basis), former.id if former else None,
    )  # fmt: skip


def _fingerprint(body: InvoiceBody, basis: _Basis) -> bytes:
    return fingerprint(
        basis.insurer.number, basis.terms.pseudonym, basis.terms.domain, body.care_date, body.care
    )


def _unpaid(body: InvoiceBody) -> Shares:
    """A refused invoice pays nothing: all of it is the patient's."""
    whole = sum(line.price for line in body.care.lines)
    return Shares(whole, 0, 0, whole, 0, 0)


def _act_lines(
    invoice: str, establishment: str, body: InvoiceBody, basis: _Basis, priced: PricedCare
) -> ActLines:
    terms, care = basis.terms, body.care
    return ActLines(
        invoice, establishment, body.number, terms.number, terms.index, care.prise_en_charge, terms.domain,
        body.care_date, care.regime, [each.product for each in terms.contracts], care.lines, list(priced.lines),
    )  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
