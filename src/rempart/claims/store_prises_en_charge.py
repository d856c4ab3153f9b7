"""All the SQL of prises en charge. Row security shows an establishment its own, an insurer its own."""

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

import asyncpg
import msgspec

from rempart.claims.messages import (
    PAGE,
    AskedView,
    ContractView,
    Line,
    PriseEnCharge,
    PriseEnChargeFilter,
    Shares,
    UsedView,
)
from rempart.claims.prise_en_charge import Agreement, Frozen, has_expired

_ROW = """
SELECT p.id, p.number, p.establishment, p.insurer, p.engagement, p.pseudonym, p.domain, p.state, p.reason, p.decided_by, p.asked, p.decided,
  p.valid_from, p.valid_to, p.terms, p.lines, p.total, p.amo, p.amc, p.patient, p.participation, p.franchise, p.invoice,
  coalesce((SELECT f.number FROM claims.prise_en_charge f WHERE f.id = p.amends), '') AS amends,
  coalesce((SELECT i.number FROM claims.invoice i WHERE i.id = p.invoice), '') AS invoice_number
FROM claims.prise_en_charge p
"""


@dataclass(frozen=True)
class Held:
    """A prise en charge as it is kept."""

    id: uuid.UUID
    establishment: uuid.UUID
    insurer: int
    engagement: int
    agreement: Agreement
    reason: str
    decided_by: str
    asked: int
    decided: int
    amends: str
    invoice: str
    """The establishment's number of the invoice that used it, or ""."""


@dataclass(frozen=True)
class New:
    """One to be written. `lines` None: already ended."""

    id: uuid.UUID
    number: str
    establishment: uuid.UUID
    insurer: int
    pseudonym: bytes
    state: str
    reason: str
    asked: int
    valid_from: date
    valid_to: date
    frozen: Frozen
    lines: list[Line] | None
    shares: Shares
    amends: uuid.UUID | None


async def find(c: asyncpg.Connection, number: str, *, lock: bool = False) -> Held | None:
    """One by its number. `lock`: nobody else changes it before this transaction ends."""
    row = await c.fetchrow(_ROW + " WHERE p.number = $1" + (" FOR UPDATE OF p" if lock else ""), number)
    return _held(row) if row else None


async def find_active_twin(c: asyncpg.Connection, engagement: int, lines: list[Line]) -> Held | None:
    """The same request on the same engagement, still waiting or agreed and not billed."""
    row = await c.fetchrow(
        _ROW + " WHERE p.engagement = $1 AND p.state IN ('accordee', 'en-attente') AND p.invoice IS NULL AND p.lines = $2::jsonb",
        engagement, msgspec.json.encode(lines).decode(),
    )  # fmt: skip
    return _held(row) if row else None


async def insert(c: asyncpg.Connection, new: New) -> None:
    """Write one. Decided by a rule unless it waits. Raises asyncpg.UniqueViolationError when the number is drawn twice."""
    decided = new.state != "en-attente"
    await c.execute(
        "INSERT INTO claims.prise_en_charge (id, number, establishment, insurer, engagement, pseudonym, domain, state, reason, decided_by,"
        " asked, decided, valid_from, valid_to, terms, lines, total, amo, amc, patient, participation, franchise, amends)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)",
        new.id, new.number, new.establishment, new.insurer, new.frozen.index, new.pseudonym, new.frozen.domain.value, new.state, new.reason,
        "rule" if decided else "", new.asked, new.asked if decided else None, new.valid_from, new.valid_to,
        msgspec.json.encode(new.frozen).decode(), _lines_json(new.lines), *msgspec.structs.astuple(new.shares), new.amends,
    )  # fmt: skip


async def end(c: asyncpg.Connection, held: Held, state: str, reason: str, by: str, at: int) -> None:
    """Refused or cancelled: its lines go."""
    await c.execute(
        "UPDATE claims.prise_en_charge SET state = $2, reason = $3, decided_by = $4, decided = $5, lines = NULL WHERE id = $1",
        held.id, state, reason, by, at,
    )  # fmt: skip


async def agree(c: asyncpg.Connection, held: Held, frozen: Frozen, shares: Shares, at: int) -> None:
    """The insurer agrees, to these amounts."""
    await c.execute(
        "UPDATE claims.prise_en_charge SET state = 'accordee', reason = '', decided_by = 'insurer', decided = $2, terms = $3, total = $4,"
        " amo = $5, amc = $6, patient = $7, participation = $8, franchise = $9 WHERE id = $1",
        held.id, at, msgspec.json.encode(frozen).decode(), *msgspec.structs.astuple(shares),
    )  # fmt: skip


