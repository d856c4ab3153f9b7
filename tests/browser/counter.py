"""What somebody does at the counter, from the right to the invoice, for the tests of the trade's pages."""

from playwright.sync_api import Locator, expect

from rempart.foundation.vocabulary import Profession, Role
from tests.browser.conftest import Seat
from tests.browser.platform import Card, Platform

DOMAIN = {
    Profession.PHARMACY: "PHAR", Profession.LABORATORY: "LABO", Profession.RADIOLOGY: "RADL", Profession.DOCTOR: "MED",
    Profession.AUXILIARY: "AUXM", Profession.DENTIST: "DENT", Profession.OPTICIAN: "OPTI", Profession.AUDIOLOGIST: "AUDI",
    Profession.HOSPITAL: "HOSP", Profession.AMBULANCE: "TRAN",
}  # fmt: skip


def sit_down(seat: Seat, platform: Platform, profession: Profession) -> Seat:
    """A titulaire of a new establishment of this profession, signed in."""
    place = platform.enrol_place(profession, f"Maison {profession.value}")
    seat.activate(platform.enrol(place, Role.TITULAIRE)[1])
    return seat


def begin(seat: Seat, card: Card, domain: str) -> None:
    """Check the right, then go on to Facturer."""
    seat.go("/verifier")
    seat.check(card, domain)
    seat.page.click("[data-bill]")
    expect(seat.page.locator("#billing [type=submit]")).to_be_enabled()


def field(seat: Seat, name: str, line: int = 0) -> Locator:
    """A field of the n-th line of acts."""
    return seat.page.locator("#care-lines [data-line]").nth(line).locator(f"[data-field={name}]")


def write(seat: Seat, line: int = 0, /, **values: str) -> None:
    """Fill fields of a line: select options by value, type the rest."""
    for name, value in values.items():
        place = field(seat, name, line)
        if place.evaluate("element => element.tagName") == "SELECT":
            place.select_option(value)
        else:
            place.fill(value)


def calculate(seat: Seat) -> Locator:
    """Press Calculer; the quote."""
    seat.page.click("#calculate")
    expect(seat.page.locator("#quote .quote, #alert .alert, [aria-invalid=true]").first).to_be_visible()
    assert seat.page.locator("#alert .alert").all_inner_texts() == []
    return seat.page.locator("#quote .quote")


def send(seat: Seat, number: str = "") -> Locator:
    """Send the invoice under this number, or the request for a prise en charge; the answer."""
    if number:
        seat.page.fill("[name=number]", number)
    seat.page.click("#billing [type=submit]")
    answer = seat.page.locator("#answer .answer")
    expect(answer).to_be_visible()
    return answer


def invoice_drugs(seat: Seat, platform: Platform, number: str, price: str = "10,00") -> Locator:
    """A pharmacist's invoice from beginning to end; the answer."""
    begin(seat, platform.patient(), "PHAR")
    write(seat, price=price)
    return send(seat, number)


def amounts(shown: Locator) -> list[str]:
    """AMO, AMC, patient and total, as they are read."""
    return [plain(text) for text in shown.locator(".shares dd").all_inner_texts()]


def plain(text: str) -> str:
    """With ordinary spaces."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")
