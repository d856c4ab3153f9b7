"""The pages: shells that hold nobody's data. What a person may see arrives afterwards, by signed acts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from rempart.doorway.language import COOKIE as LANGUAGE_COOKIE
from rempart.doorway.language import LANGUAGES, reader_language, speaker
from rempart.doorway.session_cookie import SESSION_OVER, forget_session
from rempart.portal.relay import COOKIE as SESSION_COOKIE


@dataclass(frozen=True)
class Page:
    """`signed_in`: without a session's cookie the reader is sent to sign in. The vault is the judge; this only spares a useless page."""

    path: str
    template: str
    signed_in: bool


PAGES = (
    Page("/", "sign-in.html", signed_in=False),
    Page("/activation", "activation.html", signed_in=False),
    Page("/hors-ligne", "offline.html", signed_in=False),
    Page("/verifier", "check.html", signed_in=True),
    Page("/facturer", "billing.html", signed_in=True),
    Page("/prises-en-charge", "prises-en-charge.html", signed_in=True),
    Page("/factures", "invoices.html", signed_in=True),
    Page("/paiements", "payments.html", signed_in=True),
    Page("/reglement", "rib.html", signed_in=True),
    Page("/assureur", "insurer-home.html", signed_in=True),
    Page("/assureur/prises-en-charge", "insurer-prises-en-charge.html", signed_in=True),
    Page("/assureur/fichiers", "insurer-files.html", signed_in=True),
    Page("/assureur/flux", "insurer-flows.html", signed_in=True),
    Page("/assureur/incidents", "insurer-incidents.html", signed_in=True),
    Page("/assureur/consultations", "insurer-consultations.html", signed_in=True),
    Page("/assureur/fonds", "insurer-funds.html", signed_in=True),
    Page("/journal", "journal.html", signed_in=True),
    Page("/etablissement", "establishment.html", signed_in=True),
    Page("/logiciel", "software.html", signed_in=True),
    Page("/a-faire", "to-do.html", signed_in=True),
    Page("/securite", "security.html", signed_in=True),
)
REASONS = SESSION_OVER | {"signature", "stale", "sign-out"}
"""Why a reader was sent back to the sign-in page: a closed list, the only thing an address may say."""


def page_routes(env: jinja2.Environment) -> list[Route]:
    """One GET route a page, and the language switch."""
    routes = [Route(page.path, _shell(env, page), methods=["GET"], name=page.template) for page in PAGES]
    return [*routes, Route("/langue/{language}", _switch_language, methods=["GET"], name="language")]


def not_found(env: jinja2.Environment) -> Callable[[Request, Exception], Awaitable[Response]]:
    """The page for an address that does not exist."""

    async def answer(request: Request, _error: Exception) -> Response:
        return _render(env, "not-found.html", request, status=404, path="/")

    return answer


def _shell(env: jinja2.Environment, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def shell(request: Request) -> Response:
        has_session = SESSION_COOKIE in request.cookies
        if page.signed_in and not has_session:
            return RedirectResponse("/", 303)
        if page.path != "/":
            return _render(env, page.template, request, path=page.path)
        reason = request.query_params.get("motif", "")
        if has_session and reason not in REASONS:
            return RedirectResponse("/verifier", 303)
        response = _render(env, page.template, request, path="/", reason=reason if reason in REASONS else "")
        if has_session:
            forget_session(response, SESSION_COOKIE)
        return response

    return shell


def _render(
    env: jinja2.Environment, template: str, request: Request, *, status: int = 200, **values: str
) -> Response:
    language = reader_language(request)
    html = env.get_template(template).render(t=speaker(language), language=language, **values)
    return HTMLResponse(
        html, status_code=status, headers={"Content-Language": language, "Vary": "Accept-Language, Cookie"}
    )


async def _switch_language(request: Request) -> Response:
    """Remember the choice, and go back to the page it was made on, if it is one of ours."""
    language = request.path_params["language"]
    back = request.query_params.get("page", "/")
    response = RedirectResponse(back if back in {"/etat", *(page.path for page in PAGES)} else "/", 303)
    if language in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE,
            language,
            max_age=365 * 86400,
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )
    return response
