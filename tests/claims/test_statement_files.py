"""Statements as files: what they say sums to the transfer, in a spreadsheet and on paper."""

import csv
import re
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO, StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from rempart.claims.statement_files import (
    COLUMNS,
    KINDS,
    Statement,
    StatementLine,
    StatementUnbalanced,
    as_csv,
    as_pdf,
    statement_facts,
)
from rempart.claims.typeset import NO_BREAK

BILLED = StatementLine(
    "F-1", date(2026, 1, 5), "99000001", "Mutuelle du Ponant", "E-0001", "invoice", 123_456
)
TAKEN = StatementLine(
    "F-0",
    date(2025, 12, 1),
    "99000002",
    "Prévoyance & Fils",
    "E-0000",
    "indu",
    -3_456,
    "Notice du 02/01/2026",
)
STATEMENT = Statement(
    number="RL-000042",
    issued=1_769_752_800_000_000,
    operator="Rempart Démonstration",
    establishment="Pharmacie de l'Œillet",
    finess="010000602",
    town="Bourg-en-Bresse",
    reference="RL-000042",
    execution=date(2026, 1, 30),
    rib_since=date(2025, 11, 3),
    lines=(BILLED, TAKEN),
    cents=120_000,
)


def of(*lines: StatementLine) -> Statement:
    return replace(STATEMENT, lines=lines, cents=sum(line.cents for line in lines))


def rows(statement: Statement) -> list[dict[str, str]]:
    text = as_csv(statement).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text, newline=""), delimiter=";", strict=True))


def pages(pdf: bytes) -> list[str]:
    return [page.extract_text().replace(NO_BREAK, " ") for page in PdfReader(BytesIO(pdf)).pages]


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=30)


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    def line(number: int, insurer: int, cents: int) -> StatementLine:
        kind = "invoice" if cents > 0 else draw(st.sampled_from(["cancellation", "indu"]))
        day = date(2026, 1, 1) + timedelta(number % 28)
        return StatementLine(
            f"F-{number}", day, f"9900000{insurer}", f"AMC {insurer}", f"E-{number}", kind, cents, draw(texts)
        )

    billed = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 10**8)), min_size=1, max_size=12))
    taken = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(-9_999, -1)), max_size=3))
    lines = [line(number, *each) for number, each in enumerate(billed + taken)]
    cents = sum(each.cents for each in lines)
    if cents < 0:
        lines.append(line(99, 0, -cents))
    return of(*draw(st.permutations(lines)))


# ── the sum ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "wrong",
    [
        replace(STATEMENT, cents=120_001),
        replace(STATEMENT, cents=119_999),
        of(),
        of(TAKEN),
        of(BILLED, replace(TAKEN, kind="invoice")),
        of(BILLED, replace(BILLED, kind="indu")),
        of(BILLED, replace(BILLED, invoice="F-2", cents=0)),
    ],
)
@pytest.mark.parametrize("write", [as_csv, as_pdf])
def test_a_statement_that_contradicts_the_transfer_is_not_written(wrong: Statement, write: object) -> None:
    with pytest.raises(StatementUnbalanced):
        write(wrong)  # type: ignore[operator]


@given(statements())
def test_the_column_of_the_csv_sums_to_the_transfer(statement: Statement) -> None:
    amounts = [row["Montant (EUR)"] for row in rows(statement)]
    assert all(re.fullmatch(r"-?[0-9]+,[0-9]{2}", amount) for amount in amounts)
    assert sum(int(amount.replace(",", "")) for amount in amounts) == statement.cents


@given(statements())
def test_the_subtotals_of_the_paper_sum_to_the_transfer(statement: Statement) -> None:
    def cents(french: str) -> int:
        return int(re.sub(r"[^0-9-]", "", french.replace("\N{MINUS SIGN}", "-")))

    facts = statement_facts(statement)
    assert sum(cents(each["total"]) for each in facts["insurers"]) == cents(facts["total"]) == statement.cents
    for each in facts["insurers"]:
        assert sum(cents(line["amount"]) for line in each["lines"]) == cents(each["total"])


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(statements())
def test_the_csv_reads_back(statement: Statement) -> None:
    read = rows(statement)
    assert [row["Facture"] for row in read] == [
        line.invoice
        for line in sorted(statement.lines, key=lambda line: (line.amc, line.care_date, line.invoice))
    ]
    by_invoice = {line.invoice: line for line in statement.lines}
    for row in read:
        line = by_invoice[row["Facture"]]
        assert row["Nature"] == KINDS[line.kind]
        assert row["Libellé"].removeprefix("'") == " ".join(line.label.split()).removeprefix("'")
        assert row["Référence du virement"] == statement.reference


