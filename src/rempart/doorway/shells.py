"""Pages are shells that hold nobody's data. What a person may see arrives afterwards, by signed acts."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass

import jinja2
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from rempart.doorway.language import COOKIE as LANGUAGE_COOKIE
from rempart.doorway.language import LANGUAGES
from rempart.doorway.rendering import page
from rempart.doorway.session_cookie import SESSION_OVER, forget_session

REASONS = SESSION_OVER | {"signature", "stale", "sign-out"}
"""Why a reader was sent back to the sign-in page: a closed list, the only thing an address may say."""
_Answer = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Page:
    """`signed_in`: without a session's cookie the reader is sent to sign in. The vault is the judge; this only spares a useless page."""

    path: str
    template: str
    signed_in: bool = True


@dataclass(frozen=True)
class Shells:
    """The pages of one door. `session`: its cookie's name; `home`: where somebody signed in begins; `besides`: pages served elsewhere."""

    env: jinja2.Environment
    pages: Iterable[Page]
    session: str
    home: str
    besides: Collection[str] = ()

    def routes(self) -> list[Route]:
        """One GET route a page, and the language switch."""
        routes = [
            Route(each.path, self._sign_in(each) if each.path == "/" else self._shell(each), methods=["GET"], name=each.template)
            for each in self.pages
        ]  # fmt: skip
        return [*routes, Route("/langue/{language}", self._switch_language, methods=["GET"], name="language")]

    async def not_found(self, request: Request, _error: Exception) -> Response:
        """The page for an address that does not exist."""
        return page(self.env, "not-found.html", request, status=404, path="/")

    def _shell(self, shown: Page) -> _Answer:
        async def shell(request: Request) -> Response:
            if shown.signed_in and self.session not in request.cookies:
                return RedirectResponse("/", 303)
            return page(self.env, shown.template, request, path=shown.path)

        return shell

    def _sign_in(self, shown: Page) -> _Answer:
        """Whoever has a session goes home, unless sent here because it is over: then it is forgotten."""

        async def sign_in(request: Request) -> Response:
            has_session = self.session in request.cookies
            reason = request.query_params.get("motif", "")
            if has_session and reason not in REASONS:
                return RedirectResponse(self.home, 303)
            response = page(
                self.env, shown.template, request, path="/", reason=reason if reason in REASONS else ""
            )
            if has_session:
                forget_session(response, self.session)
            return response

        return sign_in

    async def _switch_language(self, request: Request) -> Response:
        """Remember the choice, and go back to the page it was made on, if it is one of ours."""
        language = request.path_params["language"]
        back = request.query_params.get("page", "/")
        ours = {*self.besides, *(each.path for each in self.pages)}
        response = RedirectResponse(back if back in ours else "/", 303)
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
