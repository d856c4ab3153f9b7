"""A rotation from end to end: the command, the vault started again, an insurer before and after its next full file."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import msgspec
import pytest

from rempart.cli.counter import Counter, DoorRefused
from rempart.foundation.settings import VaultSettings, load_settings
from rempart.foundation.vocabulary import Lane
from rempart.vault.capsule import SealedContract, associated_data, card_message, derive, encode_content, seal
from rempart.vault.keystore import open_key_store
from tests.browser.platform import AMC, BORN, OPEN, running_platform
from tests.conftest import Database, TestCluster
from tests.vault.test_attacks_on_disclosure import KNOWN, answers, vault_pid, wait_until
from tests.vault.test_checkpoints import has_ended


def vault(folder: Path, *words: str) -> list[str | Path]:
    return [sys.executable, "-m", "rempart.vault", *words, "--config", folder / "vault.toml"]


def begin_epoch(folder: Path) -> tuple[int, str]:
    ended = subprocess.run(
        vault(folder, "begin-epoch"), capture_output=True, text=True, timeout=30, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


@contextmanager
def restarted(pid: int, folder: Path) -> Iterator[None]:
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: has_ended(pid))
    process = subprocess.Popen(vault(folder))
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def take_in_under_the_second_epoch(database: Database, folder: Path) -> None:
    """The insurer's next full file, as a load seals it once the keys have moved on."""
    settings = load_settings(VaultSettings, folder / "vault.toml")
    prf = open_key_store(settings.key_store, settings.passphrase_file, None).prf("capsule-2")
    tag, key = derive(prf(card_message(2, AMC, OPEN.adherent, BORN, 1)))
    contract = SealedContract("CONFORT", date(2024, 1, 1).toordinal(), 0, True, 0, 0, [])
    sealed = seal(key, associated_data(1, Lane.CARD, 2), encode_content([contract]))
    with database.connect() as connection:
        connection.execute("CREATE TABLE capsule.i1_g2 (LIKE capsule.i1_g1)")
        connection.execute("GRANT SELECT ON capsule.i1_g2 TO rempart_vault")
        connection.execute(
            "INSERT INTO capsule.i1_g2 VALUES (%s, %s, %s, 'ref')",
            (uuid.UUID(bytes=tag), uuid.uuid4(), sealed),
        )
        connection.execute("UPDATE vault.insurer SET generation = 2, epoch = 2 WHERE number = 1")


def test_a_look_up_is_answered_before_and_after_an_insurer_changes_epoch(
    cluster: TestCluster, tmp_path: Path
) -> None:
    database = cluster.fresh_database()
    with running_platform(database, tmp_path) as platform, database.connect() as owner:
        counter = Counter(platform.origin)
        counter.activate(platform.enrol(platform.enrol_pharmacy("Pharmacie de la Relève"))[1])
        assert answers(counter)
        code, said = begin_epoch(tmp_path)
        assert (code, said) == (0, "Epoch 2 begins once the vault, then the sealer, are started again.\n")
        with restarted(vault_pid(platform), tmp_path):
            wait_until(lambda: answers(counter))
            code, said = begin_epoch(tmp_path)
            assert code == 1
            assert "epoch-in-use" in said
            take_in_under_the_second_epoch(database, tmp_path)
            assert answers(counter)
            assert not counter.check(msgspec.structs.replace(KNOWN, rank=2)).get("preAuthRef")
            owner.execute("UPDATE vault.insurer SET epoch = 3")
            with pytest.raises(DoorRefused) as refused:
                counter.check(KNOWN)
            assert str(refused.value) == "503", "a vault behind its sealer calls nobody absent"
            owner.execute("UPDATE vault.insurer SET epoch = 2")
        generations = owner.execute("SELECT DISTINCT generation FROM evidence.entry ORDER BY 1").fetchall()
        assert generations == [(1,), (2,)]
        # An insurer that was left behind holds the next one up, and is named.
        owner.execute(
            "INSERT INTO vault.insurer (number, amc, name, signing_key, notice_key, generation, epoch)"
            " VALUES (2, '99000002', 'Late', '', '', 1, 1)"
        )
        code, said = begin_epoch(tmp_path)
        assert code == 1
        assert "99000002" in said
        owner.execute("UPDATE vault.insurer SET generation = 0 WHERE number = 2")
        assert begin_epoch(tmp_path)[0] == 0
        journaled = owner.execute(
            "SELECT actor, object FROM vault.journal WHERE act = 'epoch:begin' ORDER BY id"
        )
        assert journaled.fetchall() == [("operator", "2"), ("operator", "3")]
        counter.close()
    cluster.drop(database)


def test_no_epoch_begins_before_the_first_file(cluster: TestCluster, tmp_path: Path) -> None:
    database = cluster.fresh_database()
    with running_platform(database, tmp_path), database.connect() as owner:
        stored = (tmp_path / "keys" / "store").read_bytes()
        owner.execute("UPDATE vault.insurer SET generation = 0, epoch = 0")
        code, said = begin_epoch(tmp_path)
        assert code == 1
        assert "No insurer has a generation yet" in said
        assert (tmp_path / "keys" / "store").read_bytes() == stored
    cluster.drop(database)
