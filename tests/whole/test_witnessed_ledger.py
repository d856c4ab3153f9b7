"""From an answer at the counter to a proof that two witnesses stand behind, under the real platform, by public doors and commands alone."""

import base64
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from rich.console import Console

from rempart.cli.counter import Counter, DoorRefused
from rempart.cli.demo import enrol_pharmacist
from rempart.cli.presenting import by_card
from rempart.cli.taking_in import take_in
from rempart.database.embedded import EmbeddedCluster
from rempart.evidence.keyfile import read_witness_key
from rempart.foundation.clock import paris_date, system_clock
from rempart.foundation.vocabulary import Domain
from rempart.population.model import Person
from rempart.population.population import Population
from rempart.supervisor.platform import Platform, running_platform
from rempart.supervisor.state import read_state
from tests.evidence.test_cosignature import verify_by_hand

POPULATION = Population(11, 400)
MERGE_DELAY = 2.0
"""Seconds: what the receipt promises (docs/ledger.md)."""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, str]:
    """The key files of two people who may release, made by the command; their vkeys."""
    folder = tmp_path_factory.mktemp("keys")
    made = {}
    for name in ("anne", "bruno"):
        words = ("release-key", str(folder / name), "--name", f"{name}.example")
        made[folder / name] = rempart("evidence", *words)
    return {file: done.stdout.strip() for file, done in made.items()}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, keys: dict[Path, str]) -> Iterator[Platform]:
    more = f"release_keys = {json.dumps(list(keys.values()))}\n"
    with running_platform(tmp_path_factory.mktemp("w") / "p", more=more) as started:
        take_in(started, POPULATION, Console(file=io.StringIO()))
        yield started


@pytest.fixture(scope="module")
def counter(platform: Platform) -> Iterator[Counter]:
    signed_in = enrol_pharmacist(platform)
    yield signed_in
    signed_in.close()


@pytest.fixture(scope="module")
def people() -> Iterator[Person]:
    """People of any insurer, one after the other: each test takes its own."""
    return (
        POPULATION.person(one.index, index) for one in POPULATION.insurers for index in range(one.persons)
    )


def told(counter: Counter, people: Iterator[Person]) -> dict[str, object]:
    """An open right is checked; the log's promise in the receipt that came with it."""
    person = next(each for each in people if each.is_open(Domain.PHAR, paris_date(system_clock())))
    receipts = [
        each["valueString"]
        for each in counter.check(by_card(person, Domain.PHAR))["extension"]
        if str(each.get("valueString", "")).count(".") == 2
    ]
    payload = receipts[0].split(".")[1]
    log = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["log"]
    assert isinstance(log, dict)
    return log


def proof_of(platform: Platform, index: object, seconds: float) -> str:
    """Ask for the proof until it is there, or the promise is broken."""
    deadline = time.monotonic() + seconds
    with httpx.Client(base_url=platform.origin, trust_env=False) as http:
        while True:
            answer = http.get("/ledger/proof", params={"index": str(index)})
            if answer.status_code == 200:
                return answer.text
            assert (answer.status_code, answer.headers["retry-after"]) == (404, "1")
            assert time.monotonic() < deadline, "the merge delay is broken"
            time.sleep(0.05)


def witness_keys(platform: Platform) -> list[str]:
    return [
        read_witness_key(platform.home.folder / f"witness-{number}" / "witness.key").key().text()
        for number in (1, 2)
    ]


def rempart(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "rempart.cli", *words], capture_output=True, text=True, timeout=60, check=False
    )


def test_an_answers_proof_is_there_within_two_seconds_and_verifies_offline(
    platform: Platform, counter: Counter, people: Iterator[Person], tmp_path: Path
) -> None:
    for number in range(5):
        log = told(counter, people)
        proof = tmp_path / f"{number}.tlog-proof"
        proof.write_text(proof_of(platform, log["index"], MERGE_DELAY))
        # It proves the very leaf that was promised, and says nothing else: no opening, no salt, nobody.
        lines = proof.read_text().partition("\n\n")[0].split("\n")
        assert lines[0] == "c2sp.org/tlog-proof@v1"
        assert lines[2] == f"index {log['index']}"
        assert {len(base64.b64decode(line)) for line in lines[3:]} <= {32}
    key = (platform.home.audit / "ledger.vkey").read_text().strip()
    witnesses = [word for each in witness_keys(platform) for word in ("--witness", each)]
    checked = rempart("evidence", "verify-proof", str(proof), "--key", key, *witnesses)
    assert (checked.returncode, checked.stdout.count("cosigned")) == (0, 2), checked.stderr
    stranger = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
    assert (
        rempart("evidence", "verify-proof", str(proof), "--key", key, "--witness", stranger).returncode == 1
    )


