"""A pharmacy's software in one file: installed once, confirmed each day, it checks a card's right and sends the invoice.

    python examples/pharmacy_software.py https://rempart.example FOLDER --install CODE     once, with the titulaire's code
    python examples/pharmacy_software.py https://rempart.example FOLDER                    checks the card, sends the invoice

FOLDER holds `editor.pem` (the editor's key), and from the first start on `device.pem` (this installation's) and `session`. The card and the
invoice come from the counter's screen in a real software; here they are synthetic.
"""

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

from rempart.client import (
    Card,
    Client,
    ConfirmationNeeded,
    Decision,
    DeviceKey,
    EditorKey,
    Exhausted,
    Invoice,
    InvoiceAnswer,
    Line,
    Refused,
    StepUpNeeded,
)
from rempart.client.model import Confirmation

T = TypeVar("T")


def connect(origin: str, folder: Path) -> Client:
    """The two keys, and today's session if it is kept."""
    kept = folder / "session"
    return Client(
        origin,
        DeviceKey.load_or_create(folder / "device.pem"),
        # Better on the editor's own server, behind an object with `public` and `sign`: docs/client.md.
        EditorKey.load(folder / "editor.pem"),
        session=kept.read_text() if kept.exists() else "",
    )


def with_a_person(rempart: Client, folder: Path, work: Callable[[], T]) -> T:
    """Do it; when a person must confirm, show them where, wait, and do it then."""
    try:
        return work()
    except (ConfirmationNeeded, StepUpNeeded) as error:
        begin(rempart, folder, error.confirmation, error.french)
        return work()


def begin(rempart: Client, folder: Path, confirmation: Confirmation, sentence: str) -> None:
    """A real software opens the address in the person's browser (`webbrowser.open`) and shows the code beside it."""
    print(f"{sentence} Code affiché : {confirmation.code}", flush=True)
    print(f"-> {confirmation.url}", flush=True)
    session = rempart.wait(confirmation, pause=0.5)
    kept = folder / "session"
    kept.touch(mode=0o600)
    kept.write_text(session.value)
    print(f"Le logiciel travaille pour {session.login}.", flush=True)


def check(rempart: Client, card: Card) -> Decision:
    """At the counter."""
    decision = rempart.check_right(card, "PHAR")
    print(f"{decision.sentence} {decision.engagement}".strip(), flush=True)
    return decision


def invoice(rempart: Client, decision: Decision, number: str, finess: str) -> InvoiceAnswer:
    """One box at 65 %, 8.40 euros. The receipt is the engagement: within its terms the invoice is paid."""
    answer = rempart.submit_claim(
        Invoice(
            number=number,
            lines=(Line("drug-65", price=840, base=840, quantity=1),),
            care_date=date.fromisoformat(decision.care_date),
            finess=finess,
            amc=decision.amc,
            receipt=decision.receipt,
        )
    )
    print(
        f"Facture {number} : {answer.sentence} Complémentaire : {answer.shares['amc']} centimes.", flush=True
    )
    return answer


def main(arguments: list[str] | None = None) -> int:
    """A day of one customer. Exit code 1 when the platform said no."""
    parser = argparse.ArgumentParser(description="A pharmacy's software, at a Rempart platform.")
    parser.add_argument("origin")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--install", metavar="CODE")
    parser.add_argument("--finess", default="010000602")
    parser.add_argument("--number", default="F2026-0001")
    asked = parser.parse_args(arguments)
    card = Card(amc="99000001", adherent="20318847", birth_date=date(1980, 1, 13))
    with connect(asked.origin, asked.folder) as rempart:
        try:
            if asked.install:
                confirmation = rempart.install(asked.install, label="Comptoirs")
                begin(
                    rempart,
                    asked.folder,
                    confirmation,
                    "Logiciel installé : confirmez-le avec votre clé d'accès.",
                )
            decision = with_a_person(rempart, asked.folder, lambda: check(rempart, card))
            if decision.open:
                with_a_person(
                    rempart, asked.folder, lambda: invoice(rempart, decision, asked.number, asked.finess)
                )
        except Exhausted as error:
            print(f"{error.french} Appelez l'assistance : une personne rouvre la ligne.", flush=True)
            return 1
        except Refused as error:
            print(f"{error.french} ({error.code} {error.detail})", flush=True)
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
