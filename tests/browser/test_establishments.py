"""A pharmacy is sold, in a real browser: two clerks at the desk, and what its titulaire reads."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from rempart.foundation.clock import paris_date, system_clock
from rempart.foundation.vocabulary import Role
from rempart.vaultdoor.messages import DepartEstablishment, Done, SuspendEstablishment
from tests.browser.conftest import ENGLISH, FRENCH, PHONE, Seat
from tests.browser.platform import OPEN, Platform
from tests.browser.test_accessibility import flawless
from tests.browser.test_desk import Machine, Room, clean, machine, pharmacy, room, staff

__all__ = ["machine", "pharmacy", "room", "staff"]
pytestmark = pytest.mark.browser


def day(days: int) -> str:
    return (paris_date(system_clock()) + timedelta(days=days)).isoformat()


def shown(iso: str) -> str:
    return "/".join(reversed(iso.split("-")))


def test_a_clerk_declares_a_cession_sees_its_effect_and_another_approves_it(
    machine: Callable[..., Machine],
    staff: dict[str, str],
    room: Room,
    pharmacy: str,
    tmp_path: Path,
) -> None:
    paz, sami = machine(), machine(locale=ENGLISH)
    paz.activate(staff["paz"])
    sami.activate(staff["sami"])
    page = paz.page
    page.click("nav >> text=Établissements")
    expect(page.locator("h1")).to_have_text("Établissements")
    expect(page.locator("[data-look]")).to_be_enabled()
    clean(page)
    # What was typed goes into no address: Enter looks.
    page.fill("#shown-finess", pharmacy)
    page.press("#shown-finess", "Enter")
    expect(page.locator("[data-seat=open]")).to_contain_text(pharmacy)
    assert page.url.endswith("/etablissements")

    form = page.locator("[data-deed='desk/establishment/depart']")
    form.locator("[name=finess]").fill(pharmacy)
    form.locator("[name=day]").fill(day(30))
    form.locator("[name=ground]").select_option("cession")
    form.locator("[name=words]").fill("acte de cession du 3 mars")
    form.locator("[type=submit]").click()
    dialog = page.locator("#deed")
    expect(page.locator("#deed-title")).to_have_text(f"Départ ou cession : {pharmacy}")
    expect(dialog).to_contain_text("Une seconde personne doit approuver")
    clean(page)
    page.screenshot(path=tmp_path / "effect.png")
    paz.confirm()
    expect(page.locator("#result")).to_contain_text("attend une seconde personne")
    sami.go("/salle")
    waits = sami.page.locator("li.proposal")
    expect(waits).to_contain_text("An establishment leaves, or is sold")
    expect(waits).to_contain_text("another titulaire takes the FINESS over")
    expect(waits).to_contain_text(day(30))
    clean(sami.page)
    waits.get_by_role("button", name="Approve").click()
    sami.confirm()
    page.click("[data-look]")
    expect(page.locator("[data-seat=open]")).to_contain_text(f"Ferme le{shown(day(30))}")
    expect(page.locator("[data-seat=open]")).to_contain_text("paz sami")
    clean(page)
    page.screenshot(path=tmp_path / "seat.png", full_page=True)

    # Suspended and resumed by one, on a phone's width too.
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    form = page.locator("[data-deed='desk/establishment/suspend']")
    form.locator("[name=finess]").fill(pharmacy)
    form.locator("[name=words]").fill("deux courriers")
    form.locator("[type=submit]").click()
    paz.confirm()
    expect(page.locator("#result")).to_have_text("C'est fait.")
    page.click("[data-look]")
    expect(page.locator("[data-seat=suspended]")).to_contain_text("convention échue")
    clean(page)
    # It was seen only by whoever may do it.
    rita = machine()
    rita.activate(staff["rita"])
    rita.go("/etablissements")
    expect(rita.page.locator("[data-look]")).to_be_enabled()
    expect(rita.page.locator("[data-deed]:visible")).to_have_count(0)


@pytest.mark.parametrize("locale", [FRENCH, ENGLISH])
def test_the_titulaire_reads_when_the_house_closes_and_what_to_do(
    seat: Callable[..., Seat], platform: Platform, locale: str
) -> None:
    place = platform.enrol_pharmacy("Pharmacie de l'Estran")
    with platform.database.connect() as owner:
        row = owner.execute("SELECT finess FROM vault.establishment WHERE id = %s", (place,)).fetchone()
    assert row is not None
    finess = row[0]
    who = seat(locale, PHONE, bypass_csp=True)
    who.activate(platform.enrol(place, Role.TITULAIRE)[1])
    page, french = who.page, locale == FRENCH
    platform.ask(DepartEstablishment(finess, day(20), "cession", "deed"), Done)
    who.go("/securite")
    who.loaded()
    expect(page.locator(".notices")).to_contain_text("Cession" if french else "said to be sold")
    expect(page.locator(".notices")).to_contain_text(shown(day(20)))
    who.go("/etablissement")
    who.loaded()
    life = page.locator("#life")
    expect(life.locator("h2")).to_contain_text(shown(day(20)))
    for until in (day(80), day(420)):
        expect(life).to_contain_text(shown(until))
    expect(life).to_contain_text("Retirez de" if french else "Remove from")
    flawless(page, "leaving")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # Suspended: the counter says so in a sentence, and the page why.
    platform.ask(SuspendEstablishment(finess, "papers", 5, "certificate"), Done)
    who.go("/verifier")
    who.loaded()
    who.check(OPEN)
    expect(page.locator("#alert")).to_contain_text(
        "est suspendu par la plateforme" if french else "has suspended your establishment"
    )
    who.go("/etablissement")
    who.loaded()
    expect(life).to_contain_text("pièce manquante" if french else "a document is missing")
    flawless(page, "suspended")
    platform.ask(DepartEstablishment(finess, day(0), "cession", "deed"), Done)
    # Whoever was signed in has to come back in person.
    who.go("/etablissement")
    expect(page.locator("#passkey-sign-in")).to_be_enabled()
    page.click("#passkey-sign-in")
    expect(page.locator("#who")).to_be_attached()
    who.go("/etablissement")
    who.loaded()
    expect(life.locator("h2").last).to_contain_text("Fermé ici depuis le" if french else "Closed here since")
    flawless(page, "closed")
    who.complaints[:] = [each for each in who.complaints if " 40" not in each]
