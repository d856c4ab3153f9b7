"""For a practice software: signs each request with the establishment's device key and the editor's key (RFC 9421), asks the FHIR door.

Stands alone: imports nothing else of Rempart. Who may come in: anybody's program. How to begin: docs/client.md.
"""

from rempart.client.access import Client
from rempart.client.editor import EditorDesk
from rempart.client.errors import (
    BadRequest,
    ConfirmationNeeded,
    Contained,
    EditorRefused,
    Exhausted,
    NotAtWork,
    NotInstalled,
    Refused,
    StepUpNeeded,
    Unavailable,
)
from rempart.client.keys import DeviceKey, EditorKey, Signer
from rempart.client.model import (
    Card,
    CardSecret,
    Confirmation,
    Contract,
    Decision,
    EditorPage,
    Invoice,
    InvoiceAnswer,
    Line,
    Promise,
    Session,
    Vitale,
)

__all__ = [
    "BadRequest",
    "Card",
    "CardSecret",
    "Client",
    "Confirmation",
    "ConfirmationNeeded",
    "Contained",
    "Contract",
    "Decision",
    "DeviceKey",
    "EditorDesk",
    "EditorKey",
    "EditorPage",
    "EditorRefused",
    "Exhausted",
    "Invoice",
    "InvoiceAnswer",
    "Line",
    "NotAtWork",
    "NotInstalled",
    "Promise",
    "Refused",
    "Session",
    "Signer",
    "StepUpNeeded",
    "Unavailable",
    "Vitale",
]
__version__ = "0.1.0"
