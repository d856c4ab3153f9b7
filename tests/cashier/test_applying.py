"""Somebody applies to be referenced: what is taken in and closed, and the attacks on a page that everybody may use."""

import logging
import secrets
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rempart.cashier.applying import AS_ONE, LOOKS_A_DAY, UNDER_WAY, Applying, Over
from rempart.claims.rib import open_rib
from rempart.foundation.clock import DAY, HOUR, MINUTE
from rempart.foundation.errors import BadInput, Outage
from rempart.identity import dossier as declared
from rempart.identity import store_dossiers as store
from rempart.identity.checks import NOWHERE
from rempart.identity.convention import VERSION
from rempart.identity.dossier import MOST_BYTES, MOST_PIECE
from rempart.identity.sealed_dossier import open_document
from rempart.vault.keystore import dossier_key
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.dossier import Place, unwrap_key
from rempart.vaultdoor.messages import (
    AddPiece,
    Announced,
    AskDossierState,
    Done,
    DossierFaults,
    DossierOpened,
    DossierState,
    FinishDossier,
    OpenDossier,
    Refused,
    Reply,
)
from tests.authenticator import expect
from tests.cashier.conftest import Professional, Trade
from tests.cashier.test_money import NEW, change, referenced
from tests.identity.test_dossier import TYPED

IBAN = "FR7630006000011234567890189"
HOME = "192.0.2.7"
PDF = b"%PDF-1.7\n" + bytes(300_000)
SAID = TYPED | {"convention": VERSION}


@pytest.fixture(autouse=True)
def _nothing_waits(trade: Trade) -> Iterator[None]:
    yield
    with trade.database.connect() as owner:
        owner.execute("DELETE FROM identity.dossier")
    trade.clock.advance(DAY)


def opening(
    *files: tuple[str, int],
    iban: str = IBAN,
    address: str = HOME,
    kind: str = "application/pdf",
    **typed: str,
) -> OpenDossier:
    return OpenDossier(SAID | typed, iban, [Announced(about, kind, size) for about, size in files], address)


def begin(trade: Trade, *files: tuple[str, int], **changes: Any) -> str:
    return expect(DossierOpened, trade.at_cashier(opening(*files, **changes))).code


def pieces(content: bytes) -> list[bytes]:
    return [content[start : start + MOST_PIECE] for start in range(0, len(content), MOST_PIECE)]


def refused(reply: Reply) -> str:
    return expect(Refused, reply).code


def apply(trade: Trade, **changes: Any) -> str:
    """A whole dossier with one PDF; its follow-up code."""
    code = begin(trade, ("professional-card", len(PDF)), **changes)
    for number, piece in enumerate(pieces(PDF)):
        expect(Done, trade.at_cashier(AddPiece(code, 1, number, piece)))
    expect(Done, trade.at_cashier(FinishDossier(code)))
    return code


def state(trade: Trade, code: str) -> Reply:
    return trade.at_cashier(AskDossierState(code, HOME))


def test_who_is_cleared_with_a_flood_learns_it_by_the_code_and_may_apply_again(trade: Trade) -> None:
    code = apply(trade)
    [(dossier,)] = trade.rows("SELECT id FROM identity.dossier")
    with trade.database.connect("operator") as c:
        assert store.clear(c, [dossier], trade.clock()) == 1
        assert store.clear(c, [dossier], trade.clock()) == 0
    assert expect(DossierState, state(trade, code)).state == "cleared"
    for table in ("piece", "document"):
        assert trade.rows(f"SELECT count(*) FROM identity.dossier_{table}") == [(0,)]
    assert expect(DossierState, state(trade, apply(trade))).state == "received"


def opened(trade: Trade, document: int) -> bytes:
    """As desk and vault open it together."""
    rows = trade.rows(
        "SELECT dossier, piece, wrapped, sealed FROM identity.dossier_piece WHERE document = %s ORDER BY piece",
        document,
    )
    dossier, private = rows[0][0], dossier_key(trade.keys.ring)
    keys = [unwrap_key(private, Place(dossier, document, n), bytes(wrapped)) for _, n, wrapped, _ in rows]
    return open_document(dossier, document, [bytes(sealed) for *_, sealed in rows], keys)


