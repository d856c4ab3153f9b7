"""A platform's vault zone in one process: real database, keys, spool; insurers with keys of their own; files made line by line."""

import gzip
import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pyrage
import pytest
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from rempart.foundation.vocabulary import Lane
from rempart.intake.envelope import seal_file
from rempart.intake.manifest import make_manifest, write_manifest
from rempart.intake.model import DELTA_COLUMNS, MEMBER_COLUMNS, PRODUCT_COLUMNS, Kind
from rempart.sealer import store
from rempart.sealer.counting import SealingCount
from rempart.sealer.load import Workshop
from rempart.sealer.spool import Note, Spool
from rempart.sealer.watch import Round
from rempart.sealer.workers import Access, Gang
from rempart.vault.capsule import (
    CapsuleContent,
    card_message,
    card_secret,
    derive,
    open_capsule,
    secret_message,
    vitale_message,
)
from rempart.vault.capsule import associated_data as capsule_data
from rempart.vault.keystore import FileKeyStore, create_key_store, open_key_store
from tests.conftest import Database, TestClock

NIRS = ("295109912600017", "253072B07300070", "180017505600004", "290017505600075", "170017505600088")


@dataclass(frozen=True)
class Line:
    """One line of a members' file; every field as it is written."""

    member_ref: str = "M1"
    adherent: str = "20318847"
    nir: str = ""
    nir_attached: str = ""
    birth_date: str = "1980-01-13"
    birth_rank: str = "1"
    family_name: str = "Ardivelle"
    first_name: str = "Bastorin"
    contract: str = "C1"
    product: str = "CONFORT"
    valid_from: str = "2019-04-01"
    valid_to: str = ""
    responsible: str = "1"
    suspended_from: str = ""
    suspended_reason: str = ""
    domains: str = ""
    amc: str = "99000001"
    action: str = "U"
    card: str = ""
    canary: str = ""

    def leaves(self) -> "Line":
        """The D line of this person."""
        return Line(self.member_ref, *[""] * 15, amc="", action="D")

    def written(self, columns: Iterable[str]) -> str:
        return ";".join(getattr(self, column) for column in columns)


def with_key(first13: str) -> str:
    """A whole NIR."""
    from rempart.foundation.identifiers import nir_key

    return f"{first13}{nir_key(first13):02d}"


def member(number: int, **fields: str) -> Line:
    """The n-th synthetic member: everything that must be unique is."""
    nir = with_key(f"1{number % 100:02d}01{number // 100 % 95 + 1:02d}{number // 9500 % 1000:03d}000")
    return replace(
        Line(f"M{number}", f"{number:08d}", nir, birth_date=f"{1930 + number % 60}-02-{number % 28 + 1:02d}"),
        **fields,
    )


def full(*lines: Line, optional: Sequence[str] = ()) -> bytes:
    columns = (*MEMBER_COLUMNS, *optional)
    return _csv(columns, (line.written(columns) for line in lines))


def delta(*lines: Line, optional: Sequence[str] = ()) -> bytes:
    columns = (*DELTA_COLUMNS, *optional)
    return _csv(columns, (line.written(columns) for line in lines))


def products(amc: str = "99000001", *references: str) -> bytes:
    return _csv(
        PRODUCT_COLUMNS,
        (
            f"{amc};{reference};Confort;{domain};base-including-amo;100;;;100 % BR, AMO comprise;0"
            for reference in references or ("CONFORT", "PREMIUM")
            for domain in ("PHAR", "OPTI")
        ),
    )


def _csv(columns: Iterable[str], lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in (";".join(columns), *lines)).encode()


@dataclass
class Insurer:
    """An insurer and its keys."""

    amc: str
    number: int
    signing: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    notice: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)


