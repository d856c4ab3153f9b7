"""A full file, from the spool to look-ups."""

from dataclasses import replace
from datetime import date

from rempart.foundation.vocabulary import Domain, Lane
from rempart.intake.model import Kind
from rempart.vault.capsule import Departure, SealedContract
from tests.sealer.conftest import Zone, full, member


def test_whoever_is_in_the_file_is_found_by_card_and_by_vitale(zone: Zone) -> None:
    one, two = member(1, domains="OPTI:2026-01-01/2026-06-30 AUDI:-"), member(2, responsible="0")
    told = zone.load(full(one, two))
    assert told["state"] == "loaded", told
    assert told["persons"] == 2
    expected = SealedContract(
        "CONFORT", date(2019, 4, 1).toordinal(), 0, True, 0, 0,
        [
            Departure(Domain.OPTI.code, date(2026, 1, 1).toordinal(), date(2026, 6, 30).toordinal()),
            Departure(Domain.AUDI.code, -1, 0),
        ],
    )  # fmt: skip
    assert zone.look(one) == [expected]
    assert zone.look(one, Lane.VITALE) == [expected]
    assert zone.look(two) == [SealedContract("CONFORT", expected.valid_from, 0, False, 0, 0, [])]
    assert zone.look(replace(one, birth_date="1931-02-03")) is None
