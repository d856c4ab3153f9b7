"""`POST /fhir/CoverageEligibilityRequest/$submit`: the one hot path, as a bare ASGI callable.

The request goes whole to the vault, which verifies the signature before it reads the body. This door parses nothing of it.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Iterable

from starlette.types import Message, Receive, Scope, Send

from rempart.api.answers import answer_to_fhir
from rempart.api.headers import FHIR_JSON, HSTS, SECURE_HEADERS, reader_language
from rempart.api.refusals import outcome
from rempart.foundation.errors import Outage
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.fhir import MAX_BODY
from rempart.vaultdoor.messages import Act, Answer, Refused, Reply

PATHS = frozenset({"/fhir/CoverageEligibilityRequest/$submit", "/fhir/CoverageEligibilityRequest/%24submit"})
BODY_SECONDS = 10.0
"""A request that takes longer to arrive is refused."""
_NONCE = re.compile(r';nonce="([A-Za-z0-9_-]{22})"')
_RELAYED = {
    b"content-digest": "content_digest",
    b"signature-input": "signature_input",
    b"signature": "signature",
    b"cookie": "cookie",
    b"content-type": "content_type",
    b"content-length": "content_length",
    b"accept-language": "language",
}
_ONCE = frozenset({"content_digest", "signature_input", "signature", "content_type"})
_MEDIA_TYPES = frozenset({"application/fhir+json", "application/json"})
_log = logging.getLogger("rempart.api")


class RightsCheck:
    """The callable. One instance a door process."""

    def __init__(
        self, client: VaultClient, *, production: bool = False, body_seconds: float = BODY_SECONDS
    ) -> None:
        self._client = client
        self._body_seconds = body_seconds
        self._headers = [(b"content-type", FHIR_JSON), *SECURE_HEADERS, *([HSTS] if production else [])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, body, extra = await self._answer(scope, receive)
        except ClientLeftError:
            return
        except Outage as error:
            reference = secrets.token_hex(4)
            _log.error("outage %s: %s %s", reference, type(error).__name__, error.detail)
            status, body, extra = outcome(Refused("outage", reference=reference))
        except Exception as error:  # noqa: BLE001 (the last net: a reference, and no word of what was asked)
            reference = secrets.token_hex(4)
            _log.error("internal %s: %s", reference, type(error).__name__)
            status, body, extra = outcome(Refused("internal", reference=reference))
        headers = [*self._headers, (b"content-length", b"%d" % len(body)), *extra]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(
        self, scope: Scope, receive: Receive
    ) -> tuple[int, bytes, Iterable[tuple[bytes, bytes]]]:
        if scope["method"] != "POST":
            status, body, _ = outcome(Refused("method"))
            return status, body, [(b"allow", b"POST")]
        headers = _headers(scope["headers"])
        refused = _refused_by_headers(headers) or (
            Refused("bad-input", "query") if scope["query_string"] else None
        )
        if refused is not None:
            return outcome(refused)
        received = await self._body(receive, int(headers.get("content_length", "0")))
        if isinstance(received, Refused):
            return outcome(received)
        language = reader_language(headers.get("language", ""))
        reply = await self._client.call(
            Act(
                method="POST",
                target=_target(scope),
                content_digest=headers["content_digest"],
                signature_input=headers["signature_input"],
                signature=headers["signature"],
                session=_session(headers.get("cookie", "")),
                body=received,
                language=language,
            )
        )
        return _told(reply, headers["signature_input"], language)

    async def _body(self, receive: Receive, length: int) -> bytes | Refused:
        try:
            async with asyncio.timeout(self._body_seconds):
                return await _read(receive, length)
        except TimeoutError:
            return Refused("slow")


class ClientLeftError(Exception):
    """The client left before its request was whole."""


async def _read(receive: Receive, length: int) -> bytes | Refused:
    """The body; `length` is what Content-Length announced, or 0 where the body comes in chunks."""
    body = b""
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        chunk: bytes = message.get("body", b"")
        body += chunk
        if len(body) > MAX_BODY:
            return Refused("too-large")
        # Announced and whole: the server's closing message need not be waited for.
        if len(body) == length or not message.get("more_body"):
            return body


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        key = _RELAYED.get(name)
        if key is not None:
            # A repeated signature header has two readings; neither is taken. Cookies may legally come in several lines.
            if key in found:
                found[key] = "" if key in _ONCE else f"{found[key]}; {value.decode('latin-1')}"
            else:
                found[key] = value.decode("latin-1")
    return found


def _refused_by_headers(headers: dict[str, str]) -> Refused | None:
    if headers.get("content_type", "").partition(";")[0].strip().lower() not in _MEDIA_TYPES:
        return Refused("media-type")
    length = headers.get("content_length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY:
        return Refused("too-large")
    for name in ("content_digest", "signature_input", "signature"):
        if not headers.get(name):
            return Refused("signature", name.replace("_", "-"))
    return None


def _target(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1") if raw else str(scope["path"])


def _session(cookie: str) -> str:
    """The session's value among the cookies, or ""; two of that name are none."""
    values = [
        value
        for name, _, value in (part.strip().partition("=") for part in cookie.split(";"))
        if name == "__Host-rempart"
    ]
    return values[0] if len(values) == 1 else ""


def _told(
    reply: Reply, signature_input: str, language: str
) -> tuple[int, bytes, Iterable[tuple[bytes, bytes]]]:
    if isinstance(reply, Answer):
        nonce = _NONCE.search(signature_input)
        return 200, answer_to_fhir(reply, language, nonce[1] if nonce else ""), ()
    if isinstance(reply, Refused):
        return outcome(reply)
    raise TypeError(f"the vault replied a {type(reply).__name__} to a rights check")
