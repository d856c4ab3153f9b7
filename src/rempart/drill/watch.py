"""What the platform noticed by itself: alerts and containment, in simulated time, read as an observer who changes nothing."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg

SYNC_SECONDS = 5.0
"""The most that a step waits for the sentinel to have read the stream to its end."""
_LOOK = 0.01
_LEVEL = """
SELECT p.entry >= (SELECT size FROM evidence.log WHERE id = 1) AND p.event >= (SELECT COALESCE(max(id), 0) FROM vault.event)
  FROM incident.position p
"""
_ALERTS = """
SELECT at, rule, COALESCE(device, account, establishment, editor) IS NULL
       OR device::text = ANY (%(keys)s) OR account::text = ANY (%(keys)s)
       OR establishment::text = ANY (%(keys)s) OR editor::text = ANY (%(keys)s) AS his
  FROM incident.alert WHERE at >= %(since)s ORDER BY at, id
"""
_NEWS = """
SELECT id, at, rule, french, english, scope, key::text, hold, contained FROM incident.alert
 WHERE id > %s AND at >= %s ORDER BY id
"""
# A switch thrown again on the same key overwrites the first instant; the alert that asked for it keeps it.
_SWITCHES = """
SELECT thrown AS at, scope || ', ' || hold AS what FROM vault.switch WHERE key = ANY (%(keys)s) OR scope = 'platform'
UNION ALL
SELECT contained, scope || ', ' || hold FROM incident.alert WHERE contained IS NOT NULL AND key::text = ANY (%(keys)s)
ORDER BY at LIMIT 1
"""
_DEVICES = "SELECT account::text, device::text FROM vault.binding WHERE account = ANY (%s::uuid[])"

Party = frozenset[str]
"""The ids by which alerts and switches would name one of the thief's means: account, establishment, devices, editor."""


@dataclass(frozen=True)
class Mark:
    """Something that the platform noticed or did, at a simulated instant."""

    at: int
    what: str


class Alert(NamedTuple):
    """An alert, with the containment that it proposes, if any; `contained`: when it was done already."""

    id: int
    at: int
    rule: str
    french: str
    english: str
    scope: str | None
    key: str | None
    hold: str | None
    contained: int | None


@dataclass
class Watch:
    """An observer's connection, as the drill's own superuser: neither door nor vault knows of it."""

    dsn: str
    connection: "psycopg.AsyncConnection[Any]"
    waited: float = 0.0
    """Real seconds spent waiting for the sentinel."""
    late: int = 0
    """How often it had not caught up in time."""
    _sentinel: bool | None = None
    _told: int = 0
    """The last alert that `news` told."""

    async def connect_again(self) -> None:
        """After the database was killed."""
        await self.connection.close()
        self.connection = await psycopg.AsyncConnection.connect(self.dsn, autocommit=True)

    async def catch_up(self) -> None:
        """Let the sentinel read all that has happened by now, within a bound, so that what it notices bears the right instant."""
        if not await self.has_sentinel():
            return
        began = time.monotonic()
        while not await self._value(_LEVEL):
            if time.monotonic() - began > SYNC_SECONDS:
                self.late += 1
                break
            await asyncio.sleep(_LOOK)
        self.waited += time.monotonic() - began

    async def news(self, since: int) -> list[Alert]:
        """Alerts about instants since then that were not told before, in the order in which they were raised."""
        if not await self.has_sentinel():
            return []
        found = await self.connection.execute(_NEWS, (self._told, since))
        alerts = [Alert(*row) for row in await found.fetchall()]
        self._told = alerts[-1].id if alerts else self._told
        return alerts

    async def has_sentinel(self) -> bool:
        """Does one read the stream here?"""
        if self._sentinel is None:
            self._sentinel = bool(await self._value("SELECT to_regclass('incident.position') IS NOT NULL"))
        return self._sentinel

    async def _value(self, statement: str) -> Any:
        row = await (await self.connection.execute(statement)).fetchone()
        return row[0] if row else None

    async def with_devices(self, accounts: Iterable[str], parties: Iterable[Party]) -> list[Party]:
        """The same parties, each with the devices bound to its account."""
        found = await self.connection.execute(_DEVICES, (list(accounts),))
        devices: dict[str, set[str]] = {}
        for account, device in await found.fetchall():
            devices.setdefault(account, set()).add(device)
        return [party.union(*(devices.get(key, set()) for key in party)) for party in parties]

    async def alerts(self, since: int, parties: Iterable[Party]) -> tuple[list[Mark], list[Mark]]:
        """Alerts since then, oldest first: about the thief's means or the platform as a whole; and about everybody else."""
        if not await self.has_sentinel():
            return [], []
        keys = sorted(set().union(*parties))
        found = await self.connection.execute(_ALERTS, {"keys": keys, "since": since})
        his: list[Mark] = []
        others: list[Mark] = []
        for at, rule, about_him in await found.fetchall():
            (his if about_him else others).append(Mark(int(at), str(rule)))
        return his, others

    async def contained(self, parties: Iterable[Party]) -> Mark | None:
        """When a switch stood on the last of his means; None while one of them is free."""
        latest: Mark | None = None
        for party in parties:
            row = await (await self.connection.execute(_SWITCHES, {"keys": list(party)})).fetchone()
            if row is None:
                return None
            if latest is None or row[0] > latest.at:
                latest = Mark(int(row[0]), str(row[1]))
        return latest
