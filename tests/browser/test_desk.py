"""The incident room in a real browser: two operators on two machines, each with a passkey of their own. See docs/desk.md."""

import asyncio
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from rempart.foundation.clock import HOUR, system_clock
from rempart.foundation.identifiers import finess_key
from rempart.foundation.settings import DeskSettings, VaultSettings, write_settings
from rempart.foundation.vocabulary import Profession, Role
from rempart.incident import store_case
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import (
    Call,
    CampaignStarted,
    EnrolEstablishment,
    Enrolled,
    EnrolOperator,
    EnrolProfessional,
    Reply,
    StartCampaign,
)
from tests.browser.conftest import AUTHENTICATOR, DESK, FRENCH, PHONE
from tests.conftest import Database, TestCluster

pytestmark = pytest.mark.browser
READY_SECONDS = 30.0
EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d|\[DOM\]")


@dataclass
class Room:
    """A vault and a desk, as processes."""

    origin: str
    run_folder: Path
    database: Database

    def operate(self, call: Call) -> Reply:
        async def once() -> Reply:
            client = VaultClient(self.run_folder / "operator.sock")
            try:
                return await client.call(call)
            finally:
                await client.close()

        # The browser's driver has a loop of its own in this thread.
        with ThreadPoolExecutor(1) as aside:
            return aside.submit(asyncio.run, once()).result()

    def enrol(self, login: str, role: Role) -> str:
        made = self.operate(EnrolOperator(login, role))
        assert isinstance(made, Enrolled), made
        return made.code

    def pharmacy(self, login: str) -> str:
        """A pharmacy with one account; its FINESS."""
        finess = "75000001" + finess_key("75000001")
        place = self.operate(EnrolEstablishment(finess, Profession.PHARMACY))
        assert isinstance(place, Enrolled), place
        self.operate(EnrolProfessional(login, Role.TITULAIRE, place.id))
        return finess

    def alert(self, account: str) -> int:
        """An alert that proposes to close an account, as the sentinel writes it."""
        now = system_clock()
        with self.database.connect("sentinel") as c:
            row = c.execute(
                "INSERT INTO incident.alert (at, noted, rule, strength, figure, threshold, account, indexes, events, french, english,"
                " scope, key, hold, minutes, by_itself) VALUES (%s, %s, 'pace', 2, 74, 30, %s, %s, %s, %s, %s, 'account', %s, 'closed', 60,"
                " false) RETURNING id",
                (now, now, account, [4, 5, 6], [], "74 personnes en une heure, 30 au plus d'ordinaire.",
                 "74 people in an hour, 30 at most on other days.", account),
            ).fetchone()  # fmt: skip
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="module")
def room(cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    database, folder = cluster.fresh_database(), tmp_path_factory.mktemp("desk")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    origin = f"http://desk.localhost:{port}"
    files = _settings(database, folder, origin, port)
    subprocess.run(
        [sys.executable, "-m", "rempart.vault", "init", "--config", files["vault"]], check=True, timeout=60
    )
    with (folder / "processes.log").open("wb") as log:
        started = [
            subprocess.Popen(
                [sys.executable, "-m", f"rempart.{name}", "--config", file], stdout=log, stderr=log
            )
            for name, file in files.items()
        ]
        try:
            _wait_ready(port, started, folder / "processes.log")
            yield Room(origin, folder / "run", database)
        finally:
            for process in reversed(started):
                process.terminate()
            for process in started:
                process.wait(timeout=20)
    cluster.drop(database)


def _settings(database: Database, folder: Path, origin: str, port: int) -> dict[str, Path]:
    for name in ("run", "keys"):
        (folder / name).mkdir(mode=0o700)
    passphrase = folder / "keys" / "passphrase"
    passphrase.write_text("# development secret of a test\na passphrase of nobody's\n")
    passphrase.chmod(0o600)
    vault = VaultSettings(
        mode="demo", dsn=database.dsn("vault"), run_folder=folder / "run", key_store=folder / "keys" / "store",
        origin="http://localhost:8000", rp_id="localhost", desk_origin=origin, desk_rp_id="desk.localhost",
        log_origin="rempart.example/ledger", claims_key=folder / "keys" / "claims", passphrase_file=passphrase,
    )  # fmt: skip
    desk = DeskSettings(
        mode="demo", dsn=database.dsn("desk"), run_folder=folder / "run", origin=origin, port=port
    )
    write_settings(vault, folder / "vault.toml")
    write_settings(desk, folder / "desk.toml")
    return {"vault": folder / "vault.toml", "desk": folder / "desk.toml"}


def _wait_ready(port: int, processes: list["subprocess.Popen[bytes]"], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline:
            assert all(process.poll() is None for process in processes), log.read_text()
            try:
                if client.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    raise AssertionError(f"not ready: {log.read_text()}")


@dataclass
class Machine:
    """An operator's own machine: a profile, a page, an authenticator."""

    room: Room
    context: BrowserContext
    page: Page
    complaints: list[str]

    def go(self, path: str) -> None:
        self.page.goto(self.room.origin + path)

    def activate(self, code: str) -> None:
        """Ends in the incident room."""
        self.go(f"/activation#{code}")
        expect(self.page.locator("#activation-form [type=submit]")).to_be_enabled()
        self.page.click("#activation-form [type=submit]")
        expect(self.page.locator("#who:not([hidden])")).to_be_attached()

    def confirm(self, reason: str = "") -> None:
        """The dialog that shows the effect: yes; and the passkey, where one is asked for."""
        dialog = self.page.locator("#deed")
        expect(dialog).to_be_visible()
        if reason:
            dialog.locator("#deed-reason").fill(reason)
        dialog.locator("[data-answer=yes]").click()
        self.touch_if_asked()
        expect(dialog).to_be_hidden()

    def touch_if_asked(self) -> None:
        asked = self.page.locator("#step-up [data-answer=passkey]")
        done = self.page.locator("#result:not(:empty)")
        expect(asked.or_(done).first).to_be_visible()
        if asked.is_visible():
            asked.click()
            expect(done).to_be_visible()


@pytest.fixture
def machine(room: Room, chromium: Browser) -> Iterator[Callable[..., Machine]]:
    """Make a machine; several are several people's. At the end no page may have complained."""
    made: list[Machine] = []

    def sit(locale: str = FRENCH, viewport: Any = DESK) -> Machine:
        context = chromium.new_context(locale=locale, viewport=viewport)
        page = context.new_page()
        cdp = context.new_cdp_session(page)
        cdp.send("WebAuthn.enable")
        cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        one = Machine(room, context, page, [])
        page.on("console", lambda message: _note(one, message.type, message.text))
        page.on("pageerror", lambda error: one.complaints.append(str(error)))
        made.append(one)
        return one

    yield sit
    complaints = [complaint for one in made for complaint in one.complaints]
    for one in made:
        one.context.close()
    assert complaints == []


def _note(machine: Machine, kind: str, text: str) -> None:
    if kind in {"error", "warning"} and not EXPECTED.search(text):
        machine.complaints.append(text)


@pytest.fixture(scope="module")
def pharmacy(room: Room) -> str:
    return room.pharmacy("claire.martin")


@pytest.fixture(scope="module")
def staff(room: Room) -> dict[str, str]:
    """Activation codes, made while commands still make operators alone."""
    roles = {
        "diane": Role.DUTY_OFFICER,
        "sami": Role.SECURITY_LEAD,
        "rita": Role.AUDITOR,
        "ana": Role.DUTY_OFFICER,
        "lou": Role.SECURITY_LEAD,
        "kim": Role.DUTY_OFFICER,
        "paz": Role.ONBOARDING_CLERK,
        "yun": Role.SECURITY_LEAD,
    }
    return {login: room.enrol(login, role) for login, role in roles.items()}


def clean(page: Page) -> None:
    """Nothing that axe finds."""
    found = Axe().run(page)
    assert found.response["violations"] == [], [
        (one["id"], [node["html"] for node in one["nodes"]]) for one in found.response["violations"]
    ]


def test_a_duty_officer_contains_an_account_and_lifts_it_and_two_people_close_the_platform(
    machine: Callable[..., Machine], staff: dict[str, str], pharmacy: str, tmp_path: Path
) -> None:
    diane, sami = machine(), machine(locale="en-GB")
    diane.activate(staff["diane"])
    sami.activate(staff["sami"])
    page = diane.page
    expect(page.locator("h1")).to_have_text("Salle de crise")
    expect(page.get_by_text("Rien n'est contenu")).to_be_visible()
    clean(page)

    # One account, at once, alone: the effect first, then one press. No passkey is asked for.
    page.click("nav >> text=Contenir")
    page.fill("[name=key]", "claire.martin")
    page.fill("[name=reason]", "consultations de nuit")
    expect(page.locator("form [type=submit]")).to_be_enabled()
    page.press("[name=reason]", "Enter")
    dialog = page.locator("#deed")
    expect(dialog.get_by_text("compte(s)")).to_be_visible()
    expect(dialog.locator("[data-answer=yes]")).to_have_text("Confirmer")
    clean(page)
    page.screenshot(path=tmp_path / "effect.png")
    dialog.locator("[data-answer=yes]").click()
    expect(page.locator("#result")).to_have_text("C'est fait.")
    expect(page.locator("#step-up")).to_be_hidden()

    # The other operator sees it within seconds, without asking.
    held = sami.page.locator("li.held")
    expect(held).to_contain_text("claire.martin", timeout=15_000)
    expect(held).to_contain_text("diane")
    diane.go("/salle")
    expect(page.locator("li.held")).to_be_visible()
    clean(page)
    page.screenshot(path=tmp_path / "room.png", full_page=True)
    page.click("li.held >> text=Lever")
    expect(page.locator("#deed-title")).to_have_text("Lever : compte claire.martin")
    diane.confirm("rappelée, c'était elle")
    expect(page.get_by_text("Rien n'est contenu")).to_be_visible()

    # The whole platform: a proposal, that its author cannot approve.
    diane.go("/contenir")
    page.select_option("[name=scope]", "platform")
    page.fill("[name=reason]", "fichier mis en vente")
    expect(page.locator("form [type=submit]")).to_be_enabled()
    page.press("[name=reason]", "Enter")
    expect(dialog.locator("[data-answer=yes]")).to_have_text("Demander à une seconde personne")
    diane.confirm()
    expect(page.locator("#result")).to_contain_text("attend une seconde personne")
    diane.go("/salle")
    mine = page.locator("li.proposal")
    expect(mine.get_by_role("button", name="Retirer")).to_be_visible()
    expect(mine.get_by_role("button", name="Approuver")).to_have_count(0)
    theirs = sami.page.locator("li.proposal")
    expect(theirs).to_contain_text("fichier mis en vente", timeout=15_000)
    clean(sami.page)
    sami.page.screenshot(path=tmp_path / "proposal.png", full_page=True)
    theirs.get_by_role("button", name="Approve").click()
    expect(sami.page.locator("#deed")).to_contain_text("fichier mis en vente")
    clean(sami.page)
    sami.confirm()
    expect(sami.page.locator("li.held")).to_contain_text("whole platform")
    expect(sami.page.locator("li.held")).to_contain_text("diane sami")

    # And opened again by two, the other way round.
    sami.page.click("li.held >> text=Lift")
    sami.confirm("the file was a fake")
    expect(mine.get_by_role("button", name="Approuver")).to_be_visible(timeout=15_000)
    mine.get_by_role("button", name="Approuver").click()
    diane.confirm()
    expect(page.get_by_text("Rien n'est contenu")).to_be_visible()
    diane.go("/journal")
    expect(page.locator("tbody tr").first).to_contain_text("switch:undo")
    clean(page)
    page.screenshot(path=tmp_path / "journal.png")


def test_an_alert_is_read_with_its_evidence_and_contained_as_it_proposes(
    machine: Callable[..., Machine], staff: dict[str, str], room: Room, pharmacy: str, tmp_path: Path
) -> None:
    with room.database.connect() as c:
        row = c.execute("SELECT id FROM vault.account WHERE login = 'claire.martin'").fetchone()
    assert row is not None
    number = room.alert(str(row[0]))
    ana = machine(viewport=PHONE)
    ana.activate(staff["ana"])
    page = ana.page
    page.click(f"a[href='/alerte?n={number}']")
    expect(page.locator("h1")).to_have_text(f"Alerte n° {number}")
    expect(page.get_by_text("3 feuilles du registre (4, 5, 6)")).to_be_visible()
    clean(page)
    page.screenshot(path=tmp_path / "alert.png", full_page=True)
    page.click("text=Contenir comme proposé")
    ana.confirm()
    expect(page.get_by_text("contenu le")).to_be_visible()
    ana.go("/salle")
    expect(page.locator("li.held")).to_contain_text(f"alert {number}: pace")
    expect(page.get_by_text("Aucune alerte ouverte")).to_be_visible()
    page.click("li.held >> text=Lever")
    ana.confirm("rappelée, c'était elle")
    expect(page.get_by_text("Rien n'est contenu")).to_be_visible()


def test_an_auditor_reads_and_is_offered_nothing_to_do(
    machine: Callable[..., Machine], staff: dict[str, str]
) -> None:
    rita = machine()
    rita.activate(staff["rita"])
    page = rita.page
    expect(page.get_by_role("heading", name="Contenu en ce moment")).to_be_visible()
    for offered in ("Contenir", "Contenir…"):
        expect(page.get_by_role("link", name=offered, exact=True)).to_have_count(0)
    rita.go("/comptes")
    expect(page.locator("form:visible")).to_have_count(0)
    clean(page)
    rita.go("/operateurs")
    expect(page.get_by_text("responsable sécurité").first).to_be_visible()
    expect(page.locator("main button:visible")).to_have_count(0)
    clean(page)
    rita.go("/securite")
    expect(page.get_by_role("heading", name="Mes clés d'accès")).to_be_visible()
    clean(page)
    page.click("#sign-out")
    expect(page.locator("#passkey-sign-in")).to_be_enabled()
    clean(page)
    page.click("#passkey-sign-in")
    expect(page.locator("#who")).to_be_visible()


def test_a_profile_is_set_alone_and_an_insurer_is_registered_by_two(
    machine: Callable[..., Machine], staff: dict[str, str], pharmacy: str, tmp_path: Path
) -> None:
    paz, yun = machine(), machine(locale="en-GB", viewport=PHONE)
    paz.activate(staff["paz"])
    yun.activate(staff["yun"])
    page = paz.page
    page.click("nav >> text=Profils")
    expect(page.get_by_text("Personne n'est tenu à plus que la règle.")).to_be_visible()
    clean(page)
    expect(page.locator("[data-look]")).to_be_enabled()
    page.fill("[name=key]", pharmacy)
    page.select_option("[name=assurance]", "passkey")
    page.select_option("[name=lanes]", "card secret")
    page.fill("[name=networks]", "192.0.2.0/24 198.51.100.0/24")
    page.click("text=Voir le profil")
    expect(page.locator("[data-slot=look]")).to_contain_text("toutes")
    page.fill("[name=reason]", "accès faible")
    page.press("[name=reason]", "Enter")
    expect(page.locator("#deed")).to_contain_text("établissement(s)")
    clean(page)
    paz.confirm()
    row = page.locator("tbody tr")
    expect(row).to_contain_text("carte et code secret, sans vitale")
    expect(row).to_contain_text("192.0.2.0/24, 198.51.100.0/24")
    clean(page)
    page.screenshot(path=tmp_path / "profiles.png", full_page=True)

    page.click("nav >> text=Assureurs et éditeurs")
    expect(page.get_by_text("Aucun assureur n'est connu.")).to_be_visible()
    form = page.locator("form[data-deed='desk/insurer/register']")
    expect(form.locator("[type=submit]")).to_be_enabled()
    key = "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M="
    for name, value in (
        ("amc", "99999997"),
        ("name", "Mutuelle du Ponant"),
        ("signing_key", key),
        ("notice_key", key),
    ):
        form.locator(f"[name={name}]").fill(value)
    form.locator("[name=notice_key]").press("Enter")
    expect(page.locator("#deed-title")).to_have_text("Enregistrer un assureur : 99999997 Mutuelle du Ponant")
    paz.confirm()
    expect(page.locator("#result")).to_contain_text("attend une seconde personne")
    waiting = yun.page.locator("li.proposal")
    expect(waiting).to_contain_text(key, timeout=15_000)
    clean(yun.page)
    waiting.get_by_role("button", name="Approve").click()
    yun.confirm()
    paz.go("/parties")
    known = page.locator("tbody tr")
    expect(known).to_contain_text("Mutuelle du Ponant")
    expect(known).to_contain_text("ouverte")
    # Its lane, from its own line of the list.
    known.get_by_role("button", name="Fermer la voie").click()
    paz.confirm("à sa demande")
    expect(page.locator("#result")).to_contain_text("attend une seconde personne")
    clean(page)
    page.screenshot(path=tmp_path / "parties.png", full_page=True)

    # A professional's code is worth an account: each of the two is shown half of it.
    paz.go("/comptes")
    form = page.locator("form[data-deed='desk/account/code']")
    expect(form.locator("[type=submit]")).to_be_enabled()
    form.locator("[name=purpose]").select_option("activation")
    form.locator("[name=login]").fill("claire.martin")
    form.locator("[name=login]").press("Enter")
    paz.confirm()
    expect(page.locator("#result")).to_contain_text("attend une seconde personne")
    yun.go("/salle")
    waiting = yun.page.locator("li.proposal").filter(has_text="claire.martin")
    waiting.get_by_role("button", name="Approve").click()
    yun.confirm()
    expect(yun.page.locator("#result")).to_contain_text(
        "The first half of claire.martin's code. paz has the other."
    )
    clean(yun.page)
    paz.go("/salle")
    page.click("text=voir ma moitié du code")
    paz.touch_if_asked()
    expect(page.locator("#result")).to_contain_text(
        "La seconde moitié du code de claire.martin. yun a la première."
    )
    clean(page)


def test_every_page_is_clean_in_both_languages_on_a_screen_and_a_phone(
    machine: Callable[..., Machine], room: Room, staff: dict[str, str], pharmacy: str, tmp_path: Path
) -> None:
    lead = machine()
    lead.activate(staff["lou"])
    page = lead.page
    now = system_clock()
    with room.database.connect("operator") as c:
        store_case.open_incident(c, now, "lou", "Fichier mis en vente", now - 60 * HOUR)
    with room.database.connect() as owner:
        # As if she worked on a machine of hers: whoever never signed in is asked nothing.
        owner.execute(
            "WITH a AS (UPDATE vault.account SET status = 'active' WHERE login = 'claire.martin' RETURNING id),"
            " d AS (INSERT INTO vault.device (id, thumbprint, public_key, added)"
            " VALUES (gen_random_uuid(), sha256('hers'), repeat('k', 65)::bytea, 1) RETURNING id)"
            " INSERT INTO vault.binding (account, device, label, how, bound, fresh_until)"
            " SELECT a.id, d.id, 'Poste', 'passkey', 1, 2 FROM a, d"
        )
    started = room.operate(
        StartCampaign(
            "devices", "account", "claire.martin", reason_fr="Un poste volé.", reason_en="A stolen machine."
        )
    )
    assert isinstance(started, CampaignStarted), started
    lead.go("/salle")
    expect(page.get_by_text("Fichier mis en vente")).to_be_visible()
    expect(page.locator(".incident summary .tag.closed")).to_have_text(re.compile("[0-9]+ en retard"))
    page.click(".incident summary")
    expect(page.get_by_text("RGPD art. 33(1)")).to_be_visible()
    clean(page)
    page.screenshot(path=tmp_path / "incident.png", full_page=True)
    for language, viewport in (("fr", DESK), ("en", PHONE)):
        page.set_viewport_size(viewport)
        for path in (
            "/salle",
            "/contenir",
            "/campagnes",
            f"/campagne?n={started.number}",
            "/comptes",
            "/referencements",
            "/referencement",
            "/profils",
            "/parties",
            "/operateurs",
            "/journal",
            "/securite",
            "/alerte?n=999",
            "/rien",
        ):
            lead.go(f"/langue/{language}?page=/salle")
            lead.go(path)
            if path != "/rien":
                expect(page.locator("#who:not([hidden])")).to_be_attached()
                expect(page.locator("[data-load]:empty")).to_have_count(0)
            expect(page.locator("html")).to_have_attribute("lang", language)
            clean(page)
            # Nothing is wider than the screen.
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            page.screenshot(
                path=tmp_path / f"{language}-{path.strip('/').partition('?')[0]}.png", full_page=True
            )


def test_an_account_is_contained_by_keyboard_alone(
    machine: Callable[..., Machine], staff: dict[str, str], pharmacy: str
) -> None:
    kim = machine()
    kim.activate(staff["kim"])
    page = kim.page
    kim.go("/contenir")
    expect(page.locator("form [type=submit]")).to_be_enabled()
    page.locator("[name=key]").focus()
    page.keyboard.type("claire.martin")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("essai au clavier")
    page.keyboard.press("Enter")
    expect(page.locator("#deed")).to_be_visible()
    # Escape is no.
    page.keyboard.press("Escape")
    expect(page.locator("#deed")).to_be_hidden()
    expect(page.locator("#result")).to_be_empty()
    page.locator("[name=reason]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#deed [data-answer=no]")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_have_text("C'est fait.")
    expect(page.locator("#result")).to_be_focused()
