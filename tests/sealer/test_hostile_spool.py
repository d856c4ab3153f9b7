"""A door taken over writes what it likes into the spool: nothing of the sealer's is read or written through it, and other files go on."""

import os
import uuid
from pathlib import Path

import msgspec
import pytest

from rempart.sealer.spool import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "spool", tmp_path / "own")
    made.folder.mkdir()
    made.prepare()
    return made


def arrive(spool: Spool, **note: object) -> str:
    """A delivery as a door lays it down; its name."""
    name = uuid.uuid4().hex
    (spool.folder / f"{name}.bin").write_bytes(b"x")
    (spool.folder / f"{name}.json").write_bytes(msgspec.json.encode({"delivery": name, **note}))
    return name


def test_a_status_is_never_written_through_a_link(spool: Spool, tmp_path: Path) -> None:
    treasure, name = tmp_path / "store.json", arrive(spool)
    treasure.write_text("keys")
    (spool.folder / f".{name}.status.new").symlink_to(treasure)
    (spool.folder / f"{name}.status").symlink_to(treasure)
    spool.tell(name, {"state": "refused"})
    assert treasure.read_text() == "keys"
    assert not (spool.folder / f"{name}.status").is_symlink()
    assert b"refused" in (spool.folder / f"{name}.status").read_bytes()


@pytest.mark.parametrize("suffix", [".bin", ".json"])
def test_a_link_is_no_delivery(spool: Spool, tmp_path: Path, suffix: str) -> None:
    secret, name = tmp_path / "secret", arrive(spool)
    secret.write_bytes((spool.folder / f"{name}{suffix}").read_bytes())
    (spool.folder / f"{name}{suffix}").unlink()
    (spool.folder / f"{name}{suffix}").symlink_to(secret)
    assert spool.take(name) is None
    assert not list(spool.own.glob("*.bin"))


@pytest.mark.parametrize("suffix", [".bin", ".json", ".status"])
def test_a_pipe_holds_nobody_up(spool: Spool, suffix: str) -> None:
    name = arrive(spool)
    (spool.folder / f"{name}{suffix}").unlink(missing_ok=True)
    os.mkfifo(spool.folder / f"{name}{suffix}")
    taken = spool.take(name)
    assert (taken is None) == (suffix != ".status")
    assert spool.told_waiting() == []


def test_a_note_that_no_table_can_hold_is_taken_without_it(spool: Spool) -> None:
    name = arrive(spool, sender="upload", filename="a\0b")
    taken = spool.take(name)
    assert taken is not None
    assert "\0" not in taken.note.filename + taken.note.sender


@pytest.mark.parametrize("suffix", [".bin", ".json", ".status", ".status.new"])
def test_a_folder_in_a_files_place_stops_nothing(spool: Spool, suffix: str) -> None:
    name = arrive(spool)
    place = spool.folder / (f".{name}{suffix}" if suffix.endswith("new") else f"{name}{suffix}")
    place.unlink(missing_ok=True)
    place.mkdir()
    for arrival in spool.arrivals():
        spool.take(arrival)
        spool.clear_arrival(arrival)
    assert spool.arrivals() == []
    spool.tell(name, {"state": "refused"})
    spool.prune(1e12)
