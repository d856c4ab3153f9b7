"""The operator and the lines: what one call back may add, what a breaker may be set to; and a burst, at the vault's socket."""

from collections import Counter
from datetime import date

import pytest

from rempart.foundation.clock import DAY, HOUR, SECOND
from rempart.foundation.vocabulary import Domain, Lane
from rempart.vault.lines import LEAST_BREAKER, MONTH, MOST_A_MONTH, MOST_UNITS, MOST_WIDENINGS
from rempart.vault.policy import UNDER_WAY
from rempart.vaultdoor.fhir import Presentation, write_request
from rempart.vaultdoor.messages import (
    Act,
    Answer,
    Done,
    Enrolled,
    LineState,
    Refused,
    Reply,
    SetBreaker,
    ShowLine,
    ThrowSwitch,
    WidenLine,
)
from tests.authenticator import ORIGIN, SoftwareBrowser, expect
from tests.vault.accounts.conftest import Person, Vault, activated
from tests.vault.accounts.test_attacks import RIGHTS, check_right, told
from tests.vault.accounts.test_operator import INSURER


def widen(vault: Vault, units: int = MOST_UNITS) -> Reply:
    return vault.operate(WidenLine("account", "claire", units, "called back"))


def used(vault: Vault) -> int:
    return expect(LineState, vault.operate(ShowLine("account", "claire"))).used[2]


def refused(reply: Reply) -> tuple[str, str]:
    answer = expect(Refused, reply)
    return answer.code, answer.detail


def test_an_administrator_who_widens_a_line_day_after_day_meets_the_months_end(
    vault: Vault, claire: Person
) -> None:
    """A platform's administrator in league with a thief: as much as they like a day would be no line at all."""
    given = 0
    for day in range(31):
        for _ in range(5):
            given += MOST_UNITS * isinstance(widen(vault), Done)
        # The month's slots are of four days: it fades after 28 days at the soonest, after 32 at the latest.
        assert used(vault) == -given or day >= 28
        vault.time.advance(DAY)
    assert given == MOST_A_MONTH
    assert refused(widen(vault, 1)) == ("widened-enough", "month")
    vault.time.advance(MONTH - 31 * DAY)
    expect(Done, widen(vault))
    assert vault.journal().count("line:widen") == MOST_A_MONTH // MOST_UNITS + 1


def test_a_line_is_widened_three_times_a_day_however_little(vault: Vault, claire: Person) -> None:
    for _ in range(MOST_WIDENINGS):
        expect(Done, widen(vault, 1))
    assert refused(widen(vault, 1)) == ("widened-enough", "day")
    vault.time.advance(-HOUR)
    assert refused(widen(vault, 1)) == ("widened-enough", "day")
    vault.time.advance(HOUR + DAY)
    expect(Done, widen(vault, 1))


@pytest.mark.parametrize("units", [-1, 1, LEAST_BREAKER - 1, 2_000_000_001])
def test_a_breaker_is_no_switch(vault: Vault, units: int) -> None:
    """Closing is said and journaled as such; a limit under which nothing passes would look like everybody's fault."""
    assert refused(vault.operate(SetBreaker("platform", "", units))) == ("bad-input", "units")
    assert vault.rows("SELECT hour_limit FROM vault.breaker WHERE scope = 'platform'") in ([], [(None,)])


def test_a_breaker_is_set_and_given_back_to_the_policy(vault: Vault) -> None:
    expect(Enrolled, vault.operate(INSURER))
    for units, kept in ((LEAST_BREAKER, LEAST_BREAKER), (0, None)):
        expect(Done, vault.operate(SetBreaker("insurer", INSURER.amc, units)))
        assert vault.rows("SELECT hour_limit FROM vault.breaker WHERE scope = 'insurer'") == [(kept,)]
    assert refused(vault.operate(SetBreaker("insurer", "99999990", 0))) == ("not-found", "key")
    assert refused(vault.operate(SetBreaker("lane", "card", 100))) == ("bad-input", "scope")


def burst(vault: Vault, browser: SoftwareBrowser, requests: int) -> list[Act]:
    """So many look-ups of nobody, signed, to be sent at once."""
    people = (
        Presentation(Lane.CARD, INSURER.amc, f"A{number}", "", date(1980, 5, 1), 1, Domain.PHAR)
        for number in range(requests)
    )
    now = vault.clock() // SECOND
    return [browser.key.act(ORIGIN, RIGHTS, write_request(one), now, browser.session) for one in people]


def test_a_contained_devices_burst_leaves_an_insurers_hour_to_others(vault: Vault, claire: Person) -> None:
    """Each request reserves its dearest outcome before the ledger call refuses it: forty of them would hold four times this hour."""
    expect(Enrolled, vault.operate(INSURER))
    expect(Done, vault.operate(SetBreaker("insurer", INSURER.amc, LEAST_BREAKER)))
    anne = activated(vault, "anne", vault.establishment(2))
    expect(Done, vault.operate(ThrowSwitch("account", "claire", "odd pace", True)))
    before = told(vault)
    *bursting, annes = vault.call_together(
        [*burst(vault, claire.browser, 40), *burst(vault, anne.browser, 1)]
    )
    codes = Counter(reply.code for reply in bursting if isinstance(reply, Refused))
    assert codes == {"contained": UNDER_WAY, "busy": 40 - UNDER_WAY}
    expect(Answer, annes)
    assert told(vault) == before + 1
    vault.runner.run(vault.zone.events.settle())
    assert vault.rows("SELECT count(*) FROM vault.event WHERE kind = 'busy'") == [(1,)]
    # The places are free again.
    assert refused(check_right(vault, claire.browser))[0] == "contained"
