"""The SQL of establishments that are suspended, leave, or take a FINESS over: role rempart_vault, asyncpg. Instants are µs."""
# mypy: disable-error-code="no-any-return"
# asyncpg publishes no types: the annotations here say what each statement returns.

from uuid import UUID

from rempart.vault.store_accounts import Connection, Row
from rempart.vaultdoor.seats import NEVER, Life


async def seats(c: Connection, finess: str) -> list[Row]:
    """Every seat that this FINESS was ever, the newest first; the rows are held."""
    return await c.fetch(
        "SELECT id, finess, profession, opens, closes, invoices_until, ends, stage, leaving, leaving_said, leaving_by,"
        " suspended_since, suspended_until, suspended_for, suspended_by,"
        " (SELECT count(*) FROM vault.membership m WHERE m.establishment = e.id) AS members"
        " FROM vault.establishment e WHERE finess = $1 ORDER BY opens DESC, closes DESC FOR UPDATE",
        finess,
    )


async def seat(c: Connection, establishment: UUID) -> Row | None:
    """One seat's dates, and why it leaves."""
    return await c.fetchrow(
        "SELECT opens, closes, invoices_until, ends, stage, leaving, suspended_since, suspended_until, suspended_for"
        " FROM vault.establishment WHERE id = $1",
        establishment,
    )


async def is_known(c: Connection, finess: str) -> bool:
    """Is this FINESS somebody's, or was it?"""
    return bool(await c.fetchval("SELECT EXISTS (SELECT FROM vault.establishment WHERE finess = $1)", finess))


async def open_on(c: Connection, seat: UUID, opens: int) -> None:
    """It works from then on."""
    await c.execute("UPDATE vault.establishment SET opens = $2 WHERE id = $1", seat, opens)


async def set_leaving(c: Connection, seat: UUID, life: Life, leaving: str | None, now: int, by: str) -> bool:
    """Its dates, and why; None: it stays. False where somebody takes the FINESS over, or has a moment ago."""
    done = await c.execute(
        "UPDATE vault.establishment e SET closes = $2, invoices_until = $3, ends = $4, stage = $5, leaving = $6, leaving_said = $7,"
        " leaving_by = $8 WHERE id = $1 AND NOT EXISTS ("
        " SELECT FROM vault.establishment n WHERE n.finess = e.finess AND n.opens > e.opens)",
        seat, life.closes, life.invoices_until, life.ends, life.stage, leaving, now, by,
    )  # fmt: skip
    return bool(done.endswith(" 1"))


async def taker(c: Connection, seat: UUID) -> Row | None:
    """id, finess, opens and closes of whoever takes the FINESS over after this seat; the row is held."""
    return await c.fetchrow(
        "SELECT n.id, n.finess, n.opens, n.closes FROM vault.establishment n JOIN vault.establishment e ON e.finess = n.finess"
        " WHERE e.id = $1 AND n.opens > e.opens ORDER BY n.opens LIMIT 1 FOR UPDATE OF n",
        seat,
    )


async def move_sale(c: Connection, seat: UUID, taker: UUID, life: Life, now: int, by: str) -> None:
    """Another day for both who are party to it: at no instant of the transaction do both work."""
    await open_on(c, taker, life.closes)
    await c.execute(
        "UPDATE vault.establishment SET closes = $2, invoices_until = $3, ends = $4, leaving_said = $5, leaving_by = $6 WHERE id = $1",
        seat, life.closes, life.invoices_until, life.ends, now, by,
    )  # fmt: skip


async def lately(c: Connection, since: int) -> int:
    """How many were suspended, or said to leave, after an instant."""
    return await c.fetchval(
        "SELECT count(*) FROM vault.establishment WHERE suspended_since > $1 OR leaving_said > $1 AND leaving IS NOT NULL",
        since,
    )


async def suspend(c: Connection, seat: UUID, since: int, until: int, ground: str | None, by: str) -> None:
    """Suspended since then until then."""
    await c.execute(
        "UPDATE vault.establishment SET suspended_since = $2, suspended_until = $3, suspended_for = $4, suspended_by = $5 WHERE id = $1",
        seat, since, until, ground, by,
    )  # fmt: skip


async def keep_stage(c: Connection, now: int) -> list[Row]:
    """Note how far the calendar has come: id, finess and stage of those that moved."""
    return await c.fetch(
        "UPDATE vault.establishment e SET stage = d.stage FROM ("
        " SELECT id, CASE WHEN ends <= $1 THEN 3 WHEN invoices_until <= $1 THEN 2 ELSE 1 END AS stage"
        "  FROM vault.establishment WHERE closes <= $1 AND closes < $2 AND stage < 3) d"
        " WHERE e.id = d.id AND e.stage < d.stage RETURNING e.id, e.finess, e.stage",
        now,
        NEVER,
    )


async def end_accounts(c: Connection, seat: UUID) -> list[UUID]:
    """Nobody works there any more; who did. Their sessions there are over, and its software is uninstalled."""
    rows = await c.fetch("DELETE FROM vault.membership WHERE establishment = $1 RETURNING account", seat)
    await c.execute("DELETE FROM vault.session WHERE establishment = $1", seat)
    return [row["account"] for row in rows]
