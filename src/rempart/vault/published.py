"""The key that the platform signs statements with, and publishes (/.well-known/jwks.json): compact JWS (RFC 7515), ES256 (RFC 7518 §3.4).

It signs statements of several kinds. Each names its kind in `typ`, which every reader checks: one kind never passes for another
(RFC 8725 §3.11).
"""

import base64
import hashlib

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

_ECDSA = ec.ECDSA(hashes.SHA256())
_json = msgspec.json.Encoder().encode


class PublishedKey:
    """The private half, P-256. `jwk`: the public half as it is published; `kid`: its RFC 7638 thumbprint."""

    def __init__(self, pkcs8: bytes) -> None:
        key = serialization.load_der_private_key(pkcs8, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the published key is not a P-256 key")
        self._key = key
        numbers = key.public_key().public_numbers()
        x, y = (b64url(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
        thumb = hashlib.sha256(f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'.encode()).digest()
        self.kid = b64url(thumb)
        self.jwk = {
            "kty": "EC",
            "crv": "P-256",
            "x": x,
            "y": y,
            "kid": self.kid,
            "use": "sig",
            "alg": "ES256",
        }

    def header(self, typ: str, **more: str) -> str:
        """The protected header of statements of a kind."""
        return b64url(_json({"alg": "ES256", "kid": self.kid, "typ": typ, **more}))

    def sign(self, header: str, claims: object) -> str:
        """The compact JWS."""
        return self.sign_payload(header, _json(claims))

    def sign_payload(self, header: str, payload: bytes) -> str:
        """The same over bytes that are no JSON."""
        signed = f"{header}.{b64url(payload)}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), _ECDSA))
        return f"{signed}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def b64url(data: bytes) -> str:
    """Without padding, as JOSE writes it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
