"""A dossier of référencement in real browsers, on the real platform: who applies, the clerk, the second person, the titulaire."""

import asyncio
import re
import secrets
import struct
import uuid
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from rempart.foundation.clock import paris_date, system_clock
from rempart.foundation.settings import CashierSettings, load_settings
from rempart.foundation.vocabulary import Role
from rempart.identity.dossier import Declaration, written
from rempart.identity.sealed_dossier import seal_piece
from rempart.supervisor.platform import Platform, running_platform
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.dossier import Place
from rempart.vaultdoor.messages import AskDossierKey, Call, DossierKey, Enrolled, EnrolOperator, Reply
from tests.browser.conftest import AUTHENTICATOR, DESK, FRENCH, PHONE, _seats
from tests.browser.platform import PAID
from tests.browser.test_desk import Machine, _note, clean
from tests.desk.test_referencing import ADDRESS, SAID

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder, more = tmp_path_factory.mktemp("ref"), 'shared_buffers = "32MB"\n'
    with running_platform(folder, more=more, without=("sentinel", "sealer", "worker"), desk=True) as started:
        yield started


def ask(platform: Platform, caller: str, call: Call) -> Reply:
    async def once() -> Reply:
        client = VaultClient(platform.home.run / f"{caller}.sock")
        try:
            return await client.call(call)
        finally:
            await client.close()

    # The browser's driver has a loop of its own in this thread.
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, once()).result()


@pytest.fixture(scope="module")
def staff(platform: Platform) -> dict[str, str]:
    roles = {
        "chloe": Role.ONBOARDING_CLERK,
        "paul": Role.ONBOARDING_CLERK,
        "zoe": Role.ONBOARDING_CLERK,
        "omar": Role.ONBOARDING_CLERK,
        "sami": Role.SECURITY_LEAD,
        "rita": Role.AUDITOR,
    }
    codes = {}
    for login, role in roles.items():
        made = ask(platform, "operator", EnrolOperator(login, role))
        assert isinstance(made, Enrolled), made
        codes[login] = made.code
    return codes


@pytest.fixture
def machine(platform: Platform, chromium: Browser) -> Iterator[Callable[..., Machine]]:
    """Make an operator's machine; at the end no page may have complained."""
    made: list[Machine] = []

    def sit(locale: str = FRENCH, viewport: Any = DESK) -> Machine:
        context = chromium.new_context(locale=locale, viewport=viewport)
        page = context.new_page()
        cdp = context.new_cdp_session(page)
        cdp.send("WebAuthn.enable")
        cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        one = Machine(replace(platform, origin=platform.desk_origin), context, page, [])  # type: ignore[arg-type]
        page.on("console", lambda message: _note(one, message.type, message.text))
        page.on("pageerror", lambda error: one.complaints.append(str(error)))
        made.append(one)
        return one

    yield sit
    complaints = [complaint for one in made for complaint in one.complaints]
    for one in made:
        one.context.close()
    assert complaints == []


