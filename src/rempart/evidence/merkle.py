"""Merkle trees of RFC 6962 §2.1 and RFC 9162 §2.1, SHA-256: hashes, roots, proofs. Pure: bytes in, bytes out,
no I/O.

A leaf hash and a node hash are 32 bytes and differ in their first input byte, so that a node can never be
shown as a leaf. Verification returns nothing and raises `ProofRefused`: there is no boolean to forget.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from rempart.evidence.errors import FrontierMalformed, ProofRefused

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves (RFC 9162 §2.1.1)."""
MAX_SIZE = 2**63 - 1
"""Tree sizes are PostgreSQL bigints."""

NodeReader = Callable[[int, int], bytes]
"""(level, index) → hash of the full subtree over the 2**level leaves that start at index × 2**level; level 0
is a leaf hash.
"""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data), RFC 9162 §2.1.1."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), RFC 9162 §2.1.1."""
    return sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over leaf hashes, in order.

    Level by level, a node without a right neighbour rising as it is, gives the RFC's MTH.
    """
    level = list(leaf_hashes)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        pairs = iter(level)
        above = [node_hash(left, right) for left, right in zip(pairs, pairs, strict=False)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


class Frontier:
    """The right edge of a growing tree: the roots of its full subtrees, largest first, one for each bit set
    in its size.

    It is all that is needed to append and to give the root, whatever the size: at most 63 hashes. RFC 9162
    §2.1.2 describes the algorithm.
    """

    __slots__ = ("_nodes", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._nodes: list[bytes] = []

    @property
    def size(self) -> int:
        """How many leaves."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Append one leaf hash (32 bytes)."""
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Append leaf hashes in order.

        About two SHA-256 a leaf. All or nothing: a hash of a wrong length leaves it as it was.
        """
        size, nodes = self._size, self._nodes.copy()
        for leaf in leaves:
            if len(leaf) != HASH_SIZE:
                raise ProofRefused(f"leaf hash {size} has {len(leaf)} bytes, not {HASH_SIZE}")
            node, carry = leaf, size
            while carry & 1:
                node = sha256(b"\x01" + nodes.pop() + node).digest()
                carry >>= 1
            nodes.append(node)
            size += 1
        self._size, self._nodes = size, nodes

    def root(self) -> bytes:
        """The root at this size (32 bytes)."""
        if not self._nodes:
            return EMPTY_ROOT
        result = self._nodes[-1]
        for node in reversed(self._nodes[:-1]):
            result = node_hash(node, result)
        return result

    def copy(self) -> "Frontier":
        """Another frontier at the same point."""
        other = Frontier()
        other._size, other._nodes = self._size, self._nodes.copy()
        return other

    def serialise(self) -> bytes:
        """Size (8 bytes, big-endian), then the subtree roots, largest first (32 bytes each)."""
        return self._size.to_bytes(8, "big") + b"".join(self._nodes)

    @classmethod
    def restore(cls, data: bytes) -> "Frontier":
        """The frontier that was serialised. Raises `FrontierMalformed`."""
        size = int.from_bytes(data[:8], "big")
        if len(data) < 8 or size > MAX_SIZE or len(data) != 8 + HASH_SIZE * size.bit_count():
            raise FrontierMalformed(f"{len(data)} bytes do not hold the frontier of a tree of {size} leaves")
        frontier = cls()
        frontier._size = size
        frontier._nodes = [data[at : at + HASH_SIZE] for at in range(8, len(data), HASH_SIZE)]
        return frontier


# ── making proofs ───────────────────────────────────────────────────────────────────────────────────────────


def nodes_in_memory(leaf_hashes: Sequence[bytes]) -> NodeReader:
    """Read full subtrees from leaf hashes held in memory (small trees and tests)."""

    def read(level: int, index: int) -> bytes:
        start, end = index << level, (index + 1) << level
        if end > len(leaf_hashes):
            raise ProofRefused(f"no full subtree of level {level} at {index} in {len(leaf_hashes)} leaves")
        return root(leaf_hashes[start:end])

    return read


def range_root(read: NodeReader, start: int, end: int) -> bytes:
    """The MTH of leaves start (included) to end (excluded), where start is a multiple of the smallest power
    of two ≥ end − start.
    """
    width = end - start
    parts: list[bytes] = []
    while width:
        level = width.bit_length() - 1
        parts.append(read(level, start >> level))
        start += 1 << level
        width -= 1 << level
    if not parts:
        return EMPTY_ROOT
    result = parts.pop()
    while parts:
        result = node_hash(parts.pop(), result)
    return result


def prove_inclusion(read: NodeReader, index: int, size: int) -> list[bytes]:
    """PATH(index, D_size) of RFC 9162 §2.1.3.1: the sibling hashes from the leaf up.

    Raises `ProofRefused` beyond the size.
    """
    if not 0 <= index < size:
        raise ProofRefused(f"no leaf {index} in a tree of {size} leaves")
    path: list[bytes] = []
    level, position, last = 0, index, size - 1
    while last:
        sibling = position ^ 1
        if sibling < last or (sibling == last and (last + 1) << level == size):
            path.append(read(level, sibling))
        elif sibling == last:
            # The right edge: not full, hence made of several full subtrees.
            path.append(range_root(read, sibling << level, size))
        level, position, last = level + 1, position >> 1, last >> 1
    return path


def prove_consistency(read: NodeReader, old_size: int, size: int) -> list[bytes]:
    """PROOF(old_size, D_size) of RFC 9162 §2.1.4.1.

    Empty when the sizes are equal. Raises `ProofRefused` unless 0 < old_size ≤ size.
    """
    if not 0 < old_size <= size:
        raise ProofRefused(f"no consistency proof from {old_size} to {size} leaves")
    start, end = 0, size
    # The b of SUBPROOF: the old tree is still what remains on the left, so the verifier knows its root.
    whole = True
    ranges: list[tuple[int, int]] = []
    while old_size != end:
        middle = start + _left_width(end - start)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, whole = middle, False
    if not whole:
        ranges.append((start, end))
    return [range_root(read, low, high) for low, high in reversed(ranges)]


def _left_width(width: int) -> int:
    # The largest power of two smaller than width (RFC 9162 §2.1.1).
    return 1 << ((width - 1).bit_length() - 1)


# ── verifying proofs ────────────────────────────────────────────────────────────────────────────────────────


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes) -> None:
    """RFC 9162 §2.1.3.2: the leaf hash stands at index in the tree of that size and root.

    Raises `ProofRefused`.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofRefused(f"no leaf {index} in a tree of {size} leaves")
    _require_hashes(leaf, *proof)
    position, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofRefused("the proof is too long")
        if position & 1 or position == last:
            result = node_hash(sibling, result)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            result = node_hash(result, sibling)
        position >>= 1
        last >>= 1
    if last:
        raise ProofRefused("the proof is too short")
    _require_root(result, root_hash)


