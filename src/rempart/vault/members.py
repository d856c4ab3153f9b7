"""Who works where. A titulaire invites and removes people of their establishment, a group's administrator in all of its establishments.

Whoever is invited gets a one-time code, by hand, from the person who invites: a new login activates its account with it, an existing one
joins with it. The reply is the same for both, and nobody who took a login beforehand gets in by it. Whoever may invite can still learn
whether a login exists, by trying the code: `/acts/activation/begin` takes one of a new login only. Authority is read from the memberships
in the act's own transaction, never from the session.
"""

import re
import uuid
from typing import Literal

from rempart.foundation.clock import DAY
from rempart.foundation.errors import BadInput
from rempart.foundation.logs import redact
from rempart.vault import store_accounts as store
from rempart.vault import store_establishments
from rempart.vault.asked import Asked, Body, Short
from rempart.vault.attempts import count_invitation
from rempart.vault.errors import ActivationRefused, Conflict, Forbidden, NotThere
from rempart.vault.establishments import life_of
from rempart.vault.notices import Audited, announce, journal
from rempart.vault.recovery import CODE_LIFE, code_hash, new_code
from rempart.vault.sessions import places_of, read_id, signed_in
from rempart.vault.store_accounts import Connection, Row
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import Done, Enrolled, Members, MemberView, SeatLife, SignedIn
from rempart.vaultdoor.seats import Standing

UNDO = DAY
"""A removal is undone without a new code for so long."""
RESERVED = frozenset(
    {"operator", "sentinel", "vault", "cashier", "sealer", "worker", "supervisor", "witness", "door", "desk"}
)
"""Names of processes and of the command line, as the journal writes them: nobody's login."""
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{2,63}", re.ASCII)


def check_login(text: str) -> str:
    """A login in its one form: 3 to 64 small letters, digits and . _ @ -.

    Raises BadInput; so is refused what looks like a NIR, and what the journal calls a process by.
    """
    login = text.strip().lower()
    if _LOGIN.fullmatch(login) is None or redact(login) != login or login in RESERVED:
        raise BadInput("login")
    return login


# ── seeing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class PlaceBody(Body, frozen=True):
    """`establishment`: "" for the current one."""

    establishment: Short


async def see(asked: Asked, c: Connection, body: PlaceBody) -> Members:
    """Who works in an establishment where I work or which I manage. Raises Forbidden for any other."""
    who = asked.who
    places = await places_of(c, who.account)
    wanted = read_id(body.establishment) if body.establishment else who.establishment
    others = [str(place) for place in places]
    if wanted is None:
        return Members("", "", "", who.role, [], others)
    found = await store.establishment(c, wanted)
    if wanted not in places or found is None:
        raise Forbidden("establishment")
    return Members(
        establishment=str(wanted),
        finess=found["finess"] or "",
        amc=found["amc"] or "",
        profession=found["profession"],
        role=await _role_in(c, who.account, wanted),
        members=[_view(row, wanted) for row in await store.members(c, wanted, asked.at)],
        establishments=others,
        life=await _life_of(c, wanted, asked.at),
    )


async def _life_of(c: Connection, establishment: uuid.UUID, now: int) -> SeatLife | None:
    """Its dates, where people have to know of any."""
    row = await store_establishments.seat(c, establishment)
    life = life_of(row, now) if row is not None else SeatLife(Standing.OPEN)
    return life if life.closes or life.standing != Standing.OPEN else None


async def _role_in(c: Connection, account: uuid.UUID, establishment: uuid.UUID) -> str:
    seat = await store.membership(c, account, establishment)
    if seat is not None and seat["role"] == "titulaire":
        return "titulaire"
    managed = await store.managed_establishments(c, account)
    return "administrator" if establishment in managed else "employee"


def _view(row: Row, establishment: uuid.UUID) -> MemberView:
    return MemberView(
        str(row["account"]), row["login"], row["role"], row["status"], str(establishment), row["added"]
    )


# ── inviting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class InviteBody(Body, frozen=True):
    """`establishment`: "" for the current one."""

    establishment: Short
    login: Short
    role: Literal["titulaire", "employee"]


async def invite(asked: Asked, c: Connection, body: InviteBody) -> Enrolled:
    """Invite a person; the code to hand over. Raises Forbidden, Conflict (works here already), BadInput (login),
    TooManyInvitations.
    """
    place = await _managed_place(asked, c, body.establishment)
    login = check_login(body.login)
    await count_invitation(asked.zone.keys, c, asked.who.account, asked.at)
    known = await store.account_by_login(c, login)
    account = known["id"] if known is not None else await store.add_account(c, login, asked.at)
    if account is None:
        # Somebody else opened this very account a moment ago.
        raise Conflict("login")
    await _journal_member(asked, c, Audited.MEMBER_INVITE, login, place)
    if known is None:
        await store.add_membership(c, account, place, None, body.role, asked.at)
        return Enrolled(str(account), await issue(asked.zone, c, account, "activation", asked.at))
    if await store.membership(c, account, place) is not None:
        raise Conflict("login")
    if await store.undo_departure(c, account, place, body.role, asked.at - UNDO):
        await store.add_membership(c, account, place, None, body.role, asked.at)
        await _tell_joined(asked, c, account, login, by=asked.who.login)
        return Enrolled(str(account))
    code = await issue(asked.zone, c, account, "membership", asked.at, place=place, role=body.role)
    return Enrolled(str(account), code)


