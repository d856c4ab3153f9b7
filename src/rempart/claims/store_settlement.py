"""All the SQL of the settlement run: role rempart_worker, psycopg. Every statement is a batch; none looks at history.

The caller holds the transaction. Amounts in cents, instants µs.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from rempart.claims.bank_reasons import reason

Connection = psycopg.Connection[Any]
LOCK = 7_002_026
"""The advisory lock of whoever moves money: a run, a bank report, an activation of RIBs."""
NETTING = 7_002_028
"""The advisory lock of a batch that is netted, or of a payment whose dues open again; a cancellation holds it shared. So each sees what
the other did: a due is either withdrawn before it is paid, or paid and then an indu."""


@dataclass(frozen=True, slots=True)
class Run:
    """One day's settlement. `state`: netting, ordering, ordered."""

    id: UUID
    day: date
    state: str
    opened: int
    until_due: int
    until_journal: int
    netted_to: UUID
    establishments: int
    establishments_done: int
    carried: int
    without_rib: int
    payments: int
    cents: int
    finished: int | None


@dataclass(frozen=True, slots=True)
class Netted:
    """A payment whose order is to be written."""

    id: UUID
    end_to_end: str
    cents: int
    establishment: UUID
    rib: UUID
    sealed: bytes
    name: str


@dataclass(frozen=True, slots=True)
class OrderFile:
    """A part of a run's order, as it was staged."""

    part: int
    message_id: str
    digest: bytes
    transfers: int
    cents: int
    staged: int
    handed: int | None


def take_lock(c: Connection) -> bool:
    """Be the only one who moves money, until `give_lock` or the end of the connection."""
    return bool(_value(c, "SELECT pg_try_advisory_lock(%s)", (LOCK,)))


def give_lock(c: Connection) -> None:
    """Let others move money."""
    c.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


def unfinished_run(c: Connection) -> Run | None:
    """The oldest run that did not come to its end."""
    return _run(c, "WHERE state <> 'ordered' ORDER BY day LIMIT 1", ())


def run_of(c: Connection, day: date) -> Run | None:
    """That day's run."""
    return _run(c, "WHERE day = %s", (day,))


def last_run(c: Connection) -> Run | None:
    """The latest run."""
    return _run(c, "ORDER BY day DESC LIMIT 1", ())


def open_run(c: Connection, day: date, at: int) -> None:
    """Fix what is in: dues and journal up to now."""
    c.execute(
        """INSERT INTO claims.run (id, day, state, opened, until_due, until_journal, establishments)
           SELECT gen_random_uuid(), %s, 'netting', %s, (SELECT coalesce(max(id), 0) FROM claims.due),
                  (SELECT coalesce(max(id), 0) FROM claims.journal),
                  (SELECT count(DISTINCT establishment) FROM claims.due WHERE payment IS NULL)""",
        (day, at),
    )


# ── netting ──────────────────────────────────────────────────────────────────────────────────────────────────────────

# A walk along the index, whatever the planner believes of the table: the next `size` establishments that have an open due.
_NEXT_BATCH: LiteralString = """
WITH RECURSIVE walk (establishment, n) AS (
  (SELECT establishment, 1 FROM claims.due WHERE payment IS NULL AND establishment > %(after)s ORDER BY establishment LIMIT 1)
  UNION ALL
  SELECT (SELECT d.establishment FROM claims.due d WHERE d.payment IS NULL AND d.establishment > walk.establishment
          ORDER BY d.establishment LIMIT 1), n + 1
  FROM walk WHERE n < %(size)s AND walk.establishment IS NOT NULL
)
SELECT establishment, n FROM walk WHERE establishment IS NOT NULL ORDER BY n DESC LIMIT 1
"""

# What the batch may take: `base` is what is due for invoices, less cancellations; indus come after their notice, oldest first, and
# never beyond the base: `reached` is what they take together, this one included. A cancellation that came since the run opened takes its
# invoice's due away at once: nothing is paid that was cancelled before.
_TAKEN: LiteralString = """
taken AS MATERIALIZED (
  SELECT id, establishment, insurer, kind, cents FROM claims.due
  WHERE payment IS NULL AND establishment > %(after)s AND establishment <= %(upto)s
    AND (id <= %(until)s OR kind = 'cancellation' AND %(until)s >= (
      SELECT i.id FROM claims.due i WHERE i.invoice = due.invoice AND i.kind = 'invoice'))
    AND (kind <> 'indu' OR not_before <= %(opened)s)
), base AS MATERIALIZED (
  SELECT establishment, coalesce(sum(cents) FILTER (WHERE kind <> 'indu'), 0)::bigint AS cents FROM taken GROUP BY establishment
), recovered AS (
  SELECT t.id, t.establishment, t.cents, b.cents AS base,
         (sum(-t.cents) OVER (PARTITION BY t.establishment ORDER BY t.id))::bigint AS reached
  FROM taken t JOIN base b USING (establishment) WHERE t.kind = 'indu' AND b.cents > 0
)
"""

