"""A settlement on a real database: synthetic invoices, a settlement key, an outbox."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from rempart.claims.settlement import Payer, settle
from rempart.claims.store_settlement import Run
from tests.conftest import Database, TestClock
from tests.settlement.filling import fill

DEBTOR = "FR7630006000011234567890189"


@dataclass
class Till:
    """What a worker has: a database, a key, a folder, a clock."""

    database: Database
    payer: Payer
    clock: TestClock

    def fill(self, claims: int) -> None:
        with self.database.connect() as owner:
            fill(owner, claims, self.payer.key.public_key(), self.clock())

    def settle(self) -> Run:
        with self.database.connect("worker") as c:
            return settle(c, self.payer, self.clock)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.database.connect() as owner:
            return owner.execute(query, values).fetchall()  # type: ignore[arg-type]

    def one(self, query: str, *values: Any) -> Any:
        return self.rows(query, *values)[0][0]

    def do(self, query: str, *values: Any) -> None:
        with self.database.connect() as owner:
            owner.execute(query, values)  # type: ignore[arg-type]

    def worker(self) -> "psycopg.Connection[Any]":
        return self.database.connect("worker")

    def files(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in sorted((self.payer.outbox / "bank").glob("*"))}


@pytest.fixture
def till(database: Database, clock: TestClock, tmp_path: Path) -> Till:
    return Till(database, Payer("REMPART", DEBTOR, X25519PrivateKey.generate(), tmp_path / "outbox"), clock)
