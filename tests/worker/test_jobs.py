"""The jobs run as the worker's role, in their own schema, and are forgotten when their worker died."""

import asyncio
import re
from importlib.resources import files
from pathlib import Path

import pytest
from procrastinate.jobs import DeleteJobCondition

from rempart.database.migrate import FOLDER
from rempart.foundation.settings import WorkerSettings
from rempart.worker.jobs import audit_at_start, make_jobs


@pytest.fixture
def settings(database, tmp_path: Path) -> WorkerSettings:
    return WorkerSettings(
        mode="demo",
        dsn=database.dsn("worker"),
        run_folder=tmp_path,
        state_folder=tmp_path,
        log_origin="rempart.example/ledger",
    )


def test_the_audit_runs_as_the_workers_role_and_leaves_no_job_behind(database, settings, clock):
    async def story() -> None:
        app = make_jobs(settings, clock)
        async with app.open_async():
            await audit_at_start(app)
            await audit_at_start(app)  # one is enough: the second finds it queued
            await app.run_worker_async(
                wait=False, delete_jobs=DeleteJobCondition.ALWAYS, install_signal_handlers=False
            )

    asyncio.run(story())
    assert (settings.state_folder / "last.json").exists()
    with database.connect() as owner:
        left = owner.execute(
            "SELECT task_name FROM jobs.procrastinate_jobs WHERE task_name = 'audit-new-leaves'"
        ).fetchall()
    assert left == []


def test_a_job_whose_worker_was_killed_is_forgotten_and_keeps_nobody_waiting(database, settings, clock):
    with database.connect() as owner:
        owner.execute("SET search_path = jobs, pg_catalog")
        owner.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
        owner.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status, queueing_lock, worker_id)"
            " SELECT 'default', 'audit-new-leaves', 'doing', 'audit-new-leaves', id FROM procrastinate_workers"
        )

    async def story() -> None:
        app = make_jobs(settings, clock)
        async with app.open_async():
            await app.configure_task("forget-stalled-jobs").defer_async(timestamp=0)
            await audit_at_start(app)
            await app.run_worker_async(
                wait=False,
                concurrency=1,
                delete_jobs=DeleteJobCondition.ALWAYS,
                install_signal_handlers=False,
            )

    asyncio.run(story())
    assert (settings.state_folder / "last.json").exists()
    with database.connect() as owner:
        assert owner.execute(
            "SELECT count(*) FROM jobs.procrastinate_jobs WHERE status = 'doing'"
        ).fetchone() == (0,)


def test_the_schema_is_the_installed_librarys():
    def plain(text: str) -> str:
        return re.sub(r"\s+", " ", text[text.index("-- Enums") :]).strip()

    theirs = plain(files("procrastinate").joinpath("sql/schema.sql").read_text())
    ours = plain((FOLDER / "0060_jobs.sql").read_text())
    assert ours.startswith(theirs), "procrastinate was upgraded: write a migration with its own new files"
