"""A vault behind its real sockets, a sentinel on the same database, and a town whose look-ups are laid down as the vault lays them down."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest

from rempart.foundation.clock import DAY, HOUR, MINUTE, SECOND
from rempart.foundation.settings import VaultSettings
from rempart.incident.store import Kept, alerts
from rempart.sentinel.follow import Follower
from rempart.vault.keystore import KeyStore, create_key_store, open_key_store
from rempart.vault.server import open_desk
from rempart.vault.zone import open_zone
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.listener import listen
from rempart.vaultdoor.messages import CALLERS, Call, Journal, JournalLines, Reply
from tests.authenticator import ORIGIN, expect
from tests.conftest import Database, TestClock

NIL = UUID(int=0)


@pytest.fixture(scope="session")
def key_store(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    folder = tmp_path_factory.mktemp("keys")
    passphrase = folder / "passphrase"
    passphrase.write_text("correct horse battery staple\n")
    create_key_store(folder / "keys", passphrase, None, folder / "claims")
    return open_key_store(folder / "keys", passphrase, None)


def device(number: int) -> UUID:
    return UUID(int=(2 << 64) + number)


def house(number: int) -> UUID:
    return UUID(int=(1 << 64) + number)


def account(number: int) -> UUID:
    return UUID(int=(4 << 64) + number)


@dataclass
class Town:
    """Houses 1 to 12, pharmacies, each with one device and one account of the same number."""

    owner: "psycopg.Connection[Any]"
    index: int = 0
    persons: int = 0
    grow: bool = True
    """False beside a vault that signs its ledger: entries without leaves would be tampering."""

    def enrol(self, houses: int = 12) -> None:
        for number in range(1, houses + 1):
            self.owner.execute(
                "INSERT INTO vault.establishment (id, finess, profession) VALUES (%s, %s, 'pharmacy')",
                (house(number), f"99000{number:04}"),
            )
            self.owner.execute(
                "INSERT INTO vault.account (id, login, status, added) VALUES (%s, %s, 'active', 0)",
                (account(number), f"ps{number:08}"),
            )
            self.owner.execute(
                "INSERT INTO vault.device (id, thumbprint, public_key, added) VALUES (%s, %s, %s, 0)",
                (device(number), number.to_bytes(32, "big"), bytes(65)),
            )

    def ask(
        self, at: int, *, number: int = 1, told: bool = True, cost: int | None = None, step: int = 5, bucket: int = 7,
        insurer: int = 1, subject: UUID | None = None, by: int | None = None,
    ) -> int:  # fmt: skip
        """One answer that left the vault; its index. `number`: of the device and its house; `by`: of another account."""
        index, self.index = self.index, self.index + 1
        self.persons += 1
        self.owner.execute(
            "INSERT INTO evidence.entry (index, at, salt, account, device, establishment, insurer, lane, domain, answer_class, outcome,"
            " cost, subject, generation) VALUES (%s, %s, %s, %s, %s, %s, %s, 1, 1, 1, %s, %s, %s, 1)",
            (
                index, at, b"s" * 16, account(by or number), device(number), house(number), insurer, 1 if told else 2,
                cost if cost is not None else 1 if told else 5,
                NIL if not told else subject or UUID(int=(3 << 64) + self.persons),
            ),
        )  # fmt: skip
        self.owner.execute(
            "INSERT INTO vault.feature (index, at, bucket, step) VALUES (%s, %s, %s, %s)",
            (index, at, bucket, step),
        )
        if self.grow:
            self.owner.execute("UPDATE evidence.log SET size = %s", (self.index,))
        return index

    def event(
        self, at: int, kind: str, *, number: int | None = 1, detail: str = "", index: int | None = None
    ) -> None:
        self.owner.execute(
            "INSERT INTO vault.event (at, kind, account, device, establishment, index, detail) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (
                at, kind, account(number) if number else None, device(number) if number else None,
                house(number) if number else None, index, detail,
            ),
        )  # fmt: skip

    def claim(self, indexes: Iterable[int], at: int) -> None:
        for index in indexes:
            self.owner.execute("INSERT INTO vault.claim (index, at) VALUES (%s, %s)", (index, at))

    def robot(self, at: int, persons: int, *, every: int = 5 * SECOND, **more: Any) -> int:
        """So many look-ups at machine pace; when the last one was."""
        for n in range(persons):
            self.ask(at + n * every, **more)
        return at + (persons - 1) * every

    def work(
        self, first_day: int, days: int, *, number: int = 1, an_hour: int = 6, claimed: float = 0.7
    ) -> None:
        """Honest days from nine to six: `an_hour` persons, that share of them billed at once."""
        for day in range(days):
            for n in range(9 * an_hour):
                at = first_day + day * DAY + n * HOUR // an_hour
                index = self.ask(at, number=number)
                if n % 10 < claimed * 10:
                    self.claim([index], at + MINUTE)


@dataclass
class Post:
    """The sentinel at its post, and the vault it may ask."""

    runner: asyncio.Runner
    database: Database
    clock: TestClock
    town: Town
    hatch: VaultClient
    operators: VaultClient
    watching: "psycopg.Connection[Any]"
    follower: Follower

    def watch(self) -> list[Kept]:
        """Read all there is; the alerts so far."""

        async def turns() -> None:
            while await self.follower.turn():
                pass

        self.runner.run(turns())
        return alerts(self.watching)

    def restart(self) -> None:
        """The process ends without a word; another begins."""
        self.follower = Follower(self.watching, self.hatch, self.clock, batch=500)
        self.follower.restore()

    def say(self, message: Call) -> Reply:
        """One call on the sentinel's socket."""
        return self.runner.run(self.hatch.call(message))

    def operate(self, message: Call) -> Reply:
        return self.runner.run(self.operators.call(message))

    def journal(self) -> str:
        return "\n".join(expect(JournalLines, self.operate(Journal(500))).lines)

    def switches(self) -> set[tuple[str, UUID, str]]:
        rows = self.town.owner.execute(
            "SELECT scope, key, min(hold) FROM vault.switch GROUP BY scope, key"
        ).fetchall()
        return {(scope, UUID(key), hold) for scope, key, hold in rows}


@pytest.fixture
def post(database: Database, key_store: KeyStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    folder, clock = tmp_path_factory.mktemp("run"), TestClock()
    settings = VaultSettings(
        mode="demo", dsn=database.dsn("vault"), run_folder=folder, key_store=folder, origin=ORIGIN, rp_id="localhost",
        log_origin="rempart.example/test", claims_key=folder,
    )  # fmt: skip
    with asyncio.Runner() as runner, database.connect() as owner, database.connect("sentinel") as watching:
        zone = runner.run(open_zone(settings, clock, key_store))
        servers = runner.run(listen(open_desk(zone), folder, CALLERS, {}))
        hatch, operators = VaultClient(folder / "sentinel.sock"), VaultClient(folder / "operator.sock")
        town = Town(owner)
        town.enrol()
        follower = Follower(watching, hatch, clock, batch=500)
        follower.restore()
        yield Post(runner, database, clock, town, hatch, operators, watching, follower)

        async def close() -> None:
            await hatch.close()
            await operators.close()
            for server in servers:
                server.close()
            await zone.ledger.close()
            await zone.close_pools()

        runner.run(close())
