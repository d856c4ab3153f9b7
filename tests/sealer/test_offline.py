"""Offline cards asked for, made, handed over, scanned, verified without asking anybody, revoked; and what is refused."""

import csv
import io
import json
import re
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from rempart.cli.commands import command_line
from rempart.foundation.clock import SECOND
from rempart.foundation.settings import BadSettings
from rempart.foundation.vocabulary import Domain
from rempart.intake.model import OFFLINE_COLUMNS, OFFLINE_REVOKED_COLUMNS, Kind
from rempart.intake.offline import read_number
from rempart.intake.package import open_package
from rempart.sealer.offline_file import OfflineFile
from rempart.vault.keystore import offline_key
from rempart.vault.offline import sign_card
from rempart.vault.published import PublishedKey
from rempart.vaultdoor.offline_card import CardRefused, read_text, verify_card, write_digits
from tests.sealer.conftest import Line, Zone, full, member

DAY = 86_400


@dataclass(frozen=True)
class Made:
    """One card as the insurer finds it."""

    member_ref: str
    number: str
    text: str
    png: bytes


@pytest.fixture
def desk(zone: Zone) -> Zone:
    """Three people; offline cards are made for fourteen days, lists are believed for three."""
    key = PublishedKey(offline_key(zone.keys.ring))
    file = OfflineFile(
        zone.folder / "offline-cards.json", key, zone.workshop.origin, zone.clock, days=14, hours=72
    )
    zone.rounds.workshop = zone.workshop = replace(
        zone.workshop, cards_folder=zone.folder / "cards", offline=file
    )
    people = (
        member(1),
        member(2, domains="OPTI:-"),
        member(3, suspended_from="2020-01-01", suspended_reason="non-payment"),
    )
    assert zone.load(full(*people))["state"] == "loaded"
    return zone


def now(zone: Zone) -> int:
    return zone.clock() // SECOND


def ask(zone: Zone, *lines: Line, **fields: str) -> dict[str, Any]:
    zone.clock.advance(SECOND)
    rows = (
        ";".join(getattr(replace(line, **fields), column) for column in OFFLINE_COLUMNS) for line in lines
    )
    return zone.load("".join(f"{row}\n" for row in (";".join(OFFLINE_COLUMNS), *rows)).encode(), Kind.OFFLINE)


def revoke(zone: Zone, *numbers: str, amc: str = "99000001") -> dict[str, Any]:
    zone.clock.advance(SECOND)
    rows = (f"{amc};{number}\n" for number in numbers)
    content = ";".join(OFFLINE_REVOKED_COLUMNS) + "\n" + "".join(rows)
    return zone.load(content.encode(), Kind.OFFLINE_REVOKED, amc=amc)


def handed(zone: Zone) -> list[Made]:
    """The latest package, opened by its insurer."""
    package = max((zone.folder / "cards").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    target, jwks = zone.folder / "cards.zip", {"keys": [PublishedKey(zone.keys.ring.engagement).jwk]}
    open_package(package, target, zone.insurers["99000001"].notice.private_bytes_raw(), jwks)
    with zipfile.ZipFile(target) as archive:
        rows = csv.DictReader(io.StringIO(archive.read("cartes.csv").decode()), delimiter=";")
        return [Made(row["member_ref"], row["card"], row["text"], archive.read(row["file"])) for row in rows]


def published(zone: Zone) -> dict[str, Any]:
    """What a counter keeps for the day when nobody answers."""
    return dict(json.loads((zone.folder / "offline-cards.json").read_bytes()))


def scanned(png: bytes) -> str:
    (symbol,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(png)))
    assert symbol.format == zxingcpp.BarcodeFormat.QRCode
    return symbol.text


def refused(zone: Zone, text: str, *, later: int = 0, kept: dict[str, Any] | None = None) -> str:
    with pytest.raises(CardRefused) as why:
        verify_card(text, kept or published(zone), now(zone) + later)
    return why.value.reason


def test_an_offline_card_is_asked_for_made_scanned_and_verified_without_asking_anybody(desk: Zone) -> None:
    told = ask(desk, member(1), member(2))
    assert (told["state"], told["persons"], told["rejected"]) == ("loaded", 2, 0)
    first, second = handed(desk)
    assert (first.member_ref, second.member_ref) == ("M1", "M2")
    card = verify_card(scanned(first.png), published(desk), now(desk))
    assert (card.number, card.amc, card.not_after - card.not_before) == (first.number, "99000001", 14 * DAY)
    # What a look-up would say, and by what an engagement would be priced.
    assert set(card.rights) == {"PHAR", "OPTI"}
    (contract,) = card.rights[Domain.PHAR]
    assert contract == {
        "product": "CONFORT", "formula": "100 % BR, AMO comprise", "responsible": True, "pec": False,
        "guarantee": {"basis": "base-including-amo", "percent": 100, "amount_cents": None, "per": None},
    }  # fmt: skip
    # The second has no optics, as the members' file says; both texts and codes say the same card.
    assert set(verify_card(second.text, published(desk), now(desk)).rights) == {"PHAR"}
    assert read_text(scanned(second.png)) == second.text


