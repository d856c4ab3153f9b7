"""`notice_ref`: the insurer's own reference of a person, beside each capsule, readable by that insurer only.

Each load has one data key. It is HPKE-sealed (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM) to the insurer's notice key and then forgotten,
so that nobody here can read the references again. A reference is AES-256-GCM(data key,
nonce = its source line on 12 bytes, reference padded to 16):

    load number (4 bytes) ‖ source line (4 bytes) ‖ ciphertext and tag

A line number is used once in a load, and the key in one load only: no nonce comes back.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from rempart.foundation.errors import BadInput

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_INFO = b"rempart-notice-key-v1"
_LABEL = b"rempart-notice-v1"
PADDING = 16


class UnreadableReference(BadInput):
    code = "notice-ref"
    french = "Cette référence ne s'ouvre pas avec cette clé."
    english = "This reference does not open with this key."


def wrap_load_key(load_key: bytes, notice_key: bytes, amc: str) -> bytes:
    """Seal a load's data key (32 bytes) to the insurer's raw X25519 public key."""
    return _SUITE.encrypt(load_key, X25519PublicKey.from_public_bytes(notice_key), info=_INFO + amc.encode())


def unwrap_load_key(wrapped: bytes, private_key: bytes, amc: str) -> bytes:
    """The insurer's side. Raises UnreadableReference."""
    try:
        return _SUITE.decrypt(
            wrapped, X25519PrivateKey.from_private_bytes(private_key), info=_INFO + amc.encode()
        )
    except (InvalidTag, ValueError):
        raise UnreadableReference("load key") from None


def associated_data(amc: str, load: int) -> bytes:
    """What a reference is bound to: its insurer and its load."""
    return _LABEL + amc.encode() + load.to_bytes(4, "big")


def pad_reference(reference: bytes) -> bytes:
    """To a multiple of 16 with zeros: its exact length is nobody's business."""
    return reference + bytes(-len(reference) % PADDING)


def open_reference(notice_ref: bytes, load_key: bytes, amc: str) -> str:
    """The insurer's side: the reference. Raises UnreadableReference."""
    load, line = int.from_bytes(notice_ref[:4], "big"), notice_ref[4:8]
    try:
        padded = AESGCM(load_key).decrypt(bytes(8) + line, notice_ref[8:], associated_data(amc, load))
    except (InvalidTag, ValueError):
        raise UnreadableReference("reference") from None
    return padded.rstrip(b"\0").decode()
