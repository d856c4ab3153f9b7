"""The worker erases dossiers of référencement that have had their time, in its own role, and logs a count."""

import logging
import uuid

from rempart.foundation.clock import HOUR
from rempart.foundation.settings import WorkerSettings
from rempart.identity.store_dossiers import READABLE
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


def test_what_is_erased_already_is_not_written_again_every_hour(database, clock, tmp_path):
    settings = WorkerSettings(
        mode="demo", dsn=database.dsn("worker"), run_folder=tmp_path, state_folder=tmp_path, log_origin="x"
    )
    dossier = uuid.uuid4()
    with database.connect() as owner:
        owner.execute(
            "INSERT INTO identity.dossier (id, finess, siret, profession, state, opened, received, decided, code, rib,"
            " rib_sealed, rib_mark) VALUES (%s, '010000602', '1', 'x', 'refused', %s, %s, %s, %s, %s, 'sealed', %s)",
            (dossier, clock(), clock(), clock(), b"c" * 32, uuid.uuid4(), b"m" * 16),
        )
        owner.execute(
            "INSERT INTO identity.dossier_piece (dossier, document, piece, size, wrapped, sealed) VALUES (%s, 0, 0, 1, %s, 'x')",
            (dossier, b"w" * 32),
        )
        clock.advance(READABLE)
        assert erase_dossiers(settings, clock) == 1
        row = owner.execute("SELECT rib_sealed, rib_mark, xmin FROM identity.dossier").fetchone()
        assert row is not None
        assert row[:2] == (None, None)
        clock.advance(HOUR)
        assert erase_dossiers(settings, clock) == 0
        assert owner.execute("SELECT xmin FROM identity.dossier").fetchone() == (row[2],)
