"""`rempart bench intake`: an insurer's file, from the spool to the swap, on a private PostgreSQL, beside a bare COPY of the same bytes.

Everything is as in production: the file is signed and encrypted, the sealer is its own process with its workers, commits are durable.
"""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from psycopg import sql

from rempart.cli.intake import deposit
from rempart.database.embedded import EmbeddedCluster, running
from rempart.database.migrate import migrate
from rempart.database.roles import create_database, password_file, provision_roles
from rempart.foundation.clock import system_clock
from rempart.foundation.settings import SealerSettings, VaultSettings, write_settings
from rempart.intake.envelope import seal_file
from rempart.intake.model import Kind
from rempart.population import Population

_DATABASE = "bench"
_PIECE = 1 << 18
_SOFTHSM = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
    Path("/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"),
)
_PKCS11_PERSONS = 200_000
_SEED = 20_240_131


def bench_intake(
    persons: Annotated[int, typer.Option("--persons", help="How many insured people.")] = 1_000_000,
    output: Annotated[Path | None, typer.Option("--json", help="Where to write the figures.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where to work; default: a temporary folder.")
    ] = None,
    processes: Annotated[int, typer.Option("--processes", help="Sealing processes.")] = 2,
    pkcs11: Annotated[bool, typer.Option(help="Also measure with SoftHSM, where it is installed.")] = True,
) -> None:
    """Take in one insurer's file; report persons_per_second, ratio to a bare binary COPY, peak memory, seconds of each stage."""
    base = folder or Path(tempfile.gettempdir())
    work = Path(tempfile.mkdtemp(prefix="rempart-bench-", dir=base))
    work.chmod(0o711)
    try:
        figures = measure(work, persons, processes, with_pkcs11=pkcs11)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    text = json.dumps(figures, indent=2)
    print(text)
    if output is not None:
        output.write_text(text + "\n")


def measure(work: Path, persons: int, processes: int, *, with_pkcs11: bool) -> dict[str, Any]:
    """All figures. The files are made before any clock starts."""
    secrets_folder = work / "secrets"
    secrets_folder.mkdir(mode=0o700)
    with running(EmbeddedCluster(work / "postgres")) as cluster:
        provision_roles(cluster.superuser_dsn(), secrets_folder, generate=True)
        create_database(cluster.superuser_dsn(), _DATABASE)
        migrate(cluster.superuser_dsn(_DATABASE), system_clock)
        bench = _Bench(work, cluster, secrets_folder, processes)
        figures = bench.load("file", persons, None)
        with psycopg.connect(cluster.superuser_dsn(_DATABASE), autocommit=True) as connection:
            bare = _bare_copy(connection, figures.pop("table"), work / "rows.bin")
        figures["bare_copy_seconds"] = round(bare, 3)
        figures["ratio"] = round(bare / figures["seconds"]["total"], 4)
        module = next((path for path in _SOFTHSM if path.exists()), None)
        if with_pkcs11 and module is not None and shutil.which("softhsm2-util"):
            token = bench.load("pkcs11", min(persons, _PKCS11_PERSONS), module)
            figures["pkcs11_persons"] = token["persons"]
            figures["pkcs11_persons_per_second"] = token["persons_per_second"]
    return figures


