# ruff: noqa: RUF009 (`setting` returns a dataclass field)
"""Settings: one frozen dataclass a process, read from one TOML file. Every field says its unit and its reason (docs/settings.md).

An unknown or missing key, a wrong type, a password inside a DSN, a secret file that others may read, or a development secret in
production refuses to start. Secrets are paths to files, never values; a relative path starts from the settings file's folder.
"""

import base64
import dataclasses
import re
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from rempart.foundation.errors import Refusal

Mode = Literal["demo", "production"]
DEVELOPMENT_MARKER = "# development secret: made by the embedded default, refused in production"
"""First line of every secret that Rempart made up by itself."""
_SHA1_LINE = re.compile(rb"[0-9A-F]{40}(:[0-9]+)?\r?\n?")


class BadSettings(Refusal):
    """The settings file cannot be used; the detail names the key, never a value."""

    code = "settings"
    french = "Le fichier de réglages est refusé."
    english = "The settings file is refused."


class DevelopmentSecret(BadSettings):
    """Production must not run on a secret that the embedded default generated."""

    code = "settings-development-secret"
    french = "Un secret de développement est utilisé en production."
    english = "A development secret is used in production."


def setting(reason: str, *, unit: str = "", secret: bool = False, default: Any = dataclasses.MISSING) -> Any:
    """A field with its reason, its unit, and whether it is a path to a secret."""
    metadata = {"reason": reason, "unit": unit, "secret": secret}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class VaultSettings:
    """`python -m rempart.vault`."""

    mode: Mode = setting(
        "demo accepts synthetic people only; production refuses them, and refuses development secrets"
    )
    dsn: str = setting("PostgreSQL as rempart_vault", unit="DSN with passfile, no password")
    run_folder: Path = setting("where the callers' sockets are opened", unit="folder")
    key_store: Path = setting("the sealed keys", unit="file")
    origin: str = setting(
        "what devices sign as @target-uri, whatever Host a client writes", unit="scheme and host"
    )
    rp_id: str = setting("the WebAuthn relying party: passkeys belong to it", unit="domain")
    log_origin: str = setting("the ledger's name in its checkpoints", unit="schema-less URL")
    claims_key: Path = setting(
        "where `init` writes the claims zone's private key, to be moved there; the vault never reads it",
        unit="file",
    )
    desk_origin: str = setting(
        "what operators' devices sign, at the desk: another origin than the doors'; without it there is no desk",
        unit="scheme and host",
        default="",
    )
    desk_rp_id: str = setting(
        "the desk's own WebAuthn relying party: a passkey of the portal's is none of the desk's",
        unit="domain",
        default="",
    )
    passphrase_file: Path | None = setting(
        "opens the key store's file backend", unit="file", secret=True, default=None
    )
    pkcs11_module: Path | None = setting(
        "the token's library: the PRF keys then never leave the token", unit="file", default=None
    )
    pkcs11_label: str = setting("which token", default="")
    pkcs11_pin_file: Path | None = setting("opens the token", unit="file", secret=True, default=None)
    allowed_uids: dict[str, int] = setting(
        "the user id a caller (door, operator, probe, worker…) must have; without one, the socket's mode 0600 decides",
        unit="uid",
        default={},
    )
    breached_passwords_file: Path | None = setting(
        "passwords it lists are refused: sorted upper-case SHA-1 lines, as Have I Been Pwned publishes them; production must have it",
        unit="file",
        default=None,
    )
    witnesses: tuple[str, ...] = setting(
        "who cosigns the ledger's checkpoints, and knows better than a restored backup; production refuses fewer than two",
        unit="vkey (type 0x04), space, URL",
        default=(),
    )
    offline_cents: int = setting(
        "what the uses of one offline card on one day are worth together, wherever they were: a photograph is worth no more",
        unit="cents",
        default=15_000,
    )
    offline_report_hours: int = setting(
        "for so long the use of an offline card may be told afterwards: the longest outage",
        unit="hours",
        default=360,
    )
    offline_cards_a_day: int = setting(
        "uses of offline cards that one device may tell of a day: a busy counter's", unit="uses", default=60
    )
    release_keys: tuple[str, ...] = setting(
        "the people of whom two must sign before a restored backup or a renamed ledger discloses again, and to stop or reopen the platform",
        unit="vkeys",
        default=(),
    )


