"""`POST /referencement/…`: somebody applies to be referenced. Nobody signs it, and this door keeps nothing of it: the cashier checks,
closes and keeps, and answers what the page shows."""

import logging
import secrets
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from rempart.doorway.language import reader_language
from rempart.doorway.taking_in import CLIENT, JSON, MAX_BODY, admitted_body
from rempart.foundation.errors import BadInput, Outage
from rempart.identity.dossier import LONGEST, MOST_DOCUMENTS, MOST_PIECE
from rempart.portal.fragments import Fragments
from rempart.portal.relay import refusal
from rempart.portal.settings import PortalSettings
from rempart.vaultdoor.bodies import read_body
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.codes import CODES, Code
from rempart.vaultdoor.messages import (
    AddPiece,
    Announced,
    AskDossierState,
    Call,
    DossierFaults,
    DossierOpened,
    DossierState,
    FinishDossier,
    OpenDossier,
    Refused,
    Reply,
)

PATH = "/referencement"
CODE = "rempart-dossier"
"""The header in which a piece brings the dossier's code: an address would be written down on the way."""
OCTETS = "application/octet-stream"
_log = logging.getLogger("rempart.portal")

_Field = Annotated[str, Meta(max_length=LONGEST + 100)]
_Name = Annotated[str, Meta(max_length=40)]
_Code = Annotated[str, Meta(max_length=64)]


class _Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    typed: Annotated[dict[_Name, _Field], Meta(max_length=30)]
    iban: _Field
    documents: Annotated[list[Announced], Meta(max_length=MOST_DOCUMENTS)]


class _ByCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: _Code


class Applying:
    """The routes, with what they need."""

    def __init__(self, settings: PortalSettings, cashier: VaultClient, fragments: Fragments) -> None:
        self._settings, self._cashier, self._fragments = settings, cashier, fragments

    def routes(self) -> list[Route]:
        """Four, each a step of the page."""
        return [
            Route(f"{PATH}/dossier", self.open, methods=["POST"], name="dossier"),
            Route(f"{PATH}/piece", self.add, methods=["POST"], name="piece"),
            Route(f"{PATH}/envoi", self.finish, methods=["POST"], name="dossier-sent"),
            Route(f"{PATH}/etat", self.state, methods=["POST"], name="dossier-state"),
        ]

    async def open(self, request: Request) -> Response:
        """What was typed, and which documents will follow."""
        body = await self._body(request)
        try:
            said = body if isinstance(body, Refused) else read_body(body, _Opening)
        except BadInput as error:
            said = Refused(error.code, error.detail)
        if isinstance(said, Refused):
            return self._refused(said, request)
        return await self._ask(request, OpenDossier(said.typed, said.iban, said.documents, _address(request)))

    async def add(self, request: Request) -> Response:
        """A piece of a document, as it is."""
        body = await self._body(request, most=MOST_PIECE, media_type=OCTETS)
        code = request.headers.get(CODE, "")[:64]
        number = {name: request.query_params.get(name, "") for name in ("document", "piece")}
        if not isinstance(body, Refused) and not all(_is_small(each) for each in number.values()):
            body = Refused("bad-input", "document")
        if isinstance(body, Refused):
            return self._refused(body, request)
        return await self._ask(request, AddPiece(code, int(number["document"]), int(number["piece"]), body))

    async def finish(self, request: Request) -> Response:
        """All was sent."""
        code = await self._code(request)
        if isinstance(code, Refused):
            return self._refused(code, request)
        return await self._ask(request, FinishDossier(code))

    async def state(self, request: Request) -> Response:
        """How far it is, in words."""
        code = await self._code(request)
        if isinstance(code, Refused):
            return self._refused(code, request)
        return await self._ask(request, AskDossierState(code, _address(request)))

    async def _code(self, request: Request) -> str | Refused:
        body = await self._body(request)
        try:
            return body if isinstance(body, Refused) else read_body(body, _ByCode).code
        except BadInput as error:
            return Refused(error.code, error.detail)

    async def _body(
        self, request: Request, *, most: int = MAX_BODY, media_type: str = JSON
    ) -> bytes | Refused:
        origin, seconds = self._settings.origin, self._settings.body_seconds
        return await admitted_body(request, origin, seconds, most=most, media_type=media_type)

    async def _ask(self, request: Request, call: Call) -> Response:
        try:
            return self._told(await self._cashier.call(call), request)
        except Outage as error:
            reference = secrets.token_hex(4)
            _log.warning("%s, reference %s", type(error).__name__, reference)
            words = Code(CODES[error.code].status, error.french, error.english)
            return refusal(Refused(error.code, reference=reference), words, None, reader_language(request))

    def _told(self, reply: Reply, request: Request) -> Response:
        language = reader_language(request)
        if isinstance(reply, Refused):
            return self._refused(reply, request)
        if isinstance(reply, DossierState):
            return HTMLResponse(self._fragments.application(reply, language))
        if isinstance(reply, DossierFaults):
            faults = [
                {"field": each.field, "sentence": each.english if language == "en" else each.french}
                for each in reply.faults
            ]
            code = CODES["dossier-fields"]
            sentence = code.english if language == "en" else code.french
            told = {"type": "Refused", "code": "dossier-fields", "sentence": sentence, "faults": faults}
            response = _json(told, code.status)
            response.headers["Rempart-Code"] = "dossier-fields"
            return response
        return _json({"code": reply.code} if isinstance(reply, DossierOpened) else {})

    def _refused(self, refused: Refused, request: Request) -> Response:
        return refusal(refused, CODES.get(refused.code, CODES["internal"]), None, reader_language(request))


def _address(request: Request) -> str:
    return str(request.scope.get(CLIENT, ""))


def _is_small(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 2


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
