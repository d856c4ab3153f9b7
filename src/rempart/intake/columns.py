"""The header. A column that could carry a bank, medical, postal, telephone or e-mail fact refuses the file whole, whatever its spelling;
so does, in a request for cards, one that could carry a NIR: none is ever printed.

The list errs on the side of refusing: any column outside the documented ones refuses the file anyway, and this module only says why.
"""

import re
import unicodedata
from collections.abc import Mapping
from difflib import SequenceMatcher

from rempart.intake.errors import BadHeader, BadText, ForbiddenColumn
from rempart.intake.model import Kind

# Words, French and English, without accents. A word of five letters or more also matches as a part of a column's name and with a slip of
# the pen; a shorter one (`rue`, `tel`) only whole.
FORBIDDEN = {
    "bank": (
        "iban bic rib swift sepa bank banque bancaire bankaccount account compte comptebancaire domiciliation prelevement payment "
        "creditcard cartebancaire cb mandat debit creditor debtor"
    ),
    "medical": (
        "medical medicale medecin doctor sante health diagnosis diagnostic pathologie pathology maladie disease illness ald icd cim cim10 "
        "icd10 treatment traitement ordonnance prescription drug medicament grossesse pregnancy maternite maternity handicap disability "
        "invalidite invalidity allergie allergy symptome symptom ccam ngap lpp acte hospital hopital affection chronic chronique blood "
        "sanguin smoker fumeur weight poids"
    ),
    "postal": (
        "adresse address addr adr rue street voie ville city town commune postal postcode postalcode codepostal cp zip zipcode pays "
        "country cedex bp localite locality residence domicile home lieudit insee departement batiment building"
    ),
    "phone": "telephone phone tel mobile portable cell cellphone gsm fax fixe sms msisdn numtel",
    "e-mail": "email mail courriel mel messagerie mailbox",
}
NO_NIR = {
    "NIR": "nir nirs nia nirod securitesociale numerosecu numsecu secu ss nss insee ssn socialsecurity socialsecuritynumber ins",
}
"""Of a request for cards, besides."""
_REASONS = {
    "NIR": ("NIR : aucune carte n'en porte", "NIR: no card bears one"),
    "bank": ("coordonnées bancaires", "bank details"),
    "medical": ("donnée médicale", "medical data"),
    "postal": ("adresse postale", "postal address"),
    "phone": ("téléphone", "telephone"),
    "e-mail": ("adresse électronique", "e-mail"),
}
_WORDS = {word: family for family, words in FORBIDDEN.items() for word in words.split()}
_WORDS_OF_CARDS = {word: family for family, words in (FORBIDDEN | NO_NIR).items() for word in words.split()}
_OF_CARDS = frozenset({Kind.CARDS, Kind.OFFLINE, Kind.OFFLINE_REVOKED})
_NEAR = 0.8
_SEPARATOR = ";"


def read_header(line: bytes, kind: Kind) -> list[str]:
    """The columns in the order of the file. Raises ForbiddenColumn, BadHeader or BadText."""
    try:
        names = line.decode("utf-8").removeprefix("\ufeff").split(_SEPARATOR)
    except UnicodeDecodeError:
        raise BadText from None
    if names and names[-1].endswith("\r"):
        raise BadText("CR LF")
    words = _WORDS_OF_CARDS if kind in _OF_CARDS else _WORDS
    for position, name in enumerate(names, start=1):
        if name not in kind.columns + kind.optional:
            refuse_forbidden(name, position, words)
    _require_exactly(names, kind)
    return names


def refuse_forbidden(name: str, position: int, words: Mapping[str, str] = _WORDS) -> None:
    """Raises ForbiddenColumn when a column's name betrays one of the forbidden families.

    The name is repeated only as far as it is a word of ours: a header could be a line of data.
    """
    found = _betrayed_by(name, words)
    if found is not None:
        word, family = found
        french, english = _REASONS[family]
        raise ForbiddenColumn(f"column {position} (≈ “{word}”): {english} / colonne {position} : {french}")


def _require_exactly(names: list[str], kind: Kind) -> None:
    missing = [column for column in kind.columns if column not in names]
    known = kind.columns + kind.optional
    unknown = [position for position, name in enumerate(names, start=1) if name not in known]
    twice = sorted({name for name in names if names.count(name) > 1 and name in known})
    if missing or unknown or twice:
        raise BadHeader(
            "; ".join(
                f"{what}: {', '.join(map(str, which))}"
                for what, which in (("missing", missing), ("unknown, by position", unknown), ("twice", twice))
                if which
            )
        )


def _betrayed_by(name: str, words: Mapping[str, str]) -> tuple[str, str] | None:
    long = [word for word in words if len(word) >= 5]
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    plain = unicodedata.normalize("NFKD", spaced).encode("ascii", "ignore").decode().lower()
    tokens = [token for token in re.split(r"[^a-z0-9]+", plain) if token]
    joined = "".join(tokens)
    for token in [*tokens, joined, *(token.rstrip("s0123456789") for token in tokens)]:
        if token in words:
            return token, words[token]
    for word in long:
        if word in joined:
            return word, words[word]
    for token in {*tokens, joined}:
        for word in long:
            if _is_near(token, word):
                return word, words[word]
    return None


def _is_near(token: str, word: str) -> bool:
    return abs(len(token) - len(word)) <= 1 and SequenceMatcher(None, token, word).ratio() >= _NEAR
