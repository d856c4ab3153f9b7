"""What a WebAuthn challenge commits to (docs/protocol.md, "The ceremony's challenge"): both sides compute it, nobody sends it."""

import hashlib

LABEL = b"rempart-ceremony-v1"


def ceremony_challenge(purpose: str, nonce: bytes, thumbprint: bytes) -> bytes:
    """SHA-256(label ‖ 0 ‖ purpose ‖ 0 ‖ nonce ‖ thumbprint): 32 bytes. `nonce` and `thumbprint` (RFC 7638) are 32 raw bytes each."""
    return hashlib.sha256(LABEL + b"\0" + purpose.encode() + b"\0" + nonce + thumbprint).digest()
