"""A sample that somebody offers for sale, read as a table: whatever its encoding, separator and spelling, without believing any of it.

It is read from its file, row by row; nothing of it is written, logged or repeated. What cannot be a table is refused with a reason that
holds no value.
"""

import codecs
import csv
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TextIO

from rempart.foundation.errors import BadInput, RempartError
from rempart.foundation.identifiers import check_iban
from rempart.incident.errors import NotATable
from rempart.intake.columns import FORBIDDEN

MAX_BYTES = 2 * 2**30
MAX_LINE = 1 << 17
MAX_COLUMNS = 200
MAX_ROWS = 5_000_000
"""What one person's machine holds of a sample's keys; more is asked for in parts."""
_LOOK = 500
"""Rows by whose content a column without a telling name is recognised."""
_SHARE = 0.8
_CHUNK = 1 << 20


class Field(StrEnum):
    """What a column of a sample may be."""

    NIR = "nir"
    BIRTH_DATE = "birth-date"
    BIRTH_RANK = "birth-rank"
    FAMILY_NAME = "family-name"
    FIRST_NAME = "first-name"
    SEX = "sex"
    AMC = "amc"
    INSURER = "insurer-name"
    ADHERENT = "adherent"
    MEMBER_REF = "member-ref"
    CONTRACT = "contract"
    PRODUCT = "product"
    OPEN = "open"
    VALID_FROM = "valid-from"
    VALID_TO = "valid-to"
    RESPONSIBLE = "responsible"
    DOMAIN = "domain"
    FORMULA = "formula"
    PRISE_EN_CHARGE = "prise-en-charge"
    BANK = "bank"
    MEDICAL = "medical"
    POSTAL = "postal"
    PHONE = "phone"
    EMAIL = "e-mail"
    RPPS = "rpps"
    FINESS = "finess"
    LOGIN = "login"
    PASSWORD = "password"  # noqa: S105 (a column's kind)
    UNKNOWN = "unknown"


# Whole words of a column's name, without accents; the longest entry that fits wins. Then the families that intake refuses.
_NAMES: dict[Field, str] = {
    Field.NIR: "nir, nia, insee, ssn, numero secu, num secu, securite sociale, social security, ins",
    Field.BIRTH_DATE: "birth date, birthdate, birth, dob, date naissance, date de naissance, naissance, ddn, ne le, born",
    Field.BIRTH_RANK: "birth rank, rang, rang naissance, rang de naissance",
    Field.FAMILY_NAME: "family name, last name, lastname, surname, nom, nom naissance, nom de naissance, nom usage, name, patronyme",
    Field.FIRST_NAME: "first name, firstname, given name, prenom",
    Field.SEX: "sex, sexe, gender, civilite",
    Field.AMC: "amc, numero amc, n amc, num amc, code amc",
    Field.INSURER: "insurer, insurer name, mutuelle, assureur, complementaire, organisme, nom amc",
    Field.ADHERENT: "adherent, numero adherent, n adherent, num adherent, member number",
    Field.MEMBER_REF: "member ref, reference assure, reference adherent, member id",
    Field.CONTRACT: "contract, contrat, numero contrat, n contrat, num contrat, police",
    Field.PRODUCT: "product, produit, garantie, garanties, offre, formule souscrite",
    Field.OPEN: "open, etat, droits, statut, status, ouvert",
    Field.VALID_FROM: "valid from, debut, date debut, debut droits, start, effet, date effet",
    Field.VALID_TO: "valid to, fin, date fin, fin droits, end, echeance, resiliation",
    Field.RESPONSIBLE: "responsible, responsable, contrat responsable",
    Field.DOMAIN: "domain, domains, domaine, domaines",
    Field.FORMULA: "formula, formule, taux",
    Field.PRISE_EN_CHARGE: "prise en charge, pec",
    Field.RPPS: "rpps, adeli",
    Field.FINESS: "finess",
    Field.LOGIN: "login, username, user, utilisateur, identifiant",
    Field.PASSWORD: "password, passwd, mot de passe, mdp, hash",
}
_UNMISTAKABLE = frozenset(
    {
        "nir", "nia", "ssn", "rpps", "adeli", "finess", "prenom", "firstname", "lastname", "surname", "amc", "adherent", "mutuelle",
        "password", "mdp", "ddn", "dob",
    }
)  # fmt: skip
"""A single word that says what a column is wherever it stands in the name; any other must be the whole name."""
_BY_NAME = {tuple(name.split()): field for field, names in _NAMES.items() for name in names.split(", ")}
# An e-mail address is an address too, and so is a telephone at home.
_FAMILIES = tuple(
    (Field(family), frozenset(FORBIDDEN[family].split()))
    for family in ("e-mail", "phone", "bank", "postal", "medical")
)
_NIR_FORM = re.compile(r"[1-8][0-9]{4}(?:[0-9]{2}|2[AB])[0-9]{6}(?:[0-9]{2})?")
_EMAIL_FORM = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[A-Za-z]{2,24}")
_PHONE_FORM = re.compile(r"(?:\+33|0033|0)[1-9][0-9]{8}")
_DATES = (
    (re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[T ].*)?"), (1, 2, 3)),
    (re.compile(r"([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4})(?: .*)?"), (3, 2, 1)),
    (re.compile(r"(19[0-9]{2}|20[0-9]{2})([0-9]{2})([0-9]{2})"), (1, 2, 3)),
)


