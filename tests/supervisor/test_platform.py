"""The real platform, `rempart up`: provisioned, healthy, back after crashes, gone when told, and gone with a killed supervisor."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rempart.database.roles import password_file
from rempart.foundation.settings import DEVELOPMENT_MARKER
from rempart.population.professionals import synthetic_iban
from rempart.supervisor.home import Home
from rempart.supervisor.platform import Platform, running_platform
from rempart.supervisor.state import read_state

PROCESSES = ("vault", "sealer", "cashier", "front", "worker", "sentinel")
WITNESSES = ("witness-1", "witness-2")
"""A demonstration's own; they have no database."""


@pytest.fixture(scope="module")
def platform(tmp_path_factory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("up"), more='shared_buffers = "32MB"\n') as started:
        yield started


def rempart(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "rempart.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def status(home: Home) -> dict[str, Any]:
    done = rempart("status", "--folder", str(home.folder), "--json")
    told = json.loads(done.stdout)
    assert done.returncode == (0 if told["ready"] else 1 if told["running"] else 3)
    return told


def processes(home: Home) -> dict[str, int]:
    state = read_state(home.state)
    assert state is not None
    return {line.name: line.pid for line in state.processes if line.pid is not None}


def wait_until_ready(home: Home, *, but: dict[str, int]) -> dict[str, Any]:
    """Ready again, with none of the processes of before."""
    deadline = time.monotonic() + 60
    while True:
        state = read_state(home.state)
        if (
            state is not None
            and state.condition == "ready"
            and all(line.condition == "ready" for line in state.processes)
        ):
            now = {line.name: line.pid for line in state.processes}
            if all(now[name] != pid for name, pid in but.items()):
                told = status(home)
                if told["ready"]:
                    return told
        assert time.monotonic() < deadline, rempart("status", "--folder", str(home.folder)).stdout
        time.sleep(0.1)


def test_every_process_is_healthy_and_has_its_own_role(platform):
    told = status(platform.home)
    assert told["health"] == dict.fromkeys((*WITNESSES, *PROCESSES), True)
    assert [line["name"] for line in told["processes"]] == ["database", *WITNESSES, *PROCESSES]
    assert [(each["age"], each["trouble"]) for each in told["ledger"]["witnesses"]] == [(0, "")] * 2
    assert not any("pgpass" in platform.home.config_file(name).read_text() for name in WITNESSES)
    dsns = {name: (platform.home.config_file(name)).read_text() for name in PROCESSES}
    roles = ("vault", "sealer", "cashier", "door", "worker", "sentinel")
    for name, role in zip(PROCESSES, roles, strict=True):
        assert f"//rempart_{role}@" in dsns[name]
        assert [other for other in (*roles, "operator") if f"rempart_{other}.pgpass" in dsns[name]] == [role]


def test_the_ledger_is_audited_with_the_key_that_the_vault_named(platform):
    deadline = time.monotonic() + 30
    while not (platform.home.audit / "last.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert status(platform.home)["audit"]["sound"] is True
    pinned = (platform.home.audit / "ledger.vkey").read_text().strip()
    assert pinned.startswith("rempart.example/ledger+")
    assert f'verifier_key = "{pinned}"' in platform.home.config_file("worker").read_text()


def test_no_secret_stands_in_a_settings_file_or_on_a_command_line(platform):
    home = platform.home
    known = [
        password_file(home.secrets, f"rempart_{role}").read_text()
        for role in ("vault", "sealer", "door", "worker", "sentinel", "operator")
    ]
    known.append((home.secrets / "key-store.passphrase").read_text())
    assert all(content.startswith(DEVELOPMENT_MARKER) for content in known)
    secret = [content.strip().splitlines()[-1].split(":")[-1] for content in known]
    seen = [
        path.read_bytes()
        for path in [*home.config.iterdir(), *home.logs.iterdir(), home.operator_dsn, home.state]
    ]
    for pid in processes(home).values():
        seen += [Path(f"/proc/{pid}/cmdline").read_bytes(), Path(f"/proc/{pid}/environ").read_bytes()]
    assert [value for value in secret if any(value.encode() in content for content in seen)] == []


def test_a_second_supervisor_is_refused(platform):
    done = rempart("up", "--folder", str(platform.home.folder))
    assert (done.returncode, done.stderr.splitlines()[-1][-17:]) == (1, "[already-running]")


def test_what_crashes_comes_back(platform):
    before = processes(platform.home)
    for name in ("vault", "worker"):
        os.kill(before[name], signal.SIGKILL)
    told = wait_until_ready(platform.home, but={name: before[name] for name in ("vault", "worker")})
    assert {line["name"]: line["restarts"] for line in told["processes"]} == {
        "database": 0, "witness-1": 0, "witness-2": 0, "vault": 1, "sealer": 0, "cashier": 0, "front": 0, "worker": 1, "sentinel": 0,
    }  # fmt: skip


def test_kill_9_of_the_database_brings_all_back(platform):
    before = processes(platform.home)
    os.kill(before["database"], signal.SIGKILL)
    wait_until_ready(platform.home, but=before)


def test_production_does_not_start_on_development_secrets(platform, tmp_path):
    home = Home.at(tmp_path / "var")
    home.prepare()
    for file in platform.home.secrets.iterdir():
        (home.secrets / file.name).write_bytes(file.read_bytes())
        (home.secrets / file.name).chmod(0o600)
    (tmp_path / "breached").write_text("F" * 40)
    home.settings.write_text(
        f'mode = "production"\nbreached_passwords_file = "{tmp_path / "breached"}"\n'
        'origin = "https://rempart.example"\nrp_id = "rempart.example"\n'
        f'debtor_iban = "{synthetic_iban(1)}"\n'
    )
    done = rempart("up", "--folder", str(home.folder))
    assert done.returncode == 1
    assert "[settings-development-secret]" in done.stderr
    assert not home.is_held()


def test_a_killed_supervisor_takes_everything_with_it_and_the_next_one_drains(platform):
    # The module's last test: it ends the platform that the others share.
    home = platform.home
    state, left = read_state(home.state), processes(home)
    os.kill(state.supervisor, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in left.values()):
        assert time.monotonic() < deadline, "a process outlived its supervisor"
        time.sleep(0.05)
    assert status(home)["running"] is False
    with running_platform(home.folder):
        with psycopg.connect(home.operator_dsn.read_text().strip()) as connection:
            assert connection.execute("SELECT size FROM evidence.log").fetchone() == (0,)
        left = processes(home)
        assert rempart("down", "--folder", str(home.folder)).returncode == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in left.values())
    assert rempart("down", "--folder", str(home.folder)).stderr.endswith("[not-running]\n")