def test_the_csv_opens_in_a_french_spreadsheet() -> None:
    first, second, *_ = as_csv(STATEMENT).split(b"\r\n")
    assert first == b"\xef\xbb\xbf" + ";".join(COLUMNS).encode()
    assert second.decode() == (
        "RL-000042;RL-000042;30/01/2026;F-1;05/01/2026;99000001;Mutuelle du Ponant;E-0001;Facture;;1234,56"
    )


@pytest.mark.parametrize(
    "formula",
    ['=HYPERLINK("http://x")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1", "\r\n=1", "＝1"],
)
def test_attack_a_formula_in_a_text(formula: str) -> None:
    hostile = replace(BILLED, insurer=formula, label=formula, invoice=formula)
    for name in ("Facture", "Organisme", "Libellé"):
        assert rows(of(hostile))[0][name] == "'" + " ".join(formula.split())


def test_attack_a_separator_in_a_text() -> None:
    hostile = rows(of(replace(BILLED, insurer='A";B\n;"C')))
    assert hostile[0]["Organisme"] == 'A";B ;"C'
    assert list(hostile[0]) == list(COLUMNS)


# ── PDF ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_paper_says_what_was_paid() -> None:
    (page,) = pages(as_pdf(STATEMENT))
    for said in (
        "1 200,00 €", "RL-000042", "30/01/2026", "03/11/2025", "Pharmacie de l'Œillet", "010000602", "Mutuelle du Ponant", "99000001",
        "1 234,56 €", "−34,56 €", "Indu récupéré", "Notice du 02/01/2026", "Page 1 sur 1",
    ):  # fmt: skip
        assert said in page


def test_a_long_statement_repeats_its_headings_and_numbers_its_pages() -> None:
    many = pages(as_pdf(of(*(replace(BILLED, invoice=f"F-{n:04}", cents=100 + n) for n in range(180)))))
    assert len(many) > 3
    for number, page in enumerate(many, 1):
        assert f"Page {number} sur {len(many)}" in page
        assert "Mutuelle du Ponant" in page
        assert "Engagement" in page
    assert sum(page.count("F-0") for page in many) == 180


def test_the_paper_is_for_archives_and_for_screen_readers() -> None:
    reader = PdfReader(BytesIO(as_pdf(STATEMENT)))
    about = reader.trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>2" in about
    assert "<pdfaid:conformance>A" in about
    assert "<pdfuaid:part>1" in about
    assert reader.trailer["/Root"]["/Lang"] == "fr-FR"
    assert reader.metadata is not None
    assert reader.metadata.title == "Relevé de paiement RL-000042"


@settings(max_examples=8, deadline=None)
@given(statements(), st.randoms(use_true_random=False))
def test_the_same_statement_gives_the_same_bytes_in_whatever_order_its_lines_came(
    statement: Statement, chance: object
) -> None:
    shuffled = list(statement.lines)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    again = replace(statement, lines=tuple(shuffled))
    assert as_pdf(again) == as_pdf(statement)
    assert as_csv(again) == as_csv(statement)


def test_a_transfer_sent_back_says_so() -> None:
    (page,) = pages(as_pdf(replace(STATEMENT, rejection="Le compte est clôturé.")))
    assert "La banque a renvoyé ce virement. Le compte est clôturé." in page
    assert "renvoyé" not in pages(as_pdf(STATEMENT))[0]


def test_an_indu_that_takes_everything_is_a_statement_without_a_transfer() -> None:
    (page,) = pages(as_pdf(of(BILLED, replace(TAKEN, cents=-123_456))))
    assert "Aucun virement" in page
    assert "montant du virement RL" not in page


@pytest.mark.parametrize(
    "markup",
    ['#read("/etc/passwd")', "*gras*", "$x^2$", "#panic()", "// rien", '"} #1', "<lien>", "\\", "@ref"],
)
def test_attack_markup_in_a_text_is_shown_as_it_is(markup: str) -> None:
    hostile = replace(
        STATEMENT, establishment=markup, lines=(replace(BILLED, cents=120_000, insurer=markup, label=markup),)
    )
    assert pages(as_pdf(hostile))[0].count(markup) >= 4
