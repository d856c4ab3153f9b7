"""Sealing many at a time gives what `capsule` gives for one."""

import io
import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from rempart.foundation.vocabulary import Lane
from rempart.intake import notice
from rempart.intake.checks import Terms
from rempart.intake.lines import Chunk
from rempart.intake.members import read_members
from rempart.intake.model import MEMBER_COLUMNS, MEMBER_OPTIONAL
from rempart.sealer.people import Encoder
from rempart.vault import capsule
from rempart.vault.keystore import FileKeyStore
from rempart.vault.sealing import LoadKey, Sealer
from tests.sealer.conftest import Line, member, with_key

TERMS = Terms("99000001", frozenset({"CONFORT"}), date(2026, 1, 5), synthetic_only=True)
PARENTS = (with_key("1800175056000"), with_key("2820175056000"))
LOAD_KEY = b"\x07" * 32


def rows_of(block: bytes) -> Iterator[tuple[bytes, ...]]:
    stream = io.BytesIO(block)
    while header := stream.read(2):
        (count,) = struct.unpack(">h", header)
        yield tuple(stream.read(struct.unpack(">i", stream.read(4))[0]) for _ in range(count))


def sealed(keys: FileKeyStore, *lines: Line) -> list[tuple[bytes, ...]]:
    columns = (*MEMBER_COLUMNS, *MEMBER_OPTIONAL)
    data = "".join(f"{line.written(columns)}\n" for line in lines).encode()
    people = read_members(Chunk(2, data, len(lines)), list(columns), TERMS)
    assert people.rejects == []
    load = LoadKey(9, LOAD_KEY, notice.associated_data("99000001", 9))
    block, count = Sealer(keys, 12, "99000001", 1, load).seal(Encoder().present(people.frame))
    rows = list(rows_of(block))
    assert len(rows) == count
    return rows


@pytest.mark.parametrize(
    ("line", "nirs"),
    [
        (member(1), 1),
        (replace(member(2), nir_attached=PARENTS[0]), 2),
        (replace(member(3), nir_attached=" ".join(PARENTS)), 3),
        (replace(member(4), nir="", nir_attached=" ".join(PARENTS)), 2),
        (replace(member(5), nir=PARENTS[0], nir_attached=" ".join(PARENTS)), 2),
        (replace(member(6), adherent="A", member_ref="R" * 32, birth_rank="9"), 1),
        (replace(member(7), card="1"), 1),
        (replace(member(8), card="999999999", member_ref="R" * 32, nir_attached=" ".join(PARENTS)), 3),
    ],
)
def test_every_presentation_finds_and_opens_its_capsule(keys: FileKeyStore, line: Line, nirs: int) -> None:
    rows = sealed(keys, line)
    assert len(rows) == 1 + nirs + bool(line.card)
    presented = list(dict.fromkeys([*([line.nir] if line.nir else []), *line.nir_attached.split()]))
    assert len(presented) == nirs
    birth, rank = date.fromisoformat(line.birth_date), int(line.birth_rank)
    messages = [(Lane.CARD, capsule.card_message(1, line.amc, line.adherent, birth, rank))]
    messages += [(Lane.VITALE, capsule.vitale_message(1, line.amc, nir, birth, rank)) for nir in presented]
    slots = list(range(len(messages)))
    if line.card:
        secret = capsule.card_secret(keys.prf("card"), line.amc, line.member_ref, int(line.card))
        messages.append((Lane.SECRET, capsule.secret_message(1, line.amc, secret, birth, rank)))
        slots.append(4)
    prf = keys.prf("capsule-1")
    for slot, (lane, message), row in zip(slots, messages, rows, strict=True):
        subject, reference, source_line, row_slot, tag, capsule_bytes = row
        wanted_tag, key = capsule.derive(prf(message))
        assert tag == wanted_tag
        assert subject == capsule.subject(keys.prf("subject"), line.amc, line.member_ref)
        assert int.from_bytes(source_line, "big") == 2
        assert int.from_bytes(row_slot, "big") == slot
        (contract,) = capsule.open_capsule(key, capsule.associated_data(12, lane, 1), capsule_bytes)
        assert contract.product == "CONFORT"
        assert notice.open_reference(reference, LOAD_KEY, line.amc) == line.member_ref


def test_the_same_people_sealed_twice_share_no_ciphertext(keys: FileKeyStore) -> None:
    first, second = sealed(keys, member(1)), sealed(keys, member(1))
    assert [row[4] for row in first] == [row[4] for row in second], "the same tags"
    assert not {row[5][:12] for row in first} & {row[5][:12] for row in second}, "other nonces"
    assert first[0][5] != first[1][5]
