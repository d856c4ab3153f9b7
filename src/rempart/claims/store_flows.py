"""All the SQL that makes flows: role rempart_worker, psycopg. The caller holds the transaction. Amounts in cents, instants µs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row, dict_row

from rempart.claims.messages import Shares

Connection = psycopg.Connection[Any]
LOCK = 7_002_027
"""The advisory lock of whoever makes flows."""


class Figures(msgspec.Struct, frozen=True):
    """What a flow holds: kept in its row, told in its header, added up in the insurer's months. `domains`: accepted less cancelled."""

    acceptances: int
    accepted: Shares
    cancellations: int
    cancelled: Shares
    refused: int
    calls: int
    called: int
    domains: dict[str, int]


@dataclass(frozen=True, slots=True)
class Flow:
    """One insurer's flow of one day, being made."""

    id: UUID
    insurer: int
    amc: str
    day: date
    until: int
    cents: int
    parts: int
    bytes: int
    cancelled_to: UUID
    made: int | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class Accepted:
    """A row to be told, and then deleted."""

    invoice: UUID
    engagement_number: str
    engagement: int
    domain: str
    care_date: date
    received: int
    total: int
    amo: int
    amc: int
    patient: int
    participation: int
    franchise: int
    notice_ref: bytes | None
    sealed: bytes

    @property
    def amounts(self) -> Shares:
        """Who pays what."""
        return Shares(self.total, self.amo, self.amc, self.patient, self.participation, self.franchise)


_FLOW: LiteralString = """
SELECT f.id, f.insurer, i.amc, f.day, f.until, f.cents, f.parts, f.bytes, f.cancelled_to, f.made, f.figures
FROM claims.flow f JOIN vault.insurer i ON i.number = f.insurer
"""
_SUMS: LiteralString = """
SELECT i.domain, count(*) AS lines, coalesce(sum(i.total), 0)::bigint AS total, coalesce(sum(i.amo), 0)::bigint AS amo,
  coalesce(sum(i.amc), 0)::bigint AS amc, coalesce(sum(i.patient), 0)::bigint AS patient,
  coalesce(sum(i.participation), 0)::bigint AS participation, coalesce(sum(i.franchise), 0)::bigint AS franchise
"""


def take_lock(c: Connection) -> bool:
    """Be the only one who makes flows, until `give_lock` or the end of the connection."""
    return bool(_value(c, "SELECT pg_try_advisory_lock(%s)", (LOCK,)))


def give_lock(c: Connection) -> None:
    """Let others make flows."""
    c.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


def unfinished(c: Connection) -> list[Flow]:
    """Opened and not made, the oldest first."""
    return _flows(c, _FLOW + " WHERE f.made IS NULL ORDER BY f.day, f.insurer", ())


def without_flow(c: Connection, day: date) -> list[int]:
    """The numbers of the insurers that have none for this day."""
    found = c.execute(
        "SELECT i.number FROM vault.insurer i WHERE NOT EXISTS"
        " (SELECT FROM claims.flow f WHERE f.insurer = i.number AND f.day = %s) ORDER BY i.number",
        (day,),
    )
    return [int(row[0]) for row in found]


def open_flow(c: Connection, insurer: int, day: date, until: int) -> Flow:
    """Choose what the flow tells: whatever came before `until` and no flow has told. Counted, summed and marked in one transaction."""
    flow: UUID = _value(c, "SELECT gen_random_uuid()", ())
    values = {"flow": flow, "insurer": insurer, "until": until, "day": day}
    c.execute(
        """UPDATE claims.act_lines a SET flow = %(flow)s FROM claims.invoice i
           WHERE a.insurer = %(insurer)s AND a.flow IS NULL AND i.id = a.invoice AND i.received < %(until)s""",
        values,
    )
    c.execute(
        """UPDATE claims.invoice SET cancellation_flow = %(flow)s
           WHERE insurer = %(insurer)s AND state = 'cancelled' AND cancellation_flow IS NULL AND cancelled < %(until)s""",
        values,
    )
    c.execute(
        """UPDATE claims.call_for_funds SET flow = %(flow)s WHERE insurer = %(insurer)s AND flow IS NULL AND called < %(until)s""",
        values,
    )
    figures = _figures(c, values)
    c.execute(
        """INSERT INTO claims.flow (id, insurer, day, until, rows, cents, figures)
           VALUES (%(flow)s, %(insurer)s, %(day)s, %(until)s, %(rows)s, %(cents)s, %(figures)s)""",
        values
        | {
            "rows": figures.acceptances + figures.cancellations + figures.calls,
            "cents": figures.accepted.amc - figures.cancelled.amc,
            "figures": msgspec.json.encode(figures).decode(),
        },
    )
    return _flows(c, _FLOW + " WHERE f.id = %s", (flow,))[0]


