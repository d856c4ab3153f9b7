"""A drill from its beginning to its report. Reads as the story it is; each part has a module."""

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import uvloop

from rempart.database.embedded import EmbeddedCluster
from rempart.drill.agenda import Agenda
from rempart.drill.crashes import Crashes
from rempart.drill.delivering import deliver, log_key
from rempart.drill.duty import Announces, OnDuty
from rempart.drill.honest import HonestLife
from rempart.drill.knowledge import listed
from rempart.drill.ledgerscope import Scope, account_for
from rempart.drill.past import until_reckoned, were_idle, write_past
from rempart.drill.plots import Plot, plot_of
from rempart.drill.report import Report, minutes, timeline_of, told_of
from rempart.drill.rhythms import moment
from rempart.drill.scenario import Scenario
from rempart.drill.seat import Door
from rempart.drill.stage import FIRST_DAY, SETTLES_AT, Drill, Say
from rempart.drill.town import settle
from rempart.drill.unmetered import without_meters
from rempart.drill.watch import Mark, Watch
from rempart.drill.wire import Wire
from rempart.foundation.clock import DAY, HOUR, MINUTE, SharedClock
from rempart.population import Population
from rempart.supervisor.platform import Platform, running_platform
from rempart.vaultdoor.client import VaultClient

SYNC_EVERY, SYNC_AT_A_MACHINE = HOUR, MINUTE
"""How often the drill waits for the sentinel, in simulated time: what it notices is never dated earlier than it could notice it."""
SETTINGS = "local_witnesses = 0\nsealer_processes = 1\nsentinel_poll_ms = 40\n"
"""Of the platform: few processes, and a sentinel for whom an hour lasts a second."""
WITHOUT = ("worker",)
"""Processes that a drill does without: no job falls due in it."""


def play(
    scenario: Scenario, folder: Path, say: Say, on_duty: Callable[[Drill], OnDuty] = Announces
) -> tuple[Report, list[tuple[int, int]]]:
    """Play it on a platform of its own in `folder`; the report, and the curve without meters for the picture.

    `on_duty`: who is told of alerts meanwhile, and may act.
    """
    began = time.monotonic()
    clock = SharedClock.begin(moment(FIRST_DAY, SETTLES_AT))
    say("une plate-forme isolée démarre / an isolated platform starts")
    with running_platform(folder, more=SETTINGS, clock_fd=clock.descriptor, without=WITHOUT) as platform:
        report, curve = uvloop.run(_on(platform, scenario, clock, say, on_duty))
    report.seconds = round(time.monotonic() - began, 1)
    return report, curve


async def _on(
    platform: Platform,
    scenario: Scenario,
    clock: SharedClock,
    say: Say,
    on_duty: Callable[[Drill], OnDuty],
) -> tuple[Report, list[tuple[int, int]]]:
    wire, operator = Wire("127.0.0.1", platform.port), VaultClient(platform.home.run / "operator.sock")
    town = scenario.population
    dsn = EmbeddedCluster(platform.home.postgres).superuser_dsn("rempart")
    watch = Watch(dsn, await psycopg.AsyncConnection.connect(dsn, autocommit=True))
    drill = Drill(
        scenario,
        platform,
        clock,
        Population(scenario.seed, town.persons, town.insurers, canaries=town.canaries),
        Door(platform.origin, wire, clock),
        operator,
        watch,
        dsn,
        say,
        Agenda(clock),
    )
    try:
        await _prepare(drill)
        plot, crashes, duty = plot_of(drill), Crashes(drill), on_duty(drill)
        with closing(duty):
            await duty.prepare()
            await _let_time_pass(drill, plot, crashes, duty)
        return await _tell(drill, plot, crashes, duty.contained())
    finally:
        wire.close()
        await operator.close()
        await watch.connection.close()


async def _prepare(drill: Drill) -> None:
    scenario, town = drill.scenario, drill.scenario.population
    with drill.timed("population"):
        drill.say(f"{town.persons} personnes fictives sont chargées / synthetic people are taken in")
        drill.insurers = await deliver(drill.platform, drill.operator, drill.population, drill.clock)
    drill.clock.move(drill.clock() + MINUTE)
    with drill.timed("enrolment"):
        drill.town = await settle(
            drill.door, drill.operator, drill.population, town.establishments, scenario.seed
        )
        drill.say(
            f"{town.establishments} établissements, {len(drill.town.seats())} postes / establishments, seats"
        )
    drill.life = HonestLife(drill.town, drill.agenda, scenario.seed)
    with drill.timed("past"):
        await write_past(drill.watch.connection, drill.town, FIRST_DAY, scenario.seed)
        await until_reckoned(drill.watch.connection, drill.clock)


