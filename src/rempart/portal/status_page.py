"""`/etat`: which service works, for everybody, without a session; as a page, a feed (RFC 4287) and JSON."""

import logging
from collections.abc import Awaitable, Callable

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

_log = logging.getLogger("rempart.portal")
_Answer = Callable[[Request], Awaitable[Response]]


def status_routes(env: jinja2.Environment, reader: StatusReader | None, origin: str) -> list[Route]:
    """Without a reader (no database configured) everything is unknown, and says so."""

    async def page(request: Request) -> Response:
        read, language = await _read(reader), reader_language(request)
        html = env.get_template("status.html").render(
            t=speaker(language), language=language, path="/etat", **_shown(read, language)
        )
        return HTMLResponse(
            html,
            status_code=200 if read else 503,
            headers={"Content-Language": language, "Vary": "Accept-Language, Cookie"},
        )

    def machine(make: Callable[[Board, int], bytes], media_type: str) -> _Answer:
        async def answer(_request: Request) -> Response:
            read = await _read(reader)
            if read is None:
                return Response(status_code=503)
            return Response(make(read[1], read[0]), media_type=media_type)

        return answer

    def feed(language: str) -> _Answer:
        return machine(lambda board, now: atom(board, origin, language, now), "application/atom+xml")

    return [
        Route("/etat", page, methods=["GET"], name="status"),
        Route("/etat.json", machine(as_json, "application/json"), methods=["GET"], name="status-json"),
        Route("/etat.atom", feed("fr"), methods=["GET"], name="status-feed-fr"),
        Route("/etat.en.atom", feed("en"), methods=["GET"], name="status-feed-en"),
    ]


async def _read(reader: StatusReader | None) -> tuple[int, Board] | None:
    try:
        return await reader.board() if reader else None
    except StatusUnavailable as error:
        _log.warning("status unavailable: %s", error.detail)
        return None


def _shown(read: tuple[int, Board] | None, language: str) -> dict[str, object]:
    side = 1 if language == "en" else 0
    names = {service: words[side] for service, words in NAMES.items()}
    words = {level: both[side] for level, both in LEVELS.items()}
    if read is None:
        return {"board": None, "names": names, "words": words, "days": DAYS}
    now, board = read
    return {
        "board": board,
        "now": now,
        "names": names,
        "words": words,
        "days": DAYS,
        "overall": overall(board, now),
        "services": [(s, level_now(board, s, now), history(board, s, now)) for s in Service],
        "standing": [a for a in board.announcements if not a.ended or a.ended > now],
        "past": [a for a in board.announcements if a.ended and a.ended <= now],
    }
