"""One-time codes that people copy from paper: activation, posted, membership and recovery codes, and the code that approves a device.

80 bits in Crockford's base 32, shown in groups of four; kept as a keyed hash, so that the table alone does not even allow guessing.
"""

import secrets
import uuid

from rempart.foundation.clock import DAY
from rempart.vault.keystore import KeyStore

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No I, L, O, U: what is misread is read back as what was meant."""
LENGTH = 16
"""Characters: 80 bits."""
RECOVERY_CODES = 10
CODE_LIFE = 30 * DAY
"""An activation, posted or membership code that is not used is void after this."""
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", " ": None, "-": None, "\u2011": None, "\u00a0": None})


def new_code() -> str:
    """`XXXX-XXXX-XXXX-XXXX`."""
    return grouped("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))


def grouped(code: str) -> str:
    """In groups of four."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def read_code(typed: str) -> str:
    """A code as typed, in its one form: capitals, no separators, what is misread put right."""
    return typed.upper().translate(_MISREAD)


def code_hash(keys: KeyStore, purpose: str, code: str, account: uuid.UUID | None = None) -> bytes:
    """32 bytes: PRF("codes") over purpose ‖ 0 ‖ account (16 bytes, or none) ‖ code."""
    bound = account.bytes if account is not None else b""
    return keys.prf("codes")(purpose.encode() + b"\0" + bound + read_code(typed=code).encode())


def approval_code(keys: KeyStore, pending: uuid.UUID, thumbprint: bytes) -> str:
    """The eight characters that a waiting device shows: 40 bits that only the vault can compute, good for that device alone."""
    digest = keys.prf("codes")(b"approval\0" + pending.bytes + thumbprint)
    return grouped("".join(ALPHABET[byte & 31] for byte in digest[:8]))


def halved_code(keys: KeyStore, proposal: int, at: int, account: uuid.UUID) -> tuple[str, str]:
    """Two halves, 40 bits each that only the vault can compute: of the code that this proposal, done then, gives this account."""
    digest = keys.prf("codes")(b"halves\0" + proposal.to_bytes(8) + at.to_bytes(8) + account.bytes)
    code = "".join(ALPHABET[byte & 31] for byte in digest[:LENGTH])
    return grouped(code[: LENGTH // 2]), grouped(code[LENGTH // 2 :])
