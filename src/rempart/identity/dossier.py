"""What an applicant declares on the public page, and how it is read: every field is checked, and every fault told at its field. Pure.

A declaration is closed at once (rempart.identity.sealed_dossier) and read again at the desk alone, where a clerk makes the application of
it with the address that they read in the official directory.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec
from stdnum.fr import siret as siret_key

from rempart.foundation.errors import BadInput, RempartError
from rempart.foundation.identifiers import check_adeli, check_finess, check_rpps
from rempart.foundation.logs import redact
from rempart.foundation.vocabulary import Profession
from rempart.identity.application import Application
from rempart.identity.naming import check_name, is_seen

LONGEST = 300
"""Characters of a field."""
MOST_DOCUMENTS = 5
MOST_BYTES = 2 * 1024 * 1024
"""Bytes of a document."""
MOST_PIECE = 128 * 1024
"""Bytes of a piece: a call to the cashier carries one (rempart.vaultdoor.frames.MAX_FRAME)."""
PROFESSIONS = tuple(each for each in Profession if each not in {Profession.INSURER, Profession.OPERATOR})
"""Who may apply."""
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{2,63}", re.ASCII)
_TELEPHONE = re.compile(r"\+?[0-9]{9,15}")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,24}")
"""As a browser's own field takes it (HTML, valid e-mail address): nothing invisible, nothing that turns the line around at the desk."""


class State(StrEnum):
    """How far a dossier is. A clerk sees it from `received` on."""

    UNFINISHED = "unfinished"
    RECEIVED = "received"
    PROPOSED = "proposed"
    """Somebody waits for the second person."""
    ENROLLED = "enrolled"
    REFUSED = "refused"
    CLEARED = "cleared"
    """Among made-up ones, unread."""


class About(StrEnum):
    """What a document is said to be."""

    PROFESSIONAL_CARD = "professional-card"
    CONVENTION = "convention"
    RIB = "rib"
    OTHER = "other"


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As the applicant says it; nothing of it was compared with a register."""

    finess: str
    siret: str
    profession: Profession
    name: str
    """Of the establishment."""
    town: str
    stated_address: str
    holder: str
    """The titulaire's name."""
    login: str
    """The one they would like."""
    rpps: str
    adeli: str
    """One of the two, or both."""
    convention: str
    """The version that was before their eyes (rempart.identity.convention)."""
    signed_by: str
    """The name that they typed under it."""
    signed_on: date
    telephone: str
    email: str
    """Said by whoever applies: a clerk calls the number of the directory, never this one."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field, and what to do about it."""

    field: str
    french: str
    english: str


class BadDeclaration(BadInput):
    """`faults`: one a field, in the form's order."""

    code = "dossier-fields"
    french = "Des champs de la demande sont à corriger."
    english = "Fields of the application have to be corrected."

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(" ".join(fault.field for fault in faults))
        self.faults = faults


class _Wrong(BadInput):
    """Of one field: the sentences."""

    def __init__(self, french: str, english: str) -> None:
        super().__init__()
        self.sentences = french, english


def read_declaration(typed: Mapping[str, str], convention: str, today: date) -> Declaration:
    """What was typed in the form, checked whole. `convention`: the version in force; `today`: when it is signed. Raises BadDeclaration.

    Spaces and case that people type are forgiven where the identifier knows only one form.
    """
    read: dict[str, Any] = {}
    faults: list[Fault] = []
    for field, check in _CHECKS.items():
        try:
            read[field] = check(typed.get(field, "")[: LONGEST + 1].strip())
        except _Wrong as wrong:
            faults.append(Fault(field, *wrong.sentences))
        except RempartError as error:
            faults.append(Fault(field, error.french, error.english))
    if not read.get("rpps", "?") and not read.get("adeli", "?"):
        sentences = "Donnez le numéro RPPS ou le numéro ADELI.", "Give the RPPS number or the ADELI number."
        faults.append(Fault("rpps", *sentences))
    if typed.get("convention", "") != convention:
        sentences = (
            "La convention a changé : rechargez la page, relisez-la, puis signez.",
            "The convention has changed: reload the page, read it again, then sign.",
        )
        faults.append(Fault("convention", *sentences))
    if faults:
        raise BadDeclaration(faults)
    return Declaration(**read, convention=convention, signed_on=today)


def written(declaration: Declaration) -> bytes:
    """As it is closed."""
    return msgspec.json.encode(declaration)


def opened(plain: bytes) -> Declaration:
    """As it was written, at the desk. Raises BadInput."""
    try:
        return msgspec.json.decode(plain, type=Declaration)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadInput("declaration") from None


