"""A counter without a screen: it walks through the public doors over HTTP, with a device key and a passkey in software.

The demo and the benches use it; it has no privilege that a browser has not.
"""

import time
from typing import Any

import httpx
import msgspec

from rempart.foundation.errors import Refusal
from rempart.vaultdoor.browser import DeviceKey, SoftwarePasskey
from rempart.vaultdoor.fhir import Presentation, write_request
from rempart.vaultdoor.messages import Challenge

RIGHTS = "/fhir/CoverageEligibilityRequest/$submit"


class DoorRefused(Refusal):
    """The door answered no: status and stable code in the detail."""

    code = "door-refused"
    french = "La porte a refusé."
    english = "The door refused."


class Counter:
    """One device at one origin, signed in or not."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.device = DeviceKey.generate()
        self.passkey = SoftwarePasskey(origin)
        self._http = httpx.Client(base_url=origin, timeout=20, trust_env=False)
        self.session = ""

    def act(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """One signed act. Raises DoorRefused."""
        return self._post(path, msgspec.json.encode(body), "application/json")

    def activate(self, code: str, label: str = "Comptoir 1") -> dict[str, Any]:
        """First sign-in of an account: its one-time code, this device, a passkey. Answers `Activated`."""
        known = {"device_key": self.device.public, "activation_code": code}
        challenge = self._challenge("/acts/activation/begin", known)
        credential = self.passkey.create(challenge, self.device)
        more = {
            "device_label": label,
            "nonce": challenge.nonce,
            "credential": credential,
            "label": "Clé d'accès",
        }
        return self.act("/acts/activation/passkey", known | more)

    def sign_in(self, label: str = "Comptoir 1") -> dict[str, Any]:
        """Sign in by passkey: binds this device anew. Answers `SignedIn`."""
        known = {"device_key": self.device.public}
        challenge = self._challenge("/acts/sign-in/begin", known)
        credential = self.passkey.use(challenge, self.device)
        return self.act(
            "/acts/sign-in/passkey",
            known | {"device_label": label, "nonce": challenge.nonce, "credential": credential},
        )

    def confirm(self) -> None:
        """The passkey again, with user verification: a person is here. Lifts the pace for an hour (docs/meters.md)."""
        challenge = self._challenge("/acts/presence/begin", {})
        self.act(
            "/acts/presence/passkey",
            {"nonce": challenge.nonce, "credential": self.passkey.use(challenge, self.device)},
        )

    def check(self, presentation: Presentation) -> dict[str, Any]:
        """Check a right: the FHIR response, as JSON."""
        return self._post(RIGHTS, write_request(presentation), "application/fhir+json")

    def prepared(self, presentation: Presentation, created: int) -> bytes:
        """A rights check as the bytes of one HTTP/1.1 request, signed for `created` (seconds)."""
        body = write_request(presentation)
        signed = self.device.sign("POST", self.origin + RIGHTS, body, created)
        host = self.origin.partition("://")[2]
        head = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        return (
            f"POST {RIGHTS} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n"
            f"Cookie: __Host-rempart={self.session}\r\n{head}\r\n"
        ).encode() + body

    def _challenge(self, path: str, body: dict[str, Any]) -> Challenge:
        return msgspec.convert(self.act(path, body) | {"type": "Challenge"}, Challenge)

    def _post(self, path: str, body: bytes, content_type: str) -> dict[str, Any]:
        headers = self.device.sign("POST", self.origin + path, body, int(time.time()))
        headers |= {"Content-Type": content_type, "Accept": content_type}
        if self.session:
            # httpx keeps Secure cookies back on plain HTTP; on localhost a browser sends them.
            headers["Cookie"] = f"__Host-rempart={self.session}"
        response = self._http.post(path, content=body, headers=headers)
        cookie = response.cookies.get("__Host-rempart")
        if cookie:
            self.session = cookie
        answer: dict[str, Any] = response.json()
        if response.status_code != httpx.codes.OK:
            raise DoorRefused(f"{response.status_code} {answer.get('code', '')}".strip())
        return answer

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()
