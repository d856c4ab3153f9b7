"""The exported folder: C2SP's layout, and every way of tampering with it found offline."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rempart.evidence import merkle, tiles
from rempart.evidence.errors import (
    LeafMissing,
    LeafRewritten,
    LedgerBroken,
    LedgerUnreadable,
    NoteMalformed,
    NoteRefused,
    ProofRefused,
    RootMismatch,
)
from rempart.evidence.note import Checkpoint, SignerKey, sign_checkpoint
from rempart.evidence.proof import open_proof

LOG = SignerKey("rempart.example/ledger", Ed25519PrivateKey.from_private_bytes(b"l" * 32))
KEY = LOG.verifier()
OTHER = SignerKey("rempart.example/ledger", Ed25519PrivateKey.from_private_bytes(b"o" * 32))


def _commitments(count: int) -> list[bytes]:
    return [merkle.EMPTY_ROOT[:24] + number.to_bytes(8, "big") for number in range(count)]


def _note(commitments: list[bytes], signer: SignerKey = LOG) -> bytes:
    root = merkle.root(merkle.leaf_hash(data) for data in commitments)
    return sign_checkpoint(Checkpoint(LOG.name, len(commitments), root), signer)


def _export(folder: Path, commitments: list[bytes]) -> tiles.Export:
    return tiles.export_tiles(folder, iter(commitments), _note(commitments), KEY)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "ledger"
    _export(folder, _commitments(70_000))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small honest export: 600 leaves, two full tiles and partial ones, ready to be tampered with."""
    _export(tmp_path / "ledger", _commitments(600))
    return tmp_path / "ledger"


def test_paths_are_those_of_the_specification() -> None:
    assert tiles.tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tiles.tile_path("entries", 7, 12) == "tile/entries/007.p/12"
    assert tiles.tile_path(2, 1000) == "tile/2/x001/000"
    assert tiles.tile_path(1, 999) == "tile/1/999"


def test_a_tree_of_70000_is_cut_as_the_specification_says(exported: Path) -> None:
    files = {str(path.relative_to(exported)) for path in exported.rglob("*") if path.is_file()}
    level_0 = {tiles.tile_path(0, number) for number in range(273)} | {tiles.tile_path(0, 273, 112)}
    entries = {name.replace("tile/0/", "tile/entries/") for name in level_0}
    above = {"tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"}
    assert files == level_0 | entries | above | {"checkpoint", "log.vkey"}
    assert {(exported / name).stat().st_size for name in level_0} == {8192, 112 * 32}
    assert tiles.read_verifier_key(exported) == KEY
    verified = tiles.verify_folder(exported, KEY)
    assert (verified.checkpoint.size, verified.tiles) == (70_000, 2 * 274 + 3)


@pytest.mark.parametrize("index", [0, 1, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999])
def test_a_leaf_is_proved_from_the_folder(exported: Path, index: int) -> None:
    proof = tiles.prove_leaf(exported, index, KEY)
    proved = open_proof(proof, KEY)
    assert (proved.index, proved.commitment) == (index, _commitments(70_000)[index])
    assert proof.startswith(b"c2sp.org/tlog-proof@v1\nextra ")
    assert proof.endswith((exported / "checkpoint").read_bytes())
    with pytest.raises(NoteRefused):
        open_proof(proof, OTHER.verifier())
    with pytest.raises(ProofRefused):
        open_proof(proof.replace(b"index %d\n" % index, b"index %d\n" % (index ^ 1)), KEY)


def test_no_leaf_no_proof(exported: Path) -> None:
    for index in (-1, 70_000):
        with pytest.raises(ProofRefused):
            tiles.prove_leaf(exported, index, KEY)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_single_bit_changed_in_a_proof_file_is_refused(exported: Path, data: st.DataObject) -> None:
    proof = bytearray(tiles.prove_leaf(exported, 300, KEY))
    bit = data.draw(st.integers(0, len(proof) * 8 - 1))
    proof[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises((NoteMalformed, NoteRefused, ProofRefused)):
        open_proof(bytes(proof), KEY)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_536, 69_999, 70_000])
def test_growth_is_proved_from_the_folder(exported: Path, size: int) -> None:
    root = merkle.root(merkle.leaf_hash(data) for data in _commitments(size))
    tiles.prove_growth(exported, Checkpoint(LOG.name, size, root), KEY)
    with pytest.raises(ProofRefused):
        tiles.prove_growth(exported, Checkpoint(LOG.name, size, merkle.EMPTY_ROOT), KEY)


@settings(max_examples=25, deadline=None)
@given(st.one_of(st.integers(0, 600), st.sampled_from([255, 256, 257, 511, 512])))
def test_cutter_gives_the_root_of_any_size(size: int) -> None:
    cutter = tiles.TileCutter()
    commitments = _commitments(size)
    for commitment in commitments:
        cutter.push(commitment)
    assert cutter.root() == merkle.root(merkle.leaf_hash(data) for data in commitments)


def test_an_empty_log_is_exported_and_verified(tmp_path: Path) -> None:
    _export(tmp_path, [])
    assert tiles.verify_folder(tmp_path, KEY).checkpoint.size == 0


def test_an_export_that_grows_keeps_full_tiles_and_drops_what_they_replace(tmp_path: Path) -> None:
    _export(tmp_path, _commitments(300))
    assert (tmp_path / "tile/0/001.p/44").exists()
    older = tiles.read_checkpoint(tmp_path, KEY)
    export = _export(tmp_path, _commitments(700))
    assert (export.kept, export.written) == (2, 5)
    assert not (tmp_path / "tile/0/001.p").exists()
    assert tiles.verify_folder(tmp_path, KEY, since=older).checkpoint.size == 700


