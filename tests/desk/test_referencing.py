"""A dossier of référencement at the desk, from its opening to the letter; and what a clerk, a thief or an applicant would do with it."""

import html
import json
import re
import secrets
import uuid
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from psycopg.errors import InsufficientPrivilege
from pypdf import PdfReader

from rempart.desk.dossiers import KEPT
from rempart.foundation.clock import HOUR, MINUTE, SECOND
from rempart.foundation.vocabulary import Profession, Role
from rempart.identity.dossier import Declaration, written
from rempart.identity.sealed_dossier import seal_piece
from rempart.vault.onboarding import READ
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.dossier import Place
from rempart.vaultdoor.messages import (
    AskDossierKey,
    DepartEstablishment,
    Done,
    DossierKey,
    Here,
    Onboarded,
    Refused,
)
from tests.authenticator import ORIGIN, expect
from tests.desk.conftest import Operator, Room
from tests.desk.test_door import Door
from tests.desk.test_dossiers import cashier_asks, take_in
from tests.desk.test_establishments import decided, on
from tests.identity.test_application import RPPS

FINESS = "010000602"
ADDRESS = "12 rue de l'Église, 69001 Lyon"
SAID = Declaration(
    finess=FINESS, siret="73282932000074", profession=Profession.PHARMACY, name="Pharmacie du Rempart", town="Lyon",
    stated_address=ADDRESS, holder="Claire Martin", login="claire.martin", rpps=RPPS, adeli="", convention="2026-1",
    signed_by="Claire Martin", signed_on=date(2026, 2, 20), telephone="0123456789", email="claire@exemple.fr",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_dossier_stays(room: Room) -> Iterator[None]:
    yield
    with room.database.connect() as owner:
        owner.execute(
            "DELETE FROM identity.dossier; DELETE FROM claims.rib; DELETE FROM claims.letter; DELETE FROM identity.contact;"
            " DELETE FROM identity.professional; DELETE FROM identity.establishment; DELETE FROM vault.application"
        )


@pytest.fixture
def door(room: Room) -> Door:
    return Door(room)


@pytest.fixture
def clerk(room: Room) -> Operator:
    return room.operator("chloe", Role.ONBOARDING_CLERK)


def applied(room: Room, **changes: Any) -> str:
    """A dossier that says this, as the cashier leaves it. The convention was signed a month before the tests' Monday, or thereabouts."""
    said = Declaration(**{name: getattr(SAID, name) for name in SAID.__struct_fields__} | changes)
    return str(take_in(room, written(said), finess=said.finess))


def joined(room: Room, dossier: str, kind: str, content: bytes) -> None:
    """A first document, which the applicant made."""
    public = X25519PublicKey.from_public_bytes(expect(DossierKey, cashier_asks(room, AskDossierKey())).public)
    piece = seal_piece(public, Place(uuid.UUID(dossier), 1, 0), content, secrets.token_bytes(32))
    with room.database.connect() as owner:
        owner.execute(
            "INSERT INTO identity.dossier_document (dossier, document, about, kind, size) VALUES (%s, 1, 'convention', %s, %s)",
            (dossier, kind, len(content)),
        )
        owner.execute(
            "INSERT INTO identity.dossier_piece (dossier, document, piece, size, wrapped, sealed) VALUES (%s, 1, 0, %s, %s, %s)",
            (dossier, len(content), piece.wrapped, piece.sealed),
        )


def opened(door: Door, who: Operator, dossier: str, document: int = 0) -> httpx.Response:
    who.touch()
    response = door.act(who, "/desk/dossier/open", dossier=dossier, document=document)
    assert response.status_code == 200, response.text
    return response


def checked(door: Door, who: Operator, dossier: str, address: str = ADDRESS) -> dict[str, Any]:
    """What the page would propose once every doubt is ticked."""
    shown = door.act(who, "/desk/application/check", dossier=dossier, address=address)
    assert shown.status_code == 200, shown.text
    return body_of(shown.text, "desk/application/propose")


def body_of(fragment: str, deed: str) -> dict[str, Any]:
    button = re.search(rf'data-(?:deed|act)="{deed}"[^>]*data-body="([^"]*)"', fragment)
    assert button, fragment
    said: dict[str, Any] = json.loads(html.unescape(button[1]))
    return said


def code(response: httpx.Response) -> str:
    assert response.status_code >= 400, response.text
    return response.headers["rempart-code"]


def proposed(door: Door, who: Operator, dossier: str, address: str = ADDRESS) -> dict[str, Any]:
    """Opened, checked and proposed."""
    opened(door, who, dossier)
    said = checked(door, who, dossier, address)
    response = door.act(who, "/desk/application/propose", html=False, **said, dry_run=False)
    assert response.json()["type"] == "Proposed", response.text
    return said | {"proposal": response.json()["id"]}


def approved(room: Room, door: Door, clerk: Operator, lead: Operator, dossier: str) -> dict[str, Any]:
    """The same, and approved by whoever opened it too. What the page would enrol."""
    proposed(door, clerk, dossier)
    room.time.advance(SECOND)
    page = opened(door, lead, dossier).text
    done = door.act(lead, "/desk/proposal/approve", html=False, **body_of(page, "desk/proposal/approve"))
    assert done.json()["type"] == "Done", done.text
    return body_of(opened(door, clerk, dossier).text, "desk/application/enrol")


def pages(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


def code_in(letter: bytes) -> str:
    [found] = re.findall(r"\b(?:[A-Z0-9]{4}-){3}[A-Z0-9]{4}\b", pages(letter))
    return found


def names(room: Room) -> list[tuple[object, ...]]:
    return room.rows("SELECT id::text, finess, name FROM identity.establishment")


def test_from_the_dossier_to_the_first_sign_in_by_the_letter(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    dossier = applied(room)
    assert FINESS in door.act(clerk, "/desk/dossiers").text
    page = opened(door, clerk, dossier).text
    assert "Claire Martin" in page
    # The clerk types the address: it is never filled in from the application.
    assert f'value="{ADDRESS}"' not in html.unescape(page)
    said = approved(room, door, clerk, lead, dossier)
    assert "approuvé" in door.act(clerk, "/desk/dossiers").text
    counted = door.act(clerk, "/desk/application/enrol", html=False, **said)
    assert counted.json()["type"] == "Effect"
    assert names(room) == []

    done = door.act(clerk, "/desk/application/enrol", html=False, **said, dry_run=False)
    assert (done.status_code, done.headers["content-type"]) == (200, "application/pdf"), done.text
    assert done.headers["content-disposition"] == f'attachment; filename="courrier-{FINESS}.pdf"'
    text = pages(done.content).replace("’", "'").replace("\n", " ")
    assert ADDRESS in text
    assert names(room) == [(dossier, FINESS, "Pharmacie du Rempart")]
    assert room.rows("SELECT name, rpps FROM identity.professional") == [("Claire Martin", RPPS)]
    assert room.rows("SELECT contact FROM identity.contact") == [(ADDRESS,)]
    assert room.rows("SELECT id::text FROM vault.establishment WHERE finess IS NOT NULL") == [(dossier,)]
    assert room.rows("SELECT establishment::text, state FROM claims.rib") == [(dossier, "waiting")]
    assert room.rows("SELECT state FROM identity.dossier") == [("enrolled",)]
    # Once: neither again, nor shown to anybody since.
    assert code(door.act(clerk, "/desk/application/enrol", **said, dry_run=False)) == "conflict"
    secret = code_in(done.content)
    assert secret not in room.journal()
    assert "inscrit" in opened(door, clerk, dossier).text

    claire = room.browser("Comptoir")
    claire.activate(secret, SoftwarePasskey(ORIGIN))
    assert claire.expect(Here, "here").establishment == dossier


def test_a_clerk_alone_cannot_enrol(room: Room, door: Door, clerk: Operator) -> None:
    dossier = applied(room)
    said = proposed(door, clerk, dossier)
    number = said.pop("proposal")
    room.time.advance(SECOND)
    clerk.touch()
    assert code(door.act(clerk, "/desk/proposal/approve", id=number, digest=said["digest"])) == "own-proposal"
    enrol = {name: said[name] for name in ("dossier", "digest", "finess", "profession", "login")}
    assert code(door.act(clerk, "/desk/application/enrol", **enrol, dry_run=False)) == "approval-over"
    # Nor by asking the vault beside the desk.
    assert clerk.refused("application/enrol", **enrol, dry_run=False) == "approval-over"
    assert names(room) == []
    assert room.rows("SELECT count(*) FROM vault.establishment WHERE finess IS NOT NULL") == [(0,)]


def test_an_approval_of_one_digest_does_not_enrol_another(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    """The same words in two dossiers, of which one brings the thief's account."""
    theirs, thiefs = applied(room), applied(room)
    said = approved(room, door, clerk, lead, theirs)
    opened(door, clerk, thiefs)
    assert checked(door, clerk, thiefs)["digest"] == said["digest"]
    assert clerk.refused("application/enrol", **said | {"dossier": thiefs}, dry_run=False) == "approval-over"
    elsewhere = checked(door, clerk, theirs, "1 rue d'ailleurs, 69001 Lyon")["digest"]
    assert elsewhere != said["digest"]
    other = said | {"digest": elsewhere}
    assert code(door.act(clerk, "/desk/application/enrol", **other, dry_run=False)) == "doubts"
    assert clerk.refused("application/enrol", **other, dry_run=False) == "approval-over"
    assert names(room) == []
    assert room.rows("SELECT count(*) FROM claims.rib") == [(0,)]


def test_the_second_person_opens_the_same_dossier_and_names_what_they_read(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    dossier = applied(room)
    said = proposed(door, clerk, dossier)
    number, digest = said["proposal"], said["digest"]
    room.time.advance(SECOND)
    lead.touch()
    # As if from the incident room, or with what the clerk said on the telephone.
    assert lead.refused("proposal/approve", id=number) == "dossier-unread"
    assert lead.refused("proposal/approve", id=number, digest=digest) == "dossier-unread"
    opened(door, lead, dossier)
    assert lead.refused("proposal/approve", id=number, digest="cd" * 32) == "dossier-unread"
    assert "Lire le dossier" in door.act(lead, "/desk/proposals").text
    lead.expect(Done, "proposal/approve", id=number, digest=digest)


def test_a_doubt_left_out_is_refused(room: Room, door: Door, clerk: Operator) -> None:
    dossier = applied(room, stated_address="1 rue d'ailleurs, 69001 Lyon", signed_by="Paul Martin")
    opened(door, clerk, dossier)
    said = checked(door, clerk, dossier)
    assert {"address", "signatory"} <= set(said["doubts"])
    for doubts in ([], said["doubts"][:-1], [*said["doubts"], "finess-known"]):
        response = door.act(clerk, "/desk/application/propose", **said | {"doubts": doubts}, dry_run=False)
        assert code(response) == "doubts"
    # Nor another address, login or profession under the digest that was checked.
    for changed in (
        {"address": "1 rue d'ailleurs, 69001 Lyon"},
        {"login": "mallory"},
        {"profession": "doctor"},
    ):
        assert code(door.act(clerk, "/desk/application/propose", **said | changed, dry_run=False)) == "doubts"
    assert room.rows("SELECT count(*) FROM vault.proposal") == [(0,)]
    told = door.act(clerk, "/desk/application/propose", html=False, **said, dry_run=False)
    assert told.json()["type"] == "Proposed"
    assert room.rows("SELECT doubts FROM identity.review") == [(said["doubts"],)]


def test_a_doubt_that_came_up_since_it_was_checked_is_looked_at_too(
    room: Room, door: Door, clerk: Operator
) -> None:
    dossier = applied(room)
    opened(door, clerk, dossier)
    said = checked(door, clerk, dossier)
    with room.database.connect() as owner:
        owner.execute(
            "INSERT INTO identity.establishment (id, finess, name, town, profession) VALUES (%s, %s, 'Pharmacie', 'Lyon', 'pharmacy')",
            (uuid.uuid4(), FINESS),
        )
    assert code(door.act(clerk, "/desk/application/propose", **said, dry_run=False)) == "doubts"
    assert "finess-known" in checked(door, clerk, dossier)["doubts"]


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.DUTY_OFFICER])
def test_an_auditor_cannot_open_a_dossier(room: Room, door: Door, role: Role) -> None:
    dossier, rita = applied(room), room.operator("rita", role)
    rita.touch()
    for path, body in (
        ("/desk/dossiers", {}),
        ("/desk/dossier/open", {"dossier": dossier, "document": 0}),
        ("/desk/application/check", {"dossier": dossier, "address": ADDRESS}),
    ):
        response = door.act(rita, path, **body)
        assert code(response) == "forbidden"
        assert "Claire" not in response.text
    assert room.rows("SELECT count(*) FROM vault.journal WHERE act = 'dossier:open'") == [(0,)]
    assert room.rows("SELECT count(*) FROM vault.journal WHERE act = 'desk:refuse'") == [(3,)]


def test_a_data_protection_officer_reads_and_proposes_nothing(room: Room, door: Door) -> None:
    dossier, dana = applied(room), room.operator("dana", Role.DPO)
    page = opened(door, dana, dossier).text
    assert "Claire Martin" in page
    assert code(door.act(dana, "/desk/application/check", dossier=dossier, address=ADDRESS)) == "forbidden"


def test_a_stolen_session_without_the_passkey_opens_no_dossier(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    dossier = applied(room)
    opened(door, clerk, dossier)
    room.time.advance(6 * MINUTE)
    assert code(door.act(clerk, "/desk/dossier/open", dossier=dossier, document=0)) == "step-up"
    said = checked(door, clerk, dossier)
    # What was read a moment ago is not proposed either, by whoever holds the session alone.
    assert code(door.act(clerk, "/desk/application/propose", **said, dry_run=False)) == "step-up"
    room.time.advance(KEPT)
    assert (
        code(door.act(clerk, "/desk/application/check", dossier=dossier, address=ADDRESS)) == "dossier-unread"
    )
    # Nor is what somebody opened there for anybody else.
    opened(door, clerk, dossier)
    assert (
        code(door.act(lead, "/desk/application/check", dossier=dossier, address=ADDRESS)) == "dossier-unread"
    )


def test_whoever_opened_it_yesterday_opens_it_again_before_proposing(
    room: Room, door: Door, clerk: Operator
) -> None:
    dossier = applied(room)
    opened(door, clerk, dossier)
    said = checked(door, clerk, dossier)
    room.time.advance(READ + HOUR)
    clerk.browser.sign_in(clerk.passkey)
    clerk.touch()
    assert clerk.refused("application/propose", **said, dry_run=False) == "dossier-unread"


@pytest.mark.parametrize(
    ("kind", "suffix", "start"),
    [("application/pdf", "pdf", b"%PDF-"), ("image/png", "png", b"\x89PNG\r\n\x1a\n")],
)
def test_a_document_never_runs_as_script(
    room: Room, door: Door, clerk: Operator, kind: str, suffix: str, start: bytes
) -> None:
    dossier, made = applied(room), start + b"<html><script>alert(document.domain)</script>"
    joined(room, dossier, kind, made)
    page = opened(door, clerk, dossier).text
    assert "data-document" in page
    saved = opened(door, clerk, dossier, document=1)
    assert saved.content == made
    assert saved.headers["content-type"] == kind
    assert saved.headers["content-disposition"] == f'attachment; filename="dossier-{dossier[:8]}-1.{suffix}"'
    assert saved.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in saved.headers["content-security-policy"]


def test_what_an_applicant_writes_is_text_on_every_page(room: Room, door: Door, clerk: Operator) -> None:
    trap = "<img src=x onerror=alert(1)>"
    dossier = applied(room, name=trap, holder=trap, stated_address=trap)
    for shown in (
        opened(door, clerk, dossier).text,
        door.act(clerk, "/desk/application/check", dossier=dossier, address=trap).text,
    ):
        assert "<img" not in shown


def test_a_refusal_voids_what_was_approved_and_its_letter_says_why(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    dossier = applied(room)
    enrol = approved(room, door, clerk, lead, dossier)
    opened(door, clerk, dossier)
    # Refused under another address, hence another digest: it is the dossier that is refused.
    said = checked(door, clerk, dossier, "1 rue d'ailleurs, 69001 Lyon")
    del said["doubts"]
    assert (
        code(door.act(clerk, "/desk/application/refuse", **said, ground="whim", dry_run=False)) == "bad-input"
    )
    done = door.act(
        clerk,
        "/desk/application/refuse",
        **said,
        ground="not-confirmed",
        words="Appelée deux fois.",
        dry_run=False,
    )
    assert done.headers["content-type"] == "application/pdf", done.text
    letter = pages(done.content).replace("\n", " ")
    assert "Appelée deux fois." in letter
    assert "rappelez-nous" in letter
    assert room.rows("SELECT state FROM identity.dossier") == [("refused",)]
    assert code(door.act(clerk, "/desk/application/enrol", **enrol, dry_run=False)) == "conflict"
    assert clerk.refused("application/enrol", **enrol, dry_run=False) == "approval-over"
    assert '"application:refuse"' in room.journal()


def test_what_the_vault_refuses_leaves_no_name(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    dossier = applied(room)
    said = approved(room, door, clerk, lead, dossier)
    # Somebody enrolled this FINESS meanwhile.
    with room.database.connect() as owner:
        owner.execute(
            "INSERT INTO vault.establishment (id, finess, profession) VALUES (%s, %s, 'pharmacy')",
            (uuid.uuid4(), FINESS),
        )
    assert code(door.act(clerk, "/desk/application/enrol", **said, dry_run=False)) == "conflict"
    assert names(room) == []
    assert room.rows("SELECT state FROM identity.dossier") == [("proposed",)]
    assert room.rows("SELECT enrolled FROM vault.application") == [(None,)]


def test_two_who_enrol_at_once_make_one_letter(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    said = approved(room, door, clerk, lead, applied(room))
    opened(door, lead, said["dossier"])
    pressed = [(who, "/desk/application/enrol", said | {"dry_run": False}) for who in (clerk, lead)]
    answers = door.together(pressed)
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(names(room)) == 1
    assert room.rows("SELECT count(*) FROM vault.account WHERE login = 'claire.martin'") == [(1,)]


def test_an_approval_that_the_desk_did_not_note_is_given_anew(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    dossier = applied(room)
    said = approved(room, door, clerk, lead, dossier)
    with room.database.connect() as owner:
        owner.execute("UPDATE identity.review SET approved = NULL")
    room.time.advance(HOUR)
    assert "à proposer de nouveau" in door.act(clerk, "/desk/dossiers").text
    assert approved(room, door, clerk, lead, dossier) == said
    assert door.act(clerk, "/desk/application/enrol", **said, dry_run=False).status_code == 200


def test_a_letter_that_the_desk_did_not_live_to_write_is_made_again_with_another_code(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    said = approved(room, door, clerk, lead, applied(room))
    # The vault's yes, and then nothing: no name, no letter.
    lost = clerk.expect(Onboarded, "application/enrol", **said, dry_run=False).code
    assert names(room) == []
    done = door.act(clerk, "/desk/application/enrol", html=False, **said, dry_run=False)
    assert done.status_code == 200, done.text
    assert len(names(room)) == 1
    assert room.rows("SELECT count(*) FROM vault.account WHERE login = 'claire.martin'") == [(1,)]
    thief, claire = room.browser("Ailleurs"), room.browser("Comptoir")
    refused = expect(Refused, thief.introduce("activation/begin", activation_code=lost))
    assert refused.code == "activation"
    claire.activate(code_in(done.content), SoftwarePasskey(ORIGIN))
    # Not once it was used.
    assert clerk.refused("application/enrol", **said, dry_run=False) == "conflict"


def test_no_letter_is_made_again_after_an_hour(
    room: Room, door: Door, clerk: Operator, lead: Operator
) -> None:
    said = approved(room, door, clerk, lead, applied(room))
    clerk.expect(Onboarded, "application/enrol", **said, dry_run=False)
    room.time.advance(HOUR)
    clerk.touch()
    assert clerk.refused("application/enrol", **said, dry_run=False) == "approval-over"


def test_who_takes_a_finess_over_is_enrolled_while_the_former_owner_still_works(
    room: Room, door: Door
) -> None:
    former = room.establishment()
    clerk, lead = room.operator("chloe", Role.ONBOARDING_CLERK), room.operator("sami", Role.SECURITY_LEAD)
    [(finess,)] = room.rows("SELECT finess FROM vault.establishment WHERE finess IS NOT NULL")
    with room.database.connect() as owner:
        owner.execute(
            "INSERT INTO identity.establishment (id, finess, name, town, profession) VALUES (%s, %s, 'Ancienne', 'Lyon', 'pharmacy')",
            (former, finess),
        )
    dossier = applied(room, finess=finess)
    said = approved(room, door, clerk, lead, dossier)
    assert room.rows("SELECT 'finess-known' = ANY (doubts) FROM identity.review") == [(True,)]
    # While the former owner stays, nobody else has this FINESS.
    assert code(door.act(clerk, "/desk/application/enrol", **said, dry_run=False)) == "conflict"
    decided(room, DepartEstablishment(finess, on(room, 30), "cession", "deed"), clerk, lead)
    opened(door, clerk, dossier)
    done = door.act(clerk, "/desk/application/enrol", **said, dry_run=False)
    assert done.status_code == 200, done.text
    assert {row[0] for row in names(room)} == {former, dossier}


def test_the_desks_role_names_no_establishment_that_applied_for_nothing(room: Room) -> None:
    with room.database.connect("desk") as c, pytest.raises(InsufficientPrivilege):
        c.execute(
            "INSERT INTO identity.establishment (id, finess, name, town, profession) VALUES (%s, %s, 'Pharmacie', 'Lyon', 'pharmacy')",
            (uuid.uuid4(), FINESS),
        )
    with room.database.connect("desk") as c, pytest.raises(InsufficientPrivilege):
        c.execute("SELECT name FROM identity.professional")


def test_a_withdrawn_proposal_waits_no_more_on_its_page(room: Room, door: Door, clerk: Operator) -> None:
    dossier = applied(room)
    said = proposed(door, clerk, dossier)
    assert "attend une seconde personne" in door.act(clerk, "/desk/dossiers").text
    withdraw = body_of(opened(door, clerk, dossier).text, "desk/proposal/withdraw")
    assert withdraw == {"id": said["proposal"]}
    assert door.act(clerk, "/desk/proposal/withdraw", html=False, **withdraw).json()["type"] == "Done"
    assert "à examiner" in door.act(clerk, "/desk/dossiers").text
    room.time.advance(SECOND)
    proposed(door, clerk, dossier)
