"""One card as a PDF, with Typst: offline, with the fonts it carries. Facts are data, never markup; nothing touches the disk."""

import json
import struct
import unicodedata
import zlib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import typst
import zxingcpp

from rempart.foundation.clock import SECOND
from rempart.foundation.errors import Outage
from rempart.intake.cards import CardOrder
from rempart.vaultdoor.card_text import CardText, write_card_text

_SCALE = 12
"""Pixels of a module, so that a printer at 600 dpi finds sharp edges."""
_QR_SCALE = 6
"""Of a code of some hundred modules a side: a phone shows it sharply, and it is no heavier than the PDF of a card."""
# PDF/A and PDF/UA refuse a letter that the fonts lack. What the file says was checked for that; an insurer's name was not.
_SHOWN = frozenset(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x250)])) | frozenset("‘’“”–—…€")


class CardNotMade(Outage):
    """The paper of a card cannot be set."""

    code = "card-paper"
    french = "Une carte n'a pas pu être composée ; la demande sera reprise."
    english = "A card could not be typeset; the request will be tried again."


def typeset(order: CardOrder, card: CardText, insurer: str, dated: int) -> bytes:
    """A PDF/A-2a and PDF/UA-1. `dated` (µs) is the document's own date. Raises CardNotMade, which repeats nothing of the card."""
    facts: dict[str, Any] = {
        "insurer": "".join(c if c in _SHOWN else "?" for c in unicodedata.normalize("NFC", insurer)),
        "amc": card.amc,
        "convention": order.convention,
        "csr": order.csr,
        "adherent": order.adherent,
        "validity": _validity(order.valid_from, order.valid_to),
        "beneficiary": unicodedata.normalize("NFC", order.beneficiary),
        "birth_date": _french(card.birth_date),
        "rank": str(card.rank),
        "responsible": order.responsible,
        "guarantees": order.guarantees,
        "symbol": list(symbol(write_card_text(card))),
    }
    try:
        pdf = typst.compile(
            _template(),
            ignore_system_fonts=True,
            sys_inputs={"facts": json.dumps(facts, ensure_ascii=False)},
            pdf_standards=["a-2a", "ua-1"],
            timestamp=dated // SECOND,
        )
    except RuntimeError as error:
        raise CardNotMade(type(error).__name__) from None
    assert isinstance(pdf, bytes)
    return pdf


def symbol(text: str) -> bytes:
    """A square DataMatrix (ISO/IEC 16022, ECC 200) as a black and white PNG, quiet zone included."""
    return _png(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix, force_square=True), _SCALE)


def qr_code(digits: str) -> bytes:
    """A QR code (ISO/IEC 18004) of digits alone, as a black and white PNG, quiet zone included."""
    return _png(zxingcpp.create_barcode(digits, zxingcpp.BarcodeFormat.QRCode, ec_level="L"), _QR_SCALE)


def _png(barcode: zxingcpp.Barcode, scale: int) -> bytes:
    image: Any = zxingcpp.write_barcode_to_image(barcode, scale=scale)
    pixels = memoryview(image)
    assert pixels.shape is not None
    height, width = pixels.shape
    grey = pixels.tobytes()
    # Each row after its filter byte (none).
    rows = b"".join(b"\0" + grey[start : start + width] for start in range(0, height * width, width))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


@cache
def _template() -> bytes:
    return files("rempart.sealer").joinpath("papers", "card.typ").read_bytes()


def _validity(start: date, end: date | None) -> str:
    return f"du {_french(start)} au {_french(end)}" if end else f"à partir du {_french(start)}"


def _french(day: date) -> str:
    return day.strftime("%d/%m/%Y")
