"""Référencement in the vault: an application is approved by two people, then enrolled once, as it was approved. No name comes here."""

import re
import uuid

from rempart.foundation.clock import DAY, HOUR
from rempart.foundation.errors import BadInput, Refusal
from rempart.foundation.identifiers import check_finess
from rempart.foundation.vocabulary import Profession
from rempart.vault import store_onboarding as store
from rempart.vault.actors import Actor
from rempart.vault.asked import Speaker
from rempart.vault.errors import Conflict
from rempart.vault.members import check_login
from rempart.vault.notices import Audited, journal
from rempart.vault.sessions import read_id
from rempart.vault.store_accounts import Connection
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import (
    ApproveApplication,
    Call,
    ClearDossiers,
    Done,
    EnrolApplication,
    RefuseApplication,
)

LIFE = 30 * DAY
"""How long an approval waits to be enrolled."""
AGAIN = HOUR
"""How long the desk may ask for a letter's code again, after a crash between the vault's yes and its own."""
READ = DAY
"""How long whoever opened a dossier may propose it without opening it again."""
MOST_CLEARED = 200
"""Dossiers cleared by one call: as many as a page of the desk shows."""
_CODE = re.compile(r"[a-z-]{3,40}")


class DossierUnread(Refusal):
    """Two people mean the same dossier once each has opened it, and names its digest."""

    code = "dossier-unread"


class ApprovalOver(Refusal):
    """No approval stands of exactly this: never given, over after thirty days, used, or void."""

    code = "approval-over"


class NewDoubts(Refusal):
    """Something came up since it was approved, which two people did not look at."""

    code = "doubts"


def digest_in(call: ApproveApplication | EnrolApplication | RefuseApplication) -> bytes:
    """What identifies the application, once all that the call says is well formed. Raises BadInput, BadFiness."""
    check_finess(call.finess)
    if call.login != check_login(call.login):
        raise BadInput("login")
    if call.profession not in set(Profession) - {Profession.OPERATOR, Profession.INSURER}:
        raise BadInput("profession")
    try:
        digest = bytes.fromhex(call.digest)
    except ValueError:
        raise BadInput("digest") from None
    if len(digest) != 32:
        raise BadInput("digest")
    return digest


def dossier_in(call: ApproveApplication | EnrolApplication | RefuseApplication) -> uuid.UUID | None:
    """The dossier that it comes from; None for a clerk's file. Raises BadInput."""
    return read_id(call.dossier) if call.dossier else None


def dossiers_in(call: ClearDossiers) -> list[uuid.UUID]:
    """Each once. Raises BadInput."""
    if not 1 <= len(call.dossiers) <= MOST_CLEARED:
        raise BadInput("dossiers")
    return list(dict.fromkeys(map(read_id, call.dossiers)))


async def require_read(c: Connection, call: Call, who: Speaker, now: int, digest: str) -> None:
    """Of a dossier: whoever proposes or approves it has opened it themselves, within the day, and names what they read by its digest.

    Raises BadInput, DossierUnread.
    """
    if not isinstance(call, ApproveApplication):
        return
    dossier = dossier_in(call)
    if dossier is None:
        return
    if digest != call.digest or not await store.has_opened(c, who.login, dossier, now - READ):
        raise DossierUnread


async def approve(zone: Zone, c: Connection, call: ApproveApplication, by: Actor) -> Done:
    """It may be enrolled, once, for thirty days. Raises BadInput, Conflict (approved already)."""
    digest, now = digest_in(call), zone.clock()
    if not await store.approve(
        c, digest, _said(call), dossier_in(call), now, by.name, now - LIFE, call.doubts
    ):
        raise Conflict("digest")
    detail = f"{call.digest[:16]} {call.login}; seen: {' '.join(call.doubts) or 'nothing'}"
    await journal(c, now, by.name, Audited.APPLICATION_APPROVE, call.finess, detail[:300])
    return Done()


async def refuse(zone: Zone, c: Connection, call: RefuseApplication, by: Actor) -> Done:
    """Alone, and at once: to refuse opens nothing. Two people may approve it again. Raises BadInput, Conflict (enrolled)."""
    digest = digest_in(call)
    if not _CODE.fullmatch(call.ground):
        raise BadInput("ground")
    if not await store.void(c, digest, dossier_in(call)):
        raise Conflict("digest")
    # By which of two dossiers that say the same.
    detail = f"{call.digest[:16]} {call.ground} {call.dossier}".strip()
    await journal(c, zone.clock(), by.name, Audited.APPLICATION_REFUSE, call.finess, detail)
    return Done()


async def clear(zone: Zone, c: Connection, call: ClearDossiers, by: Actor) -> Done:
    """Alone, like a refusal: to clear opens nothing. Nothing that two people approved, or may. Raises BadInput, Conflict."""
    now, dossiers = zone.clock(), dossiers_in(call)
    standing = await store.standing_among(c, dossiers, now - LIFE)
    if standing is not None:
        raise Conflict(str(standing))
    for dossier in dossiers:
        await journal(
            c, now, by.name, Audited.DOSSIER_CLEAR, str(dossier), f"with {len(dossiers) - 1} others"
        )
    return Done()


async def redeem(zone: Zone, c: Connection, call: EnrolApplication) -> None:
    """The approval is used up by what was approved, and by nothing else. Raises BadInput, ApprovalOver, NewDoubts."""
    digest, now = digest_in(call), zone.clock()
    seen = await store.use_up(c, digest, _said(call), dossier_in(call), now, now - LIFE)
    if seen is None:
        raise ApprovalOver("digest")
    if set(call.doubts) - seen:
        raise NewDoubts(" ".join(sorted(set(call.doubts) - seen))[:200])


async def is_asked_again(zone: Zone, c: Connection, call: EnrolApplication) -> bool:
    """Was this enrolled from its dossier within the hour, by the very same call, or approved anew within it? Raises BadInput."""
    digest, dossier = digest_in(call), dossier_in(call)
    return dossier is not None and await store.was_enrolled(
        c, digest, _said(call), dossier, zone.clock() - AGAIN
    )


def _said(call: ApproveApplication | EnrolApplication) -> tuple[str, str, str]:
    return call.finess, call.profession, call.login
