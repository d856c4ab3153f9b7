"""`rempart bench scope`: how long the exact list of who is exposed takes in a long ledger, on a private PostgreSQL.

The ledger is written by set-based SQL: real openings, commitments, inner hashes, a signed and cosigned checkpoint, the key store's count.
One thief's answers lie all over it, so that each needs tiles of its own; another one's in a single day. The figures are those of the
functions behind `rempart incident scope`, by the operator's role.
"""

import base64
import contextlib
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
import psycopg
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import sql
from rich.console import Console
from rich.progress import Progress

from rempart.database.embedded import EmbeddedCluster, running
from rempart.database.migrate import migrate
from rempart.database.roles import create_database, password_file, provision_roles
from rempart.evidence.cosignature import Cosigner, WitnessKey
from rempart.evidence.merkle import HASH_SIZE, leaf_hash, root
from rempart.evidence.note import Checkpoint, SignerKey, VerifierKey, sign_checkpoint
from rempart.evidence.opening import OPENING_SQL
from rempart.evidence.operations import VERSION, Record, hash_of, sign_line
from rempart.evidence.tiles import WIDTH, part_roots
from rempart.foundation.clock import DAY, SECOND, system_clock
from rempart.foundation.errors import BadInput
from rempart.incident.exposure import Question
from rempart.incident.scope import scope
from rempart.incident.scope_negative import Depth, state_negative
from rempart.incident.scope_proofs import prove_answers, read_published

DAYS = 28
"""The ledger's age: what a day's answers are among so many leaves."""
ANSWERS_A_PERSON = 1.3
"""Some are asked about for two domains."""
SCATTERED, IN_A_DAY = UUID(int=1), UUID(int=2)
"""The two thieves' devices."""
ROUNDS = 9
BLOCK = 4_096 * WIDTH
"""Leaves written by one statement."""
ORIGIN = "rempart.bench/ledger"
console = Console(highlight=False)
T = TypeVar("T")

# Honest answers: 100,000 establishments, two devices and three accounts each. `%(a)s` and `%(b)s` bound the block.
_FILL = """
INSERT INTO evidence.entry (index, at, salt, account, device, establishment, insurer, lane, domain, answer_class, outcome, cost, subject,
                            notice_ref, generation)
  SELECT i, %(start)s + i * %(step)s, substr(sha256(int8send(i)), 1, 16),
      lpad(to_hex(CASE WHEN every THEN 1 WHEN daily THEN 2 ELSE 3000000 + house * 3 + i %% 3 END), 32, '0')::uuid,
      lpad(to_hex(CASE WHEN every THEN 1 WHEN daily THEN 2 ELSE 1000000 + house * 2 + i %% 2 END), 32, '0')::uuid,
      lpad(to_hex(CASE WHEN every THEN 1 WHEN daily THEN 2 ELSE 100 + house END), 32, '0')::uuid,
      1 + person %% 84, 1 + (i %% 2)::int, 1 + (i %% 12)::int, 1, 1, 1, lpad(to_hex(1 + person), 32, '0')::uuid,
      '\\x00000001'::bytea || sha256(int8send(-i)), 1
    FROM (
      SELECT i, every, daily, (i * 7919) %% 100000 AS house,
          CASE WHEN every THEN (i / %(gap)s) %% %(persons)s WHEN daily THEN 1000000 + ((i - %(day)s) / %(daily_gap)s) %% %(persons)s
               ELSE 2000000 + (i * 104729) %% 20000000 END AS person
        FROM (
          SELECT i, i / %(gap)s < %(answers)s AND i %% %(gap)s = %(gap)s / 2 AS every,
              i >= %(day)s AND (i - %(day)s) / %(daily_gap)s < %(answers)s AND (i - %(day)s) %% %(daily_gap)s = 1 AS daily
            FROM generate_series(%(a)s::bigint, %(b)s::bigint - 1) AS i
        ) marked
    ) x
"""
_COMMIT = (
    "INSERT INTO evidence.leaf (index, commitment) SELECT e.index, sha256('rempart-leaf-v1'::bytea || '\\x00'::bytea || e.salt || "  # noqa: S608 (constants of ours)
    + OPENING_SQL
    + ") FROM evidence.entry e WHERE e.index >= %(a)s AND e.index < %(b)s"
)


