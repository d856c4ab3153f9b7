"""All the SQL of invoices: their rows, what they owe, what the journal says. Row security shows an establishment its own."""

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

import asyncpg
import msgspec

from rempart.claims.messages import PAGE, Invoice, InvoiceFilter, Shares, StepView
from rempart.claims.rejects import BY_CODE
from rempart.claims.store_settlement import NETTING

_ROW = """
SELECT i.id, i.number, i.digest, i.insurer, i.pseudonym, i.domain, i.care_date, i.received, i.state, i.code, i.detail, i.total, i.amo,
  i.amc, i.patient, i.participation, i.franchise, n.amc AS insurer_amc, i.engagement, i.engagement_number,
  coalesce((SELECT p.number FROM claims.prise_en_charge p WHERE p.id = i.prise_en_charge), '') AS prise_en_charge,
  coalesce((SELECT f.number FROM claims.invoice f WHERE f.id = i.corrects), '') AS corrects,
  coalesce(m.paid, '') AS paid, coalesce(m.statement, '') AS statement, coalesce(m.recovery, '') AS recovery,
  coalesce(m.owed, false) AS owed
FROM claims.invoice i
JOIN vault.insurer n ON n.number = i.insurer
LEFT JOIN LATERAL (
  SELECT true AS owed,
    max(p.state) FILTER (WHERE d.kind = 'invoice') AS paid,
    max(p.statement) FILTER (WHERE d.kind = 'invoice') AS statement,
    max(CASE WHEN d.kind <> 'indu' THEN NULL WHEN p.state IN ('ordered', 'executed') THEN 'recovered' ELSE 'recovering' END) AS recovery
  FROM claims.due d LEFT JOIN claims.payment p ON p.id = d.payment WHERE d.invoice = i.id
  HAVING count(*) > 0
) m ON true
"""


@dataclass(frozen=True)
class Kept:
    """An invoice as it is kept. `view` tells it in the reader's language."""

    id: uuid.UUID
    digest: bytes
    insurer: int
    pseudonym: bytes
    prise_en_charge: str
    shares: Shares
    state: str
    row: Any

    def view(self, language: str, steps: tuple[StepView, ...] = ()) -> Invoice:
        """As it is told to its establishment."""
        row = self.row
        reject = BY_CODE.get(row["code"])
        return Invoice(
            number=row["number"], state=self.state, code=row["code"], detail=row["detail"],  # type: ignore[arg-type]
            cause=reject.cause.read(language) if reject else "", remedy=reject.remedy.read(language) if reject else "",
            domain=row["domain"], insurer=row["insurer_amc"], care_date=row["care_date"].isoformat(), received=row["received"],
            shares=self.shares, steps=list(steps), engagement=row["engagement_number"], prise_en_charge=self.prise_en_charge,
            corrects=row["corrects"], payment=row["statement"], money=_money(row),  # type: ignore[arg-type]
        )  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """One to be written, accepted or refused."""

    establishment: uuid.UUID
    number: str
    digest: bytes
    insurer: int
    engagement: int
    engagement_number: str
    prise_en_charge: uuid.UUID | None
    pseudonym: bytes
    domain: str
    care_date: date
    received: int
    state: str
    code: str
    detail: str
    shares: Shares
    fingerprint: bytes
    corrects: uuid.UUID | None


async def find(c: asyncpg.Connection, number: str) -> Kept | None:
    """One of the establishment's own, by its own number."""
    row = await c.fetchrow(_ROW + " WHERE i.establishment = claims.establishment() AND i.number = $1", number)
    return _kept(row) if row else None


async def twin_of(c: asyncpg.Connection, fingerprint: bytes) -> str:
    """The establishment's own number under which the same care is already accepted, or ""."""
    found = await c.fetchval(
        "SELECT number FROM claims.invoice WHERE establishment = claims.establishment() AND fingerprint = $1 AND state = 'accepted'",
        fingerprint,
    )  # fmt: skip
    return str(found or "")


