"""A refusal in the portal's own form: JSON for the script, with its code in a header; a sentence for who reads an address in a browser."""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from rempart.doorway.headers import secure_headers
from rempart.doorway.language import reader_language
from rempart.portal.relay import refusal
from rempart.vaultdoor.codes import CODES
from rempart.vaultdoor.messages import Refused

_SCRIPT = ("/acts/", "/claims/")
APPLYING = frozenset(
    {"/referencement/dossier", "/referencement/piece", "/referencement/envoi", "/referencement/etat"}
)
"""Where the page of référencement posts (rempart.portal.applying)."""
_SOON = frozenset({"crowded", "saturated"})


def refuse(scope: Scope, refused: Refused, *, production: bool = False) -> Response:
    """The answer to a request that no route has seen."""
    request = Request(scope)
    language = reader_language(request)
    code = CODES.get(refused.code, CODES["internal"])
    if scope["path"].startswith(_SCRIPT) or scope["path"] in APPLYING:
        response = refusal(refused, code, None, language)
    else:
        response = PlainTextResponse(code.english if language == "en" else code.french, code.status)
        response.headers["Rempart-Code"] = refused.code
    response.headers.update(secure_headers(production=production))
    if refused.code in _SOON:
        response.headers["Retry-After"] = "5"
    return response


async def refuse_method(request: Request, error: Exception) -> Response:
    """An address that exists, asked in another way than its own."""
    response = refuse(request.scope, Refused("method"))
    allowed = Headers(getattr(error, "headers", None)).get("allow")
    if allowed:
        response.headers["Allow"] = allowed
    return response
