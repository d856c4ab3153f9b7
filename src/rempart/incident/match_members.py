"""An insurer's own check of a sample, on its own machine, with its own members' file: counts, and whether its canaries are in it.

Neither file is copied, sent or repeated. Keys of the sample's rows are held in memory under a random key of this run; the members' file is
read once beside them.
"""

import csv
import gzip
import secrets
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from io import TextIOWrapper
from pathlib import Path

from rempart.foundation.errors import BadInput
from rempart.incident.match import chance_of_no_canary
from rempart.incident.match_table import Field, Sample, compact, day_of

_NEEDED = (
    "amc",
    "adherent",
    "member_ref",
    "nir",
    "birth_date",
    "family_name",
    "first_name",
    "product",
    "valid_from",
    "valid_to",
)
_COMPARED = {Field.PRODUCT: "product", Field.VALID_FROM: "valid_from", Field.VALID_TO: "valid_to"}


@dataclass(frozen=True, slots=True)
class MembersCheck:
    """What was found. `agree`: of the matched rows, how many say the same as the file, and how many another thing, by kind of column."""

    amc: str
    sha256: str
    rows: int
    others: int
    """Rows that name another insurer: not compared."""
    malformed: int
    comparable: int
    """Rows with something that the file can be searched by."""
    by: str
    """What they were searched by."""
    matched: int
    members: int
    canaries_in_file: int
    canaries: int
    agree: dict[str, tuple[int, int]]

    @property
    def chance(self) -> float:
        """That members drawn by chance, as many as matched, hold no canary."""
        return chance_of_no_canary(self.members, self.canaries_in_file, self.matched)


@dataclass
class _Row:
    """What is held of a row of the sample."""

    compared: dict[Field, bytes]
    matched: bool = False
    same: dict[Field, bool] = field(default_factory=dict)


@dataclass
class _Read:
    """The sample, as far as it is held. `kept`: n° AMC, key, row."""

    rows: int = 0
    malformed: int = 0
    by_amc: Counter[str] = field(default_factory=Counter)
    kept: list[tuple[str, bytes, _Row]] = field(default_factory=list)

    def of(self, amc: str) -> dict[bytes, list[_Row]]:
        """The rows that name this insurer, or none, by key."""
        found: dict[bytes, list[_Row]] = {}
        for named, key, row in self.kept:
            if named in {"", amc}:
                found.setdefault(key, []).append(row)
        return found

    def others(self, amc: str) -> int:
        """How many name another one."""
        return sum(n for named, n in self.by_amc.items() if named not in {"", amc})


def check_members(sample: Sample, members: Path) -> MembersCheck:
    """Compare. Raises NotATable, BadInput for a sample that cannot be searched or a members' file that is none."""
    keyed, how = Keyed(secrets.token_bytes(32)), searched_by(sample.fields)
    read = _read(sample, keyed, how)
    amc, rows = "", dict[bytes, list[_Row]]()
    people, canaries, met = set[bytes](), set[bytes](), set[bytes]()
    for line in _members(members):
        if not amc:
            amc = line["amc"]
            rows = read.of(amc)
        person, is_canary = keyed.word(line["member_ref"]), line.get("canary") == "1"
        people.add(person)
        if is_canary:
            canaries.add(person)
        for row in (row for key in keyed.of_member(how, line) for row in rows.get(key, ())):
            row.matched = True
            if is_canary:
                met.add(person)
            for kind, said in row.compared.items():
                # One of a person's contracts is enough.
                row.same[kind] = row.same.get(kind, False) or said == keyed.word(line[_COMPARED[kind]])
    mine = [row for same in rows.values() for row in same]
    return MembersCheck(
        amc=amc,
        sha256=sample.sha256,
        rows=read.rows,
        others=read.others(amc),
        malformed=read.malformed,
        comparable=len(mine),
        by=" + ".join(kind.value for kind in how),
        matched=sum(row.matched for row in mine),
        members=len(people),
        canaries_in_file=len(canaries),
        canaries=len(met),
        agree=_agreeing(sample, mine),
    )


def persons_by_amc(sample: Sample, most: int) -> Counter[str]:
    """How many distinct persons name each n° AMC, at most so many numbers ("" for the rest). None when nothing tells persons apart; who
    names no insurer is not counted.
    """
    try:
        keyed, how = Keyed(secrets.token_bytes(32)), searched_by(sample.fields)
    except BadInput:
        return Counter()
    seen, found = set[bytes](), Counter[str]()
    for row in sample.rows():
        cells = sample.cells(row) if row is not None else {}
        key = keyed.of(how, cells)
        if key is not None and key not in seen:
            seen.add(key)
            amc = compact(cells.get(Field.AMC, ""))
            if not amc:
                continue
            # A column of something else must not fill the memory.
            found[amc if amc in found or len(found) < most else ""] += 1
    return found


