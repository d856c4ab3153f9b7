"""A front that cannot start says why, in a sentence and a code, and never shares somebody else's port."""

import subprocess
import sys
from pathlib import Path

import pytest

from rempart.foundation.settings import FrontSettings, write_settings
from tests.front.process import running_front


def start(
    folder: Path, port: int, more: str = "", origin: str = "http://localhost"
) -> "subprocess.CompletedProcess[str]":
    settings = FrontSettings(
        mode="demo",
        dsn="postgresql:///nowhere",
        run_folder=folder,
        origin=origin,
        spool_folder=folder,
        port=port,
    )
    write_settings(settings, folder / "second.toml")
    with (folder / "second.toml").open("a") as file:
        file.write(more)
    command = [sys.executable, "-m", "rempart.front", "--config", str(folder / "second.toml")]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)


def test_two_fronts_never_share_a_port(tmp_path: Path) -> None:
    with running_front(tmp_path, dsn="postgresql:///nowhere") as first:
        second = start(tmp_path, first.settings.port)
        assert second.returncode == 1
        assert second.stderr.startswith("address: This address cannot be listened on.")
        assert first.ask("GET", "/health/live")[0].status == 200


def test_an_impossible_port_is_a_sentence(tmp_path: Path) -> None:
    ended = start(tmp_path, 80_000)
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)


@pytest.mark.parametrize("origin", ["http://[", "https://a.example/path", "http://a.example", "a.example"])
def test_an_origin_that_no_browser_signs_is_a_sentence(tmp_path: Path, origin: str) -> None:
    ended = start(tmp_path, 8000, origin=origin)
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert ended.stderr.startswith("settings: ")


def test_an_unknown_setting_refuses_to_start(tmp_path: Path) -> None:
    ended = start(tmp_path, 8000, "unheard_of = 1\n")
    assert ended.returncode == 1
    assert "unheard_of" in ended.stderr
