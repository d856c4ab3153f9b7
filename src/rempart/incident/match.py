"""Whether a sample offered for sale can come from here, by what its columns are and by how many people it names.

Rules without I/O. The platform cannot look anybody up, nor does it hold a NIR, a birth date or a name to compare with: it judges by what
is held and told here. Whether the rows are an insurer's people, and whether people who do not exist are among them, that insurer finds out
by itself (`match_members`). A verdict never says more than its reasons.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rempart.incident.match_table import Field


class Verdict(StrEnum):
    """Of a way out, or of the whole sample."""

    CAN = "can"
    CANNOT = "cannot"
    CANNOT_BE_TOLD = "cannot-be-told"


class Way(StrEnum):
    """The ways by which something may have left."""

    ANSWERS = "answers"
    DATABASE = "database"
    DOORS = "doors"
    FILES = "files"
    PROFESSIONALS = "professionals"


WAYS: dict[Way, tuple[str, str]] = {
    Way.ANSWERS: (
        "réponses obtenues par un compte, un poste, un éditeur",
        "answers got through an account, a device, an editor",
    ),
    Way.DATABASE: (
        "base ou sauvegarde, sans le magasin de clés",
        "the database or a backup, without the key store",
    ),
    Way.DOORS: (
        "ce que les professionnels saisissent, vu au passage sur la machine d'une porte",
        "what professionals type, seen on a door's machine as it passes",
    ),
    Way.FILES: (
        "le fichier d'un assureur, vu pendant son chargement, ou chez l'assureur",
        "an insurer's file, seen while it is taken in, or at the insurer's",
    ),
    Way.PROFESSIONALS: ("le fichier des professionnels", "the professionals' own file"),
}
_TOLD = frozenset(
    {
        Field.PRODUCT, Field.OPEN, Field.VALID_FROM, Field.VALID_TO, Field.RESPONSIBLE, Field.FORMULA, Field.PRISE_EN_CHARGE, Field.DOMAIN,
        Field.INSURER,
    }
)  # fmt: skip
"""The fields of a class of answers (docs/ledger.md), and what every professional knows of an insurer."""
_PRESENTED = frozenset({Field.NIR, Field.BIRTH_DATE, Field.BIRTH_RANK, Field.AMC, Field.ADHERENT})
"""What whoever asks must know beforehand. It passes through a door's memory; no answer repeats it, and nothing keeps it."""
_IN_FILES = _PRESENTED | frozenset(
    {
        Field.FAMILY_NAME, Field.FIRST_NAME, Field.MEMBER_REF, Field.CONTRACT, Field.PRODUCT, Field.VALID_FROM, Field.VALID_TO,
        Field.RESPONSIBLE, Field.DOMAIN, Field.INSURER, Field.OPEN, Field.SEX,
    }
)  # fmt: skip
"""What an insurer's members' file has (docs/files/members.md); a NIR begins with the sex, a contract without an end is open."""
_OF_PROFESSIONALS = frozenset(
    {
        Field.RPPS, Field.FINESS, Field.LOGIN, Field.FAMILY_NAME, Field.FIRST_NAME, Field.POSTAL, Field.PHONE, Field.EMAIL,
    }
)  # fmt: skip
"""Names, logins, numbers, the contact given at the référencement. A RIB is sealed, a password is an Argon2id hash."""
_MARKS_A_PROFESSIONAL = frozenset({Field.RPPS, Field.FINESS})
HOLDS: dict[Way, frozenset[Field]] = {
    Way.ANSWERS: _TOLD,
    Way.DATABASE: frozenset(),
    Way.DOORS: _TOLD | _PRESENTED,
    Way.FILES: _IN_FILES,
    Way.PROFESSIONALS: _OF_PROFESSIONALS,
}
NEVER_HERE = frozenset({Field.BANK, Field.MEDICAL, Field.POSTAL, Field.PHONE, Field.EMAIL, Field.PASSWORD})
"""Of an insured person: a file with such a column is refused whole, and no page asks for it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One way out."""

    way: Way
    verdict: Verdict
    missing: frozenset[Field]
    """What the sample has and this way does not give."""
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matched:
    """The whole judgement."""

    verdict: Verdict
    reasons: tuple[str, ...]
    ways: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """Distinct persons of the sample that name one insurer, and how many persons of that insurer any answer kept told of."""

    amc: str
    persons: int
    told_ever: int


