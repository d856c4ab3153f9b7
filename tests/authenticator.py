"""A person at a browser, in software: a device key, a session cookie, passkeys and a code application. A client of the public protocol."""

import base64
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from rempart.foundation.clock import SECOND
from rempart.vault.totp import code_at
from rempart.vaultdoor.browser import DeviceKey, SoftwarePasskey
from rempart.vaultdoor.messages import (
    Act,
    Activated,
    Call,
    Challenge,
    DevicePending,
    Done,
    Refused,
    Reply,
    Security,
    SignedIn,
    TotpSecret,
)

ORIGIN = "http://localhost:8000"
PASSWORD = "Quatre-loutres-et-1-parapluie"
R = TypeVar("R", bound=Reply)


class Counterpart(Protocol):
    """Whatever a browser can reach a vault by."""

    def clock(self) -> int: ...

    def call(self, message: Call) -> Reply: ...


@dataclass
class SoftwareBrowser:
    """One browser of one person. `person` and `session` are what it would keep: passkeys roam, a session does not."""

    vault: Counterpart
    key: DeviceKey = field(default_factory=DeviceKey.generate)
    session: str = ""
    label: str = "Firefox, Linux"

    def signed(self, path: str, body: object) -> Act:
        """The signed request, not sent."""
        return self.key.act(ORIGIN, path, body, self.vault.clock() // SECOND, self.session)

    def ask(self, path: str, **body: Any) -> Reply:
        """One act of somebody signed in."""
        return self._keep(self.vault.call(self.signed(f"/acts/{path}", body)))

    def introduce(self, path: str, **body: Any) -> Reply:
        """One act of somebody unknown: the body shows the device key."""
        return self.ask(path, device_key=self.key.public, **body)

    def expect(self, kind: type[R], path: str, **body: Any) -> R:
        """`ask`, and the reply must be of this kind."""
        return expect(kind, self.ask(path, **body))

    def refused(self, path: str, **body: Any) -> str:
        """`ask`, and the reply must be a refusal: its code."""
        return expect(Refused, self.ask(path, **body)).code

    def activate(self, code: str, passkey: SoftwarePasskey) -> Activated:
        """Activate with a passkey."""
        challenge = expect(Challenge, self.introduce("activation/begin", activation_code=code))
        return expect(Activated, self.activate_by(challenge, code, passkey))

    def activate_by(self, challenge: Challenge, code: str, passkey: SoftwarePasskey) -> Reply:
        """The second half of `activate`."""
        credential = passkey.create(challenge, self.key)
        return self.introduce(
            "activation/passkey",
            device_label=self.label,
            activation_code=code,
            nonce=challenge.nonce,
            credential=credential,
            label="YubiKey",
        )

    def activate_with_password(self, code: str, password: str = PASSWORD) -> "tuple[Activated, CodeApp]":
        """Activate with a password and a code application."""
        app = CodeApp(expect(TotpSecret, self.introduce("activation/totp", activation_code=code)), self.vault)
        reply = self.introduce(
            "activation/password",
            device_label=self.label,
            activation_code=code,
            password=password,
            code=app.code(),
        )
        return expect(Activated, reply), app

    def sign_in(self, passkey: SoftwarePasskey, *, user_verified: bool = True) -> Reply:
        """Sign in with a passkey, which binds this browser."""
        challenge = expect(Challenge, self.introduce("sign-in/begin"))
        credential = passkey.use(challenge, self.key, user_verified=user_verified)
        return self.introduce(
            "sign-in/passkey", device_label=self.label, nonce=challenge.nonce, credential=credential
        )

    def sign_in_with_password(self, login: str, code: str, password: str = PASSWORD) -> Reply:
        """Sign in with a password and a code."""
        return self.introduce(
            "sign-in/password", device_label=self.label, login=login, password=password, code=code
        )

    def step_up(self, passkey: SoftwarePasskey) -> Done:
        """Prove again who I am."""
        return expect(Done, self.touch(passkey, "step-up"))

    def confirm(self, passkey: SoftwarePasskey) -> Done:
        """Show that I am here."""
        return expect(Done, self.touch(passkey, "presence"))

    def touch(self, passkey: SoftwarePasskey, purpose: str, *, user_verified: bool = True) -> Reply:
        """One ceremony of somebody signed in."""
        challenge = self.expect(Challenge, f"{purpose}/begin")
        credential = passkey.use(challenge, self.key, user_verified=user_verified)
        return self.ask(f"{purpose}/passkey", nonce=challenge.nonce, credential=credential)

    def security(self) -> Security:
        """*Ma sécurité*."""
        return self.expect(Security, "security")

    def notices(self) -> list[str]:
        """The kinds of the notices not yet seen here, newest first."""
        return [notice.kind for notice in self.security().notices if not notice.seen]

    def _keep(self, reply: Reply) -> Reply:
        opened = reply.session if isinstance(reply, Activated) else reply
        if isinstance(opened, SignedIn):
            self.session = opened.session
        return reply


@dataclass
class CodeApp:
    """A code application that holds one secret."""

    secret: TotpSecret
    vault: Counterpart

    def code(self) -> str:
        """What it shows now."""
        return code_at(base64.b32decode(self.secret.secret), self.vault.clock())


def expect(kind: type[R], reply: Reply) -> R:
    """The reply, if it is of this kind."""
    assert isinstance(reply, kind), reply
    return reply


def pending_code(reply: Reply) -> str:
    """The code that a waiting device shows."""
    return expect(DevicePending, reply).code
