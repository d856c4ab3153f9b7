"""A file that could carry what Rempart never receives is refused by its header, before a line is read."""

import pytest

from rempart.foundation.errors import RempartError
from rempart.intake.columns import read_header
from rempart.intake.errors import BadHeader, BadText, ForbiddenColumn
from rempart.intake.model import Kind

FORBIDDEN = {
    "bank": (
        "iban IBAN_BENEF rib RIB1 bic compte_bancaire CompteBancaire banque bank_account coordonnees_bancaires swift num_compte bancair"
        " Domiciliation titulaire-compte"
    ),
    "medical": (
        "ald code_cim10 diagnostic diagnosis_code Pathologie maladie treatment traitements grossesse handicap medecin_traitant"
        " donnée_médicale allergies invalidité LPP_code diagnostc"
    ),
    "postal": (
        "adresse Adresse1 address_line_2 addr rue code_postal CodePostal cp zip ville city pays lieu-dit commune adrese adress"
    ),
    "telephone": "tel tel1 Téléphone phone PhoneNumber mobile portable gsm fax telefone num_tel",
    "e-mail": "email e-mail E_MAIL mail courriel Mél mel mails",
}


@pytest.mark.parametrize(
    ("family", "name"), [(f, name) for f, names in FORBIDDEN.items() for name in names.split()]
)
@pytest.mark.parametrize("kind", [Kind.FULL, Kind.PRODUCTS])
def test_a_forbidden_column_refuses_the_file_and_says_which_and_why(
    family: str, name: str, kind: Kind
) -> None:
    with pytest.raises(ForbiddenColumn) as refused:
        read_header(";".join((*kind.columns, name)).encode(), kind)
    assert f"column {len(kind.columns) + 1}" in refused.value.detail
    assert family in refused.value.detail


NIRS = "nir NIR numero_nir NIR_assure num_secu securite_sociale sécurité-sociale NumeroSecuriteSociale ssn nirs ins"


@pytest.mark.parametrize("name", NIRS.split())
def test_a_card_request_with_a_column_for_a_nir_is_refused_whole(name: str) -> None:
    with pytest.raises(ForbiddenColumn) as refused:
        read_header(";".join((*Kind.CARDS.columns, name)).encode(), Kind.CARDS)
    assert f"column {len(Kind.CARDS.columns) + 1}" in refused.value.detail
    assert "NIR" in refused.value.detail


@pytest.mark.parametrize("kind", [Kind.FULL, Kind.DELTA])
def test_the_optional_columns_may_be_there(kind: Kind) -> None:
    for names in (("card",), ("canary",), ("canary", "card")):
        assert read_header(";".join((*names, *kind.columns)).encode(), kind) == [*names, *kind.columns]
    with pytest.raises(BadHeader):
        read_header(";".join((*kind.columns, "card", "card")).encode(), kind)
    with pytest.raises(BadHeader):
        read_header(";".join((*Kind.PRODUCTS.columns, "card")).encode(), Kind.PRODUCTS)


@pytest.mark.parametrize("kind", list(Kind))
def test_the_documented_columns_pass_in_any_order(kind: Kind) -> None:
    assert read_header(";".join(kind.columns).encode(), kind) == list(kind.columns)
    backwards = list(reversed(kind.columns))
    assert read_header(";".join(backwards).encode(), kind) == backwards


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (";".join(Kind.FULL.columns[1:]), BadHeader),
        (";".join((*Kind.FULL.columns, "extra")), BadHeader),
        (";".join((*Kind.FULL.columns, "nir")), BadHeader),
        ("", BadHeader),
        (";".join(Kind.FULL.columns) + "\r", BadText),
        (",".join(Kind.FULL.columns), RempartError),
        (";".join(Kind.DELTA.columns), BadHeader),
    ],
)
def test_any_other_header_is_refused(header: str, error: type[RempartError]) -> None:
    with pytest.raises(error):
        read_header(header.encode(), Kind.FULL)


def test_a_line_of_data_in_the_header_s_place_is_not_repeated() -> None:
    line = "99000001;20318847;M1;180017505600004;;1980-01-13;1;Ardivelle;Bastorin;C1;CONFORT;2019-04-01;;1;;;"
    with pytest.raises(RempartError) as refused:
        read_header(line.encode(), Kind.FULL)
    for value in line.split(";"):
        assert len(value) < 3 or value not in refused.value.detail
