"""From findings to holds: the smallest scope, a question first, a closure second, a person for anything larger."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rempart.foundation.clock import DAY, MINUTE
from rempart.incident.model import Containment, Finding, Held, Hold, Party, Rule, Scope, Strength
from rempart.incident.response import MEMORY, SETTLE, Past, respond

AT = 1_767_600_000_000_000
DEVICE, ACCOUNT, HOUSE = UUID(int=1), UUID(int=2), UUID(int=3)
STRONG = Finding(Rule.PACE_DEVICE, AT, Party(DEVICE, ACCOUNT, HOUSE), 13.0, 12.0, Strength.STRONG)
SIGN = replace(STRONG, rule=Rule.ODD_HOURS, strength=Strength.SIGN)
ASKED = Containment(Scope.DEVICE, DEVICE, Hold.STEP_UP, 7 * 24 * 60)
CLOSED = Containment(Scope.DEVICE, DEVICE, Hold.CLOSED, 0)


def done(finding: Finding, past: Past = Past()) -> Containment | None:  # noqa: B008 (frozen)
    alert = respond(finding, past)
    return alert.proposed if alert.by_itself else None


def test_a_first_crossing_asks_and_a_second_one_closes() -> None:
    assert done(STRONG) == ASKED
    assert done(STRONG, Past(held=[Held(AT - DAY, ASKED)])) == CLOSED


def test_what_was_on_its_way_when_the_hold_was_thrown_is_the_same_crossing() -> None:
    assert done(STRONG, Past(held=[Held(AT - SETTLE + 1, ASKED)])) is None
    assert done(STRONG, Past(held=[Held(AT - SETTLE, ASKED)])) == CLOSED


def test_a_hold_of_more_than_four_weeks_ago_is_forgotten() -> None:
    assert done(STRONG, Past(held=[Held(AT - MEMORY, ASKED)])) == ASKED


def test_a_hold_of_another_device_closes_nothing() -> None:
    other = replace(ASKED, key=UUID(int=9))
    assert done(STRONG, Past(held=[Held(AT - DAY, other)])) == ASKED


def test_a_sign_waits_for_a_person_and_two_of_them_do_not() -> None:
    alert = respond(SIGN, Past())
    assert (alert.proposed, alert.by_itself) == (ASKED, False)
    spread = replace(SIGN, rule=Rule.SPREAD, at=AT - DAY + 1)
    assert done(SIGN, Past([spread])) == ASKED
    assert done(SIGN, Past([replace(spread, at=AT - DAY)])) is None
    assert done(SIGN, Past([replace(spread, rule=Rule.ODD_HOURS)])) is None
    assert done(SIGN, Past([replace(spread, rule=Rule.ONE_PERSON)])) is None


def test_in_order_and_missing_is_a_robot() -> None:
    order, missed = replace(STRONG, rule=Rule.ORDER), replace(STRONG, rule=Rule.MISSES, at=AT - MINUTE)
    assert done(order, Past([missed], [Held(AT - MINUTE, ASKED)])) == CLOSED
    assert done(order) == ASKED


def test_a_second_device_of_an_account_closes_the_account() -> None:
    sure = replace(STRONG, strength=Strength.SURE)
    other = replace(CLOSED, key=UUID(int=9))
    assert done(sure, Past(held=[Held(AT - DAY, other)])) == Containment(
        Scope.ACCOUNT, ACCOUNT, Hold.CLOSED, 0
    )
    assert done(sure, Past(held=[Held(AT - DAY, replace(other, hold=Hold.STEP_UP))])) == CLOSED


def test_a_house_or_a_platform_waits_for_a_person() -> None:
    house = respond(replace(STRONG, rule=Rule.PACE_ESTABLISHMENT, party=Party(establishment=HOUSE)), Past())
    assert (house.proposed is not None, house.by_itself) == (True, False)
    platform = respond(replace(SIGN, rule=Rule.SIGN_IN, party=Party()), Past())
    assert (platform.proposed, platform.by_itself) == (None, False)


findings = st.builds(
    Finding, rule=st.sampled_from(Rule), at=st.just(AT), party=st.sampled_from([STRONG.party, Party(establishment=HOUSE), Party()]),
    figure=st.floats(0, 100), threshold=st.floats(0, 100), strength=st.sampled_from(Strength),
)  # fmt: skip
helds = st.builds(
    Held, at=st.integers(AT - 2 * MEMORY, AT),
    containment=st.builds(
        Containment, scope=st.sampled_from(Scope), key=st.sampled_from([DEVICE, ACCOUNT, UUID(int=9)]), hold=st.sampled_from(Hold),
        minutes=st.integers(0, 100),
    ),
)  # fmt: skip


@given(findings, st.lists(findings, max_size=5), st.lists(helds, max_size=5))
def test_nothing_but_a_device_or_its_account_is_ever_held_without_a_person(
    finding: Finding, past: list[Finding], held: list[Held]
) -> None:
    alert = respond(finding, Past(past, held))
    if alert.by_itself:
        assert alert.proposed is not None
        assert (alert.proposed.scope, alert.proposed.key) in {
            (Scope.DEVICE, DEVICE),
            (Scope.ACCOUNT, ACCOUNT),
        }
        assert alert.finding.strength >= Strength.STRONG
    if alert.proposed is not None and alert.proposed.scope is Scope.ESTABLISHMENT:
        assert alert.proposed.hold is Hold.STEP_UP


@pytest.mark.parametrize("rule", list(Rule))
def test_every_rule_has_its_two_sentences(rule: Rule) -> None:
    alert = respond(replace(SIGN, rule=rule, figure=7.25), Past())
    assert "7.25" in alert.french
    assert "7.25" in alert.english
    assert alert.french != alert.english