# An indu that fits in part is split: what fits keeps its row, the rest waits in a new one.
_SPLIT: LiteralString = f"""
WITH {_TAKEN}, part AS (
  SELECT id, reached - base AS rest FROM recovered WHERE reached > base AND reached + cents < base
), kept AS (
  UPDATE claims.due d SET cents = d.cents + part.rest FROM part WHERE d.id = part.id
)
INSERT INTO claims.due (invoice, establishment, insurer, kind, cents, since, not_before)
SELECT d.invoice, d.establishment, d.insurer, d.kind, -part.rest, d.since, d.not_before FROM claims.due d JOIN part ON part.id = d.id
"""  # noqa: S608 (constants of ours)

_NET: LiteralString = f"""
WITH {_TAKEN}, chosen AS (
  SELECT t.id, t.establishment, t.cents FROM taken t JOIN base b USING (establishment) WHERE t.kind <> 'indu' AND b.cents > 0
  UNION ALL
  SELECT id, establishment, cents FROM recovered WHERE reached <= base
), payable AS (
  SELECT c.establishment, r.id AS rib, sum(c.cents)::bigint AS cents
  FROM chosen c
  JOIN claims.rib r ON r.establishment = c.establishment AND r.state = 'in-force'
    AND r.establishment > %(after)s AND r.establishment <= %(upto)s
    -- Changed lately, while a campaign asks whether it is really theirs: what is due waits.
    AND NOT EXISTS (SELECT FROM claims.rib_check k WHERE k.establishment = r.establishment AND k.confirmed IS NULL
                      AND k.until > %(opened)s AND r.asked >= k.window_start)
  JOIN identity.establishment e ON e.id = c.establishment AND e.id > %(after)s AND e.id <= %(upto)s
  GROUP BY c.establishment, r.id
), numbered AS (
  SELECT establishment, rib, cents,
         row_number() OVER (ORDER BY establishment) + %(numbers)s AS number,
         CASE WHEN cents > 0
           THEN (count(*) FILTER (WHERE cents > 0) OVER (ORDER BY establishment) + %(transfers)s - 1) / %(part)s + 1 END AS part
  FROM payable
), paid AS (
  INSERT INTO claims.payment (id, run, establishment, rib, end_to_end, cents, state, part)
  SELECT gen_random_uuid(), %(run)s, establishment, rib, %(prefix)s || lpad(number::text, greatest(6, length(number::text)), '0'), cents,
         'netted', part
  FROM numbered
  RETURNING id, establishment, cents
), marked AS (
  UPDATE claims.due d SET payment = paid.id FROM chosen JOIN paid USING (establishment)
  WHERE d.id = chosen.id AND d.payment IS NULL AND d.establishment > %(after)s AND d.establishment <= %(upto)s
)
UPDATE claims.run SET
  netted_to = %(upto)s,
  establishments_done = establishments_done + %(size)s,
  payments = payments + (SELECT count(*) FROM paid),
  cents = cents + (SELECT coalesce(sum(cents), 0) FROM paid),
  carried = carried + (SELECT count(*) FROM base WHERE cents <= 0),
  without_rib = without_rib + (SELECT count(*) FROM base WHERE cents > 0) - (SELECT count(*) FROM paid)
WHERE id = %(run)s
"""  # noqa: S608 (constants of ours)


def next_batch(c: Connection, after: UUID, size: int) -> tuple[UUID, int] | None:
    """The last of the next `size` establishments with an open due, and how many they are; None when there is none left."""
    row = c.execute(_NEXT_BATCH, {"after": after, "size": size}).fetchone()
    return (row[0], int(row[1])) if row is not None else None