def application_of(declaration: Declaration, address: str) -> Application:
    """The application that two people approve. `address`: read by the clerk in the official directory, where the letter goes."""
    d = declaration
    return Application(
        finess=d.finess, profession=d.profession, name=d.name, town=d.town, address=address, stated_address=d.stated_address,
        holder=d.holder, login=d.login, convention=d.convention, signed_by=d.signed_by, signed_on=d.signed_on, rpps=d.rpps,
        adeli=d.adeli,
    )  # fmt: skip


_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: what is read aloud is not mistaken."""


def follow_up_code(chance: bytes) -> str:
    """Twenty letters in fours, of which 100 bits are chance. `chance`: 13 random bytes. It is told once; its hash alone is kept."""
    bits = int.from_bytes(chance)
    letters = "".join(_LETTERS[bits >> 5 * place & 31] for place in range(20))
    return "-".join(letters[start : start + 4] for start in range(0, 20, 4))


def hash_of_code(typed: str) -> bytes:
    """By which a dossier is found. What is no code at all has one too, which nobody was told: it is answered like any other."""
    letters = re.sub(r"[\s-]", "", typed[:64]).upper().translate(str.maketrans("OIL", "011"))
    return hashlib.sha256(b"rempart-dossier-code-v1\0" + letters.encode()).digest()


def kind_of(start: bytes) -> str:
    """What a document's first bytes say that it is, whatever it is called: a media type, or "" for anything that is not taken."""
    for kind, signature in _SIGNATURES.items():
        if start.startswith(signature):
            return kind
    return ""


_SIGNATURES = {
    "application/pdf": b"%PDF-",
    # PNG (ISO/IEC 15948) §5.2; JPEG's start of image and the first marker after it (ISO/IEC 10918-1, B.1.1.3).
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
}


def _compact(typed: str) -> str:
    return re.sub(r"[\s.]", "", typed).upper()


def _siret(typed: str) -> str:
    """Luhn over fourteen digits; La Poste's establishments sum to a multiple of five instead."""
    number = _compact(typed)
    if not re.fullmatch(r"[0-9]{14}", number) or not siret_key.is_valid(number):
        raise _Wrong(
            "Le numéro SIRET doit comporter 14 chiffres, dont les derniers forment une clé.",
            "The SIRET number must have 14 digits, the last of which are a key.",
        )
    return number


def _profession(typed: str) -> Profession:
    if typed not in PROFESSIONS:
        raise _Wrong("Choisissez la profession dans la liste.", "Choose the profession in the list.")
    return Profession(typed)


def _address(typed: str) -> str:
    words = " ".join(typed.split())
    if not 3 <= len(words) <= LONGEST or not is_seen(words):
        raise _Wrong(
            "Donnez l'adresse de l'établissement : numéro, rue, code postal, ville.",
            "Give the establishment's address: number, street, postcode, town.",
        )
    return words


def _login(typed: str) -> str:
    login = typed.lower()
    if not _LOGIN.fullmatch(login) or redact(login) != login:
        raise _Wrong(
            "L'identifiant comporte de 3 à 64 lettres sans accent, chiffres ou signes . _ @ -, par exemple claire.martin.",
            "The login has 3 to 64 letters without accents, digits or signs . _ @ -, for example claire.martin.",
        )
    return login


def _telephone(typed: str) -> str:
    number = re.sub(r"[\s.()-]", "", typed)
    if not _TELEPHONE.fullmatch(number):
        raise _Wrong(
            "Donnez un numéro de téléphone, par exemple 01 23 45 67 89.",
            "Give a telephone number, for example 01 23 45 67 89.",
        )
    return number


def _email(typed: str) -> str:
    if not _EMAIL.fullmatch(typed):
        raise _Wrong(
            "Donnez une adresse électronique, par exemple nom@exemple.fr.",
            "Give an e-mail address, for example name@example.org.",
        )
    return typed


_CHECKS: dict[str, Callable[[str], Any]] = {
    "finess": lambda typed: check_finess(_compact(typed)),
    "siret": _siret,
    "profession": _profession,
    "name": check_name,
    "town": check_name,
    "stated_address": _address,
    "holder": check_name,
    "login": _login,
    "rpps": lambda typed: check_rpps(_compact(typed)) if typed else "",
    "adeli": lambda typed: check_adeli(_compact(typed)) if typed else "",
    "telephone": _telephone,
    "email": _email,
    "signed_by": check_name,
}
"""By field, in the form's order."""
