"""Announcements and messages at the desk: the functions of `rempart announce`, in the desk's own role, once the vault has journaled them.

A preview is the very same writing, undone at once, and read as everybody would read it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import psycopg

from rempart.desk.fragments import Fragments
from rempart.desk.long_work import DatabaseSilent
from rempart.foundation.clock import DAY, Clock
from rempart.foundation.errors import BadInput, Refusal
from rempart.foundation.settings import DeskSettings
from rempart.incident import facts
from rempart.status import announcing, store
from rempart.status.errors import BadAnnouncement
from rempart.status.levels import DAYS, level_now, overall
from rempart.status.model import Board, Level, Message, Service, Weight
from rempart.vaultdoor.messages import DeskSeat

MOST_A_DAY = 200
"""Announcements, updates and messages, of everybody: a page that is read in a hurry stays short."""
PAST = 10
"""Announcements that are over, on the page."""
Connection = psycopg.Connection[Any]
T = TypeVar("T")
Errand = Callable[["_Asked", DeskSeat, str], Awaitable[str]]


class TooMuchSaid(Refusal):
    """More than anybody reads."""

    code = "announcements-full"
    french = "Trop d'annonces et de messages depuis un jour : passez par la commande « rempart announce »."
    english = "Too many announcements and messages within a day: use the command `rempart announce`."


class NamesAPerson(BadInput):
    """What everybody reads names nobody."""

    code = "looks-like-nir"
    french = (
        "Ce texte contient ce qui ressemble à un NIR : rien n'a été publié. Dites-le sans numéro de personne."
    )
    english = (
        "Something in this text looks like a NIR: nothing was published. Say it without a person's number."
    )


class _Asked(msgspec.Struct, frozen=True):
    """The fields of all these bodies, which the vault has read strictly."""

    dry_run: bool = True
    part: str = "levels"
    id: int = 0
    level: str = ""
    services: tuple[str, ...] = ()
    to: str = ""
    weight: str = "information"
    hours: int = 0
    french: str = ""
    english: str = ""


@dataclass(frozen=True)
class Shown:
    """What is read once something was said."""

    board: Board
    messages: list[Message]
    finess: dict[str, str]
    """Of the establishments that a message is for, by id."""
    levels: list[tuple[Service, Level]]
    overall: Level


class Announcing:
    """By path. Each makes a fragment."""

    def __init__(self, settings: DeskSettings, fragments: Fragments, clock: Clock) -> None:
        self._settings, self._fragments, self._clock = settings, fragments, clock
        self.table: dict[str, Errand] = {
            "/desk/announcements": self._show,
            "/desk/announcement/open": self._open,
            "/desk/announcement/update": self._update,
            "/desk/announcement/close": self._close,
            "/desk/message/tell": self._tell,
            "/desk/message/withdraw": self._withdraw,
        }

    async def do(self, path: str, body: bytes, seat: DeskSeat, language: str) -> str:
        """One errand. Raises RempartError."""
        return await self.table[path](msgspec.json.decode(body, type=_Asked), seat, language)

    async def _show(self, asked: _Asked, _seat: DeskSeat, language: str) -> str:
        now = self._clock()
        shown = await self._in_database(lambda c: _shown(c, now))
        name = "board.html" if asked.part == "levels" else "announcements.html"
        return self._fragments.fill(name, language, shown=shown, past=PAST)

    async def _open(self, asked: _Asked, _seat: DeskSeat, language: str) -> str:
        services = [_service(name) for name in asked.services]
        level = Level[asked.level.upper()]

        def work(c: Connection, now: int) -> int:
            return announcing.announce(c, now, level, services, asked.french, asked.english)

        return await self._said(asked, language, "announcement", work)

    async def _update(self, asked: _Asked, _seat: DeskSeat, language: str) -> str:
        def work(c: Connection, now: int) -> int:
            announcing.update(c, now, asked.id, asked.french, asked.english)
            return asked.id

        return await self._said(asked, language, "announcement", work)

    async def _close(self, asked: _Asked, _seat: DeskSeat, language: str) -> str:
        def work(c: Connection, now: int) -> int:
            announcing.end(c, now, asked.id, asked.french, asked.english)
            return asked.id

        return await self._said(asked, language, "announcement", work, more=False)

    async def _tell(self, asked: _Asked, _seat: DeskSeat, language: str) -> str:
        audience, named = announcing.audience_of(asked.to)

        def work(c: Connection, now: int) -> int:
            weight = Weight(asked.weight)
            return announcing.tell(c, now, weight, audience, named, asked.hours, asked.french, asked.english)

        return await self._said(asked, language, "message", work)

    async def _withdraw(self, asked: _Asked, _seat: DeskSeat, language: str) -> str:
        def work(c: Connection, now: int) -> int:
            announcing.withdraw(c, now, asked.id)
            return asked.id

        return await self._said(asked, language, "message", work, more=False)

    async def _said(
        self,
        asked: _Asked,
        language: str,
        kind: str,
        work: Callable[[Connection, int], int],
        *,
        more: bool = True,
    ) -> str:
        """Written and read again in one transaction, which a preview does not keep. `more`: to end something is never too much."""
        for text in (asked.french, asked.english):
            _require_no_nir(text)
        now = self._clock()

        def once(c: Connection) -> tuple[int, Shown]:
            with c.transaction(force_rollback=asked.dry_run):
                if more:
                    _require_room(c, now)
                number = work(c, now)
                return number, _shown(c, now)

        number, shown = await self._in_database(once)
        said = next((a for a in shown.board.announcements if kind == "announcement" and a.id == number), None)
        told = next((m for m in shown.messages if kind == "message" and m.id == number), None)
        return self._fragments.fill(
            "announced.html", language, preview=asked.dry_run, kind=kind, number=number, said=said, told=told, shown=shown,
        )  # fmt: skip

    async def _in_database(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with psycopg.connect(self._settings.dsn, autocommit=True) as c:
                return work(c)

        try:
            return await asyncio.to_thread(run)
        except psycopg.OperationalError as error:
            raise DatabaseSilent(type(error).__name__) from error


def _shown(c: Connection, now: int) -> Shown:
    board = store.operators_board(c, now - DAYS * DAY)
    levels = [(service, level_now(board, service, now)) for service in Service]
    messages = store.messages(c, now)
    return Shown(board, messages, store.finess_of(c, messages), levels, overall(board, now))


def _require_room(c: Connection, now: int) -> None:
    if store.said_since(c, now - DAY) >= MOST_A_DAY:
        raise TooMuchSaid


def _service(name: str) -> Service:
    if name not in set(Service):
        raise BadAnnouncement("services")
    return Service(name)


def _require_no_nir(text: str) -> None:
    try:
        facts.require_no_nir(text)
    except ValueError:
        raise NamesAPerson from None
