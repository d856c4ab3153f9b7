"""Prises en charge, in a real browser: asked in each trade's form, followed, amended, cancelled, invoiced."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from rempart.foundation.vocabulary import Profession
from tests.browser.conftest import Seat
from tests.browser.counter import begin, calculate, send, sit_down, write
from tests.browser.platform import Platform

pytestmark = pytest.mark.browser


def kit(seat: Seat, lens: str = "60,00", frame: str = "80,00") -> None:
    """Two alike lenses and a frame."""
    write(seat, 0, glazing_class="B", lens_category="a", price=lens)
    seat.page.click("[data-copy-lens]")
    write(seat, 2, glazing_class="B", price=frame)


def agreed_kit(seat: Seat, platform: Platform) -> str:
    """Ask for a kit; the number of the prise en charge, which the rules agree to."""
    begin(seat, platform.patient(), "OPTI")
    kit(seat)
    answer = send(seat)
    expect(answer.locator("h2")).to_have_text("Prise en charge accordée")
    return answer.locator("[data-slot=number]").inner_text()


def listed(seat: Seat, number: str) -> Locator:
    seat.go("/prises-en-charge")
    item = seat.page.locator(f"#list li[data-number='{number}']")
    expect(item).to_be_visible()
    return item


@pytest.fixture
def optician(seat: Callable[..., Seat], platform: Platform) -> Seat:
    return sit_down(seat(), platform, Profession.OPTICIAN)


def test_an_opticians_kit_is_agreed_at_once_and_invoiced_from_the_answer(
    optician: Seat, platform: Platform
) -> None:
    page = optician.page
    begin(optician, platform.patient(), "OPTI")
    expect(page.locator("[name=purpose][value=ask]")).to_be_checked()
    kit(optician)
    expect(calculate(optician)).to_contain_text("Une prise en charge est à demander")
    answer = send(optician)
    expect(answer.locator("h2")).to_have_text("Prise en charge accordée")
    number = answer.locator("[data-slot=number]").inner_text()
    answer.locator("[data-bill-pec]").click()
    expect(page.locator("#source-pec")).to_contain_text(number)
    expect(page.locator("#care-lines [data-field=price]").nth(2)).to_have_value("80,00")
    answer = send(optician, "OPT-1")
    expect(answer.locator("h2")).to_have_text("Facture acceptée")
    expect(answer).to_contain_text(number)
    item = listed(optician, number)
    expect(item).to_contain_text("OPT-1")
    expect(item.locator("footer")).to_have_count(0)


def test_an_agreed_one_is_amended_and_the_former_number_is_replaced(
    optician: Seat, platform: Platform
) -> None:
    number = agreed_kit(optician, platform)
    listed(optician, number).locator("[data-amend]").click()
    expect(optician.page.locator("#correcting")).to_contain_text(number)
    expect(optician.page.locator("#care-lines [data-field=price]").nth(0)).to_have_value("60,00")
    write(optician, 2, price="95,00")
    answer = send(optician)
    expect(answer.locator("h2")).to_have_text("Prise en charge accordée")
    expect(answer).to_contain_text("Remplace")
    expect(listed(optician, number)).to_contain_text("Annulée")


def test_an_agreed_one_is_cancelled_after_a_question_and_asked_for_again(
    optician: Seat, platform: Platform
) -> None:
    page = optician.page
    number = agreed_kit(optician, platform)
    item = listed(optician, number)
    item.locator("[data-cancel]").click()
    page.click("#confirm [data-answer=no]")
    expect(item).to_contain_text("Accordée")
    item.locator("[data-cancel]").click()
    page.click("#confirm [data-answer=yes]")
    expect(item).to_contain_text("Annulée")
    page.get_by_role("button", name="La redemander").click()
    expect(page.locator("#care-lines [data-field=price]").nth(2)).to_have_value("80,00")
    expect(send(optician).locator("h2")).to_have_text("Prise en charge accordée")


def test_a_second_kit_waits_for_the_insurer_and_says_so(optician: Seat, platform: Platform) -> None:
    who = platform.patient()
    for _ in range(2):
        begin(optician, who, "OPTI")
        kit(optician)
        answer = send(optician)
    expect(answer.locator("h2")).to_have_text("Prise en charge en attente")
    expect(answer).to_contain_text("Ne renvoyez pas la demande")
    item = listed(optician, answer.locator("[data-slot=number]").inner_text())
    expect(item.locator(".state")).to_have_text("En attente")
    expect(item.locator(".remedy")).to_contain_text("Attendez la décision")
    expect(item.locator("[data-bill-pec]")).to_have_count(0)
    optician.page.select_option("[name=state]", "en-attente")
    expect(optician.page.locator("#list li")).to_have_count(1)


def test_the_list_is_filtered_by_state(optician: Seat, platform: Platform) -> None:
    number = agreed_kit(optician, platform)
    listed(optician, number)
    optician.page.select_option("[name=state]", "refusee")
    expect(optician.page.locator("#list")).to_contain_text("Aucune prise en charge ici")
    optician.page.click("[type=reset]")
    expect(optician.page.locator("#list li")).to_have_count(1)


def test_a_dentist_asks_for_a_prosthesis_in_its_basket(seat: Callable[..., Seat], platform: Platform) -> None:
    dentist = sit_down(seat(), platform, Profession.DENTIST)
    begin(dentist, platform.patient(), "DENT")
    write(dentist, basket="moderated", price="450,00", base="107,50")
    dentist.page.click("[data-add-line=dental-care]")
    expect(dentist.page.locator("#care-lines legend:visible")).to_contain_text(["Soin", "Prothèse"])
    calculate(dentist)
    expect(send(dentist).locator("h2")).to_contain_text("Prise en charge")


def test_an_audiologist_fits_each_ear(seat: Callable[..., Seat], platform: Platform) -> None:
    audiologist = sit_down(seat(), platform, Profession.AUDIOLOGIST)
    begin(audiologist, platform.patient(), "AUDI")
    for ear in (0, 1):
        write(audiologist, ear, glazing_class="I", price="950,00")
    expect(send(audiologist).locator("h2")).to_contain_text("Prise en charge")


def test_a_hospital_asks_for_a_stay(seat: Callable[..., Seat], platform: Platform) -> None:
    hospital = sit_down(seat(), platform, Profession.HOSPITAL)
    begin(hospital, platform.patient(), "HOSP")
    write(hospital, days="3", price="1000,00")
    quote = calculate(hospital)
    expect(quote).to_contain_text("800,00")
    expect(send(hospital).locator("h2")).to_contain_text("Prise en charge")
