"""A platform that has lived: the 28 days before the drill, as meters and detection would know them.

Honest devices have a past. Playing four weeks through the doors before each drill would take most of its time, so the past is written:
drawn from the same generator as the traffic that is played (rhythms, sizes, patients), and written as the rows that living would have left.
"""

from datetime import date
from typing import Any

import psycopg

from rempart.drill.town import Town

PAST_DAYS = 28


async def write_past(
    connection: "psycopg.AsyncConnection[Any]", town: Town, first_day: date, seed: int
) -> None:
    """Write what the 28 days before `first_day` left in the meters."""
