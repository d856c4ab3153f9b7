"""`rempart witness`: a witness of one's own, on a machine that is not the operator's: its key, the logs it trusts, its listener."""

import asyncio
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from rempart.evidence.keyfile import make_witness_key, read_witness_key
from rempart.evidence.note import VerifierKey
from rempart.foundation.clock import instant, system_clock
from rempart.foundation.logs import configure_logs
from rempart.foundation.settings import Mode, WitnessSettings, load_settings, write_settings
from rempart.witness.errors import StateUnusable
from rempart.witness.memory import Memory

app = typer.Typer(
    name="witness", help="Cosign a ledger's checkpoints, from outside its operator.", no_args_is_help=True
)
Folder = Annotated[Path, typer.Argument(help="the witness's folder")]


@app.command()
def init(
    folder: Folder,
    name: Annotated[
        str, typer.Option("--name", help="the witness's name, a schema-less URL: witness.example/w1")
    ],
    log: Annotated[
        list[str] | None, typer.Option("--log", help="a log's vkey, got from its operator")
    ] = None,
    port: Annotated[int, typer.Option("--port", help="the port listened on")] = 8441,
) -> None:
    """Make the witness's key and its empty memory; print its vkey, for the logs that will ask it."""
    print(begin_witness(folder, name, tuple(log or ()), port))


@app.command()
def trust(folder: Folder, log: Annotated[str, typer.Argument(help="a log's vkey")]) -> None:
    """Trust one more log. It counts from the next start on."""
    trust_log(folder, log)


@app.command()
def serve(folder: Folder) -> None:
    """Answer logs, until SIGTERM or Ctrl-C."""
    from rempart.witness.serving import serve as listen

    configure_logs("witness")
    settings = load_settings(WitnessSettings, folder / "witness.toml")
    raise typer.Exit(asyncio.run(listen(settings, system_clock)))


@app.command()
def show(folder: Folder) -> None:
    """Print the witness's vkey, and the last checkpoint cosigned of each log that it trusts."""
    settings = load_settings(WitnessSettings, folder / "witness.toml")
    print(read_witness_key(settings.key_file).key().text())
    memory = Memory.read(settings.state_file).all()
    for log in settings.logs:
        key = VerifierKey.parse(log)
        last = memory.get(key.name)
        when = (
            f"{last.size} leaves, {instant(last.at).isoformat(timespec='seconds')}"
            if last
            else "nothing cosigned yet"
        )
        print(f"{log}  {when}")


def begin_witness(
    folder: Path, name: str, logs: tuple[str, ...], port: int, *, mode: Mode = "production", remark: str = ""
) -> str:
    """Key, memory and settings of a new witness; its vkey. Raises `StateUnusable` where there is one already."""
    for log in logs:
        VerifierKey.parse(log)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = make_witness_key(folder / "witness.key", name, secrets.token_bytes(32), remark)
    except OSError as error:
        raise StateUnusable(f"{folder}: {error.strerror}") from error
    Memory.begin(folder / "state.json")
    # Relative paths: the folder may be moved, as a whole.
    write_settings(
        WitnessSettings(mode, Path("witness.key"), Path("state.json"), logs, port=port),
        folder / "witness.toml",
    )
    return key.key().text()


def trust_log(folder: Path, log: str) -> None:
    """Write it into the witness's settings. Raises `NoteMalformed` for what is no log's vkey."""
    key = VerifierKey.parse(log)
    file = folder / "witness.toml"
    settings = load_settings(WitnessSettings, file)
    if key.text() not in settings.logs:
        write_settings(replace(settings, logs=(*settings.logs, key.text())), file)
