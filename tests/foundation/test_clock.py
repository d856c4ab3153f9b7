"""A drill's clock: shared by descriptor, moved by one, and refused by every process in production."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from tests.conftest import A_MONDAY

from rempart.foundation.clock import SharedClock, system_clock
from rempart.foundation.clockline import ClockRefused, read_clock


def test_a_process_that_inherits_the_clock_reads_every_move():
    clock = SharedClock.begin(A_MONDAY)
    there = (
        "import sys; from rempart.foundation.clockline import read_clock\n"
        "clock = read_clock(int(sys.argv[1]), 'demo')\n"
        "for _ in sys.stdin: print(clock(), flush=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", there, str(clock.descriptor)], pass_fds=[clock.descriptor],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        for moved in (A_MONDAY, A_MONDAY + 1, A_MONDAY + 60_000_000):
            clock.move(moved)
            child.stdin.write("?\n")
            child.stdin.flush()
            assert int(child.stdout.readline()) == moved
        child.stdin.close()


def test_a_drills_clock_never_goes_back():
    clock = SharedClock.begin(A_MONDAY)
    with pytest.raises(ValueError, match="forwards"):
        clock.move(A_MONDAY - 1)
    assert clock() == A_MONDAY


def test_without_a_descriptor_it_is_the_machines_clock():
    assert read_clock(None, "production") is system_clock


def test_production_refuses_a_simulated_clock():
    clock = SharedClock.begin(A_MONDAY)
    assert read_clock(clock.descriptor, "demo")() == A_MONDAY
    with pytest.raises(ClockRefused):
        read_clock(clock.descriptor, "production")


def test_a_descriptor_that_is_no_clock_is_refused(tmp_path):
    with (tmp_path / "file").open("w+") as file, pytest.raises(ClockRefused):
        read_clock(file.fileno(), "demo")
    with pytest.raises(ClockRefused):
        read_clock(10_000, "demo")


@pytest.mark.parametrize("process", ["vault", "cashier", "sealer", "front", "worker"])
def test_every_process_refuses_to_start_in_production_on_a_simulated_clock(process, production_config):
    clock = SharedClock.begin(A_MONDAY)
    command = [
        sys.executable, "-m", f"rempart.{process}", "--config", str(production_config(process)), "--clock-fd", str(clock.descriptor),
    ]  # fmt: skip
    refused = subprocess.run(
        command, pass_fds=[clock.descriptor], capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith("clock: A simulated clock is for drills only")


@pytest.fixture
def production_config(tmp_path):
    """A production settings file of a process; what it points to need not exist, for the clock is looked at first."""

    def write(process: str) -> Path:
        secret = tmp_path / "secret"
        secret.write_text("x" * 40)
        secret.chmod(0o600)
        lines = {"mode": "production", "dsn": f"postgresql://rempart_{process}@/x?host={tmp_path}"}
        if process == "vault":
            (tmp_path / "breached").write_text("F" * 40)
            lines["breached_passwords_file"] = str(tmp_path / "breached")
        settings = import_module("rempart.foundation.settings")
        kind = getattr(settings, f"{process.capitalize()}Settings")
        for name, field in kind.__dataclass_fields__.items():
            if name in lines or field.default is not settings.dataclasses.MISSING:
                continue
            if field.default_factory is settings.dataclasses.MISSING:
                lines[name] = {"origin": "https://rempart.example", "log_origin": "rempart.example/log"}.get(
                    name, str(secret) if "Path" in str(field.type) else "x"
                )
        file = tmp_path / f"{process}.toml"
        file.write_text("".join(f'{name} = "{value}"\n' for name, value in lines.items()))
        return file

    return write


def test_the_descriptor_is_not_inherited_by_accident():
    assert not os.get_inheritable(SharedClock.begin(A_MONDAY).descriptor)