def _figures(c: Connection, values: dict[str, Any]) -> Figures:
    accepted = _sums(
        c,
        _SUMS
        + " FROM claims.act_lines a JOIN claims.invoice i ON i.id = a.invoice WHERE a.flow = %(flow)s GROUP BY i.domain",
        values,
    )
    cancelled = _sums(
        c, _SUMS + " FROM claims.invoice i WHERE i.cancellation_flow = %(flow)s GROUP BY i.domain", values
    )
    refused = _value(
        c,
        """SELECT count(*) FROM claims.invoice WHERE insurer = %(insurer)s AND state = 'refused' AND received < %(until)s
           AND received >= coalesce((SELECT max(until) FROM claims.flow WHERE insurer = %(insurer)s), 0)""",
        values,
    )
    calls, called = c.execute(
        "SELECT count(*), coalesce(sum(cents), 0)::bigint FROM claims.call_for_funds WHERE flow = %(flow)s",
        values,
    ).fetchone() or (0, 0)
    domains = {
        domain: accepted.get(domain, _NONE)[1].amc - cancelled.get(domain, _NONE)[1].amc
        for domain in sorted(accepted.keys() | cancelled.keys())
    }
    return Figures(*_total(accepted), *_total(cancelled), refused, calls, called, domains)


_NONE = (0, Shares(0, 0, 0, 0, 0, 0))


def _sums(c: Connection, query: LiteralString, values: dict[str, Any]) -> dict[str, tuple[int, Shares]]:
    """Lines and amounts by domain."""
    return {row[0]: (row[1], Shares(*row[2:])) for row in c.execute(query, values)}


def _total(by_domain: dict[str, tuple[int, Shares]]) -> tuple[int, Shares]:
    amounts = [msgspec.structs.astuple(shares) for _, shares in by_domain.values()]
    return sum(lines for lines, _ in by_domain.values()), Shares(
        *(sum(column) for column in zip(*amounts, strict=True))
    ) if amounts else _NONE[1]


def next_accepted(c: Connection, flow: Flow, most: int) -> list[Accepted]:
    """The next rows that no part holds yet, in the order of their ids."""
    with c.cursor(row_factory=class_row(Accepted)) as cursor:
        return cursor.execute(
            """SELECT i.id AS invoice, i.engagement_number, i.engagement, i.domain, i.care_date, i.received, i.total, i.amo, i.amc,
                 i.patient, i.participation, i.franchise, e.notice_ref, a.sealed
               FROM claims.act_lines a JOIN claims.invoice i ON i.id = a.invoice
               LEFT JOIN evidence.entry e ON e.index = i.engagement AND e.insurer = i.insurer
               WHERE a.flow = %s ORDER BY a.invoice LIMIT %s""",
            (flow.id, most),
        ).fetchall()


def next_cancelled(c: Connection, flow: Flow, most: int) -> list[dict[str, Any]]:
    """The next cancellations, in the order of their ids."""
    with c.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """SELECT id, engagement_number, domain, cancelled, total, amo, amc, patient, participation, franchise FROM claims.invoice
               WHERE cancellation_flow = %s AND id > %s ORDER BY id LIMIT %s""",
            (flow.id, flow.cancelled_to, most),
        ).fetchall()


def calls_of(c: Connection, flow: Flow) -> list[tuple[str, int, int, date]]:
    """Reference, cents, when, due on."""
    return c.execute(
        "SELECT reference, cents, called, due_on FROM claims.call_for_funds WHERE flow = %s ORDER BY called, reference",
        (flow.id,),
    ).fetchall()


def load_keys(c: Connection, insurer: int, loads: Sequence[int]) -> dict[int, bytes]:
    """The wrapped keys of these loads of this insurer."""
    rows = c.execute(
        "SELECT number, wrapped FROM intake.load WHERE insurer = %s AND number = ANY (%s) ORDER BY number",
        (insurer, list(loads)),
    )
    return {row[0]: bytes(row[1]) for row in rows}


def add_part(c: Connection, flow: Flow, content: bytes) -> Flow:
    """Write the flow's next part; the flow as it is then."""
    c.execute(
        "INSERT INTO claims.flow_part (flow, number, insurer, content) VALUES (%s, %s, %s, %s)",
        (flow.id, flow.parts + 1, flow.insurer, content),
    )
    c.execute(
        "UPDATE claims.flow SET parts = parts + 1, bytes = bytes + %s WHERE id = %s", (len(content), flow.id)
    )
    return _flows(c, _FLOW + " WHERE f.id = %s", (flow.id,))[0]


def forget_acts(c: Connection, invoices: Sequence[UUID]) -> None:
    """Their sealed acts are in a part now."""
    c.execute("DELETE FROM claims.act_lines WHERE invoice = ANY (%s)", (list(invoices),))


def cancelled_to(c: Connection, flow: Flow, invoice: UUID) -> None:
    """The last cancellation that a part holds."""
    c.execute("UPDATE claims.flow SET cancelled_to = %s WHERE id = %s", (invoice, flow.id))


def contents(c: Connection, flow: Flow) -> Iterator[bytes]:
    """Part after part."""
    for number in range(1, flow.parts + 1):
        yield bytes(
            _value(
                c, "SELECT content FROM claims.flow_part WHERE flow = %s AND number = %s", (flow.id, number)
            )
        )


def finish(c: Connection, flow: Flow, digest: bytes, at: int) -> None:
    """Whole: its insurer sees it."""
    c.execute("UPDATE claims.flow SET made = %s, digest = %s WHERE id = %s", (at, digest, flow.id))


def _flows(c: Connection, query: LiteralString, values: tuple[Any, ...]) -> list[Flow]:
    return [Flow(*(*row[:-1], msgspec.convert(row[-1], Figures))) for row in c.execute(query, values)]


def _value(c: Connection, query: LiteralString, values: Any) -> Any:
    row = c.execute(query, values).fetchone()
    assert row is not None
    return row[0]
