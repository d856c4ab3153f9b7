"""The public status page, and the operator's messages above every page, as people see them."""

from collections.abc import Callable
from datetime import datetime, time

import pytest
from playwright.sync_api import expect

from rempart.foundation.clock import DAY, HOUR, PARIS, SECOND, paris_date, system_clock
from rempart.foundation.vocabulary import Role
from rempart.status import announcing, store
from rempart.status.model import Audience, Change, Level, Service, Weight
from tests.browser.conftest import ENGLISH, FRENCH, Seat
from tests.browser.platform import Platform
from tests.browser.test_accessibility import flawless

pytestmark = pytest.mark.browser


def observed(platform: Platform, age: int = 0) -> int:
    """The worker looked that long ago; all was well for a month, but for an hour from noon on, three days ago. Answers now."""
    now = system_clock()
    noon = datetime.combine(paris_date(now - 3 * DAY), time(12), PARIS)
    down = int(noon.timestamp()) * SECOND
    with platform.database.connect("worker") as c:
        c.execute("DELETE FROM status.change")
        for since, level in (
            (now - 30 * DAY, Level.OPERATIONAL),
            (down, Level.DOWN),
            (down + HOUR, Level.OPERATIONAL),
        ):
            store.write_changes(c, [Change(s, since, level) for s in Service], now - age, 0)
    return now


@pytest.mark.parametrize("locale", [FRENCH, ENGLISH])
def test_anybody_reads_which_service_works_and_what_was_said(
    seat: Callable[..., Seat], platform: Platform, locale: str
) -> None:
    now = observed(platform)
    with platform.database.connect("operator") as c:
        number = announcing.announce(
            c,
            now,
            Level.RESTRICTED,
            [Service.RIGHTS],
            "Seuls les patients connus sont servis.",
            "Known patients only.",
        )
        announcing.update(c, now, number, "Nous prévenons les assureurs.", "Insurers are being told.")
    who = seat(locale, bypass_csp=True)
    page = who.page
    who.go("/")
    page.click("footer a[href='/etat']")
    french = locale == FRENCH
    expect(page.locator(".overall")).to_contain_text(
        "Au moins un service" if french else "At least one service"
    )
    expect(page.locator(".announcement").first).to_contain_text("assureurs" if french else "Insurers")
    rights = page.locator(
        "ul.services li", has_text="Vérification des droits" if french else "Checking rights"
    )
    expect(rights.locator(".tag")).to_have_text("restreint" if french else "restricted")
    expect(rights.locator(".days span")).to_have_count(90)
    ledger = page.locator("ul.services li", has_text="Registre public" if french else "Public ledger")
    expect(ledger.locator(".tag")).to_have_text("en service" if french else "operational")
    expect(ledger).to_contain_text("60 min")
    flawless(page, "status")
    with platform.database.connect("operator") as c:
        announcing.end(c, system_clock(), number, "Tout est rouvert.", "All is open again.")


def test_nobody_having_looked_the_page_is_not_green(seat: Callable[..., Seat], platform: Platform) -> None:
    observed(platform, age=HOUR)
    who = seat()
    # The page remembers what it read for five seconds: it is read until it has forgotten, within the suite's patience.
    deadline = system_clock() + 8 * SECOND
    who.go("/etat")
    while "inconnu" not in (who.page.locator(".overall").text_content() or "") and system_clock() < deadline:
        who.go("/etat")
    expect(who.page.locator(".overall")).to_contain_text("leur état est inconnu")
    expect(who.page.locator("ul.services .tag.level-operational")).to_have_count(0)


def test_a_message_is_read_once_and_an_urgent_one_stays(
    seat: Callable[..., Seat], platform: Platform, pharmacy: str
) -> None:
    with platform.database.connect("operator") as c:
        told = [
            announcing.tell(
                c, system_clock(), weight, Audience.PROFESSION, "pharmacy", 1, french, "English words."
            )
            for weight, french in (
                (Weight.WARNING, "Fermeture ce soir à 20 h."),
                (Weight.URGENT, "Votre RIB : vérifiez-le."),
            )
        ]
        announcing.tell(
            c,
            system_clock(),
            Weight.WARNING,
            Audience.PROFESSION,
            "optician",
            1,
            "Aux opticiens.",
            "To opticians.",
        )
    who = seat(bypass_csp=True)
    who.activate(platform.enrol(pharmacy, Role.TITULAIRE)[1])
    page = who.page
    messages = page.locator("#messages [data-message]:visible")
    expect(messages).to_have_count(2)
    expect(page.locator("#messages")).not_to_contain_text("opticiens")
    flawless(page, "messages")
    page.click("#messages [data-read]")
    expect(messages).to_have_count(1)
    who.go("/journal")
    expect(messages).to_have_count(1)
    expect(messages).to_contain_text("RIB")
    with platform.database.connect("operator") as c:
        for number in told:
            announcing.withdraw(c, system_clock(), number)
