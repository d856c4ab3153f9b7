"""What the thief holds of one account, and what can be asked with it."""

from dataclasses import dataclass, field
from typing import Literal

from rempart.drill.password import Password
from rempart.drill.seat import FHIR, RIGHTS, Door, Seat, Told, read_json, session_of, told_of
from rempart.drill.software import Software
from rempart.drill.wire import Signs
from rempart.vaultdoor.browser import DeviceKey
from rempart.vaultdoor.fhir import Presentation, write_request

ENDPOINTS = (RIGHTS, "/fhir/CoverageEligibilityRequest/%24submit")
"""The right's two spellings; the other addresses tell no person, and a hopper tries them beside."""
ATTEMPTS_A_DEVICE = 4
"""A device is locked out at its fifth wrong sign-in: whoever tries many passwords changes it before."""


@dataclass
class Grip:
    """`live`: malware on the workstation, which follows every new session; `copied`: the browser's profile as it was on that day;
    `cookie`: the session's value alone, which the thief signs with a key of his own."""

    door: Door
    victim: Seat
    kind: Literal["live", "copied", "cookie", "password", "software"]
    own: DeviceKey = field(default_factory=DeviceKey.generate)
    copied: str = ""
    told: int = 0
    refusals: int = 0
    given_up: bool = False

    @property
    def session(self) -> str:
        """The session's value, as he has it now."""
        return self.victim.session if self.kind == "live" else self.copied

    @property
    def device(self) -> Signs:
        """The key he signs with. Scripts cannot export the victim's; whoever copies the whole profile has the use of it."""
        return self.victim.device if self.kind in {"live", "copied"} else self.own

    def copy(self) -> None:
        """Take what there is now."""
        self.copied = self.victim.session

    def evict(self) -> None:
        """The workstation was made anew: he keeps what he saw last of session and key, and follows nobody any more."""
        self.own, self.copied, self.kind = self.victim.device, self.victim.session, "cookie"

    async def ask(self, shown: Presentation, endpoint: int = 0) -> Told:
        """Ask for somebody."""
        body = write_request(shown, self.door.today)
        path = ENDPOINTS[endpoint % len(ENDPOINTS)]
        return told_of(await self.door.post(path, body, self.device, self.session, FHIR))


@dataclass
class PasswordGrip(Grip):
    """Login and password, and with `live_code` a one-time code that is right at this moment, on a device of the thief's own."""

    password: Password = field(default_factory=Password.strong)
    live_code: bool = False
    attempts: int = 0

    def copy(self) -> None:
        """There is no session to copy."""

    async def ask(self, shown: Presentation, endpoint: int = 0) -> Told:
        """Sign in, if he can; then ask."""
        if not self.copied:
            refused = await self._sign_in()
            if refused:
                return Told(refused)
        return await super().ask(shown, endpoint)

    async def _sign_in(self) -> str:
        self.attempts += 1
        if self.attempts % ATTEMPTS_A_DEVICE == 0:
            self.own = DeviceKey.generate()
        code = (
            self.password.code(self.door.clock())
            if self.live_code
            else f"{self.attempts * 7_919 % 10**6:06d}"
        )
        refused, told = await self._act(
            "/acts/sign-in/password",
            {
                "device_label": "Poste",
                "login": self.victim.login,
                "password": self.password.text,
                "code": code,
            },
        )
        if refused or self.copied or "pending" not in told:
            return refused
        # The right login, password and code: the device waits for an approval that nobody gives. He tries the two ways on.
        await self._act("/acts/sign-in/pending", {"pending": told["pending"]})
        guess = "ABCD-EFGH-JKMN-PQRS"
        await self._act("/acts/sign-in/posted", {"pending": told["pending"], "posted_code": guess})
        return "" if self.copied else "device-pending"

    async def _act(self, path: str, body: dict[str, object]) -> tuple[str, dict[str, object]]:
        answered = await self.door.act(path, body | {"device_key": self.own.public}, self.own, self.copied)
        self.copied = session_of(answered) or self.copied
        reply = read_json(answered.body)
        return ("" if answered.status == 200 else str(reply.get("code", answered.status))), reply


@dataclass
class SoftwareGrip(Grip):
    """An installation of the editor's product, which its maker can make ask whatever it likes, with the session of whoever confirmed it."""

    software: Software | None = None

    @property
    def session(self) -> str:
        """Of the person who confirmed it last."""
        assert self.software is not None
        return self.software.session

    @property
    def device(self) -> Signs:
        """Signs twice: the installation's key, the editor's."""
        assert self.software is not None
        return self.software.keys
