"""The acts at the desk: one closed table path → roles → what is done. Operators alone, by passkey alone, signed for the desk's own origin.

A deed (rempart.vault.deeds) is, unless its body says `"dry_run": false`, only counted: whom would it touch. Done, it is the very handler
that the command line uses, under the operator's name; what takes two people becomes a proposal. A look reads. An errand is the desk's own
to do, on alerts: the vault says who asks, and journals what it changes before anything is changed.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from rempart.foundation.clock import HOUR
from rempart.foundation.vocabulary import Assurance, Role
from rempart.vault import (
    acts,
    campaigns,
    dossiers,
    establishments,
    halves,
    lines,
    onboarding,
    operator,
    profiles,
    proposals,
    releases,
    sessions,
    store_switches,
)
from rempart.vault.actors import Actor, both
from rempart.vault.acts import ACTS, Rule, Who
from rempart.vault.asked import Asked, Body, Nothing
from rempart.vault.deeds import CLERKS, DEEDS, EVERYBODY, GIVES_CODE, ON_DUTY, TELLING, WITHOUT_PROOF, effect
from rempart.vault.desk_incident import (
    AboutBody,
    Amcs,
    DocumentBody,
    DoneBody,
    FactBody,
    HitBody,
    IncidentBody,
    Noted,
    OneBody,
    OpenBody,
    PlanBody,
    ProofsBody,
    RemindBody,
    ScopeBody,
    ScopeLookBody,
    UnpublishBody,
    WaiveBody,
)
from rempart.vault.desk_status import (
    AnnounceBody,
    BoardBody,
    CloseBody,
    Previewed,
    TellBody,
    UpdateBody,
    WithdrawMessageBody,
)
from rempart.vault.errors import Forbidden, NoSuchAct, StepUpNeeded
from rempart.vault.events import Event
from rempart.vault.notices import Audited, journal
from rempart.vault.store_accounts import Connection
from rempart.vault.zone import Zone
from rempart.vaultdoor.holds import Contained, Hold
from rempart.vaultdoor.messages import (
    Act,
    ApproveApplication,
    Call,
    ClearDossiers,
    DepartEstablishment,
    DeskSeat,
    Effect,
    EndCampaign,
    EnrolApplication,
    EnrolOperator,
    IssueCode,
    Journal,
    ListCampaigns,
    ListEditors,
    ListInsurers,
    ListOperators,
    ListProfiles,
    ListSwitches,
    Proposed,
    PublishAnswers,
    RefuseApplication,
    Refused,
    RegisterEditor,
    RegisterInsurer,
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
    StayEstablishment,
    SuspendAccount,
    SuspendEditor,
    SuspendEstablishment,
    SuspendOperator,
    ThrowSwitch,
    WidenLine,
)
from rempart.vaultdoor.party_keys import point_in, raw_key

# No table can hold a NUL.
Name = Annotated[str, Meta(max_length=64, pattern=r"^[^\x00]*$")]
Key = Annotated[str, Meta(max_length=120, pattern=r"^[^\x00]*$")]
Words = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")]
Sentence = Annotated[str, Meta(max_length=500, pattern=r"^[^\x00]*$")]
Number = Annotated[int, Meta(ge=0, le=2**62)]
Minutes = Annotated[int, Meta(ge=0, le=10 * 366 * 24 * 60)]
Id = Annotated[str, Meta(min_length=36, max_length=36)]
HoldName = Literal["", "closed", "claims-only", "read-only", "known-only", "step-up"]


# ── deeds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class DeedBody(Body, frozen=True):
    """What every deed says: that it is meant."""

    dry_run: bool = True

    def call(self) -> Call:
        """The operator's call that this body asks for."""
        raise NotImplementedError


class ContainBody(DeedBody, frozen=True, kw_only=True):
    """`key`: as a person names it (rempart.vault.switches); `alert`: the alert that this answers, 0 for none."""

    scope: Name
    key: Key = ""
    hold: HoldName = "closed"
    reason: Words
    minutes: Minutes = 0
    alert: Number = 0

    def call(self) -> Call:
        reason = f"alert {self.alert}: {self.reason}"[:200] if self.alert else self.reason
        return ThrowSwitch(self.scope, self.key, reason, on=True, minutes=self.minutes, hold=self.hold)


