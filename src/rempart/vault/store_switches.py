"""All the SQL of switches but the one act's own (0081_disclose.sql): role rempart_vault, asyncpg.

A switch is (scope, key, hold, who threw it): what one threw, no other's shortens or softens.
"""

from collections.abc import Sequence
from uuid import UUID

from rempart.vault.store_accounts import RESTORED, Connection, Row

_IN_FORCE = "(s.until IS NULL OR s.until > $1)"
_RANK = "array_position(ARRAY['closed', 'claims-only', 'read-only', 'known-only', 'step-up'], s.hold)"
_FORGOTTEN = 28 * 86_400_000_000
"""µs after which a switch that is over is dropped; the journal keeps that it was thrown."""


async def prolong(
    c: Connection, scope: str, key: str, hold: str, by: str, reason: str, now: int, until: int | None
) -> None:
    """Throw one, or give one's own another reason; it never ends sooner than it would have."""
    await c.execute("DELETE FROM vault.switch WHERE until < $1", now - _FORGOTTEN)
    await c.execute(
        "INSERT INTO vault.switch AS s (scope, key, hold, thrown_by, reason, thrown, until) VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (scope, key, hold, thrown_by) DO UPDATE SET reason = EXCLUDED.reason, thrown = EXCLUDED.thrown,"
        " until = CASE WHEN s.until IS NULL OR EXCLUDED.until IS NULL THEN NULL ELSE greatest(s.until, EXCLUDED.until) END",
        scope, key, hold, by, reason, now, until,
    )  # fmt: skip


async def undo(c: Connection, scope: str, key: str, hold: str = "") -> None:
    """Lift what stands on this key, whoever threw it: one hold, or with "" all. A restored backup's is not lifted so."""
    await c.execute(
        "DELETE FROM vault.switch WHERE scope = $1 AND key = $2 AND ($3 = '' OR hold = $3) AND reason <> $4",
        scope, key, hold, RESTORED,
    )  # fmt: skip


async def standing(c: Connection, now: int, scope: str = "", key: str = "") -> list[Row]:
    """scope, key, hold, reason, thrown, until, thrown_by of those in force, the strictest first; with `scope`, on that key alone."""
    rows: list[Row] = await c.fetch(
        "SELECT s.scope, s.key, s.hold, s.reason, s.thrown, s.until, s.thrown_by FROM vault.switch s"  # noqa: S608 (constants)
        f" WHERE {_IN_FORCE} AND ($2 = '' OR s.scope = $2 AND s.key = $3) ORDER BY {_RANK}, s.thrown",
        now, scope, key,
    )  # fmt: skip
    return rows


async def holds_on(c: Connection, now: int, scopes: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """(scope, hold) of those in force on any of these (scope, key)."""
    rows = await c.fetch(
        "SELECT DISTINCT s.scope, s.hold FROM vault.switch s"  # noqa: S608 (a constant)
        f" JOIN unnest($2::text[], $3::text[]) AS u (scope, key) USING (scope, key) WHERE {_IN_FORCE}",
        now, [scope for scope, _ in scopes], [key for _, key in scopes],
    )  # fmt: skip
    return [(row["scope"], row["hold"]) for row in rows]


async def asked_since(c: Connection, now: int, seen: int, scopes: Sequence[tuple[str, str]]) -> bool:
    """Does one of these ask for a person since it was thrown, later than `seen`?"""
    return bool(
        await c.fetchval(
            "SELECT EXISTS (SELECT FROM vault.switch s JOIN unnest($3::text[], $4::text[]) AS u (scope, key) USING (scope, key)"  # noqa: S608
            f" WHERE {_IN_FORCE} AND s.hold = 'step-up' AND s.thrown >= $2)",
            now, seen, [scope for scope, _ in scopes], [key for _, key in scopes],
        )
    )  # fmt: skip


async def thrown_since(c: Connection, by: str, since: int) -> int:
    """How many one person threw since then, on as many keys, whether they still stand or not."""
    return int(
        await c.fetchval("SELECT count(*) FROM vault.switch WHERE thrown_by = $1 AND thrown > $2", by, since)
    )


async def stepped(c: Connection, session: UUID) -> int:
    """When a person last confirmed on this session; 0 when it is over."""
    return int(await c.fetchval("SELECT stepped FROM vault.session WHERE id = $1", session) or 0)


# The key is compared as text elsewhere: here it is what the switch's own table holds.
_SHOWN = f"""
WITH shown AS MATERIALIZED (
  SELECT s.scope, s.key, s.hold, s.reason, s.thrown, s.until, s.thrown_by, array_position($2::text[], s.scope) AS width, {_RANK} AS rank,
         CASE WHEN s.scope NOT IN ('platform', 'insurer', 'lane', 'profession') THEN s.key::uuid END AS party
    FROM vault.switch s WHERE {_IN_FORCE} AND ($4 = '' OR s.scope = $4 AND s.key = $5)
   ORDER BY width, rank, s.thrown DESC LIMIT $3)
SELECT h.scope, h.key, h.hold, h.reason, h.thrown, h.until, h.thrown_by, CASE h.scope
         WHEN 'insurer' THEN (SELECT i.amc || ' ' || i.name FROM vault.insurer i WHERE i.number::text = h.key)
         WHEN 'editor' THEN (SELECT d.name FROM vault.editor d WHERE d.id = h.party)
         WHEN 'establishment' THEN (SELECT coalesce(e.finess, e.amc) FROM vault.establishment e WHERE e.id = h.party)
         WHEN 'account' THEN (SELECT a.login FROM vault.account a WHERE a.id = h.party)
         WHEN 'device' THEN (SELECT string_agg(few.login, ', ' ORDER BY few.login) FROM (
           SELECT a.login FROM vault.binding b JOIN vault.account a ON a.id = b.account WHERE b.device = h.party
            ORDER BY a.login LIMIT 8) few)
         ELSE h.key END AS label
  FROM shown h ORDER BY h.width, h.rank, h.thrown DESC
"""  # noqa: S608 (constants)


async def shown(
    c: Connection, now: int, scopes: Sequence[str], most: int, scope: str = "", key: str = ""
) -> list[Row]:
    """scope, key, hold, reason, thrown, until, thrown_by and label of those in force: by `scopes` (widest first), strictness, age.

    label: how an operator calls it (a n° AMC, a FINESS, a login; for a device, whose it is), or null. With `scope`, on that key alone.
    """
    rows: list[Row] = await c.fetch(_SHOWN, now, list(scopes), most, scope, key)
    return rows


async def counted(
    c: Connection, now: int, scopes: Sequence[str], scope: str = "", key: str = ""
) -> list[tuple[str, str, int]]:
    """(scope, hold, how many) of those in force, in the same order."""
    rows = await c.fetch(
        f"SELECT s.scope, s.hold, count(*) AS number FROM vault.switch s WHERE {_IN_FORCE} AND ($3 = '' OR s.scope = $3 AND s.key = $4)"  # noqa: S608
        f" GROUP BY s.scope, s.hold ORDER BY array_position($2::text[], s.scope), {_RANK}",
        now, list(scopes), scope, key,
    )  # fmt: skip
    return [(row["scope"], row["hold"], row["number"]) for row in rows]
