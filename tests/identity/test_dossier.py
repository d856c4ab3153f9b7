"""A declaration: what is corrected, what is refused at its field; and a dossier's pieces, each in its place alone."""

import secrets
import uuid
from datetime import date

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from rempart.foundation.errors import BadInput
from rempart.identity.application import digest_of, read_application
from rempart.identity.dossier import (
    BadDeclaration,
    application_of,
    kind_of,
    opened,
    read_declaration,
    written,
)
from rempart.identity.sealed_dossier import SealedPiece, open_document, seal_piece
from rempart.vaultdoor.dossier import PieceUnreadable, Place, unwrap_key
from tests.identity.test_application import RPPS

TODAY = date(2026, 3, 2)
TYPED = {
    "finess": "01 000 0602",
    "siret": "732 829 320 00074",
    "profession": "pharmacy",
    "name": "Pharmacie du Rempart",
    "town": "Lyon",
    "stated_address": "12, rue de l'Église,\n69001 Lyon",
    "holder": "Claire  Martin",
    "login": "Claire.Martin",
    "rpps": RPPS,
    "adeli": "",
    "telephone": "04 00 00 00 00",
    "email": "claire@example.org",
    "signed_by": "Claire Martin",
    "convention": "2026-1",
}
DOSSIER = uuid.UUID(int=7)


def faults(**changes: str) -> list[str]:
    with pytest.raises(BadDeclaration) as refused:
        read_declaration(TYPED | changes, "2026-1", TODAY)
    assert all(fault.french and fault.english for fault in refused.value.faults)
    return [fault.field for fault in refused.value.faults]


def test_what_people_type_is_brought_to_its_one_form() -> None:
    said = read_declaration(TYPED, "2026-1", TODAY)
    assert (said.finess, said.siret, said.login) == ("010000602", "73282932000074", "claire.martin")
    assert (said.holder, said.stated_address) == ("Claire Martin", "12, rue de l'Église, 69001 Lyon")
    assert said.signed_on == TODAY
    assert opened(written(said)) == said


def test_every_fault_is_told_at_once_and_at_its_field() -> None:
    assert faults(finess="010000603", siret="73282932000075", login="x", telephone="?", email="claire") == [
        "finess",
        "siret",
        "login",
        "telephone",
        "email",
    ]
    assert faults(rpps="") == ["rpps"]
    assert faults(profession="insurer") == faults(profession="operator") == ["profession"]
    assert faults(convention="2025-1") == ["convention"]
    assert faults(login="195031012345678") == ["login"], "a number that looks like a NIR names nobody"
    assert len(faults(**dict.fromkeys(TYPED, ""))) == 13


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x00", "\x1b", "\u3164"])
def test_what_is_invisible_or_turns_a_line_around_is_in_no_field(hidden: str) -> None:
    for field, value in TYPED.items():
        if field not in {"profession", "convention"}:
            assert field in faults(**{field: value[:3] + hidden + value[3:]}), field


def test_la_postes_establishments_have_a_key_of_their_own() -> None:
    assert read_declaration(TYPED | {"siret": "35600000049837"}, "2026-1", TODAY).siret == "35600000049837"


def test_the_application_has_the_address_that_the_clerk_read() -> None:
    application = application_of(read_declaration(TYPED, "2026-1", TODAY), "1 place du Marché, 69001 Lyon")
    assert application.address == "1 place du Marché, 69001 Lyon"
    assert application.stated_address == "12, rue de l'Église, 69001 Lyon"
    assert len(digest_of(application)) == 64
    assert read_application(msgspec.json.encode(application)) == application


def test_a_page_that_calls_itself_a_pdf_is_none() -> None:
    assert kind_of(b"%PDF-1.7\n") == "application/pdf"
    assert kind_of(b"\x89PNG\r\n\x1a\n....") == "image/png"
    assert kind_of(b"\xff\xd8\xff\xe0....") == "image/jpeg"
    for disguised in (
        b"<!doctype html><script>",
        b" %PDF-1.7",
        b"GIF89a",
        b"<svg xmlns=",
        b"PK\x03\x04",
        b"",
    ):
        assert kind_of(disguised) == ""


def sealed(private: X25519PrivateKey, place: Place, plain: bytes) -> SealedPiece:
    return seal_piece(private.public_key(), place, plain, secrets.token_bytes(32))


def test_a_document_opens_from_its_pieces_and_their_keys() -> None:
    private = X25519PrivateKey.generate()
    places = [Place(DOSSIER, 1, n) for n in range(3)]
    pieces = [sealed(private, place, bytes([n]) * 5) for n, place in enumerate(places)]
    keys = [unwrap_key(private, place, piece.wrapped) for place, piece in zip(places, pieces, strict=True)]
    assert open_document(DOSSIER, 1, [p.sealed for p in pieces], keys) == b"\0" * 5 + b"\1" * 5 + b"\2" * 5
    with pytest.raises(PieceUnreadable):
        open_document(DOSSIER, 1, [p.sealed for p in pieces[:2]], keys)


@pytest.mark.parametrize(
    "elsewhere", [Place(uuid.UUID(int=8), 1, 0), Place(DOSSIER, 2, 0), Place(DOSSIER, 1, 1)]
)
def test_a_piece_moved_to_another_place_does_not_open(elsewhere: Place) -> None:
    private, here = X25519PrivateKey.generate(), Place(DOSSIER, 1, 0)
    piece = sealed(private, here, b"what was declared")
    with pytest.raises(PieceUnreadable):
        unwrap_key(private, elsewhere, piece.wrapped)
    # Nor where its key came with it.
    key = unwrap_key(private, here, piece.wrapped)
    many = elsewhere.piece + 1
    with pytest.raises(PieceUnreadable):
        open_document(elsewhere.dossier, elsewhere.document, [piece.sealed] * many, [key] * many)


def test_what_was_not_written_here_is_no_declaration() -> None:
    with pytest.raises(BadInput):
        opened(b"{}")
