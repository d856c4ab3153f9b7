"""Attacks on the credit line from the claims' side: what an invoice gives back, and what an old engagement still tells."""

from rempart.claims.messages import AskBody, Care, Invoice, InvoiceBody, Line, NumberBody, Quote, QuoteBody
from rempart.foundation.clock import DAY, HOUR, MINUTE
from rempart.foundation.vocabulary import Domain
from tests.cashier.conftest import Professional, Trade

SUBMIT, CANCEL = "/claims/invoice/submit", "/claims/invoice/cancel"
DRUG = Line(nature="drug-65", price=1_075, base=1_075, boxes=1)
FREE = Line(nature="drug-100", price=1_075, base=1_075, boxes=1)


def bill(who: Professional, number: str, receipt: str, line: Line = DRUG) -> Invoice:
    body = InvoiceBody(number, Care([line], receipt), who.trade.today().isoformat())
    return who.ask(Invoice, SUBMIT, body)


def told(trade: Trade) -> list[tuple[object, ...]]:
    """What the line was told: whether each claim stands, and how many there are."""
    return trade.rows("SELECT cancelled IS NULL, noted FROM vault.claim ORDER BY index")


def test_an_accepted_invoice_is_told_to_the_line_once_and_taken_back_when_cancelled(trade: Trade) -> None:
    """Fake claims: invoice what was looked up so that the line refills, then cancel."""
    pharmacist = trade.professional()
    receipt = pharmacist.receipt(trade.insure(trade.insurer()), Domain.PHAR)
    before = len(told(trade))
    assert bill(pharmacist, "F1", receipt).state == "accepted"
    assert bill(pharmacist, "F1", receipt).state == "accepted"
    assert told(trade)[before:] == [(True, False)]
    pharmacist.ask(Invoice, CANCEL, NumberBody("F1"))
    assert told(trade)[before:] == [(False, False)]


def test_an_invoice_that_pays_nothing_refills_nothing(trade: Trade) -> None:
    """It would cost a thief nothing, and the insurer would see nothing."""
    pharmacist = trade.professional()
    receipt = pharmacist.receipt(trade.insure(trade.insurer()), Domain.PHAR)
    before = len(told(trade))
    paid_by_amo = bill(pharmacist, "F1", receipt, FREE)
    assert (paid_by_amo.state, paid_by_amo.shares.amc) == ("accepted", 0)
    assert len(told(trade)) == before


def test_an_old_engagement_tells_nothing_more_of_a_ceiling(trade: Trade) -> None:
    """A thief keeps receipts, and asks for quotes later, when no meter counts: the right must be checked again. The bill is paid."""
    pharmacist = trade.professional()
    receipt = pharmacist.receipt(trade.insure(trade.insurer()), Domain.PHAR)
    quote, ask = QuoteBody(Care([DRUG], receipt)), AskBody(Care([DRUG], receipt))
    day = trade.today().isoformat()
    trade.clock.now += 24 * HOUR - MINUTE
    pharmacist.wake()
    pharmacist.ask(Quote, "/claims/quote", quote)
    trade.clock.now += MINUTE
    assert pharmacist.refused("/claims/quote", quote).code == "engagement-old"
    assert pharmacist.refused("/claims/prise-en-charge/ask", ask).code == "engagement-old"
    trade.clock.now += 10 * DAY
    pharmacist.wake()
    assert pharmacist.ask(Invoice, SUBMIT, InvoiceBody("F1", Care([DRUG], receipt), day)).state == "accepted"


def test_a_look_up_keeps_its_claim_until_its_last_paying_invoice_is_cancelled(trade: Trade) -> None:
    """Two invoices on one engagement: to cancel one takes nothing back, to cancel both takes it all."""
    pharmacist = trade.professional()
    receipt = pharmacist.receipt(trade.insure(trade.insurer()), Domain.PHAR)
    before = len(told(trade))
    other = Line(nature="drug-65", price=2_150, base=2_150, boxes=2)
    for number, line in (("F1", DRUG), ("F2", other), ("F3", FREE)):
        assert bill(pharmacist, number, receipt, line).state == "accepted"
    pharmacist.ask(Invoice, CANCEL, NumberBody("F1"))
    assert told(trade)[before:] == [(True, False)]
    pharmacist.ask(Invoice, CANCEL, NumberBody("F2"))
    # F3 stands, and pays nothing.
    assert told(trade)[before:] == [(False, False)]
