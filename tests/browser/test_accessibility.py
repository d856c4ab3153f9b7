"""axe-core on every page, in both languages, empty and full: no violation."""

from collections.abc import Callable

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from rempart.foundation.vocabulary import Role
from tests.browser.conftest import ENGLISH, FRENCH, Seat
from tests.browser.counter import DOMAIN, begin, calculate, send, write
from tests.browser.platform import OPEN, SUSPENDED, UNKNOWN, Platform

pytestmark = pytest.mark.browser


def flawless(page: Page, what: str) -> None:
    # Colours are judged where they come to rest.
    page.evaluate(
        "Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {})))"
    )
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    results = page.evaluate("axe.run({resultTypes: ['violations']})")
    found = [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in results["violations"]]
    assert found == [], what


@pytest.mark.parametrize("locale", [FRENCH, ENGLISH])
def test_no_violation_on_any_page(
    seat: Callable[..., Seat], platform: Platform, pharmacy: str, locale: str
) -> None:
    # axe writes HTML into the page by itself, which the portal's Trusted Types forbid.
    who = seat(locale, bypass_csp=True)
    page = who.page
    who.go("/")
    page.click("#password-way summary")
    flawless(page, "sign-in")
    page.fill("#password-sign-in [name=login]", "x")
    page.click("#password-sign-in [type=submit]")
    flawless(page, "sign-in with problems")
    who.go("/nowhere")
    flawless(page, "not found")

    who.go("/activation")
    flawless(page, "activation")
    page.fill("[name=activation_code]", platform.enrol(pharmacy, Role.TITULAIRE)[1])
    page.check("[value=password]")
    page.click("#activation-form [type=submit]")
    expect(page.locator("svg.qr")).to_be_visible()
    flawless(page, "activation, code application")

    who.go(f"/activation#{platform.enrol(pharmacy, Role.TITULAIRE)[1]}")
    page.click("#activation-form [type=submit]")
    expect(page.locator("#recovery-codes li")).to_have_count(10)
    flawless(page, "recovery codes")
    page.click("[data-once-done]")

    expect(page.locator("#check")).to_be_visible()
    flawless(page, "check")
    page.press("[name=amc]", "Enter")
    flawless(page, "check with problems")
    for card, domain in ((OPEN, "PHAR"), (OPEN, "OPTI"), (SUSPENDED, "PHAR"), (UNKNOWN, "PHAR")):
        who.check(card, domain)
        flawless(page, f"answer to {card.adherent} {domain}")
        page.keyboard.press("Escape")

    _flawless_trade(who, platform, locale)
    for path in ("/journal", "/etablissement", "/securite"):
        who.go(path)
        who.loaded()
        flawless(page, path)
    page.get_by_role("button", name="Nouveaux codes" if locale == FRENCH else "New recovery codes").click()
    expect(page.locator("#confirm")).to_be_visible()
    flawless(page, "confirm")


def _flawless_trade(who: Seat, platform: Platform, locale: str) -> None:
    """Facturer with its problems, its calculation and both answers; the lists, full."""
    page, patient = who.page, platform.patient()
    who.go("/facturer")
    expect(page.locator("#calculate")).to_be_enabled()
    page.click("#calculate")
    flawless(page, "Facturer without a right")
    for number in (f"1-{locale}", f"2-{locale}"):
        begin(who, patient, "PHAR")
        page.click("#calculate")
        expect(page.locator("[aria-invalid=true]").first).to_be_visible()
        flawless(page, "Facturer with problems")
        write(who, price="9,99")
        calculate(who)
        flawless(page, "a quote")
        send(who, number)
        flawless(page, f"the answer to {number}")
    for path in ("/factures", "/prises-en-charge"):
        who.go(path)
        expect(page.locator("#list > *").first).to_be_visible()
        flawless(page, path)


def test_no_violation_on_any_trades_form(
    seat: Callable[..., Seat], platform: Platform, pharmacy: str
) -> None:
    who = seat(bypass_csp=True)
    who.activate(platform.enrol(pharmacy, Role.TITULAIRE)[1])
    for domain in sorted({*DOMAIN.values(), "LPP"}):
        begin(who, platform.patient(), domain)
        flawless(who.page, domain)
    begin(who, platform.patient(), "OPTI")
    write(who, 0, price="60,00")
    write(who, 2, price="90,00")
    send(who)
    flawless(who.page, "a prise en charge")
    who.go("/prises-en-charge")
    expect(who.page.locator("#list li")).to_have_count(1)
    flawless(who.page, "prises en charge")