@dataclass(frozen=True)
class SealerSettings:
    """`python -m rempart.sealer`."""

    mode: Mode = setting(
        "demo takes plain files of synthetic people; production takes signed, encrypted files only"
    )
    dsn: str = setting("PostgreSQL as rempart_sealer", unit="DSN with passfile, no password")
    run_folder: Path = setting("where sealer.sock is opened", unit="folder")
    key_store: Path = setting(
        "the sealed keys, shared with the vault: the sealer is in its zone", unit="file"
    )
    spool_folder: Path = setting("where insurers' files wait, encrypted", unit="folder")
    passphrase_file: Path | None = setting(
        "opens the key store's file backend", unit="file", secret=True, default=None
    )
    pkcs11_module: Path | None = setting("the token's library", unit="file", default=None)
    pkcs11_label: str = setting("which token", default="")
    pkcs11_pin_file: Path | None = setting("opens the token", unit="file", secret=True, default=None)
    origin: str = setting(
        "what insurers sign as @target-uri when they upload", unit="scheme and host", default=""
    )
    parallel: int = setting("processes that tag and seal one file", unit="processes", default=2)
    cards_folder: Path | None = setting(
        "where packages of cards are handed over, encrypted to their insurer; without it requests are refused",
        unit="folder",
        default=None,
    )
    offline_file: Path | None = setting(
        "where what verifies offline cards is written for everybody; without it no such card is made",
        unit="file",
        default=None,
    )
    offline_days: int = setting(
        "an offline card lives so long, 31 at most: its loss is bounded by it", unit="days", default=14
    )
    offline_list_hours: int = setting(
        "a list of revoked cards is believed so long when nobody renews it: how long an outage cards outlive",
        unit="hours",
        default=72,
    )


@dataclass(frozen=True)
class FrontSettings:
    """`python -m rempart.front`: portal and FHIR API behind one listener."""

    mode: Mode = setting("production is served over HTTPS only and announces it by HSTS")
    dsn: str = setting(
        "PostgreSQL as rempart_door, for the names of establishments and colleagues",
        unit="DSN with passfile, no password",
    )
    run_folder: Path = setting(
        "where the vault's door.sock and the cashier's claims-door.sock are", unit="folder"
    )
    origin: str = setting(
        "the canonical origin: what browsers sign and where passkeys belong", unit="scheme and host"
    )
    spool_folder: Path = setting(
        "where an insurer's upload is laid down, encrypted, for the sealer", unit="folder"
    )
    offline_file: Path | None = setting(
        "what verifies offline cards, as the sealer writes it", unit="file", default=None
    )
    host: str = setting(
        "the address listened on; a proxy that ends TLS stands before it",
        unit="IP address",
        default="127.0.0.1",
    )
    port: int = setting("the port listened on", unit="TCP port", default=8000)
    trusted_proxies: tuple[str, ...] = setting(
        "whose X-Forwarded-For is believed; nobody's by default",
        unit="IP addresses or networks",
        default=(),
    )
    requests_at_once: int = setting(
        "under way in all: beyond, a refusal at once is better than an answer too late; the trade's peak holds some sixty",
        unit="requests",
        default=1_024,
    )
    requests_per_address: int = setting(
        "under way for one client address (an IPv6 /64): a thousand pharmacies behind one hold about ten, a flood fills it and stops there",
        unit="requests",
        default=128,
    )
    connections_at_once: int = setting(
        "open in all; further ones wait in the system's queue", unit="connections", default=4_096
    )
    connections_per_address: int = setting(
        "open from one address that is no trusted proxy; further ones are closed. A browser opens six and drops them after ten seconds",
        unit="connections",
        default=256,
    )


