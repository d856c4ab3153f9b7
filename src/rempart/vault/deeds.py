"""What operators do: by call, which roles may, whether it takes a second person, whether a fresh proof. One closed table, for the desk and
for the command line.

Whoever closes one party acts at once, alone, and is asked for nothing: that is the direction in which a mistake costs an hour. What opens
again, destroys, or holds many needs a factor just used; what is wide, and what makes or unmakes an operator, a second person too.
"""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from rempart.foundation.vocabulary import OPERATORS_ROLES, Role
from rempart.vault import (
    campaigns,
    counting,
    establishments,
    insurers,
    onboarding,
    profiles,
    releases,
    store_desk,
)
from rempart.vault import store_accounts as store
from rempart.vault.errors import NotThere
from rempart.vault.store_accounts import Connection
from rempart.vault.switches import switch_key
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import (
    ApproveApplication,
    ApproveEnrolment,
    Call,
    ClearDossiers,
    DepartEstablishment,
    Effect,
    EndCampaign,
    EnrolApplication,
    EnrolOperator,
    IssueCode,
    PublishAnswers,
    RefuseApplication,
    RegisterEditor,
    RegisterInsurer,
    ResumeEstablishment,
    SendPackages,
    SetBreaker,
    SetProfile,
    SetVitale,
    StartCampaign,
    StayEstablishment,
    SuspendAccount,
    SuspendEditor,
    SuspendEstablishment,
    SuspendOperator,
    ThrowSwitch,
    WidenLine,
)

NARROW = frozenset({"device", "account", "establishment", "editor"})
"""Scopes that one person may hold alone: a party, and nobody else."""
ONE_PARTY = NARROW - {"editor"}
"""Those that one person may hold by a session alone: an editor is everybody who works with it."""
WITHOUT_PROOF = 20
"""Closures an hour by one operator, beyond which even these ask for a factor: a live session is not the person."""
ALONE = frozenset({"known-only", "step-up"})
"""Holds that one person may throw on many: they are still served, or asked to confirm."""
ALONE_UNITS = 120
"""What one person may add to a line in all, as long as it counts (32 days)."""
EVERYBODY = OPERATORS_ROLES
ON_DUTY = frozenset({Role.DUTY_OFFICER, Role.SECURITY_LEAD})
CALLED_BACK = ON_DUTY | {Role.ONBOARDING_CLERK}
LEAD = frozenset({Role.SECURITY_LEAD})
CLERKS = LEAD | {Role.ONBOARDING_CLERK}
"""Those who enrol and refuse."""
TELLING = ON_DUTY | {Role.DPO}
"""Who may count an incident, and tell of it."""


@dataclass(frozen=True)
class Deed:
    """One kind of call. `second`: does this one take two people; `proof`: does it need a factor just used."""

    roles: frozenset[Role]
    second: Callable[[Zone, Connection, Any], Awaitable[bool]]
    proof: Callable[[Any], bool]
    reach: Callable[[Zone, Connection, Any], Awaitable[tuple[str, str]]]
    """The (scope, key) whose people it touches. Raises BadInput or NotThere where there is none: a dry run says so too."""
    said: Callable[[Any], dict[str, int]] = lambda _call: {}
    """Figures of the effect that the call itself says: the vault cannot count them."""


async def effect(zone: Zone, c: Connection, call: Call) -> Effect:
    """What the call would do, counted within the minute. Raises BadInput, NotThere, CountUnderWay."""
    deed = DEEDS[type(call)]
    scope, key = await deed.reach(zone, c, call)
    reached = await counting.reach(zone, c, scope, key)
    asked = Effect(second=await deed.second(zone, c, call))
    return msgspec.structs.replace(asked, **(reached | deed.said(call)))


async def _alone(_zone: Zone, _c: Connection, _call: Call) -> bool:
    return False


async def _together(_zone: Zone, _c: Connection, _call: Call) -> bool:
    return True


