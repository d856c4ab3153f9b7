"""The insurer's pages, in a real browser: decide, read files and figures, download and acknowledge a flow, follow the funds."""

import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from rempart.claims.flows import make_flows
from rempart.claims.messages import PAGE
from rempart.evidence.daily import make_openings
from rempart.foundation.clock import DAY, paris_date, system_clock
from rempart.foundation.vocabulary import Domain, Lane, Profession, Role
from rempart.identity.referencing import enrol_insurers_seat
from rempart.incident import handing_over
from rempart.incident import store_case as store
from rempart.incident.exposure import Exposed, Question, Scope, Told
from rempart.incident.notices.making import Package
from rempart.incident.notices.rendering import Telling
from rempart.incident.notices.templates import Templates
from rempart.vaultdoor.messages import EnrolEstablishment, Stated, StatePackage
from tests.browser.conftest import ENGLISH, PHONE, Seat
from tests.browser.counter import begin, calculate, invoice_drugs, send, sit_down, write
from tests.browser.platform import AMC, Platform
from tests.browser.test_accessibility import flawless

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(platform: Platform) -> str:
    """The insurer's seat: one an insurer. A file with rejects, a call for funds, a first flow."""
    place = platform.operate(EnrolEstablishment("", Profession.INSURER, amc=AMC)).id
    with platform.database.connect("operator") as operator:
        enrol_insurers_seat(operator, place, AMC, "Mutuelle des Remparts", "Lyon")
    now = system_clock()
    with platform.database.connect() as owner:
        delivery, run = uuid.uuid4(), uuid.uuid4()
        owner.execute(
            "INSERT INTO intake.delivery (id, amc, sender, filename, digest, kind, state, received, lines, persons, rejected)"
            " VALUES (%s, %s, 'upload', 'adherents-2026-11.csv', %s, 'full', 'loaded', %s, 1200, 1190, 2)",
            (delivery, AMC, b"\0" * 32, now),
        )
        owner.execute(
            "INSERT INTO intake.reject VALUES (%s, 17, 'nir', 'nir-key'), (%s, 803, 'birth_date', 'missing')",
            (delivery, delivery),
        )
        day = paris_date(now - 400 * DAY)
        owner.execute(
            "INSERT INTO claims.run (id, day, state, opened, until_due, until_journal) VALUES (%s, %s, 'ordered', 1, 0, 0)",
            (run, day),
        )
        owner.execute(
            "INSERT INTO claims.call_for_funds (id, run, insurer, reference, cents, called, due_on)"
            " VALUES (gen_random_uuid(), %s, 1, 'AF20200106-99000001', 123456, %s, %s)",
            (run, now, day),
        )
    return place


@pytest.fixture
def clerk(seat: Callable[..., Seat], platform: Platform, desk: str) -> Seat:
    """Somebody of the insurer, signed in."""
    return sit(seat(), platform, desk)


def sit(who: Seat, platform: Platform, desk: str) -> Seat:
    """A first sign-in, which ends on the insurer's own home."""
    who.activate(platform.enrol(desk, Role.TITULAIRE, name="Inès Petit")[1])
    expect(who.page.locator("[data-slot=insurer]")).to_be_visible()
    return who


def long_stay(seat: Callable[..., Seat], platform: Platform) -> str:
    """A hospital asks for a stay that the insurer must decide; its number."""
    hospital = sit_down(seat(), platform, Profession.HOSPITAL)
    begin(hospital, platform.patient(), "HOSP")
    write(hospital, days="9", price="9000,00")
    calculate(hospital)
    answer = send(hospital)
    expect(answer.locator("h2")).to_have_text("Prise en charge en attente")
    return answer.locator("[data-slot=number]").inner_text()


def made(platform: Platform, days: int) -> None:
    """The flow of a day, as the worker makes it."""
    with platform.database.connect("worker") as worker:
        make_flows(worker, paris_date(system_clock() - days * DAY), system_clock)