def net_batch(c: Connection, run: Run, upto: UUID, size: int, prefix: str, part: int) -> None:
    """One payment for each establishment up to `upto` that is owed something and has a RIB in force; its dues are taken."""
    numbers, transfers = c.execute(
        "SELECT count(*), count(part) FROM claims.payment WHERE run = %s AND state = 'netted'", (run.id,)
    ).fetchone() or (0, 0)
    values = {
        "run": run.id, "after": run.netted_to, "upto": upto, "size": size, "until": run.until_due, "opened": run.opened,
        "numbers": numbers, "transfers": transfers, "prefix": prefix, "part": part,
    }  # fmt: skip
    c.execute("SELECT pg_advisory_xact_lock(%s)", (NETTING,))
    # Planned anew each time: a plan kept for any range joins the batch the slow way, and the run is no longer linear.
    c.execute(_SPLIT, values, prepare=False)
    c.execute(_NET, values, prepare=False)


def end_netting(c: Connection, run: UUID) -> None:
    """All that is in is netted."""
    c.execute("UPDATE claims.run SET state = 'ordering' WHERE id = %s", (run,))


# ── ordering ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def parts_to_order(c: Connection, run: UUID) -> list[int]:
    """The parts whose payments are not all ordered."""
    found = c.execute(
        "SELECT DISTINCT part FROM claims.payment WHERE run = %s AND state = 'netted' AND part IS NOT NULL ORDER BY part", (run,)
    )  # fmt: skip
    return [int(row[0]) for row in found]


def payments_of_part(c: Connection, run: UUID, part: int) -> list[Netted]:
    """In the order of their numbers, always the same."""
    with c.cursor(row_factory=class_row(Netted)) as cursor:
        return cursor.execute(
            """SELECT p.id, p.end_to_end, p.cents, p.establishment, p.rib, r.sealed, e.name
               FROM claims.payment p JOIN claims.rib r ON r.id = p.rib JOIN identity.establishment e ON e.id = p.establishment
               WHERE p.run = %s AND p.part = %s AND p.state = 'netted' ORDER BY p.end_to_end""",
            (run, part),
        ).fetchall()


def staged_part(c: Connection, run: UUID, part: int) -> OrderFile | None:
    """What is known of a part's file."""
    with c.cursor(row_factory=class_row(OrderFile)) as cursor:
        return cursor.execute(
            """SELECT part, message_id, digest, transfers, cents, staged, handed FROM claims.order_file
               WHERE run = %s AND part = %s""",
            (run, part),
        ).fetchone()


def put_staged(c: Connection, run: UUID, file: OrderFile) -> None:
    """The file of a part lies ready; its digest is kept."""
    c.execute(
        """INSERT INTO claims.order_file (run, part, message_id, digest, transfers, cents, staged)
           VALUES (%s, %s, %s, %s, %s, %s, %s)""",
        (run, file.part, file.message_id, file.digest, file.transfers, file.cents, file.staged),
    )


# One row a payment and insurer, once for ever: the journal's unique key.
_JOURNAL: LiteralString = """
WITH ordered AS (
  UPDATE claims.payment SET state = 'ordered', ordered = %(at)s, statement = end_to_end
  WHERE run = %(run)s AND state = 'netted' AND part IS NOT DISTINCT FROM %(part)s
  RETURNING id, establishment
), share AS (
  SELECT o.id, o.establishment, d.insurer, sum(d.cents)::bigint AS cents
  FROM ordered o JOIN claims.due d ON d.payment = o.id GROUP BY o.id, o.establishment, d.insurer
)
INSERT INTO claims.journal (at, kind, debit, credit, cents, insurer, establishment, source)
SELECT %(at)s, 'order', CASE WHEN cents > 0 THEN 'ps' ELSE 'orders' END, CASE WHEN cents > 0 THEN 'orders' ELSE 'ps' END, abs(cents),
       insurer, establishment, id
FROM share WHERE cents <> 0
"""


def put_ordered(c: Connection, run: UUID, part: int | None, at: int) -> None:
    """The part's file is with the bank: its payments are ordered, each with its statement, and the journal says so.

    `part` None: the payments of zero, which no file holds.
    """
    values = {"run": run, "part": part, "at": at}
    c.execute(_JOURNAL, values)
    if part is None:
        c.execute(
            """UPDATE claims.payment SET state = 'executed', settled = %(at)s
               WHERE run = %(run)s AND part IS NULL AND state = 'ordered'""",
            values,
        )
    else:
        c.execute(
            "UPDATE claims.order_file SET handed = %(at)s WHERE run = %(run)s AND part = %(part)s", values
        )