@dataclass
class _Bench:
    work: Path
    cluster: EmbeddedCluster
    secrets: Path
    processes: int

    def load(self, name: str, persons: int, module: Path | None) -> dict[str, Any]:
        """Load one insurer's products, then its members, with a key store of its own."""
        home = self.work / name
        for folder in (home, home / "run", home / "spool"):
            folder.mkdir(mode=0o700)
        settings, environment, recipient = self._make_keys(home, module)
        number = 1 if module is None else 2
        population = Population(_SEED + number, persons, 1)
        population.write_files(home, compress="zst")
        amc = population.insurers[0].amc
        signing = self._know(number, amc)
        sealed: dict[Kind, Path] = {}
        for kind, stem in ((Kind.PRODUCTS, "products"), (Kind.FULL, "members")):
            sealed[kind] = home / f"{stem}.rempart"
            source = next(path for path in home.glob(f"{amc}.{stem}.csv*") if path.suffix != ".json")
            seal_file(source, sealed[kind], amc, kind, 1, signing, recipient, system_clock())
        with self._sealer(home, settings, environment) as process, self._connect() as connection:
            self._await(
                connection, deposit(settings.spool_folder, sealed[Kind.PRODUCTS], "bench", system_clock())
            )
            # Warm, as a sealer is that has had nothing to do for some seconds: its workers wait.
            _wait_for(
                lambda: self.processes < 2 or len(_tree(process.pid)) > self.processes,
                process,
                home / "sealer.log",
            )
            before = _cpu_seconds(process.pid), _cpu_seconds(self.cluster.pid)
            started = time.perf_counter()
            row = self._await(
                connection, deposit(settings.spool_folder, sealed[Kind.FULL], "bench", system_clock())
            )
            seconds = time.perf_counter() - started
            after = _cpu_seconds(process.pid), _cpu_seconds(self.cluster.pid)
            peaks = _peaks(process.pid)
        return {
            "persons": row["persons"],
            "capsules": row["capsules"],
            "lines": row["lines"],
            "rejected": row["rejected"],
            "persons_per_second": round(row["persons"] / seconds),
            "seconds": {"total": round(seconds, 3), **row["seconds"]},
            "cpu_seconds": {
                "sealer": round(after[0] - before[0], 2),
                "postgresql": round(after[1] - before[1], 2),
            },
            "rss_peak_mb": round(sum(peaks) / 1024),
            "rss_peak_mb_each": [round(peak / 1024) for peak in peaks],
            "processes": self.processes,
            "table": f"capsule.i{number}_g{row['number']}",
        }

    def _make_keys(self, home: Path, module: Path | None) -> tuple[SealerSettings, dict[str, str], str]:
        environment = dict(os.environ)
        secret = home / "secret"
        secret.write_text(f"{secrets.token_hex(16) if module is None else '12345678'}\n")
        secret.chmod(0o600)
        if module is not None:
            environment |= _make_token(home, secret)
        keys: dict[str, Any] = (
            {"passphrase_file": secret}
            if module is None
            else {"pkcs11_module": module, "pkcs11_label": "rempart-bench", "pkcs11_pin_file": secret}
        )
        vault = VaultSettings(
            mode="demo", dsn=self._dsn("rempart_vault"), run_folder=home / "run", key_store=home / "store.json",
            origin="http://localhost", rp_id="localhost", log_origin="rempart.example/bench", claims_key=home / "claims.key", **keys,
        )  # fmt: skip
        write_settings(vault, home / "vault.toml")
        _python(environment, "rempart.vault", "init", "--config", str(home / "vault.toml"))
        settings = SealerSettings(
            mode="demo", dsn=self._dsn("rempart_sealer"), run_folder=home / "run", key_store=home / "store.json",
            spool_folder=home / "spool", parallel=self.processes, **keys,
        )  # fmt: skip
        write_settings(settings, home / "sealer.toml")
        recipient = _python(
            environment, "rempart.sealer", "recipient", "--config", str(home / "sealer.toml")
        ).strip()
        return settings, environment, recipient

    def _know(self, number: int, amc: str) -> Ed25519PrivateKey:
        signing, notice = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
        with psycopg.connect(self.cluster.superuser_dsn(_DATABASE), autocommit=True) as connection:
            # The second load is another insurer's in the same tables' place: its number differs, its n° AMC must be its own.
            connection.execute(
                "UPDATE vault.insurer SET amc = 'BENCH' || lpad(number::text, 4, '0') WHERE amc = %s", (amc,)
            )
            connection.execute(
                "INSERT INTO vault.insurer (number, amc, name, signing_key, notice_key) VALUES (%s, %s, %s, %s, %s)",
                (
                    number, amc, f"Bench {number}", signing.public_key().public_bytes_raw(), notice.public_key().public_bytes_raw()
                ),
            )  # fmt: skip
        return signing

    @contextlib.contextmanager
    def _sealer(
        self, home: Path, settings: SealerSettings, environment: dict[str, str]
    ) -> Iterator["subprocess.Popen[bytes]"]:
        log = (home / "sealer.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "rempart.sealer", "--config", str(home / "sealer.toml")],
            env=environment,
            stderr=log,
        )
        try:
            _wait_for((settings.run_folder / "sealer.sock").exists, process, home / "sealer.log")
            yield process
        finally:
            process.terminate()
            process.wait(30)
            log.close()

    def _await(self, connection: "psycopg.Connection[Any]", delivery: str) -> dict[str, Any]:
        deadline = time.monotonic() + 3 * 3600
        while time.monotonic() < deadline:
            cursor = connection.execute(
                "SELECT number, state, code, detail, persons, capsules, lines, rejected, seconds FROM intake.delivery WHERE id = %s",
                (delivery,),
            )
            found = cursor.fetchone()
            if found is not None and found[1] not in {"received", "checking"}:
                assert cursor.description is not None
                row = dict(zip([column.name for column in cursor.description], found, strict=True))
                if row["state"] != "loaded":
                    raise typer.BadParameter(
                        f"the load ended as {row['state']}: {row['code']} {row['detail']}"
                    )
                return row
            time.sleep(0.02)
        raise typer.BadParameter("the load did not end")

    def _connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self._dsn("rempart_operator"), autocommit=True)

    def _dsn(self, role: str) -> str:
        return self.cluster.dsn(role, password_file(self.secrets, role), _DATABASE)


