"""Offline cards at a counter: judged by the browser, with the network cut."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from playwright.sync_api import expect

from rempart.foundation.clock import DAY, system_clock
from rempart.foundation.settings import VaultSettings, load_settings
from rempart.foundation.vocabulary import Lane, Role
from rempart.intake.offline import OfflineOrder
from rempart.sealer import store
from rempart.sealer.offline import OfflinePress, draw_numbers
from rempart.sealer.offline_file import OfflineFile
from rempart.vault.keystore import KeyStore, offline_key, open_key_store
from rempart.vault.published import PublishedKey
from rempart.vaultdoor.offline_card import write_digits
from tests.browser.conftest import ENGLISH, FRENCH, Seat
from tests.browser.counter import send, write
from tests.browser.platform import AMC, BORN, OPEN, Platform
from tests.browser.test_accessibility import flawless

pytestmark = pytest.mark.browser


@dataclass
class Desk:
    """The sealer's hands, beside a platform where none runs."""

    platform: Platform
    keys: KeyStore
    connection: store.Connection
    days_ago: int = 0

    @property
    def file(self) -> OfflineFile:
        key, folder = PublishedKey(offline_key(self.keys.ring)), self.platform.run_folder.parent
        return OfflineFile(
            folder / "offline-cards.json", key, self.platform.origin, self._clock, days=14, hours=72
        )

    def make(self) -> tuple[str, str]:
        """A card of OPEN's holder: its number, its text."""
        insurer = store.find_insurer(self.connection, AMC)
        assert insurer is not None
        grids, file = store.product_grids(self.connection, insurer), self.file
        press = OfflinePress(self.keys, insurer, grids, self._clock(), file)
        holders, _ = press.find(self.connection, [OfflineOrder(2, OPEN.adherent, OPEN.adherent, BORN, 1)])
        allotted = store.allot_places(
            self.connection, insurer, draw_numbers(len(holders)), press.ends * 1_000_000
        )
        file.publish(self.connection)
        *_, (_, listed) = press.files(holders, allotted, lambda _: None)
        (row,) = csv.DictReader(io.StringIO(listed.decode()), delimiter=";")
        return row["card"], row["text"]

    def revoke_all(self) -> None:
        self.connection.execute("UPDATE vault.offline_card SET revoked = 1")
        self.file.publish(self.connection)

    def _clock(self) -> int:
        return system_clock() - self.days_ago * DAY


@pytest.fixture
def desk(platform: Platform) -> Iterator[Desk]:
    settings = load_settings(VaultSettings, platform.run_folder.parent / "vault.toml")
    keys = open_key_store(settings.key_store, settings.passphrase_file, None)
    with platform.database.connect() as owner:
        owner.execute("GRANT SELECT ON capsule.i1_g1 TO rempart_sealer")
    with store.connect(platform.database.dsn("sealer"), "test") as connection:
        yield Desk(platform, keys, connection)
        connection.execute("DELETE FROM vault.offline_card")


def at_the_page(who: Seat) -> Any:
    who.go("/hors-ligne")
    expect(who.page.locator("#offline-form [type=submit]")).to_be_enabled()
    return who.page


def cut(who: Seat) -> None:
    """Nobody answers any more."""
    who.page.context.set_offline(True)
    with who.page.expect_console_message(lambda said: "ERR_INTERNET_DISCONNECTED" in said.text):
        who.page.click("#offline-refresh")
    expect(who.page.locator("#unreachable")).to_be_visible()
    forgive(who)


def forgive(who: Seat) -> None:
    """That nobody answered."""
    who.complaints[:] = [said for said in who.complaints if "ERR_INTERNET_DISCONNECTED" not in said]


@pytest.mark.parametrize("locale", [FRENCH, ENGLISH])
def test_a_card_is_verified_with_the_network_cut(seat: Callable[..., Seat], desk: Desk, locale: str) -> None:
    number, text = desk.make()
    french = locale == FRENCH
    # axe writes HTML into the page by itself, which the portal's Trusted Types forbid.
    who = seat(locale, bypass_csp=True)
    page = at_the_page(who)
    expect(page.locator("#kept")).to_contain_text("minute")
    flawless(page, "offline, empty")
    cut(who)
    # A scanner types digits and Enter.
    page.locator("#offline-text").press_sequentially(write_digits(text)[:40])
    page.fill("#offline-text", write_digits(text))
    page.press("#offline-text", "Enter")
    answer = page.locator("#answer .answer.open")
    expect(answer.locator("h2")).to_have_text("Carte valable" if french else "Card valid")
    expect(answer).to_contain_text(number)
    expect(answer.locator("tbody tr", has_text="Pharmacie" if french else "Pharmacy")).to_contain_text(
        "100 % BR"
    )
    expect(answer.locator("tbody tr", has_text="Dentaire" if french else "Dental")).to_contain_text(
        "prise en charge"
    )
    expect(page.locator("#offline-text")).to_have_value("")
    flawless(page, "offline, a card")
    page.fill("#offline-text", text.replace(text[-5], "A" if text[-5] != "A" else "B"))
    page.press("#offline-text", "Enter")
    expect(page.locator("#answer .answer.closed")).to_contain_text("modifiée" if french else "altered")
    # axe asks for the style sheets, which nobody answers.
    flawless(page, "offline, refused")
    forgive(who)


