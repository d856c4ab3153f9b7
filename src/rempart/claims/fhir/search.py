"""A search's parameters, read strictly: an unknown one is refused, so that nobody takes a whole list for a filtered one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import parse_qsl

from rempart.claims.fhir import vocabulary as v
from rempart.claims.messages import PAGE
from rempart.claims.money import Money
from rempart.foundation.clock import PARIS, SECOND
from rempart.vaultdoor.fhir import BadPresentation

PAGE_PARAMETER = "page"
_LONGEST = 40
"""Characters of a number."""
_PREFIXES = {"eq": (0, 1), "ge": (0, None), "gt": (1, None), "le": (None, 1), "lt": (None, 0)}
"""Prefix → days from the date given to the first day wanted, and to the first no longer wanted."""


@dataclass(frozen=True)
class Search:
    """What is searched. Instants µs, the Paris days' bounds; `until` is not included; 0: no bound."""

    values: Mapping[str, str]
    """Parameter → value, as asked, but those below."""
    since: int
    until: int
    count: int
    cursor: int
    """Where this page begins: before that instant; 0, at the newest."""
    asked: tuple[tuple[str, str], ...]
    """All of it but the cursor, as a link to the next page repeats it."""

    @property
    def before(self) -> int:
        """The instant before which results are wanted, 0 for none."""
        return min((each for each in (self.until, self.cursor) if each), default=0)

    def number(self, system: str) -> str:
        """The identifier asked for, with or without its system, or "". Raises BadPresentation for another system."""
        written = self.values.get("identifier", "")
        given, bar, value = written.rpartition("|")
        if bar and given != system:
            raise BadPresentation("identifier", "system")
        if len(value) > _LONGEST or not value.isprintable():
            raise BadPresentation("identifier", "form")
        return value


def read_search(query: str, names: Collection[str]) -> Search:
    """The parameters of a search of a type that has those names, and `created`, `_count`, `page`. Raises BadPresentation."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=12)
    except ValueError:
        raise BadPresentation("", "form") from None
    values: dict[str, str] = {}
    since = until = 0
    for name, value in pairs:
        if name == "created":
            first, end = _days(value)
            since, until = max(since, first), min(until or end, end or until)
        elif name not in {*names, "_count", PAGE_PARAMETER}:
            raise BadPresentation("", "unknown")
        elif name in values:
            raise BadPresentation(name, "once")
        else:
            values[name] = value
    count, cursor = _whole(values, "_count", PAGE), _whole(values, PAGE_PARAMETER, 0)
    asked = tuple(pair for pair in pairs if pair[0] != PAGE_PARAMETER)
    return Search(values, since, until, max(1, min(count, PAGE)), cursor, asked)


def _days(value: str) -> tuple[int, int]:
    """First instant wanted, first no longer wanted; 0 where there is none."""
    prefix, text = (value[:2], value[2:]) if value[:2] in _PREFIXES else ("eq", value)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadPresentation("created", "form") from None
    first, end = _PREFIXES[prefix]
    return _midnight(day, first), _midnight(day, end)


def _midnight(day: date, later: int | None) -> int:
    if later is None:
        return 0
    try:
        moved = day + timedelta(days=later)
        return int(datetime(moved.year, moved.month, moved.day, tzinfo=PARIS).timestamp()) * SECOND
    except (OverflowError, ValueError):
        raise BadPresentation("created", "form") from None


def _whole(values: dict[str, str], name: str, default: int) -> int:
    text = values.pop(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise BadPresentation(name, "form")
    return int(text)


def read_code(search: Search, name: str, allowed: Collection[str]) -> str:
    """One of the codes, or "" when it is not asked. Raises BadPresentation."""
    code = search.values.get(name, "")
    if code and code not in allowed:
        raise BadPresentation(name, "code")
    return code


def read_amount(search: Search, name: str) -> int:
    """Cents, or -1 when it is not asked. Raises BadPresentation."""
    if name not in search.values:
        return -1
    try:
        return int(Money.parse(search.values[name]))
    except ValueError:
        raise BadPresentation(name, "amount") from None


_OUTCOMES = {
    v.INVOICE: {"accepted": ("active", "complete"), "refused": ("active", "error"), "cancelled": ("cancelled", "complete")},
    v.PEC: {
        "accordee": ("active", "complete"),
        "en-attente": ("active", "queued"),
        "refusee": ("active", "error"),
        "annulee": ("cancelled", "complete"),
    },
}  # fmt: skip


def states(search: Search, kind: str) -> frozenset[str]:
    """The states of an invoice (or of a prise en charge) that `status` and `outcome` leave. Raises BadPresentation."""
    status = read_code(search, "status", ("active", "cancelled"))
    outcome = read_code(search, "outcome", ("complete", "queued", "error", "partial"))
    return frozenset(
        state
        for state, (its_status, its_outcome) in _OUTCOMES[kind].items()
        if status in {"", its_status} and outcome in {"", its_outcome}
    )
