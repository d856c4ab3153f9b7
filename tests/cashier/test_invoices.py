"""Invoices through the real cashier: accepted at once, the same again, corrected, cancelled, refused with what to do."""

from datetime import timedelta

import msgspec
import pytest

from rempart.claims.act_lines import ActLinesUnreadable, open_act_lines
from rempart.claims.messages import (
    Care,
    Invoice,
    InvoiceBody,
    InvoiceFilter,
    InvoicePage,
    Line,
    NumberBody,
    Quote,
    QuoteBody,
)
from rempart.foundation.clock import DAY, SECOND
from rempart.foundation.vocabulary import Domain, Profession
from rempart.vaultdoor.messages import Paper
from tests.cashier.conftest import CONFORT, Insured, Professional, Trade, cell, contract

DRUG = Line(nature="drug-65", price=1_075, base=1_075, boxes=1)
OTHER = Line(nature="drug-30", price=620, base=620, boxes=2)


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


def cancel(professional: Professional, number: str) -> Invoice:
    return professional.ask(Invoice, "/claims/invoice/cancel", NumberBody(number))


def journal(trade: Trade, professional: Professional) -> list[tuple[str, str, str, int]]:
    return [
        (kind, debit, credit, cents)
        for kind, debit, credit, cents in trade.rows(
            "SELECT kind, debit, credit, cents FROM claims.journal WHERE establishment = %s ORDER BY id", professional.establishment
        )
    ]  # fmt: skip


def dues(trade: Trade, professional: Professional) -> list[tuple[str, int]]:
    rows = trade.rows(
        "SELECT kind, cents FROM claims.due WHERE establishment = %s ORDER BY id", professional.establishment
    )
    return [(kind, cents) for kind, cents in rows]


def test_an_engaged_invoice_is_accepted_at_once_with_its_amounts(trade: Trade) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    accepted = submit(pharmacist, invoice(pharmacist, anne))
    assert (accepted.state, accepted.code, accepted.money) == ("accepted", "", "due")
    shares = accepted.shares
    assert (shares.total, shares.amo, shares.amc, shares.patient) == (1_075, 699, 376, 0)
    assert accepted.steps
    assert journal(trade, pharmacist) == [("acceptance", "amc", "ps", 376)]
    assert dues(trade, pharmacist) == [("invoice", 376)]


def test_the_same_invoice_again_answers_the_same_and_owes_once(trade: Trade) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    body = invoice(pharmacist, anne)
    first, again = submit(pharmacist, body), submit(pharmacist, body)
    assert again == msgspec.structs.replace(first, steps=[], lines=[])
    assert dues(trade, pharmacist) == [("invoice", 376)]


def test_the_same_invoice_ten_times_at_once_is_accepted_once(trade: Trade) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    body = invoice(pharmacist, anne)
    replies = trade.together([pharmacist.signed("/claims/invoice/submit", body) for _ in range(10)])
    assert all(isinstance(reply, Paper) for reply in replies)
    assert dues(trade, pharmacist) == [("invoice", 376)]


def test_an_accepted_number_with_other_content_is_refused(trade: Trade) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    body = invoice(pharmacist, anne)
    submit(pharmacist, body)
    changed = msgspec.structs.replace(body, care=msgspec.structs.replace(body.care, lines=[OTHER]))
    assert pharmacist.refused("/claims/invoice/submit", changed).code == "number-used"


def test_a_refused_number_may_be_sent_again_once_corrected(trade: Trade) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    body = invoice(
        pharmacist, anne, "F1", Line(nature="audio", price=1_000, base=1_000, glazing_class="I", ear="left")
    )
    refused = submit(pharmacist, body)
    assert (refused.state, refused.code, refused.detail, refused.shares.amc) == (
        "refused",
        "nature",
        "lines[0].nature",
        0,
    )
    assert "nature de la ligne" in refused.remedy
    right = msgspec.structs.replace(body, care=msgspec.structs.replace(body.care, lines=[DRUG]))
    assert submit(pharmacist, right).state == "accepted"


