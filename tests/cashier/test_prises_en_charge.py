"""Prises en charge through the real cashier: agreed by rule, left to the insurer, refused, amended, billed once, expired."""

from datetime import date

import msgspec
import psycopg
import pytest

from rempart.cashier import prises_en_charge
from rempart.cashier.errands import Asked, see_only
from rempart.claims.expiry import Expired, expire
from rempart.claims.messages import (
    AskBody,
    Care,
    DecideBody,
    Invoice,
    InvoiceBody,
    Line,
    NumberBody,
    PriseEnCharge,
    PriseEnChargeFilter,
    PriseEnChargePage,
)
from rempart.claims.prise_en_charge import as_written
from rempart.claims.rejects import Reject, Rejected
from rempart.foundation.clock import DAY
from rempart.foundation.errors import BadInput
from rempart.foundation.vocabulary import Domain, Profession
from rempart.vaultdoor.messages import Paper, Refused, Vouched
from tests.cashier.conftest import CONFORT, Insured, Insurer, Professional, Trade, cell, contract, view

ASK, CANCEL, LIST = (f"/claims/prise-en-charge/{verb}" for verb in ("ask", "cancel", "list"))
SUBMIT = "/claims/invoice/submit"
LENS = Line(nature="optics-lens", price=12_000, base=5, glazing_class="B", lens_category="a")
FRAME = Line(nature="optics-frame", price=9_000, base=5, glazing_class="B")
KIT = [LENS, LENS, FRAME]
CROWN = Line(nature="dental-prosthesis", price=50_000, base=12_000, basket="free")


def optician(trade: Trade) -> Professional:
    return trade.professional(Profession.OPTICIAN)


def ask(
    who: Professional, insured: Insured, *lines: Line, domain: Domain = Domain.OPTI, amends: str = ""
) -> PriseEnCharge:
    care = Care(list(lines) or KIT, who.receipt(insured, domain))
    return who.ask(PriseEnCharge, ASK, AskBody(care, amends))


def bill(
    who: Professional, number: str, *lines: Line, invoice: str = "F1", day: date | None = None
) -> Invoice:
    care = Care(list(lines) or KIT, prise_en_charge=number)
    return who.ask(Invoice, SUBMIT, InvoiceBody(invoice, care, (day or who.trade.today()).isoformat()))


def counters(trade: Trade, insured: Insured) -> dict[str, int]:
    rows = trade.rows(
        "SELECT state, sum(cents) FROM claims.counter WHERE insurer = %s AND counted_by = 'renewal' GROUP BY state", insured.insurer.number
    )  # fmt: skip
    return {state: int(cents) for state, cents in rows}


def worker_expires(trade: Trade, days: int) -> Expired:
    with psycopg.connect(trade.database.dsn("worker")) as connection:
        return expire(connection, trade.today(days))


def test_a_kit_is_agreed_at_once_reserved_billed_once_and_used(trade: Trade) -> None:
    who, anne = optician(trade), trade.insure(trade.insurer())
    agreed = ask(who, anne)
    assert (agreed.state, agreed.reason, agreed.decided_by) == ("accordee", "", "rule")
    assert agreed.valid_to == "2026-04-05"
    assert counters(trade, anne) == {"reserved": agreed.shares.amo + agreed.shares.amc}
    billed = bill(who, agreed.number)
    assert (billed.state, billed.shares) == ("accepted", agreed.shares)
    assert counters(trade, anne) == {"used": agreed.shares.amo + agreed.shares.amc}
    assert bill(who, agreed.number, invoice="F2").code == "prise-en-charge-used"


def test_the_same_request_twice_reserves_once(trade: Trade) -> None:
    who, anne = optician(trade), trade.insure(trade.insurer())
    body = AskBody(Care(KIT, who.receipt(anne, Domain.OPTI)))
    first, second = (who.ask(PriseEnCharge, ASK, body) for _ in range(2))
    assert first == second
    assert counters(trade, anne) == {"reserved": first.shares.amo + first.shares.amc}


