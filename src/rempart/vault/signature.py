"""HTTP message signatures (RFC 9421), as docs/protocol.md fixes them: the device's, and after it, where a software asks, its editor's.

One label each, one algorithm, a fixed list of components in one order. Anything else than that exact form is refused, so that there is
no canonicalisation to get wrong. A request is accepted once, within 60 seconds, and never if it was created before this vault started: a
restart forgets which nonces were used. Acts that change something remember theirs in the database besides (rempart.vault.acts).

The editor's signature covers what the device's covers, and the device's signature itself with its parameters (RFC 9421 §2.1.2, members
of a Dictionary): it is of no use beside another device's signature, nor beside another request.
"""

import base64
import binascii
import hashlib
import hmac
import logging
import re
from dataclasses import dataclass
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from rempart.foundation.clock import SECOND
from rempart.foundation.errors import Refusal
from rempart.vaultdoor.messages import Act

FRESH_SECONDS = 60
AHEAD_SECONDS = 5
"""How far a device's clock may run ahead: also how long a request may outlive the memory of a vault that restarts."""
MOST_STRANGERS = 100_000
"""Nonces remembered of keys that nobody here knows: 13 MB. 200,000 people who sign in within one hour leave 40,000."""
_BY_WHOM = (
    r';created=([0-9]{1,12});nonce="([A-Za-z0-9_-]{22})";keyid="([A-Za-z0-9_-]{43})";alg="ecdsa-p256-sha256"'
)
_BY_DEVICE = r'rempart=(\("@method" "@target-uri" "content-digest"\)' + _BY_WHOM + r';tag="rempart-v1")'
_BY_EDITOR = (
    r'editor=(\("@method" "@target-uri" "content-digest" "signature-input";key="rempart" "signature";key="rempart"\)'
    + _BY_WHOM
    + r';tag="rempart-editor-v1")'
)
_PARAMETERS = re.compile(f"{_BY_DEVICE}(?:, {_BY_EDITOR})?", re.ASCII)
_SIGNATURE = re.compile(r"rempart=:([A-Za-z0-9+/]{86}==):(?:, editor=:([A-Za-z0-9+/]{86}==):)?", re.ASCII)
_ECDSA = ec.ECDSA(hashes.SHA256())
_log = logging.getLogger(__name__)


class SignatureInvalid(Refusal):
    """The signature is absent, of another form, by another key, or over something else."""

    code: ClassVar[str] = "signature"


class Stale(Refusal):
    """Too old, from the future, or already used."""

    code: ClassVar[str] = "stale"


class TooManyStrangers(Refusal):
    """As many nonces of unknown keys as may be are remembered. Keys that are known here go on."""

    code: ClassVar[str] = "saturated"


@dataclass(frozen=True, slots=True)
class ClaimedSignature:
    """What the headers say; nothing is proven yet."""

    parameters: str
    created: int
    """Seconds since the epoch."""
    nonce: str
    thumbprint: bytes
    """The key's RFC 7638 thumbprint, 32 bytes."""
    raw: bytes
    """r ‖ s, 64 bytes."""
    editor: "ClaimedSignature | None" = None
    """The editor's, beside a software's device: proven by `verify_editor` alone."""


@dataclass(frozen=True, slots=True)
class VerifiedRequest:
    """A request that the device holding `thumbprint`'s private key signed, fresh and never seen. Only `verify` makes one."""

    path: str
    body: bytes
    thumbprint: bytes
    at: int
    """The vault's clock when it was verified, µs."""


class SeenNonces:
    """The nonces of the last two freshness windows. One instance a vault process.

    Anybody makes a key and signs with it: what such keys leave here is counted and bounded, so that nobody fills this process's memory
    without having been let in once. Nothing is forgotten early to make room: a nonce forgotten could be used again.
    """

    def __init__(self, started: int) -> None:
        self._started = started
        self._turned = started
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()
        self._young_strangers = self._old_strangers = 0
        self._said = False

    def is_crowded(self, now: int) -> bool:
        """Is there room for known keys only?"""
        self._turn(now)
        return self._young_strangers + self._old_strangers >= MOST_STRANGERS

    def admit(self, claimed: ClaimedSignature, now: int, *, stranger: bool = False) -> None:
        """Take note of a nonce; `stranger`: of a key that is perhaps nobody's.

        Raises Stale when it was used, or when this vault could not know; TooManyStrangers.
        """
        created = claimed.created * SECOND
        if not -AHEAD_SECONDS * SECOND <= now - created <= FRESH_SECONDS * SECOND:
            raise Stale("created")
        # Before the start, nonces were remembered by nobody who is still here. `created` has whole seconds.
        if created + SECOND <= self._started:
            raise Stale("created")
        crowded = self.is_crowded(now)
        key = claimed.thumbprint + claimed.nonce.encode()
        if key in self._young or key in self._old:
            raise Stale("nonce")
        if stranger and crowded:
            self._say_once()
            raise TooManyStrangers("nonces")
        self._young.add(key)
        self._young_strangers += stranger

    def _turn(self, now: int) -> None:
        if now - self._turned > 2 * FRESH_SECONDS * SECOND:
            self._old, self._young, self._turned = self._young, set(), now
            self._old_strangers, self._young_strangers = self._young_strangers, 0
            self._said = False

    def _say_once(self) -> None:
        # Once a window: whoever fills this memory does not fill the log besides.
        if not self._said:
            _log.error("unknown keys are turned away: %d nonces of theirs are remembered", MOST_STRANGERS)
            self._said = True