def test_the_same_care_under_two_numbers_is_refused_naming_ones_own_number(trade: Trade) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    submit(pharmacist, invoice(pharmacist, anne, "F1", DRUG, OTHER))
    refused = submit(pharmacist, invoice(pharmacist, anne, "F2", OTHER, DRUG))
    assert (refused.code, refused.detail) == ("double-billing", "F1")
    elsewhere = trade.professional()
    assert submit(elsewhere, invoice(elsewhere, anne, "F2", OTHER, DRUG)).state == "accepted"


def test_the_care_date_is_the_engagements(trade: Trade) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    body = invoice(pharmacist, anne)
    day_before = msgspec.structs.replace(body, care_date=trade.today(-1).isoformat())
    assert submit(pharmacist, day_before).code == "care-date-other"
    tomorrow = msgspec.structs.replace(body, care_date=trade.today(1).isoformat())
    assert submit(pharmacist, tomorrow).code == "care-date-future"


def test_an_invoice_of_more_than_two_years_ago_is_refused_and_one_of_two_years_accepted(trade: Trade) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    day = trade.today()
    receipt = pharmacist.receipt(anne, Domain.PHAR)
    start = trade.clock.now
    try:
        last = day.replace(year=day.year + 2)
        trade.clock.now = start + (last - day) // timedelta(days=1) * DAY
        late = InvoiceBody("F1", Care([DRUG], receipt), (day - timedelta(days=1)).isoformat())
        assert submit(pharmacist, late).code == "late"
        assert (
            submit(pharmacist, msgspec.structs.replace(late, number="F2", care_date=day.isoformat())).state
            == "accepted"
        )
    finally:
        trade.clock.now = start
        pharmacist.signed_in_at = 0


def test_a_domain_that_needs_a_prise_en_charge_says_so(trade: Trade) -> None:
    optician, anne = trade.professional(Profession.OPTICIAN), trade.insure(trade.insurer())
    frame = Line(nature="optics-frame", price=9_000, base=5, glazing_class="B")
    refused = submit(optician, invoice(optician, anne, "F1", frame, domain=Domain.OPTI))
    assert (refused.code, refused.state) == ("prise-en-charge-needed", "refused")


def test_an_invoice_that_the_complementary_owes_nothing_of_is_accepted_without_money(trade: Trade) -> None:
    insurer = trade.insurer({"CONFORT": {**CONFORT, "PHAR": cell("none")}})
    pharmacist, anne = trade.professional(), trade.insure(insurer, contract(responsible=False))
    accepted = submit(pharmacist, invoice(pharmacist, anne))
    assert (accepted.state, accepted.shares.amc, accepted.shares.patient, accepted.money) == (
        "accepted",
        0,
        376,
        "",
    )
    assert dues(trade, pharmacist) == []
    assert journal(trade, pharmacist) == []


def test_a_correction_cancels_the_former_and_accepts_the_new_one(trade: Trade) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    submit(pharmacist, invoice(pharmacist, anne, "F1"))
    corrected = submit(
        pharmacist, msgspec.structs.replace(invoice(pharmacist, anne, "F2", DRUG, OTHER), corrects="F1")
    )
    assert (corrected.state, corrected.corrects) == ("accepted", "F1")
    states = {
        each.number: each.state
        for each in pharmacist.ask(InvoicePage, "/claims/invoice/list", InvoiceFilter()).items
    }
    assert states == {"F1": "cancelled", "F2": "accepted"}
    assert [kind for kind, _ in dues(trade, pharmacist)] == ["invoice", "cancellation", "invoice"]


def test_a_correction_that_is_refused_leaves_the_former_as_it_was(trade: Trade) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    submit(pharmacist, invoice(pharmacist, anne, "F1"))
    wrong = invoice(pharmacist, anne, "F2", Line(nature="biology", price=100, base=100))
    assert submit(pharmacist, msgspec.structs.replace(wrong, corrects="F1")).code == "nature"
    assert dues(trade, pharmacist) == [("invoice", 376)]
    former = pharmacist.ask(InvoicePage, "/claims/invoice/list", InvoiceFilter(number="F1")).items[0]
    assert former.state == "accepted"
    unknown = invoice(pharmacist, anne, "F3", OTHER)
    assert submit(pharmacist, msgspec.structs.replace(unknown, corrects="NONE")).code == "corrects-unknown"