async def _let_time_pass(drill: Drill, plot: Plot, crashes: Crashes, duty: OnDuty) -> None:
    """Day after day: honest people, and from his day on the thief."""
    await plot.prepare()
    await were_idle(drill.watch.connection, drill.life.idle)
    crashes.plan()
    planned, synced = FIRST_DAY, drill.clock()
    begun = False
    while drill.clock() < drill.ends:
        midnight = moment(planned, 0)
        with drill.timed("planning"):
            drill.life.plan(planned)
        planned += timedelta(days=1)
        upto = min(moment(planned, 0), drill.ends)
        while drill.clock() < upto:
            if not begun and drill.clock() >= drill.begins - MINUTE:
                plot.begin()
                begun = True
            with drill.timed("traffic"):
                await drill.agenda.next_step(
                    upto if begun else min(upto, max(drill.begins, drill.clock() + 1))
                )
            with drill.timed("crashes"):
                await crashes.settled()
            every = SYNC_AT_A_MACHINE if plot.is_busy() else SYNC_EVERY
            if begun and drill.clock() - synced >= every:
                synced = drill.clock()
                with drill.timed("sentinel"):
                    await drill.watch.catch_up()
                await _tell_duty(drill, duty)
        drill.say(
            f"jour {(midnight - moment(FIRST_DAY, 0)) // DAY + 1} : {drill.life.tally.requests} demandes,"
            f" voleur {drill.loot.persons} personnes"
        )
    await drill.watch.catch_up()
    await _tell_duty(drill, duty)


async def _tell_duty(drill: Drill, duty: OnDuty) -> None:
    # A step may bring his first request a minute forward.
    for alert in await drill.watch.news(drill.loot.began or drill.begins):
        with drill.timed("duty"):
            await duty.alerted(alert)


async def _tell(
    drill: Drill, plot: Plot, crashes: Crashes, by_duty: Mark | None
) -> tuple[Report, list[tuple[int, int]]]:
    scenario, loot, tally = drill.scenario, drill.loot, drill.life.tally
    loot.began = loot.began or drill.begins
    dsn = drill.platform.home.operator_dsn.read_text().strip()
    key = await log_key(drill.operator)
    with psycopg.connect(dsn, autocommit=True) as connection:
        scope: Scope = plot.scope(connection, loot.began, drill.clock())
        accounts = account_for(connection, key, (drill.life.receipts, loot.receipts))
    parties = await plot.parties()
    alerts, others = await drill.watch.alerts(loot.began, parties)
    # Whoever is on duty lifts what they threw: their word, then, where it came first.
    by_itself = await drill.watch.contained(parties)
    contained = min(filter(None, (by_itself, by_duty)), key=lambda mark: mark.at, default=None)
    curve = without_meters(
        scenario, len(listed(scenario, drill.town.people, drill.town.canaries)), drill.begins, drill.ends
    )
    first: Mark | None = alerts[0] if alerts else None
    report = Report(
        scenario=scenario.name,
        seed=scenario.seed,
        seconds=0.0,
        simulated_days=scenario.days,
        persons_exposed=loot.persons,
        persons_in_scope=scope.thief,
        scope_beyond_exposed=scope.thief - loot.persons,
        first_alert_minutes=minutes(first.at, loot.began) if first else None,
        contained_minutes=minutes(contained.at, loot.began) if contained else None,
        persons_until_first_alert=loot.persons_by(first.at) if first else None,
        persons_until_contained=loot.persons_by(contained.at) if contained else None,
        honest_requests=tally.requests,
        honest_refused_rate=round(tally.refused_rate, 6),
        honest_stepped_up_rate=round(tally.stepped_up_rate, 6),
        persons_without_meters=curve[-1][1],
        persons_beside=scope.beside,
        thief_requests=loot.asked,
        thief_answers=dict(loot.answers.most_common()),
        honest_refusals=dict(tally.refused.most_common()),
        honest_beside_thief=dict(tally.beside_thief.most_common()),
        honest_invoices=dict(tally.invoices.most_common()),
        alerts=[{"minutes": minutes(mark.at, loot.began), "what": mark.what} for mark in alerts],
        alerts_about_others=dict(Counter(mark.what for mark in others).most_common()),
        crashes=told_of(crashes.happened, loot.began),
        honest_outages=dict(tally.outages.most_common()),
        ledger=accounts.to_json(),
        notes=loot.notes,
        seconds_by_part=drill.parts | {"waited for the sentinel": round(drill.watch.waited, 2)},
        timeline=timeline_of(loot, alerts, contained),
    )
    return report, curve


@contextmanager
def own_folder(*, keep: bool) -> Iterator[Path]:
    """A short folder for one drill, gone afterwards unless it is kept."""
    folder = Path(tempfile.mkdtemp(prefix="rempart-drill-"))
    try:
        yield folder / "p"
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
