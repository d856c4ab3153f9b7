"""The bodies of the incident's pages at the desk (rempart.vault.desk_acts): what may be said, and the journal's line of each act.

What is written into an incident is the desk's own to do, in its database role, once the vault has said who asks and has journaled it. The
journal's line names the incident, the act and its key, never the words: those stand in the incident's own journal, which refuses a NIR.
"""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from rempart.foundation.logs import redact
from rempart.vault.asked import Body
from rempart.vault.notices import Audited

Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]
One = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Moment = Annotated[str, Meta(max_length=40, pattern=r"^[0-9T:.+Z-]*$")]
"""ISO 8601; the room reads it."""
Said = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")]
Long = Annotated[str, Meta(max_length=4_000, pattern=r"^[^\x00]*$")]
FactKey = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,40}(:en)?$")]
Duty = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}$")]
DocumentKey = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,60}$")]
Party = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f]*$")]
Parties = Annotated[tuple[Party, ...], Meta(max_length=50)]
Amcs = Annotated[list[Annotated[str, Meta(pattern=r"^[0-9]{8}$")]], Meta(min_length=1, max_length=500)]


class Noted(Body, frozen=True):
    """What stays in the vault's journal before it is done."""

    ACT: ClassVar[Audited]

    def told(self) -> tuple[str, str]:
        """The journal's object and detail."""
        raise NotImplementedError


class IncidentBody(Body, frozen=True, kw_only=True):
    """`id` 0: all of them."""

    id: Number = 0
    part: Literal["clocks", "facts", "duties", "documents", "journal"] = "clocks"


class OpenBody(Noted, frozen=True, kw_only=True):
    ACT = Audited.INCIDENT_ACT
    title: Said
    aware: Moment

    def told(self) -> tuple[str, str]:
        return "incident", "open"


class FactBody(Noted, frozen=True, kw_only=True):
    ACT = Audited.INCIDENT_ACT
    id: One
    key: FactKey
    value: Long

    def told(self) -> tuple[str, str]:
        return str(self.id), f"fact {self.key}"


class AboutBody(Noted, frozen=True, kw_only=True):
    """The question of whoever asks, as it was answered last, becomes the incident's."""

    ACT = Audited.INCIDENT_ACT
    id: One

    def told(self) -> tuple[str, str]:
        return str(self.id), "question"


class DoneBody(Noted, frozen=True, kw_only=True):
    ACT = Audited.INCIDENT_ACT
    id: One
    duty: Duty
    at: Moment = ""
    reference: Said = ""

    def told(self) -> tuple[str, str]:
        return str(self.id), f"done {self.duty}"


class WaiveBody(Noted, frozen=True, kw_only=True):
    ACT = Audited.INCIDENT_ACT
    id: One
    duty: Duty
    why: Said

    def told(self) -> tuple[str, str]:
        return str(self.id), f"waive {self.duty}"


class UnpublishBody(Noted, frozen=True, kw_only=True):
    """Nobody reads the published answers any more; `why` stays in the incident's journal."""

    ACT = Audited.INCIDENT_UNPUBLISH
    id: One
    why: Said

    def told(self) -> tuple[str, str]:
        return str(self.id), "answers"


class ScopeBody(Noted, frozen=True, kw_only=True):
    """Whose answers, from when to when; nobody named: everybody's. `until` "": now. `whole`: read the ledger from end to end."""

    ACT = Audited.INCIDENT_SCOPE
    since: Moment
    until: Moment = ""
    accounts: Parties = ()
    devices: Parties = ()
    establishments: Parties = ()
    groups: Parties = ()
    editors: Parties = ()
    lanes: Parties = ()
    insurers: Parties = ()
    whole: bool = False

    def told(self) -> tuple[str, str]:
        named = [*self.accounts, *self.devices, *self.establishments, *self.groups, *self.editors]
        # A number typed into the wrong field is kept nowhere.
        said = redact(", ".join(named)) or "everybody"
        return "scope", f"{self.since} {self.until or 'now'}: {said}"[:200]


class ScopeLookBody(Body, frozen=True, kw_only=True):
    """`list`: a page of the list alone, from 0; `insurer`: its number, 0 for all."""

    list: bool = False
    page: Number = 0
    insurer: Number = 0


class ProofsBody(Noted, frozen=True, kw_only=True):
    """The proofs of a part of the list, from 0."""

    ACT = Audited.INCIDENT_PROOFS
    part: Number = 0

    def told(self) -> tuple[str, str]:
        return "scope", f"proofs, part {self.part}"


class HitBody(Body, frozen=True, kw_only=True):
    """Exactly one of both."""

    establishment: Said = ""
    group: Said = ""


class PlanBody(Body, frozen=True, kw_only=True):
    id: One
    everybody: bool = False
    proofs: bool = False


class OneBody(Body, frozen=True, kw_only=True):
    id: One


class DocumentBody(Body, frozen=True, kw_only=True):
    """`form` zip: the letters to establishments, all of one document."""

    id: One
    document: DocumentKey
    form: Literal["read", "pdf", "json", "fr.txt", "en.txt", "zip"]


class RemindBody(Body, frozen=True, kw_only=True):
    incident: One
    amcs: Amcs
