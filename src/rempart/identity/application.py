"""An application to be referenced, as the clerk keeps it: one JSON file, by which two people mean the same thing (its digest)."""

import hashlib
from datetime import date
from typing import ClassVar

import msgspec

from rempart.foundation.errors import BadInput
from rempart.foundation.identifiers import check_adeli, check_finess, check_rpps
from rempart.foundation.vocabulary import Profession
from rempart.identity.naming import check_name

MOST = 16 * 1024


class BadApplication(BadInput):
    """The file is no application; the detail names the field."""

    code: ClassVar[str] = "application"
    french = "Ce fichier n'est pas une demande complète : le champ nommé manque ou n'est pas valable."
    english = "This file is no complete application: the field named is missing or not valid."


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the professional declared and signed, and what the clerk read in the official directory."""

    finess: str
    profession: Profession
    name: str
    """Of the establishment."""
    town: str
    address: str
    """Where the letter goes: read in the official directory, never copied from the application alone."""
    stated_address: str
    """As the application has it."""
    holder: str
    """The titulaire's name."""
    login: str
    convention: str
    """The version that was signed."""
    signed_by: str
    signed_on: date
    rpps: str = ""
    adeli: str = ""


def read_application(text: bytes) -> Application:
    """Raises BadApplication, BadFiness, BadRpps, BadAdeli, BadName."""
    if len(text) > MOST:
        raise BadApplication("file")
    try:
        found = msgspec.json.decode(text, type=Application)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # The field's path, never what it holds.
        raise BadApplication(str(error).rpartition("`$")[2].strip("`.") or "file") from None
    return check_application(found)


def check_application(found: Application) -> Application:
    """Every field by its own rule. Raises BadApplication, BadFiness, BadRpps, BadAdeli, BadName."""
    check_finess(found.finess)
    if found.rpps:
        check_rpps(found.rpps)
    if found.adeli:
        check_adeli(found.adeli)
    for words in (found.name, found.town, found.holder, found.signed_by):
        check_name(words)
    if found.profession in {Profession.INSURER, Profession.OPERATOR}:
        raise BadApplication("profession")
    for field in ("address", "stated_address", "convention"):
        words = getattr(found, field)
        if not 3 <= len(words) <= 300 or not words.isprintable():
            raise BadApplication(field)
    return found


def digest_of(application: Application) -> str:
    """SHA-256 of what it says, whatever its file's spaces: what one person checked is what another approved, and what is enrolled."""
    return hashlib.sha256(msgspec.json.encode(application, order="deterministic")).hexdigest()
