"""Everybody is asked for a new password: what a person meets, from the sign-in to the counter; and the queue before it, on a busy day."""

import re
import threading
import time
from collections.abc import Callable
from typing import Self

import httpx
import msgspec
import pytest
from playwright.sync_api import expect

from rempart.foundation.vocabulary import Role
from rempart.vaultdoor.browser import DeviceKey
from rempart.vaultdoor.messages import CampaignProgress, CampaignStarted, ShowCampaign, StartCampaign
from tests.browser.conftest import ENGLISH, FRENCH, PHONE, Seat
from tests.browser.platform import OPEN, Platform
from tests.browser.test_accessibility import flawless
from tests.front.process import wait_until

pytestmark = pytest.mark.browser
OLD = "Marée-haute 47 sur l'estran"
NEW = "Treize hérissons jouent du basson"


def start(platform: Platform, kind: str, scope: str, key: str) -> int:
    call = StartCampaign(
        kind,
        scope,
        key,
        reason_fr="Des mots de passe de professionnels ont été hameçonnés.",
        reason_en="Professionals' passwords were phished.",
    )
    return platform.ask(call, CampaignStarted).number


def with_password(who: Seat) -> None:
    """Somebody signed in by passkey gives their account a password too."""
    who.go("/securite")
    who.loaded()
    page = who.page
    page.locator("summary").filter(has_text=re.compile("mot de passe|password")).first.click()
    form = page.locator("[data-act='password/change']")
    form.locator("[name=new]").fill(OLD)
    form.locator("[data-same-as=new]").fill(OLD)
    form.locator("[type=submit]").click()
    expect(page.locator("#security")).to_contain_text(re.compile("Mot de passe changé|Password changed"))


def change(who: Seat, new: str) -> None:
    form = who.page.locator("[data-act='password/change']")
    form.locator("[name=old]").fill(OLD)
    form.locator("[name=new]").fill(new)
    form.locator("[data-same-as=new]").fill(new)
    form.locator("[type=submit]").click()


def test_a_campaign_leads_to_what_is_to_do_and_back_to_work(
    seat: Callable[..., Seat], platform: Platform
) -> None:
    place = platform.enrol_pharmacy("Pharmacie des Reprises")
    login, code = platform.enrol(place, Role.TITULAIRE)
    who = seat()
    who.activate(code)
    with_password(who)
    campaign = start(platform, "password", "account", login)
    page = who.page
    # In the middle of the day: the next thing asked leads there.
    who.go("/verifier")
    expect(page.locator("h1")).to_have_text("À faire avant de reprendre")
    assert page.url.endswith("/a-faire")
    who.page.click("[data-act=sign-out]")
    page.click("#passkey-sign-in")
    expect(page.locator("h1")).to_have_text("À faire avant de reprendre")
    demand = page.locator("[data-demand=password]")
    expect(demand).to_contain_text("Des mots de passe de professionnels ont été hameçonnés.")
    expect(page.locator("#to-do")).to_contain_text("Fait : 0 sur 1")
    expect(page.locator("#to-do")).to_contain_text("Claire Martin")
    change(who, OLD + " !")
    # Signing in is not the proof that such an act takes.
    page.click("#step-up [data-answer=passkey]")
    expect(page.locator("#alert")).to_contain_text("Il ressemble trop à l'ancien")
    change(who, NEW)
    expect(page.locator("#to-do")).to_contain_text("Vous pouvez reprendre")
    expect(page.locator("#to-do")).to_contain_text("Fait : 1 sur 1")
    page.get_by_role("button", name="Reprendre").click()
    who.check(OPEN)
    expect(page.locator("#answer .answer h2")).to_have_text("Droit ouvert")
    shown = platform.ask(ShowCampaign(campaign), CampaignProgress)
    assert [(each.done, each.total) for each in shown.places] == [(1, 1)]


def test_a_look_up_under_a_campaign_is_refused_and_leads_there(
    seat: Callable[..., Seat], platform: Platform
) -> None:
    login, code = platform.enrol(platform.enrol_pharmacy("Pharmacie du Guet"), Role.TITULAIRE)
    who = seat()
    who.activate(code)
    with_password(who)
    who.go("/verifier")
    who.loaded()
    expect(who.page.locator("#check [type=submit]")).to_be_enabled()
    start(platform, "password", "account", login)
    with who.page.expect_response("**/fhir/**") as answer:
        who.page.fill("[name=amc]", OPEN.amc)
        who.page.fill("[name=adherent]", OPEN.adherent)
        who.page.fill("[name=birth]", OPEN.birth)
        who.page.press("[name=birth]", "Enter")
    assert answer.value.status == 403
    expect(who.page.locator("h1")).to_have_text("À faire avant de reprendre")


@pytest.mark.parametrize("locale", [FRENCH, ENGLISH])
def test_no_violation_on_the_page_of_what_is_to_do(
    seat: Callable[..., Seat], platform: Platform, locale: str
) -> None:
    login, code = platform.enrol(platform.enrol_pharmacy("Pharmacie du Créneau"), Role.TITULAIRE)
    who = seat(locale, PHONE, bypass_csp=True)
    who.activate(code)
    with_password(who)
    start(platform, "password", "account", login)
    start(platform, "sign-out", "account", login)
    who.go("/")
    who.page.click("#passkey-sign-in")
    expect(who.page.locator("[data-demand]")).to_have_count(2)
    flawless(who.page, "to do")
    assert who.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


class Crowd:
    """Sixteen browsers that sign in as nobody, each time as somebody else, until they are told to stop."""

    def __init__(self, platform: Platform) -> None:
        self.platform, self.stopped = platform, threading.Event()
        self.queued = 0
        self._threads = [threading.Thread(target=self._hammer, args=(number,)) for number in range(16)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for thread in self._threads:
            thread.join()

    def _hammer(self, number: int) -> None:
        path, count = "/acts/sign-in/password", 0
        with httpx.Client(base_url=self.platform.origin, trust_env=False, timeout=30) as client:
            # One address draws 240 numbers at once: the page must still draw its own.
            while not self.stopped.is_set() and self.queued < 150:
                key, count = DeviceKey.generate(), count + 1
                login = f"nobody-{number}-{count}"
                known = {"device_key": key.public, "device_label": "x", "login": login}
                body = msgspec.json.encode(known | {"password": "x" * 20, "code": "123456"})
                headers = key.sign("POST", self.platform.origin + path, body, int(time.time()))
                answer = client.post(
                    path, content=body, headers=headers | {"Content-Type": "application/json"}
                )
                self.queued += answer.headers.get("Rempart-Code") == "queue"


def test_on_a_busy_day_the_page_says_its_place_and_waits_by_itself(
    seat: Callable[..., Seat], platform: Platform
) -> None:
    _, code = platform.enrol(platform.enrol_pharmacy("Pharmacie du Matin"), Role.TITULAIRE)
    who = seat(bypass_csp=True)
    who.activate(code)
    who.sign_out()
    page = who.page
    with Crowd(platform) as crowd:
        wait_until(lambda: crowd.queued >= 40, "a queue")
        page.click("#passkey-sign-in")
        expect(page.locator("#waiting")).to_be_visible(timeout=20_000)
        expect(page.locator("#waiting")).to_contain_text(re.compile(r"Vous êtes \d+e(r)?, environ"))
        flawless(page, "waiting")
    # Nobody touches anything: the page goes on when its turn comes.
    expect(page.locator("#check")).to_be_visible(timeout=60_000)
    # Chromium writes each 503 on its console; they are the queue's.
    assert all("503" in complaint for complaint in who.complaints)
    who.complaints.clear()
