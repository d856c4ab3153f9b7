"""A sample for sale: read whatever its form, judged by its columns, compared by an insurer with its own file. Nothing of it is repeated.

The people are synthetic, canaries among them; the commands are those that an operator and an insurer type.
"""

import contextlib
import csv
import io
import json
import logging
from collections.abc import Callable
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from rempart.cli.commands import command_line
from rempart.foundation.errors import BadInput
from rempart.incident.errors import NotATable
from rempart.incident.match import (
    HOLDS,
    NEVER_HERE,
    Counted,
    InsurersCheck,
    Verdict,
    Way,
    chance_of_no_canary,
    combine,
    judge,
)
from rempart.incident.match_members import check_members
from rempart.incident.match_table import Field, compact, day_of, field_by_content, field_by_name, read_sample
from rempart.intake.columns import FORBIDDEN
from rempart.population.model import Person
from rempart.population.population import Population
from tests.incident.scope_ledger import ScopeLedger

PERSONS, CANARIES = 400, 20
PEOPLE = Population(20_240_129, PERSONS, 2, canaries=CANARIES)
INSURER = PEOPLE.insurers[0]


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first insurer's file, as it gave it to Rempart."""
    place = tmp_path_factory.mktemp("insurer") / "members.csv"
    place.write_bytes(b"".join(PEOPLE.lines(INSURER)))
    return place


def stolen(people: list[Person], insurer: Any = INSURER) -> list[list[str]]:
    """What a thief would offer: as a French spreadsheet shows it."""
    return [
        [
            person.family_name, person.first_name, date.fromisoformat(person.birth_date).strftime("%d/%m/%Y"),
            " ".join((person.presented_nir[:1], person.presented_nir[1:])), insurer.amc, person.adherent,
        ]
        for person in people
    ]  # fmt: skip


HEADER = ["Nom", "Prénom", "Date de naissance", "N° Sécurité sociale / NIR", "AMC", "N° adhérent"]


def some(count: int, insurer: Any = INSURER) -> list[Person]:
    return list(islice(PEOPLE.people(insurer), count))


def write(place: Path, rows: list[list[str]], delimiter: str = ";", encoding: str = "utf-8") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    place.write_bytes(text.getvalue().encode(encoding))
    return place


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", list(";,\t|"))
@pytest.mark.parametrize("header", [True, False])
def test_a_sample_is_read_in_any_form(tmp_path: Path, encoding: str, delimiter: str, header: bool) -> None:
    rows = stolen(some(50))
    place = write(tmp_path / "sample", [HEADER] * header + rows, delimiter, encoding)
    sample = read_sample(place)
    assert (sample.delimiter, sample.header) == (delimiter, header)
    assert list(sample.rows()) == rows
    expected = {Field.NIR, Field.BIRTH_DATE}
    assert expected <= sample.fields
    if header:
        assert sample.fields == expected | {Field.FAMILY_NAME, Field.FIRST_NAME, Field.AMC, Field.ADHERENT}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"PK\x03\x04spreadsheet", "spreadsheet"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x1f\x8b\x08rest", "archive"),
        (b"a;b\n\x00;c\n", "binary"),
        (b"no separator at all\nnor here\n", "separator"),
        (b"x" * 400_000, "longer"),
        (b"a;b\n" * 20 + b'"never closed;' + b"y\n" * 200_000, "quotation"),
        (b"\xff\xfea", "damaged"),
        (b";".join([b"c"] * 300) + b"\n", "columns"),
        (b"\n\n\n", "separator"),
    ],
)
def test_what_is_no_table_is_refused_with_a_reason_and_without_a_value(
    tmp_path: Path, data: bytes, why: str
) -> None:
    place = tmp_path / "sample"
    place.write_bytes(data)
    with pytest.raises(NotATable, match=why):
        list(read_sample(place).rows())


def test_a_file_that_is_too_big_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    place = tmp_path / "sample"
    with place.open("wb") as file:
        file.write(b"a;b\n")
        # A hole: it has that size, and takes no room.
        file.truncate(3 * 2**30)
    with pytest.raises(NotATable):
        read_sample(place)


