"""The processes that check, tag, seal and copy chunks of one file, side by side. Each has its own handle on the keys, its own connection.

A chunk goes to whoever is free, so that a slow one holds nobody up. What a worker copied is committed chunk by chunk into a table that
nobody reads: if anything fails, the table is dropped and nothing happened.
"""

import gc
import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import Queue

import polars as pl
import psycopg
from psycopg import sql

from rempart.foundation.errors import Outage
from rempart.intake.checks import Rule, Terms, rules_of
from rempart.intake.lines import Chunk
from rempart.intake.members import read_members
from rempart.intake.model import Reject
from rempart.sealer import store
from rempart.sealer.people import Encoder
from rempart.vault.keystore import KeyStore, LoneCountedKeyStore, Token, open_key_store
from rempart.vault.sealing import COLUMNS, COPY_HEADER, COPY_TRAILER, LoadKey, Sealer

_PIECE = 1 << 18
_HELD = 2
"""Chunks a worker holds at most: one in work, one waiting."""
_AT_ONCE = 8_000
"""People sealed at once: their million small objects are freed before the next ones are made, and found again in the caches."""


class WorkerLost(Outage):
    code = "sealer"
    french = "Un processus de scellement s'est arrêté ; le fichier sera repris."
    english = "A sealing process stopped; the file will be tried again."


@dataclass(frozen=True)
class Access:
    """How a worker reaches keys and database."""

    dsn: str
    key_store: Path
    passphrase_file: Path | None
    token: Token | None

    def open_keys(self) -> KeyStore:
        """The key store."""
        return open_key_store(self.key_store, self.passphrase_file, self.token)


@dataclass(frozen=True)
class LoadJob:
    """What a worker must know of a load."""

    insurer: int
    amc: str
    epoch: int
    products: frozenset[str]
    today: date
    synthetic_only: bool
    columns: tuple[str, ...]
    number: int
    load_key: bytes = field(repr=False)
    associated: bytes

    @property
    def delta(self) -> bool:
        """Is the file a delta?"""
        return "action" in self.columns

    @property
    def terms(self) -> Terms:
        """By what its lines are judged."""
        return Terms(self.amc, self.products, self.today, self.synthetic_only)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What became of a chunk."""

    lines: int
    persons: int
    capsules: int
    rejects: list[Reject]
    rejected_lines: int
    bytes: int
    operations: dict[str, int]
    """On the key store, by purpose."""
    seconds: tuple[float, float, float]
    """Checking, tagging and sealing, copying."""


class Bench:
    """One worker's tools for one load: where lines become rows."""

    def __init__(self, keys: KeyStore, connection: store.Connection, job: LoadJob) -> None:
        self._job, self._connection = job, connection
        self._keys, self._told = LoneCountedKeyStore(keys), Counter[str]()
        self._sealer = Sealer(
            self._keys, job.insurer, job.amc, job.epoch, LoadKey(job.number, job.load_key, job.associated)
        )
        self._encoder = Encoder()
        self._terms = job.terms
        self._rules: list[Rule] = rules_of(job.terms, job.columns)
        self._table = store.generation_table(job.insurer, job.number)
        if job.delta:
            self._table, self._leaving = store.delta_tables(job.insurer, job.number)

    def work(self, chunk: Chunk) -> Sealed:
        """Check, tag, seal and copy one chunk."""
        begun = time.perf_counter()
        people = read_members(chunk, list(self._job.columns), self._terms, self._rules)
        checked = time.perf_counter()
        with self._connection.transaction():
            tally = self._seal(people.frame) if people.frame.height else (0, 0, 0.0)
            if self._job.delta:
                self._note_leaving(people.leaving.iter_rows(), people.known_to_leave)
        rows, size, sealing = tally
        seconds = (checked - begun, sealing, time.perf_counter() - checked - sealing)
        return Sealed(
            chunk.lines, people.frame.height, rows, people.rejects, people.rejected_lines, size, self._operations(), seconds
        )  # fmt: skip

    def _operations(self) -> dict[str, int]:
        """Since they were last told."""
        now = Counter(self._keys.counts())
        since, self._told = now - self._told, now
        return dict(since)

    def _seal(self, people: pl.DataFrame) -> tuple[int, int, float]:
        """Seal some people after the others while the database takes in those before. Rows, bytes, seconds of sealing."""
        rows, size, sealing = 0, 0, 0.0
        with self._copying(self._table, COLUMNS) as copy:
            for start in range(0, people.height, _AT_ONCE):
                begun = time.perf_counter()
                block, count = self._sealer.seal(self._encoder.present(people.slice(start, _AT_ONCE)))
                sealing += time.perf_counter() - begun
                _write(copy, block)
                rows, size = rows + count, size + len(block)
        return rows, size, sealing

    def _note_leaving(self, leaving: Iterator[tuple[object, ...]], known: frozenset[int]) -> None:
        rows = []
        for line, reference in leaving:
            assert isinstance(line, int)
            assert isinstance(reference, str)
            rows.append(
                b"\0\x03\0\0\0\x10"
                + self._sealer.subject(reference.encode())
                + b"\0\0\0\x04"
                + line.to_bytes(4, "big")
                + b"\0\0\0\x01"
                + bytes([line in known])
            )
        if rows:
            with self._copying(self._leaving, ("subject", "source_line", "known")) as copy:
                _write(copy, b"".join(rows))

    @contextmanager
    def _copying(self, table: sql.Identifier, columns: tuple[str, ...]) -> Iterator[psycopg.Copy]:
        with self._connection.cursor() as cursor, cursor.copy(store.copy_statement(table, columns)) as copy:
            copy.write(COPY_HEADER)
            yield copy
            copy.write(COPY_TRAILER)


