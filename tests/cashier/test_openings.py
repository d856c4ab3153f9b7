"""The day's openings, from the ledger to the insurer that checks them against its own copy of it."""

import base64
import csv
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from typer.testing import CliRunner

from rempart.claims.expiry import forget_acknowledged
from rempart.claims.messages import KEPT, AcknowledgeBody, FilePartBody, OpeningsPage, OpeningsView, PageBody
from rempart.cli.commands import command_line
from rempart.evidence import daily, opening_file, store
from rempart.evidence.daily import Made, make_openings
from rempart.evidence.errors import LeafMissing, LeafRewritten, OpeningsBusy, OpeningsMalformed
from rempart.evidence.note import VerifierKey
from rempart.evidence.opening_file import Header, Leaf, OpeningsReader, Part, Sealer, Told
from rempart.evidence.tiles import export_tiles, read_leaves, verify_folder
from rempart.foundation.clock import DAY, SECOND
from rempart.foundation.vocabulary import Domain
from rempart.vaultdoor.messages import Paper
from tests.authenticator import expect
from tests.cashier.clerks import clerk, hand_over, remember
from tests.cashier.conftest import Insured, Insurer, Professional, Trade

PAGE, DOWNLOAD, ACKNOWLEDGE = (f"/claims/insurer/openings{end}" for end in ("", "/download", "/acknowledge"))


def key_of(trade: Trade) -> VerifierKey:
    return VerifierKey.parse(trade.vault.checkpoints.verifier_key)


def make(trade: Trade) -> list[Made]:
    """The day's files; then the day ends."""
    made = hand_over(trade)
    trade.clock.advance(DAY)
    return made


def copy_of(trade: Trade, folder: Path) -> Path:
    """The insurer's mirror, as the public folder is."""
    with store.reading(trade.database.dsn("operator")) as c:
        export_tiles(
            folder, store.stream_commitments(c, batch=1000), store.latest_checkpoint(c), key_of(trade)
        )
    return folder


def latest(desk: Professional) -> OpeningsView:
    return desk.ask(OpeningsPage, PAGE, PageBody()).items[0]


def download(desk: Professional, file: OpeningsView) -> bytes:
    parts = [
        expect(Paper, desk.errand(DOWNLOAD, FilePartBody(file.id, n + 1))).body for n in range(file.parts)
    ]
    content = b"".join(parts)
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (file.digest, file.bytes)
    return content


def reader_of(trade: Trade, insurer: Insurer, mirror: Path) -> OpeningsReader:
    size = verify_folder(mirror, key_of(trade)).checkpoint.size
    return OpeningsReader(
        insurer.notice.private_bytes_raw(),
        key_of(trade),
        lambda first, until: read_leaves(mirror, until, first),
        size,
    )


def read(trade: Trade, insurer: Insurer, mirror: Path, content: bytes) -> list[Told]:
    return list(reader_of(trade, insurer, mirror).read(io.BytesIO(content)))


def resealed(insurer: Insurer, content: bytes, change: Callable[[Header, list[Leaf]], list[Leaf]]) -> bytes:
    """The same file with other leaves, under a key of one's own: what the platform could hand over if it lied."""
    header = msgspec.json.decode(content.partition(b"\n")[0], type=Header)
    sealed = [msgspec.json.decode(line, type=opening_file.Sealed) for line in content.splitlines()[1:]]
    reader = OpeningsReader(insurer.notice.private_bytes_raw(), VerifierKey.parse(VKEY[0]), lambda *_: (), 0)
    key, associated = reader._unwrapped(header), opening_file._associated(content.partition(b"\n")[0] + b"\n")
    leaves = [
        leaf
        for part in sealed
        for leaf in msgspec.msgpack.decode(
            opening_file.AESGCM(key).decrypt(
                part.number.to_bytes(12, "big"), base64.b64decode(part.content), associated
            ),
            type=Part,
        ).leaves
    ]
    leaves = change(header, leaves)
    header = msgspec.structs.replace(header, rows=len(leaves), parts=1)
    sealer = Sealer.fresh(header, bytes(32), insurer.notice.public_key().public_bytes_raw())
    return sealer.header + sealer.seal(1, Part(leaves, {}))


VKEY: list[str] = []


@dataclass
class Handed:
    """A day of two insurers, handed over."""

    trade: Trade
    insurer: Insurer
    other: Insurer
    pharmacist: Professional
    desk: Professional
    rival: Professional
    mirror: Path
    content: bytes

    def read(self, content: bytes | None = None) -> list[Told]:
        return read(self.trade, self.insurer, self.mirror, self.content if content is None else content)


