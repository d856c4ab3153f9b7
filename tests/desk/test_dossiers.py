"""Dossiers of référencement in the vault: who may read one, how much in a day, and that it takes the desk and the vault both."""

import secrets
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from psycopg.errors import CheckViolation, InsufficientPrivilege

from rempart.claims.first_rib import WAIT, ask_first_rib
from rempart.claims.rib import SYNTHETIC_BANK
from rempart.foundation.clock import HOUR, MINUTE
from rempart.foundation.vocabulary import Role
from rempart.identity.sealed_dossier import open_document, seal_piece
from rempart.vault.dossiers import A_DAY
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.dossier import PieceUnreadable, Place
from rempart.vaultdoor.messages import (
    AskDossierKey,
    Call,
    DossierKey,
    DossierKeys,
    MarkRib,
    Message,
    Reply,
    RibMark,
)
from tests.authenticator import expect
from tests.conftest import A_MONDAY, Database
from tests.desk.conftest import Operator, Room

SAID = b"what Claire Martin declared"


def cashier_asks(room: Room, call: Call) -> Reply:
    async def ask() -> Reply:
        client = VaultClient(room.zone.settings.run_folder / "cashier.sock")
        try:
            return await client.call(call)
        finally:
            await client.close()

    return room.runner.run(ask())


def take_in(room: Room, *pieces: bytes, finess: str = "010000602", mark: bytes = b"m" * 16) -> uuid.UUID:
    """A dossier as the cashier leaves it, its declaration in these pieces, in the cashier's role."""
    public = X25519PublicKey.from_public_bytes(expect(DossierKey, cashier_asks(room, AskDossierKey())).public)
    dossier = uuid.uuid4()
    with room.database.connect("cashier") as c:
        code = secrets.token_bytes(32)
        c.execute(
            "INSERT INTO identity.dossier (id, finess, siret, profession, opened, code, rib, rib_sealed, rib_mark)"
            " VALUES (%s, %s, %s, 'pharmacy', %s, %s, %s, 'sealed', %s)",
            (dossier, finess, finess.ljust(14, "0"), A_MONDAY, code, uuid.uuid4(), mark),
        )
        for number, plain in enumerate(pieces or (SAID,)):
            closed = seal_piece(public, Place(dossier, 0, number), plain, secrets.token_bytes(32))
            c.execute(
                "INSERT INTO identity.dossier_piece (dossier, document, piece, size, wrapped, sealed) VALUES (%s, 0, %s, %s, %s, %s)",
                (dossier, number, len(plain), closed.wrapped, closed.sealed),
            )
        assert c.execute("SELECT identity.finish_dossier(%s, %s)", (code, A_MONDAY)).fetchone() == (True,)
    return dossier


@pytest.fixture(autouse=True)
def _no_dossier_stays(room: Room) -> Iterator[None]:
    yield
    with room.database.connect() as owner:
        owner.execute("DELETE FROM identity.dossier; DELETE FROM claims.rib; DELETE FROM claims.letter")


@pytest.fixture
def clerk(room: Room) -> Operator:
    return room.operator("chloe", Role.ONBOARDING_CLERK)


def read_as_desk(room: Room, dossier: uuid.UUID) -> list[bytes]:
    with room.database.connect("desk") as c:
        rows = c.execute(
            "SELECT sealed FROM identity.dossier_piece WHERE dossier = %s AND document = 0 ORDER BY piece",
            (dossier,),
        )
        return [bytes(row[0]) for row in rows]


def test_the_desk_and_the_vault_together_read_a_dossier_and_the_journal_has_it(
    room: Room, clerk: Operator
) -> None:
    dossier = take_in(room, b"a" * 1000, b"b")
    told = clerk.expect(DossierKeys, "dossier/open", dossier=str(dossier), document=0)
    assert open_document(dossier, 0, read_as_desk(room, dossier), told.keys) == b"a" * 1000 + b"b"
    assert (told.seat.login, told.seat.role) == ("chloe", Role.ONBOARDING_CLERK)
    assert room.rows("SELECT actor, object, detail FROM vault.journal WHERE act = 'dossier:open'") == [
        ("chloe", str(dossier), "document 0")
    ]