class LiftBody(DeedBody, frozen=True, kw_only=True):
    """`hold`: which of those that stand there."""

    scope: Name
    key: Key = ""
    hold: HoldName = ""
    reason: Words

    def call(self) -> Call:
        return ThrowSwitch(self.scope, self.key, self.reason, on=False, hold=self.hold)


class SuspendBody(DeedBody, frozen=True, kw_only=True):
    login: Name
    suspended: bool

    def call(self) -> Call:
        return SuspendAccount(self.login, self.suspended)


class SuspendSeatBody(DeedBody, frozen=True, kw_only=True):
    """An establishment, for a reason that is no attack."""

    finess: Name
    ground: Name
    days: Annotated[int, Meta(ge=1, le=establishments.LONGEST_DAYS)]
    words: Words

    def call(self) -> Call:
        return SuspendEstablishment(self.finess, self.ground, self.days, self.words)


class ResumeSeatBody(DeedBody, frozen=True, kw_only=True):
    finess: Name
    words: Words

    def call(self) -> Call:
        return ResumeEstablishment(self.finess, self.words)


class DepartBody(DeedBody, frozen=True, kw_only=True):
    """`day`: YYYY-MM-DD."""

    finess: Name
    day: Name
    ground: Name
    words: Words

    def call(self) -> Call:
        return DepartEstablishment(self.finess, self.day, self.ground, self.words)


class StayBody(DeedBody, frozen=True, kw_only=True):
    finess: Name
    words: Words

    def call(self) -> Call:
        return StayEstablishment(self.finess, self.words)


class CodeBody(DeedBody, frozen=True, kw_only=True):
    login: Name
    purpose: Literal["activation", "device"]

    def call(self) -> Call:
        return IssueCode(self.login, self.purpose)


class WidenBody(DeedBody, frozen=True, kw_only=True):
    scope: Name
    key: Key
    units: Annotated[int, Meta(ge=1, le=lines.MOST_UNITS)]
    reason: Words

    def call(self) -> Call:
        return WidenLine(self.scope, self.key, self.units, self.reason)


class BreakerBody(DeedBody, frozen=True, kw_only=True):
    scope: Name
    key: Key = ""
    units: Annotated[int, Meta(ge=0, le=lines.MOST_BREAKER)]

    def call(self) -> Call:
        return SetBreaker(self.scope, self.key, self.units)


class EditorBody(DeedBody, frozen=True, kw_only=True):
    name: Key
    suspended: bool

    def call(self) -> Call:
        return SuspendEditor(self.name, self.suspended)


class EditorKeyBody(DeedBody, frozen=True, kw_only=True):
    """`public_key`: P-256, in PEM, as the editor's contact gave it. `replace`: in the place of the key known."""

    name: Key
    public_key: Annotated[str, Meta(max_length=1_000)]
    replace: bool = False

    def call(self) -> Call:
        return RegisterEditor(self.name, point_in(self.public_key.encode()), self.replace)


class InsurerBody(DeedBody, frozen=True, kw_only=True):
    """The keys: base64, as the insurer's own tool printed them."""

    amc: Name
    name: Words
    signing_key: Name
    notice_key: Name

    def call(self) -> Call:
        keys = raw_key(self.signing_key, "signing_key"), raw_key(self.notice_key, "notice_key")
        return RegisterInsurer(self.amc, self.name, *keys)


class VitaleBody(DeedBody, frozen=True, kw_only=True):
    amc: Name
    open: bool
    reason: Words

    def call(self) -> Call:
        return SetVitale(self.amc, self.open, self.reason)


class ProfileBody(DeedBody, frozen=True, kw_only=True):
    """What is left out stays (docs/profiles.md)."""

    scope: Name
    key: Key
    reason: Words
    assurance: Name = ""
    lanes: Annotated[list[Name], Meta(max_length=3)] = field(default_factory=list)
    percent: Annotated[int, Meta(ge=0, le=100)] = 0
    networks: Annotated[list[Name], Meta(max_length=profiles.MOST_NETWORKS)] = field(default_factory=list)

    def call(self) -> Call:
        return SetProfile(
            self.scope, self.key, self.reason, self.assurance, self.lanes, self.percent, self.networks
        )


