"""The benches of docs/detection.md, short: honest people are left alone, thieves are found."""

from rempart.foundation.clock import HOUR
from rempart.incident.desk import Desk
from tests.incident.false_alarms import FIRST, play
from tests.incident.honest import days, town
from tests.incident.thieves import hunt


def test_ten_days_of_forty_houses_hold_nobody() -> None:
    count, alerts = play(days(town(8, 40), FIRST, 10, 8), Desk())
    assert count > 30_000
    assert [a.finding.rule for a in alerts if a.by_itself] == []


def test_a_machine_is_held_within_minutes_and_a_rider_within_days() -> None:
    first, held, _, after = hunt("doctor", 600, HOUR, length=1)
    assert first is not None
    assert held <= 20
    assert after < HOUR / 10
    first, held, _, after = hunt("pharmacy", 10, 8 * HOUR, length=10)
    assert first is not None
    assert held <= 60
