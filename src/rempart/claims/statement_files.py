"""The statement of a payment as files: CSV for a spreadsheet, PDF (A4, French, PDF/A-2a and PDF/UA-1) for people and archives.

Pure: the same `Statement` gives the same bytes, whatever order its lines came in. Neither file is written unless the lines sum to the
amount of the transfer, to the cent.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from io import StringIO
from itertools import groupby
from typing import Any, Literal

from rempart.claims.money import Money
from rempart.claims.typeset import french_date, french_euros, typeset
from rempart.foundation.clock import paris_date
from rempart.foundation.errors import Outage

KINDS = {"invoice": "Facture", "cancellation": "Annulation", "indu": "Indu récupéré"}
COLUMNS = (
    "Relevé", "Référence du virement", "Date d'exécution", "Facture", "Date de soins", "N° AMC", "Organisme", "N° d'engagement",
    "Nature", "Libellé", "Montant (EUR)",
)  # fmt: skip


class StatementUnbalanced(Outage):
    """The lines do not make the sum that was paid: a fault of ours, and nobody is shown a statement that contradicts the bank."""

    code = "statement-unbalanced"
    french = "Ce relevé n'est pas disponible : l'opérateur le vérifie. Votre virement n'est pas en cause."
    english = "This statement is not available: the operator is checking it. Your transfer is not affected."


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One invoice's part of a payment, signed cents: an invoice adds, a cancellation or an indu takes away. `amc`: the n° AMC."""

    invoice: str
    care_date: date
    amc: str
    insurer: str
    engagement: str
    kind: Literal["invoice", "cancellation", "indu"]
    cents: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """One payment. `issued` µs; `reference`: the end to end identifier, as the bank prints it; `cents`: what was ordered.

    `cents` 0: an indu took everything, there is no transfer and `execution` is the day of the run. `rejection`: the bank's reason, a
    sentence, when it sent the transfer back.
    """

    number: str
    issued: int
    operator: str
    establishment: str
    finess: str
    town: str
    reference: str
    execution: date
    rib_since: date
    lines: tuple[StatementLine, ...]
    cents: int
    rejection: str = ""


def check(statement: Statement) -> None:
    """Raises `StatementUnbalanced` unless there are lines, each of the sign of its kind, and they sum to a payment that can exist."""
    total = sum(line.cents for line in statement.lines)
    if not statement.lines or total != statement.cents or total < 0:
        raise StatementUnbalanced("the lines do not sum to the payment")
    if any((line.kind == "invoice") != (line.cents > 0) for line in statement.lines):
        raise StatementUnbalanced("a line has not the sign of its kind")


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def as_csv(statement: Statement) -> bytes:
    """One row a line, as a French spreadsheet opens it: UTF-8 with its mark, `;`, decimal comma, CRLF. Raises `StatementUnbalanced`.

    The last column sums to the transfer. A text that a spreadsheet would take for a formula is preceded by an apostrophe (OWASP).
    """
    check(statement)
    sheet = StringIO()
    writer = csv.writer(sheet, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(statement, line) for line in _ordered(statement.lines))
    return sheet.getvalue().encode("utf-8-sig")


def _row(statement: Statement, line: StatementLine) -> list[str]:
    texts = (
        statement.number, statement.reference, french_date(statement.execution), line.invoice, french_date(line.care_date), line.amc,
        line.insurer, line.engagement, KINDS[line.kind], line.label,
    )  # fmt: skip
    return [*map(_inert, texts), str(Money(line.cents)).replace(".", ",")]


def _inert(text: str) -> str:
    one_line = " ".join(text.split())
    return "'" + one_line if one_line[:1] in tuple("=+-@|%＝＋－＠") else one_line


# ── PDF ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def as_pdf(statement: Statement) -> bytes:
    """The statement to read and keep: grouped by insurer with subtotals, headings on each page. Raises `StatementUnbalanced`."""
    check(statement)
    return typeset("statement.typ", statement_facts(statement), statement.issued)


def statement_facts(statement: Statement) -> dict[str, Any]:
    """What the template shows, already in French: it adds nothing up."""
    insurers = [
        _insurer(list(lines)) for _, lines in groupby(_ordered(statement.lines), key=lambda line: line.amc)
    ]
    return {
        "number": statement.number,
        "operator": statement.operator,
        "issued": french_date(paris_date(statement.issued)),
        "establishment": statement.establishment,
        "finess": statement.finess,
        "town": statement.town,
        "reference": statement.reference,
        "execution": french_date(statement.execution),
        "rib_since": french_date(statement.rib_since),
        "rejection": statement.rejection,
        "transfer": statement.cents > 0,
        "total": french_euros(statement.cents),
        "count": len(statement.lines),
        "taken": french_euros(sum(line.cents for line in statement.lines if line.cents < 0)),
        "any_taken": any(line.cents < 0 for line in statement.lines),
        "insurers": insurers,
    }


def _insurer(lines: list[StatementLine]) -> dict[str, Any]:
    return {
        "amc": lines[0].amc,
        "name": lines[0].insurer,
        "count": len(lines),
        "total": french_euros(sum(line.cents for line in lines)),
        "lines": [
            {
                "invoice": line.invoice,
                "care_date": french_date(line.care_date),
                "engagement": line.engagement,
                "kind": KINDS[line.kind],
                "label": line.label,
                "amount": french_euros(line.cents),
                "taken": line.cents < 0,
            }
            for line in lines
        ],
    }


def _ordered(lines: Iterable[StatementLine]) -> list[StatementLine]:
    """The canonical order: by insurer, care date, invoice; an invoice before what corrects it."""
    return sorted(
        lines,
        key=lambda line: (
            line.amc,
            line.care_date,
            line.invoice,
            -line.cents,
            line.kind,
            line.engagement,
            line.label,
        ),
    )
