"""Signed chains: JSON lines, each a record and an Ed25519 signature over it, each record with the hash of the line before. Pure."""

import base64
import hashlib
from typing import Generic, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rempart.foundation.errors import Refusal

R = TypeVar("R", bound=msgspec.Struct)


class OperationsBroken(Refusal):
    """The chain is not whole, not signed by the key store's key, or its totals went back."""

    code = "operations-broken"
    french = "Le compte des opérations du magasin de clés est rompu."
    english = "The key store's count of its operations is broken."


class Line(msgspec.Struct, Generic[R], frozen=True, forbid_unknown_fields=True):
    """One line of a file, and of a table."""

    record: R
    signature: str


def sign(label: bytes, record: msgspec.Struct, key: Ed25519PrivateKey) -> bytes:
    """The line, without its end. `label` keeps a line of one chain from passing for another's."""
    signature = key.sign(label + msgspec.json.encode(record))
    return msgspec.json.encode(Line(record, base64.b64encode(signature).decode()))


def read(label: bytes, kind: type[R], line: bytes, public: bytes) -> R:
    """The record of a line that this key signed, in the one form it has. Raises OperationsBroken."""
    try:
        found = msgspec.json.decode(line, type=Line[kind])  # type: ignore[valid-type]
        Ed25519PublicKey.from_public_bytes(public).verify(
            base64.b64decode(found.signature, validate=True), label + msgspec.json.encode(found.record)
        )
    except (msgspec.MsgspecError, ValueError, InvalidSignature):
        raise OperationsBroken("a record is not signed by the key store's key") from None
    if msgspec.json.encode(found) != line:
        raise OperationsBroken("a record is not in its one form")
    record: R = found.record
    return record


def hash_of(line: bytes) -> str:
    """What the next record names the line by."""
    return hashlib.sha256(line).hexdigest()
