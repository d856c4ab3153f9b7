"""All the SQL of an insurer's daily openings, as its desk sees them. Row security shows it its own, and nothing else."""

import uuid
from typing import Any

import asyncpg

from rempart.claims.messages import PAGE, OpeningsPage, OpeningsView

_FILE = (
    "SELECT id, day, first, until, rows, digest, bytes, parts, made, acknowledged FROM evidence.opening_file"
)


async def page(c: asyncpg.Connection, before: int) -> OpeningsPage:
    """Newest first."""
    rows = await c.fetch(
        _FILE
        + " WHERE $1::bigint = 0 OR made < $1 ORDER BY made DESC, day DESC FETCH FIRST $2 ROWS WITH TIES",
        before,
        PAGE,
    )
    items = [_view(row) for row in rows]
    return OpeningsPage(items, items[-1].made if len(items) >= PAGE else 0)


async def find(c: asyncpg.Connection, wanted: uuid.UUID, *, lock: bool = False) -> OpeningsView | None:
    """One. `lock`: nobody else acknowledges it meanwhile."""
    row = await c.fetchrow(_FILE + " WHERE id = $1" + (" FOR UPDATE" if lock else ""), wanted)
    return _view(row) if row else None


async def part(c: asyncpg.Connection, wanted: uuid.UUID, number: int) -> bytes | None:
    """One part, until the file is acknowledged."""
    found: bytes | None = await c.fetchval(
        "SELECT content FROM evidence.opening_part WHERE file = $1 AND number = $2", wanted, number
    )
    return found


async def acknowledge(c: asyncpg.Connection, wanted: uuid.UUID, at: int) -> None:
    """The insurer has it: its content goes."""
    await c.execute("DELETE FROM evidence.opening_part WHERE file = $1", wanted)
    await c.execute("UPDATE evidence.opening_file SET acknowledged = $2 WHERE id = $1", wanted, at)


def _view(row: Any) -> OpeningsView:
    gone = row["acknowledged"] is not None
    return OpeningsView(
        str(row["id"]), row["day"].isoformat(), row["first"], row["until"], row["rows"], row["digest"].hex(), row["bytes"],
        0 if gone else row["parts"], row["made"], row["acknowledged"] or 0,
    )  # fmt: skip
