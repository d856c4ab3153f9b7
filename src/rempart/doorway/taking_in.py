"""How a signed request is taken in: its form, its body within bounds, and then whole, as the vault wants it. Nothing is decided here."""

import asyncio
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request

from rempart.vaultdoor.messages import Act, Refused

MAX_BODY = 64 * 1024
JSON = "application/json"
CLIENT = "rempart.client"
"""Key of an ASGI scope: whence the request came (rempart.front.addresses)."""


async def admitted_body(
    request: Request, origin: str, seconds: float, *, most: int = MAX_BODY, media_type: str = JSON
) -> bytes | Refused:
    """The body, `most` bytes of it, if this is our own page speaking.

    The signature already proves the device. This check is the second lock against a foreign page that makes the browser speak: every
    browser writes one of these headers on a POST and no page can change them; a caller that writes neither is not a browser.
    """
    return _refused_by_headers(request, origin, most, media_type) or await _body(request, seconds, most)


def as_act(request: Request, body: bytes, cookie: str, language: str) -> Act:
    """The request as it was signed. `cookie`: the name of the session's."""
    header = request.headers.get
    return Act(
        method=request.method,
        target=_target(request),
        content_digest=header("content-digest", ""),
        signature_input=header("signature-input", ""),
        signature=header("signature", ""),
        session=request.cookies.get(cookie, ""),
        body=body,
        language=language,
        address=str(request.scope.get(CLIENT, "")),
    )


def wants_html(request: Request) -> bool:
    """A fragment rather than JSON?"""
    return "text/html" in request.headers.get("accept", "")


def _refused_by_headers(request: Request, ours: str, most: int, media_type: str) -> Refused | None:
    origin = request.headers.get("origin")
    if origin is not None and origin != ours:
        return Refused("bad-input", "Origin")
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return Refused("bad-input", "Sec-Fetch-Site")
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != media_type:
        return Refused("media-type")
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or len(announced) > 10 or int(announced) > most:
        return Refused("too-large")
    return None


async def _body(request: Request, seconds: float, most: int) -> bytes | Refused:
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    return Refused("too-large")
    except TimeoutError:
        return Refused("slow")
    except ClientDisconnect:
        # Gone, or its chunks were no chunks (RFC 9112 §7.1): the server says both in one word.
        return Refused("bad-input", "body")
    return bytes(body)


def _target(request: Request) -> str:
    """Path and query as they were sent: what the device signed."""
    raw: bytes = (
        request.scope.get("raw_path") or quote(request.scope["path"], safe="/$:@!&'()*+,;=~-._").encode()
    )
    path = raw.split(b"?")[0].decode("latin-1")
    query = request.scope.get("query_string", b"").decode("latin-1")
    return f"{path}?{query}" if query else path
