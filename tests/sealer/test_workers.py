"""The work shared out among processes, on a token, and against the population's own truth."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from psycopg import sql

from rempart.foundation.clock import paris_date
from rempart.foundation.vocabulary import LOOKED_UP, Domain, Lane
from rempart.intake.model import Kind
from rempart.population import Population
from rempart.sealer import store
from rempart.sealer.workers import Access, Gang, WorkerLost
from rempart.vault.capsule import (
    CapsuleContent,
    card_message,
    card_secret,
    derive,
    open_capsule,
    secret_message,
    vitale_message,
)
from rempart.vault.capsule import associated_data as capsule_data
from rempart.vault.decision import decide
from rempart.vault.keystore import KeyStore, Token, create_key_store, open_key_store
from tests.sealer.conftest import Zone, full, member

SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")


def contents(zone: Zone, keys: KeyStore, person: Any, lane: Lane) -> CapsuleContent | None:
    insurer = zone.insurer(person.amc)
    birth = date.fromisoformat(person.birth_date)
    match lane:
        case Lane.CARD:
            message = card_message(insurer.epoch, person.amc, person.adherent, birth, person.birth_rank)
        case Lane.VITALE:
            message = vitale_message(
                insurer.epoch, person.amc, person.presented_nir, birth, person.birth_rank
            )
        case Lane.SECRET:
            secret = card_secret(keys.prf("card"), person.amc, person.member_ref, 1)
            message = secret_message(insurer.epoch, person.amc, secret, birth, person.birth_rank)
    tag, key = derive(keys.prf(f"capsule-{insurer.epoch}")(message))
    row = zone.owner.execute(
        f"SELECT sealed FROM capsule.i{insurer.number}_g{insurer.generation} WHERE tag = %s", (tag.hex(),)
    ).fetchone()
    return open_capsule(key, capsule_data(insurer.number, lane, insurer.epoch), row[0]) if row else None


def test_a_whole_population_shared_out_is_found_as_its_truth_says(zone: Zone, tmp_path: Path) -> None:
    population = Population(11, 3_000, 1, cards=64)
    insurer = population.insurers[0]
    assert insurer.amc == "99000001"
    zone.clock.advance(86_400_000_000)
    zone.load(population.products_csv(insurer), Kind.PRODUCTS)
    zone.rounds.workshop = replace(zone.workshop, alone_below=0, chunk=40_000)
    told = zone.load(b"".join(population.lines(insurer)))
    assert (told["state"], told["rejected"]) == ("loaded", 0), told
    assert zone.row(told["delivery"])["lines_done"] == told["lines"]
    today = paris_date(zone.clock())
    grids = dict(zone.owner.execute("SELECT reference, grid FROM vault.product WHERE version = 2").fetchall())
    known = 0
    for person in population.people(insurer):
        for lane in LOOKED_UP:
            found = contents(zone, zone.keys, person, lane)
            if lane is Lane.SECRET and not population.serial(person):
                assert found is None
                continue
            assert (found is not None) == person.is_known(today)
            if found is None:
                continue
            for domain in (Domain.PHAR, Domain.OPTI, Domain.AUDI):
                assert decide(found, grids, domain, today).open == person.is_open(domain, today)
        known += person.is_known(today)
    assert told["persons"] == known > 2_500


def test_a_worker_that_dies_costs_a_try_and_nothing_else(zone: Zone) -> None:
    zone.rounds.workshop = replace(zone.workshop, alone_below=0, chunk=2_000)
    content = full(*[member(n) for n in range(200)])
    gang = zone.workshop.gang
    gang.hire()
    victim, _ = gang._crew[0]
    victim.kill()
    victim.join()
    delivery = zone.send(content, Kind.FULL)
    # The dead one is noticed and replaced at the next load; one that dies in the middle costs an attempt.
    real, calls = gang.open, []

    def sabotage(*arguments: Any, **options: Any) -> Any:
        shift = real(*arguments, **options)
        if not calls:
            for process, _ in gang._crew:
                process.kill()
                process.join()
        calls.append(1)
        return shift

    gang.open = sabotage  # type: ignore[method-assign]
    zone.rounds.step()
    assert zone.row(delivery)["state"] == "checking"
    zone.rounds.step()
    assert zone.told(delivery)["state"] == "loaded"
    assert zone.row(delivery)["attempts"] == 2
    assert zone.insurer().persons == 200
    assert issubclass(WorkerLost, Exception)


@pytest.mark.skipif(
    not SOFTHSM.exists() or not shutil.which("softhsm2-util"), reason="SoftHSM is not installed here"
)
def test_a_load_with_the_keys_in_a_token(zone: Zone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(
        f"directories.tokendir = {tmp_path / 'tokens'}\nlog.level = ERROR\n"
    )
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    command = [
        "softhsm2-util",
        "--init-token",
        "--free",
        "--label",
        "intake-test",
        "--pin",
        "1234",
        "--so-pin",
        "1234",
    ]
    subprocess.run(command, check=True, capture_output=True, env=os.environ)
    (tmp_path / "pin").write_text("1234\n")
    # A token's library is loaded once a process and keeps its first configuration: other tests have theirs.
    code = "import sys; from tests.sealer.test_workers import load_with_token; load_with_token(*sys.argv[1:])"
    dsn, spool, own = zone.workshop.gang._access.dsn, zone.spool.folder, zone.spool.own

    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), dsn, str(spool), str(own), str(zone.clock())],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert zone.insurer().persons == 300


def load_with_token(folder: str, dsn: str, spool: str, own: str, now: str) -> None:
    """What the test above runs: keys in a token, two workers with a session each."""

    from rempart.intake.manifest import make_manifest, write_manifest
    from rempart.sealer.counting import SealingCount
    from rempart.sealer.load import Workshop
    from rempart.sealer.spool import Note, Spool
    from rempart.sealer.watch import Round

    home = Path(folder)
    token = Token(SOFTHSM, "intake-test", home / "pin")
    create_key_store(home / "token.json", None, token, home / "claims")
    keys = open_key_store(home / "token.json", None, token)
    assert keys.kind == "pkcs11"
    content = full(*[member(n) for n in range(300)])
    manifest = make_manifest("99000001", Kind.FULL, 1, 300, hashlib.sha256(content).hexdigest(), int(now))
    (Path(spool) / f"{'a' * 32}.bin").write_bytes(content)
    note = Note("a" * 32, "anne", manifest=write_manifest(manifest).decode())
    (Path(spool) / f"{'a' * 32}.json").write_bytes(msgspec.json.encode(note))
    access = Access(dsn, home / "token.json", None, token)
    gang = Gang(access, keys, 2)
    with store.connect(dsn, "token") as connection:
        workshop = Workshop(
            mode="demo", origin="", clock=lambda: int(now), keys=keys, connection=connection,
            second=lambda: store.connect(dsn, "token-index"), gang=gang, alone_below=0, chunk=8_000,
            count=SealingCount(home / "token.json", keys.ring, lambda: int(now)),
        )  # fmt: skip
        Round(workshop, Spool(Path(spool), Path(own)), grace_seconds=0.0).step()
        insurer = store.find_insurer(connection, "99000001")
        assert insurer is not None
        one = member(7)
        birth = date.fromisoformat(one.birth_date)
        tag, key = derive(keys.prf("capsule-1")(card_message(1, one.amc, one.adherent, birth, 1)))
        table = store.generation_table(insurer.number, insurer.generation)
        with connection.transaction():
            row = connection.execute(
                sql.SQL("SELECT sealed FROM {} WHERE tag = %s").format(table), (tag.hex(),)
            ).fetchone()
        assert row
        assert open_capsule(key, capsule_data(insurer.number, Lane.CARD, 1), row[0])
    gang.dismiss()