async def honoured(c: asyncpg.Connection, engagement: int) -> int:
    """Cents of the complementary's part on one engagement's accepted invoices."""
    found: int = await c.fetchval(
        "SELECT coalesce(sum(amc), 0)::bigint FROM claims.invoice WHERE establishment = claims.establishment() AND engagement = $1"
        " AND state = 'accepted'",
        engagement,
    )
    return found


async def write(c: asyncpg.Connection, judged: Judged) -> uuid.UUID:
    """Write one; a refused one under the same number gives way. Its id."""
    found: uuid.UUID = await c.fetchval(
        "INSERT INTO claims.invoice AS i (id, establishment, number, digest, insurer, engagement, engagement_number, prise_en_charge,"
        " pseudonym, domain, care_date, received, state, code, detail, total, amo, amc, patient, participation, franchise, fingerprint,"
        " corrects)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)"
        " ON CONFLICT (establishment, number) DO UPDATE SET digest = EXCLUDED.digest, insurer = EXCLUDED.insurer,"
        " engagement = EXCLUDED.engagement, engagement_number = EXCLUDED.engagement_number, prise_en_charge = EXCLUDED.prise_en_charge,"
        " pseudonym = EXCLUDED.pseudonym, domain = EXCLUDED.domain, care_date = EXCLUDED.care_date, received = EXCLUDED.received,"
        " state = EXCLUDED.state, code = EXCLUDED.code, detail = EXCLUDED.detail, total = EXCLUDED.total, amo = EXCLUDED.amo,"
        " amc = EXCLUDED.amc, patient = EXCLUDED.patient, participation = EXCLUDED.participation, franchise = EXCLUDED.franchise,"
        " fingerprint = EXCLUDED.fingerprint, corrects = EXCLUDED.corrects WHERE i.state = 'refused' RETURNING id",
        uuid.uuid4(), judged.establishment, judged.number, judged.digest, judged.insurer, judged.engagement, judged.engagement_number,
        judged.prise_en_charge, judged.pseudonym, judged.domain, judged.care_date, judged.received, judged.state, judged.code,
        judged.detail, *msgspec.structs.astuple(judged.shares), judged.fingerprint, judged.corrects,
    )  # fmt: skip
    return found


async def keep_acts(c: asyncpg.Connection, invoice: uuid.UUID, insurer: int, sealed: bytes) -> None:
    """The sealed acts, until the insurer has acknowledged the flow that carries them."""
    await c.execute(
        "INSERT INTO claims.act_lines (invoice, insurer, sealed) VALUES ($1, $2, $3)",
        invoice,
        insurer,
        sealed,
    )


async def owe(
    c: asyncpg.Connection, invoice: uuid.UUID, establishment: uuid.UUID, insurer: int, cents: int, at: int
) -> None:
    """The accepted amount is due to the establishment, and the insurer owes it to us."""
    await _due(c, invoice, establishment, insurer, "invoice", cents, at, 0)
    await _journal(c, "acceptance", ("amc", "ps"), invoice, establishment, insurer, cents, at)


async def take_back(
    c: asyncpg.Connection, kept: Kept, establishment: uuid.UUID, at: int, notice: int
) -> bool:
    """The other way. An amount already ordered is an indu, recovered once its notice (µs) is over: True then."""
    # Not while a batch is netted: what it takes cannot be seen before it commits.
    await c.execute("SELECT pg_advisory_xact_lock_shared($1)", NETTING)
    paid = await c.fetchval(
        "SELECT count(*) > 0 FROM claims.due WHERE invoice = $1 AND kind = 'invoice' AND payment IS NOT NULL",
        kept.id,
    )
    kind, not_before = ("indu", at + notice) if paid else ("cancellation", 0)
    cents = kept.shares.amc
    await _due(c, kept.id, establishment, kept.insurer, kind, -cents, at, not_before)
    await _journal(c, "cancellation", ("ps", "amc"), kept.id, establishment, kept.insurer, cents, at)
    return bool(paid)


async def announce_indu(
    c: asyncpg.Connection, establishment: uuid.UUID, at: int, facts: dict[str, Any]
) -> None:
    """The letter that starts the notice."""
    await c.execute(
        "INSERT INTO claims.letter (id, establishment, kind, at, facts) VALUES ($1, $2, 'indu', $3, $4)",
        uuid.uuid4(), establishment, at, msgspec.json.encode(facts).decode(),
    )  # fmt: skip


