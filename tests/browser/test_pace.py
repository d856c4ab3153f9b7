"""Beyond an ordinary pace the page asks for the person at the counter, and goes on when they touched their passkey."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from rempart.foundation.clock import system_clock
from rempart.foundation.vocabulary import Role
from rempart.vault.policy import HOUR_SLOT
from tests.browser.conftest import Seat
from tests.browser.platform import OPEN, Platform
from tests.browser.test_accessibility import flawless

pytestmark = pytest.mark.browser
BUSY = "UPDATE vault.meter SET hour = '{30,0,0,0,0}', hour_slot = %s WHERE kind = 2"


def hurried(platform: Platform) -> None:
    """Every device has asked for thirty people in this quarter of an hour."""
    with platform.database.connect() as connection:
        connection.execute(BUSY, (system_clock() // HOUR_SLOT,))


def ask(who: Seat) -> None:
    """Fill the card's fields and press Enter, without waiting for an answer."""
    page = who.page
    expect(page.locator("#check [type=submit]")).to_be_enabled()
    for name, value in (("amc", OPEN.amc), ("adherent", OPEN.adherent), ("birth", OPEN.birth)):
        page.fill(f"[name={name}]", value)
    page.press("[name=birth]", "Enter")


def test_a_hurried_counter_is_asked_for_its_passkey_and_goes_on(
    seat: Callable[..., Seat], platform: Platform, pharmacy: str
) -> None:
    pharmacist = seat(bypass_csp=True)
    pharmacist.activate(platform.enrol(pharmacy, Role.EMPLOYEE)[1])
    hurried(platform)
    page = pharmacist.page
    pharmacist.go("/verifier")
    ask(pharmacist)
    dialog = page.locator("#presence")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("Confirmez que c'est bien vous qui êtes au comptoir")
    # A password shows nobody, and what is asked before a sensitive act is asked in other words.
    expect(dialog.locator("input")).to_have_count(0)
    expect(page.locator("#step-up")).to_be_hidden()
    flawless(page, "the question to the person")
    dialog.locator("[data-answer=passkey]").click()
    expect(page.locator(".answer.open")).to_be_visible()
    expect(dialog).to_be_hidden()


def test_who_declines_is_told_nothing_and_may_ask_again(pharmacist: Seat, platform: Platform) -> None:
    hurried(platform)
    page = pharmacist.page
    pharmacist.go("/verifier")
    ask(pharmacist)
    page.locator("#presence [data-answer=no]").click()
    expect(page.locator("#presence")).to_be_hidden()
    expect(page.locator(".answer")).to_have_count(0)
    expect(page.locator("#check [type=submit]")).to_be_enabled()


def test_the_touch_for_the_pace_opens_no_sensitive_act_which_is_asked_for_by_its_name(
    seat: Callable[..., Seat], platform: Platform, pharmacy: str
) -> None:
    pharmacist = seat(bypass_csp=True)
    pharmacist.activate(platform.enrol(pharmacy, Role.EMPLOYEE)[1])
    with platform.database.connect() as connection:
        connection.execute("UPDATE vault.session SET proven = 0")
    hurried(platform)
    page = pharmacist.page
    pharmacist.go("/verifier")
    ask(pharmacist)
    page.locator("#presence [data-answer=passkey]").click()
    expect(page.locator(".answer.open")).to_be_visible()
    pharmacist.go("/securite")
    pharmacist.loaded()
    page.get_by_role("button", name="Nouveaux codes de secours").click()
    page.click("#confirm [data-answer=yes]")
    dialog = page.locator("#step-up")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("Action sensible")
    expect(dialog).to_contain_text("Faire de nouveaux codes de secours")
    expect(dialog).not_to_contain_text("comptoir")
    # Of all that may be asked for, this alone is shown.
    expect(dialog.locator("[data-deed]:visible")).to_have_count(1)
    flawless(page, "the question before a sensitive act")
    dialog.locator("[data-answer=passkey]").click()
    expect(page.locator("#once #recovery-codes li")).to_have_count(10)
