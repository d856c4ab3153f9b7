"""From checked people to what the vault seals: the length-prefixed fields of each presentation, and the encoded contracts."""

import polars as pl

from rempart.intake.members import CONTRACT_END, read_contract
from rempart.vault.capsule import Departure, SealedContract, encode_content
from rempart.vault.sealing import Presented

_KEPT = 200_000
"""Encoded contents kept at most: most people share their terms with many others."""


class Encoder:
    """Turns people into what is sealed. Remembers the encoding of terms already met in this load."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def present(self, people: pl.DataFrame) -> Presented:
        """Everybody of a chunk, ready to be sealed."""
        columns = people.select(
            "line",
            "contracts",
            "card",
            pl.col("member_ref", "adherent").cast(pl.Binary),
            nir=pl.col("nir").cast(pl.Binary),
            attached="nir_attached",
            # Birth date and rank as two fields, each after its length on two bytes (10 and 1).
            tail=pl.concat_str(pl.lit("\0\n"), "birth_date", pl.lit("\0\x01"), _rank()).cast(pl.Binary),
        )
        nirs: list[tuple[bytes, ...]] = [(nir,) if nir else () for nir in columns["nir"]]
        attached = columns["attached"]
        for place in (attached != "").arg_true():
            # The own NIR once, even if it is attached again.
            nirs[place] = tuple(dict.fromkeys((*nirs[place], *attached[place].encode().split(b" "))))
        if len(self._known) > _KEPT:
            self._known.clear()
        return Presented(
            lines=columns["line"].to_list(),
            references=columns["member_ref"].to_list(),
            adherents=columns["adherent"].to_list(),
            nirs=nirs,
            serials=[int(serial) if serial else 0 for serial in columns["card"]],
            tails=columns["tail"].to_list(),
            contents=[self._known.get(text) or self._encode(text) for text in columns["contracts"]],
        )

    def _encode(self, contracts: str) -> bytes:
        read = [read_contract(written) for written in contracts.split(CONTRACT_END)]
        content = encode_content([
            SealedContract(*terms[:-2], [Departure(*departure) for departure in terms.departures], terms.canary) for terms in read
        ])  # fmt: skip
        self._known[contracts] = content
        return content


def _rank() -> pl.Expr:
    # The rank as one byte: "3" is 0x03.
    return pl.col("birth_rank").replace_strict([str(n) for n in range(1, 10)], [chr(n) for n in range(1, 10)])
