"""What one person asked and another has to approve: kept as the very call that will be done, for thirty minutes.

Nobody approves their own, nor from a device that speaks for whoever asked; the proof must be younger than the proposal. A command is
nobody's name: what it asked becomes the proposal of the first person who approves it at the desk, and waits for another.
"""

import base64
import hashlib
import uuid
from typing import Any

import msgspec

from rempart.foundation.clock import MINUTE
from rempart.foundation.errors import Refusal
from rempart.foundation.vocabulary import Role
from rempart.vault import onboarding, sessions, store_desk, store_switches, switchboard
from rempart.vault.asked import Asked, Speaker
from rempart.vault.deeds import DEEDS, GIVES_CODE, effect
from rempart.vault.errors import Forbidden, StepUpNeeded
from rempart.vault.notices import OPERATOR, Audited, journal
from rempart.vault.store_accounts import Connection, Row
from rempart.vault.two_people import TwoPeople
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import (
    ApproveApplication,
    Call,
    Done,
    Effect,
    Proposals,
    ProposalView,
    Proposed,
    ThrowSwitch,
)
from rempart.vaultdoor.party_keys import RAW

LIFE = 30 * MINUTE
"""How long a proposal waits."""


_CALL: msgspec.json.Decoder[Call] = msgspec.json.Decoder(Call)


class OwnProposal(Refusal):
    """Whoever asked, or their device, is not the second person."""

    code = "own-proposal"


class ProposalOver(Refusal):
    """It was done, withdrawn, or its time is over; or there never was one of this number."""

    code = "proposal-over"


async def propose(zone: Zone, c: Connection, call: Call, now: int, who: Speaker | None) -> Proposed:
    """Keep a call until a second person approves it. `who`: None for a command. Raises BadInput, NotThere where it touches nothing."""
    if isinstance(call, ThrowSwitch):
        # What is agreed to is what is done, whatever is thrown or lifted meanwhile.
        call = await switchboard.named_hold(c, call, now)
    counted = msgspec.structs.replace(await effect(zone, c, call), party=await _party(zone, c, call))
    login, expires = (who.login if who else OPERATOR), now + LIFE
    number = await store_desk.propose(
        c,
        msgspec.json.encode(call).decode(),
        msgspec.json.encode(counted).decode(),
        login,
        now,
        expires,
        account=who.account if who else None,
        device=who.device if who else None,
    )
    await journal(c, now, login, Audited.PROPOSAL_MAKE, str(number), told(call))
    return Proposed(number, expires)


async def propose_once(zone: Zone, c: Connection, call: Call, now: int) -> Proposed:
    """A command's, which may be typed again before it is approved: what waits already is not proposed beside itself."""
    for row in await store_desk.open_proposals(c, now):
        if read(row) == call and not await _is_void(c, row, now):
            return Proposed(row["id"], row["expires"])
    return await propose(zone, c, call, now, None)


async def redeem(
    asked: Asked, c: Connection, number: int, digest: str = ""
) -> tuple[Call, TwoPeople] | Proposed:
    """The call of an open proposal, approved by this second person: to be done now, in this transaction, or not at all.

    A command's waits on, as this person's: whoever typed it may be they, and one person with a shell and a seat is one.
    `digest`: what this person read, where a dossier is proposed. Raises ProposalOver, OwnProposal, Forbidden (a role that may not do it),
    StepUpNeeded (no proof since it was made), DossierUnread.
    """
    row = await store_desk.open_proposal(c, number, asked.at)
    if row is None or await _is_void(c, row, asked.at):
        raise ProposalOver
    call, who = read(row), asked.who
    if who.role not in DEEDS[type(call)].roles:
        raise Forbidden("role")
    await _require_somebody_else(c, row, who)
    sessions.require_proof(who, asked.at)
    if who.proven < row["at"]:
        raise StepUpNeeded
    # A FINESS that was sold meanwhile is somebody else's: what was agreed to about the one is not done to the other.
    if _effect(row).party != await _party(asked.zone, c, call):
        raise ProposalOver
    await onboarding.require_read(c, call, who, asked.at, digest)
    await journal(c, asked.at, who.login, Audited.PROPOSAL_APPROVE, str(number), told(call))
    if row["account"] is None:
        await store_desk.make_own(c, number, who.account, who.device, f"{row['login']} {who.login}")
        return Proposed(number, row["expires"])
    await store_desk.decide(c, number, "done", asked.at, who.login)
    return call, TwoPeople(told(call), (row["login"], who.login))


async def withdraw(c: Connection, number: int, now: int, who: Speaker | None) -> Done:
    """By whoever made it. Raises ProposalOver, Forbidden (somebody else's)."""
    row = await store_desk.open_proposal(c, number, now)
    if row is None:
        raise ProposalOver
    if row["account"] != (who.account if who else None):
        raise Forbidden("proposal")
    by = who.login if who else OPERATOR
    await store_desk.decide(c, number, "withdrawn", now, by)
    await journal(c, now, by, Audited.PROPOSAL_WITHDRAW, str(number), told(read(row)))
    return Done()


