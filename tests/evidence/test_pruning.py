"""What goes when its retention is over, and what an audit accepts of it: nothing above the horizon, and no horizon that came too early."""

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from tests.evidence.conftest import START, YEARS_LATER, Ledger
from typer.testing import CliRunner

from rempart.cli.commands import command_line
from rempart.evidence import store
from rempart.evidence.audit import audit_ledger
from rempart.evidence.errors import LeafMissing, LeafRewritten, LedgerBroken, RetentionNotOver
from rempart.evidence.opening import encode_opening, verify_opening
from rempart.evidence.pruning import RETENTION, latest_horizon, plan, prune
from rempart.evidence.tiles import export_tiles, prove_leaf, verify_folder
from rempart.foundation.clock import DAY, SECOND

NOW = START + YEARS_LATER + 100
CUTOFF = START + 10 * DAY


@pytest.fixture
def old(empty_ledger: Ledger) -> Ledger:
    """Forty answers of four years ago, twenty of today."""
    ledger = replace(empty_ledger, young=40)
    ledger.append(0, 60)
    for size, at in ((25, START + SECOND), (40, START + 2 * SECOND), (60, NOW)):
        ledger.sign(ledger.commitments(0, size), at=at)
    return ledger


def operator(ledger: Ledger) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(ledger.dsn, autocommit=True)


def pruned(ledger: Ledger) -> None:
    with operator(ledger) as c:
        assert prune(c, CUTOFF, NOW, "operator").entries == 40


def audited(ledger: Ledger) -> int:
    with store.reading(ledger.dsn) as c:
        return audit_ledger(c, batch=7, key=ledger.log.verifier()).pruned


def test_what_is_older_than_three_years_goes_and_every_proof_still_verifies(
    old: Ledger, tmp_path: Path
) -> None:
    with operator(old) as c:
        assert plan(c, CUTOFF, NOW) == plan(c, CUTOFF, NOW)
        assert plan(c, CUTOFF, NOW).entries == 40
        assert audited(old) == 0
        done = prune(c, CUTOFF, NOW, "operator")
        assert (done.horizon, done.entries) == (40, 40)
        assert latest_horizon(c).index == 40
        assert plan(c, CUTOFF, NOW).entries == 0
        assert prune(c, CUTOFF, NOW, "operator").entries == 0
    assert audited(old) == 40
    with store.reading(old.dsn) as c:
        note = store.latest_checkpoint(c)
        export_tiles(tmp_path / "log", store.stream_commitments(c, batch=9), note, old.log.verifier())
        assert store.read_entry(c, 40).opening == old.opening(40)
    assert verify_folder(tmp_path / "log", old.log.verifier()).checkpoint.size == 60
    prove_leaf(tmp_path / "log", 3, old.log.verifier())
    # Whoever kept the opening can still show it.
    verify_opening(old.commitments(3, 4)[0], old.salt(3), encode_opening(old.opening(3)))
    journal = old.connection.execute("SELECT actor, act, object, detail FROM vault.journal").fetchall()
    assert ("operator", "ledger:prune", "40", "40") in journal


@pytest.mark.parametrize(
    ("cutoff", "at"),
    [
        pytest.param(NOW - RETENTION + 1, NOW, id="younger than three years"),
        pytest.param(NOW, NOW + RETENTION, id="a clock set forward"),
        pytest.param(NOW, NOW, id="everything"),
    ],
)
def test_nothing_younger_can_be_pruned_whatever_the_operators_clock_says(
    old: Ledger, cutoff: int, at: int
) -> None:
    with operator(old) as c, pytest.raises(RetentionNotOver):
        prune(c, cutoff, at, "operator")
    assert old.connection.execute("SELECT count(*) FROM evidence.entry").fetchone() == (60,)


