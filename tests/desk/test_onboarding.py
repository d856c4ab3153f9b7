"""Référencement: what two people approved is enrolled, once, and its code is on paper alone."""

import contextlib
import json
import re
import uuid
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pypdf import PdfReader

from rempart.cli.counter import Counter
from rempart.foundation.clock import SECOND, system_clock
from rempart.foundation.settings import CashierSettings, load_settings
from rempart.foundation.vocabulary import Role
from rempart.supervisor.platform import Platform
from rempart.vault.onboarding import LIFE
from rempart.vaultdoor.messages import (
    ApproveApplication,
    Done,
    EnrolApplication,
    Enrolled,
    EnrolProfessional,
    Onboarded,
    Proposed,
    RefuseApplication,
    Refused,
)
from tests.authenticator import expect
from tests.desk.conftest import Operator, Room
from tests.desk.test_commands import Seat, enrolled, platform, rempart
from tests.identity.test_application import STATED

__all__ = ["platform"]
DIGEST = "ab" * 32
SAID = (DIGEST, "010000602", "pharmacy", "claire")


def approved(room: Room) -> None:
    expect(Done, room.operate(ApproveApplication(*SAID, ["address"])))


def test_one_hand_enrols_nothing_that_a_second_person_did_not_approve(
    room: Room, lead: Operator, duty: Operator
) -> None:
    number = expect(Proposed, room.operate(ApproveApplication(*SAID, ["address"]))).id
    assert room.operate(EnrolApplication(*SAID)) == Refused("approval-over", "digest")
    assert duty.refused("proposal/approve", id=number + 1) == "proposal-over"
    room.time.advance(SECOND)
    duty.touch()
    duty.expect(Proposed, "proposal/approve", id=number)
    assert room.operate(EnrolApplication(*SAID)) == Refused("approval-over", "digest")
    lead.touch()
    lead.expect(Done, "proposal/approve", id=number)
    expect(Onboarded, room.operate(EnrolApplication(*SAID)))
    assert "seen: address" in room.journal()
    assert room.rows("SELECT approved_by FROM vault.application") == [("operator diane sami",)]


@pytest.mark.parametrize(
    "other", [("cd" * 32, *SAID[1:]), (DIGEST, "770816478", *SAID[2:]), (DIGEST, SAID[1], "doctor", SAID[3]), (*SAID[:3], "mallory")]
)  # fmt: skip
def test_an_approval_serves_for_no_other_application(room: Room, other: tuple[str, str, str, str]) -> None:
    approved(room)
    assert room.operate(EnrolApplication(*other)) == Refused("approval-over", "digest")
    assert room.rows("SELECT count(*) FROM vault.account") == [(0,)]


def test_an_approval_serves_once_and_not_for_ever(room: Room) -> None:
    approved(room)
    assert room.operate(ApproveApplication(*SAID, [])) == Refused("conflict", "digest")
    room.time.advance(LIFE)
    assert room.operate(EnrolApplication(*SAID)) == Refused("approval-over", "digest")
    # It is approved anew, like the first time.
    approved(room)
    expect(Onboarded, room.operate(EnrolApplication(*SAID)))
    assert room.operate(EnrolApplication(*SAID)) == Refused("approval-over", "digest")
    room.time.advance(LIFE)
    assert room.operate(ApproveApplication(*SAID, [])) == Refused("conflict", "digest")


def test_a_refused_enrolment_uses_up_no_approval(room: Room) -> None:
    place = room.establishment()
    expect(Enrolled, room.operate(EnrolProfessional("claire", Role.TITULAIRE, place)))
    finess = room.rows("SELECT finess FROM vault.establishment WHERE finess IS NOT NULL")[0][0]
    said = (DIGEST, finess, "pharmacy", "paul")
    expect(Done, room.operate(ApproveApplication(*said, ["finess-known"])))
    assert room.operate(EnrolApplication(*said)) == Refused("conflict", "finess")
    assert room.rows("SELECT enrolled FROM vault.application") == [(None,)]
    assert room.rows("SELECT count(*) FROM vault.account WHERE login = 'paul'") == [(0,)]


def test_who_applied_besides_since_the_approval_sends_it_back_to_both_people(room: Room) -> None:
    """The same that the desk does of a dossier; the approval stands for what was looked at."""
    expect(Done, room.operate(ApproveApplication(*SAID, ["address", "finess-known"])))
    came = EnrolApplication(*SAID, doubts=["finess-known", "finess-twice"])
    assert room.operate(came) == Refused("doubts", "finess-twice")
    assert room.rows("SELECT enrolled FROM vault.application") == [(None,)]
    expect(Onboarded, room.operate(EnrolApplication(*SAID, doubts=["finess-known"])))


def test_what_was_refused_is_enrolled_by_no_approval_it_had(room: Room) -> None:
    approved(room)
    assert room.operate(RefuseApplication(*SAID, "a b")) == Refused("bad-input", "ground")
    expect(Done, room.operate(RefuseApplication(*SAID, "not-confirmed")))
    assert room.operate(EnrolApplication(*SAID)) == Refused("approval-over", "digest")
    assert '"act":"application:refuse"' in room.journal().replace(" ", "")
    # Somebody called back after all.
    approved(room)
    expect(Onboarded, room.operate(EnrolApplication(*SAID)))
    assert room.operate(RefuseApplication(*SAID, "not-confirmed")) == Refused("conflict", "digest")


