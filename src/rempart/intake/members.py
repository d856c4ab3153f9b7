"""Members' lines: a chunk in, people and rejects out.

A line that breaks a rule is rejected; in a full file the person's other lines stand, because one contract in error must not take away
the right that another opens. In a delta the person is left as he was instead: replacing his lines by some of them would.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from rempart.foundation.vocabulary import Domain
from rempart.intake.checks import Rule, Terms, refused_attached, refused_domains, rules_of, with_days
from rempart.intake.lines import Chunk
from rempart.intake.model import DELTA_COLUMNS, MEMBER_COLUMNS, MEMBER_OPTIONAL, Reject

CONTRACT_COLUMNS = (
    "product",
    "valid_from",
    "valid_to",
    "responsible",
    "suspended_from",
    "suspended_reason",
    "domains",
    "canary",
)
_PERSON_COLUMNS = ("adherent", "nir", "nir_attached", "birth_date", "birth_rank", *MEMBER_OPTIONAL)
CONTRACT_END = "\n"
"""Between the contracts of one person in `People.contracts`."""
_REASONS = {"": 0, "non-payment": 1, "fraud": 2, "other": 3}
_NOTHING = pl.lit("")


class Departure(NamedTuple):
    """A domain that departs from the product: dates as proleptic ordinals, 0 for none; `opens` -1: not covered."""

    domain: int
    opens: int
    waits_until: int


class ContractTerms(NamedTuple):
    """What a contract says, apart from its number. Dates as proleptic ordinals, 0 for none."""

    product: str
    valid_from: int
    valid_to: int
    responsible: bool
    suspended_from: int
    suspended_reason: int
    departures: tuple[Departure, ...]
    canary: bool
    """Of the person: said with each contract, so that it is sealed with them and told nowhere else."""


@dataclass(frozen=True, slots=True)
class People:
    """The people of one chunk, one entry each in every list."""

    frame: pl.DataFrame
    """line (the person's first in the file), member_ref, adherent, nir, nir_attached, birth_date, birth_rank, card (serial or ""), canary,
    contracts."""
    leaving: pl.DataFrame
    """line, member_ref: who is to be removed first. In a delta: everybody it speaks of."""
    known_to_leave: frozenset[int] = field(default_factory=frozenset)
    """Lines of D actions: their person should have been known."""
    rejects: list[Reject] = field(default_factory=list)
    rejected_lines: int = 0


def read_members(chunk: Chunk, columns: list[str], terms: Terms, rules: list[Rule] | None = None) -> People:
    """Check every line of a chunk. `rules` may be given, made once by `rules_of(terms, columns)` for a whole file."""
    lines, rejects = _parse(chunk, columns)
    delta = "action" in columns
    begins = (pl.col("member_ref") != pl.col("member_ref").shift()).fill_null(value=True)
    lines = lines.with_columns(
        person=begins.cum_sum(), person_line=pl.when(begins).then(pl.col("line")).forward_fill()
    )
    rules = rules or rules_of(terms, columns)
    passes = _leaving_rules(rules) if delta else rules
    bad = _judge(lines, passes, terms, rejects)
    good = lines.filter(~pl.col("line").is_in(bad)) if bad else lines
    leaving = lines.clear().select(line="person_line", member_ref="member_ref")
    known: frozenset[int] = frozenset()
    if delta:
        good, leaving, known = _split_delta(lines, good, bad, rejects)
    alive = good.filter((pl.col("valid_to") == "") | (pl.col("valid_to") >= terms.today.isoformat()))
    rejected = {reject.line for reject in rejects}
    return People(_join_contracts(alive), leaving, known, sorted(rejects), len(rejected))


def read_contract(written: str) -> ContractTerms:
    """The terms of one contract that passed the rules, from `People.contracts`."""
    product, start, end, responsible, suspended, reason, domains, canary = written.split(";")
    return ContractTerms(
        product,
        _ordinal(start),
        _ordinal(end),
        responsible == "1",
        _ordinal(suspended),
        _REASONS[reason],
        tuple(_departure(exception) for exception in domains.split(" ") if exception),
        canary == "1",
    )


def _departure(exception: str) -> Departure:
    domain, _, when = exception.partition(":")
    if when == "-":
        return Departure(Domain(domain).code, -1, 0)
    opens, _, waits = when.partition("/")
    return Departure(Domain(domain).code, _ordinal(opens), _ordinal(waits))


def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal() if day else 0


def _parse(chunk: Chunk, columns: list[str]) -> tuple[pl.DataFrame, list[Reject]]:
    data = chunk.data
    rejects: list[Reject] = []
    numbers: list[int] | None = None
    # Longer lines make the parser raise; if none is longer and the separators add up, none is shorter.
    whole = (
        data.count(b";") == chunk.lines * (len(columns) - 1)
        and b"\r" not in data
        and b"\n\n" not in data
        and data[:1] != b"\n"
    )
    frame = _read_csv(data, columns) if whole else None
    if frame is None or frame.height != chunk.lines:
        data, numbers, rejects = _sort_out(chunk, len(columns))
        frame = _read_csv(data, columns)
        assert frame is not None
    if numbers is None:
        frame = frame.with_row_index("line", chunk.first_line)
    else:
        frame = frame.with_columns(pl.Series("line", numbers, dtype=pl.UInt32))
    absent = [_NOTHING.alias(column) for column in MEMBER_OPTIONAL if column not in columns]
    return frame.with_columns(pl.col("line").cast(pl.Int32), *absent), rejects


def _read_csv(data: bytes, columns: list[str]) -> pl.DataFrame | None:
    try:
        return pl.read_csv(
            data,
            has_header=False,
            separator=";",
            quote_char=None,
            schema=dict.fromkeys(columns, pl.String),
            empty_string_is_null=False,
            raise_if_empty=False,
        )
    except pl.exceptions.PolarsError:
        return None


def _sort_out(chunk: Chunk, width: int) -> tuple[bytes, list[int], list[Reject]]:
    """Line by line: those of the right form, and the others as rejects."""
    kept, numbers, rejects = [], [], []
    for number, line in enumerate(chunk.data.split(b"\n")[:-1], start=chunk.first_line):
        if line.count(b";") != width - 1 or line.endswith(b"\r") or not line:
            rejects.append(Reject(number, "", "line-form"))
        elif not _is_text(line):
            rejects.append(Reject(number, "", "line-text"))
        else:
            kept.append(line)
            numbers.append(number)
    return b"".join([line + b"\n" for line in kept]), numbers, rejects


def _is_text(line: bytes) -> bool:
    try:
        return b"\r" not in line and b"\0" not in line and bool(line.decode())
    except UnicodeDecodeError:
        return False


def _judge(lines: pl.DataFrame, rules: list[Rule], terms: Terms, rejects: list[Reject]) -> list[int]:
    """Tell the rejects of every line; returns the numbers of the lines that have one."""
    passes = pl.all_horizontal([rule.passes.fill_null(value=False) for rule in rules])
    failing = with_days(lines).filter(~passes)
    mine = []
    if failing.height:
        for rule in rules:
            broken = failing.filter(~rule.passes.fill_null(value=False)).select(
                "line", rule.code.alias("code")
            )
            mine += [Reject(line, rule.field, code) for line, code in broken.iter_rows()]
    mine += _judge_rare(lines, terms)
    mine += _judge_persons(lines)
    told: set[tuple[int, str]] = set()
    for reject in mine:
        # One reject a field: the first rule says it best (a NIR of the wrong form has no key).
        if (reject.line, reject.field) not in told:
            told.add((reject.line, reject.field))
            rejects.append(reject)
    return sorted({line for line, _ in told})


def _judge_rare(lines: pl.DataFrame, terms: Terms) -> list[Reject]:
    found = []
    attached = lines.filter(pl.col("nir_attached") != "").select("line", "nir_attached")
    if attached.height:
        refused = refused_attached(attached["nir_attached"].unique().to_list(), terms)
        found += [
            Reject(line, "nir_attached", refused[text])
            for line, text in attached.iter_rows()
            if text in refused
        ]
    written = lines.filter(pl.col("domains") != "").select("line", "domains")
    if written.height:
        wrong = refused_domains(written["domains"].unique().to_list())
        found += [Reject(line, "domains", "domains") for line, text in written.iter_rows() if text in wrong]
    return found


def _judge_persons(lines: pl.DataFrame) -> list[Reject]:
    """A line that continues the person before must say the same person."""
    same = pl.col("person") == pl.col("person").shift()
    found = []
    for column in _PERSON_COLUMNS:
        differs = lines.filter(same & (pl.col(column) != pl.col(column).shift()))
        found += [Reject(line, column, "person-differs") for line in differs["line"]]
    return found


def _leaving_rules(rules: list[Rule]) -> list[Rule]:
    """The rules of a delta: a D line says who leaves, and nothing more."""
    leaves = pl.col("action") == "D"
    empty = pl.all_horizontal(
        [pl.col(c) == "" for c in (*MEMBER_COLUMNS, *MEMBER_OPTIONAL) if c != "member_ref"]
    )
    mine = [
        Rule("action", pl.col("action").is_in(["U", "D"]), pl.lit("format")),
        Rule("action", ~leaves | empty, pl.lit("leaving-with-data")),
    ]
    return mine + [
        rule if rule.field == "member_ref" else Rule(rule.field, leaves | rule.passes, rule.code)
        for rule in rules
    ]


def _split_delta(
    lines: pl.DataFrame, good: pl.DataFrame, bad: list[int], rejects: list[Reject]
) -> tuple[pl.DataFrame, pl.DataFrame, frozenset[int]]:
    """Whole persons only: those with a rejected line, or with U and D mixed, are left as they were."""
    troubled = set(lines.filter(pl.col("line").is_in(bad))["person"]) if bad else set()
    mixed = lines.group_by("person").agg(
        pl.col("action").n_unique() > 1, pl.col("line").count().alias("count")
    )
    unclear = mixed.filter(pl.col("action"))["person"].to_list()
    twice = lines.filter(pl.col("action") == "D").filter(pl.col("person").is_duplicated())["person"].to_list()
    left_alone = troubled | set(unclear) | set(twice)
    if left_alone:
        told = {reject.line for reject in rejects}
        others = good.filter(pl.col("person").is_in(sorted(left_alone)))
        rejects += [Reject(line, "action", "mixed") for line in others["line"] if line not in told]
        good = good.filter(~pl.col("person").is_in(sorted(left_alone)))
    leaving = good.unique("person", keep="first", maintain_order=True).select(
        "member_ref", "action", line="person_line"
    )
    known = frozenset(leaving.filter(pl.col("action") == "D")["line"].to_list())
    return good.filter(pl.col("action") == "U"), leaving.select("line", "member_ref"), known


def _join_contracts(lines: pl.DataFrame) -> pl.DataFrame:
    """One row a person: the contracts' terms in one string."""
    lines = lines.select(
        "person",
        "line",
        "member_ref",
        *_PERSON_COLUMNS,
        contracts=pl.concat_str(CONTRACT_COLUMNS, separator=";"),
    )
    several = lines["person"].is_duplicated()
    if not several.any():
        return lines.drop("person")
    joined = (
        lines.filter(several)
        .group_by("person", maintain_order=True)
        .agg(pl.exclude("contracts").first(), pl.col("contracts").str.join(CONTRACT_END))
    )
    return pl.concat([lines.filter(~several), joined.select(lines.columns)]).drop("person")


def columns_of(frame: pl.DataFrame, *names: str) -> list[list[Any]]:
    """Columns as plain lists."""
    return [frame[name].to_list() for name in names]


assert set(DELTA_COLUMNS) - set(MEMBER_COLUMNS) == {"action"}
