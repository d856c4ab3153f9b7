"""An establishment after its référencement, against whoever would go on, come back, or take over: departure, suspension, cession."""

import asyncio
import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rempart.claims.messages import (
    AskBody,
    Care,
    InvoiceFilter,
    InvoicePage,
    Nothing,
    NumberBody,
    PaymentFilter,
    PaymentPage,
    QuoteBody,
    RibBody,
    RibView,
)
from rempart.foundation.clock import DAY, HOUR, MINUTE, SECOND
from rempart.foundation.vocabulary import Domain, Profession, Role
from rempart.identity.store import newest_seat
from rempart.incident.asking import Named, question_of
from rempart.population.professionals import synthetic_iban
from rempart.status.store import establishment_by_finess
from rempart.vault.establishments import Calendar, midnight
from rempart.vaultdoor.browser import SoftwarePasskey
from rempart.vaultdoor.fhir import write_request
from rempart.vaultdoor.holds import Doing
from rempart.vaultdoor.messages import (
    ApproveApplication,
    DepartEstablishment,
    Done,
    EnrolApplication,
    EnrolEstablishment,
    Enrolled,
    EnrolProfessional,
    Establishments,
    Here,
    JournalPage,
    Members,
    Onboarded,
    Refused,
    Reply,
    ResumeEstablishment,
    Security,
    ShowEstablishment,
    StayEstablishment,
    SuspendEstablishment,
    ThrowSwitch,
)
from rempart.vaultdoor.seats import SeatDeparted, Standing, against
from tests.authenticator import ORIGIN, SoftwareBrowser, expect
from tests.cashier.conftest import RIGHTS, Insured, Professional, Trade
from tests.cashier.test_attacks import DRUG
from tests.cashier.test_invoices import invoice, submit
from tests.cashier.test_money import referenced, settle_day

__all__ = ["settle_day"]


@dataclass
class House:
    """A pharmacy that has its RIB, its titulaire, and somebody whom it serves."""

    trade: Trade
    finess: str
    owner: Professional
    insured: Insured

    def leave(self, days: int, ground: str = "retirement") -> None:
        on = self.trade.today(days).isoformat()
        expect(Done, self.trade.operate(DepartEstablishment(self.finess, on, ground, "by letter")))

    def until(self, days: int) -> None:
        """The first minute of a day from today."""
        self.trade.clock.now = midnight(self.trade.today(days)) + MINUTE
        self.owner.wake()

    def standing(self) -> list[str]:
        """Of its seats, the newest first."""
        found = expect(Establishments, self.trade.operate(ShowEstablishment(self.finess)))
        return [seat.life.standing for seat in found.seats]


@pytest.fixture
def house(trade: Trade) -> Iterator[House]:
    owner = referenced(trade)
    finess = trade.rows("SELECT finess FROM vault.establishment WHERE id = %s", owner.establishment)[0][0]
    yield House(trade, finess, owner, trade.insure(trade.insurer()))
    with trade.database.connect() as cleaning:
        cleaning.execute("DELETE FROM identity.establishment WHERE finess = %s", (finess,))


def look_up(who: Professional, insured: Insured) -> Reply:
    """Without signing in again."""
    act = who.browser.key.act(
        ORIGIN, RIGHTS, write_request(insured.presentation(Domain.PHAR)), who.trade.clock() // SECOND, who.browser.session
    )  # fmt: skip
    return who.trade.call(act)


def refused(reply: Reply) -> str:
    return expect(Refused, reply).code


def entries(trade: Trade) -> int:
    return int(trade.rows("SELECT count(*) FROM evidence.entry")[0][0])


def note_dates(trade: Trade) -> None:
    """What the vault does every few seconds."""
    trade.runner.run(Calendar(trade.vault.pool, trade.clock).round())


