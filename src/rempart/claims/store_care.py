"""The SQL that quotes, agreements and invoices share: proofs of an engagement, the insurer, locks, counters."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from rempart.claims.care import Taking
from rempart.claims.case import Ear, Window


@dataclass(frozen=True)
class KnownInsurer:
    """An insurer, as the claims zone needs it."""

    number: int
    amc: str
    notice_key: bytes


async def leaf_commitment(c: asyncpg.Connection, index: int) -> bytes | None:
    """The ledger's leaf data at an index, None beyond its end."""
    found: bytes | None = await c.fetchval("SELECT commitment FROM evidence.leaf WHERE index = $1", index)
    return found


async def wrapped_key(c: asyncpg.Connection, kid: str) -> bytes | None:
    """The wrapped data key of pseudonyms."""
    found: bytes | None = await c.fetchval("SELECT wrapped FROM vault.claims_envelope WHERE kid = $1", kid)
    return found


async def insurer_by_amc(c: asyncpg.Connection, amc: str) -> KnownInsurer | None:
    """An insurer by its n° AMC."""
    row = await c.fetchrow("SELECT number, amc, notice_key FROM vault.insurer WHERE amc = $1", amc)
    return KnownInsurer(*row) if row else None


async def insurer_by_number(c: asyncpg.Connection, number: int) -> KnownInsurer:
    """An insurer that a row of ours names."""
    row = await c.fetchrow("SELECT number, amc, notice_key FROM vault.insurer WHERE number = $1", number)
    return KnownInsurer(*row)


async def count_for(c: asyncpg.Connection, insurer: int) -> None:
    """From here on this transaction sees the counters of this insurer, which a verified engagement named."""
    await c.execute("SELECT set_config('rempart.counted_insurer', $1, true)", str(insurer))


async def lock_numbers(c: asyncpg.Connection, establishment: str, numbers: Sequence[str]) -> None:
    """One request at a time for an invoice number of an establishment. Taken before `lock_people`, always in the same order."""
    await _lock(c, [f"invoice/{establishment}/{number}".encode() for number in numbers if number])


async def lock_people(c: asyncpg.Connection, people: Sequence[tuple[int, bytes]]) -> None:
    """One request at a time for a beneficiary's counters (insurer, pseudonym), so that two never pass a ceiling together."""
    await _lock(c, [b"person/%d/" % insurer + pseudonym for insurer, pseudonym in people])


async def _lock(c: asyncpg.Connection, names: Sequence[bytes]) -> None:
    keys = {int.from_bytes(hashlib.sha256(name).digest()[:8], "big", signed=True) for name in names}
    for key in sorted(keys):
        await c.execute("SELECT pg_advisory_xact_lock($1)", key)


async def taken(
    c: asyncpg.Connection, insurer: int, pseudonym: bytes, besides: uuid.UUID | None = None
) -> list[Taking]:
    """What a beneficiary's counters hold, reserved or used, but for one source."""
    rows = await c.fetch(
        "SELECT product, counter, counted_by, since, cents, ear FROM claims.counter"
        " WHERE insurer = $1 AND pseudonym = $2 AND source IS DISTINCT FROM $3 ORDER BY since, source",
        insurer, pseudonym, besides,
    )  # fmt: skip
    return [
        Taking(
            row["product"],
            row["counter"],
            Window(row["counted_by"]),
            row["since"],
            row["cents"],
            Ear(row["ear"]) if row["ear"] else None,
        )
        for row in rows
    ]


async def take(
    c: asyncpg.Connection,
    source: uuid.UUID,
    insurer: int,
    pseudonym: bytes,
    takings: Sequence[Taking],
    state: str,
) -> None:
    """Write what a source takes: `reserved` or `used`."""
    await c.executemany(
        "INSERT INTO claims.counter (source, insurer, pseudonym, product, counter, counted_by, since, ear, cents, state)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        [
            (source, insurer, pseudonym, each.product, each.counter, each.counted_by, each.since, each.ear or "", each.cents, state)
            for each in takings
        ],
    )  # fmt: skip


async def release(c: asyncpg.Connection, source: uuid.UUID) -> None:
    """Give back what a source has taken."""
    await c.execute("DELETE FROM claims.counter WHERE source = $1", source)
