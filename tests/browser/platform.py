"""A running platform for the browser: vault, cashier and front as processes, on a fresh database, with one insurer and a few cards."""

import asyncio
import base64
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from psycopg.types.json import Jsonb

from rempart.claims.rib import seal_rib
from rempart.claims.settlement import Payer, settle
from rempart.foundation.clock import system_clock
from rempart.foundation.identifiers import Iban, nir_key
from rempart.foundation.settings import (
    CashierSettings,
    FrontSettings,
    VaultSettings,
    load_settings,
    read_secret_bytes,
    write_settings,
)
from rempart.foundation.vocabulary import Domain, Lane, Profession, Role
from rempart.identity.referencing import enrol_establishment, enrol_professional
from rempart.population.professionals import synthetic_establishments
from rempart.vault.capsule import (
    Departure,
    SealedContract,
    associated_data,
    card_message,
    card_secret,
    derive,
    encode_content,
    seal,
    secret_message,
    subject,
    vitale_message,
)
from rempart.vault.keystore import open_key_store
from rempart.vaultdoor.card_text import CardText, write_card_text
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import (
    Call,
    EnrolEstablishment,
    EnrolGroup,
    Enrolled,
    EnrolProfessional,
    IssueCode,
    RegisterInsurer,
    Reply,
)
from tests.conftest import Database

AMC = "99000001"
BORN = date(1980, 5, 17)
_BODY = "2800599100000"
NIR = f"{_BODY}{nir_key(_BODY):02d}"
READY_SECONDS = 30.0
PAYING, PAID = "FR7500000000010000000000197", "FR7630006000011234567890189"
"""Nobody's accounts: the operator's, and an establishment's."""
FINESS = (house.finess for house in synthetic_establishments(5, 500))
_numbers = count(1)


@dataclass(frozen=True)
class Card:
    """What is printed on a card, all of it synthetic."""

    adherent: str
    amc: str = AMC
    birth: str = "17/05/1980"

    @property
    def text(self) -> str:
        """Rempart's text form."""
        return f"REMPART1;amc={self.amc};adherent={self.adherent};naissance=1980-05-17;rang=1"


OPEN, SUSPENDED, WAITING = Card("OUVERT01"), Card("SUSPENDU1"), Card("CARENCE1")
BY_NIR = Card("SANSCARTE")
UNKNOWN = Card("INCONNU01")
PATIENTS = tuple(Card(f"PATIENT{number:03}") for number in range(60))
"""People with an open contract, one for each test that counts on a ceiling."""
_patients = iter(PATIENTS)
R = TypeVar("R", bound=Reply)