async def cancel(c: asyncpg.Connection, invoice: uuid.UUID, at: int) -> None:
    """It no longer counts."""
    await c.execute(
        "UPDATE claims.invoice SET state = 'cancelled', cancelled = $2 WHERE id = $1", invoice, at
    )


async def page(c: asyncpg.Connection, wanted: InvoiceFilter, language: str) -> tuple[list[Invoice], int]:
    """A page, newest first, and where the next one begins, 0 at the end. Days are care dates. Whatever came in the same microsecond comes
    together."""
    rows = await c.fetch(
        _ROW + " WHERE i.establishment = claims.establishment() AND ($1 = '' OR i.state = $1) AND starts_with(i.number, $2)"
        " AND ($3::bigint < 0 OR i.amc = $3) AND ($4 = '' OR i.care_date >= $4::date) AND ($5 = '' OR i.care_date <= $5::date)"
        f" AND ($6::bigint = 0 OR i.received < $6) ORDER BY i.received DESC FETCH FIRST {PAGE} ROWS WITH TIES",
        wanted.state, wanted.number, wanted.cents, wanted.first_day, wanted.last_day, wanted.before,
    )  # fmt: skip
    items = [_kept(row).view(language) for row in rows]
    return items, items[-1].received if len(items) >= PAGE else 0


async def tell_line(c: asyncpg.Connection, engagement: int, at: int) -> None:
    """The look-up behind this engagement became a claim that pays something: the vault's line refills, a day later (docs/meters.md)."""
    await c.execute(
        "INSERT INTO vault.claim (index, at) VALUES ($1, $2)"
        " ON CONFLICT (index) DO UPDATE SET at = EXCLUDED.at, cancelled = NULL, noted = false",
        engagement,
        at,
    )


async def untell_line(c: asyncpg.Connection, engagement: int, at: int) -> None:
    """That claim was cancelled. A look-up may have become several invoices: while one stands that pays something, so does the claim.

    Its beneficiary is locked (store_care.lock_people): of two cancelled at once, one sees the other."""
    await c.execute(
        "UPDATE vault.claim SET cancelled = $2, noted = false WHERE index = $1 AND NOT EXISTS ("
        " SELECT FROM claims.invoice i WHERE i.engagement = $1 AND i.state = 'accepted' AND i.amc > 0)",
        engagement,
        at,
    )


def _kept(row: Any) -> Kept:
    shares = Shares(*(row[name] for name in ("total", "amo", "amc", "patient", "participation", "franchise")))
    return Kept(
        row["id"],
        row["digest"],
        row["insurer"],
        row["pseudonym"],
        row["prise_en_charge"],
        shares,
        row["state"],
        row,
    )


def _money(row: Any) -> str:
    """Where the money is. An order that is not written yet is still due."""
    if row["recovery"]:
        return str(row["recovery"])
    if row["state"] != "accepted" or not row["owed"]:
        return ""
    return str(row["paid"]) if row["paid"] in {"ordered", "executed", "rejected"} else "due"


async def _due(
    c: asyncpg.Connection, invoice: uuid.UUID, establishment: uuid.UUID, insurer: int, kind: str, cents: int, at: int, not_before: int
) -> None:  # fmt: skip
    await c.execute(
        "INSERT INTO claims.due (invoice, establishment, insurer, kind, cents, since, not_before) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        invoice, establishment, insurer, kind, cents, at, not_before,
    )  # fmt: skip


async def _journal(
    c: asyncpg.Connection, kind: str, accounts: tuple[str, str], source: uuid.UUID, establishment: uuid.UUID, insurer: int, cents: int,
    at: int,
) -> None:  # fmt: skip
    """One row: debit, credit."""
    await c.execute(
        "INSERT INTO claims.journal (at, kind, debit, credit, cents, insurer, establishment, source)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        at, kind, *accounts, cents, insurer, establishment, source,
    )  # fmt: skip