def test_a_dossier_cannot_be_read_from_a_dump_of_the_database(room: Room) -> None:
    take_in(room)
    with room.database.connect() as owner:
        tables = [
            row[0]
            for row in owner.execute(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('identity', 'claims', 'vault')"
            )
        ]
        dump = b"".join(
            bytes(row[0])
            for table in tables
            for row in owner.execute(f"SELECT convert_to(t::text, 'UTF8') FROM {table} t")
        )
    for spelled in (SAID, SAID.hex().encode(), b"Claire", b"Martin"):
        assert spelled not in dump
    with room.database.connect() as owner:
        ((sealed,),) = owner.execute("SELECT sealed || wrapped FROM identity.dossier_piece")
        assert SAID not in bytes(sealed)


@pytest.mark.parametrize(
    ("role", "forbidden"),
    [
        ("desk", ("wrapped",)),
        ("vault", ("sealed",)),
        ("cashier", ("sealed", "wrapped")),
        ("operator", ("sealed", "wrapped", "dossier")),
        ("worker", ("sealed", "wrapped")),
        ("door", ("sealed", "wrapped", "dossier")),
        ("sealer", ("sealed", "wrapped", "dossier")),
        ("sentinel", ("sealed", "wrapped", "dossier")),
    ],
)
def test_no_role_of_the_database_reads_both_halves(
    module_database: Database, role: str, forbidden: tuple[str, ...]
) -> None:
    with module_database.connect(role) as c:
        for column in forbidden:
            with pytest.raises(InsufficientPrivilege):
                c.execute(f"SELECT {column} FROM identity.dossier_piece")


def test_neither_cashier_nor_vault_nor_desk_reads_whose_account_it_is(module_database: Database) -> None:
    for role in ("cashier", "vault", "desk", "operator", "worker"):
        with module_database.connect(role) as c:
            for column in ("rib_sealed", "rib_mark"):
                with pytest.raises(InsufficientPrivilege):
                    c.execute(f"SELECT {column} FROM identity.dossier")
    with module_database.connect("cashier") as c, pytest.raises(InsufficientPrivilege):
        c.execute("UPDATE identity.dossier SET state = 'enrolled'")


def test_a_piece_moved_to_another_dossier_does_not_open(room: Room, clerk: Operator) -> None:
    theirs, other = take_in(room), take_in(room)
    with room.database.connect() as owner:
        owner.execute(
            "UPDATE identity.dossier_piece a SET sealed = b.sealed, wrapped = b.wrapped FROM identity.dossier_piece b"
            " WHERE a.dossier = %s AND b.dossier = %s",
            (other, theirs),
        )
    assert clerk.refused("dossier/open", dossier=str(other), document=0) == "dossier-unreadable"
    # Nor with the key of its own place.
    keys = clerk.expect(DossierKeys, "dossier/open", dossier=str(theirs), document=0).keys
    with pytest.raises(PieceUnreadable):
        open_document(other, 0, read_as_desk(room, other), keys)


@pytest.mark.parametrize("role", [Role.DUTY_OFFICER, Role.AUDITOR])
def test_who_has_no_business_with_dossiers_opens_none_and_the_journal_has_the_attempt(
    room: Room, role: Role
) -> None:
    dossier = take_in(room)
    other = room.operator("diane", role)
    assert other.refused("dossier/open", dossier=str(dossier), document=0) == "forbidden"
    assert "desk:refuse" in room.journal()


def test_a_session_left_open_opens_no_dossier(room: Room, clerk: Operator) -> None:
    dossier = take_in(room)
    room.time.advance(6 * MINUTE)
    assert clerk.refused("dossier/open", dossier=str(dossier), document=0) == "step-up"


