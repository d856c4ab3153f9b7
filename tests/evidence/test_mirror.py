"""Somebody's copy of the log: grows with it, refuses a fork or a shrink, keeps the proof of either."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from rempart.cli.commands import command_line
from rempart.evidence.errors import Forked, LeafMissing, LedgerUnreadable, NoteRefused, Shrunk
from rempart.evidence.merkle import Frontier, leaf_hash
from rempart.evidence.mirror import Fetch, over_http, update_mirror
from rempart.evidence.note import Checkpoint, SignerKey, sign_checkpoint
from rempart.evidence.tiles import export_tiles, prove_leaf, read_checkpoint, verify_folder

LOG = SignerKey("rempart.example/log", Ed25519PrivateKey.from_private_bytes(b"m" * 32))
OTHER = SignerKey("rempart.example/log", Ed25519PrivateKey.from_private_bytes(b"n" * 32))
KEY = LOG.verifier()


def leaves(size: int, rewritten: int | None = None) -> list[bytes]:
    return [leaf_hash(b"%d%s" % (n, b"!" * (n == rewritten))) for n in range(size)]


def note_of(entries: list[bytes], signer: SignerKey = LOG) -> bytes:
    frontier = Frontier()
    frontier.extend(leaf_hash(entry) for entry in entries)
    return sign_checkpoint(Checkpoint(LOG.name, frontier.size, frontier.root()), signer)


def publish(folder: Path, size: int, rewritten: int | None = None, signer: SignerKey = LOG) -> Path:
    """What the door serves."""
    entries = leaves(size, rewritten)
    export_tiles(folder, entries, note_of(entries, signer), signer.verifier())
    return folder


def serving(folder: Path) -> Fetch:
    """A folder, as the door's addresses."""

    def fetch(path: str, most: int) -> bytes:
        content = (folder / path).read_bytes()
        assert len(content) <= most
        return content

    return fetch


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """A static file server."""

    def log_message(self, *arguments: object) -> None:
        pass


def test_a_copy_over_http_is_the_log_and_grows_by_what_is_new(tmp_path: Path) -> None:
    door, copy = tmp_path / "door", tmp_path / "copy"
    publish(door, 300)
    with served(door) as address:
        first = update_mirror(copy, KEY, over_http(address))
        assert (first.checkpoint.size, first.former, first.added, first.fetched) == (300, None, 300, 3)
        assert update_mirror(copy, KEY, over_http(address)).fetched == 1
        publish(door, 1000)
        second = update_mirror(copy, KEY, over_http(address))
    # Not what is known: from the tile on that was not full.
    assert (second.added, second.fetched) == (700, 4)
    assert verify_folder(copy, KEY).checkpoint.size == 1000
    assert {p.relative_to(copy): p.read_bytes() for p in copy.rglob("*") if p.is_file()} == {
        p.relative_to(door): p.read_bytes() for p in door.rglob("*") if p.is_file()
    }
    prove_leaf(copy, 299, KEY)


@given(st.lists(st.integers(1, 1500), min_size=1, max_size=5))
@settings(max_examples=15, deadline=None)
def test_whatever_the_steps_the_copy_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int]
) -> None:
    place = tmp_path_factory.mktemp("steps")
    for size in sorted(steps):
        update_mirror(place / "copy", KEY, serving(publish(place / f"door-{size}", size)))
    verify_folder(place / "copy", KEY)
    assert read_checkpoint(place / "copy", KEY).size == max(steps)


@pytest.mark.parametrize("rewritten", [0, 255, 256, 299])
@pytest.mark.parametrize("size", [300, 301, 900])
def test_a_mirror_that_is_shown_a_fork_refuses_it_and_keeps_both_notes(
    tmp_path: Path, size: int, rewritten: int
) -> None:
    copy = tmp_path / "copy"
    update_mirror(copy, KEY, serving(publish(tmp_path / "door", 300)))
    before = (copy / "checkpoint").read_bytes()
    forked = publish(tmp_path / "forked", size, rewritten)
    with pytest.raises(Forked):
        update_mirror(copy, KEY, serving(forked))
    assert (copy / "checkpoint").read_bytes() == before
    [kept] = (tmp_path / "copy.refused").iterdir()
    assert kept.read_bytes() == (forked / "checkpoint").read_bytes()
    # The copy is what it was, and goes on with the honest log.
    verify_folder(copy, KEY)
    update_mirror(copy, KEY, serving(publish(tmp_path / "honest", 1000)))
    assert verify_folder(copy, KEY).checkpoint.size == 1000


def test_a_mirror_that_is_shown_a_shorter_log_refuses_it(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    update_mirror(copy, KEY, serving(publish(tmp_path / "door", 300)))
    with pytest.raises(Shrunk):
        update_mirror(copy, KEY, serving(publish(tmp_path / "short", 299)))
    with pytest.raises(Forked):
        update_mirror(copy, KEY, serving(publish(tmp_path / "short-and-other", 299, 7)))
    assert read_checkpoint(copy, KEY).size == 300


def test_another_key_another_address_and_missing_files_copy_nothing(tmp_path: Path) -> None:
    copy, door = tmp_path / "copy", publish(tmp_path / "door", 300, signer=OTHER)
    with pytest.raises(NoteRefused):
        update_mirror(copy, KEY, serving(door))
    with served(tmp_path / "nothing-here") as address, pytest.raises(LedgerUnreadable):
        update_mirror(copy, KEY, over_http(address))
    with pytest.raises(LedgerUnreadable):
        over_http("file:///etc/passwd")
    cut = publish(tmp_path / "cut", 300)
    entries = cut / "tile" / "entries" / "001.p" / "44"
    entries.write_bytes(entries.read_bytes()[:-1])
    with pytest.raises(LeafMissing):
        update_mirror(copy, KEY, serving(cut))
    entries.unlink()
    with pytest.raises(LedgerUnreadable):
        update_mirror(copy, KEY, serving(cut))
    assert not (copy / "checkpoint").exists()


def test_the_command_mirrors_and_says_what_is_off(tmp_path: Path) -> None:
    with served(publish(tmp_path / "door", 70)) as address:
        arguments = ["evidence", "mirror", address, str(tmp_path / "copy"), "--key", KEY.text()]
        result = CliRunner().invoke(command_line(arguments), arguments)
        assert result.exit_code == 0, result.output
        assert "70 leaves" in result.output
        publish(tmp_path / "door2", 70, 3)
        (tmp_path / "door" / "checkpoint").write_bytes((tmp_path / "door2" / "checkpoint").read_bytes())
        result = CliRunner().invoke(command_line(arguments), arguments)
    assert result.exit_code == 1
    assert "[ledger-forked]" in result.output
