"""The ledger's tree in the database: tiles and proofs from a few reads, whatever its size.

Level 0 is the leaves themselves; of the levels above, every full tile's root is kept in evidence.node with those of its parts, written as
the log grows. What is read is not believed: a proof is verified before it leaves, and whoever mirrors the tiles recomputes them.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import asyncpg

from rempart.evidence.errors import ProofRefused
from rempart.evidence.merkle import (
    NodeReader,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    root,
    verify_consistency,
    verify_inclusion,
)
from rempart.evidence.tilepath import ENTRIES, TileName
from rempart.evidence.tiles import SPAN, WIDTH, part_roots
from rempart.foundation.errors import Outage

CACHED = 512
"""Full tiles held in memory: 4 MiB."""
AT_ONCE, WAITING = 2, 200
"""Readers of the database, and how many may wait for them: the public's curiosity must not delay an answer."""


class LedgerBusy(Outage):
    """Too many read the ledger at this moment."""


class LedgerTree:
    """Reads evidence.leaf and evidence.node; writes evidence.node."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._full: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()
        self._known: dict[int, int] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def grow(self, size: int) -> None:
        """Keep the root of every tile that is full at this size, and of its parts. Called before the size is signed; again is harmless."""
        level, complete = 1, size // WIDTH
        while complete:
            if level not in self._known:
                self._known[level] = await self._pool.fetchval(
                    "SELECT coalesce(max(index) + 1, 0) FROM evidence.node WHERE level = $1", level
                )
            while self._known[level] < complete:
                number = self._known[level]
                below = await self._read(level - 1, number, WIDTH)
                parts = part_roots(below)
                await self._pool.execute(
                    "INSERT INTO evidence.node (level, index, hash, parts) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                    level, number, root(parts), b"".join(parts),
                )  # fmt: skip
                self._known[level] += 1
            level, complete = level + 1, complete // WIDTH

    async def tile(self, name: TileName, size: int) -> bytes | None:
        """A tile's bytes, or None when a log of this size has no such tile."""
        level = 0 if name.level == ENTRIES else name.level
        if name.number * WIDTH + name.width > size >> (SPAN * level):
            return None
        async with self._taking_turns():
            if name.level == ENTRIES:
                rows = await self._commitments(name.number, name.width)
                return b"".join(len(row).to_bytes(2, "big") + row for row in rows)
            return b"".join(await self._hashes(level, name.number, name.width))

    async def prove_leaf(self, index: int, size: int, root_hash: bytes) -> tuple[bytes, list[bytes]]:
        """The commitment at an index, and its proof up to this root. Raises `ProofRefused`, `LedgerBusy`."""
        async with self._taking_turns():
            commitment = (await self._commitments(index // WIDTH, index % WIDTH + 1))[-1]
            path = await self._prove(lambda read: prove_inclusion(read, index, size), size)
        verify_inclusion(leaf_hash(commitment), index, size, path, root_hash)
        return commitment, path

    async def prove_growth(
        self, old: int, old_root: bytes | None, size: int, root_hash: bytes
    ) -> list[bytes]:
        """That the log of this size begins with an older one; empty from nothing. Raises `ProofRefused`."""
        if old == 0:
            return []
        path = await self._prove(lambda read: prove_consistency(read, old, size), size)
        if old_root is not None:
            verify_consistency(old, old_root, size, root_hash, path)
        return path

    @asynccontextmanager
    async def _taking_turns(self) -> AsyncIterator[None]:
        if self._waiting >= WAITING:
            raise LedgerBusy
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turn.release()

    async def _prove(self, prove: Callable[[NodeReader], list[bytes]], size: int) -> list[bytes]:
        # Which nodes a proof needs does not depend on their hashes: ask once to learn which, read them, ask again.
        needed: dict[tuple[int, int], bytes] = {}

        def note(level: int, index: int) -> bytes:
            needed[level, index] = b""
            return bytes(32)

        prove(note)
        for level, index in needed:
            needed[level, index] = await self._node(level, index, size)
        return prove(lambda level, index: needed[level, index])

    async def _node(self, level: int, index: int, size: int) -> bytes:
        tile_level, height = divmod(level, SPAN)
        first, count = index << height, 1 << height
        number, at = divmod(first, WIDTH)
        width = min(WIDTH, (size >> (SPAN * tile_level)) - number * WIDTH)
        return root((await self._hashes(tile_level, number, width))[at : at + count])

    async def _hashes(self, level: int, number: int, width: int) -> list[bytes]:
        full = self._full.get((level, number))
        if full is not None:
            self._full.move_to_end((level, number))
            return full[:width]
        hashes = await self._read(level, number, width)
        if width == WIDTH:
            self._full[level, number] = hashes
            if len(self._full) > CACHED:
                self._full.popitem(last=False)
        return hashes

    async def _read(self, level: int, number: int, width: int) -> list[bytes]:
        if level == 0:
            return [leaf_hash(row) for row in await self._commitments(number, width)]
        rows = await self._pool.fetch(
            "SELECT hash FROM evidence.node WHERE level = $1 AND index >= $2 AND index < $3 ORDER BY index",
            level, number * WIDTH, number * WIDTH + width,
        )  # fmt: skip
        return _whole([row[0] for row in rows], width)

    async def _commitments(self, number: int, width: int) -> list[bytes]:
        rows = await self._pool.fetch(
            "SELECT commitment FROM evidence.leaf WHERE index >= $1 AND index < $2 ORDER BY index",
            number * WIDTH, number * WIDTH + width,
        )  # fmt: skip
        return _whole([row[0] for row in rows], width)


def _whole(found: Sequence[bytes], width: int) -> list[bytes]:
    if len(found) != width:
        raise ProofRefused(f"{width} hashes are expected, {len(found)} are there")
    return list(found)
