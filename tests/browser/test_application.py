"""Référencement, in a real browser: an application with its documents, the mistakes on the way, and how far it is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from rempart.foundation.clock import system_clock
from rempart.identity.dossier import hash_of_code
from tests.browser.conftest import ENGLISH, FRENCH, PHONE, Seat
from tests.browser.platform import PAID, Platform
from tests.browser.test_accessibility import flawless
from tests.identity.test_dossier import TYPED

pytestmark = pytest.mark.browser
PDF = b"%PDF-1.7\n" + bytes(300_000)


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    (tmp_path / "carte.pdf").write_bytes(PDF)
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(2000))
    (tmp_path / "page.pdf").write_bytes(b"<!doctype html><script>alert(1)</script>")
    (tmp_path / "gros.pdf").write_bytes(b"%PDF-1.7\n" + bytes(2 * 1024 * 1024))
    (tmp_path / "vide.pdf").write_bytes(b"")
    return tmp_path


def fill(page: Page, **changes: str) -> None:
    """The whole form, but the documents."""
    expect(page.locator("#application-form [type=submit]")).to_be_enabled()
    for name, value in ({**TYPED, "iban": PAID} | changes).items():
        field = page.locator(f"#application-form [name={name}]")
        if name == "profession":
            field.select_option(value)
        elif name != "convention":
            field.fill(value)


def send(page: Page) -> None:
    page.click("#application-form [type=submit]")
    expect(page.locator("#application-sent:not([hidden]), #alert .alert").first).to_be_visible()


def told_code(page: Page) -> str:
    expect(page.locator("#application-sent")).to_be_visible()
    return page.locator("#application-sent output").text_content() or ""


def decide(platform: Platform, code: str, state: str) -> None:
    with platform.database.connect() as owner:
        # A dossier is decided once: another takes its place.
        owner.execute(
            "WITH gone AS (DELETE FROM identity.dossier WHERE code = %s AND decided IS NOT NULL RETURNING *)"
            " INSERT INTO identity.dossier (id, finess, siret, profession, state, opened, received, code, rib)"
            " SELECT gen_random_uuid(), finess, siret, profession, 'received', opened, received, sha256(code), gen_random_uuid() FROM gone",
            (hash_of_code(code),),
        )
        owner.execute(
            "UPDATE identity.dossier SET code = %s WHERE code = sha256(%s)",
            (hash_of_code(code), hash_of_code(code)),
        )
    with platform.database.connect("desk") as desk, platform.database.connect() as owner:
        ((dossier,),) = owner.execute(
            "SELECT id FROM identity.dossier WHERE code = %s", (hash_of_code(code),)
        )
        decided = system_clock() if state in {"enrolled", "refused", "cleared"} else None
        desk.execute(
            "UPDATE identity.dossier SET state = %s, decided = %s WHERE id = %s", (state, decided, dossier)
        )


@pytest.mark.parametrize("locale", [FRENCH, ENGLISH])
def test_a_pharmacist_applies_corrects_and_follows_the_application(
    seat: Callable[..., Seat], platform: Platform, papers: Path, locale: str
) -> None:
    who, french = seat(locale, bypass_csp=True), locale == FRENCH
    page = who.page
    who.go("/")
    page.click("a[href='/referencement']")
    expect(page.locator("h1").first).to_contain_text("Référencer" if french else "referenced")
    flawless(page, "an application, empty")
    fill(page, finess="010000603", iban="FR76", email="claire")
    page.set_input_files("#f-documents", [papers / "carte.pdf", papers / "photo.jpg"])
    expect(page.locator("#documents li")).to_have_count(2)
    send(page)
    expect(page.locator("[aria-invalid=true]")).to_have_count(3)
    expect(page.locator("#f-finess")).to_be_focused()
    expect(page.locator("#application-form-finess-problem")).to_contain_text("FINESS")
    flawless(page, "an application with problems")
    page.fill("#f-finess", TYPED["finess"])
    page.fill("#f-email", TYPED["email"])
    page.fill("#f-iban", PAID)
    send(page)
    code = told_code(page)
    expect(page.locator("#application-sent")).to_be_focused()
    assert len(code) == 24
    flawless(page, "an application received")
    with platform.database.connect() as owner:
        found = owner.execute(
            "SELECT d.state, t.about, t.kind, t.size, (SELECT sum(p.size) FROM identity.dossier_piece p"
            " WHERE p.dossier = d.id AND p.document = t.document) FROM identity.dossier d JOIN identity.dossier_document t"
            " ON t.dossier = d.id WHERE d.code = %s ORDER BY t.document",
            (hash_of_code(code),),
        ).fetchall()
    assert found == [
        ("received", "professional-card", "application/pdf", len(PDF), len(PDF)),
        ("received", "other", "image/jpeg", 2004, 2004),
    ]

    page.click("#application-sent a[href='/referencement/suivi']")
    expect(page.locator("#follow-up-form [type=submit]")).to_be_enabled()
    for state, word in (
        ("received", "Reçue" if french else "Received"),
        ("proposed", "examen" if french else "examined"),
        ("enrolled", "Acceptée" if french else "Accepted"),
        ("refused", "Refusée" if french else "Refused"),
        ("cleared", "sans examen" if french else "unread"),
    ):
        decide(platform, code, state) if state != "received" else None
        page.fill("#f-code", code.lower())
        page.press("#f-code", "Enter")
        expect(page.locator("#follow-up")).to_contain_text(word)
        flawless(page, state)
    page.fill("#f-code", "0000-0000-0000-0000-0000")
    page.press("#f-code", "Enter")
    expect(page.locator("#alert .alert")).to_contain_text("Ce code" if french else "This follow-up code")
    expect(page.locator("#follow-up")).to_be_empty()


def test_what_is_no_document_is_refused_before_it_is_sent(
    seat: Callable[..., Seat], platform: Platform, papers: Path
) -> None:
    who = seat(viewport=PHONE)
    page = who.page
    who.go("/referencement")
    expect(page.locator("#application-form [type=submit]")).to_be_enabled()
    for name, words in (("page.pdf", "ni un PDF"), ("gros.pdf", "2 Mio"), ("vide.pdf", "vide")):
        page.set_input_files("#f-documents", papers / name)
        expect(page.locator("#documents-problem")).to_contain_text(words)
        expect(page.locator("#documents")).to_be_hidden()
    page.set_input_files("#f-documents", papers / "photo.jpg")
    expect(page.locator("#documents li")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it fits a telephone"
    page.get_by_role("button", name="Retirer photo.jpg").press("Enter")
    expect(page.locator("#documents")).to_be_hidden()
    expect(page.locator("#f-documents")).to_be_focused()


def test_a_connection_that_breaks_half_way_goes_on_from_there(
    seat: Callable[..., Seat], platform: Platform, papers: Path
) -> None:
    who = seat()
    page = who.page
    who.go("/referencement")
    fill(page)
    page.set_input_files("#f-documents", papers / "carte.pdf")
    expect(page.locator("#documents li")).to_have_count(1)
    pieces: list[str] = []
    page.on("request", lambda request: pieces.append(request.url) if "/piece" in request.url else None)
    page.route("**/referencement/piece?document=1&piece=2", lambda route: route.abort())
    send(page)
    expect(page.locator("#alert .alert")).to_contain_text("Le serveur ne répond pas")
    page.unroute("**/referencement/piece?document=1&piece=2")
    page.click("#application-form [type=submit]")
    told_code(page)
    assert len(pieces) == 4, "what had arrived is not sent again"
    who.complaints[:] = [each for each in who.complaints if "net::ERR_FAILED" not in each]


def test_the_whole_form_is_filled_by_keyboard(seat: Callable[..., Seat], platform: Platform) -> None:
    who = seat()
    page = who.page
    who.go("/referencement")
    expect(page.locator("#application-form [type=submit]")).to_be_enabled()
    page.focus("#f-finess")
    order = []
    for _ in range(40):
        order.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        if page.evaluate("document.activeElement.type") == "submit":
            break
        page.keyboard.press("Tab")
    assert order[:4] == ["f-finess", "f-siret", "f-profession", "f-name"]
    assert "convention" in order, "its text is reached and scrolled by keys"
    assert order.index("f-signed_by") < len(order) - 1
