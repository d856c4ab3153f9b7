"""All the SQL of what two people released, to insurers or to every professional: role rempart_vault, asyncpg. Instants are µs."""
# mypy: disable-error-code="no-any-return"
# asyncpg publishes no types: the annotations here say what each statement returns.

from rempart.vault.store_accounts import Connection, Row


async def release(
    c: Connection,
    incident: int,
    digest: bytes,
    amcs: list[str],
    everybody: bool,
    proofs: bool,
    by: str,
    at: int,
    expires: int,
) -> Row:
    """In the place of the one before, whose count it does not inherit."""
    row = await c.fetchrow(
        "INSERT INTO vault.package_release (incident, digest, amcs, everybody, proofs, by, at, expires)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (incident) DO UPDATE SET digest = excluded.digest,"
        " amcs = excluded.amcs, everybody = excluded.everybody, proofs = excluded.proofs, by = excluded.by, at = excluded.at,"
        " expires = excluded.expires, stated = 0, told = 0 RETURNING *",
        incident, digest, amcs, everybody, proofs, by, at, expires,
    )  # fmt: skip
    assert row is not None
    return row


async def standing(c: Connection, incident: int, now: int) -> Row | None:
    """The one that is not over."""
    return await c.fetchrow(
        "SELECT * FROM vault.package_release WHERE incident = $1 AND expires > $2", incident, now
    )


async def use_signature(c: Connection, incident: int, amc: str, now: int, each: int) -> Row | None:
    """Count one for this insurer; None where none is left."""
    return await c.fetchrow(
        "UPDATE vault.package_release SET stated = stated + 1 WHERE incident = $1 AND $2 = ANY (amcs) AND expires > $3"
        " AND stated < cardinality(amcs) * $4 RETURNING *",
        incident,
        amc,
        now,
        each,
    )


async def use_notice(c: Connection, incident: int, amc: str, now: int, each: int) -> Row | None:
    """The same of a notice to its people."""
    return await c.fetchrow(
        "UPDATE vault.package_release SET told = told + 1 WHERE incident = $1 AND $2 = ANY (amcs) AND expires > $3"
        " AND told < cardinality(amcs) * $4 RETURNING *",
        incident,
        amc,
        now,
        each,
    )


async def answers_standing(c: Connection, incident: int, now: int) -> Row | None:
    """The release of an incident's answers that is not over."""
    return await c.fetchrow(
        "SELECT * FROM vault.answers_release WHERE incident = $1 AND expires > $2", incident, now
    )


async def release_answers(
    c: Connection, incident: int, digest: bytes, by: str, at: int, expires: int
) -> None:
    """In the place of the one before."""
    await c.execute(
        "INSERT INTO vault.answers_release (incident, digest, by, at, expires) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (incident) DO UPDATE SET digest = excluded.digest, by = excluded.by, at = excluded.at, expires = excluded.expires",
        incident, digest, by, at, expires,
    )  # fmt: skip