def test_whoever_photographs_a_card_reads_no_identity_on_it(desk: Zone) -> None:
    ask(desk, member(1))
    (made,) = handed(desk)
    import base64
    import zlib

    payload = made.text.split(".")[1]
    plain = zlib.decompress(base64.urlsafe_b64decode(payload + "=="), -15).decode()
    line = member(1)
    for identity in (
        line.nir, line.nir[:13], line.adherent, line.birth_date, line.birth_date.replace("-", ""), line.member_ref, "Ardivelle",
        "Bastorin",
    ):  # fmt: skip
        assert identity not in plain.replace('"iss"', "")
    assert set(json.loads(plain)) == {"iss", "jti", "amc", "nbf", "exp", "status", "rights", "sealed"}
    # Two cards of one person have nothing in common that says so.
    ask(desk, member(1))
    (again,) = handed(desk)
    assert again.number != made.number
    rows = desk.owner.execute("SELECT t::text FROM vault.offline_card t").fetchall()
    assert all(line.adherent not in row and line.birth_date not in row for (row,) in rows)


def test_a_card_ends_and_is_not_accepted_before_it_begins(desk: Zone) -> None:
    ask(desk, member(1))
    (made,) = handed(desk)
    assert refused(desk, made.text, later=-DAY) == "early"
    desk.clock.advance(14 * DAY * SECOND - SECOND)
    desk.rounds.step()
    assert verify_card(made.text, published(desk), now(desk)).number == made.number
    desk.clock.advance(SECOND)
    assert refused(desk, made.text) == "expired"
    desk.rounds.step()
    desk.workshop.offline.publish(desk.workshop.connection)
    assert published(desk)["lists"] == [], "a bit that nobody needs is forgotten"


def test_a_right_that_ends_while_the_card_lives_ends_on_its_day(desk: Zone) -> None:
    from datetime import date, timedelta

    from rempart.foundation.clock import paris_date

    today = paris_date(desk.clock())
    ends = today + timedelta(3)
    assert (
        desk.load(full(member(1, valid_to=ends.isoformat()), member(2), member(3)), sequence=2)["state"]
        == "loaded"
    )
    ask(desk, member(1))
    (made,) = handed(desk)
    card = verify_card(made.text, published(desk), now(desk))
    assert card.open_on("PHAR", ends)[0]["until"] == ends.isoformat()
    assert card.open_on("PHAR", ends + timedelta(1)) == []
    assert card.open_on("DENT", today) == []
    assert isinstance(ends, date)


def test_a_revoked_card_is_refused_as_soon_as_the_list_is_fetched(desk: Zone) -> None:
    ask(desk, member(1), member(2))
    first, second = handed(desk)
    before = published(desk)
    told = revoke(desk, first.number)
    assert (told["state"], told["persons"], told["rejected"]) == ("loaded", 1, 0)
    assert refused(desk, first.text) == "revoked"
    # Exact: the next card is nobody else's. And the list from before knows nothing of it yet.
    assert verify_card(second.text, published(desk), now(desk)).number == second.number
    assert verify_card(first.text, before, now(desk)).number == first.number


def test_an_insurer_revokes_its_own_cards_only(desk: Zone) -> None:
    desk.know("99000002")
    ask(desk, member(1))
    (made,) = handed(desk)
    told = revoke(desk, made.number, amc="99000002")
    assert [(r["line"], r["code"]) for r in told["rejects"]] == [(2, "offline-card-unknown")]
    told = revoke(desk, "A" * 22, "short", "")
    assert [(r["line"], r["code"]) for r in told["rejects"]] == [
        (2, "offline-card-unknown"), (3, "format"), (4, "missing"),
    ]  # fmt: skip
    assert verify_card(made.text, published(desk), now(desk)).number == made.number


def test_an_old_list_and_a_missing_one_let_no_card_pass(desk: Zone) -> None:
    ask(desk, member(1))
    (made,) = handed(desk)
    kept = published(desk)
    assert verify_card(made.text, kept, now(desk) + 72 * 3_600 - 1).number == made.number
    assert refused(desk, made.text, later=72 * 3_600, kept=kept) == "stale-list"
    assert refused(desk, made.text, kept={**kept, "lists": []}) == "no-list"
    assert refused(desk, made.text, kept={**kept, "lists": ["a.b.c"]}) == "no-list"
    # A card cannot pass for its own list, nor a list for a card.
    assert refused(desk, made.text, kept={**kept, "lists": [made.text]}) == "no-list"
    assert refused(desk, kept["lists"][0], kept=kept) == "forged"


def test_the_list_is_renewed_each_quarter_of_an_hour(desk: Zone) -> None:
    ask(desk, member(1))
    made = published(desk)["made"]
    desk.clock.advance(14 * 60 * SECOND)
    desk.rounds.step()
    assert published(desk)["made"] == made
    desk.clock.advance(60 * SECOND)
    desk.rounds.step()
    assert published(desk)["made"] == made + 15 * 60


