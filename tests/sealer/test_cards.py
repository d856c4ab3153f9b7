"""Cards asked for, made, handed over, opened and read again; and what is refused."""

import base64
import io
import json
import zipfile
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pypdf
import pytest
import zxingcpp
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from rempart.cli.commands import command_line
from rempart.foundation.vocabulary import Domain, Lane
from rempart.intake.cards import read_cards
from rempart.intake.lines import Chunk
from rempart.intake.model import CARD_COLUMNS, Kind, Reject
from rempart.intake.package import (
    MAGIC,
    STATEMENT,
    BadPackage,
    ForgedPackage,
    Head,
    open_package,
    write_package,
)
from rempart.intake.rejects import SENTENCES
from rempart.vault.published import PublishedKey, b64url
from rempart.vaultdoor.card_text import BadCardText, CardText, read_card_text, write_card_text
from rempart.vaultdoor.fhir import read_request, write_request, write_secret
from tests.sealer.conftest import Zone, full, member, with_key

TODAY = date(2026, 1, 5)
NIR = with_key("1800175056000")


@dataclass(frozen=True)
class Asked:
    """One line of a request for cards."""

    member_ref: str = "M1"
    card: str = "1"
    adherent: str = "00000001"
    birth_date: str = "1931-02-02"
    birth_rank: str = "1"
    beneficiary: str = "ARDIVELLE Bastorin"
    valid_from: str = "2026-01-01"
    valid_to: str = "2026-12-31"
    convention: str = "SP"
    csr: str = ""
    responsible: str = "1"
    guarantees: str = "PHAR 100 %|OPTI PEC"
    amc: str = "99000001"

    def written(self) -> str:
        return ";".join(getattr(self, column) for column in CARD_COLUMNS)


def request(*asked: Asked) -> bytes:
    return "".join(
        f"{line}\n" for line in (";".join(CARD_COLUMNS), *(one.written() for one in asked))
    ).encode()


@pytest.fixture
def folder(zone: Zone) -> Path:
    """Where cards are handed over; two people have one, one has none."""
    zone.rounds.workshop = zone.workshop = replace(zone.workshop, cards_folder=zone.folder / "cards")
    told = zone.load(full(member(1, card="1"), member(2, card="7"), member(3), optional=("card",)))
    assert told["state"] == "loaded"
    return zone.folder / "cards"


def ask(zone: Zone, *asked: Asked) -> dict[str, Any]:
    zone.clock.advance(1_000_000)
    return zone.load(request(*asked), Kind.CARDS)


def asked_for(number: int, **fields: str) -> Asked:
    line = member(number)
    return replace(Asked(line.member_ref, adherent=line.adherent, birth_date=line.birth_date), **fields)


def opened(zone: Zone, folder: Path, amc: str = "99000001") -> dict[str, bytes]:
    (package,) = folder.iterdir()
    target = zone.folder / "cards.zip"
    head = open_package(package, target, zone.insurers[amc].notice.private_bytes_raw(), published(zone))
    assert (head.amc, package.name) == (amc, f"{amc}-{head.delivery}.cards")
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def published(zone: Zone) -> dict[str, Any]:
    """/.well-known/jwks.json, as the door shows it."""
    return {"keys": [PublishedKey(zone.keys.ring.engagement).jwk]}


def scanned(pdf: bytes) -> str:
    """What a scanner types when it is held against the card."""
    (image,) = pypdf.PdfReader(io.BytesIO(pdf)).pages[0].images
    assert image.image is not None
    (symbol,) = zxingcpp.read_barcodes(image.image)
    assert symbol.format == zxingcpp.BarcodeFormat.DataMatrix
    return symbol.text


def test_a_card_is_asked_for_made_opened_scanned_and_presented(zone: Zone, folder: Path) -> None:
    told = ask(
        zone, asked_for(1), asked_for(2, card="7", beneficiary="Nguyễn Zoé", responsible="0", guarantees="")
    )
    assert (told["state"], told["lines"], told["persons"], told["rejected"]) == ("loaded", 2, 2, 0)
    found = opened(zone, folder)
    assert list(found) == ["000002.pdf", "000003.pdf", "cartes.csv"]
    assert found["cartes.csv"] == b"line;member_ref;file\n2;M1;000002.pdf\n3;M2;000003.pdf\n"
    for name, number, serial in (("000002.pdf", 1, 1), ("000003.pdf", 2, 7)):
        card, line = read_card_text(scanned(found[name])), member(number)
        assert card == CardText(line.amc, zone.secret(line, serial), date.fromisoformat(line.birth_date), 1)
        shown = read_request(write_request(card.presentation(Domain.PHAR), TODAY))
        assert shown.lane is Lane.SECRET
        (contract,) = zone.look(line, Lane.SECRET, secret=shown.secret) or []
        assert contract.product == "CONFORT"