@dataclass(frozen=True)
class Column:
    """One column: its place from 1, what it is, whether its name or its content says so. Never its name: that may be a value."""

    position: int
    field: Field
    by: str
    """"name", "content", or "" when it is unknown."""


@dataclass(frozen=True)
class Sample:
    """A file that is a table. `columns` in the order of the file; `sha256` of its bytes."""

    place: Path
    encoding: str
    delimiter: str
    header: bool
    columns: tuple[Column, ...]
    sha256: str

    @property
    def fields(self) -> frozenset[Field]:
        """What it holds."""
        return frozenset(column.field for column in self.columns)

    def rows(self) -> Iterator[list[str] | None]:
        """Each row's cells; None for a row that has not as many as there are columns. Raises NotATable."""
        with _opened(self.place, self.encoding) as file:
            rows = csv.reader(_lines(file), delimiter=self.delimiter)
            try:
                for number, row in enumerate(islice(rows, int(self.header), None)):
                    if number >= MAX_ROWS:
                        raise NotATable(f"more than {MAX_ROWS:,} rows: give it in parts")
                    if row:
                        yield row if len(row) == len(self.columns) else None
            except (csv.Error, UnicodeError):
                raise NotATable(
                    "a quotation mark is never closed, or a cell is longer than 128 KiB"
                ) from None

    def cells(self, row: Sequence[str]) -> dict[Field, str]:
        """A row's cells by what they are; the first column of a kind counts."""
        found: dict[Field, str] = {}
        for column, cell in zip(self.columns, row, strict=True):
            found.setdefault(column.field, cell.strip())
        return found


def read_sample(place: Path) -> Sample:
    """Find out what the file is. Raises NotATable, BadInput when it cannot be read."""
    try:
        encoding, digest = _encoding_of(place)
        with _opened(place, encoding) as file:
            head = [line for line in islice(_lines(file), _LOOK) if line.strip()]
    except OSError as error:
        raise BadInput(f"the file cannot be read: {error.strerror}") from error
    except UnicodeError:
        raise NotATable("its text is damaged") from None
    delimiter = _delimiter_of(head)
    try:
        rows = [row for row in csv.reader(head, delimiter=delimiter) if row]
    except csv.Error:
        raise NotATable("a quotation mark is never closed, or a cell is longer than 128 KiB") from None
    width = Counter(map(len, rows)).most_common(1)[0][0]
    if width > MAX_COLUMNS:
        raise NotATable(f"more than {MAX_COLUMNS} columns")
    whole = [row for row in rows if len(row) == width]
    header = not any(field_by_content([cell]) for cell in whole[0])
    names, values = (whole[0], whole[1:]) if header else ([""] * width, whole)
    columns = tuple(
        _column(place_, name, [row[place_ - 1] for row in values])
        for place_, name in enumerate(names, start=1)
    )
    return Sample(place, encoding, delimiter, header, columns, digest)