def test_what_was_declared_is_what_the_desk_will_read_and_the_settlement_run_will_pay(trade: Trade) -> None:
    code = apply(trade)
    said = declared.opened(opened(trade, 0))
    assert (said.holder, said.signed_by, said.convention) == ("Claire Martin", "Claire Martin", VERSION)
    assert said.signed_on == trade.today()
    assert opened(trade, 1) == PDF
    ((dossier, rib, sealed, finess, kind, size),) = trade.rows(
        "SELECT d.id, d.rib, d.rib_sealed, d.finess, t.kind, t.size FROM identity.dossier d JOIN identity.dossier_document t"
        " ON t.dossier = d.id"
    )
    assert open_rib(trade.settlement, dossier, rib, bytes(sealed)) == IBAN
    assert (finess, kind, size) == ("010000602", "application/pdf", len(PDF))
    assert expect(DossierState, state(trade, code)).state == "received"
    assert expect(DossierState, state(trade, code.lower().replace("-", " "))).received == trade.clock()


def test_what_is_wrong_is_told_field_by_field_and_nothing_is_kept(trade: Trade) -> None:
    found = expect(DossierFaults, trade.at_cashier(opening(finess="1", email="x", iban="FR00")))
    assert [fault.field for fault in found.faults] == ["finess", "email", "iban"]
    assert trade.rows("SELECT FROM identity.dossier") == []
    # A demonstration takes no real account.
    found = expect(DossierFaults, trade.at_cashier(opening(iban="DE89370400440532013000")))
    assert [fault.field for fault in found.faults] == ["iban"]


@pytest.mark.parametrize("disguised", [b"<!doctype html><script>alert(1)</script>", b"MZ\x90\0", b"PK\3\4"])
def test_a_page_named_pdf_is_refused_whatever_it_is_announced_as(trade: Trade, disguised: bytes) -> None:
    code = begin(trade, ("other", len(disguised)))
    assert refused(trade.at_cashier(AddPiece(code, 1, 0, disguised))) == "dossier-file"
    assert refused(trade.at_cashier(FinishDossier(code))) == "dossier-over", "and it is never whole"
    assert refused(trade.at_cashier(opening(("other", 9), kind="text/html"))) == "dossier-file"


def test_a_png_that_was_announced_as_a_pdf_is_refused(trade: Trade) -> None:
    image = b"\x89PNG\r\n\x1a\n"
    code = begin(trade, ("other", len(image)))
    assert refused(trade.at_cashier(AddPiece(code, 1, 0, image))) == "dossier-file"


def test_a_piece_that_is_sent_again_changes_nothing(trade: Trade) -> None:
    code = begin(trade, ("other", 9))
    expect(Done, trade.at_cashier(AddPiece(code, 1, 0, b"%PDF-1.7\n")))
    expect(Done, trade.at_cashier(AddPiece(code, 1, 0, b"%PDF-2.0\n")))
    assert opened(trade, 1) == b"%PDF-1.7\n"
    expect(Done, trade.at_cashier(FinishDossier(code)))
    expect(Done, trade.at_cashier(FinishDossier(code)))
    assert refused(trade.at_cashier(AddPiece(code, 1, 0, b"%PDF-2.0\n"))) == "dossier-over", "it was sent"


def test_a_document_holds_what_was_announced_and_no_byte_more(trade: Trade) -> None:
    code = begin(trade, ("other", MOST_PIECE + 5))
    whole = b"%PDF-" + bytes(MOST_PIECE - 5)
    for document, number, body in (
        (1, 0, whole[:-1]),
        (1, 1, b"123456"),
        (1, 2, b"1"),
        (1, -1, whole),
        (2, 0, whole),
        (0, 0, whole),
        (1, 0, whole + b"x"),
        (1, 0, b""),
    ):
        assert refused(trade.at_cashier(AddPiece(code, document, number, body))) == "bad-input"
    expect(Done, trade.at_cashier(AddPiece(code, 1, 0, whole)))
    assert refused(trade.at_cashier(FinishDossier(code))) == "dossier-over"
    expect(Done, trade.at_cashier(AddPiece(code, 1, 1, b"12345")))
    expect(Done, trade.at_cashier(FinishDossier(code)))


def test_documents_are_bounded_in_number_and_size(trade: Trade) -> None:
    assert refused(trade.at_cashier(opening(*[("other", 9)] * 6))) == "bad-input"
    assert refused(trade.at_cashier(opening(("other", MOST_BYTES + 1)))) == "bad-input"
    assert refused(trade.at_cashier(opening(("passport", 9)))) == "dossier-file"


