"""Who was exposed, according to the ledger: the operator's own question, asked with the operator's own role."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import psycopg

_OF_ACCOUNTS = """
SELECT index, insurer, subject FROM evidence.entry
 WHERE outcome = 1 AND at BETWEEN %s AND %s AND account = ANY (%s::uuid[])
"""
_OF_EDITOR = """
SELECT index, insurer, subject FROM evidence.entry WHERE outcome = 1 AND at BETWEEN %s AND %s AND editor = %s::uuid
"""
_OF_EVERYBODY = (
    "SELECT index, insurer, subject FROM evidence.entry WHERE outcome = 1 AND at BETWEEN %s AND %s"
)


@dataclass(frozen=True)
class Scope:
    """Distinct (insurer, beneficiary). `thief`: without the answers that honest people of those accounts hold the receipts of."""

    thief: int
    beside: int
    """Told at the same accounts, to their honest people."""


def scope_of_accounts(
    connection: "psycopg.Connection[Any]",
    accounts: Collection[str],
    begins: int,
    ends: int,
    honest_indexes: Collection[int],
) -> Scope:
    """All that was told at these accounts in the interval, less what honest people received there."""
    rows = connection.execute(_OF_ACCOUNTS, (begins, ends, list(accounts))).fetchall()
    known = set(honest_indexes)
    thief = {(insurer, subject) for index, insurer, subject in rows if index not in known}
    honest = {(insurer, subject) for index, insurer, subject in rows if index in known}
    return Scope(len(thief), len(honest))


def scope_of_editor(connection: "psycopg.Connection[Any]", editor: str, begins: int, ends: int) -> Scope:
    """All that an editor's software was told in the interval, wherever it is installed."""
    rows = connection.execute(_OF_EDITOR, (begins, ends, editor)).fetchall()
    return Scope(len({(insurer, subject) for _, insurer, subject in rows}), 0)


def scope_of_everybody(connection: "psycopg.Connection[Any]", begins: int, ends: int) -> Scope:
    """All that left through the doors in the interval: what root on the door may have seen."""
    rows = connection.execute(_OF_EVERYBODY, (begins, ends)).fetchall()
    return Scope(len({(insurer, subject) for _, insurer, subject in rows}), 0)


def ledger_size(connection: "psycopg.Connection[Any]") -> int:
    """Entries so far."""
    row = connection.execute("SELECT size FROM evidence.log WHERE id = 1").fetchone()
    return int(row[0]) if row else 0