def test_the_published_tiles_are_the_ledger_and_its_checkpoint_is_cosigned(
    platform: Platform, counter: Counter, people: Iterator[Person], tmp_path: Path
) -> None:
    proof_of(platform, told(counter, people)["index"], MERGE_DELAY)
    exported = tmp_path / "ledger"
    assert rempart("evidence", "export", str(exported), "--folder", str(platform.home.folder)).returncode == 0
    witnesses = [word for each in witness_keys(platform) for word in ("--witness", each)]
    assert rempart("evidence", "verify", str(exported), *witnesses).returncode == 0
    note = (exported / "checkpoint").read_text()
    for text in witness_keys(platform):
        name, _, encoded = text.split("+", 2)
        assert verify_by_hand(note, name, base64.b64decode(encoded)[1:]) > 1_700_000_000
    with httpx.Client(base_url=platform.origin, trust_env=False) as http:
        assert http.get("/ledger/checkpoint").text == note == http.get("/evidence/checkpoint").text
        for file in (path for path in (exported / "tile").rglob("*") if path.is_file()):
            answer = http.get(f"/ledger/{file.relative_to(exported)}")
            assert (answer.status_code, answer.content) == (200, file.read_bytes())
            assert "immutable" in answer.headers["cache-control"]
        for absent in ("/ledger/tile/0/001", "/ledger/tile/9/000", "/ledger/tile/0/..", "/ledger/tile/0/0"):
            assert http.get(absent).status_code == 404
        for bad in ("", "-1", "01", "x", "9" * 30):
            assert http.get("/ledger/proof", params={"index": bad}).status_code == 400


def test_a_killed_witness_delays_no_answer_and_is_heard_again(
    platform: Platform, counter: Counter, people: Iterator[Person]
) -> None:
    state = read_state(platform.home.state)
    assert state is not None
    (pid,) = [line.pid for line in state.processes if line.name == "witness-2"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    log = told(counter, people)
    # The supervisor starts it again; it goes on from what it remembers, and so does the proof.
    proof = proof_of(platform, log["index"], 30)
    assert proof.count("\n— ") == 3
    status = json.loads(rempart("status", "--json", "--folder", str(platform.home.folder)).stdout)
    assert [each["age"] for each in status["ledger"]["witnesses"]] == [0, 0]


def test_two_people_stop_and_reopen_the_whole_platform_by_the_commands_and_one_alone_does_not(
    platform: Platform, counter: Counter, people: Iterator[Person], keys: dict[Path, str], tmp_path: Path
) -> None:
    folder = ("--folder", str(platform.home.folder))

    def signed(what: str, reason: str, *more: str) -> list[str]:
        text = tmp_path / what
        text.write_text(rempart("operator", "two-people", what, reason, *more, *folder).stdout)
        notes = []
        for file in keys:
            notes += ["--signature", str(tmp_path / f"{file.name}.{what}")]
            Path(notes[-1]).write_text(
                rempart("evidence", "release-sign", str(text), "--key", str(file)).stdout
            )
        return notes

    contain = ("operator", "contain", "platform", "", "a doubt", "--hold", "claims-only", *folder)
    assert "two-people" in rempart(*contain).stderr
    notes = signed("contain", "a doubt", "--hold", "claims-only")
    assert rempart(*contain, *notes[:2]).returncode == 1
    told(counter, people)
    assert rempart(*contain, *notes).returncode == 0
    with pytest.raises(DoorRefused, match="423"):
        told(counter, people)
    assert "claims-only" in rempart("operator", "switches", *folder).stdout
    release = ("operator", "release", "platform", "", "seen", *folder)
    assert "two-people" in rempart(*release).stderr
    assert rempart(*release, *signed("release", "seen")).returncode == 0
    told(counter, people)


def test_two_people_reopen_by_the_commands_and_one_alone_does_not(
    platform: Platform, counter: Counter, people: Iterator[Person], keys: dict[Path, str], tmp_path: Path
) -> None:
    """The module's last test: it closes the platform that the others share."""
    folder = ("--folder", str(platform.home.folder))
    assert "not-found" in rempart("evidence", "release-request", *folder).stderr
    superuser = EmbeddedCluster(platform.home.postgres).superuser_dsn("rempart")
    with psycopg.connect(superuser, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO vault.restored (nonce, at, origin, here, seen, why, witness, note)"
            " VALUES (gen_random_uuid(), 0, 'rempart.example/ledger', 1, 2, 'longer-elsewhere', 'w', '')"
        )
    restart(platform, "vault")
    counter.sign_in()
    with pytest.raises(DoorRefused, match="423"):
        told(counter, people)
    status = rempart("status", "--json", *folder)
    assert (status.returncode, json.loads(status.stdout)["ledger"]["restored"]) == (1, True)
    assert "TWO PEOPLE" in rempart("status", *folder).stdout.upper()
    assert rempart("operator", "release", "platform", "", "we know", *folder).returncode == 1
    text = tmp_path / "text"
    text.write_text(rempart("evidence", "release-request", *folder).stdout)
    notes = []
    for file in keys:
        notes += ["--signature", str(tmp_path / f"{file.name}.note")]
        Path(notes[-1]).write_text(rempart("evidence", "release-sign", str(text), "--key", str(file)).stdout)
    assert rempart("evidence", "release", *notes[:2], *folder).returncode == 1
    with pytest.raises(DoorRefused, match="423"):
        told(counter, people)
    released = rempart("evidence", "release", *notes, *folder)
    assert released.returncode == 0, released.stderr
    told(counter, people)
    with psycopg.connect(superuser, autocommit=True) as owner:
        actors = owner.execute("SELECT actor FROM vault.journal WHERE act = 'restored:release'").fetchall()
    assert actors == [("anne.example bruno.example",)]


def restart(platform: Platform, name: str) -> None:
    """Kill a process; the supervisor brings it back."""

    def find() -> tuple[int | None, str]:
        state = read_state(platform.home.state)
        assert state is not None
        (line,) = [line for line in state.processes if line.name == name]
        return line.pid, line.condition

    before, _ = find()
    assert before is not None
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while find()[0] in {before, None} or find()[1] != "ready":
        assert time.monotonic() < deadline
        time.sleep(0.05)
