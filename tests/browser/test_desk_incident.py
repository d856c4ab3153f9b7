"""The night of an incident in a real browser, on the whole platform: from the alert to packages that their insurer acknowledges."""

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from playwright.sync_api import Page, expect
from typer.testing import CliRunner

from rempart.cli.commands import command_line
from rempart.cli.demo_trade import Houses
from rempart.cli.operator import add_insurers_seat, add_professional, ask
from rempart.cli.presenting import by_card
from rempart.cli.taking_in import all_loaded, deliver, written_files
from rempart.database.embedded import EmbeddedCluster
from rempart.foundation.clock import PARIS, SECOND, instant, system_clock
from rempart.foundation.vocabulary import Domain, Profession, Role
from rempart.intake.model import Kind
from rempart.population.population import Population
from rempart.supervisor.platform import Platform, running_platform
from rempart.vaultdoor.messages import Enrolled, RegisterInsurer
from tests.browser.conftest import PHONE
from tests.browser.test_desk import Machine, Room, clean, machine
from tests.conftest import Database

__all__ = ["machine"]
pytestmark = pytest.mark.browser
POPULATION = Population(23, 300, 2)
TOLD = 6
T = TypeVar("T")
NAMES = re.compile(r"\b(MARTIN|DURAND|BERNARD)\b")


@dataclass
class Night(Room):
    """The whole platform, after a theft."""

    platform: Platform = field(kw_only=True)
    notice: X25519PrivateKey = field(kw_only=True)
    signing: Ed25519PrivateKey = field(kw_only=True)
    login: str = ""
    account: str = ""
    finess: str = ""
    since: int = 0

    def sql(self, query: str) -> list[tuple[object, ...]]:
        superuser = EmbeddedCluster(self.platform.home.postgres).superuser_dsn("rempart")
        with psycopg.connect(superuser, autocommit=True) as owner:
            done = owner.execute(query.encode())
            return done.fetchall() if done.description else []

    def alert(self, account: str) -> int:
        """As the sentinel writes it."""
        now = system_clock()
        [(number,)] = self.sql(
            "INSERT INTO incident.alert (at, noted, rule, strength, figure, threshold, account, indexes, events, french, english, scope,"
            f" key, hold, minutes, by_itself) VALUES ({now}, {now}, 'pace', 2, 74, 30, '{account}', '{{0}}', '{{}}',"
            " '74 personnes en une heure, 30 au plus d''ordinaire.', '74 people in an hour.', 'account',"
            f" '{account}', 'closed', 0, false) RETURNING id"
        )
        return int(str(number))

    def insurer(self, *arguments: str) -> str:
        """An insurer's own command."""
        typed = ["insurer", *arguments]
        done = aside(lambda: CliRunner().invoke(command_line(typed), typed, env={"COLUMNS": "400"}))
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output


def aside(work: Callable[[], T]) -> T:
    """In a thread of its own: the browser's driver has a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Named so for `machine`."""
    folder = tmp_path_factory.mktemp("n") / "p"
    with running_platform(
        folder, more='shared_buffers = "32MB"\n', without=("sentinel",), desk=True
    ) as platform:
        yield aside(lambda: theft(platform, folder))


def theft(platform: Platform, folder: Path) -> Night:
    """Two insurers with their seats; one pharmacy asks for six people of the first, another for one of the second."""
    keys, deliveries = [], []
    for insurer, files in written_files(platform, POPULATION, 1):
        signing, notice = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
        keys.append((signing, notice))
        public = signing.public_key().public_bytes_raw(), notice.public_key().public_bytes_raw()
        ask(folder, RegisterInsurer(insurer.amc, insurer.name, *public), Enrolled)
        deliveries += deliver(platform, insurer, files, signing, (Kind.PRODUCTS, Kind.FULL))
    while not all_loaded(platform, deliveries):
        time.sleep(0.05)
    for number, insurer in enumerate(POPULATION.insurers):
        seat = add_insurers_seat(folder, insurer.amc, insurer.name, "Paris")
        add_professional(folder, f"clerk-{number}", Role.TITULAIRE, seat, "Alix Essai")
    since = system_clock() - SECOND
    houses = Houses(platform, 5)
    thief, honest = houses.open(Profession.PHARMACY), houses.open(Profession.PHARMACY)
    for number in range(TOLD):
        thief.check(by_card(POPULATION.person(0, number), Domain.PHAR))
    honest.check(by_card(POPULATION.person(1, 9), Domain.PHAR))
    thief.close()
    honest.close()
    night = Night(
        platform.desk_origin, platform.home.run, cast("Database", None), platform=platform, signing=keys[0][0], notice=keys[0][1],
        since=since,
    )  # fmt: skip
    [(login, account, finess)] = night.sql(
        "SELECT a.login, a.id::text, h.finess FROM evidence.entry e JOIN vault.account a ON a.id = e.account"
        " JOIN vault.establishment h ON h.id = e.establishment WHERE e.insurer = 1 GROUP BY 1, 2, 3"
    )
    night.login, night.account, night.finess = str(login), str(account), str(finess)
    return night


