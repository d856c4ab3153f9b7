"""The operator's own people: accounts of one seat, known by passkey alone, worth something at the desk alone (docs/desk.md).

An operator's account is nobody else's: a login that is known is not enrolled, and an operator is given no other seat.
"""

import uuid

from rempart.foundation.errors import BadInput
from rempart.foundation.vocabulary import OPERATORS_ROLES, Profession, Role
from rempart.vault import proposals, store_desk
from rempart.vault import store_accounts as store
from rempart.vault.actors import Actor
from rempart.vault.errors import Conflict, NotThere
from rempart.vault.members import check_login, issue
from rempart.vault.notices import Audited, announce, journal
from rempart.vault.store_accounts import Connection
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import (
    Done,
    Enrolled,
    EnrolOperator,
    ListOperators,
    Operators,
    OperatorView,
    SuspendOperator,
)

FEWEST = 2
"""From so many people on who may do a thing at the desk, a command is one hand among them: what takes two is approved there."""


async def enrol(zone: Zone, c: Connection, call: EnrolOperator, by: Actor) -> Enrolled:
    """A seat at the desk, and the code that activates it there; for an operator who is known, another role or a lost passkey made good.

    Raises BadInput, Conflict (the login is a professional's, or suspended).
    """
    login, now = check_login(call.login), zone.clock()
    if call.role not in OPERATORS_ROLES:
        raise BadInput("role")
    known = await store.account_by_login(c, login)
    if known is not None:
        if known["status"] == "suspended" or not await store_desk.is_operator(c, known["id"]):
            raise Conflict("login")
        # A session of another role than its seat's is over at once (store_accounts.session).
        await store_desk.set_role(c, known["id"], call.role)
        await proposals.withdraw_all(c, known["id"], now, by.name)
        account = known["id"]
    else:
        account = await store.add_account(c, login, now)
        if account is None:
            raise Conflict("login")
        await store.add_membership(c, account, await _seat(c), None, call.role, now)
    await journal(c, now, by.name, Audited.OPERATOR_ENROL, login, call.role)
    return Enrolled(str(account), await issue(zone, c, account, "activation", now))


async def suspend(zone: Zone, c: Connection, call: SuspendOperator, by: Actor) -> Done:
    """Sessions, devices and codes of an operator fall at once; reopening brings none back.

    Raises NotThere (no operator), Conflict (is so already).
    """
    row = await store.account_by_login(c, call.login.strip().lower())
    if row is None or not await store_desk.is_operator(c, row["id"]):
        raise NotThere("login")
    if (row["status"] == "suspended") == call.suspended:
        raise Conflict("login")
    await store.unbind_all(c, row["id"])
    await store.drop_codes(c, row["id"], "activation")
    await proposals.withdraw_all(c, row["id"], zone.clock(), by.name)
    status = (
        "suspended" if call.suspended else "active" if await store.can_sign_in(c, row["id"]) else "invited"
    )
    await store.set_account_status(c, row["id"], status)
    act = Audited.ACCOUNT_SUSPEND if call.suspended else Audited.ACCOUNT_REOPEN
    await announce(c, zone.clock(), row["id"], row["login"], act, by=by.name)
    return Done()


async def list_all(_zone: Zone, c: Connection, _call: ListOperators, _by: Actor) -> Operators:
    """Who has a seat at the desk."""
    rows = await store_desk.operators(c)
    return Operators([OperatorView(row["login"], row["role"], row["status"], row["added"]) for row in rows])


async def are_staffed(c: Connection, roles: frozenset[Role]) -> bool:
    """Are there two people at the desk who may approve this? One alone who loses a passkey would leave nobody."""
    active = [
        row for row in await store_desk.operators(c) if row["status"] == "active" and row["role"] in roles
    ]
    return len(active) >= FEWEST


async def _seat(c: Connection) -> uuid.UUID:
    seat = await store_desk.operators_seat(c)
    if seat is None:
        seat = await store.add_establishment(c, None, Profession.OPERATOR, None)
    # Two enrolments at once: the other's seat is there now.
    seat = seat or await store_desk.operators_seat(c)
    assert seat is not None
    return seat
