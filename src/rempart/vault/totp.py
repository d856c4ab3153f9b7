"""One-time codes by time (RFC 6238): SHA-1, six digits, 30 seconds, one step of tolerance, each step used once. Never alone."""

import base64
import secrets

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from rempart.foundation.clock import SECOND
from rempart.vaultdoor.messages import TotpSecret

STEP_SECONDS = 30
ISSUER = "Rempart"
_NOBODY = secrets.token_bytes(20)


def new_secret() -> bytes:
    """160 bits (RFC 4226 §4, R6)."""
    return secrets.token_bytes(20)


def matching_step(secret: bytes | None, code: str, now: int, last_step: int) -> int | None:
    """The step this code belongs to, if the present one or a neighbour, and later than `last_step`. With `secret` None, the same work."""
    present = now // SECOND // STEP_SECONDS
    generator = _generator(secret or _NOBODY)
    found = None
    for step in (present - 1, present, present + 1):
        try:
            generator.verify(code.encode(), step * STEP_SECONDS)
        except InvalidToken:
            continue
        found = step
    return found if secret is not None and found is not None and found > last_step else None


def code_at(secret: bytes, now: int) -> str:
    """The code an application shows at `now` (µs)."""
    return _generator(secret).generate(now // SECOND).decode()


def shown(secret: bytes, login: str) -> TotpSecret:
    """The secret as a person copies it or scans it."""
    return TotpSecret(
        base64.b32encode(secret).decode(), _generator(secret).get_provisioning_uri(login, ISSUER)
    )


def _generator(secret: bytes) -> TOTP:
    return TOTP(secret, 6, hashes.SHA1(), STEP_SECONDS)  # noqa: S303 (RFC 6238; HMAC, and what every application supports)
