"""The SQL of the FHIR side: an invoice's id, which is the id of its ClaimResponse. Row security shows an establishment its own."""

import uuid
from collections.abc import Sequence

import asyncpg


async def invoice_ids(c: asyncpg.Connection, numbers: Sequence[str]) -> dict[str, str]:
    """Number → id, of the establishment's own invoices."""
    rows = await c.fetch(
        "SELECT number, id FROM claims.invoice WHERE establishment = claims.establishment() AND number = ANY($1::text[])",
        list(numbers),
    )
    return {row["number"]: str(row["id"]) for row in rows}


async def invoice_number(c: asyncpg.Connection, identity: uuid.UUID) -> str:
    """The number of the establishment's own invoice with that id, or ""."""
    found = await c.fetchval(
        "SELECT number FROM claims.invoice WHERE establishment = claims.establishment() AND id = $1", identity
    )
    return str(found or "")
