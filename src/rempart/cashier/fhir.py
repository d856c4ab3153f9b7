"""The errands of care in FHIR R4: a Claim submitted or withdrawn, ClaimResponses read and searched (docs/fhir.md).

The same acts as `care`: this module reads and words, and decides nothing. Another establishment's answer is one that does not exist.
"""

import uuid
from collections.abc import Sequence
from typing import TypeVar

import asyncpg
import msgspec

from rempart.cashier import care, invoices, prises_en_charge
from rempart.cashier.errands import Asked, Errand, NotFound, Party
from rempart.claims import store_fhir, store_invoices, store_prises_en_charge
from rempart.claims.case import DOMAIN_OF, Nature
from rempart.claims.fhir import vocabulary as v
from rempart.claims.fhir.claim import ReadClaim, read_claim
from rempart.claims.fhir.response import (
    Resource,
    agreement_response,
    amc_of_receipt,
    invoice_response,
    quote_response,
    searchset,
)
from rempart.claims.fhir.search import Search, read_code, read_search, states
from rempart.claims.messages import (
    AskBody,
    Invoice,
    InvoiceBody,
    InvoiceFilter,
    PriseEnCharge,
    PriseEnChargeFilter,
    QuoteBody,
)
from rempart.claims.prise_en_charge import REASONS, as_written
from rempart.foundation.clock import paris_date
from rempart.foundation.errors import BadInput
from rempart.vaultdoor.fhir import BadPresentation
from rempart.vaultdoor.messages import Paper

CLAIM_RESPONSES = "/fhir/ClaimResponse"
_PARAMETERS = ("use", "identifier", "status", "outcome")
T = TypeVar("T")


async def submit(asked: Asked, c: asyncpg.Connection, body: bytes) -> Paper:
    """An invoice, a prise en charge or a quote; or its withdrawal. Raises BadPresentation, and what those errands raise."""
    claim = read_claim(body)
    if claim.finess != asked.who.finess:
        raise BadPresentation("provider.identifier.value", "finess")
    if claim.use == "predetermination":
        return paper(await _quoted(asked, c, claim))
    if claim.use == "preauthorization":
        agreement = await _agreement(asked, c, claim)
        _require_insurer(claim, agreement.insurer)
        return paper(_agreement_told(asked, agreement))
    invoice = await _invoice(asked, c, claim)
    _require_insurer(claim, invoice.insurer)
    [told] = await _invoices_told(asked, c, [invoice])
    return paper(told)


async def read(asked: Asked, c: asyncpg.Connection, _: bytes) -> Paper:
    """One ClaimResponse of the establishment's own. Raises NotFound."""
    identity = asked.target.partition("?")[0].rpartition("/")[2]
    pec = await store_prises_en_charge.find(c, identity)
    if pec is not None:
        view = store_prises_en_charge.view(pec, paris_date(asked.at))
        return paper(_agreement_told(asked, view))
    try:
        number = await store_fhir.invoice_number(c, uuid.UUID(identity))
    except ValueError:
        raise NotFound from None
    found = await _find_invoice(asked, c, number)
    if not found:
        raise NotFound
    return paper((await _invoices_told(asked, c, found))[0])


async def search(asked: Asked, c: asyncpg.Connection, body: bytes) -> Paper:
    """A page of the establishment's own ClaimResponses, newest first. Raises BadPresentation."""
    wanted = read_search(query_of(asked, body), _PARAMETERS)
    use = read_code(wanted, "use", ("claim", "preauthorization", "predetermination"))
    if use == "predetermination":
        return searched(asked, CLAIM_RESPONSES, wanted, [], 0)
    if use == "preauthorization":
        agreements, following = await _agreements(asked, c, wanted)
        told = [_agreement_told(asked, each) for each in agreements]
    else:
        found, following = await _invoices(asked, c, wanted)
        told = await _invoices_told(asked, c, found)
    return searched(asked, CLAIM_RESPONSES, wanted, told, following)


TABLE = {
    "POST /fhir/Claim/$submit": Errand(Party.PROFESSIONAL, None, submit),
    "GET /fhir/ClaimResponse": Errand(Party.PROFESSIONAL, None, search, method="GET"),
    "POST /fhir/ClaimResponse/_search": Errand(Party.PROFESSIONAL, None, search),
    "GET /fhir/ClaimResponse/*": Errand(Party.PROFESSIONAL, None, read, method="GET"),
}


# ── what the other FHIR errands use too ──────────────────────────────────────────────────────────────────────────────


def paper(resource: Resource) -> Paper:
    """A resource as it leaves."""
    return Paper(resource["resourceType"], msgspec.json.encode(resource), "application/fhir+json")


def query_of(asked: Asked, body: bytes) -> str:
    """A search's parameters: those of the address, and those of the form of `_search`. Raises BadInput."""
    query = asked.target.partition("?")[2]
    try:
        form = body.decode("ascii")
    except UnicodeDecodeError:
        raise BadInput("form") from None
    return "&".join(part for part in (query, form) if part)


