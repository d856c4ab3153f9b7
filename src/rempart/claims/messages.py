"""What is asked of the cashier and what it answers, as JSON. Strict: an unknown field or type is refused.

A body (`…Body`) is the JSON of a signed request (docs/protocol.md); a view comes back inside a `Paper` whose kind is its name.
Amounts are whole cents; dates ISO; instants µs. Nobody's name, NIR or birth date is in any of them.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from rempart.foundation.clock import DAY

# `$` alone would let a line break follow.
Number = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9./_-]*$(?!\n)")]
"""An establishment's own invoice number, or one of ours."""
Typed = Annotated[str, Meta(max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]
"""A number or a word that somebody looks for, or ""."""
Cents = Annotated[int, Meta(ge=0, le=100_000_000)]
SoughtCents = Annotated[int, Meta(ge=-1, le=2**53)]
"""An amount that is looked for; -1: any."""
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\n)")]
SoughtDay = Annotated[str, Meta(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$(?!\n)")]
"""A day that bounds a search, or ""."""
Cursor = Annotated[int, Meta(ge=-(2**53), le=2**53)]
"""`next` of the page before, as it was given; 0 for the first page. What a browser's numbers hold exactly."""
KEPT = 7 * DAY
"""How long a daily file can still be fetched once it is acknowledged: whoever acknowledges destroys nothing at once."""
Receipt = Annotated[str, Meta(max_length=8_192)]
"""An engagement's compact JWS, as the rights check gave it."""
PAGE = 50
"""Rows of a page."""


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON body of an errand."""


class View(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer."""


class Nothing(Body, frozen=True):
    """`{}`."""


# ── pricing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Line(Body, frozen=True, omit_defaults=True):
    """One act, in the words of docs/files/pricing-cases.md; cents. Of several exonerations the best one counts."""

    nature: str
    price: Cents
    base: Cents
    pathway: Literal["", "coordinated", "outside"] = ""
    optam: bool | None = None
    exonerations: Annotated[list[str], Meta(max_length=5)] = []
    glazing_class: Literal["", "A", "B", "I", "II"] = ""
    """Optics A or B, audio I or II."""
    basket: Literal["", "rac0", "moderated", "free"] = ""
    lens_category: Literal["", "a", "c", "f"] = ""
    ear: Literal["", "left", "right"] = ""
    boxes: Annotated[int, Meta(ge=0, le=100)] = 0
    days: Annotated[int, Meta(ge=0, le=1_000)] = 0
    acts: Annotated[int, Meta(ge=0, le=1_000)] = 0
    heavy_act: bool = False


Lines = Annotated[list[Line], Meta(min_length=1, max_length=60)]


class Shares(View, frozen=True):
    """Who pays what, cents. amo + amc + patient = total; participation and franchise are debts to AMO, apart."""

    total: int
    amo: int
    amc: int
    patient: int
    participation: int
    franchise: int


class StepView(View, frozen=True):
    """One rule that was applied: its name, its article, the amount it gave, the sentence for the professional."""

    rule: str
    article: str
    cents: int
    sentence: str


class Care(Body, frozen=True):
    """What a quote, a prise en charge and an invoice have in common. `regime`: general, alsace-moselle, fsv."""

    lines: Lines
    receipt: Receipt = ""
    prise_en_charge: Typed = ""
    """Number of a prise en charge; then no receipt is needed."""
    regime: Literal["general", "alsace-moselle", "fsv"] = "general"
    territory: Annotated[str, Meta(max_length=3)] = ""


class QuoteBody(Body, frozen=True):
    """`/claims/quote`: nothing is reserved, nothing is kept."""

    care: Care


class Quote(View, frozen=True):
    shares: Shares
    lines: list[Shares]
    steps: list[StepView]
    prise_en_charge_needed: bool
    left_of_ceiling: int = -1
    """What is left of the period's ceiling before this care, cents; -1 when there is none."""


# ── prise en charge ──────────────────────────────────────────────────────────────────────────────────────────────────

PecState = Literal["accordee", "en-attente", "refusee", "annulee"]


class AskBody(Body, frozen=True):
    """`/claims/prise-en-charge/ask`. `amends`: the number of the one it replaces."""

    care: Care
    amends: Typed = ""


class NumberBody(Body, frozen=True):
    """The number of a prise en charge, an invoice or a statement."""

    number: Number


class PriseEnCharge(View, frozen=True):
    number: str
    state: PecState
    reason: str
    """A code of the closed list docs/prise-en-charge.md, or ""."""
    decided_by: str
    domain: str
    insurer: str
    """n° AMC."""
    asked: int
    decided: int
    valid_from: str
    valid_to: str
    expired: bool
    shares: Shares
    lines: list[Line]
    """Empty once it ended."""
    amends: str
    invoice: str


class PriseEnChargeFilter(Body, frozen=True):
    """`/claims/prise-en-charge/list`, newest first. `before`: `next` of the page before."""

    state: Typed = ""
    domain: Typed = ""
    before: Cursor = 0


class PriseEnChargePage(View, frozen=True):
    items: list[PriseEnCharge]
    next: int


class DecideBody(Body, frozen=True):
    """`/claims/insurer/decide`."""

    number: Number
    decision: Literal["accordee", "refusee"]
    reason: str = ""
    """A code of the closed list when refused."""


# ── invoice ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class InvoiceBody(Body, frozen=True):
    """`/claims/invoice/submit`. Idempotent by the establishment's own `number`. `corrects`: the number of the invoice it replaces."""

    number: Number
    care: Care
    care_date: Day
    corrects: Typed = ""


class Invoice(View, frozen=True):
    number: str
    state: Literal["accepted", "refused", "cancelled"]
    code: str
    """Why it is refused: a code of the closed list docs/rejects.md."""
    detail: str
    cause: str
    remedy: str
    """In the reader's language."""
    domain: str
    insurer: str
    care_date: str
    received: int
    shares: Shares
    steps: list[StepView]
    """At acceptance; empty when read again: the acts are the insurer's."""
    engagement: str
    prise_en_charge: str
    corrects: str
    payment: str
    """The statement's number once paid, else ""."""
    money: Literal["", "due", "ordered", "executed", "rejected", "recovering", "recovered"]
    lines: list[Shares] = []
    """Who pays what of each line, in the lines' order. At acceptance; empty when read again."""


class InvoiceFilter(Body, frozen=True):
    """`/claims/invoice/list`, newest first."""

    state: Typed = ""
    number: Typed = ""
    """Beginning of the number."""
    cents: SoughtCents = -1
    """The complementary part."""
    first_day: SoughtDay = ""
    last_day: SoughtDay = ""
    before: Cursor = 0


class InvoicePage(View, frozen=True):
    items: list[Invoice]
    next: int


# ── money ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Payment(View, frozen=True):
    """A transfer to the establishment. `statement` is also the reference the bank prints."""

    statement: str
    state: Literal["ordered", "executed", "rejected"]
    reason: str
    cents: int
    ordered: int
    settled: int
    invoices: int


class PaymentFilter(Body, frozen=True):
    """`/claims/payment/list`, newest first. `invoice`: the payment that holds this invoice."""

    invoice: Typed = ""
    cents: SoughtCents = -1
    first_day: SoughtDay = ""
    last_day: SoughtDay = ""
    before: Cursor = 0


class PaymentPage(View, frozen=True):
    items: list[Payment]
    next: int
    due: int
    """What is due and not yet ordered, cents; negative when the establishment owes."""


class StatementRow(View, frozen=True):
    invoice: str
    kind: Literal["invoice", "cancellation", "indu"]
    care_date: str
    insurer: str
    insurer_name: str
    engagement: str
    cents: int


class StatementView(View, frozen=True):
    payment: Payment
    rib_since: int
    rows: list[StatementRow]


class RibBody(Body, frozen=True):
    """`/claims/rib/change` (step-up by passkey, titulaire)."""

    iban: Annotated[str, Meta(min_length=15, max_length=42)]


class RibView(View, frozen=True):
    """The account's number itself is shown nowhere. Instants µs, 0 when there is none."""

    in_force_since: int
    waiting_since: int
    effective_at: int
    needs_second: bool
    confirmed: bool
    asked_by_me: bool
    check: str = ""
    """What a campaign asks of it: "" nothing, `asked`, `typed` (the settlement run compares it), `differs` (it was another)."""


# ── the insurer's side ───────────────────────────────────────────────────────────────────────────────────────────────


class RejectView(View, frozen=True):
    """A line of a file that was left out, by its number; nothing of what it says."""

    line: int
    field: str
    code: str


class DeliveryView(View, frozen=True):
    """A file the insurer sent, and what became of it."""

    id: str
    filename: str
    kind: str
    state: str
    code: str
    received: int
    finished: int
    lines: int
    persons: int
    leaving: int
    """Persons that a full file no longer holds; above 5 % it waits for a second person."""
    rejected: int
    rejects: list[RejectView]
    """The first ones."""


class PageBody(Body, frozen=True):
    """A page, newest first. `before`: `next` of the page before, 0 for the first."""

    before: Cursor = 0


class DeliveryPage(View, frozen=True):
    items: list[DeliveryView]
    next: int


class ContractView(View, frozen=True):
    """What the engagement froze of a contract: product, the formula of its domain, contrat responsable or not."""

    product: str
    formula: str
    responsible: bool


class UsedView(View, frozen=True):
    """What the beneficiary had already used of a ceiling when it was asked."""

    counter: str
    since: str
    cents: int


class AskedView(View, frozen=True):
    """A prise en charge as its insurer reads it. Who it is about, the insurer learns from the engagement's entry, by its own key."""

    item: PriseEnCharge
    engagement: str
    age: int
    contracts: list[ContractView]
    used: list[UsedView]


class AskedPage(View, frozen=True):
    """What waits first, the longest first; then the others, the newest first. `next`: 0 at the end."""

    items: list[AskedView]
    next: int


class DailyFile(View, frozen=True):
    """A file that an insurer is handed each day."""

    id: str
    day: str
    rows: int
    digest: str
    """SHA-256, hexadecimal."""
    bytes: int
    parts: int
    """How many its `…/download` hands over, one at a time; 0 seven days after it was acknowledged."""
    made: int
    acknowledged: int


class FlowView(DailyFile, frozen=True):
    """A daily flow. `rows`: its lines but the header and the keys; `cents`: accepted less cancelled."""

    cents: int


class FlowPage(View, frozen=True):
    items: list[FlowView]
    next: int


class OpeningsView(DailyFile, frozen=True):
    """A day's openings of the ledger (docs/files/openings.md): the insurer's own leaves from index `first` on and before `until`."""

    first: int
    until: int


class OpeningsPage(View, frozen=True):
    items: list[OpeningsView]
    next: int


class IncidentView(DailyFile, frozen=True):
    """A package of an incident (docs/files/incident.md). `rows`: members in it; `issue`: from 1, each replacing the one before."""

    incident: int
    issue: int
    replaced: int = 0
    """When a newer issue of it was acknowledged, µs: a week later the content of this one is gone too; 0: none was."""


class IncidentPage(View, frozen=True):
    items: list[IncidentView]
    next: int


class HouseAnswer(View, frozen=True):
    """One party's own answer about an incident: counts, nobody's name. All zero and nothing of its own: it is not concerned."""

    id: str
    finess: str
    """"" for a group as one, or an insurer's seat."""
    answers: int = 0
    """In question, made here, that told of somebody."""
    persons: int = 0
    """Distinct persons told of by these; one for each insurer."""
    elsewhere: int = 0
    """In question, made at another establishment by an account that has a seat here."""
    served: int = 0
    """Persons exposed, wherever it was done, whom this establishment was told of within three years."""
    served_by_others: int = 0
    """Of these, exposed by answers made at other establishments."""
    own_fr: list[str] = []
    own_en: list[str] = []
    """Which of its people's own data may have been seen, at most; empty: none."""
    people: int = 0
    """How many work there; 0 for a group as one."""

    @property
    def concerned(self) -> bool:
        """Whether the incident has anything to do with it."""
        return bool(self.answers or self.elsewhere or self.served or self.own_fr)


class PublishedIncident(View, frozen=True):
    """An incident in the operator's public words, and the answer of who asks. Instants in µs: known since `aware`, examined from `since` to
    `until`, counted at `at`.
    """

    number: int
    at: int
    aware: int
    since: int
    until: int
    title: str
    nature_fr: str
    nature_en: str
    measures_fr: str
    measures_en: str
    contact_fr: str
    contact_en: str
    told_fr: str
    told_en: str
    """What an answer can have said, at most; "" when none told of anybody."""
    whole: HouseAnswer
    """The establishment's, the seat's, or the group's as one."""
    houses: list[HouseAnswer]
    """Of a group, each establishment that is concerned, by number."""
    untouched: list[HouseAnswer]
    """And each that is not."""


class IncidentAnswers(View, frozen=True):
    """*Sommes-nous concernés ?* `seat`: establishment, insurer or group."""

    seat: str
    items: list[PublishedIncident]


class FilePartBody(Body, frozen=True):
    """One part of a daily file, from 1."""

    id: str
    part: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 1


class AcknowledgeBody(Body, frozen=True):
    """Of a daily file: `digest` proves that it arrived whole."""

    id: str
    digest: str


class FundsCall(View, frozen=True):
    reference: str
    cents: int
    called: int
    due_on: str
    received: int
    received_cents: int
    late: bool
    """Its day is over, and it is not received."""


class FundsPage(View, frozen=True):
    items: list[FundsCall]
    next: int


class Month(View, frozen=True):
    """`cents`: accepted less cancelled; `domains`: the same by domain."""

    month: str
    """YYYY-MM."""
    invoices: int
    refused: int
    cancelled: int
    cents: int
    domains: dict[str, int]


class InsurerDesk(View, frozen=True):
    """`/claims/insurer/home`: figures by month, funds, what waits. Figures are those of the flows, and of what came since."""

    amc: str
    name: str
    to_decide: int
    flows_waiting: int
    incidents_waiting: int
    """Packages of an incident that nobody acknowledged, the last issue of each."""
    files_waiting: int
    funds_called: int
    """Called and not received yet, cents."""
    funds_late: int
    """Of that, past its day."""
    months: list[Month]
    """Twelve, the oldest first."""
