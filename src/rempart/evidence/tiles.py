"""The ledger as a folder anybody can serve, mirror and check: C2SP tlog-tiles, read and written as streams.

A folder holds `checkpoint`, `log.vkey` (the verifier key, ours: C2SP leaves its distribution open),
`tile/<L>/<N>[.p/<W>]` with up to 256 hashes each, and `tile/entries/<N>[.p/<W>]` with the commitments, each
behind its length on two bytes. Memory is one tile a level, whatever the size. A full tile never changes:
exporting over a folder that disagrees is refused, since one of the two logs was rewritten.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

from rempart.evidence.errors import LeafMissing, LeafRewritten, LedgerUnreadable, RootMismatch
from rempart.evidence.merkle import (
    EMPTY_ROOT,
    HASH_SIZE,
    NodeReader,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    range_root,
    root,
    verify_consistency,
)
from rempart.evidence.note import Checkpoint, VerifierKey, open_checkpoint
from rempart.evidence.proof import format_proof, open_proof

WIDTH = 256
"""Hashes in a full tile; a tile spans 8 levels of the tree."""
SPAN = 8
PART, PART_SPAN = 16, 4
"""Hashes in a part of a tile, and parts in a tile: a leaf's proof needs one part and the parts' roots, not the tile."""
COMMITMENT_SIZE = 32
CHECKPOINT = "checkpoint"
VERIFIER_KEY = "log.vkey"


def tile_path(level: int | str, number: int, width: int = WIDTH) -> str:
    """Where a tile lies, under the folder: `tile/0/x001/x234/067.p/5`. Level is a number, or "entries"."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    *above, last = (digits[at : at + 3] for at in range(0, len(digits), 3))
    path = "/".join(("tile", str(level), *(f"x{part}" for part in above), last))
    return path if width == WIDTH else f"{path}.p/{width}"


def part_roots(hashes: Sequence[bytes]) -> list[bytes]:
    """The roots of a full tile's parts, in order: the tile's root is theirs."""
    return [root(hashes[at : at + PART]) for at in range(0, WIDTH, PART)]


@dataclass(frozen=True)
class Tile:
    """One file of the folder: level ("entries" for the commitments), number, how many it holds, its bytes."""

    level: int | str
    number: int
    width: int
    data: bytes

    @property
    def path(self) -> str:
        """Its place under the folder."""
        return tile_path(self.level, self.number, self.width)


