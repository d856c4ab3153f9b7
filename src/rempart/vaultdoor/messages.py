"""What passes through the hatch. Strict structs: an unknown field or type is refused.

The vault's callers, each with a UNIX socket of its own (docs/trust-zones.md):

- `door`: the web doors. They relay signed requests whole (`Act`) and ask for public things (`Health`, `Jwks`, the ledger).
- `operator`: the operator's commands. They enrol insurers, establishments and people, and throw switches.
- `cashier`: the claims zone. It asks who signed a request that a door relayed to it (`Vouch`), has an establishment told (`Notify`), and
  knows an account to be paid on again by its mark (`MarkRib`).
- `sentinel`: detection. It throws a switch on one device, account, establishment or editor (`Contain`), and can release none.
- `probe`: health only (the supervisor).
- `worker`: health, for the status page; and that a package of an incident is recalled (`Recall`).

The cashier listens to the doors and the supervisor in the same way, and answers a `Paper`.

An `Act` is an HTTP request that a device signed (RFC 9421). The vault verifies it and decides by method and path (`ACTS` in
rempart.vault.acts) what it means: a door has no say in it, so a door that lies gets nothing.
"""

from typing import Literal

import msgspec


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """One message: a call or a reply."""


# ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Act(Message, frozen=True):
    """A signed HTTP request, relayed whole.

    `target` is path and query as the client sent them; the vault prefixes its configured canonical origin, so that a door cannot
    choose what was signed. `signature_input`, `signature` and `content_digest` are the header values; `session` is the value of
    the session cookie or ""; `language` is the reader's ("fr" or "en").
    """

    method: str
    target: str
    content_digest: str
    signature_input: str
    signature: str
    session: str
    body: bytes
    language: str = "fr"
    address: str = ""
    """Whence it came, on the door's word: an IPv4 address, or the /64 of an IPv6 one; "" where the door does not say."""


class Health(Message, frozen=True):
    """Is the process alive and ready?"""


class Jwks(Message, frozen=True):
    """The public keys that verify engagements (RFC 7517)."""


class Checkpoint(Message, frozen=True):
    """The ledger's published checkpoint (C2SP signed note), with its witnesses' cosignatures."""


class AskProof(Message, frozen=True):
    """The C2SP tlog-proof of one leaf, under the published checkpoint. Public: commitments and hashes. Replies `LedgerFile`."""

    index: int


class AskTile(Message, frozen=True):
    """One tile of the ledger (C2SP tlog-tiles); level -1 for an entry bundle. Public likewise. Replies `LedgerFile`."""

    level: int
    number: int
    width: int


class RegisterInsurer(Message, frozen=True):
    """The operator makes an insurer known: its public keys arrive by contract, never over the network."""

    amc: str
    name: str
    signing_key: bytes
    """Ed25519 public key (raw, 32 bytes): signs its files and uploads."""
    notice_key: bytes
    """X25519 public key (raw, 32 bytes): HPKE recipient of each load's notice_ref data key."""


class EnrolEstablishment(Message, frozen=True):
    """The operator makes an establishment known. `group` is the id of its group (a laboratory chain) or "".

    An insurer's seat has the profession "insurer", the `amc` of an insurer that is known, and neither FINESS nor group.
    """

    finess: str
    profession: str
    group: str = ""
    amc: str = ""


class EnrolGroup(Message, frozen=True):
    """A group of establishments. Replies `Enrolled`."""

    label: str


class EnrolProfessional(Message, frozen=True):
    """The operator gives a person a seat in an establishment or over a group, and gets the one-time code to hand over.

    A new login activates its account with it; the holder of a known one signs in and joins with it.
    """

    login: str
    role: str
    establishment: str = ""
    group: str = ""


class EnrolInsurersSeat(Message, frozen=True):
    """The seat of a known insurer and its first person, together: one approval is for both. Replies `Onboarded`."""

    amc: str
    login: str


class ApproveEnrolment(Message, frozen=True):
    """A command may make this known, once (rempart.vault.enrolling). The vault's own, of a command: two people's. Replies `Done`."""

    what: Literal["establishment", "group", "seat", "insurer-seat"]
    finess: str = ""
    amc: str = ""
    profession: str = ""
    group: str = ""
    """Its label."""
    login: str = ""
    role: str = ""
    works: str = ""
    """Of a FINESS that changes hands, which seat: from when (the day included) to when, `2027-01-31/` or `/2027-01-31`."""


class IssueCode(Message, frozen=True):
    """The operator issues a posted code for an account: it activates anew (all factors lost) or binds one new device."""

    login: str
    purpose: Literal["activation", "device"]


class SuspendAccount(Message, frozen=True):
    """The operator suspends (or reopens) an account: its sessions and devices fall at once."""

    login: str
    suspended: bool


class SuspendEstablishment(Message, frozen=True):
    """No right is checked there for so many days, for a reason that is no attack (docs/establishments.md). Replies `Done`."""

    finess: str
    ground: str
    """One of vaultdoor.seats.SUSPENSIONS."""
    days: int
    words: str
    """For the journal."""


class ResumeEstablishment(Message, frozen=True):
    """Undo `SuspendEstablishment`, at once. Replies `Done`."""

    finess: str
    words: str


