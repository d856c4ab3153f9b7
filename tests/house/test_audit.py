"""`make audit`: a vulnerability fails unless it is accepted, with a reason and until a day; silence is said, and is no verdict."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
VULNERABLE = {
    "name": "somelib",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["1.1"]}],
}
SOUND = {"name": "otherlib", "version": "2.0", "vulns": []}
UNKNOWN = {"name": "thirdlib", "skip_reason": "Dependency not found"}


def audit(folder: Path, dependencies: list[dict[str, Any]], accepted: str, *more: str) -> tuple[int, str]:
    (folder / "report.json").write_text(json.dumps({"dependencies": dependencies}))
    (folder / "accepted.toml").write_text(accepted)
    files = ["--report", str(folder / "report.json"), "--accepted", str(folder / "accepted.toml")]
    command = [sys.executable, str(ROOT / "tools" / "audit.py"), *files, *more]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def acceptance(identifier: str, until: str) -> str:
    return f'[[advisory]]\nid = "{identifier}"\nreason = "never called"\nuntil = {until}\n'


def test_a_known_vulnerability_fails(tmp_path: Path) -> None:
    code, said = audit(tmp_path, [VULNERABLE, SOUND], "")
    assert code == 1
    assert "VULNERABLE: somelib 1.0: PYSEC-2026-1 (1.1)" in said


@pytest.mark.parametrize("identifier", ["PYSEC-2026-1", "CVE-2026-1"])
def test_an_accepted_one_is_told_with_its_reason(tmp_path: Path, identifier: str) -> None:
    code, said = audit(tmp_path, [VULNERABLE], acceptance(identifier, "2999-01-01"))
    assert code == 0
    assert "never called" in said


def test_an_acceptance_ends(tmp_path: Path) -> None:
    code, said = audit(tmp_path, [VULNERABLE], acceptance("PYSEC-2026-1", "2020-01-01"))
    assert code == 1
    assert "ACCEPTANCE OVER" in said


def test_an_acceptance_without_a_reason_or_a_day_is_none(tmp_path: Path) -> None:
    for wrong in ('[[advisory]]\nid = "X"\nreason = "y"\n', '[[advisory]]\nid = "X"\nuntil = 2999-01-01\n'):
        assert audit(tmp_path, [SOUND], wrong)[0] == 1


def test_silence_is_said_and_fails_only_where_an_answer_is_a_must(tmp_path: Path) -> None:
    code, said = audit(tmp_path, [UNKNOWN], "")
    assert code == 0
    assert "NOT AUDITED" in said
    assert audit(tmp_path, [UNKNOWN], "", "--must-answer")[0] == 2
    assert audit(tmp_path, [UNKNOWN, SOUND], "", "--must-answer")[0] == 2
    assert audit(tmp_path, [SOUND], "", "--must-answer")[0] == 0
    assert audit(tmp_path, [], "", "--must-answer")[0] == 2


def test_every_acceptance_of_ours_has_its_reason_and_its_day() -> None:
    assert (ROOT / "tools" / "accepted-advisories.toml").exists()
    files = ["--accepted", str(ROOT / "tools" / "accepted-advisories.toml"), "--report", "/dev/stdin"]
    command = [sys.executable, str(ROOT / "tools" / "audit.py"), *files]
    ended = subprocess.run(command, input='{"dependencies": []}', capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
