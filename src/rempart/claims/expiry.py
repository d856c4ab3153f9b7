"""What time ends: agreements not billed, requests that nobody decided, counters older than any window, files an insurer
has acknowledged. The worker does it hourly."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from rempart.claims.messages import KEPT
from rempart.claims.prise_en_charge import SENDING, Reason
from rempart.foundation.clock import SECOND

LONGEST_WINDOW = timedelta(days=5 * 366)
"""An ear's four years, and a year for invoices that come late."""

_RELEASE_OLD = "DELETE FROM claims.counter WHERE since < %(oldest)s"
_EXPIRE_AGREED = """
WITH ended AS (
  UPDATE claims.prise_en_charge SET lines = NULL
  WHERE lines IS NOT NULL AND state = 'accordee' AND valid_to < %(last_valid)s RETURNING id, invoice
), released AS (
  DELETE FROM claims.counter USING ended WHERE source = ended.id AND state = 'reserved'
)
SELECT count(*) FILTER (WHERE invoice IS NULL) FROM ended
"""
_EXPIRE_WAITING = """
WITH ended AS (
  UPDATE claims.prise_en_charge
  SET lines = NULL, state = 'annulee', reason = %(reason)s, decided_by = 'rule', decided = %(at)s
  WHERE lines IS NOT NULL AND state = 'en-attente' AND valid_to < %(today)s RETURNING id
)
SELECT count(*) FROM ended
"""
_FORGET_ACKNOWLEDGED = (
    "DELETE FROM claims.flow_part WHERE flow IN (SELECT id FROM claims.flow WHERE acknowledged <= %s)",
    "DELETE FROM evidence.opening_part WHERE file IN (SELECT id FROM evidence.opening_file WHERE acknowledged <= %s)",
    # The issues before it say less, and nobody needs them any more.
    (
        "DELETE FROM incident.package_part WHERE package IN (SELECT p.id FROM incident.package p JOIN incident.package n"
        " ON n.incident = p.incident AND n.insurer = p.insurer AND n.issue >= p.issue WHERE n.acknowledged <= %s)"
    ),
)


@dataclass(frozen=True)
class Expired:
    """How many ended: agreements not billed in time, requests not decided in time."""

    agreed: int
    waiting: int


def expire(connection: "psycopg.Connection[Any]", today: date) -> Expired:
    """End what has had its time, and give its counters back, in one transaction. Done again on the same day it finds nothing more.

    `connection` is the worker's (rempart_worker); `today` the civil date in Paris."""
    at = int(datetime(today.year, today.month, today.day, tzinfo=UTC).timestamp()) * SECOND
    values = {
        "today": today, "last_valid": today - SENDING, "oldest": today - LONGEST_WINDOW, "reason": Reason.EXPIRED.code, "at": at
    }  # fmt: skip
    with connection.transaction():
        agreed = _count(connection, _EXPIRE_AGREED, values)
        waiting = _count(connection, _EXPIRE_WAITING, values)
        connection.execute(_RELEASE_OLD, values)
    return Expired(agreed, waiting)


def forget_acknowledged(connection: "psycopg.Connection[Any]", at: int) -> int:
    """Remove what insurers acknowledged `KEPT` ago or longer: how many parts. Their rows stay, with digest and instant. A package of an
    incident goes with its newer issue, acknowledged itself or not.

    `connection` is the worker's, in autocommit: killed anywhere, the next call goes on."""
    return sum(connection.execute(each.encode(), (at - KEPT,)).rowcount for each in _FORGET_ACKNOWLEDGED)


def _count(connection: "psycopg.Connection[Any]", query: str, values: dict[str, Any]) -> int:
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None
    return int(row[0])