# ── the text ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _encoding_of(place: Path) -> tuple[str, str]:
    """UTF-8 if all of it is, else UTF-16 by its mark, else Windows-1252, which French spreadsheets write. And the digest."""
    digest, utf8, size = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")(), 0
    encoding, first = "utf-8-sig", b""
    with place.open("rb") as file:
        while chunk := file.read(_CHUNK):
            first = first or chunk[:8]
            size += len(chunk)
            if size > MAX_BYTES:
                raise NotATable(f"more than {MAX_BYTES >> 30} GiB: give it in parts")
            digest.update(chunk)
            if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                encoding = "utf-16"
                continue
            if b"\0" in chunk:
                raise NotATable("it is binary")
            if encoding == "utf-8-sig":
                try:
                    utf8.decode(chunk)
                except UnicodeDecodeError:
                    encoding = "cp1252"
    if not size:
        raise NotATable("it is empty")
    if first.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b", b"7z\xbc\xaf")):
        raise NotATable("it is a spreadsheet, an archive or a PDF: save it as CSV")
    return encoding, digest.hexdigest()


def _opened(place: Path, encoding: str) -> TextIO:
    # A byte that Windows-1252 has no letter for is a letter lost, not a reason to stop.
    return place.open(encoding=encoding, errors="replace" if encoding == "cp1252" else "strict", newline="")


def _lines(file: TextIO) -> Iterator[str]:
    """Its lines, none of them longer than a table's may be. Raises NotATable."""
    while line := file.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise NotATable("a line is longer than 128 KiB")
        yield line


def _delimiter_of(lines: Sequence[str]) -> str:
    """The separator that cuts most rows into the same number of cells, more than one."""
    best, score = "", 0
    for candidate in ";\t,|":
        try:
            widths = Counter(len(row) for row in csv.reader(lines, delimiter=candidate) if row)
        except csv.Error:
            continue
        width, times = widths.most_common(1)[0] if widths else (1, 0)
        if width > 1 and times > score and times * 2 > sum(widths.values()):
            best, score = candidate, times
    if not best:
        raise NotATable("no separator cuts its lines into columns")
    return best


# ── the columns ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _column(position: int, name: str, values: Sequence[str]) -> Column:
    if (found := field_by_name(name)) is not None:
        return Column(position, found, "name")
    if (found := field_by_content(values)) is not None:
        return Column(position, found, "content")
    return Column(position, Field.UNKNOWN, "")


def field_by_name(name: str) -> Field | None:
    """What a column's name says it is."""
    tokens = words_of(name)
    for length in range(len(tokens), 0, -1):
        for at in range(len(tokens) - length + 1):
            words = tuple(tokens[at : at + length])
            if words in _BY_NAME and (length > 1 or length == len(tokens) or words[0] in _UNMISTAKABLE):
                return _BY_NAME[words]
    joined = "".join(tokens)
    for field, family in _FAMILIES:
        if family.intersection(tokens) or any(len(word) >= 5 and word in joined for word in family):
            return field
    return None


def field_by_content(values: Sequence[str]) -> Field | None:
    """What most of a column's cells are, where their form tells."""
    filled = [value.strip() for value in values if value.strip()]
    for field, is_one in (
        (Field.EMAIL, lambda text: _EMAIL_FORM.fullmatch(text) is not None),
        (Field.NIR, lambda text: _NIR_FORM.fullmatch(compact(text)) is not None),
        (Field.PHONE, lambda text: _PHONE_FORM.fullmatch(re.sub(r"[ .\-()]", "", text)) is not None),
        (Field.BANK, _is_iban),
        (Field.BIRTH_DATE, _is_birth_date),
    ):
        if filled and sum(map(is_one, filled)) >= _SHARE * len(filled):
            return field
    return None


def words_of(name: str) -> list[str]:
    """The words of a column's name: small letters without accents."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    plain = unicodedata.normalize("NFKD", spaced).encode("ascii", "ignore").decode().lower()
    return re.findall(r"[a-z0-9]+", plain)


def compact(text: str) -> str:
    """Without what people put between digits, and without a spreadsheet's apostrophe or formula around a number."""
    return re.sub(r"[\s.\-_'=\"]", "", text).upper()


def day_of(text: str) -> str:
    """A date in its one form, "" when it is none."""
    for form, (year, month, day) in _DATES:
        if (found := form.fullmatch(text.strip().lstrip("'"))) is not None:
            try:
                return date(int(found[year]), int(found[month]), int(found[day])).isoformat()
            except ValueError:
                return ""
    return ""


def _is_birth_date(text: str) -> bool:
    # Contracts begin and end in this century's twenties; most people were born before.
    day = day_of(text)
    return "" < day < "2015"


def _is_iban(text: str) -> bool:
    try:
        check_iban(text)
    except RempartError:
        return False
    return True
