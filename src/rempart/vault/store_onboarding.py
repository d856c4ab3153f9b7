"""The SQL of applications: role rempart_vault, asyncpg."""

from rempart.vault.store_accounts import Connection


async def approve(
    c: Connection, digest: bytes, finess: str, profession: str, login: str, now: int, by: str, since: int
) -> bool:
    """Keep an approval; False when there is one of this digest already, used, or given after `since`."""
    added = await c.fetchval(
        "INSERT INTO vault.application AS a (digest, finess, profession, login, approved, approved_by) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (digest) DO UPDATE SET approved = EXCLUDED.approved, approved_by = EXCLUDED.approved_by"
        " WHERE a.enrolled IS NULL AND a.approved <= $7 RETURNING true",
        digest,
        finess,
        profession,
        login,
        now,
        by,
        since,
    )
    return bool(added)


async def void(c: Connection, digest: bytes) -> bool:
    """No approval of this stands any more; False when it was enrolled."""
    await c.execute(
        "UPDATE vault.application SET approved = 0 WHERE digest = $1 AND enrolled IS NULL", digest
    )
    return not await c.fetchval(
        "SELECT EXISTS (SELECT FROM vault.application WHERE digest = $1 AND enrolled IS NOT NULL)", digest
    )


async def use_up(
    c: Connection, digest: bytes, finess: str, profession: str, login: str, now: int, since: int
) -> bool:
    """Use an approval given after `since`, of exactly this; False when there is none, or it was used."""
    done = await c.execute(
        "UPDATE vault.application SET enrolled = $5 WHERE digest = $1 AND enrolled IS NULL AND approved > $6"
        " AND (finess, profession, login) = ($2, $3, $4)",
        digest,
        finess,
        profession,
        login,
        now,
        since,
    )
    return bool(done.endswith(" 1"))
