"""Requests that go out signed, and what comes back: JSON, or an error of rempart.client.errors."""

import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx

from rempart.client.errors import Refused, Unavailable, refusal
from rempart.client.keys import Signer
from rempart.client.signing import signed_headers

COOKIE = "__Host-rempart"
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_SENT_IN_VAIN = (httpx.ConnectError, httpx.ConnectTimeout)
"""Nothing left this machine: to send again is safe whatever it is."""


class Wire:
    """One origin, two keys, one session value."""

    def __init__(
        self,
        origin: str,
        device: Signer,
        editor: Signer | None,
        *,
        session: str = "",
        language: str = "fr",
        http: httpx.Client | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        parts = urlsplit(origin)
        if parts.path or parts.query or (parts.scheme != "https" and parts.hostname not in _LOCAL):
            raise ValueError("the origin is https://host[:port], without a path")
        self.origin, self.session = origin, session
        self._device, self._editor = device, editor
        self._language, self._clock = language, clock
        # No proxy from the environment: whoever needs one says so in `http`.
        self._http = http or httpx.Client(timeout=20, trust_env=False)

    def act(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """One act of docs/protocol.md. Never sent twice once it may have arrived."""
        return self.send("POST", path, json.dumps(body).encode(), "application/json", again=False)

    def send(self, method: str, path: str, body: bytes, media_type: str, *, again: bool) -> dict[str, Any]:
        """One request and its JSON. Raises Refused. `again`: sent once more, signed anew, when no answer came."""
        try:
            try:
                response = self._once(method, path, body, media_type)
            except httpx.TransportError as error:
                if not again and not isinstance(error, _SENT_IN_VAIN):
                    raise
                response = self._once(method, path, body, media_type)
        except httpx.TransportError as error:
            raise Unavailable("unreachable", 0, detail=type(error).__name__) from error
        # The value follows the vault's word: it is set when a session opens.
        self.session = response.cookies.get(COOKIE) or self.session
        return _read(response, self._language)

    def get_text(self, path: str) -> str:
        """Something public. Raises Refused."""
        try:
            response = self._http.get(self.origin + path)
        except httpx.TransportError as error:
            raise Unavailable("unreachable", 0, detail=type(error).__name__) from error
        if response.status_code != httpx.codes.OK:
            raise _refusal(response, self._language)
        return response.text

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def _once(self, method: str, path: str, body: bytes, media_type: str) -> httpx.Response:
        headers = signed_headers(
            method,
            self.origin + path,
            body,
            created=int(self._clock()),
            device=self._device,
            editor=self._editor,
        )
        headers |= {"Accept": media_type, "Accept-Language": self._language}
        if body:
            headers["Content-Type"] = media_type
        if self.session:
            headers["Cookie"] = f"{COOKIE}={self.session}"
        # The cookie is ours to send: a jar would add its own.
        self._http.cookies.clear()
        return self._http.request(method, self.origin + path, content=body, headers=headers)


def _read(response: httpx.Response, language: str) -> dict[str, Any]:
    if response.status_code != httpx.codes.OK:
        raise _refusal(response, language)
    try:
        content: dict[str, Any] = json.loads(response.content, parse_float=Decimal)
    except ValueError as error:
        raise Unavailable("unreadable", response.status_code) from error
    return content


def _refusal(response: httpx.Response, language: str) -> Refused:
    """From an OperationOutcome, or from the refusal of an act."""
    try:
        content = json.loads(response.content)
        if content.get("resourceType") == "OperationOutcome":
            return _of_outcome(content["issue"][0], response.status_code, language)
        return refusal(
            content["code"],
            response.status_code,
            detail=content.get("reference") or content.get("detail", ""),
            french=content["sentence"] if language == "fr" else "",
            english=content["sentence"] if language == "en" else "",
        )
    except (ValueError, LookupError, AttributeError, TypeError):
        # A proxy's page, not the platform's word.
        return Unavailable("unreadable", response.status_code)


def _of_outcome(issue: dict[str, Any], status: int, language: str) -> Refused:
    details = issue["details"]
    parts = details["_text"]["extension"][0]["extension"]
    other = next(part["valueString"] for part in parts if part["url"] == "content")
    french, english = (details["text"], other) if language == "fr" else (other, details["text"])
    return refusal(
        details["coding"][0]["code"],
        status,
        french=french,
        english=english,
        detail=issue.get("diagnostics", ""),
    )
