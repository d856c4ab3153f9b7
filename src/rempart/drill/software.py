"""Practice software in an establishment: installed by a code, confirmed every morning by a person's passkey, signing with two keys."""

from dataclasses import dataclass, field
from typing import Any

from rempart.client.keys import DeviceKey, EditorKey
from rempart.client.signing import signed_headers
from rempart.drill.seat import Seat, challenge_of, code_of, read_json, session_of
from rempart.foundation.errors import Outage


class NotInstalled(Outage):
    """A software could not be installed or confirmed: there is nothing to misuse."""

    code = "drill-software"
    french = "Le logiciel de l'exercice n'a pas pu être installé."
    english = "The drill's software could not be installed."


@dataclass
class TwoKeys:
    """Signs as a software does: with its installation's key, and with its editor's over that."""

    editor: EditorKey
    device: DeviceKey = field(default_factory=DeviceKey.generate)

    @property
    def public(self) -> dict[str, str]:
        """Of the installation's key."""
        return self.device.public

    def sign(self, method: str, target_uri: str, body: bytes, created: int) -> dict[str, str]:
        """The three headers."""
        return signed_headers(
            method, target_uri, body, created=created, device=self.device, editor=self.editor
        )


@dataclass
class Software:
    """One installation, working for the person of `seat`."""

    seat: Seat
    keys: TwoKeys
    session: str = ""

    async def install(self, code: str) -> None:
        """By the code that the operator issued for this place. Raises NotInstalled."""
        refused, told = await self._act("/acts/software/install", {"device_label": "Comptoirs", "code": code})
        if refused:
            raise NotInstalled(refused)
        await self._be_confirmed(told)

    async def begin_day(self) -> None:
        """Ask for the person, who confirms: the next twelve hours."""
        refused, told = await self._act("/acts/software/ask", {})
        if not refused:
            await self._be_confirmed(told)

    async def _be_confirmed(self, told: dict[str, Any]) -> None:
        refused, challenge = await self.seat.act("/acts/software/begin", {})
        if refused:
            return
        given = challenge_of(challenge)
        credential = self.seat.passkey.use(given, self.seat.device)
        body = {"ask": told["ask"], "code": told["code"], "nonce": given.nonce, "credential": credential}
        await self.seat.act("/acts/software/confirm", body)
        await self._act("/acts/software/collect", {"ask": told["ask"]})

    async def _act(self, path: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        known = body | {"device_key": self.keys.public}
        answered = await self.seat.door.act(path, known, self.keys, "")
        self.session = session_of(answered) or self.session
        reply = read_json(answered.body)
        return ("" if answered.status == 200 else code_of(reply, answered.status)), reply