def withdraw(c: Connection, payment: Netted, code: str, why: str, at: int) -> None:
    """Before any order: it cannot be paid so. Dues open again, the establishment is told `why` (ISO 20022's reason code).

    The RIB is out of force where it is what cannot be used."""
    reopen(c, payment.id)
    c.execute(
        "UPDATE claims.payment SET state = 'withdrawn', reason = %s, settled = %s WHERE id = %s",
        (code, at, payment.id),
    )
    c.execute(
        """UPDATE claims.run SET cents = run.cents - p.cents, payments = run.payments - 1, without_rib = run.without_rib + 1
           FROM claims.payment p WHERE p.id = %s AND run.id = p.run""",
        (payment.id,),
    )
    refused = reason(why).rib
    if refused:
        c.execute(
            "UPDATE claims.rib SET state = 'replaced' WHERE id = %s AND state = 'in-force'", (payment.rib,)
        )
    facts = {"statement": payment.end_to_end, "cents": payment.cents, "reason": why, "rib_refused": refused}
    put_letter(c, payment.establishment, "payment-rejected", at, facts)


def reopen(c: Connection, payment: UUID) -> None:
    """What a payment took and did not bring is due again. What was cancelled meanwhile was never received: it is no indu that waits for
    its notice while its invoice is paid, it goes with it."""
    c.execute("SELECT pg_advisory_xact_lock(%s)", (NETTING,))
    c.execute(
        """UPDATE claims.due SET kind = 'cancellation', not_before = 0 WHERE kind = 'indu' AND payment IS NULL
           AND invoice IN (SELECT invoice FROM claims.due WHERE payment = %s AND kind = 'invoice')""",
        (payment,),
    )
    c.execute("UPDATE claims.due SET payment = NULL WHERE payment = %s", (payment,))


# Each insurer's share of this run, less what the bank rejected since the last one; below zero it is a credit note.
_CALL: LiteralString = """
WITH rejected AS (
  SELECT insurer, sum(CASE WHEN credit = 'ps' THEN cents ELSE -cents END)::bigint AS cents FROM claims.journal
  WHERE kind = 'rejection' AND id <= %(until_journal)s
    AND id > coalesce((SELECT until_journal FROM claims.run WHERE day < %(day)s ORDER BY day DESC LIMIT 1), 0)
  GROUP BY insurer
), total AS (
  SELECT insurer, sum(cents)::bigint AS cents FROM (
    SELECT d.insurer, d.cents FROM claims.payment p JOIN claims.due d ON d.payment = p.id
    WHERE p.run = %(run)s AND p.state IN ('ordered', 'executed')
    UNION ALL SELECT insurer, -cents FROM rejected
  ) AS part GROUP BY insurer
)
INSERT INTO claims.call_for_funds (id, run, insurer, reference, cents, called, due_on)
SELECT gen_random_uuid(), %(run)s, t.insurer, %(prefix)s || coalesce(i.amc, t.insurer::text), t.cents, %(at)s, %(due_on)s
FROM total t LEFT JOIN vault.insurer i ON i.number = t.insurer WHERE t.cents <> 0
"""


def call_funds(c: Connection, run: Run, at: int, reference_prefix: str, due_on: date) -> None:
    """One call an insurer, or a credit note."""
    values = {
        "run": run.id, "day": run.day, "until_journal": run.until_journal, "at": at, "prefix": reference_prefix, "due_on": due_on,
    }  # fmt: skip
    c.execute(_CALL, values)


def end_run(c: Connection, run: UUID, at: int) -> None:
    """Everything is ordered and called."""
    c.execute("UPDATE claims.run SET state = 'ordered', finished = %s WHERE id = %s", (at, run))


def put_letter(c: Connection, establishment: UUID, kind: str, at: int, facts: dict[str, Any]) -> None:
    """To be written out by the worker."""
    c.execute(
        "INSERT INTO claims.letter (id, establishment, kind, at, facts) VALUES (gen_random_uuid(), %s, %s, %s, %s)",
        (establishment, kind, at, Jsonb(facts)),
    )


def _run(c: Connection, where: LiteralString, values: tuple[Any, ...]) -> Run | None:
    with c.cursor(row_factory=class_row(Run)) as cursor:
        return cursor.execute(
            """SELECT id, day, state, opened, until_due, until_journal, netted_to, establishments, establishments_done, carried,
                      without_rib, payments, cents, finished
               FROM claims.run """  # noqa: S608 (constants of ours)
            + where,
            values,
        ).fetchone()


def _value(c: Connection, query: LiteralString, values: tuple[Any, ...]) -> Any:
    row = c.execute(query, values).fetchone()
    return row[0] if row is not None else None
