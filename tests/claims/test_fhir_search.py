"""A search read strictly: days are days of Paris, and whatever is not understood is refused."""

from contextlib import suppress
from datetime import UTC, date, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rempart.claims.fhir import vocabulary as v
from rempart.claims.fhir.search import read_search, states
from rempart.claims.messages import PAGE
from rempart.foundation.clock import DAY, SECOND, paris_date
from rempart.vaultdoor.fhir import BadPresentation

NAMES = ("use", "identifier", "status", "outcome")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(("query", "since", "until"), [
    ("", 0, 0),
    ("created=2026-01-05", at("2026-01-04T23:00"), at("2026-01-05T23:00")),
    ("created=eq2026-07-05", at("2026-07-04T22:00"), at("2026-07-05T22:00")),
    ("created=ge2026-01-05", at("2026-01-04T23:00"), 0),
    ("created=gt2026-01-05", at("2026-01-05T23:00"), 0),
    ("created=le2026-01-05", 0, at("2026-01-05T23:00")),
    ("created=lt2026-01-05", 0, at("2026-01-04T23:00")),
    ("created=ge2026-01-05&created=le2026-01-06", at("2026-01-04T23:00"), at("2026-01-06T23:00")),
    # A day of 23 hours.
    ("created=2026-03-29", at("2026-03-28T23:00"), at("2026-03-29T22:00")),
])  # fmt: skip
def test_a_day_is_a_day_of_paris(query: str, since: int, until: int) -> None:
    search = read_search(query, NAMES)
    assert (search.since, search.until) == (since, until)


@given(st.dates(min_value=date(2020, 1, 1), max_value=date(2030, 1, 1)))
def test_a_day_holds_its_instants_and_no_other(day: date) -> None:
    search = read_search(f"created={day.isoformat()}", NAMES)
    for instant in (search.since, search.until - 1):
        assert paris_date(instant) == day
    assert paris_date(search.since - 1) < day < paris_date(search.until)
    assert search.until - search.since <= DAY + 3_600 * SECOND


@given(st.integers(0, 10**18 - 1), st.integers(0, 10**6))
def test_a_cursor_and_a_count_are_read_back(cursor: int, count: int) -> None:
    search = read_search(urlencode({"page": cursor, "_count": count}), NAMES)
    assert search.before == cursor
    assert 1 <= search.count <= PAGE
    assert search.asked == (("_count", str(count)),)


@given(st.text(max_size=60))
def test_no_query_makes_it_stumble(query: str) -> None:
    with suppress(BadPresentation):
        assert 1 <= read_search(query, NAMES).count <= PAGE


@pytest.mark.parametrize(("query", "wanted"), [
    ("", {"accepted", "refused", "cancelled"}),
    ("status=active", {"accepted", "refused"}),
    ("outcome=complete", {"accepted", "cancelled"}),
    ("outcome=complete&status=active", {"accepted"}),
    ("outcome=queued", set()),
])  # fmt: skip
def test_status_and_outcome_leave_states(query: str, wanted: set[str]) -> None:
    assert states(read_search(query, NAMES), v.INVOICE) == wanted


def test_an_identifier_is_of_its_system() -> None:
    assert read_search(f"identifier={v.INVOICE}|F-1", NAMES).number(v.INVOICE) == "F-1"
    assert read_search("identifier=F-1", NAMES).number(v.INVOICE) == "F-1"
    other = read_search(f"identifier={v.PEC}|F-1", NAMES)
    with pytest.raises(BadPresentation):
        other.number(v.INVOICE)
