"""Attacks on ceilings and on the single billing, named after what the thief does. Each ends by what the claims zone kept."""

from typing import Any

import msgspec
import pytest

from rempart.claims.messages import AskBody, Care, Invoice, InvoiceBody, Line, NumberBody, PriseEnCharge
from rempart.foundation.vocabulary import Domain, Profession
from tests.cashier.conftest import CONFORT, Insured, Professional, Trade, cell

CEILING = 15_000
YEARLY = {"CONFORT": {**CONFORT, "DENT": cell("amount-on-top-of-amo", cents=CEILING, per="year", pec=True)}}
DRUG = Line(nature="drug-65", price=1_075, base=1_075)


def crown(price: int) -> Line:
    """A dental prosthesis of which AMO pays nothing."""
    return Line(nature="dental-prosthesis", price=price, base=0, basket="free")


def ask(who: Professional, insured: Insured, *lines: Line, domain: Domain = Domain.DENT) -> PriseEnCharge:
    care = Care(list(lines), who.receipt(insured, domain))
    return who.ask(PriseEnCharge, "/claims/prise-en-charge/ask", AskBody(care))


def bill(who: Professional, number: str, agreed: PriseEnCharge, *lines: Line, corrects: str = "") -> Invoice:
    care = Care(list(lines), prise_en_charge=agreed.number)
    return who.ask_invoice(InvoiceBody(number, care, who.trade.today().isoformat(), corrects))


def cancel(who: Professional, number: str) -> Invoice:
    return who.ask(Invoice, "/claims/invoice/cancel", NumberBody(number))


def owed(trade: Trade, *who: Professional) -> int:
    """What these establishments are to be paid, together."""
    ids = [each.establishment for each in who]
    return int(
        trade.rows(
            "SELECT coalesce(sum(cents), 0) FROM claims.due WHERE establishment = ANY(%s::uuid[])", ids
        )[0][0]
    )


@pytest.mark.parametrize("way", ["cancelled", "corrected"])
def test_a_ceiling_is_not_spent_twice_by_billing_little_then_taking_the_agreement_up_again(
    trade: Trade, way: str
) -> None:
    """Bill one euro of an agreement, have what it freed agreed elsewhere, then bill the agreement whole."""
    first, second = trade.professional(Profession.DENTIST), trade.professional(Profession.DENTIST)
    anne = trade.insure(trade.insurer(YEARLY))
    whole = ask(first, anne, crown(CEILING))
    assert (whole.state, whole.shares.amc) == ("accordee", CEILING)
    assert bill(first, "F1", whole, crown(100)).shares.amc == 100
    other = ask(second, anne, crown(CEILING - 100))
    assert bill(second, "F1", other, crown(CEILING - 100)).state == "accepted", other
    if way == "cancelled":
        cancel(first, "F1")
        bill(first, "F2", whole, crown(CEILING))
    else:
        bill(first, "F2", whole, crown(CEILING), corrects="F1")
    assert owed(trade, first, second) <= CEILING
    used = trade.rows(
        "SELECT sum(cents) FROM claims.counter WHERE insurer = %s AND counter = 'DENT'", anne.insurer.number
    )
    assert int(used[0][0]) <= CEILING


def test_an_agreement_taken_up_again_keeps_its_amount_when_nobody_used_it(trade: Trade) -> None:
    dentist, anne = trade.professional(Profession.DENTIST), trade.insure(trade.insurer(YEARLY))
    whole = ask(dentist, anne, crown(CEILING))
    bill(dentist, "F1", whole, crown(100))
    cancel(dentist, "F1")
    assert bill(dentist, "F2", whole, crown(CEILING)).shares.amc == CEILING


@pytest.mark.parametrize(
    "written", [{"boxes": 1}, {"acts": 1}, {"pathway": "coordinated"}, {"exonerations": ["ald", "ald"]}]
)
def test_the_same_care_written_otherwise_is_billed_once(trade: Trade, written: dict[str, Any]) -> None:
    pharmacist, anne = trade.professional(), trade.insure(trade.insurer())
    receipt, today = pharmacist.receipt(anne, Domain.PHAR), trade.today().isoformat()
    plain = msgspec.structs.replace(DRUG, exonerations=["ald"]) if "exonerations" in written else DRUG
    assert pharmacist.ask_invoice(InvoiceBody("F1", Care([plain], receipt), today)).state == "accepted"
    again = Care([msgspec.structs.replace(plain, **written)], receipt)
    refused = pharmacist.ask_invoice(InvoiceBody("F2", again, today))
    assert (refused.state, refused.code, refused.detail) == ("refused", "double-billing", "F1")


def test_a_second_pair_of_glasses_does_not_pass_by_naming_an_ear(trade: Trade) -> None:
    """An early renewal is the insurer's to decide, whatever words of another trade its lines carry."""
    optician, anne = trade.professional(Profession.OPTICIAN), trade.insure(trade.insurer())
    frame = Line(nature="optics-frame", price=2_000, base=5, glazing_class="B")
    first = ask(optician, anne, frame, domain=Domain.OPTI)
    assert bill(optician, "F1", first, frame).state == "accepted"
    again = msgspec.structs.replace(frame, price=1_900, ear="left")
    second = ask(optician, anne, again, domain=Domain.OPTI)
    assert (second.state, second.reason) == ("en-attente", "already-used")