@dataclass(frozen=True)
class CashierSettings:
    """`python -m rempart.cashier`: the claims zone."""

    mode: Mode = setting("refuses development secrets in production")
    dsn: str = setting("PostgreSQL as rempart_cashier", unit="DSN with passfile, no password")
    run_folder: Path = setting(
        "where the vault's cashier.sock is, and where claims-door.sock and claims-probe.sock are opened",
        unit="folder",
    )
    claims_key: Path = setting(
        "opens the pseudonym inside an engagement; `python -m rempart.vault init` made it",
        unit="file",
        secret=True,
    )
    origin: str = setting("the issuer an engagement must name", unit="scheme and host")
    settlement_public: str = setting(
        "what a RIB is sealed to: the public half of the settlement run's key", unit="base64, X25519"
    )
    operator_name: str = setting("the operator's name on statements", default="Rempart")
    rib_wait_hours: int = setting("how long a new RIB waits before it is paid on", unit="h", default=48)
    rib_second_person_cents: int = setting(
        "an establishment that is paid more than this in thirty days needs a second person to change its RIB",
        unit="cents",
        default=5_000_000,
    )
    dossiers_waiting: int = setting(
        "applications to be referenced that may wait for a decision; beyond, the public page takes none",
        unit="dossiers",
        default=500,
    )
    dossiers_a_day: int = setting(
        "applications that one sender's address may make in a day", unit="dossiers", default=10
    )
    allowed_uids: dict[str, int] = setting(
        "the user id a caller (door, probe, worker) must have; without one, the socket's mode 0600 decides",
        unit="uid",
        default={},
    )


@dataclass(frozen=True)
class WorkerSettings:
    """`python -m rempart.worker`."""

    mode: Mode = setting("refuses development secrets in production")
    dsn: str = setting("PostgreSQL as rempart_worker", unit="DSN with passfile, no password")
    run_folder: Path = setting(
        "where worker.alive is touched, and the worker.sock of vault and cashier are", unit="folder"
    )
    state_folder: Path = setting(
        "how far the ledger was audited, kept where the database's owner cannot write", unit="folder"
    )
    log_origin: str = setting("the ledger's name in its checkpoints", unit="schema-less URL")
    verifier_key: str = setting(
        "checks the checkpoints' signatures in the audit; without it only roots are compared",
        unit="vkey",
        default="",
    )
    audit_batch: int = setting("leaves in memory at once during an audit", unit="leaves", default=20_000)
    settlement_key: Path | None = setting(
        "opens the RIBs inside a settlement run; without it this worker settles nothing",
        unit="file",
        secret=True,
        default=None,
    )
    outbox_folder: Path | None = setting(
        "where orders to the bank and letters are laid down", unit="folder", default=None
    )
    debtor_name: str = setting("the operator's name on its orders", default="")
    debtor_iban: str = setting("the account that pays", unit="IBAN", default="")
    settlement_hour: int = setting("when the day is settled, Monday to Friday", unit="hour, Paris", default=6)
    funds_days: int = setting("how long an insurer has to fund a call", unit="days", default=2)
    templates_folder: Path | None = setting(
        "the operator's own templates of notices: its clocks.toml, where there is one, says when a package is recalled",
        unit="folder",
        default=None,
    )


@dataclass(frozen=True)
class WitnessSettings:
    """`rempart witness serve`, `python -m rempart.witness`: on a machine that is not the operator's."""

    mode: Mode = setting("refuses development secrets in production")
    key_file: Path = setting("cosigns; `rempart witness init` made it", unit="file", secret=True)
    state_file: Path = setting(
        "the last checkpoint cosigned of each log; never restored, never shared", unit="file"
    )
    logs: tuple[str, ...] = setting("the logs that are trusted", unit="vkeys", default=())
    host: str = setting(
        "the address listened on; a proxy that ends TLS stands before it",
        unit="IP address",
        default="127.0.0.1",
    )
    port: int = setting("the port listened on", unit="TCP port", default=8441)


@dataclass(frozen=True)
class SentinelSettings:
    """`python -m rempart.sentinel`: detection."""

    mode: Mode = setting("refuses development secrets in production")
    dsn: str = setting("PostgreSQL as rempart_sentinel", unit="DSN with passfile, no password")
    run_folder: Path = setting(
        "where the vault's sentinel.sock is, and where sentinel.alive is touched", unit="folder"
    )
    poll_ms: int = setting(
        "how often the ledger's head is looked at; a drill, whose hours are seconds, looks more often",
        unit="ms",
        default=500,
    )
    batch: int = setting("entries read at once", unit="entries", default=5_000)


