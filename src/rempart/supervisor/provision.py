"""Everything that must be there before a process starts. Each step looks before it acts, so that it may be run at each start."""

import base64
import secrets
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import psycopg
from cryptography.hazmat.primitives.asymmetric import x25519
from psycopg.conninfo import conninfo_to_dict

from rempart.database.durability import require_durable
from rempart.database.embedded import EmbeddedCluster, write_secret_file
from rempart.database.migrate import migrate
from rempart.database.roles import create_database, password_file, provision_roles
from rempart.foundation.clock import Clock
from rempart.foundation.settings import (
    DEVELOPMENT_MARKER,
    CashierSettings,
    DeskSettings,
    FrontSettings,
    SealerSettings,
    SentinelSettings,
    SupervisorSettings,
    VaultSettings,
    WorkerSettings,
    load_settings,
    read_secret_bytes,
    secret_files,
    write_settings,
)
from rempart.supervisor.errors import ProvisioningFailed
from rempart.supervisor.home import Home

INIT_SECONDS = 60


@dataclass(frozen=True)
class Ground:
    """A database with its roles, migrated. `cluster` is the embedded one, running, or None for an administrator's."""

    cluster: EmbeddedCluster | None
    home: Home
    settings: SupervisorSettings

    def dsn(self, role: str) -> str:
        """The DSN of a process's role."""
        file = password_file(self.home.secrets, role)
        if self.cluster is not None:
            return self.cluster.dsn(role, file, self.settings.database_name)
        return _as_role(self.settings.database_dsn, role, file, self.settings.database_name)


def read_supervisor_settings(home: Home) -> SupervisorSettings:
    """The administrator's file, or the defaults of a demonstration. Raises `BadSettings`."""
    if home.settings.exists():
        return load_settings(SupervisorSettings, home.settings)
    return SupervisorSettings(mode="demo")


def open_cluster(home: Home, settings: SupervisorSettings) -> EmbeddedCluster | None:
    """The embedded cluster, not yet started, unless a DSN is configured."""
    if settings.database_dsn:
        return None
    return EmbeddedCluster(
        home.postgres, binaries=settings.postgres_binaries, shared_buffers=settings.shared_buffers
    )


def provision(
    home: Home, settings: SupervisorSettings, cluster: EmbeddedCluster | None, clock: Clock
) -> Ground:
    """Roles, database, migrations, settings files, key store. `cluster` is running or None.

    A demonstration makes up the secrets that are missing and marks them; production takes them as they are and raises when one is missing.
    """
    maintenance = cluster.superuser_dsn() if cluster is not None else settings.database_dsn
    _require_durable(maintenance)
    demo = settings.mode == "demo"
    provision_roles(maintenance, home.secrets, generate=demo)
    create_database(maintenance, settings.database_name)
    migrate(_with_database(maintenance, settings.database_name), clock)
    ground = Ground(cluster, home, settings)
    if demo:
        _make_up_passphrase(_passphrase_file(home))
        _make_up_settlement_key(home.secrets / "settlement.key")
    _write_process_settings(ground)
    home.operator_dsn.write_text(ground.dsn("rempart_operator") + "\n")
    return ground


