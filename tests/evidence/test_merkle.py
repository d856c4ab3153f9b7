"""Trees: the frontier agrees with the RFC's definition and with another implementation, and no forged proof
passes.
"""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from rempart.evidence import merkle
from rempart.evidence.errors import FrontierMalformed, ProofRefused
from rempart.evidence.merkle import Frontier

SIZES = st.integers(min_value=1, max_value=300)


def _leaves(count: int) -> list[bytes]:
    return [merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(count)]


def _mth(leaves: list[bytes]) -> bytes:
    # RFC 9162 §2.1.1, word for word: the slow definition.
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + _mth(leaves[:k]) + _mth(leaves[k:])).digest()


def _frontier(leaves: list[bytes]) -> Frontier:
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier


def _flip(value: bytes, bit: int) -> bytes:
    return (int.from_bytes(value, "big") ^ (1 << bit)).to_bytes(len(value), "big")


def test_known_roots_of_rfc_6962_implementations() -> None:
    # The eight inputs used by every Certificate Transparency implementation since its first.
    inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    leaves = [merkle.leaf_hash(bytes.fromhex(text)) for text in inputs]
    expected = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert merkle.root(leaves).hex() == expected
    assert _frontier(leaves).root().hex() == expected
    assert merkle.EMPTY_ROOT == Frontier().root() == merkle.root([])


def test_pymerkle_agrees_on_roots_and_proofs() -> None:
    tree = InmemoryTree(algorithm="sha256")
    leaves: list[bytes] = []
    for number in range(70):
        data = number.to_bytes(4, "big")
        tree.append_entry(data)
        leaves.append(merkle.leaf_hash(data))
        assert merkle.root(leaves) == _frontier(leaves).root() == tree.get_root()
    read = merkle.nodes_in_memory(leaves)
    for size in (1, 2, 3, 33, 64, 70):
        for index in range(size):
            theirs = tree.prove_inclusion(index + 1, size)
            assert merkle.prove_inclusion(read, index, size) == theirs.path[1:]