def sold(house: House, days: int = 3) -> Professional:
    """The house is sold, and its buyer, enrolled before the day, has activated their account."""
    house.leave(days, "cession")
    trade, login = house.trade, f"b-{uuid.uuid4().hex[:8]}"
    said = (uuid.uuid4().hex * 2, house.finess, "pharmacy", login)
    expect(Done, trade.operate(ApproveApplication(*said, ["finess-known"])))
    enrolled = expect(Onboarded, trade.operate(EnrolApplication(*said)))
    browser, passkey = SoftwareBrowser(trade, label="Comptoir"), SoftwarePasskey(ORIGIN)
    browser.activate(enrolled.code, passkey)
    return Professional(trade, login, enrolled.establishment, browser, passkey, trade.clock())


def test_what_each_standing_forbids_is_what_the_page_says() -> None:
    page = (
        (Path(__file__).parents[2] / "docs/establishments.md")
        .read_text()
        .split("## What goes on\n")[1]
        .split("\n\n")[0]
    )
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()]
    asked = [{Doing.LOOK_UP, Doing.QUOTE, Doing.AGREE}, {Doing.INVOICE}, {Doing.RIB}, {Doing.FOLLOW}]
    standings = [Standing.SUSPENDED, Standing.DEPARTED, Standing.READING, Standing.ENDED, Standing.NOT_YET]
    for standing, (_, *cells) in zip(standings, lines[2:], strict=True):
        for doings, cell in zip(asked, cells, strict=True):
            refused_as = {against(standing, doing) for doing in doings}
            if standing is Standing.ENDED:
                assert refused_as == {SeatDeparted}
            elif cell.startswith("no"):
                (why,) = refused_as
                assert why is not None
                assert why.code in (cell or why.code) or "`" not in cell
            elif cell:
                assert refused_as == {None}, (standing, doings)


# ── departure ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_until_the_closing_date_nothing_changes_and_from_it_on_a_stolen_session_checks_nothing(
    trade: Trade, house: House
) -> None:
    house.leave(1)
    trade.clock.now = midnight(trade.today(1)) - SECOND
    house.owner.wake()
    house.owner.check_right(house.insured, Domain.PHAR)
    asked = entries(trade)
    # One second later, in the same session, whatever runs or does not: the thief at the counter has nothing.
    trade.clock.advance(SECOND)
    assert refused(look_up(house.owner, house.insured)) == "seat-departed"
    care = Care([DRUG], "")
    assert house.owner.refused("/claims/quote", QuoteBody(care)).code == "seat-departed"
    assert house.owner.refused("/claims/prise-en-charge/ask", AskBody(care)).code == "seat-departed"
    assert entries(trade) == asked
    assert house.standing() == ["departed"]


def test_an_engaged_invoice_is_paid_after_the_departure_and_refused_after_the_sixty_days(
    trade: Trade, house: House, settle_day: Callable[[], str]
) -> None:
    engaged = invoice(house.owner, house.insured, "LAST")
    late = msgspec.structs.replace(invoice(house.owner, house.insured, "LATE"), number="LATE")
    house.leave(1)
    house.until(60)
    accepted = submit(house.owner, engaged)
    assert accepted.state == "accepted"
    due = house.owner.ask(PaymentPage, "/claims/payment/list", PaymentFilter()).due
    assert due == accepted.shares.amc
    assert (
        accepted.number in settle_day()
        or house.owner.ask(PaymentPage, "/claims/payment/list", PaymentFilter(invoice="LAST")).items
    )
    house.until(1)
    assert house.owner.refused("/claims/invoice/submit", late).code == "seat-invoices-over"
    assert house.owner.refused("/claims/invoice/cancel", NumberBody("LAST")).code == "seat-invoices-over"
    # What is one's own stays in sight.
    assert [
        each.number for each in house.owner.ask(InvoicePage, "/claims/invoice/list", InvoiceFilter()).items
    ] == ["LAST"]
    house.owner.browser.expect(JournalPage, "journal", before=0, limit=10)


