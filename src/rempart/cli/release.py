"""`rempart evidence release-…`: two people answer for a ledger that was not the one its witnesses saw (docs/ledger.md).

The operator asks for the text; each person reads it and signs it on their own machine, with their own key file; the operator sends both.
"""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from rempart.cli.operator import ask
from rempart.evidence.errors import LedgerUnreadable
from rempart.evidence.keyfile import make_person_key, read_person_key
from rempart.evidence.note import sign_note
from rempart.vaultdoor.messages import AskRelease, Done, ReleaseRestored, ReleaseText

Folder = Annotated[Path, typer.Option("--folder", help="the platform's folder")]
VAR = Path("var")


def make_key(
    file: Annotated[Path, typer.Argument(help="the new key file, which nobody else may read")],
    name: Annotated[str, typer.Option("--name", help="the person, as a schema-less URL: anne.example/anne")],
) -> None:
    """Make the key of a person who may release; print its vkey, for the setting `release_keys`."""
    try:
        print(make_person_key(file, name, secrets.token_bytes(32)).verifier().text())
    except OSError as error:
        raise LedgerUnreadable(f"{file}: {error.strerror}") from error


def request(folder: Folder = VAR) -> None:
    """Print the text that two people have to sign: which hold, how many leaves here and there, the log's name from now on."""
    print(ask(folder, AskRelease(), ReleaseText).text, end="")


def sign(
    text: Annotated[Path, typer.Argument(help="the file with the text, read before it is signed")],
    key: Annotated[Path, typer.Option("--key", help="the person's key file")],
) -> None:
    """Sign the text as it is; print the signed note."""
    try:
        said, signer = text.read_bytes().decode(), read_person_key(key)
    except OSError as error:
        raise LedgerUnreadable(f"{error.filename}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LedgerUnreadable(f"{text}: not UTF-8") from error
    print(sign_note(said, (signer,)).decode(), end="")


def release(
    signature: Annotated[list[Path], typer.Option("--signature", help="a signed note; once for each person")],
    folder: Folder = VAR,
) -> None:
    """Reopen, on two different people's signatures over the text of this hold. Journaled with their names."""
    try:
        notes = [file.read_bytes() for file in signature]
    except OSError as error:
        raise LedgerUnreadable(f"{error.filename}: {error.strerror}") from error
    ask(folder, ReleaseRestored(notes), Done)