def make_key_store(home: Home) -> None:
    """The vault's own command makes its keys, once: no other process has its code or its keys."""
    settings = load_settings(VaultSettings, home.config_file("vault"))
    if settings.key_store.exists():
        return
    command = [sys.executable, "-m", "rempart.vault", "init", "--config", str(home.config_file("vault"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=INIT_SECONDS, check=False)
    if done.returncode != 0:
        raise ProvisioningFailed(f"key store: {done.stderr.strip()[-400:]}")


def name_verifier_key(home: Home, verifier_key: str) -> None:
    """Tell the worker with which key the ledger is signed. The first one seen is kept: another one later fails the audit."""
    pinned = home.audit / "ledger.vkey"
    if not pinned.exists():
        pinned.write_text(verifier_key + "\n")
    file = home.config_file("worker")
    settings = load_settings(WorkerSettings, file)
    write_settings(replace(settings, verifier_key=pinned.read_text().strip()), file)


def _write_process_settings(ground: Ground) -> None:
    home, given = ground.home, ground.settings
    key_store, passphrase = home.keys / "store.json", _passphrase_file(home)
    files: dict[
        str,
        VaultSettings | SealerSettings | FrontSettings | CashierSettings | WorkerSettings | SentinelSettings | DeskSettings,
    ] = {
        "vault": VaultSettings(
            mode=given.mode, dsn=ground.dsn("rempart_vault"), run_folder=home.run, key_store=key_store, origin=given.origin,
            rp_id=given.rp_id, desk_origin=given.desk_origin, desk_rp_id=given.desk_rp_id,
            log_origin=given.log_origin, claims_key=home.secrets / "claims.key",
            passphrase_file=None if given.pkcs11_module else passphrase, pkcs11_module=given.pkcs11_module,
            pkcs11_label=given.pkcs11_label, pkcs11_pin_file=given.pkcs11_pin_file,
            breached_passwords_file=given.breached_passwords_file, witnesses=given.witnesses, release_keys=given.release_keys,
        ),
        "sealer": SealerSettings(
            mode=given.mode, dsn=ground.dsn("rempart_sealer"), run_folder=home.run, key_store=key_store, spool_folder=home.spool,
            passphrase_file=None if given.pkcs11_module else passphrase, pkcs11_module=given.pkcs11_module,
            pkcs11_label=given.pkcs11_label, pkcs11_pin_file=given.pkcs11_pin_file, origin=given.origin,
            parallel=given.sealer_processes, cards_folder=home.outbox / "cards",
            offline_file=home.folder / "offline-cards.json",
        ),
        "front": FrontSettings(
            mode=given.mode, dsn=ground.dsn("rempart_door"), run_folder=home.run, origin=given.origin, spool_folder=home.spool,
            offline_file=home.folder / "offline-cards.json", host=given.host, port=given.port, trusted_proxies=given.trusted_proxies,
            requests_at_once=given.requests_at_once, requests_per_address=given.requests_per_address,
            connections_at_once=given.connections_at_once, connections_per_address=given.connections_per_address,
        ),
        "cashier": CashierSettings(
            mode=given.mode, dsn=ground.dsn("rempart_cashier"), run_folder=home.run, origin=given.origin,
            claims_key=home.secrets / "claims.key", operator_name=given.debtor_name,
            settlement_public=_settlement_public(home.secrets / "settlement.key"),
        ),
        "worker": WorkerSettings(
            mode=given.mode, dsn=ground.dsn("rempart_worker"), run_folder=home.run, state_folder=home.audit,
            log_origin=given.log_origin, settlement_key=home.secrets / "settlement.key", outbox_folder=home.outbox,
            debtor_name=given.debtor_name, debtor_iban=_debtor_iban(given), templates_folder=home.folder / "incident-templates",
        ),
        "sentinel": SentinelSettings(
            mode=given.mode, dsn=ground.dsn("rempart_sentinel"), run_folder=home.run, poll_ms=given.sentinel_poll_ms,
        ),
    }  # fmt: skip
    home.config_file("desk").unlink(missing_ok=True)
    if given.desk_origin:
        files["desk"] = DeskSettings(
            mode=given.mode, dsn=ground.dsn("rempart_desk"), run_folder=home.run, origin=given.desk_origin,
            host=given.desk_host, port=given.desk_port, allowed_networks=given.desk_allowed_networks,
            templates_folder=home.folder / "incident-templates", operator_name=given.debtor_name, witnesses=given.witnesses,
            portal_origin=given.origin,
        )  # fmt: skip
    # The vault's own `init` makes the claims zone's key, after this.
    made_later = set() if key_store.exists() else {home.secrets / "claims.key"}
    for name, settings in files.items():
        for file in secret_files(settings):
            if file not in made_later and not file.exists():
                raise ProvisioningFailed(
                    f"{file} is missing: production takes its secrets from files that you put there"
                )
        write_settings(settings, home.config_file(name))


def _passphrase_file(home: Home) -> Path:
    return home.secrets / "key-store.passphrase"


def _make_up_passphrase(path: Path) -> None:
    if not path.exists():
        write_secret_file(path, DEVELOPMENT_MARKER, secrets.token_urlsafe(32))


def _make_up_settlement_key(path: Path) -> None:
    if not path.exists():
        key = base64.b64encode(x25519.X25519PrivateKey.generate().private_bytes_raw()).decode()
        write_secret_file(path, DEVELOPMENT_MARKER, key)


def _settlement_public(path: Path) -> str:
    """The public half, for whoever seals a RIB."""
    try:
        private = x25519.X25519PrivateKey.from_private_bytes(read_secret_bytes(path))
    except (OSError, ValueError) as error:
        raise ProvisioningFailed(f"{path}: an X25519 private key in base64 is expected there") from error
    return base64.b64encode(private.public_key().public_bytes_raw()).decode()


def _debtor_iban(given: SupervisorSettings) -> str:
    if given.mode == "production" and given.debtor_iban == SupervisorSettings(mode="demo").debtor_iban:
        raise ProvisioningFailed("debtor_iban is the example's: name the account that pays")
    return given.debtor_iban


def _require_durable(maintenance: str) -> None:
    try:
        with psycopg.connect(maintenance, autocommit=True) as connection:
            require_durable(connection)
    except psycopg.OperationalError as error:
        raise ProvisioningFailed(f"the database does not answer: {type(error).__name__}") from error


def _with_database(dsn: str, database: str) -> str:
    return psycopg.conninfo.make_conninfo(dsn, dbname=database)


def _as_role(dsn: str, role: str, file: Path, database: str) -> str:
    # A URL, which asyncpg reads too; everything else of the administrator's DSN (host, port, TLS) is kept.
    parameters = {key: str(value) for key, value in conninfo_to_dict(dsn).items() if value is not None}
    kept = {
        key: value
        for key, value in parameters.items()
        if key not in {"user", "password", "passfile", "dbname"}
    }
    return f"postgresql://{role}@/{database}?{urlencode({**kept, 'passfile': str(file)}, safe='/,')}"
