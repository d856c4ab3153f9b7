"""An establishment after its référencement: suspended and resumed, leaving on a date, sold (docs/establishments.md).

A date stands in the establishment's row, which the one SQL call and every session read anyway: it holds from that instant on, whatever runs
or does not. What runs (`Calendar`) notes how far the calendar has come, so that a clock turned back opens nothing again.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg

from rempart.foundation.clock import DAY, HOUR, MINUTE, PARIS, SECOND, Clock, paris_date
from rempart.foundation.errors import BadInput
from rempart.foundation.identifiers import check_finess
from rempart.vault import store_accounts as accounts
from rempart.vault import store_establishments as store
from rempart.vault.actors import Actor
from rempart.vault.errors import Conflict, NotThere
from rempart.vault.notices import Audited, journal
from rempart.vault.store_accounts import LOST, Connection, Row
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import (
    DepartEstablishment,
    Done,
    Establishments,
    EstablishmentView,
    ResumeEstablishment,
    SeatLife,
    ShowEstablishment,
    StayEstablishment,
    SuspendEstablishment,
)
from rempart.vaultdoor.seats import (
    CESSION,
    CLOSED,
    INVOICE_DAYS,
    LEAVING,
    NEVER,
    READING_DAYS,
    SUSPENSIONS,
    Life,
    Standing,
)

EVERY_SECONDS = 5.0
STEP = MINUTE
"""A clock that moves by more between two rounds was set."""
LONGEST_DAYS = 366
"""How far ahead a date may be, and how long a suspension: longer is decided again."""
MOST_ALONE = 20
"""Establishments suspended, or said to leave, within an hour; each more takes two people."""
LATEST_DAYS = 30
"""How long ago a closing date may be: it is said late, and what was told meanwhile stands."""
EstablishmentCall = SuspendEstablishment | ResumeEstablishment | DepartEstablishment | StayEstablishment
_VAULT = "vault"
_log = logging.getLogger(__name__)


# ── which seat ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def _seats(c: Connection, finess: str) -> list[Row]:
    """Every seat of this FINESS, the newest first. Raises BadFiness, NotThere."""
    found = await store.seats(c, check_finess(finess))
    if not found:
        raise NotThere("finess")
    return found


async def seat_of(c: Connection, call: EstablishmentCall, now: int) -> Row:
    """Whom an act concerns: who leaves or stays is the newest seat of the FINESS, but a sale to come is its seller's; who is suspended, the
    one that works today.

    Raises BadFiness, NotThere.
    """
    found = await _seats(c, call.finess)
    if (
        isinstance(call, DepartEstablishment)
        and call.ground == CESSION
        and len(found) > 1
        and found[0]["opens"] > now
    ):
        return found[1]
    if isinstance(call, DepartEstablishment | StayEstablishment):
        return found[0]
    working = [row for row in reversed(found) if Life.of(row).at(now) not in CLOSED]
    if not working:
        raise NotThere("finess")
    return working[0]


async def require_seats(c: Connection, seat: UUID, now: int) -> None:
    """Nobody is given a seat where the accounts have ended: it would open nothing, and be ended by nobody. Raises Conflict."""
    row = await store.seat(c, seat)
    if row is not None and Life.of(row).at(now) is Standing.ENDED:
        raise Conflict("establishment")


# ── suspension ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def suspend(zone: Zone, c: Connection, call: SuspendEstablishment, by: Actor) -> Done:
    """No right is checked there until it is resumed or the days are over; invoices, payments and reading go on.

    Raises BadInput, NotThere.
    """
    if call.ground not in SUSPENSIONS:
        raise BadInput("ground")
    if not 1 <= call.days <= LONGEST_DAYS:
        raise BadInput("days")
    now, words = zone.clock(), _words(call.words)
    seat = await seat_of(c, call, now)
    until = now + call.days * DAY
    # Said again before it is over, it is one suspension: an offline card taken in meanwhile is worth nothing either.
    since = seat["suspended_since"] if seat["suspended_until"] > now else now
    await store.suspend(c, seat["id"], since, until, call.ground, by.name)
    detail = f"{call.ground} until {_day(until)}: {words}"
    await _tell(c, now, seat, Audited.ESTABLISHMENT_SUSPEND, by, detail, f"jusqu'au {_day(until)}")
    return Done()


async def resume(zone: Zone, c: Connection, call: ResumeEstablishment, by: Actor) -> Done:
    """At once. Raises BadInput, NotThere, Conflict (not suspended)."""
    now, words = zone.clock(), _words(call.words)
    seat = await seat_of(c, call, now)
    if seat["suspended_until"] <= now:
        raise Conflict("finess")
    # Since when stays: an offline card taken in meanwhile is worth nothing afterwards either.
    await store.suspend(c, seat["id"], seat["suspended_since"], now, seat["suspended_for"], by.name)
    await _tell(c, now, seat, Audited.ESTABLISHMENT_RESUME, by, words, _day(now))
    return Done()


# ── departure, cession ───────────────────────────────────────────────────────────────────────────────────────────────


async def depart(zone: Zone, c: Connection, call: DepartEstablishment, by: Actor) -> Done:
    """From that day on (in Paris) no right is checked. Said again before it, it is another date or reason.

    Raises BadInput, NotThere, Conflict (it has closed).
    """
    if call.ground not in LEAVING:
        raise BadInput("ground")
    now, words, on = zone.clock(), _words(call.words), read_day(call.day)
    today = paris_date(now)
    if not today - timedelta(days=LATEST_DAYS) <= on <= today + timedelta(days=LONGEST_DAYS):
        raise BadInput("day")
    seat = await seat_of(c, call, now)
    if Life.of(seat).at(now) in CLOSED:
        raise Conflict("finess")
    # Said late, the days begin when it is said: nobody loses days that they were not told of.
    told = max(on, today)
    life = Life(
        closes=midnight(on),
        invoices_until=midnight(told + timedelta(days=INVOICE_DAYS)),
        ends=midnight(told + timedelta(days=READING_DAYS)),
    )
    if seat["opens"] >= life.closes:
        raise BadInput("day")
    if await _move_sale(c, seat, life, call, now, by):
        return Done()
    if not await store.set_leaving(c, seat["id"], life, call.ground, now, by.name):
        raise Conflict("finess")
    act = Audited.ESTABLISHMENT_CEDE if call.ground == CESSION else Audited.ESTABLISHMENT_DEPART
    await _tell(c, now, seat, act, by, f"{call.ground} on {on.isoformat()}: {words}", f"{on:%d/%m/%Y}")
    return Done()


async def _move_sale(
    c: Connection, seat: Row, life: Life, call: DepartEstablishment, now: int, by: Actor
) -> bool:
    """Another day for a sale whose buyer is enrolled and has not begun: for both at once. False where nobody takes over.

    Raises BadInput (a day that is past, or on which the buyer has left), Conflict (not a sale, or the buyer has begun).
    """
    taker = await store.taker(c, seat["id"])
    if taker is None:
        return False
    if (seat["leaving"], call.ground) != (CESSION, CESSION) or taker["opens"] <= now:
        raise Conflict("finess")
    if life.closes < midnight(paris_date(now)) or life.closes >= taker["closes"]:
        raise BadInput("day")
    await store.move_sale(c, seat["id"], taker["id"], life, now, by.name)
    day = read_day(call.day)
    for one in (seat, taker):
        detail = f"{CESSION} on {day.isoformat()}: {_words(call.words)}"
        await _tell(c, now, one, Audited.ESTABLISHMENT_MOVE, by, detail, f"{day:%d/%m/%Y}")
    return True


async def stay(zone: Zone, c: Connection, call: StayEstablishment, by: Actor) -> Done:
    """It does not leave, or opens again as it was. Raises BadInput, NotThere, Conflict (no date, or its accounts ended).

    Where somebody took the FINESS over, the newest seat is theirs, and has no date.
    """
    now, words = zone.clock(), _words(call.words)
    seat = await seat_of(c, call, now)
    if seat["leaving"] is None or Life.of(seat).at(now) is Standing.ENDED:
        raise Conflict("finess")
    if not await store.set_leaving(c, seat["id"], Life(), None, now, by.name):
        raise Conflict("finess")
    await _tell(c, now, seat, Audited.ESTABLISHMENT_STAY, by, words, _day(now))
    return Done()


async def opening_of(c: Connection, finess: str, now: int) -> int:
    """From when an application's establishment works: at once (0), or where the FINESS is taken over, from the day the former closes.

    Raises Conflict where it is somebody's who stays, or who leaves on a day to come without having sold.
    """
    former = await store.seats(c, check_finess(finess))
    if not former:
        return 0
    last, life = former[0], Life.of(former[0])
    closes: int = last["closes"]
    if closes == NEVER or (last["leaving"] != CESSION and life.at(now) not in CLOSED):
        raise Conflict("finess")
    return closes


async def takes_two(zone: Zone, c: Connection, call: EstablishmentCall) -> bool:
    """Nobody ends an establishment today alone, nor hands its FINESS to somebody else, nor opens one again that has closed, nor has many
    suspended or leaving within the hour: one by one, that would be the whole country.
    """
    now = zone.clock()
    if isinstance(call, ResumeEstablishment):
        return False
    if (
        isinstance(call, SuspendEstablishment | DepartEstablishment)
        and await store.lately(c, now - HOUR) >= MOST_ALONE
    ):
        return True
    if isinstance(call, SuspendEstablishment):
        return False
    seat = await seat_of(c, call, now)
    if isinstance(call, StayEstablishment):
        return Life.of(seat).at(now) in CLOSED
    # What two people decided is not changed by one.
    return CESSION in (call.ground, seat["leaving"]) or read_day(call.day) <= paris_date(now)


# ── what is seen ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def show(zone: Zone, c: Connection, call: ShowEstablishment, _by: Actor) -> Establishments:
    """Every seat of a FINESS, the newest first. Raises BadFiness, NotThere."""
    now = zone.clock()
    return Establishments([_view(row, now) for row in await _seats(c, call.finess)])


def _view(row: Row, now: int) -> EstablishmentView:
    suspended = row["suspended_until"] > now
    return EstablishmentView(
        id=str(row["id"]),
        finess=row["finess"],
        profession=row["profession"],
        members=row["members"],
        life=life_of(row, now),
        leaving_by=row["leaving_by"] if row["leaving"] else "",
        suspended_since=row["suspended_since"] if suspended else 0,
        suspended_by=row["suspended_by"] if suspended else "",
    )


def life_of(row: Row, now: int) -> SeatLife:
    """The dates that people are shown."""
    life = Life.of(row)
    return SeatLife(
        standing=life.at(now),
        opens=life.opens,
        closes=_shown(life.closes),
        invoices_until=_shown(life.invoices_until),
        ends=_shown(life.ends),
        leaving=row["leaving"] or "",
        suspended_until=life.suspended_until if life.suspended_until > now else 0,
        suspended_for=row["suspended_for"] if life.suspended_until > now else "",
    )


def _shown(at: int) -> int:
    return 0 if at == NEVER else at


# ── the calendar ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Calendar:
    """Notes which dates have come, and ends the accounts of those that are over. Late is safe: the dates hold by themselves.

    What is noted is not undone by the clock. So after a clock was set nothing is noted for an hour: what was set wrong can be set right.
    """

    def __init__(
        self, pool: asyncpg.Pool, clock: Clock, running: Callable[[], float] = time.monotonic
    ) -> None:
        self._pool, self._clock, self._running = pool, clock, running
        self._ahead: int | None = None
        self._quiet_until = 0

    async def follow(self) -> None:
        """For ever. A round that fails is said and tried again."""
        while True:
            try:
                await self.round()
            except (*LOST, asyncpg.PostgresError) as error:
                _log.error("no date noted this time: %s", type(error).__name__)
            await asyncio.sleep(EVERY_SECONDS)

    async def round(self) -> None:
        """What has come since the last one."""
        if self._was_set():
            return
        async with self._pool.acquire() as c, c.transaction():
            await note_dates(c, self._clock())

    def _was_set(self) -> bool:
        """Has the clock left the machine's own running time by more than a minute, within the hour?"""
        ran = int(self._running() * SECOND)
        ahead = self._clock() - ran
        if self._ahead is not None and abs(ahead - self._ahead) > STEP:
            _log.error(
                "the clock was set by %d s: no date is noted for an hour", (ahead - self._ahead) // SECOND
            )
            self._quiet_until = ran + HOUR
        self._ahead = ahead
        return ran < self._quiet_until


