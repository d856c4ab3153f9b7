"""A document as PDF/A-2a and PDF/UA-1, with Typst: offline, with the fonts it carries. Facts are data, never markup."""

import json
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Any

import typst

from rempart.foundation.clock import SECOND
from rempart.incident.notices.blocks import Block
from rempart.incident.notices.errors import BadTemplate

# PDF/A and PDF/UA refuse a letter that the fonts lack: what is not Latin is shown as a question mark.
_SHOWN = frozenset(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x180)])) - {"\N{SOFT HYPHEN}"} | frozenset(
    "‘’‚“”„–—…€−•†‰‹›™ȘșȚțẞ≤≥→\N{NARROW NO-BREAK SPACE}"
)


def typeset(
    french: list[Block], english: list[Block], *, operator: str, reference: str, foot: str, dated: int
) -> bytes:
    """`dated` (µs) is the document's own date: the same document gives the same bytes. Raises BadTemplate."""
    facts: dict[str, Any] = {
        "title": _shown(french[0].texts[0]),
        "operator": _shown(operator),
        "reference": _shown(reference),
        "foot": _shown(foot),
        "fr": _data(french),
        "en": _data(english),
    }
    try:
        pdf = typst.compile(
            _paper(),
            ignore_system_fonts=True,
            sys_inputs={"facts": json.dumps(facts, ensure_ascii=False)},
            pdf_standards=["a-2a", "ua-1"],
            timestamp=dated // SECOND,
        )
    except RuntimeError as error:
        raise BadTemplate(f"{french[0].texts[0]}: it cannot be set: {error}") from None
    assert isinstance(pdf, bytes)
    return pdf


def _data(blocks: list[Block]) -> list[dict[str, Any]]:
    return [{"mark": block.mark.value, "texts": [_shown(text) for text in block.texts]} for block in blocks]


def _shown(text: str) -> str:
    return "".join(char if char in _SHOWN else "?" for char in unicodedata.normalize("NFC", text))


@cache
def _paper() -> bytes:
    return files("rempart.incident.notices").joinpath("papers", "notice.typ").read_bytes()