def test_when_the_days_for_reading_are_over_the_accounts_of_that_seat_end(trade: Trade, house: House) -> None:
    house.leave(1)
    house.until(400)
    house.owner.browser.expect(Here, "here")
    house.until(1)
    assert house.owner.browser.refused("here") == "session"
    note_dates(trade)
    assert house.standing() == ["ended"]
    assert trade.rows(
        "SELECT count(*) FROM vault.membership WHERE establishment = %s", house.owner.establishment
    ) == [(0,)]
    assert trade.operate(StayEstablishment(house.finess, "too late")) == Refused("conflict", "finess")


def test_nobody_is_given_a_seat_where_the_accounts_have_ended(trade: Trade, house: House) -> None:
    house.leave(1)
    house.until(400)
    late = EnrolProfessional(f"l-{uuid.uuid4().hex[:8]}", Role.EMPLOYEE, house.owner.establishment)
    expect(Enrolled, trade.operate(late))
    house.until(401)
    again = EnrolProfessional(f"l-{uuid.uuid4().hex[:8]}", Role.EMPLOYEE, house.owner.establishment)
    assert trade.operate(again) == Refused("conflict", "establishment")


def test_a_clock_turned_back_opens_nothing_again(trade: Trade, house: House) -> None:
    house.leave(1)
    house.until(1)
    closed = trade.clock.now
    assert refused(look_up(house.owner, house.insured)) == "seat-departed"
    note_dates(trade)
    trade.clock.now = closed - DAY
    house.owner.browser.sign_in(house.owner.passkey)
    assert refused(look_up(house.owner, house.insured)) == "seat-departed"
    assert house.owner.refused("/claims/quote", QuoteBody(Care([DRUG], ""))).code == "seat-departed"
    trade.clock.now = closed


def test_a_clock_set_ahead_for_a_moment_ends_no_house_before_its_day(trade: Trade, house: House) -> None:
    buyer, now = sold(house, 30), trade.clock.now
    ran = itertools.count(1_000, 5)
    calendar = Calendar(trade.vault.pool, trade.clock, lambda: float(next(ran)))
    trade.runner.run(calendar.round())
    # Two years ahead: for some rounds, as when a time server lies.
    for wrong in (now + 700 * DAY, now + 700 * DAY + 5 * SECOND, now + 10 * SECOND):
        trade.clock.now = wrong
        trade.runner.run(calendar.round())
    assert house.standing() == ["not-yet", "open"]
    house.owner.check_right(house.insured, Domain.PHAR)
    # The day itself is noted once the clock has kept its pace for an hour; it holds by itself before.
    house.until(30)
    trade.runner.run(calendar.round())
    buyer.wake()
    buyer.check_right(house.insured, Domain.PHAR)
    for _ in range(1 + HOUR // (5 * SECOND)):
        trade.clock.advance(5 * SECOND)
        trade.runner.run(calendar.round())
    assert trade.rows("SELECT stage FROM vault.establishment WHERE id = %s", house.owner.establishment) == [
        (1,)
    ]


def test_a_departure_is_undone_before_and_after_and_told_to_everybody_there(
    trade: Trade, house: House
) -> None:
    house.leave(2)
    told = house.owner.browser.expect(Security, "security").notices
    day = f"{trade.today(2):%d/%m/%Y}"
    assert [(each.kind, each.detail) for each in told][:1] == [("establishment:depart", day)]
    life = house.owner.browser.expect(Members, "members", establishment="").life
    assert life is not None
    assert (life.closes, life.leaving) == (midnight(trade.today(2)), "retirement")
    assert life.invoices_until == midnight(trade.today(62))
    expect(Done, trade.operate(StayEstablishment(house.finess, "a mistake")))
    house.until(3)
    house.owner.check_right(house.insured, Domain.PHAR)
    assert house.owner.browser.expect(Members, "members", establishment="").life is None
    house.leave(0)
    note_dates(trade)
    assert refused(look_up(house.owner, house.insured)) == "seat-departed"
    expect(Done, trade.operate(StayEstablishment(house.finess, "it goes on")))
    house.owner.check_right(house.insured, Domain.PHAR)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"day": "demain"}, "day"), ({"day": "20260101"}, "day"), ({"days": -31}, "day"), ({"days": 367}, "day"),
        ({"ground": "sold"}, "ground"),
        ({"words": " "}, "words"), ({"words": "a\x00b"}, "words"),
    ],
)  # fmt: skip
def test_a_departure_that_means_nothing_is_refused(
    trade: Trade, house: House, changes: dict[str, Any], field: str
) -> None:
    on = changes.get("day") or trade.today(changes.get("days", 1)).isoformat()
    call = DepartEstablishment(house.finess, on, changes.get("ground", "licence"), changes.get("words", "x"))
    assert trade.operate(call) == Refused("bad-input", field)
    assert house.standing() == ["open"]