def _bare_copy(connection: "psycopg.Connection[Any]", table: str, rows: Path) -> float:
    """Seconds of a COPY of the same rows into an empty table without any index."""
    schema, name = table.split(".")
    columns = sql.SQL("tag, subject, sealed, notice_ref, source_line, slot")
    source = sql.Identifier(schema, name)
    out = sql.SQL("COPY {} ({}) TO STDOUT (FORMAT BINARY)").format(source, columns)
    back = sql.SQL("COPY public.bare ({}) FROM STDIN (FORMAT BINARY)").format(columns)
    with rows.open("wb") as file, connection.cursor() as cursor, cursor.copy(out) as copy:
        file.writelines(copy)
    connection.execute(sql.SQL("CREATE TABLE public.bare (LIKE {})").format(source))
    connection.execute("CHECKPOINT")
    started = time.perf_counter()
    with rows.open("rb") as file, connection.cursor() as cursor, cursor.copy(back) as copy:
        while piece := file.read(_PIECE):
            copy.write(piece)
    seconds = time.perf_counter() - started
    connection.execute("DROP TABLE public.bare")
    rows.unlink()
    return seconds


def _make_token(home: Path, pin: Path) -> dict[str, str]:
    tokens = home / "tokens"
    tokens.mkdir()
    configuration = home / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    environment = {"SOFTHSM2_CONF": str(configuration)}
    subprocess.run(
        [
            "softhsm2-util", "--init-token", "--free", "--label", "rempart-bench", "--pin", pin.read_text().strip(), "--so-pin", "12345678"
        ],
        env={**os.environ, **environment}, check=True, capture_output=True,
    )  # fmt: skip
    return environment


def _python(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def _tree(pid: int | None) -> list[int]:
    """A process and its descendants."""
    found = [pid] if pid else []
    for one in found:
        with contextlib.suppress(OSError):
            found += [int(word) for word in Path(f"/proc/{one}/task/{one}/children").read_text().split()]
    return found


def _peaks(pid: int) -> list[int]:
    """Peak resident memory of each process of a tree, kB."""
    found = []
    for one in _tree(pid):
        status = Path(f"/proc/{one}/status").read_text().splitlines()
        found += [int(line.split()[1]) for line in status if line.startswith("VmHWM:")]
    return found


def _cpu_seconds(pid: int | None) -> float:
    """Processor time of a tree, with that of children that ended."""
    ticks = 0
    for one in _tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def _wait_for(condition: Any, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            raise typer.BadParameter(f"the sealer did not start: {log.read_text()[-500:]}")
        time.sleep(0.05)