class DepartEstablishment(Message, frozen=True):
    """It leaves: from that day on no right is checked there. Said again before that day, it is another date. Replies `Done`."""

    finess: str
    day: str
    """YYYY-MM-DD, in Paris."""
    ground: str
    """One of vaultdoor.seats.LEAVING; `cession`: the FINESS goes on, with another titulaire."""
    words: str


class StayEstablishment(Message, frozen=True):
    """Undo `DepartEstablishment`, unless somebody took the FINESS over or the accounts ended. Replies `Done`."""

    finess: str
    words: str


class ShowEstablishment(Message, frozen=True):
    """Every seat that a FINESS was. Replies `Establishments`."""

    finess: str


class ThrowSwitch(Message, frozen=True):
    """Containment. Effective for every request whose answer has not left. `scope` is one of vault.switches.SCOPES."""

    scope: str
    key: str
    reason: str
    on: bool
    minutes: int = 0
    """0: until it is undone."""
    hold: Literal["", "closed", "claims-only", "read-only", "known-only", "step-up"] = ""
    """rempart.vaultdoor.holds. "" closes; when it is lifted, "" is the strictest that stands."""
    whole: bool = False
    """Lift every hold on this key."""
    signatures: list[bytes] = []
    """Two people's signed notes over the text of `AskTwoPeople`, for what stops the whole platform."""


class AskTwoPeople(Message, frozen=True):
    """The text that two people sign so that this switch may be thrown or lifted on the whole platform. Replies `ReleaseText`."""

    switch: ThrowSwitch


class ListSwitches(Message, frozen=True):
    """What is contained now; with a `scope`, on that key alone, as for `ThrowSwitch`. Replies `Switches`."""

    scope: str = ""
    key: str = ""


class ShowLine(Message, frozen=True):
    """How much of a line is used. `scope`: account, device, establishment, editor; `key` as for a switch. Replies `LineState`."""

    scope: str
    key: str


class WidenLine(Message, frozen=True):
    """A person called back: a line is longer by `units`, for a month."""

    scope: str
    key: str
    units: int
    reason: str


class SetBreaker(Message, frozen=True):
    """What all accounts together may ask in an hour: `scope` platform (key "") or insurer (its n° AMC). Units, 50 at least; 0 takes the
    operator's own limit away: the policy's share holds again. Nothing at all is what a switch says."""

    scope: str
    key: str
    units: int


class ListInsurers(Message, frozen=True):
    """The insurers known. Replies `Insurers`."""


class SetVitale(Message, frozen=True):
    """The operator opens or closes the *vitale* lane of an insurer, at the insurer's request. Closed, it answers like an absence."""

    amc: str
    open: bool
    reason: str


class AskRelease(Message, frozen=True):
    """The text that two people sign to release a platform closed on a restored backup. Replies `ReleaseText`."""


class ReleaseRestored(Message, frozen=True):
    """Two people's signed notes over that text."""

    signatures: list[bytes]


class RegisterEditor(Message, frozen=True):
    """The operator makes an editor of practice software known, by contract. Replies `Enrolled`.

    `replace`: this key takes the place of the one known, which is void at once (it was lost, or stolen).
    """

    name: str
    public_key: bytes
    """P-256, uncompressed point (65 bytes)."""
    replace: bool = False


class SuspendEditor(Message, frozen=True):
    """The operator suspends (or reopens) an editor: its software is told nothing any more, wherever it is installed."""

    name: str
    suspended: bool


class ApproveApplication(Message, frozen=True):
    """An application to be referenced may be enrolled, as its digest has it (docs/onboarding.md). Two people's. Replies `Done`."""

    digest: str
    """SHA-256, hex: the second person compares it with what they read themselves."""
    finess: str
    profession: str
    login: str
    doubts: list[str]
    """What the checks found and whoever proposes has looked at: codes."""
    dossier: str = ""
    """The id of the dossier that was read; it is enrolled from that one alone. "" for a clerk's file."""


class RefuseApplication(Message, frozen=True):
    """An application is refused: an approval that it may have is void. Replies `Done`."""

    digest: str
    finess: str
    profession: str
    login: str
    ground: str
    """A code, for the journal."""
    dossier: str = ""
    """The id of the dossier: whatever was approved of it is void. "" for a clerk's file."""


class EnrolApplication(Message, frozen=True):
    """Enrol what was approved, once: the establishment and its titulaire. Replies `Onboarded`."""

    digest: str
    finess: str
    profession: str
    login: str
    dossier: str = ""
    """As it was approved; it becomes the establishment's id: the RIB is sealed for it."""
    doubts: list[str] = msgspec.field(default_factory=list)
    """Of a clerk's file: what somebody else raises of it by now. One that was not looked at when it was approved is refused."""


class ClearDossiers(Message, frozen=True):
    """Made-up dossiers, by id, are decided unread: journaled one by one, before they are erased. Replies `Done`."""

    dossiers: list[str]


class ShowProfile(Message, frozen=True):
    """What a party is held to beyond the policy (docs/profiles.md). Replies `ProfileView`."""

    scope: str
    """establishment, editor or insurer"""
    key: str
    """A FINESS or the n° AMC of an insurer's seat, an editor's name, an insurer's n° AMC."""


class ListProfiles(Message, frozen=True):
    """The parties held to more than the policy. Replies `Profiles`."""


