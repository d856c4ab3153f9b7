"""Paiements, in a real browser, after a real settlement run: found, opened, saved, equal to the cent."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from rempart.foundation.vocabulary import Profession, Role
from tests.browser.conftest import Seat
from tests.browser.counter import invoice_drugs, plain, sit_down
from tests.browser.platform import Platform
from tests.browser.test_accessibility import flawless

pytestmark = pytest.mark.browser


@pytest.fixture
def paid(seat: Callable[..., Seat], platform: Platform, paid_pharmacy: str) -> Seat:
    """Somebody of the paid pharmacy, at Paiements."""
    made = seat(bypass_csp=True)
    made.activate(platform.enrol(paid_pharmacy, Role.EMPLOYEE, "Nina Faure")[1])
    made.go("/paiements")
    expect(made.page.locator("#list li")).to_have_count(1)
    return made


def test_a_statement_opens_with_a_row_an_invoice_and_the_transfers_sum(paid: Seat) -> None:
    page = paid.page
    item = page.locator("#list li")
    assert "21,00 €" in plain(item.inner_text())
    flawless(page, "payments")
    item.locator("[data-open]").click()
    statement = page.locator("#statement")
    expect(statement.locator("tbody tr")).to_have_count(3)
    assert [plain(text) for text in statement.locator("tbody td.number").all_inner_texts()] == [
        "3,50 €",
        "7,00 €",
        "10,50 €",
    ]
    assert "21,00 €" in plain(statement.locator("tfoot").inner_text())
    for number in ("V-1", "V-2", "V-3"):
        expect(statement.locator("tbody")).to_contain_text(number)
    flawless(page, "a statement")
    page.click("[data-close-statement]")
    expect(statement.locator("article")).to_have_count(0)


def test_a_statement_is_saved_as_pdf_and_as_csv(paid: Seat) -> None:
    page = paid.page
    number = page.locator("#list li").get_attribute("data-number")
    for kind, begins in (("pdf", b"%PDF-"), ("csv", None)):
        with page.expect_download() as waited:
            page.click(f"#list [data-{kind}]")
        assert waited.value.suggested_filename == f"releve-{number}.{kind}"
        content = Path(waited.value.path()).read_bytes()
        if begins:
            assert content.startswith(begins)
        else:
            assert b"V-1" in content
            assert b"10,50" in content


def test_a_payment_is_found_by_invoice_amount_and_date(paid: Seat) -> None:
    page = paid.page
    items = page.locator("#list li")
    for name, found, missed in (
        ("invoice", "V-2", "V-9"),
        ("cents", "21,00", "20,99"),
        ("last_day", "01/01/2050", "01/01/2020"),
    ):
        for value, count in ((missed, 0), (found, 1)):
            page.fill(f"#filters [name={name}]", value)
            page.click("#filters [type=submit]")
            expect(items).to_have_count(count)
        page.fill(f"#filters [name={name}]", "")


def test_an_invoice_leads_to_the_statement_it_was_paid_in(paid: Seat) -> None:
    page = paid.page
    paid.go("/factures")
    item = page.locator("#list li[data-number=V-2]")
    expect(item).to_contain_text("Virement ordonné")
    item.locator("a").click()
    expect(page.locator("#statement tbody")).to_contain_text("V-2")


def test_what_is_due_and_not_yet_ordered_is_to_come(seat: Callable[..., Seat], platform: Platform) -> None:
    who = sit_down(seat(), platform, Profession.PHARMACY)
    invoice_drugs(who, platform, "P-1")
    who.go("/paiements")
    expect(who.page.locator(".figure")).to_have_text("3,50\u00a0€")
    expect(who.page.locator("#list")).to_contain_text("Aucun virement")


def test_anothers_statement_is_no_statement_here(
    seat: Callable[..., Seat], platform: Platform, paid: Seat
) -> None:
    number = paid.page.locator("#list li").get_attribute("data-number")
    who = sit_down(seat(), platform, Profession.PHARMACY)
    who.go(f"/paiements#{number}")
    expect(who.page.locator("#alert .alert")).to_be_visible()
    expect(who.page.locator("#statement article")).to_have_count(0)