def test_a_departure_said_late_takes_from_nobody_the_days_to_invoice(trade: Trade, house: House) -> None:
    engaged = invoice(house.owner, house.insured, "F9")
    house.leave(-30)
    house.until(59)
    assert submit(house.owner, engaged).state == "accepted"


# ── suspension ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_suspended_house_checks_nobody_and_what_it_engaged_is_paid(trade: Trade, house: House) -> None:
    engaged = invoice(house.owner, house.insured, "S1")
    expect(Done, trade.operate(SuspendEstablishment(house.finess, "indu", 10, "two letters unanswered")))
    assert refused(look_up(house.owner, house.insured)) == "seat-suspended"
    assert house.owner.refused("/claims/quote", QuoteBody(Care([DRUG], ""))).code == "seat-suspended"
    house.owner.step_up()
    elsewhere = house.owner.refused("/claims/rib/change", RibBody(synthetic_iban(5)))
    assert elsewhere.code == "seat-suspended"
    assert submit(house.owner, engaged).state == "accepted"
    assert house.owner.ask(PaymentPage, "/claims/payment/list", PaymentFilter()).due > 0
    # It is no security measure: nothing of containment stands, and nobody else's request reads a switch for it.
    assert trade.rows("SELECT count(*) FROM vault.switch") == [(0,)]
    expect(Done, trade.operate(ResumeEstablishment(house.finess, "paid")))
    house.owner.check_right(house.insured, Domain.PHAR)
    assert trade.operate(ResumeEstablishment(house.finess, "again")) == Refused("conflict", "finess")


def test_a_suspension_is_over_by_itself(trade: Trade, house: House) -> None:
    expect(Done, trade.operate(SuspendEstablishment(house.finess, "papers", 2, "insurance certificate")))
    trade.clock.advance(2 * DAY - HOUR)
    house.owner.wake()
    assert refused(look_up(house.owner, house.insured)) == "seat-suspended"
    trade.clock.advance(HOUR)
    house.owner.check_right(house.insured, Domain.PHAR)
    assert trade.operate(SuspendEstablishment(house.finess, "because", 2, "x")) == Refused(
        "bad-input", "ground"
    )
    assert trade.operate(SuspendEstablishment(house.finess, "papers", 0, "x")) == Refused("bad-input", "days")


def test_a_suspension_made_longer_does_not_make_its_first_days_worth_anything(
    trade: Trade, house: House
) -> None:
    def since() -> int:
        return expect(Establishments, trade.operate(ShowEstablishment(house.finess))).seats[0].suspended_since

    expect(Done, trade.operate(SuspendEstablishment(house.finess, "indu", 10, "two letters unanswered")))
    first = since()
    trade.clock.advance(9 * DAY)
    expect(Done, trade.operate(SuspendEstablishment(house.finess, "indu", 30, "and a third")))
    assert since() == first
    trade.clock.advance(31 * DAY)
    expect(Done, trade.operate(SuspendEstablishment(house.finess, "papers", 2, "another matter")))
    assert since() == trade.clock()


