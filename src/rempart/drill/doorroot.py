"""Root on the web door: sees whatever passes, replays it, alters it, and tries to ask by himself on the door's own socket."""

import base64
import random
from collections import deque
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import msgspec

from rempart.drill.knowledge import Target
from rempart.drill.loot import Loot
from rempart.drill.seat import RIGHTS, Door, told_of
from rempart.foundation.clock import SECOND
from rempart.foundation.errors import Outage
from rempart.vaultdoor.browser import DeviceKey
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.fhir import write_request
from rempart.vaultdoor.messages import Act, Answer, Refused

_KEPT = 50


@dataclass
class DoorRoot:
    """What he does with the machine. `socket`: the door's own towards the vault."""

    door: Door
    socket: Path
    loot: Loot
    chance: random.Random
    seen: deque[bytes] = field(default_factory=lambda: deque(maxlen=_KEPT))
    own: DeviceKey = field(default_factory=DeviceKey.generate)

    def look(self, request: bytes, path: str) -> None:
        """A request passes. He keeps the latest."""
        if path == RIGHTS:
            self.seen.append(request)

    async def try_everything(self, target: Target) -> int:
        """One round: replay, alter, ask by himself. How many of them told him somebody; his counts go to the loot."""
        if not self.seen:
            return 0
        captured = self.chance.choice(self.seen)
        told = await self._send("replayed", captured)
        told += await self._send("altered", _altered(captured))
        told += await self._relayed("altered on the socket", self._act(captured, alter=True))
        told += await self._relayed("asked by himself", self._own_act(captured, target))
        return told

    async def _send(self, how: str, request: bytes) -> int:
        answer = told_of(await self.door.wire.send(request))
        return self._count(how, answer.code, found=answer.found)

    async def _relayed(self, how: str, act: Act) -> int:
        client = VaultClient(self.socket)
        try:
            reply = await client.call(act)
        except Outage as error:
            return self._count(how, error.code, found=False)
        finally:
            await client.close()
        code = reply.code if isinstance(reply, Refused) else ""
        return self._count(how, code, found=isinstance(reply, Answer) and reply.decision.found)

    def _count(self, how: str, code: str, *, found: bool) -> int:
        self.loot.asked += 1
        self.loot.answers[f"{how}: {code or ('told' if found else 'absent')}"] += 1
        return int(found and not code)

    def _act(self, captured: bytes, *, alter: bool) -> Act:
        head, _, body = captured.partition(b"\r\n\r\n")
        fields = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in head.decode().split("\r\n")[1:])
        }
        return Act(
            method="POST",
            target=RIGHTS,
            content_digest=fields["content-digest"],
            signature_input=fields["signature-input"],
            signature=fields["signature"],
            session=fields["cookie"].partition("=")[2],
            body=_other_body(body) if alter else body,
        )

    def _own_act(self, captured: bytes, target: Target) -> Act:
        """Somebody's session, which passed by, and a key of his own."""
        session = self._act(captured, alter=False).session
        body = write_request(target.shown, self.door.today)
        return self.own.act(self.door.origin, RIGHTS, body, self.door.clock() // SECOND, session)


def _altered(request: bytes) -> bytes:
    """Another person in the body, the digest made right again: only the signature is wrong."""
    head, _, body = request.partition(b"\r\n\r\n")
    other = _other_body(body)
    digest = base64.b64encode(sha256(other).digest()).decode()
    lines = [
        f"Content-Digest: sha-256=:{digest}:" if line.lower().startswith("content-digest:") else line
        for line in head.decode().split("\r\n")
    ]
    lines = [
        f"Content-Length: {len(other)}" if line.lower().startswith("content-length:") else line
        for line in lines
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + other


def _other_body(body: bytes) -> bytes:
    request = msgspec.json.decode(body)
    patient = next(each for each in request["contained"] if each["resourceType"] == "Patient")
    born = patient["birthDate"]
    patient["birthDate"] = born[:8] + ("02" if born.endswith("01") else "01")
    return msgspec.json.encode(request)
