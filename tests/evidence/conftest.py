"""A ledger written as the vault's one call writes it, for the tests that then attack it as the database's
owner.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.evidence.merkle import Frontier, leaf_hash
from rempart.evidence.note import Checkpoint, SignerKey, sign_checkpoint
from rempart.evidence.opening import Opening, Outcome, commit, encode_opening
from rempart.foundation.clock import DAY

if TYPE_CHECKING:
    from tests.conftest import Database

NIL = UUID(int=0)
START = 1_767_225_600_000_000
YEARS_LATER = 4 * 366 * DAY


@dataclass(frozen=True)
class Ledger:
    """The ledger of one database, and the keys of its log and of somebody else.

    `connection` is the database's owner's.
    """

    database: "Database"
    connection: psycopg.Connection[Any]
    log: SignerKey
    other: SignerKey
    young: int = 2**62
    """Answers from this index on are four years younger."""

    @property
    def dsn(self) -> str:
        """For the operator's commands."""
        return self.database.dsn("operator")

    def opening(self, index: int) -> Opening:
        """The answer at an index: deterministic, one in five absent."""
        absent = index % 5 == 0
        return Opening(
            at=START + index + (YEARS_LATER if index >= self.young else 0),
            account=UUID(int=index % 3 + 1),
            device=UUID(int=index % 4 + 1),
            establishment=UUID(int=index % 2 + 1),
            insurer=0 if absent else index % 84 + 1,
            lane=index % 3 + 1,
            domain=index % 12 + 1,
            answer_class=1,
            outcome=Outcome.ABSENT if absent else Outcome.TOLD,
            cost=5 if absent else 1,
            subject=None if absent else UUID(int=index + 1000),
            editor=UUID(int=9) if index % 7 == 3 else None,
        )

    def salt(self, index: int) -> bytes:
        """Its salt."""
        return index.to_bytes(16, "big")

    def commitments(self, first: int, last: int) -> list[bytes]:
        """What the log holds for these indexes."""
        return [commit(self.salt(index), encode_opening(self.opening(index))) for index in range(first, last)]

    def append(self, first: int, last: int) -> None:
        """Write these answers, as the vault does."""
        with self.connection.cursor() as cursor:
            cursor.execute("UPDATE evidence.log SET size = %s WHERE id = 1", (last,))
            cursor.executemany(
                "INSERT INTO evidence.leaf (index, commitment) VALUES (%s, %s)",
                list(enumerate(self.commitments(first, last), start=first)),
            )
            cursor.executemany(
                "INSERT INTO evidence.entry (index, at, salt, account, device, establishment, insurer, lane, domain,"
                " answer_class, outcome, cost, subject, editor, generation)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1)",
                [self._row(index) for index in range(first, last)],
            )
        self.connection.commit()

    def _row(self, index: int) -> tuple[Any, ...]:
        o = self.opening(index)
        return (
            *(
                index,
                o.at,
                self.salt(index),
                o.account,
                o.device,
                o.establishment,
                o.insurer,
                o.lane,
                o.domain,
            ),
            *(o.answer_class, o.outcome, o.cost, o.subject or NIL, o.editor or NIL),
        )

    def sign(self, commitments: list[bytes], signer: SignerKey | None = None, at: int = START) -> None:
        """Store a signed checkpoint over these commitments."""
        frontier = Frontier()
        frontier.extend(leaf_hash(data) for data in commitments)
        note = sign_checkpoint(Checkpoint(self.log.name, frontier.size, frontier.root()), signer or self.log)
        self.connection.execute(
            "INSERT INTO evidence.checkpoint (size, root, at, frontier, note) VALUES (%s, %s, %s, %s, %s)",
            (frontier.size, frontier.root(), at, frontier.serialise(), note.decode()),
        )
        self.connection.commit()

    def attack(self, statement: str) -> None:
        """One write by the database's owner; it must have hit something."""
        changed = self.connection.execute(statement).rowcount  # type: ignore[call-overload]
        assert changed > 0
        self.connection.commit()


@pytest.fixture
def empty_ledger(module_database: "Database") -> Iterator[Ledger]:
    """No answer yet. One database a module, emptied for each test: only the database's owner can."""
    log = SignerKey("rempart.example/ledger", Ed25519PrivateKey.from_private_bytes(b"l" * 32))
    other = SignerKey("rempart.example/ledger", Ed25519PrivateKey.from_private_bytes(b"o" * 32))
    with psycopg.connect(module_database.owner_dsn) as connection:
        for table in ("leaf", "entry", "checkpoint", "horizon", "operations"):
            connection.execute(f"DELETE FROM evidence.{table}")  # type: ignore[call-overload]
        connection.execute("UPDATE evidence.log SET size = 0")
        connection.commit()
        yield Ledger(module_database, connection, log, other)


@pytest.fixture
def ledger(empty_ledger: Ledger) -> Ledger:
    """An honest ledger of 40 answers, signed at 10, 25 and 40."""
    empty_ledger.append(0, 40)
    for size in (10, 25, 40):
        empty_ledger.sign(empty_ledger.commitments(0, size))
    return empty_ledger
