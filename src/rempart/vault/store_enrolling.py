"""The SQL of approved enrolments: role rempart_vault, asyncpg."""
# mypy: disable-error-code="no-any-return"
# asyncpg publishes no types: the annotations here say what each statement returns.

import uuid

from rempart.vault.store_accounts import Connection


async def approve(c: Connection, call: str, now: int, by: str, since: int) -> bool:
    """Keep an approval; False when one of the same, given after `since`, was not used yet."""
    added = await c.fetchval(
        "INSERT INTO vault.enrolment AS a (call, approved, approved_by) VALUES ($1, $2, $3)"
        " ON CONFLICT (call) DO UPDATE SET approved = EXCLUDED.approved, approved_by = EXCLUDED.approved_by, enrolled = NULL"
        " WHERE a.enrolled IS NOT NULL OR a.approved <= $4 RETURNING true",
        call,
        now,
        by,
        since,
    )
    return bool(added)


async def use_up(c: Connection, call: str, now: int, since: int) -> str | None:
    """Use an approval of exactly this, given after `since`: who approved; None when there is none, or it was used."""
    return await c.fetchval(
        "UPDATE vault.enrolment SET enrolled = $2 WHERE call = $1 AND enrolled IS NULL AND approved > $3 RETURNING approved_by",
        call,
        now,
        since,
    )


async def label_of(c: Connection, group: uuid.UUID) -> str | None:
    """A group's label."""
    return await c.fetchval("SELECT label FROM vault.party_group WHERE id = $1", group)
