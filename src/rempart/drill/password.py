"""A password and its one-time codes (RFC 6238, SHA-1, six digits, thirty seconds): what a phisher gets."""

import base64
import hmac
import secrets
from dataclasses import dataclass

from rempart.drill.seat import Seat
from rempart.foundation.clock import SECOND
from rempart.foundation.errors import Outage


class NotSet(Outage):
    """A victim could not set a password: there is nothing to steal."""

    code = "drill-password"
    french = "Le mot de passe de l'exercice n'a pas pu être posé."
    english = "The drill's password could not be set."


@dataclass
class Password:
    """`secret`: of the one-time codes, in base32; "" before it is known."""

    text: str
    secret: str = ""

    @classmethod
    def strong(cls) -> "Password":
        """One that is accepted; the thief knows it, so its strength is beside the point."""
        return cls(f"Loutre-{secrets.token_urlsafe(12)}-7x")

    def code(self, now: int) -> str:
        """The six digits at that instant (µs)."""
        key = base64.b32decode(self.secret + "=" * (-len(self.secret) % 8))
        mac = hmac.digest(key, (now // SECOND // 30).to_bytes(8, "big"), "sha1")
        at = mac[-1] & 15
        return f"{(int.from_bytes(mac[at : at + 4], 'big') & 0x7FFFFFFF) % 10**6:06d}"


async def give_password(seat: Seat, password: Password) -> None:
    """The honest holder sets a password and one-time codes, beside the passkey. Raises NotSet."""
    await seat.prove()
    refused, _ = await seat.act("/acts/password/change", {"old": "", "new": password.text})
    if refused:
        raise NotSet(refused)
    refused, told = await seat.act("/acts/totp/begin", {})
    if refused:
        raise NotSet(refused)
    password.secret = told["secret"].replace(" ", "")
    refused, _ = await seat.act("/acts/totp/confirm", {"code": password.code(seat.door.clock())})
    if refused:
        raise NotSet(refused)