def test_the_answers_do_not_tell_whether_a_finess_is_known(trade: Trade) -> None:
    place = referenced(trade).establishment
    ((finess,),) = trade.rows("SELECT finess FROM vault.establishment WHERE id = %s", uuid.UUID(place))
    answers = [type(trade.at_cashier(opening(finess=each))) for each in (finess, "010000602", finess)]
    assert answers == [DossierOpened] * 3
    code = apply(trade, finess=finess)
    assert expect(DossierState, state(trade, code)).state == "received"


def test_a_guessed_follow_up_code_is_answered_like_any_and_guessing_is_bounded(trade: Trade) -> None:
    code = apply(trade)
    unfinished = begin(trade)
    guesses = [
        code[:-1] + ("A" if code[-1] != "A" else "B"),
        unfinished,
        "",
        "x" * 2000,
        "0000-0000-0000-0000-0000",
    ]
    assert {refused(state(trade, guess)) for guess in guesses} == {"dossier-unknown"}
    for _ in range(LOOKS_A_DAY - len(guesses)):
        assert refused(state(trade, secrets.token_hex(10))) == "dossier-unknown"
    assert refused(state(trade, code)) == "dossier-often", (
        "even with the right one: a guess is not told from it"
    )
    expect(DossierState, trade.at_cashier(AskDossierState(code, "198.51.100.3")))
    trade.clock.advance(DAY)
    expect(DossierState, state(trade, code))


def test_a_flood_from_one_sender_ends_at_ten_a_day(trade: Trade) -> None:
    for _ in range(trade.cashier.settings.dossiers_a_day):
        begin(trade)
    assert refused(trade.at_cashier(opening())) == "dossier-often"
    begin(trade, address="198.51.100.3")
    # Whoever mistypes is not counted.
    trade.clock.advance(DAY)
    for _ in range(30):
        expect(DossierFaults, trade.at_cashier(opening(finess="1")))
    begin(trade)


def test_one_line_of_65536_networks_neither_fills_the_places_nor_the_table_of_senders(trade: Trade) -> None:
    most = trade.cashier.settings.dossiers_a_day * AS_ONE
    assert most < UNDER_WAY
    lines = [f"2001:db8:1:{n:x}::/64" for n in range(most + 1)]
    for line in lines[:most]:
        begin(trade, address=line)
    assert refused(trade.at_cashier(opening(address=lines[most]))) == "dossier-often"
    # Others apply, of the next line and of IPv4.
    begin(trade, address="2001:db8:2::/64")
    begin(trade, address="198.51.100.3")
    for n in range(LOOKS_A_DAY * AS_ONE):
        assert refused(trade.at_cashier(AskDossierState("x", f"2001:db8:1:{n:x}::/64"))) == "dossier-unknown"
    assert refused(trade.at_cashier(AskDossierState("x", "2001:db8:1:ffff::/64"))) == "dossier-often"


def test_a_flood_from_everywhere_fills_no_disk(trade: Trade) -> None:
    for n in range(UNDER_WAY):
        begin(trade, address=f"198.51.100.{n}")
    assert refused(trade.at_cashier(opening(address="203.0.113.1"))) == "dossier-crowded"
    # What nobody finishes makes room within the hour.
    trade.clock.advance(HOUR + MINUTE)
    begin(trade, address="203.0.113.1")
    with trade.database.connect() as owner:
        owner.execute(
            "INSERT INTO identity.dossier (id, finess, siret, profession, state, opened, received, code, rib)"
            " SELECT gen_random_uuid(), '', '', '', 'received', 0, 0, sha256(n::text::bytea), gen_random_uuid()"
            " FROM generate_series(1, %s) n",
            (trade.cashier.settings.dossiers_waiting,),
        )
    assert refused(trade.at_cashier(opening(address="203.0.113.2"))) == "dossier-crowded"


def test_an_hour_later_nothing_more_is_added(trade: Trade) -> None:
    code = begin(trade, ("other", 9))
    trade.clock.advance(HOUR + MINUTE)
    assert refused(trade.at_cashier(AddPiece(code, 1, 0, b"%PDF-1.7\n"))) == "dossier-over"


