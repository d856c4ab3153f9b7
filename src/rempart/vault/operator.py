"""The operator's calls: making parties known, issuing codes, suspending, containing, reading the journal. Each is journaled with it."""

import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from rempart.foundation.clock import instant
from rempart.foundation.errors import BadInput, Outage
from rempart.foundation.identifiers import check_amc_number, check_finess
from rempart.foundation.vocabulary import OPERATORS_ROLES, Profession, Role
from rempart.vault import (
    campaigns,
    editors,
    enrolling,
    establishments,
    incidents,
    insurers,
    lines,
    onboarding,
    operators,
    profiles,
    proposals,
    releases,
    restored,
    software,
    store_desk,
    store_establishments,
    switchboard,
)
from rempart.vault import store_accounts as store
from rempart.vault.actors import COMMAND_LINE, Actor
from rempart.vault.deeds import DEEDS
from rempart.vault.errors import Conflict, NotThere
from rempart.vault.members import check_login, issue
from rempart.vault.notices import Audited, announce, journal
from rempart.vault.sessions import read_id
from rempart.vault.store_accounts import Connection
from rempart.vault.two_people import require_release_keys
from rempart.vault.words import said
from rempart.vault.zone import OPERATORS_WAIT, Zone
from rempart.vaultdoor.messages import (
    ApproveApplication,
    ApproveEnrolment,
    AskRelease,
    AskTwoPeople,
    Call,
    ClearDossiers,
    CountCampaign,
    DepartEstablishment,
    Done,
    EndCampaign,
    EnrolApplication,
    EnrolEstablishment,
    EnrolGroup,
    EnrolInsurersSeat,
    Enrolled,
    EnrolOperator,
    EnrolProfessional,
    IssueCode,
    IssueSoftwareCode,
    Journal,
    JournalLines,
    ListCampaigns,
    ListEditors,
    ListInsurers,
    ListOperators,
    ListProfiles,
    ListProposals,
    ListSwitches,
    Onboarded,
    Proposals,
    Proposed,
    PublishAnswers,
    RefuseApplication,
    RegisterEditor,
    RegisterInsurer,
    ReleaseRestored,
    ReleaseText,
    Reply,
    ResumeEstablishment,
    SendPackages,
    SetBreaker,
    SetProfile,
    SetVitale,
    ShowCampaign,
    ShowEstablishment,
    ShowLine,
    ShowProfile,
    StartCampaign,
    StatePackage,
    StateReleased,
    StayEstablishment,
    SuspendAccount,
    SuspendEditor,
    SuspendEstablishment,
    SuspendOperator,
    TellInsurer,
    TellReleased,
    ThrowSwitch,
    WidenLine,
    WithdrawProposal,
)

MOST_LINES = 1_000


async def execute(call: Call, zone: Zone) -> Reply:
    """Do one of the operator's calls. Raises BadInput, Refusal or Outage; on any of them nothing was done."""
    try:
        async with zone.pool.acquire(timeout=OPERATORS_WAIT) as c, c.transaction():
            reply = await _command(zone, c, call)
    except asyncpg.UniqueViolationError as error:
        raise Conflict from error
    except store.LOST as error:
        raise Outage(type(error).__name__) from error
    forget_what_changed(zone, call)
    return reply


async def _command(zone: Zone, c: Connection, call: Call) -> Reply:
    """A command is one hand, and the first one there is: once two people at the desk may do it, what takes two waits for one of them."""
    if isinstance(call, enrolling.Enrols):
        return await _enrol_by_command(zone, c, call)
    if isinstance(call, releases.Tells):
        return await _tell_by_command(zone, c, call)
    if _leaves_for_insurer(call) and await operators.are_staffed(c, DEEDS[SendPackages].roles):
        # As the desk: by a release, or not at all.
        raise releases.NotReleased
    deed = DEEDS.get(type(call))
    if deed is not None and await deed.second(zone, c, call) and await operators.are_staffed(c, deed.roles):
        return await proposals.propose(zone, c, call, zone.clock(), None)
    return await perform(zone, c, call, COMMAND_LINE)