@dataclass
class TileCutter:
    """Cuts a stream of commitments into tiles.

    `push` gives the tiles that became full, `finish` the partial ones on the right edge.
    """

    size: int = 0
    _hashes: list[list[bytes]] = field(default_factory=lambda: [[]])
    _counts: list[int] = field(default_factory=lambda: [0])
    _entries: list[bytes] = field(default_factory=list)

    def push(self, commitment: bytes) -> Sequence[Tile]:
        """Add the next commitment (32 bytes)."""
        if len(commitment) != COMMITMENT_SIZE:
            raise LeafRewritten(
                f"leaf {self.size} has {len(commitment)} bytes, not {COMMITMENT_SIZE}", index=self.size
            )
        self._entries.append(commitment)
        self._hashes[0].append(leaf_hash(commitment))
        self.size += 1
        if len(self._entries) == WIDTH:
            return list(self._cut_full())
        return ()

    def root(self) -> bytes:
        """The tree's root at this size."""
        # The incomplete subtree on the right of a level counts as one more node of the level above.
        rest: list[bytes] = []
        for hashes in self._hashes:
            row = hashes + rest
            rest = [root(row)] if row else []
        return root(rest)

    def finish(self) -> Iterator[Tile]:
        """The partial tiles at this size. An empty tile is never made."""
        if self._entries:
            yield Tile("entries", self.size // WIDTH, len(self._entries), _bundle(self._entries))
        for level, hashes in enumerate(self._hashes):
            if hashes:
                yield Tile(level, self._counts[level], len(hashes), b"".join(hashes))

    def _cut_full(self) -> Iterator[Tile]:
        yield Tile("entries", self.size // WIDTH - 1, WIDTH, _bundle(self._entries))
        self._entries = []
        level = 0
        while len(self._hashes[level]) == WIDTH:
            full = self._hashes[level]
            yield Tile(level, self._counts[level], WIDTH, b"".join(full))
            if level + 1 == len(self._hashes):
                self._hashes.append([])
                self._counts.append(0)
            self._hashes[level + 1].append(root(full))
            self._hashes[level] = []
            self._counts[level] += 1
            level += 1


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Export:
    """What an export wrote: the checkpoint published, files written, files found already there."""

    checkpoint: Checkpoint
    written: int
    kept: int


def export_tiles(folder: Path, leaves: Iterable[bytes], note: bytes, key: VerifierKey) -> Export:
    """Write the first `size` leaves of the log, then publish the checkpoint that says `size`.

    `leaves` are commitments in index order; what follows the checkpoint's size is not read. The checkpoint is
    verified first and put in place last, so that a reader never meets one whose tiles are missing. Raises
    `NoteMalformed`, `NoteRefused`, `LeafMissing`, `RootMismatch`, `LeafRewritten` (the folder holds another
    history), `LedgerUnreadable`.
    """
    checkpoint = open_checkpoint(note, key)
    try:
        former = _read_former(folder, key)
        completed, written, kept = _write_tiles(folder, leaves, checkpoint, former, TileCutter(), None)
        _publish(folder, note, key, completed)
    except OSError as error:
        raise LedgerUnreadable(f"the folder cannot be written: {error.strerror}") from error
    return Export(checkpoint, written, kept)


def extend_tiles(folder: Path, leaves: Iterable[bytes], note: bytes, key: VerifierKey) -> Export:
    """Go on from the checkpoint that the folder holds (from nothing in an empty one): `leaves` follow it, in index order.

    What the folder holds is first brought to the root that was signed for it, from its right edge; then every leaf is added and the new
    root compared: so the new log begins with the old one, or `RootMismatch`. Nothing already there is read again but the right edge.
    Raises as `export_tiles`.
    """
    checkpoint = open_checkpoint(note, key)
    try:
        former = _read_former(folder, key)
        cutter = _resume(folder, former.size) if former is not None else TileCutter()
        completed, written, kept = _write_tiles(folder, leaves, checkpoint, former, cutter, cutter.size)
        _publish(folder, note, key, completed)
    except OSError as error:
        raise LedgerUnreadable(f"the folder cannot be written: {error.strerror}") from error
    return Export(checkpoint, written, kept)


def _resume(folder: Path, size: int) -> TileCutter:
    """A cutter at this size, from the tiles on the right edge of the folder."""
    full = size // WIDTH * WIDTH
    hashes: list[list[bytes]] = [[]]
    counts = [full // WIDTH]
    level = 1
    while (nodes := full >> (SPAN * level)) > 0:
        # The tile was cut at `size`, whose partial leaves make no node of this level: as many hashes.
        width = nodes % WIDTH
        hashes.append(_hashes(_read_tile(folder, level, nodes // WIDTH, width)) if width else [])
        counts.append(nodes // WIDTH)
        level += 1
    cutter = TileCutter(full, hashes, counts)
    if size > full:
        bundle = _read_tile(folder, "entries", full // WIDTH, size - full)
        for commitment in _unbundle(bundle, full, size - full):
            cutter.push(commitment)
    return cutter


def _publish(folder: Path, note: bytes, key: VerifierKey, completed: list[Tile]) -> None:
    # The checkpoint last: a reader never meets one whose tiles are missing.
    _put(folder / VERIFIER_KEY, f"{key.text()}\n".encode())
    _put(folder / CHECKPOINT, note)
    for tile in completed:
        shutil.rmtree(folder / f"{tile.path}.p", ignore_errors=True)


def _read_former(folder: Path, key: VerifierKey) -> Checkpoint | None:
    if (folder / CHECKPOINT).exists():
        return read_checkpoint(folder, key)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "tile").is_dir():
        raise LedgerUnreadable("the folder holds something else than a ledger: choose an empty one")
    return None


def _write_tiles(
    folder: Path,
    leaves: Iterable[bytes],
    checkpoint: Checkpoint,
    former: Checkpoint | None,
    cutter: TileCutter,
    vouched: int | None,
) -> tuple[list[Tile], int, int]:
    # Gives the full tiles that are new (without their bytes), and how many files were written and kept.
    stream = iter(leaves)
    completed: list[Tile] = []
    kept = 0
    _require_growth(former, cutter, checkpoint)
    while cutter.size < checkpoint.size:
        commitment = next(stream, None)
        if commitment is None:
            raise LeafMissing(
                f"the log ends after {cutter.size} leaves, its checkpoint says {checkpoint.size}",
                index=cutter.size,
            )
        for tile in cutter.push(commitment):
            if _put_full(folder, tile, vouched):
                completed.append(replace(tile, data=b""))
            else:
                kept += 1
        _require_growth(former, cutter, checkpoint)
    _require_root(cutter, checkpoint)
    partials = list(cutter.finish())
    for tile in partials:
        _put(folder / tile.path, tile.data)
    return completed, len(completed) + len(partials), kept


def _require_growth(former: Checkpoint | None, cutter: TileCutter, checkpoint: Checkpoint) -> None:
    if former is None:
        return
    if former.size > checkpoint.size:
        raise LeafMissing(
            f"the log is shorter than it was: {checkpoint.size} leaves after {former.size}",
            index=checkpoint.size,
        )
    if former.size == cutter.size and former.root != cutter.root():
        raise RootMismatch(f"the first {former.size} leaves are not those of the older checkpoint")


def _put_full(folder: Path, tile: Tile, vouched: int | None) -> bool:
    # A full tile is immutable: what is there already must be the same; but for what an update that was refused or cut short left
    # beyond the leaves that a checkpoint vouches for.
    place = folder / tile.path
    if not place.exists() or (vouched is not None and _first_index(tile, WIDTH) > vouched):
        _put(place, tile.data)
        return True
    if place.read_bytes() != tile.data:
        first = _first_index(tile)
        raise LeafRewritten(f"{tile.path} was exported with other bytes: the log was rewritten", index=first)
    return False


def _put(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    staged = place.with_name(f".{place.name}.part")
    staged.write_bytes(data)
    staged.replace(place)


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Verified:
    """What a folder was verified to be: the signed checkpoint, and how many tile files were recomputed and
    compared.
    """

    checkpoint: Checkpoint
    key: VerifierKey
    tiles: int


def read_verifier_key(folder: Path) -> VerifierKey:
    """The key that the folder itself names.

    It proves nothing about who signs: compare it with a key got elsewhere.
    """
    return VerifierKey.parse(_read(folder, VERIFIER_KEY).decode("utf-8", "replace").strip())


def read_checkpoint(folder: Path, key: VerifierKey) -> Checkpoint:
    """The folder's checkpoint, once its signature is verified."""
    return open_checkpoint(_read(folder, CHECKPOINT), key)


def read_leaves(folder: Path, size: int, first: int = 0) -> Iterator[bytes]:
    """The commitments of the leaves from `first` on and before `size`, in order.

    Raises `LedgerUnreadable`, `LeafRewritten` for a malformed bundle.
    """
    for number in range(first // WIDTH, -(-size // WIDTH)):
        width = min(WIDTH, size - number * WIDTH)
        tile = _read_tile(folder, "entries", number, width)
        skipped = max(0, first - number * WIDTH)
        yield from islice(_unbundle(tile, number * WIDTH, width), skipped, None)


def verify_folder(folder: Path, key: VerifierKey, *, since: Checkpoint | None = None) -> Verified:
    """Recompute every hash of the folder from its entries, compare every tile, then the root with the signed
    checkpoint.

    With `since`, an older checkpoint that the reader kept, also that the log only grew after it. Raises
    `NoteMalformed`, `NoteRefused`, `LedgerUnreadable` (a file is missing), `LeafRewritten` (with the first
    index of the hash that differs), `LeafMissing`, `RootMismatch`.
    """
    checkpoint = read_checkpoint(folder, key)
    cutter = TileCutter()
    tiles = 0
    _require_growth(since, cutter, checkpoint)
    for commitment in read_leaves(folder, checkpoint.size):
        for tile in cutter.push(commitment):
            _require_same(folder, tile)
            tiles += 1
        _require_growth(since, cutter, checkpoint)
    for tile in cutter.finish():
        _require_same(folder, tile)
        tiles += 1
    _require_root(cutter, checkpoint)
    return Verified(checkpoint, key, tiles)


def _require_same(folder: Path, tile: Tile) -> None:
    if tile.level == "entries":
        return  # these are what the other tiles are recomputed from
    stored = _read_tile(folder, tile.level, tile.number, tile.width)
    if stored != tile.data:
        where = next(at for at in range(tile.width) if _hashes(stored)[at] != _hashes(tile.data)[at])
        raise LeafRewritten(f"{tile.path} does not follow from the entries", index=_first_index(tile, where))


def prove_leaf(folder: Path, index: int, key: VerifierKey) -> bytes:
    """The tlog-proof file of one leaf, from the few tiles it needs. Verified before it is handed out.

    Raises as `verify_folder`, and `ProofRefused`.
    """
    note = _read(folder, CHECKPOINT)
    size = open_checkpoint(note, key).size
    path = prove_inclusion(_node_reader(folder, size), index, size)
    number = index // WIDTH
    width = min(WIDTH, size - number * WIDTH)
    bundle = _read_tile(folder, "entries", number, width)
    commitment = list(_unbundle(bundle, number * WIDTH, width))[index % WIDTH]
    proof = format_proof(index, commitment, path, note)
    open_proof(proof, key)
    return proof


def prove_growth(folder: Path, old: Checkpoint, key: VerifierKey) -> tuple[bytes, ...]:
    """That the folder's log begins with the one of an older checkpoint. Verified before it is handed out."""
    checkpoint = read_checkpoint(folder, key)
    path = prove_consistency(_node_reader(folder, checkpoint.size), old.size, checkpoint.size)
    verify_consistency(old.size, old.root, checkpoint.size, checkpoint.root, path)
    return tuple(path)


def root_at(folder: Path, checkpoint: Checkpoint, size: int) -> bytes:
    """The root over the first `size` leaves of a folder whose checkpoint is this one."""
    return range_root(_node_reader(folder, checkpoint.size), 0, size) if size else EMPTY_ROOT


def _node_reader(folder: Path, size: int) -> NodeReader:
    @lru_cache(maxsize=64)
    def tile_hashes(level: int, number: int) -> list[bytes]:
        width = min(WIDTH, (size >> (SPAN * level)) - number * WIDTH)
        return _hashes(_read_tile(folder, level, number, width))

    def read(level: int, index: int) -> bytes:
        # A node between two tile levels is the root over the hashes below it in its tile.
        tile_level, height = divmod(level, SPAN)
        first = index << height
        hashes = tile_hashes(tile_level, first // WIDTH)
        at = first % WIDTH
        return root(hashes[at : at + (1 << height)])

    return read


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise LedgerUnreadable(f"{name} cannot be read: {error.strerror}") from error


def _read_tile(folder: Path, level: int | str, number: int, width: int) -> bytes:
    # C2SP: a partial tile may be gone once the full one is there; then its beginning serves.
    path = tile_path(level, number, width)
    if width < WIDTH and not (folder / path).exists() and (folder / tile_path(level, number)).exists():
        path = tile_path(level, number)
    unit = HASH_SIZE if level != "entries" else COMMITMENT_SIZE + 2
    data = _read(folder, path)
    if len(data) < width * unit:
        raise LeafMissing(f"{path} is cut short", index=None)
    if path == tile_path(level, number, width) and len(data) != width * unit:
        raise LeafRewritten(f"{path} is too long")
    return data[: width * unit]


def _bundle(entries: list[bytes]) -> bytes:
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unbundle(data: bytes, first: int, width: int) -> Sequence[bytes]:
    """The commitments of an entry bundle that somebody sent. Raises `LeafRewritten` when it is not one of `width` entries."""
    if len(data) < width * (COMMITMENT_SIZE + 2):
        raise LeafMissing(f"the entries from {first} on are cut short", index=first)
    return list(_unbundle(data, first, width))


def _unbundle(data: bytes, first: int, width: int) -> Iterator[bytes]:
    unit = COMMITMENT_SIZE + 2
    for at in range(width):
        entry = data[at * unit : (at + 1) * unit]
        if entry[:2] != COMMITMENT_SIZE.to_bytes(2, "big"):
            raise LeafRewritten(
                f"entry {first + at} is not a commitment of {COMMITMENT_SIZE} bytes", index=first + at
            )
        yield entry[2:]


def _hashes(data: bytes) -> list[bytes]:
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def _first_index(tile: Tile, at: int = 0) -> int:
    level = 0 if isinstance(tile.level, str) else tile.level
    return (tile.number * WIDTH + at) << (SPAN * level)


def _require_root(cutter: TileCutter, checkpoint: Checkpoint) -> None:
    computed = cutter.root()
    if computed != checkpoint.root:
        raise RootMismatch(
            f"{cutter.size} leaves hash to {computed.hex()}, the checkpoint says {checkpoint.root.hex()}"
        )
