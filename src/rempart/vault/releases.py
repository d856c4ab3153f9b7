"""What the desk hands to insurers of an incident: two people release it, then the vault signs for the desk these insurers' packages, for an
hour. The same of the answers that professionals read: without a release the database takes none of them from the desk.

The desk makes the packages, and asks for each signature in nobody's name: without a release that stands it gets none, so that a desk that
was taken over tells no insurer anything by itself. Once two people there may release, a command gets none without it either; until then it
signs in its own way (rempart.vault.incidents), and is journaled.
"""

from rempart.foundation.clock import HOUR
from rempart.foundation.errors import BadInput, Refusal
from rempart.foundation.identifiers import check_amc_number
from rempart.vault import incidents
from rempart.vault import store_releases as store
from rempart.vault.actors import Actor
from rempart.vault.errors import NotThere
from rempart.vault.notices import Audited, journal
from rempart.vault.store_accounts import Connection, Row
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import (
    AnswersReleased,
    Done,
    PackagesReleased,
    PublishAnswers,
    Reminded,
    SendPackages,
    Stated,
    StatePackage,
    StateReleased,
    TellInsurer,
    TellReleased,
)

Tells = SendPackages | PublishAnswers
"""What two people release."""
LIFE = HOUR
"""How long the desk has, a new start after a crash included."""
EACH = 2
"""Signatures and notices a package: one that was lost on the way is made anew."""


class NotReleased(Refusal):
    """Two people did not release this insurer's package of this incident, or that was over an hour ago, or so many were signed already."""

    code = "not-released"


def digest_in(call: SendPackages) -> bytes:
    """What identifies all that would be said, once the call is well formed. Raises BadInput."""
    if call.incident < 1:
        raise BadInput("incident")
    if not call.amcs or len(set(call.amcs)) != len(call.amcs) or call.persons < 0:
        raise BadInput("amcs")
    for amc in call.amcs:
        check_amc_number(amc)
    return _sha256(call.digest)


def digest_of_answers(call: PublishAnswers) -> bytes:
    """What identifies all that would be read, once the call is well formed. Raises BadInput."""
    if call.incident < 1:
        raise BadInput("incident")
    if min(call.houses, call.seats, call.groups) < 0:
        raise BadInput("houses, seats, groups")
    return _sha256(call.digest)


async def release(zone: Zone, c: Connection, call: SendPackages, by: Actor) -> PackagesReleased:
    """From now on, for an hour, the desk may hand over what was proposed. Raises BadInput."""
    digest, now = digest_in(call), zone.clock()
    await _journal(c, now, call, by)
    row = await store.release(
        c, call.incident, digest, call.amcs, call.everybody, call.proofs, by.name, now, now + LIFE
    )
    return _told(row)


async def release_answers(zone: Zone, c: Connection, call: PublishAnswers, by: Actor) -> AnswersReleased:
    """From now on the desk may publish what was proposed. Raises BadInput."""
    digest, now = digest_of_answers(call), zone.clock()
    await _journal(c, now, call, by)
    await store.release_answers(c, call.incident, digest, by.name, now, now + LIFE)
    return AnswersReleased(call.incident, call.digest, by.name)


async def let_command(zone: Zone, c: Connection, call: Tells, by: Actor) -> Done:
    """Nobody at the desk has to approve it: the command does it, and this is its line. No release, which the desk's host could use.

    Raises BadInput.
    """
    _digest(call)
    await _journal(c, zone.clock(), call, by)
    return Done()


async def asked_again(zone: Zone, c: Connection, call: Tells) -> PackagesReleased | AnswersReleased | bool:
    """What two people released, if it is exactly this; else whether they released something else. Raises BadInput."""
    digest, now = _digest(call), zone.clock()
    if isinstance(call, PublishAnswers):
        row = await store.answers_standing(c, call.incident, now)
        if row is None or row["digest"] != digest:
            return row is not None
        return AnswersReleased(call.incident, call.digest, row["by"])
    row = await store.standing(c, call.incident, now)
    if row is None:
        return False
    # Those who have theirs by now are not asked for again.
    same = (row["digest"], row["everybody"], row["proofs"]) == (digest, call.everybody, call.proofs)
    return _told(row) if same and {*call.amcs} <= {*row["amcs"]} else True


async def standing(c: Connection, incident: int, now: int) -> PackagesReleased:
    """The release that stands. Raises NotReleased."""
    row = await store.standing(c, incident, now)
    if row is None:
        raise NotReleased
    return _told(row)


async def state_released(zone: Zone, c: Connection, call: StateReleased, _by: Actor) -> Stated:
    """The platform's word of a package that was released, under the names of both. Raises NotReleased, BadInput, NotThere."""
    row = await store.use_signature(c, call.statement.incident, call.statement.amc, zone.clock(), EACH)
    if row is None:
        raise NotReleased
    return await incidents.state_package(zone, c, StatePackage(call.statement), Actor(row["by"]))


async def tell_released(zone: Zone, c: Connection, call: TellReleased, _by: Actor) -> Done:
    """The people of an insurer's seat are told that a released package is there. Raises NotReleased, NotThere (it has no seat)."""
    row = await store.use_notice(c, call.incident, call.amc, zone.clock(), EACH)
    if row is None:
        raise NotReleased
    said = TellInsurer(call.amc, Audited.INCIDENT_PACKAGE, f"incident {call.incident}")
    return await incidents.tell_insurer(zone, c, said, Actor(row["by"]))


async def remind(zone: Zone, c: Connection, incident: int, amcs: list[str], by: Actor) -> Reminded:
    """Tell the people of these insurers' seats that a package waits for them. Raises BadInput."""
    told: list[str] = []
    silent: list[str] = []
    for amc in dict.fromkeys(map(check_amc_number, amcs)):
        said = TellInsurer(amc, Audited.INCIDENT_REMIND, f"incident {incident}")
        try:
            await incidents.tell_insurer(zone, c, said, by)
        except NotThere:
            silent.append(amc)
        else:
            told.append(amc)
    return Reminded(incident, told, silent, by.name)


def _digest(call: Tells) -> bytes:
    return digest_in(call) if isinstance(call, SendPackages) else digest_of_answers(call)


async def _journal(c: Connection, now: int, call: Tells, by: Actor) -> None:
    if isinstance(call, SendPackages):
        act, what = Audited.INCIDENT_RELEASE, f"{len(call.amcs)} packages"
    else:
        act, what = Audited.INCIDENT_PUBLISH, f"{call.houses} houses {call.seats} seats {call.groups} groups"
    await journal(c, now, by.name, act, str(call.incident), f"{what} {call.digest[:16]}")


def _sha256(told: str) -> bytes:
    try:
        digest = bytes.fromhex(told)
    except ValueError:
        raise BadInput("digest") from None
    if len(digest) != 32:
        raise BadInput("digest")
    return digest


def _told(row: Row) -> PackagesReleased:
    return PackagesReleased(
        row["incident"], row["digest"].hex(), list(row["amcs"]), row["everybody"], row["proofs"], row["by"], row["expires"]
    )  # fmt: skip
