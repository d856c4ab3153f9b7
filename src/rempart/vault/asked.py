"""What a handler is given: who speaks, proven, and what they may say. Only rempart.vault.acts makes these, after the signature held."""

import unicodedata
import uuid
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Meta

from rempart.foundation.vocabulary import Assurance, Profession, Role
from rempart.vault.zone import Zone
from rempart.vaultdoor.seats import Life

Network = IPv4Network | IPv6Network
Short = Annotated[str, Meta(max_length=64)]
"""A login, a code, an id."""
Label = Annotated[str, Meta(max_length=200)]
"""What a person or a browser calls a thing; cut to 60 characters."""
Secret = Annotated[str, Meta(max_length=512)]
"""A password, as typed."""
Nonce = Annotated[str, Meta(min_length=43, max_length=43)]
Coordinate = Annotated[str, Meta(min_length=43, max_length=43)]
Credential = dict[str, Any]
"""PublicKeyCredential.toJSON(); judged by the WebAuthn library alone."""


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An act's JSON body."""


class Nothing(Body, frozen=True):
    """`{}`."""


class Assertion(Body, frozen=True):
    """A passkey's signature over the challenge of the act's own `begin`."""

    nonce: Nonce
    credential: Credential


class PublicJwk(Body, frozen=True):
    """The coordinates of a device's public key, base64url."""

    x: Coordinate
    y: Coordinate


class Introduction(Body, frozen=True):
    """The body of somebody without a session says which key signs."""

    device_key: PublicJwk


@dataclass(frozen=True, slots=True)
class Introduced:
    """Somebody unknown, whose device key signed this request."""

    zone: Zone
    at: int
    """The vault's clock, µs."""
    thumbprint: bytes
    """RFC 7638, 32 bytes."""
    point: bytes
    """The public key, uncompressed, 65 bytes."""
    editor: uuid.UUID | None = None
    """The editor that signed beside it, if one did."""
    editor_key: bytes = b""
    """The thumbprint of the key by which it did."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody signed in, on a fresh bound device. Read anew, under lock, in each act's transaction."""

    session: uuid.UUID
    account: uuid.UUID
    login: str
    device: uuid.UUID
    thumbprint: bytes
    public_key: ec.EllipticCurvePublicKey
    establishment: uuid.UUID | None
    """None for an administrator who works in no establishment."""
    profession: Profession | None
    role: Role
    assurance: Assurance
    proven: int
    """When a factor last proved who speaks (step-up, activation), µs; 0: not since the sign-in, and on a software, which is no person."""
    expires: int
    editor: uuid.UUID | None = None
    """The editor whose software the device is; None for a browser."""
    due_until: int = 0
    """Until when a campaign refuses this person everything but what it demands, µs; 0 for nobody's (rempart.vault.campaigns)."""
    networks: tuple[tuple[Network, ...], ...] = ()
    """Whence the establishment works, and the editor's software, each where its profile says so (rempart.vault.profiles)."""
    life: Life = Life()  # noqa: RUF009 (frozen)
    """The establishment's dates (rempart.vault.establishments)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A signed-in person's request."""

    zone: Zone
    at: int
    """The vault's clock, µs."""
    token: str
    """The session's bearer value."""
    who: Speaker


def clean_label(text: str, otherwise: str) -> str:
    """A label fit to be shown: NFC, printable, single spaces, 60 characters."""
    printable = "".join(char if char.isprintable() else " " for char in unicodedata.normalize("NFC", text))
    return " ".join(printable.split())[:60].strip() or otherwise