class JoinBody(Body, frozen=True):
    """`code`: handed over by the titulaire or administrator who invited, or by the operator."""

    code: Short


async def join(asked: Asked, c: Connection, body: JoinBody) -> SignedIn:
    """An existing account takes the seat that its code is for, in an establishment or over a group.

    Raises ActivationRefused (not this account's code, used, expired).
    """
    who = asked.who
    hashed = code_hash(asked.zone.keys, "membership", body.code)
    row = await store.code(c, hashed, "membership", asked.at)
    if row is None or row["account"] != who.account or not await store.use_code(c, hashed):
        raise ActivationRefused
    seat = row["establishment"], row["party_group"], row["role"]
    await store.add_membership(c, who.account, *seat, asked.at)
    await _tell_joined(asked, c, who.account, who.login, by=who.login)
    return await signed_in(
        c,
        token=asked.token,
        account=who.account,
        login=who.login,
        establishment=who.establishment,
        role=who.role,
        assurance=who.assurance,
        expires=who.expires,
    )


class RenewBody(Body, frozen=True):
    """`account`: somebody invited."""

    account: Short


async def renew(asked: Asked, c: Connection, body: RenewBody) -> Enrolled:
    """A new code for somebody invited; the former one is void.

    Raises Forbidden for people of other establishments, Conflict for somebody active here (who lost all factors goes to the operator).
    An account that also works elsewhere is not activated by a code from here.
    """
    managed = await store.managed_establishments(c, asked.who.account)
    account = read_id(body.account)
    row = await store.account(c, account)
    if row is None:
        raise Forbidden("account")
    seats = [m["establishment"] for m in await store.memberships(c, account)]
    invitations = [i for i in await store.invitations(c, account) if i["establishment"] in managed]
    if invitations:
        latest = invitations[0]
        code = await issue(
            asked.zone,
            c,
            account,
            "membership",
            asked.at,
            place=latest["establishment"],
            role=latest["role"],
        )
    elif row["status"] == "invited" and seats and all(seat in managed for seat in seats):
        code = await issue(asked.zone, c, account, "activation", asked.at)
    elif any(seat in managed for seat in seats):
        raise Conflict("account")
    else:
        raise Forbidden("account")
    await journal(c, asked.at, asked.who.login, Audited.CODE_ISSUE, row["login"], "invitation")
    return Enrolled(str(account), code)


async def issue(
    zone: Zone,
    c: Connection,
    account: uuid.UUID,
    purpose: str,
    now: int,
    *,
    place: uuid.UUID | None = None,
    group: uuid.UUID | None = None,
    role: str | None = None,
    code: str = "",
) -> str:
    """A new one-time code, shown once; the former of the same purpose is void. `purpose`: activation, device or membership.

    `code`: one made otherwise (rempart.vault.halves).
    """
    code = code or new_code()
    hashed = code_hash(zone.keys, purpose, code)
    await store.issue_code(
        c, hashed, account, purpose, now, now + CODE_LIFE, establishment_id=place, group=group, role=role
    )
    return code


# ── removing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class RemoveBody(Body, frozen=True):
    """`establishment`: "" for the current one."""

    establishment: Short
    account: Short


async def remove(asked: Asked, c: Connection, body: RemoveBody) -> Done:
    """Remove a person from an establishment: their sessions there end at once. Raises Forbidden (elsewhere, or oneself), NotThere."""
    place = await _managed_place(asked, c, body.establishment)
    account = read_id(body.account)
    if account == asked.who.account:
        raise Forbidden("oneself")
    row = await store.account(c, account)
    if row is None:
        raise NotThere("account")
    role = await store.end_membership(c, account, place, asked.at)
    invited = await store.drop_invitation(c, account, place)
    if role is None and not invited:
        raise NotThere("account")
    await store.close_sessions_at(c, account, place)
    if row["status"] == "invited" and not await store.memberships(c, account):
        await store.drop_codes(c, account, "activation")
    await store.add_notice(c, account, asked.at, Audited.MEMBER_REMOVE, "", None)
    await _journal_member(asked, c, Audited.MEMBER_REMOVE, row["login"], place)
    return Done()


async def _managed_place(asked: Asked, c: Connection, establishment: str) -> uuid.UUID:
    """The establishment of the body, or the current one, if this account manages it. Raises Forbidden."""
    place = read_id(establishment) if establishment else asked.who.establishment
    if place is None or place not in await store.managed_establishments(c, asked.who.account):
        raise Forbidden("establishment")
    return place


async def _tell_joined(asked: Asked, c: Connection, account: uuid.UUID, login: str, *, by: str) -> None:
    device = asked.who.device if account == asked.who.account else None
    await announce(c, asked.at, account, login, Audited.MEMBER_JOIN, by=by, device=device)


async def _journal_member(asked: Asked, c: Connection, act: Audited, login: str, place: uuid.UUID) -> None:
    found = await store.establishment(c, place)
    await journal(
        c, asked.at, asked.who.login, act, login, (found["finess"] or found["amc"]) if found else ""
    )