class EnrolBody(DeedBody, frozen=True, kw_only=True):
    login: Name
    role: Name

    def call(self) -> Call:
        return EnrolOperator(self.login, self.role)


class OperatorBody(DeedBody, frozen=True, kw_only=True):
    login: Name
    suspended: bool

    def call(self) -> Call:
        return SuspendOperator(self.login, self.suspended)


class StartBody(DeedBody, frozen=True, kw_only=True):
    kind: Name
    scope: Name
    key: Key = ""
    reason_fr: Sentence
    reason_en: Sentence
    days: Annotated[int, Meta(ge=0, le=campaigns.LONGEST_DAYS)] = 0

    def call(self) -> Call:
        return StartCampaign(
            self.kind,
            self.scope,
            self.key,
            reason_fr=self.reason_fr,
            reason_en=self.reason_en,
            days=self.days,
        )


class EndBody(DeedBody, frozen=True, kw_only=True):
    number: Number
    reason: Words

    def call(self) -> Call:
        return EndCampaign(self.number, self.reason)


class SendBody(DeedBody, frozen=True, kw_only=True):
    """What the desk's plan of the packages said."""

    incident: Number
    everybody: bool
    proofs: bool
    amcs: Amcs
    persons: Number
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]

    def call(self) -> Call:
        return SendPackages(
            self.incident, self.everybody, self.proofs, list(self.amcs), self.persons, self.digest
        )


class PublishBody(DeedBody, frozen=True, kw_only=True):
    """What the desk's count of the answers said."""

    incident: Number
    houses: Number
    seats: Number
    groups: Number
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]

    def call(self) -> Call:
        return PublishAnswers(self.incident, self.houses, self.seats, self.groups, self.digest)


class ApplicationBody(DeedBody, frozen=True, kw_only=True):
    """What a clerk read in a dossier, by its digest. `address`: where the letter goes; the desk keeps it, nobody here does."""

    dossier: Id
    digest: Name
    finess: Name
    profession: Name
    login: Name

    def _said(self) -> tuple[str, str, str, str]:
        return self.digest, self.finess, self.profession, self.login


class ProposeBody(ApplicationBody, frozen=True, kw_only=True):
    """`doubts`: each that the checks found, looked at. The desk relays none that lacks one."""

    address: Sentence
    doubts: Annotated[list[Name], Meta(max_length=20)]

    def call(self) -> Call:
        return ApproveApplication(*self._said(), self.doubts, self.dossier)


class EnrolApplicationBody(ApplicationBody, frozen=True, kw_only=True):
    def call(self) -> Call:
        return EnrolApplication(*self._said(), self.dossier)


class RefuseBody(ApplicationBody, frozen=True, kw_only=True):
    """`words`: the clerk's own, for the letter; they are not kept."""

    address: Sentence
    ground: Name
    words: Sentence = ""

    def call(self) -> Call:
        return RefuseApplication(*self._said(), self.ground, self.dossier)


class ClearBody(DeedBody, frozen=True, kw_only=True):
    """Made-up dossiers, as the page shows them."""

    dossiers: Annotated[list[Id], Meta(min_length=1, max_length=onboarding.MOST_CLEARED)]

    def call(self) -> Call:
        return ClearDossiers(self.dossiers)


