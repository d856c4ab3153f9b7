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


async def throw(
    c: Connection, scope: str, key: str, hold: str, by: str, reason: str, now: int, until: int | None
) -> None:
    """Throw one, or give one's own another reason and end."""
    await _insert(c, scope, key, hold, by, reason, now, until, "EXCLUDED.until")


async def prolong(
    c: Connection, scope: str, key: str, hold: str, by: str, reason: str, now: int, until: int | None
) -> None:
    """The same, and one's own never ends sooner than it would have."""
    longest = "CASE WHEN s.until IS NULL OR EXCLUDED.until IS NULL THEN NULL ELSE greatest(s.until, EXCLUDED.until) END"
    await _insert(c, scope, key, hold, by, reason, now, until, longest)


async def _insert(
    c: Connection,
    scope: str,
    key: str,
    hold: str,
    by: str,
    reason: str,
    now: int,
    until: int | None,
    end: str,
) -> None:
    await c.execute("DELETE FROM vault.switch WHERE until < $1", now - _FORGOTTEN)
    await c.execute(
        "INSERT INTO vault.switch AS s (scope, key, hold, thrown_by, reason, thrown, until) VALUES ($1, $2, $3, $4, $5, $6, $7)"  # noqa: S608 (two constants)
        " ON CONFLICT (scope, key, hold, thrown_by) DO UPDATE SET reason = EXCLUDED.reason, thrown = EXCLUDED.thrown,"
        f" until = {end}",
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


async def stepped(c: Connection, session: UUID) -> int:
    """When a person last confirmed on this session; 0 when it is over."""
    return int(await c.fetchval("SELECT stepped FROM vault.session WHERE id = $1", session) or 0)


_LABELS = {
    "insurer": "SELECT amc || ' ' || name FROM vault.insurer WHERE number = $1::smallint",
    "editor": "SELECT name FROM vault.editor WHERE id = $1::uuid",
    "establishment": "SELECT coalesce(finess, amc) FROM vault.establishment WHERE id = $1::uuid",
    "account": "SELECT login FROM vault.account WHERE id = $1::uuid",
    "device": "SELECT string_agg(a.login, ', ' ORDER BY a.login) FROM vault.binding b JOIN vault.account a ON a.id = b.account"
    " WHERE b.device = $1::uuid",
}


async def label(c: Connection, scope: str, key: str) -> str:
    """How an operator calls what a switch is thrown on: a n° AMC, a FINESS, a login; for a device, whose it is."""
    query = _LABELS.get(scope)
    if query is None:
        return key
    # The key is compared as text elsewhere: here it is what the switch's own table holds.
    return await c.fetchval(query, int(key) if scope == "insurer" else UUID(key)) or ""
