"""`POST /acts/…` and `POST /claims/…`: a signed request goes whole to the vault, or to the cashier, and the reply comes back as JSON, as a
rendered fragment, or as a file to save.

This door adds nothing to a request and decides nothing about it. Of a reply it keeps one thing from the script: the session's value,
which goes into the cookie.
"""

import logging
import secrets

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from rempart.doorway.language import reader_language
from rempart.doorway.session_cookie import keep_session, without_session
from rempart.doorway.taking_in import admitted_body, as_act, wants_html
from rempart.foundation.errors import Outage
from rempart.portal.fragments import Fragments, detail_in_words, has_fragment
from rempart.portal.names import Names
from rempart.portal.papers import as_it_is
from rempart.portal.settings import PortalSettings
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.codes import CODES, Code
from rempart.vaultdoor.messages import Paper, Refused, Reply

COOKIE = "__Host-rempart"
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
        body = await admitted_body(request, self._settings.origin, self._settings.body_seconds)
        try:
            reply = body if isinstance(body, Refused) else await self._ask(request, body, language)
        except Outage as error:
            return self._unreachable(request, error, language)
        if isinstance(body, bytes):
            await self._names.follow(request, body, reply)
        response = await self._rendered(request, reply, language)
        keep_session(response, reply, request.url.path, COOKIE)
        return response

    async def _ask(self, request: Request, body: bytes, language: str) -> Reply:
        return await self._client.call(as_act(request, body, COOKIE, language))

    def _unreachable(self, request: Request, error: Outage, language: str) -> Response:
        """In the error's own words: of an errand that was lost on the way, "nothing was done" could be false."""
        reference = secrets.token_hex(4)
        _log.warning("%s: %s, reference %s", type(error).__name__, error.detail, reference)
        words = Code(CODES[error.code].status, error.french, error.english)
        return self._refused(request, Refused(error.code, reference=reference), words, language)

    def _refused(self, request: Request, reply: Refused, code: Code, language: str) -> Response:
        fragment = self._fragments.refusal(reply, code, language) if wants_html(request) else None
        return refusal(reply, code, fragment, language)

    async def _rendered(self, request: Request, reply: Reply, language: str) -> Response:
        as_html = wants_html(request)
        if isinstance(reply, Refused):
            return self._refused(request, reply, CODES.get(reply.code, CODES["internal"]), language)
        if isinstance(reply, Paper):
            fragment = self._fragments.paper(reply, language) if as_html else None
            return as_it_is(reply) if fragment is None else HTMLResponse(fragment, reply.status)
        if as_html and has_fragment(reply):
            return HTMLResponse(self._fragments.render(reply, await self._names.around(reply), language))
        return _json(msgspec.to_builtins(without_session(reply)) | await self._names.beside(reply))


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
