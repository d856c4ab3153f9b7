"""What the bank says of an order: the status report (pain.002) and returned transfers (camt.054), ISO 20022.

Pure: bytes in, a `BankReport` out. The file comes from outside, so it is read as if it were hostile: its size, depth and number of
elements are bounded, and a document type, hence any entity, is refused before the parser sees it. Nothing is guessed: an unknown status,
another currency or a report that contradicts itself refuses the whole file, since a payment wrongly believed rejected would be paid twice.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import Any

from lxml import etree

from rempart.foundation.errors import BadInput

MOST_BYTES = 32 * 1024 * 1024
"""A report on 10,000 transfers is about 6 MB."""
MOST_ELEMENTS = 1_000_000
MOST_DEPTH = 32
"""The deepest element of these messages is at 14."""

_ISO = "urn:iso:std:iso:20022:tech:xsd:"
STATUS_REPORTS = frozenset({_ISO + "pain.002.001.03", _ISO + "pain.002.001.10"})
NOTIFICATIONS = frozenset({_ISO + "camt.054.001.02", _ISO + "camt.054.001.08"})
_AMOUNT = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,5}))?")


class BadReport(BadInput):
    """A bank's file that cannot be believed as it is; nothing of it was taken."""

    code = "bank-report"
    french = "Ce fichier de la banque n'est pas lisible tel quel : rien n'en a été pris. Voyez le point indiqué avec la banque."
    english = "This file of the bank cannot be read as it is: nothing of it was taken. Take the point named up with the bank."


class Fate(StrEnum):
    """What became of a transfer. Only `REJECTED` and `RETURNED` give the money back to us."""

    UNDERWAY = "underway"
    PAID = "paid"
    REJECTED = "rejected"
    RETURNED = "returned"


