"""The folder of one installation: what lies where, and who may look."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rempart.supervisor.errors import AlreadyRunning, BadFolder

_SOCKET_PATH_LIMIT = 107
_LONGEST_SOCKET = "claims-worker.sock"


@dataclass(frozen=True)
class Home:
    """`folder` is absolute. Its subfolders are of mode 0700; what lies in it directly is no secret."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> "Home":
        """The installation in this folder, which need not exist yet. Raises `BadFolder` if its sockets could not be named."""
        home = cls(folder.absolute())
        if len(os.fsencode(home.run / _LONGEST_SOCKET)) > _SOCKET_PATH_LIMIT:
            raise BadFolder(
                f"{home.folder}: a UNIX socket's path has {_SOCKET_PATH_LIMIT} bytes at the most; choose a shorter --folder"
            )
        return home

    @property
    def settings(self) -> Path:
        """The one file that an administrator writes; without it the defaults hold."""
        return self.folder / "supervisor.toml"

    @property
    def secrets(self) -> Path:
        """Passwords, passphrase, keys to be moved elsewhere: one file each."""
        return self.folder / "secrets"

    @property
    def keys(self) -> Path:
        """The sealed key store."""
        return self.folder / "keys"

    @property
    def config(self) -> Path:
        """One settings file a process, written anew at each start."""
        return self.folder / "config"

    @property
    def run(self) -> Path:
        """Sockets and signs of life."""
        return self.folder / "run"

    @property
    def logs(self) -> Path:
        """One file a process, JSON lines."""
        return self.folder / "logs"

    @property
    def spool(self) -> Path:
        """Insurers' files that wait for the sealer."""
        return self.folder / "spool"

    @property
    def outbox(self) -> Path:
        """Orders to the bank and letters, laid down by the worker."""
        return self.folder / "outbox"

    @property
    def audit(self) -> Path:
        """Where the worker keeps how far the ledger was audited: outside the database, which its owner could rewrite."""
        return self.folder / "audit"

    @property
    def postgres(self) -> Path:
        """The embedded cluster."""
        return self.folder / "postgres"

    @property
    def state(self) -> Path:
        """What `rempart status` reads."""
        return self.folder / "state.json"

    @property
    def operator_dsn(self) -> Path:
        """The operator's DSN for commands; no secret, the password is in its own file."""
        return self.folder / "operator.dsn"

    def config_file(self, process: str) -> Path:
        """The settings file of a process."""
        return self.config / f"{process}.toml"

    def log_file(self, process: str) -> Path:
        """The log of a process."""
        return self.logs / f"{process}.log"

    def prepare(self) -> None:
        """Make the folders. Those of secrets are closed again if somebody opened them."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for folder in (
                self.secrets,
                self.keys,
                self.config,
                self.run,
                self.logs,
                self.spool,
                self.audit,
                self.outbox,
            ):
                folder.mkdir(exist_ok=True, mode=0o700)
                folder.chmod(0o700)
        except OSError as error:
            raise BadFolder(f"{self.folder}: {error.strerror}") from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for one supervisor. The kernel lets go when the holder dies. Raises `AlreadyRunning`."""
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise AlreadyRunning(str(self.folder)) from error
            yield

    def is_held(self) -> bool:
        """Does a supervisor live in this folder? Its process id could be somebody else's by now; the lock cannot."""
        try:
            with (self.folder / "lock").open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False
