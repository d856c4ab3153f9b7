"""Inclusion proofs of many answers at once: each entry is opened against its leaf, each leaf proved under the published checkpoint.

The tree is read by tiles, each once, and believed only as far as it leads to the signed root.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from rempart.evidence.cosignature import Cosignature, WitnessKey, open_cosigned
from rempart.evidence.errors import LeafMissing, LeafRewritten, OpeningMalformed, ProofRefused, RootMismatch
from rempart.evidence.merkle import HASH_SIZE, leaf_hash, node_hash, prove_inclusion, verify_inclusion
from rempart.evidence.note import Checkpoint, VerifierKey
from rempart.evidence.opening import Opening, verify_opening
from rempart.evidence.proof import format_proof, open_proof
from rempart.evidence.store import latest_checkpoint
from rempart.evidence.tiles import PART, PART_SPAN, SPAN, WIDTH
from rempart.incident.scope_store import Connection, read_openings, read_part_roots, read_tiles

Pyramid = list[list[bytes]]
"""Roots of full subtrees, by height."""
TILES_AT_ONCE = 2_048
"""Of leaves, in memory: some 10 MB; some 70 MB where their parts' roots are not kept."""


@dataclass(frozen=True, slots=True)
class Published:
    """The checkpoint under which everything is proved: verified with the log's key, and with those witnesses' who cosigned."""

    note: bytes
    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What whoever doubts is handed of one answer: it verifies alone, with the log's key. A line of a proofs' file."""

    index: int
    salt: str
    """Hexadecimal."""
    opening: str
    """The 104 bytes, hexadecimal."""
    proof: str
    """C2SP tlog-proof."""


def read_published(c: Connection, key: VerifierKey, witnesses: Sequence[WitnessKey] = ()) -> Published:
    """Raises LeafMissing before the first checkpoint, NoteMalformed, NoteRefused."""
    note = latest_checkpoint(c)
    cosigned = open_cosigned(note, key, witnesses)
    return Published(note, cosigned.checkpoint, cosigned.cosignatures)


def prove_answers(
    c: Connection, published: Published, indexes: Iterable[int], *, at_once: int = TILES_AT_ONCE
) -> list[Shown]:
    """Salt, opening and proof of each of these entries that the checkpoint covers, in index order; what is younger waits for the next one.

    `at_once`: tiles of leaves in memory. Raises LeafMissing, LeafRewritten, RootMismatch: then nothing here is to be believed.
    """
    signed = published.checkpoint
    covered = sorted({index for index in indexes if index < signed.size})
    tree = ReadTree.above(c, covered, signed.size)
    shown: list[Shown] = []
    for some in _by_tiles(covered, at_once):
        tree.read_leaves(c, some)
        shown += (_prove(tree, published, *opened) for opened in read_openings(c, some))
    if len(shown) != len(covered):
        gone = min(set(covered) - {each.index for each in shown})
        raise LeafMissing(f"the entry of leaf {gone} is missing", index=gone)
    return shown


def _prove(
    tree: "ReadTree", published: Published, index: int, commitment: bytes, salt: bytes, opening: bytes
) -> Shown:
    signed = published.checkpoint
    _require_opening(index, commitment, salt, opening)
    path = prove_inclusion(tree.node, index, signed.size)
    try:
        verify_inclusion(leaf_hash(commitment), index, signed.size, path, signed.root)
    except ProofRefused as error:
        raise RootMismatch(f"leaf {index} does not lead to the root that was signed", index=index) from error
    proof = format_proof(index, commitment, path, published.note).decode()
    return Shown(index, salt.hex(), opening.hex(), proof)


def _by_tiles(indexes: Sequence[int], at_once: int) -> Iterator[list[int]]:
    """The same, in order, in runs that lie in so many tiles at the most."""
    some: list[int] = []
    tiles = 0
    for index in indexes:
        if not some or index >> SPAN != some[-1] >> SPAN:
            if tiles == at_once:
                yield some
                some, tiles = [], 0
            tiles += 1
        some.append(index)
    if some:
        yield some


def verify_shown(shown: Shown, key: VerifierKey, witnesses: Sequence[WitnessKey] = ()) -> Opening:
    """Check one line alone, offline: opening, leaf, path, signatures. Raises what `open_proof` and `verify_opening` raise."""
    proved = open_proof(shown.proof.encode(), key, witnesses)
    try:
        salt, opening = bytes.fromhex(shown.salt), bytes.fromhex(shown.opening)
    except ValueError as error:
        raise OpeningMalformed("salt and opening are hexadecimal") from error
    if proved.index != shown.index:
        raise OpeningMalformed(f"the proof is of leaf {proved.index}")
    return verify_opening(proved.commitment, salt, opening)


def _require_opening(index: int, commitment: bytes, salt: bytes, opening: bytes) -> None:
    try:
        verify_opening(commitment, salt, opening)
    except (LeafRewritten, OpeningMalformed) as error:
        raise LeafRewritten(
            f"the entry of leaf {index} is not what the leaf commits to", index=index
        ) from error


# ── the tree ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class ReadTree:
    """Tiles of a log of `size` leaves: those above some leaves, those on its right edge, and some of the leaves' own at a time: of these,
    the part around each leaf and the parts' roots, where they are kept. A tile or part is hashed once, up to its root.
    """

    size: int
    _above: dict[tuple[int, int], Pyramid] = field(default_factory=dict)
    """Level and number → pyramid; the right edge's at level 0 too."""
    _whole: dict[int, Pyramid] = field(default_factory=dict)
    """Tiles of leaves."""
    _parts: dict[int, Pyramid] = field(default_factory=dict)
    """Of leaves, by their number in the log."""
    _over_parts: dict[int, Pyramid] = field(default_factory=dict)
    """Tile → over its parts' roots."""

    @classmethod
    def above(cls, c: Connection, indexes: Sequence[int], size: int) -> "ReadTree":
        """What the proofs of these leaves need, but for the leaves' own tiles. Raises LeafMissing where the database lacks a row of it."""
        tree, level = cls(size), 0
        while size >> (SPAN * level):
            numbers = {index >> (SPAN * (level + 1)) for index in (*(indexes if level else ()), size)}
            for number, data in read_tiles(c, level, numbers, size):
                tree._above[level, number] = pyramid(split_tile(level, number, data, size))
            level += 1
        return tree

    def read_leaves(self, c: Connection, indexes: Sequence[int]) -> None:
        """The tiles of these leaves, in the place of those before. Raises LeafMissing."""
        tiles = {index >> SPAN for index in indexes}
        # A tile that was filled since is not full in a log of this size.
        kept = read_part_roots(c, (number for number in tiles if number < self.size >> SPAN))
        self._over_parts = {number: pyramid(_split(roots)) for number, roots in kept.items()}
        parts = {index >> PART_SPAN for index in indexes if index >> SPAN in kept}
        self._parts = {
            number: pyramid(split_tile(0, number, data, self.size, width=PART))
            for number, data in read_tiles(c, 0, parts, self.size, width=PART)
        }
        self._whole = {
            number: pyramid(split_tile(0, number, data, self.size))
            for number, data in read_tiles(c, 0, tiles - kept.keys(), self.size)
        }

    def node(self, level: int, index: int) -> bytes:
        """The root of the full subtree over the 2**level leaves from index × 2**level on."""
        tile_level, height = divmod(level, SPAN)
        number, at = divmod(index << height, WIDTH)
        if tile_level == 0 and number in self._over_parts:
            if height >= PART_SPAN:
                return self._over_parts[number][height - PART_SPAN][at >> height]
            return self._parts[index << height >> PART_SPAN][height][at % PART >> height]
        found = self._whole.get(number) if tile_level == 0 else None
        return (found or self._above[tile_level, number])[height][at >> height]


def split_tile(level: int, number: int, data: bytes, size: int, *, width: int = WIDTH) -> list[bytes]:
    """The hashes of a tile, as many as a log of this size has there; `width`: of a part. Raises LeafMissing."""
    wanted = max(0, min(width, (size >> (SPAN * level)) - number * width))
    if len(data) != wanted * HASH_SIZE:
        first = number * width << (SPAN * level)
        raise LeafMissing(f"something of the leaves from {first} on is missing", index=first)
    return _split(data)


def _split(data: bytes) -> list[bytes]:
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def pyramid(hashes: list[bytes]) -> Pyramid:
    """The roots of all full subtrees over these hashes, by height."""
    floors = [hashes]
    while len(floors[-1]) > 1:
        row = floors[-1]
        # An odd one out at the right edge is in no full subtree.
        floors.append(list(map(node_hash, row[::2], row[1::2])))
    return floors
