"""The trade in one process: a vault and a cashier behind their real sockets, on a real database; insurers, people, professionals."""

import asyncio
import base64
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from rempart.cashier.__main__ import CALLERS as CASHIER_CALLERS
from rempart.cashier.__main__ import all_errands
from rempart.cashier.__main__ import answer as cashier_answer
from rempart.cashier.applying import Applying
from rempart.cashier.zone import Zone as CashierZone
from rempart.cashier.zone import open_zone as open_cashier
from rempart.claims.messages import Body, Invoice, InvoiceBody, View
from rempart.foundation.clock import DAY, SECOND, paris_date
from rempart.foundation.identifiers import finess_key
from rempart.foundation.settings import CashierSettings, VaultSettings
from rempart.foundation.vocabulary import Domain, Lane, Profession, Role
from rempart.vault.capsule import (
    SealedContract,
    associated_data,
    card_message,
    derive,
    encode_content,
    seal,
    subject,
)
from rempart.vault.keystore import KeyStore, create_key_store, open_key_store
from rempart.vault.server import open_desk
from rempart.vault.zone import Zone as VaultZone
from rempart.vault.zone import open_zone as open_vault
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.fhir import Presentation, write_request
from rempart.vaultdoor.listener import Desk, listen
from rempart.vaultdoor.messages import (
    CALLERS,
    Act,
    Answer,
    Call,
    EnrolEstablishment,
    Enrolled,
    EnrolProfessional,
    Paper,
    Refused,
    RegisterInsurer,
    Reply,
)  # fmt: skip
from tests.authenticator import ORIGIN, SoftwareBrowser, expect
from tests.conftest import Database, TestClock
from tests.vault.signers import RELEASE_KEYS

V = TypeVar("V", bound=View)
RIGHTS = "/fhir/CoverageEligibilityRequest/$submit"
BORN = date(1980, 1, 13)
Grid = Mapping[str, Mapping[str, object]]


def cell(
    basis: str, percent: int | None = None, cents: int | None = None, per: str = "", *, pec: bool = False
) -> dict[str, object]:
    """One cell of a product's grid, as the sealer stores it."""
    return {
        "formula": f"{basis} {percent or cents or ''}".strip(), "prise_en_charge": pec, "rate_basis": basis, "percent": percent,
        "amount_cents": cents, "per": per or None,
    }  # fmt: skip


BASE = "base-including-amo"
CONFORT: Grid = {
    "PHAR": cell(BASE, 100),
    "LABO": cell(BASE, 100),
    "RADL": cell(BASE, 150),
    "MED": cell(BASE, 150),
    "AUXM": cell(BASE, 100),
    "DENT": cell(BASE, 300, pec=True),
    "OPTI": cell("amount-on-top-of-amo", cents=30_000, per="act", pec=True),
    "AUDI": cell("amount-including-amo", cents=170_000, per="act", pec=True),
    "HOSP": cell("real-cost", pec=True),
    "EXTE": cell(BASE, 100),
    "TRAN": cell(BASE, 100),
    "LPP": cell("amount-on-top-of-amo", cents=15_000, per="year"),
}
"""A contrat responsable's grid: optics, audio, dental and hospital need a prise en charge; appliances have 150 € a year."""
_people = count(1)


@dataclass(frozen=True)
class Insurer:
    """An insurer and its keys."""

    amc: str
    number: int
    signing: Ed25519PrivateKey
    notice: X25519PrivateKey


@dataclass(frozen=True)
class Insured:
    """Somebody synthetic, with a card."""

    insurer: Insurer
    adherent: str
    born: date
    contracts: tuple[SealedContract, ...]

    def presentation(self, domain: Domain, care_date: date | None = None) -> Presentation:
        return Presentation(Lane.CARD, self.insurer.amc, self.adherent, "", self.born, 1, domain, care_date)