@given(SIZES, st.data())
def test_frontier_gives_the_rfc_root_however_it_is_filled_and_stored(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    cut = data.draw(st.integers(0, size))
    frontier = Frontier.restore(_frontier(leaves[:cut]).serialise())
    before = frontier.copy()
    frontier.extend(leaves[cut:])
    assert frontier.size == size
    assert frontier.root() == _mth(leaves) == merkle.root(leaves)
    assert (before.size, before.root()) == (cut, _mth(leaves[:cut]))


@given(SIZES)
def test_inclusion_of_every_index_verifies(size: int) -> None:
    leaves = _leaves(size)
    read, root = merkle.nodes_in_memory(leaves), _mth(leaves)
    step = max(1, size // 40)
    for index in {*range(0, size, step), size - 1}:
        proof = merkle.prove_inclusion(read, index, size)
        merkle.verify_inclusion(leaves[index], index, size, proof, root)
        with pytest.raises(ProofRefused):
            merkle.verify_inclusion(leaves[index], index, size, [*proof, root], root)
        if size > 1:
            with pytest.raises(ProofRefused):
                merkle.verify_inclusion(leaves[index], (index + 1) % size, size, proof, root)
            with pytest.raises(ProofRefused):
                merkle.verify_inclusion(leaves[index], index, size, proof[:-1], root)


@given(SIZES, st.data())
def test_consistency_of_every_older_size_verifies(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    old = data.draw(st.integers(1, size))
    proof = merkle.prove_consistency(merkle.nodes_in_memory(leaves), old, size)
    old_root, root = _mth(leaves[:old]), _mth(leaves)
    merkle.verify_consistency(old, old_root, size, root, proof)
    with pytest.raises(ProofRefused):
        merkle.verify_consistency(old, _flip(old_root, 0), size, root, proof)


@given(st.integers(2, 300), st.data())
def test_any_single_bit_changed_in_a_proof_is_refused(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    read, root = merkle.nodes_in_memory(leaves), _mth(leaves)
    index, bit = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, 255))
    proof = merkle.prove_inclusion(read, index, size)
    at = data.draw(st.integers(0, len(proof) - 1))
    forged = [*proof[:at], _flip(proof[at], bit), *proof[at + 1 :]]
    for leaf, path, top in (
        (leaves[index], forged, root),
        (_flip(leaves[index], bit), proof, root),
        (leaves[index], proof, _flip(root, bit)),
    ):
        with pytest.raises(ProofRefused):
            merkle.verify_inclusion(leaf, index, size, path, top)
    old = data.draw(st.integers(1, size - 1))
    proof = merkle.prove_consistency(read, old, size)
    at = data.draw(st.integers(0, len(proof) - 1))
    forged = [*proof[:at], _flip(proof[at], bit), *proof[at + 1 :]]
    with pytest.raises(ProofRefused):
        merkle.verify_consistency(old, _mth(leaves[:old]), size, root, forged)


@given(SIZES, st.data())
def test_any_single_bit_changed_in_a_leaf_changes_the_root(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    index, bit = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, 255))
    rewritten = [*leaves[:index], _flip(leaves[index], bit), *leaves[index + 1 :]]
    assert _frontier(rewritten).root() != _frontier(leaves).root()


def test_two_leaves_swapped_change_the_root() -> None:
    leaves = _leaves(20)
    swapped = leaves.copy()
    swapped[3], swapped[17] = swapped[17], swapped[3]
    assert _frontier(swapped).root() != _frontier(leaves).root()


def test_a_log_rewritten_before_it_grew_is_not_consistent() -> None:
    leaves = _leaves(40)
    old_root = _mth(leaves[:25])
    rewritten = [*leaves[:10], merkle.leaf_hash(b"other"), *leaves[11:]]
    proof = merkle.prove_consistency(merkle.nodes_in_memory(rewritten), 25, 40)
    with pytest.raises(ProofRefused):
        merkle.verify_consistency(25, old_root, 40, _mth(rewritten), proof)


def test_a_shrunken_log_has_no_consistency_proof() -> None:
    leaves = _leaves(40)
    with pytest.raises(ProofRefused):
        merkle.verify_consistency(40, _mth(leaves), 25, _mth(leaves[:25]), [])
    with pytest.raises(ProofRefused):
        merkle.prove_consistency(merkle.nodes_in_memory(leaves), 41, 40)


def test_a_subtree_stands_in_its_tree() -> None:
    # [8, 13) in 13 and in 20 leaves: sibling by sibling, as draft-ietf-plants-merkle-tree-certs builds the
    # proof.
    leaves = _leaves(20)
    subtree = _mth(leaves[8:13])
    merkle.verify_subtree_consistency(8, 13, subtree, 13, _mth(leaves[:13]), [_mth(leaves[:8])])
    proof = [
        leaves[12],
        leaves[13],
        _mth(leaves[14:16]),
        _mth(leaves[8:12]),
        _mth(leaves[:8]),
        _mth(leaves[16:]),
    ]
    merkle.verify_subtree_consistency(8, 13, subtree, 20, _mth(leaves), proof)
    for at in range(len(proof)):
        forged = [*proof[:at], _flip(proof[at], 7), *proof[at + 1 :]]
        with pytest.raises(ProofRefused):
            merkle.verify_subtree_consistency(8, 13, subtree, 20, _mth(leaves), forged)


@pytest.mark.parametrize(
    "change", [lambda d: d[:-1], lambda d: d + b"\x00", lambda d: b"", lambda d: b"\xff" + d[1:]]
)
def test_a_damaged_frontier_is_refused(change) -> None:  # type: ignore[no-untyped-def]
    data = _frontier(_leaves(11)).serialise()
    assert Frontier.restore(data).serialise() == data
    with pytest.raises(FrontierMalformed):
        Frontier.restore(change(data))


def test_a_hash_of_another_length_leaves_the_frontier_as_it_was() -> None:
    frontier = _frontier(_leaves(3))
    root = frontier.root()
    with pytest.raises(ProofRefused):
        frontier.extend([*_leaves(1), b"short"])
    assert (frontier.size, frontier.root()) == (3, root)
