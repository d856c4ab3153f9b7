"""`rempart evidence`, as an operator or an insurer's auditor types it."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import Result
from typer.testing import CliRunner

from rempart.cli.evidence import app
from rempart.evidence import tiles

if TYPE_CHECKING:
    from conftest import Ledger


def _run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def _refused(*words: object) -> str:
    result = _run(*words)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    return result.stderr


@pytest.fixture
def published(ledger: "Ledger", tmp_path: Path) -> Path:
    """The honest ledger, published by the command."""
    folder = tmp_path / "published"
    result = _run("export", folder, "--dsn", ledger.dsn, "--key", ledger.log.verifier().text())
    assert result.exit_code == 0, result.output
    return folder


def test_an_honest_ledger_is_published_and_verified(
    ledger: "Ledger", published: Path, tmp_path: Path
) -> None:
    result = _run("verify", published)
    assert result.exit_code == 0
    assert "40 leaves" in result.stdout
    assert "compare it with the one published elsewhere" in result.stdout
    key_file = tmp_path / "key"
    key_file.write_text(ledger.log.verifier().text() + "\n")
    result = _run("verify", published, "--key", key_file)
    assert result.exit_code == 0
    assert "compare it" not in result.stdout


def test_a_ledger_that_grew_is_verified_against_the_checkpoint_kept(
    ledger: "Ledger", published: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes((published / "checkpoint").read_bytes())
    ledger.append(40, 300)
    ledger.sign(ledger.commitments(0, 300))
    result = _run("export", published, "--dsn", ledger.dsn, "--key", ledger.log.verifier().text())
    assert result.exit_code == 0
    result = _run("verify", published, "--since", kept)
    assert result.exit_code == 0
    assert "from 40 leaves, none rewritten" in result.stdout


def test_a_published_leaf_rewritten_is_told_in_a_sentence(published: Path) -> None:
    place = published / "tile/entries/000.p/40"
    data = bytearray(place.read_bytes())
    data[34 * 17 + 5] ^= 1
    place.write_bytes(data)
    said = _refused("verify", published)
    assert "A leaf of the ledger was rewritten." in said
    assert "First leaf concerned: 17." in said


def test_a_ledger_signed_by_another_key_is_refused(ledger: "Ledger", published: Path) -> None:
    assert "not signed by the expected key" in _refused(
        "verify", published, "--key", ledger.other.verifier().text()
    )
    assert "not signed by the expected key" in _refused(
        "audit", "--dsn", ledger.dsn, "--key", ledger.other.verifier().text()
    )


def test_a_proof_is_printed_and_stands_alone(ledger: "Ledger", published: Path, tmp_path: Path) -> None:
    result = _run("prove", published, 17)
    assert result.exit_code == 0
    file = tmp_path / "17.tlog-proof"
    file.write_bytes(result.stdout_bytes)
    key = ledger.log.verifier().text()
    result = _run("verify-proof", file, "--key", key)
    assert result.exit_code == 0
    assert ledger.commitments(17, 18)[0].hex() in result.stdout
    file.write_bytes(file.read_bytes().replace(b"index 17", b"index 18"))
    assert "does not lead" in _refused("verify-proof", file, "--key", key)
    assert "no leaf 40" in _refused("prove", published, 40)


def test_the_audit_goes_on_from_its_state(ledger: "Ledger", tmp_path: Path) -> None:
    words = (
        "audit",
        "--dsn",
        ledger.dsn,
        "--key",
        ledger.log.verifier().text(),
        "--state",
        tmp_path / "state",
    )
    assert "40 leaves, 40 entries, 3 checkpoints" in _run(*words).stdout
    ledger.append(40, 45)
    assert "5 leaves, 5 entries, 1 checkpoints" in _run(*words).stdout
    for table in ("leaf", "entry"):
        ledger.attack(f"DELETE FROM evidence.{table} WHERE index >= 40")
    ledger.attack("UPDATE evidence.log SET size = 40")
    assert "40 leaves after 45" in _refused(*words)
    assert "40 leaves after 45" in _refused(*words)


def test_an_entry_is_shown_without_anybody_in_it(ledger: "Ledger") -> None:
    result = _run("show", 18, "--dsn", ledger.dsn)
    assert result.exit_code == 0
    assert "2026-01-01T00:00:00.000+00:00" in result.stdout
    assert "prise_en_charge" in result.stdout
    opening = ledger.opening(18)
    for person in (opening.subject, opening.account, opening.device, opening.establishment):
        assert str(person) not in result.stdout
    assert "no leaf 40" in _refused("show", 40, "--dsn", ledger.dsn)
    ledger.attack("UPDATE evidence.entry SET cost = 0 WHERE index = 18")
    assert "First leaf concerned: 18." in _refused("show", 18, "--dsn", ledger.dsn)


def test_what_cannot_be_read_is_said_without_the_password(ledger: "Ledger", tmp_path: Path) -> None:
    key = ledger.log.verifier().text()
    nowhere = "host=/nonexistent user=u password=hunter2 dbname=d"
    said = _refused("audit", "--dsn", nowhere, "--key", key)
    assert "cannot be read" in said
    assert "hunter2" not in said
    assert "checkpoint cannot be read" in _refused("verify", tmp_path / "nothing", "--key", key)
    assert "malformed" in _refused("verify", tmp_path, "--key", "nonsense")


def test_a_ledger_without_a_checkpoint_is_not_published(empty_ledger: "Ledger", tmp_path: Path) -> None:
    key = empty_ledger.log.verifier().text()
    said = _refused("export", tmp_path / "published", "--dsn", empty_ledger.dsn, "--key", key)
    assert "no checkpoint yet" in said
    assert not (tmp_path / "published").exists()


def test_a_gap_in_the_database_publishes_nothing(ledger: "Ledger", tmp_path: Path) -> None:
    ledger.attack("DELETE FROM evidence.leaf WHERE index = 17")
    key = ledger.log.verifier().text()
    said = _refused("export", tmp_path / "published", "--dsn", ledger.dsn, "--key", key)
    assert "First leaf concerned: 17." in said
    with pytest.raises(Exception, match="checkpoint cannot be read"):
        tiles.verify_folder(tmp_path / "published", ledger.log.verifier())


def test_the_platform_s_folder_tells_the_database_and_a_stopped_vault_is_said(
    ledger: "Ledger", tmp_path: Path
) -> None:
    (tmp_path / "operator.dsn").write_text(ledger.dsn + "\n")
    assert _run("show", 18, "--folder", tmp_path).exit_code == 0
    assert "vault does not answer" in _refused("audit", "--folder", tmp_path)
    assert "operator.dsn cannot be read" in _refused("show", 18, "--folder", tmp_path / "elsewhere")
