"""The sealer's count: every derivation is a delivered line's capsule or a card asked for, or it is said."""

from dataclasses import replace
from pathlib import Path

import pytest

from rempart.evidence.operations import VERSION, Record
from rempart.evidence.operations import sign_line as sign_vaults
from rempart.evidence.sealing import Statement, check_sealing, read_line
from rempart.evidence.signed_lines import OperationsBroken
from rempart.intake.model import Kind
from rempart.sealer.counting import SealingCount
from rempart.vault.keystore import operations_key
from rempart.vault.sealing import Presented, Sealer
from tests.sealer.conftest import Zone, delta, full, member
from tests.sealer.test_cards import asked_for, request

OLD = [member(n) for n in range(1, 6)]


def place(zone: Zone) -> Path:
    return zone.folder / "keys.sealing"


def public(zone: Zone) -> bytes:
    return operations_key(zone.keys.ring).public_key().public_bytes_raw()


def statement(zone: Zone, lines: list[bytes] | None = None) -> Statement:
    """As `rempart evidence operations` reads it."""
    rows = zone.owner.execute(
        "SELECT id, CASE WHEN kind IN ('full', 'delta') AND state IN ('loaded', 'waiting') THEN capsules ELSE 0 END FROM intake.delivery"
    ).fetchall()
    whole = place(zone).read_bytes().splitlines() if lines is None else lines
    return check_sealing(whole, public(zone), {row[0].hex: row[1] for row in rows})


@pytest.mark.parametrize("alone", [True, False])
def test_every_derivation_is_a_delivered_lines_capsule_or_a_card_asked_for(zone: Zone, alone: bool) -> None:
    zone.rounds.workshop = zone.workshop = replace(
        zone.workshop, cards_folder=zone.folder / "cards", alone_below=20_000 if alone else 0
    )
    people = [replace(OLD[0], card="1"), *OLD[1:]]
    assert zone.load(full(*people, optional=("card",)))["state"] == "loaded"
    assert zone.load(delta(member(9), OLD[1].leaves()), Kind.DELTA, 2)["state"] == "loaded"
    zone.clock.advance(1_000_000)
    assert zone.load(request(asked_for(1), asked_for(1, card="2")), Kind.CARDS)["persons"] == 1
    found = statement(zone)
    # Five people by card and NIR and one by a card of ours; then one who comes, of two in a delta; then two cards looked for, one made.
    assert (found.records, found.sealed, found.probed, found.faults) == (3, 13, 2, ())
    assert found.operations == {"capsule-1": 15, "card": 1 + 2 + 1, "subject": 5 + 1 + 2}
    capsules = zone.owner.execute(
        "SELECT sum(capsules) FROM intake.delivery WHERE kind <> 'cards'"
    ).fetchone()
    assert capsules == (13,)


def test_a_capsule_that_code_in_the_sealer_opens_on_the_side_raises_the_alarm(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Sealer.seal

    def seal_and_look(self: Sealer, people: Presented) -> tuple[bytes, int]:
        self._prf(b"somebody whom no line is about")
        return real(self, people)

    monkeypatch.setattr(Sealer, "seal", seal_and_look)
    assert zone.load(full(*OLD))["state"] == "loaded"
    assert statement(zone).faults == (
        "the sealer's record 1: 11 capsule operations, 10 capsules and 0 cards",
    )
    # The ledger has nothing of it: nobody was answered. The count alone shows it.
    assert zone.owner.execute("SELECT size FROM evidence.log").fetchone() == (0,)


def test_what_a_file_that_is_refused_had_sealed_is_counted(zone: Zone) -> None:
    zone.rounds.workshop = zone.workshop = replace(zone.workshop, chunk=256)
    content = zone.seal(full(*OLD), Kind.FULL)
    assert zone.work(zone.put(content[:-40]))["state"] == "refused"
    assert zone.load(full(*OLD))["state"] == "loaded"
    records = [read_line(line, public(zone)) for line in place(zone).read_bytes().splitlines()]
    assert records[-1].whole
    assert not any(record.whole for record in records[:-1])
    assert statement(zone).faults == ()


def test_a_count_that_was_cut_short_or_altered_is_found(zone: Zone) -> None:
    assert zone.load(full(*OLD))["state"] == "loaded"
    assert zone.load(delta(member(9)), Kind.DELTA, 2)["state"] == "loaded"
    first, second = place(zone).read_bytes().splitlines()
    [fault] = statement(zone, [first]).faults
    assert fault.endswith("2 capsules, 0 counted")
    assert len(statement(zone, []).faults) == 2
    foreign = sign_vaults(
        Record(VERSION, 1, 1, "", "start", {}, {}, 0, 0, 0, 0, 0, 0, 0, 0, "", ""),
        operations_key(zone.keys.ring),
    )
    for lines in ([second], [first, first], [first.replace(b'"sealed":10', b'"sealed":11')], [foreign]):
        with pytest.raises(OperationsBroken):
            statement(zone, lines)
    zone.owner.execute("DELETE FROM intake.delivery WHERE kind = 'delta'")
    [fault] = statement(zone).faults
    assert "does not know" in fault
    # Nor does a sealer go on from an end that its key store did not sign; one that a crash cut in the middle of a line is cut off.
    place(zone).write_bytes(first + b"\n" + second[:50])
    SealingCount(zone.folder / "keys", zone.keys.ring, zone.clock)
    assert place(zone).read_bytes() == first + b"\n"
    place(zone).write_bytes(first.replace(b'"sealed":10', b'"sealed":11') + b"\n")
    with pytest.raises(OperationsBroken):
        SealingCount(zone.folder / "keys", zone.keys.ring, zone.clock)


def test_what_cannot_be_counted_is_not_swapped_in(zone: Zone) -> None:
    place(zone).mkdir()
    delivery = zone.send(full(*OLD), Kind.FULL)
    zone.rounds.step()
    assert zone.row(delivery)["state"] == "checking"
    assert zone.insurer().generation == 0
    assert zone.look(OLD[0]) is None
    place(zone).rmdir()
    assert zone.work(delivery)["state"] == "loaded"
    assert zone.look(OLD[0]) is not None
    # Both attempts are in the record, since the first could not be written.
    found = statement(zone)
    assert (found.records, found.sealed, found.faults) == (1, 20, ())
