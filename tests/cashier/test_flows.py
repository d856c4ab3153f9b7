"""The daily flow, from acceptance to acknowledgement: made once, opened by its insurer alone, then forgotten here."""

import base64
import csv
import hashlib
import io
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from psycopg.errors import InsufficientPrivilege
from typer.testing import CliRunner

from rempart.claims import flows
from rempart.claims.expiry import forget_acknowledged
from rempart.claims.flow_file import Acceptance, BadFlow, Call, Cancellation, Header, write_line
from rempart.claims.flow_reader import FlowReader, Opened
from rempart.claims.flows import FlowsBusy, make_flows
from rempart.claims.messages import (
    KEPT,
    AcknowledgeBody,
    FilePartBody,
    FlowPage,
    FlowView,
    Invoice,
    NumberBody,
    PageBody,
)
from rempart.cli.commands import command_line
from rempart.foundation.clock import DAY, HOUR, SECOND
from rempart.foundation.errors import RempartError
from rempart.vaultdoor.messages import Paper
from tests.authenticator import expect
from tests.cashier.clerks import DRUG, bill, clerk, make, remember
from tests.cashier.conftest import Insurer, Professional, Trade

DOWNLOAD, ACKNOWLEDGE = "/claims/insurer/flow/download", "/claims/insurer/flow/acknowledge"


def flow_of(who: Professional) -> FlowView:
    """The latest."""
    return who.ask(FlowPage, "/claims/insurer/flows", PageBody()).items[0]


def download(who: Professional, flow: FlowView) -> bytes:
    """Part after part."""
    parts = [
        expect(Paper, who.errand(DOWNLOAD, FilePartBody(flow.id, n + 1))).body for n in range(flow.parts)
    ]
    content = b"".join(parts)
    assert hashlib.sha256(content).hexdigest() == flow.digest
    assert len(content) == flow.bytes
    return content


def opened(content: bytes, insurer: Insurer) -> tuple[Header, list[Opened | Cancellation | Call]]:
    reader = FlowReader(insurer.notice.private_bytes_raw())
    lines = list(reader.read(io.BytesIO(content)))
    assert reader.header is not None
    return reader.header, lines


def test_what_was_accepted_reaches_the_insurer_who_alone_reads_who_and_what(trade: Trade) -> None:
    insurer = trade.insurer()
    anne, pharmacist = trade.insure(insurer), trade.professional()
    remember(trade, anne, "MBR-2024-000017")
    accepted = bill(pharmacist, anne, "F-77")
    make(trade)
    content = download(desk := clerk(trade, insurer), flow_of(desk))
    assert b"MBR-2024" not in content
    assert b"F-77" not in content
    assert b"drug-65" not in content
    header, [told] = opened(content, insurer)
    assert isinstance(told, Opened)
    assert (header.amc, header.acceptances, header.accepted) == (insurer.amc, 1, accepted.shares)
    assert (told.member, told.line.engagement, told.line.amounts) == (
        "MBR-2024-000017", accepted.engagement, accepted.shares,
    )  # fmt: skip
    assert (told.acts.number, told.acts.establishment, told.acts.lines) == (
        "F-77", pharmacist.establishment, [DRUG],
    )  # fmt: skip
    with pytest.raises(RempartError):
        list(FlowReader(X25519PrivateKey.generate().private_bytes_raw()).read(io.BytesIO(content)))


def test_a_cancellation_and_a_call_for_funds_are_told_once(trade: Trade) -> None:
    insurer = trade.insurer()
    pharmacist, anne, desk = trade.professional(), trade.insure(insurer), clerk(trade, insurer)
    first = bill(pharmacist, anne, "F1")
    trade.clock.advance(DAY)
    make(trade)
    pharmacist.ask(Invoice, "/claims/invoice/cancel", NumberBody("F1"))
    with trade.database.connect() as owner:
        owner.execute(
            "INSERT INTO claims.run (id, day, state, opened, until_due, until_journal)"
            " VALUES (gen_random_uuid(), %s, 'ordered', 1, 0, 0)",
            (trade.today(),),
        )
        owner.execute(
            "INSERT INTO claims.call_for_funds (id, run, insurer, reference, cents, called, due_on)"
            " SELECT gen_random_uuid(), id, %s, %s, 376, %s, %s FROM claims.run WHERE day = %s",
            (insurer.number, f"AF-{insurer.amc}", trade.clock(), trade.today(2), trade.today()),
        )  # fmt: skip
    trade.clock.advance(DAY)
    make(trade)
    header, lines = opened(download(desk, flow := flow_of(desk)), insurer)
    assert (header.acceptances, header.cancellations, header.calls, header.called) == (0, 1, 1, 376)
    assert header.cancelled == first.shares
    assert (len(lines), flow.rows, flow.cents) == (2, 2, -376)
    trade.clock.advance(DAY)
    make(trade)
    assert flow_of(desk).rows == 0, "each day has its flow, even an empty one, and nothing is told twice"