def searched(asked: Asked, path: str, wanted: Search, resources: Sequence[Resource], following: int) -> Paper:
    """The page as a Bundle, whose links are addresses to sign and GET."""
    base = asked.zone.settings.origin + path
    cursor = str(following) if following else ""
    return paper(searchset(base, resources, wanted.asked, cursor, asked.at))


def cut(wanted: Search, items: Sequence[T], instants: Sequence[int], following: int) -> tuple[list[T], int]:
    """What of a page is inside the bounds and fits `_count`, and where the next one begins. Those of one microsecond stay together."""
    end = len(items)
    for place, instant in enumerate(instants):
        if instant < wanted.since:
            return list(items[:place]), 0
        if place >= wanted.count and instant != instants[place - 1]:
            end, following = place, instants[place - 1]
            break
    return list(items[:end]), following


# ── invoices and prises en charge ────────────────────────────────────────────────────────────────────────────────────


async def _quoted(asked: Asked, c: asyncpg.Connection, claim: ReadClaim) -> Resource:
    assert isinstance(claim.body, QuoteBody)
    quote = await care.quote(asked, c, claim.body)
    # The errand has proved the receipt: what it names may be read.
    _require_insurer(claim, amc_of_receipt(claim.body.care.receipt))
    domain = DOMAIN_OF[Nature(claim.body.care.lines[0].nature)]
    return quote_response(quote, claim.amc, domain, asked.at, asked.language)


async def _agreement(asked: Asked, c: asyncpg.Connection, claim: ReadClaim) -> PriseEnCharge:
    if isinstance(claim.body, AskBody):
        return await prises_en_charge.ask(asked, c, claim.body)
    assert not isinstance(claim.body, InvoiceBody | QuoteBody)
    return await prises_en_charge.cancel(asked, c, claim.body)


async def _invoice(asked: Asked, c: asyncpg.Connection, claim: ReadClaim) -> Invoice:
    if isinstance(claim.body, InvoiceBody):
        return await invoices.submit(asked, c, claim.body)
    assert not isinstance(claim.body, AskBody | QuoteBody)
    return await invoices.cancel(asked, c, claim.body)


def _require_insurer(claim: ReadClaim, amc: str) -> None:
    """The Claim names the insurer that the engagement names. Raising undoes what was written."""
    if claim.amc != amc:
        raise BadPresentation("insurer.identifier.value", "engaged-insurer")


async def _invoices_told(asked: Asked, c: asyncpg.Connection, found: Sequence[Invoice]) -> list[Resource]:
    ids = await store_fhir.invoice_ids(c, [each.number for each in found])
    return [invoice_response(each, ids[each.number], asked.language) for each in found]


def _agreement_told(asked: Asked, agreement: PriseEnCharge) -> Resource:
    reason = REASONS.get(agreement.reason)
    sentence = (
        f"{reason.sentence.read(asked.language)} {reason.remedy.read(asked.language)}" if reason else ""
    )
    return agreement_response(agreement, agreement.number, sentence, asked.language)


async def _find_invoice(asked: Asked, c: asyncpg.Connection, number: str) -> list[Invoice]:
    kept = await store_invoices.find(c, number) if number else None
    return [kept.view(asked.language)] if kept else []


async def _invoices(asked: Asked, c: asyncpg.Connection, wanted: Search) -> tuple[list[Invoice], int]:
    kinds, number = states(wanted, v.INVOICE), wanted.number(v.INVOICE)
    if number:
        items, following = await _find_invoice(asked, c, number), 0
        items = [each for each in items if not wanted.before or each.received < wanted.before]
    else:
        state = next(iter(kinds)) if len(kinds) == 1 else ""
        page = await invoices.list_page(asked, c, InvoiceFilter(state=state, before=wanted.before))
        items, following = page.items, page.next
    items, following = cut(wanted, items, [each.received for each in items], following)
    return [each for each in items if each.state in kinds], following


async def _agreements(asked: Asked, c: asyncpg.Connection, wanted: Search) -> tuple[list[PriseEnCharge], int]:
    kinds, number = states(wanted, v.PEC), wanted.number(v.PEC)
    if number:
        held = await store_prises_en_charge.find(c, as_written(number))
        items = [store_prises_en_charge.view(held, paris_date(asked.at))] if held else []
        items, following = [each for each in items if not wanted.before or each.asked < wanted.before], 0
    else:
        state = next(iter(kinds)) if len(kinds) == 1 else ""
        page = await prises_en_charge.list_page(
            asked, c, PriseEnChargeFilter(state=state, before=wanted.before)
        )
        items, following = page.items, page.next
    items, following = cut(wanted, items, [each.asked for each in items], following)
    return [each for each in items if each.state in kinds], following
