"""Sessions, software and places of work when an establishment closes, is sold, or ends."""

from datetime import timedelta

from rempart.foundation.clock import DAY, HOUR, MINUTE, paris_date
from rempart.foundation.vocabulary import Role
from rempart.vault.establishments import Calendar, midnight
from rempart.vaultdoor.messages import (
    DepartEstablishment,
    Done,
    Enrolled,
    EnrolProfessional,
    Here,
    JournalPage,
    Refused,
    SignedIn,
    SoftwarePending,
    StayEstablishment,
    Vouched,
)
from tests.authenticator import expect
from tests.vault.accounts.conftest import Person, Vault, activated
from tests.vault.accounts.test_editors import Software, confirm, logis, software

__all__ = ["logis", "software"]


def leave(vault: Vault, place: str, ground: str, days: int = 1) -> None:
    finess = vault.rows(f"SELECT finess FROM vault.establishment WHERE id = '{place}'")[0][0]
    day = (paris_date(vault.clock()) + timedelta(days=days)).isoformat()
    expect(Done, vault.operate(DepartEstablishment(finess, day, ground, "by letter")))


def to_midnight(vault: Vault, days: int = 1) -> None:
    vault.time.now = midnight(paris_date(vault.clock()) + timedelta(days=days))


def note_dates(vault: Vault) -> None:
    vault.runner.run(Calendar(vault.zone.pool, vault.clock).round())


def sign_in(who: Person) -> SignedIn:
    return expect(SignedIn, who.browser.sign_in(who.passkey))


def work_on(claire: Person, software: Software) -> None:
    """Another twelve hours, which she confirms."""
    pending = expect(SoftwarePending, software.introduce("software/ask"))
    expect(Done, confirm(claire, pending))
    expect(SignedIn, software.introduce("software/collect", ask=pending.ask))


def test_the_sellers_software_in_the_buyers_shop_is_at_work_for_nobody(
    vault: Vault, claire: Person, software: Software
) -> None:
    leave(vault, claire.establishment, "cession")
    to_midnight(vault)
    vault.time.advance(-HOUR)
    sign_in(claire)
    work_on(claire, software)
    expect(JournalPage, software.ask("journal", before=0, limit=10))
    vault.time.advance(HOUR)
    assert software.refused("journal", before=0, limit=10) == "session"
    assert expect(Refused, software.errand()).code == "session"
    # Whether its owner comes back or not, and even for another code of theirs.
    vault.time.advance(MINUTE)
    sign_in(claire)
    pending = expect(SoftwarePending, software.introduce("software/ask"))
    expect(Done, confirm(claire, pending))
    assert expect(Refused, software.introduce("software/collect", ask=pending.ask)).code == "session"
    claire.browser.step_up(claire.passkey)
    assert (
        claire.browser.refused("software/invite", establishment="", editor="Logis Santé") == "seat-departed"
    )
    claire.browser.expect(JournalPage, "journal", before=0, limit=10)


def test_a_house_that_closed_without_being_sold_sends_its_last_invoices_by_its_software(
    vault: Vault, claire: Person, software: Software
) -> None:
    leave(vault, claire.establishment, "retirement")
    to_midnight(vault)
    sign_in(claire)
    work_on(claire, software)
    vouched = expect(Vouched, software.errand())
    assert (vouched.standing, vouched.establishment) == ("departed", claire.establishment)


def test_who_works_elsewhere_too_is_led_there_once_the_house_has_closed(vault: Vault, claire: Person) -> None:
    other = vault.establishment(2)
    code = expect(Enrolled, vault.operate(EnrolProfessional("claire", Role.EMPLOYEE, other))).code
    claire.browser.ask("members/join", code=code)
    leave(vault, claire.establishment, "retirement")
    to_midnight(vault)
    note_dates(vault)
    found = sign_in(claire)
    assert (found.establishment, found.establishments) == (other, [other, claire.establishment])
    claire.browser.expect(SignedIn, "establishment/choose", establishment=claire.establishment)
    claire.browser.expect(Here, "here")
    vault.time.advance(401 * DAY)
    assert sign_in(claire).establishments == [other, claire.establishment]
    # The list may be some seconds old; no session stands there.
    claire.browser.expect(SignedIn, "establishment/choose", establishment=claire.establishment)
    assert claire.browser.refused("here") == "session"
    note_dates(vault)
    assert sign_in(claire).establishments == [other]
    assert claire.browser.refused("establishment/choose", establishment=claire.establishment) == "forbidden"


def test_whose_only_house_has_ended_signs_in_nowhere(vault: Vault, claire: Person) -> None:
    omar = activated(vault, "omar", claire.establishment, Role.EMPLOYEE)
    leave(vault, claire.establishment, "request")
    to_midnight(vault, 402)
    note_dates(vault)
    for who in (claire, omar):
        assert expect(Refused, who.browser.sign_in(who.passkey)).code == "forbidden"
    assert '"act":"establishment:close"' in vault.journal().replace(" ", "")
    assert vault.rows("SELECT count(*) FROM vault.membership") == [(0,)]


def test_the_seat_that_a_finess_means_is_whose_it_is_that_day(vault: Vault, claire: Person) -> None:
    finess = vault.rows("SELECT finess FROM vault.establishment")[0][0]
    leave(vault, claire.establishment, "licence")
    expect(Done, vault.operate(StayEstablishment(finess, "renewed")))
    to_midnight(vault, 5)
    note_dates(vault)
    assert vault.rows("SELECT stage, leaving FROM vault.establishment") == [(0, None)]
