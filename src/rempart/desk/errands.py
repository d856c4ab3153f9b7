"""What the desk does itself, in its own database role, once the vault has said who asks: alerts, and how the platform is.

The vault has journaled what changes something before it answered; here nothing is decided.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from starlette.responses import Response

from rempart.desk.announcing import Announcing
from rempart.desk.fragments import Fragments
from rempart.desk.incident_errands import IncidentErrands
from rempart.foundation.clock import DAY, Clock
from rempart.foundation.errors import Outage
from rempart.foundation.settings import DeskSettings
from rempart.incident import store, store_case
from rempart.incident.case import Incident
from rempart.incident.clocks import Due, State, read_clocks
from rempart.incident.errors import AlertUnknown
from rempart.incident.handing_over import overdue
from rempart.incident.notices.errors import BadTemplate
from rempart.incident.notices.templates import Templates
from rempart.incident.store import Kept
from rempart.incident.store_case import Laid
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.messages import AnswersReleased, DeskSeat, Health, PackagesReleased, Reminded

SHOWN_DAYS, MOST = 28, 200
OPEN = frozenset({State.LATE, State.SOON, State.RUNNING, State.OPEN})
_log = logging.getLogger("rempart.desk")


class AlertsUnreachable(Outage):
    """The alerts' database does not answer."""

    french = "La liste des alertes ne répond pas : la commande « rempart alerts list » les lit aussi."
    english = "The list of alerts does not answer: the command `rempart alerts list` reads them too."


class _Asked(msgspec.Struct, frozen=True):
    """Of a body that the vault has read strictly, what an errand needs."""

    id: int = 0
    open_only: bool = True
    alert: int = 0
    scope: str = ""
    key: str = ""
    dry_run: bool = True


class Errands:
    """By path. Each makes a fragment."""

    def __init__(
        self, settings: DeskSettings, client: VaultClient, fragments: Fragments, clock: Clock
    ) -> None:
        self._settings, self._client, self._fragments, self._clock = settings, client, fragments, clock
        self._incident = IncidentErrands(settings, client, fragments, clock)
        self._announcing = Announcing(settings, fragments, clock)
        self._table: dict[str, Callable[[_Asked, DeskSeat, str], Awaitable[str]]] = {
            "/desk/health": self._health,
            "/desk/incidents": self._incidents,
            "/desk/alerts": self._alerts,
            "/desk/alert": self._alert,
            "/desk/alert/acknowledge": self._acknowledge,
        }

    def has(self, path: str) -> bool:
        """Is this an errand?"""
        return any(path in table for table in (self._table, self._incident.table, self._announcing.table))

    async def do(self, path: str, body: bytes, seat: DeskSeat, language: str) -> str | Response:
        """The errand's fragment, or a file. Raises RempartError."""
        if path in self._incident.table:
            return await self._incident.do(path, body, seat, language)
        if path in self._announcing.table:
            return await self._announcing.do(path, body, seat, language)
        return await self._table[path](msgspec.json.decode(body, type=_Asked), seat, language)

    async def carry_out(self, reply: PackagesReleased | AnswersReleased | Reminded, language: str) -> str:
        """What the vault let go, and is the desk's to do."""
        return await self._incident.carry_out(reply, language)

    async def follow(self, path: str, body: bytes) -> None:
        """What was just done answered an alert: it is written there, if it is what the alert proposed to hold, whatever the hold.

        A loss of it costs a mark, never the containment.
        """
        if path != "/desk/contain":
            return
        asked = msgspec.json.decode(body, type=_Asked)
        if asked.alert:
            try:
                await self._in_database(lambda c: _note_contained(c, asked, self._clock()))
            except Outage as error:
                _log.warning("alert %d is contained and not marked so: %s", asked.alert, error.detail)

    async def _health(self, _asked: _Asked, _seat: DeskSeat, language: str) -> str:
        return self._fragments.fill("health.html", language, health=await self._client.call(Health()))

    async def _incidents(self, _asked: _Asked, _seat: DeskSeat, language: str) -> str:
        now, own = self._clock(), self._settings.templates_folder
        running, late, trouble = [], {}, ""
        try:
            running, late = await self._in_database(lambda c: _running(c, own, now))
        except BadTemplate as error:
            # A clock that cannot be read is said, not taken for none.
            trouble = error.detail
        return self._fragments.fill(
            "incidents.html", language, running=running, late=late, now=now, trouble=trouble
        )

    async def _alerts(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        since = self._clock() - SHOWN_DAYS * DAY
        found = await self._in_database(lambda c: store.alerts(c, since=since, most=MOST, newest_first=True))
        shown = [kept for kept in found if not (asked.open_only and kept.acknowledged)]
        return self._fragments.fill("alerts.html", language, alerts=shown, seat=seat)

    async def _alert(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        kept = await self._in_database(lambda c: _one(c, asked.id))
        return self._fragments.fill("alert.html", language, alert=kept, number=asked.id, seat=seat)

    async def _acknowledge(self, asked: _Asked, seat: DeskSeat, language: str) -> str:
        now = self._clock()
        kept = await self._in_database(lambda c: _acknowledged(c, asked.id, now))
        return self._fragments.fill("alert.html", language, alert=kept, number=asked.id, seat=seat)

    async def _in_database(self, work: Callable[["psycopg.Connection[Any]"], Any]) -> Any:
        def run() -> Any:
            with psycopg.connect(self._settings.dsn, autocommit=True) as connection:
                return work(connection)

        try:
            return await asyncio.to_thread(run)
        except psycopg.OperationalError as error:
            raise AlertsUnreachable(type(error).__name__) from error


def _running(
    c: "psycopg.Connection[Any]", own: Path | None, now: int
) -> tuple[list[tuple[Incident, list[Due]]], dict[int, list[Laid]]]:
    """Incidents with a duty that is not done, or a package that nobody acknowledged in time, the newest first, each with its clocks;
    and these packages, by incident.
    """
    # Read anew each time: templates change without a restart.
    clocks = Templates.read(own).clocks
    read = [(incident, read_clocks(clocks, incident, now)) for incident in store_case.incidents(c)]
    late = {
        incident.id: overdue(store_case.laid(c, incident.id), clocks.remind_after_hours, now)
        for incident, _ in read
    }
    running = [
        (incident, dues)
        for incident, dues in read
        if late[incident.id] or any(due.state in OPEN for due in dues)
    ]
    return running, late


def _one(c: "psycopg.Connection[Any]", number: int) -> Kept | None:
    try:
        return store.alert(c, number)
    except AlertUnknown:
        return None


def _acknowledged(c: "psycopg.Connection[Any]", number: int, now: int) -> Kept | None:
    if _one(c, number) is not None:
        store.acknowledge(c, number, now)
    return _one(c, number)


def _note_contained(c: "psycopg.Connection[Any]", asked: _Asked, now: int) -> None:
    kept = _one(c, asked.alert)
    if kept is None or kept.proposed is None:
        return
    if (kept.proposed.scope, str(kept.proposed.key)) != (asked.scope, asked.key):
        return
    store.note_contained(c, asked.alert, now)
    store.acknowledge(c, asked.alert, now)