def contract(
    product: str = "CONFORT", *, valid_to: date | None = None, responsible: bool = True
) -> SealedContract:
    """A contract open since 2020."""
    return SealedContract(
        product, date(2020, 1, 1).toordinal(), valid_to.toordinal() if valid_to else 0, responsible, 0, 0, []
    )


@dataclass
class Professional:
    """Somebody of an establishment, signed in at their own browser with a passkey."""

    trade: "Trade"
    login: str
    establishment: str
    browser: SoftwareBrowser
    passkey: SoftwarePasskey
    signed_in_at: int = 0

    def wake(self) -> None:
        """Sign in again where the device's twelve hours may be over."""
        if self.trade.clock() - self.signed_in_at > DAY // 4:
            self.browser.sign_in(self.passkey)
            self.signed_in_at = self.trade.clock()

    def check_right(self, insured: Insured, domain: Domain, care_date: date | None = None) -> Answer:
        """A real rights check."""
        self.wake()
        act = self._signed(RIGHTS, write_request(insured.presentation(domain, care_date)))
        return expect(Answer, self.trade.call(act))

    def receipt(self, insured: Insured, domain: Domain, care_date: date | None = None) -> str:
        """The engagement of an open right: its compact JWS."""
        answer = self.check_right(insured, domain, care_date)
        assert answer.decision.open, answer
        return answer.receipt

    def signed(self, path: str, body: Body | bytes | dict[str, Any], method: str = "POST") -> Act:
        """A signed errand, not sent."""
        self.wake()
        return self._signed(path, body if isinstance(body, bytes) else msgspec.json.encode(body))

    def errand(self, path: str, body: Body | bytes | dict[str, Any]) -> Reply:
        """Ask the cashier: a Paper, or why not."""
        return self.trade.at_cashier(self.signed(path, body))

    def ask(self, kind: type[V], path: str, body: Body | bytes | dict[str, Any]) -> V:
        """Ask the cashier; the view that its paper holds."""
        return view(kind, self.errand(path, body))

    def ask_invoice(self, body: InvoiceBody) -> Invoice:
        """Submit an invoice; as it was judged."""
        return self.ask(Invoice, "/claims/invoice/submit", body)

    def refused(self, path: str, body: Body | bytes | dict[str, Any]) -> Refused:
        """Ask the cashier, who must refuse."""
        return expect(Refused, self.errand(path, body))

    def step_up(self) -> None:
        """Prove by passkey that it is really they."""
        self.wake()
        self.browser.step_up(self.passkey)

    def _signed(self, path: str, content: bytes) -> Act:
        return self.browser.key.act(ORIGIN, path, content, self.trade.clock() // SECOND, self.browser.session)


def view(kind: type[V], reply: Reply) -> V:
    """What a paper of this kind holds."""
    paper = expect(Paper, reply)
    assert paper.kind == kind.__name__, paper
    return msgspec.json.decode(paper.body, type=kind)


@dataclass(repr=False)
class Trade:
    """Vault and cashier, as the doors reach them."""

    runner: asyncio.Runner
    database: Database
    clock: TestClock
    keys: KeyStore
    vault: VaultZone
    cashier: CashierZone
    settlement: X25519PrivateKey
    door: VaultClient
    operators: VaultClient
    cashier_door: VaultClient
    insurers: list[Insurer] = field(default_factory=list)

    def call(self, message: Call) -> Reply:
        """As the front asks the vault."""
        return self.runner.run(self.door.call(message))

    def at_cashier(self, message: Call) -> Reply:
        """As the front asks the cashier."""
        return self.runner.run(self.cashier_door.call(message))

    def together(self, messages: list[Act]) -> list[Reply]:
        """All in flight at the cashier at once."""

        async def gathered() -> list[Reply]:
            return list(await asyncio.gather(*(self.cashier_door.call(message) for message in messages)))

        return self.runner.run(gathered())

    def operate(self, message: Call) -> Reply:
        return self.runner.run(self.operators.call(message))

    def today(self, days: int = 0) -> date:
        """The civil date in Paris, or another so many days away."""
        return paris_date(self.clock()) + timedelta(days=days)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What lies in the database, seen by its owner."""
        with self.database.connect() as owner:
            return owner.execute(query.encode(), values or None).fetchall()

    def insurer(self, products: Mapping[str, Grid] | None = None) -> Insurer:
        """A new insurer with its products (CONFORT alone by default) and nobody insured yet."""
        amc = f"99{len(self.insurers) + 1:06}"
        signing, notice = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
        publics = signing.public_key().public_bytes_raw(), notice.public_key().public_bytes_raw()
        expect(Enrolled, self.operate(RegisterInsurer(amc, f"Mutuelle {amc}", *publics)))
        with self.database.connect() as owner:
            row = owner.execute("SELECT number FROM vault.insurer WHERE amc = %s", (amc,)).fetchone()
            assert row is not None
            insurer = Insurer(amc, row[0], signing, notice)
            for reference, grid in (products or {"CONFORT": CONFORT}).items():
                owner.execute(
                    "INSERT INTO vault.product VALUES (%s, 1, %s, %s, %s)",
                    (insurer.number, reference, reference.title(), json.dumps(grid)),
                )
            owner.execute(
                "UPDATE vault.insurer SET epoch = 1, products_version = 1 WHERE number = %s",
                (insurer.number,),
            )
            self._next_generation(owner, insurer)
        self.insurers.append(insurer)
        self.vault.directory.forget()
        return insurer

    def insure(self, insurer: Insurer, *contracts: SealedContract, born: date = BORN) -> Insured:
        """Somebody new at an insurer, with CONFORT alone by default."""
        insured = Insured(insurer, f"{next(_people):08d}", born, contracts or (contract(),))
        with self.database.connect() as owner:
            self._seal(owner, insured)
        return insured

    def reload(self, insurer: Insurer, *people: Insured) -> None:
        """The insurer's next full file: these people and no others."""
        with self.database.connect() as owner:
            self._next_generation(owner, insurer)
            for insured in people:
                self._seal(owner, insured)

    def reproduct(self, insurer: Insurer, products: Mapping[str, Grid]) -> None:
        """The insurer's next products' file: these products and no others."""
        with self.database.connect() as owner:
            row = owner.execute(
                "UPDATE vault.insurer SET products_version = products_version + 1 WHERE number = %s RETURNING products_version",
                (insurer.number,),
            ).fetchone()
            assert row is not None
            for reference, grid in products.items():
                owner.execute(
                    "INSERT INTO vault.product VALUES (%s, %s, %s, %s, %s)",
                    (insurer.number, row[0], reference, reference.title(), json.dumps(grid)),
                )
        self.vault.directory.forget()

    def _next_generation(self, owner: "psycopg.Connection[Any]", insurer: Insurer) -> None:
        row = owner.execute(
            "UPDATE vault.insurer SET generation = generation + 1 WHERE number = %s RETURNING generation",
            (insurer.number,),
        ).fetchone()
        assert row is not None
        table = f"capsule.i{insurer.number}_g{row[0]}"
        owner.execute(
            f"CREATE TABLE {table} (tag uuid PRIMARY KEY, subject uuid, sealed bytea, notice_ref bytea)".encode()
        )
        owner.execute(f"GRANT SELECT ON {table} TO rempart_vault".encode())

    def _seal(self, owner: "psycopg.Connection[Any]", insured: Insured) -> None:
        number = insured.insurer.number
        row = owner.execute("SELECT generation FROM vault.insurer WHERE number = %s", (number,)).fetchone()
        assert row is not None
        message = card_message(1, insured.insurer.amc, insured.adherent, insured.born, 1)
        tag, key = derive(self.keys.prf("capsule-1")(message))
        sealed = seal(key, associated_data(number, Lane.CARD, 1), encode_content(list(insured.contracts)))
        who = subject(self.keys.prf("subject"), insured.insurer.amc, insured.adherent)
        owner.execute(
            f"INSERT INTO capsule.i{number}_g{row[0]} VALUES (%s, %s, %s, '')".encode(),
            (uuid.UUID(bytes=tag), uuid.UUID(bytes=who), sealed),
        )

    def establishment(self, profession: Profession = Profession.PHARMACY) -> str:
        """A new establishment's id."""
        first8 = f"75{uuid.uuid4().int % 10**6:06d}"
        return expect(Enrolled, self.operate(EnrolEstablishment(first8 + finess_key(first8), profession))).id

    def professional(
        self,
        profession: Profession = Profession.PHARMACY,
        role: Role = Role.TITULAIRE,
        establishment: str = "",
    ) -> Professional:
        """Somebody new, signed in; in a new establishment unless one is given."""
        place, login = establishment or self.establishment(profession), f"p-{uuid.uuid4().hex[:10]}"
        code = expect(Enrolled, self.operate(EnrolProfessional(login, role, place))).code
        browser, passkey = SoftwareBrowser(self, label="Comptoir 1"), SoftwarePasskey(ORIGIN)
        browser.activate(code, passkey)
        return Professional(self, login, place, browser, passkey, self.clock())


@pytest.fixture(scope="session")
def claims_keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[KeyStore, Path]:
    """The vault's keys, and the file of the claims zone's private key."""
    folder = tmp_path_factory.mktemp("keys")
    passphrase = folder / "passphrase"
    passphrase.write_text("correct horse battery staple\n")
    create_key_store(folder / "keys", passphrase, None, folder / "claims")
    return open_key_store(folder / "keys", passphrase, None), folder / "claims"


@contextmanager
def running_trade(
    database: Database, claims_keys: tuple[KeyStore, Path], folder: Path, clock: TestClock
) -> Iterator[Trade]:
    """Both zones, listening in `folder`."""
    keys, claims_key = claims_keys
    settlement = X25519PrivateKey.generate()
    vault_settings = VaultSettings(
        mode="demo", dsn=database.dsn("vault"), run_folder=folder, key_store=folder, origin=ORIGIN, rp_id="localhost",
        log_origin="rempart.example/test", claims_key=folder, release_keys=RELEASE_KEYS,
    )  # fmt: skip
    cashier_settings = CashierSettings(
        mode="demo", dsn=database.dsn("cashier"), run_folder=folder, claims_key=claims_key, origin=ORIGIN,
        settlement_public=base64.b64encode(settlement.public_key().public_bytes_raw()).decode(),
    )  # fmt: skip
    with asyncio.Runner() as runner:
        vault = runner.run(open_vault(vault_settings, clock, keys))
        servers = runner.run(listen(open_desk(vault), folder, CALLERS, {}))
        cashier = runner.run(open_cashier(cashier_settings, clock))
        desk = Desk(partial(cashier_answer, zone=cashier, errands=all_errands(), applying=Applying(cashier)))
        servers += runner.run(listen(desk, folder, CASHIER_CALLERS, {}, prefix="claims-"))
        door, operators, errands = (
            VaultClient(folder / f"{name}.sock") for name in ("door", "operator", "claims-door")
        )
        yield Trade(runner, database, clock, keys, vault, cashier, settlement, door, operators, errands)

        async def close() -> None:
            for client in (door, operators, errands, cashier.vault):
                await client.close()
            for server in servers:
                server.close()
            await cashier.pool.close()
            await vault.ledger.close()
            await vault.close_pools()

        runner.run(close())


@pytest.fixture(scope="module")
def trade(
    module_database: Database, claims_keys: tuple[KeyStore, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trade]:
    """One trade a module. Each test brings its own establishment and people, so that none sees another's."""
    with running_trade(module_database, claims_keys, tmp_path_factory.mktemp("run"), TestClock()) as running:
        yield running