# ── cession ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_buyer_works_from_the_day_and_the_seller_until_it(trade: Trade, house: House) -> None:
    buyer = sold(house)
    assert house.standing() == ["not-yet", "open"]
    assert refused(look_up(buyer, house.insured)) == "seat-not-open"
    assert buyer.refused("/claims/quote", QuoteBody(Care([DRUG], ""))).code == "seat-not-open"
    house.owner.check_right(house.insured, Domain.PHAR)
    house.until(3)
    buyer.check_right(house.insured, Domain.PHAR)
    assert refused(look_up(house.owner, house.insured)) == "seat-departed"
    assert house.standing() == ["open", "departed"]


def test_a_session_left_open_in_the_shop_is_over_at_the_cession_and_the_new_owner_reads_nothing_of_the_former(
    trade: Trade, house: House
) -> None:
    submit(house.owner, invoice(house.owner, house.insured, "OLD"))
    buyer = sold(house, 1)
    trade.clock.now = midnight(trade.today(1)) - HOUR
    house.owner.wake()
    trade.clock.advance(2 * HOUR)
    # The seller's machine stands in the buyer's shop: nothing of it answers before the seller signs in, in person.
    assert house.owner.browser.refused("here") == "session"
    act = house.owner.browser.key.act(
        ORIGIN, "/claims/invoice/list", msgspec.json.encode(InvoiceFilter()), trade.clock() // SECOND, house.owner.browser.session
    )  # fmt: skip
    assert refused(trade.at_cashier(act)) == "session"
    buyer.wake()
    assert buyer.ask(InvoicePage, "/claims/invoice/list", InvoiceFilter()).items == []
    assert buyer.ask(PaymentPage, "/claims/payment/list", PaymentFilter()).due == 0
    assert buyer.browser.expect(JournalPage, "journal", before=0, limit=50).entries == []
    assert buyer.ask(RibView, "/claims/rib", Nothing()).in_force_since == 0
    people = buyer.browser.expect(Members, "members", establishment="")
    assert [each.login for each in people.members] == [buyer.login]
    assert buyer.browser.refused("members", establishment=house.owner.establishment) == "forbidden"
    # Its meters are new: nothing was used, nothing is earned.
    assert trade.rows("SELECT month, earned FROM vault.meter WHERE key = %s", buyer.establishment) == [
        ([0] * 8, [0] * 8)
    ]


def test_a_cession_said_late_ends_the_sessions_opened_meanwhile(trade: Trade, house: House) -> None:
    trade.clock.now = midnight(trade.today(1)) + HOUR
    house.owner.wake()
    house.leave(0, "cession")
    assert house.owner.browser.refused("here") == "session"
    trade.clock.advance(MINUTE)
    house.owner.browser.sign_in(house.owner.passkey)
    house.owner.browser.expect(Here, "here")
    assert refused(look_up(house.owner, house.insured)) == "seat-departed"


def test_a_former_members_session_opens_nothing_of_the_new_owner(trade: Trade, house: House) -> None:
    clerk = trade.professional(role=Role.EMPLOYEE, establishment=house.owner.establishment)
    buyer = sold(house, 1)
    house.until(1)
    buyer.wake()
    submit(buyer, invoice(buyer, house.insured, "NEW"))
    clerk.wake()
    assert clerk.browser.refused("establishment/choose", establishment=buyer.establishment) == "forbidden"
    assert clerk.browser.refused("members", establishment=buyer.establishment) == "forbidden"
    assert clerk.ask(InvoicePage, "/claims/invoice/list", InvoiceFilter()).items == []
    assert refused(look_up(clerk, house.insured)) == "seat-departed"
    stolen = invoice(buyer, house.insured, "N2")
    assert clerk.refused("/claims/invoice/submit", stolen).code == "engagement-elsewhere"


def test_a_sale_does_not_move_the_formers_unpaid_money(
    trade: Trade, house: House, settle_day: Callable[[], str]
) -> None:
    paid = submit(house.owner, invoice(house.owner, house.insured, "OLD"))
    buyer = sold(house, 1)
    order = settle_day()
    former = house.owner.ask(PaymentPage, "/claims/payment/list", PaymentFilter())
    assert [each.cents for each in former.items] == [paid.shares.amc]
    assert former.items[0].statement in order
    assert synthetic_iban(1) in order
    buyer.wake()
    assert buyer.ask(PaymentPage, "/claims/payment/list", PaymentFilter()).items == []


