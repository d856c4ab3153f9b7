"""What an insurer's people do through the real cashier: decide, read their files, figures and funds."""

import uuid

import pytest

from rempart.claims.messages import (
    AskedPage,
    DecideBody,
    DeliveryPage,
    FundsPage,
    InsurerDesk,
    Invoice,
    Nothing,
    NumberBody,
    PageBody,
    PriseEnCharge,
    PriseEnChargeFilter,
)
from rempart.foundation.clock import DAY, SECOND
from rempart.foundation.vocabulary import Domain
from tests.cashier.clerks import WAITS, ask, bill, clerk, make
from tests.cashier.conftest import Professional, Trade

PEC, DECIDE, HOME = (f"/claims/insurer/{name}" for name in ("prises-en-charge", "decide", "home"))


def listed(desk: Professional, state: str = "", before: int = 0) -> AskedPage:
    return desk.ask(AskedPage, PEC, PriseEnChargeFilter(state, before=before))


def test_the_insurer_agrees_and_the_professional_reads_it(trade: Trade) -> None:
    insurer, dentist = trade.insurer(), trade.professional()
    desk, waiting = clerk(trade, insurer), ask(dentist, trade.insure(insurer), Domain.DENT, *WAITS)
    [asked] = listed(desk).items
    assert asked.item == waiting
    assert (asked.age, [each.product for each in asked.contracts]) == (45, ["CONFORT"])
    assert asked.engagement
    agreed = desk.ask(PriseEnCharge, DECIDE, DecideBody(waiting.number, "accordee"))
    assert (agreed.state, agreed.decided_by, agreed.shares) == ("accordee", "insurer", waiting.shares)
    assert (
        desk.refused(DECIDE, DecideBody(waiting.number, "refusee", "too-dear")).code
        == "prise-en-charge-decided"
    )
    assert desk.ask(InsurerDesk, HOME, Nothing()).to_decide == 0
    # Whoever asked is told, on their devices, under the number and nothing more.
    told = trade.rows("SELECT detail FROM vault.notice WHERE kind = 'prise-en-charge:decide'")
    assert (waiting.number,) in told


@pytest.mark.parametrize("reason", ["", "amount", "cancelled", "because"])
def test_a_refusal_needs_a_reason_that_is_the_insurers_to_give(trade: Trade, reason: str) -> None:
    insurer, dentist = trade.insurer(), trade.professional()
    desk, waiting = clerk(trade, insurer), ask(dentist, trade.insure(insurer), Domain.DENT, *WAITS)
    assert desk.refused(DECIDE, DecideBody(waiting.number, "refusee", reason)).code == "bad-input"
    refused = desk.ask(PriseEnCharge, DECIDE, DecideBody(waiting.number, "refusee", "too-dear"))
    assert (refused.state, refused.reason, refused.decided_by) == ("refusee", "too-dear", "insurer")
    assert refused.lines == [], "nothing of the acts is kept"


def test_what_waits_longest_comes_first_then_the_newest(trade: Trade) -> None:
    insurer, dentist = trade.insurer(), trade.professional()
    desk, numbers = clerk(trade, insurer), []
    for _ in range(4):
        numbers.append(ask(dentist, trade.insure(insurer), Domain.DENT, *WAITS).number)
        trade.clock.advance(SECOND)
    desk.ask(PriseEnCharge, DECIDE, DecideBody(numbers[0], "accordee"))
    desk.ask(PriseEnCharge, DECIDE, DecideBody(numbers[2], "refusee", "not-due"))
    order = [numbers[1], numbers[3], numbers[2], numbers[0]]
    assert [each.item.number for each in listed(desk).items] == order
    assert [each.item.number for each in listed(desk, "accordee").items] == [numbers[0]]


def test_pages_hold_each_prise_en_charge_once(trade: Trade) -> None:
    insurer, desk = (insurer := trade.insurer()), clerk(trade, insurer)
    ask(trade.professional(), trade.insure(insurer), Domain.DENT, *WAITS)
    with trade.database.connect() as owner:
        # A hundred and twenty more like it, half of them decided, each asked a second before the one before.
        owner.execute(
            """INSERT INTO claims.prise_en_charge (id, number, establishment, insurer, engagement, pseudonym, domain, state, asked,
                 valid_from, valid_to, terms, lines, total, amo, amc, patient, participation, franchise)
               SELECT gen_random_uuid(), 'P-' || insurer || '-' || n, establishment, insurer, engagement, pseudonym, domain,
                 CASE WHEN n %% 2 = 0 THEN state ELSE 'accordee' END, asked - n * 1000000, valid_from, valid_to, terms, lines, total, amo,
                 amc, patient, participation, franchise
               FROM claims.prise_en_charge, generate_series(1, 120) AS n WHERE insurer = %s""",
            (insurer.number,),
        )
    seen, before = [], 0
    while True:
        page = listed(desk, before=before)
        seen += [each.item for each in page.items]
        # A browser reads numbers as floats: a cursor that lost its last digits would tell some twice.
        if not (before := int(float(page.next))):
            break
        assert before == page.next
    assert len({item.number for item in seen}) == len(seen) == 121
    waiting = [item.asked for item in seen if item.state == "en-attente"]
    assert [item.state for item in seen[: len(waiting)]] == ["en-attente"] * 61
    assert waiting == sorted(waiting)


