"""`POST /acts/…` and `POST /claims/…`: a signed request goes whole to the vault, or to the cashier, and the reply comes back as JSON, as a
rendered fragment, or as a file to save.

This door adds nothing to a request and decides nothing about it. Of a reply it keeps one thing from the script: the session's value,
which goes into the cookie.
"""

import asyncio
import logging
import secrets
from urllib.parse import quote

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response

from rempart.doorway.language import reader_language
from rempart.foundation.errors import Outage
from rempart.portal.fragments import Fragments, detail_in_words, has_fragment
from rempart.portal.names import Names
from rempart.portal.papers import as_it_is
from rempart.portal.settings import PortalSettings
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.codes import CODES, Code
from rempart.vaultdoor.messages import Act, Activated, Done, Paper, Refused, Reply, SignedIn

COOKIE = "__Host-rempart"
MAX_BODY = 64 * 1024
SESSION_OVER = frozenset({"session", "device"})
_log = logging.getLogger("rempart.portal")


class Relay:
    """The route, with what it needs."""

    def __init__(
        self, settings: PortalSettings, client: VaultClient, names: Names, fragments: Fragments
    ) -> None:
        self._settings = settings
        self._client = client
        self._names = names
        self._fragments = fragments

    async def act(self, request: Request) -> Response:
        """Relay one act."""
        language = reader_language(request)
        body = await self._admitted_body(request)
        try:
            reply = body if isinstance(body, Refused) else await self._ask(request, body, language)
        except Outage as error:
            return self._unreachable(request, error, language)
        if isinstance(body, bytes):
            await self._names.follow(request, body, reply)
        response = await self._rendered(request, reply, language)
        keep_session(response, reply, request.url.path)
        return response

    async def _admitted_body(self, request: Request) -> bytes | Refused:
        """The body, if this is our own page speaking.

        The signature already proves the device. This check is the second lock against a foreign page that makes the browser speak: every
        browser writes one of these headers on a POST and no page can change them; a caller that writes neither is not a browser.
        """
        return self._refused_by_headers(request) or await self._body(request)

    def _refused_by_headers(self, request: Request) -> Refused | None:
        origin = request.headers.get("origin")
        if origin is not None and origin != self._settings.origin:
            return Refused("bad-input", "Origin")
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return Refused("bad-input", "Sec-Fetch-Site")
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            return Refused("media-type")
        announced = request.headers.get("content-length", "0")
        if not announced.isdecimal() or len(announced) > 10 or int(announced) > MAX_BODY:
            return Refused("too-large")
        return None

    async def _body(self, request: Request) -> bytes | Refused:
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > MAX_BODY:
                        return Refused("too-large")
        except TimeoutError:
            return Refused("slow")
        except ClientDisconnect:
            # Gone, or its chunks were no chunks (RFC 9112 §7.1): the server says both in one word.
            return Refused("bad-input", "body")
        return bytes(body)

    async def _ask(self, request: Request, body: bytes, language: str) -> Reply:
        header = request.headers.get
        act = Act(
            method=request.method,
            target=_target(request),
            content_digest=header("content-digest", ""),
            signature_input=header("signature-input", ""),
            signature=header("signature", ""),
            session=request.cookies.get(COOKIE, ""),
            body=body,
            language=language,
        )
        return await self._client.call(act)

    def _unreachable(self, request: Request, error: Outage, language: str) -> Response:
        """In the error's own words: of an errand that was lost on the way, "nothing was done" could be false."""
        reference = secrets.token_hex(4)
        _log.warning("%s: %s, reference %s", type(error).__name__, error.detail, reference)
        words = Code(CODES[error.code].status, error.french, error.english)
        return self._refused(request, Refused(error.code, reference=reference), words, language)

    def _refused(self, request: Request, reply: Refused, code: Code, language: str) -> Response:
        fragment = self._fragments.refusal(reply, code, language) if _wants_html(request) else None
        return refusal(reply, code, fragment, language)

    async def _rendered(self, request: Request, reply: Reply, language: str) -> Response:
        wants_html = _wants_html(request)
        if isinstance(reply, Refused):
            return self._refused(request, reply, CODES.get(reply.code, CODES["internal"]), language)
        if isinstance(reply, Paper):
            fragment = self._fragments.paper(reply, language) if wants_html else None
            return as_it_is(reply) if fragment is None else HTMLResponse(fragment, reply.status)
        if wants_html and has_fragment(reply):
            return HTMLResponse(self._fragments.render(reply, await self._names.around(reply), language))
        return _json(msgspec.to_builtins(_without_session(reply)) | await self._names.beside(reply))


def _wants_html(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _target(request: Request) -> str:
    """Path and query as they were sent: what the device signed."""
    raw: bytes = (
        request.scope.get("raw_path") or quote(request.scope["path"], safe="/$:@!&'()*+,;=~-._").encode()
    )
    path = raw.split(b"?")[0].decode("latin-1")
    query = request.scope.get("query_string", b"").decode("latin-1")
    return f"{path}?{query}" if query else path


def _without_session(reply: Reply) -> Reply:
    if isinstance(reply, SignedIn):
        return msgspec.structs.replace(reply, session="")
    if isinstance(reply, Activated):
        return msgspec.structs.replace(reply, session=msgspec.structs.replace(reply.session, session=""))
    return reply


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")


def refusal(reply: Refused, code: Code, fragment: str | None, language: str) -> Response:
    """A refusal: the fragment where there is one, else JSON; its code in a header."""
    if fragment is not None:
        response: Response = HTMLResponse(fragment, status_code=code.status)
    else:
        sentence = code.english if language == "en" else code.french
        told = {"type": "Refused", "code": reply.code, "sentence": sentence, "reference": reply.reference}
        response = _json({**told, "detail": detail_in_words(reply, language)}, code.status)
    response.headers["Rempart-Code"] = reply.code if reply.code in CODES else "internal"
    return response


def internal_error(reference: str, language: str) -> Response:
    """Something broke here: a reference to quote, and no word more."""
    return refusal(Refused("internal", reference=reference), CODES["internal"], None, language)


def keep_session(response: Response, reply: Reply, path: str) -> None:
    """The cookie follows the vault's word: set when a session opens, deleted when it is over."""
    opened = reply.session if isinstance(reply, Activated) else reply
    if isinstance(opened, SignedIn) and opened.session:
        response.set_cookie(COOKIE, opened.session, path="/", secure=True, httponly=True, samesite="strict")
    over = isinstance(reply, Refused) and reply.code in SESSION_OVER
    if over or (isinstance(reply, Done) and path == "/acts/sign-out"):
        forget_session(response)


def forget_session(response: Response) -> None:
    """Delete the session's cookie."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