async def _enrol_by_command(zone: Zone, c: Connection, call: enrolling.Enrols) -> Reply:
    """One hand makes no party and gives no seat once two people may approve it: the command, typed again, does what they approved."""
    if not await operators.are_staffed(c, DEEDS[ApproveEnrolment].roles):
        return await perform(zone, c, call, COMMAND_LINE)
    meant = await enrolling.meant_by(c, call)
    by = await enrolling.use_up(zone, c, meant)
    if by is not None:
        return await perform(zone, c, call, by)
    # What cannot be done is not proposed.
    await _try(zone, c, call)
    return await proposals.propose_once(zone, c, meant, zone.clock())


async def _tell_by_command(zone: Zone, c: Connection, call: releases.Tells) -> Reply:
    """One hand tells nobody once two people may approve it: what they released, the command may go on with."""
    if not await operators.are_staffed(c, DEEDS[type(call)].roles):
        return await releases.let_command(zone, c, call, COMMAND_LINE)
    released = await releases.asked_again(zone, c, call)
    if not isinstance(released, bool):
        return released
    proposed = await proposals.propose_once(zone, c, call, zone.clock())
    return Proposed(proposed.id, proposed.expires, changed=released)


def _leaves_for_insurer(call: Call) -> bool:
    # That a package waits is recalled by one person, at the desk too.
    return isinstance(call, StatePackage) or (
        isinstance(call, TellInsurer) and call.kind == Audited.INCIDENT_PACKAGE
    )


class _TriedError(Exception):
    """It can be done; it is undone."""


async def _try(zone: Zone, c: Connection, call: Call) -> None:
    """Do it and undo it. Raises what the act itself does."""
    try:
        async with c.transaction():
            await perform(zone, c, call, COMMAND_LINE)
            raise _TriedError
    except _TriedError:
        return


async def perform(zone: Zone, c: Connection, call: Call, by: Actor) -> Reply:
    """One of the calls, in the caller's transaction; afterwards `forget_what_changed`. Whoever acts is named in the journal."""
    return await _HANDLERS[type(call)](zone, c, call, by)


def forget_what_changed(zone: Zone, call: Call) -> None:
    """What the vault keeps in memory of parties is read anew, once the call is committed."""
    if isinstance(call, RegisterInsurer):
        zone.directory.forget()
    if isinstance(call, RegisterEditor | SuspendEditor | StartCampaign | EndCampaign):
        editors.forget(zone)
    if isinstance(call, ThrowSwitch):
        zone.switches.changed()


def forget_all(zone: Zone) -> None:
    """The same, whatever the call was."""
    zone.directory.forget()
    editors.forget(zone)
    zone.switches.changed()


async def enrol_establishment(zone: Zone, c: Connection, call: EnrolEstablishment, by: Actor) -> Enrolled:
    """A new establishment, with its meter; or an insurer's seat, which has no FINESS.

    Raises BadInput, NotThere (group, amc), Conflict (known).
    """
    if call.profession == Profession.INSURER or call.amc:
        return await _enrol_insurers_seat(zone, c, call, by)
    return await _enrol_care(zone, c, call, by)


async def _enrol_care(
    zone: Zone, c: Connection, call: EnrolEstablishment, by: Actor, dossier: str = "", opens: int = 0
) -> Enrolled:
    """One that gives care. `dossier`: the id of the dossier it comes from becomes its own; `opens`: the day on which it takes over."""
    finess = check_finess(call.finess)
    if not opens and await store_establishments.is_known(c, finess):
        # Who left is followed by an application that two people approved, and by nothing else.
        raise Conflict("finess")
    if call.profession not in set(Profession) - {Profession.OPERATOR}:
        raise BadInput("profession")
    known_as = read_id(dossier) if dossier else None
    new = await store.add_establishment(c, finess, call.profession, await _group(c, call.group), id_=known_as)
    if new is None:
        raise Conflict("finess")
    await store_establishments.open_on(c, new, opens)
    await journal(c, zone.clock(), by.name, Audited.ESTABLISHMENT_ENROL, finess)
    return Enrolled(str(new))


