"""A signed request as it comes off the wire, made the `Act` that is relayed whole. Nothing of its body is read here."""

import asyncio
from collections.abc import Iterable

from starlette.types import Message, Receive, Scope

from rempart.api.headers import reader_language
from rempart.doorway.taking_in import CLIENT
from rempart.vaultdoor.fhir import MAX_BODY
from rempart.vaultdoor.messages import Act, Refused

BODY_SECONDS = 10.0
"""A request that takes longer to arrive is refused."""
FHIR_TYPES = frozenset({"application/fhir+json", "application/json"})
FORM_TYPES = frozenset({"application/x-www-form-urlencoded"})
NO_BODY: frozenset[str] = frozenset()
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


class ClientLeftError(Exception):
    """The client left before its request was whole."""


async def read_signed(
    scope: Scope, receive: Receive, media_types: frozenset[str], body_seconds: float = BODY_SECONDS
) -> Act | Refused:
    """The request as one message, or why it goes no further. `media_types` empty: no body is expected. Raises ClientLeftError."""
    headers = _headers(scope["headers"])
    refused = _refused_by_headers(headers, media_types)
    if refused is not None:
        return refused
    try:
        async with asyncio.timeout(body_seconds):
            body = await _read(receive, int(headers.get("content_length", "0")))
    except TimeoutError:
        return Refused("slow")
    if isinstance(body, Refused):
        return body
    return Act(
        method=scope["method"],
        target=_target(scope),
        content_digest=headers["content_digest"],
        signature_input=headers["signature_input"],
        signature=headers["signature"],
        session=_session(headers.get("cookie", "")),
        body=body,
        language=reader_language(headers.get("language", "")),
        address=str(scope.get(CLIENT, "")),
    )


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


def _refused_by_headers(headers: dict[str, str], media_types: frozenset[str]) -> Refused | None:
    if media_types and headers.get("content_type", "").partition(";")[0].strip().lower() not in media_types:
        return Refused("media-type")
    length = headers.get("content_length", "0")
    if not length.isdecimal() or len(length) > 10 or int(length) > MAX_BODY:
        return Refused("too-large")
    for name in ("content_digest", "signature_input", "signature"):
        if not headers.get(name):
            return Refused("signature", name.replace("_", "-"))
    return None


def _target(scope: Scope) -> str:
    """Path and query as they were sent: what the device signed."""
    raw: bytes | None = scope.get("raw_path")
    path = raw.partition(b"?")[0].decode("latin-1") if raw else str(scope["path"])
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{path}?{query}" if query else path


def _session(cookie: str) -> str:
    """The session's value among the cookies, or ""; two of that name are none."""
    values = [
        value
        for name, _, value in (part.strip().partition("=") for part in cookie.split(";"))
        if name == "__Host-rempart"
    ]
    return values[0] if len(values) == 1 else ""