class SetProfile(Message, frozen=True):
    """The operator changes what a party is held to. What is left out stays. Replies `ProfileView`."""

    scope: str
    key: str
    reason: str
    assurance: str = ""
    """passkey: nobody works there by password; password: as the policy says."""
    lanes: list[str] = []
    """Those that are open, or `none`: a second person reads what is said, so that nothing is said by silence."""
    percent: int = 0
    """Of the policy's lines, 10 to 100; an insurer's is its breaker."""
    networks: list[str] = []
    """CIDR, or `anywhere`."""


class ListEditors(Message, frozen=True):
    """The editors known. Replies `Editors`."""


class IssueSoftwareCode(Message, frozen=True):
    """The operator issues the code that installs an editor's software in an establishment, as its titulaire may. Replies `Enrolled`."""

    editor: str
    """Its name."""
    establishment: str
    """Its id."""


class Journal(Message, frozen=True):
    """The operator's own journal of acts in the vault, newest first."""

    limit: int = 100


INCIDENT_STATEMENT = "rempart-incident+jwt"
"""The `typ` of what the platform signs of an insurer's package."""


class IncidentStatement(Message, frozen=True):
    """What the platform states of a package: for whom, of which incident, which issue; `sha256`: of its bytes, in hexadecimal."""

    amc: str
    incident: int
    issue: int
    sha256: str


class StatePackage(Message, frozen=True):
    """The operator has the platform sign an insurer's package. Replies `Stated`."""

    statement: IncidentStatement


class TellInsurer(Message, frozen=True):
    """The operator has the people of an insurer's seat told of a package: a notice each. `kind`: incident:package or incident:remind."""

    amc: str
    kind: str
    detail: str


class SendPackages(Message, frozen=True):
    """An operator asks that packages of an incident go to their insurers. Replies `PackagesReleased`; to a command, where nobody has
    to approve it, `Done`."""

    incident: int
    everybody: bool
    """Also to the insurers of whom nobody is exposed."""
    proofs: bool
    """With the ledger's proof of each answer."""
    amcs: list[str]
    """The insurers to whom a package goes: those who have it already are not among them."""
    persons: int
    digest: str
    """SHA-256, hexadecimal, of all that they say: what is approved is what goes, or nothing goes."""


class PublishAnswers(Message, frozen=True):
    """An operator asks that every professional reads whether they were hit by an incident. Replies `AnswersReleased`; to a command,
    where nobody has to approve it, `Done`."""

    incident: int
    houses: int
    """Establishments that were hit; so many seats of insurers, so many groups."""
    seats: int
    groups: int
    digest: str
    """SHA-256, hexadecimal, of the words and of every answer: what is approved is what is published, or nothing is."""


class StateReleased(Message, frozen=True):
    """The desk, or a command, has the platform sign a package that two people released. Replies `Stated`."""

    statement: IncidentStatement


class TellReleased(Message, frozen=True):
    """The desk, or a command, has the people of an insurer's seat told of a package that two people released."""

    incident: int
    amc: str


class Recall(Message, frozen=True):
    """The worker has the people of an insurer's seat told that a package of an incident still waits for them. Replies `Done`."""

    amc: str
    incident: int


class Vouch(Message, frozen=True):
    """The cashier asks who signed this request, now and for the first time. Replies `Vouched`.

    `proof`: "session", somebody signed in on a fresh bound device; "step-up", with a proof of the last five minutes.
    """

    act: Act
    proof: Literal["session", "step-up"]


class Notify(Message, frozen=True):
    """The cashier has the people of an establishment told, and the administrators of its group: a notice each, one line in the journal.

    `establishment`: its id; `kind`: one of vault.notices.TOLD_BY_CASHIER; `detail`: a few words for them alone, never a bank account or
    a person.
    """

    establishment: str
    kind: str
    detail: str


class MarkRib(Message, frozen=True):
    """The cashier asks by which mark one account to be paid on is known again. Replies `RibMark`."""

    digest: bytes
    """SHA-256 of the IBAN (rempart.claims.rib.digest_of_rib): no account's number comes to the vault."""


class AskDossierKey(Message, frozen=True):
    """What the cashier closes dossiers of référencement to. Replies `DossierKey`."""


