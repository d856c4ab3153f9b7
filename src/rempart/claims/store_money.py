"""All the SQL of what an establishment sees of its money: payments, statements, its RIB. Role rempart_cashier, asyncpg, row security."""

import uuid
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec

from rempart.claims.messages import PAGE, Payment, PaymentFilter, RibView, StatementRow

_SEEN = "p.state IN ('ordered', 'executed', 'rejected')"
_LINES = """
SELECT payment, invoice, insurer, kind, cents, id FROM claims.due WHERE payment IS NOT NULL
UNION ALL SELECT payment, invoice, insurer, kind, cents, 0 FROM claims.rejected_line
"""
_PAYMENT = f"""
SELECT p.id, p.statement, p.end_to_end, p.state, p.reason, p.cents, p.ordered, coalesce(p.settled, 0) AS settled,
  r.effective_at AS rib_since,
  (SELECT count(DISTINCT l.invoice) FROM ({_LINES}) AS l WHERE l.payment = p.id)::integer AS invoices
FROM claims.payment p JOIN claims.rib r ON r.id = p.rib
"""  # noqa: S608 (constants of ours)


@dataclass(frozen=True)
class Paid:
    """A payment with its lines."""

    view: Payment
    rib_since: int
    rows: tuple[StatementRow, ...]


async def payments(
    c: asyncpg.Connection, wanted: PaymentFilter, since: int, until: int
) -> tuple[list[Payment], int]:
    """A page, newest first, ordered in [since, until) µs; and where the next one begins, 0 at the end."""
    rows = await c.fetch(
        f"""{_PAYMENT} WHERE {_SEEN} AND ($1 = '' OR p.id IN (
              SELECT l.payment FROM ({_LINES}) AS l JOIN claims.invoice i ON i.id = l.invoice WHERE i.number = $1))
            AND ($2::bigint < 0 OR p.cents = $2) AND p.ordered >= $3 AND p.ordered < $4 AND ($5::bigint = 0 OR p.ordered < $5)
            ORDER BY p.ordered DESC LIMIT $6""",  # noqa: S608
        wanted.invoice, wanted.cents, since, until, wanted.before, PAGE + 1,
    )  # fmt: skip
    found = [_view(row) for row in rows[:PAGE]]
    return found, found[-1].ordered if len(rows) > PAGE else 0


async def owed(c: asyncpg.Connection) -> int:
    """What is due and not ordered yet; negative when the establishment owes."""
    return int(
        await c.fetchval(
            """SELECT coalesce(sum(d.cents), 0) FROM claims.due d LEFT JOIN claims.payment p ON p.id = d.payment
               WHERE d.payment IS NULL OR p.state = 'netted'"""
        )
    )


async def statement(c: asyncpg.Connection, number: str) -> Paid | None:
    """A payment by its statement's number, whole."""
    row = await c.fetchrow(f"{_PAYMENT} WHERE {_SEEN} AND p.statement = $1", number)
    if row is None:
        return None
    lines = await c.fetch(
        f"""SELECT i.number AS invoice, l.kind, i.care_date, n.amc AS insurer, n.name AS insurer_name,
              i.engagement_number AS engagement, l.cents
            FROM ({_LINES}) AS l JOIN claims.invoice i ON i.id = l.invoice JOIN vault.insurer n ON n.number = l.insurer
            WHERE l.payment = $1 ORDER BY n.amc, i.care_date, i.number, l.id""",  # noqa: S608
        row["id"],
    )
    rows = tuple(StatementRow(**{**line, "care_date": line["care_date"].isoformat()}) for line in lines)
    return Paid(_view(row), row["rib_since"], rows)


async def place(c: asyncpg.Connection) -> tuple[str, str]:
    """The establishment's name and town; empty when it has none yet."""
    row = await c.fetchrow("SELECT name, town FROM identity.establishment")
    return (row["name"], row["town"]) if row is not None else ("", "")


# ── RIB ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def lock_rib(c: asyncpg.Connection, establishment: str) -> None:
    """One change of an establishment's RIB at a time."""
    await c.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 7))", f"rib {establishment}")


