"""What is asked and what is answered. Amounts are cents, dates are dates; an instant is µs since 1970."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Card:
    """A card's printed fields. `rank`: the birth rank, of twins."""

    amc: str
    adherent: str = field(repr=False)
    birth_date: date = field(repr=False)
    rank: int = 1


@dataclass(frozen=True, slots=True)
class CardSecret:
    """A scan of the DataMatrix of a card that Rempart made. `secret`: 26 characters of base32."""

    amc: str
    secret: str = field(repr=False)
    birth_date: date = field(repr=False)
    rank: int = 1


@dataclass(frozen=True, slots=True)
class Vitale:
    """No card at hand: by the NIR (15 characters). Narrow: it costs ten times as much of the line."""

    amc: str
    nir: str = field(repr=False)
    birth_date: date = field(repr=False)
    rank: int = 1


Presentation = Card | CardSecret | Vitale


@dataclass(frozen=True, slots=True)
class Contract:
    """What one contract says of the domain asked."""

    product: str
    open: bool
    formula: str
    """The guarantee in words; why it is closed when it is."""
    reason: str
    """"" when open, else domain-not-covered, waiting-period, not-started, ended or suspended."""
    responsible: bool
    prise_en_charge: bool
    """A prise en charge comes first."""
    valid_from: str
    valid_to: str
    """ISO dates; "" without an end."""


@dataclass(frozen=True, slots=True)
class Promise:
    """The platform's signed promise that this answer is in its ledger: what a proof of inclusion is asked for by."""

    origin: str
    index: int
    leaf: str
    """Its hash, base64url."""
    at: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to a rights check. Keep `receipt`: the invoice brings it, and an invoice within its terms is paid."""

    found: bool
    """False is every form of absence: unknown, wrong birth date, revoked card, closed lane."""
    open: bool
    contracts: tuple[Contract, ...]
    engagement: str
    """Its number; "" unless open."""
    receipt: str = field(repr=False)
    """A compact JWS (ES256, keys in /.well-known/jwks.json)."""
    promise: Promise
    amc: str
    domain: str
    care_date: str
    sentence: str
    """For the person at the counter."""
    lane: str
    cost: int
    """Units of the line; 0 for somebody already told of."""


@dataclass(frozen=True, slots=True)
class Line:
    """One act. `nature`, `modifiers`, `exonerations`, `unit`, `ear`: codes of docs/fhir.md."""

    nature: str
    price: int
    base: int
    """Base de remboursement. Both in cents."""
    quantity: int = 0
    unit: str = "box"
    modifiers: Mapping[str, str] = field(default_factory=dict)
    """System → code, e.g. {"urn:rempart:lens-category": "a"}."""
    exonerations: tuple[str, ...] = ()
    ear: str = ""


@dataclass(frozen=True, slots=True)
class Invoice:
    """`number`: the establishment's own. The same number with the same content answers the same: to send again is safe."""

    number: str
    lines: tuple[Line, ...]
    care_date: date
    finess: str
    amc: str
    receipt: str = field(default="", repr=False)
    """Of the decision; "" on a prise en charge."""
    prise_en_charge: str = ""
    corrects: str = ""
    """The number of the accepted invoice that this one replaces."""


@dataclass(frozen=True, slots=True)
class InvoiceAnswer:
    """Accepted or refused, at once."""

    accepted: bool
    state: str
    code: str
    """Why it is refused (docs/rejects.md); "" when accepted."""
    sentence: str
    shares: Mapping[str, int]
    """Cents: submitted, amo, amc, patient, participation, franchise."""
    notes: tuple[str, ...]
    """Each rule that was applied, then what to do."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A person of the establishment is awaited: open `url` in their browser, show them `code`, then `Client.collect`."""

    ask: str
    code: str
    purpose: str
    """work: to begin twelve hours; step-up: to go on."""
    expires: int
    url: str


@dataclass(frozen=True, slots=True)
class Session:
    """For whom the software works. Keep `value` as secret as a key, though it is worth nothing without the keys."""

    value: str = field(repr=False)
    login: str
    establishment: str
    expires: int


@dataclass(frozen=True, slots=True)
class EditorPage:
    """What an editor sees of itself: counts."""

    name: str
    status: str
    hold: str
    """What a switch thrown on it does: "", closed, claims-only, read-only, known-only or step-up."""
    keyid: str
    former_until: int
    establishments: int
    devices: int
    spent: tuple[int, ...]
    limits: tuple[int, ...]
    """Of an hour, a day, and the line of 28 days."""
    refusals: Mapping[str, int]
    at: int
