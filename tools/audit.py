"""Ask whether what we depend on has known vulnerabilities: `make audit`. The exact, hash-pinned versions of requirements-dev.txt, which
hold those of requirements.txt.

Exit 1 for a vulnerability that nobody accepted, or whose acceptance is over (tools/accepted-advisories.toml). A service that
cannot be reached, or knows nothing of a package, is said and is no failure: it says nothing about the code. `--must-answer` (before a
release) makes it exit 2.
"""

import argparse
import json
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements-dev.txt"
ACCEPTED = ROOT / "tools" / "accepted-advisories.toml"
SERVICES = ("pypi", "osv")
DEADLINE = 180


class NoAnswerError(Exception):
    """A service gave no report; the text says why."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--must-answer", action="store_true", help="exit 2 when a package could not be asked about"
    )
    parser.add_argument(
        "--report", type=Path, help="a report that pip-audit wrote as JSON, instead of asking"
    )
    parser.add_argument("--accepted", type=Path, default=ACCEPTED)
    arguments = parser.parse_args()
    accepted = read_accepted(arguments.accepted)
    report = json.loads(arguments.report.read_text()) if arguments.report else ask_somebody()
    lines, wrong, unasked = judge(report, accepted, date.today())  # noqa: DTZ011 (a day, where the command runs)
    print("\n".join(lines))
    if wrong:
        return 1
    return 2 if unasked and arguments.must_answer else 0


def read_accepted(path: Path) -> dict[str, tuple[str, date]]:
    """Advisory → reason, last day. Raises SystemExit for an entry that lacks one."""
    entries = tomllib.loads(path.read_text()).get("advisory", [])
    for entry in entries:
        if not entry.get("id") or not entry.get("reason") or not isinstance(entry.get("until"), date):
            sys.exit(f"{path.name}: every advisory needs an id, a reason and a day `until`")
    return {entry["id"]: (entry["reason"], entry["until"]) for entry in entries}


def ask_somebody() -> dict:
    """The report of the first service that knows a package of ours, else the last one's, else an empty one."""
    report = {"dependencies": []}
    for service in SERVICES:
        try:
            report = ask(service)
        except NoAnswerError as error:
            print(f"{service}: no answer ({error})")
            continue
        if any("vulns" in each for each in report["dependencies"]):
            print(f"{service}: asked")
            return report
        print(f"{service}: answered, and knew none of the packages")
    return report


def ask(service: str) -> dict:
    """One service's report. Raises NoAnswerError."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(REQUIREMENTS), "--require-hashes", "--disable-pip",
               "--progress-spinner", "off", "-s", service, "-f", "json", "--timeout", "10"]  # fmt: skip
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DEADLINE)
        return json.loads(ended.stdout)
    except subprocess.TimeoutExpired:
        raise NoAnswerError(f"nothing within {DEADLINE} s") from None
    except json.JSONDecodeError:
        # Its last line names the cause; an address in it is no secret, but is not ours to print.
        last = (ended.stderr.strip().splitlines() or ["no output"])[-1]
        raise NoAnswerError(last.partition(":")[0].rpartition(".")[2]) from None


def judge(report: dict, accepted: dict[str, tuple[str, date]], today: date) -> tuple[list[str], bool, int]:
    """What to say, whether something is wrong, and how many packages nobody could be asked about."""
    lines, wrong, found = [], False, set()
    for package in report["dependencies"]:
        for vulnerability in package.get("vulns", ()):
            names = {vulnerability["id"], *vulnerability.get("aliases", ())}
            known = sorted(names & accepted.keys())
            found |= names
            reason, until = accepted[known[0]] if known else ("", date.min)
            fixed = ", ".join(vulnerability.get("fix_versions", ())) or "no fixed version yet"
            what = f"{package['name']} {package['version']}: {vulnerability['id']} ({fixed})"
            if until >= today:
                lines.append(f"accepted until {until}: {what}: {reason}")
            else:
                wrong = True
                lines.append(f"{'ACCEPTANCE OVER' if known else 'VULNERABLE'}: {what}")
    lines += [f"no longer found, take it out of the list: {name}" for name in sorted(accepted.keys() - found)]
    asked = sum("vulns" in each for each in report["dependencies"])
    unasked = len(report["dependencies"]) - asked
    lines.append(f"{asked} packages asked about, {unasked} could not be.")
    if not asked:
        lines.append(
            "NOT AUDITED: no advisory service could be asked from here. Nothing is known either way; run it where one can."
        )
    return lines, wrong, unasked or not asked


if __name__ == "__main__":
    sys.exit(main())
