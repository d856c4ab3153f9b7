"""A request that an insurer's own systems sign, with its Ed25519 key (RFC 9421, docs/api.md): written by the insurer, proven by the vault.

One label, one algorithm, a fixed list of components in one order, as everywhere here. Its tag is not an upload's: a signature given for one
never serves for the other.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rempart.foundation.clock import SECOND
from rempart.foundation.errors import BadInput
from rempart.vaultdoor.messages import Act

WHO_CONSULTED = "/fhir/AuditEvent/_search"
"""Where an insurer's systems ask who consulted a member."""
INCIDENTS = "/claims/insurer/incidents"
"""Where they find the packages of incidents."""
FETCHED = frozenset({INCIDENTS, f"{INCIDENTS}/download", f"{INCIDENTS}/acknowledge"})
"""The errands that they may sign; every other one is a person's."""
_COMPONENTS = '("@method" "@target-uri" "content-digest")'
_PARAMETERS = re.compile(
    r'rempart=(\("@method" "@target-uri" "content-digest"\);created=([0-9]{1,12});nonce="([A-Za-z0-9_-]{22})"'
    r';keyid="([A-Za-z0-9_-]{43})";alg="ed25519";tag="rempart-insurer-v1")',
    re.ASCII,
)
_SIGNATURE = re.compile(r"rempart=:([A-Za-z0-9+/]{86}==):", re.ASCII)


class NotTheInsurers(BadInput):
    """The signature is of another form, by another key, or over something else."""

    code = "signature"
    french = "La requête n'est pas signée par la clé de l'assureur."
    english = "The request is not signed by the insurer's key."


@dataclass(frozen=True, slots=True)
class InsurersSignature:
    """What the headers say; nothing is proven yet."""

    parameters: str
    created: int
    """Seconds since the epoch."""
    nonce: str
    keyid: str
    """RFC 7638 thumbprint of the key, base64url."""
    raw: bytes


def sign_as_insurer(
    target: str, origin: str, body: bytes, key: Ed25519PrivateKey, now: int
) -> dict[str, str]:
    """The insurer's side: the headers of a POST of `body` to `target` (path and query). `now` in µs."""
    digest = _digest(body)
    keyid = key_thumbprint(key.public_key().public_bytes_raw())
    parameters = (
        f'{_COMPONENTS};created={now // SECOND};nonce="{secrets.token_urlsafe(16)}";keyid="{keyid}"'
        ';alg="ed25519";tag="rempart-insurer-v1"'
    )
    signature = base64.b64encode(key.sign(_base("POST", origin + target, digest, parameters))).decode()
    return {
        "Content-Digest": digest,
        "Signature-Input": f"rempart={parameters}",
        "Signature": f"rempart=:{signature}:",
    }


def insurers_signed(act: Act) -> bool:
    """Does a request claim to be of an insurer's systems? Nothing is proven by that."""
    return act.signature_input.endswith(';tag="rempart-insurer-v1"')


def read_insurers_signature(act: Act) -> InsurersSignature:
    """Parse the headers. Raises NotTheInsurers on any other form."""
    found, signature = _PARAMETERS.fullmatch(act.signature_input), _SIGNATURE.fullmatch(act.signature)
    if found is None or signature is None:
        raise NotTheInsurers("signature-input")
    parameters, created, nonce, keyid = found.groups()
    return InsurersSignature(parameters, int(created), nonce, keyid, base64.b64decode(signature[1]))


def verify_insurers(act: Act, claimed: InsurersSignature, signing_key: bytes, origin: str) -> None:
    """Did this key sign this very request to `origin`? Freshness and novelty are the caller's. Raises NotTheInsurers."""
    digest = _digest(act.body)
    if not hmac.compare_digest(digest.encode(), act.content_digest.encode("utf-8", "replace")):
        raise NotTheInsurers("content-digest")
    base = _base(act.method, origin + act.target, digest, claimed.parameters)
    try:
        Ed25519PublicKey.from_public_bytes(signing_key).verify(claimed.raw, base)
    except (InvalidSignature, ValueError):
        raise NotTheInsurers("signature") from None


def key_thumbprint(public_key: bytes) -> str:
    """RFC 7638 thumbprint of an Ed25519 key (JWK of RFC 8037 §2), base64url without padding."""
    jwk = f'{{"crv":"Ed25519","kty":"OKP","x":"{_base64url(public_key)}"}}'
    return _base64url(hashlib.sha256(jwk.encode()).digest())


def _digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def _base(method: str, uri: str, digest: str, parameters: str) -> bytes:
    return (
        f'"@method": {method}\n"@target-uri": {uri}\n"content-digest": {digest}\n"@signature-params": {parameters}'
    ).encode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
