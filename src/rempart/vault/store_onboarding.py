"""The SQL of applications: role rempart_vault, asyncpg."""

import uuid

from rempart.vault.store_accounts import Connection


async def approve(
    c: Connection,
    digest: bytes,
    said: tuple[str, str, str],
    dossier: uuid.UUID | None,
    now: int,
    by: str,
    since: int,
    doubts: list[str],
) -> bool:
    """Keep an approval; `said`: FINESS, profession, login. False when there is one of this digest already, used, or given after `since`.

    Of the same dossier it may be given anew; used, it serves to have its letter again, and nothing else (`was_enrolled`).
    """
    added = await c.fetchval(
        "INSERT INTO vault.application AS a (digest, finess, profession, login, dossier, approved, approved_by, doubts)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $9)"
        " ON CONFLICT (digest) DO UPDATE SET dossier = EXCLUDED.dossier, approved = EXCLUDED.approved, approved_by = EXCLUDED.approved_by,"
        " doubts = EXCLUDED.doubts"
        " WHERE a.dossier = EXCLUDED.dossier OR (a.enrolled IS NULL AND a.approved <= $8) RETURNING true",
        digest,
        *said,
        dossier,
        now,
        by,
        since,
        doubts,
    )
    return bool(added)


async def void(c: Connection, digest: bytes, dossier: uuid.UUID | None) -> bool:
    """No approval of this stands any more, nor of anything else from this dossier; False when it was enrolled."""
    await c.execute(
        "UPDATE vault.application SET approved = 0 WHERE (digest = $1 OR dossier = $2) AND enrolled IS NULL",
        digest,
        dossier,
    )
    return not await c.fetchval(
        "SELECT EXISTS (SELECT FROM vault.application WHERE (digest = $1 OR dossier = $2) AND enrolled IS NOT NULL)",
        digest,
        dossier,
    )


async def use_up(
    c: Connection,
    digest: bytes,
    said: tuple[str, str, str],
    dossier: uuid.UUID | None,
    now: int,
    since: int,
) -> set[str] | None:
    """Use an approval given after `since`, of exactly this: the doubts that were looked at; None when there is none, or it was used."""
    seen = await c.fetchval(
        "UPDATE vault.application SET enrolled = $6 WHERE digest = $1 AND enrolled IS NULL AND approved > $7"
        " AND (finess, profession, login) = ($2, $3, $4) AND dossier IS NOT DISTINCT FROM $5 RETURNING doubts",
        digest,
        *said,
        dossier,
        now,
        since,
    )
    return set(seen) if seen is not None else None


async def standing_among(c: Connection, dossiers: list[uuid.UUID], since: int) -> uuid.UUID | None:
    """One of these that was enrolled, or approved after `since`; None where there is none."""
    found: uuid.UUID | None = await c.fetchval(
        "SELECT dossier FROM vault.application WHERE dossier = ANY ($1) AND (enrolled IS NOT NULL OR approved > $2) LIMIT 1",
        dossiers,
        since,
    )
    return found


async def was_enrolled(
    c: Connection, digest: bytes, said: tuple[str, str, str], dossier: uuid.UUID, since: int
) -> bool:
    """Was exactly this enrolled from this dossier after `since`, or before, and approved anew after it?"""
    return bool(
        await c.fetchval(
            "SELECT EXISTS (SELECT FROM vault.application WHERE digest = $1 AND (finess, profession, login) = ($2, $3, $4)"
            " AND dossier = $5 AND greatest(enrolled, approved) > $6 AND enrolled IS NOT NULL)",
            digest,
            *said,
            dossier,
            since,
        )
    )


async def has_opened(c: Connection, login: str, dossier: uuid.UUID, since: int) -> bool:
    """Did this operator open the declaration of this dossier after `since`, as the journal has it?"""
    return bool(
        await c.fetchval(
            "SELECT EXISTS (SELECT FROM vault.journal WHERE act = 'dossier:open' AND actor = $1 AND at > $2 AND object = $3"
            " AND detail = 'document 0')",
            login,
            since,
            str(dossier),
        )
    )
