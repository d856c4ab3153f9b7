"""The ledger's signed checkpoints: the Merkle root of all leaves, every second or less while it grows."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

from rempart.evidence.merkle import Frontier, leaf_hash
from rempart.evidence.note import Checkpoint, SignerKey, VerifierKey, open_frontier, sign_checkpoint
from rempart.foundation.clock import SECOND, Clock
from rempart.foundation.errors import Outage
from rempart.vault.tree import LedgerTree

INTERVAL = 0.9
"""Seconds between two checkpoints of a growing log: the merge delay promised is 2 s."""
LATE = 5 * SECOND
"""Microseconds that a grown log may go unsigned before the vault calls itself unready."""
_READ_AT_ONCE = 20_000
_log = logging.getLogger(__name__)


class LedgerUnsound(Outage):
    """The ledger in the database is not the one that was signed. No checkpoint can be made, hence nothing may be disclosed."""

    code = "ledger-unsound"
    french = "Le registre en base n'est plus celui qui a été signé : le coffre s'arrête."
    english = "The ledger in the database is no longer the one that was signed: the vault stops."


@dataclass(frozen=True)
class Signed:
    """A checkpoint as the log signed it, without anybody's cosignature."""

    size: int
    root: bytes
    note: str
    at: int
    """µs."""
    stored: bool = True
    """False under a new name of the log, until it grows: the table has one note a size, the one of the former name."""


class CheckpointSigner:
    """Follows the ledger and signs. A restart goes on from the frontier stored with the last checkpoint."""

    def __init__(self, pool: asyncpg.Pool, origin: str, signer: SignerKey, clock: Clock) -> None:
        self._pool, self._origin, self._signer, self._clock = pool, origin, signer, clock
        self._frontier: Frontier | None = None
        self._level_at = 0
        self.tree = LedgerTree(pool)
        self.latest: Signed | None = None
        self.former_origin = ""
        """The name under which the ledger in the database was last signed, when it is not the configured one."""
        self.on_signed: list[Callable[[Signed], None]] = []
        """Told of each new checkpoint, and must return at once."""

    @property
    def note(self) -> str:
        """The latest checkpoint as signed, "" before the first."""
        return self.latest.note if self.latest else ""

    @property
    def origin(self) -> str:
        """The log's name."""
        return self._origin

    async def sign_if_grown(self) -> None:
        """One checkpoint for all that was committed since the last, or nothing. Raises LedgerUnsound when leaves are missing, and
        what `open_frontier` raises when nobody vouches for the frontier stored.
        """
        begun = self._clock()
        if self._frontier is None:
            self._frontier = await self._restore()
        size: int = await self._pool.fetchval("SELECT size FROM evidence.log WHERE id = 1")
        if size < self._frontier.size:
            raise LedgerUnsound(f"{self._frontier.size} leaves were signed, {size} are left")
        if size == self._frontier.size and self.latest is not None:
            self._level_at = begun
            return
        frontier = self._frontier.copy()
        while frontier.size < size:
            upto = min(size, frontier.size + _READ_AT_ONCE)
            rows = await self._pool.fetch(
                "SELECT commitment FROM evidence.leaf WHERE index >= $1 AND index < $2 ORDER BY index",
                frontier.size,
                upto,
            )
            if len(rows) != upto - frontier.size:
                raise LedgerUnsound(f"leaves are missing from {frontier.size} to {upto}")
            frontier.extend(leaf_hash(row[0]) for row in rows)
            await asyncio.sleep(0)
        # The tiles are there before the checkpoint that sends people to fetch them.
        await self.tree.grow(size)
        root, at = frontier.root(), self._clock()
        note = sign_checkpoint(Checkpoint(self._origin, size, root), self._signer).decode()
        inserted = await self._pool.execute(
            "INSERT INTO evidence.checkpoint (size, root, at, frontier, note) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            size, root, at, frontier.serialise(), note,
        )  # fmt: skip
        self.latest = Signed(size, root, note, at, inserted == "INSERT 0 1")
        self._frontier, self._level_at = frontier, begun
        for tell in self.on_signed:
            tell(self.latest)

    def is_late(self, size: int) -> bool:
        """Whether a log of this size has leaves that no checkpoint covers, and none could be signed for LATE."""
        signed = self._frontier.size if self._frontier else 0
        return size > signed and self._clock() - self._level_at > LATE

    async def follow(self) -> None:
        """Sign for ever. A failure of the database is logged and tried again; any other ends this, and with it the vault."""
        while True:
            try:
                await self.sign_if_grown()
            except (
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                asyncpg.InternalClientError,
                OSError,
            ) as error:
                _log.error("no checkpoint: %s", type(error).__name__)
            await asyncio.sleep(INTERVAL)

    @property
    def verifier_key(self) -> str:
        """The vkey of the log."""
        return self._signer.verifier().text()

    @property
    def verifier(self) -> VerifierKey:
        """The same, to verify with."""
        return self._signer.verifier()

    async def _restore(self) -> Frontier:
        row = await self._pool.fetchrow(
            "SELECT size, root, at, frontier, note FROM evidence.checkpoint ORDER BY size DESC LIMIT 1"
        )
        if row is None:
            return Frontier()
        # Believed only under our own signature, whatever the log was called then: whoever may write the table must not make us go on
        # from a log of theirs.
        origin = row["note"].partition("\n")[0]
        frontier = open_frontier(
            row["frontier"], row["note"].encode(), VerifierKey(origin, self.verifier.public)
        )
        if origin == self._origin:
            self.latest = Signed(row["size"], row["root"], row["note"], row["at"])
            await self.tree.grow(row["size"])
        else:
            self.former_origin = origin
        return frontier