@given(st.binary(max_size=400))
def test_whatever_the_bytes_nothing_but_a_refusal_comes_of_them(data: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        with contextlib.suppress(NotATable):
            sample = read_sample(Path(file.name))
            for row in sample.rows():
                assert row is None or sample.cells(row)


def test_rows_of_another_width_are_counted_and_not_guessed(tmp_path: Path) -> None:
    rows = stolen(some(20))
    sample = read_sample(write(tmp_path / "s", [HEADER, *rows[:10], ["one", "cell"], *rows[10:]]))
    assert [row for row in sample.rows() if row is None] == [None]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("NIR", Field.NIR), ("numSecu", Field.NIR), ("num_secu", Field.NIR),
        ("Date de naissance", Field.BIRTH_DATE), ("NOM", Field.FAMILY_NAME),
        ("nom du chien", None), ("Prénom usuel", Field.FIRST_NAME), ("adresse mail", Field.EMAIL), ("Adresse", Field.POSTAL),
        ("IBAN", Field.BANK), ("tel_portable", Field.PHONE), ("mot de passe", Field.PASSWORD), ("n° AMC", Field.AMC),
        ("RPPS", Field.RPPS),
        ("ville de naissance", Field.POSTAL), ("", None), ("=HYPERLINK(1)", None),
    ],
)  # fmt: skip
def test_a_columns_name_says_what_it_is(name: str, field: Field | None) -> None:
    assert field_by_name(name) is field


def test_every_family_that_intake_refuses_is_one_that_is_never_held_here() -> None:
    assert {Field(family) for family in FORBIDDEN} <= NEVER_HERE
    for way in (Way.ANSWERS, Way.DATABASE, Way.DOORS, Way.FILES):
        assert not HOLDS[way] & NEVER_HERE


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (["jean@example.fr", "a.b@c.org"], Field.EMAIL),
        (["06 12 34 56 78", "+33 6 12 34 56 78"], Field.PHONE),
        (["FR76 3000 6000 0112 3456 7890 189"], Field.BANK),
        (["1967-04-12", "12/04/1967", "19670412"], Field.BIRTH_DATE),
        (["2026-01-01"], None),
        (["", " "], None),
    ],
)
def test_a_columns_content_says_what_it_is_where_its_form_tells(
    values: list[str], field: Field | None
) -> None:
    assert field_by_content(values) is field


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_a_date_has_one_form_however_it_is_written(day: date) -> None:
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%Y%m%d", "%Y-%m-%d 00:00:00"):
        assert day_of(day.strftime(form)) == day.isoformat()


def test_a_spreadsheets_formula_around_a_number_is_the_number() -> None:
    assert compact('="1 80 01 75-056"') == "180017505" + "6"


# ── judging ──────────────────────────────────────────────────────────────────────────────────────────────────────────

TOLD = frozenset({Field.PRODUCT, Field.VALID_FROM, Field.VALID_TO})


@pytest.mark.parametrize(
    ("fields", "verdict", "ways"),
    [
        (TOLD, Verdict.CAN, {Way.ANSWERS, Way.DOORS, Way.FILES}),
        # A thief who had the NIRs asks for the rest.
        (TOLD | {Field.NIR, Field.BIRTH_DATE}, Verdict.CAN, {Way.ANSWERS, Way.DOORS, Way.FILES}),
        # The sample of January 2024 has names: no answer, no database and no door has them.
        (
            {Field.NIR, Field.BIRTH_DATE, Field.FAMILY_NAME, Field.FIRST_NAME, Field.INSURER},
            Verdict.CAN,
            {Way.FILES},
        ),
        # Names and telephone numbers of another source may have been joined with what left here.
        ({Field.NIR, Field.BIRTH_DATE, Field.EMAIL}, Verdict.CANNOT_BE_TOLD, set()),
        (
            {Field.FAMILY_NAME, Field.NIR, Field.BIRTH_DATE, Field.PHONE},
            Verdict.CANNOT_BE_TOLD,
            set(),
        ),
        ({Field.BANK, Field.MEDICAL}, Verdict.CANNOT, set()),
        ({Field.NIR, Field.BANK}, Verdict.CANNOT_BE_TOLD, set()),
        ({Field.NIR, Field.FAMILY_NAME, Field.MEDICAL}, Verdict.CANNOT_BE_TOLD, set()),
        ({Field.RPPS, Field.FAMILY_NAME, Field.EMAIL}, Verdict.CAN, {Way.PROFESSIONALS}),
        ({Field.RPPS, Field.BANK}, Verdict.CANNOT_BE_TOLD, set()),
        ({Field.FAMILY_NAME, Field.EMAIL}, Verdict.CANNOT_BE_TOLD, set()),
        (TOLD | {Field.UNKNOWN}, Verdict.CANNOT_BE_TOLD, {Way.ANSWERS, Way.DOORS, Way.FILES}),
        ({Field.NIR, Field.EMAIL, Field.UNKNOWN}, Verdict.CANNOT_BE_TOLD, set()),
        ({Field.UNKNOWN}, Verdict.CANNOT_BE_TOLD, set()),
    ],
)
def test_the_columns_say_by_which_way_it_may_have_left(fields: Any, verdict: Verdict, ways: set[Way]) -> None:
    found = judge(frozenset(fields))
    assert found.verdict is verdict
    assert {each.way for each in found.ways if each.verdict is Verdict.CAN} == ways
    assert found.reasons