def test_the_months_figures_are_those_of_the_flows_and_of_what_came_since(trade: Trade) -> None:
    insurer, house = trade.insurer(), trade.professional()
    desk = clerk(trade, insurer)
    first = bill(house, trade.insure(insurer), "F1")
    bill(house, trade.insure(insurer), "F2")

    def figures() -> tuple[int, int, int, dict[str, int]]:
        month = desk.ask(InsurerDesk, HOME, Nothing()).months[-1]
        return month.invoices, month.cancelled, month.cents, month.domains

    cents = first.shares.amc
    assert figures() == (2, 0, 2 * cents, {"PHAR": 2 * cents})
    make(trade)
    assert figures() == (2, 0, 2 * cents, {"PHAR": 2 * cents}), "made: the same figures, from the flow"
    bill(house, trade.insure(insurer), "F3")
    house.ask(Invoice, "/claims/invoice/cancel", NumberBody("F1"))
    assert figures() == (3, 1, 2 * cents, {"PHAR": 2 * cents})
    trade.clock.advance(DAY)
    make(trade)
    assert figures() == (3, 1, 2 * cents, {"PHAR": 2 * cents})
    desk_now = desk.ask(InsurerDesk, HOME, Nothing())
    assert [month.month for month in desk_now.months][-1] == trade.today().isoformat()[:7]
    assert len(desk_now.months) == 12


def test_files_come_newest_first_with_their_first_rejects(trade: Trade) -> None:
    insurer = trade.insurer()
    desk = clerk(trade, insurer)
    with trade.database.connect() as owner:
        for n in range(2):
            delivery = uuid.uuid4()
            owner.execute(
                "INSERT INTO intake.delivery (id, amc, sender, filename, digest, kind, state, code, received, lines, rejected)"
                " VALUES (%s, %s, 'upload', %s, %s, 'full', 'loaded', '', %s, 100, 30)",
                (delivery, insurer.amc, f"members-{n}.csv", b"\0" * 32, trade.clock() + n),
            )
            owner.execute(
                "INSERT INTO intake.reject SELECT %s, n, 'nir', 'nir-key' FROM generate_series(1, 30) n",
                (delivery,),
            )
    files = desk.ask(DeliveryPage, "/claims/insurer/files", PageBody()).items
    assert [each.filename for each in files] == ["members-1.csv", "members-0.csv"]
    assert [each.line for each in files[0].rejects] == list(range(1, 21))
    assert files[0].rejected == 30
    older = desk.ask(DeliveryPage, "/claims/insurer/files", PageBody(files[0].received)).items
    assert older == files[1:]


def test_funds_late_and_received_are_told_apart(trade: Trade) -> None:
    insurer = trade.insurer()
    desk = clerk(trade, insurer)
    calls = [(-10, 5_000, 5_000), (-5, 2_000, 0), (2, 1_000, 0)]
    with trade.database.connect() as owner:
        for due, cents, received in calls:
            run, day = uuid.uuid4(), trade.today(due - 400 - insurer.number * 50)
            owner.execute(
                "INSERT INTO claims.run (id, day, state, opened, until_due, until_journal) VALUES (%s, %s, 'ordered', 1, 0, 0)",
                (run, day),
            )
            owner.execute(
                "INSERT INTO claims.call_for_funds (id, run, insurer, reference, cents, called, due_on, received_cents, received)"
                " VALUES (gen_random_uuid(), %s, %s, %s, %s, %s, %s, %s, %s)",
                (run, insurer.number, f"AF-{run}", cents, trade.clock() + due * DAY, trade.today(due), received, received or None),
            )  # fmt: skip
    home = desk.ask(InsurerDesk, HOME, Nothing())
    assert (home.funds_called, home.funds_late) == (3_000, 2_000)
    told = desk.ask(FundsPage, "/claims/insurer/funds", PageBody()).items
    assert [(each.cents, each.received_cents, each.late) for each in told] == [
        (1_000, 0, False),
        (2_000, 0, True),
        (5_000, 5_000, False),
    ]
    older = desk.ask(FundsPage, "/claims/insurer/funds", PageBody(told[0].called)).items
    assert older == told[1:]
