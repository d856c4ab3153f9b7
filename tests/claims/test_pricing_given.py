"""The published and derived cases, to the cent."""

from pathlib import Path

import pytest

from rempart.claims.case_file import NamedCase, read_cases
from rempart.claims.pricing import price_case

GIVEN = read_cases((Path(__file__).parent / "given_cases.json").read_bytes())


@pytest.mark.parametrize("given", GIVEN, ids=lambda given: given.id)
def test_a_published_case_is_priced_to_the_cent(given: NamedCase) -> None:
    priced = price_case(given.case)
    assert {share: getattr(priced, share) for share in given.expect} == given.expect
    assert priced.amo + priced.amc + priced.patient == sum(line.price for line in given.case.lines)
