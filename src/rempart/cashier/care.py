"""The errands of care: quotes, prises en charge, invoices."""

import asyncpg

from rempart.cashier import invoices, prises_en_charge
from rempart.cashier.engaged import prove
from rempart.cashier.errands import Asked, Errand, Party
from rempart.claims import store_care
from rempart.claims.care import left_of_year, price_care
from rempart.claims.messages import (
    AskBody,
    InvoiceBody,
    InvoiceFilter,
    NumberBody,
    PriseEnChargeFilter,
    Quote,
    QuoteBody,
)
from rempart.claims.prise_en_charge import needs_prise_en_charge
from rempart.foundation.clock import paris_date
from rempart.vaultdoor.holds import Doing


async def quote(asked: Asked, c: asyncpg.Connection, body: QuoteBody) -> Quote:
    """Price without reserving or keeping anything. Raises Rejected, EngagementInvalid, EngagementElsewhere."""
    asked.require(Doing.QUOTE)
    engaged = await prove(asked, c, body.care.receipt, lately=True)
    terms, today = engaged.terms, paris_date(asked.at)
    taken = await store_care.taken(c, engaged.insurer.number, terms.pseudonym)
    priced = price_care(body.care, terms, terms.care_date, today, taken)
    return Quote(
        priced.shares, list(priced.lines), list(priced.steps), needs_prise_en_charge(terms), left_of_year(terms, today, taken)
    )  # fmt: skip


TABLE = {
    "POST /claims/quote": Errand(Party.PROFESSIONAL, QuoteBody, quote),
    "POST /claims/prise-en-charge/ask": Errand(Party.PROFESSIONAL, AskBody, prises_en_charge.ask),
    "POST /claims/prise-en-charge/list": Errand(
        Party.PROFESSIONAL, PriseEnChargeFilter, prises_en_charge.list_page
    ),
    "POST /claims/prise-en-charge/cancel": Errand(Party.PROFESSIONAL, NumberBody, prises_en_charge.cancel),
    "POST /claims/invoice/submit": Errand(Party.PROFESSIONAL, InvoiceBody, invoices.submit),
    "POST /claims/invoice/cancel": Errand(Party.PROFESSIONAL, NumberBody, invoices.cancel),
    "POST /claims/invoice/list": Errand(Party.PROFESSIONAL, InvoiceFilter, invoices.list_page),
}
