"""The jobs, and when they run. One at a time: an audit reads the whole disk if it must, and nothing waits for it."""

import procrastinate
from procrastinate.jobs import Status

from rempart.foundation.clock import Clock
from rempart.foundation.settings import WorkerSettings
from rempart.worker.ledger import audit

EVERY_MINUTE, AT_THREE, HOURLY = "* * * * *", "0 3 * * *", "17 * * * *"
"""Cron, UTC."""
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

    @app.periodic(cron=AT_THREE)
    @app.task(name="audit-whole-ledger", queueing_lock="audit-whole-ledger")
    def audit_whole_ledger(timestamp: int) -> None:  # noqa: ARG001
        audit(settings, clock, whole=True)

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
