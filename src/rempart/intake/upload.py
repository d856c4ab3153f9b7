"""An insurer's upload: one HTTP request signed with its Ed25519 key (RFC 9421, docs/api.md). Signed here by the insurer's command, verified
here by the sealer over what the door laid down; the door in between cannot change a byte of it.
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rempart.foundation.clock import MINUTE, SECOND
from rempart.intake.errors import BadSignature

FRESH = 5 * MINUTE
_COMPONENTS = '("@method" "@target-uri" "content-digest")'
_PARAMETERS = re.compile(
    r'rempart=(\("@method" "@target-uri" "content-digest"\);created=([0-9]{1,12});nonce="[A-Za-z0-9_-]{22}"'
    r';keyid="([A-Za-z0-9_-]{43})";alg="ed25519";tag="rempart-upload")'
)
_SIGNATURE = re.compile(r"rempart=:([A-Za-z0-9+/]{86}==):")


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What was signed, and the headers as they came."""

    method: str
    target: str
    content_digest: str
    signature_input: str
    signature: str


def sign_upload(
    target: str, origin: str, body_digest: bytes, key: Ed25519PrivateKey, now: int
) -> SignedRequest:
    """The insurer's side. `target`: the path; `body_digest`: SHA-256 of the body; `now` in µs."""
    digest = f"sha-256=:{base64.b64encode(body_digest).decode()}:"
    nonce = secrets.token_urlsafe(16)
    parameters = (
        f'{_COMPONENTS};created={now // SECOND};nonce="{nonce}";keyid="{key_thumbprint(key.public_key().public_bytes_raw())}"'
        ';alg="ed25519";tag="rempart-upload"'
    )
    signature = key.sign(_signature_base("PUT", origin + target, digest, parameters))
    encoded = base64.b64encode(signature).decode()
    return SignedRequest("PUT", target, digest, f"rempart={parameters}", f"rempart=:{encoded}:")


def verify_upload(
    request: SignedRequest, origin: str, body_digest: bytes, received: int, signing_key: bytes
) -> None:
    """Is it the insurer's request, for these bytes, fresh when the door received it (µs)? Raises BadSignature."""
    found, signature = _PARAMETERS.fullmatch(request.signature_input), _SIGNATURE.fullmatch(request.signature)
    if found is None or signature is None or request.method != "PUT":
        raise BadSignature("headers")
    parameters, created, keyid = found.groups()
    if request.content_digest != f"sha-256=:{base64.b64encode(body_digest).decode()}:":
        raise BadSignature("content-digest")
    if abs(received - int(created) * SECOND) > FRESH or keyid != key_thumbprint(signing_key):
        raise BadSignature("created or keyid")
    base = _signature_base(request.method, origin + request.target, request.content_digest, parameters)
    try:
        Ed25519PublicKey.from_public_bytes(signing_key).verify(base64.b64decode(signature.group(1)), base)
    except (InvalidSignature, ValueError):
        raise BadSignature("request") from None


def key_thumbprint(public_key: bytes) -> str:
    """RFC 7638 thumbprint of an Ed25519 key (JWK of RFC 8037 §2), base64url without padding."""
    jwk = f'{{"crv":"Ed25519","kty":"OKP","x":"{_base64url(public_key)}"}}'
    return _base64url(hashlib.sha256(jwk.encode()).digest())


def _signature_base(method: str, uri: str, content_digest: str, parameters: str) -> bytes:
    return (
        f'"@method": {method}\n"@target-uri": {uri}\n"content-digest": {content_digest}\n"@signature-params": {parameters}'
    ).encode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
