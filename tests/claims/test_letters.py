"""Letters: what happened, what it means, what to do, and never an account number."""

from dataclasses import replace
from datetime import date
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from rempart.claims.bank_reasons import table
from rempart.claims.letters import (
    ActivationLetter,
    Heading,
    InduLetter,
    InduLine,
    RejectedPaymentLetter,
    RibLetter,
    activation_letter,
    indu_letter,
    rejected_payment_letter,
    rib_letter,
)
from rempart.claims.typeset import NO_BREAK, SHOWN
from rempart.foundation.clock import HOUR

AT = 1_769_752_800_000_000  # 30 January 2026, 07:00 in Paris
HEADING = Heading("Rempart Démonstration", "Pharmacie de l'Œillet", "010000602", "Bourg-en-Bresse", AT)
LINE = InduLine("F-1", 12_345, "Facture annulée après son paiement.", date(2026, 1, 3), "Mutuelle du Ponant")


def read(pdf: bytes) -> str:
    pages = [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]
    return " ".join(" ".join(pages).replace(NO_BREAK, " ").split())


def test_a_rib_that_was_asked_for_can_still_be_refused() -> None:
    said = read(rib_letter(RibLetter(HEADING, "asked", AT, AT + 48 * HOUR, needs_second=True)))
    assert "Un changement de RIB a été demandé" in said
    assert "Le 30/01/2026 à 7 h 00" in said
    assert "avant le 01/02/2026 à 7 h 00" in said
    assert "Une seconde personne habilitée" in said
    assert "annulez ce changement dans Règlement" in said


def test_a_second_person_is_named_only_where_one_is_needed() -> None:
    assert "seconde personne" not in read(rib_letter(RibLetter(HEADING, "asked", AT, AT + 48 * HOUR)))


def test_the_account_of_an_application_is_told_by_the_hour_it_was_sent() -> None:
    said = read(rib_letter(RibLetter(HEADING, "asked", AT, AT + 240 * HOUR, sent=AT - HOUR)))
    assert "envoyée en ligne le 30/01/2026 à 6 h 00" in said
    assert "annulez-le dans Règlement" in said
    assert "ancien" not in said
    assert "clé d'accès" not in said


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        ("in-force", "Votre nouveau RIB est en vigueur"),
        ("cancelled", "Le changement de RIB est annulé"),
    ],
)
def test_what_became_of_a_rib_is_told(event: str, subject: str) -> None:
    said = read(rib_letter(RibLetter(HEADING, event, AT - 48 * HOUR, AT)))  # type: ignore[arg-type]
    assert subject in said
    assert "Vous n'êtes pas à l'origine de ce changement ?" in said


def test_an_indu_is_announced_with_its_reason_its_sum_and_its_day() -> None:
    letter = InduLetter(HEADING, (LINE, InduLine("F-2", 100, "Facture corrigée.")), date(2026, 3, 1))
    said = read(indu_letter(letter))
    for part in (
        "F-1",
        "03/01/2026",
        "Mutuelle du Ponant",
        "123,45 €",
        "F-2",
        "1,00 €",
        "124,45 €",
        "à partir du 01/03/2026",
    ):
        assert part in said


@pytest.mark.parametrize("lines", [(), (InduLine("F-1", 0, "x"),), (LINE, InduLine("F-1", -1, "x"))])
def test_an_indu_is_a_sum_above_zero(lines: tuple[InduLine, ...]) -> None:
    with pytest.raises(ValueError, match="above zero"):
        indu_letter(InduLetter(HEADING, lines, date(2026, 3, 1)))


def test_a_transfer_sent_back_says_why_and_what_to_do() -> None:
    said = read(
        rejected_payment_letter(RejectedPaymentLetter(HEADING, "RL-42", 123_456, date(2026, 1, 30), "AC04"))
    )
    for part in (
        "1 234,56 €",
        "RL-42",
        "(code AC04) : le compte est clôturé.",
        table()["AC04"].remedy_french,
    ):
        assert part in said


def test_a_bank_that_gives_no_reason_is_quoted_without_a_code() -> None:
    said = read(rejected_payment_letter(RejectedPaymentLetter(HEADING, "RL-42", 1, date(2026, 1, 30), "")))
    assert "par la banque : la banque n'a pas donné de motif." in said


@settings(max_examples=10, deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=40), st.integers(1, 10**9)
)
def test_attack_any_text_is_a_letter_and_the_same_letter_the_same_bytes(text: str, cents: int) -> None:
    heading = Heading(text, text, text, text, AT)
    letter = InduLetter(heading, (InduLine(text, cents, text, None, text),), date(2026, 3, 1))
    assert indu_letter(letter) == indu_letter(letter)


def test_a_letter_is_for_archives_and_for_screen_readers() -> None:
    reader = PdfReader(BytesIO(rib_letter(RibLetter(HEADING, "asked", AT, AT + 48 * HOUR))))
    about = reader.trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>2" in about
    assert "<pdfuaid:part>1" in about


def test_each_letter_that_is_said_to_be_shown_has_its_glyph() -> None:
    said = read(
        rib_letter(RibLetter(Heading("".join(sorted(SHOWN)), "Œ", "1", "Żory", AT), "cancelled", AT, AT))
    )
    assert "Œ" in said
    assert "Żory" in said


def test_a_letter_of_another_script_is_a_question_mark_and_not_a_missing_letter() -> None:
    said = read(
        rib_letter(RibLetter(Heading("Rempart", "Pharmacie 药房 א", "1", "Paris", AT), "cancelled", AT, AT))
    )
    assert "Pharmacie ?? ?" in said


def test_the_letter_that_opens_an_account_says_where_its_code_is_typed() -> None:
    new = ActivationLetter(
        HEADING, "Claire Martin", "12 rue du Port, 69001 Lyon", "claire", "ABCD-EFGH-JKMN-PQRS", "https://r.example/activation", joins=False
    )  # fmt: skip
    text = read(activation_letter(new)).replace("\n", " ")
    for words in ("Claire Martin", "ABCD-EFGH-JKMN-PQRS", "r.example/activation", "créez votre clé d"):
        assert words in text
    joins = replace(new, joins=True, page="https://r.example/etablissement")
    text = read(activation_letter(joins)).replace("\n", " ")
    assert "Rejoindre un établissement" in text
    assert "créez votre clé d" not in text