async def _enrol_insurers_seat(zone: Zone, c: Connection, call: EnrolEstablishment, by: Actor) -> Enrolled:
    """One an insurer. Its people sign in like anybody; having no line, they check no right."""
    if call.profession != Profession.INSURER:
        raise BadInput("profession")
    if call.finess or call.group:
        raise BadInput("finess" if call.finess else "group")
    amc = check_amc_number(call.amc)
    if await store.insurer(c, amc) is None:
        raise NotThere("amc")
    new = await store.add_establishment(c, None, call.profession, None, amc=amc)
    if new is None:
        raise Conflict("amc")
    await journal(c, zone.clock(), by.name, Audited.ESTABLISHMENT_ENROL, amc)
    return Enrolled(str(new))


async def enrol_group(zone: Zone, c: Connection, call: EnrolGroup, by: Actor) -> Enrolled:
    """A new group. Raises Conflict (label known)."""
    label = said(call.label, "label")
    new = await store.add_group(c, label)
    if new is None:
        raise Conflict("label")
    await journal(c, zone.clock(), by.name, Audited.GROUP_ENROL, label)
    return Enrolled(str(new))


async def enrol_professional(zone: Zone, c: Connection, call: EnrolProfessional, by: Actor) -> Enrolled:
    """A person's seat, and the code to hand over: a new login activates its account with it; to a known one nothing is granted yet.

    Whoever holds a known login may have taken it before the person came: its account joins by the code (`members.join`; `joins` in the
    reply), which the operator hands to the person. The former joining code for the same place is void.
    Raises BadInput, NotThere (establishment or group), Conflict (has this seat).
    """
    login, now = check_login(call.login), zone.clock()
    if call.role not in set(Role) - OPERATORS_ROLES:
        raise BadInput("role")
    if (call.role == Role.ADMINISTRATOR) != bool(call.group) or bool(call.group) == bool(call.establishment):
        raise BadInput("establishment")
    place = read_id(call.establishment) if call.establishment else None
    if place is not None:
        house = await store.establishment(c, place)
        # The operators' own seat is given by EnrolOperator alone.
        if house is None or house["profession"] == Profession.OPERATOR:
            raise NotThere("establishment")
        await establishments.require_seats(c, place, now)
    group = await _group(c, call.group)
    known = await store.account_by_login(c, login)
    account = known["id"] if known is not None else await store.add_account(c, login, now)
    if account is None or await store_desk.is_operator(c, account):
        # An operator has one seat: the same passkey never serves at both doors.
        raise Conflict("login")
    if known is None:
        await store.add_membership(c, account, place, group, call.role, now)
        await journal(c, now, by.name, Audited.ACCOUNT_OPEN, login, call.role)
        return Enrolled(str(account), await issue(zone, c, account, "activation", now))
    seats = [(m["establishment"], m["party_group"]) for m in await store.memberships(c, account)]
    if (place, group) in seats:
        raise Conflict("login")
    await journal(c, now, by.name, Audited.MEMBER_INVITE, login, call.role)
    code = await issue(zone, c, account, "membership", now, place=place, group=group, role=call.role)
    return Enrolled(str(account), code, joins=True)


async def enrol_insurers_seat(zone: Zone, c: Connection, call: EnrolInsurersSeat, by: Actor) -> Onboarded:
    """An insurer's seat and its first person. Raises BadInput, NotThere (amc), Conflict (known)."""
    seat = await enrol_establishment(zone, c, EnrolEstablishment("", Profession.INSURER, amc=call.amc), by)
    return await _with_titulaire(zone, c, seat, call.login, by)


async def enrol_application(zone: Zone, c: Connection, call: EnrolApplication, by: Actor) -> Onboarded:
    """What two people approved, as they approved it: the establishment and its titulaire, from the day on which it takes the FINESS over.

    Of a dossier the same may be asked again within the hour: whoever asked did not live to write the letter, which has another code then.
    Raises BadInput, NotThere, Conflict (the FINESS is somebody's who stays; asked again, and the code was used).
    """
    if await onboarding.is_asked_again(zone, c, call):
        return await _letter_again(zone, c, call, by)
    await onboarding.redeem(zone, c, call)
    opens = await establishments.opening_of(c, call.finess, zone.clock())
    care = EnrolEstablishment(call.finess, call.profession)
    place = await _enrol_care(zone, c, care, by, call.dossier, opens)
    return await _with_titulaire(zone, c, place, call.login, by)