async def rib(c: asyncpg.Connection, account: str) -> RibView:
    """What is in force and what waits."""
    row = await c.fetchrow(
        """SELECT coalesce(max(effective_at) FILTER (WHERE state = 'in-force'), 0) AS in_force_since,
             coalesce(max(asked) FILTER (WHERE state = 'waiting'), 0) AS waiting_since,
             coalesce(max(effective_at) FILTER (WHERE state = 'waiting'), 0) AS effective_at,
             coalesce(bool_or(needs_second) FILTER (WHERE state = 'waiting'), false) AS needs_second,
             coalesce(bool_or(confirmed_by IS NOT NULL) FILTER (WHERE state = 'waiting'), false) AS confirmed,
             coalesce(bool_or(asked_by = $1) FILTER (WHERE state = 'waiting'), false) AS asked_by_me
           FROM claims.rib WHERE state IN ('in-force', 'waiting')""",
        uuid.UUID(account),
    )
    return RibView(**row)


async def rib_check(c: asyncpg.Connection, at: int) -> str:
    """What a campaign asks of the account in force (RibView.check)."""
    return str(
        await c.fetchval(
            """SELECT CASE WHEN bool_or(judged IS NOT NULL) THEN 'differs' WHEN bool_or(typed IS NULL) THEN 'asked'
                 WHEN count(*) > 0 THEN 'typed' ELSE '' END FROM claims.rib_check WHERE confirmed IS NULL AND until > $1""",
            at,
        )
    )


async def type_rib(c: asyncpg.Connection, number: uuid.UUID, sealed: bytes, at: int) -> bool:
    """The account as the titulaire typed it again. False where no campaign asks for it."""
    status: str = await c.execute(
        "UPDATE claims.rib_check SET typed = $1, sealed = $2, typed_at = $3, judged = NULL WHERE confirmed IS NULL AND until > $3",
        number,
        sealed,
        at,
    )
    return status != "UPDATE 0"


async def paid_since(c: asyncpg.Connection, since: int) -> int:
    """What was ordered since that instant, less what the bank rejected."""
    return int(
        await c.fetchval(
            "SELECT coalesce(sum(cents), 0) FROM claims.payment WHERE state IN ('ordered', 'executed') AND ordered >= $1",
            since,
        )
    )


async def ask_rib(
    c: asyncpg.Connection, establishment: str, rib: uuid.UUID, sealed: bytes, who: str, at: int, effective_at: int, *,
    second: bool, mark: bytes,
) -> None:  # fmt: skip
    """A RIB that waits, and its letter. `mark`: by which the account is known again elsewhere."""
    await c.execute(
        """INSERT INTO claims.rib (id, establishment, sealed, state, asked, asked_by, effective_at, needs_second, mark)
           VALUES ($1, $2, $3, 'waiting', $4, $5, $6, $7, $8)""",
        rib, uuid.UUID(establishment), sealed, at, uuid.UUID(who), effective_at, second, mark,
    )  # fmt: skip
    facts = {"asked": at, "effective": effective_at, "needs_second": second}
    await _letter(c, establishment, "rib-asked", at, facts)


async def confirm_rib(c: asyncpg.Connection, who: str) -> None:
    """The second person's yes."""
    await c.execute(
        "UPDATE claims.rib SET confirmed_by = $1 WHERE state = 'waiting' AND confirmed_by IS NULL",
        uuid.UUID(who),
    )


async def cancel_rib(c: asyncpg.Connection, establishment: str, at: int) -> bool:
    """What waits will not take effect; and its letter. False when nothing waits, or what waited has just taken effect."""
    row = await c.fetchrow(
        "UPDATE claims.rib SET state = 'cancelled' WHERE state = 'waiting' RETURNING asked, effective_at"
    )
    if row is None:
        return False
    facts = {"asked": row["asked"], "effective": row["effective_at"]}
    await _letter(c, establishment, "rib-cancelled", at, facts)
    return True


async def _letter(
    c: asyncpg.Connection, establishment: str, kind: str, at: int, facts: dict[str, Any]
) -> None:
    await c.execute(
        "INSERT INTO claims.letter (id, establishment, kind, at, facts) VALUES ($1, $2, $3, $4, $5)",
        uuid.uuid4(), uuid.UUID(establishment), kind, at, msgspec.json.encode(facts).decode(),
    )  # fmt: skip


def _view(row: asyncpg.Record) -> Payment:
    return Payment(
        row["statement"], row["state"], row["reason"], row["cents"], row["ordered"], row["settled"], row["invoices"]
    )  # fmt: skip
