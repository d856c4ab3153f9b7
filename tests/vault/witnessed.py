"""A vault in this process with witnesses of its own, which are processes: opened on a database, closed, opened on another."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.evidence.note import SignerKey
from rempart.foundation.settings import VaultSettings
from rempart.vault.keystore import KeyStore
from rempart.vault.server import open_desk
from rempart.vault.zone import open_zone
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.listener import listen
from rempart.vaultdoor.messages import CALLERS
from tests.authenticator import ORIGIN
from tests.conftest import Database, TestClock
from tests.vault.accounts.conftest import Vault

LOG = "rempart.example/test"


def log_key(key_store: KeyStore, name: str = LOG) -> SignerKey:
    return SignerKey(name, Ed25519PrivateKey.from_private_bytes(key_store.ring.ledger))


def settings_of(database: Database, folder: Path, **more: Any) -> VaultSettings:
    given = {"mode": "demo", "log_origin": LOG, **more}
    return VaultSettings(
        dsn=database.dsn("vault"), run_folder=folder, key_store=folder, origin=ORIGIN, rp_id="localhost", claims_key=folder, **given
    )  # fmt: skip


@contextmanager
def open_vault(
    settings: VaultSettings, key_store: KeyStore, database: Database, clock: TestClock
) -> Iterator[Vault]:
    """As `rempart.vault.__main__.serve` starts it, step by step."""
    with asyncio.Runner() as runner:
        zone = runner.run(open_zone(settings, clock, key_store))
        runner.run(zone.checkpoints.sign_if_grown())
        runner.run(zone.witnessing.begin())
        tasks = [
            runner.get_loop().create_task(each)
            for each in (zone.witnessing.follow(), zone.checkpoints.follow())
        ]
        servers = runner.run(listen(open_desk(zone), settings.run_folder, CALLERS, {}))
        door, operators = (VaultClient(settings.run_folder / f"{name}.sock") for name in ("door", "operator"))
        try:
            yield Vault(runner, zone, door, operators, database, clock)
        finally:

            async def close() -> None:
                await door.close()
                await operators.close()
                for server in servers:
                    server.close()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                zone.witnessing.close()
                await zone.events.settle()
                await zone.ledger.close()
                await zone.close_pools()

            runner.run(close())


def until(vault: Vault, condition: Callable[[], bool | Awaitable[bool]], seconds: float = 20) -> None:
    """Let the vault's own tasks run until it holds; fail at the deadline."""

    async def poll() -> None:
        deadline = time.monotonic() + seconds
        while True:
            found = condition()
            if found if isinstance(found, bool) else await found:
                return
            assert time.monotonic() < deadline, [watch.trouble for watch in vault.zone.witnessing.watches]
            await asyncio.sleep(0.01)

    vault.runner.run(poll())
