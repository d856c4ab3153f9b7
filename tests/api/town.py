"""A real platform in small for the API's tests: database, vault, cashier and front as processes, a pharmacy, two insurers, a few people."""

import asyncio
import base64
import http.client
import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from rempart.claims.rib import seal_rib
from rempart.claims.settlement import Payer, settle
from rempart.cli.counter import Counter
from rempart.foundation.clock import DAY, system_clock
from rempart.foundation.identifiers import check_iban, finess_key, nir_key
from rempart.foundation.settings import CashierSettings, VaultSettings, write_settings
from rempart.foundation.vocabulary import Domain, Lane, Profession, Role
from rempart.population.professionals import synthetic_iban
from rempart.vault.capsule import (
    SealedContract,
    associated_data,
    card_message,
    derive,
    encode_content,
    seal,
    subject,
    vitale_message,
)
from rempart.vault.keystore import KeyStore, open_key_store
from rempart.vaultdoor.browser import DeviceKey
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.fhir import Presentation, write_request
from rempart.vaultdoor.messages import (
    Call,
    EnrolEstablishment,
    Enrolled,
    EnrolProfessional,
    RegisterInsurer,
    Reply,
)
from tests.conftest import Database
from tests.front.process import DEADLINE, FrontProcess, free_port, running_front, wait_until

SUBMIT = "/fhir/CoverageEligibilityRequest/$submit"
AMC, CLOSED_AMC = "99000001", "99000002"
"""The second one's vitale lane is closed."""
PASSPHRASE = "# made for a test\ncorrect-horse-battery-staple\n"
GRID = {
    "PHAR": {
        "formula": "100 % BR, AMO comprise", "prise_en_charge": False, "rate_basis": "base-including-amo", "percent": 100,
        "amount_cents": None, "per": None,
    },
    "OPTI": {
        "formula": "300 € en plus de l'AMO", "prise_en_charge": True, "rate_basis": "amount-on-top-of-amo", "percent": None,
        "amount_cents": 30_000, "per": "act",
    },
}  # fmt: skip


def nir(first10: str) -> str:
    """A synthetic NIR: order number 000."""
    return f"{first10}000{nir_key(first10 + '000'):02d}"


@dataclass(frozen=True)
class Insured:
    """Somebody synthetic."""

    amc: str
    adherent: str
    nir: str
    birth_date: date
    rank: int
    contracts: tuple[SealedContract, ...]

    def by_card(self, domain: Domain = Domain.PHAR, **changes: Any) -> Presentation:
        shown = Presentation(Lane.CARD, self.amc, self.adherent, "", self.birth_date, self.rank, domain)
        return msgspec.structs.replace(shown, **changes)

    def by_vitale(self, domain: Domain = Domain.PHAR, **changes: Any) -> Presentation:
        shown = Presentation(Lane.VITALE, self.amc, "", self.nir, self.birth_date, self.rank, domain)
        return msgspec.structs.replace(shown, **changes)


def _contract(valid_to: date | None = None, suspended: bool = False) -> SealedContract:
    since = date(2020, 1, 1).toordinal()
    return SealedContract(
        "CONFORT",
        since,
        valid_to.toordinal() if valid_to else 0,
        True,
        since if suspended else 0,
        int(suspended),
        [],
    )


ANNE = Insured(AMC, "20318847", nir("2800175056"), date(1980, 1, 13), 1, (_contract(),))
TWIN = Insured(
    AMC, "20318848", nir("2800175057"), date(1980, 1, 13), 2, (_contract(date(2021, 1, 1)), _contract())
)
ENDED = Insured(AMC, "20318849", nir("1710299099"), date(1971, 2, 3), 1, (_contract(date(2021, 1, 1)),))
ELSEWHERE = Insured(CLOSED_AMC, "A-17", nir("1550397302"), date(1955, 3, 1), 1, (_contract(),))
INSURED = (ANNE, TWIN, ENDED, ELSEWHERE)