def test_a_forged_card_is_refused(desk: Zone) -> None:
    """The forger reads cards, knows every public key, and prints codes."""
    ask(desk, member(1))
    (made,) = handed(desk)
    kept, theirs = published(desk), PublishedKey(_new_key())
    header, payload, signature = made.text.split(".")
    claims = {"iss": desk.workshop.origin, "jti": "A" * 22}
    ours = PublishedKey(offline_key(desk.keys.ring))
    forged = {
        "another key": sign_card(theirs, claims),
        "another key under our name": ".".join((header, *sign_card(theirs, claims).split(".")[1:])),
        "another payload": f"{header}.{sign_card(theirs, claims).split('.')[1]}.{signature}",
        "no signature": f"{header}.{payload}.AAAA",
        "a statement of another kind": ours.sign(ours.header("rempart-receipt+jwt"), claims),
        "one letter changed": f"{header}.{payload[:20]}{'A' if payload[20] != 'A' else 'B'}{payload[21:]}.{signature}",
    }
    for what, text in forged.items():
        assert refused(desk, text, kept=kept) == "forged", what
        assert refused(desk, write_digits(text), kept=kept) == "forged", what
    for text in ("", "bonjour", made.text[:-50].rpartition(".")[0], "9" * 9_000, "12" * 50):
        assert refused(desk, text, kept=kept) in {"unreadable", "forged"}
    # An engagement's key signs no card, and a card's key is not among those that sign engagements.
    assert ours.kid != PublishedKey(desk.keys.ring.engagement).kid


def test_a_card_of_another_platform_is_refused(desk: Zone) -> None:
    ask(desk, member(1))
    (made,) = handed(desk)
    kept, other = published(desk), PublishedKey(_new_key())
    elsewhere = {**kept, "issuer": "https://elsewhere.example"}
    assert refused(desk, made.text, kept=elsewhere) == "elsewhere"
    assert refused(desk, made.text, kept={**elsewhere, "keys": [other.jwk]}) == "forged"


def test_who_is_unknown_or_has_nothing_open_gets_no_card(desk: Zone) -> None:
    born = replace(member(1), birth_date="1931-02-03")
    told = ask(
        desk,
        born,
        member(3),
        member(9),
        replace(member(1), member_ref="M2"),
        replace(member(1), amc="99000002"),
    )
    assert [(r["line"], r["field"], r["code"]) for r in told["rejects"]] == [
        (2, "member_ref", "person-unknown"), (3, "member_ref", "no-right"), (4, "member_ref", "person-unknown"),
        (5, "member_ref", "person-unknown"), (6, "amc", "amc-differs"),
    ]  # fmt: skip
    assert not (desk.folder / "cards").exists()
    assert desk.owner.execute("SELECT count(*) FROM vault.offline_card").fetchone() == (0,)


def test_a_request_with_a_nir_column_is_refused_whole(desk: Zone) -> None:
    desk.clock.advance(SECOND)
    line = member(1)
    row = ";".join(getattr(line, column) for column in OFFLINE_COLUMNS)
    content = f"{';'.join(OFFLINE_COLUMNS)};nir\n{row};{line.nir}\n".encode()
    told = desk.load(content, Kind.OFFLINE)
    assert (told["state"], told["code"]) == ("refused", "forbidden-column")


def test_the_command_verifies_a_card_offline(desk: Zone, tmp_path: Path) -> None:
    ask(desk, member(1))
    (made,) = handed(desk)
    text, kept = tmp_path / "card.txt", desk.folder / "offline-cards.json"
    text.write_text(write_digits(made.text) + "\n")
    from rempart.foundation.clock import instant

    command = [
        "card",
        "verify",
        str(text),
        "--platform",
        str(kept),
        "--at",
        instant(desk.clock()).isoformat(),
    ]
    told = CliRunner().invoke(command_line(command), command)
    assert told.exit_code == 0, told.output
    assert "99000001" in told.output
    assert "PHAR  CONFORT: 100 % BR, AMO comprise" in told.output
    piped = CliRunner().invoke(
        command_line(command), [*command[:2], "-", *command[3:], "--json"], input=made.text
    )
    assert json.loads(piped.output)["card"] == made.number
    revoke(desk, made.number)
    told = CliRunner().invoke(command_line(command), command)
    assert told.exit_code == 1
    assert "[revoked]" in told.output


def test_a_card_lives_a_month_at_most(desk: Zone) -> None:
    key = PublishedKey(offline_key(desk.keys.ring))
    for days, hours in ((32, 1), (0, 1), (1, 25), (1, 0)):
        with pytest.raises(BadSettings):
            OfflineFile(desk.folder / "x", key, "http://localhost:8000", desk.clock, days=days, hours=hours)


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    try:
        assert read_text(text).count(".") == 2
    except CardRefused:
        assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", text, re.ASCII) is None
    assert read_number(text) is None or len(text) == 22


def _new_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