def test_a_cancelled_invoice_takes_its_amount_back_once(trade: Trade) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    submit(pharmacist, invoice(pharmacist, anne, "F1"))
    first, again = cancel(pharmacist, "F1"), cancel(pharmacist, "F1")
    assert first == again
    assert (first.state, first.money) == ("cancelled", "")
    assert dues(trade, pharmacist) == [("invoice", 376), ("cancellation", -376)]
    assert journal(trade, pharmacist) == [
        ("acceptance", "amc", "ps", 376),
        ("cancellation", "ps", "amc", 376),
    ]
    assert submit(pharmacist, invoice(pharmacist, anne, "F2")).state == "accepted"
    assert pharmacist.refused("/claims/invoice/cancel", NumberBody("F9")).code == "invoice-unknown"


def test_a_paid_invoice_that_is_cancelled_is_an_indu_with_its_notice(trade: Trade) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    submit(pharmacist, invoice(pharmacist, anne, "F1"))
    pay(trade, pharmacist)
    assert (
        pharmacist.ask(InvoicePage, "/claims/invoice/list", InvoiceFilter(number="F1")).items[0].money
        == "ordered"
    )
    assert cancel(pharmacist, "F1").money == "recovering"
    row = trade.rows(
        "SELECT cents, not_before FROM claims.due WHERE kind = 'indu' AND establishment = %s",
        pharmacist.establishment,
    )
    assert row == [(-376, trade.clock() + 30 * DAY)]
    letters = trade.rows("SELECT kind FROM claims.letter WHERE establishment = %s", pharmacist.establishment)
    assert letters == [("indu",)]


def pay(trade: Trade, professional: Professional) -> None:
    """A payment as a settlement run leaves it."""
    with trade.database.connect() as owner:
        owner.execute(
            "WITH r AS (INSERT INTO claims.run (id, day, state, opened, until_due, until_journal)"
            " VALUES (gen_random_uuid(), '2026-01-05', 'ordered', 0, 0, 0)"
            " RETURNING id), b AS (INSERT INTO claims.rib (id, establishment, sealed, state, asked, asked_by, effective_at, needs_second)"
            " VALUES (gen_random_uuid(), %(e)s, '', 'in-force', 0, gen_random_uuid(), 0, false) RETURNING id),"
            " p AS (INSERT INTO claims.payment (id, run, establishment, rib, end_to_end, cents, state, statement, part)"
            " SELECT gen_random_uuid(), r.id, %(e)s, b.id, 'E2E', 376, 'ordered', 'S1', 1 FROM r, b RETURNING id)"
            " UPDATE claims.due SET payment = p.id FROM p WHERE establishment = %(e)s",
            {"e": professional.establishment},
        )  # fmt: skip


def test_the_list_filters_and_turns_its_pages(trade: Trade) -> None:
    pharmacist, insurer = trade.professional(), trade.insurer()
    for number in range(53):
        body = invoice(pharmacist, trade.insure(insurer), f"P{number:02d}")
        submit(pharmacist, body)
        trade.clock.advance(SECOND)
        trade.rows("UPDATE vault.meter SET hour = '{0,0,0,0,0}', day = '{0,0,0,0,0,0,0}' RETURNING 1")
    first = pharmacist.ask(InvoicePage, "/claims/invoice/list", InvoiceFilter())
    rest = pharmacist.ask(InvoicePage, "/claims/invoice/list", InvoiceFilter(before=first.next))
    assert [len(first.items), len(rest.items), rest.next] == [50, 3, 0]
    assert (first.items[0].number, rest.items[-1].number) == ("P52", "P00")
    found = pharmacist.ask(
        InvoicePage, "/claims/invoice/list", InvoiceFilter(number="P1", cents=376, state="accepted")
    )
    assert len(found.items) == 10
    assert (
        pharmacist.ask(
            InvoicePage, "/claims/invoice/list", InvoiceFilter(first_day=trade.today(1).isoformat())
        ).items
        == []
    )
    assert (
        pharmacist.refused("/claims/invoice/list", InvoiceFilter(last_day="2026-02-30")).detail == "last_day"
    )