def test_more_people_than_were_ever_told_of_did_not_come_by_answers() -> None:
    few, many = Counted("99000001", 10, 10), Counted("99000001", 11, 10)
    by_answers = {each.way: each.verdict for each in judge(TOLD, [few]).ways}[Way.ANSWERS]
    assert by_answers is Verdict.CAN
    assert {each.way: each.verdict for each in judge(TOLD, [many]).ways}[Way.ANSWERS] is Verdict.CANNOT


def test_canaries_say_more_than_columns_and_another_samples_check_says_nothing() -> None:
    cannot = judge(frozenset({Field.NIR, Field.EMAIL}))
    assert combine(cannot, [InsurersCheck("99000001", "aa", 10, 9, 2)], "aa").verdict is Verdict.CAN
    left_out = combine(cannot, [InsurersCheck("99000001", "bb", 10, 9, 2)], "aa")
    assert left_out.verdict is cannot.verdict
    assert "another file" in left_out.reasons[-1]
    can = judge(TOLD | {Field.NIR})
    assert combine(can, [InsurersCheck("99000001", "aa", 10, 0, 0)], "aa").verdict is Verdict.CANNOT
    assert combine(can, [InsurersCheck("99000001", "aa", 10, 3, 0)], "aa").verdict is Verdict.CAN


@given(st.integers(1, 60), st.integers(0, 60), st.integers(0, 60))
def test_the_chance_of_no_canary_is_that_of_drawing_without_putting_back(
    members: int, canaries: int, drawn: int
) -> None:
    from math import comb

    canaries, drawn = min(canaries, members), min(drawn, members)
    expected = comb(members - canaries, drawn) / comb(members, drawn)
    assert chance_of_no_canary(members, canaries, drawn) == pytest.approx(expected)


# ── the insurer's own check ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_copy_of_the_list_is_known_by_its_canaries(tmp_path: Path, members: Path) -> None:
    nobody = PEOPLE.canaries_of(INSURER)[:3]
    sample = read_sample(write(tmp_path / "s", [HEADER, *stolen([*some(100), *nobody])], encoding="cp1252"))
    found = check_members(sample, members)
    assert (found.comparable, found.matched, found.canaries, found.canaries_in_file) == (
        103,
        103,
        3,
        CANARIES,
    )
    assert found.amc == INSURER.amc
    assert found.by == "nir"


@pytest.mark.parametrize(
    ("columns", "by"),
    [
        ((5, 2), "adherent + birth-date"),
        ((0, 1, 2), "family-name + first-name + birth-date"),
        ((5,), "adherent"),
    ],
)
def test_people_are_found_by_whatever_the_sample_has(
    tmp_path: Path, members: Path, columns: tuple[int, ...], by: str
) -> None:
    rows = [[row[n] for n in (*columns, 4)] for row in [HEADER, *stolen(some(60))]]
    found = check_members(read_sample(write(tmp_path / "s", rows)), members)
    assert found.by == by
    assert found.matched == found.comparable == 60


def test_invented_people_and_another_insurers_match_nobody(tmp_path: Path, members: Path) -> None:
    others = stolen(some(30, PEOPLE.insurers[1]), PEOPLE.insurers[1])
    invented = [[*row[:3], "1 999999999999", INSURER.amc, row[5]] for row in stolen(some(10))]
    found = check_members(read_sample(write(tmp_path / "s", [HEADER, *others, *invented])), members)
    assert (found.others, found.comparable, found.matched) == (30, 10, 0)


def test_what_the_sample_says_of_contracts_is_compared(tmp_path: Path, members: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(members.read_text()), delimiter=";"))[:40]
    table = [["nir", "produit", "date début"]] + [
        [row["nir"] or row["nir_attached"].split(" ")[0], row["product"], "01/01/1999"] for row in rows
    ]
    found = check_members(read_sample(write(tmp_path / "s", table)), members)
    assert found.agree["product"][0] == found.matched
    assert found.agree["valid-from"] == (0, found.matched)


def test_a_members_file_that_is_none_is_refused(tmp_path: Path) -> None:
    sample = read_sample(write(tmp_path / "s", [HEADER, *stolen(some(5))]))
    for data in (b"", b"a;b\n1;2\n", b"\x1f\x8bbroken", b"\xff\xff\n"):
        (tmp_path / "m").write_bytes(data)
        with pytest.raises(BadInput):
            check_members(sample, tmp_path / "m")
    with pytest.raises(BadInput):
        check_members(sample, tmp_path / "absent")


def test_a_sample_without_an_identifier_cannot_be_searched(tmp_path: Path, members: Path) -> None:
    sample = read_sample(write(tmp_path / "s", [["produit", "debut"], ["CONFORT", "2020-01-01"]]))
    with pytest.raises(BadInput, match="no column"):
        check_members(sample, members)


