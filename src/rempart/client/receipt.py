"""What the platform signs, verified by anybody: a compact JWS (RFC 7515) with ES256 (RFC 7518 §3.4), by the platform's public keys."""

import base64
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

RECEIPT = "rempart-receipt+jwt"


def verified_terms(receipt: str, jwks: dict[str, Any]) -> dict[str, Any]:
    """The payload of an engagement, if a key of the set signed it. Raises ValueError."""
    return verified_statement(receipt, jwks, RECEIPT)


def verified_statement(statement: str, jwks: dict[str, Any], typ: str) -> dict[str, Any]:
    """The payload, if a key of the set signed it as a statement of this kind: RFC 8725 §3.1 and §3.11. Raises ValueError."""
    try:
        protected, payload, signature = statement.split(".")
        header = json.loads(_unb64url(protected))
        [jwk] = [key for key in jwks["keys"] if key["kid"] == header["kid"]]
        point = b"\x04" + _unb64url(jwk["x"]) + _unb64url(jwk["y"])
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        raw = _unb64url(signature)
        if header["alg"] != "ES256" or len(raw) != 64:
            raise ValueError("another algorithm")
        if header["typ"] != typ:
            raise ValueError("a statement of another kind")
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        key.verify(encode_dss_signature(r, s), f"{protected}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
        terms: dict[str, Any] = json.loads(_unb64url(payload))
    except (InvalidSignature, LookupError, TypeError) as error:
        raise ValueError("the platform did not sign this") from error
    return terms


def _unb64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
