"""Each rule of docs/files/members.md: a line that keeps it passes, one that breaks it is told by line, field and code."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rempart.foundation.errors import BadInput
from rempart.foundation.identifiers import BadNirKey, check_nir
from rempart.intake.checks import Terms, form_holds, key_holds
from rempart.intake.lines import Chunk
from rempart.intake.members import ContractTerms, Departure, People, read_contract, read_members
from rempart.intake.model import DELTA_COLUMNS, MEMBER_COLUMNS, MEMBER_OPTIONAL, Reject
from rempart.intake.rejects import SENTENCES
from tests.sealer.conftest import Line, member, with_key

TERMS = Terms("99000001", frozenset({"CONFORT", "PREMIUM"}), date(2026, 1, 5), synthetic_only=True)
NIR, CHILD = with_key("1800175056000"), with_key("2240275056000")
GOOD = Line(nir=NIR)


def read(*lines: Line, terms: Terms = TERMS, delta: bool = False, optional: bool = True) -> People:
    columns = (DELTA_COLUMNS if delta else MEMBER_COLUMNS) + MEMBER_OPTIONAL * optional
    data = "".join(f"{line.written(columns)}\n" for line in lines).encode()
    return read_members(Chunk(2, data, len(lines)), list(columns), terms)


BROKEN = [
    ("amc", "99000002", "amc-differs"),
    ("adherent", "", "missing"),
    ("adherent", "1" * 21, "too-long"),
    ("adherent", "12é4", "format"),
    ("adherent", " 1234", "format"),
    ("member_ref", "", "missing"),
    ("member_ref", "M" * 33, "too-long"),
    ("member_ref", "M1\t", "format"),
    ("member_ref", NIR, "reference-is-nir"),
    ("member_ref", NIR[:13], "reference-is-nir"),
    ("nir", "", "nir-missing"),
    ("nir", "18001750560000", "nir-form"),
    ("nir", "9" + NIR[1:], "nir-form"),
    ("nir", NIR[:3] + "13" + NIR[5:], "nir-form"),
    ("nir", NIR[:5] + "2C" + NIR[7:], "nir-form"),
    ("nir", NIR[:13] + "99", "nir-key"),
    ("nir", "295109912611193", "nir-not-synthetic"),
    ("nir_attached", "18001750560000", "nir-form"),
    ("nir_attached", NIR[:13] + "99", "nir-key"),
    ("nir_attached", "295109912611193", "nir-not-synthetic"),
    ("nir_attached", f"{NIR} {CHILD} {NIR}", "format"),
    ("nir_attached", f"{NIR}  {CHILD}", "nir-form"),
    ("birth_date", "", "missing"),
    ("birth_date", "1980-02-30", "date"),
    ("birth_date", "1980-2-3", "date"),
    ("birth_date", "13/01/1980", "date"),
    ("birth_date", "1980-01-13 ", "date"),
    ("birth_date", "1879-12-31", "date-range"),
    ("birth_date", "2026-01-06", "date-range"),
    ("birth_rank", "", "missing"),
    ("birth_rank", "0", "format"),
    ("birth_rank", "10", "too-long"),
    ("family_name", "", "missing"),
    ("family_name", "D" * 81, "too-long"),
    ("family_name", "Dupont4", "format"),
    ("family_name", '"Dupont"', "format"),
    ("first_name", "a@b", "format"),
    ("first_name", "-", "format"),
    ("contract", "", "missing"),
    ("contract", "C" * 31, "too-long"),
    ("product", "UNKNOWN", "product-unknown"),
    ("product", "", "product-unknown"),
    ("valid_from", "", "missing"),
    ("valid_from", "2019-13-01", "date"),
    ("valid_to", "2019-03-31", "period"),
    ("valid_to", "soon", "date"),
    ("responsible", "", "missing"),
    ("responsible", "2", "format"),
    ("responsible", "oui", "too-long"),
    ("suspended_from", "2026-00-01", "date"),
    ("suspended_reason", "fraud", "suspension"),
    ("suspended_reason", "bankrupt", "suspension"),
    ("domains", "OPTI", "domains"),
    ("domains", "OPTI:", "domains"),
    ("domains", "OPT:-", "domains"),
    ("domains", "OPTI:2026-02-30", "domains"),
    ("domains", "OPTI:2026-06-30/2026-01-01", "domains"),
    ("domains", "OPTI:- OPTI:2026-01-01", "domains"),
    ("domains", "OPTI:-  AUDI:-", "domains"),
    ("card", "0", "serial"),
    ("card", "01", "serial"),
    ("card", "-1", "serial"),
    ("card", "1000000000", "serial"),
    ("card", "A1", "serial"),
    ("canary", "2", "format"),
    ("canary", "oui", "format"),
]


@pytest.mark.parametrize(("field", "value", "code"), BROKEN)
def test_a_broken_rule_is_told_by_line_field_and_code(field: str, value: str, code: str) -> None:
    other = member(7)
    people = read(other, replace(GOOD, **{field: value}), member(8))
    assert Reject(3, field, code) in people.rejects
    assert {reject.line for reject in people.rejects} == {3}
    assert len({reject.field for reject in people.rejects}) == len(people.rejects), "one reject a field"
    assert people.rejected_lines == 1
    assert people.frame["member_ref"].to_list() == ["M7", "M8"]
    assert code in SENTENCES


FINE = [
    {},
    {"nir": "", "nir_attached": NIR, "birth_date": "2026-01-05"},
    {"nir_attached": f"{CHILD} {NIR}"},
    {"nir": with_key("253072B073000")},
    {"nir": with_key("253072A073000")},
    {"nir": with_key("7800175056000")},
    {"nir": with_key("1802099056000")},
    {"family_name": "D’Arc-Éçñ l'Œuvre Jr."},
    {"family_name": "Nguyễn", "first_name": "Zoe\u0308"},
    {"adherent": "A", "member_ref": "0/1_2-3.4 5", "contract": "C 1/2"},
    {"valid_to": "2019-04-01"},
    {"suspended_from": "2026-02-01", "suspended_reason": "other"},
    {"domains": "OPTI:2026-01-01 AUDI:- DENT:2026-01-01/2026-01-01"},
    {"birth_rank": "9", "responsible": "0"},
    {"card": "1", "canary": "0"},
    {"card": "999999999", "canary": "1"},
]


@pytest.mark.parametrize("fields", FINE)
def test_a_line_that_keeps_the_rules_passes(fields: dict[str, str]) -> None:
    people = read(replace(GOOD, **fields))
    assert people.rejects == []


def test_the_optional_columns_are_of_the_person_and_may_be_missing() -> None:
    two = replace(GOOD, contract="C2", product="PREMIUM")
    assert read(replace(GOOD, card="1"), replace(two, card="2")).rejects == [
        Reject(3, "card", "person-differs")
    ]
    assert read(replace(GOOD, canary="1"), two).rejects == [Reject(3, "canary", "person-differs")]
    without = read(replace(GOOD, card="7", canary="1"), optional=False)
    assert without.rejects == []
    assert without.frame["card"].to_list() == [""]
    assert not read_contract(without.frame["contracts"][0]).canary
    assert read_contract(read(replace(GOOD, canary="1")).frame["contracts"][0]).canary
    assert read(replace(GOOD.leaves(), card="1"), delta=True).rejects == [
        Reject(2, "action", "leaving-with-data")
    ]


def test_several_fields_in_error_are_all_told() -> None:
    people = read(replace(GOOD, birth_rank="x", product="?", responsible=""))
    assert people.rejects == [
        Reject(2, "birth_rank", "format"), Reject(2, "product", "product-unknown"), Reject(2, "responsible", "missing"),
    ]  # fmt: skip


def test_production_refuses_synthetic_identities_and_takes_others() -> None:
    production = replace(TERMS, synthetic_only=False)
    assert read(GOOD, terms=production).rejects == [Reject(2, "nir", "nir-synthetic")]
    assert read(replace(GOOD, nir="295109912611193"), terms=production).rejects == []
    attached = replace(GOOD, nir="295109912611193", nir_attached=NIR)
    assert read(attached, terms=production).rejects == [Reject(2, "nir_attached", "nir-synthetic")]


@given(
    st.lists(
        st.one_of(
            st.from_regex(
                r"[1-8][0-9]{2}(0[1-9]|1[0-2]|[2-9][0-9])([0-9]{2}|2[ABC])[0-9]{6}[0-9]{2}", fullmatch=True
            ),
            st.from_regex(r"[1-4][0-9]{2}(0[1-9])(0[1-9]|2A|2B|99)[0-9]{3}000", fullmatch=True).map(with_key),
            st.text("0123456789AB ", max_size=16),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_a_nir_is_judged_as_the_foundation_judges_it(nirs: list[str]) -> None:
    frame = pl.DataFrame({"nir": nirs})
    formed = frame.select(form_holds(pl.col("nir"))).to_series().to_list()
    keyed = frame.select(key_holds(pl.col("nir"))).to_series().to_list()
    for nir, has_form, has_key in zip(nirs, formed, keyed, strict=True):
        try:
            check_nir(nir)
        except BadNirKey:
            assert has_form
            assert not has_key
        except BadInput:
            assert not has_form
        else:
            assert has_form
            assert has_key


def test_one_person_with_several_contracts_is_one_person() -> None:
    second = replace(GOOD, contract="C2", product="PREMIUM", valid_from="2020-01-01")
    people = read(member(5), GOOD, second, member(6))
    assert people.frame.height == 3
    contracts = people.frame.filter(pl.col("member_ref") == "M1")["contracts"].item().split("\n")
    assert [read_contract(one).product for one in contracts] == ["CONFORT", "PREMIUM"]


def test_the_terms_of_a_contract_are_read_to_the_letter() -> None:
    line = replace(
        GOOD, valid_to="2027-12-31", responsible="0", suspended_from="2026-02-01", suspended_reason="fraud",
        domains="OPTI:2026-01-01/2026-06-30 AUDI:- DENT:2026-03-01",
    )  # fmt: skip
    (written,) = read(line).frame["contracts"]
    assert read_contract(written) == ContractTerms(
        "CONFORT", date(2019, 4, 1).toordinal(), date(2027, 12, 31).toordinal(), False, date(2026, 2, 1).toordinal(), 2,
        (
            Departure(7, date(2026, 1, 1).toordinal(), date(2026, 6, 30).toordinal()),
            Departure(8, -1, 0),
            Departure(6, date(2026, 3, 1).toordinal(), 0),
        ),
        canary=False,
    )  # fmt: skip


@pytest.mark.parametrize("field", ["adherent", "nir", "nir_attached", "birth_date", "birth_rank"])
def test_lines_of_one_reference_must_say_one_person(field: str) -> None:
    other = {
        "adherent": "2",
        "nir": CHILD,
        "nir_attached": CHILD,
        "birth_date": "1980-01-14",
        "birth_rank": "2",
    }
    people = read(GOOD, replace(GOOD, contract="C2", **{field: other[field]}))
    assert people.rejects == [Reject(3, field, "person-differs")]
    assert people.frame["contracts"].to_list() == [read(GOOD).frame["contracts"].item()]


def test_in_a_full_file_a_contract_in_error_takes_nothing_from_the_others() -> None:
    people = read(GOOD, replace(GOOD, contract="C2", product="UNKNOWN"))
    assert people.frame.height == 1
    assert people.rejects == [Reject(3, "product", "product-unknown")]


def test_dead_contracts_vanish_and_so_does_whoever_has_no_other() -> None:
    dead = replace(GOOD, contract="C0", valid_to="2026-01-04")
    last_day = replace(GOOD, valid_to="2026-01-05")
    assert read(dead).frame.height == 0
    assert read(dead).rejects == []
    assert read(dead, last_day).frame["contracts"].to_list() == read(last_day).frame["contracts"].to_list()


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"one;two", "line-form"),
        (b"", "line-form"),
        (GOOD.written(MEMBER_COLUMNS).encode() + b";", "line-form"),
        (GOOD.written(MEMBER_COLUMNS).encode() + b"\r", "line-form"),
        (
            GOOD.written(MEMBER_COLUMNS).encode("latin-1", "ignore").replace(b"Ardivelle", b"Ard\xeevelle"),
            "line-text",
        ),
        (GOOD.written(MEMBER_COLUMNS).encode().replace(b"Ardivelle", b"Ard\0velle"), "line-text"),
    ],
)
def test_a_malformed_line_is_rejected_and_its_neighbours_stand(bad: bytes, code: str) -> None:
    before, after = (member(n).written(MEMBER_COLUMNS).encode() for n in (1, 2))
    data = b"\n".join([before, bad, after]) + b"\n"
    people = read_members(Chunk(2, data, 3), list(MEMBER_COLUMNS), TERMS)
    assert people.frame["member_ref"].to_list() == ["M1", "M2"]
    assert people.frame["line"].to_list() == [2, 4]
    if b"\0" not in bad or people.rejects[0].field == "":
        assert people.rejects == [Reject(3, "", code)]


def test_a_line_too_short_cannot_hide_behind_one_too_long() -> None:
    lines = [member(n).written(MEMBER_COLUMNS).encode() for n in (1, 2, 3)]
    data = b"\n".join([lines[0] + b";", lines[1].rsplit(b";", 1)[0], lines[2]]) + b"\n"
    people = read_members(Chunk(2, data, 3), list(MEMBER_COLUMNS), TERMS)
    assert people.rejects == [Reject(2, "", "line-form"), Reject(3, "", "line-form")]


class TestDelta:
    def test_who_comes_and_who_leaves(self) -> None:
        people = read(member(1), member(2).leaves(), member(3), delta=True)
        assert people.rejects == []
        assert people.frame["member_ref"].to_list() == ["M1", "M3"]
        assert people.leaving.rows() == [(2, "M1"), (3, "M2"), (4, "M3")]
        assert people.known_to_leave == {3}

    def test_whoever_has_only_dead_contracts_left_leaves(self) -> None:
        people = read(replace(member(1), valid_to="2025-12-31"), delta=True)
        assert people.frame.height == 0
        assert people.leaving.rows() == [(2, "M1")]

    def test_a_leaving_line_says_nothing_else(self) -> None:
        people = read(replace(member(1).leaves(), nir=NIR), delta=True)
        assert Reject(2, "action", "leaving-with-data") in people.rejects
        assert people.leaving.height == 0

    def test_a_person_with_a_line_in_error_stays_as_he_was(self) -> None:
        one = member(1)
        people = read(one, replace(one, contract="C2", product="UNKNOWN"), member(2), delta=True)
        assert people.rejects == [Reject(2, "action", "mixed"), Reject(3, "product", "product-unknown")]
        assert people.leaving["member_ref"].to_list() == ["M2"]
        assert people.frame["member_ref"].to_list() == ["M2"]

    def test_a_person_cannot_come_and_leave_at_once(self) -> None:
        one = member(1)
        people = read(one, one.leaves(), member(2), delta=True)
        assert people.leaving["member_ref"].to_list() == ["M2"]
        assert {(reject.line, reject.code) for reject in people.rejects} >= {(2, "mixed")}

    def test_an_unknown_action(self) -> None:
        people = read(replace(member(1), action="X"), delta=True)
        assert people.rejects == [Reject(2, "action", "format")]
