"""What everybody is told, from the desk in a real browser: the answers of *were we hit?*, and words on the status page."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from rempart.foundation.clock import SECOND, system_clock
from rempart.foundation.vocabulary import Role
from tests.browser.conftest import PHONE
from tests.browser.test_desk import Machine, clean, machine
from tests.browser.test_desk_incident import NAMES, Night, local, room

__all__ = ["machine", "room"]
pytestmark = pytest.mark.browser


def incident(page: Page, room: Night) -> None:
    """One about what the thief asked, with its question."""
    page.click("nav >> text=Incidents")
    page.fill("[name=aware]", local(system_clock() - 3600 * SECOND))
    page.fill("[name=title]", "Session volée")
    page.click("#open-incident [type=submit]")
    expect(page.locator("#result")).to_contain_text("L'incident n° 1 est ouvert")
    page.click("nav >> text=Périmètre")
    page.fill("[name=since]", local(room.since))
    page.fill("[name=until]", local(room.since + 60 * SECOND))
    page.fill("[name=accounts]", room.login)
    page.click("#ask-scope [type=submit]")
    expect(page.locator("#answer-title")).to_be_visible(timeout=30_000)
    page.click("#give-question [type=submit]")
    expect(page.locator("#result")).to_contain_text("Noté à l'incident n° 1")
    page.click("#result a")


def test_two_people_publish_the_answers_and_one_announces_and_closes(
    machine: Callable[..., Machine], room: Night, tmp_path: Path
) -> None:
    codes = {
        "diane": room.enrol("diane", Role.DUTY_OFFICER),
        "dora": room.enrol("dora", Role.DPO),
        "rita": room.enrol("rita", Role.AUDITOR),
    }
    diane, dora = machine(), machine(locale="en-GB")
    diane.activate(codes["diane"])
    dora.activate(codes["dora"])
    page = diane.page
    incident(page, room)

    # What is missing is said; then it is counted, and nobody reads anything yet.
    page.click("text=Réponses aux professionnels")
    expect(page.locator("#lacking-title")).to_be_visible()
    expect(page.get_by_text("Dites d'abord ce qui s'est passé")).to_be_visible()
    clean(page)
    page.screenshot(path=tmp_path / "lacking.png", full_page=True)
    diane.go("/incident?n=1")
    page.click("#fact-nature summary")
    page.locator("#fact-nature textarea").first.fill("Un automate a interrogé la plateforme.")
    page.locator("#fact-nature [type=submit]").first.click()
    expect(page.locator("#fact-nature summary")).to_contain_text("Un automate")
    diane.go("/reponses?n=1")
    expect(page.get_by_text("personne ne lit encore de réponse")).to_be_visible()
    # The interval is over ten seconds after its last minute.
    expect(page.locator("#lacking-title")).to_have_count(0, timeout=90_000)
    page.click("#count-answers [type=submit]")
    expect(page.locator("#would-title")).to_be_visible(timeout=30_000)
    expect(page.locator(".figures").last).to_contain_text("1 établissement(s) concerné(s)")
    clean(page)
    page.screenshot(path=tmp_path / "would.png", full_page=True)
    page.get_by_role("button", name="Faire publier").click()
    expect(page.locator("#deed [data-answer=yes]")).to_have_text("Demander à une seconde personne")
    diane.confirm()
    assert room.sql("SELECT count(*) FROM incident.publication") == [(0,)]

    theirs = dora.page.locator("li.proposal")
    expect(theirs).to_contain_text("Publish the answers to professionals", timeout=15_000)
    expect(theirs).to_contain_text("Count yourself, and compare the digest")
    clean(dora.page)
    dora.page.screenshot(path=tmp_path / "proposal.png", full_page=True)
    theirs.get_by_role("button", name="Approve").click()
    dora.confirm()
    expect(dora.page.locator("#result")).to_contain_text("if nothing changed, they are published")
    expect(page.locator("#shown-title")).to_be_visible(timeout=30_000)
    clean(page)
    page.screenshot(path=tmp_path / "published.png", full_page=True)
    assert room.sql("SELECT issue FROM incident.publication") == [(1,)]

    # Announced to everybody: shown first, then read on the public page, without a sign-in.
    page.click("nav >> text=Annonces")
    expect(page.get_by_text("La page d'état dit")).to_be_visible()
    clean(page)
    page.check("#announce [value=rights]")
    page.check("#announce [value=software]")
    page.fill("#announce [name=french]", "Un compte a été fermé.")
    page.fill("#announce [name=english]", "One account was closed.")
    page.click("#announce [type=submit]")
    effect = page.locator("#deed")
    expect(effect).to_contain_text("La page d'état dira, pour tous")
    expect(effect).to_contain_text("Vérification des droits")
    clean(page)
    page.screenshot(path=tmp_path / "preview.png")
    assert room.sql("SELECT count(*) FROM status.announcement") == [(0,)]
    diane.confirm()
    expect(page.locator("#result")).to_contain_text("Un compte a été fermé.")
    expect(page.locator("#announce [name=french]")).to_have_value("")
    public = machine().page
    public.goto(room.platform.origin + "/etat")
    expect(public.locator(".announcement").first).to_contain_text("Un compte a été fermé.", timeout=10_000)
    page.locator("summary", has_text="Dire ce qui a changé").click()
    more = page.locator("details[id^=update-] form")
    more.locator("[name=french]").fill("Nous prévenons les assureurs.")
    more.locator("[name=english]").fill("Insurers are being told.")
    clean(page)
    more.locator("[type=submit]").click()
    diane.confirm()
    expect(page.locator("#result")).to_contain_text("Nous prévenons les assureurs.")
    page.fill("#tell [name=to]", "pharmacy")
    page.fill("#tell [name=french]", "Votre réponse est dans le portail.")
    page.fill("#tell [name=english]", "Your answer is in the portal.")
    page.click("#tell [type=submit]")
    expect(effect).to_contain_text("une profession : pharmacie")
    diane.confirm()
    message = page.locator("li", has_text="Votre réponse est dans le portail.")
    expect(message).to_be_visible()
    clean(page)
    page.screenshot(path=tmp_path / "announced.png", full_page=True)

    # An auditor reads both pages on a telephone, and is offered nothing.
    rita = machine(viewport=PHONE)
    rita.activate(codes["rita"])
    for path in ("/reponses?n=1", "/annonces"):
        rita.go(path)
        expect(rita.page.locator("#who:not([hidden])")).to_be_attached()
        expect(rita.page.locator("[data-load]:not([hidden]):empty")).to_have_count(0)
        expect(rita.page.locator("form:visible, .danger:visible")).to_have_count(0)
        clean(rita.page)
        assert rita.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        rita.page.screenshot(path=tmp_path / f"phone{path[1:9]}.png", full_page=True)
        assert not NAMES.search(rita.page.content())
    # In English, by somebody who may count and may not announce.
    for path in ("/reponses?n=1", "/annonces"):
        dora.go(path)
        expect(dora.page.locator("[data-load]:not([hidden]):empty")).to_have_count(0)
        clean(dora.page)
        dora.page.screenshot(path=tmp_path / f"english{path[1:9]}.png", full_page=True)
    expect(dora.page.locator("form:visible")).to_have_count(0)

    # Taken back: the message, the announcement with its last word, the answers.
    message.get_by_role("button", name="Retirer").click()
    diane.confirm()
    expect(page.locator("#result")).to_contain_text("n'est plus affiché à personne")
    page.locator("summary", has_text="Clore").click()
    last = page.locator("details[id^=close-] form")
    last.locator("[name=french]").fill("Tout est rouvert.")
    last.locator("[name=english]").fill("All is open again.")
    last.locator("[type=submit]").click()
    diane.confirm()
    expect(page.locator("#announcements-over")).to_be_visible()
    diane.go("/reponses?n=1")
    page.fill("#withdraw-answers [name=why]", "Un chiffre était faux")
    page.click("#withdraw-answers [type=submit]")
    diane.touch_if_asked()
    expect(page.get_by_text("personne ne lit encore de réponse")).to_be_visible()
    assert room.sql("SELECT count(*) FROM incident.publication") == [(0,)]
