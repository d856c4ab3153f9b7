"""The rules a line must keep, as column expressions: true where the line passes. One table, read twice.

All rules together give the lines that pass, in one go over a chunk; only for lines that do not pass, each rule is asked for itself, so
that every field in error is told. docs/files/members.md says the same in words.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import polars as pl

from rempart.foundation.vocabulary import Domain

_OLDEST = date(1880, 1, 1)
_DATE = r"^[12][0-9]{3}-[01][0-9]-[0-3][0-9]$"
_NIR = (
    r"^[1-8][0-9]{2}(?:0[1-9]|1[0-2]|[23][0-9]|4[0-2]|[5-9][0-9])(?:0[1-9]|[1-9][0-9]|2A|2B)[0-9]{6}[0-9]{2}$"
)
# A name is Latin, as in the French civil registry: letters with their diacritics, spaces, apostrophes, hyphens, full stops. The ranges are
# written out because \p{L} costs ten times as much.
_LETTER = "A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ"
_NAME = rf"^[{_LETTER}][{_LETTER}\u0300-\u036f'’ .\-]*$"
_REFERENCE = r"^[0-9A-Za-z][0-9A-Za-z ./_\-]*$"
SERIAL = "[1-9][0-9]{0,8}"
"""A card's serial."""
_EXCEPTION = re.compile(rf"(?:{'|'.join(Domain)}):(?:-|{_DATE[1:-1]}(?:/{_DATE[1:-1]})?)")


@dataclass(frozen=True, slots=True)
class Terms:
    """By what a file is judged: its insurer, the insurer's products, the day, and which identities the platform takes."""

    amc: str
    products: frozenset[str]
    today: date
    synthetic_only: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """`passes` is true where the line keeps the rule; `code`, on a line that does not, says how it fails."""

    field: str
    passes: pl.Expr
    code: pl.Expr


DATE_FIELDS = ("birth_date", "valid_from", "valid_to", "suspended_from")