def test_an_insurers_person_lands_on_its_own_pages_and_checks_no_right(clerk: Seat) -> None:
    page = clerk.page
    expect(page.locator("[data-slot=insurer]")).to_have_text("Mutuelle des Remparts")
    assert page.url.endswith("/assureur")
    rooms = page.locator(".rooms li:visible")
    expect(rooms).to_have_text([
        "Accueil", "Prises en charge", "Fichiers reçus", "Flux quotidiens", "Incidents", "Qui a consulté", "Fonds",
        "Mon établissement", "Ma sécurité",
    ])  # fmt: skip
    clerk.go("/verifier")
    expect(page.locator("[data-slot=insurer]")).to_be_visible()
    assert page.url.endswith("/assureur")


def test_a_professional_sees_none_of_the_insurers_pages(
    seat: Callable[..., Seat], platform: Platform
) -> None:
    pharmacist = sit_down(seat(), platform, Profession.PHARMACY)
    expect(pharmacist.page.locator("#check")).to_be_visible()
    expect(pharmacist.page.locator(".rooms li[data-party=insurer]:visible")).to_have_count(0)
    pharmacist.go("/assureur")
    expect(pharmacist.page.locator("#check")).to_be_visible()


def test_the_insurers_people_read_its_number_and_what_a_colleague_will_do(clerk: Seat) -> None:
    page = clerk.page
    clerk.go("/etablissement")
    facts = page.locator("#members .identity .facts")
    expect(facts).to_contain_text(AMC)
    expect(facts).to_contain_text("Organisme complémentaire")
    expect(facts).not_to_contain_text("FINESS")
    expect(page.locator("#members select[name=role]")).not_to_contain_text("vérifie")


def test_the_months_show_what_was_just_accepted(
    clerk: Seat, seat: Callable[..., Seat], platform: Platform
) -> None:
    page = clerk.page
    row = page.locator("#home tbody tr").first
    before = int(row.locator("td").first.inner_text())
    accepted = invoice_drugs(sit_down(seat(), platform, Profession.PHARMACY), platform, "FIG-1")
    expect(accepted.locator("h2")).to_have_text("Facture acceptée")
    clerk.go("/assureur")
    expect(row.locator("td").first).to_have_text(str(before + 1))
    expect(page.locator(".months text.value").last).to_contain_text("€")
    expect(page.locator("#home")).to_contain_text("Pharmacie")


