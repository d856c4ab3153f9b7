"""The facts of an incident: a closed, configurable list of what may be said, each with its kind. What nobody said is unknown, not zero."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from rempart.foundation.clock import PARIS, SECOND, instant
from rempart.foundation.errors import BadInput
from rempart.foundation.logs import redact

LONGEST = 4_000
ENGLISH = ":en"
"""After a text fact's key: the same fact in English. Without it the French text stands in both languages."""
NO_BREAK = "\N{NO-BREAK SPACE}"
_KEY = re.compile(r"[a-z][a-z0-9_]{1,40}", re.ASCII)


class Language(StrEnum):
    """French first."""

    FRENCH = "fr"
    ENGLISH = "en"


UNKNOWN = {Language.FRENCH: "inconnu à ce stade", Language.ENGLISH: "unknown at this stage"}


class Kind(StrEnum):
    """How a fact is written and read."""

    TEXT = "text"
    INSTANT = "instant"
    COUNT = "count"
    YES_NO = "yes-no"
    CHOICE = "choice"


class BadFact(BadInput):
    """Not a fact of the list, or not of its kind."""

    code = "incident-fact"
    french = "Ce fait n'est pas de la liste, ou sa valeur n'est pas de son type."
    english = "This fact is not on the list, or its value is not of its kind."


class FactKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of facts.toml."""

    key: str
    kind: Kind
    french: str
    english: str
    choices: tuple[tuple[str, str, str], ...] = ()

    def __post_init__(self) -> None:
        if _KEY.fullmatch(self.key) is None or (self.kind is Kind.CHOICE) != bool(self.choices):
            raise ValueError(f"fact {self.key!r}")

    def label(self, language: Language) -> str:
        """What the fact is called."""
        return self.french if language is Language.FRENCH else self.english


class FactList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """facts.toml."""

    fact: tuple[FactKind, ...]

    def kind(self, key: str) -> FactKind:
        """Raises BadFact."""
        for known in self.fact:
            if known.key == key:
                return known
        raise BadFact(f"{key} (known: {', '.join(known.key for known in self.fact)})")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known, as it was written: key (or key:en) → value."""

    kinds: FactList
    said: dict[str, str]

    def raw(self, key: str, language: Language = Language.FRENCH) -> str | None:
        """The value as written, None when unknown."""
        if language is Language.ENGLISH and (english := self.said.get(key + ENGLISH)):
            return english
        return self.said.get(key)

    def shown(self, key: str, language: Language) -> str:
        """In words, « inconnu à ce stade » when unknown. Raises BadFact for a key that is not of the list."""
        kind, value = self.kinds.kind(key), self.raw(key, language)
        return UNKNOWN[language] if value is None else show(kind, value, language)


def check(kinds: FactList, key: str, value: str) -> str:
    """The value in its one written form. Raises BadFact."""
    kind = kinds.kind(key.removesuffix(ENGLISH))
    if key.endswith(ENGLISH) and kind.kind is not Kind.TEXT:
        raise BadFact(f"{key}: only a text is written in two languages")
    try:
        return _CHECKS[kind.kind](kind, value.strip())
    except ValueError as error:
        raise BadFact(f"{key}: {error}") from None


def show(kind: FactKind, value: str, language: Language) -> str:
    """A known value in words."""
    match kind.kind:
        case Kind.INSTANT:
            return moment(int(value), language)
        case Kind.COUNT:
            return number(int(value), language)
        case Kind.YES_NO:
            return {"yes": ("oui", "yes"), "no": ("non", "no")}[value][language is Language.ENGLISH]
        case Kind.CHOICE:
            return next(line for line in kind.choices if line[0] == value)[1 + (language is Language.ENGLISH)]
        case _:
            return value


def require_no_nir(text: str) -> None:
    """What is said of an incident goes to many: never with a number of a person. Raises ValueError, which does not repeat it."""
    if redact(text) != text:
        raise ValueError("something in it looks like a NIR: say it without")


def read_instant(text: str) -> int:
    """µs of an ISO 8601 instant; without an offset it is the time of day in Paris. Raises ValueError."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("an instant is written 2026-11-28T03:10, in Paris unless it has an offset") from None
    there = read if read.tzinfo else read.replace(tzinfo=PARIS)
    return round(there.timestamp()) * SECOND


def moment(micros: int, language: Language) -> str:
    """28/11/2026 à 3 h 10 (Paris)."""
    there = instant(micros).astimezone(PARIS)
    if language is Language.ENGLISH:
        return f"{there:%Y-%m-%d %H:%M} (Paris)"
    return f"{there:%d/%m/%Y} à {there.hour}{NO_BREAK}h{NO_BREAK}{there.minute:02d} (Paris)"


def number(count: int, language: Language) -> str:
    """12 345 or 12,345."""
    return f"{count:,}" if language is Language.ENGLISH else f"{count:,}".replace(",", NO_BREAK)


def _text(_kind: FactKind, value: str) -> str:
    if not value or len(value) > LONGEST or any(ord(char) < 32 and char != "\n" for char in value):
        raise ValueError(f"a text has 1 to {LONGEST} characters and no control character")
    require_no_nir(value)
    return value


def _instant(_kind: FactKind, value: str) -> str:
    return str(read_instant(value))


def _count(_kind: FactKind, value: str) -> str:
    if not (value.isascii() and value.isdecimal() and len(value) <= 12):
        raise ValueError("a count is a number, 0 or above")
    return str(int(value))


def _yes_no(_kind: FactKind, value: str) -> str:
    answers = {"yes": "yes", "oui": "yes", "no": "no", "non": "no"}
    if value not in answers:
        raise ValueError("yes or no")
    return answers[value]


def _choice(kind: FactKind, value: str) -> str:
    words = [line[0] for line in kind.choices]
    if value not in words:
        raise ValueError(f"one of {', '.join(words)}")
    return value


_CHECKS = {
    Kind.TEXT: _text,
    Kind.INSTANT: _instant,
    Kind.COUNT: _count,
    Kind.YES_NO: _yes_no,
    Kind.CHOICE: _choice,
}