def test_only_as_many_leaves_as_the_checkpoint_says_are_read(tmp_path: Path) -> None:
    def endless() -> Iterator[bytes]:
        yield from _commitments(300)
        raise AssertionError("read beyond the checkpoint")

    tiles.export_tiles(tmp_path, endless(), _note(_commitments(300)), KEY)


# ── attacks on the folder ───────────────────────────────────────────────────────────────────────────────────


def _entry(folder: Path, index: int) -> tuple[Path, int]:
    number, at = divmod(index, 256)
    return folder / tiles.tile_path("entries", number, 256 if number < 2 else 88), at * 34 + 2


@pytest.mark.parametrize("index", [0, 255, 256, 599])
def test_a_leaf_rewritten_in_the_entries_is_found_with_its_index(folder: Path, index: int) -> None:
    place, at = _entry(folder, index)
    data = bytearray(place.read_bytes())
    data[at + 31] ^= 1
    place.write_bytes(data)
    with pytest.raises(LeafRewritten) as caught:
        tiles.verify_folder(folder, KEY)
    assert caught.value.index == index


def test_a_leaf_rewritten_with_all_its_tiles_is_found_by_the_root(folder: Path, tmp_path: Path) -> None:
    forged = _commitments(600)
    forged[17] = b"\x00" * 32
    _export(tmp_path / "forged", forged)
    shutil.copy(folder / "checkpoint", tmp_path / "forged" / "checkpoint")
    with pytest.raises(RootMismatch):
        tiles.verify_folder(tmp_path / "forged", KEY)


def test_two_leaves_swapped_are_found(folder: Path) -> None:
    place, first = _entry(folder, 3)
    _, second = _entry(folder, 200)
    data = bytearray(place.read_bytes())
    data[first : first + 32], data[second : second + 32] = (
        data[second : second + 32],
        data[first : first + 32],
    )
    place.write_bytes(data)
    with pytest.raises(LeafRewritten) as caught:
        tiles.verify_folder(folder, KEY)
    assert caught.value.index == 3


def test_a_leaf_removed_is_found(folder: Path) -> None:
    place, at = _entry(folder, 599)
    place.write_bytes(place.read_bytes()[: at - 2])
    with pytest.raises(LeafMissing):
        tiles.verify_folder(folder, KEY)


@pytest.mark.parametrize("name", ["tile/entries/001", "tile/0/000", "tile/1/000.p/2", "checkpoint"])
def test_a_missing_file_is_told(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(LedgerUnreadable):
        tiles.verify_folder(folder, KEY)


def test_every_bit_of_every_tile_counts(folder: Path) -> None:
    for place in sorted(path for path in folder.rglob("tile/**/*") if path.is_file()):
        honest = place.read_bytes()
        for at in (0, len(honest) // 2, len(honest) - 1):
            forged = bytearray(honest)
            forged[at] ^= 0x10
            place.write_bytes(forged)
            with pytest.raises(LedgerBroken):
                tiles.verify_folder(folder, KEY)
        place.write_bytes(honest)
    tiles.verify_folder(folder, KEY)


def test_a_checkpoint_signed_by_another_key_is_refused(folder: Path) -> None:
    (folder / "checkpoint").write_bytes(_note(_commitments(600), OTHER))
    with pytest.raises(NoteRefused):
        tiles.verify_folder(folder, KEY)
    with pytest.raises(NoteRefused):
        tiles.export_tiles(folder, _commitments(600), _note(_commitments(600), OTHER), KEY)


def test_a_shrunken_log_is_refused(folder: Path) -> None:
    kept_elsewhere = tiles.read_checkpoint(folder, KEY)
    with pytest.raises(LeafMissing):
        _export(folder, _commitments(599))
    fresh = folder.with_name("fresh")
    _export(fresh, _commitments(599))
    tiles.verify_folder(fresh, KEY)
    with pytest.raises(LeafMissing) as caught:
        tiles.verify_folder(fresh, KEY, since=kept_elsewhere)
    assert caught.value.index == 599


@pytest.mark.parametrize(("index", "error"), [(17, LeafRewritten), (598, RootMismatch)])
def test_a_log_rewritten_and_signed_anew_does_not_pass_over_its_older_export(
    folder: Path, index: int, error: type[LedgerBroken]
) -> None:
    kept_elsewhere = tiles.read_checkpoint(folder, KEY)
    rewritten = _commitments(640)
    rewritten[index] = b"\x00" * 32
    with pytest.raises(error):
        _export(folder, rewritten)
    tiles.verify_folder(folder, KEY)
    fresh = folder.with_name("fresh")
    _export(fresh, rewritten)
    with pytest.raises(RootMismatch):
        tiles.verify_folder(fresh, KEY, since=kept_elsewhere)


def test_a_log_shorter_than_its_checkpoint_publishes_nothing(tmp_path: Path) -> None:
    with pytest.raises(LeafMissing) as caught:
        tiles.export_tiles(tmp_path, _commitments(299), _note(_commitments(300)), KEY)
    assert caught.value.index == 299
    assert not (tmp_path / "checkpoint").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(LedgerUnreadable):
        _export(tmp_path, _commitments(3))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_verifier_key_file_of_noise_is_refused(folder: Path) -> None:
    (folder / "log.vkey").write_bytes(b"\xff\xfe")
    with pytest.raises(NoteMalformed):
        tiles.read_verifier_key(folder)