def test_a_request_with_a_correction_value_or_a_scan_is_refused_whole(trade: Trade) -> None:
    who, anne = optician(trade), trade.insure(trade.insurer())
    care = Care(KIT, who.receipt(anne, Domain.OPTI))
    for place, field in (
        ("line", "sphere"),
        ("line", "cylinder"),
        ("care", "prescription"),
        ("care", "patient_name"),
    ):
        body = msgspec.to_builtins(AskBody(care))
        (body["care"]["lines"][0] if place == "line" else body["care"])[field] = "-2.25"
        refused = who.refused(ASK, body)
        assert (refused.code, refused.detail) == ("bad-input", "unknown")
    assert counters(trade, anne) == {}


def test_what_the_insurer_must_decide_waits_without_reserving(trade: Trade) -> None:
    dentist, anne = trade.professional(Profession.DENTIST), trade.insure(trade.insurer())
    waiting = ask(dentist, anne, *[CROWN] * 7, domain=Domain.DENT)
    assert (waiting.state, waiting.reason, waiting.decided_by) == ("en-attente", "amount", "")
    refused = bill(dentist, waiting.number, *[CROWN] * 7)
    assert refused.code == "prise-en-charge-not-agreed"
    assert trade.rows("SELECT 1 FROM claims.counter WHERE insurer = %s", anne.insurer.number) == []


def test_a_second_kit_within_two_years_is_refused_or_left_to_the_insurer(trade: Trade) -> None:
    who, anne = optician(trade), trade.insure(trade.insurer())
    bill(who, ask(who, anne).number)
    trade.clock.advance(40 * DAY)
    again = ask(optician(trade), anne)
    assert (again.state, again.reason) == ("refusee", "ceiling-reached")
    frame = ask(
        optician(trade), anne, msgspec.structs.replace(FRAME, glazing_class="A", price=3_000, base=900)
    )
    assert (frame.state, frame.reason) == ("en-attente", "already-used")


def test_nothing_covered_is_refused_and_its_lines_are_not_kept(trade: Trade) -> None:
    insurer = trade.insurer({"CONFORT": {**CONFORT, "DENT": cell("none", pec=True)}})
    dentist, anne = trade.professional(Profession.DENTIST), trade.insure(insurer, contract(responsible=False))
    refused = ask(dentist, anne, CROWN, domain=Domain.DENT)
    assert (refused.state, refused.reason, refused.lines) == ("refusee", "nothing-covered", [])


def test_care_of_last_month_is_refused(trade: Trade) -> None:
    who, anne = optician(trade), trade.insure(trade.insurer())
    receipt = who.receipt(anne, Domain.OPTI, trade.today(-32))
    assert who.ask(PriseEnCharge, ASK, AskBody(Care(KIT, receipt))).reason == "care-past"


def test_cancelling_gives_the_ceiling_back_and_says_the_same_again(trade: Trade) -> None:
    who, anne = optician(trade), trade.insure(trade.insurer())
    agreed = ask(who, anne)
    spoken = agreed.number.lower().replace("0", "o")
    cancelled = [who.ask(PriseEnCharge, CANCEL, NumberBody(spoken)) for _ in range(2)]
    assert cancelled[0] == cancelled[1]
    assert (cancelled[0].state, cancelled[0].reason, cancelled[0].decided_by, cancelled[0].lines) == (
        "annulee", "cancelled", "professional", []
    )  # fmt: skip
    assert counters(trade, anne) == {}
    assert bill(who, agreed.number).code == "prise-en-charge-not-agreed"


def test_an_amended_request_replaces_the_former_and_its_reservation(trade: Trade) -> None:
    who, anne = optician(trade), trade.insure(trade.insurer())
    former = ask(who, anne)
    dearer = ask(who, anne, LENS, LENS, msgspec.structs.replace(FRAME, price=9_500), amends=former.number)
    assert (dearer.state, dearer.amends) == ("accordee", former.number)
    assert counters(trade, anne) == {"reserved": dearer.shares.amo + dearer.shares.amc}
    listed = who.ask(PriseEnChargePage, LIST, PriseEnChargeFilter(state="annulee")).items
    assert [(each.number, each.reason) for each in listed] == [(former.number, "amended")]


def test_amending_towards_a_refusal_leaves_the_former_as_it_was(trade: Trade) -> None:
    who, anne = optician(trade), trade.insure(trade.insurer())
    former = ask(who, anne)
    receipt = who.receipt(anne, Domain.OPTI, trade.today(-40))
    refused = who.ask(PriseEnCharge, ASK, AskBody(Care(KIT, receipt), former.number))
    assert refused.state == "refusee"
    assert bill(who, former.number).state == "accepted"