@dataclass(frozen=True)
class DeskSettings:
    """`python -m rempart.desk`: the operator's own door."""

    mode: Mode = setting("production is served over HTTPS only and announces it by HSTS")
    dsn: str = setting(
        "PostgreSQL as rempart_desk: alerts, incidents, who was told of",
        unit="DSN with passfile, no password",
    )
    run_folder: Path = setting("where the vault's desk.sock is", unit="folder")
    origin: str = setting(
        "the desk's canonical origin: what browsers sign and where operators' passkeys belong",
        unit="scheme and host",
    )
    host: str = setting(
        "the address listened on: this machine's own, or one of the operator's private network; never the Internet's",
        unit="IP address",
        default="127.0.0.1",
    )
    port: int = setting("the port listened on", unit="TCP port", default=8010)
    templates_folder: Path | None = setting(
        "the operator's own templates of notices: its clocks.toml, where there is one, is what the room counts by",
        unit="folder",
        default=None,
    )
    allowed_networks: tuple[str, ...] = setting(
        "from where operators come: every other address is answered 404",
        unit="IP addresses or networks",
        default=("127.0.0.0/8", "::1"),
    )
    operator_name: str = setting(
        "who writes: the sender of letters and of an incident's documents", default="Rempart"
    )
    portal_origin: str = setting(
        "where professionals go: what a letter of activation names",
        unit="scheme and host",
        default="http://localhost:8000",
    )
    witnesses: tuple[str, ...] = setting(
        "whose cosignatures the statement that nobody else was told of rests on: as the vault has them",
        unit="vkey (type 0x04), space, URL",
        default=(),
    )


@dataclass(frozen=True)
class SupervisorSettings:
    """`rempart up`."""

    mode: Mode = setting("passed on to every process; production provisions no secret by itself")
    origin: str = setting(
        "the canonical origin given to vault and front",
        unit="scheme and host",
        default="http://localhost:8000",
    )
    rp_id: str = setting("the WebAuthn relying party given to the vault", unit="domain", default="localhost")
    log_origin: str = setting("the ledger's name", unit="schema-less URL", default="rempart.example/ledger")
    host: str = setting("the front's address", unit="IP address", default="127.0.0.1")
    port: int = setting("the front's port", unit="TCP port", default=8000)
    desk_origin: str = setting(
        "the desk's canonical origin, given to vault and desk; without it there is no desk",
        unit="scheme and host",
        default="http://desk.localhost:8010",
    )
    desk_rp_id: str = setting(
        "the desk's WebAuthn relying party, given to the vault", unit="domain", default="desk.localhost"
    )
    desk_host: str = setting("the desk's address", unit="IP address", default="127.0.0.1")
    desk_port: int = setting("the desk's port", unit="TCP port", default=8010)
    desk_allowed_networks: tuple[str, ...] = setting(
        "given to the desk: from where operators come",
        unit="IP addresses or networks",
        default=("127.0.0.0/8", "::1"),
    )
    database_dsn: str = setting(
        "an administrator's PostgreSQL (a role that may create roles and databases); without it the embedded one runs",
        unit="DSN with passfile, no password",
        default="",
    )
    database_name: str = setting("the database that is provisioned", default="rempart")
    postgres_binaries: Path | None = setting(
        "another PostgreSQL's bin folder for the embedded cluster", unit="folder", default=None
    )
    shared_buffers: str = setting(
        "the embedded cluster's page cache", unit="as PostgreSQL writes it", default="256MB"
    )
    pkcs11_module: Path | None = setting(
        "the token's library, given to vault and sealer; without it keys lie in a file",
        unit="file",
        default=None,
    )
    pkcs11_label: str = setting("which token", default="")
    pkcs11_pin_file: Path | None = setting("opens the token", unit="file", secret=True, default=None)
    breached_passwords_file: Path | None = setting(
        "given to the vault: passwords it lists are refused; production must have it",
        unit="file",
        default=None,
    )
    trusted_proxies: tuple[str, ...] = setting(
        "given to the front: whose X-Forwarded-For is believed", unit="IP addresses or networks", default=()
    )
    requests_at_once: int = setting("given to the front", unit="requests", default=1_024)
    requests_per_address: int = setting("given to the front", unit="requests", default=128)
    connections_at_once: int = setting("given to the front", unit="connections", default=4_096)
    connections_per_address: int = setting("given to the front", unit="connections", default=256)
    sealer_processes: int = setting("processes that tag and seal one file", unit="processes", default=2)
    debtor_name: str = setting(
        "given to the worker: the operator's name on its orders", default="REMPART DEMONSTRATION"
    )
    debtor_iban: str = setting(
        "given to the worker: the account that pays; the default is an example's, refused in production",
        unit="IBAN",
        default="FR7630006000011234567890189",
    )
    witnesses: tuple[str, ...] = setting(
        "given to the vault: who cosigns the ledger's checkpoints",
        unit="vkey (type 0x04), space, URL",
        default=(),
    )
    release_keys: tuple[str, ...] = setting(
        "given to the vault: of whom two must sign before a restored backup discloses again, and to stop or reopen the platform",
        unit="vkeys",
        default=(),
    )
    local_witnesses: int = setting(
        "in a demonstration only: so many witnesses run beside the platform, which shows the chain and proves nothing",
        unit="processes",
        default=2,
    )
    sentinel_poll_ms: int = setting(
        "given to the sentinel: how often it looks at the ledger's head", unit="ms", default=500
    )
    drain_seconds: float = setting(
        "how long a process may finish what is in flight before it is killed", unit="s", default=10.0
    )
    ready_seconds: float = setting(
        "how long a process may take to become ready at start", unit="s", default=60.0
    )