def test_the_harmonised_block_is_printed_and_no_nir_is(zone: Zone, folder: Path) -> None:
    ask(zone, asked_for(1))
    pdf = opened(zone, folder)["000002.pdf"]
    text = pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    words = " ".join(text.split())
    for printed in (
        "N° AMC", "99000001", "Type de convention", "SP", "CSR", "–", "N° adhérent", "00000001", "Validité",
        "du 01/01/2026 au 31/12/2026", "ARDIVELLE Bastorin", "02/02/1931", "R", "PHAR", "100 %", "OPTI", "PEC", "Insurer 99000001",
    ):  # fmt: skip
        assert printed in words
    assert member(1).nir[:13] not in words.replace(" ", "")


def test_a_card_that_the_latest_file_does_not_know_is_told_line_by_line(zone: Zone, folder: Path) -> None:
    other = "1931-02-03"
    told = ask(
        zone, asked_for(1), asked_for(1, card="2"), asked_for(3), asked_for(1, birth_date=other), asked_for(1, birth_rank="2"),
        asked_for(99), asked_for(2, card="7", amc="99000002"),
    )  # fmt: skip
    assert [(r["line"], r["field"], r["code"]) for r in told["rejects"]] == [
        *((line, "card", "card-unknown") for line in (3, 4, 5, 6, 7)), (8, "amc", "amc-differs"),
    ]  # fmt: skip
    assert (told["state"], told["persons"], told["rejected"]) == ("loaded", 1, 6)
    assert list(opened(zone, folder)) == ["000002.pdf", "cartes.csv"]


def test_a_card_request_with_a_nir_column_is_refused_whole(zone: Zone, folder: Path) -> None:
    zone.clock.advance(1_000_000)
    header, *lines = request(asked_for(1)).decode().splitlines()
    content = f"{header};nir\n" + "".join(f"{line};{NIR}\n" for line in lines)
    told = zone.load(content.encode(), Kind.CARDS)
    assert (told["state"], told["code"]) == ("refused", "forbidden-column")
    assert "NIR" in told["detail"]
    assert NIR not in str(told)
    assert not folder.exists()
    # The same without the column is taken.
    assert ask(zone, asked_for(1))["persons"] == 1


def test_a_package_is_opened_by_its_insurer_s_key_alone(zone: Zone, folder: Path) -> None:
    zone.know("99000002")
    ask(zone, asked_for(1))
    (package,) = folder.iterdir()
    assert package.stat().st_mode & 0o777 == 0o600
    target, own = zone.folder / "out.zip", zone.insurers["99000001"].notice.private_bytes_raw()
    with pytest.raises(BadPackage):
        open_package(package, target, zone.insurers["99000002"].notice.private_bytes_raw(), published(zone))
    assert open_package(package, target, own, published(zone)).amc == "99000001"


def test_a_forged_package_of_cards_is_refused(zone: Zone, folder: Path) -> None:
    """The forger sees packages, knows every public key, and has the insurer fetch a file of theirs."""
    ask(zone, asked_for(1))
    (package,) = folder.iterdir()
    whole, own = package.read_bytes(), zone.insurers["99000001"].notice
    made = Forger(own.public_key().public_bytes_raw())
    key, statement = PublishedKey(zone.keys.ring.engagement), whole.split(b"\n")[1]
    another_kind = key.sign(key.header("rempart-receipt+jwt"), made.head)
    no_key = made.statement({"alg": "none", "kid": key.kid, "typ": STATEMENT}).rpartition(".")[0] + "."
    forged = {
        "theirs": made.package(made.statement()),
        "theirs, under the platform's name": made.package(made.statement({"kid": key.kid})),
        "unsigned": made.package(no_key),
        "without a statement": made.package(""),
        "another statement of the platform": made.package(another_kind),
        "a statement of another package": made.package(statement.decode().rstrip()),
        "an end cut off": whole[:-1],
        "a byte changed": whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
        "another ciphertext": whole[: -len(made.content)] + made.content,
        "the head alone": whole[:200],
    }
    target = zone.folder / "out.zip"
    for name, content in forged.items():
        (zone.folder / "forged").write_bytes(content)
        with pytest.raises(ForgedPackage):
            open_package(zone.folder / "forged", target, own.private_bytes_raw(), published(zone))
        assert [path.name for path in zone.folder.glob("out*")] == [], name
    (zone.folder / "forged").write_bytes(b"")
    with pytest.raises(BadPackage):
        open_package(zone.folder / "forged", target, own.private_bytes_raw(), published(zone))
    # The same bytes under the platform's signature are opened: it is the signature that was missing.
    signed = key.sign(key.header(STATEMENT), made.head)
    (zone.folder / "forged").write_bytes(made.package(signed))
    assert open_package(zone.folder / "forged", target, own.private_bytes_raw(), published(zone)) == made.head
    assert target.read_bytes() == b"PK: theirs"
    # And nothing of it is anybody's look-up: the ledger has no leaf.
    assert zone.owner.execute("SELECT size FROM evidence.log").fetchone() == (0,)


