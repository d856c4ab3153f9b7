"""The worker's audit on a real ledger: sound, then attacked by the database's owner."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.evidence.errors import LedgerUnreadable
from rempart.evidence.merkle import Frontier, leaf_hash
from rempart.evidence.note import Checkpoint, SignerKey, sign_checkpoint
from rempart.foundation.settings import WorkerSettings
from rempart.worker.ledger import audit

ORIGIN = "rempart.example/ledger"
KEY = SignerKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
STRANGER = SignerKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))


def grow(database: Any, start: int, size: int, *, signer: SignerKey = KEY) -> None:
    """Append leaves as the vault's role does, and sign."""
    frontier = Frontier()
    with database.connect("vault") as vault:
        vault.execute("UPDATE evidence.log SET size = %s", (size,))
        for index in range(start, size):
            vault.execute(
                "INSERT INTO evidence.leaf (index, commitment) VALUES (%s, %s)",
                (index, index.to_bytes(32, "big")),
            )
        frontier.extend(
            leaf_hash(row[0]) for row in vault.execute("SELECT commitment FROM evidence.leaf ORDER BY index")
        )
        note = sign_checkpoint(Checkpoint(ORIGIN, size, frontier.root()), signer).decode()
        vault.execute(
            "INSERT INTO evidence.checkpoint (size, root, at, frontier, note) VALUES (%s, %s, 0, %s, %s)",
            (size, frontier.root(), frontier.serialise(), note),
        )


@pytest.fixture
def settings(database: Any, tmp_path: Path) -> WorkerSettings:
    grow(database, 0, 5)
    return WorkerSettings(
        mode="demo", dsn=database.dsn("worker"), run_folder=tmp_path, state_folder=tmp_path, log_origin=ORIGIN,
        verifier_key=KEY.verifier().text(), audit_batch=2,
    )  # fmt: skip


def test_a_sound_ledger_is_followed_as_it_grows(database, settings, clock):
    first = audit(settings, clock, whole=False)
    assert (first.sound, first.size, first.signed_size, first.at) == (True, 5, 5, clock.now)
    grow(database, 5, 12)
    assert audit(settings, clock, whole=False).size == 12
    assert audit(settings, clock, whole=True).sound
    assert Frontier.restore((settings.state_folder / "frontier").read_bytes()).size == 12


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE evidence.leaf SET commitment = sha256('another') WHERE index = 3",
        "DELETE FROM evidence.leaf WHERE index = 3",
        "UPDATE evidence.leaf SET index = 99 WHERE index = 4",
        "UPDATE evidence.checkpoint SET root = sha256('another')",
    ],
)
def test_a_ledger_that_its_databases_owner_rewrote_is_not_sound(database, settings, clock, attack):
    assert audit(settings, clock, whole=True).sound
    kept = (settings.state_folder / "frontier").read_bytes()
    with database.connect() as owner:
        assert owner.execute(attack).rowcount == 1
    verdict = audit(settings, clock, whole=True)
    assert not verdict.sound
    assert verdict.error
    assert (settings.state_folder / "frontier").read_bytes() == kept


def test_a_ledger_cut_and_signed_again_is_seen_from_outside_the_database(database, settings, clock):
    # A restored backup: everything in the database agrees, and is older than what the worker saw.
    grow(database, 5, 12)
    assert audit(settings, clock, whole=False).size == 12
    with database.connect() as owner:
        owner.execute("DELETE FROM evidence.leaf WHERE index >= 5")
        owner.execute("DELETE FROM evidence.checkpoint WHERE size > 5")
        owner.execute("UPDATE evidence.log SET size = 5")
    for whole in (False, True):
        assert not audit(settings, clock, whole=whole).sound


def test_a_checkpoint_signed_by_another_key_is_not_sound(database, settings, clock):
    grow(database, 5, 7, signer=STRANGER)
    verdict = audit(settings, clock, whole=False)
    assert (verdict.sound, verdict.error) == (False, "note-refused")


def test_a_database_that_does_not_answer_is_no_verdict(settings, clock):
    audit(settings, clock, whole=False)
    told = (settings.state_folder / "last.json").read_bytes()
    gone = WorkerSettings(**{**vars(settings), "dsn": settings.dsn.replace("/test_", "/absent_")})
    with pytest.raises(LedgerUnreadable):
        audit(gone, clock, whole=False)
    assert (settings.state_folder / "last.json").read_bytes() == told


def test_the_worker_cannot_touch_what_it_audits_nor_read_an_opening(database):
    with database.connect("worker") as worker:
        for table, may in (("leaf", "SELECT"), ("checkpoint", "SELECT"), ("log", "SELECT"), ("entry", "")):
            held = worker.execute(
                "SELECT string_agg(p, ',') FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p"
                " WHERE has_table_privilege('evidence.' || %s, p)",
                (table,),
            ).fetchone()[0]
            assert (held or "") == may