@pytest.fixture(scope="module")
def handed(trade: Trade, tmp_path_factory: pytest.TempPathFactory) -> Handed:
    one, other, pharmacist = trade.insurer(), trade.insurer(), trade.professional()
    anne, paul = trade.insure(one), trade.insure(other)
    remember(trade, anne, "MBR-2026-000042")
    for domain in (Domain.PHAR, Domain.PHAR, Domain.MED):
        pharmacist.check_right(anne, domain)
    pharmacist.check_right(paul, Domain.PHAR)
    pharmacist.check_right(Insured(one, "99999999", anne.born, ()), Domain.PHAR)
    made = make(trade)
    assert [(m.rows, m.first, m.until) for m in made] == [(4, 0, 5), (1, 0, 5)]
    desk, rival = clerk(trade, one), clerk(trade, other)
    mirror = copy_of(trade, tmp_path_factory.mktemp("insurer") / "mirror")
    VKEY[:] = [key_of(trade).text()]
    return Handed(trade, one, other, pharmacist, desk, rival, mirror, download(desk, latest(desk)))


def test_an_insurer_is_handed_its_own_leaves_and_checks_each_against_its_copy(handed: Handed) -> None:
    assert b"MBR-2026" not in handed.content
    told = handed.read()
    assert {(t.opening.insurer, str(t.opening.establishment)) for t in told} == {
        (handed.insurer.number, handed.pharmacist.establishment)
    }
    assert [(t.index, t.opening.subject is None, bool(t.notice_ref)) for t in told] == [
        (0, False, True), (1, False, True), (2, False, True), (4, True, False),
    ]  # fmt: skip
    assert len({t.opening.subject for t in told[:3]}) == 1


def test_an_opening_that_was_altered_is_found_by_the_insurer(handed: Handed) -> None:
    def another_establishment(_: Header, leaves: list[Leaf]) -> list[Leaf]:
        data = bytearray(leaves[1].opening)
        data[42] ^= 1
        return [leaves[0], msgspec.structs.replace(leaves[1], opening=bytes(data)), *leaves[2:]]

    assert len(handed.read(resealed(handed.insurer, handed.content, lambda _, leaves: leaves))) == 4
    with pytest.raises(LeafRewritten) as found:
        handed.read(resealed(handed.insurer, handed.content, another_establishment))
    assert found.value.index == 1


@pytest.mark.parametrize("at", [0, 1])
def test_a_file_that_was_altered_on_its_way_does_not_open(handed: Handed, at: int) -> None:
    lines = handed.content.splitlines(keepends=True)
    changed = lines[at].replace(b'"rows":4', b'"rows":3') if at == 0 else lines[at].replace(b"A", b"B")
    assert changed != lines[at]
    lines[at] = changed
    with pytest.raises(OpeningsMalformed):
        handed.read(b"".join(lines))
    with pytest.raises(OpeningsMalformed):
        handed.read(handed.content.splitlines(keepends=True)[0])


def test_a_leaf_told_twice_out_of_order_or_of_another_insurer_is_refused(handed: Handed) -> None:
    theirs = download(handed.rival, latest(handed.rival))
    foreign: list[Leaf] = []

    def steal(_: Header, leaves: list[Leaf]) -> list[Leaf]:
        foreign.extend(leaves)
        return leaves

    resealed(handed.other, theirs, steal)
    for change in (
        lambda _, leaves: [*leaves, leaves[-1]],
        lambda _, leaves: leaves[::-1],
        lambda _, leaves: [*leaves[:3], *foreign, leaves[3]],
    ):
        with pytest.raises(OpeningsMalformed):
            handed.read(resealed(handed.insurer, handed.content, change))


def test_another_insurers_file_is_not_found_and_does_not_open(handed: Handed) -> None:
    file = latest(handed.desk)
    assert handed.rival.refused(DOWNLOAD, FilePartBody(file.id, 1)).code == "not-found"
    assert handed.rival.refused(ACKNOWLEDGE, AcknowledgeBody(file.id, file.digest)).code == "not-found"
    assert handed.pharmacist.refused(PAGE, PageBody()).code == "forbidden"
    with pytest.raises(OpeningsMalformed):
        read(handed.trade, handed.other, handed.mirror, handed.content)
    stranger = reader_of(handed.trade, handed.insurer, handed.mirror)
    stranger.private_key = X25519PrivateKey.generate().private_bytes_raw()
    with pytest.raises(OpeningsMalformed):
        list(stranger.read(io.BytesIO(handed.content)))


def test_a_copy_of_the_ledger_that_is_behind_is_said(handed: Handed, tmp_path: Path) -> None:
    reader = reader_of(handed.trade, handed.insurer, handed.mirror)
    reader.size = 4
    with pytest.raises(LeafMissing):
        list(reader.read(io.BytesIO(handed.content)))


