"""Somebody at a device: signs requests, signs in with a passkey, checks rights, confirms. A client of the public protocol."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import msgspec

from rempart.drill.wire import Answered, Signs, Wire
from rempart.foundation.clock import SECOND, Clock, paris_date
from rempart.foundation.vocabulary import Profession
from rempart.vaultdoor.browser import DeviceKey, SoftwarePasskey
from rempart.vaultdoor.fhir import Presentation, write_request
from rempart.vaultdoor.messages import Challenge

RIGHTS = "/fhir/CoverageEligibilityRequest/$submit"
FHIR, JSON = "application/fhir+json", "application/json"
_RECEIPT = "urn:rempart:receipt"
_decode = msgspec.json.decode


class Told(NamedTuple):
    """What a rights check brought: a refusal's stable code, or an answer."""

    code: str
    """"" when it was answered."""
    found: bool = False
    open: bool = False
    leaf: int = -1
    """Of the answer's leaf, from its signed receipt."""
    receipt: str = ""
    care_date: str = ""
    needs_prise_en_charge: bool = False


SIGNING_IN = 5
"""Sign-ins under way at once, fewer than the front lets through: its queue runs on the wall's clock, and a drill's stands meanwhile."""
_TAKES_TURN = frozenset({"/acts/sign-in/begin", "/acts/sign-in/password", "/acts/activation/password"})


@dataclass
class Door:
    """Where requests go, under which origin they are signed, and what time it is."""

    origin: str
    wire: Wire
    clock: Clock
    tap: Callable[[bytes, str], None] | None = None
    """Whoever is root on the door sees each request: its bytes and its path."""
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SIGNING_IN))

    async def post(self, path: str, body: bytes, device: Signs, session: str, kind: str = JSON) -> Answered:
        """One signed request."""
        signed = device.sign("POST", self.origin + path, body, self.clock() // SECOND)
        head = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        request = (
            f"POST {path} HTTP/1.1\r\nHost: {self.origin.partition('://')[2]}\r\nContent-Type: {kind}\r\nAccept: {kind}\r\n"
            f"Content-Length: {len(body)}\r\nCookie: __Host-rempart={session}\r\n{head}\r\n"
        ).encode() + body
        if self.tap is not None:
            self.tap(request, path)
        return await self.wire.send(request)

    async def act(self, path: str, body: dict[str, Any], device: Signs, session: str) -> Answered:
        """One signed act."""
        encoded = msgspec.json.encode(body)
        if path not in _TAKES_TURN:
            return await self.post(path, encoded, device, session)
        async with self.turns:
            return await self.post(path, encoded, device, session)

    @property
    def today(self) -> date:
        """The simulated day."""
        return paris_date(self.clock())


@dataclass
class Seat:
    """One person's account at one device of one establishment."""

    door: Door
    login: str
    account: str
    establishment: str
    profession: Profession
    device: DeviceKey = field(default_factory=DeviceKey.generate)
    session: str = ""
    passkey: SoftwarePasskey = field(init=False)

    def __post_init__(self) -> None:
        self.passkey = SoftwarePasskey(self.door.origin)

    async def act(self, path: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """One act: the refusal's code or "", and the reply."""
        answered = await self.door.act(path, body, self.device, self.session)
        cookie = session_of(answered)
        if cookie:
            self.session = cookie
        reply = read_json(answered.body)
        return ("" if answered.status == 200 else code_of(reply, answered.status)), reply

    async def activate(self, code: str) -> str:
        """First sign-in, by a passkey. The refusal's code, or ""."""
        known = {"device_key": self.device.public, "activation_code": code}
        refused, told = await self.act("/acts/activation/begin", known)
        if refused:
            return refused
        challenge = challenge_of(told)
        more = {
            "device_label": "Poste",
            "label": "Clé",
            "nonce": challenge.nonce,
            "credential": self.passkey.create(challenge, self.device),
        }
        return (await self.act("/acts/activation/passkey", known | more))[0]

    async def sign_in(self) -> str:
        """Sign in by passkey: this device is good for twelve hours more. The refusal's code, or ""."""
        known = {"device_key": self.device.public}
        refused, told = await self.act("/acts/sign-in/begin", known)
        if refused:
            return refused
        challenge = challenge_of(told)
        more = {
            "device_label": "Poste",
            "nonce": challenge.nonce,
            "credential": self.passkey.use(challenge, self.device),
        }
        return (await self.act("/acts/sign-in/passkey", known | more))[0]

    async def confirm(self) -> str:
        """Show by passkey that somebody is here, so that look-ups go on. The refusal's code, or ""."""
        return await self._touch("presence")

    async def prove(self) -> str:
        """Prove by passkey who it is, as what touches factors asks. The refusal's code, or ""."""
        return await self._touch("step-up")

    async def _touch(self, purpose: str) -> str:
        refused, told = await self.act(f"/acts/{purpose}/begin", {})
        if refused:
            return refused
        challenge = challenge_of(told)
        body = {"nonce": challenge.nonce, "credential": self.passkey.use(challenge, self.device)}
        return (await self.act(f"/acts/{purpose}/passkey", body))[0]

    async def check(self, presentation: Presentation, path: str = RIGHTS) -> Told:
        """Check a right."""
        body = write_request(presentation, self.door.today)
        return told_of(await self.door.post(path, body, self.device, self.session, FHIR))


def told_of(answered: Answered) -> Told:
    """Read a rights check's answer."""
    reply = read_json(answered.body)
    if answered.status != 200:
        return Told(code_of(reply, answered.status))
    insurance = reply["insurance"]
    receipt = next(each["valueString"] for each in reply["extension"] if each["url"] == _RECEIPT)
    opened = [each["item"][0] for each in insurance if each["inforce"]]
    return Told(
        "",
        "item" in insurance[0],
        bool(opened),
        index_of(receipt),
        receipt,
        reply["servicedDate"],
        bool(opened) and all(item.get("authorizationRequired", False) for item in opened),
    )


def index_of(receipt: str) -> int:
    """The ledger index that a receipt promises."""
    payload = receipt.split(".")[1]
    claims = _decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return int(claims["log"]["index"])


def session_of(answered: Answered) -> str:
    """The session's value that the door sets, or ""."""
    mark = b"__Host-rempart="
    at = answered.head.find(mark)
    return answered.head[at + len(mark) :].split(b";")[0].split(b"\r")[0].decode() if at >= 0 else ""


def code_of(reply: dict[str, Any], status: int) -> str:
    """The stable code of a refusal, from either door's form."""
    if "issue" in reply:
        return str(reply["issue"][0]["details"]["coding"][0]["code"])
    return str(reply.get("code") or status)


def read_json(body: bytes) -> dict[str, Any]:
    """A JSON object, or an empty one for whatever else came."""
    try:
        found = _decode(body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def challenge_of(reply: dict[str, Any]) -> Challenge:
    """The challenge of a ceremony that begins."""
    return msgspec.convert(reply | {"type": "Challenge"}, Challenge)
