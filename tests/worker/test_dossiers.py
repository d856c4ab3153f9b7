"""The worker erases dossiers of référencement that have had their time, in its own role, and logs a count."""

import logging
import uuid

from rempart.foundation.clock import HOUR
from rempart.foundation.settings import WorkerSettings
from rempart.worker.dossiers import erase_dossiers


def test_what_nobody_finished_goes_after_an_hour_and_the_log_has_a_count(database, clock, tmp_path, caplog):
    settings = WorkerSettings(
        mode="demo", dsn=database.dsn("worker"), run_folder=tmp_path, state_folder=tmp_path, log_origin="x"
    )
    with database.connect("cashier") as c:
        c.execute(
            "INSERT INTO identity.dossier (id, finess, siret, profession, opened, code, rib)"
            " VALUES (%s, '010000602', '1', 'x', %s, %s, %s)",
            (uuid.uuid4(), clock(), b"c" * 32, uuid.uuid4()),
        )
    with caplog.at_level(logging.INFO):
        assert erase_dossiers(settings, clock) == 0
        clock.advance(HOUR)
        assert erase_dossiers(settings, clock) == 1
    assert [record.getMessage() for record in caplog.records] == ["1 dossiers erased, whole or in part"]