@pytest.mark.parametrize(("frame", "code"), [(9_001, "prise-en-charge-exceeded"), (8_000, "")])
def test_what_was_agreed_bounds_the_invoice(trade: Trade, frame: int, code: str) -> None:
    who, anne = optician(trade), trade.insure(trade.insurer())
    agreed = ask(who, anne)
    billed = bill(who, agreed.number, LENS, LENS, msgspec.structs.replace(FRAME, price=frame))
    assert billed.code == code
    assert billed.shares.amc <= agreed.shares.amc


def test_the_care_date_must_be_within_the_validity(trade: Trade) -> None:
    who, anne = optician(trade), trade.insure(trade.insurer())
    receipt = who.receipt(anne, Domain.OPTI, trade.today())
    agreed = who.ask(PriseEnCharge, ASK, AskBody(Care(KIT, receipt)))
    assert bill(who, agreed.number, day=trade.today(-1)).code == "prise-en-charge-period"
    trade.clock.advance(10 * DAY)
    assert bill(who, agreed.number, day=trade.today(-2)).state == "accepted"


def test_a_cancelled_invoice_gives_its_prise_en_charge_back(trade: Trade) -> None:
    who, anne = optician(trade), trade.insure(trade.insurer())
    agreed = ask(who, anne)
    bill(who, agreed.number)
    who.ask(Invoice, "/claims/invoice/cancel", NumberBody("F1"))
    assert counters(trade, anne) == {"reserved": agreed.shares.amo + agreed.shares.amc}
    assert bill(who, agreed.number, invoice="F2").shares == agreed.shares


def test_an_agreement_that_nobody_bills_expires_and_frees_its_ceiling(trade: Trade) -> None:
    who, anne = optician(trade), trade.insure(trade.insurer())
    agreed = ask(who, anne)
    dentist, paul = trade.professional(Profession.DENTIST), trade.insure(trade.insurer())
    waiting = ask(dentist, paul, *[CROWN] * 7, domain=Domain.DENT)
    worker_expires(trade, 90)
    assert counters(trade, anne) == {"reserved": agreed.shares.amo + agreed.shares.amc}
    assert worker_expires(trade, 260).waiting >= 1
    assert counters(trade, anne) == {}
    assert worker_expires(trade, 260) == Expired(0, 0)
    ended = dentist.ask(PriseEnChargePage, LIST, PriseEnChargeFilter()).items[0]
    assert (ended.number, ended.state, ended.reason, ended.lines) == (
        waiting.number,
        "annulee",
        "expired",
        [],
    )
    assert bill(who, agreed.number).code == "prise-en-charge-expired"


def test_an_agreement_is_paid_as_agreed_though_the_insurer_closed_the_contract(trade: Trade) -> None:
    who, anne = optician(trade), trade.insure(trade.insurer())
    agreed = ask(who, anne)
    trade.reload(anne.insurer)
    assert not who.check_right(anne, Domain.OPTI).decision.found
    assert bill(who, agreed.number).shares == agreed.shares


def test_another_establishments_prise_en_charge_stays_unknown(trade: Trade) -> None:
    who, anne, stranger = optician(trade), trade.insure(trade.insurer()), optician(trade)
    agreed = ask(who, anne)
    body = InvoiceBody("F1", Care(KIT, prise_en_charge=agreed.number), trade.today().isoformat())
    assert stranger.refused(SUBMIT, body).code == "prise-en-charge-unknown"
    assert stranger.refused(CANCEL, NumberBody(agreed.number)).code == "prise-en-charge-unknown"
    assert stranger.ask(PriseEnChargePage, LIST, PriseEnChargeFilter()).items == []


def test_ten_requests_at_once_agree_to_one_equipment(trade: Trade) -> None:
    anne = trade.insure(trade.insurer())
    places = [optician(trade) for _ in range(10)]
    acts = [place.signed(ASK, AskBody(Care([FRAME], place.receipt(anne, Domain.OPTI)))) for place in places]
    agreed = [view(PriseEnCharge, reply) for reply in trade.together(acts) if isinstance(reply, Paper)]
    assert len(agreed) == 10
    assert [each.state for each in agreed].count("accordee") == 1


