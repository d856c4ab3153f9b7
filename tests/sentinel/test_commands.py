"""What an operator sees and does of it, on the real platform: the sentinel as its own process, the commands as they are typed."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

import psycopg
import pytest

from rempart.database.embedded import EmbeddedCluster
from rempart.foundation.clock import MINUTE, system_clock
from rempart.incident.attempts import bars, by_day, page
from rempart.supervisor.platform import Platform, running_platform
from tests.sentinel.conftest import Town, device


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    more = 'shared_buffers = "32MB"\nsentinel_poll_ms = 50\n'
    with running_platform(tmp_path_factory.mktemp("sentinel"), more=more) as started:
        yield started


def rempart(platform: Platform, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "rempart.cli", *arguments, "--folder", str(platform.home.folder)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={"COLUMNS": "220"}
    )


def wait_for(platform: Platform, words: str) -> str:
    deadline = time.monotonic() + 30
    while words not in (told := rempart(platform, "alerts", "list").stdout):
        assert time.monotonic() < deadline, told
    return told


def test_a_robot_is_held_and_what_only_a_person_may_do_is_done_by_one(platform: Platform) -> None:
    superuser = EmbeddedCluster(platform.home.postgres).superuser_dsn("rempart")
    with psycopg.connect(superuser, autocommit=True) as owner:
        size = owner.execute("SELECT size FROM evidence.log").fetchone()
        assert size is not None
        town = Town(owner, index=size[0], grow=False)
        town.enrol(3)
        start = system_clock() - 30 * MINUTE
        town.robot(start, 30)
        seen = town.ask(start + MINUTE, number=2)
        town.event(start + MINUTE, "canary", number=2, index=seen)
        told = wait_for(platform, "canary")
        assert "step-up device, by itself" in wait_for(platform, "by itself")
        assert ("device", str(device(1)), "step-up") in owner.execute(
            "SELECT scope, key, hold FROM vault.switch"
        ).fetchall()
        number = next(line.split()[1] for line in told.splitlines() if "canary" in line)

        shown = rempart(platform, "alerts", "show", number).stdout
        assert f"ask for a passkey at device {device(2)}" in shown
        assert f"ledger indexes  {seen}" in re.sub(r" {2,}", "  ", shown)
        assert "ce poste" in shown.lower()
        done = rempart(platform, "alerts", "contain", number)
        assert done.returncode == 0, done.stderr
        assert ("device", str(device(2)), "step-up") in owner.execute(
            "SELECT scope, key, hold FROM vault.switch"
        ).fetchall()
        assert "step-up device, by a person" in rempart(platform, "alerts", "list").stdout
        assert "canary" not in rempart(platform, "alerts", "list", "--open").stdout
    journal = rempart(platform, "operator", "journal").stdout
    assert "sentinel" in journal
    assert f"alert {number}: canary" in journal


def test_an_alert_that_is_none_is_refused_in_a_sentence(platform: Platform) -> None:
    for command in ("show", "acknowledge", "contain"):
        refused = rempart(platform, "alerts", command, "999999")
        assert (refused.returncode, "rempart alerts list" in refused.stderr) == (1, True)


def test_everyday_attempts_are_on_one_page(platform: Platform, tmp_path: Path) -> None:
    told = rempart(platform, "attempts").stdout
    assert "Refused sign-ins" in told
    assert "Canaries" in told
    file = tmp_path / "attempts.html"
    assert rempart(platform, "attempts", "--html", str(file)).returncode == 0
    reader = Page()
    reader.feed(file.read_text())
    assert reader.fetched == []
    assert reader.language == "fr"
    assert reader.unnamed_headers == 0
    assert str(datetime.now(UTC).date()) in file.read_text()


class Page(HTMLParser):
    """What a browser would fetch, and the headers that name no row or column."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.language = ""
        self.unnamed_headers = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.fetched += [value for name, value in attrs if name in {"src", "href"} and value]
        if tag == "html":
            self.language = given.get("lang") or ""
        if tag == "th" and given.get("scope") not in {"row", "col"}:
            self.unnamed_headers += 1


def test_a_kind_that_nobody_named_is_shown_and_escaped() -> None:
    made = page(by_day([(20_000, "<b>new</b>", 3)], date(2024, 10, 4), 2))
    assert "&lt;b&gt;new&lt;/b&gt;" in made
    assert "<b>" not in made


def test_a_day_with_anything_shows_something() -> None:
    assert bars([0, 1, 1000]) == " ▁█"
    assert bars([]) == ""