# ISO 20022 external code set ExternalPaymentTransactionStatus1Code. PART says nothing of a transfer it does not name.
_FATES = (
    dict.fromkeys(
        ("RCVD", "PDNG", "ACTC", "ACCP", "ACFC", "ACSP", "ACWC", "ACWP", "PATC", "PRES"), Fate.UNDERWAY
    )
    | dict.fromkeys(("ACSC", "ACCC"), Fate.PAID)
    | dict.fromkeys(("RJCT", "CANC", "BLCK"), Fate.REJECTED)
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One transfer's fate. `reason_code` is ISO's or the bank's own, "" when none; `cents` is None when the bank does not repeat it."""

    end_to_end_id: str
    fate: Fate
    reason_code: str = ""
    cents: int | None = None


@dataclass(frozen=True, slots=True)
class BankReport:
    """One file of the bank. `message_id` is the bank's own: the same file taken twice is recognised by it.

    `original_message_id` is the order's, "" in a notification of returns, which names transfers alone. `rest` and `rest_reason` hold for
    each transfer of the order that `outcomes` does not name; `rest` is None when the bank said nothing of them. `others`: entries of a
    notification that are no return of a named transfer, to be looked at by a person.
    """

    kind: str
    message_id: str
    original_message_id: str
    outcomes: tuple[Outcome, ...]
    rest: Fate | None = None
    rest_reason: str = ""
    others: int = 0


def read(data: bytes) -> BankReport:
    """A pain.002.001.03/.10 or camt.054.001.02/.08. Raises `BadReport` naming the element; no name or account is read."""
    root = _root(data)
    name = etree.QName(root)
    if name.localname != "Document" or name.namespace not in STATUS_REPORTS | NOTIFICATIONS:
        raise BadReport("neither a pain.002.001.03/.10 nor a camt.054.001.02/.08")
    message = _Element(root, str(name.namespace))
    report = _status_report(message) if name.namespace in STATUS_REPORTS else _notification(message)
    if len({outcome.end_to_end_id for outcome in report.outcomes}) != len(report.outcomes):
        raise BadReport("EndToEndId: a transfer is named twice")
    return report


# ── the status report ────────────────────────────────────────────────────────────────────────────────────────────────


def _status_report(message: "_Element") -> BankReport:
    report = message.the("CstmrPmtStsRpt")
    group = report.the("OrgnlGrpInfAndSts")
    if not group.text("OrgnlMsgNmId").startswith("pain.001"):
        raise BadReport("OrgnlMsgNmId: not a report on a pain.001")
    payments = report.all("OrgnlPmtInfAndSts")
    if len(payments) > 1:
        raise BadReport("OrgnlPmtInfAndSts: an order has one payment block, the report speaks of several")
    rest, reason = _whole(group, "GrpSts")
    outcomes: tuple[Outcome, ...] = ()
    for payment in payments:
        block, block_reason = _whole(payment, "PmtInfSts")
        rest, reason = (block, block_reason) if block else (rest, reason)
        outcomes = tuple(map(_transaction, payment.all("TxInfAndSts")))
    if rest is Fate.REJECTED and any(outcome.fate is not Fate.REJECTED for outcome in outcomes):
        raise BadReport("the order is rejected, and one of its transfers is not")
    return BankReport(
        "pain.002",
        report.text("GrpHdr/MsgId"),
        group.text("OrgnlMsgId"),
        outcomes,
        rest,
        reason if rest is Fate.REJECTED else "",
    )


def _whole(level: "_Element", element: str) -> tuple[Fate | None, str]:
    status = level.text(element, "")
    return (_fate(status) if status not in {"", "PART"} else None), _reason(level, "StsRsnInf")


def _transaction(line: "_Element") -> Outcome:
    fate = _fate(line.text("TxSts"))
    amount = line.first("OrgnlTxRef/Amt/InstdAmt")
    return Outcome(
        line.text("OrgnlEndToEndId"),
        fate,
        _reason(line, "StsRsnInf") if fate is Fate.REJECTED else "",
        None if amount is None else amount.cents(),
    )


def _fate(status: str) -> Fate:
    if status not in _FATES:
        raise BadReport("a status that is not in the table of docs/files/bank.md")
    return _FATES[status]


def _reason(element: "_Element", holder: str) -> str:
    return element.text(f"{holder}/Rsn/Cd", "") or element.text(f"{holder}/Rsn/Prtry", "")


# ── returned transfers ───────────────────────────────────────────────────────────────────────────────────────────────


def _notification(message: "_Element") -> BankReport:
    document = message.the("BkToCstmrDbtCdtNtfctn")
    outcomes, others = [], 0
    for entry in document.all("Ntfctn/Ntry"):
        details = entry.all("NtryDtls/TxDtls")
        returns = [line for line in details if _is_return(entry, line)]
        others += max(1, len(details)) - len(returns)
        outcomes += [_return(entry, line, alone=len(details) == 1) for line in returns]
    return BankReport("camt.054", document.text("GrpHdr/MsgId"), "", tuple(outcomes), others=others)


def _is_return(entry: "_Element", line: "_Element") -> bool:
    """Money booked back to us for a transfer that has a name: a pending entry may still vanish, and a debit is no return of ours."""
    booked = (entry.text("Sts/Cd", "") or entry.text("Sts", "")) == "BOOK"
    named = line.text("Refs/EndToEndId", "NOTPROVIDED") != "NOTPROVIDED"
    return booked and named and entry.text("CdtDbtInd") == "CRDT" and line.first("RtrInf") is not None


def _return(entry: "_Element", line: "_Element", *, alone: bool) -> Outcome:
    amount = line.first("Amt") or line.first("AmtDtls/TxAmt/Amt") or (entry.first("Amt") if alone else None)
    if amount is None:
        raise BadReport("TxDtls/Amt: one return among several without its own amount")
    return Outcome(line.text("Refs/EndToEndId"), Fate.RETURNED, _reason(line, "RtrInf"), amount.cents())


# ── hostile XML ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Element:
    """An element and its namespace: children are found in that namespace only."""

    node: Any
    namespace: str

    def all(self, path: str) -> "list[_Element]":
        steps = "/".join(f"{{{self.namespace}}}{name}" for name in path.split("/"))
        return [_Element(node, self.namespace) for node in self.node.iterfind(steps)]

    def first(self, path: str) -> "_Element | None":
        return next(iter(self.all(path)), None)

    def the(self, path: str) -> "_Element":
        found = self.first(path)
        if found is None:
            raise BadReport(f"{path}: missing")
        return found

    def text(self, path: str, default: str | None = None) -> str:
        found = self.first(path)
        text = "" if found is None else (found.node.text or "").strip()
        if not text and default is None:
            raise BadReport(f"{path}: missing")
        if len(text) > 35:  # Max35Text: every identifier and code of these messages
            raise BadReport(f"{path}: more than 35 characters")
        return text or (default or "")

    def cents(self) -> int:
        parts = _AMOUNT.fullmatch((self.node.text or "").strip())
        fraction = "" if parts is None else (parts[2] or "").rstrip("0")
        if parts is None or len(fraction) > 2 or self.node.get("Ccy") != "EUR":
            raise BadReport("an amount that is not in euros and whole cents")
        return int(parts[1]) * 100 + int(fraction.ljust(2, "0"))


def _root(data: bytes) -> Any:
    if len(data) > MOST_BYTES:
        raise BadReport(f"larger than {MOST_BYTES // 1024 // 1024} MiB")
    _check_plain(data)
    # The encoding is imposed: a declaration of UTF-7 or UTF-16 would make the parser read another text than the one just checked.
    events = etree.iterparse(
        BytesIO(data),
        events=("start", "end"),
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
    )
    try:
        return _bounded(events)
    except etree.XMLSyntaxError as error:
        raise BadReport(f"not XML, line {error.lineno}") from None


def _check_plain(data: bytes) -> None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadReport("not UTF-8") from None
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BadReport("a document type or an entity")


def _bounded(events: Any) -> Any:
    depth = elements = 0
    for event, _ in events:
        depth += 1 if event == "start" else -1
        elements += event == "start"
        if depth > MOST_DEPTH:
            raise BadReport(f"deeper than {MOST_DEPTH} elements")
        if elements > MOST_ELEMENTS:
            raise BadReport(f"more than {MOST_ELEMENTS} elements")
    return events.root