def local(micros: int) -> str:
    """As a datetime-local field is filled."""
    return f"{instant(micros).astimezone(PARIS):%Y-%m-%dT%H:%M}"


def settled(page: Page) -> None:
    """No bar on the page any more."""
    expect(page.locator("progress")).to_have_count(0, timeout=30_000)


def test_the_night_from_the_alert_to_packages_acknowledged(
    machine: Callable[..., Machine], room: Night, tmp_path: Path
) -> None:
    number = room.alert(room.account)
    codes = {
        "diane": room.enrol("diane", Role.DUTY_OFFICER),
        "dora": room.enrol("dora", Role.DPO),
        "rita": room.enrol("rita", Role.AUDITOR),
    }
    diane, dora = machine(), machine(locale="en-GB")
    diane.activate(codes["diane"])
    dora.activate(codes["dora"])
    page = diane.page

    # The alert, and what it proposes.
    page.click(f"a[href='/alerte?n={number}']")
    page.click("text=Contenir comme proposé")
    diane.confirm()
    expect(page.get_by_text("contenu le")).to_be_visible()

    # The incident: the clocks run since she knew.
    page.click("nav >> text=Incidents")
    expect(page.get_by_text("Aucun incident n'a été ouvert")).to_be_visible()
    clean(page)
    page.fill("[name=aware]", local(system_clock() - 3600 * SECOND))
    page.fill("[name=title]", "Session de professionnel utilisée par un automate")
    page.click("#open-incident [type=submit]")
    expect(page.locator("#result")).to_contain_text("L'incident n° 1 est ouvert")
    page.click("#result a")
    expect(page.locator("h1")).to_contain_text("Session de professionnel")
    expect(page.get_by_text("sans périmètre")).to_be_visible()

    # Who is exposed: exact, proved, and nobody else.
    page.click("main >> text=Périmètre")
    clean(page)
    page.fill("[name=since]", local(room.since))
    page.fill("[name=accounts]", room.login)
    page.click("#ask-scope [type=submit]")
    expect(page.locator("#answer-title")).to_have_text(f"{TOLD} personne(s) concernée(s)", timeout=30_000)
    expect(page.get_by_text("Ce qui est en cause n'a parlé de personne d'autre.")).to_be_visible()
    settled(page)
    page.click("#scope-list-frame summary")
    expect(page.locator("#scope-list tbody tr")).to_have_count(TOLD)
    clean(page)
    page.screenshot(path=tmp_path / "scope.png", full_page=True)
    with page.expect_download() as proofs:
        page.click("text=Télécharger les preuves")
        touched(page)
    lines = Path(proofs.value.path()).read_text().splitlines()
    assert len(lines) == TOLD
    assert set(json.loads(lines[0])) == {"index", "salt", "opening", "proof"}
    page.fill("#were-hit [name=establishment]", room.finess)
    page.click("#were-hit [type=submit]")
    expect(page.locator("#hit-shown")).to_contain_text(f"{TOLD} réponse(s) en cause faites chez vous")
    page.click("#give-question [type=submit]")
    expect(page.locator("#result")).to_contain_text("Noté à l'incident n° 1")

    # What is known. Something like a NIR is refused, and kept nowhere.
    page.click("#result a")
    expect(page.locator("h1")).to_contain_text("Incident n° 1")
    page.click("#fact-nature summary")
    nature = page.locator("#fact-nature form").first
    nature.locator("textarea").fill("Une personne, 2 85 05 99 999 123 04, a appelé.")
    nature.locator("[type=submit]").click()
    expect(page.locator("#alert")).to_contain_text("ressemble à un NIR")
    nature.locator("textarea").fill("Un automate a interrogé la plateforme.")
    nature.locator("[type=submit]").click()
    expect(page.locator("#fact-nature summary")).to_contain_text("Un automate a interrogé")
    expect(page.locator("#fact-nature summary")).to_be_focused()
    page.click("#fact-malicious summary")
    page.select_option("#fact-malicious select", "yes")
    page.click("#fact-malicious [type=submit]")
    expect(page.locator("#fact-malicious summary strong")).to_have_text("oui")
    clean(page)
    page.screenshot(path=tmp_path / "incident.png", full_page=True)

    # Packages: what would go; a second person; sent; nothing twice.
    page.click("text=Dossiers des assureurs")
    expect(page.get_by_text("Aucun dossier n'a encore été remis")).to_be_visible()
    page.uncheck("[name=everybody]")
    page.click("#plan-packages [type=submit]")
    send = page.get_by_role("button", name="Faire envoyer (1)")
    expect(send).to_be_visible(timeout=30_000)
    clean(page)
    page.screenshot(path=tmp_path / "plan.png", full_page=True)
    send.click()
    expect(page.locator("#deed [data-answer=yes]")).to_have_text("Demander à une seconde personne")
    diane.confirm()
    expect(page.locator("#result")).to_contain_text("attend une seconde personne")
    theirs = dora.page.locator("li.proposal")
    expect(theirs).to_contain_text("Send the packages to insurers", timeout=15_000)
    clean(dora.page)
    dora.page.screenshot(path=tmp_path / "proposal.png", full_page=True)
    theirs.get_by_role("button", name="Approve").click()
    dora.confirm()
    expect(dora.page.locator("#result")).to_contain_text("It has begun")
    expect(page.get_by_text("Dossiers remis : 1. Déjà remis avant : 0.")).to_be_visible(timeout=30_000)
    row = page.locator("#handed tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("pas encore")

    # The insurer fetches it with its own keys and acknowledges it: the page says so by itself.
    signing, notice = tmp_path / "signing.key", tmp_path / "notice.key"
    signing.write_text(base64.b64encode(room.signing.private_bytes_raw()).decode())
    notice.write_text(base64.b64encode(room.notice.private_bytes_raw()).decode())
    keys = ("--key", str(signing), "--origin", room.platform.origin)
    room.insurer("incident-fetch", *keys, "--output", str(tmp_path))
    file = tmp_path / "incident-1-1.incident"
    said = room.insurer("incident-read", str(file), "--key", str(notice), "--platform", room.platform.origin)
    assert f"{TOLD} members" in said
    room.insurer("incident-acknowledge", str(file), *keys)
    expect(row.locator(".tag.open")).to_be_visible(timeout=15_000)
    expect(row).not_to_contain_text("–")
    clean(page)
    page.screenshot(path=tmp_path / "packages.png", full_page=True)
    assert room.sql("SELECT count(*), max(issue) FROM incident.package") == [(1, 1)]

    # The others: read here, saved here; the receipt noted.
    diane.go("/incident?n=1")
    expect(page.locator(".tag.open").first).to_have_text("fait")
    cnil = page.locator("li", has_text="Notification initiale à la CNIL")
    cnil.get_by_role("button", name="Lire").click()
    expect(cnil.locator("pre")).to_contain_text("Un automate a interrogé la plateforme.")
    with page.expect_download() as paper:
        cnil.get_by_role("button", name="PDF").click()
    assert Path(paper.value.path()).read_bytes().startswith(b"%PDF")
    page.click("#duty-done summary")
    page.select_option("#duty-done [name=duty]", "gdpr-33-1")
    page.fill("#duty-done [name=reference]", "CNIL-42")
    page.click("#duty-done [type=submit]")
    diane.touch_if_asked()
    expect(page.get_by_text("CNIL-42").first).to_be_visible()
    page.click("#incident-journal summary")
    expect(page.locator("#incident-journal tbody tr").last).to_contain_text("CNIL-42")
    clean(page)
    page.screenshot(path=tmp_path / "told.png", full_page=True)

    for path in ("/incidents", "/incident?n=1", "/dossiers-assureurs?n=1", "/perimetre"):
        dora.go(path)
        expect(dora.page.locator("#who:not([hidden])")).to_be_attached()
        expect(dora.page.locator("[data-load]:not([hidden]):empty")).to_have_count(0)
        expect(dora.page.locator("html")).to_have_attribute("lang", "en")
        clean(dora.page)
        dora.page.screenshot(path=tmp_path / f"english-{path[1:9]}.png", full_page=True)

    # An auditor reads all of it, and is offered nothing to do; on a telephone, nothing is wider than the screen.
    rita = machine(viewport=PHONE)
    rita.activate(codes["rita"])
    for path in ("/incidents", "/incident?n=1", "/dossiers-assureurs?n=1", "/perimetre"):
        rita.go(path)
        expect(rita.page.locator("#who:not([hidden])")).to_be_attached()
        expect(rita.page.locator("[data-load]:not([hidden]):empty")).to_have_count(0)
        expect(rita.page.locator("form:visible, .danger:visible")).to_have_count(0)
        clean(rita.page)
        assert rita.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        rita.page.screenshot(path=tmp_path / f"phone-{path[1:9]}.png", full_page=True)
        assert not NAMES.search(rita.page.content())


def touched(page: Page) -> None:
    """The passkey, if the act asks for it."""
    asked = page.locator("#step-up [data-answer=passkey]")
    try:
        asked.wait_for(state="visible", timeout=1_500)
    except Exception:  # noqa: BLE001 (a proof of the last five minutes is one)
        return
    asked.click()
