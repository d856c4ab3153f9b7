"""No signed ledger, no disclosure: what the vault does when it cannot sign."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.cli.counter import Counter, DoorRefused
from rempart.evidence.note import SignerKey
from rempart.vault.checkpoints import LATE, CheckpointSigner, LedgerUnsound
from rempart.vaultdoor.messages import Health, Healthy
from tests.authenticator import expect
from tests.browser.platform import Platform, running_platform
from tests.conftest import Database, TestClock, TestCluster
from tests.vault.accounts.conftest import Vault, key_store, standing_vault  # noqa: F401 (fixtures)
from tests.vault.test_attacks_on_disclosure import KNOWN, vault_pid, wait_until


@pytest.fixture
def platform(cluster: TestCluster, tmp_path: Path) -> Iterator[Platform]:
    database = cluster.fresh_database()
    with running_platform(database, tmp_path) as started:
        yield started
    cluster.drop(database)


def has_ended(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_vault_whose_ledger_loses_a_leaf_ends(platform: Platform, tmp_path: Path) -> None:
    counter = Counter(platform.origin)
    counter.activate(platform.enrol(platform.enrol_pharmacy("Pharmacie de la Lacune"))[1])
    assert counter.check(KNOWN)["preAuthRef"]
    pid = vault_pid(platform)
    with platform.database.connect() as owner:
        owner.execute(
            "CREATE FUNCTION evidence.lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
        )
        owner.execute(
            "CREATE TRIGGER lose BEFORE INSERT ON evidence.leaf FOR EACH ROW EXECUTE FUNCTION evidence.lose()"
        )
    counter.check(KNOWN)
    wait_until(lambda: has_ended(pid), 10)
    with pytest.raises((DoorRefused, httpx.HTTPError)):
        counter.check(KNOWN)
    counter.close()
    log = (tmp_path / "processes.log").read_text()
    assert "the vault stops, for it cannot sign its ledger: LedgerUnsound" in log
    assert "ledger-unsound: " in log
    # And it does not start again on such a ledger.
    again = subprocess.run(
        [sys.executable, "-m", "rempart.vault", "--config", tmp_path / "vault.toml"],
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert again.returncode == 1
    assert b"ledger-unsound" in again.stderr


def test_a_ledger_that_shrank_is_not_signed(database: Database, clock: TestClock) -> None:
    async def shrink() -> None:
        async with asyncpg.create_pool(database.owner_dsn, min_size=1, max_size=1) as pool:
            signer = CheckpointSigner(
                pool, "example/log", SignerKey("example/log", Ed25519PrivateKey.generate()), clock
            )
            await pool.execute("INSERT INTO evidence.leaf SELECT n, '\\x00' FROM generate_series(0, 2) n")
            await pool.execute("UPDATE evidence.log SET size = 3")
            await signer.sign_if_grown()
            await pool.execute("UPDATE evidence.log SET size = 2")
            with pytest.raises(LedgerUnsound):
                await signer.sign_if_grown()
            assert await pool.fetchval("SELECT max(size) FROM evidence.checkpoint") == 3

    asyncio.run(shrink())


def test_a_vault_that_cannot_sign_what_grew_is_not_ready(standing_vault: Vault) -> None:  # noqa: F811
    def ready() -> bool:
        return expect(Healthy, standing_vault.call(Health())).ready

    checkpoints = standing_vault.zone.checkpoints
    standing_vault.runner.run(checkpoints.sign_if_grown())
    standing_vault.time.advance(2 * LATE)
    assert ready(), "a log that does not grow needs no checkpoint"
    standing_vault.runner.run(checkpoints.sign_if_grown())
    with standing_vault.database.connect() as owner:
        owner.execute("INSERT INTO evidence.leaf VALUES (0, '\\x00')")
        owner.execute("UPDATE evidence.log SET size = 1")
    standing_vault.time.advance(LATE)
    assert ready()
    standing_vault.time.advance(1)
    assert not ready()
    standing_vault.runner.run(checkpoints.sign_if_grown())
    assert ready()