# ── as it is typed ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def clerks(platform: Platform) -> Iterator[tuple[Seat, Seat]]:
    """Two at the desk."""
    with contextlib.closing(Seat(platform)) as nora, contextlib.closing(Seat(platform)) as omar:
        nora.activate(enrolled(platform, "nora", "onboarding-clerk"))
        omar.activate(enrolled(platform, "omar", "onboarding-clerk"))
        yield nora, omar


def _sent(platform: Platform, finess: str, number: int) -> None:
    """A dossier that nobody means, as the cashier leaves it."""
    dossier, code = uuid.uuid4(), bytes([number]) * 32
    with psycopg.connect(load_settings(CashierSettings, platform.home.config_file("cashier")).dsn) as c:
        c.execute(
            "INSERT INTO identity.dossier (id, finess, siret, profession, opened, code, rib, rib_sealed, rib_mark)"
            " VALUES (%s, %s, %s, 'pharmacy', %s, %s, %s, 'sealed', %s)",
            (dossier, finess, f"{number:014}", system_clock(), code, uuid.uuid4(), code[:16]),
        )
        c.execute(
            "INSERT INTO identity.dossier_piece (dossier, document, piece, size, wrapped, sealed) VALUES (%s, 0, 0, 1, %s, 'x')",
            (dossier, code),
        )
        assert c.execute("SELECT identity.finish_dossier(%s, %s)", (code, system_clock())).fetchone() == (
            True,
        )


def test_from_the_application_to_the_first_sign_in_by_the_letter(
    platform: Platform,
    clerks: tuple[Seat, Seat],
    tmp_path: Path,
) -> None:
    file, paper = tmp_path / "claire.json", tmp_path / "claire.pdf"
    said: dict[str, Any] = STATED | {"stated_address": "1 rue d'ailleurs", "signed_on": "2020-01-01"}
    file.write_text(json.dumps(said))
    checked = rempart(platform, "onboarding", "check", str(file))
    assert checked.returncode == 0, checked.stderr
    assert "address" in checked.stdout
    digest = checked.stdout.strip().splitlines()[-1]

    unseen = rempart(platform, "onboarding", "propose", str(file), "--seen", "address")
    assert "[doubts]" in unseen.stderr
    assert "signed-when" in unseen.stderr
    seen = rempart(platform, "onboarding", "propose", str(file), "--seen", "address", "--seen", "signed-when")
    assert "[second-person]" in seen.stderr
    early = rempart(platform, "onboarding", "enrol", str(file), "--letter", str(paper))
    assert early.returncode == 1
    assert not paper.exists()

    no = tmp_path / "no.pdf"
    other = tmp_path / "paul.json"
    other.write_text(json.dumps(said | {"login": "paul"}))
    refused = rempart(
        platform, "onboarding", "refuse", str(other), "--ground", "not-confirmed", "--letter", str(no)
    )
    assert refused.returncode == 0, refused.stderr
    assert "rappelez-nous" in PdfReader(BytesIO(no.read_bytes())).pages[0].extract_text()

    waiting = rempart(platform, "desk", "proposals").stdout
    assert digest[:12] in waiting
    number = int(seen.stderr.partition("Proposal ")[2].split()[0])
    for clerk, told in zip(clerks, ("Proposed", "Done"), strict=True):
        clerk.step_up()
        assert clerk.ask("/desk/proposal/approve", id=number)["type"] == told

    # Somebody applied on the page meanwhile, in its name; of a flood of them.
    for n in range(3):
        _sent(platform, said["finess"], n)
    beside = rempart(platform, "onboarding", "enrol", str(file), "--letter", str(paper))
    assert "doubts: " in beside.stderr
    assert "finess-twice" in beside.stderr
    assert not paper.exists()
    assert "finess-twice" in rempart(platform, "onboarding", "check", str(file)).stdout
    which = ("onboarding", "clear", "--finess", said["finess"])
    assert rempart(platform, "onboarding", "clear", "--go").returncode == 1
    assert rempart(platform, *which, "--until", "2020-01-01", "--go").stdout == "0 cleared.\n"
    assert "3 would be cleared" in rempart(platform, *which, "--since", "2020-01-01").stdout
    assert rempart(platform, *which, "--go").stdout == "3 cleared.\n"
    assert rempart(platform, *which).stdout.startswith("0 would")
    assert rempart(platform, "operator", "journal").stdout.count("dossier:clear") == 3
    assert "cleared" in rempart(platform, "onboarding", "dossiers", "--all").stdout

    done = rempart(platform, "onboarding", "enrol", str(file), "--letter", str(paper))
    assert done.returncode == 0, done.stderr
    assert paper.stat().st_mode & 0o777 == 0o600
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(paper.read_bytes())).pages)
    [code] = re.findall(r"\b(?:[A-Z0-9]{4}-){3}[A-Z0-9]{4}\b", text)
    assert code not in done.stdout + done.stderr
    assert STATED["address"].replace("'", "’") in text.replace("'", "’").replace("\n", " ")
    assert rempart(platform, "onboarding", "enrol", str(file), "--letter", str(paper)).returncode == 1

    with contextlib.closing(Counter(platform.origin)) as counter:
        counter.activate(code)
        assert counter.act("/acts/here", {})["profession"] == "pharmacy"