def test_the_operators_role_removes_no_entry_by_itself(old: Ledger) -> None:
    for statement in (
        "DELETE FROM evidence.entry WHERE index = 1",
        "INSERT INTO evidence.horizon VALUES (50, 1, 94694400000001, 'x', 0)",
        "DELETE FROM evidence.leaf WHERE index = 1",
    ):
        with operator(old) as c, pytest.raises(psycopg.errors.InsufficientPrivilege):
            c.execute(statement.encode())


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param("DELETE FROM evidence.entry WHERE index = 45", id="an entry above the horizon"),
        pytest.param("DELETE FROM evidence.entry WHERE index = 59", id="the last entry"),
        pytest.param(
            "INSERT INTO evidence.horizon VALUES (55, {early}, {now}, 'x', 0)",
            id="a horizon over young entries",
        ),
        pytest.param(
            "INSERT INTO evidence.horizon VALUES (55, {late}, {later}, 'x', 0)",
            id="a horizon from the future",
        ),
        pytest.param(
            "INSERT INTO evidence.horizon VALUES (60, {early}, {now}, 'x', 0)", id="a horizon over everything"
        ),
        pytest.param("DELETE FROM evidence.leaf WHERE index = 3", id="a leaf below the horizon"),
        pytest.param(
            "UPDATE evidence.leaf SET commitment = sha256('x') WHERE index = 3",
            id="a leaf rewritten below it",
        ),
        pytest.param("DELETE FROM evidence.horizon", id="the horizon itself"),
    ],
)
def test_a_prune_that_hides_a_leaf_is_found_by_the_audit(old: Ledger, attack: str) -> None:
    pruned(old)
    # The last checkpoint before the hidden edge tells how young what it hides is.
    old.sign(old.commitments(0, 50), at=NOW - 1)
    numbers = {"early": CUTOFF, "now": NOW, "late": NOW + DAY, "later": NOW + DAY + RETENTION}
    assert audited(old) == 40
    if "horizon VALUES" in attack:
        old.connection.execute(b"DELETE FROM evidence.entry WHERE index BETWEEN 40 AND 54")
    old.attack(attack.format(**numbers))
    with pytest.raises(LedgerBroken):
        audited(old)


def test_an_entry_that_was_changed_below_the_horizon_is_found_too(old: Ledger) -> None:
    pruned(old)
    old.connection.execute(
        "INSERT INTO evidence.entry (index, at, salt, account, device, establishment, insurer, lane, domain, answer_class, outcome,"
        " cost, subject, generation) SELECT 3, at, salt, account, device, establishment, insurer, lane, domain, answer_class, outcome,"
        " cost, subject, generation FROM evidence.entry WHERE index = 41"
    )
    old.connection.commit()
    with pytest.raises(LeafRewritten):
        audited(old)


def test_the_command_is_a_dry_run_unless_told_and_refuses_what_is_young(old: Ledger) -> None:
    def run(*more: str) -> tuple[int, str]:
        arguments = ["evidence", "prune", "--dsn", old.dsn, *more]
        result = CliRunner().invoke(command_line(arguments), arguments)
        return result.exit_code, result.output

    code, said = run("--before", "2020-01-01")
    assert (code, "would go" in said, "Nothing was removed" in said) == (0, True, True)
    code, said = run("--before", "2200-01-01", "--do")
    assert (code, "[retention]" in said) == (1, True)
    assert old.connection.execute("SELECT count(*) FROM evidence.entry").fetchone() == (60,)


def test_an_audit_by_a_role_that_sees_no_entry_is_unchanged(old: Ledger) -> None:
    pruned(old)
    with old.database.connect("worker") as c:
        report = audit_ledger(c, batch=7, key=old.log.verifier())
    assert (report.size, report.openings, report.pruned) == (60, 0, 0)


def test_a_missing_leaf_is_missing_whatever_the_horizon(old: Ledger) -> None:
    pruned(old)
    old.attack("DELETE FROM evidence.leaf WHERE index < 3")
    with pytest.raises(LeafMissing):
        audited(old)