DEED_BODIES: dict[str, tuple[type, type[DeedBody]]] = {
    "/desk/contain": (ThrowSwitch, ContainBody),
    "/desk/lift": (ThrowSwitch, LiftBody),
    "/desk/account/suspend": (SuspendAccount, SuspendBody),
    "/desk/account/code": (IssueCode, CodeBody),
    "/desk/establishment/suspend": (SuspendEstablishment, SuspendSeatBody),
    "/desk/establishment/resume": (ResumeEstablishment, ResumeSeatBody),
    "/desk/establishment/depart": (DepartEstablishment, DepartBody),
    "/desk/establishment/stay": (StayEstablishment, StayBody),
    "/desk/line/widen": (WidenLine, WidenBody),
    "/desk/breaker": (SetBreaker, BreakerBody),
    "/desk/editor/register": (RegisterEditor, EditorKeyBody),
    "/desk/insurer/register": (RegisterInsurer, InsurerBody),
    "/desk/insurer/vitale": (SetVitale, VitaleBody),
    "/desk/profile/set": (SetProfile, ProfileBody),
    "/desk/editor/suspend": (SuspendEditor, EditorBody),
    "/desk/campaign/start": (StartCampaign, StartBody),
    "/desk/campaign/end": (EndCampaign, EndBody),
    "/desk/packages/send": (SendPackages, SendBody),
    "/desk/answers/publish": (PublishAnswers, PublishBody),
    "/desk/operator/enrol": (EnrolOperator, EnrolBody),
    "/desk/operator/suspend": (SuspendOperator, OperatorBody),
    "/desk/application/propose": (ApproveApplication, ProposeBody),
    "/desk/application/enrol": (EnrolApplication, EnrolApplicationBody),
    "/desk/application/refuse": (RefuseApplication, RefuseBody),
    "/desk/dossiers/clear": (ClearDossiers, ClearBody),
}


async def _do_deed(asked: Asked, c: Connection, body: DeedBody) -> Reply:
    """Count it, propose it, or do it. Raises BadInput, Refusal."""
    call, who = body.call(), asked.who
    deed = DEEDS[type(call)]
    if body.dry_run:
        return await effect(asked.zone, c, call)
    # Nothing is counted on the way to what is urgent.
    second = await deed.second(asked.zone, c, call)
    if second or deed.proof(call) or await _are_many(asked, c, call):
        sessions.require_proof(who, asked.at)
    if isinstance(body, ApplicationBody):
        await onboarding.require_read(c, call, who, asked.at, body.digest)
    if second:
        return await proposals.propose(asked.zone, c, call, asked.at, who)
    return await operator.perform(asked.zone, c, call, Actor(who.login))


async def _are_many(asked: Asked, c: Connection, call: Call) -> bool:
    """Has this operator closed so much within the hour that whoever sits at their machine has to show who they are?"""
    if not isinstance(call, ThrowSwitch):
        return False
    return await store_switches.thrown_since(c, asked.who.login, asked.at - HOUR) >= WITHOUT_PROOF


async def _require_free(asked: Asked, c: Connection) -> None:
    """An operator whose account or device somebody contained does and reads nothing here, or shows their passkey first where that is asked.

    Raises Contained, StepUpNeeded.
    """
    who = asked.who
    scopes = (("account", str(who.account)), ("device", str(who.device)))
    held = {hold for _, hold in await store_switches.holds_on(c, asked.at, scopes)}
    if held - {Hold.STEP_UP}:
        raise Contained
    if held and await store_switches.asked_since(c, asked.at, who.proven, scopes):
        raise StepUpNeeded


# ── the second person ────────────────────────────────────────────────────────────────────────────────────────────────


class ProposalBody(Body, frozen=True):
    """`digest`: of the dossier that was read, where one is proposed: whoever approves says what they saw."""

    id: Number
    digest: Name = ""


async def _approve(asked: Asked, c: Connection, body: ProposalBody) -> Reply:
    """What somebody else proposed is done, now, under both names; a command's waits for one more.

    Raises what `proposals.redeem` does, and what the act itself does.
    """
    redeemed = await proposals.redeem(asked, c, body.id, body.digest)
    if isinstance(redeemed, Proposed):
        return redeemed
    call, people = redeemed
    reply = await operator.perform(asked.zone, c, call, both(people))
    if isinstance(call, GIVES_CODE):
        return await halves.halve(asked, c, body.id, call, people.names[0].split()[-1])
    return reply


async def _code(asked: Asked, c: Connection, body: ProposalBody) -> Reply:
    """The proposer's half of the code that was given."""
    return await halves.second_half(asked, c, body.id)


async def _withdraw(asked: Asked, c: Connection, body: ProposalBody) -> Reply:
    return await proposals.withdraw(c, body.id, asked.at, asked.who)


async def _waiting(asked: Asked, c: Connection, _body: Nothing) -> Reply:
    return await proposals.waiting(asked.zone, c, asked.who)


