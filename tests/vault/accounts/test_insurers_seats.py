"""An insurer's people: enrolled by the operator's command, signed in like anybody, and with no line to check a right on."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rempart.cli.operator import app
from rempart.foundation.clock import HOUR
from rempart.foundation.settings import FrontSettings, write_settings
from rempart.foundation.vocabulary import Profession, Role
from rempart.supervisor.home import Home
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.messages import (
    Done,
    EnrolEstablishment,
    Enrolled,
    EnrolProfessional,
    JournalPage,
    Members,
    RegisterInsurer,
    SignedIn,
    SuspendAccount,
    Thrown,
    ThrowSwitch,
)
from tests.authenticator import ORIGIN, SoftwareBrowser, expect
from tests.vault.accounts.conftest import Person, Vault
from tests.vault.accounts.test_attacks import check_right, refusal
from tests.vault.accounts.test_vouching import refused, vouched

AMC = "99999997"
SEAT = EnrolEstablishment("", Profession.INSURER, amc=AMC)


@pytest.fixture
def insurer(vault: Vault) -> int:
    """Its number."""
    known = RegisterInsurer(AMC, "Mutuelle du Ponant", b"s" * 32, b"n" * 32)
    return int(expect(Enrolled, vault.operate(known)).id)


@pytest.fixture
def seat(vault: Vault, insurer: int) -> str:
    """Its id."""
    return expect(Enrolled, vault.operate(SEAT)).id


@pytest.fixture
def ines(vault: Vault, seat: str) -> Person:
    """The seat's first person."""
    code = expect(Enrolled, vault.operate(EnrolProfessional("ines", Role.TITULAIRE, seat))).code
    browser, passkey = vault.browser(), SoftwarePasskey(ORIGIN)
    browser.activate(code, passkey)
    return Person("ines", browser, passkey, seat)


def test_an_insurers_seat_checks_a_right_and_is_refused(vault: Vault, ines: Person) -> None:
    assert refusal(check_right(vault, ines.browser)) == "forbidden"
    assert vault.rows("SELECT count(*) FROM evidence.leaf") == [(0,)]


def test_an_insurers_person_signs_in_and_sees_security_members_and_an_empty_journal(
    vault: Vault, ines: Person, seat: str
) -> None:
    vault.time.now += 13 * HOUR
    signed_in = expect(SignedIn, ines.browser.sign_in(ines.passkey))
    assert (signed_in.establishment, signed_in.role) == (seat, Role.TITULAIRE)
    assert [factor.kind for factor in ines.browser.security().factors] == ["passkey", "recovery"]
    members = ines.browser.expect(Members, "members", establishment="")
    assert (members.profession, members.finess, members.amc) == (Profession.INSURER, "", AMC)
    page = ines.browser.expect(JournalPage, "journal", before=0, limit=10)
    assert (page.entries, page.hour_limit, page.day_limit) == ([], 0, 0)


def test_an_insurers_titulaire_invites_and_removes_a_colleague(vault: Vault, ines: Person) -> None:
    invited = ines.browser.expect(Enrolled, "members/invite", establishment="", login="hugo", role="employee")
    hugo = SoftwareBrowser(vault)
    hugo.activate(invited.code, SoftwarePasskey(ORIGIN))
    assert refusal(check_right(vault, hugo)) == "forbidden"
    ines.browser.expect(Done, "members/remove", establishment="", account=invited.id)
    assert refused(vault, hugo.signed("/claims/flows", {})) == "session"
    assert f'"detail": "{AMC}"' in vault.journal()


def test_an_insurers_person_is_vouched_for_with_the_insurer(
    vault: Vault, ines: Person, insurer: int, seat: str
) -> None:
    who = vouched(vault, ines.browser.signed("/claims/flows", {}))
    assert (who.establishment, who.profession, who.amc, who.insurer, who.finess) == (
        seat,
        Profession.INSURER,
        AMC,
        insurer,
        "",
    )


def test_a_contained_insurers_seat_signs_no_errand(vault: Vault, ines: Person) -> None:
    expect(Done, vault.operate(ThrowSwitch("establishment", AMC, "exercise", True)))
    assert refused(vault, ines.browser.signed("/claims/flows", {})) == "contained"


def test_an_insurer_that_is_closed_still_fetches_its_flows_and_the_cashier_knows(
    vault: Vault, ines: Person
) -> None:
    expect(Done, vault.operate(ThrowSwitch("insurer", AMC, "exercise", True)))
    assert vouched(vault, ines.browser.signed("/claims/flows", {})).thrown == [Thrown("insurer", "closed")]


def test_a_suspended_insurers_person_signs_no_errand(vault: Vault, ines: Person) -> None:
    expect(Done, vault.operate(SuspendAccount("ines", True)))
    assert refused(vault, ines.browser.signed("/claims/flows", {})) == "session"


def test_an_insurer_has_one_seat(vault: Vault, seat: str) -> None:
    assert refusal(vault.operate(SEAT)) == "conflict"


@pytest.fixture
def home(vault: Vault) -> Iterator[Home]:
    """What the operator's commands need of an installation: sockets, the front's origin, a way to the names."""
    # A UNIX socket's path is short.
    with tempfile.TemporaryDirectory(prefix="seat-") as name:
        home = Home.at(Path(name))
        home.config.mkdir()
        home.run.symlink_to(vault.zone.settings.run_folder)
        home.operator_dsn.write_text(vault.database.dsn("operator"))
        front = FrontSettings(
            mode="demo",
            dsn=vault.database.dsn("door"),
            run_folder=home.run,
            origin=ORIGIN,
            spool_folder=home.folder,
        )
        write_settings(front, home.config_file("front"))
        yield home


def test_the_operators_command_enrols_a_seat_and_its_first_person(
    vault: Vault, insurer: int, home: Home
) -> None:
    words = ["enrol-insurer-seat", AMC, "Mutuelle du Ponant", "Brest", "ines", "Inès Le Goff"]

    async def run() -> list[str]:
        # In a thread, so that the vault answers meanwhile.
        done = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--folder", str(home.folder)])
        assert done.exit_code == 0, done.exception
        return done.output.split()

    seat, link = vault.runner.run(run())
    browser = vault.browser()
    activated = browser.activate(link.partition("#")[2], SoftwarePasskey(ORIGIN))
    assert activated.session.establishment == seat
    with vault.database.connect() as owner:
        place = owner.execute(
            "SELECT id::text, finess, amc, name, town, profession FROM identity.establishment"
        ).fetchall()
        people = owner.execute("SELECT establishment::text, name FROM identity.professional").fetchall()
    assert place == [(seat, None, AMC, "Mutuelle du Ponant", "Brest", "insurer")]
    assert people == [(seat, "Inès Le Goff")]