async def lower(c: asyncpg.Connection, held: Held, frozen: Frozen, shares: Shares) -> None:
    """Still agreed, to these smaller amounts."""
    await c.execute(
        "UPDATE claims.prise_en_charge SET terms = $2, total = $3, amo = $4, amc = $5, patient = $6, participation = $7, franchise = $8"
        " WHERE id = $1",
        held.id, msgspec.json.encode(frozen).decode(), *msgspec.structs.astuple(shares),
    )  # fmt: skip


async def bill(c: asyncpg.Connection, number: str, invoice: uuid.UUID | None) -> None:
    """Used by an invoice; None: that invoice was cancelled."""
    await c.execute("UPDATE claims.prise_en_charge SET invoice = $2 WHERE number = $1", number, invoice)


async def page(
    c: asyncpg.Connection, wanted: PriseEnChargeFilter, today: date
) -> tuple[list[PriseEnCharge], int]:
    """A page, newest first, and where the next one begins, 0 at the end. Whatever was asked in the same microsecond comes together."""
    rows = await c.fetch(
        _ROW + " WHERE ($1 = '' OR p.state = $1) AND ($2 = '' OR p.domain = $2) AND ($3::bigint = 0 OR p.asked < $3)"
        f" ORDER BY p.asked DESC FETCH FIRST {PAGE} ROWS WITH TIES",
        wanted.state, wanted.domain, wanted.before,
    )  # fmt: skip
    items = [view(_held(row), today) for row in rows]
    return items, items[-1].asked if len(items) >= PAGE else 0


_RANK = "CASE WHEN p.state = 'en-attente' THEN p.asked - (2::bigint ^ 53)::bigint ELSE -p.asked END"
"""What waits first, the longest first; then the others, the newest first: the order of index prise_en_charge_by_insurer.
2^53: exact in a browser, and above twice any instant until 2112."""


async def page_for_insurer(
    c: asyncpg.Connection, wanted: PriseEnChargeFilter, today: date
) -> tuple[list[AskedView], int]:
    """A page of an insurer's own, by rank, and where the next one begins, 0 at the end."""
    rows = await c.fetch(
        _ROW + f" WHERE ($1 = '' OR p.state = $1) AND ($2 = '' OR p.domain = $2) AND ($3::bigint = 0 OR {_RANK} > $3)"
        f" ORDER BY {_RANK} FETCH FIRST {PAGE} ROWS WITH TIES",
        wanted.state, wanted.domain, wanted.before,
    )  # fmt: skip
    items = [_for_insurer(_held(row), today) for row in rows]
    return items, _rank(items[-1].item) if len(items) >= PAGE else 0


def _rank(item: PriseEnCharge) -> int:
    return item.asked - 2**53 if item.state == "en-attente" else -item.asked


def _for_insurer(held: Held, today: date) -> AskedView:
    frozen = held.agreement.frozen
    return AskedView(
        view(held, today), frozen.number, frozen.age,
        [ContractView(each.product, each.formula, each.responsible) for each in frozen.contracts],
        [UsedView(each.counter, each.since.isoformat(), each.cents) for each in frozen.taken],
    )  # fmt: skip


def view(held: Held, today: date) -> PriseEnCharge:
    """As it is told to its establishment and to its insurer."""
    agreement = held.agreement
    return PriseEnCharge(
        number=agreement.number, state=agreement.state, reason=held.reason, decided_by=held.decided_by,  # type: ignore[arg-type]
        domain=agreement.frozen.domain, insurer=agreement.frozen.amc, asked=held.asked, decided=held.decided,
        valid_from=agreement.valid_from.isoformat(), valid_to=agreement.valid_to.isoformat(),
        expired=has_expired(agreement.valid_to, today), shares=agreement.shares, lines=agreement.lines or [], amends=held.amends,
        invoice=held.invoice,
    )  # fmt: skip


def _held(row: Any) -> Held:
    shares = Shares(*(row[name] for name in ("total", "amo", "amc", "patient", "participation", "franchise")))
    lines = msgspec.json.decode(row["lines"], type=list[Line]) if row["lines"] is not None else None
    agreement = Agreement(
        row["number"], row["state"], row["invoice"] is not None, row["valid_from"], row["valid_to"],
        msgspec.json.decode(row["terms"], type=Frozen), row["pseudonym"], shares, lines,
    )  # fmt: skip
    return Held(
        row["id"], row["establishment"], row["insurer"], row["engagement"], agreement, row["reason"], row["decided_by"], row["asked"],
        row["decided"] or 0, row["amends"], row["invoice_number"],
    )  # fmt: skip


def _lines_json(lines: list[Line] | None) -> str | None:
    return None if lines is None else msgspec.json.encode(lines).decode()