# ── looks and errands ────────────────────────────────────────────────────────────────────────────────────────────────


class JournalBody(Body, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class LineBody(Body, frozen=True, kw_only=True):
    scope: Name
    key: Key


class SwitchesBody(Body, frozen=True, kw_only=True):
    """Nothing: what stands anywhere. A scope: what stands on that key."""

    scope: Name = ""
    key: Key = ""


class SeatBody(Body, frozen=True, kw_only=True):
    """`key`: a FINESS."""

    key: Key


class AlertBody(Body, frozen=True, kw_only=True):
    id: Number


class CampaignBody(Body, frozen=True, kw_only=True):
    number: Number


class DossiersBody(Body, frozen=True, kw_only=True):
    """`decided`: the last that were enrolled or refused, rather than those that wait. `clearing`: those that nobody proposed."""

    decided: bool = False
    clearing: bool = False


class CheckBody(Body, frozen=True, kw_only=True):
    """`address`: as the clerk typed it; it passes through here, and is kept nowhere."""

    dossier: Id
    address: Sentence


class AlertsBody(Body, frozen=True, kw_only=True):
    """`open_only`: those that nobody acknowledged."""

    open_only: bool = True


async def _look(asked: Asked, c: Connection, body: Any, *, call: Callable[[Any], Call]) -> Reply:
    """What the command line reads, read by this operator."""
    return await operator.perform(asked.zone, c, call(body), Actor(asked.who.login))


async def _seat(asked: Asked, _c: Connection, _body: Body) -> Reply:
    who = asked.who
    return DeskSeat(who.login, who.role, _may(who.role), asked.at)


def _may(role: Role) -> list[str]:
    return [path for path, (roles, _) in DESK.items() if role in roles]


async def _errand(asked: Asked, c: Connection, body: Body) -> Reply:
    """The vault's word on who asks; what comes of it is the desk's to do."""
    return await _seat(asked, c, body)


async def _open_dossier(asked: Asked, c: Connection, body: dossiers.OpenBody) -> Reply:
    who = asked.who
    seat = DeskSeat(who.login, who.role, _may(who.role), asked.at)
    return await dossiers.open_document(asked, c, body, seat)


async def _acknowledge(asked: Asked, c: Connection, body: AlertBody) -> Reply:
    await journal(c, asked.at, asked.who.login, Audited.ALERT_ACKNOWLEDGE, str(body.id))
    return await _seat(asked, c, body)


async def _noted(asked: Asked, c: Connection, body: Noted) -> Reply:
    """The journal's line of what the desk is about to do for whoever asks; then, who asks."""
    await journal(c, asked.at, asked.who.login, body.ACT, *body.told())
    return await _seat(asked, c, body)


async def _previewed(asked: Asked, c: Connection, body: Previewed) -> Reply:
    """The same of words that many read: a preview is nothing that is done, and asks for no passkey."""
    if body.dry_run:
        return await _seat(asked, c, body)
    sessions.require_proof(asked.who, asked.at)
    return await _noted(asked, c, body)


async def _resume(asked: Asked, c: Connection, body: OneBody) -> Reply:
    """What two people released goes on, by whoever may have asked for it."""
    return await releases.standing(c, body.id, asked.at)


async def _remind(asked: Asked, c: Connection, body: RemindBody) -> Reply:
    return await releases.remind(asked.zone, c, body.incident, body.amcs, Actor(asked.who.login))


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────

READERS = frozenset({Role.DUTY_OFFICER, Role.SECURITY_LEAD, Role.DPO, Role.AUDITOR})
DOSSIER_READERS = frozenset({Role.ONBOARDING_CLERK, Role.SECURITY_LEAD, Role.DPO})
"""Who may read what an applicant declared."""
SEAT = "/desk/seat"
DESK: dict[str, tuple[frozenset[Role], Rule]] = {
    SEAT: (EVERYBODY, Rule(Who.SESSION, Nothing, _seat)),
    "/desk/switches": (EVERYBODY, Rule(Who.SESSION, SwitchesBody, partial(_look, call=lambda body: ListSwitches(body.scope, body.key)))),
    "/desk/journal": (READERS, Rule(Who.SESSION, JournalBody, partial(_look, call=lambda body: Journal(body.limit)))),
    "/desk/editors": (EVERYBODY, Rule(Who.SESSION, Nothing, partial(_look, call=lambda _: ListEditors()))),
    "/desk/insurers": (EVERYBODY, Rule(Who.SESSION, Nothing, partial(_look, call=lambda _: ListInsurers()))),
    "/desk/profiles": (EVERYBODY, Rule(Who.SESSION, Nothing, partial(_look, call=lambda _: ListProfiles()))),
    "/desk/profile": (EVERYBODY, Rule(Who.SESSION, LineBody, partial(_look, call=lambda body: ShowProfile(body.scope, body.key)))),
    "/desk/operators": (READERS, Rule(Who.SESSION, Nothing, partial(_look, call=lambda _: ListOperators()))),
    "/desk/establishment": (EVERYBODY, Rule(Who.SESSION, SeatBody, partial(_look, call=lambda body: ShowEstablishment(body.key)))),
    "/desk/line": (EVERYBODY, Rule(Who.SESSION, LineBody, partial(_look, call=lambda body: ShowLine(body.scope, body.key)))),
    "/desk/campaigns": (READERS, Rule(Who.SESSION, Nothing, partial(_look, call=lambda _: ListCampaigns()))),
    "/desk/campaign": (READERS, Rule(Who.SESSION, CampaignBody, partial(_look, call=lambda body: ShowCampaign(body.number)))),
    "/desk/health": (EVERYBODY, Rule(Who.SESSION, Nothing, _errand)),
    "/desk/alerts": (READERS, Rule(Who.SESSION, AlertsBody, _errand)),
    "/desk/incidents": (READERS, Rule(Who.SESSION, Nothing, _errand)),
    "/desk/alert": (READERS, Rule(Who.SESSION, AlertBody, _errand)),
    "/desk/alert/acknowledge": (ON_DUTY, Rule(Who.SESSION, AlertBody, _acknowledge)),
    "/desk/dossiers": (DOSSIER_READERS, Rule(Who.SESSION, DossiersBody, _errand)),
    "/desk/application/check": (CLERKS, Rule(Who.SESSION, CheckBody, _errand)),
    "/desk/dossier/open": (DOSSIER_READERS, Rule(Who.STEP_UP, dossiers.OpenBody, _open_dossier)),
    "/desk/incident": (READERS, Rule(Who.SESSION, IncidentBody, _errand)),
    "/desk/incident/open": (TELLING, Rule(Who.SESSION, OpenBody, _noted)),
    "/desk/incident/fact": (TELLING, Rule(Who.SESSION, FactBody, _noted)),
    "/desk/incident/about": (TELLING, Rule(Who.SESSION, AboutBody, _noted)),
    "/desk/incident/done": (TELLING, Rule(Who.STEP_UP, DoneBody, _noted)),
    "/desk/incident/waive": (TELLING, Rule(Who.STEP_UP, WaiveBody, _noted)),
    "/desk/document": (READERS, Rule(Who.SESSION, DocumentBody, _errand)),
    "/desk/scope": (TELLING, Rule(Who.SESSION, ScopeLookBody, _errand)),
    "/desk/scope/ask": (TELLING, Rule(Who.SESSION, ScopeBody, _noted)),
    "/desk/scope/stop": (TELLING, Rule(Who.SESSION, Nothing, _errand)),
    "/desk/scope/proofs": (TELLING, Rule(Who.STEP_UP, ProofsBody, _noted)),
    "/desk/scope/hit": (TELLING, Rule(Who.SESSION, HitBody, _errand)),
    "/desk/packages": (READERS, Rule(Who.SESSION, OneBody, _errand)),
    "/desk/packages/plan": (TELLING, Rule(Who.SESSION, PlanBody, _errand)),
    "/desk/packages/resume": (TELLING, Rule(Who.STEP_UP, OneBody, _resume)),
    "/desk/packages/remind": (TELLING, Rule(Who.STEP_UP, RemindBody, _remind)),
    "/desk/answers": (READERS, Rule(Who.SESSION, OneBody, _errand)),
    "/desk/answers/count": (TELLING, Rule(Who.SESSION, OneBody, _errand)),
    "/desk/answers/withdraw": (TELLING, Rule(Who.STEP_UP, UnpublishBody, _noted)),
    "/desk/announcements": (READERS, Rule(Who.SESSION, BoardBody, _errand)),
    "/desk/announcement/open": (ON_DUTY, Rule(Who.SESSION, AnnounceBody, _previewed)),
    "/desk/announcement/update": (ON_DUTY, Rule(Who.SESSION, UpdateBody, _previewed)),
    "/desk/announcement/close": (ON_DUTY, Rule(Who.SESSION, CloseBody, _previewed)),
    "/desk/message/tell": (ON_DUTY, Rule(Who.SESSION, TellBody, _previewed)),
    "/desk/message/withdraw": (ON_DUTY, Rule(Who.SESSION, WithdrawMessageBody, _previewed)),
    "/desk/proposals": (EVERYBODY, Rule(Who.SESSION, Nothing, _waiting)),
    "/desk/proposal/approve": (EVERYBODY, Rule(Who.STEP_UP, ProposalBody, _approve)),
    "/desk/proposal/code": (EVERYBODY, Rule(Who.STEP_UP, ProposalBody, _code)),
    "/desk/proposal/withdraw": (EVERYBODY, Rule(Who.SESSION, ProposalBody, _withdraw)),
    **{path: (DEEDS[call].roles, Rule(Who.SESSION, body, _do_deed)) for path, (call, body) in DEED_BODIES.items()},
}  # fmt: skip
CHANGES = DEED_BODIES.keys() | {"/desk/proposal/approve"}
_LEFT_TO_THE_DESK = (_errand, _noted, _previewed, _acknowledge)
ERRANDS = frozenset(path for path, (_, rule) in DESK.items() if rule.handler in _LEFT_TO_THE_DESK)
"""What the desk does itself, once the vault has answered with the seat of whoever asks."""
_ACCOUNT = (
    "/acts/sign-in/begin", "/acts/sign-in/passkey", "/acts/activation/begin", "/acts/activation/passkey", "/acts/sign-out",
    "/acts/sign-out-elsewhere", "/acts/security", "/acts/notices/seen", "/acts/step-up/begin", "/acts/step-up/passkey",
    "/acts/passkey/begin", "/acts/passkey/add", "/acts/factor/remove", "/acts/device/remove",
)  # fmt: skip
"""An operator's account is kept by the acts of any account, but those of passwords, of codes and of other people."""


def _guarded(path: str, roles: frozenset[Role], rule: Rule) -> Rule:
    return Rule(
        rule.who, rule.body, partial(_by_role, path=path, roles=roles, handler=rule.handler), rule.prepare
    )


async def _by_role(
    asked: Asked,
    c: Connection,
    body: Body,
    *,
    path: str,
    roles: frozenset[Role],
    handler: Callable[..., Awaitable[Reply]],
) -> Reply:
    """The role first; what is tried beyond it stays in the journal, so that it is answered here rather than raised."""
    who = asked.who
    if who.role not in roles or who.assurance is not Assurance.PASSKEY:
        await journal(c, asked.at, who.login, Audited.DESK_REFUSE, path, who.role)
        asked.zone.events.note(
            Event(asked.at, "refused", who.account, who.device, who.establishment, detail=path)
        )
        return Refused(Forbidden.code, "role")
    if path != SEAT:
        await _require_free(asked, c)
    return await handler(asked, c, body)


TABLE: dict[str, Rule] = {
    **{path: ACTS[path] for path in _ACCOUNT},
    **{path: _guarded(path, roles, rule) for path, (roles, rule) in DESK.items()},
}


async def perform(act: Act, desk: Zone | None) -> Reply:
    """Do what an operator's signed request asks, if it may. `desk`: the zone as the desk's (zone.desk_side); None: there is no desk.

    Raises BadInput, Refusal or Outage; on any of them nothing was done.
    """
    if desk is None:
        raise NoSuchAct
    reply = await acts.perform(act, desk, TABLE)
    if act.target in CHANGES and not isinstance(reply, Refused | Effect | Proposed):
        operator.forget_all(desk)
    return reply
