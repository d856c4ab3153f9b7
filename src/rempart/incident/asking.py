"""A question as somebody puts it: parties by their names or ids. Commands and the desk ask by the same words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rempart.foundation.vocabulary import Lane
from rempart.incident.errors import NoSuchParty
from rempart.incident.exposure import Question
from rempart.incident.scope_store import Connection, insurer_numbers, party_ids, places_in_group


@dataclass(frozen=True, slots=True)
class Named:
    """Who is in question, as it was said: accounts by login, establishments by FINESS or n° AMC, groups by label, editors by name, or any
    by its id; lanes by name, insurers by n° AMC.
    """

    accounts: Sequence[str] = ()
    devices: Sequence[str] = ()
    establishments: Sequence[str] = ()
    groups: Sequence[str] = ()
    editors: Sequence[str] = ()
    lanes: Sequence[str] = ()
    insurers: Sequence[str] = ()


def question_of(c: Connection, since: int, until: int, named: Named) -> Question:
    """The question about these, from `since` to before `until` (µs). Raises NoSuchParty: a name that nobody has would make an empty scope
    look like good news.
    """
    houses = _ids(c, "establishment", named.establishments)
    for label in named.groups:
        found = places_in_group(c, label)
        if not found:
            raise NoSuchParty(f"group {label}")
        houses |= {place.id for place in found}
    by_amc = {amc: number for number, (amc, _) in insurer_numbers(c).items()}
    return Question(
        since,
        until,
        accounts=_ids(c, "account", named.accounts),
        devices=_ids(c, "device", named.devices),
        establishments=houses,
        editors=_ids(c, "editor", named.editors),
        lanes=frozenset(Lane[_known(name.upper(), Lane.__members__, "lane")] for name in named.lanes),
        insurers=frozenset(by_amc[_known(amc, by_amc, "insurer")] for amc in named.insurers),
    )


def _known(name: str, among: Mapping[str, Any], kind: str) -> str:
    if name not in among:
        raise NoSuchParty(kind)
    return name


def _ids(c: Connection, kind: str, names: Sequence[str]) -> frozenset[UUID]:
    ids, named = set(), []
    for name in names:
        try:
            ids.add(UUID(name))
        except ValueError:
            named.append(name)
    found = party_ids(c, kind, named) if named and kind != "device" else {}
    for name in named:
        ids |= found[_known(name, found, kind)]
    return frozenset(ids)
