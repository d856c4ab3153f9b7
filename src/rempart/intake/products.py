"""The products' file: small, and all or nothing."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rempart.foundation.vocabulary import Domain
from rempart.intake.lines import Chunk
from rempart.intake.model import Reject

BASES = {
    "base-including-amo": "percent",
    "base-on-top-of-amo": "percent",
    "amo-share": "percent",
    "amount-including-amo": "amount_cents",
    "amount-on-top-of-amo": "amount_cents",
    "real-cost": "",
    "none": "",
}
"""Each basis and the number it needs."""
MOST_LINES = 2_000 * len(Domain)
"""Lines at most: 2,000 products."""
_REFERENCE = re.compile(r"[0-9A-Za-z][0-9A-Za-z ./_-]{0,29}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,7}")


@dataclass(frozen=True, slots=True)
class Product:
    """A product and its grid: `{"DOMAIN": {"formula", "prise_en_charge", "rate_basis", "percent", "amount_cents", "per"}}`."""

    reference: str
    label: str
    grid: dict[str, dict[str, object]]


def read_products(
    chunks: Iterable[Chunk], columns: list[str], amc: str
) -> tuple[list[Product], list[Reject]]:
    """Products and rejects; when there is any reject, the file is to be refused whole."""
    products: dict[str, Product] = {}
    rejects: list[Reject] = []
    for number, raw in _lines(chunks):
        if number - 1 > MOST_LINES:
            rejects.append(Reject(number, "", "too-long"))
            break
        try:
            values = raw.decode().split(";")
        except UnicodeDecodeError:
            rejects.append(Reject(number, "", "line-text"))
            continue
        if len(values) != len(columns) or raw.endswith(b"\r"):
            rejects.append(Reject(number, "", "line-form"))
            continue
        line = dict(zip(columns, values, strict=True))
        found = [Reject(number, field, code) for field, code in _judge(line, amc)]
        product = products.setdefault(line["product"], Product(line["product"], line["label"], {}))
        if product.label != line["label"]:
            found.append(Reject(number, "label", "label-differs"))
        if line["domain"] in product.grid:
            found.append(Reject(number, "domain", "repeated"))
        rejects += found
        if not found:
            product.grid[line["domain"]] = _cell(line)
    return list(products.values()), rejects


def _lines(chunks: Iterable[Chunk]) -> Iterable[tuple[int, bytes]]:
    for chunk in chunks:
        yield from enumerate(chunk.data.split(b"\n")[:-1], start=chunk.first_line)


def _judge(line: dict[str, str], amc: str) -> Iterable[tuple[str, str]]:
    if line["amc"] != amc:
        yield "amc", "amc-differs"
    if _REFERENCE.fullmatch(line["product"]) is None:
        yield "product", "format"
    for field, longest in (("label", 80), ("formula", 120)):
        text = line[field]
        if not text:
            yield field, "missing"
        elif len(text) > longest:
            yield field, "too-long"
        elif not text.isprintable() or '"' in text:
            yield field, "format"
    if line["domain"] not in Domain.__members__:
        yield "domain", "format"
    if line["per"] not in {"", "act", "day", "year"}:
        yield "per", "format"
    if line["prise_en_charge"] not in {"0", "1"}:
        yield "prise_en_charge", "format"
    yield from _judge_basis(line)


def _judge_basis(line: dict[str, str]) -> Iterable[tuple[str, str]]:
    if line["rate_basis"] not in BASES:
        yield "rate_basis", "format"
        return
    needed = BASES[line["rate_basis"]]
    for field in ("percent", "amount_cents"):
        if bool(line[field]) != (field == needed):
            yield field, "basis"
        elif line[field] and _NUMBER.fullmatch(line[field]) is None:
            yield field, "number"


def _cell(line: dict[str, str]) -> dict[str, object]:
    return {
        "rate_basis": line["rate_basis"],
        "percent": int(line["percent"]) if line["percent"] else None,
        "amount_cents": int(line["amount_cents"]) if line["amount_cents"] else None,
        "per": line["per"],
        "formula": line["formula"],
        "prise_en_charge": line["prise_en_charge"] == "1",
    }