ProcessSettings = (
    VaultSettings
    | SealerSettings
    | FrontSettings
    | CashierSettings
    | WorkerSettings
    | WitnessSettings
    | SentinelSettings
    | DeskSettings
    | SupervisorSettings
)
ALL: tuple[type[ProcessSettings], ...] = (
    VaultSettings,
    SealerSettings,
    FrontSettings,
    CashierSettings,
    WorkerSettings,
    WitnessSettings,
    SentinelSettings,
    DeskSettings,
    SupervisorSettings,
)

S = TypeVar(
    "S",
    VaultSettings,
    SealerSettings,
    FrontSettings,
    CashierSettings,
    WorkerSettings,
    WitnessSettings,
    SentinelSettings,
    DeskSettings,
    SupervisorSettings,
)


def load_settings(kind: type[S], path: Path) -> S:
    """Read and check a settings file. Raises `BadSettings` or `DevelopmentSecret`."""
    try:
        values = tomllib.loads(path.read_text())
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadSettings(f"{path}: not TOML") from error
    unknown = sorted(values.keys() - {field.name for field in dataclasses.fields(kind)})
    if unknown:
        raise BadSettings(f"{path}: unknown key {unknown[0]}")
    try:
        settings = msgspec.convert(
            values, kind, dec_hook=lambda wanted, value: _path(wanted, value, path.absolute().parent)
        )
    except msgspec.ValidationError as error:
        raise BadSettings(f"{path}: {error}") from error
    try:
        _require_sound_secrets(settings, path)
        if isinstance(settings, VaultSettings | SupervisorSettings):
            _require_breached_passwords(settings, path)
            _require_own_desk(settings, path)
    except ValueError as error:
        raise BadSettings(f"{path}: a DSN that is no URL, or a path that no file can have") from error
    return settings


def write_settings(settings: ProcessSettings, path: Path) -> None:
    """The settings as a file that `load_settings` reads back; only what differs from the default, each with its reason."""
    lines = [f"# {(type(settings).__doc__ or '').strip()}"]
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        default = (
            field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        )
        if value != default:
            lines += [f"# {field.metadata['reason']}", f"{field.name} = {_toml(value)}"]
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)


