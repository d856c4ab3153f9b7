"""Invoices through the real cashier: accepted at once, the same again, corrected, cancelled, refused with what to do."""

from rempart.claims.messages import Care, Invoice, InvoiceBody, Line
from rempart.foundation.vocabulary import Domain
from tests.cashier.conftest import Insured, Professional, Trade

DRUG = Line(nature="drug-65", price=1_075, base=1_075, boxes=1)


def invoice(
    professional: Professional,
    insured: Insured,
    number: str = "F1",
    *lines: Line,
    domain: Domain = Domain.PHAR,
) -> InvoiceBody:
    """An invoice of today on a fresh engagement."""
    receipt = professional.receipt(insured, domain)
    return InvoiceBody(number, Care(list(lines) or [DRUG], receipt), professional.trade.today().isoformat())


def submit(professional: Professional, body: InvoiceBody) -> Invoice:
    return professional.ask(Invoice, "/claims/invoice/submit", body)


def test_an_engaged_invoice_is_accepted_at_once_with_its_amounts(trade: Trade) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    accepted = submit(pharmacist, invoice(pharmacist, anne))
    assert (accepted.state, accepted.code, accepted.money) == ("accepted", "", "due")
    shares = accepted.shares
    assert (shares.total, shares.amo, shares.amc, shares.patient) == (1_075, 699, 376, 0)
    assert accepted.steps