@dataclass
class Zone:
    """The vault's zone under test."""

    database: Database
    clock: TestClock
    keys: FileKeyStore
    folder: Path
    spool: Spool
    workshop: Workshop
    rounds: Round
    owner: "psycopg.Connection[Any]"
    insurers: dict[str, Insurer] = field(default_factory=dict)

    def know(self, amc: str = "99000001") -> Insurer:
        """Register an insurer, as the operator does."""
        insurer = Insurer(amc, len(self.insurers) + 1)
        self.owner.execute(
            "INSERT INTO vault.insurer (number, amc, name, signing_key, notice_key) VALUES (%s, %s, %s, %s, %s)",
            (
                insurer.number, amc, f"Insurer {amc}", insurer.signing.public_key().public_bytes_raw(),
                insurer.notice.public_key().public_bytes_raw(),
            ),
        )  # fmt: skip
        self.insurers[amc] = insurer
        return insurer

    @property
    def recipient(self) -> str:
        return str(pyrage.x25519.Identity.from_str(self.keys.ring.intake).to_public())

    def seal(self, content: bytes, kind: Kind, sequence: int = 1, amc: str = "99000001") -> bytes:
        """The envelope an insurer makes of a file."""
        name = secrets.token_hex(4)
        source, target = self.folder / f"{name}.csv", self.folder / f"{name}.rempart"
        source.write_bytes(content)
        seal_file(
            source, target, amc, kind, sequence, self.insurers[amc].signing, self.recipient, self.clock()
        )
        source.unlink()
        return target.read_bytes()

    def put(self, content: bytes, **note: Any) -> str:
        """Lay a file down in the spool, as a door does."""
        delivery = secrets.token_hex(16)
        (self.spool.folder / f"{delivery}.bin").write_bytes(content)
        written = Note(**{"delivery": delivery, "sender": "anne", **note})
        (self.spool.folder / f"{delivery}.json").write_bytes(msgspec.json.encode(written))
        return delivery

    def send(self, content: bytes, kind: Kind, sequence: int = 1, amc: str = "99000001") -> str:
        """Seal and lay down."""
        return self.put(self.seal(content, kind, sequence, amc))

    def put_plain(
        self, content: bytes, kind: Kind, sequence: int = 1, amc: str = "99000001", compress: str = ""
    ) -> str:
        """A plain file with its manifest."""
        manifest = make_manifest(
            amc, kind, sequence, content.count(b"\n") - 1, hashlib.sha256(content).hexdigest(), self.clock()
        )
        packed = {"gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress, "": bytes}[compress](
            content
        )
        return self.put(packed, manifest=write_manifest(manifest).decode())

    def load(
        self, content: bytes, kind: Kind = Kind.FULL, sequence: int = 1, amc: str = "99000001"
    ) -> dict[str, Any]:
        """Send a file, let the sealer work, return what it tells."""
        return self.work(self.send(content, kind, sequence, amc))

    def work(self, delivery: str) -> dict[str, Any]:
        """Let the sealer make one round; return what it tells of a delivery."""
        self.rounds.step()
        return self.told(delivery)

    def told(self, delivery: str) -> dict[str, Any]:
        return dict(msgspec.json.decode((self.spool.folder / f"{delivery}.status").read_bytes()))

    def row(self, delivery: str) -> dict[str, Any]:
        """The delivery's row."""
        cursor = self.owner.execute("SELECT * FROM intake.delivery WHERE id = %s", (delivery,))
        assert cursor.description
        names = [column.name for column in cursor.description]
        return dict(zip(names, cursor.fetchone() or (), strict=True))

    def insurer(self, amc: str = "99000001") -> store.Insurer:
        found = store.find_insurer(self.workshop.connection, amc)
        assert found is not None
        return found

    def tables(self) -> list[str]:
        rows = self.owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'capsule' ORDER BY 1")
        return [name for (name,) in rows]

    def secret(self, line: Line, serial: int) -> bytes:
        """The secret of somebody's card."""
        return card_secret(self.keys.prf("card"), line.amc, line.member_ref, serial)

    def look(
        self, line: Line, lane: Lane = Lane.CARD, nir: str = "", secret: bytes = b"", amc: str = ""
    ) -> CapsuleContent | None:
        """What the vault finds when somebody is presented: the contracts, or nothing. `amc`: as it is presented."""
        from datetime import date

        insurer = self.insurer(amc or line.amc)
        birth, rank = date.fromisoformat(line.birth_date), int(line.birth_rank)
        match lane:
            case Lane.CARD:
                message = card_message(insurer.epoch, insurer.amc, line.adherent, birth, rank)
            case Lane.VITALE:
                message = vitale_message(insurer.epoch, insurer.amc, nir or line.nir, birth, rank)
            case Lane.SECRET:
                message = secret_message(insurer.epoch, insurer.amc, secret, birth, rank)
        tag, key = derive(self.keys.prf(f"capsule-{insurer.epoch or 1}")(message))
        if not insurer.generation:
            return None
        row = self.owner.execute(
            f"SELECT sealed FROM capsule.i{insurer.number}_g{insurer.generation} WHERE tag = %s", (tag.hex(),)
        ).fetchone()
        return open_capsule(key, capsule_data(insurer.number, lane, insurer.epoch), row[0]) if row else None


@pytest.fixture(scope="session")
def key_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys, once for all tests: stretching a passphrase takes its time."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "passphrase").write_text("a passphrase for tests\n")
    create_key_store(folder / "store.json", folder / "passphrase", None, folder / "claims.key")
    return folder


@pytest.fixture(scope="session")
def keys(key_store: Path) -> FileKeyStore:
    opened = open_key_store(key_store / "store.json", key_store / "passphrase", None)
    assert isinstance(opened, FileKeyStore)
    return opened


@pytest.fixture
def zone(
    module_database: Database, clock: TestClock, keys: FileKeyStore, key_store: Path, tmp_path: Path
) -> Iterator[Zone]:
    """The zone, with insurer 99000001 and its products; what the test before left in the module's database is removed."""
    spool = Spool(tmp_path / "spool", tmp_path / "own")
    spool.folder.mkdir()
    dsn = module_database.dsn("sealer")
    access = Access(dsn, key_store / "store.json", key_store / "passphrase", None)
    with store.connect(dsn, "test") as connection, module_database.connect() as owner:
        _empty(owner)
        gang = Gang(access, keys, 2)
        workshop = Workshop(
            mode="demo", origin="http://localhost:8000", clock=clock, keys=keys, connection=connection,
            second=lambda: store.connect(dsn, "test-index"), gang=gang, count=SealingCount(tmp_path / "keys", keys.ring, clock),
        )  # fmt: skip
        rounds = Round(workshop, spool, grace_seconds=0.0)
        rounds.begin()
        made = Zone(module_database, clock, keys, tmp_path, spool, workshop, rounds, owner)
        made.know()
        told = made.load(products(), Kind.PRODUCTS)
        assert told["state"] == "loaded", told["detail"] or told
        yield made
        gang.dismiss()


def _empty(owner: "psycopg.Connection[Any]") -> None:
    for (table,) in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'capsule'").fetchall():
        owner.execute(f"DROP TABLE capsule.{table}")
    for table in (
        "intake.approval",
        "intake.reject",
        "intake.load",
        "intake.delivery",
        "vault.product",
        "vault.offline_card",
        "vault.insurer",
    ):
        owner.execute(f"DELETE FROM {table}")
