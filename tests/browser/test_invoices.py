"""Factures, in a real browser: found again, corrected and sent again in two clicks, cancelled, done again."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from rempart.foundation.vocabulary import Profession
from tests.browser.conftest import Seat
from tests.browser.counter import begin, field, invoice_drugs, send, sit_down, write
from tests.browser.platform import Platform

pytestmark = pytest.mark.browser


@pytest.fixture
def pharmacy_seat(seat: Callable[..., Seat], platform: Platform) -> Seat:
    return sit_down(seat(), platform, Profession.PHARMACY)


def test_invoices_are_found_by_number_amount_state_and_date(pharmacy_seat: Seat, platform: Platform) -> None:
    page = pharmacy_seat.page
    for number, price in (("A-1", "10,00"), ("A-2", "20,00"), ("B-1", "30,00")):
        expect(invoice_drugs(pharmacy_seat, platform, number, price).locator("h2")).to_have_text(
            "Facture acceptée"
        )
    pharmacy_seat.go("/factures")
    items = page.locator("#list li.invoice")
    expect(items).to_have_count(3)
    for name, value, found in (("number", "A-", 2), ("cents", "7,00", 1), ("first_day", "01/01/2030", 0)):
        page.fill(f"#filters [name={name}]", value)
        page.click("#filters [type=submit]")
        expect(items).to_have_count(found)
        page.click("#filters [type=reset]")
        expect(items).to_have_count(3)
    page.select_option("#filters [name=state]", "refused")
    expect(page.locator("#list")).to_contain_text("Aucune facture ne répond")
    page.fill("#filters [name=cents]", "sept")
    page.click("#filters [type=submit]")
    expect(page.locator("#filters [name=cents]")).to_have_attribute("aria-invalid", "true")


def test_a_refused_invoice_is_corrected_and_sent_again_in_two_clicks(
    pharmacy_seat: Seat, platform: Platform
) -> None:
    page, who = pharmacy_seat.page, platform.patient()
    for number in ("R-1", "R-2"):
        begin(pharmacy_seat, who, "PHAR")
        write(pharmacy_seat, price="7,70")
        send(pharmacy_seat, number)
    pharmacy_seat.go("/factures")
    refused = page.locator("#list li[data-number=R-2]")
    expect(refused.locator(".remedy")).to_contain_text("Ne renvoyez pas")
    refused.locator("[data-correct]").click()
    expect(page.locator("[name=number]")).to_have_value("R-2")
    expect(field(pharmacy_seat, "price")).to_have_value("7,70")
    write(pharmacy_seat, price="9,90")
    page.click("#billing [type=submit]")
    expect(page.locator("#answer h2")).to_have_text("Facture acceptée")


def test_an_accepted_invoice_is_corrected_under_a_new_number(pharmacy_seat: Seat, platform: Platform) -> None:
    page = pharmacy_seat.page
    invoice_drugs(pharmacy_seat, platform, "C-1")
    pharmacy_seat.go("/factures")
    page.click("#list li[data-number=C-1] [data-correct]")
    expect(page.locator("#correcting")).to_contain_text("C-1")
    expect(page.locator("[name=number]")).to_have_value("C-2")
    write(pharmacy_seat, price="11,00")
    answer = send(pharmacy_seat)
    expect(answer.locator("h2")).to_have_text("Facture acceptée")
    pharmacy_seat.go("/factures")
    expect(page.locator("#list li[data-number=C-1]")).to_contain_text("Annulée")
    expect(page.locator("#list li[data-number=C-2]")).to_contain_text("Corrige")


def test_an_accepted_invoice_is_cancelled_after_a_question_and_done_again(
    pharmacy_seat: Seat, platform: Platform
) -> None:
    page = pharmacy_seat.page
    invoice_drugs(pharmacy_seat, platform, "X-1")
    pharmacy_seat.go("/factures")
    item = page.locator("#list li[data-number=X-1]")
    item.locator("[data-cancel]").click()
    page.click("#confirm [data-answer=no]")
    expect(item).to_contain_text("Acceptée")
    item.locator("[data-cancel]").click()
    page.click("#confirm [data-answer=yes]")
    expect(item).to_contain_text("Annulée")
    page.get_by_role("button", name="Refaire cette facture").click()
    expect(field(pharmacy_seat, "price")).to_have_value("10,00")
    expect(send(pharmacy_seat, "X-2").locator("h2")).to_have_text("Facture acceptée")


def test_an_invoice_of_another_session_is_resumed_with_its_number_alone(
    pharmacy_seat: Seat, platform: Platform
) -> None:
    page = pharmacy_seat.page
    who = platform.patient()
    for number in ("S-1", "S-2"):
        begin(pharmacy_seat, who, "PHAR")
        write(pharmacy_seat, price="5,50")
        send(pharmacy_seat, number)
    pharmacy_seat.sign_out()
    pharmacy_seat.sign_in()
    pharmacy_seat.go("/factures")
    page.click("#list li[data-number=S-2] [data-correct]")
    expect(page.locator("#correcting")).to_contain_text("ses actes ne sont gardés nulle part ici")
    expect(page.locator("[name=number]")).to_have_value("S-2")
    page.click("#source-none a")
    pharmacy_seat.check(who)
    page.click("[data-bill]")
    expect(page.locator("[name=number]")).to_have_value("S-2")
    write(pharmacy_seat, price="6,60")
    expect(send(pharmacy_seat).locator("h2")).to_have_text("Facture acceptée")


def test_nobodys_lines_follow_to_the_next_patient(pharmacy_seat: Seat, platform: Platform) -> None:
    page = pharmacy_seat.page
    invoice_drugs(pharmacy_seat, platform, "N-1", "66,00")
    pharmacy_seat.go("/factures")
    page.click("#list li[data-number=N-1] [data-correct]")
    expect(field(pharmacy_seat, "price")).to_have_value("66,00")
    begin(pharmacy_seat, platform.patient(), "PHAR")
    expect(field(pharmacy_seat, "price")).to_have_value("")
    expect(page.locator("#correcting")).to_be_hidden()