class Forger:
    """A package to an insurer, as anybody can make one."""

    def __init__(self, notice_key: bytes) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        out = io.BytesIO()
        write_package(io.BytesIO(b"PK: theirs"), out, notice_key, "99000001", "0" * 32, self._keep)
        self.content = out.getvalue().split(b"\n", 2)[2]

    def _keep(self, head: Head) -> str:
        self.head = head
        return "kept"

    def statement(self, header: dict[str, str] | None = None) -> str:
        """Signed by a key of their own."""
        pkcs8 = self._private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        key = PublishedKey(pkcs8)
        whole = {"alg": "ES256", "kid": key.kid, "typ": STATEMENT} | (header or {})
        return key.sign(b64url(json.dumps(whole).encode()), self.head)

    def package(self, statement: str) -> bytes:
        return MAGIC + statement.encode().ljust(1_024) + b"\n" + self.content


def test_the_insurer_opens_its_package_on_its_own_machine(zone: Zone, folder: Path) -> None:
    ask(zone, asked_for(1))
    (package,) = folder.iterdir()
    desk = zone.folder / "desk"
    desk.mkdir()
    key = desk / "notice.key"
    key.write_bytes(base64.b64encode(zone.insurers["99000001"].notice.private_bytes_raw()))
    (desk / "jwks.json").write_text(json.dumps(published(zone)))
    command = [
        "insurer", "cards-open", str(package), "--key", str(key), "--platform", str(desk / "jwks.json"),
        "--output", str(desk / "cards.zip"),
    ]  # fmt: skip
    told = CliRunner().invoke(command_line(command), command)
    assert told.exit_code == 0
    assert "1 cards of 99000001" in told.output
    assert (desk / "cards.zip").stat().st_mode & 0o777 == 0o600
    assert CliRunner().invoke(command_line(command), command).exit_code == 1, "nothing is written over"
    key.write_bytes(base64.b64encode(bytes(32)))
    command[-1] = str(desk / "others.zip")
    assert CliRunner().invoke(command_line(command), command).exit_code == 1
    assert not (desk / "others.zip").exists()
    key.write_bytes(base64.b64encode(zone.insurers["99000001"].notice.private_bytes_raw()))
    (desk / "jwks.json").write_text('{"keys": []}')
    refused = CliRunner().invoke(command_line(command), command)
    assert refused.exit_code == 1
    assert "[cards-forged]" in refused.output
    assert not (desk / "others.zip").exists()


