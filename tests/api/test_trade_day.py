"""A day of trade at synthetic counters, as the demo plays it: what the doors refuse is counted by its code, whichever door said it."""

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from rempart.cli.trade import play_day
from rempart.foundation.vocabulary import Domain
from rempart.vaultdoor.messages import Done, ThrowSwitch
from tests.api.town import AMC, ANNE, Town, running_town
from tests.conftest import Database


@pytest.fixture(scope="module")
def town(module_database: Database) -> Iterator[Town]:
    with running_town(module_database) as running:
        yield running


def test_a_day_that_meets_refusals_says_their_codes(town: Town) -> None:
    people = [ANNE.by_card(Domain.PHAR)] * 3
    town.put_rib()
    day = play_day([town.counter], iter(people), 1, 1, Console(file=io.StringIO()))
    assert (day.accepted, day.refused, day.said_refusals()) == (1, {}, "")
    assert isinstance(town.operate(ThrowSwitch("insurer", AMC, "essai", True)), Done)
    day = play_day([town.counter], iter(people), 3, 1, Console(file=io.StringIO()))
    assert (day.checked, day.accepted, day.said_refusals()) == (0, 0, "3 contained")
    assert isinstance(town.operate(ThrowSwitch("insurer", AMC, "essai", False)), Done)
    # The cashier's word this time: the same invoice number, a second time.
    day = play_day([town.counter], iter(people), 1, 1, Console(file=io.StringIO()))
    assert (day.checked, day.accepted, day.said_refusals()) == (1, 0, "1 number-used")
