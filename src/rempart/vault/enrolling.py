"""What a command makes known once the desk is staffed: two people there approve whom, then the same command, typed again, enrols them once.

Until then nothing stands: a command is one hand, whoever holds it. The names go to schema identity by the command, which is why it is
typed twice; no name comes here. An application to be referenced has an approval of its own (rempart.vault.onboarding).
"""

import msgspec

from rempart.foundation.clock import DAY, paris_date
from rempart.vault import store_accounts, store_enrolling, store_establishments
from rempart.vault.actors import Actor
from rempart.vault.errors import Conflict, NotThere
from rempart.vault.notices import Audited, journal
from rempart.vault.sessions import read_id
from rempart.vault.store_accounts import Connection
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import (
    ApproveEnrolment,
    Done,
    EnrolEstablishment,
    EnrolGroup,
    EnrolInsurersSeat,
    EnrolProfessional,
)
from rempart.vaultdoor.seats import NEVER, Life

Enrols = EnrolEstablishment | EnrolGroup | EnrolInsurersSeat | EnrolProfessional
"""The commands that make a party, or give somebody a seat."""
LIFE = DAY
"""How long an approval waits for the command to be typed again."""


async def meant_by(c: Connection, call: Enrols) -> ApproveEnrolment:
    """Whom the command makes known, as a second person can check it: FINESS, n° AMC and labels in the place of ids.

    Raises BadInput, NotThere.
    """
    match call:
        case EnrolGroup():
            return ApproveEnrolment("group", group=" ".join(call.label.split()))
        case EnrolInsurersSeat():
            return ApproveEnrolment("insurer-seat", amc=call.amc, login=_login(call.login))
        case EnrolEstablishment():
            label = await _label(c, call.group)
            return ApproveEnrolment(
                "establishment", finess=call.finess, amc=call.amc, profession=call.profession, group=label
            )
        case EnrolProfessional():
            finess, amc, works = await _place(c, call.establishment)
            return ApproveEnrolment(
                "seat", finess=finess, amc=amc, group=await _label(c, call.group), login=_login(call.login), role=call.role, works=works
            )  # fmt: skip


async def approve(zone: Zone, c: Connection, call: ApproveEnrolment, by: Actor) -> Done:
    """The command may be typed again, once, within a day. Raises Conflict (approved already)."""
    now = zone.clock()
    if not await store_enrolling.approve(c, _text(call), now, by.name, now - LIFE):
        raise Conflict("enrolment")
    whom = call.finess or call.amc or call.group
    await journal(c, now, by.name, Audited.ENROLMENT_APPROVE, whom, f"{call.what} {call.login}".strip())
    return Done()


async def use_up(zone: Zone, c: Connection, call: ApproveEnrolment) -> Actor | None:
    """Those who approved exactly this, if they did and it was not used; it is used from now on."""
    now = zone.clock()
    by = await store_enrolling.use_up(c, _text(call), now, now - LIFE)
    return None if by is None else Actor(by)


def _text(call: ApproveEnrolment) -> str:
    return msgspec.json.encode(call).decode()


def _login(text: str) -> str:
    # Whether it is one is seen when it is tried.
    return text.strip().lower()


async def _place(c: Connection, text: str) -> tuple[str, str, str]:
    if not text:
        return "", "", ""
    seat = read_id(text)
    row, life = await store_accounts.establishment(c, seat), await store_establishments.seat(c, seat)
    if row is None or life is None:
        raise NotThere("establishment")
    return row["finess"] or "", row["amc"] or "", _works(Life.of(life))


def _works(life: Life) -> str:
    """A FINESS that was sold is two seats': nobody approves one for the other."""
    opens = paris_date(life.opens).isoformat() if life.opens else ""
    closes = paris_date(life.closes).isoformat() if life.closes != NEVER else ""
    return f"{opens}/{closes}" if opens or closes else ""


async def _label(c: Connection, text: str) -> str:
    if not text:
        return ""
    label = await store_enrolling.label_of(c, read_id(text))
    if label is None:
        raise NotThere("group")
    return label