def test_a_flow_is_made_once_a_day_and_what_comes_later_is_in_the_next(trade: Trade) -> None:
    insurer = trade.insurer()
    pharmacist, anne, desk = trade.professional(), trade.insure(insurer), clerk(trade, insurer)
    bill(pharmacist, anne, "F1")
    made = make(trade)
    assert insurer.amc in {each.amc for each in made}
    bill(pharmacist, trade.insure(insurer), "F2")
    assert make(trade) == []
    assert (first := flow_of(desk)).rows == 1
    trade.clock.advance(DAY)
    make(trade)
    header, [told] = opened(download(desk, second := flow_of(desk)), insurer)
    assert desk.ask(FlowPage, "/claims/insurer/flows", PageBody(second.made)).items == [first]
    assert isinstance(told, Opened)
    assert told.acts.number == "F2"
    assert header.day == trade.today().isoformat()


def test_a_day_that_was_missed_is_in_the_next_flow(trade: Trade) -> None:
    insurer = trade.insurer()
    pharmacist, desk = trade.professional(), clerk(trade, insurer)
    bill(pharmacist, trade.insure(insurer), "F1")
    trade.clock.advance(3 * DAY)
    make(trade, trade.today(-1))
    assert (flow_of(desk).day, flow_of(desk).rows) == (trade.today(-1).isoformat(), 1)


def test_a_flow_of_yesterday_holds_nothing_of_today(trade: Trade) -> None:
    insurer = trade.insurer()
    desk = clerk(trade, insurer)
    bill(trade.professional(), trade.insure(insurer), "F1")
    make(trade, trade.today(-1))
    assert flow_of(desk).rows == 0


def test_acknowledging_needs_the_digest_then_a_week_later_nothing_is_kept(trade: Trade) -> None:
    insurer = trade.insurer()
    desk = clerk(trade, insurer)
    bill(trade.professional(), trade.insure(insurer), "F1")
    make(trade)
    flow = flow_of(desk)
    assert desk.refused(ACKNOWLEDGE, AcknowledgeBody(flow.id, "0" * 64)).code == "flow-digest"
    assert download(desk, flow), "a wrong digest purges nothing"
    done = desk.ask(FlowView, ACKNOWLEDGE, AcknowledgeBody(flow.id, flow.digest))
    assert done.acknowledged
    assert trade.rows("SELECT 1 FROM claims.act_lines WHERE insurer = %s", insurer.number) == []
    assert hashlib.sha256(download(desk, flow)).hexdigest() == flow.digest
    trade.clock.advance(SECOND)
    assert desk.ask(FlowView, ACKNOWLEDGE, AcknowledgeBody(flow.id, flow.digest)) == done, "again: the same"
    trade.clock.advance(KEPT)
    desk = clerk(trade, insurer)
    assert flow_of(desk).parts == 0
    assert desk.refused(DOWNLOAD, FilePartBody(flow.id)).code == "flow-acknowledged", (
        "before the worker came, too"
    )
    with trade.database.connect("worker") as c:
        assert forget_acknowledged(c, trade.clock()) == flow.parts
    assert trade.rows("SELECT 1 FROM claims.flow_part WHERE insurer = %s", insurer.number) == []
    assert desk.refused(DOWNLOAD, FilePartBody(flow.id)).code == "flow-acknowledged"


def test_a_flow_of_many_parts_is_whole(trade: Trade, monkeypatch: pytest.MonkeyPatch) -> None:
    insurer = trade.insurer()
    pharmacist, desk = trade.professional(), clerk(trade, insurer)
    for n in range(5):
        anne = trade.insure(insurer)
        remember(trade, anne, f"MBR-{n}")
        bill(pharmacist, anne, f"F{n}")
    monkeypatch.setattr(flows, "PART", 3_000)
    make(trade)
    flow = flow_of(desk)
    assert flow.parts > 3
    _, lines = opened(download(desk, flow), insurer)
    assert {line.member for line in lines if isinstance(line, Opened)} == {f"MBR-{n}" for n in range(5)}