def test_nobody_takes_over_who_stays_and_nobody_by_one_hand(trade: Trade, house: House) -> None:
    said = (uuid.uuid4().hex * 2, house.finess, "pharmacy", f"b-{uuid.uuid4().hex[:8]}")
    expect(Done, trade.operate(ApproveApplication(*said, ["finess-known"])))
    by_hand = EnrolEstablishment(house.finess, Profession.PHARMACY)
    assert trade.operate(EnrolApplication(*said)) == Refused("conflict", "finess")
    # Who retires leaves nobody a seat before the day; and a command's hand none at all.
    house.leave(1, "retirement")
    assert trade.operate(EnrolApplication(*said)) == Refused("conflict", "finess")
    assert trade.operate(by_hand) == Refused("conflict", "finess")
    house.until(1)
    assert trade.operate(by_hand) == Refused("conflict", "finess")
    expect(Onboarded, trade.operate(EnrolApplication(*said)))
    # Once somebody has taken over, nobody comes back; and there is one.
    assert trade.operate(StayEstablishment(house.finess, "back")) == Refused("conflict", "finess")
    again = (uuid.uuid4().hex * 2, house.finess, "pharmacy", f"b-{uuid.uuid4().hex[:8]}")
    expect(Done, trade.operate(ApproveApplication(*again, ["finess-known"])))
    assert trade.operate(EnrolApplication(*again)) == Refused("conflict", "finess")
    note_dates(trade)
    assert house.standing() == ["open", "departed"]


def test_a_finess_means_whose_it_is_that_day_and_of_an_interval_every_seat_that_it_was(
    trade: Trade, house: House
) -> None:
    buyer = sold(house, 1)
    old, new = uuid.UUID(house.owner.establishment), uuid.UUID(buyer.establishment)
    close = ThrowSwitch("establishment", house.finess, "a doubt", True)
    with trade.database.connect() as owner:
        owner.execute(
            "INSERT INTO identity.establishment (id, finess, name, town, profession)"
            " VALUES (%s, %s, 'Pharmacie du Port', 'Brest', 'pharmacy')",
            (new, house.finess),
        )

    def meant() -> tuple[uuid.UUID | None, str | None, list[str]]:
        """By the first RIB, by a message, by a switch."""
        expect(Done, trade.operate(close))
        with trade.database.connect("operator") as c:
            named = newest_seat(c, house.finess), establishment_by_finess(c, house.finess)
        thrown = trade.rows("DELETE FROM vault.switch RETURNING key")
        return *named, [key for (key,) in thrown]

    assert meant() == (new, str(old), [str(old)])
    house.until(1)
    note_dates(trade)
    assert meant() == (new, str(new), [str(new)])
    with trade.database.connect("operator") as c:
        assert question_of(c, 0, 1, Named(establishments=[house.finess])).establishments == {old, new}


def test_a_date_moved_while_the_buyer_is_enrolled_leaves_no_day_on_which_both_work(
    trade: Trade, house: House
) -> None:
    house.leave(3, "cession")
    login = f"b-{uuid.uuid4().hex[:8]}"
    said = (uuid.uuid4().hex * 2, house.finess, "pharmacy", login)
    expect(Done, trade.operate(ApproveApplication(*said, ["finess-known"])))
    later = DepartEstablishment(house.finess, trade.today(9).isoformat(), "cession", "later")

    async def together() -> list[Reply]:
        calls = (EnrolApplication(*said), later, StayEstablishment(house.finess, "no"))
        return list(await asyncio.gather(*(trade.operators.call(call) for call in calls)))

    trade.runner.run(together())
    seats = trade.rows(
        "SELECT opens, closes FROM vault.establishment WHERE finess = %s ORDER BY opens", house.finess
    )
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(seats)), seats
