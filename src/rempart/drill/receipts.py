"""Receipts that somebody holds: each signed promise names a ledger index and, for an open right, an engagement number."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from rempart.drill.seat import Told


@dataclass
class Receipts:
    """Of all answers that arrived."""

    by_account: dict[str, list[int]] = field(default_factory=dict)
    """Ledger indexes, in the order of arrival."""
    engagements: list[str] = field(default_factory=list)

    def keep(self, account: str, told: Told) -> None:
        """An answer arrived at this account."""
        self.by_account.setdefault(account, []).append(told.leaf)
        if told.open:
            self.engagements.append(_engagement_in(told.receipt))

    def at(self, accounts: Iterable[str]) -> set[int]:
        """Ledger indexes that arrived at these accounts."""
        return {index for account in accounts for index in self.by_account.get(account, ())}


def _engagement_in(receipt: str) -> str:
    payload = receipt.split(".")[1]
    return str(msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"])