def judge(fields: frozenset[Field], counted: Sequence[Counted] = ()) -> Matched:
    """What the columns allow. An unknown column never acquits: it may be anything."""
    known = fields - {Field.UNKNOWN}
    if not known:
        return Matched(Verdict.CANNOT_BE_TOLD, ("No column is recognised: name them in a first line.",), ())
    ways = tuple(_judge_way(way, known, counted) for way in Way)
    open_ = [judged for judged in ways if judged.verdict is Verdict.CAN]
    if open_:
        names = "; ".join(WAYS[judged.way][1] for judged in open_)
        unknown = (_UNKNOWN,) if Field.UNKNOWN in fields else ()
        return Matched(
            Verdict.CANNOT_BE_TOLD if unknown else Verdict.CAN,
            (f"All that is recognised can come by: {names}.", *unknown, _NO_PROOF),
            ways,
        )
    reasons = []
    never = known & NEVER_HERE
    if never:
        reasons.append(f"Never held nor told here of an insured person: {listed(never)}.")
    reasons.append("No single way out gives all these columns together: not from here alone.")
    partly = [judged for judged in ways if judged.missing < known and judged.missing]
    if not partly:
        return Matched(Verdict.CANNOT, tuple(reasons), ways)
    # Whoever reads the first line alone must not tell a journalist "not ours".
    reasons.append(
        "Another source joined with what left here cannot be excluded by columns: ask each insurer named for its own check."
    )
    return Matched(Verdict.CANNOT_BE_TOLD, tuple(reasons), ways)


_UNKNOWN = "Some columns are not recognised: were one of them something that is never held here, it could not come from here alone."
_NO_PROOF = "That it can come from here does not say that it does: the scope and the insurers' own checks do."


def _judge_way(way: Way, known: frozenset[Field], counted: Sequence[Counted]) -> Judged:
    missing, reasons = known - HOLDS[way], list[str]()
    if way is Way.PROFESSIONALS and not known & _MARKS_A_PROFESSIONAL:
        return Judged(way, Verdict.CANNOT, known, ("It names no professional: neither RPPS nor FINESS.",))
    if way is Way.DATABASE:
        reasons.append(
            "Of an insured person nothing in it can be read without the card shown and the key store."
        )
    too_many: list[str] = []
    if way is Way.ANSWERS:
        if before := known & _PRESENTED:
            reasons.append(f"No answer tells them; whoever asks knows them beforehand: {listed(before)}.")
            missing -= _PRESENTED
        too_many = [
            f"{each.persons:,} persons name insurer {each.amc}, of whose persons {each.told_ever:,} were ever told of: not all by answers."
            for each in counted
            if each.persons > each.told_ever
        ]
    if missing:
        reasons.append(f"It never gives: {listed(missing)}.")
    cannot = bool(missing or too_many or way is Way.DATABASE)
    return Judged(way, Verdict.CANNOT if cannot else Verdict.CAN, missing, (*reasons, *too_many))


def listed(fields: frozenset[Field]) -> str:
    """Kinds of columns, in one order."""
    return ", ".join(sorted(field.value for field in fields))


# ── with the insurers' own checks ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class InsurersCheck:
    """What one insurer found on its own machine, in counts (`rempart insurer match --json`)."""

    amc: str
    sha256: str
    """Of the sample that it read."""
    rows: int
    """With an identifier that its file could be searched by."""
    matched: int
    canaries: int
    """Distinct people who do not exist, found in the sample."""


def combine(matched: Matched, checks: Sequence[InsurersCheck], sha256: str) -> Matched:
    """The judgement with what insurers found. Another sample's check counts for nothing."""
    reasons = list(matched.reasons)
    mine = [check for check in checks if check.sha256 == sha256]
    if len(mine) < len(checks):
        reasons.append(f"{len(checks) - len(mine)} checks were made of another file and are left out.")
    verdict = matched.verdict
    canaries = sum(check.canaries for check in mine)
    rows, found = sum(check.rows for check in mine), sum(check.matched for check in mine)
    who = ", ".join(check.amc for check in mine)
    if canaries:
        verdict = Verdict.CAN
        reasons.insert(
            0,
            f"{canaries} people who do not exist are in it ({who}): it was copied, in part at least, from a list that has them. Rempart is"
            " given that list, and the insurer keeps it: which of the two it was, canaries alone do not tell.",
        )
    elif rows and not found:
        verdict = Verdict.CANNOT
        reasons.insert(0, f"None of the {rows:,} rows that could be compared is a person of {who}.")
    elif mine:
        reasons.insert(0, f"{found:,} of {rows:,} rows are persons of {who}; no canary is among them.")
    return Matched(verdict, tuple(reasons), matched.ways)


def chance_of_no_canary(members: int, canaries: int, drawn: int) -> float:
    """The probability that so many members drawn by chance from a file hold none of its canaries."""
    if canaries == 0 or drawn == 0:
        return 1.0
    if drawn > members - canaries:
        return 0.0
    chance = 1.0
    # Drawn without putting back: the same product whichever of the two runs over it.
    for taken in range(min(drawn, canaries)):
        chance *= (members - max(drawn, canaries) - taken) / (members - taken)
    return chance


def persons_counted(numbers: Mapping[str, int], told_ever: Mapping[str, int]) -> list[Counted]:
    """How many persons name each insurer, beside what was ever told of its own; most persons first."""
    return [
        Counted(amc, persons, told_ever.get(amc, 0))
        for amc, persons in sorted(numbers.items(), key=lambda each: (-each[1], each[0]))
    ]