async def note_dates(c: Connection, now: int) -> None:
    """Each in one transaction with its line of the journal."""
    for row in await store.keep_stage(c, now):
        stage = _STAGES[row["stage"]]
        ended = await store.end_accounts(c, row["id"]) if stage is Standing.ENDED else []
        detail = f"{stage}, {len(ended)} accounts" if ended else stage
        await journal(c, now, _VAULT, Audited.ESTABLISHMENT_CLOSE, row["finess"], detail)


_STAGES = (Standing.OPEN, Standing.DEPARTED, Standing.READING, Standing.ENDED)


# ── words and days ───────────────────────────────────────────────────────────────────────────────────────────────────


def read_day(text: str) -> date:
    """YYYY-MM-DD. Raises BadInput."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise BadInput("day") from None
    if found.isoformat() != text:
        raise BadInput("day")
    return found


def midnight(day: date) -> int:
    """The first instant of a day in Paris, µs."""
    return int(datetime(day.year, day.month, day.day, tzinfo=PARIS).timestamp()) * SECOND


def _day(at: int) -> str:
    return f"{paris_date(at):%d/%m/%Y}"


def _words(text: str) -> str:
    words = " ".join(text.split())
    if not 1 <= len(words) <= 200 or not words.isprintable():
        raise BadInput("words")
    return words


async def _tell(c: Connection, now: int, seat: Row, act: Audited, by: Actor, detail: str, told: str) -> None:
    """The journal, and everybody who works there, on all their devices. `told`: the date that they read beside the sentence."""
    await journal(c, now, by.name, act, seat["finess"], detail)
    for account in await accounts.told_of_place(c, seat["id"]):
        await accounts.add_notice(c, account, now, act, told, None)