def test_a_line_taken_out_or_changed_is_seen(trade: Trade) -> None:
    insurer = trade.insurer()
    pharmacist, desk = trade.professional(), clerk(trade, insurer)
    bill(pharmacist, trade.insure(insurer), "F1")
    bill(pharmacist, trade.insure(insurer), "F2")
    make(trade)
    lines = download(desk, flow_of(desk)).splitlines(keepends=True)
    for broken in (lines[:-1], [*lines, lines[-1]], lines[1:], [lines[0], *lines], []):
        with pytest.raises(BadFlow):
            opened(b"".join(broken), insurer)
    one, other = (msgspec.json.decode(line, type=Acceptance) for line in lines[1:])
    swapped = write_line(msgspec.structs.replace(one, acts=other.acts))
    with pytest.raises(BadFlow):
        opened(b"".join([lines[0], swapped, lines[2]]), insurer)


def test_two_workers_never_make_flows_together(trade: Trade) -> None:
    with trade.database.connect("worker") as one, trade.database.connect("worker") as other:
        one.execute("SELECT pg_advisory_lock(7002027)")
        with pytest.raises(FlowsBusy):
            make_flows(other, trade.today(), trade.clock)


def test_the_worker_never_changes_an_invoice(trade: Trade) -> None:
    with trade.database.connect("worker") as c, pytest.raises(InsufficientPrivilege):
        c.execute("UPDATE claims.invoice SET amc = 0")


KILLED = """
import os, signal, sys
from datetime import date
import psycopg
from rempart.claims import flows
flows.PART = 3_000
left = int(sys.argv[3])
def told(_):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
with psycopg.connect(sys.argv[1], autocommit=True) as c:
    flows.make_flows(c, date.fromisoformat(sys.argv[2]), lambda: int(sys.argv[4]), told)
"""


@pytest.mark.parametrize("survived", range(5))
def test_a_maker_killed_after_any_write_goes_on_and_tells_each_invoice_once(
    trade: Trade, survived: int
) -> None:
    insurer = trade.insurer()
    pharmacist, desk = trade.professional(), clerk(trade, insurer)
    trade.clock.advance(DAY)
    make(trade, trade.today(-1))
    for n in range(4):
        bill(pharmacist, trade.insure(insurer), f"F{n}")
    pharmacist.ask(Invoice, "/claims/invoice/cancel", NumberBody("F3"))
    trade.clock.advance(HOUR)
    # Other insurers of this module have flows of this day too: they come first, and are made alone here.
    asked = [sys.executable, "-c", KILLED, trade.database.dsn("worker"), trade.today().isoformat()]
    others = len(trade.insurers) - 1
    killed = subprocess.run([*asked, str(2 * others + survived), str(trade.clock())], check=False)
    assert killed.returncode == -signal.SIGKILL
    make(trade)
    header, lines = opened(download(desk, flow_of(desk)), insurer)
    assert sorted(line.acts.number for line in lines if isinstance(line, Opened)) == ["F0", "F1", "F2", "F3"]
    assert (header.acceptances, header.cancellations, len(lines)) == (4, 1, 5)


def test_the_insurers_own_command_opens_the_flow(trade: Trade, tmp_path: Path) -> None:
    insurer = trade.insurer()
    anne, desk = trade.insure(insurer), clerk(trade, insurer)
    remember(trade, anne, "MBR-9")
    bill(trade.professional(), anne, "F1")
    make(trade)
    flow = flow_of(desk)
    file, key, table = tmp_path / "flow.ndjson", tmp_path / "notice.key", tmp_path / "flow.csv"
    file.write_bytes(download(desk, flow))
    key.write_text(base64.b64encode(insurer.notice.private_bytes_raw()).decode() + "\n")
    arguments = ["insurer", "flow", str(file), "--key", str(key), "--csv", str(table)]
    done = CliRunner().invoke(command_line(arguments), arguments)
    assert done.exit_code == 0, done.output
    assert flow.digest in done.output
    [row] = csv.DictReader(io.StringIO(table.read_text()))
    assert (row["member"], row["number"], row["amc"], row["acts"]) == ("MBR-9", "F1", "376", "drug-65")
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
    assert CliRunner().invoke(command_line(arguments), arguments).exit_code == 1
