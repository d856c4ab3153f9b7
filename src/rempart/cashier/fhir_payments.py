"""PaymentReconciliation in FHIR R4: an establishment's own statements, read and searched (docs/fhir.md). The same acts as `money`."""

import asyncpg

from rempart.cashier import money
from rempart.cashier.errands import Asked, Errand, NotFound, Party
from rempart.cashier.fhir import cut, paper, query_of, searched
from rempart.claims.bank_reasons import reason
from rempart.claims.fhir import vocabulary as v
from rempart.claims.fhir.response import payment_summary, reconciliation
from rempart.claims.fhir.search import Search, read_amount, read_search
from rempart.claims.messages import NumberBody, Payment, PaymentFilter
from rempart.vaultdoor.messages import Paper

PAYMENTS = "/fhir/PaymentReconciliation"
_PARAMETERS = ("identifier", "request-identifier", "amount")


async def read(asked: Asked, c: asyncpg.Connection, _: bytes) -> Paper:
    """One statement of the establishment's own, whole. Raises NotFound."""
    number = asked.target.partition("?")[0].rpartition("/")[2]
    try:
        statement = await money.statement(asked, c, NumberBody(number))
    except money.StatementUnknown:
        raise NotFound from None
    return paper(reconciliation(statement, _why(asked, statement.payment), asked.language))


async def search(asked: Asked, c: asyncpg.Connection, body: bytes) -> Paper:
    """A page of the establishment's own payments, newest first. Raises BadPresentation."""
    wanted = read_search(query_of(asked, body), _PARAMETERS)
    items, following = await _payments(asked, c, wanted)
    items, following = cut(wanted, items, [each.ordered for each in items], following)
    told = [payment_summary(each, _why(asked, each), asked.language) for each in items]
    return searched(asked, PAYMENTS, wanted, told, following)


async def _payments(asked: Asked, c: asyncpg.Connection, wanted: Search) -> tuple[list[Payment], int]:
    invoice = wanted.values.get("request-identifier", "").rpartition("|")[2]
    cents, number = read_amount(wanted, "amount"), wanted.number(v.STATEMENT)
    if number:
        found = await _one(asked, c, number)
        inside = [each for each in found if not wanted.before or each.ordered < wanted.before]
        return [each for each in inside if cents in {-1, each.cents}], 0
    page = await money.list_payments(
        asked, c, PaymentFilter(invoice=invoice, cents=cents, before=wanted.before)
    )
    return page.items, page.next


async def _one(asked: Asked, c: asyncpg.Connection, number: str) -> list[Payment]:
    try:
        return [(await money.statement(asked, c, NumberBody(number))).payment]
    except money.StatementUnknown:
        return []


def _why(asked: Asked, payment: Payment) -> str:
    """Why the bank rejected it, in the reader's language."""
    if payment.state != "rejected":
        return ""
    told = reason(payment.reason)
    return (
        f"{told.english} {told.remedy_english}"
        if asked.language == "en"
        else f"{told.french} {told.remedy_french}"
    )


TABLE = {
    "GET /fhir/PaymentReconciliation": Errand(Party.PROFESSIONAL, None, search, method="GET"),
    "POST /fhir/PaymentReconciliation/_search": Errand(Party.PROFESSIONAL, None, search),
    "GET /fhir/PaymentReconciliation/*": Errand(Party.PROFESSIONAL, None, read, method="GET"),
}