def picture(side: int = 8, said: int = 0) -> bytes:
    """A red PNG; `said`: the side that its header has."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    rows = b"".join(b"\0" + b"\xff\0\0" * side for _ in range(side))
    head = struct.pack(">IIBBBBB", said or side, said or side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


TRAP = b"%PDF-1.7\n<html><script>document.title = 'caught'</script>"


def applied(
    platform: Platform,
    finess: str,
    *,
    documents: Sequence[tuple[str, str, bytes]] = (
        ("convention", "application/pdf", TRAP),
        ("professional-card", "image/png", picture()),
    ),
    **changes: Any,
) -> str:
    """A dossier with these documents, as the cashier leaves it."""
    key = ask(platform, "cashier", AskDossierKey())
    assert isinstance(key, DossierKey)
    public, dossier, code = (
        X25519PublicKey.from_public_bytes(key.public),
        uuid.uuid4(),
        secrets.token_bytes(32),
    )
    said: Declaration = msgspec.structs.replace(
        SAID, finess=finess, signed_on=paris_date(system_clock()), **changes
    )
    settings = load_settings(CashierSettings, platform.home.config_file("cashier"))
    with psycopg.connect(settings.dsn) as c:
        c.execute(
            "INSERT INTO identity.dossier (id, finess, siret, profession, opened, code, rib, rib_sealed, rib_mark)"
            " VALUES (%s, %s, %s, 'pharmacy', %s, %s, %s, 'sealed', %s)",
            (dossier, finess, said.siret, system_clock(), code, uuid.uuid4(), finess.encode().ljust(16)),
        )
        for number, (about, kind, content) in enumerate(documents, start=1):
            c.execute(
                "INSERT INTO identity.dossier_document (dossier, document, about, kind, size) VALUES (%s, %s, %s, %s, %s)",
                (dossier, number, about, kind, len(content)),
            )
        for number, content in enumerate([written(said), *(content for _, _, content in documents)]):
            piece = seal_piece(public, Place(dossier, number, 0), content, secrets.token_bytes(32))
            c.execute(
                "INSERT INTO identity.dossier_piece (dossier, document, piece, size, wrapped, sealed) VALUES (%s, %s, 0, %s, %s, %s)",
                (dossier, number, len(content), piece.wrapped, piece.sealed),
            )
        assert c.execute("SELECT identity.finish_dossier(%s, %s)", (code, system_clock())).fetchone() == (
            True,
        )
    return str(dossier)


def apply(page: Page, origin: str, finess: str) -> str:
    """As a pharmacist does, on the public page. The follow-up code."""
    page.goto(f"{origin}/referencement")
    expect(page.locator("#application-form [type=submit]").last).to_be_enabled()
    typed = {
        "finess": finess, "siret": SAID.siret, "name": SAID.name, "stated_address": "1 rue d'ailleurs, 69001 Lyon", "town": SAID.town,
        "holder": SAID.holder, "rpps": SAID.rpps, "login": SAID.login, "telephone": "01 23 45 67 89", "email": SAID.email,
        "iban": PAID, "signed_by": SAID.signed_by,
    }  # fmt: skip
    for name, words in typed.items():
        page.fill(f"#f-{name}", words)
    page.select_option("#f-profession", "pharmacy")
    page.set_input_files(
        "#f-documents",
        [
            {"name": "convention.pdf", "mimeType": "application/pdf", "buffer": TRAP},
            {"name": "carte.png", "mimeType": "image/png", "buffer": picture()},
        ],
    )
    expect(page.locator("#documents li")).to_have_count(2)
    page.locator("#application-form > [type=submit]").click()
    sent = page.locator("#application-sent [data-slot=code]")
    expect(sent).not_to_be_empty()
    return sent.text_content() or ""


def open_dossier(one: Machine, finess: str) -> None:
    """From the list, by a passkey."""
    page = one.page
    page.click("nav >> text=/Référencements|Applications/")
    page.click(f"text={finess}")
    open_here(page)


def open_here(page: Page) -> None:
    expect(page.locator("#open-dossier")).to_be_enabled()
    page.click("#open-dossier")
    asked, shown = page.locator("#step-up [data-answer=passkey]"), page.locator("#dossier dl.facts")
    expect(asked.or_(shown).first).to_be_visible()
    if asked.is_visible():
        asked.click()
    expect(shown.first).to_be_visible()


def letter_of(one: Machine) -> bytes:
    """The dialog's yes, and the file that comes of it."""
    dialog = one.page.locator("#deed")
    expect(dialog).to_be_visible()
    with one.page.expect_download() as saved:
        dialog.locator("[data-answer=yes]").click()
        one.touch_if_asked()
    return Path(saved.value.path()).read_bytes()