async def _if_wide(_zone: Zone, _c: Connection, call: ThrowSwitch) -> bool:
    # Two people's signed notes are two people, and are checked when it is done.
    return call.scope not in NARROW and call.hold not in ALONE and not call.signatures


async def _if_long(_zone: Zone, c: Connection, call: WidenLine) -> bool:
    # With what was given before: a hundred units a day, every day, are many.
    if call.units > ALONE_UNITS or call.scope not in NARROW:
        return True
    key = uuid.UUID(await switch_key(c, call.scope, call.key))
    _, given = await store.widened_by_operator(c, key, 0)
    return given + call.units > ALONE_UNITS


async def _if_in_place(_zone: Zone, _c: Connection, call: RegisterEditor) -> bool:
    # Another key in the place of the one known speaks for every installation at once.
    return call.replace


async def _if_new(_zone: Zone, c: Connection, call: RegisterInsurer) -> bool:
    # Known as it is said, nothing is done.
    return await insurers.require_same(c, call) is None


async def _if_afresh(_zone: Zone, _c: Connection, call: IssueCode) -> bool:
    # Whoever holds it becomes the account's holder, and its factors are void.
    return call.purpose == "activation"


async def _if_wider(_zone: Zone, c: Connection, call: SetProfile) -> bool:
    # An editor's or an insurer's holds many; to be stricter with one establishment is a mistake of an hour.
    return call.scope != "establishment" or await profiles.widens(c, call)


async def _if_many(_zone: Zone, c: Connection, call: StartCampaign | EndCampaign) -> bool:
    return await campaigns.takes_two(c, call)


async def _of_switch(_zone: Zone, c: Connection, call: ThrowSwitch) -> tuple[str, str]:
    return call.scope, await switch_key(c, call.scope, call.key)


async def _of_line(_zone: Zone, c: Connection, call: WidenLine) -> tuple[str, str]:
    return call.scope, await switch_key(c, call.scope, call.key)


async def _of_breaker(_zone: Zone, c: Connection, call: SetBreaker) -> tuple[str, str]:
    return call.scope, await switch_key(c, call.scope, call.key)


async def _of_new_insurer(_zone: Zone, c: Connection, call: RegisterInsurer) -> tuple[str, str]:
    await insurers.require_same(c, call)
    return "", ""


async def _of_insurer(_zone: Zone, c: Connection, call: SetVitale) -> tuple[str, str]:
    return "insurer", str(await insurers.number_of(c, call))


async def _of_application(
    _zone: Zone, _c: Connection, call: ApproveApplication | EnrolApplication | RefuseApplication
) -> tuple[str, str]:
    onboarding.digest_in(call)
    return "", ""


async def _of_dossiers(_zone: Zone, _c: Connection, call: ClearDossiers) -> tuple[str, str]:
    onboarding.dossiers_in(call)
    return "", ""


async def _of_profile(_zone: Zone, c: Connection, call: SetProfile) -> tuple[str, str]:
    key, former = await profiles.read(c, call.scope, call.key)
    profiles.changed(former, call)
    return call.scope, key


async def _of_account(_zone: Zone, c: Connection, call: SuspendAccount | IssueCode) -> tuple[str, str]:
    row = await store.account_by_login(c, call.login.strip().lower())
    if row is None or await store_desk.is_operator(c, row["id"]):
        raise NotThere("login")
    return "account", str(row["id"])


async def _of_operator(_zone: Zone, c: Connection, call: SuspendOperator) -> tuple[str, str]:
    row = await store.account_by_login(c, call.login.strip().lower())
    if row is None or not await store_desk.is_operator(c, row["id"]):
        raise NotThere("login")
    return "account", str(row["id"])


async def _of_editor(_zone: Zone, c: Connection, call: SuspendEditor | RegisterEditor) -> tuple[str, str]:
    if isinstance(call, RegisterEditor) and not call.replace:
        return "", ""
    return "editor", await switch_key(c, "editor", call.name)