async def refuse_application(zone: Zone, c: Connection, call: RefuseApplication, by: Actor) -> Done:
    """What waits for a second person goes first, so that no approval outlives the refusal. Raises BadInput, Conflict (enrolled)."""
    dossier = onboarding.dossier_in(call)
    if dossier is not None:
        await proposals.withdraw_dossiers(c, dossier, zone.clock(), by.name)
    return await onboarding.refuse(zone, c, call, by)


async def clear_dossiers(zone: Zone, c: Connection, call: ClearDossiers, by: Actor) -> Done:
    """Made-up dossiers; none that waits for a second person. Raises BadInput, Conflict."""
    waits = await proposals.dossiers_that_wait(c, zone.clock()) & {*onboarding.dossiers_in(call)}
    if waits:
        raise Conflict(str(min(waits)))
    return await onboarding.clear(zone, c, call, by)


async def _with_titulaire(zone: Zone, c: Connection, place: Enrolled, login: str, by: Actor) -> Onboarded:
    person = await enrol_professional(zone, c, EnrolProfessional(login, Role.TITULAIRE, place.id), by)
    return Onboarded(place.id, person.id, person.code, person.joins)


async def _letter_again(zone: Zone, c: Connection, call: EnrolApplication, by: Actor) -> Onboarded:
    """Another code in the place of the one that no letter brought, which is void. Raises NotThere, Conflict (it was used)."""
    row, place, now = await _account(c, call.login), read_id(call.dossier), zone.clock()
    joined = place in {m["establishment"] for m in await store.memberships(c, row["id"])}
    if joined and row["status"] != "invited":
        raise Conflict("login")
    purpose = "activation" if joined else "membership"
    code = await issue(
        zone,
        c,
        row["id"],
        purpose,
        now,
        place=None if joined else place,
        role=None if joined else Role.TITULAIRE,
    )
    await announce(c, now, row["id"], row["login"], Audited.CODE_ISSUE, by=by.name, detail=purpose)
    return Onboarded(str(place), str(row["id"]), code, joins=not joined)


async def issue_code(zone: Zone, c: Connection, call: IssueCode, by: Actor) -> Enrolled:
    """A posted code. `device` is for an active account; `activation` voids everything that vouched for the account, when it is used.

    Raises NotThere, Conflict (suspended, or nothing to bind a device to).
    """
    now = zone.clock()
    row = await _account(c, call.login)
    if row["status"] == "suspended" or (call.purpose == "device" and row["status"] != "active"):
        raise Conflict("login")
    code = await issue(zone, c, row["id"], call.purpose, now)
    await announce(c, now, row["id"], row["login"], Audited.CODE_ISSUE, by=by.name, detail=call.purpose)
    return Enrolled(str(row["id"]), code)


async def suspend_account(zone: Zone, c: Connection, call: SuspendAccount, by: Actor) -> Done:
    """Sessions, devices and codes fall at once; reopening brings back neither. Raises NotThere, Conflict (is so already)."""
    now = zone.clock()
    row = await _account(c, call.login)
    if (row["status"] == "suspended") == call.suspended:
        raise Conflict("login")
    # At reopening too: a sign-in that began before the suspension may have ended after it.
    await store.unbind_all(c, row["id"])
    if call.suspended:
        for purpose in ("activation", "device", "membership"):
            await store.drop_codes(c, row["id"], purpose)
        status, act = "suspended", Audited.ACCOUNT_SUSPEND
    else:
        status = "active" if await store.can_sign_in(c, row["id"]) else "invited"
        act = Audited.ACCOUNT_REOPEN
    await store.set_account_status(c, row["id"], status)
    await announce(c, now, row["id"], row["login"], act, by=by.name)
    return Done()


async def ask_release(zone: Zone, c: Connection, _call: AskRelease, _by: Actor) -> ReleaseText:
    """What two people have to sign. Raises NotThere when nothing is held."""
    return ReleaseText(await restored.release_text(c, zone.checkpoints.origin))