def test_under_the_strict_policy_by_file_and_without_a_mouse(seat: Callable[..., Seat], desk: Desk) -> None:
    number, text = desk.make()
    who = seat()
    page = at_the_page(who)
    page.set_input_files(
        "#offline-file", {"name": "carte.txt", "mimeType": "text/plain", "buffer": text.encode()}
    )
    expect(page.locator("#answer .answer.open")).to_contain_text(number)
    # What was judged is in no storage, and no request spoke of it.
    page.reload()
    expect(page.locator("#answer .answer")).to_have_count(0)
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert number not in kept
    page.focus("#offline-text")
    page.keyboard.insert_text("rien d'une carte")
    page.keyboard.press("Enter")
    expect(page.locator("#answer .answer.closed")).to_contain_text("pas celui d'une carte")
    page.focus("#offline-text")
    page.keyboard.insert_text("x")
    page.keyboard.press("Escape")
    expect(page.locator("#offline-text")).to_have_value("")


def test_a_revoked_card_passes_until_the_list_is_fetched_and_never_after(
    seat: Callable[..., Seat], desk: Desk
) -> None:
    _, text = desk.make()
    who = seat()
    page = at_the_page(who)
    desk.revoke_all()
    page.fill("#offline-text", text)
    page.press("#offline-text", "Enter")
    expect(page.locator("#answer .answer.open")).to_be_visible()
    page.click("#offline-refresh")
    expect(page.locator("#offline-refresh[aria-busy]")).to_have_count(0)
    cut(who)
    page.fill("#offline-text", text)
    page.press("#offline-text", "Enter")
    expect(page.locator("#answer .answer.closed")).to_contain_text("révoquée")


def test_an_old_list_says_so_and_lets_no_card_pass(seat: Callable[..., Seat], desk: Desk) -> None:
    _, text = replace(desk, days_ago=4).make()
    who = seat()
    page = at_the_page(who)
    expect(page.locator("#kept.alert")).to_contain_text("ne valent plus")
    page.fill("#offline-text", text)
    page.press("#offline-text", "Enter")
    expect(page.locator("#answer .answer.closed")).to_contain_text("trop ancienne")
    published = desk.platform.run_folder.parent / "offline-cards.json"
    content = json.loads(published.read_bytes())
    published.write_text(json.dumps({**content, "issuer": "https://elsewhere.example"}))
    page.click("#offline-refresh")
    expect(page.locator("#offline-refresh[aria-busy]")).to_have_count(0)
    page.fill("#offline-text", text)
    page.press("#offline-text", "Enter")
    expect(page.locator("#answer .answer.closed")).to_contain_text("autre plateforme")


def test_a_use_is_stated_with_the_network_cut_told_on_reopening_and_invoiced(
    seat: Callable[..., Seat], desk: Desk, platform: Platform, pharmacy: str
) -> None:
    who = seat(bypass_csp=True)
    who.activate(platform.enrol(pharmacy, Role.TITULAIRE)[1])
    # The card is made after the device was bound: what a device states about its own past earns nothing.
    _, text = desk.make()
    page = at_the_page(who)
    cut(who)
    page.fill("#offline-text", text)
    page.press("#offline-text", "Enter")
    form = page.locator("#answer form")
    form.locator("[type=submit]").click()
    expect(form.locator(".problem")).to_contain_text("12,50")
    form.locator("[name=amount]").fill("12,50")
    form.locator("[name=amount]").press("Enter")
    row = page.locator("#uses tbody tr")
    expect(row).to_contain_text("à envoyer")
    page.click("#uses-tell")
    expect(page.locator("#alert")).to_contain_text("ne répond pas")
    flawless(page, "offline, a use that waits")
    page.context.set_offline(False)
    # It outlives the page.
    at_the_page(who)
    page.click("#uses-tell")
    expect(row).to_contain_text("honoré jusqu'à 12,50 €")
    flawless(page, "offline, a use that was told")
    row.get_by_role("button", name="Facturer").click()
    expect(page).to_have_url(f"{platform.origin}/facturer")
    write(who, price="10,00")
    expect(send(who, "HL-1")).to_contain_text("HL-1")
    at_the_page(who)
    row.get_by_role("button", name="Retirer").click()
    expect(page.locator("#uses")).to_be_hidden()
    forgive(who)
    with platform.database.connect() as owner:
        paid = owner.execute(
            "SELECT e.lane, i.state, i.amc FROM claims.invoice i JOIN evidence.entry e ON e.index = i.engagement WHERE i.number = 'HL-1'"
        ).fetchall()
    assert paid == [(Lane.OFFLINE, "accepted", 350)]
