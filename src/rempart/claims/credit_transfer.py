"""The bank order: a SEPA credit transfer file, ISO 20022 pain.001.001.09, one debtor, one payment block.

Pure: the same `CreditTransferFile` gives the same bytes, so a settlement run killed and resumed hands the bank the same file. No order
leaves `write` unless it is valid against the ISO schema (schemas/pain.001.001.09.xsd) and the stricter SEPA rules below (EPC132-08).
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files

from lxml import etree

from rempart.foundation.clock import PARIS
from rempart.foundation.errors import BadInput
from rempart.foundation.identifiers import BadIban, check_iban

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
MOST_CENTS = 99_999_999_999
"""A SEPA transfer is at most 999 999 999.99 €."""
NAME_LENGTH, REMITTANCE_LENGTH = 70, 140

# EPC217-08: the Latin set every bank of the scheme carries; a reference neither starts nor ends with a slash, nor doubles it.
_LATIN = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]*")
_REFERENCE = re.compile(r"(?!/)(?!.*//)[A-Za-z0-9/\-?:().,'+ ]{1,35}(?<![/ ])")
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
# Scheme countries (EPC409-09, 2025): a transfer elsewhere is not a SEPA one, and the bank would reject the line.
_COUNTRIES = "AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS SE SI SK SM VA"
SEPA_COUNTRIES = frozenset(_COUNTRIES.split(" "))
# Letters that do not decompose into a base and an accent, and the signs for which EPC217-08 proposes a stand-in.
_STAND_INS = str.maketrans(
    {
        "œ": "oe",
        "Œ": "OE",
        "æ": "ae",
        "Æ": "AE",
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ð": "d",
        "þ": "th",
    }
    | {
        "’": "'",
        "‘": "'",
        "`": "'",
        "´": "'",
        "&": "+",
        "€": "E",
        "_": "-",
        "~": "-",
        "–": "-",
        "—": "-",
        ";": ",",
        "|": "/",
        "\\": "/",
    }
    | {"[": "(", "{": "(", "]": ")", "}": ")", "\t": " ", "\n": " "}
)


class BadOrder(BadInput):
    """A credit transfer that no bank would take; nothing was written."""

    code = "bank-order"
    french = "L'ordre de virement n'est pas valable : rien n'a été écrit. Corrigez le point indiqué, puis relancez le règlement."
    english = "The transfer order is not valid: nothing was written. Correct the point named, then run the settlement again."


@dataclass(frozen=True, slots=True)
class Transfer:
    """One creditor paid. `end_to_end_id` travels to the creditor's statement unchanged and comes back in the bank's reports."""

    end_to_end_id: str
    cents: int
    creditor_name: str
    creditor_iban: str = field(repr=False)
    remittance: str


@dataclass(frozen=True, slots=True)
class CreditTransferFile:
    """One order. `message_id` is unique for ever at the debtor's bank; `created` is aware; `requested_date` is the day of the debit."""

    message_id: str
    created: datetime
    requested_date: date
    debtor_name: str
    debtor_iban: str = field(repr=False)
    debtor_bic: str | None
    transfers: tuple[Transfer, ...]

    @property
    def cents(self) -> int:
        """The control sum."""
        return sum(transfer.cents for transfer in self.transfers)


def write(file: CreditTransferFile) -> bytes:
    """The order as the bank takes it: UTF-8 XML, deterministic, valid. Raises `BadOrder` naming the line and the field, never a value."""
    check(file)
    order = bytes(etree.tostring(_document(file), xml_declaration=True, encoding="UTF-8"))
    check_schema(
        order
    )  # the bytes themselves, not the tree they came from: what was checked is what is handed over
    return order


def check_schema(order: bytes) -> None:
    """Raises `BadOrder` unless the bytes are a valid pain.001.001.09."""
    try:
        document = etree.fromstring(
            order, etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True)
        )
    except etree.XMLSyntaxError:
        raise BadOrder("not XML") from None
    schema = _schema()
    if not schema.validate(document):
        # The log quotes values; the element's path is enough to find the field.
        raise BadOrder(f"against the ISO 20022 schema: {schema.error_log.last_error.path}")


def latin(text: str, length: int) -> str:
    """A name or label in the SEPA character set, cut to `length`: accents dropped, œ as oe, & as +, anything else as a dot (EPC217-08)."""
    plain = unicodedata.normalize("NFKD", text.translate(_STAND_INS))
    base = (char for char in plain if not unicodedata.combining(char))
    kept = "".join(char if _LATIN.fullmatch(char) else "." for char in base)
    return " ".join(kept.split())[:length].strip()


def euros(cents: int) -> str:
    """Cents as ISO 20022 writes them: 123456 is 1234.56."""
    return f"{cents // 100}.{cents % 100:02d}"


# ── what SEPA asks beyond the schema ─────────────────────────────────────────────────────────────────────────────────