def test_a_dossier_becomes_an_account_by_two_people_and_a_letter(
    platform: Platform,
    machine: Callable[..., Machine],
    chromium: Browser,
    staff: dict[str, str],
    tmp_path: Path,
) -> None:
    finess = "010000602"
    applicant = chromium.new_page(locale=FRENCH)
    follow_up = apply(applicant, platform.origin, finess)
    chloe, sami = machine(), machine(locale="en-GB")
    chloe.activate(staff["chloe"])
    sami.activate(staff["sami"])
    page = chloe.page
    chloe.go("/referencements")
    expect(page.get_by_text("à examiner")).to_be_visible()
    expect(page.locator("[data-load]:empty")).to_have_count(0)
    clean(page)
    page.screenshot(path=tmp_path / "list.png", full_page=True)
    open_dossier(chloe, finess)
    expect(page.get_by_role("heading", name="Pharmacie du Rempart")).to_be_visible()
    clean(page)

    # What the applicant made is saved or drawn; nothing of it runs.
    with page.expect_download() as saved:
        page.click("[data-document='1']")
    assert Path(saved.value.path()).read_bytes() == TRAP
    page.click("[data-document='2']")
    expect(page.locator("#image canvas")).to_be_visible()
    assert page.evaluate(
        "[...document.querySelector('#image canvas').getContext('2d').getImageData(4, 4, 1, 1).data]"
    ) == [255, 0, 0, 255]
    assert "caught" not in page.title()
    clean(page)

    page.fill("#check-address [name=address]", ADDRESS)
    page.press("#check-address [name=address]", "Enter")
    expect(page.locator("#propose")).to_be_disabled()
    clean(page)
    for box in page.locator("#doubts input").all():
        box.check()
    expect(page.locator("#propose")).to_be_enabled()
    page.screenshot(path=tmp_path / "checked.png", full_page=True)
    page.click("#propose")
    chloe.confirm()
    expect(page.locator("#dossier li.proposal")).to_contain_text(ADDRESS)
    expect(page.locator("#dossier").get_by_role("button", name="Approuver")).to_have_count(0)
    clean(page)

    # The second person comes from the incident room, and reads it before approving.
    theirs = sami.page
    sami.go("/salle")
    theirs.click("text=Read the dossier before approving")
    open_here(theirs)
    expect(theirs.locator("#dossier li.proposal")).to_contain_text(ADDRESS)
    clean(theirs)
    theirs.screenshot(path=tmp_path / "approve.png", full_page=True)
    theirs.click("#dossier li.proposal >> text=Approve")
    sami.confirm()
    expect(theirs.locator("#dossier .tag").first).to_have_text("approved: to be enrolled")

    chloe.go("/referencements")
    open_dossier(chloe, finess)
    clean(page)
    page.locator("#dossier").get_by_role("button", name="Inscrire").click()
    letter = letter_of(chloe)
    expect(page.locator("#dossier .tag").first).to_have_text("inscrit")
    clean(page)
    text = "\n".join(one.extract_text() for one in PdfReader(BytesIO(letter)).pages)
    [code] = re.findall(r"\b(?:[A-Z0-9]{4}-){3}[A-Z0-9]{4}\b", text)
    assert code not in page.content()
    assert f"{platform.origin}/activation" in text.replace("\n", "")

    applicant.goto(f"{platform.origin}/referencement/suivi")
    expect(applicant.locator("#follow-up-form [type=submit]")).to_be_enabled()
    applicant.fill("#f-code", follow_up)
    applicant.press("#f-code", "Enter")
    expect(applicant.locator("#follow-up")).to_contain_text("Acceptée")
    applicant.context.close()
    with _seats(platform, chromium) as sit:  # type: ignore[arg-type]
        claire = sit()
        claire.activate(code)
        expect(claire.page.locator("#check")).to_be_visible()
        claire.go("/reglement")
        expect(claire.page.get_by_text("payé sur ce compte au plus tôt")).to_be_visible()