def test_invoices_at_once_never_pass_an_amount_by_year(trade: Trade) -> None:
    anne = trade.insure(trade.insurer())
    places = [trade.professional() for _ in range(12)]
    device = Line(nature="lpp", price=10_000, base=5_000)
    day = trade.today().isoformat()
    acts = [
        place.signed(SUBMIT, InvoiceBody("F1", Care([device], place.receipt(anne, Domain.LPP)), day)) for place in places
    ]  # fmt: skip
    replies = trade.together(acts)
    assert not [reply for reply in replies if isinstance(reply, Refused)]
    accepted = [view(Invoice, reply) for reply in replies]
    # Above the ceiling a contrat responsable still owes the ticket modérateur: 20 € of each.
    free = sum(each.shares.amc for each in accepted)
    within = [each for each in accepted if each.shares.amc > 2_000]
    used = trade.rows(
        "SELECT sum(cents) FROM claims.counter WHERE insurer = %s AND counted_by = 'civil-year' AND counter = 'LPP'",
        anne.insurer.number,
    )
    assert used == [(free,)]
    assert sum(each.shares.amc for each in within) <= 15_000
    assert all(each.shares.amc == 2_000 for each in accepted if each not in within)


def test_a_number_is_understood_as_the_telephone_gives_it() -> None:
    assert as_written("p0123-4567-8") == "P0123-4567-8"
    assert as_written("PO123-45I7-8") == "P0123-4517-8"
    assert as_written("F-2026-0001") == "F-2026-0001"


def decide(trade: Trade, insurer: Insurer, body: DecideBody) -> PriseEnCharge:
    """What the insurer's errand runs, in its own transaction and row security."""
    who = Vouched(
        account="", login="", device="", establishment="", profession="", role="", amc=insurer.amc, insurer=insurer.number, finess="",
        assurance=2, proven=0, since=0, at=trade.clock(),
    )  # fmt: skip

    async def once() -> PriseEnCharge:
        async with trade.cashier.pool.acquire() as c, c.transaction():
            await see_only(c, who)
            return await prises_en_charge.decide(Asked(trade.cashier, who.at, who, "fr", ""), c, body)

    return trade.runner.run(once())


def test_what_the_insurer_agrees_to_is_reserved_and_billed(trade: Trade) -> None:
    dentist, anne = trade.professional(Profession.DENTIST), trade.insure(trade.insurer())
    crowns = [CROWN] * 7
    waiting = ask(dentist, anne, *crowns, domain=Domain.DENT)
    agreed = decide(trade, anne.insurer, DecideBody(waiting.number, "accordee"))
    assert (agreed.state, agreed.reason, agreed.decided_by, agreed.shares) == (
        "accordee",
        "",
        "insurer",
        waiting.shares,
    )
    with pytest.raises(prises_en_charge.AlreadyDecided):
        decide(trade, anne.insurer, DecideBody(waiting.number, "refusee", "too-dear"))
    assert bill(dentist, waiting.number, *crowns).shares == agreed.shares


def test_what_the_insurer_refuses_says_why_and_keeps_no_lines(trade: Trade) -> None:
    dentist, anne = trade.professional(Profession.DENTIST), trade.insure(trade.insurer())
    waiting = ask(dentist, anne, *[CROWN] * 7, domain=Domain.DENT)
    with pytest.raises(BadInput):
        decide(trade, anne.insurer, DecideBody(waiting.number, "refusee", "cancelled"))
    refused = decide(trade, anne.insurer, DecideBody(waiting.number, "refusee", "too-dear"))
    assert (refused.state, refused.reason, refused.lines) == ("refusee", "too-dear", [])


def test_another_insurers_request_stays_unknown(trade: Trade) -> None:
    dentist, anne = trade.professional(Profession.DENTIST), trade.insure(trade.insurer())
    waiting = ask(dentist, anne, *[CROWN] * 7, domain=Domain.DENT)
    with pytest.raises(Rejected) as unknown:
        decide(trade, trade.insurer(), DecideBody(waiting.number, "accordee"))
    assert unknown.value.reject is Reject.PEC_UNKNOWN
