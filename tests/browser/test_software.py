"""The page Logiciels: the titulaire's code, the daily confirmation by passkey, the uninstalling; with a real software at the other end."""

from collections.abc import Callable, Iterator
from datetime import date

import pytest
from playwright.sync_api import expect

from rempart.client import Card, Client, Confirmation, DeviceKey, EditorKey, NotInstalled, StepUpNeeded
from rempart.foundation.vocabulary import Role
from rempart.vaultdoor.messages import RegisterEditor
from tests.browser.conftest import Seat
from tests.browser.platform import AMC, OPEN, Platform
from tests.browser.test_accessibility import flawless

pytestmark = pytest.mark.browser
CARD = Card(AMC, OPEN.adherent, date(1980, 5, 17))


@pytest.fixture(scope="module")
def editor(platform: Platform) -> EditorKey:
    key = EditorKey.generate()
    numbers = key._private.public_key().public_numbers()
    point = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    platform.operate(RegisterEditor("Logis Santé", point))
    return key


@pytest.fixture
def software(platform: Platform, editor: EditorKey) -> Iterator[Client]:
    with Client(platform.origin, DeviceKey.generate(), editor) as client:
        yield client


@pytest.fixture
def claire(seat: Callable[..., Seat], platform: Platform) -> Seat:
    """The titulaire of a pharmacy of its own."""
    who = seat(bypass_csp=True)
    who.activate(platform.enrol(platform.enrol_pharmacy("Pharmacie des Logiciels"), Role.TITULAIRE)[1])
    return who


def code(who: Seat) -> str:
    """Given by the page to the titulaire."""
    who.go("/logiciel")
    who.page.select_option("[name=editor]", "Logis Santé")
    who.page.get_by_role("button", name="Donner un code").click()
    shown = who.page.locator("#software-code-value")
    expect(shown).to_be_visible()
    return shown.inner_text()


def confirm(who: Seat, asked: Confirmation) -> None:
    """In the tab that the software opened."""
    # A hash alone is no navigation.
    who.page.goto("about:blank")
    who.page.goto(asked.url)
    expect(who.page.locator("#software-asked")).to_contain_text(asked.code)
    expect(who.page.locator("#software-asked")).to_contain_text("Logis Santé")
    expect(who.page.locator("#software-asked")).to_contain_text("Pharmacie des Logiciels, Lyon")
    who.page.click("#software-confirm")
    expect(who.page.locator("#software-asked .notice")).to_be_visible()
    assert "#" not in who.page.url


def test_a_software_is_installed_confirmed_and_uninstalled(claire: Seat, software: Client) -> None:
    asked = software.install(code(claire), "Comptoirs")
    flawless(claire.page, "the code")
    assert software.collect(asked) is None
    confirm(claire, asked)
    flawless(claire.page, "confirmed")
    assert software.collect(asked) is not None
    assert software.check_right(CARD, "PHAR").open

    claire.go("/logiciel")
    row = claire.page.locator("#softwares tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Comptoirs")
    flawless(claire.page, "/logiciel")
    row.get_by_role("button").click()
    claire.page.click("#confirm [data-answer=yes]")
    expect(row).to_have_count(0)
    with pytest.raises(NotInstalled):
        software.check_right(CARD, "PHAR")


def test_whoever_is_not_signed_in_comes_back_to_what_was_asked(claire: Seat, software: Client) -> None:
    asked = software.install(code(claire), "Comptoirs")
    claire.page.get_by_role("button", name="Se déconnecter").click()
    expect(claire.page.locator("#passkey-sign-in")).to_be_enabled()
    claire.page.goto("about:blank")
    claire.page.goto(asked.url)
    expect(claire.page.locator("#passkey-sign-in")).to_be_enabled()
    claire.page.click("#passkey-sign-in")
    expect(claire.page.locator("#software-confirm")).to_be_visible()
    claire.page.click("#software-confirm")
    expect(claire.page.locator("#software-asked .notice")).to_be_visible()
    assert software.collect(asked) is not None


def test_what_is_asked_elsewhere_is_shown_to_nobody_here(
    claire: Seat, seat: Callable[..., Seat], platform: Platform, software: Client
) -> None:
    asked = software.install(code(claire), "Comptoirs")
    stranger = seat()
    stranger.activate(platform.enrol(platform.enrol_pharmacy("Pharmacie d'en face"), Role.TITULAIRE)[1])
    stranger.page.goto(asked.url)
    expect(stranger.page.locator("#alert")).not_to_be_empty()
    assert stranger.page.locator("#software-asked").inner_text() == ""
    assert software.collect(asked) is None


def test_a_step_up_is_asked_in_other_words(claire: Seat, software: Client, platform: Platform) -> None:
    asked = software.install(code(claire), "Comptoirs")
    confirm(claire, asked)
    software.wait(asked, pause=0.01)
    with platform.database.connect() as owner:
        owner.execute(
            "INSERT INTO vault.switch (scope, key, reason, thrown, hold) SELECT 'editor', id::text, 'essai', extract(epoch FROM now())"
            "::bigint * 1000000, 'step-up' FROM vault.editor"
        )
    try:
        with pytest.raises(StepUpNeeded) as needed:
            software.check_right(CARD, "PHAR")
        claire.page.goto("about:blank")
        claire.page.goto(needed.value.confirmation.url)
        expect(claire.page.locator("#software-asked")).to_contain_text("Confirmer que vous êtes au comptoir")
        confirm(claire, needed.value.confirmation)
        software.wait(needed.value.confirmation, pause=0.01)
        assert software.check_right(CARD, "PHAR").open
    finally:
        with platform.database.connect() as owner:
            owner.execute("DELETE FROM vault.switch")
