"""`/etat`: which service works, for everybody, without a session; as a page, a feed (RFC 4287) and JSON."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from rempart.doorway.language import reader_language, speaker
from rempart.status.errors import StatusUnavailable
from rempart.status.feed import as_json, atom
from rempart.status.levels import DAYS, history, level_now, overall
from rempart.status.model import LEVELS, NAMES, Board, Service
from rempart.status.reading import StatusReader

STATUS = "/etat"
_log = logging.getLogger("rempart.portal")
_Answer = Callable[[Request], Awaitable[Response]]
_Made = TypeVar("_Made")


def status_routes(env: jinja2.Environment, reader: StatusReader | None, origin: str) -> list[Route]:
    """Without a reader (no database configured) everything is unknown, and says so."""

    async def page(request: Request) -> Response:
        language = reader_language(request)

        def write(board: Board | None, now: int = 0) -> str:
            shown = {} if board is None else _shown(board, now)
            return env.get_template("status.html").render(
                t=speaker(language), language=language, path=STATUS, board=board, **_words(language), **shown
            )

        html = await _made(reader, f"page {language}", write)
        return HTMLResponse(
            write(None) if html is None else html,
            status_code=503 if html is None else 200,
            headers={"Content-Language": language, "Vary": "Accept-Language, Cookie"},
        )

    def machine(name: str, make: Callable[[Board, int], bytes], media_type: str) -> _Answer:
        async def answer(_request: Request) -> Response:
            made = await _made(reader, name, make)
            return Response(status_code=503) if made is None else Response(made, media_type=media_type)

        return answer

    def feed(language: str) -> _Answer:
        return machine(
            f"feed {language}", lambda board, now: atom(board, origin, language, now), "application/atom+xml"
        )

    return [
        Route(STATUS, page, methods=["GET"], name="status"),
        Route(
            "/etat.json", machine("json", as_json, "application/json"), methods=["GET"], name="status-json"
        ),
        Route("/etat.atom", feed("fr"), methods=["GET"], name="status-feed-fr"),
        Route("/etat.en.atom", feed("en"), methods=["GET"], name="status-feed-en"),
    ]


async def _made(reader: StatusReader | None, name: str, make: Callable[[Board, int], _Made]) -> _Made | None:
    try:
        return await reader.make(name, make) if reader else None
    except StatusUnavailable as error:
        _log.warning("status unavailable: %s", error.detail)
        return None


def _words(language: str) -> dict[str, object]:
    side = 1 if language == "en" else 0
    return {
        "names": {service: words[side] for service, words in NAMES.items()},
        "words": {level: both[side] for level, both in LEVELS.items()},
        "days": DAYS,
    }


def _shown(board: Board, now: int) -> dict[str, object]:
    return {
        "now": now,
        "overall": overall(board, now),
        "services": [(s, level_now(board, s, now), history(board, s, now)) for s in Service],
        "standing": [a for a in board.announcements if not a.ended or a.ended > now],
        "past": [a for a in board.announcements if a.ended and a.ended <= now],
    }
