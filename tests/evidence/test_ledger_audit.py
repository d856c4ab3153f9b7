"""The database's ledger is honest, or the audit says where it is not.

Each attack is one write by the database's ledger.connection.
"""

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from rempart.evidence.audit import AuditReport, audit_ledger
from rempart.evidence.errors import LeafMissing, LeafRewritten, LedgerUnreadable, NoteRefused, RootMismatch
from rempart.evidence.merkle import Frontier, leaf_hash, root
from rempart.evidence.note import Checkpoint, sign_checkpoint
from rempart.evidence.opening import OPENING_SQL, commit, encode_opening

if TYPE_CHECKING:
    from conftest import Ledger


def _audit(
    ledger: "Ledger", since: Frontier | None = None, *, role: str = "operator", batch: int = 7
) -> AuditReport:
    with ledger.database.connect(role) as connection:
        return audit_ledger(connection, batch=batch, since=since, key=ledger.log.verifier())


def test_an_honest_ledger_passes(ledger: "Ledger") -> None:
    report = _audit(ledger)
    assert (report.size, report.leaves, report.openings) == (40, 40, 40)
    assert (report.checkpoints, report.signed_size) == (3, 40)
    assert report.root == root(leaf_hash(data) for data in ledger.commitments(0, 40))
    assert _audit(ledger, batch=1000).root == report.root


def test_an_empty_ledger_passes(empty_ledger: "Ledger") -> None:
    assert (_audit(empty_ledger).size, _audit(empty_ledger).signed_size) == (0, 0)


def test_a_role_that_reads_leaves_only_checks_all_the_rest(ledger: "Ledger") -> None:
    report = _audit(ledger, role="worker")
    assert (report.leaves, report.openings, report.checkpoints) == (40, 0, 3)


def test_an_audit_goes_on_from_the_former_one(ledger: "Ledger") -> None:
    former = _audit(ledger)
    ledger.append(40, 61)
    ledger.sign(ledger.commitments(0, 55))
    report = _audit(ledger, Frontier.restore(former.frontier.serialise()))
    assert (report.size, report.leaves, report.checkpoints, report.signed_size) == (61, 21, 2, 55)
    assert report.root == _audit(ledger).root
    assert _audit(ledger, report.frontier).leaves == 0


def test_postgresql_builds_the_same_opening(ledger: "Ledger") -> None:
    rows = ledger.connection.execute(
        f"SELECT {OPENING_SQL} FROM evidence.entry e ORDER BY e.index"
    ).fetchall()  # type: ignore[arg-type]
    assert [bytes(row[0]) for row in rows] == [encode_opening(ledger.opening(index)) for index in range(40)]


@pytest.mark.parametrize(
    "change",
    [
        "commitment = sha256(commitment)",
        "commitment = '\\x00'",
        "commitment = (SELECT commitment FROM evidence.leaf WHERE index = 3)",
    ],
)
def test_a_leaf_rewritten(ledger: "Ledger", change: str) -> None:
    ledger.attack(f"UPDATE evidence.leaf SET {change} WHERE index = 17")
    with pytest.raises(LeafRewritten) as caught:
        _audit(ledger)
    assert caught.value.index == 17


def test_a_leaf_rewritten_with_its_entry(ledger: "Ledger") -> None:
    forged = replace(ledger.opening(17), account=UUID(int=9))
    ledger.connection.execute("UPDATE evidence.entry SET account = %s WHERE index = 17", (forged.account,))
    ledger.connection.execute(
        "UPDATE evidence.leaf SET commitment = %s WHERE index = 17",
        (commit(ledger.salt(17), encode_opening(forged)),),
    )
    ledger.connection.commit()
    with pytest.raises(RootMismatch, match="first 25"):
        _audit(ledger)


@pytest.mark.parametrize(
    "change",
    [
        "account = device",
        "device = account",
        "establishment = subject",
        "at = at + 1",
        "insurer = insurer + 1",
        "lane = 3 - lane",
        "domain = domain + 1",
        "answer_class = 2",
        "outcome = 2",
        "cost = 0",
        "subject = account",
        "salt = sha256(salt)",
    ],
)
def test_an_entry_rewritten_beside_its_leaf(ledger: "Ledger", change: str) -> None:
    ledger.attack(f"UPDATE evidence.entry SET {change} WHERE index = 18")
    with pytest.raises(LeafRewritten) as caught:
        _audit(ledger)
    assert caught.value.index == 18


def test_a_leaf_removed(ledger: "Ledger") -> None:
    ledger.attack("DELETE FROM evidence.leaf WHERE index = 17")
    with pytest.raises(LeafMissing) as caught:
        _audit(ledger)
    assert caught.value.index == 17