def _read(sample: Sample, keyed: "Keyed", how: tuple[Field, ...]) -> _Read:
    read = _Read()
    for row in sample.rows():
        read.rows += 1
        if row is None:
            read.malformed += 1
            continue
        cells = sample.cells(row)
        amc = compact(cells.get(Field.AMC, ""))
        read.by_amc[amc] += 1
        if (key := keyed.of(how, cells)) is not None:
            read.kept.append(
                (amc, key, _Row({kind: keyed.word(cells[kind]) for kind in _COMPARED if cells.get(kind)}))
            )
    return read


def _agreeing(sample: Sample, rows: list[_Row]) -> dict[str, tuple[int, int]]:
    found = {}
    for kind in _COMPARED.keys() & sample.fields:
        said = [row.same[kind] for row in rows if kind in row.same]
        found[kind.value] = (sum(said), len(said) - sum(said))
    return found


def searched_by(fields: frozenset[Field]) -> tuple[Field, ...]:
    """The best identifier that the sample has."""
    for how in (
        (Field.NIR,),
        (Field.MEMBER_REF,),
        (Field.ADHERENT, Field.BIRTH_DATE),
        (Field.FAMILY_NAME, Field.FIRST_NAME, Field.BIRTH_DATE),
        (Field.ADHERENT,),
        (Field.CONTRACT,),
    ):
        if fields.issuperset(how):
            return how
    raise BadInput(
        "the sample has no column that a member could be found by: NIR, reference, n° adhérent, contract, or name and birth date"
    )


class Keyed:
    """Digests under this run's key: what is in memory is of no use to anybody else."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def word(self, text: str) -> bytes:
        """One value, however it is written."""
        day = day_of(text)
        return self._digest(day or _letters(text))

    def of(self, how: tuple[Field, ...], cells: dict[Field, str]) -> bytes | None:
        """A row's key, None when a part of it is empty."""
        parts = [_form(kind, cells.get(kind, "")) for kind in how]
        return self._digest("\x00".join(parts)) if all(parts) else None

    def of_member(self, how: tuple[Field, ...], line: dict[str, str]) -> list[bytes]:
        """The keys that a member answers to: an attached NIR is one too."""
        if how == (Field.NIR,):
            shown = [line["nir"], *line.get("nir_attached", "").split(" ")]
            return [self._digest(_form(Field.NIR, nir)) for nir in shown if nir]
        names = {
            Field.MEMBER_REF: "member_ref", Field.ADHERENT: "adherent", Field.BIRTH_DATE: "birth_date", Field.FAMILY_NAME: "family_name",
            Field.FIRST_NAME: "first_name", Field.CONTRACT: "contract",
        }  # fmt: skip
        key = self.of(how, {kind: line.get(names[kind], "") for kind in how})
        return [key] if key else []

    def _digest(self, text: str) -> bytes:
        return blake2b(text.encode(), key=self._key, digest_size=16).digest()


def _form(kind: Field, text: str) -> str:
    if kind is Field.NIR:
        return compact(text)[:13]
    if kind is Field.BIRTH_DATE:
        return day_of(text)
    if kind in {Field.FAMILY_NAME, Field.FIRST_NAME}:
        return _letters(text)
    return compact(text)


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().upper()
    return "".join(letter for letter in plain if letter.isalnum())


def _members(place: Path) -> Iterator[dict[str, str]]:
    """The lines of a members' file as Rempart takes it (docs/files/members.md), plain or gzip. Raises BadInput."""
    try:
        with place.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(place) if packed else place.open("rb") as stream:
            rows = csv.DictReader(
                TextIOWrapper(stream, "utf-8-sig", newline=""), delimiter=";", quoting=csv.QUOTE_NONE
            )
            if not set(_NEEDED) <= set(rows.fieldnames or ()):
                raise BadInput("the members' file has not the columns of docs/files/members.md")
            for line in rows:
                if line.get("action") != "D":
                    yield {name: value for name, value in line.items() if isinstance(value, str)}
    except (OSError, EOFError) as error:
        raise BadInput(f"the members' file cannot be read: {type(error).__name__}") from error
    except (csv.Error, UnicodeError):
        raise BadInput("the members' file is no UTF-8 text of that form") from None
