"""From a capsule to a decision: each reason, and the order in which they are told."""

from datetime import date, timedelta

import pytest

from rempart.foundation.vocabulary import Domain
from rempart.vault.capsule import Departure, SealedContract
from rempart.vault.decision import decide

TODAY = date(2026, 3, 2)
GRIDS = {
    "CONFORT": {
        "PHAR": {"formula": "100 % BR, AMO comprise", "prise_en_charge": False},
        "OPTI": {"formula": "Forfait 250 € par équipement", "prise_en_charge": True},
    }
}


def contract(
    valid_from: date = date(2025, 1, 1),
    valid_to: date | None = None,
    suspended: date | None = None,
    *departures: Departure,
) -> SealedContract:
    return SealedContract(
        "CONFORT",
        valid_from.toordinal(),
        valid_to.toordinal() if valid_to else 0,
        True,
        suspended.toordinal() if suspended else 0,
        1 if suspended else 0,
        list(departures),
    )


def test_an_open_right_tells_its_formula() -> None:
    decision = decide([contract()], GRIDS, Domain.PHAR, TODAY)
    assert decision.found
    assert decision.open
    assert decision.contracts[0].formula == "100 % BR, AMO comprise"
    assert not decision.contracts[0].prise_en_charge


def test_optics_need_a_prise_en_charge() -> None:
    assert decide([contract()], GRIDS, Domain.OPTI, TODAY).contracts[0].prise_en_charge


PHAR = Domain.PHAR.code


@pytest.mark.parametrize(
    ("sealed", "domain", "reason"),
    [
        (contract(TODAY + timedelta(1)), Domain.PHAR, "not-started"),
        (contract(date(2025, 1, 1), TODAY - timedelta(1)), Domain.PHAR, "ended"),
        (contract(date(2025, 1, 1), None, TODAY), Domain.PHAR, "suspended"),
        (contract(), Domain.DENT, "domain-not-covered"),
        (contract(date(2025, 1, 1), None, None, Departure(PHAR, -1, 0)), Domain.PHAR, "domain-not-covered"),
        (
            contract(date(2025, 1, 1), None, None, Departure(PHAR, TODAY.toordinal() + 1, 0)),
            Domain.PHAR,
            "not-started",
        ),
        (
            contract(date(2025, 1, 1), None, None, Departure(PHAR, 1, TODAY.toordinal())),
            Domain.PHAR,
            "waiting-period",
        ),
    ],
)
def test_a_closed_right_says_why_and_withholds_its_formula(
    sealed: SealedContract, domain: Domain, reason: str
) -> None:
    decision = decide([sealed], GRIDS, domain, TODAY)
    assert decision.found
    assert not decision.open
    assert decision.contracts[0].reason == reason
    assert decision.contracts[0].formula == ""


@pytest.mark.parametrize(
    "sealed",
    [
        contract(TODAY),
        contract(date(2025, 1, 1), TODAY),
        contract(date(2025, 1, 1), None, TODAY + timedelta(1)),
        contract(date(2025, 1, 1), None, None, Departure(PHAR, TODAY.toordinal(), 0)),
        contract(date(2025, 1, 1), None, None, Departure(PHAR, 1, TODAY.toordinal() - 1)),
        contract(date(2025, 1, 1), None, None, Departure(Domain.OPTI.code, -1, 0)),
    ],
    ids=[
        "first day",
        "last day",
        "eve of the suspension",
        "opening day",
        "day after the waiting",
        "another domain's departure",
    ],
)
def test_the_edges_are_open(sealed: SealedContract) -> None:
    assert decide([sealed], GRIDS, Domain.PHAR, TODAY).open


def test_one_open_contract_of_two_is_enough() -> None:
    decision = decide([contract(date(2020, 1, 1), date(2024, 12, 31)), contract()], GRIDS, Domain.PHAR, TODAY)
    assert decision.open
    assert [c.open for c in decision.contracts] == [False, True]
