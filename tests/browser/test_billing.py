"""Facturer, in a real browser: each trade's form, the calculation, the answer at once, a refusal corrected on the spot."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from rempart.foundation.vocabulary import Profession
from tests.browser.conftest import ENGLISH, PHONE, Seat
from tests.browser.counter import amounts, begin, calculate, field, plain, send, sit_down, write
from tests.browser.platform import Platform

pytestmark = pytest.mark.browser


def test_a_pharmacist_calculates_and_invoices_by_the_keyboard(pharmacist: Seat, platform: Platform) -> None:
    page = pharmacist.page
    begin(pharmacist, platform.patient(), "PHAR")
    expect(page.locator("#source-engagement")).to_contain_text("PHAR")
    field(pharmacist, "price").fill("10,00")
    field(pharmacist, "boxes").fill("2")
    field(pharmacist, "price").press("Enter")
    expect(field(pharmacist, "nature", 1)).to_be_focused()
    write(pharmacist, 1, nature="drug-15", price="4,00")
    page.keyboard.press("Alt+c")
    quote = page.locator("#quote .quote")
    # 65 % of 10 € and 15 % of 4 €; this contract covers the rest of weak drugs too. A franchise never exceeds what AMO pays for the box.
    expect(quote).to_be_visible()
    said = plain(quote.locator("svg.stack").get_attribute("aria-label") or "")
    assert said == "Assurance maladie (AMO) : 7,10 €, Complémentaire (AMC) : 6,90 €, Patient : 0,00 €"
    expect(quote).to_contain_text("franchise 2,60 €")
    page.fill("[name=number]", "F-2026-0009")
    page.keyboard.press("Alt+v")
    answer = page.locator("#answer .answer")
    expect(answer.locator("h2")).to_have_text("Facture acceptée")
    assert amounts(answer) == ["7,10 €", "6,90 €", "0,00 €", "14,00 €"]
    expect(page.locator("#billing")).to_be_hidden()
    page.click("[data-anew]")
    expect(page.locator("[name=number]")).to_have_value("F-2026-0010")
    expect(page.locator("#source-none")).to_be_visible()


def test_a_changed_line_makes_the_calculation_stale_and_a_removed_one_counts_no_more(
    pharmacist: Seat, platform: Platform
) -> None:
    page = pharmacist.page
    begin(pharmacist, platform.patient(), "PHAR")
    write(pharmacist, price="10,00")
    page.click("[data-add-line]")
    write(pharmacist, 1, price="5,00")
    assert amounts(calculate(pharmacist))[-1] == "15,00 €"
    expect(page.locator(".stale-note")).to_be_hidden()
    field(pharmacist, "price", 1).fill("6,00")
    expect(page.locator(".stale-note")).to_be_visible()
    field(pharmacist, "price", 1).press("Alt+Delete")
    page.click("#calculate")
    expect(page.locator(".stale-note")).to_be_hidden()
    assert amounts(page.locator("#quote"))[-1] == "10,00 €"


def test_what_is_no_amount_is_marked_and_nothing_is_sent(pharmacist: Seat, platform: Platform) -> None:
    begin(pharmacist, platform.patient(), "PHAR")
    pharmacist.page.fill("[name=number]", "F 1")
    for wrong in ("", "abc", "1,234", "-3"):
        write(pharmacist, price=wrong)
        pharmacist.page.click("#billing [type=submit]")
        expect(field(pharmacist, "price")).to_have_attribute("aria-invalid", "true")
        expect(field(pharmacist, "price")).to_be_focused()
    write(pharmacist, price="3")
    pharmacist.page.click("#billing [type=submit]")
    expect(pharmacist.page.locator("[name=number]")).to_have_attribute("aria-invalid", "true")
    expect(pharmacist.page.locator("#answer .answer")).to_have_count(0)


def test_a_refused_invoice_says_why_and_what_to_do_and_keeps_the_form(
    pharmacist: Seat, platform: Platform
) -> None:
    who = platform.patient()
    for number in ("D-1", "D-2"):
        begin(pharmacist, who, "PHAR")
        write(pharmacist, price="7,77")
        answer = send(pharmacist, number)
    expect(answer.locator("h2")).to_have_text("Facture refusée")
    expect(answer).to_contain_text("déjà facturés sous un autre numéro")
    expect(answer).to_contain_text("À faire")
    expect(field(pharmacist, "price")).to_have_value("7,77")
    write(pharmacist, price="8,88")
    pharmacist.page.click("#billing [type=submit]")
    expect(answer.locator("h2")).to_have_text("Facture acceptée")


def test_a_number_already_accepted_with_other_acts_is_refused_and_the_form_stays(
    pharmacist: Seat, platform: Platform
) -> None:
    for price in ("4,00", "5,00"):
        begin(pharmacist, platform.patient(), "PHAR")
        write(pharmacist, price=price)
        pharmacist.page.fill("[name=number]", "U-1")
        pharmacist.page.click("#billing [type=submit]")
        expect(pharmacist.page.locator("#answer .answer, #alert .alert")).to_be_visible()
    expect(pharmacist.page.locator("main")).to_contain_text("déjà été accepté")
    expect(pharmacist.page.locator("main")).to_contain_text("Donnez un autre numéro")
    expect(field(pharmacist, "price")).to_have_value("5,00")


def test_no_persons_data_stays_in_the_tab_and_nothing_at_all_after_signing_out(
    pharmacist: Seat, platform: Platform
) -> None:
    who = platform.patient()
    begin(pharmacist, who, "PHAR")
    write(pharmacist, price="3,00")
    send(pharmacist, "T-1")
    kept = pharmacist.page.evaluate("JSON.stringify(sessionStorage)")
    assert "T-1" in kept
    for personal in (who.adherent, "1980", "17/05"):
        assert personal not in kept
    assert pharmacist.page.evaluate("localStorage.length") == 0
    pharmacist.sign_out()
    assert pharmacist.page.evaluate("sessionStorage.length") == 0


def test_a_pasted_receipt_does_what_the_check_does_and_a_false_one_is_refused(
    pharmacist: Seat, platform: Platform
) -> None:
    page = pharmacist.page
    pharmacist.go("/verifier")
    pharmacist.check(platform.patient())
    receipt = page.locator("#answer [data-slot=receipt]").input_value()
    pharmacist.go("/facturer")
    expect(page.locator("#calculate")).to_be_enabled()
    for text in (receipt, receipt[:-8] + "AAAAAAAA"):
        if page.locator("#source-none").is_hidden():
            page.click("#source-engagement [data-forget-source]")
        page.fill("[name=source]", text)
        write(pharmacist, price="2,00")
        page.click("#calculate")
        expect(page.locator("#quote .quote, #alert .alert")).to_have_count(1 if text == receipt else 2)
    expect(page.locator("#alert")).to_contain_text("Ce n'est pas un engagement")


# ── one form a trade ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_laboratory_writes_many_acts_in_a_row(seat: Callable[..., Seat], platform: Platform) -> None:
    lab = sit_down(seat(), platform, Profession.LABORATORY)
    begin(lab, platform.patient(), "LABO")
    for line in range(6):
        field(lab, "price", line).fill(f"{line + 1},00")
        field(lab, "price", line).press("Enter")
    assert amounts(calculate(lab))[-1] == "21,00 €"
    expect(send(lab, "LAB-1").locator("h2")).to_have_text("Facture acceptée")


def test_a_doctor_says_sector_and_pathway(seat: Callable[..., Seat], platform: Platform) -> None:
    doctor = sit_down(seat(), platform, Profession.DOCTOR)
    begin(doctor, platform.patient(), "MED")
    write(doctor, price="30,00", pathway="outside")
    outside = amounts(calculate(doctor))
    write(doctor, pathway="coordinated")
    doctor.page.click("#calculate")
    expect(doctor.page.locator(".stale-note")).to_be_hidden()
    assert (outside[0], amounts(doctor.page.locator("#quote"))[0]) == ("9,00 €", "21,00 €")
    expect(send(doctor, "MED-1").locator("h2")).to_have_text("Facture acceptée")


@pytest.mark.parametrize(
    ("profession", "domain", "values"),
    [
        (Profession.RADIOLOGY, "RADL", {"price": "50,00", "optam": "yes"}),
        (Profession.AUXILIARY, "AUXM", {"price": "33,20", "acts": "2"}),
        (Profession.AMBULANCE, "TRAN", {"price": "80,00"}),
        (Profession.PHARMACY, "LPP", {"price": "25,00", "base": "20,00"}),
    ],
)
def test_other_trades_have_their_own_fields(
    seat: Callable[..., Seat], platform: Platform, profession: Profession, domain: str, values: dict[str, str]
) -> None:
    who = sit_down(seat(), platform, profession)
    begin(who, platform.patient(), domain)
    write(who, 0, **values)
    expect(send(who, f"{domain}-1").locator("h2")).to_have_text("Facture acceptée")


def test_facturer_in_english_on_a_phone_holds_in_the_width(
    seat: Callable[..., Seat], platform: Platform
) -> None:
    who = sit_down(seat(ENGLISH, viewport=PHONE), platform, Profession.OPTICIAN)
    begin(who, platform.patient(), "OPTI")
    write(who, 0, price="100.00")
    assert amounts(calculate(who))[-1] == "€100.00"
    width = who.page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