def test_dossiers_kept_beyond_their_hour_are_not_all_finished_at_once(trade: Trade) -> None:
    """With a worker that is down: else the bound on what waits is counted when they begin and overrun when they end."""
    whole = begin(trade)
    trade.clock.advance(HOUR + MINUTE)
    assert refused(trade.at_cashier(FinishDossier(whole))) == "dossier-over"
    with trade.database.connect() as owner:
        owner.execute(
            "INSERT INTO identity.dossier (id, finess, siret, profession, opened, code, rib)"
            " SELECT gen_random_uuid(), '', '', '', 0, sha256(n::text::bytea), gen_random_uuid() FROM generate_series(1, %s) n",
            (trade.cashier.settings.dossiers_waiting,),
        )
    # They hold their place on the disk until they are erased.
    assert refused(trade.at_cashier(opening(address="203.0.113.2"))) == "dossier-crowded"


def test_pieces_of_no_dossier_cost_the_vault_nothing(trade: Trade) -> None:
    """They come as fast as anybody likes: the vault, away here, is asked only for a piece that was announced."""
    code = begin(trade, ("other", 9))
    applying = Applying(replace(trade.cashier, vault=VaultClient("/nowhere.sock")))
    for guess, document, told in (("", 1, Over), ("0000", 1, Over), (code, 2, BadInput), (code, 1, Outage)):
        with pytest.raises(told):
            trade.runner.run(applying.answer(AddPiece(guess, document, 0, b"%PDF-1.7\n")))


def test_neither_account_nor_name_is_written_in_a_log(trade: Trade, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        apply(trade)
        trade.at_cashier(opening(iban="FR7630006000011234567890188"))
        trade.at_cashier(opening(finess="x"))
    for spelled in (IBAN, "30006000011234567890", "Claire", "Martin", "claire@example.org"):
        assert spelled not in caplog.text


def test_the_front_may_ask_of_the_cashier_what_a_page_needs_and_no_more(trade: Trade) -> None:
    from rempart.cashier.__main__ import CALLERS

    assert {OpenDossier, AddPiece, FinishDossier, AskDossierState} <= set(CALLERS["door"])
    for caller in ("probe", "worker"):
        assert not {OpenDossier, AddPiece, FinishDossier, AskDossierState} & set(CALLERS[caller])


def test_a_titulaires_new_account_has_the_mark_of_the_dossiers(trade: Trade) -> None:
    who: Professional = referenced(trade)
    change(who)
    apply(trade, iban=NEW.iban)
    ((dossier, same),) = trade.rows(
        "SELECT d.id, d.rib_mark = r.mark FROM identity.dossier d, claims.rib r WHERE r.establishment = %s AND r.state = 'waiting'",
        uuid.UUID(who.establishment),
    )
    assert same is True
    with trade.database.connect("desk") as desk:
        assert store.elsewhere_of(desk, dossier) == (True, False, False, False)
        assert store.elsewhere_of(desk, uuid.uuid4()) == NOWHERE


def test_what_has_had_its_time_is_erased(trade: Trade, tmp_path: Path) -> None:
    begin(trade, address="198.51.100.1")
    codes = [apply(trade, address=f"198.51.100.{n}") for n in range(2, 5)]
    ids = [
        row[0] for row in trade.rows("SELECT id FROM identity.dossier ORDER BY opened, received NULLS FIRST")
    ]
    assert len(ids) == 4
    decided = declared.hash_of_code(codes[0])
    with trade.database.connect() as owner:
        owner.execute(
            "UPDATE identity.dossier SET state = 'refused', decided = %s WHERE code = %s",
            (trade.clock(), decided),
        )

    def erase() -> int:
        with trade.database.connect("worker") as worker:
            return store.erase(worker, trade.clock())

    def left(table: str) -> int:
        return len(trade.rows(f"SELECT FROM identity.{table}"))

    assert erase() == 0
    trade.clock.advance(HOUR + MINUTE)
    assert erase() == 1, "what nobody finished"
    assert (left("dossier"), left("dossier_document")) == (3, 3)
    trade.clock.advance(30 * DAY)
    assert erase() == 1, "what was decided a month ago cannot be read any more"
    assert (left("dossier"), left("dossier_document")) == (3, 2)
    assert trade.rows("SELECT rib_sealed, rib_mark FROM identity.dossier WHERE decided IS NOT NULL") == [
        (None, None)
    ]
    assert expect(DossierState, state(trade, codes[0])).state == "refused", "and its state is told still"
    trade.clock.advance(150 * DAY)
    assert erase() == 3
    assert (left("dossier"), left("dossier_document"), left("dossier_piece")) == (0, 0, 0)