def test_the_insurers_command_checks_and_writes_them(handed: Handed, tmp_path: Path) -> None:
    (tmp_path / "day.ndjson").write_bytes(handed.content)
    (tmp_path / "notice.key").write_bytes(base64.b64encode(handed.insurer.notice.private_bytes_raw()))
    arguments = [
        "insurer", "openings-verify", str(tmp_path / "day.ndjson"), "--key", str(tmp_path / "notice.key"),
        "--mirror", str(handed.mirror), "--log-key", VKEY[0], "--csv", str(tmp_path / "day.csv"),
    ]  # fmt: skip
    result = CliRunner().invoke(command_line(arguments), arguments)
    assert result.exit_code == 0, result.output
    assert hashlib.sha256(handed.content).hexdigest() in result.output
    rows = list(csv.DictReader((tmp_path / "day.csv").read_text().splitlines()))
    assert [row["member"] for row in rows] == ["MBR-2026-000042"] * 3 + [""]
    assert [row["domain"] for row in rows] == ["PHAR", "PHAR", "MED", "PHAR"]
    (tmp_path / "day.ndjson").write_bytes(handed.content[:-9] + b"\n")
    result = CliRunner().invoke(command_line(arguments), arguments)
    assert result.exit_code == 1
    assert "[openings]" in result.output


def test_days_follow_each_other_without_a_gap_and_no_leaf_is_told_twice(trade: Trade, handed: Handed) -> None:
    anne = trade.insure(handed.insurer)
    handed.pharmacist.check_right(anne, Domain.PHAR)
    before = latest(handed.desk)
    make(trade)
    after = latest(handed.desk)
    assert (after.first, after.rows) == (before.until, 1)
    with trade.database.connect("worker") as c:
        assert make_openings(c, trade.today(-1), trade.clock(), trade.clock, key_of(trade)) == []
        # An older day, asked for late: its leaves are in a newer file.
        assert make_openings(c, trade.today(-9), trade.clock() - 8 * DAY, trade.clock, key_of(trade)) == []


def test_a_maker_that_is_killed_leaves_nothing_and_the_next_one_makes_all(
    trade: Trade, handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed.pharmacist.check_right(trade.insure(handed.insurer), Domain.PHAR)
    files = trade.rows("SELECT count(*) FROM evidence.opening_file")
    with trade.database.connect("worker") as killed, killed.transaction(force_rollback=True):
        # The one transaction of a day never commits.
        trade.runner.run(trade.vault.checkpoints.sign_if_grown())
        trade.clock.advance(DAY)
        made = make_openings(killed, trade.today(-1), trade.clock(), trade.clock, key_of(trade))
        with trade.database.connect("worker") as c, pytest.raises(OpeningsBusy):
            make_openings(c, trade.today(-1), trade.clock(), trade.clock, key_of(trade))
    assert trade.rows("SELECT count(*) FROM evidence.opening_file") == files
    with trade.database.connect("worker") as c:
        again = make_openings(c, trade.today(-1), trade.clock(), trade.clock, key_of(trade))
    assert [(m.amc, m.first, m.rows) for m in again] == [(m.amc, m.first, m.rows) for m in made]


def test_many_leaves_travel_in_parts(trade: Trade, handed: Handed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daily, "ROWS", 2)
    monkeypatch.setattr(opening_file, "ROWS", 2)
    anne = trade.insure(handed.insurer)
    for domain in (Domain.PHAR, Domain.LABO, Domain.MED, Domain.OPTI, Domain.AUDI):
        handed.pharmacist.check_right(anne, domain)
    make(trade)
    file = latest(handed.desk)
    assert (file.rows, file.parts) == (5, 4)
    copy_of(trade, handed.mirror)
    assert len(handed.read(download(handed.desk, file))) == 5


def test_a_week_after_it_was_acknowledged_by_its_digest_the_content_is_gone(
    trade: Trade, handed: Handed
) -> None:
    handed.pharmacist.check_right(trade.insure(handed.insurer), Domain.PHAR)
    make(trade)
    desk = clerk(trade, handed.insurer)
    file = latest(desk)
    assert desk.refused(ACKNOWLEDGE, AcknowledgeBody(file.id, "0" * 64)).code == "flow-digest"
    done = desk.ask(OpeningsView, ACKNOWLEDGE, AcknowledgeBody(file.id, file.digest))
    assert done.acknowledged
    assert done.parts == file.parts
    assert desk.ask(OpeningsView, ACKNOWLEDGE, AcknowledgeBody(file.id, file.digest)) == done
    assert download(desk, file), "a week to fetch it again"
    with trade.database.connect("worker") as c:
        forget_acknowledged(c, trade.clock() + KEPT - SECOND)
        assert trade.rows("SELECT count(*) FROM evidence.opening_part WHERE file = %s", file.id) == [
            (file.parts,)
        ]
        forget_acknowledged(c, trade.clock() + KEPT)
    assert trade.rows("SELECT count(*) FROM evidence.opening_part WHERE file = %s", file.id) == [(0,)]
