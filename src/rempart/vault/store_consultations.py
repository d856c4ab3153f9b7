"""All the SQL of *who consulted me*: role rempart_vault, asyncpg."""

import uuid

from rempart.vault.store_accounts import Connection, Row

INQUIRIES = 7_002_106
"""The advisory lock of an insurer's askings: two at once are counted one after the other."""


async def insurers_keys(c: Connection) -> list[Row]:
    """number, amc, signing_key, networks of every insurer."""
    rows: list[Row] = await c.fetch("SELECT number, amc, signing_key, networks FROM vault.insurer")
    return rows


async def consultations(
    c: Connection, insurer: int, subject: uuid.UUID, before: int, limit: int
) -> list[Row]:
    """The answers that told of one person, newest first, before an index (0: from the newest)."""
    rows: list[Row] = await c.fetch(
        "SELECT e.index, e.at, e.lane, e.domain, e.answer_class, coalesce(p.finess, '') AS finess,"
        " coalesce(p.profession, '') AS profession, coalesce(m.role, '') AS role, coalesce(d.name, '') AS editor FROM evidence.entry e"
        " LEFT JOIN vault.establishment p ON p.id = e.establishment"
        " LEFT JOIN vault.membership m ON m.account = e.account AND m.establishment = e.establishment"
        " LEFT JOIN vault.editor d ON d.id = e.editor"
        " WHERE e.subject = $1 AND e.outcome = 1 AND e.insurer = $2 AND ($3::bigint = 0 OR e.index < $3)"
        " ORDER BY e.index DESC LIMIT $4",
        subject,
        insurer,
        before,
        limit,
    )
    return rows


async def pruned_before(c: Connection) -> int:
    """Entries older than this instant (µs) may have been pruned; 0 when none was."""
    value: int = await c.fetchval("SELECT coalesce(max(cutoff), 0) FROM evidence.horizon")
    return value


async def asked_since(c: Connection, insurer: int, account: uuid.UUID | None, since: int) -> int:
    """How often a person of the insurer, or its systems (None), have asked. Until the transaction ends, nobody else of the insurer asks."""
    await c.execute("SELECT pg_advisory_xact_lock($1, $2)", INQUIRIES, insurer)
    value: int = await c.fetchval(
        "SELECT count(*) FROM vault.inquiry WHERE insurer = $1 AND at > $3 AND account IS NOT DISTINCT FROM $2",
        insurer,
        account,
        since,
    )
    return value


async def note_inquiry(c: Connection, at: int, insurer: int, account: uuid.UUID | None, told: int) -> None:
    """Who asked, and how much was told; never about whom."""
    await c.execute(
        "INSERT INTO vault.inquiry (at, insurer, account, told) VALUES ($1, $2, $3, $4)",
        at,
        insurer,
        account,
        told,
    )
