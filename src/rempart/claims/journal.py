"""The journal: double entry, append-only. Each row moves an amount from one account to another, so it is balanced by its form.

What can be wrong is that it does not say what the tables say. `check_balanced` compares the two, account by account, to the cent:
`ps` what we owe each establishment, `amc` what each insurer owes us, `orders` transfers the bank has not told of, `bank`.
All the SQL of the room's journal is here. Amounts in cents; a balance is debits less credits, but for `ps`: credits less debits.
"""

from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from rempart.foundation.errors import Outage

Connection = psycopg.Connection[Any]


class JournalUnbalanced(Outage):
    """The journal and the tables disagree; the detail gives the account and both figures."""

    code = "journal-unbalanced"
    french = "Le journal ne correspond pas aux paiements : n'ordonnez plus rien avant d'avoir compris l'écart indiqué."
    english = (
        "The journal does not match the payments: order nothing more before the gap named is understood."
    )


@dataclass(frozen=True, slots=True)
class Gap:
    """One account that is not what the tables say. `whose`: an insurer's number, an establishment's id, or ""."""

    account: str
    whose: str
    journal: int
    tables: int


_ACCOUNTS: LiteralString = """
SELECT account, sum(cents)::bigint FROM (
  SELECT debit AS account, cents FROM claims.journal UNION ALL SELECT credit, -cents FROM claims.journal
) AS side GROUP BY account
"""
_INSURERS: LiteralString = """
SELECT insurer, sum(CASE WHEN debit = 'amc' THEN cents ELSE -cents END)::bigint FROM claims.journal
WHERE 'amc' IN (debit, credit) GROUP BY insurer
"""
_ESTABLISHMENTS: LiteralString = """
SELECT establishment, sum(CASE WHEN credit = 'ps' THEN cents ELSE -cents END)::bigint FROM claims.journal
WHERE 'ps' IN (debit, credit) GROUP BY establishment
"""

# What we owe an establishment: its open dues, and those of payments whose order is not handed over yet.
_PS: LiteralString = f"""
SELECT 'ps', coalesce(j.establishment, t.establishment)::text, coalesce(j.sum, 0), coalesce(t.sum, 0)
FROM ({_ESTABLISHMENTS}) AS j (establishment, sum)
FULL JOIN (
  SELECT d.establishment, sum(d.cents)::bigint FROM claims.due d LEFT JOIN claims.payment p ON p.id = d.payment
  WHERE d.payment IS NULL OR p.state = 'netted' GROUP BY d.establishment
) AS t (establishment, sum) USING (establishment)
WHERE coalesce(j.sum, 0) <> coalesce(t.sum, 0)
"""  # noqa: S608 (constants of ours)

# What an insurer owes us: what is called and not received, and what is not called yet: open dues, orders of a run that is not at its
# end, less what the bank rejected since the last run that called.
_AMC: LiteralString = f"""
WITH last AS (
  SELECT coalesce(max(until_journal), 0) AS until FROM claims.run WHERE state = 'ordered'
), told AS (
  SELECT insurer, sum(cents)::bigint AS cents FROM (
    SELECT insurer, cents - received_cents AS cents FROM claims.call_for_funds
    UNION ALL
    SELECT d.insurer, d.cents FROM claims.due d LEFT JOIN claims.payment p ON p.id = d.payment LEFT JOIN claims.run r ON r.id = p.run
    WHERE d.payment IS NULL OR r.state <> 'ordered'
    UNION ALL
    SELECT insurer, CASE WHEN credit = 'ps' THEN -cents ELSE cents END FROM claims.journal, last
    WHERE kind = 'rejection' AND id > last.until
  ) AS part GROUP BY insurer
)
SELECT 'amc', coalesce(j.insurer, t.insurer)::text, coalesce(j.sum, 0), coalesce(t.cents, 0)
FROM ({_INSURERS}) AS j (insurer, sum) FULL JOIN told t USING (insurer) WHERE coalesce(j.sum, 0) <> coalesce(t.cents, 0)
"""  # noqa: S608

_ORDERS: LiteralString = """
SELECT 'orders', '', j.sum, t.sum FROM (
  SELECT coalesce(sum(CASE WHEN credit = 'orders' THEN cents WHEN debit = 'orders' THEN -cents ELSE 0 END), 0)::bigint FROM claims.journal
) AS j (sum), (SELECT coalesce(sum(cents), 0)::bigint FROM claims.payment WHERE state = 'ordered') AS t (sum) WHERE j.sum <> t.sum
"""
_BANK: LiteralString = """
SELECT 'bank', '', j.sum, t.sum FROM (
  SELECT coalesce(sum(CASE WHEN debit = 'bank' THEN cents WHEN credit = 'bank' THEN -cents ELSE 0 END), 0)::bigint FROM claims.journal
) AS j (sum), (
  SELECT (SELECT coalesce(sum(received_cents), 0) FROM claims.call_for_funds)::bigint
       - (SELECT coalesce(sum(cents), 0) FROM claims.payment WHERE state = 'executed')::bigint
) AS t (sum) WHERE j.sum <> t.sum
"""


def balances(c: Connection) -> dict[str, int]:
    """Each account's balance; they sum to zero by form."""
    return {str(row[0]): int(row[1]) for row in c.execute(_ACCOUNTS)}


def gaps(c: Connection) -> list[Gap]:
    """Every account on which journal and tables disagree, in one snapshot."""
    found: list[Gap] = []
    with c.transaction(), c.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for query in (_PS, _AMC, _ORDERS, _BANK):
            found += [Gap(*row) for row in cursor.execute(query)]
    return found


def check_balanced(c: Connection) -> None:
    """Raises JournalUnbalanced, naming the first accounts and their figures. `c`: autocommit, outside a transaction."""
    found = gaps(c)
    if found:
        told = "; ".join(
            f"{gap.account} {gap.whose} journal {gap.journal} tables {gap.tables}" for gap in found[:5]
        )
        raise JournalUnbalanced(f"{len(found)} accounts: {told}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row, for a person to read."""

    id: int
    at: int
    kind: str
    debit: str
    credit: str
    cents: int
    insurer: int | None
    establishment: UUID | None
    source: UUID


def latest_entries(c: Connection, limit: int) -> list[Entry]:
    """The last rows, newest first."""
    with c.cursor(row_factory=class_row(Entry)) as cursor:
        return cursor.execute(
            """SELECT id, at, kind, debit, credit, cents, insurer, establishment, source FROM claims.journal
               ORDER BY id DESC LIMIT %s""",
            (limit,),
        ).fetchall()
