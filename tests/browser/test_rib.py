"""Règlement, in a real browser: a first account, a change that waits, the second person, the one who stops it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from rempart.foundation.clock import DAY
from rempart.foundation.vocabulary import Profession, Role
from tests.browser.conftest import Seat
from tests.browser.counter import sit_down
from tests.browser.platform import PAID, Platform
from tests.browser.test_accessibility import flawless

pytestmark = pytest.mark.browser


def ask(who: Seat, iban: str = PAID) -> None:
    """Send an account, proving by passkey once more where that is asked."""
    page = who.page
    page.fill("[name=iban]", iban)
    page.click("#rib-change [type=submit]")
    expect(
        page.locator("#step-up[open], #rib .fresh, #alert .alert, [aria-invalid=true]").first
    ).to_be_visible()
    if page.locator("#step-up").is_visible():
        page.click("#step-up [data-answer=passkey]")
        expect(page.locator("#rib .fresh, #alert .alert").first).to_be_visible()


def test_an_account_waits_48_hours_is_shown_nowhere_and_can_be_stopped(
    seat: Callable[..., Seat], platform: Platform
) -> None:
    who = sit_down(seat(bypass_csp=True), platform, Profession.PHARMACY)
    page = who.page
    who.go("/reglement")
    expect(page.locator("#rib")).to_contain_text("Aucun RIB en vigueur")
    ask(who, PAID[:-1] + "0")
    expect(page.locator("[name=iban]")).to_have_attribute("aria-invalid", "true")
    flawless(page, "an IBAN that is none")
    ask(who, "FR76 3000 6000 0112 3456 7890 189")
    expect(page.locator("#rib .fresh")).to_contain_text("48 heures")
    assert "0112" not in page.content().replace(" ", "")
    expect(page.locator("#rib-change")).to_have_count(0)
    flawless(page, "a change that waits")
    page.click("[data-cancel-rib]")
    page.click("#confirm [data-answer=yes]")
    expect(page.locator("#rib .fresh")).to_have_count(0)
    expect(page.locator("#rib-change")).to_be_visible()


def test_a_paid_pharmacy_needs_a_second_person_who_is_another_one(
    seat: Callable[..., Seat], platform: Platform, paid_pharmacy: str
) -> None:
    claire, nina = seat(), seat()
    claire.activate(platform.enrol(paid_pharmacy, Role.TITULAIRE)[1])
    nina.activate(platform.enrol(paid_pharmacy, Role.EMPLOYEE, "Nina Faure")[1])
    # They have worked there for a week.
    with platform.database.connect() as history:
        history.execute(
            "UPDATE vault.membership SET added = added - %s WHERE establishment = %s",
            (7 * DAY, paid_pharmacy),
        )
        history.execute("UPDATE vault.binding SET bound = bound - %s", (7 * DAY,))
    claire.go("/reglement")
    expect(claire.page.locator("#rib")).to_contain_text("Un RIB est en vigueur")
    ask(claire)
    expect(claire.page.locator("#rib")).to_contain_text("Vous ne pouvez pas confirmer votre propre demande")
    expect(claire.page.locator("[data-confirm-rib]")).to_have_count(0)
    nina.go("/reglement")
    nina.page.click("[data-confirm-rib]")
    expect(nina.page.locator("#step-up[open], #rib .notice")).not_to_have_count(0)
    if nina.page.locator("#step-up").is_visible():
        nina.page.click("#step-up [data-answer=passkey]")
    expect(nina.page.locator("#rib .notice")).to_contain_text("Une seconde personne a confirmé")
    nina.go("/securite")
    expect(nina.page.locator("#security .notices")).to_contain_text("Changement de RIB demandé")


def test_an_employee_reads_and_changes_nothing(seat: Callable[..., Seat], platform: Platform) -> None:
    place = platform.enrol_pharmacy("Pharmacie du Parvis")
    who = seat()
    who.activate(platform.enrol(place, Role.EMPLOYEE, "Nina Faure")[1])
    who.go("/reglement")
    expect(who.page.locator("#rib")).to_contain_text("Aucun RIB en vigueur")
    expect(who.page.locator("#rib-change")).to_be_hidden()


def test_a_demonstration_takes_no_real_account(seat: Callable[..., Seat], platform: Platform) -> None:
    who = sit_down(seat(), platform, Profession.PHARMACY)
    who.go("/reglement")
    ask(who, "DE89370400440532013000")
    expect(who.page.locator("#alert .alert")).to_contain_text("comptes d'exemple")