def verify_consistency(
    old_size: int, old_root: bytes, size: int, root_hash: bytes, proof: Sequence[bytes]
) -> None:
    """RFC 9162 §2.1.4.2: the old tree is the beginning of the new one. Raises `ProofRefused`.

    An empty old tree is refused: everything begins with nothing, so such a proof would say nothing.
    """
    if old_size <= 0:
        raise ProofRefused("a consistency proof from an empty tree says nothing")
    if old_size == size:
        # Same size, so same tree: only the roots are left to compare.
        if proof:
            raise ProofRefused("the proof is too long")
        _require_root(old_root, root_hash)
        return
    verify_subtree_consistency(0, old_size, old_root, size, root_hash, proof)


def verify_subtree_inclusion(
    leaf: bytes, index: int, start: int, end: int, proof: Sequence[bytes], subtree_root: bytes
) -> None:
    """The leaf stands at index inside the subtree [start, end) (draft-ietf-plants-merkle-tree-certs, subtree
    inclusion). Raises `ProofRefused`.
    """
    _require_subtree(start, end)
    verify_inclusion(leaf, index - start, end - start, proof, subtree_root)


def verify_subtree_consistency(
    start: int, end: int, subtree_root: bytes, size: int, root_hash: bytes, proof: Sequence[bytes]
) -> None:
    """The subtree [start, end) belongs to the tree of that size and root. Raises `ProofRefused`.

    The algorithm is that of draft-ietf-plants-merkle-tree-certs, subtree consistency; with start 0 it is RFC
    9162 §2.1.4.2. An empty subtree belongs to every tree: its root is the empty one and its proof is empty.
    """
    if end > size or size > MAX_SIZE:
        raise ProofRefused(f"the subtree ends at {end}, beyond the tree's {size} leaves")
    _require_subtree(start, end)
    _require_hashes(*proof)
    if start == end:
        if proof:
            raise ProofRefused("the proof is too long")
        _require_root(subtree_root, EMPTY_ROOT)
        return
    first, last, top = start, end - 1, size - 1
    # Climb to the lowest full node on the subtree's right edge: below it both trees are the same.
    while first != last and (last == top or last & 1):
        first, last, top = first >> 1, last >> 1, top >> 1
    if first == last:
        seed, path = subtree_root, proof
    elif proof:
        seed, path = proof[0], proof[1:]
    else:
        raise ProofRefused("the proof is too short")
    small, large = _climb(seed, first, last, top, path)
    _require_root(small, subtree_root)
    _require_root(large, root_hash)


def _climb(seed: bytes, first: int, last: int, top: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    # The roots that the path leads to: of the subtree, whose part is what lies to its left only, and of the
    # whole tree.
    small = large = seed
    for sibling in path:
        if top == 0:
            raise ProofRefused("the proof is too long")
        if last & 1 or last == top:
            if first < last:
                small = node_hash(sibling, small)
            large = node_hash(sibling, large)
            while not last & 1 and last:
                first, last, top = first >> 1, last >> 1, top >> 1
        else:
            large = node_hash(large, sibling)
        first, last, top = first >> 1, last >> 1, top >> 1
    if top:
        raise ProofRefused("the proof is too short")
    return small, large


def _require_subtree(start: int, end: int) -> None:
    if not 0 <= start <= end <= MAX_SIZE:
        raise ProofRefused(f"[{start}, {end}) is no subtree")
    # A subtree starts at a multiple of the smallest power of two that holds it.
    if end - start > 1 and start % (1 << (end - start - 1).bit_length()):
        raise ProofRefused(f"[{start}, {end}) is no subtree")


def _require_hashes(*hashes: bytes) -> None:
    for value in hashes:
        if len(value) != HASH_SIZE:
            raise ProofRefused(f"a hash has {len(value)} bytes, not {HASH_SIZE}")


def _require_root(computed: bytes, expected: bytes) -> None:
    if computed != expected:
        raise ProofRefused(f"the proof leads to {computed.hex()}, not to {expected.hex()}")
