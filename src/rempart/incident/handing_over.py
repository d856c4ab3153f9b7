"""Handing over: what goes to which insurer, what is there already, what nobody acknowledged. Killed anywhere, the next call goes on."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import uuid4

import msgspec

from rempart.foundation.clock import HOUR, Clock
from rempart.incident import store_case as store
from rempart.incident.case import Incident
from rempart.incident.exposure import Exposed
from rempart.incident.nobody_else import require_over
from rempart.incident.notices.figures import by_insurer
from rempart.incident.notices.making import Package, content_of, make_package
from rempart.incident.notices.package import Sign, load_of
from rempart.incident.notices.rendering import Insurer, Telling
from rempart.incident.store_case import Connection, Handed, Laid


@dataclass(frozen=True)
class Planned:
    """One insurer's package to be. `same`: its desk has this very content already; `issue`: the number it has, or will have."""

    insurer: Insurer
    exposed: Sequence[Exposed]
    issue: int
    same: bool


Proofs = Callable[[Sequence[Exposed]], Sequence[bytes]]
"""The proofs' lines of these persons' answers."""


def no_proofs(_exposed: Sequence[Exposed]) -> Sequence[bytes]:
    """The insurer's daily openings prove the same."""
    return ()


def plan(telling: Telling, handed: Iterable[Handed], *, everybody: bool = False) -> list[Planned]:
    """One for each insurer of whose members somebody was told of, and for each that has a package already: a changed question may leave it
    nobody, and it has to know. With `everybody`, also for those of whom nobody was."""
    assert telling.scope is not None
    parts, last = by_insurer(telling.scope), _last(handed)
    planned = []
    for insurer in telling.insurers:
        exposed = parts.get(insurer.number, [])
        before = last.get(insurer.number)
        if not exposed and before is None and not everybody:
            continue
        same = before is not None and before.content == content_of(telling, insurer, exposed)
        issue = 1 if before is None else before.issue + (not same)
        planned.append(Planned(insurer, exposed, issue, same))
    return planned


def seal(
    c: Connection, telling: Telling, planned: Planned, sign: Sign, proofs: Proofs = no_proofs
) -> Package:
    """Render, seal, sign one package. Raises BadTemplate, and whatever `sign` and `proofs` raise: nothing was handed over then."""
    loads = sorted({load_of(person.notice_ref) for person in planned.exposed if person.notice_ref})
    keys = store.load_keys(c, planned.insurer.number, loads)
    return make_package(
        telling, planned.insurer, planned.exposed, keys, planned.issue, sign, proofs(planned.exposed)
    )


def send(
    c: Connection,
    telling: Telling,
    planned: Planned,
    sign: Sign,
    clock: Clock,
    actor: str,
    proofs: Proofs = no_proofs,
) -> Package | None:
    """Seal one package and lay it on its insurer's desk, whole or not at all. None when it is there already."""
    if planned.same:
        return None
    package = seal(c, telling, planned, sign, proofs)
    done = store.hand_over(c, uuid4(), telling.incident.id, package, clock(), actor)
    return package if done else None


Tell = Callable[[Insurer], bool]
"""Tells the people of an insurer's seat; False: it has none."""


def send_all(
    c: Connection,
    telling: Telling,
    planned: Sequence[Planned],
    sign: Sign,
    tell: Tell,
    clock: Clock,
    actor: str,
    proofs: Proofs = no_proofs,
    done: Callable[[Planned, Package | None], object] = lambda _planned, _package: None,
) -> list[str]:
    """One after the other: sealed, laid on its insurer's desk, and told. `done` hears of each.

    The n° AMC of those without a seat: theirs has to go by other means. Raises NotOver, and what `seal`, `sign`, `tell` raise: those
    before are there.
    """
    assert telling.scope is not None
    require_over(telling.scope.question, telling.at)
    seated = store.seats(c)
    silent = [each.insurer.amc for each in planned if each.insurer.amc not in seated]
    for each in planned:
        package = send(c, telling, each, sign, clock, actor, proofs)
        if package is not None and not tell(each.insurer) and each.insurer.amc in seated:
            silent.append(each.insurer.amc)
        done(each, package)
    return silent


def digest_of_plan(telling: Telling, planned: Iterable[Planned]) -> bytes:
    """What decides whether two plans say the same to the same insurers: neither the hour nor what was handed over since does."""
    said = [(each.insurer.amc, content_of(telling, each.insurer, each.exposed)) for each in planned]
    return hashlib.sha256(msgspec.json.encode(sorted(said))).digest()


P = TypeVar("P", Handed, Laid)


def unacknowledged(
    incident: Incident, handed: Iterable[P], after_hours: int, now: int
) -> list[tuple[P, bool]]:
    """The latest issue of each insurer that nobody acknowledged, and whether it is time to recall it."""
    waiting = []
    for package in _last(handed).values():
        if not package.acknowledged:
            told = incident.reminded.get((package.insurer, package.issue), package.made)
            # A reminder of a day to come (a clock that was ahead, a worker that lies) is none: twice rather than never.
            since = told if package.made < told <= now else package.made
            waiting.append((package, now - since >= after_hours * HOUR))
    return waiting


def overdue(handed: Iterable[P], after_hours: int, now: int) -> list[P]:
    """The latest issue of each insurer that nobody acknowledged for so long, recalled meanwhile or not."""
    return [
        package
        for package in _last(handed).values()
        if not package.acknowledged and now - package.made >= after_hours * HOUR
    ]


def _last(handed: Iterable[P]) -> dict[int, P]:
    return {package.insurer: package for package in handed}