@dataclass(frozen=True)
class Town:
    """The platform, and one pharmacist signed in on one device."""

    database: Database
    front: FrontProcess
    folder: Path
    counter: Counter
    finess: str
    """Of the pharmacy."""
    settlement: X25519PrivateKey
    """Opens RIBs."""

    def ask(
        self, method: str, path: str, body: bytes = b"", counter: Counter | None = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """One signed request over HTTP, FHIR unless a header says otherwise."""
        who = counter or self.counter
        signed = who.device.sign(method, self.front.settings.origin + path, body, int(time.time()))
        more = {"Cookie": f"__Host-rempart={who.session}"} | (
            {"Content-Type": "application/fhir+json"} if body else {}
        )
        return self.front.ask(method, path, body or None, signed | more | headers)

    @contextmanager
    def newcomer(self) -> Iterator[tuple[Counter, str]]:
        """A pharmacist of another pharmacy, signed in; and its FINESS."""
        finess, code = enrol(self.folder)
        counter = Counter(self.front.settings.origin)
        try:
            counter.activate(code)
            yield counter, finess
        finally:
            counter.close()

    def signed(
        self, presentation: Presentation | bytes, device: DeviceKey | None = None, created: int = 0
    ) -> tuple[bytes, dict[str, str]]:
        """Body and headers of a rights check; what a test changes in them comes after."""
        body = presentation if isinstance(presentation, bytes) else write_request(presentation)
        target = self.front.settings.origin + SUBMIT
        headers = (device or self.counter.device).sign("POST", target, body, created or int(time.time()))
        return body, headers | {
            "Content-Type": "application/fhir+json",
            "Cookie": f"__Host-rempart={self.counter.session}",
        }

    def check(
        self, presentation: Presentation | bytes, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """One rights check over HTTP."""
        body, signed = self.signed(presentation)
        return self.front.ask("POST", SUBMIT, body, signed | headers)

    def ledger_size(self) -> int:
        with self.database.connect() as owner:
            row = owner.execute("SELECT size FROM evidence.log").fetchone()
        assert row is not None
        return int(row[0])

    def renew_lines(self) -> None:
        """Nothing spent yet, and nobody told of anybody."""
        with self.database.connect() as owner:
            owner.execute(
                "UPDATE vault.meter SET hour = '{0,0,0,0,0}', day = '{0,0,0,0,0,0,0}', month = '{0,0,0,0,0,0,0,0}'"
            )
            owner.execute("DELETE FROM vault.told")

    def logs(self) -> str:
        return "".join(
            [self.front.log, *((self.folder / f"{name}.log").read_text() for name in ("vault", "cashier"))]
        )

    def operate(self, call: Call) -> Reply:
        return _operate(self.folder, call)

    def put_rib(self) -> None:
        """The pharmacy's name and first account, as the operator gives them."""
        row = uuid.uuid4()
        with self.database.connect() as owner:
            found = owner.execute(
                "SELECT id FROM vault.establishment WHERE finess = %s", (self.finess,)
            ).fetchone()
            assert found is not None
            owner.execute(
                "INSERT INTO identity.establishment (id, finess, name, town, profession)"
                " VALUES (%s, %s, 'Pharmacie du Port', 'Brest', 'pharmacy')",
                (found[0], self.finess),
            )
            sealed = seal_rib(self.settlement.public_key(), found[0], row, check_iban(synthetic_iban(1)))
            owner.execute(
                "INSERT INTO claims.rib (id, establishment, sealed, state, asked, asked_by, effective_at, needs_second)"
                " VALUES (%s, %s, %s, 'in-force', 1, %s, %s, false)",
                (row, found[0], sealed, uuid.UUID(int=0), system_clock()),
            )

    def settle(self, days: int) -> None:
        """The settlement of a day to come: what is due until then is ordered."""
        payer = Payer("REMPART", synthetic_iban(9), self.settlement, self.folder / "outbox")
        with self.database.connect("worker") as c:
            settle(c, payer, lambda: system_clock() + days * DAY)


@contextmanager
def running_town(database: Database) -> Iterator[Town]:
    """Keys, vault, front, insurers, people, pharmacy, pharmacist."""
    # A UNIX socket's path is short.
    with tempfile.TemporaryDirectory(prefix="town-") as name:
        folder = Path(name)
        (folder / "passphrase").write_text(PASSPHRASE)
        (folder / "passphrase").chmod(0o600)
        origin = f"http://localhost:{free_port()}"
        settings = VaultSettings(
            mode="demo",
            dsn=database.dsn("vault"),
            run_folder=folder,
            key_store=folder / "keys",
            origin=origin,
            rp_id="localhost",
            log_origin="rempart.example/test",
            claims_key=folder / "claims",
            passphrase_file=folder / "passphrase",
        )
        write_settings(settings, folder / "vault.toml")
        command = [sys.executable, "-m", "rempart.vault", "init", "--config", str(folder / "vault.toml")]
        subprocess.run(command, check=True)
        settlement = X25519PrivateKey.generate()
        cashier = CashierSettings(
            mode="demo",
            dsn=database.dsn("cashier"),
            run_folder=folder,
            claims_key=folder / "claims",
            origin=origin,
            settlement_public=base64.b64encode(settlement.public_key().public_bytes_raw()).decode(),
        )
        write_settings(cashier, folder / "cashier.toml")
        with (
            running("vault", folder, "door.sock"),
            running("cashier", folder, "claims-door.sock"),
            running_front(folder, dsn=database.dsn("door"), origin=origin) as front,
        ):
            wait_until(lambda: front.ask("GET", "/health/ready")[0].status == 200, "the front is ready")
            furnish(database, folder, open_key_store(folder / "keys", folder / "passphrase", None))
            counter = Counter(origin)
            finess, code = enrol(folder)
            counter.activate(code)
            yield Town(database, front, folder, counter, finess, settlement)
            counter.close()


@contextmanager
def running(name: str, folder: Path, socket: str) -> Iterator[None]:
    """One of the processes behind the doors, from its first breath to a clean end."""
    log = folder / f"{name}.log"
    command = [sys.executable, "-m", f"rempart.{name}", "--config", str(folder / f"{name}.toml")]
    with log.open("wb") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written)
    try:
        wait_until((folder / socket).exists, f"the {name} listens")
        yield
    finally:
        process.terminate()
        assert process.wait(DEADLINE) == 0, log.read_text()


def enrol(folder: Path) -> tuple[str, str]:
    """A pharmacy and its titulaire: its FINESS, the one-time code."""
    first8 = f"01{uuid.uuid4().int % 10**6:06d}"
    finess = first8 + finess_key(first8)
    house = _operate(folder, EnrolEstablishment(finess, Profession.PHARMACY))
    assert isinstance(house, Enrolled)
    person = _operate(folder, EnrolProfessional(f"pharmacist-{first8}", Role.TITULAIRE, house.id))
    assert isinstance(person, Enrolled)
    return finess, person.code


def furnish(database: Database, folder: Path, keys: KeyStore) -> None:
    """The insurers by the operator's door; their people as the sealer would leave them."""
    for amc in (AMC, CLOSED_AMC):
        assert isinstance(
            _operate(folder, RegisterInsurer(amc, f"Mutuelle {amc}", b"\1" * 32, b"\2" * 32)), Enrolled
        )
    with database.connect() as owner:
        numbers = dict(owner.execute("SELECT amc, number FROM vault.insurer").fetchall())
        for amc, number in numbers.items():
            owner.execute(
                "INSERT INTO vault.product VALUES (%s, 1, 'CONFORT', 'Confort', %s)",
                (number, json.dumps(GRID)),
            )
            owner.execute(
                "UPDATE vault.insurer SET generation = 1, epoch = 1, products_version = 1, vitale_open = %s WHERE number = %s",
                (amc != CLOSED_AMC, number),
            )
            owner.execute(
                f"CREATE TABLE capsule.i{number}_g1 (tag uuid PRIMARY KEY, subject uuid, sealed bytea, notice_ref bytea)"
            )
            owner.execute(f"GRANT SELECT ON capsule.i{number}_g1 TO rempart_vault")
        prf = keys.prf("capsule-1")
        for insured in INSURED:
            number = numbers[insured.amc]
            born = insured.birth_date
            pseudonym = subject(keys.prf("subject"), insured.amc, insured.adherent)
            for lane, message in (
                (Lane.CARD, card_message(1, insured.amc, insured.adherent, born, insured.rank)),
                (Lane.VITALE, vitale_message(1, insured.amc, insured.nir, born, insured.rank)),
            ):
                tag, key = derive(prf(message))
                sealed = seal(key, associated_data(number, lane, 1), encode_content(list(insured.contracts)))
                owner.execute(
                    f"INSERT INTO capsule.i{number}_g1 VALUES (%s, %s, %s, '')",
                    (uuid.UUID(bytes=tag), uuid.UUID(bytes=pseudonym), sealed),
                )


def _operate(folder: Path, call: Call) -> Reply:
    async def once() -> Reply:
        client = VaultClient(folder / "operator.sock")
        try:
            return await client.call(call)
        finally:
            await client.close()

    return asyncio.run(once())
