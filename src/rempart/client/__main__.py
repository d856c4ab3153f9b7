"""`rempart-client`: an editor's key, and its page, without writing a program.

rempart-client new-key editor.pem          makes a key (mode 600) and prints its public half, for the platform's operator
rempart-client page ORIGIN editor.pem      prints the editor's page; with --html FILE, for a browser too
rempart-client rotate ORIGIN old.pem new.pem
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from rempart.client.editor import EditorDesk
from rempart.client.errors import Refused
from rempart.client.keys import EditorKey
from rempart.client.model import EditorPage
from rempart.client.page import html_page

_SWITCH = {
    "": "aucun (none)",
    "closed": "fermé (closed)",
    "claims-only": "factures seules (claims only)",
    "read-only": "consultation seule (read only)",
    "known-only": "patients connus seulement (known patients only)",
    "step-up": "confirmation demandée (a person must confirm)",
}


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, or 1 with the refusal's two sentences."""
    parser = argparse.ArgumentParser(prog="rempart-client", description="An editor's key and page.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("new-key").add_argument("file", type=Path)
    page = commands.add_parser("page")
    page.add_argument("origin")
    page.add_argument("key", type=Path)
    page.add_argument("--html", type=Path, help="write it as a page for a browser")
    rotate = commands.add_parser("rotate")
    rotate.add_argument("origin")
    rotate.add_argument("old", type=Path)
    rotate.add_argument("new", type=Path)
    asked = parser.parse_args(arguments)
    try:
        sys.stdout.write(_do(asked))
    except Refused as error:
        sys.stderr.write(f"{error.french}\n{error.english} ({error.code})\n")
        return 1
    return 0


def _do(asked: argparse.Namespace) -> str:
    if asked.command == "new-key":
        key = EditorKey.generate()
        key.save(asked.file)
        return key.public_pem
    if asked.command == "page":
        seen = EditorDesk(asked.origin, EditorKey.load(asked.key)).page()
        if asked.html is not None:
            asked.html.write_text(html_page(seen))
        return shown(seen)
    desk = EditorDesk(asked.origin, EditorKey.load(asked.old))
    return shown(desk.rotate(EditorKey.load_or_create(asked.new)))


def shown(page: EditorPage) -> str:
    """The page in words."""
    windows = zip(("heure", "jour", "ligne"), page.spent, page.limits, strict=True)
    lines = [
        f"{page.name} : {'actif (active)' if page.status == 'active' else 'suspendu (suspended)'}",
        f"Établissements (establishments) : {page.establishments}, installations : {page.devices}",
        *(f"Unités, {name} : {spent} sur {limit}" for name, spent, limit in windows),
        f"Coupe-circuit (switch) : {_SWITCH[page.hold]}",
        "Refus de 7 jours (refusals) : "
        + (", ".join(f"{kind} {count}" for kind, count in page.refusals.items()) or "aucun (none)"),
        f"Clé (key) : {page.keyid}",
    ]
    if page.former_until > page.at:
        until = datetime.fromtimestamp(page.former_until / 1_000_000, UTC)
        lines.append(
            f"La clé précédente vaut encore jusqu'au (the former key counts until) {until:%Y-%m-%d %H:%M} UTC"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
