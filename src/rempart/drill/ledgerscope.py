"""Who was exposed, according to the ledger: the operator's own question, asked with the operator's own role."""

from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from rempart.drill.receipts import Receipts
from rempart.evidence.audit import audit_ledger
from rempart.evidence.note import VerifierKey

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


@dataclass(frozen=True)
class Accounts:
    """The ledger, audited, beside the receipts that everybody holds: thief and honest people, seat by seat."""

    leaves: int
    checkpoints: int
    """Whose signed root was computed again."""
    receipts: int
    """Answers that arrived, anywhere."""
    seats: int
    """Accounts at which one arrived."""
    seats_short: int
    """Of them, those at which more arrived than the ledger has entries for. None, crash or not."""
    unaccounted: int
    """Receipts without an entry of that very account. None, crash or not."""
    received_by_nobody: int
    """Entries whose answer nobody holds: lost in a crash, and counted."""
    indexes_twice: int
    engagements: int
    engagements_twice: int

    def to_json(self) -> dict[str, int]:
        """In the order above."""
        return asdict(self)


def account_for(
    connection: "psycopg.Connection[Any]", key: VerifierKey, held: Collection[Receipts]
) -> Accounts:
    """Audit the whole ledger as `rempart evidence audit` does, and hold every receipt against it. Raises LedgerBroken."""
    audited = audit_ledger(connection, batch=10_000, key=key)
    entries: dict[str, set[int]] = {}
    for account, index in connection.execute("SELECT account::text, index FROM evidence.entry"):
        entries.setdefault(account, set()).add(index)
    arrived: dict[str, list[int]] = {}
    for receipts in held:
        for account, indexes in receipts.by_account.items():
            arrived.setdefault(account, []).extend(indexes)
    given = [index for indexes in arrived.values() for index in indexes]
    numbers = [number for receipts in held for number in receipts.engagements]
    return Accounts(
        audited.size,
        audited.checkpoints,
        len(given),
        len(arrived),
        sum(len(indexes) > len(entries.get(account, ())) for account, indexes in arrived.items()),
        sum(len(set(indexes) - entries.get(account, set())) for account, indexes in arrived.items()),
        len(set().union(*entries.values()) - set(given)),
        _twice(given),
        len(numbers),
        _twice(numbers),
    )


def _twice(given: list[int] | list[str]) -> int:
    return sum(count > 1 for count in Counter(given).values())