def test_another_establishments_invoice_number_stays_unknown(trade: Trade) -> None:
    pharmacist, colleague, anne = trade.professional(), trade.professional(), trade.insure(trade.insurer())
    submit(pharmacist, invoice(pharmacist, anne, "F1"))
    assert colleague.refused("/claims/invoice/cancel", NumberBody("F1")).code == "invoice-unknown"
    assert colleague.ask(InvoicePage, "/claims/invoice/list", InvoiceFilter()).items == []
    assert submit(colleague, invoice(colleague, anne, "F1")).state == "accepted"


def test_the_acts_are_readable_with_the_insurers_key_alone(trade: Trade) -> None:
    insurer, other = trade.insurer(), trade.insurer()
    pharmacist, anne = trade.professional(), trade.insure(insurer)
    submit(pharmacist, invoice(pharmacist, anne, "F1", DRUG, OTHER))
    [(sealed,)] = trade.rows("SELECT sealed FROM claims.act_lines WHERE insurer = %s", insurer.number)
    acts = open_act_lines(sealed, insurer.notice.private_bytes_raw(), insurer.amc)
    assert (acts.number, acts.lines, acts.products) == ("F1", [DRUG, OTHER], ["CONFORT"])
    assert b"drug" not in sealed
    for key, amc in ((other.notice, insurer.amc), (insurer.notice, other.amc)):
        with pytest.raises(ActLinesUnreadable):
            open_act_lines(sealed, key.private_bytes_raw(), amc)


def test_a_quote_prices_and_keeps_nothing(trade: Trade) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    device = Line(nature="lpp", price=40_000, base=10_000)
    receipt = pharmacist.receipt(anne, Domain.LPP)
    before = trade.rows(
        "SELECT (SELECT count(*) FROM claims.counter), (SELECT count(*) FROM claims.prise_en_charge)"
    )
    quote = pharmacist.ask(Quote, "/claims/quote", QuoteBody(Care([device], receipt)))
    assert (quote.shares.amc, quote.left_of_ceiling, quote.prise_en_charge_needed) == (15_000, 15_000, False)
    assert (
        trade.rows(
            "SELECT (SELECT count(*) FROM claims.counter), (SELECT count(*) FROM claims.prise_en_charge)"
        )
        == before
    )


def test_several_exonerations_count_for_the_best_one(trade: Trade) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    weak = Line(nature="drug-15", price=1_000, base=1_000, exonerations=["invalidity", "ald"])
    accepted = submit(pharmacist, invoice(pharmacist, anne, "F1", weak))
    assert (accepted.shares.amo, accepted.shares.amc) == (1_000, 0)


def test_two_contracts_pay_in_their_order(trade: Trade) -> None:
    supplement = {"LPP": cell("amount-on-top-of-amo", cents=5_000, per="year")}
    insurer = trade.insurer({"CONFORT": CONFORT, "SUPPLEMENT": supplement})
    pharmacist, anne = (
        trade.professional(),
        trade.insure(insurer, contract(), contract("SUPPLEMENT", responsible=False)),
    )
    first = submit(
        pharmacist,
        invoice(pharmacist, anne, "F1", Line(nature="lpp", price=40_000, base=10_000), domain=Domain.LPP),
    )
    assert first.shares.amc == 20_000
    second = submit(
        pharmacist,
        invoice(pharmacist, anne, "F2", Line(nature="lpp", price=30_000, base=10_000), domain=Domain.LPP),
    )
    assert second.shares.amc == 4_000, "both ceilings are used: the ticket modérateur remains"
