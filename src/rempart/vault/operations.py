"""The vault's side of the key store's count: what was derived for whom, and the signed record of it, beside the key store and in a table.

A rights check is followed from its first derivation to its end: each derivation of a capsule's key belongs to one, and each one ends
answered (a leaf), refused (none) or failed. A derivation of anybody else is a difference that the next record shows. Records are written
while something is done, sooner when it is much; when none can be written, nothing more is derived for an answer.
"""

import asyncio
import base64
import contextlib
import logging
import os
import secrets
from collections import Counter
from collections.abc import Awaitable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

import asyncpg

from rempart.evidence.operations import VERSION, Record, faults_of, read_line, sign_line
from rempart.evidence.signed_lines import OperationsBroken, hash_of
from rempart.foundation.clock import Clock
from rempart.foundation.errors import Outage, Refusal
from rempart.vault.keystore import CountedKeyStore, Prf, operations_key
from rempart.vault.store_accounts import LOST
from rempart.vaultdoor.messages import Answer

EVERY = 30.0
"""Seconds between two records while operations go on."""
SOON, LIMIT = 20_000, 100_000
"""Operations without a record: a record is due; nothing more is disclosed."""
_TAIL = 256 * 1024
"""Bytes that surely hold the file's last line."""
Kind = Literal["start", "count", "stop"]
_NOTHING = Record(VERSION, 0, 0, "", "start", {}, {}, 0, 0, 0, 0, 0, 0, 0, 0, "", "")
R = TypeVar("R")
_log = logging.getLogger(__name__)


class NotCounted(Outage):
    """So many operations have no record yet that one more may not be made: the file or the table cannot be written."""

    code: ClassVar[str] = "outage"


@dataclass(slots=True)
class _Asking:
    """One rights check, while it lasts."""

    purposes: set[str] = field(default_factory=set)
    logged: bool = False
    """Its leaf stands."""
    attested: int = 0
    """Leaves that stand on a device's statement, and on no derivation."""


_asking: ContextVar[_Asking | None] = ContextVar("asking", default=None)