def test_a_dossier_is_refused_by_keyboard_and_on_a_telephone(
    platform: Platform, machine: Callable[..., Machine], staff: dict[str, str], tmp_path: Path
) -> None:
    finess = "770816478"
    applied(platform, finess)
    paul = machine(viewport=PHONE)
    paul.activate(staff["paul"])
    page = paul.page
    open_dossier(paul, finess)
    page.locator("#check-address [name=address]").focus()
    page.keyboard.type(ADDRESS)
    page.keyboard.press("Enter")
    expect(page.locator("#checked select")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    clean(page)
    page.screenshot(path=tmp_path / "phone.png", full_page=True)
    page.select_option("#checked select", "not-confirmed")
    page.locator("#checked [name=words]").focus()
    page.keyboard.type("Appelée deux fois.")
    page.keyboard.press("Enter")
    letter = letter_of(paul)
    assert "Appelée deux fois." in PdfReader(BytesIO(letter)).pages[0].extract_text()
    expect(page.locator("#dossier .tag").first).to_have_text("refusé")
    paul.go("/referencements")
    expect(page.get_by_text("refusé")).to_be_visible()


def test_a_clerk_clears_made_up_dossiers_ticked_or_all_and_counts_them_first(
    platform: Platform, machine: Callable[..., Machine], staff: dict[str, str]
) -> None:
    for _ in range(3):
        applied(platform, "380000018")
    omar = machine()
    omar.activate(staff["omar"])
    page = omar.page
    omar.go("/referencements")
    page.locator("#clearing > summary").press("Enter")
    boxes = page.locator("#clearing input[type=checkbox]")
    expect(boxes.first).to_be_visible()
    shown = boxes.count()
    clean(page)
    page.locator("#clearing label", has_text="380000018").first.locator("input").press("Space")
    page.get_by_role("button", name="Écarter ce qui est coché").click()
    expect(page.locator("#deed")).to_contain_text("effacés aussitôt\u00a0:\u00a01")
    clean(page)
    page.click("#deed [data-answer=yes]")
    expect(page.locator("#result")).to_contain_text("effacés\u00a0:\u00a01")
    expect(boxes).to_have_count(shown - 1)
    page.get_by_role("button", name="Écarter tout ce qui est affiché").click()
    expect(page.locator("#deed")).to_contain_text(f"effacés aussitôt\u00a0:\u00a0{shown - 1}")
    page.click("#deed [data-answer=yes]")
    expect(page.locator("#result")).to_contain_text(f"effacés\u00a0:\u00a0{shown - 1}")
    expect(boxes).to_have_count(0)
    clean(page)


def jpeg_header(side: int) -> bytes:
    """As far as the frame's header, behind a comment; no picture follows."""
    comment, frame = b"\xff\xfe\x00\x06abcd", b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", side, side)
    return b"\xff\xd8" + comment + frame + b"\x01\x01\x11\x00\xff\xd9"


def test_a_picture_of_gigapixels_is_saved_and_never_decoded_in_the_clerks_browser(
    platform: Platform, machine: Callable[..., Machine], staff: dict[str, str]
) -> None:
    hidden = b"\xff\xd8\xff\xd0" + jpeg_header(60_000)[2:]
    bombs = [
        ("image/png", picture(said=30_000)), ("image/jpeg", jpeg_header(60_000)), ("image/jpeg", hidden), ("image/png", picture()[:30]),
    ]  # fmt: skip
    finess = "130786445"
    applied(platform, finess, documents=[("other", kind, content) for kind, content in bombs])
    chloe = machine()
    chloe.activate(staff["zoe"])
    page = chloe.page
    page.add_init_script(
        "globalThis.decoded = 0; const inner = createImageBitmap;"
        " globalThis.createImageBitmap = (...given) => { decoded += 1; return inner(...given); };"
    )
    open_dossier(chloe, finess)
    for number, (_, content) in enumerate(bombs, start=1):
        with page.expect_download() as saved:
            page.click(f"[data-document='{number}']")
        assert Path(saved.value.path()).read_bytes() == content
        expect(page.locator("#alert")).to_contain_text("démesurée")
        expect(page.locator("#image canvas")).to_have_count(0)
    assert page.evaluate("decoded") == 1, "the one that is cut short, and small"
    clean(page)


def test_an_auditor_is_offered_no_dossier(
    platform: Platform, machine: Callable[..., Machine], staff: dict[str, str]
) -> None:
    dossier = applied(platform, "750712184")
    rita = machine()
    rita.activate(staff["rita"])
    page = rita.page
    expect(page.get_by_role("link", name="Journal")).to_be_visible()
    expect(page.get_by_role("link", name="Référencements")).to_have_count(0)
    rita.go("/referencements")
    expect(page.locator("#who:not([hidden])")).to_be_attached()
    expect(page.locator("main section:visible")).to_have_count(0)
    clean(page)
    rita.go(f"/referencement?d={dossier}")
    expect(page.locator("#who:not([hidden])")).to_be_attached()
    expect(page.locator("#open-dossier")).to_be_hidden()
    clean(page)
