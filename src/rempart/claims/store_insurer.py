"""All the SQL of an insurer's desk. No query names the insurer: row security shows it its own, and nothing else."""

import uuid
from datetime import date
from typing import Any

import asyncpg
import msgspec

from rempart.claims.messages import (
    PAGE,
    DeliveryPage,
    DeliveryView,
    FundsCall,
    FundsPage,
    Month,
    RejectView,
)
from rempart.claims.prise_en_charge import months_later
from rempart.claims.store_flows import Figures

FIRST_REJECTS = 20
MONTHS = 12


async def waiting(c: asyncpg.Connection, today: date) -> dict[str, int]:
    """What waits: prises en charge, flows, packages of incidents, files; funds called and not received, and the late ones (cents)."""
    row = await c.fetchrow(
        "SELECT (SELECT count(*) FROM claims.prise_en_charge WHERE state = 'en-attente') AS to_decide,"
        " (SELECT count(*) FROM claims.flow WHERE made IS NOT NULL AND acknowledged IS NULL) AS flows_waiting,"
        " (SELECT count(*) FROM incident.package p WHERE p.acknowledged IS NULL AND NOT EXISTS (SELECT FROM incident.package later"
        " WHERE later.insurer = p.insurer AND later.incident = p.incident AND later.issue > p.issue)) AS incidents_waiting,"
        " (SELECT count(*) FROM intake.delivery WHERE state IN ('received', 'checking', 'waiting')) AS files_waiting,"
        " coalesce(sum(cents - received_cents), 0)::bigint AS funds_called,"
        " coalesce(sum(cents - received_cents) FILTER (WHERE due_on < $1), 0)::bigint AS funds_late"
        " FROM claims.call_for_funds WHERE received IS NULL",
        today,
    )
    return dict(row)


async def months(c: asyncpg.Connection, today: date) -> list[Month]:
    """Twelve months, the oldest first: what the flows say, and in the current one what came since the last of them."""
    first = months_later(today.replace(day=1), 1 - MONTHS)
    found = {
        months_later(first, n).isoformat()[:7]: Month(months_later(first, n).isoformat()[:7], 0, 0, 0, 0, {})
        for n in range(MONTHS)
    }
    for row in await c.fetch("SELECT day, figures FROM claims.flow WHERE day >= $1", first):
        figures = msgspec.json.decode(row["figures"], type=Figures)
        month = row["day"].isoformat()[:7]
        found[month] = _add(
            found[month],
            figures.acceptances,
            figures.cancellations,
            figures.refused,
            figures.domains,
        )
    last = today.isoformat()[:7]
    found[last] = await _since_last_flow(c, found[last])
    return list(found.values())


async def _since_last_flow(c: asyncpg.Connection, month: Month) -> Month:
    accepted = await c.fetch(
        "SELECT i.domain, count(*) AS n, sum(i.amc)::bigint AS cents FROM claims.act_lines a JOIN claims.invoice i ON i.id = a.invoice"
        " WHERE a.flow IS NULL GROUP BY i.domain"
    )
    cancelled = await c.fetch(
        "SELECT domain, count(*) AS n, -sum(amc)::bigint AS cents FROM claims.invoice"
        " WHERE state = 'cancelled' AND cancellation_flow IS NULL GROUP BY domain"
    )
    refused = await c.fetchval(
        "SELECT count(*) FROM claims.invoice WHERE state = 'refused'"
        " AND received >= coalesce((SELECT max(until) FROM claims.flow), 0)"
    )
    month = _add(month, 0, sum(row["n"] for row in cancelled), refused, _cents(cancelled))
    return _add(month, sum(row["n"] for row in accepted), 0, 0, _cents(accepted))


def _cents(rows: list[Any]) -> dict[str, int]:
    return {row["domain"]: row["cents"] for row in rows}


def _add(month: Month, invoices: int, cancelled: int, refused: int, domains: dict[str, int]) -> Month:
    together = {
        domain: month.domains.get(domain, 0) + domains.get(domain, 0)
        for domain in sorted(month.domains.keys() | domains.keys())
    }
    return Month(
        month.month, month.invoices + invoices, month.refused + refused, month.cancelled + cancelled, sum(together.values()), together
    )  # fmt: skip


async def deliveries(c: asyncpg.Connection, before: int) -> DeliveryPage:
    """Files as they came, newest first, each with its first rejects."""
    rows = await c.fetch(
        "SELECT id, filename, coalesce(kind, '') AS kind, state, code, received, coalesce(finished, 0) AS finished, lines, persons,"
        " leaving, rejected FROM intake.delivery WHERE $1::bigint = 0 OR received < $1"
        " ORDER BY received DESC FETCH FIRST $2 ROWS WITH TIES",
        before,
        PAGE,
    )
    rejects: dict[uuid.UUID, list[RejectView]] = {row["id"]: [] for row in rows}
    for each in await c.fetch(
        "SELECT w.delivery, r.line, r.field, r.code FROM unnest($1::uuid[]) AS w (delivery) CROSS JOIN LATERAL"
        " (SELECT * FROM intake.reject r WHERE r.delivery = w.delivery ORDER BY r.line, r.field LIMIT $2) r"
        " ORDER BY w.delivery, r.line, r.field",
        list(rejects),
        FIRST_REJECTS,
    ):
        rejects[each["delivery"]].append(RejectView(each["line"], each["field"], each["code"]))
    items = [
        DeliveryView(
            str(row["id"]), row["filename"], row["kind"], row["state"], row["code"], row["received"], row["finished"], row["lines"],
            row["persons"], row["leaving"], row["rejected"], rejects[row["id"]],
        )
        for row in rows
    ]  # fmt: skip
    return DeliveryPage(items, items[-1].received if len(items) >= PAGE else 0)


async def funds(c: asyncpg.Connection, before: int, today: date) -> FundsPage:
    """Calls for funds and credit notes, newest first."""
    rows = await c.fetch(
        "SELECT reference, cents, called, due_on, coalesce(received, 0) AS received, received_cents,"
        " received IS NULL AND cents > 0 AND due_on < $3 AS late FROM claims.call_for_funds"
        " WHERE $1::bigint = 0 OR called < $1 ORDER BY called DESC FETCH FIRST $2 ROWS WITH TIES",
        before,
        PAGE,
        today,
    )
    items = [
        FundsCall(
            row["reference"], row["cents"], row["called"], row["due_on"].isoformat(), row["received"], row["received_cents"],
            row["late"],
        )
        for row in rows
    ]  # fmt: skip
    return FundsPage(items, items[-1].called if len(items) >= PAGE else 0)