# ── the commands ─────────────────────────────────────────────────────────────────────────────────────────────────────

Run = Callable[..., Any]


@pytest.fixture
def run(caplog: pytest.LogCaptureFixture) -> Run:
    """A command; whatever it says and logs."""
    caplog.set_level(logging.DEBUG)

    def call(*arguments: str) -> Any:
        return CliRunner().invoke(command_line(list(arguments)), list(arguments))

    return call


def test_the_insurers_counts_make_the_operators_verdict(tmp_path: Path, members: Path, run: Run) -> None:
    people = [*some(100), *PEOPLE.canaries_of(INSURER)[:2]]
    sample = write(tmp_path / "sample.csv", [HEADER, *stolen(people)])
    answer, verdict = tmp_path / "answer.json", tmp_path / "verdict.json"
    result = run("insurer", "match", str(sample), "--members", str(members), "--json", str(answer))
    assert result.exit_code == 0, result.output
    assert "CAN: 2 of your 20 canaries" in result.output.replace("\n", " ")
    result = run(
        "incident", "match", str(sample), "--offline", "--answers", str(answer), "--json", str(verdict)
    )
    assert result.exit_code == 0, result.output
    content = json.loads(verdict.read_text())
    assert content["verdict"] == "can"
    assert "do not exist" in content["reasons"][0]
    assert {each["way"]: each["verdict"] for each in content["ways"]}["answers"] == "cannot"


def test_the_ledger_says_how_many_were_ever_told_of(tmp_path: Path, run: Run, database: Any) -> None:
    with database.connect() as owner:
        ledger = ScopeLedger(owner)
        ledger.fill(60)
        owner.execute(
            "INSERT INTO vault.insurer (number, amc, name, signing_key, notice_key) VALUES (1, %s, 'Mutuelle', '', '')",
            (INSURER.amc,),
        )
    people = [[INSURER.amc, f"M{n}", "CONFORT"] for n in range(50)]
    rows = [["AMC", "adherent", "produit"], *people, *people, ["SOMETHING", "M1000", "ELSE"]]
    sample, verdict = write(tmp_path / "s.csv", rows), tmp_path / "v.json"
    result = run("incident", "match", str(sample), "--dsn", database.dsn("operator"), "--json", str(verdict))
    assert result.exit_code == 0, result.output
    content = json.loads(verdict.read_text())
    [insurer] = content["insurers"]
    # Each person twice in it is one person.
    assert insurer["persons"] == 50
    assert insurer["persons_told_of_ever"] < 50
    assert content["persons_of_insurers_unknown_here"] == 1
    # A sample that names no insurer names no unknown one.
    nameless = write(tmp_path / "n.csv", [["nir", "date_naissance"], ["180017505600123", "1980-01-02"]])
    result = run("incident", "match", str(nameless), "--dsn", database.dsn("operator"))
    assert "not known here" not in result.output
    assert "SOMETHING" not in result.output + verdict.read_text()
    answers = next(each for each in content["ways"] if each["way"] == "answers")
    assert answers["verdict"] == "cannot"


def test_nothing_of_the_sample_is_written_logged_or_said(
    tmp_path: Path, members: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [
        ["=cmd|' /C calc'!A0", "[bold]x[/bold]", *HEADER[2:]],
        *stolen([*some(30), *PEOPLE.canaries_of(INSURER)]),
    ]
    sample = write(tmp_path / "sample.csv", rows)
    before = {place: place.read_bytes() for place in tmp_path.iterdir()}
    said = "".join(
        run(*arguments).output
        for arguments in (
            ("incident", "match", str(sample), "--offline", "--json", "-"),
            ("incident", "match", str(sample), "--offline"),
            ("insurer", "match", str(sample), "--members", str(members), "--json", "-"),
            ("insurer", "match", str(sample), "--members", str(members)),
        )
    ) + caplog.text  # fmt: skip
    assert {place: place.read_bytes() for place in tmp_path.iterdir()} == before
    values = {cell for row in rows for cell in row if len(cell) > 3 and cell != INSURER.amc}
    assert [value for value in values if value in said] == []
    assert "cmd|" not in said


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"amc": 1}', b"\xff"])
def test_an_insurers_answer_that_is_none_is_refused(tmp_path: Path, run: Run, data: bytes) -> None:
    sample = write(tmp_path / "s.csv", [HEADER, *stolen(some(5))])
    (tmp_path / "answer").write_bytes(data)
    result = run("incident", "match", str(sample), "--offline", "--answers", str(tmp_path / "answer"))
    assert result.exit_code == 1
    assert "insurer match" in result.output