def check(file: CreditTransferFile) -> None:
    """Raises `BadOrder` unless every field is one a SEPA bank accepts, and no end to end identifier serves twice."""
    if not file.transfers:
        raise BadOrder("no transfer")
    _check_reference(file.message_id, "message_id")
    _check_dates(file)
    _check_name(file.debtor_name, "debtor_name")
    _check_account(file.debtor_iban, "debtor_iban")
    if file.debtor_bic is not None and not _BIC.fullmatch(file.debtor_bic):
        raise BadOrder("debtor_bic: a BIC of 8 or 11 characters")
    for number, transfer in enumerate(file.transfers, 1):
        check_transfer(transfer, f"transfer {number}")
    if len({transfer.end_to_end_id for transfer in file.transfers}) != len(file.transfers):
        raise BadOrder("end_to_end_id: the same one twice")


def _check_dates(file: CreditTransferFile) -> None:
    if file.created.utcoffset() is None:
        raise BadOrder("created: an instant with its zone")
    if file.requested_date < file.created.astimezone(PARIS).date():
        raise BadOrder("requested_date: before the day of the order")


def check_transfer(transfer: Transfer, where: str) -> None:
    """One transfer that a SEPA bank takes. Raises `BadOrder` naming `where` and the field."""
    _check_reference(transfer.end_to_end_id, f"{where}, end_to_end_id")
    if not 1 <= transfer.cents <= MOST_CENTS:
        raise BadOrder(f"{where}, cents: from 1 to {MOST_CENTS}")
    _check_name(transfer.creditor_name, f"{where}, creditor_name")
    _check_account(transfer.creditor_iban, f"{where}, creditor_iban")
    if len(transfer.remittance) > REMITTANCE_LENGTH or not latin(transfer.remittance, REMITTANCE_LENGTH):
        raise BadOrder(f"{where}, remittance: from 1 to {REMITTANCE_LENGTH} characters")


def _check_reference(text: str, where: str) -> None:
    # Never transliterated or cut: what comes back in a report must be what was sent.
    if not _REFERENCE.fullmatch(text):
        raise BadOrder(f"{where}: 1 to 35 characters of the SEPA set, no slash at an end, none doubled")


def _check_name(text: str, where: str) -> None:
    if not any(char.isalnum() for char in latin(text, NAME_LENGTH)):
        raise BadOrder(f"{where}: nothing is left of it in Latin letters")


def _check_account(text: str, where: str) -> None:
    try:
        compact = check_iban(text)
    except BadIban:
        raise BadOrder(f"{where}: not an IBAN") from None
    if compact[:2] not in SEPA_COUNTRIES:
        raise BadOrder(f"{where}: a country outside SEPA")


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _document(file: CreditTransferFile) -> etree._Element:
    document = etree.Element(f"{{{NAMESPACE}}}Document", nsmap={None: NAMESPACE})
    order = _add(document, "CstmrCdtTrfInitn")
    _header(order, file)
    block = _add(order, "PmtInf")
    _payment(block, file)
    for transfer in file.transfers:
        _transfer(block, transfer)
    return document


def _header(order: etree._Element, file: CreditTransferFile) -> None:
    header = _add(order, "GrpHdr")
    _add(header, "MsgId", file.message_id)
    _add(header, "CreDtTm", file.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    _add_totals(header, file)
    _add(header, "InitgPty/Nm", latin(file.debtor_name, NAME_LENGTH))


def _payment(block: etree._Element, file: CreditTransferFile) -> None:
    # One block, so its identifier may be the message's: a report that speaks of either speaks of the whole order.
    _add(block, "PmtInfId", file.message_id)
    _add(block, "PmtMtd", "TRF")
    _add(block, "BtchBookg", "true")  # one debit on the operator's account, equal to the journal's entry
    _add_totals(block, file)
    _add(block, "PmtTpInf/SvcLvl/Cd", "SEPA")
    _add(block, "ReqdExctnDt/Dt", file.requested_date.isoformat())
    _add(block, "Dbtr/Nm", latin(file.debtor_name, NAME_LENGTH))
    _add(block, "DbtrAcct/Id/IBAN", check_iban(file.debtor_iban))
    agent = _add(block, "DbtrAgt/FinInstnId")
    if file.debtor_bic is None:
        _add(agent, "Othr/Id", "NOTPROVIDED")
    else:
        _add(agent, "BICFI", file.debtor_bic)
    _add(block, "ChrgBr", "SLEV")


def _transfer(block: etree._Element, transfer: Transfer) -> None:
    line = _add(block, "CdtTrfTxInf")
    _add(line, "PmtId/EndToEndId", transfer.end_to_end_id)
    _add(line, "Amt/InstdAmt", euros(transfer.cents)).set("Ccy", "EUR")
    _add(line, "Cdtr/Nm", latin(transfer.creditor_name, NAME_LENGTH))
    _add(line, "CdtrAcct/Id/IBAN", check_iban(transfer.creditor_iban))
    _add(line, "RmtInf/Ustrd", latin(transfer.remittance, REMITTANCE_LENGTH))


def _add_totals(parent: etree._Element, file: CreditTransferFile) -> None:
    _add(parent, "NbOfTxs", str(len(file.transfers)))
    _add(parent, "CtrlSum", euros(file.cents))


def _add(parent: etree._Element, path: str, text: str | None = None) -> etree._Element:
    for name in path.split("/"):
        parent = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    parent.text = text
    return parent


@cache
def _schema() -> etree.XMLSchema:
    source = files("rempart.claims").joinpath("schemas/pain.001.001.09.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(source))