def test_a_prise_en_charge_is_agreed_by_keyboard(
    clerk: Seat, seat: Callable[..., Seat], platform: Platform
) -> None:
    number, page = long_stay(seat, platform), clerk.page
    clerk.go("/assureur/prises-en-charge")
    card = page.locator(f"#list li[data-number='{number}']")
    expect(card).to_contain_text("Frais réels")
    expect(card).to_contain_text("Séjour hospitalier")
    expect(card).to_contain_text("9\u202f000,00")
    page.locator(f"[data-agree='{number}']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_contain_text(f"{number} accordée")
    expect(card).to_have_attribute("data-state", "accordee")
    expect(card.locator("footer")).to_have_count(0)


def test_a_refusal_needs_a_reason_and_a_confirmation_and_the_professional_reads_it(
    clerk: Seat, seat: Callable[..., Seat], platform: Platform
) -> None:
    hospital = sit_down(seat(), platform, Profession.HOSPITAL)
    begin(hospital, platform.patient(), "HOSP")
    write(hospital, days="9", price="9000,00")
    calculate(hospital)
    number, page = send(hospital).locator("[data-slot=number]").inner_text(), clerk.page
    clerk.go("/assureur/prises-en-charge")
    card = page.locator(f"#list li[data-number='{number}']")
    card.locator("summary").click()
    card.locator("[type=submit]").click()
    expect(card.locator(".problem")).to_have_text("Remplissez ce champ.")
    card.locator("select").select_option("too-dear")
    card.locator("[type=submit]").click()
    page.click("#confirm [data-answer=no]")
    expect(card).to_have_attribute("data-state", "en-attente")
    card.locator("[type=submit]").click()
    page.click("#confirm [data-answer=yes]")
    expect(page.locator("#told")).to_contain_text(f"{number} refusée")
    hospital.go("/prises-en-charge")
    told = hospital.page.locator(f"#list li[data-number='{number}']")
    expect(told).to_contain_text("Refusée")
    expect(told).to_contain_text("L'assureur refuse ce montant.")


def test_a_flow_is_downloaded_then_acknowledged(clerk: Seat, platform: Platform, tmp_path: Path) -> None:
    made(platform, days=1)
    page = clerk.page
    clerk.go("/assureur/flux")
    row = page.locator("li[data-daily]").first
    button = row.locator("[data-download]")
    with page.expect_download() as download:
        button.click()
    download.value.save_as(tmp_path / "flow")
    digest = hashlib.sha256((tmp_path / "flow").read_bytes()).hexdigest()
    assert download.value.suggested_filename.startswith("rempart-flux-")
    expect(row.locator("[name=digest]")).to_have_value(digest)
    row.locator("[name=digest]").fill("0" * 64)
    row.locator("[type=submit]").click()
    page.click("#confirm [data-answer=yes]")
    expect(page.locator("#alert")).to_contain_text("n'est pas entier")
    row.locator("[name=digest]").fill(digest)
    row.locator("[type=submit]").click()
    page.click("#confirm [data-answer=yes]")
    expect(page.locator("#told")).to_contain_text("acquitté")
    expect(row).to_contain_text("Acquitté")
    expect(row.locator("[type=submit]")).to_have_count(0)


def test_who_consulted_a_member_is_told(clerk: Seat, seat: Callable[..., Seat], platform: Platform) -> None:
    patient = platform.patient()
    pharmacist = sit_down(seat(), platform, Profession.PHARMACY)
    begin(pharmacist, patient, "PHAR")
    page = clerk.page
    clerk.go("/assureur/consultations")
    page.fill("#member", "NOBODY-OF-OURS")
    page.click("#consult [type=submit]")
    expect(page.locator("#consultations .empty")).to_be_visible()
    page.fill("#member", patient.adherent)
    page.click("#consult [type=submit]")
    rows = page.locator("#consultations tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(["Pharmacie"])
    expect(rows).to_contain_text(["Titulaire"])
    assert patient.adherent not in page.url


def test_the_days_openings_are_downloaded_then_acknowledged(
    clerk: Seat, platform: Platform, tmp_path: Path
) -> None:
    with platform.database.connect("worker") as worker:
        make_openings(worker, paris_date(system_clock() - DAY), system_clock() + 1, system_clock, None)
    page = clerk.page
    clerk.go("/assureur/consultations")
    row = page.locator("#openings li[data-daily]").first
    with page.expect_download() as download:
        row.locator("[data-download]").click()
    download.value.save_as(tmp_path / "day")
    digest = hashlib.sha256((tmp_path / "day").read_bytes()).hexdigest()
    assert download.value.suggested_filename.startswith("rempart-ouvertures-")
    expect(row.locator("[name=digest]")).to_have_value(digest)
    row.locator("[type=submit]").click()
    page.click("#confirm [data-answer=yes]")
    expect(page.locator("#told")).to_contain_text("acquittées")
    expect(row.locator("[type=submit]")).to_have_count(0)


def test_a_package_of_an_incident_waits_on_the_first_page_and_is_downloaded_then_acknowledged(
    clerk: Seat, platform: Platform, tmp_path: Path
) -> None:
    sent = hand_over_incident(platform)
    page = clerk.page
    clerk.go("/assureur")
    expect(page.locator("[data-slot=incidents]")).to_have_text("1")
    page.click("main a[href='/assureur/incidents']")
    row = page.locator("#incidents li[data-daily]").first
    expect(row).to_contain_text("2 assurés, incident")
    with page.expect_download() as download:
        row.locator("[data-download]").click()
    download.value.save_as(tmp_path / "package")
    assert (tmp_path / "package").read_bytes() == b"".join(sent.lines)
    expect(row.locator("[name=digest]")).to_have_value(sent.digest.hex())
    row.locator("[type=submit]").click()
    page.click("#confirm [data-answer=yes]")
    expect(page.locator("#told")).to_contain_text("acquitté")
    expect(row.locator("[type=submit]")).to_have_count(0)
    clerk.go("/assureur")
    expect(page.locator("[data-slot=insurer]")).to_be_visible()
    expect(page.locator("[data-slot=incidents]")).to_have_count(0)


def hand_over_incident(platform: Platform) -> Package:
    """Two members of the insurer, told of by a stolen seat: as `rempart incident notify --send` hands it over."""
    now, thief = system_clock(), uuid.uuid4()
    told = [
        Told(n, now, Lane.CARD, Domain.PHAR.code, 1, thief, thief, thief, uuid.UUID(int=0)) for n in range(2)
    ]
    exposed = tuple(Exposed(1, uuid.uuid4(), b"", 1, (each,)) for each in told)
    scope = Scope(Question(now - DAY, now + 1, devices=frozenset({thief})), 2, exposed, 0)
    with platform.database.connect("operator") as c:
        number = store.open_incident(c, now, "essai", "Session volée", now)
        incident, insurers = store.read_incident(c, number), store.insurers(c)
        telling = Telling.of(incident, scope, insurers, "Rempart", now, Templates.read())
        [planned] = handing_over.plan(telling, ())
        sent = handing_over.send(
            c, telling, planned, lambda said: platform.ask(StatePackage(said), Stated).statement, system_clock, "essai"
        )  # fmt: skip
    assert sent is not None
    return sent


def test_files_and_funds_are_shown_with_what_became_of_them(clerk: Seat) -> None:
    page = clerk.page
    clerk.go("/assureur/fichiers")
    row = page.locator("li[data-file]").filter(has_text="adherents-2026-11.csv")
    expect(row).to_contain_text("Chargé")
    row.locator("summary").click()
    expect(row).to_contain_text("Ligne 17")
    clerk.go("/assureur/fonds")
    call = page.locator("li[data-call='AF20200106-99000001']")
    expect(call).to_contain_text("1\u202f234,56")
    expect(call).to_contain_text("En retard")


def test_older_files_follow_on_demand(clerk: Seat, platform: Platform) -> None:
    with platform.database.connect() as owner:
        for age in range(1, PAGE + 2):
            owner.execute(
                "INSERT INTO intake.delivery (id, amc, sender, filename, digest, kind, state, received, lines, persons, rejected)"
                " VALUES (gen_random_uuid(), %s, 'upload', %s, %s, 'delta', 'loaded', %s, 1, 1, 0)",
                (AMC, f"mouvements-{age}.csv", age.to_bytes(32), system_clock() - age * DAY),
            )
    page = clerk.page
    clerk.go("/assureur/fichiers")
    expect(page.locator("li[data-file]")).to_have_count(PAGE)
    page.click("[data-append=files]")
    expect(page.locator("li[data-file]")).to_have_count(PAGE + 2)
    expect(page.locator("[data-append=files]")).to_have_count(0)


@pytest.mark.parametrize("locale", ["fr-FR", ENGLISH])
def test_no_violation_on_any_of_the_insurers_pages(
    seat: Callable[..., Seat], platform: Platform, desk: str, locale: str
) -> None:
    long_stay(seat, platform)
    made(platform, days=2 if locale == ENGLISH else 3)
    # axe writes HTML into the page by itself, which the portal's Trusted Types forbid.
    who = sit(seat(locale, bypass_csp=True), platform, desk)
    for path in ("", "/prises-en-charge", "/fichiers", "/flux", "/incidents", "/consultations", "/fonds"):
        who.go(f"/assureur{path}")
        who.loaded()
        expect(who.page.locator("main section[aria-busy]")).to_have_count(0)
        flawless(who.page, path)


def test_the_insurers_pages_fit_a_telephone(seat: Callable[..., Seat], platform: Platform, desk: str) -> None:
    who = sit(seat(viewport=PHONE), platform, desk)
    for path in ("", "/prises-en-charge", "/fichiers", "/flux", "/incidents", "/consultations", "/fonds"):
        who.go(f"/assureur{path}")
        who.loaded()
        assert who.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