def secret_files(settings: ProcessSettings) -> list[Path]:
    """Every file that holds a secret of these settings: the fields marked so, and the password files of DSNs."""
    files = [
        getattr(settings, field.name) for field in dataclasses.fields(settings) if field.metadata["secret"]
    ]
    files += [
        _password_file(getattr(settings, name))
        for name in ("dsn", "database_dsn")
        if getattr(settings, name, "")
    ]
    return [file for file in files if file is not None]


def read_secret_bytes(path: Path) -> bytes:
    """The value in a secret's file, base64 on one line; lines that begin with # are remarks. Raises OSError or ValueError."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    if len(lines) != 1:
        raise ValueError("one line of base64 is expected")
    return base64.b64decode(lines[0], validate=True)


def _require_sound_secrets(settings: ProcessSettings, path: Path) -> None:
    for name in ("dsn", "database_dsn"):
        dsn = getattr(settings, name, "")
        if dsn and urlsplit(dsn).scheme not in {"postgresql", "postgres"}:
            raise BadSettings(f"{path}: {name} is no postgresql:// URL")
        if _holds_password(dsn):
            raise BadSettings(f"{path}: {name} holds a password; name a file with passfile= instead")
        if settings.mode == "production" and not _is_private(dsn):
            raise BadSettings(f"{path}: {name} goes over a network: sslmode=verify-full is wanted")
    for file in secret_files(settings):
        try:
            mode = file.stat().st_mode
            content = file.read_bytes()
        except OSError as error:
            raise BadSettings(f"{file}: {error.strerror}") from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BadSettings(f"{file}: others may read this secret (chmod 600)")
        if settings.mode == "production" and DEVELOPMENT_MARKER.encode() in content:
            raise DevelopmentSecret(str(file))


def _require_own_desk(settings: VaultSettings | SupervisorSettings, path: Path) -> None:
    """What is signed for the doors must be worth nothing at the desk, and a passkey must know which of the two it is used at."""
    if settings.desk_origin and settings.desk_origin == settings.origin:
        raise BadSettings(f"{path}: desk_origin is the doors' origin")
    if settings.desk_origin and not settings.desk_rp_id:
        raise BadSettings(f"{path}: desk_rp_id is missing")


def _require_breached_passwords(settings: VaultSettings | SupervisorSettings, path: Path) -> None:
    """Asked for at start, not at the first password: ASVS 5.0.0, 6.2.12. How much a file lists is the operator's to judge."""
    file = settings.breached_passwords_file
    if file is None:
        if settings.mode == "production":
            raise BadSettings(
                f"{path}: breached_passwords_file is missing: production refuses breached passwords,"
                " name a file of sorted SHA-1 lines as Have I Been Pwned publishes them"
            )
        return
    try:
        with file.open("rb") as opened:
            first = opened.readline(64)
    except OSError as error:
        raise BadSettings(f"{file}: {error.strerror}") from error
    if not _SHA1_LINE.fullmatch(first):
        raise BadSettings(f"{file}: breached_passwords_file wants sorted SHA-1 lines, upper-case")


def _path(wanted: type, value: Any, folder: Path) -> Any:
    if wanted is Path and isinstance(value, str):
        return folder / value
    raise ValueError("expected a path")


def _password_file(dsn: str) -> Path | None:
    found = parse_qs(urlsplit(dsn).query).get("passfile")
    return Path(found[0]) if found else None


def _is_private(dsn: str) -> bool:
    """A socket's folder, this machine, or TLS whose certificate is verified for that host."""
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    hosts = [host for given in query.get("host", [parts.hostname or ""]) for host in given.split(",")]
    near = all(
        not host or host.startswith("/") or host in {"localhost", "127.0.0.1", "::1"} for host in hosts
    )
    return near or query.get("sslmode") == ["verify-full"]


def _holds_password(dsn: str) -> bool:
    parts = urlsplit(dsn)
    return bool(parts.password) or "password" in parse_qs(parts.query)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, int | float):
        return str(value).lower()
    # A JSON string is a TOML basic string.
    return msgspec.json.encode(str(value)).decode()
