"""The promise through the real cashier: whatever the insurer does between the rights check and the invoice, what was engaged is paid."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rempart.claims.messages import AskBody, Care, InvoiceBody, Line, PriseEnCharge
from rempart.foundation.vocabulary import Domain, Profession
from tests.cashier.conftest import CONFORT, Insured, Trade, cell, contract

DRUGS = {"drug-100": 0, "drug-65": 35, "drug-30": 70, "drug-15": 85}
"""What is left to the complementary at 100 % of the base, in percent."""


def _closes_everything(trade: Trade, insured: Insured) -> None:
    trade.reload(insured.insurer)


def _ends_the_contract(trade: Trade, insured: Insured) -> None:
    trade.reload(insured.insurer, replace(insured, contracts=(contract(valid_to=trade.today(-1)),)))


def _changes_the_product(trade: Trade, insured: Insured) -> None:
    nothing = {domain: cell("none", pec=True) for domain in CONFORT}
    trade.reproduct(insured.insurer, {"CONFORT": nothing})


def _drops_the_product(trade: Trade, insured: Insured) -> None:
    trade.reproduct(insured.insurer, {"OTHER": CONFORT})


EVENTS: list[Callable[[Trade, Insured], None]] = [
    _closes_everything,
    _ends_the_contract,
    _changes_the_product,
    _drops_the_product,
]
quick = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)  # fmt: skip


@quick
@given(
    st.lists(st.sampled_from(EVENTS), min_size=1, max_size=3),
    st.lists(st.tuples(st.sampled_from(sorted(DRUGS)), st.integers(1, 5_000)), min_size=1, max_size=4),
)
def test_an_engaged_invoice_is_paid_whatever_the_insurer_did_in_between(
    trade: Trade, events: list[Callable[[Trade, Insured], None]], boxes: list[tuple[str, int]]
) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    receipt = pharmacist.receipt(anne, Domain.PHAR)
    for event in events:
        event(trade, anne)
    lines = [Line(nature=nature, price=cents, base=cents, boxes=1) for nature, cents in boxes]
    paid = pharmacist.ask_invoice(InvoiceBody("F1", Care(lines, receipt), trade.today().isoformat()))
    assert (paid.state, paid.code) == ("accepted", "")
    assert paid.shares.patient == 0
    owed = trade.rows(
        "SELECT coalesce(sum(cents), 0) FROM claims.due WHERE establishment = %s", pharmacist.establishment
    )
    assert owed == [(paid.shares.amc,)]


@quick
@given(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=3), st.integers(1_000, 40_000))
def test_an_agreement_is_paid_whatever_the_insurer_did_in_between(
    trade: Trade, events: list[Callable[[Trade, Insured], None]], price: int
) -> None:
    dentist, anne = trade.professional(Profession.DENTIST), trade.insure(trade.insurer())
    crown = Line(nature="dental-prosthesis", price=price, base=12_000, basket="free")
    care = Care([crown], dentist.receipt(anne, Domain.DENT))
    agreed = dentist.ask(PriseEnCharge, "/claims/prise-en-charge/ask", AskBody(care))
    assert agreed.state == "accordee"
    for event in events:
        event(trade, anne)
    billed = Care([crown], prise_en_charge=agreed.number)
    paid = dentist.ask_invoice(InvoiceBody("F1", billed, trade.today().isoformat()))
    assert (paid.state, paid.shares) == ("accepted", agreed.shares)
