"""`rempart insurer incident-fetch|incident-read|incident-acknowledge`: an insurer's package of an incident, on its own machine."""

import csv
import hashlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.claims.durable import write_durably
from rempart.cli.insurer import published_keys, read_notice_key
from rempart.cli.intake import SigningKey, console, read_signing_key
from rempart.cli.intake import insurer as app
from rempart.cli.openings import read_log_key
from rempart.foundation.clock import system_clock
from rempart.foundation.errors import BadInput, Outage, RempartError
from rempart.incident.facts import Language
from rempart.incident.notices.errors import BadIncidentPackage
from rempart.incident.notices.opening_up import COLUMNS, check_proofs, letter, row
from rempart.incident.notices.package import Opened, open_package, references
from rempart.vaultdoor.insurer import INCIDENTS, sign_as_insurer


@app.command("incident-read")
def incident_read(
    file: Annotated[Path, typer.Argument(help="The package, as downloaded (.incident).")],
    key: Annotated[Path, typer.Option("--key", help="The insurer's notice.key.")],
    platform: Annotated[
        str,
        typer.Option(
            help="The platform's address, whose published key must have signed; or a file with its jwks.json."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option(help="Default: the file's name with .opened added; it must not be there.")
    ] = None,
    letters: Annotated[
        bool, typer.Option("--letters", help="also one text a member, in both languages")
    ] = False,
    log_key: Annotated[
        str, typer.Option("--log-key", help="The ledger's verifier key: check the proofs of each answer.")
    ] = "",
) -> None:
    """Verify that the platform made a package, open it, write members.csv and the documents; print the digest to acknowledge it by."""
    target = output or file.with_name(file.name + ".opened")
    try:
        content, private = _read(file), read_notice_key(key)
        if target.exists():
            raise BadInput(f"{target} is there already")
        opened = open_package(content, private, published_keys(platform))
        proved = check_proofs(opened, read_log_key(log_key)) if log_key else 0
        _write(target, opened, private, letters=letters)
    except RempartError as error:
        print(f"{error.french}\n{error.english} {error.detail} [{error.code}]", file=sys.stderr)
        raise typer.Exit(1) from error
    manifest = opened.manifest
    console.print(
        f"[bold]{manifest.amc}[/bold]  incident {manifest.incident}, issue {manifest.issue}: {manifest.title}", soft_wrap=True
    )  # fmt: skip
    console.print(f"{manifest.persons:,} members, {manifest.answers:,} answers; {target}", soft_wrap=True)
    if log_key:
        console.print(f"{proved:,} answers proved by the ledger.")
    console.print(f"sha256 {hashlib.sha256(content).hexdigest()}", soft_wrap=True)


@app.command("incident-fetch")
def incident_fetch(
    key: SigningKey,
    origin: Annotated[str, typer.Option(help="The platform's address.")],
    output: Annotated[Path, typer.Option(help="Where to write them.")] = Path(),
) -> None:
    """Download every package that waits, with requests that the insurer's signing key signs; print each file's digest."""
    try:
        signing = read_signing_key(key)
        output.mkdir(mode=0o700, parents=True, exist_ok=True)
        for each in _waiting(origin, signing):
            body = {"id": each["id"]}
            parts = [
                _ask(origin, "/download", body | {"part": number}, signing).content
                for number in range(1, each["parts"] + 1)
            ]
            content = b"".join(parts)
            digest = hashlib.sha256(content).hexdigest()
            if digest != each["digest"]:
                raise BadIncidentPackage("digest")
            target = output / f"incident-{each['incident']}-{each['issue']}.incident"
            write_durably(target, content)
            console.print(f"{target}: {each['rows']:,} members, sha256 {digest}", soft_wrap=True)
    except RempartError as error:
        print(f"{error.french}\n{error.english} {error.detail} [{error.code}]", file=sys.stderr)
        raise typer.Exit(1) from error


@app.command("incident-acknowledge")
def incident_acknowledge(
    file: Annotated[
        Path, typer.Argument(help="The package, as downloaded: its digest proves that it arrived whole.")
    ],
    key: SigningKey,
    origin: Annotated[str, typer.Option(help="The platform's address.")],
) -> None:
    """Acknowledge a package, once it was read: its content is deleted on the platform a week later."""
    try:
        signing, digest = read_signing_key(key), hashlib.sha256(_read(file)).hexdigest()
        known = [each for each in _waiting(origin, signing) if each["digest"] == digest]
        if not known:
            raise BadInput(f"{file}: no package that waits has this digest")
        _ask(origin, "/acknowledge", {"id": known[0]["id"], "digest": digest}, signing)
    except RempartError as error:
        print(f"{error.french}\n{error.english} {error.detail} [{error.code}]", file=sys.stderr)
        raise typer.Exit(1) from error
    console.print(f"{file}: acknowledged.", soft_wrap=True)


def _waiting(origin: str, key: Ed25519PrivateKey) -> list[dict[str, Any]]:
    """Every package that nobody acknowledged, oldest first."""
    found: list[dict[str, Any]] = []
    before = 0
    while True:
        page = _ask(origin, "", {"before": before}, key).json()
        found += [each for each in page["items"] if not each["acknowledged"]]
        before = page["next"]
        if not before:
            return found[::-1]


def _ask(origin: str, what: str, body: dict[str, Any], key: Ed25519PrivateKey) -> httpx.Response:
    content = json.dumps(body).encode()
    headers = sign_as_insurer(INCIDENTS + what, origin, content, key, system_clock())
    try:
        answer = httpx.post(
            origin + INCIDENTS + what, content=content, headers=headers | {"Content-Type": "application/json"}, timeout=30
        )  # fmt: skip
    except httpx.HTTPError as error:
        raise Outage(type(error).__name__) from error
    if answer.status_code != 200:
        raise Outage(f"the platform answered {answer.status_code}: {answer.headers.get('Rempart-Code', '')}")
    return answer


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from error


def _write(target: Path, opened: Opened, private: bytes, *, letters: bool) -> None:
    """Into a folder aside, renamed when everything is there."""
    aside = target.with_name(target.name + ".part")
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in opened.documents.items():
        (aside / _plain_name(name)).write_bytes(content)
    with (aside / "members.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for number, (reference, member) in enumerate(references(opened, private), start=1):
            writer.writerow(row(reference, member))
            if letters:
                # Numbered as the lines of members.csv: a reference need not be a file's name.
                for language in Language:
                    (aside / f"letter-{number:06d}.{language}.txt").write_text(
                        letter(opened, member, language), encoding="utf-8"
                    )
    aside.rename(target)


def _plain_name(name: str) -> str:
    if Path(name).name != name or name.startswith("."):
        raise BadInput(f"the document's name {name!r} is none")
    return name