@dataclass
class Platform:
    """Where it listens, and the operator's hands."""

    origin: str
    run_folder: Path
    database: Database = field(repr=False)
    settlement_key: Path
    """The private half of what RIBs are sealed to."""
    scanned: str = field(default="", repr=False)
    """What a scanner types when it reads OPEN's card."""

    def patient(self) -> Card:
        """Somebody for whom nothing was billed yet."""
        return next(_patients)

    def operate(self, call: Call) -> Enrolled:
        """One call of the operator's that enrols something."""
        return self.ask(call, Enrolled)

    def ask(self, call: Call, kind: type[R]) -> R:
        """One call of the operator's, and its reply."""

        async def once() -> R:
            client = VaultClient(self.run_folder / "operator.sock")
            try:
                reply = await client.call(call)
            finally:
                await client.close()
            assert isinstance(reply, kind), reply
            return reply

        return _run_aside(once())

    def enrol_group(self, label: str) -> str:
        """A chain; its id."""
        return self.operate(EnrolGroup(label)).id

    def enrol_place(self, profession: Profession, name: str, town: str = "Lyon", group: str = "") -> str:
        """An establishment of this profession; its id."""
        finess = next(FINESS)
        place = self.operate(EnrolEstablishment(finess, profession, group)).id
        with self.database.connect("operator") as connection:
            enrol_establishment(connection, place, finess, name, town, profession)
        return place

    def enrol_pharmacy(self, name: str, town: str = "Lyon", group: str = "") -> str:
        """A pharmacy; its id."""
        return self.enrol_place(Profession.PHARMACY, name, town, group)

    def enrol(
        self, establishment: str, role: Role = Role.TITULAIRE, name: str = "Claire Martin", login: str = ""
    ) -> tuple[str, str]:
        """An account that is not activated yet: login and one-time code."""
        login = login or f"claire.martin{next(_numbers)}"
        enrolled = self.operate(EnrolProfessional(login, role, establishment))
        with self.database.connect("operator") as connection:
            enrol_professional(connection, enrolled.id, establishment, name)
        return login, enrolled.code

    def enrol_administrator(self, group: str) -> tuple[str, str]:
        """A group's administrator: login and one-time code."""
        login = f"siege{next(_numbers)}"
        return login, self.operate(EnrolProfessional(login, Role.ADMINISTRATOR, group=group)).code

    def give_rib(self, establishment: str, iban: str) -> None:
        """A first account, in force at once, as the operator gives it."""
        number, place = uuid.uuid4(), uuid.UUID(establishment)
        sealed = seal_rib(self._settlement_key().public_key(), place, number, Iban(iban))
        with self.database.connect("operator") as connection:
            connection.execute(
                "INSERT INTO claims.rib (id, establishment, sealed, state, asked, asked_by, effective_at, needs_second)"
                " VALUES (%s, %s, %s, 'in-force', %s, %s, %s, false)",
                (number, place, sealed, system_clock(), uuid.UUID(int=0), system_clock()),
            )

    def settle(self, outbox: Path) -> None:
        """The day's settlement run, as the worker makes it; one a day."""
        payer = Payer("Rempart SA", PAYING, self._settlement_key(), outbox)
        with self.database.connect("worker") as connection:
            settle(connection, payer, system_clock)

    def _settlement_key(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(read_secret_bytes(self.settlement_key))

    def posted_code(self, login: str) -> str:
        """A code that binds one new device."""
        return self.operate(IssueCode(login, "device")).code


def _run_aside(work: Any) -> Any:
    # The browser's driver has a loop of its own in this thread.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, work).result()


@contextmanager
def running_platform(database: Database, folder: Path) -> Iterator[Platform]:
    """Start vault, cashier and front, wait until they answer, end them."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    origin = f"http://localhost:{port}"
    files = _settings(database, folder, origin, port)
    subprocess.run(
        [sys.executable, "-m", "rempart.vault", "init", "--config", files["vault"]], check=True, timeout=60
    )
    scanned = _take_in(database, files["vault"])
    with (folder / "processes.log").open("wb") as log:
        started = [
            subprocess.Popen(
                [sys.executable, "-m", f"rempart.{name}", "--config", file], stdout=log, stderr=log
            )
            for name, file in files.items()
        ]
        try:
            _wait_ready(origin, started, folder / "processes.log")
            _wait_for_socket(folder / "run" / "claims-door.sock", started, folder / "processes.log")
            platform = Platform(origin, folder / "run", database, folder / "keys" / "settlement", scanned)
            platform.operate(RegisterInsurer(AMC, "Mutuelle des Remparts", b"\1" * 32, b"\2" * 32))
            _open_generation(database)
            yield platform
        finally:
            for process in reversed(started):
                process.terminate()
            for process in started:
                process.wait(timeout=20)
    print((folder / "processes.log").read_text()[-4000:])


def _settings(database: Database, folder: Path, origin: str, port: int) -> dict[str, Path]:
    for name in ("run", "keys", "spool"):
        (folder / name).mkdir(mode=0o700)
    passphrase = folder / "keys" / "passphrase"
    passphrase.write_text("# development secret of a test\na passphrase of nobody's\n")
    passphrase.chmod(0o600)
    vault = VaultSettings(
        mode="demo",
        dsn=database.dsn("vault"),
        run_folder=folder / "run",
        key_store=folder / "keys" / "store",
        origin=origin,
        rp_id="localhost",
        log_origin="rempart.example/ledger",
        claims_key=folder / "keys" / "claims",
        passphrase_file=passphrase,
    )
    cashier = CashierSettings(
        mode="demo",
        dsn=database.dsn("cashier"),
        run_folder=folder / "run",
        claims_key=folder / "keys" / "claims",
        origin=origin,
        settlement_public=_make_settlement_key(folder / "keys" / "settlement"),
        # Ten euros a month, so that one paid invoice is enough to need a second person.
        rib_second_person_cents=10_00,
    )
    front = FrontSettings(
        mode="demo",
        dsn=database.dsn("door"),
        run_folder=folder / "run",
        origin=origin,
        spool_folder=folder / "spool",
        offline_file=folder / "offline-cards.json",
        port=port,
    )
    write_settings(vault, folder / "vault.toml")
    write_settings(cashier, folder / "cashier.toml")
    write_settings(front, folder / "front.toml")
    return {name: folder / f"{name}.toml" for name in ("vault", "cashier", "front")}


def _make_settlement_key(path: Path) -> str:
    """Write a private key; its public half."""
    key = X25519PrivateKey.generate()
    path.write_text(
        "# development secret of a test\n" + base64.b64encode(key.private_bytes_raw()).decode() + "\n"
    )
    path.chmod(0o600)
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def _wait_for_socket(path: Path, processes: list[subprocess.Popen[bytes]], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not path.exists():
        assert all(process.poll() is None for process in processes), log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def _wait_ready(origin: str, processes: list[subprocess.Popen[bytes]], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline:
            assert all(process.poll() is None for process in processes), log.read_text()
            try:
                if client.get(f"{origin}/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    raise AssertionError(f"not ready: {log.read_text()}")


def _contract(**changes: Any) -> SealedContract:
    values: dict[str, Any] = {
        "product": "CONFORT", "valid_from": date(2024, 1, 1).toordinal(), "valid_to": 0, "responsible": True, "suspended_from": 0,
        "suspended_reason": 0, "departures": [],
    }  # fmt: skip
    return SealedContract(**(values | changes))


def _take_in(database: Database, vault_file: Path) -> str:
    """Seal a few capsules as a load does, in the insurer's first generation. Answers what OPEN's card says to a scanner."""
    settings = load_settings(VaultSettings, vault_file)
    keys = open_key_store(settings.key_store, settings.passphrase_file, None)
    prf, pseudonym = keys.prf("capsule-1"), keys.prf("subject")
    secret = card_secret(keys.prf("card"), AMC, OPEN.adherent, 1)
    waiting = Departure(Domain.PHAR.code, date(2024, 1, 1).toordinal(), date(2999, 1, 1).toordinal())
    people = {
        OPEN: _contract(),
        BY_NIR: _contract(),
        SUSPENDED: _contract(suspended_from=date(2024, 6, 1).toordinal(), suspended_reason=1),
        WAITING: _contract(departures=[waiting]),
        **{patient: _contract() for patient in PATIENTS},
    }
    with database.connect() as connection:
        connection.execute(
            "CREATE TABLE capsule.i1_g1 (tag uuid PRIMARY KEY, subject uuid NOT NULL, sealed bytea NOT NULL, notice_ref bytea NOT NULL)"
        )
        connection.execute("GRANT SELECT ON capsule.i1_g1 TO rempart_vault")
        for card, contract in people.items():
            lanes = {Lane.CARD: card_message(1, AMC, card.adherent, BORN, 1)}
            if card is BY_NIR:
                lanes[Lane.VITALE] = vitale_message(1, AMC, NIR, BORN, 1)
            if card is OPEN:
                lanes[Lane.SECRET] = secret_message(1, AMC, secret, BORN, 1)
            who = uuid.UUID(bytes=subject(pseudonym, AMC, card.adherent))
            for lane, message in lanes.items():
                tag, key = derive(prf(message))
                sealed = seal(key, associated_data(1, lane, 1), encode_content([contract]))
                connection.execute(
                    "INSERT INTO capsule.i1_g1 VALUES (%s, %s, %s, 'ref')",
                    (uuid.UUID(bytes=tag), who, sealed),
                )
    return write_card_text(CardText(AMC, secret, BORN, 1))


def _cell(formula: str, basis: str, *, pec: bool = False, **figures: Any) -> dict[str, Any]:
    """A cell of a product's grid, as the sealer stores it."""
    nothing: dict[str, Any] = {"percent": None, "amount_cents": None, "per": None}
    return {"formula": formula, "prise_en_charge": pec, "rate_basis": basis} | nothing | figures


def _open_generation(database: Database) -> None:
    whole = _cell("100 % BR, AMO comprise", "base-including-amo", percent=100)
    grid = {
        **dict.fromkeys((Domain.PHAR, Domain.LABO, Domain.AUXM, Domain.TRAN, Domain.LPP, Domain.EXTE), whole),
        **dict.fromkeys((Domain.MED, Domain.RADL), _cell("150 % BR, AMO comprise", "base-including-amo", percent=150)),
        Domain.DENT: _cell("300 % BR, AMO comprise", "base-including-amo", percent=300, pec=True),
        Domain.OPTI: _cell("420 € par période", "amount-including-amo", amount_cents=42_000, per="act", pec=True),
        Domain.AUDI: _cell("1 700 € par oreille", "amount-including-amo", amount_cents=170_000, per="act", pec=True),
        Domain.HOSP: _cell("Frais réels", "real-cost", pec=True),
    }  # fmt: skip
    with psycopg.connect(database.owner_dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO vault.product VALUES (1, 1, 'CONFORT', 'Santé Confort', %s)", (Jsonb(grid),)
        )
        connection.execute(
            "UPDATE vault.insurer SET generation = 1, epoch = 1, products_version = 1, persons = %s WHERE number = 1",
            (4 + len(PATIENTS),),
        )
