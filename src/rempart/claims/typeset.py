"""From facts to a PDF, with Typst: offline, with the fonts it carries, so that every machine gives the same bytes."""

import json
import unicodedata
from datetime import date
from importlib.resources import as_file, files
from typing import Any

import typst

from rempart.claims.money import Money
from rempart.foundation.clock import instant

NO_BREAK = "\N{NO-BREAK SPACE}"
# PDF/A and PDF/UA refuse a document with a letter that its fonts lack: what is not Latin is shown as a question mark.
SHOWN = frozenset(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x180)])) - {"\N{SOFT HYPHEN}"} | frozenset(
    "‘’‚“”„–—…€−•†‰‹›™ȘșȚțẞ"
)


def typeset(template: str, facts: dict[str, Any], dated: int) -> bytes:
    """A PDF/A-2a and PDF/UA-1 of a template of papers/. Facts are data, never markup; `dated` (µs) is the document's own date."""
    with as_file(files("rempart.claims").joinpath("papers")) as papers:
        pdf = typst.compile(
            papers / template,
            root=papers,
            ignore_system_fonts=True,
            sys_inputs={"facts": json.dumps(_shown(facts), ensure_ascii=False)},
            pdf_standards=["a-2a", "ua-1"],
            timestamp=instant(dated).replace(microsecond=0),
        )
    assert isinstance(pdf, bytes)
    return pdf


def _shown(fact: Any) -> Any:
    match fact:
        case str():
            return "".join(char if char in SHOWN else "?" for char in unicodedata.normalize("NFC", fact))
        case dict():
            return {key: _shown(value) for key, value in fact.items()}
        case list():
            return [_shown(value) for value in fact]
        case _:
            return fact


def french_date(day: date) -> str:
    """31/01/2026."""
    return day.strftime("%d/%m/%Y")


def french_euros(cents: int) -> str:
    """1 234,56 €, its spaces unbreakable, its minus a real one."""
    return Money(cents).french.replace(" ", NO_BREAK).replace("-", "\N{MINUS SIGN}")
