"""The room's words. Instants in µs, UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Service(StrEnum):
    """What a professional or an insurer uses, by the name the public reads."""

    SIGN_IN = "sign-in"
    RIGHTS = "rights"
    PRISES_EN_CHARGE = "prises-en-charge"
    INVOICES = "invoices"
    PAYMENTS = "payments"
    SOFTWARE = "software"
    LEDGER = "ledger"


NAMES: dict[Service, tuple[str, str]] = {
    Service.SIGN_IN: ("Connexion", "Signing in"),
    Service.RIGHTS: ("Vérification des droits", "Checking rights"),
    Service.PRISES_EN_CHARGE: ("Prises en charge", "Prises en charge"),
    Service.INVOICES: ("Facturation", "Invoicing"),
    Service.PAYMENTS: ("Paiements et relevés", "Payments and statements"),
    Service.SOFTWARE: ("Logiciels métier (API)", "Practice software (API)"),
    Service.LEDGER: ("Registre public", "Public ledger"),
}
"""French, English."""


class Level(IntEnum):
    """How far a service works, best first: the worst that is known counts."""

    OPERATIONAL = 0
    MAINTENANCE = 1
    RESTRICTED = 2
    DOWN = 3
    UNKNOWN = 4
    """Nobody has looked for too long. Never stored: it is what the absence of an observation means."""


LEVELS: dict[Level, tuple[str, str]] = {
    Level.OPERATIONAL: ("en service", "operational"),
    Level.MAINTENANCE: ("en maintenance", "under maintenance"),
    Level.RESTRICTED: ("restreint", "restricted"),
    Level.DOWN: ("arrêté", "down"),
    Level.UNKNOWN: ("inconnu", "unknown"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """From `since` on the worker saw this service at this level."""

    service: Service
    since: int
    level: Level


@dataclass(frozen=True, slots=True)
class Update:
    """What was added to an announcement later."""

    at: int
    french: str
    english: str


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the operator tells the public about some services. `ended` 0: still so."""

    id: int
    started: int
    ended: int
    level: Level
    services: tuple[Service, ...]
    french: str
    english: str
    updates: tuple[Update, ...] = ()
    """Oldest first."""


@dataclass(frozen=True, slots=True)
class Board:
    """All that is known. `observed`: when the worker last looked, 0 for never."""

    observed: int = 0
    changes: Sequence[Change] = ()
    """Oldest first."""
    announcements: Sequence[Announcement] = ()
    """Newest first."""


class Weight(StrEnum):
    """How a message is shown: an urgent one stays until it ends, the others until they are read."""

    INFORMATION = "information"
    WARNING = "warning"
    URGENT = "urgent"


class Audience(StrEnum):
    """Who reads a message: everybody, a profession, one establishment."""

    ALL = "all"
    PROFESSION = "profession"
    ESTABLISHMENT = "establishment"


@dataclass(frozen=True, slots=True)
class Message:
    """Words to professionals, shown once they are signed in. `key`: the profession or the establishment's id, "" for all."""

    id: int
    at: int
    until: int
    weight: Weight
    audience: Audience
    key: str
    french: str
    english: str
    answers: bool = False
    """It announces the answers about an incident: the page that tells them is shown beside it."""
