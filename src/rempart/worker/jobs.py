"""The jobs, and when they run. One at a time: an audit reads the whole disk if it must, a settlement takes minutes, and nobody waits."""

import procrastinate
from procrastinate.jobs import Status

from rempart.foundation.clock import Clock
from rempart.foundation.settings import WorkerSettings
from rempart.worker import money
from rempart.worker.dossiers import erase_dossiers
from rempart.worker.incidents import recall_packages
from rempart.worker.ledger import audit, make_yesterdays_openings
from rempart.worker.observing import observe

EVERY_MINUTE, EVERY_FIVE, AT_THREE, HOURLY = "* * * * *", "*/5 * * * *", "0 3 * * *", "17 * * * *"
"""Cron, UTC. The day is settled at an hour of Paris: the job looks every five minutes whether it is time."""
STALLED_SECONDS = 120
"""A worker that gave no sign for so long is dead, and its job with it."""


def make_jobs(settings: WorkerSettings, clock: Clock) -> procrastinate.App:
    """The application with its periodic jobs. The connection's role must be the worker's: its search_path is the jobs' schema."""
    connector = procrastinate.PsycopgConnector(conninfo=settings.dsn, min_size=1, max_size=4)
    app = procrastinate.App(connector=connector)

    # A queueing lock, not a lock: a job that died with its worker must not keep the next one from running.
    @app.periodic(cron=EVERY_MINUTE)
    @app.task(name="audit-new-leaves", queueing_lock="audit-new-leaves")
    def audit_new_leaves(timestamp: int) -> None:  # noqa: ARG001 (the library's signature)
        audit(settings, clock, whole=False)

    @app.periodic(cron=EVERY_MINUTE)
    @app.task(name="observe-services", queueing_lock="observe-services")
    def observe_services(timestamp: int) -> None:  # noqa: ARG001
        observe(settings, clock)

    @app.periodic(cron=AT_THREE)
    @app.task(name="audit-whole-ledger", queueing_lock="audit-whole-ledger")
    def audit_whole_ledger(timestamp: int) -> None:  # noqa: ARG001
        audit(settings, clock, whole=True)

    @app.periodic(cron=EVERY_FIVE)
    @app.task(name="settle-when-due", queueing_lock="settle-when-due")
    def settle_when_due(timestamp: int) -> None:  # noqa: ARG001
        money.settle_when_due(settings, clock)

    @app.periodic(cron=EVERY_MINUTE)
    @app.task(name="write-letters", queueing_lock="write-letters")
    def write_letters(timestamp: int) -> None:  # noqa: ARG001
        money.write_waiting_letters(settings, clock)

    @app.periodic(cron=HOURLY)
    @app.task(name="expire-agreements", queueing_lock="expire-agreements")
    def expire_agreements(timestamp: int) -> None:  # noqa: ARG001
        money.end_what_has_had_its_time(settings, clock)

    @app.periodic(cron=HOURLY)
    @app.task(name="make-flows", queueing_lock="make-flows")
    def make_flows(timestamp: int) -> None:  # noqa: ARG001
        money.make_yesterdays_flows(settings, clock)

    @app.periodic(cron=HOURLY)
    @app.task(name="make-openings", queueing_lock="make-openings")
    def make_openings(timestamp: int) -> None:  # noqa: ARG001
        make_yesterdays_openings(settings, clock)

    @app.periodic(cron=HOURLY)
    @app.task(name="erase-dossiers", queueing_lock="erase-dossiers")
    def erase_dossiers_hourly(timestamp: int) -> None:  # noqa: ARG001
        erase_dossiers(settings, clock)

    @app.periodic(cron=HOURLY)
    @app.task(name="recall-packages", queueing_lock="recall-packages")
    def recall_packages_hourly(timestamp: int) -> None:  # noqa: ARG001
        recall_packages(settings, clock)

    @app.periodic(cron=HOURLY)
    @app.task(name="forget-stalled-jobs", queueing_lock="forget-stalled-jobs")
    async def forget_stalled_jobs(timestamp: int) -> None:  # noqa: ARG001
        # Every job of ours is periodic: what died is due again anyway.
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)

    return app


async def audit_at_start(app: procrastinate.App) -> None:
    """An installation that was off for a while is looked at now, not at the next minute."""
    try:
        await app.configure_task("audit-new-leaves", queueing_lock="audit-new-leaves").defer_async(
            timestamp=0
        )
    except procrastinate.exceptions.AlreadyEnqueued:
        return