async def withdraw_all(c: Connection, account: uuid.UUID, now: int, by: str) -> None:
    """What an operator proposed before a new role, a new code or a suspension is not theirs any more."""
    for number in await store_desk.proposals_of(c, account, now):
        await store_desk.decide(c, number, "withdrawn", now, by)
        await journal(c, now, by, Audited.PROPOSAL_WITHDRAW, str(number))


async def withdraw_dossiers(c: Connection, dossier: uuid.UUID, now: int, by: str) -> None:
    """A dossier that is refused waits for nobody's approval: given later, it would stand. An approval under way is waited for."""
    for row in await store_desk.open_proposals(c, now):
        call = read(row)
        if not isinstance(call, ApproveApplication) or onboarding.dossier_in(call) != dossier:
            continue
        if await store_desk.open_proposal(c, row["id"], now) is not None:
            await store_desk.decide(c, row["id"], "withdrawn", now, by)
            await journal(c, now, by, Audited.PROPOSAL_WITHDRAW, str(row["id"]), told(call))


async def dossiers_that_wait(c: Connection, now: int) -> set[uuid.UUID]:
    """Those that somebody proposed."""
    calls = [read(row) for row in await store_desk.open_proposals(c, now)]
    found = {onboarding.dossier_in(call) for call in calls if isinstance(call, ApproveApplication)}
    return {each for each in found if each is not None}


async def waiting(zone: Zone, c: Connection, who: Speaker | None) -> Proposals:
    """What waits, each with whom it touched when it was proposed: counting everybody again and again would cost the platform dear."""
    now, views = zone.clock(), []
    for row in await store_desk.open_proposals(c, now):
        if await _is_void(c, row, now):
            continue
        own = row["account"] == (who.account if who else None)
        may = who is not None and not own and Role(who.role) in DEEDS[type(read(row))].roles
        views.append(_view(row, own=own, may=may))
    if who is not None:
        done = await store_desk.done_proposals(c, who.account, now - LIFE)
        given = [row for row in done if isinstance(read(row), GIVES_CODE)]
        views.extend(_view(row, own=True, may=False, half=True) for row in given)
    return Proposals(views)


def _view(row: Row, *, own: bool, may: bool, half: bool = False) -> ProposalView:
    call, counted = read(row), msgspec.structs.replace(_effect(row), party="")
    return ProposalView(
        row["id"], type(call).__name__, _fields(call), row["login"], row["at"], row["expires"], own, may, counted, half
    )  # fmt: skip


def read(row: Row) -> Call:
    """The call that a row keeps."""
    return _CALL.decode(row["call"])


def _effect(row: Row) -> Effect:
    return msgspec.json.decode(row["effect"], type=Effect)


async def _party(zone: Zone, c: Connection, call: Call) -> str:
    """Whom the call names, now. Raises BadInput, NotThere."""
    return " ".join(await DEEDS[type(call)].reach(zone, c, call)).strip()


def told(call: Call) -> str:
    """A call in a line of the journal: its name and fields."""
    return f"{type(call).__name__} {' '.join(f'{name}={value}' for name, value in _fields(call).items())}"[
        :400
    ]


def _fields(call: Call) -> dict[str, str]:
    """All that is said in it, as text: a zero and a silence are said too. Nothing that is proposed has been signed for."""
    return {
        name: _text(value) for name, value in msgspec.structs.asdict(call).items() if name != "signatures"
    }


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        if len(value) <= RAW:
            # As it stands on the insurer's own paper.
            return base64.b64encode(value).decode()
        return f"SHA-256 {hashlib.sha256(value).hexdigest()}"
    return ", ".join(value) if isinstance(value, list) else str(value)


async def _is_void(c: Connection, row: Row, now: int) -> bool:
    """Is whoever proposed contained, or may they no longer do it? What a thief proposed in their name must not be approved by mistake."""
    if row["account"] is None:
        return False
    if row["role"] not in DEEDS[type(read(row))].roles:
        return True
    scopes = (("account", str(row["account"])), ("device", str(row["device"])))
    return bool(await store_switches.holds_on(c, now, scopes))


async def _require_somebody_else(c: Connection, row: Row, who: Speaker) -> None:
    """Another account, on a device that speaks for none but its own: two accounts on one machine are one person's. Raises OwnProposal."""
    if row["account"] is None:
        return
    if row["account"] == who.account or row["device"] == who.device:
        raise OwnProposal
    shared = await store_desk.is_bound(c, row["account"], who.device) or await store_desk.is_bound(
        c, who.account, row["device"]
    )
    if shared:
        raise OwnProposal