class Announced(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document that will follow: what it is said to be, what its first bytes say, its size in bytes (rempart.identity.dossier)."""

    about: str
    kind: str
    size: int


class OpenDossier(Message, frozen=True):
    """Somebody applies to be referenced, on the public page: asked of the cashier. Replies `DossierOpened` or `DossierFaults`."""

    typed: dict[str, str]
    """As it was typed, by field."""
    iban: str
    documents: list[Announced]
    address: str
    """Whence it came, on the door's word: what one sender may send in a day is bounded."""


class AddPiece(Message, frozen=True):
    """A piece of a document announced, asked of the cashier. The same again changes nothing. Replies `Done`."""

    code: str
    document: int
    """1 for the first announced."""
    piece: int
    body: bytes


class FinishDossier(Message, frozen=True):
    """All was sent: asked of the cashier. Replies `Done`."""

    code: str


class AskDossierState(Message, frozen=True):
    """What became of a dossier, for whoever has its code: asked of the cashier. Replies `DossierState`."""

    code: str
    address: str


class Contain(Message, frozen=True):
    """Detection contains one party (docs/detection.md): the smallest scopes only. Whatever holds more or longer stays as it is."""

    scope: Literal["device", "account", "establishment", "editor"]
    key: str
    """Its id (uuid)."""
    hold: Literal["step-up", "closed"]
    reason: str
    """A rule and an alert's figure, for the journal; nothing of a person."""
    minutes: int
    """0: until the operator undoes it."""


class DeskAct(Message, frozen=True):
    """An operator's signed request, relayed whole by the desk, and judged by its origin and table (`DESK` in rempart.vault.desk_acts)."""

    act: Act


class EnrolOperator(Message, frozen=True):
    """Somebody of the operator's gets a seat at the desk, under a new login. Replies `Enrolled`, with the activation code."""

    login: str
    role: str


class SuspendOperator(Message, frozen=True):
    """An operator's account is suspended (or reopened): its sessions and devices fall at once."""

    login: str
    suspended: bool


class ListOperators(Message, frozen=True):
    """Who has a seat at the desk. Replies `Operators`."""


class ListProposals(Message, frozen=True):
    """What waits for a second person. Replies `Proposals`."""


class WithdrawProposal(Message, frozen=True):
    """A command takes back what a command proposed."""

    id: int


class CountCampaign(Message, frozen=True):
    """Whom a campaign would concern now. Replies `CampaignCount`; nothing is done."""

    kind: str
    """rempart.vaultdoor.campaigns.Kind"""
    scope: str
    """account, device, establishment, group, profession, editor or platform"""
    key: str
    """A login, a device's id, a FINESS or the n° AMC of an insurer's seat, a group's label, a profession, an editor's name; "" for the
    platform."""


class StartCampaign(CountCampaign, frozen=True, kw_only=True):
    """People of this scope have to do something again, and can do nothing else before (docs/campaigns.md). Replies `CampaignStarted`."""

    reason_fr: str
    reason_en: str
    """What each of them reads."""
    days: int = 0
    """After so many it fades for whoever has not done it; 0: never."""
    window_days: int = 30
    """Accounts to be paid on alone: those changed so lately are not paid on until they are confirmed."""


class EndCampaign(Message, frozen=True):
    """Nothing more is asked by it of whoever has not done it yet."""

    number: int
    reason: str


class ListCampaigns(Message, frozen=True):
    """Every campaign, the newest first. Replies `Campaigns`."""


class ShowCampaign(Message, frozen=True):
    """One, with its progress by establishment. Replies `CampaignProgress`."""

    number: int


Call = (
    Act
    | DeskAct
    | EnrolOperator
    | SuspendOperator
    | ListOperators
    | ListProposals
    | WithdrawProposal
    | Health
    | Jwks
    | Checkpoint
    | AskProof
    | AskTile
    | RegisterInsurer
    | EnrolEstablishment
    | EnrolGroup
    | EnrolProfessional
    | EnrolInsurersSeat
    | ApproveEnrolment
    | IssueCode
    | SuspendAccount
    | SuspendEstablishment
    | ResumeEstablishment
    | DepartEstablishment
    | StayEstablishment
    | ShowEstablishment
    | ThrowSwitch
    | AskTwoPeople
    | ListSwitches
    | AskRelease
    | ReleaseRestored
    | ShowLine
    | WidenLine
    | SetBreaker
    | SetVitale
    | ListInsurers
    | RegisterEditor
    | SuspendEditor
    | ListEditors
    | ApproveApplication
    | EnrolApplication
    | RefuseApplication
    | ClearDossiers
    | ShowProfile
    | ListProfiles
    | SetProfile
    | IssueSoftwareCode
    | Journal
    | StatePackage
    | TellInsurer
    | Recall
    | SendPackages
    | PublishAnswers
    | StateReleased
    | TellReleased
    | Vouch
    | Notify
    | MarkRib
    | AskDossierKey
    | OpenDossier
    | AddPiece
    | FinishDossier
    | AskDossierState
    | Contain
    | CountCampaign
    | StartCampaign
    | EndCampaign
    | ListCampaigns
    | ShowCampaign
)

CALLERS: dict[str, tuple[type[Message], ...]] = {
    "door": (Act, Health, Jwks, Checkpoint, AskProof, AskTile),
    "operator": (
        Health, Jwks, Checkpoint, RegisterInsurer, EnrolEstablishment, EnrolGroup, EnrolProfessional, EnrolInsurersSeat,
        IssueCode, SuspendAccount,
        SuspendEstablishment, ResumeEstablishment, DepartEstablishment, StayEstablishment, ShowEstablishment,
        AskRelease, ReleaseRestored,
        ThrowSwitch, AskTwoPeople, ListSwitches, ShowLine, WidenLine, SetBreaker, SetVitale, ListInsurers, Journal,
        RegisterEditor, SuspendEditor, ListEditors, IssueSoftwareCode, ShowProfile, ListProfiles, SetProfile,
        ApproveApplication, ClearDossiers, EnrolApplication, RefuseApplication,
        EnrolOperator, SuspendOperator, ListOperators, ListProposals, WithdrawProposal, StatePackage, TellInsurer,
        SendPackages, PublishAnswers, StateReleased, TellReleased,
        CountCampaign, StartCampaign, EndCampaign, ListCampaigns, ShowCampaign,
    ),
    "cashier": (Vouch, Notify, MarkRib, AskDossierKey, Jwks, Health),
    "sentinel": (Contain, Health),
    "desk": (DeskAct, Health, Checkpoint, StateReleased, TellReleased),
    "probe": (Health,),
    "worker": (Health, Recall),
}  # fmt: skip

# ── replies ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Refused(Message, frozen=True):
    """Nothing was done. `code` is stable (rempart.vaultdoor.codes has its sentences); `detail` names fields, never a person."""

    code: str
    detail: str = ""
    reference: str = ""
    """For outages and internal errors: what to quote to support."""


class Done(Message, frozen=True):
    """Done, nothing to say."""


class Thrown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One hold and the scope it was thrown on (rempart.vaultdoor.holds)."""

    scope: str
    hold: str


class House(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An establishment of a group."""

    id: str
    finess: str


class Vouched(Message, frozen=True):
    """Who signed: the vault's word, for one request. All of it was read under lock when it was given."""

    account: str
    login: str
    device: str
    """Ids (uuid) of account and device."""
    establishment: str
    """The id of the place where the session works; "" for an administrator's seat."""
    profession: str
    """A Profession; "" for an administrator's seat."""
    role: str
    amc: str
    """The n° AMC of an insurer's seat, else ""."""
    insurer: int
    """That insurer's number, else 0."""
    finess: str
    """Of an establishment that gives care, else ""."""
    assurance: int
    proven: int
    """When a factor was last used, µs."""
    since: int
    """Since when this account works there on a device of its own, µs; 0 for an administrator's seat."""
    at: int
    """The vault's clock, µs."""
    editor: str = ""
    """The id of the editor whose software the device is; "" for a browser."""
    thrown: list[Thrown] = []
    """What holds who signed. Nothing that closes a suspect is among it: that is refused."""
    standing: str = "open"
    """Of the establishment: a vaultdoor.seats.Standing. Where nobody works any more nobody is vouched for."""
    groups: list[str] = []
    """Ids of the groups that an administrator's seat administers; none for any other."""
    houses: list[House] = []
    """The establishments of these groups."""


class Paper(Message, frozen=True):
    """What the cashier answers: the JSON of a view (`kind` is its name), a FHIR resource, a PDF, a CSV."""

    kind: str
    body: bytes
    media_type: str = "application/json"
    status: int = 200
    headers: dict[str, str] = {}


class WitnessState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One witness, as the vault sees it."""

    name: str
    size: int
    """The leaves of the checkpoint that it last cosigned; -1 before it answered."""
    age: int
    """µs since when it has not cosigned all that was signed; 0 when it has."""
    trouble: str = ""
    """Why not, "" when it did."""


class Healthy(Message, frozen=True):
    """`ready` is false while draining or while the meter, the ledger or the key store cannot answer."""

    ready: bool
    database: bool
    key_store: str
    ledger_size: int
    version: str
    witnesses: list[WitnessState] = []
    heard: bool = True
    """A witness has answered since the start, or none is configured; until then nothing is disclosed."""
    restored: bool = False
    """Every line counts as spent until two people release it: the ledger is not the one that witnesses saw."""
    operations: str = ""
    """Where the key store's operations are not those of the ledger (docs/ledger.md); "" when they agree."""


class PublicKeys(Message, frozen=True):
    """A JWK set, as JSON."""

    jwks: bytes


class LedgerFile(Message, frozen=True):
    """A tile, an entry bundle or a proof: public, the same for everybody."""

    body: bytes


class ReleaseText(Message, frozen=True):
    """A note's text, ending in a newline, to be signed as it is."""

    text: str


class SwitchView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One switch that stands."""

    scope: str
    key: str
    named: str
    """How an operator calls it: n° AMC, FINESS, login; for a device, whose it is."""
    hold: str
    reason: str
    thrown: int
    until: int
    """0: until it is lifted."""
    by: str
    second: bool
    """Lifting it takes a second person."""


class SwitchCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many switches of one kind stand."""

    scope: str
    hold: str
    number: int


class Switches(Message, frozen=True):
    """What is contained now, the widest scope first, then the strictest hold, then the latest: 500 at the most.

    `counts`: of all of them, in the same order.
    """

    switches: list[SwitchView]
    at: int
    counts: list[SwitchCount] = msgspec.field(default_factory=list)


class SignedCheckpoint(Message, frozen=True):
    """A C2SP checkpoint in signed-note form, or "" before the first."""

    note: str
    verifier_key: str
    """The signed-note verifier key ("vkey") to check it with."""


class Enrolled(Message, frozen=True):
    """An identifier (uuid), and the one-time code where there is one. The code is shown once and kept nowhere.

    `joins`: told to the operator only. The code is for an account that exists, whose holder joins with it.
    """

    id: str
    code: str = ""
    joins: bool = False


class Contract(Message, frozen=True):
    """What one contract says for the domain asked. No name, no number: a decision, not a person."""

    product: str
    open: bool
    reason: str
    """"" when open, else one of: domain-not-covered, waiting-period, not-started, ended, suspended."""
    valid_from: str
    valid_to: str
    """ISO dates; "" when the contract has no end."""
    responsible: bool
    formula: str
    """The guarantee in words, e.g. "100 % BR, AMO comprise"."""
    prise_en_charge: bool
    """This domain needs a prise en charge first."""


class Decision(Message, frozen=True):
    """The only thing about a person that leaves: is the right open, for this domain and date, and on what terms."""

    found: bool
    """False is every form of absence: unknown, wrong birth date, revoked, closed lane."""
    open: bool
    contracts: list[Contract]


class Answer(Message, frozen=True):
    """The answer to a rights check. The frame and the HTTP body are padded so that every answer has the same length.

    `engagement` is the numéro d'engagement ("" unless open); `receipt` a compact JWS: the engagement's terms when open, and
    always the promise of inclusion in the ledger (leaf hash, index, time).
    """

    decision: Decision
    engagement: str
    receipt: str
    insurer: str
    domain: str
    date: str
    lane: str
    cost: int
    """What it cost of the line, in units (a person already told costs 0)."""
    at: int
    pad: str = ""


class OfflineUse(Message, frozen=True):
    """What became of one reported use of an offline card. `refused`: a reason of the closed list, else ""; then `receipt` is an engagement
    (compact JWS) bounded to `cents`."""

    card: str = ""
    domain: str = ""
    at: int = 0
    refused: str = ""
    engagement: str = ""
    receipt: str = ""
    cents: int = 0


class OfflineUses(Message, frozen=True):
    """One a statement, in their order."""

    uses: list[OfflineUse]


class Challenge(Message, frozen=True):
    """A nonce for WebAuthn. The ceremony's challenge is SHA-256(label ‖ 0x00 ‖ nonce ‖ thumbprint of the device key): see
    docs/protocol.md. `allow` lists credential ids (base64url) where the account is already known, else is empty (discoverable)."""

    nonce: str
    purpose: str
    rp_id: str
    user_id: str = ""
    user_name: str = ""
    allow: list[str] = []
    exclude: list[str] = []


class SignedIn(Message, frozen=True):
    """A session is open. The door puts `session` in the __Host- cookie; the vault keeps its hash only."""

    session: str
    login: str
    establishment: str
    establishments: list[str]
    role: str
    assurance: int
    expires: int


class DevicePending(Message, frozen=True):
    """Login, password and code are right, but this device is not bound: it opens nothing until a bound device of the account
    approves it with the `code` shown here, a passkey is used on it, or a posted code is typed."""

    pending: str
    code: str
    expires: int


class SoftwarePending(Message, frozen=True):
    """A practice software waits until a person of its establishment confirms with a passkey, on the portal's page `/logiciel#ask.code`."""

    ask: str
    code: str
    """Eight characters, which the software shows and the page repeats."""
    purpose: str
    """work: begin its twelve hours; step-up: it is working, and a person must be seen."""
    expires: int


class SoftwareAsked(Message, frozen=True):
    """What a person is asked to confirm."""

    ask: str
    editor: str
    label: str
    establishment: str
    purpose: str
    expires: int


class SoftwareView(Message, frozen=True):
    device: str
    editor: str
    label: str
    status: str
    """active, or suspended with its editor."""
    installed: int
    fresh_until: int
    """Until when somebody works on it; 0 when nobody confirmed it yet."""


class Softwares(Message, frozen=True):
    """The practice software of an establishment, and the editors whose software may be installed."""

    establishment: str
    installed: list[SoftwareView]
    editors: list[str]


class EditorView(Message, frozen=True):
    """An editor, as the operator sees it."""

    id: str
    name: str
    keyid: str
    """RFC 7638 thumbprint of its key, base64url."""
    status: str
    added: int
    establishments: int
    devices: int


class Editors(Message, frozen=True):
    """By name."""

    editors: list[EditorView]


class EditorPage(Message, frozen=True):
    """What an editor sees of itself: counts, never a person, an establishment or a look-up."""

    name: str
    status: str
    hold: str
    """The strictest hold that a switch on it has (rempart.vaultdoor.holds); "": none is thrown."""
    keyid: str
    former_until: int
    """Until when the key before the last rotation counts, µs; 0 when there was none."""
    establishments: int
    devices: int
    spent: list[int]
    limits: list[int]
    """Units an hour, a day, and of the line of 28 days less what claims earned."""
    refusals: dict[str, int]
    """Of the last seven days, by kind (docs/detection.md)."""
    at: int


class TotpSecret(Message, frozen=True):
    """A new TOTP secret, to be confirmed by one code before it counts. Shown once."""

    secret: str
    uri: str


class Activated(Message, frozen=True):
    """First factor and device registered. Recovery codes are shown once."""

    session: SignedIn
    recovery_codes: list[str]


class RecoveryCodes(Message, frozen=True):
    """Ten new codes; the former ones are void. Shown once."""

    codes: list[str]


class FactorView(Message, frozen=True):
    id: str
    kind: str
    """passkey, password, totp, recovery."""
    label: str
    added: int
    last_used: int
    remaining: int = 0
    """Recovery codes left."""


class DeviceView(Message, frozen=True):
    id: str
    label: str
    bound: int
    fresh_until: int
    current: bool
    pending: str = ""
    """The id of a pending request, when this device waits for approval."""


class Notice(Message, frozen=True):
    """Something an account's holder should know: a new factor, a new device, a sign-in refused."""

    at: int
    kind: str
    detail: str
    seen: bool


class Security(Message, frozen=True):
    """*Ma sécurité*."""

    login: str
    factors: list[FactorView]
    devices: list[DeviceView]
    notices: list[Notice]
    sessions: int


class JournalEntry(Message, frozen=True):
    at: int
    insurer: str
    lane: str
    domain: str
    outcome: str
    """told, absent, or withheld (only known people were served): the ledger does not keep whether the right was open."""
    engagement: str
    """The entry's number: the numéro d'engagement where the right was open; "" for an absence."""
    cost: int
    login: str


class Here(Message, frozen=True):
    """Where the session works: what messages are for it. Ids and codes; "" for an administrator's seat."""

    establishment: str
    profession: str
    due: bool = False
    """Whether something has to be done before anything else (`ToDo`)."""


class JournalPage(Message, frozen=True):
    """*Mon journal*, newest first, and what is left of the lines. `next` is the index to continue before, 0 at the end."""

    entries: list[JournalEntry]
    next: int
    hour_spent: int
    hour_limit: int
    day_spent: int
    day_limit: int
    line_spent: int
    """Of this device's line, in units: looked up and not yet followed by a claim; what its claims earned beyond lengthens the limit."""
    line_limit: int


class Consultation(Message, frozen=True):
    """One answer that told of a person, as its insurer may know it."""

    index: int
    """Of its leaf in the ledger."""
    at: int
    finess: str
    profession: str
    role: str
    """Of whoever asked, at that establishment; "" when they no longer work there."""
    domain: str
    lane: str
    answer_class: int
    """What it may have told at most (docs/ledger.md)."""
    editor: str
    """Whose practice software asked; "" for a browser."""


class Consultations(Message, frozen=True):
    """*Who consulted me*, newest first. `next` is the index to continue before, 0 at the end."""

    amc: str
    items: list[Consultation]
    next: int
    pruned_before: int
    """Answers older than this (µs) may be gone, their retention being over; 0: all are here."""
    at: int


class MemberView(Message, frozen=True):
    account: str
    login: str
    role: str
    status: str
    """invited, active or suspended."""
    establishment: str
    added: int


class SeatLife(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Dates of an establishment, µs, 0 for none. `standing`: a vaultdoor.seats.Standing; `leaving`: why, one of its LEAVING."""

    standing: str
    opens: int = 0
    closes: int = 0
    invoices_until: int = 0
    ends: int = 0
    leaving: str = ""
    suspended_until: int = 0
    suspended_for: str = ""
    """One of its SUSPENSIONS."""


class EstablishmentView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One seat of a FINESS. `…_by`: who said so."""

    id: str
    finess: str
    profession: str
    members: int
    life: SeatLife
    leaving_by: str = ""
    suspended_since: int = 0
    suspended_by: str = ""


class Establishments(Message, frozen=True):
    """The seats of a FINESS, the newest first: it has several once it was sold."""

    seats: list[EstablishmentView]


class Members(Message, frozen=True):
    """*Mon établissement*: who works here. `establishments` are those the caller may administer (a group has several)."""

    establishment: str
    finess: str
    profession: str
    role: str
    members: list[MemberView]
    establishments: list[str]
    amc: str = ""
    """Of an insurer's seat, which has no FINESS."""
    life: SeatLife | None = None
    """Its dates, where it has any: it takes over, is suspended, or leaves."""


class LineState(Message, frozen=True):
    """Units used and the limits: hour, day, line. What claims earned is taken off what is used, so that it may be negative."""

    used: list[int]
    limits: list[int]


class Stated(Message, frozen=True):
    """A compact JWS by the platform's published key."""

    statement: str


class Onboarded(Message, frozen=True):
    """Ids of what was enrolled, and the one-time code that the letter brings. `joins`: as `Enrolled` has it."""

    establishment: str
    account: str
    code: str
    joins: bool


class InsurerView(Message, frozen=True):
    """An insurer, as its contract has it. `persons`: in its present generation; the keys: base64, as its own tool prints them."""

    amc: str
    name: str
    persons: int
    vitale_open: bool
    signing_key: str
    notice_key: str


class Insurers(Message, frozen=True):
    """Every insurer, by n° AMC."""

    insurers: list[InsurerView]


class ProfileView(Message, frozen=True):
    """What a party is held to; the fields of `SetProfile`."""

    scope: str
    key: str
    assurance: str
    lanes: list[str]
    percent: int
    networks: list[str]


class Profiles(Message, frozen=True):
    """Those that are narrower than the policy, by party."""

    profiles: list[ProfileView]


class JournalLines(Message, frozen=True):
    """The operator's journal, one JSON object a line."""

    lines: list[str]


class Effect(Message, frozen=True):
    """What an act would do, counted now; nothing was done. Where it touches nobody the figures are 0."""

    second: bool
    """A second person has to approve it."""
    establishments: int = 0
    accounts: int = 0
    devices: int = 0
    sessions: int = 0
    """Open now."""
    insurers: int = 0
    persons: int = 0
    """Insured people of those insurers, in their current files."""
    party: str = ""
    """Kept with a proposal, and shown to nobody: whom the call named when it was made, by scope and key (rempart.vault.proposals)."""


class Proposed(Message, frozen=True):
    """Not done: it waits for a second person. `changed`: two people released something else of that incident, within the hour."""

    id: int
    expires: int
    changed: bool = False


class ProposalView(Message, frozen=True):
    """What somebody proposes. `act`: the call's name; `told`: its fields, as text; `own`: the reader's own; `may`: theirs to approve.

    `half`: it is done, and the reader has half of its code to be shown.
    """

    id: int
    act: str
    told: dict[str, str]
    by: str
    at: int
    expires: int
    own: bool
    may: bool
    effect: Effect
    half: bool = False


class HalfCode(Message, frozen=True):
    """Half of a code that two people give: `first` is the approver's, the other the proposer's. `other`: who has the other half."""

    proposal: int
    login: str
    code: str
    other: str
    first: bool


class Proposals(Message, frozen=True):
    """Those that are open, the oldest first; then the reader's own that are done, of whose code they have half to be shown."""

    proposals: list[ProposalView]


class OperatorView(Message, frozen=True):
    """Somebody with a seat at the desk."""

    login: str
    role: str
    status: str
    added: int


class Operators(Message, frozen=True):
    """By login."""

    operators: list[OperatorView]


class DeskSeat(Message, frozen=True):
    """Who speaks at the desk, and what they may do there: the paths of the table that their role opens."""

    login: str
    role: str
    may: list[str]
    at: int


class DossierKeys(Message, frozen=True):
    """One document of a dossier may be read: the keys of its pieces, in their order. The journal has it; the sealed pieces are not here.

    `seat`: who asked, as `DeskSeat` has it.
    """

    dossier: str
    document: int
    keys: list[bytes]
    seat: DeskSeat


class FieldFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field of a form, and what to do about it."""

    field: str
    french: str
    english: str


class DossierFaults(Message, frozen=True):
    """Nothing was taken in: what to correct, field by field."""

    faults: list[FieldFault]


class DossierOpened(Message, frozen=True):
    """It waits an hour for its documents. `code`: the follow-up code, told once."""

    code: str


class DossierState(Message, frozen=True):
    """`state`: received, proposed, enrolled, refused or cleared (rempart.identity.dossier.State); `received`: when, µs."""

    state: str
    received: int


class RibMark(Message, frozen=True):
    """The same for the same account, and nothing else; without the key store nobody finds an account by trying."""

    mark: bytes
    """16 bytes."""


class DossierKey(Message, frozen=True):
    public: bytes
    """X25519, raw."""


class PackagesReleased(Message, frozen=True):
    """Two people released packages of an incident to their insurers: the desk hands them over, once each, until then."""

    incident: int
    digest: str
    amcs: list[str]
    everybody: bool
    proofs: bool
    by: str
    expires: int


class AnswersReleased(Message, frozen=True):
    """Two people released an incident's answers: the desk publishes them, if they are those."""

    incident: int
    digest: str
    by: str


class Reminded(Message, frozen=True):
    """The insurers whose people were told again that a package waits; those that have no seat."""

    incident: int
    amcs: list[str]
    silent: list[str]
    by: str


class CampaignCount(Message, frozen=True):
    """Whom a campaign would concern: people (or editors, or establishments for an account to be paid on); what ends at once."""

    concerned: int
    establishments: int
    sessions: int
    devices: int
    second: bool
    """Whether it takes a second person."""


class CampaignStarted(Message, frozen=True):
    number: int
    concerned: int


class CampaignView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One campaign. `expires`, `ended`: µs, 0 for never. `done` of `total`: of whom or what it concerned when it was started."""

    number: int
    kind: str
    scope: str
    named: str
    reason_fr: str
    reason_en: str
    started: int
    by: str
    expires: int
    ended: int
    total: int
    done: int


class Campaigns(Message, frozen=True):
    campaigns: list[CampaignView]


class PlaceProgress(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """How far one establishment is. `number`: FINESS, the n° AMC of an insurer's seat, or an editor's name.

    Without its fields' names: every establishment of the country fits one frame.
    """

    number: str
    profession: str
    total: int
    done: int


class CampaignProgress(Message, frozen=True):
    campaign: CampaignView
    places: list[PlaceProgress]


class Demand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one campaign asks of the reader. `done`, `expires`: µs, 0 for not yet and never; `blocks`: nothing else is done before."""

    number: int
    kind: str
    reason_fr: str
    reason_en: str
    started: int
    expires: int
    done: int
    blocks: bool


class ColleagueDemand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far somebody of the reader's own establishment is: for its titulaire."""

    account: str
    login: str
    total: int
    done: int


class ToDo(Message, frozen=True):
    """« À faire avant de reprendre »: what is asked of the reader, in order; and, for a titulaire, how far their people are."""

    demands: list[Demand]
    colleagues: list[ColleagueDemand]
    establishment: str


Reply = (
    Refused
    | Effect
    | Proposed
    | Proposals
    | HalfCode
    | Switches
    | Insurers
    | Operators
    | DeskSeat
    | Establishments
    | PackagesReleased
    | AnswersReleased
    | Reminded
    | DossierKeys
    | DossierKey
    | RibMark
    | DossierFaults
    | DossierOpened
    | DossierState
    | Done
    | Healthy
    | PublicKeys
    | SignedCheckpoint
    | LedgerFile
    | ReleaseText
    | Enrolled
    | Answer
    | Challenge
    | SignedIn
    | DevicePending
    | TotpSecret
    | Activated
    | RecoveryCodes
    | Security
    | Here
    | JournalPage
    | Consultations
    | Members
    | JournalLines
    | Onboarded
    | ProfileView
    | Profiles
    | Stated
    | LineState
    | Vouched
    | Paper
    | SoftwarePending
    | SoftwareAsked
    | Softwares
    | Editors
    | EditorPage
    | CampaignCount
    | CampaignStarted
    | Campaigns
    | CampaignProgress
    | ToDo
    | OfflineUses
)


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One call in flight: `id` pairs a reply with its call on the connection."""

    id: int
    body: Call


class ReplyEnvelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: int
    body: Reply