def with_days(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines with a column `<field>_day` for each date: the date, or null where the text is none. Rules are asked of such lines."""
    return lines.with_columns([_day(field).alias(f"{field}_day") for field in DATE_FIELDS])


def rules_of(terms: Terms, columns: Collection[str] = ()) -> list[Rule]:
    """The rules of a line that says a contract. `columns`: of the header; an optional one that it lacks is not asked for."""
    birth, start, end, suspended = (pl.col(f"{field}_day") for field in DATE_FIELDS)
    today = pl.lit(terms.today)
    reason = pl.col("suspended_reason")
    nir, reference = pl.col("nir"), pl.col("member_ref")
    return [
        Rule("amc", pl.col("amc") == terms.amc, pl.lit("amc-differs")),
        _text("adherent", _REFERENCE, 20),
        _text("member_ref", _REFERENCE, 32),
        Rule(
            "member_ref",
            (nir == "") | ((reference != nir) & (reference != nir.str.slice(0, 13))),
            pl.lit("reference-is-nir"),
        ),
        Rule("nir", (nir != "") | (pl.col("nir_attached") != ""), pl.lit("nir-missing")),
        Rule("nir", (nir == "") | form_holds(nir), pl.lit("nir-form")),
        Rule("nir", (nir == "") | key_holds(nir), pl.lit("nir-key")),
        Rule("nir", (nir == "") | _is_admitted(nir, terms), _admission_code(terms)),
        Rule("birth_date", _is_date("birth_date", birth), _date_code("birth_date")),
        Rule("birth_date", birth.is_null() | ((birth >= _OLDEST) & (birth <= today)), pl.lit("date-range")),
        Rule("birth_rank", pl.col("birth_rank").str.contains("^[1-9]$"), _shape_code("birth_rank", 1)),
        _text("family_name", _NAME, 80),
        _text("first_name", _NAME, 80),
        _text("contract", _REFERENCE, 30),
        Rule("product", pl.col("product").is_in(sorted(terms.products)), pl.lit("product-unknown")),
        Rule("valid_from", _is_date("valid_from", start), _date_code("valid_from")),
        Rule("valid_to", (pl.col("valid_to") == "") | _is_date("valid_to", end), pl.lit("date")),
        Rule("valid_to", (end >= start).fill_null(value=True), pl.lit("period")),
        Rule("responsible", pl.col("responsible").is_in(["0", "1"]), _shape_code("responsible", 1)),
        Rule(
            "suspended_from",
            (pl.col("suspended_from") == "") | _is_date("suspended_from", suspended),
            pl.lit("date"),
        ),
        Rule("suspended_reason", reason.is_in(["", "non-payment", "fraud", "other"]), pl.lit("suspension")),
        Rule("suspended_reason", (reason == "") == (pl.col("suspended_from") == ""), pl.lit("suspension")),
        *(rule for rule in _OPTIONAL if rule.field in columns),
    ]


# A few lines only fill these fields: they are asked of those lines alone.
def refused_attached(attached: Collection[str], terms: Terms) -> dict[str, str]:
    """Of the distinct values of `nir_attached`, those that are refused, each with its code."""
    parts = [part for text in attached for part in text.split(" ")]
    frame = pl.DataFrame({"nir": parts}, schema={"nir": pl.String}).unique()
    nir = pl.col("nir")
    judged = frame.select(
        nir,
        pl.when(~form_holds(nir))
        .then(pl.lit("nir-form"))
        .when(~key_holds(nir))
        .then(pl.lit("nir-key"))
        .when(~_is_admitted(nir, terms))
        .then(_admission_code(terms))
        .alias("code"),
    ).drop_nulls("code")
    bad: dict[str, str] = dict(judged.iter_rows())
    refused: dict[str, str] = {}
    for text in attached:
        mine = text.split(" ")
        codes = [bad[part] for part in mine if part in bad]
        if codes:
            refused[text] = codes[0]
        elif len(mine) > 2:
            refused[text] = "format"
    return refused


def refused_domains(written: Collection[str]) -> set[str]:
    """Of the distinct values of `domains`, those that are refused."""
    return {text for text in written if not _domains_hold(text)}


def form_holds(nir: pl.Expr) -> pl.Expr:
    """Has the NIR the form that foundation.identifiers.check_nir asks for?"""
    return nir.str.contains(_NIR)


def key_holds(nir: pl.Expr) -> pl.Expr:
    """The NIR's key, as foundation.identifiers.nir_key computes it, with integers; true where the form does not even hold."""
    department = nir.str.slice(5, 2)
    number = (
        pl.concat_str(
            nir.str.slice(0, 5),
            pl.when(department == "2A").then(pl.lit("19")).when(department == "2B").then(pl.lit("18")).otherwise(department),
            nir.str.slice(7, 6),
        )
        .cast(pl.Int64, strict=False)
    )  # fmt: skip
    key = nir.str.slice(13, 2).cast(pl.Int64, strict=False)
    return (97 - number % 97 == key).fill_null(value=True)


def _is_admitted(nir: pl.Expr, terms: Terms) -> pl.Expr:
    synthetic = nir.str.slice(10, 3) == "000"
    return synthetic if terms.synthetic_only else ~synthetic


def _admission_code(terms: Terms) -> pl.Expr:
    return pl.lit("nir-not-synthetic" if terms.synthetic_only else "nir-synthetic")


def _text(field: str, pattern: str, longest: int) -> Rule:
    column = pl.col(field)
    return Rule(
        field, column.str.contains(pattern) & (column.str.len_chars() <= longest), _shape_code(field, longest)
    )


def _shape_code(field: str, longest: int) -> pl.Expr:
    column = pl.col(field)
    return (
        pl.when(column == "").then(pl.lit("missing"))
        .when(column.str.len_chars() > longest).then(pl.lit("too-long"))
        .otherwise(pl.lit("format"))
    )  # fmt: skip


def _day(field: str) -> pl.Expr:
    return pl.col(field).str.to_date("%Y-%m-%d", strict=False)


def _is_date(field: str, day: pl.Expr) -> pl.Expr:
    # The form too: a lenient parser reads 2026-1-5.
    return day.is_not_null() & pl.col(field).str.contains(_DATE)


def _date_code(field: str) -> pl.Expr:
    return pl.when(pl.col(field) == "").then(pl.lit("missing")).otherwise(pl.lit("date"))


def _domains_hold(text: str) -> bool:
    seen = set()
    for exception in text.split(" "):
        if _EXCEPTION.fullmatch(exception) is None:
            return False
        domain, _, when = exception.partition(":")
        if domain in seen or not _dates_hold(when):
            return False
        seen.add(domain)
    return True


def _dates_hold(when: str) -> bool:
    if when == "-":
        return True
    try:
        days = [date.fromisoformat(day) for day in when.split("/")]
    except ValueError:
        return False
    return days == sorted(days)


_OPTIONAL = (
    Rule("card", pl.col("card").str.contains(f"^(?:{SERIAL})?$"), pl.lit("serial")),
    Rule("canary", pl.col("canary").is_in(["", "0", "1"]), pl.lit("format")),
)