async def release_restored(zone: Zone, c: Connection, call: ReleaseRestored, _by: Actor) -> Done:
    """Two people answer for a ledger that its witnesses agree to again. Raises NotThere, Conflict, ReleaseRefused."""
    if zone.witnessing.contradicted or not zone.witnessing.heard:
        raise Conflict("witnesses")
    keys = require_release_keys(zone.settings.release_keys)
    await restored.release(c, zone.clock(), zone.checkpoints.origin, keys, call.signatures)
    return Done()


async def read_journal(_zone: Zone, c: Connection, call: Journal, _by: Actor) -> JournalLines:
    """The journal's last lines, newest first, each a JSON object."""
    if not 1 <= call.limit <= MOST_LINES:
        raise BadInput("limit")
    lines = []
    for row in await store.read_journal(c, call.limit):
        at = instant(row["at"]).isoformat(timespec="milliseconds")
        lines.append(json.dumps({"at": at, **{k: row[k] for k in ("actor", "act", "object", "detail")}}))
    return JournalLines(lines)


async def list_proposals(zone: Zone, c: Connection, _call: ListProposals, _by: Actor) -> Proposals:
    """What waits for a second person."""
    return await proposals.waiting(zone, c, None)


async def withdraw_proposal(zone: Zone, c: Connection, call: WithdrawProposal, _by: Actor) -> Done:
    """Take back what a command proposed."""
    return await proposals.withdraw(c, call.id, zone.clock(), None)


_HANDLERS: dict[type, Callable[[Zone, Connection, Any, Actor], Awaitable[Reply]]] = {
    RegisterInsurer: insurers.register,
    EnrolEstablishment: enrol_establishment,
    EnrolGroup: enrol_group,
    EnrolProfessional: enrol_professional,
    EnrolInsurersSeat: enrol_insurers_seat,
    ApproveEnrolment: enrolling.approve,
    IssueCode: issue_code,
    SuspendAccount: suspend_account,
    SuspendEstablishment: establishments.suspend,
    ResumeEstablishment: establishments.resume,
    DepartEstablishment: establishments.depart,
    StayEstablishment: establishments.stay,
    ShowEstablishment: establishments.show,
    ThrowSwitch: switchboard.throw_switch,
    AskTwoPeople: switchboard.ask_two_people,
    ListSwitches: switchboard.list_switches,
    ShowLine: lines.show,
    WidenLine: lines.widen,
    SetBreaker: lines.set_breaker,
    SetVitale: insurers.set_vitale,
    ListInsurers: insurers.list_all,
    RegisterEditor: editors.register,
    SuspendEditor: editors.suspend,
    ListEditors: editors.list_all,
    ApproveApplication: onboarding.approve,
    EnrolApplication: enrol_application,
    RefuseApplication: refuse_application,
    ClearDossiers: clear_dossiers,
    ShowProfile: profiles.show,
    ListProfiles: profiles.list_all,
    SetProfile: profiles.set_profile,
    IssueSoftwareCode: software.issue,
    Journal: read_journal,
    AskRelease: ask_release,
    ReleaseRestored: release_restored,
    EnrolOperator: operators.enrol,
    SuspendOperator: operators.suspend,
    ListOperators: operators.list_all,
    ListProposals: list_proposals,
    WithdrawProposal: withdraw_proposal,
    StatePackage: incidents.state_package,
    TellInsurer: incidents.tell_insurer,
    SendPackages: releases.release,
    PublishAnswers: releases.release_answers,
    StateReleased: releases.state_released,
    TellReleased: releases.tell_released,
    CountCampaign: campaigns.count,
    StartCampaign: campaigns.start,
    EndCampaign: campaigns.end,
    ListCampaigns: campaigns.list_all,
    ShowCampaign: campaigns.show,
}


async def _account(c: Connection, login: str) -> asyncpg.Record:
    """A professional's account. An operator's is not the operator's calls' to touch, but those of rempart.vault.operators."""
    row = await store.account_by_login(c, login.strip().lower())
    if row is None or await store_desk.is_operator(c, row["id"]):
        raise NotThere("login")
    return row


async def _group(c: Connection, group: str) -> uuid.UUID | None:
    if not group:
        return None
    found = read_id(group)
    if not await store.group_exists(c, found):
        raise NotThere("group")
    return found
