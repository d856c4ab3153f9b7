"""A log line is JSON and never a person."""

import json
import logging
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rempart.foundation.identifiers import nir_key
from rempart.foundation.logs import REDACTED, JsonLines, NoPersonFilter, PersonInLogError, redact

SCRIPT = """
import logging, sys
from rempart.foundation.logs import configure_logs
configure_logs("test")
log = logging.getLogger("a.room")
log.info("asked for %s", "2 95 10 99 126 111 93")
log.warning("plain %d", 3)
try:
    raise ValueError("295109912611193")
except ValueError:
    log.exception("it failed")
"""


def test_each_line_is_json_without_a_person_even_in_an_exception():
    out = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True).stderr
    first, second, third = [json.loads(line) for line in out.splitlines()]
    assert first["message"] == f"asked for {REDACTED}"
    assert (first["process"], first["logger"], first["level"]) == ("test", "a.room", "info")
    assert second["message"] == "plain 3"
    assert third["error"] == "ValueError"
    assert "95109" not in out
    assert "126 111" not in out


@given(
    sex=st.sampled_from("12345678"),
    year=st.integers(0, 99),
    month=st.sampled_from(["01", "12", "20", "42", "50", "99"]),
    department=st.sampled_from(["01", "75", "99", "2A", "2B"]),
    rest=st.integers(0, 999_999),
    separator=st.sampled_from(["", " ", ".", "-"]),
    keyed=st.booleans(),
    around=st.sampled_from([("", ""), ("nir=", ";"), ("(", ")"), ('"', '"'), ("patient ", ", né le")]),
)
def test_every_form_of_a_nir_is_cut_out(sex, year, month, department, rest, separator, keyed, around):
    compact = f"{sex}{year:02}{month}{department}{rest:06}"
    groups = [sex, f"{year:02}", month, department, f"{rest:06}"[:3], f"{rest:06}"[3:]]
    if keyed:
        groups.append(f"{nir_key(compact):02}")
    written = separator.join(groups)
    assert redact(f"{around[0]}{written}{around[1]}") == f"{around[0]}{REDACTED}{around[1]}"


@pytest.mark.parametrize(
    "text",
    [
        "1767600000000000 µs",
        "at 2026-01-05T08:00:00.000+00:00",
        "uuid 29510991-2611-4193-8000-295109912611",
        "leaf 12345678901",
        "sha256 295109912611193a295109912611193f",
        "pid 2951099 ended with 1",
    ],
)
def test_what_is_no_nir_is_left_alone(text):
    assert redact(text) == text


def test_the_strict_filter_raises_and_says_where():
    record = logging.LogRecord("a.room", logging.INFO, "x.py", 7, "asked for %s", ("295109912611193",), None)
    with pytest.raises(PersonInLogError, match=r"a\.room, line 7"):
        NoPersonFilter(strict=True).filter(record)


def test_in_this_suite_a_log_line_with_a_nir_fails_the_test():
    with pytest.raises(PersonInLogError):
        logging.getLogger("rempart.anything").warning("who: %s", "253072B07300470")


def test_an_instant_is_utc():
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "m", (), None)
    record.created = 1_767_600_000.5
    assert json.loads(JsonLines("p").format(record))["at"] == "2026-01-05T08:00:00.500+00:00"
