"""The identifiers of the trade, checked by form and key. A check returns its typed value or raises; no message ever repeats the value.

Values are strict: fifteen characters are a NIR, "2 95 10 …" is not. A door that accepts spaces strips them first.
"""

import re
from typing import NewType

from stdnum import iban, luhn
from stdnum.exceptions import ValidationError

from rempart.foundation.errors import BadInput, Refusal

Nir = NewType("Nir", str)
"""13 characters and a key of 2; a synthetic one has the order number 000."""
Finess = NewType("Finess", str)
Rpps = NewType("Rpps", str)
Adeli = NewType("Adeli", str)
AmcNumber = NewType("AmcNumber", str)
Iban = NewType("Iban", str)


class BadNirForm(BadInput):
    code = "nir-form"
    french = "Le NIR n'a pas la forme attendue : 15 caractères, dont sexe, année, mois, département, commune, ordre et clé."
    english = "The NIR does not have the expected form: 15 characters, with sex, year, month, département, commune, order and key."


class BadNirKey(BadInput):
    code = "nir-key"
    french = "La clé du NIR ne correspond pas à ses 13 premiers caractères."
    english = "The key of the NIR does not match its first 13 characters."


class BadFiness(BadInput):
    code = "finess"
    french = "Le numéro FINESS est invalide : 9 caractères, le dernier étant une clé."
    english = "The FINESS number is invalid: 9 characters, the last one being a key."


class BadRpps(BadInput):
    code = "rpps"
    french = "Le numéro RPPS doit comporter 11 chiffres."
    english = "The RPPS number must have 11 digits."


class BadAdeli(BadInput):
    code = "adeli"
    french = "Le numéro ADELI doit comporter 9 caractères : 9 chiffres, ou 2A, 2B puis 7 chiffres."
    english = "The ADELI number must have 9 characters: 9 digits, or 2A, 2B then 7 digits."


class BadAmcNumber(BadInput):
    code = "amc-number"
    french = "Le n° AMC doit comporter de 8 à 10 chiffres ou lettres majuscules."
    english = "The AMC number must have 8 to 10 digits or capital letters."


class BadIban(BadInput):
    code = "iban"
    french = "L'IBAN est invalide."
    english = "The IBAN is invalid."


class SyntheticIdentity(Refusal):
    code = "nir-synthetic"
    french = "Cette identité est synthétique (numéro d'ordre 000) : la production n'en accepte pas."
    english = "This identity is synthetic (order number 000): production accepts none."


class RealIdentity(Refusal):
    code = "nir-not-synthetic"
    french = "Cette identité n'est pas synthétique : une démonstration n'accepte que le numéro d'ordre 000."
    english = "This identity is not synthetic: a demonstration accepts the order number 000 only."


# Sex 1–2, and 3–8 for provisional numbers; month 01–12, and 20–42 or 50–99 where the civil record is incomplete;
# département 01–99 (97 and 98 overseas, 99 abroad, 20 for Corsica before 1976), 2A or 2B.
_NIR = re.compile(
    r"[1-8][0-9]{2}"
    r"(?:0[1-9]|1[0-2]|[23][0-9]|4[0-2]|[5-9][0-9])"
    r"(?:0[1-9]|[1-9][0-9]|2A|2B)"
    r"[0-9]{6}"
    r"[0-9]{2}"
)
_FINESS = re.compile(r"[0-9]{9}|(?:2[AB]|9[A-F])[0-9]{7}")
_ADELI = re.compile(r"(?:[0-9]{2}|2A|2B)[0-9]{7}")
_RPPS = re.compile(r"[0-9]{11}")
_AMC = re.compile(r"[0-9A-Z]{8,10}")
_CORSICA = {"2A": "19", "2B": "18"}


def nir_key(first13: str) -> int:
    """The key, 1 to 97, of a NIR's first 13 characters: 97 − (n mod 97), Corsica's 2A counting as 19 and 2B as 18."""
    department = first13[5:7]
    return 97 - int(first13[:5] + _CORSICA.get(department, department) + first13[7:13]) % 97


def check_nir(text: str) -> Nir:
    """A NIR of 15 characters, attributed, provisional or synthetic. Raises `BadNirForm` or `BadNirKey`.

    stdnum.fr.nir is its oracle in the tests; it is not called here because it strips separators, takes any sex and month, and
    costs several times as much on files of millions of lines.
    """
    if _NIR.fullmatch(text) is None:
        raise BadNirForm
    if nir_key(text[:13]) != int(text[13:]):
        raise BadNirKey
    return Nir(text)


def is_synthetic_nir(nir: str) -> bool:
    """Is the order number 000, which INSEE never attributes? Use the guards below to decide anything on it."""
    return nir[10:13] == "000"


def refuse_unless_synthetic(nir: str) -> None:
    """Guard of demonstrations and drills. Raises `RealIdentity`."""
    if not is_synthetic_nir(nir):
        raise RealIdentity


def refuse_synthetic(nir: str) -> None:
    """Guard of production. Raises `SyntheticIdentity`."""
    if is_synthetic_nir(nir):
        raise SyntheticIdentity


def check_finess(text: str) -> Finess:
    """A FINESS number: Luhn on numeric values; Corsica and overseas carry a letter and then no key is checked. Raises `BadFiness`."""
    if _FINESS.fullmatch(text) is None:
        raise BadFiness
    if text.isdecimal() and not _luhn_holds(text):
        raise BadFiness
    return Finess(text)


def check_rpps(text: str) -> Rpps:
    """An RPPS number, by form only: Luhn fails on official samples, see `rpps_warning`. Raises `BadRpps`."""
    if _RPPS.fullmatch(text) is None:
        raise BadRpps
    return Rpps(text)


def rpps_warning(rpps: Rpps) -> str:
    """A French sentence when the Luhn key does not hold, else "": to be shown beside the number, never a refusal."""
    return "" if _luhn_holds(rpps) else "La clé de ce numéro RPPS est inhabituelle : vérifiez la saisie."


def check_adeli(text: str) -> Adeli:
    """An ADELI number (legacy): no public key rule. Raises `BadAdeli`."""
    if _ADELI.fullmatch(text) is None:
        raise BadAdeli
    return Adeli(text)


def check_amc_number(text: str) -> AmcNumber:
    """An insurer's number: no checksum is published. Raises `BadAmcNumber`."""
    if _AMC.fullmatch(text) is None:
        raise BadAmcNumber
    return AmcNumber(text)


def check_iban(text: str) -> Iban:
    """An IBAN (ISO 13616, mod 97), spaces allowed; returned compact. Raises `BadIban`."""
    try:
        return Iban(iban.validate(text))
    except ValidationError:
        raise BadIban from None


def finess_key(first8: str) -> str:
    """The Luhn digit that completes a numeric FINESS number."""
    return str(luhn.calc_check_digit(first8))


def rpps_key(first10: str) -> str:
    """The Luhn digit that completes an RPPS number."""
    return str(luhn.calc_check_digit(first10))


def _luhn_holds(digits: str) -> bool:
    return bool(luhn.is_valid(digits))
