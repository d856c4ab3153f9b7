"""A vault in this process, behind its real sockets, on a real database, and a pharmacy with a titulaire to be activated."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from rempart.foundation.identifiers import finess_key
from rempart.foundation.settings import VaultSettings
from rempart.foundation.vocabulary import Profession, Role
from rempart.vault.keystore import KeyStore, create_key_store, open_key_store
from rempart.vault.server import open_desk
from rempart.vault.zone import Zone, open_zone
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.listener import listen
from rempart.vaultdoor.messages import (
    CALLERS,
    Call,
    EnrolEstablishment,
    Enrolled,
    EnrolProfessional,
    Journal,
    JournalLines,
    Reply,
)
from tests.authenticator import ORIGIN, SoftwareBrowser, expect
from tests.conftest import A_MONDAY, Database, TestClock
from tests.vault.signers import RELEASE_KEYS


@pytest.fixture(scope="session")
def key_store(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    folder = tmp_path_factory.mktemp("keys")
    passphrase = folder / "passphrase"
    passphrase.write_text("correct horse battery staple\n")
    create_key_store(folder / "keys", passphrase, None, folder / "claims")
    return open_key_store(folder / "keys", passphrase, None)


@dataclass
class Vault:
    """The vault's sockets, as a door and as the operator."""

    runner: asyncio.Runner
    zone: Zone
    door: VaultClient
    operators: VaultClient
    database: Database
    time: TestClock

    def clock(self) -> int:
        return self.time()

    def call(self, message: Call) -> Reply:
        return self.runner.run(self.door.call(message))

    def call_together(self, messages: list[Call]) -> list[Reply]:
        """All in flight at once."""

        async def together() -> list[Reply]:
            return list(await asyncio.gather(*(self.door.call(message) for message in messages)))

        return self.runner.run(together())

    def operate(self, message: Call) -> Reply:
        return self.runner.run(self.operators.call(message))

    def journal(self) -> str:
        """The whole journal, newest first."""
        return "\n".join(expect(JournalLines, self.operate(Journal(500))).lines)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What lies in the database."""
        with self.database.connect() as connection:
            return connection.execute(query.encode()).fetchall()

    def browser(self, label: str = "Firefox, Linux") -> SoftwareBrowser:
        """A new browser of anybody's."""
        return SoftwareBrowser(self, label=label)

    def establishment(self, number: int = 1, group: str = "") -> str:
        """A new pharmacy's id."""
        first8 = f"{75_000_000 + number:08}"
        call = EnrolEstablishment(first8 + finess_key(first8), Profession.PHARMACY, group)
        return expect(Enrolled, self.operate(call)).id

    def enrol(self, login: str, establishment: str, role: Role = Role.TITULAIRE) -> str:
        """A new account's activation code."""
        return expect(Enrolled, self.operate(EnrolProfessional(login, role, establishment))).code


@pytest.fixture(scope="module")
def standing_vault(
    module_database: Database, key_store: KeyStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Vault]:
    """One vault a module; `vault` empties its tables after each test."""
    folder, clock = tmp_path_factory.mktemp("run"), TestClock()
    settings = VaultSettings(
        mode="demo",
        dsn=module_database.dsn("vault"),
        run_folder=folder,
        key_store=folder,
        origin=ORIGIN,
        rp_id="localhost",
        log_origin="rempart.example/test",
        claims_key=folder,
        release_keys=RELEASE_KEYS,
    )
    with asyncio.Runner() as runner:
        zone = runner.run(open_zone(settings, clock, key_store))
        servers = runner.run(listen(open_desk(zone), folder, CALLERS, {}))
        door, operators = VaultClient(folder / "door.sock"), VaultClient(folder / "operator.sock")
        yield Vault(runner, zone, door, operators, module_database, clock)

        async def close() -> None:
            await door.close()
            await operators.close()
            for server in servers:
                server.close()
            await zone.ledger.close()
            await zone.close_pools()

        runner.run(close())


@pytest.fixture(scope="module")
def emptying(standing_vault: Vault) -> Iterator[Callable[[], None]]:
    """Empties the vault's tables: a superuser may, in any order."""
    with standing_vault.database.connect() as owner:
        owner.execute("SET session_replication_role = replica")
        tables = owner.execute(
            "SELECT string_agg(format('DELETE FROM %I.%I', schemaname, tablename), ';') FROM pg_tables"
            " WHERE schemaname = 'vault' AND tablename <> 'claims_envelope'"
        ).fetchone()
        assert tables is not None

        def empty() -> None:
            owner.execute(tables[0])

        yield empty


@pytest.fixture
def vault(standing_vault: Vault, emptying: Callable[[], None]) -> Iterator[Vault]:
    """The vault, as on its first day."""
    yield standing_vault
    standing_vault.time.now = A_MONDAY
    standing_vault.zone.memory.pop("counts", None)
    emptying()


@dataclass
class Person:
    """Somebody with an active account, at their own browser."""

    login: str
    browser: SoftwareBrowser
    passkey: SoftwarePasskey
    establishment: str


@pytest.fixture
def pharmacy(vault: Vault) -> str:
    """The establishment's id."""
    return vault.establishment()


@pytest.fixture
def claire(vault: Vault, pharmacy: str) -> Person:
    """A titulaire with one passkey, signed in on her browser."""
    return activated(vault, "claire", pharmacy)


def activated(vault: Vault, login: str, establishment: str, role: Role = Role.TITULAIRE) -> Person:
    """Enrol and activate with a passkey."""
    browser, passkey = vault.browser(f"Poste de {login}"), SoftwarePasskey(ORIGIN)
    browser.activate(vault.enrol(login, establishment, role), passkey)
    return Person(login, browser, passkey, establishment)