class Operations:
    """The count of one vault process. `place`: the chain's file, beside the key store."""

    def __init__(self, keys: CountedKeyStore, pool: asyncpg.Pool, clock: Clock, place: Path) -> None:
        self._keys, self._pool, self._clock, self._place = keys, pool, clock, place
        self._signer = operations_key(keys.ring)
        self._public = self._signer.public_key().public_bytes_raw()
        self._run = secrets.token_hex(8)
        self._start = self._last = _NOTHING
        """The record that this run began from, whose totals it adds to; and the last one."""
        self._hash = ""
        """Of the last record's line."""
        self._disclosed = Counter[str]()
        self._asked = self._answered = self._refused = self._failed = 0
        self._recorded = 0
        self._due = asyncio.Event()
        self._writing = asyncio.Lock()
        self.faults: tuple[str, ...] = ()
        """Where operations and ledger disagreed at the last record."""

    # ── counting ─────────────────────────────────────────────────────────────────────────────────────────────────

    def capsule_prf(self, epoch: int) -> Prf:
        """The PRF of an epoch, for rights checks: what it derives outside of one is nobody's."""
        purpose = f"capsule-{epoch}"
        prf = self._keys.prf(purpose)

        def derive(message: bytes) -> bytes:
            asking = _asking.get()
            if asking is not None and purpose not in asking.purposes:
                self._asked += not asking.purposes
                asking.purposes.add(purpose)
                self._disclosed[purpose] += 1
            return prf(message)

        return derive

    async def follow(self, disclosing: Awaitable[Answer]) -> Answer:
        """Follow one rights check to its end. Raises what it raises."""
        asking = _Asking()
        token = _asking.set(asking)
        try:
            answer = await disclosing
        except Refusal:
            if asking.logged:
                self._answered += 1
            else:
                self._refused += bool(asking.purposes)
            raise
        except BaseException:
            self._failed += bool(asking.purposes)
            raise
        else:
            self._answered += 1
            return answer
        finally:
            _asking.reset(token)
            if self._asked - self._recorded >= SOON:
                self._due.set()

    async def follow_report(self, performing: Awaitable[R]) -> R:
        """Follow an act, which may tell of uses of offline cards (rempart.vault.offline_use), to its end. Raises what it raises."""
        asking = _Asking()
        token = _asking.set(asking)
        try:
            reply = await performing
        except BaseException:
            self._failed += asking.attested
            raise
        else:
            # Durable by now: the act's transaction is over.
            self._answered += asking.attested
            return reply
        finally:
            _asking.reset(token)

    def attested(self) -> None:
        """A leaf is about to be appended that no derivation stands behind."""
        asking = _asking.get()
        if asking is not None:
            asking.attested += 1
            self._asked += 1

    def logged(self) -> None:
        """The rights check that is followed has its leaf, whatever is answered now."""
        asking = _asking.get()
        if asking is not None:
            asking.logged = True

    def require_counted(self) -> None:
        """Before a rights check: is the count being written? Raises NotCounted."""
        if self._asked - self._recorded >= LIMIT:
            self._due.set()
            raise NotCounted("operations")

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def begin(self) -> None:
        """Go on from the chain's last record, and write that a vault started. Raises OperationsBroken, Outage."""
        async with self._writing:
            line = await self._restore()
            if line:
                self._start = self._last = read_line(line, self._public)
                self._hash = hash_of(line)
            size, known = await self._size(), self._last.size
            if size < known:
                _log.critical("the ledger has %d leaves, the key store counted up to %d", size, known)
            await self._write("start", size, 0, unseen=max(0, size - known), missing=max(0, known - size))

    async def record(self, kind: Literal["count", "stop"] = "count") -> None:
        """One record, if anything was done since the last. Raises Outage when file or table cannot be written."""
        async with self._writing:
            # Before the size is read: each of these has its leaf by then.
            answered = self._answered
            size = await self._size()
            if kind == "stop" or size != self._last.size or self._counts() != self._last.counts:
                await self._write(kind, size, answered)

    async def keep(self) -> None:
        """Write records for ever. A failure is logged and tried again; meanwhile `require_counted` bounds what goes uncounted."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), EVERY)
            self._due.clear()
            try:
                await self.record()
            except (Outage, *LOST) as error:
                _log.error("the key store's operations are not recorded: %s", type(error).__name__)
                await asyncio.sleep(1)

    def _counts(self) -> dict[str, int]:
        return _sum(self._start.counts, self._keys.counts())

    async def _size(self) -> int:
        size: int = await self._pool.fetchval("SELECT size FROM evidence.log WHERE id = 1")
        return size

    async def _write(
        self, kind: Kind, size: int, answered: int, *, unseen: int = 0, missing: int = 0
    ) -> None:
        start, last, asked = self._start, self._last, self._asked
        appended = 0 if kind == "start" else size - last.size
        record = Record(
            version=VERSION,
            sequence=last.sequence + 1,
            at=self._clock(),
            run=self._run,
            kind=kind,
            counts=self._counts(),
            disclosed=_sum(start.disclosed, self._disclosed),
            asked=start.asked + asked,
            answered=start.answered + answered,
            refused=start.refused + self._refused,
            failed=start.failed + self._failed,
            leaves=last.leaves + max(0, appended),
            unseen=last.unseen + unseen,
            missing=last.missing + missing + max(0, -appended),
            size=size,
            previous=self._hash,
            key=base64.b64encode(self._public).decode(),
        )
        line = sign_line(record, self._signer)
        await asyncio.to_thread(append_line, self._place, line)
        self._last, self._hash = record, hash_of(line)
        await self._insert(record.sequence, line)
        self._recorded = asked
        self._judge(record)

    async def _insert(self, sequence: int, line: bytes) -> None:
        await self._pool.execute(
            "INSERT INTO evidence.operations (sequence, line) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            sequence,
            line.decode(),
        )

    def _judge(self, record: Record) -> None:
        found = faults_of(record)
        if found != self.faults:
            for fault in found:
                _log.critical("the key store's operations are not those of the ledger: %s", fault)
        self.faults = found

    async def _restore(self) -> bytes:
        """The chain's last line, b"" before the first; file and table brought level. Raises OperationsBroken when they contradict."""
        lines = await asyncio.to_thread(lines_after, self._place, -1)
        of_file = read_line(lines[0], self._public).sequence if lines else 0
        row = await self._pool.fetchrow(
            "SELECT sequence, line FROM evidence.operations ORDER BY sequence DESC LIMIT 1"
        )
        of_table = row["sequence"] if row else 0
        if of_file == of_table:
            if row and row["line"].encode() != lines[0]:
                raise OperationsBroken("the file and the table end with different records")
        elif of_file > of_table:
            # Killed between the two; or an older database was restored.
            lines = await asyncio.to_thread(lines_after, self._place, of_table)
            for line in lines:
                await self._insert(read_line(line, self._public).sequence, line)
        else:
            _log.critical("the key store's count was cut short in its file: restored from the table")
            for row in await self._pool.fetch(
                "SELECT line FROM evidence.operations WHERE sequence > $1 ORDER BY sequence", of_file
            ):
                lines = [row["line"].encode()]
                read_line(lines[0], self._public)
                await asyncio.to_thread(append_line, self._place, lines[0])
        return lines[-1] if lines else b""


def _sum(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    return {name: before.get(name, 0) + now.get(name, 0) for name in sorted(before.keys() | now.keys())}


def append_line(place: Path, line: bytes) -> None:
    """Write a line at the end of a chain's file, durably. Raises Outage."""
    try:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Outage(f"the count's file: {error.strerror}") from error


def lines_after(place: Path, sequence: int) -> list[bytes]:
    """The lines of the file after that many, or with -1 the last one alone. A line cut short by a crash is cut off."""
    try:
        with place.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0 if sequence >= 0 else max(0, size - _TAIL))
            content = file.read()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                file.truncate(size - (len(content) - whole))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Outage(f"the count's file: {error.strerror}") from error
    lines = content[:whole].splitlines()
    return lines[sequence:] if sequence >= 0 else lines[-1:]