def test_what_is_not_there_is_one_answer(room: Room, clerk: Operator) -> None:
    dossier = take_in(room)
    assert clerk.refused("dossier/open", dossier=str(dossier), document=3) == "not-found"
    assert clerk.refused("dossier/open", dossier=str(uuid.uuid4()), document=0) == "not-found"
    assert clerk.refused("dossier/open", dossier=str(dossier), document=9) == "bad-input"


def test_nobody_reads_through_all_dossiers_in_a_day(room: Room, clerk: Operator) -> None:
    dossiers = [take_in(room) for _ in range(3)]
    with room.database.connect() as owner:
        for n in range(A_DAY - 2):
            owner.execute(
                "INSERT INTO vault.journal (at, actor, act, object, detail) VALUES (%s, 'chloe', 'dossier:open', %s, 'document 0')",
                (room.time(), str(uuid.UUID(int=n))),
            )
    for dossier in dossiers[:2]:
        clerk.expect(DossierKeys, "dossier/open", dossier=str(dossier), document=0)
    assert clerk.refused("dossier/open", dossier=str(dossiers[2]), document=0) == "dossier-openings"
    # What was opened already may be read again; and the next day is another.
    clerk.expect(DossierKeys, "dossier/open", dossier=str(dossiers[0]), document=0)
    lead = room.operator("sami", Role.SECURITY_LEAD)
    lead.expect(DossierKeys, "dossier/open", dossier=str(dossiers[2]), document=0)


def test_the_same_account_has_the_same_mark_and_the_vault_never_hears_its_number(room: Room) -> None:
    def mark(digest: bytes) -> bytes:
        return expect(RibMark, cashier_asks(room, MarkRib(digest))).mark

    assert mark(b"a" * 32) == mark(b"a" * 32) != mark(b"b" * 32)
    assert len(mark(b"a" * 32)) == 16
    assert expect_refused(cashier_asks(room, MarkRib(b"FR76" + SYNTHETIC_BANK.encode()))) == "bad-input"


def expect_refused(reply: Reply) -> str:
    assert isinstance(reply, Message)
    return getattr(reply, "code", "")


def elsewhere(room: Room, dossier: uuid.UUID, role: str = "desk") -> Any:
    with room.database.connect(role) as c:
        return c.execute("SELECT rib, siret FROM identity.dossier_elsewhere(%s)", (dossier,)).fetchone()


def test_an_account_or_a_siret_that_comes_back_is_seen_and_no_mark_is_told(room: Room) -> None:
    first = take_in(room, finess="010000602", mark=b"1" * 16)
    again = take_in(room, finess="010000602", mark=b"1" * 16)
    assert elsewhere(room, first) == elsewhere(room, again) == (False, False), "they apply again"
    other = take_in(room, finess="010000628", mark=b"1" * 16)
    assert elsewhere(room, other) == (True, False)
    with room.database.connect() as owner:
        owner.execute("UPDATE identity.dossier SET siret = '01000060200000' WHERE id = %s", (other,))
    assert elsewhere(room, other, "operator") == (True, True)
    own = take_in(room, finess="010000636", mark=b"2" * 16)
    with room.database.connect() as owner:
        owner.execute(
            "INSERT INTO claims.rib (id, establishment, sealed, state, asked, asked_by, effective_at, needs_second, mark)"
            " VALUES (gen_random_uuid(), gen_random_uuid(), '', 'in-force', 0, gen_random_uuid(), 0, false, %s)",
            (b"2" * 16,),
        )
    assert elsewhere(room, own) == (True, False)


def enrol(room: Room, dossier: uuid.UUID) -> None:
    with room.database.connect("desk") as c:
        c.execute(
            "UPDATE identity.dossier SET state = 'enrolled', decided = %s WHERE id = %s", (A_MONDAY, dossier)
        )


