"""What the worker makes of the two zones' word and of the switches that stand."""

import pytest

from rempart.foundation.settings import WorkerSettings
from rempart.status import store
from rempart.status.model import Level, Service
from rempart.vaultdoor.messages import Healthy
from rempart.worker.observing import levels, observe

WELL = Healthy(True, True, "", 0, "1")
NOT_READY = Healthy(False, False, "", 0, "1")
UP, HALF, DOWN = Level.OPERATIONAL, Level.RESTRICTED, Level.DOWN


@pytest.mark.parametrize(
    ("vault", "cashier", "holds", "expected"),
    [
        (WELL, WELL, [], {}),
        (None, WELL, [], dict.fromkeys(Service, DOWN)),
        (WELL, None, [], dict.fromkeys([Service.PRISES_EN_CHARGE, Service.INVOICES, Service.PAYMENTS], DOWN)),
        (NOT_READY, WELL, [], dict.fromkeys(set(Service) - {Service.LEDGER}, DOWN)),
        (WELL, WELL, [("device", "closed"), ("establishment", "closed")], {}),
        (WELL, WELL, [("platform", "closed")],
         dict.fromkeys([Service.RIGHTS, Service.SOFTWARE, Service.PRISES_EN_CHARGE, Service.INVOICES], DOWN)),
        (WELL, WELL, [("platform", "claims-only")],
         dict.fromkeys([Service.RIGHTS, Service.SOFTWARE, Service.PRISES_EN_CHARGE], DOWN)),
        (WELL, WELL, [("platform", "known-only")],
         dict.fromkeys([Service.RIGHTS, Service.SOFTWARE, Service.PRISES_EN_CHARGE], HALF)),
        (WELL, WELL, [("platform", "read-only")],
         {Service.RIGHTS: HALF, Service.SOFTWARE: HALF, Service.PRISES_EN_CHARGE: DOWN, Service.INVOICES: DOWN}),
        (WELL, WELL, [("lane", "closed")],
         dict.fromkeys([Service.RIGHTS, Service.SOFTWARE, Service.PRISES_EN_CHARGE, Service.INVOICES], HALF)),
    ],
)  # fmt: skip
def test_a_service_is_what_its_zones_and_the_wide_switches_make_of_it(vault, cashier, holds, expected):
    assert levels(vault, cashier, holds) == dict.fromkeys(Service, UP) | expected


def test_zones_that_do_not_answer_are_written_down_as_down(database, clock, tmp_path):
    settings = WorkerSettings(
        mode="demo", dsn=database.dsn("worker"), run_folder=tmp_path, state_folder=tmp_path, log_origin="x"
    )
    observe(settings, clock)
    with database.connect("worker") as c:
        assert store.levels_known(c) == dict.fromkeys(Service, DOWN)
        assert c.execute("SELECT at FROM status.observed").fetchone() == (clock(),)
