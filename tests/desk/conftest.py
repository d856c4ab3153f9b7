"""A vault with a desk, in this process, on a real database; operators and professionals at their own browsers."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from rempart.foundation.clock import SECOND
from rempart.foundation.settings import VaultSettings
from rempart.foundation.vocabulary import Role
from rempart.vault.keystore import KeyStore
from rempart.vault.server import open_desk
from rempart.vault.zone import open_zone
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.listener import listen
from rempart.vaultdoor.messages import (
    CALLERS,
    Act,
    Call,
    DeskAct,
    Done,
    Enrolled,
    EnrolOperator,
    Proposed,
    Reply,
)
from tests.authenticator import ORIGIN, R, SoftwareBrowser, expect
from tests.conftest import Database, TestClock
from tests.vault.accounts.conftest import Vault, emptying, key_store, vault

__all__ = ["emptying", "key_store", "vault"]
DESK_ORIGIN, DESK_RP = "http://desk.localhost:8010", "desk.localhost"


@dataclass
class Room(Vault):
    """The same vault, and its desk's socket."""

    desk: VaultClient = field(kw_only=True)

    def at_desk(self, act: Act) -> Reply:
        """What the desk relays."""
        return self.runner.run(self.desk.call(DeskAct(act)))

    def enrolled(self, login: str, role: Role) -> str:
        """A new operator's activation code, made by a command."""
        return expect(Enrolled, self.operate(EnrolOperator(login, role))).code

    def approved(self, call: Call, first: "Operator", second: "Operator") -> Reply:
        """What a command does once the desk is staffed: it is proposed, two approve it there, and it is typed again."""
        number = expect(Proposed, self.operate(call)).id
        self.time.advance(SECOND)
        for one, told in ((first, Proposed), (second, Done)):
            one.touch()
            one.expect(told, "proposal/approve", id=number)
        return self.operate(call)

    def operator(self, login: str, role: Role = Role.DUTY_OFFICER) -> "Operator":
        """An operator at a browser of their own, just signed in."""
        made = Operator(login, DeskBrowser(self, label=f"Poste de {login}"), SoftwarePasskey(DESK_ORIGIN))
        made.browser.activate(self.enrolled(login, role), made.passkey)
        return made


@dataclass
class DeskBrowser(SoftwareBrowser):
    """A browser at the desk: it signs for the desk's origin, and the desk relays it."""

    vault: Room

    def signed(self, path: str, body: object) -> Act:
        return self.key.act(DESK_ORIGIN, path, body, self.vault.clock() // SECOND, self.session)

    def ask(self, path: str, **body: Any) -> Reply:
        target = f"/{path}" if path.startswith("desk/") else f"/acts/{path}"
        return self._keep(self.vault.at_desk(self.signed(target, body)))


@dataclass
class Operator:
    """Somebody of the operator's."""

    login: str
    browser: DeskBrowser
    passkey: SoftwarePasskey

    def ask(self, path: str, **body: Any) -> Reply:
        return self.browser.ask(f"desk/{path}", **body)

    def expect(self, kind: type[R], path: str, /, **body: Any) -> R:
        return expect(kind, self.ask(path, **body))

    def refused(self, path: str, **body: Any) -> str:
        return self.browser.refused(f"desk/{path}", **body)

    def touch(self) -> None:
        """The passkey again."""
        self.browser.step_up(self.passkey)


@pytest.fixture(scope="module")
def standing_vault(
    module_database: Database, key_store: KeyStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Room]:
    """One vault a module; `vault` empties its tables after each test."""
    folder, clock = tmp_path_factory.mktemp("run"), TestClock()
    settings = VaultSettings(
        mode="demo",
        dsn=module_database.dsn("vault"),
        run_folder=folder,
        key_store=folder,
        origin=ORIGIN,
        rp_id="localhost",
        desk_origin=DESK_ORIGIN,
        desk_rp_id=DESK_RP,
        log_origin="rempart.example/test",
        claims_key=folder,
    )
    with asyncio.Runner() as runner:
        zone = runner.run(open_zone(settings, clock, key_store))
        servers = runner.run(listen(open_desk(zone), folder, CALLERS, {}))
        clients = [VaultClient(folder / f"{name}.sock") for name in ("door", "operator", "desk")]
        yield Room(runner, zone, clients[0], clients[1], module_database, clock, desk=clients[2])

        async def close() -> None:
            for client in clients:
                await client.close()
            for server in servers:
                server.close()
            await zone.ledger.close()
            await zone.close_pools()

        runner.run(close())


@pytest.fixture
def room(vault: Room) -> Room:
    """The vault, as on its first day."""
    return vault


@pytest.fixture
def duty(room: Room) -> Operator:
    """The duty officer, just signed in."""
    return room.operator("diane")


@pytest.fixture
def lead(room: Room) -> Operator:
    """The security lead, just signed in on another machine."""
    return room.operator("sami", Role.SECURITY_LEAD)
