"""Public keys of editors and insurers, as their own tools print them: read alike by the command and at the desk."""

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from rempart.foundation.errors import BadInput

RAW = 32
"""Bytes of an Ed25519 or X25519 public key."""


def point_in(pem: bytes) -> bytes:
    """The uncompressed point of an editor's P-256 public key in PEM. Raises BadInput."""
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise BadInput("public_key: a P-256 public key in PEM is expected") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadInput("public_key: a P-256 public key in PEM is expected")
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def raw_key(text: str, field: str) -> bytes:
    """An insurer's public key, base64 of 32 bytes. Raises BadInput."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != RAW:
        raise BadInput(f"{field}: base64 of 32 bytes is expected")
    return key
