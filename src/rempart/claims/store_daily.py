"""All the SQL of an insurer's files, as its desk sees them: the flow of its invoices, the openings of its leaves, packages of an incident.

Three pairs of tables of one shape: a row a file, and its bytes in parts, that the worker removes a week after it was acknowledged. No query
names the insurer: row security shows it its own, and nothing else.
"""

import uuid
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import asyncpg

from rempart.claims.messages import KEPT, PAGE, DailyFile, FlowView, IncidentView, OpeningsView

V = TypeVar("V", bound=DailyFile)


@dataclass(frozen=True)
class Shelf(Generic[V]):
    """Where files of one kind lie. Its texts are literals of this module, which alone makes any."""

    table: str
    parts: str
    owner: str
    """The column of `parts` that names the file."""
    kind: type[V]
    own: tuple[str, ...]
    """What this kind's row says besides what all say."""
    replaced: str = ""
    """Where a newer file can take one's place: when that one was acknowledged, as SQL."""

    @property
    def select(self) -> str:
        """A row a file that is whole."""
        columns = ", ".join(
            (*_COMMON, *self.own, *([f"{self.replaced} AS replaced"] if self.replaced else ()))
        )
        return f"SELECT {columns} FROM {self.table} WHERE made IS NOT NULL"  # noqa: S608 (literals, see above)

    def view(self, row: Any, at: int) -> V:
        """What the desk shows of it at an instant."""
        own = {name: row[name] for name in self.own}
        if self.replaced:
            own["replaced"] = row["replaced"] or 0
        ended = [each for each in (row["acknowledged"], own.get("replaced")) if each]
        gone = bool(ended) and min(ended) + KEPT <= at
        return self.kind(
            id=str(row["id"]),
            day=row["day"].isoformat(),
            rows=row["rows"],
            digest=row["digest"].hex(),
            bytes=row["bytes"],
            parts=0 if gone else row["parts"],
            made=row["made"],
            acknowledged=row["acknowledged"] or 0,
            **own,
        )


_COMMON = ("id", "day", "rows", "digest", "bytes", "parts", "made", "acknowledged")
FLOWS = Shelf("claims.flow", "claims.flow_part", "flow", FlowView, ("cents",))
OPENINGS = Shelf("evidence.opening_file", "evidence.opening_part", "file", OpeningsView, ("first", "until"))
INCIDENTS = Shelf(
    "incident.package", "incident.package_part", "package", IncidentView, ("incident", "issue"),
    "(SELECT min(n.acknowledged) FROM incident.package n WHERE n.incident = package.incident AND n.insurer = package.insurer"
    " AND n.issue > package.issue)",
)  # fmt: skip


async def page(c: asyncpg.Connection, shelf: Shelf[V], before: int, at: int) -> tuple[list[V], int]:
    """Newest first; and `before` of the next page, 0 at the end."""
    rows = await c.fetch(
        shelf.select
        + " AND ($1::bigint = 0 OR made < $1) ORDER BY made DESC, day DESC FETCH FIRST $2 ROWS WITH TIES",
        before,
        PAGE,
    )
    items = [shelf.view(row, at) for row in rows]
    return items, items[-1].made if len(items) >= PAGE else 0


async def find(
    c: asyncpg.Connection, shelf: Shelf[V], wanted: uuid.UUID, at: int, *, lock: bool = False
) -> V | None:
    """One. `lock`: nobody else acknowledges it meanwhile."""
    row = await c.fetchrow(shelf.select + " AND id = $1" + (" FOR UPDATE" if lock else ""), wanted)
    return shelf.view(row, at) if row else None


async def part(c: asyncpg.Connection, shelf: Shelf[V], wanted: uuid.UUID, number: int) -> bytes | None:
    """One part of one that is whole, while it is kept."""
    found: bytes | None = await c.fetchval(
        f"SELECT p.content FROM {shelf.parts} p JOIN {shelf.table} f ON f.id = p.{shelf.owner}"  # noqa: S608 (the shelf's literals)
        " WHERE f.made IS NOT NULL AND f.id = $1 AND p.number = $2",
        wanted,
        number,
    )
    return found


async def note_fetched(c: asyncpg.Connection, package: uuid.UUID, at: int) -> None:
    """Its insurer took the last part of a package of an incident, for the first time."""
    await c.execute("UPDATE incident.package SET fetched = $2 WHERE id = $1 AND fetched IS NULL", package, at)


async def acknowledge(c: asyncpg.Connection, shelf: Shelf[V], wanted: uuid.UUID, at: int) -> None:
    """The insurer has it. Its content stays for `KEPT`: no row of it is the cashier's to delete."""
    await c.execute(f"UPDATE {shelf.table} SET acknowledged = $2 WHERE id = $1", wanted, at)  # noqa: S608 (the shelf's literals)