async def _of_nobody(_zone: Zone, _c: Connection, _call: EnrolOperator | ApproveEnrolment) -> tuple[str, str]:
    return "", ""


async def _of_packages(_zone: Zone, _c: Connection, call: SendPackages) -> tuple[str, str]:
    releases.digest_in(call)
    return "", ""


async def _of_answers(_zone: Zone, _c: Connection, call: PublishAnswers) -> tuple[str, str]:
    releases.digest_of_answers(call)
    return "", ""


def _houses_told(call: PublishAnswers) -> dict[str, int]:
    return {"establishments": call.houses, "insurers": call.seats}


def _insurers_told(call: SendPackages) -> dict[str, int]:
    return {"insurers": len(call.amcs)}


async def _of_seat(zone: Zone, c: Connection, call: establishments.EstablishmentCall) -> tuple[str, str]:
    return "establishment", str((await establishments.seat_of(c, call, zone.clock()))["id"])


def _always(_call: Call) -> bool:
    return True


GIVES_CODE = (EnrolOperator, IssueCode)
"""What two people agree to and whose code is worth an account: each is shown one half (rempart.vault.halves)."""
DEEDS: dict[type, Deed] = {
    ThrowSwitch: Deed(ON_DUTY, _if_wide, lambda call: not call.on or call.scope not in ONE_PARTY, _of_switch),
    SuspendAccount: Deed(ON_DUTY, _alone, _always, _of_account),
    SuspendEstablishment: Deed(CALLED_BACK, establishments.takes_two, _always, _of_seat),
    ResumeEstablishment: Deed(CALLED_BACK, _alone, _always, _of_seat),
    DepartEstablishment: Deed(CALLED_BACK, establishments.takes_two, _always, _of_seat),
    StayEstablishment: Deed(CALLED_BACK, establishments.takes_two, _always, _of_seat),
    IssueCode: Deed(CALLED_BACK, _if_afresh, _always, _of_account),
    WidenLine: Deed(CALLED_BACK, _if_long, _always, _of_line),
    SetBreaker: Deed(ON_DUTY, _together, _always, _of_breaker),
    SuspendEditor: Deed(ON_DUTY, _together, _always, _of_editor),
    RegisterEditor: Deed(CALLED_BACK, _if_in_place, _always, _of_editor),
    # An insurer's key speaks for all its members, and its lane is theirs.
    RegisterInsurer: Deed(CALLED_BACK, _if_new, _always, _of_new_insurer),
    SetVitale: Deed(CALLED_BACK, _together, _always, _of_insurer),
    SetProfile: Deed(CALLED_BACK, _if_wider, _always, _of_profile),
    ApproveApplication: Deed(CALLED_BACK, _together, _always, _of_application),
    EnrolApplication: Deed(CLERKS, _alone, _always, _of_application),
    # One by one they are refused by one person: many at once, of those that nobody opened.
    ClearDossiers: Deed(CLERKS, _alone, _always, _of_dossiers),
    RefuseApplication: Deed(CLERKS, _alone, _always, _of_application),
    ApproveEnrolment: Deed(CALLED_BACK, _together, _always, _of_nobody),
    EnrolOperator: Deed(LEAD, _together, _always, _of_nobody),
    SuspendOperator: Deed(LEAD, _together, _always, _of_operator),
    StartCampaign: Deed(ON_DUTY, _if_many, _always, campaigns.reach),
    # What leaves for insurers comes back from none of them.
    SendPackages: Deed(TELLING, _together, _always, _of_packages, _insurers_told),
    # What every professional read cannot be unread.
    PublishAnswers: Deed(TELLING, _together, _always, _of_answers, _houses_told),
    EndCampaign: Deed(ON_DUTY, _if_many, _always, campaigns.reach_of_one),
}  # fmt: skip