@dataclass(frozen=True)
class Filled:
    """The ledger that was written, and what verifies it."""

    start: int
    step: int
    """µs between two leaves."""
    leaves: int
    day_from: int
    """The index at which the second thief's day begins."""
    seconds: float
    """That writing it took."""
    key: VerifierKey
    witnesses: tuple[WitnessKey, ...]


class _Note(msgspec.Struct):
    """What a folder that is kept says of its ledger."""

    leaves: int
    persons: int
    start: int
    step: int
    day_from: int
    seconds: float
    key: str
    witnesses: list[str]


def bench_scope(
    leaves: Annotated[int, typer.Option(min=10_000, help="of the ledger")] = 10_000_000,
    persons: Annotated[int, typer.Option(min=10, help="whom each of two thieves was told of")] = 1_000,
    whole: Annotated[bool, typer.Option(help="recompute the whole ledger too: some µs a leaf")] = True,
    folder: Annotated[
        Path | None, typer.Option(help="keep the ledger here, and find it again the next time")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures")] = None,
) -> None:
    """Measure the exact list, its proofs and the negative statement in a long ledger."""
    with (
        _workplace(folder) as work,
        running(EmbeddedCluster(work / "postgres", shared_buffers="2GB")) as cluster,
    ):
        filled = _ledger(cluster, work, leaves, persons)
        dsn = cluster.dsn("rempart_operator", password_file(work / "secrets", "rempart_operator"), "bench")
        with psycopg.connect(dsn, autocommit=True) as operator:
            figures = measure(_Meter(cluster), operator, filled, persons, whole=whole)
    told = {"leaves": leaves, "persons": persons, "fill_s": round(filled.seconds, 1)}
    text = json.dumps(told | figures, indent=2)
    console.print_json(text)
    if json_file is not None:
        json_file.write_text(text + "\n")


@contextlib.contextmanager
def _workplace(folder: Path | None) -> Iterator[Path]:
    """The folder that is kept, or one that is not."""
    work = folder or Path(tempfile.mkdtemp(prefix="rempart-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    work.chmod(0o711)
    try:
        yield work
    finally:
        if folder is None:
            shutil.rmtree(work, ignore_errors=True)


def _ledger(cluster: EmbeddedCluster, work: Path, leaves: int, persons: int) -> Filled:
    """The ledger that the folder holds, or a new one there. Raises BadInput when it is another one, or was not written to its end."""
    kept = work / "ledger.json"
    if kept.exists():
        note = msgspec.json.decode(kept.read_bytes(), type=_Note)
        if (note.leaves, note.persons) != (leaves, persons):
            raise BadInput(f"the ledger kept there has {note.leaves} leaves and {note.persons} persons")
        witnesses = tuple(map(WitnessKey.parse, note.witnesses))
        return Filled(
            note.start, note.step, leaves, note.day_from, note.seconds, VerifierKey.parse(note.key), witnesses
        )
    secrets = work / "secrets"
    if secrets.exists():
        raise BadInput("the ledger kept there was not written to its end: choose another folder")
    secrets.mkdir(mode=0o700)
    provision_roles(cluster.superuser_dsn(), secrets, generate=True)
    create_database(cluster.superuser_dsn(), "bench")
    migrate(cluster.superuser_dsn("bench"), system_clock)
    with psycopg.connect(cluster.superuser_dsn("bench"), autocommit=True) as owner:
        filled = fill(owner, leaves, persons)
    note = _Note(
        leaves, persons, filled.start, filled.step, filled.day_from, filled.seconds, filled.key.text(),
        [witness.text() for witness in filled.witnesses],
    )  # fmt: skip
    kept.write_bytes(msgspec.json.encode(note))
    return filled


# ── measuring ────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Meter:
    """What a step takes: by the wall, and of the processor, ours and the server's, which other work on the machine disturbs less."""

    def __init__(self, cluster: EmbeddedCluster) -> None:
        assert cluster.pid is not None
        self._server = cluster.pid

    def __call__(self, act: Callable[[], T]) -> tuple[T, dict[str, float]]:
        began, spent = time.perf_counter(), self._processor()
        done = act()
        return done, {
            "wall_ms": round((time.perf_counter() - began) * 1000, 1),
            "processor_ms": round((self._processor() - spent) * 1000, 1),
        }

    def _processor(self) -> float:
        ticks = 0
        for place in Path("/proc").glob("[0-9]*/stat"):
            # A process may end meanwhile; its time is then among its parent's.
            with contextlib.suppress(OSError):
                fields = place.read_text().rpartition(")")[2].split()
                if int(fields[1]) == self._server:
                    ticks += int(fields[11]) + int(fields[12])
        fields = Path(f"/proc/{self._server}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
        return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def measure(
    meter: _Meter, c: "psycopg.Connection[Any]", filled: Filled, persons: int, *, whole: bool
) -> dict[str, Any]:
    """Of each step: the first time, then the median and the least of the next ones."""
    end = filled.start + filled.leaves * filled.step
    day = filled.start + filled.day_from * filled.step
    everywhere = Question(filled.start, end, devices=frozenset({SCATTERED}))
    one_day = Question(day, day + DAY, devices=frozenset({IN_A_DAY}))
    figures = {
        "whole_interval": _rounds(meter, c, filled, everywhere, persons),
        "one_day": _rounds(meter, c, filled, one_day, persons),
    }
    figures["one_day"]["negative_recomputed"] = _recomputed(meter, c, filled, one_day)
    if whole:
        figures["whole_interval"]["negative_recomputed"] = _recomputed(meter, c, filled, everywhere)
    return figures


def _recomputed(
    meter: _Meter, c: "psycopg.Connection[Any]", filled: Filled, question: Question
) -> dict[str, Any]:
    found, published = scope(c, question), read_published(c, filled.key, filled.witnesses)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("recomputing")
        said, taken = meter(
            lambda: state_negative(
                c, found, published, progress=lambda done, all_: bar.update(task, completed=done, total=all_)
            )
        )
    return {"leaves_read": said.until - said.first} | taken


def _rounds(
    meter: _Meter, c: "psycopg.Connection[Any]", filled: Filled, question: Question, persons: int
) -> dict[str, Any]:
    first, *rest = (_once(meter, c, filled, question, persons) for _ in range(ROUNDS + 1))
    return {"first": first} | {
        name: {
            step: {of: round(pick(each[step][of] for each in rest), 1) for of in first[step]}
            for step in first
        }
        for name, pick in (("median", statistics.median), ("least", min))
    }


def _once(
    meter: _Meter, c: "psycopg.Connection[Any]", filled: Filled, question: Question, persons: int
) -> dict[str, dict[str, float]]:
    found, listing = meter(lambda: scope(c, question))
    if len(found.exposed) != persons:
        raise RuntimeError(f"{len(found.exposed)} persons were found, {persons} were told of")
    published = read_published(c, filled.key, filled.witnesses)
    indexes = [told.index for person in found.exposed for told in person.answers]
    shown, proving = meter(lambda: prove_answers(c, published, indexes))
    if len(shown) != len(indexes):
        raise RuntimeError(f"{len(shown)} of {len(indexes)} answers were proved")
    _, denying = meter(lambda: state_negative(c, found, published, Depth.COUNTED))
    steps = {"list": listing, "proofs": proving, "negative_counted": denying}
    return steps | {"all": {of: round(sum(step[of] for step in steps.values()), 1) for of in listing}}


# ── filling ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def fill(owner: "psycopg.Connection[Any]", leaves: int, persons: int) -> Filled:
    """Write the ledger. `owner`: a superuser's connection, autocommit. Raises BadInput when the thieves do not fit in."""
    answers = int(persons * ANSWERS_A_PERSON)
    # Even and odd indexes: the two never meet.
    gap, daily_gap = leaves // answers // 4 * 4, leaves // DAYS // answers // 2 * 2
    if daily_gap < 2:
        raise BadInput("too few leaves for so many persons")
    step = DAYS * DAY // leaves
    start, day, began = system_clock() - DAYS * DAY, leaves // 2 // 2 * 2, time.monotonic()
    values = {
        "start": start, "step": step, "gap": gap, "answers": answers, "persons": persons, "day": day, "daily_gap": daily_gap,
    }  # fmt: skip
    kept = owner.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'evidence' AND tablename = 'entry' AND indexname NOT LIKE '%pkey'"
    ).fetchall()
    for name, _ in kept:
        owner.execute(sql.SQL("DROP INDEX evidence.{}").format(sql.Identifier(name)))
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("writing leaves", total=leaves)
        for first in range(0, leaves, BLOCK):
            block = values | {"a": first, "b": min(first + BLOCK, leaves)}
            owner.execute(_FILL, block)
            owner.execute(_COMMIT, block)
            bar.update(task, completed=block["b"])
        for _, definition in kept:
            owner.execute(definition)
        owner.execute("VACUUM (ANALYZE) evidence.entry")
        owner.execute("VACUUM (ANALYZE) evidence.leaf")
        key, witnesses = _sign(
            owner, leaves, lambda done: bar.update(task, description="hashing", completed=done)
        )
    _count(owner, leaves, start)
    return Filled(start, step, leaves, day, time.monotonic() - began, key, witnesses)


def _sign(
    owner: "psycopg.Connection[Any]", leaves: int, progress: Callable[[int], object]
) -> tuple[VerifierKey, tuple[WitnessKey, ...]]:
    """Inner hashes, one checkpoint, two cosignatures."""
    owner.execute("UPDATE evidence.log SET size = %s", (leaves,))
    tiles: list[list[bytes]] = []
    rest: list[bytes] = []
    for first in range(0, leaves, BLOCK):
        rows = owner.execute(
            "SELECT index / %s, string_agg(commitment, ''::bytea ORDER BY index) FROM evidence.leaf WHERE index >= %s AND index < %s"
            " GROUP BY 1 ORDER BY 1",
            (WIDTH, first, first + BLOCK),
        ).fetchall()
        for _, data in rows:
            hashes = [leaf_hash(data[at : at + HASH_SIZE]) for at in range(0, len(data), HASH_SIZE)]
            if len(hashes) == WIDTH:
                tiles.append(part_roots(hashes))
            else:
                rest = hashes
        progress(first)
    return _publish(owner, leaves, tiles, rest)


def _publish(
    owner: "psycopg.Connection[Any]", leaves: int, tiles: list[list[bytes]], rest: list[bytes]
) -> tuple[VerifierKey, tuple[WitnessKey, ...]]:
    """`tiles`: of each full tile of leaves, its parts' roots."""
    row, level = [root(parts) for parts in tiles], 1
    while tiles:
        floor = [root(parts) for parts in tiles]
        with (
            owner.cursor() as cursor,
            cursor.copy("COPY evidence.node (level, index, hash, parts) FROM STDIN") as copy,
        ):
            for index, (each, parts) in enumerate(zip(floor, tiles, strict=True)):
                copy.write_row((level, index, each, b"".join(parts)))
        tiles = [
            part_roots(floor[at : at + WIDTH]) for at in range(0, len(floor) - len(floor) % WIDTH, WIDTH)
        ]
        level += 1
    owner.execute("VACUUM (ANALYZE) evidence.node")
    signer = SignerKey(ORIGIN, Ed25519PrivateKey.generate())
    top, now = root(row + ([root(rest)] if rest else [])), system_clock()
    note = sign_checkpoint(Checkpoint(ORIGIN, leaves, top), signer)
    owner.execute(
        "INSERT INTO evidence.checkpoint (size, root, at, frontier, note) VALUES (%s, %s, %s, '', %s)",
        (leaves, top, now, note.decode()),
    )
    cosigners = [Cosigner(f"rempart.bench/w{n}", Ed25519PrivateKey.generate()) for n in (1, 2)]
    text = note.decode().partition("\n\n")[0] + "\n"
    for cosigner in cosigners:
        owner.execute(
            "INSERT INTO evidence.cosignature (size, witness, at, line) VALUES (%s, %s, %s, %s)",
            (leaves, cosigner.name, now, cosigner.cosign(text, now // SECOND)),
        )
    return signer.verifier(), tuple(cosigner.key() for cosigner in cosigners)


def _count(owner: "psycopg.Connection[Any]", leaves: int, start: int) -> None:
    """The key store's count: a record each 10,000 leaves."""
    key, line = Ed25519PrivateKey.generate(), b""
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    for sequence, size in enumerate([*range(0, leaves, 10_000), leaves], start=1):
        at = start + size * (DAYS * DAY // leaves)
        made = {"capsule-1": size}
        record = Record(
            VERSION, sequence, at, "bench", "count", made, made, size, size, 0, 0, size, 0, 0, size, hash_of(line) if line else "",
            public,
        )  # fmt: skip
        line = sign_line(record, key)
        owner.execute(
            "INSERT INTO evidence.operations (sequence, line) VALUES (%s, %s)", (sequence, line.decode())
        )
