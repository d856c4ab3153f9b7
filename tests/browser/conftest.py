"""One Chromium and one platform a session; a fresh profile a test."""

import base64
import hashlib
import hmac
import re
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect, sync_playwright

from rempart.foundation.vocabulary import Role
from tests.browser.platform import PAID, Card, Platform, running_platform

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
FRENCH, ENGLISH = "fr-FR", "en-GB"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 860}
AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
    "automaticPresenceSimulation": True,
}  # fmt: skip
EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d|\[DOM\]")
"""What Chromium itself writes on its console when the vault says no, which tests provoke."""
expect.set_options(timeout=8_000)


@pytest.fixture(scope="session")
def platform(cluster, tmp_path_factory) -> Iterator[Platform]:
    database = cluster.fresh_database()
    with running_platform(database, tmp_path_factory.mktemp("p")) as started:
        yield started
    cluster.drop(database)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Seat:
    """Somebody at a browser: a profile, a page, an authenticator."""

    platform: Platform
    context: BrowserContext
    page: Page
    cdp: CDPSession
    authenticator: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.platform.origin + path)

    def passkeys(self) -> list[dict[str, Any]]:
        """What the authenticator holds."""
        found: dict[str, Any] = self.cdp.send(
            "WebAuthn.getCredentials", {"authenticatorId": self.authenticator}
        )
        return found["credentials"]

    def take_passkeys_of(self, other: "Seat") -> None:
        """As a security key is carried from one device to another."""
        for credential in other.passkeys():
            self.cdp.send(
                "WebAuthn.addCredential", {"authenticatorId": self.authenticator, "credential": credential}
            )

    def activate(self, code: str, *, way: str = "passkey", password: str = "") -> str:
        """Activate an account; ends on its first page. Returns the one-time-code secret, "" for a passkey."""
        page, secret = self.page, ""
        self.go(f"/activation#{code}")
        expect(page.locator("#activation-form [type=submit]")).to_be_enabled()
        page.check(f"[name=way][value={way}]")
        page.click("#activation-form [type=submit]")
        if way == "password":
            secret = page.locator("#totp-secret").text_content() or ""
            form = page.locator("#activation-password")
            form.locator("[name=password]").fill(password)
            form.locator("[name=again]").fill(password)
            form.locator("[name=code]").fill(totp(secret))
            form.locator("[type=submit]").click()
        expect(page.locator("#recovery-codes li")).to_have_count(10)
        page.click("[data-once-done]")
        expect(page.locator("#who")).to_be_attached()
        return secret

    def sign_in(self) -> None:
        """By passkey, from the sign-in page."""
        self.page.click("#passkey-sign-in")
        expect(self.page.locator("#check")).to_be_visible()

    def sign_out(self) -> None:
        self.page.click("[data-act=sign-out]")
        expect(self.page.locator("#passkey-sign-in")).to_be_visible()

    def check(self, card: Card, domain: str = "PHAR") -> None:
        """Fill the card's fields and press Enter."""
        page = self.page
        expect(page.locator("#check [type=submit]")).to_be_enabled()
        page.fill("[name=amc]", card.amc)
        page.fill("[name=adherent]", card.adherent)
        page.fill("[name=birth]", card.birth)
        page.select_option("[name=domain]", domain)
        page.press("[name=birth]", "Enter")
        expect(page.locator("#answer .answer, #alert .alert")).to_be_visible()

    def loaded(self) -> None:
        """Wait until every section of the page has its data."""
        expect(self.page.locator("#who")).to_be_attached()
        expect(self.page.locator("[data-load][aria-busy]")).to_have_count(0)


@contextmanager
def _seats(platform: Platform, chromium: Browser) -> Iterator[Callable[..., Seat]]:
    seats: list[Seat] = []

    def sit(locale: str = FRENCH, viewport: Any = DESK, **options: Any) -> Seat:
        seats.append(_sit(platform, chromium.new_context(locale=locale, viewport=viewport, **options)))
        return seats[-1]

    yield sit
    complaints = [complaint for seat in seats for complaint in seat.complaints]
    for seat in seats:
        seat.context.close()
    assert complaints == []


def _sit(platform: Platform, context: BrowserContext) -> Seat:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=platform.origin)
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    made = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    seat = Seat(platform, context, page, cdp, made["authenticatorId"])
    page.on("console", lambda message: _note(seat, message.type, message.text))
    page.on("pageerror", lambda error: seat.complaints.append(str(error)))
    return seat


@pytest.fixture
def seat(platform: Platform, chromium: Browser) -> Iterator[Callable[..., Seat]]:
    """Make a seat; several are several devices. At the end, no page may have complained."""
    with _seats(platform, chromium) as sit:
        yield sit


@pytest.fixture(scope="module")
def counter_seat(platform: Platform, chromium: Browser, pharmacy: str) -> Iterator[Seat]:
    """A pharmacist at the counter, signed in once for the tests that only check rights."""
    with _seats(platform, chromium) as sit:
        made = sit()
        made.activate(platform.enrol(pharmacy, Role.EMPLOYEE, "Nina Faure")[1])
        yield made


@pytest.fixture
def counter(counter_seat: Seat) -> Seat:
    """The same, at a fresh page where rights are checked."""
    counter_seat.go("/verifier")
    expect(counter_seat.page.locator("#check [type=submit]")).to_be_enabled()
    return counter_seat


def _note(seat: Seat, kind: str, text: str) -> None:
    if kind in {"error", "warning"} and not EXPECTED.search(text):
        seat.complaints.append(text)


@pytest.fixture(scope="session")
def pharmacy(platform: Platform) -> str:
    """A pharmacy that the tests share; each has accounts of its own."""
    return platform.enrol_pharmacy("Pharmacie du Rempart")


@pytest.fixture
def pharmacist(seat: Callable[..., Seat], platform: Platform, pharmacy: str) -> Seat:
    """A titulaire at the page where rights are checked."""
    made = seat()
    _, code = platform.enrol(pharmacy, Role.TITULAIRE)
    made.activate(code)
    return made


@pytest.fixture(scope="session")
def paid_pharmacy(platform: Platform, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A pharmacy whose invoices V-1 (3,50 €), V-2 (7,00 €) and V-3 (10,50 €) the day's run has paid: 21,00 €."""
    from tests.browser.counter import invoice_drugs

    place = platform.enrol_pharmacy("Pharmacie des Virements")
    with _seats(platform, chromium) as sit:
        made = sit()
        made.activate(platform.enrol(place, Role.TITULAIRE)[1])
        for number, price in (("V-1", "10,00"), ("V-2", "20,00"), ("V-3", "30,00")):
            expect(invoice_drugs(made, platform, number, price).locator("h2")).to_have_text(
                "Facture acceptée"
            )
    platform.give_rib(place, PAID)
    platform.settle(tmp_path_factory.mktemp("outbox"))
    return place


def totp(secret: str, at: float | None = None) -> str:
    """The code of RFC 6238 (SHA-1, 30 s, 6 digits) of a base32 secret."""
    counter = int((time.time() if at is None else at) // 30)
    key = base64.b32decode(secret.replace(" ", "") + "=" * (-len(secret.replace(" ", "")) % 8))
    digest = hmac.new(key, struct.pack(">Q", counter), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"