def test_a_leaf_removed_and_the_others_moved_up(ledger: "Ledger") -> None:
    for table in ("leaf", "entry"):
        ledger.attack(f"DELETE FROM evidence.{table} WHERE index = 17")
        ledger.attack(f"UPDATE evidence.{table} SET index = index - 1000 WHERE index > 17")
        ledger.attack(f"UPDATE evidence.{table} SET index = index + 999 WHERE index < 0")
    ledger.attack("UPDATE evidence.log SET size = 39")
    with pytest.raises(LeafMissing, match="39 leaves after 40"):
        _audit(ledger)
    ledger.attack("DELETE FROM evidence.checkpoint WHERE size = 40")
    with pytest.raises(RootMismatch, match="first 25"):
        _audit(ledger)


def test_an_entry_removed(ledger: "Ledger") -> None:
    ledger.attack("DELETE FROM evidence.entry WHERE index = 17")
    with pytest.raises(LeafRewritten) as caught:
        _audit(ledger)
    assert caught.value.index == 17


def test_two_leaves_swapped_with_their_entries(ledger: "Ledger") -> None:
    for table in ("leaf", "entry"):
        ledger.attack(f"UPDATE evidence.{table} SET index = -1 WHERE index = 17")
        ledger.attack(f"UPDATE evidence.{table} SET index = 17 WHERE index = 22")
        ledger.attack(f"UPDATE evidence.{table} SET index = 22 WHERE index = -1")
    with pytest.raises(RootMismatch, match="first 25"):
        _audit(ledger)


def test_a_shrunken_log(ledger: "Ledger") -> None:
    former = _audit(ledger)
    ledger.attack("DELETE FROM evidence.leaf WHERE index >= 25")
    with pytest.raises(LeafMissing) as caught:
        _audit(ledger)
    assert caught.value.index == 25
    ledger.attack("DELETE FROM evidence.entry WHERE index >= 25")
    ledger.attack("UPDATE evidence.log SET size = 25")
    with pytest.raises(LeafMissing, match="25 leaves after 40"):
        _audit(ledger)
    ledger.attack("DELETE FROM evidence.checkpoint WHERE size > 25")
    # Now the database agrees with itself: only who remembers the larger log can tell.
    assert _audit(ledger).size == 25
    with pytest.raises(LeafMissing, match="25 leaves after 40"):
        _audit(ledger, former.frontier)


def test_a_log_rewritten_and_signed_anew_since_the_former_audit(ledger: "Ledger") -> None:
    former = _audit(ledger)
    ledger.append(40, 45)
    forged = ledger.commitments(0, 45)
    forged[3] = forged[4]
    ledger.sign(forged)
    with pytest.raises(RootMismatch, match="first 45"):
        _audit(ledger, former.frontier)


def test_an_answer_slipped_in_beside_the_log(ledger: "Ledger") -> None:
    ledger.attack("INSERT INTO evidence.leaf SELECT 40, commitment FROM evidence.leaf WHERE index = 3")
    with pytest.raises(LeafMissing):
        _audit(ledger, batch=1000)
    ledger.attack("DELETE FROM evidence.leaf WHERE index = 40")
    ledger.attack("UPDATE evidence.entry SET index = 40 WHERE index = 3")
    with pytest.raises(LeafRewritten):
        _audit(ledger)


def test_an_entry_without_a_leaf(ledger: "Ledger") -> None:
    ledger.attack(
        "INSERT INTO evidence.entry SELECT 99, at, salt, account, device, establishment, insurer, lane, domain,"
        " answer_class, outcome, cost, subject, notice_ref, generation FROM evidence.entry WHERE index = 3",
    )
    with pytest.raises(LeafMissing, match="no leaf"):
        _audit(ledger)


def test_a_checkpoint_signed_by_another_key(ledger: "Ledger") -> None:
    ledger.append(40, 45)
    ledger.sign(ledger.commitments(0, 45), ledger.other)
    with pytest.raises(NoteRefused):
        _audit(ledger)


@pytest.mark.parametrize(
    "change",
    [
        "root = sha256(root)",
        "frontier = frontier || '\\x00'",
        "note = (SELECT note FROM evidence.checkpoint WHERE size = 25)",
        "size = 12",
    ],
)
def test_a_checkpoint_rewritten(ledger: "Ledger", change: str) -> None:
    ledger.attack(f"UPDATE evidence.checkpoint SET {change} WHERE size = 10")
    with pytest.raises(RootMismatch):
        _audit(ledger)


def test_a_root_signed_that_is_not_the_leaves_beside_their_true_frontier(ledger: "Ledger") -> None:
    note = sign_checkpoint(Checkpoint(ledger.log.name, 40, b"\x01" * 32), ledger.log).decode()
    ledger.connection.execute(
        "UPDATE evidence.checkpoint SET root = %s, note = %s WHERE size = 40", (b"\x01" * 32, note)
    )
    ledger.connection.commit()
    with pytest.raises(RootMismatch, match="first 40"):
        _audit(ledger)


def test_a_role_without_the_right_to_read_gets_no_verdict(ledger: "Ledger") -> None:
    with pytest.raises(LedgerUnreadable):
        _audit(ledger, role="door")


def test_the_audit_reads_one_snapshot(ledger: "Ledger") -> None:
    ledger.connection.execute("SELECT 1")
    with pytest.raises(ValueError, match="outside any transaction"):
        audit_ledger(ledger.connection, batch=7)
