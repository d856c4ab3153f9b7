"""Identifiers: the values of the trade's own texts, and the NIR key against stdnum."""

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.fr import nir as oracle

from rempart.foundation import identifiers as ids
from rempart.foundation.errors import BadInput, Refusal

VALID_NIRS = (
    "295109912611193",
    "253072B07300470",
    "253072A07300443",
    "145062B12312341",
    "176209939705448",
    "255081416802538",
)


def with_key(first13: str) -> str:
    return f"{first13}{ids.nir_key(first13):02d}"


@pytest.mark.parametrize("value", VALID_NIRS)
def test_a_nir_with_the_right_key_is_taken(value: str) -> None:
    assert ids.check_nir(value) == value


@pytest.mark.parametrize("value", ["295109912611199", "145062A12312315"])
def test_a_nir_with_a_wrong_key_is_refused(value: str) -> None:
    with pytest.raises(ids.BadNirKey):
        ids.check_nir(value)


@pytest.mark.parametrize(
    "value",
    [
        "253072C07300443",  # no such département
        "2951099126111",  # no key
        "2951099126111930",
        "2 95 10 99 126 111 93",
        "253072b07300470",
        "",
        "٢95109912611193",  # a digit, but not an ASCII one
        "295109912611193\n",
    ],
)
def test_a_nir_of_bad_form_is_refused(value: str) -> None:
    with pytest.raises(ids.BadNirForm):
        ids.check_nir(value)


@pytest.mark.parametrize("month", [*range(1, 13), *range(20, 43), *range(50, 100)])
def test_incomplete_civil_records_have_months_of_their_own(month: int) -> None:
    value = with_key(f"180{month:02d}75056000")
    assert ids.check_nir(value) == value


@pytest.mark.parametrize("month", [0, *range(13, 20), *range(43, 50)])
def test_other_months_are_refused(month: int) -> None:
    with pytest.raises(ids.BadNirForm):
        ids.check_nir(with_key(f"180{month:02d}75056000"))


@pytest.mark.parametrize("sex", "12345678")
def test_provisional_numbers_are_taken(sex: str) -> None:
    value = with_key(f"{sex}800175056001")
    assert ids.check_nir(value) == value


@pytest.mark.parametrize("sex", "09")
def test_no_other_first_digit_is_taken(sex: str) -> None:
    with pytest.raises(ids.BadNirForm):
        ids.check_nir(with_key(f"{sex}800175056001"))


@given(
    st.from_regex(
        r"[12][0-9]{2}(0[1-9]|1[0-2]|2[0-9]|3[0-9]|4[0-2]|[5-9][0-9])(0[1-9]|[1-9][0-9]|2A|2B)[0-9]{6}",
        fullmatch=True,
    ),
    st.integers(1, 97),
)
def test_the_key_is_the_one_stdnum_computes(first13: str, key: int) -> None:
    value = f"{first13}{key:02d}"
    assert f"{ids.nir_key(first13):02d}" == oracle.calc_check_digits(first13)
    if oracle.is_valid(value):
        assert ids.check_nir(value) == value
    else:
        with pytest.raises(ids.BadNirKey):
            ids.check_nir(value)


@given(st.sampled_from(VALID_NIRS), st.integers(0, 14), st.sampled_from("0123456789"))
def test_one_mistyped_digit_never_passes(value: str, position: int, digit: str) -> None:
    mistyped = value[:position] + digit + value[position + 1 :]
    if mistyped == value:
        return
    with pytest.raises(BadInput):
        ids.check_nir(mistyped)


def test_production_refuses_synthetic_people_and_a_demo_everybody_else() -> None:
    synthetic, attributed = with_key("1800175056000"), with_key("1800175056001")
    assert ids.is_synthetic_nir(synthetic)
    assert not ids.is_synthetic_nir(attributed)
    ids.refuse_unless_synthetic(synthetic)
    ids.refuse_synthetic(attributed)
    with pytest.raises(ids.RealIdentity):
        ids.refuse_unless_synthetic(attributed)
    with pytest.raises(ids.SyntheticIdentity):
        ids.refuse_synthetic(synthetic)


@pytest.mark.parametrize("value", ["010000602", "770816478", "2A0000012", "9F0000012"])
def test_a_finess_number_is_taken(value: str) -> None:
    assert ids.check_finess(value) == value


@pytest.mark.parametrize("value", ["010000603", "01000060", "2C0000012", "9G0000012", "A10000602"])
def test_a_wrong_finess_number_is_refused(value: str) -> None:
    with pytest.raises(ids.BadFiness):
        ids.check_finess(value)


def test_an_rpps_number_without_its_luhn_key_is_warned_of_and_never_refused() -> None:
    assert ids.rpps_warning(ids.check_rpps("10000001916")) == ""
    assert ids.rpps_warning(ids.check_rpps("10000001111")) != ""
    for value in ("1000000191", "100000019160", "1000000191A"):
        with pytest.raises(ids.BadRpps):
            ids.check_rpps(value)


def test_adeli_and_amc_numbers_are_checked_by_form() -> None:
    assert ids.check_adeli("759000019") == "759000019"
    assert ids.check_adeli("2A9000019") == "2A9000019"
    for value in ("75900001", "2C9000019", "7590000190"):
        with pytest.raises(ids.BadAdeli):
            ids.check_adeli(value)
    for value in ("99000001", "9900000001", "AB345678"):
        assert ids.check_amc_number(value) == value
    for value in ("9900001", "99000000001", "9900000a", "99 00001"):
        with pytest.raises(ids.BadAmcNumber):
            ids.check_amc_number(value)


def test_an_iban_is_checked_by_its_key() -> None:
    assert ids.check_iban("FR14 2004 1010 0505 0001 3M02 606") == "FR1420041010050500013M02606"
    for value in ("FR1420041010050500013M02607", "FR14", "", "XX1420041010050500013M02606"):
        with pytest.raises(ids.BadIban):
            ids.check_iban(value)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (ids.check_nir, "295109912611199"),
        (ids.check_nir, "253072C07300443"),
        (ids.check_finess, "010000603"),
        (ids.check_rpps, "1000000191A"),
        (ids.check_adeli, "2C9000019"),
        (ids.check_amc_number, "9900000a"),
        (ids.check_iban, "FR1420041010050500013M02607"),
        (ids.refuse_unless_synthetic, "295109912611193"),
    ],
)
def test_no_message_repeats_the_value(check, value: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises((BadInput, Refusal)) as caught:
        check(value)
    error = caught.value
    assert (
        value
        not in "".join(traceback.format_exception_only(error)) + error.french + error.english + error.detail
    )
    assert error.__cause__ is None
