"""`POST /acts/…` and `POST /desk/…`: a signed request goes whole to the vault on the desk's own socket; the reply comes back as a fragment.

This door adds nothing and decides nothing. An errand (rempart.desk.errands, rempart.desk.dossiers) is done once the vault has said who
asks, never before.
"""

import logging
import secrets

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from rempart.desk.dossiers import Dossiers
from rempart.desk.errands import Errands
from rempart.desk.fragments import Fragments
from rempart.doorway.language import reader_language
from rempart.doorway.session_cookie import keep_session, without_session
from rempart.doorway.taking_in import admitted_body, as_act, wants_html
from rempart.foundation.errors import BadInput, Outage, RempartError
from rempart.foundation.settings import DeskSettings
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.codes import CODES, Code
from rempart.vaultdoor.messages import (
    Act,
    AnswersReleased,
    DeskAct,
    DeskSeat,
    Done,
    PackagesReleased,
    Refused,
    Reminded,
    Reply,
)

COOKIE = "__Host-rempart-desk"
BODY_SECONDS = 10.0
_log = logging.getLogger("rempart.desk")


class Relay:
    """The route, with what it needs."""

    def __init__(
        self,
        settings: DeskSettings,
        client: VaultClient,
        fragments: Fragments,
        errands: Errands,
        dossiers: Dossiers,
    ) -> None:
        self._settings, self._client = settings, client
        self._fragments, self._errands, self._dossiers = fragments, errands, dossiers

    async def act(self, request: Request) -> Response:
        """Relay one act, and do the errand that follows from it, if one does."""
        language = reader_language(request)
        body = await admitted_body(request, self._settings.origin, BODY_SECONDS)
        try:
            if isinstance(body, Refused):
                return self._refused(request, body, language)
            reply = await self._ask(as_act(request, body, COOKIE, language))
            if isinstance(reply, Response):
                return reply
            response = await self._answered(request, body, reply, language)
        except RempartError as error:
            return self._raised(request, error, language)
        keep_session(response, reply, request.url.path, COOKIE)
        return response

    async def _ask(self, act: Act) -> Reply | Response:
        if self._dossiers.has(act.target):
            return await self._dossiers.do(act)
        return await self._client.call(DeskAct(act))

    async def _answered(self, request: Request, body: bytes, reply: Reply, language: str) -> Response:
        path = request.url.path
        if isinstance(reply, Refused):
            return self._refused(request, reply, language)
        if isinstance(reply, DeskSeat) and self._errands.has(path):
            done = await self._errands.do(path, body, reply, language)
            return done if isinstance(done, Response) else HTMLResponse(done)
        if isinstance(reply, PackagesReleased | AnswersReleased | Reminded):
            told = await self._errands.carry_out(reply, language)
            return HTMLResponse(told) if wants_html(request) else _json(msgspec.to_builtins(reply))
        if isinstance(reply, Done):
            await self._errands.follow(path, body)
            await self._dossiers.follow(path, body)
        if wants_html(request) and self._fragments.has(reply):
            return HTMLResponse(self._fragments.render(reply, language))
        return _json(msgspec.to_builtins(without_session(reply)))

    def _raised(self, request: Request, error: RempartError, language: str) -> Response:
        """A room's refusal in its own words; an outage by a reference besides."""
        outage = isinstance(error, Outage)
        reference = secrets.token_hex(4) if outage else ""
        if outage:
            _log.warning("%s, reference %s", type(error).__name__, reference)
        status = 503 if outage else 400 if isinstance(error, BadInput) else 409
        known = CODES.get(error.code)
        words = Code(known.status if known else status, error.french, error.english)
        detail = "" if outage else error.detail
        return self._refused(request, Refused(error.code, detail, reference), language, words)

    def _refused(
        self, request: Request, reply: Refused, language: str, words: Code | None = None
    ) -> Response:
        code = words or CODES.get(reply.code, CODES["internal"])
        if wants_html(request):
            response: Response = HTMLResponse(self._fragments.refusal(reply, code, language), code.status)
        else:
            sentence = code.english if language == "en" else code.french
            response = _json(
                {
                    "type": "Refused",
                    "code": reply.code,
                    "sentence": sentence,
                    "reference": reply.reference,
                    "detail": reply.detail,
                },
                code.status,
            )
        response.headers["Rempart-Code"] = reply.code if reply.code in CODES or words else "internal"
        return response


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
