"""How often the rules are wrong about honest people (docs/detection.md): `python -m tests.incident.false_alarms [HOUSES] [DAYS] [SEED]`.

It judges what the rules would do if a hold were thrown at once: a step-up hold costs each of the device's sessions one confirmation, a
closure costs the device's requests of the hour in which somebody calls back.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterable
from datetime import date

from rempart.foundation.clock import HOUR
from rempart.incident.desk import Desk
from rempart.incident.model import Alert, Hold
from tests.incident.honest import Day, days, town

FIRST = date(2026, 3, 2)
CALLS_BACK = HOUR


def play(made: Iterable[Day], desk: Desk) -> tuple[int, list[Alert]]:
    """All of it through the rules. Look-ups, and what was found."""
    claimed: set[int] = set()
    count, alerts = 0, []
    for day in made:
        claimed |= day.claimed
        for seen in day.lookups:
            alerts += desk.feed(seen)
            alerts += desk.settle(desk.due(seen.at), claimed, seen.at)
        count += len(day.lookups)
    return count, alerts


def main() -> None:
    """Print the table."""
    houses, length, seed = (int(x) for x in (*sys.argv[1:], *("400", "28", "1")[len(sys.argv) - 1 :]))
    place = town(seed, houses)
    started = time.perf_counter()
    count, alerts = play(days(place, FIRST, length, seed), Desk())
    seconds = time.perf_counter() - started
    print(f"{houses} houses, {length} days, {count:,} look-ups, {count / seconds:,.0f} a second")
    by_rule = Counter(
        (
            a.finding.rule.value,
            a.finding.strength.name,
            a.by_itself and a.proposed is not None and a.proposed.hold.value,
        )
        for a in alerts
    )
    for (rule, strength, did), times in sorted(by_rule.items(), key=str):
        print(
            f"{rule:20} {strength:7} {did or 'a person looks':15} {times:6} 1 in {count / times:,.0f} look-ups"
        )
    for hold in Hold:
        done = sum(a.by_itself and a.proposed is not None and a.proposed.hold is hold for a in alerts)
        print(f"held by itself, {hold.value}: {done}")


if __name__ == "__main__":
    main()
