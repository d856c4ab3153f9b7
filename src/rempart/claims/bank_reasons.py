"""Why a bank rejected or returned a transfer: ISO's reason code → what it means, and who does what. The table is bank_reasons.toml."""

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Literal

Who = Literal["establishment", "operator", "bank"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One code. `who` acts next; with `rib` the account itself is refused: pay nothing more there until a new RIB is confirmed."""

    code: str
    name: str
    who: Who
    rib: bool
    french: str
    english: str
    remedy_french: str
    remedy_english: str


def reason(code: str) -> Reason:
    """What a code means. One the table does not know, a bank's own or none, is answered as MS03 (no reason given), under its own code."""
    known = table()
    return known.get(code) or replace(known["MS03"], code=code)


@cache
def table() -> dict[str, Reason]:
    """Every known code: of ISO 20022's external code sets *Status Reason* and *Return Reason*, those a SEPA credit transfer can meet."""
    parsed = tomllib.loads(files("rempart.claims").joinpath("bank_reasons.toml").read_text())
    acts = parsed.pop("act")
    return {
        code: Reason(
            code, row["name"], act["who"], row.get("rib", False), row["fr"], row["en"], act["fr"], act["en"]
        )
        for code, row in parsed["code"].items()
        for act in [acts[row["act"]]]
    }