@pytest.mark.parametrize("role", ["desk", "operator"])
def test_the_account_of_an_enrolled_dossier_waits_like_any_other(room: Room, role: str) -> None:
    dossier, titulaire = take_in(room), uuid.uuid4()
    with room.database.connect(role) as c:
        assert not ask_first_rib(c, dossier, titulaire, A_MONDAY), "nothing is enrolled"
        enrol(room, dossier)
        assert ask_first_rib(c, dossier, titulaire, A_MONDAY)
        assert not ask_first_rib(c, dossier, titulaire, A_MONDAY + HOUR), "once"
        with pytest.raises(CheckViolation):
            c.execute("SELECT claims.ask_first_rib(%s, %s, %s, %s)", (dossier, titulaire, A_MONDAY, WAIT - 1))
        with pytest.raises(InsufficientPrivilege):
            c.execute("INSERT INTO claims.letter SELECT * FROM claims.letter")
    with room.database.connect() as owner:
        kept = owner.execute(
            "SELECT r.id = d.rib, r.establishment, r.state, r.asked_by, r.effective_at - r.asked, r.sealed, r.mark"
            " FROM claims.rib r JOIN identity.dossier d ON d.id = r.establishment"
        ).fetchall()
        assert kept == [(True, dossier, "waiting", titulaire, WAIT, b"sealed", b"m" * 16)]
        assert owner.execute("SELECT establishment, kind FROM claims.letter").fetchall() == [
            (dossier, "rib-asked")
        ]


def test_an_unfinished_document_is_never_received(room: Room) -> None:
    code, dossier = secrets.token_bytes(32), uuid.uuid4()

    def finished(c: "psycopg.Connection[Any]") -> bool:
        row = c.execute("SELECT identity.finish_dossier(%s, %s)", (code, A_MONDAY)).fetchone()
        assert row is not None
        return bool(row[0])

    def piece(c: "psycopg.Connection[Any]", document: int, number: int, size: int) -> None:
        c.execute(
            "INSERT INTO identity.dossier_piece (dossier, document, piece, size, wrapped, sealed) VALUES (%s, %s, %s, %s, %s, 'x')",
            (dossier, document, number, size, b"w" * 80),
        )

    with room.database.connect("cashier") as c:
        assert not finished(c)
        c.execute(
            "INSERT INTO identity.dossier (id, finess, siret, profession, opened, code, rib)"
            " VALUES (%s, '010000602', '1', 'pharmacy', %s, %s, %s)",
            (dossier, A_MONDAY, code, uuid.uuid4()),
        )
        assert not finished(c), "no declaration"
        piece(c, 0, 0, 9)
        c.execute("INSERT INTO identity.dossier_document VALUES (%s, 1, 'rib', 'image/png', 20)", (dossier,))
        piece(c, 1, 1, 10)
        assert not finished(c), "a piece is missing"
        piece(c, 1, 2, 10)
        assert not finished(c), "the first is missing, whatever the size"
        c.execute("INSERT INTO identity.dossier_document VALUES (%s, 2, 'rib', 'image/png', 5)", (dossier,))
        piece(c, 2, 0, 5)
        assert not finished(c)
    with room.database.connect() as owner:
        owner.execute("UPDATE identity.dossier_piece SET piece = piece - 1 WHERE document = 1 AND piece = 1")
        owner.execute("UPDATE identity.dossier_piece SET piece = piece - 1 WHERE document = 1 AND piece = 2")
    with room.database.connect("cashier") as c:
        assert finished(c)
        assert not finished(c), "once"


def test_a_command_lists_what_is_clear_and_has_no_way_to_read_more(room: Room, tmp_path: Path) -> None:
    (tmp_path / "operator.dsn").write_text(room.database.dsn("operator") + "\n")

    def typed(*arguments: str) -> str:
        command = [sys.executable, "-m", "rempart.cli", "onboarding", *arguments, "--folder", str(tmp_path)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=True, env={"COLUMNS": "240"}
        )
        return done.stdout

    assert "No dossier waits." in typed("dossiers")
    waiting, decided = take_in(room), take_in(room, finess="010000628")
    enrol(room, decided)
    shown = typed("dossiers")
    assert str(waiting) in shown
    assert str(decided) not in shown
    assert "Claire" not in shown
    assert {str(waiting), str(decided)} <= set(typed("dossiers", "--all").split())