def read_signature(act: Act) -> ClaimedSignature:
    """Parse the headers. Raises SignatureInvalid on any other form than docs/protocol.md's."""
    parameters = _PARAMETERS.fullmatch(act.signature_input)
    signature = _SIGNATURE.fullmatch(act.signature)
    # One label in both headers, or two in both.
    if parameters is None or signature is None or (parameters[5] is None) != (signature[2] is None):
        raise SignatureInvalid("signature-input")
    editor = _claimed(parameters.groups()[4:], signature[2]) if signature[2] is not None else None
    return _claimed(parameters.groups()[:4], signature[1], editor)


def _claimed(
    groups: tuple[str, ...], signature: str, editor: ClaimedSignature | None = None
) -> ClaimedSignature:
    parameters, created, nonce, keyid = groups
    try:
        thumbprint = base64.urlsafe_b64decode(keyid + "=")
    except binascii.Error as error:
        raise SignatureInvalid("keyid") from error
    return ClaimedSignature(parameters, int(created), nonce, thumbprint, base64.b64decode(signature), editor)


def verify(
    act: Act,
    claimed: ClaimedSignature,
    public_key: ec.EllipticCurvePublicKey,
    *,
    origin: str,
    now: int,
    seen: SeenNonces,
    stranger: bool = False,
) -> VerifiedRequest:
    """Prove that the key signed this very request to `origin`, now and for the first time.

    The caller has found `public_key` by `claimed.thumbprint`, or checked that they belong together: then, `stranger` unless the key is
    known here. Raises SignatureInvalid, Stale or TooManyStrangers.
    """
    _require_signed(_covered(act, origin), claimed, public_key)
    # Only a valid signature may fill the memory of nonces.
    seen.admit(claimed, now, stranger=stranger)
    return VerifiedRequest(act.target.partition("?")[0], act.body, claimed.thumbprint, now)


def verify_editor(
    act: Act,
    claimed: ClaimedSignature,
    public_key: ec.EllipticCurvePublicKey,
    *,
    origin: str,
    now: int,
    seen: SeenNonces,
) -> None:
    """Prove that the editor's key signed this very request, with this very signature of the device, now and for the first time.

    `claimed` is the device's, already proven by `verify`; `public_key` was found by the thumbprint of `claimed.editor`.
    Raises SignatureInvalid (also where there is none) or Stale.
    """
    if claimed.editor is None:
        raise SignatureInvalid("editor")
    device = base64.b64encode(claimed.raw).decode()
    covered = (
        f'{_covered(act, origin)}"signature-input";key="rempart": {claimed.parameters}\n'
        f'"signature";key="rempart": :{device}:\n'
    )
    _require_signed(covered, claimed.editor, public_key)
    seen.admit(claimed.editor, now)


def _covered(act: Act, origin: str) -> str:
    """The first lines of every signature base (RFC 9421 §2.5). Raises SignatureInvalid when the body is not what its digest says."""
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(act.body).digest()).decode()}:"
    if not hmac.compare_digest(digest.encode(), act.content_digest.encode("utf-8", "replace")):
        raise SignatureInvalid("content-digest")
    return f'"@method": {act.method}\n"@target-uri": {origin}{act.target}\n"content-digest": {digest}\n'


def _require_signed(covered: str, claimed: ClaimedSignature, public_key: ec.EllipticCurvePublicKey) -> None:
    base = f'{covered}"@signature-params": {claimed.parameters}'
    r, s = int.from_bytes(claimed.raw[:32], "big"), int.from_bytes(claimed.raw[32:], "big")
    try:
        public_key.verify(encode_dss_signature(r, s), base.encode(), _ECDSA)
    except InvalidSignature as error:
        raise SignatureInvalid("signature") from error


def thumbprint(x: str, y: str) -> bytes:
    """RFC 7638 thumbprint of a P-256 public JWK whose coordinates are base64url."""
    return hashlib.sha256(f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'.encode()).digest()


def public_key_of(x: str, y: str) -> ec.EllipticCurvePublicKey:
    """The key of a public JWK. Raises SignatureInvalid when the point is not on the curve or the form is not canonical."""
    try:
        point = [base64.urlsafe_b64decode(coordinate + "=") for coordinate in (x, y)]
        if any(len(c) != 32 for c in point) or [_b64url(c) for c in point] != [x, y]:
            raise SignatureInvalid("device_key")
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + point[0] + point[1])
    except ValueError as error:
        raise SignatureInvalid("device_key") from error


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
