"""The day's openings, made: each insurer is handed the salt and opening of every leaf of its own (docs/files/openings.md).

One transaction a day makes every insurer's file, or none; killed anywhere, the next call begins anew. The ledger is read once, as a stream;
memory holds one part an insurer. What no file has told is told by the next one: files follow each other without a gap.
"""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import psycopg

from rempart.evidence.errors import LedgerUnreadable, OpeningsBusy
from rempart.evidence.note import Checkpoint, VerifierKey, open_checkpoint, parse_note
from rempart.evidence.opening import OPENING_SQL
from rempart.evidence.opening_file import ROWS, VERSION, Header, Leaf, Part, Sealer, loads_of, parts_of
from rempart.foundation.clock import Clock

Connection = psycopg.Connection[Any]
LOCK = 7_002_105
"""The advisory lock of whoever makes openings."""
BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Made:
    """One insurer's file."""

    amc: str
    day: date
    first: int
    until: int
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class _Signed:
    """The checkpoint under which the day's leaves stand."""

    origin: str
    size: int
    note: str

    def header(self, amc: str, insurer: int, day: date, first: int, rows: int) -> Header:
        """Of one insurer's file."""
        return Header(
            VERSION, self.origin, amc, insurer, day.isoformat(), first, self.size, rows, parts_of(rows), self.note, "",
        )  # fmt: skip


@dataclass
class _File:
    """A file being written."""

    id: UUID
    header: Header
    sealer: Sealer
    waiting: list[Leaf] = field(default_factory=list)
    written: int = 0
    bytes: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


def make_openings(c: Connection, day: date, ended: int, clock: Clock, key: VerifierKey | None) -> list[Made]:
    """Each insurer's file of this day, empty or not; nothing when the day is made already.

    `c`: autocommit, as rempart_worker. `ended`: the first instant after the day (µs); leaves that no checkpoint signed before it are left
    for the next file. With `key`, the checkpoint's signature is verified. Raises OpeningsBusy, LedgerUnreadable, NoteRefused.
    """
    try:
        with c.transaction():
            _require_alone(c)
            insurers = c.execute(
                "SELECT i.number, i.amc, i.notice_key FROM vault.insurer i WHERE NOT EXISTS"
                " (SELECT FROM evidence.opening_file f WHERE f.insurer = i.number AND f.day = %s) ORDER BY i.number",
                (day,),
            ).fetchall()
            signed = _signed_before(c, ended, key)
            return _make(c, day, insurers, signed, clock) if insurers and signed else []
    except psycopg.Error as error:
        raise LedgerUnreadable(f"the database does not answer: {type(error).__name__}") from error


def _signed_before(c: Connection, ended: int, key: VerifierKey | None) -> _Signed | None:
    row = c.execute(
        "SELECT size, note FROM evidence.checkpoint WHERE at < %s ORDER BY size DESC LIMIT 1", (ended,)
    ).fetchone()
    if row is None:
        return None
    said = (
        open_checkpoint(row[1].encode(), key) if key else Checkpoint.parse(parse_note(row[1].encode()).text)
    )
    return _Signed(said.origin, said.size, row[1])


def _require_alone(c: Connection) -> None:
    row = c.execute("SELECT pg_try_advisory_xact_lock(%s)", (LOCK,)).fetchone()
    if row is None or not row[0]:
        raise OpeningsBusy


def _make(
    c: Connection, day: date, insurers: Sequence[tuple[Any, ...]], signed: _Signed, clock: Clock
) -> list[Made]:
    row = c.execute("SELECT coalesce(max(until), 0) FROM evidence.opening_file").fetchone()
    assert row is not None
    first = int(row[0])
    if signed.size < first:
        # An older day, asked for late: a newer file has told it already.
        return []
    counts = dict(
        c.execute(
            "SELECT insurer, count(*) FROM evidence.entry WHERE index >= %s AND index < %s GROUP BY insurer",
            (first, signed.size),
        ).fetchall()
    )
    files = {
        number: _open(c, signed.header(amc, number, day, first, counts.get(number, 0)), bytes(notice_key))
        for number, amc, notice_key in insurers
    }
    for insurer, leaf in _stream(c, first, signed.size):
        if (file := files.get(insurer)) is not None:
            file.waiting.append(leaf)
            if len(file.waiting) == ROWS:
                _write(c, file)
    return [_finish(c, file, day, clock()) for file in files.values()]


def _open(c: Connection, header: Header, notice_key: bytes) -> _File:
    file = _File(uuid4(), header, Sealer.fresh(header, secrets.token_bytes(32), notice_key))
    _add(c, file, file.sealer.header)
    return file


def _stream(c: Connection, first: int, until: int) -> Iterator[tuple[int, Leaf]]:
    with c.cursor("evidence_openings", binary=True) as cursor:
        cursor.execute(
            "SELECT e.insurer, e.index, e.salt, " + OPENING_SQL + ", coalesce(e.notice_ref, '')"  # noqa: S608 (constants of ours)
            " FROM evidence.entry e WHERE e.index >= %s AND e.index < %s AND e.insurer > 0 ORDER BY e.index",
            (first, until),
        )
        while rows := cursor.fetchmany(BATCH):
            for insurer, index, salt, opening, reference in rows:
                yield insurer, Leaf(index, bytes(salt), bytes(opening), bytes(reference))


def _write(c: Connection, file: _File) -> None:
    loads = loads_of([leaf.notice_ref for leaf in file.waiting])
    keys = c.execute(
        "SELECT number, wrapped FROM intake.load WHERE insurer = %s AND number = ANY (%s)",
        (file.header.insurer, loads),
    ).fetchall()
    part = Part(file.waiting, {number: bytes(wrapped) for number, wrapped in keys})
    _add(c, file, file.sealer.seal(file.written, part))
    file.waiting = []


def _add(c: Connection, file: _File, content: bytes) -> None:
    file.written += 1
    file.bytes += len(content)
    file.digest.update(content)
    c.execute(
        "INSERT INTO evidence.opening_part (file, number, insurer, content) VALUES (%s, %s, %s, %s)",
        (file.id, file.written, file.header.insurer, content),
    )


def _finish(c: Connection, file: _File, day: date, at: int) -> Made:
    if file.waiting:
        _write(c, file)
    header = file.header
    c.execute(
        "INSERT INTO evidence.opening_file (id, insurer, day, first, until, rows, parts, bytes, digest, made)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            file.id, header.insurer, day, header.first, header.until, header.rows, file.written, file.bytes, file.digest.digest(), at,
        ),
    )  # fmt: skip
    return Made(header.amc, day, header.first, header.until, header.rows, file.bytes)