def test_nothing_readable_of_a_card_stays_in_the_zone(
    zone: Zone, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ask(zone, asked_for(1))
    secret = zone.secret(member(1), 1)
    places = [path.read_bytes() for path in zone.folder.rglob("*") if path.is_file()]
    assert len(places) >= 2, "the package and what was told of it"
    for table in ("delivery", "reject", "load", "approval"):
        rows = zone.owner.execute(f"SELECT t::text FROM intake.{table} t").fetchall()
        places.append(str(rows).encode())
    places.append(caplog.text.encode())
    for place in places:
        for readable in (
            b"ARDIVELLE",
            b"Bastorin",
            b"%PDF",
            b"PK\x03\x04",
            secret,
            write_secret(secret).encode(),
        ):
            assert readable not in place


def test_a_request_that_came_before_is_not_taken_again(zone: Zone, folder: Path) -> None:
    content = zone.seal(request(asked_for(1)), Kind.CARDS)
    assert zone.work(zone.put(content))["state"] == "loaded"
    assert zone.work(zone.put(content))["code"] == "already-taken"
    assert len(list(folder.iterdir())) == 1


def test_cards_need_a_members_file_and_a_folder(zone: Zone) -> None:
    assert ask(zone, Asked())["code"] == "no-cards-folder"
    zone.rounds.workshop = replace(zone.workshop, cards_folder=zone.folder / "cards")
    assert ask(zone, Asked())["code"] == "no-full-file"


def test_a_sealer_that_is_stopped_leaves_no_half_package(zone: Zone, folder: Path) -> None:
    asked = iter([False, True])
    stopping = replace(zone.workshop, stopping=lambda: next(asked, True))
    zone.clock.advance(1_000_000)
    delivery = zone.send(request(asked_for(1)), Kind.CARDS)
    zone.rounds.workshop = stopping
    zone.rounds.step()
    assert zone.row(delivery)["state"] in {"received", "checking"}
    assert not list(folder.glob("*"))
    zone.rounds.workshop = zone.workshop
    assert zone.work(delivery)["state"] == "loaded"
    assert [path.suffix for path in folder.iterdir()] == [".cards"]


BROKEN = [
    ("member_ref", "", "missing"), ("member_ref", NIR, "nir-on-card"), ("member_ref", NIR[:13], "nir-on-card"), ("card", "0", "format"),
    ("card", "", "missing"), ("adherent", "", "missing"), ("adherent", NIR[:13], "nir-on-card"),
    ("adherent", "1 80 01 75 056 000", "nir-on-card"), ("birth_date", "13/01/1980", "date"), ("birth_date", "", "missing"),
    ("birth_date", "2027-01-01", "date-range"), ("birth_rank", "0", "format"), ("beneficiary", "", "missing"),
    ("beneficiary", f"Ardivelle {NIR}", "format"), ("beneficiary", "<script>", "format"), ("valid_from", "", "missing"),
    ("valid_to", "2025-12-31", "period"), ("valid_to", "soon", "date"), ("convention", "x" * 21, "format"),
    ("convention", NIR, "nir-on-card"), ("csr", "#", "format"), ("responsible", "oui", "format"), ("guarantees", "PHAR", "guarantees"),
    ("guarantees", "PHAR 1|PHAR 2", "guarantees"), ("guarantees", "NOPE 1", "guarantees"), ("guarantees", "PHAR 1|", "guarantees"),
    ("guarantees", f"PHAR {NIR}", "nir-on-card"), ("amc", "99000002", "amc-differs"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "code"), BROKEN)
def test_a_broken_rule_of_a_request_is_told_by_line_field_and_code(field: str, value: str, code: str) -> None:
    lines = [Asked(), replace(Asked(), **{field: value})]
    data = "".join(f"{line.written()}\n" for line in lines).encode()
    orders, rejects = read_cards(Chunk(2, data, 2), list(CARD_COLUMNS), "99000001", TODAY)
    assert [order.line for order in orders] == [2]
    assert rejects == [Reject(3, field, code)]
    assert code in SENTENCES


@given(st.binary(max_size=300))
def test_no_line_of_a_request_makes_its_reader_fail(raw: bytes) -> None:
    data = raw + b"\n"
    orders, rejects = read_cards(Chunk(2, data, data.count(b"\n")), list(CARD_COLUMNS), "99000001", TODAY)
    assert len(orders) + len({reject.line for reject in rejects}) == data.count(b"\n")


CARDS = st.builds(
    CardText,
    st.from_regex(r"[0-9A-Z]{8,10}", fullmatch=True),
    st.binary(min_size=16, max_size=16),
    st.dates(date(1880, 1, 1), date(2030, 1, 1)),
    st.integers(1, 9),
)


@given(CARDS)
def test_a_card_s_text_is_read_back_however_it_is_typed(card: CardText) -> None:
    text = write_card_text(card)
    assert read_card_text(text) == read_card_text(f"  {text.lower()}\r\n") == card
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ")
    assert write_secret(card.secret) not in repr(card)


@given(CARDS, st.data())
def test_a_slip_in_a_card_s_text_is_found_and_costs_nothing(card: CardText, data: st.DataObject) -> None:
    text = write_card_text(card)
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(
        st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ").filter(lambda one: one != text[at])
    )
    with pytest.raises(BadCardText) as refused:
        read_card_text(text[:at] + letter + text[at + 1 :])
    assert refused.value.__cause__ is None
    with pytest.raises(BadCardText):
        read_card_text(text[: max(at, 1)].rstrip())