def _write(copy: psycopg.Copy, block: bytes) -> None:
    view = memoryview(block)
    for start in range(0, len(block), _PIECE):
        copy.write(view[start : start + _PIECE])


class Gang:
    """Worker processes, kept from load to load. With none, the work is done here: a small file needs no helper."""

    def __init__(self, access: Access, keys: KeyStore, processes: int) -> None:
        self._access, self._keys, self._wanted = access, keys, processes
        self._crew: list[tuple[BaseProcess, Pipe]] = []

    def open(self, job: LoadJob, connection: store.Connection, *, alone: bool) -> "Shift":
        """Begin a load. `alone`: in this process, for a file too small to share out."""
        if alone or self._wanted < 2:
            return Shift([], Bench(self._keys, connection, job))
        self.hire()
        for _, pipe in self._crew:
            pipe.send(job)
        return Shift([pipe for _, pipe in self._crew], None)

    def dismiss(self) -> None:
        """End the workers."""
        for process, pipe in self._crew:
            pipe.close()
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join()
        self._crew.clear()

    def hire(self) -> None:
        """Start the workers that are missing; they need about a second, which an idle sealer has before a file comes."""
        if self._wanted < 2:
            return
        if any(not process.is_alive() for process, _ in self._crew):
            self.dismiss()
        # One polars thread a process, since processes share the work; read when the worker imports polars.
        os.environ.setdefault("POLARS_MAX_THREADS", "1")
        context = multiprocessing.get_context("spawn")
        while len(self._crew) < self._wanted:
            mine, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, self._access), daemon=True)
            process.start()
            theirs.close()
            self._crew.append((process, mine))


class Shift:
    """The workers during one load. Each has a chunk in work and one waiting, so that none stands idle while a chunk travels."""

    def __init__(self, pipes: list[Pipe], here: Bench | None) -> None:
        self._held, self._here = dict.fromkeys(pipes, 0), here

    def give(self, chunk: Chunk) -> list[Sealed]:
        """Hand a chunk to whoever has least, waiting if all have enough; returns what is done meanwhile.

        Raises WorkerLost when a worker is lost or failed: the load has to be begun again.
        """
        if self._here is not None:
            return [self._here.work(chunk)]
        done = self._collect() if min(self._held.values()) == _HELD else []
        pipe = min(self._held, key=self._held.__getitem__)
        try:
            pipe.send(chunk)
        except OSError as error:
            raise WorkerLost(type(error).__name__) from error
        self._held[pipe] += 1
        return done

    def finish(self) -> list[Sealed]:
        """Wait for all."""
        done = []
        while any(self._held.values()):
            done += self._collect()
        return done

    def _collect(self) -> list[Sealed]:
        done = []
        for ready in wait([pipe for pipe, held in self._held.items() if held]):
            assert isinstance(ready, Pipe)
            try:
                result = ready.recv()
            except (EOFError, OSError) as error:
                raise WorkerLost(type(error).__name__) from error
            self._held[ready] -= 1
            if not isinstance(result, Sealed):
                raise WorkerLost(str(result))
            done.append(result)
        return done


def _serve(pipe: Pipe, access: Access) -> None:
    """A worker: a job, then its chunks, then the next job; ends when the sealer does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    waiting: Queue[LoadJob | Chunk | None] = Queue(_HELD)
    threading.Thread(target=_receive, args=(pipe, waiting), name="receiver", daemon=True).start()
    keys = access.open_keys()
    bench: Bench | None = None
    # A chunk makes millions of small objects and no cycle: the collector would walk them for nothing, 8 % of the time.
    gc.freeze()
    gc.disable()
    with store.connect(access.dsn, "worker") as connection:
        while (message := waiting.get()) is not None:
            if isinstance(message, LoadJob):
                bench = Bench(keys, connection, message)
                continue
            assert bench is not None
            try:
                pipe.send(bench.work(message))
            except Exception as error:  # noqa: BLE001 (told to the sealer by its class: its text may quote a row)
                pipe.send(f"{type(error).__name__}")
            gc.collect()


def _receive(pipe: Pipe, waiting: "Queue[LoadJob | Chunk | None]") -> None:
    try:
        while True:
            waiting.put(pipe.recv())
    except (EOFError, OSError):
        waiting.put(None)
