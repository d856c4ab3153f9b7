"""The key store's count, through the vault: every rights check, refusals and failures among them, and what nobody asked for."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rempart.cli.commands import command_line
from rempart.evidence.operations import OperationsBroken, Statement, check_chain
from rempart.foundation.errors import Outage
from rempart.foundation.vocabulary import Domain
from rempart.vault import operations
from rempart.vault.keystore import (
    CountedKeyStore,
    KeyStore,
    operations_key,
)
from rempart.vault.operations import NotCounted
from rempart.vaultdoor.fhir import write_request
from rempart.vaultdoor.messages import Answer, Refused, ThrowSwitch
from tests.authenticator import expect
from tests.cashier.conftest import RIGHTS, Insured, Professional, Trade, running_trade
from tests.conftest import Database, TestClock


@contextmanager
def started(
    database: Database, keys: tuple[KeyStore, Path], folder: Path, clock: TestClock
) -> Iterator[Trade]:
    folder.mkdir(exist_ok=True)
    with running_trade(database, keys, folder, clock) as trade:
        yield trade


def place_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.operations")


def statement(trade: Trade, folder: Path) -> Statement:
    """What file and table say, which is the same."""
    lines = place_of(folder).read_bytes().splitlines()
    assert [line for (line,) in trade.rows("SELECT line FROM evidence.operations ORDER BY sequence")] == [
        line.decode() for line in lines
    ]
    public = operations_key(trade.keys.ring).public_key().public_bytes_raw()
    [(size,)] = trade.rows("SELECT size FROM evidence.log")
    return check_chain(lines, public, size=size)


def record(trade: Trade) -> None:
    trade.runner.run(trade.vault.operations.record())


def look(who: Professional, insured: Insured, domain: Domain = Domain.PHAR) -> Answer | Refused:
    reply = who.trade.call(who._signed(RIGHTS, write_request(insured.presentation(domain))))
    assert isinstance(reply, Answer | Refused)
    return reply


def test_every_derivation_has_its_leaf_or_its_refusal(
    database: Database,
    claims_keys: tuple[KeyStore, Path],
    tmp_path: Path,
    clock: TestClock,
) -> None:
    with started(database, claims_keys, folder := tmp_path / "run", clock) as trade:
        insurer, pharmacist = trade.insurer(), trade.professional()
        anne = trade.insure(insurer)
        for _ in range(3):
            expect(Answer, look(pharmacist, anne))
        expect(Answer, look(pharmacist, Insured(insurer, "99999999", anne.born, ())))
        trade.operate(ThrowSwitch("insurer", insurer.amc, "test", on=True))
        assert expect(Refused, look(pharmacist, anne)).code == "contained"
        trade.operate(ThrowSwitch("insurer", insurer.amc, "test", on=False))
        record(trade)
        found = statement(trade, folder)
        assert found.faults == ()
        assert (found.derivations, found.last.asked, found.last.leaves) == (5, 5, 4)
        assert (found.last.answered, found.last.refused, found.last.failed) == (4, 1, 0)
        assert found.last.counts["codes"] > 0
        key = base64.b64encode(operations_key(trade.keys.ring).public_key().public_bytes_raw()).decode()
        for given, code in ((key, 0), (base64.b64encode(bytes(32)).decode(), 1)):
            arguments = [
                "evidence", "operations", "--dsn", database.dsn("operator"), "--file", str(place_of(folder)), "--key", given,
            ]  # fmt: skip
            result = CliRunner().invoke(command_line(arguments), arguments)
            assert result.exit_code == code, result.output
            assert ("assuming that" in result.output) == (code == 0)
        # A signature that does not hold, or a body that is no request, derives nothing.
        act = pharmacist._signed(RIGHTS, b"{}")
        expect(Refused, trade.call(act))
        record(trade)
        assert statement(trade, folder).last.asked == 5


def test_an_operation_that_the_ledger_does_not_know_raises_the_alarm(
    database: Database,
    claims_keys: tuple[KeyStore, Path],
    tmp_path: Path,
    clock: TestClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with started(database, claims_keys, folder := tmp_path / "run", clock) as trade:
        insurer, pharmacist = trade.insurer(), trade.professional()
        expect(Answer, look(pharmacist, trade.insure(insurer)))
        record(trade)
        assert trade.vault.operations.faults == ()
        # Code inside the vault that opens a capsule on the side, straight from the key store or by the door's own way.
        trade.vault.keys.prf("capsule-1")(b"somebody")
        record(trade)
        [fault] = trade.vault.operations.faults
        assert fault == "capsule-1: 2 operations, 1 of them by rights checks"
        assert "not those of the ledger" in caplog.text
        trade.vault.capsule_prf(1)(b"somebody else")
        record(trade)
        assert statement(trade, folder).faults == ("capsule-1: 3 operations, 1 of them by rights checks",)
        arguments = [
            "evidence", "operations", "--dsn", database.dsn("operator"), "--file", str(place_of(folder)),
        ]  # fmt: skip
        result = CliRunner().invoke(command_line(arguments), arguments)
        assert result.exit_code == 1
        assert "ALARM" in result.output
        assert "assuming that" in result.output


def test_an_answer_whose_leaf_is_not_there_raises_the_alarm(
    database: Database,
    claims_keys: tuple[KeyStore, Path],
    tmp_path: Path,
    clock: TestClock,
) -> None:
    with started(database, claims_keys, folder := tmp_path / "run", clock) as trade:
        insurer, pharmacist = trade.insurer(), trade.professional()
        for _ in range(2):
            expect(Answer, look(pharmacist, trade.insure(insurer)))
        with database.connect() as owner:
            owner.execute("UPDATE evidence.log SET size = size - 1")
        record(trade)
        assert "the answers and what failed make 2 to 2" in statement(trade, folder).faults[0]


def test_a_failure_in_between_leaves_the_count_true(
    database: Database,
    claims_keys: tuple[KeyStore, Path],
    tmp_path: Path,
    clock: TestClock,
) -> None:
    with started(database, claims_keys, folder := tmp_path / "run", clock) as trade:
        insurer, pharmacist = trade.insurer(), trade.professional()
        anne = trade.insure(insurer)
        with database.connect() as owner:
            owner.execute("ALTER TABLE evidence.leaf RENAME TO leaf_away")
            assert expect(Refused, look(pharmacist, anne)).code == "outage"
            owner.execute("ALTER TABLE evidence.leaf_away RENAME TO leaf")
        expect(Answer, look(pharmacist, anne))
        record(trade)
        found = statement(trade, folder)
        assert (found.faults, found.last.asked, found.last.answered, found.last.failed) == ((), 2, 1, 1)


def test_a_vault_that_starts_again_goes_on_and_tells_the_leaves_that_no_record_saw(
    database: Database,
    claims_keys: tuple[KeyStore, Path],
    tmp_path: Path,
    clock: TestClock,
) -> None:
    folder = tmp_path / "run"
    with started(database, claims_keys, folder, clock) as trade:
        insurer, pharmacist = trade.insurer(), trade.professional()
        anne = trade.insure(insurer)
        expect(Answer, look(pharmacist, anne))
        record(trade)
        expect(Answer, look(pharmacist, anne))
        # Killed here: the second one is in no record.
    with place_of(folder).open("ab") as file:
        file.write(b'{"record":{"version":1,"sequ')
    with started(database, claims_keys, folder, clock) as trade:
        found = statement(trade, folder)
        assert (found.faults, found.last.unseen, found.last.leaves, found.last.kind) == ((), 1, 1, "start")
        pharmacist.trade = trade
        expect(Answer, look(pharmacist, anne))
        record(trade)
        found = statement(trade, folder)
        assert (found.faults, found.last.leaves, found.last.unseen, found.derivations) == ((), 2, 1, 2)
        # The file is lost, then the table.
        place_of(folder).unlink()
    with started(database, claims_keys, folder, clock) as trade:
        assert statement(trade, folder).faults == ()
        with database.connect() as owner:
            owner.execute("DELETE FROM evidence.operations WHERE sequence > 1")
    with started(database, claims_keys, folder, clock) as trade:
        assert statement(trade, folder).derivations == 2


def test_a_count_that_was_rewritten_stops_the_vault(
    database: Database,
    claims_keys: tuple[KeyStore, Path],
    tmp_path: Path,
    clock: TestClock,
) -> None:
    folder = tmp_path / "run"
    with started(database, claims_keys, folder, clock):
        pass
    lines = place_of(folder).read_bytes()
    place_of(folder).write_bytes(lines.replace(b'"asked":0', b'"asked":9'))
    with pytest.raises(OperationsBroken), started(database, claims_keys, folder, clock):
        pass


def test_a_ledger_that_was_restored_shorter_is_said(
    database: Database,
    claims_keys: tuple[KeyStore, Path],
    tmp_path: Path,
    clock: TestClock,
) -> None:
    folder = tmp_path / "run"
    with started(database, claims_keys, folder, clock) as trade:
        insurer, pharmacist = trade.insurer(), trade.professional()
        for _ in range(3):
            expect(Answer, look(pharmacist, trade.insure(insurer)))
        record(trade)
    with database.connect() as owner:
        owner.execute("UPDATE evidence.log SET size = 1")
    with started(database, claims_keys, folder, clock) as trade:
        assert statement(trade, folder).faults == ("2 leaves that were counted are gone",)


def test_when_no_record_can_be_written_nothing_more_is_disclosed(
    database: Database,
    claims_keys: tuple[KeyStore, Path],
    tmp_path: Path,
    clock: TestClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operations, "LIMIT", 2)
    with started(database, claims_keys, folder := tmp_path / "run", clock) as trade:
        insurer, pharmacist = trade.insurer(), trade.professional()
        anne = trade.insure(insurer)
        place_of(folder).unlink()
        place_of(folder).mkdir()
        for _ in range(2):
            expect(Answer, look(pharmacist, anne))
        with pytest.raises(Outage):
            record(trade)
        assert expect(Refused, look(pharmacist, anne)).code == "outage"
        with pytest.raises(NotCounted):
            trade.vault.operations.require_counted()
        place_of(folder).rmdir()
        record(trade)
        expect(Answer, look(pharmacist, anne))


def test_the_count_is_of_every_purpose_and_changes_no_output(claims_keys: tuple[KeyStore, Path]) -> None:
    store, _ = claims_keys
    counted = CountedKeyStore(store)
    subject, codes = counted.prf("subject"), counted.prf("codes")
    assert subject(b"a") == store.prf("subject")(b"a")
    codes(b"a")
    codes(b"b")
    assert counted.counts() == {"subject": 1, "codes": 2}
    assert (counted.kind, counted.epoch, counted.ring) == (store.kind, store.epoch, store.ring)
    with pytest.raises(KeyError):
        counted.prf("capsule-99")


def test_capsules_that_the_sealer_never_counted_raise_the_alarm(
    database: Database, claims_keys: tuple[KeyStore, Path], tmp_path: Path, clock: TestClock
) -> None:
    with started(database, claims_keys, folder := tmp_path / "run", clock) as trade:
        record(trade)
        arguments = [
            "evidence",
            "operations",
            "--dsn",
            database.dsn("operator"),
            "--file",
            str(place_of(folder)),
        ]
        result = CliRunner().invoke(command_line(arguments), arguments)
        assert result.exit_code == 0, result.output
        assert "0 capsules sealed" in result.output
        with database.connect() as owner:
            owner.execute(
                "INSERT INTO intake.delivery (id, sender, digest, kind, state, received, capsules)"
                " VALUES (gen_random_uuid(), 'anne', decode(repeat('00', 32), 'hex'), 'full', 'loaded', 1, 2)"
            )
        result = CliRunner().invoke(command_line(arguments), arguments)
        assert result.exit_code == 1
        assert "2 capsules, 0 counted" in result.output
