"""The acts of an accepted invoice, for its insurer alone: sealed at acceptance to its notice key (HPKE, RFC 9180), readable by nobody here.

Base mode X25519, HKDF-SHA256, AES-256-GCM; info = `rempart-act-lines-v1` ‖ n° AMC.
"""

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from rempart.claims.messages import Line, Shares
from rempart.foundation.errors import BadInput, Outage

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_INFO = b"rempart-act-lines-v1"


class ActLinesUnreadable(BadInput):
    """Not sealed to this key, or changed since."""

    code = "act-lines"
    french = "Ces lignes d'actes ne s'ouvrent pas avec cette clé."
    english = "These act lines do not open with this key."


class ActLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an insurer is told of one accepted invoice. `invoice` is our id, by which the flow names it; amounts in cents."""

    invoice: str
    establishment: str
    number: str
    """The establishment's own."""
    engagement: str
    index: int
    """The engagement's entry in the ledger."""
    prise_en_charge: str
    domain: str
    care_date: str
    regime: str
    products: list[str]
    lines: list[Line]
    shares: list[Shares]
    """One a line."""


def seal_act_lines(acts: ActLines, notice_key: bytes, amc: str) -> bytes:
    """Seal to an insurer's raw X25519 public key. Raises Outage when the key is none: nothing is accepted that cannot be handed over."""
    try:
        public = X25519PublicKey.from_public_bytes(notice_key)
        return _SUITE.encrypt(msgspec.json.encode(acts), public, info=_INFO + amc.encode())
    except ValueError as error:
        raise Outage(f"the notice key of insurer {amc}") from error


def open_act_lines(sealed: bytes, private_key: bytes, amc: str) -> ActLines:
    """The insurer's side. Raises ActLinesUnreadable."""
    try:
        private = X25519PrivateKey.from_private_bytes(private_key)
        return msgspec.json.decode(_SUITE.decrypt(sealed, private, info=_INFO + amc.encode()), type=ActLines)
    except (InvalidTag, ValueError, msgspec.MsgspecError):
        raise ActLinesUnreadable from None
