"""A stolen database: a copy of every table, taken as a superuser, without the key store. What can be read in it is counted.

Two attempts. Reading: every identifier of every insured person is looked for in every column of every row, binary ones too. Computing:
the thief knows the source code, so he makes the message of each person of his list and tries to reach a stored tag from it, without a key
and with every 32 bytes that the dump holds.
"""

import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from psycopg import sql

from rempart.population import Person

_WORD = re.compile(rb"[0-9A-Za-z-]+")
_INFO = b"rempart-capsule-v1"
TRIED_KEYS, TRIED_PERSONS = 64, 150
"""How many 32-byte values of the dump are tried as keys, on how many people: more of the same teaches nothing."""


@dataclass
class Found:
    """What the thief got out of a dump."""

    tables: int = 0
    rows: int = 0
    bytes_read: int = 0
    readable: set[tuple[int, int]] = field(default_factory=set)
    """Persons of whom a row holds an identifier in the clear."""
    computed: set[tuple[int, int]] = field(default_factory=set)
    """Persons whose tag he could make."""
    tags: set[bytes] = field(default_factory=set, repr=False)
    keys: list[bytes] = field(default_factory=list, repr=False)


def ransack(
    connection: "psycopg.Connection[Any]", people: Sequence[Person], known: Sequence[Person]
) -> Found:
    """Take the dump and try both. `people`: everybody insured; `known`: those on the thief's list."""
    found, names = Found(), Names(people)
    for schema, table in _tables(connection):
        found.tables += 1
        for row in _rows(connection, schema, table):
            found.rows += 1
            found.bytes_read += len(row)
            _read(row, names, found)
    _compute(found, known or people)
    return found


class Names:
    """Everything by which an insured person could be recognised in a row."""

    def __init__(self, people: Iterable[Person]) -> None:
        self.alone: dict[bytes, tuple[int, int]] = {}
        """NIR (with and without its key), member reference, contract number: each enough by itself."""
        self.with_birth: dict[tuple[bytes, bytes], tuple[int, int]] = {}
        """Member number, family name: beside a birth date."""
        for person in people:
            who = (person.insurer, person.number)
            for word in (
                person.nir,
                person.nir[:13],
                person.member_ref,
                *(c.number for c in person.contracts),
            ):
                if word:
                    self.alone[word.encode()] = who
            for word in (person.adherent, person.family_name):
                self.with_birth[word.encode(), person.birth_date.encode()] = who

    def in_words(self, words: set[bytes]) -> Iterator[tuple[int, int]]:
        """Who is recognised by these words of one row."""
        yield from (self.alone[word] for word in words & self.alone.keys())
        dates = [word for word in words if len(word) == 10 and word[4:5] == b"-"]
        for born in dates:
            yield from (self.with_birth[word, born] for word in words if (word, born) in self.with_birth)


def _tables(connection: "psycopg.Connection[Any]") -> list[tuple[str, str]]:
    return connection.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
    ).fetchall()


def _rows(connection: "psycopg.Connection[Any]", schema: str, table: str) -> Iterator[bytes]:
    """A table as COPY writes it, as pg_dump does."""
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(schema, table))) as copy,
    ):
        for line in copy:
            yield bytes(line)


def _read(row: bytes, names: Names, found: Found) -> None:
    words: set[bytes] = set(_WORD.findall(row))
    for column in row.rstrip(b"\n").split(b"\t"):
        if column.startswith(b"\\\\x"):
            raw = bytes.fromhex(column[3:].decode())
            words.update(_WORD.findall(raw))
            if len(raw) == 32 and len(found.keys) < TRIED_KEYS:
                found.keys.append(raw)
            if len(raw) == 16:
                found.tags.add(raw)
        elif len(column) == 36 and column.count(b"-") == 4:
            found.tags.add(UUID(column.decode()).bytes)
    found.readable.update(names.in_words(words))


def _compute(found: Found, known: Sequence[Person]) -> None:
    for person in known[:TRIED_PERSONS]:
        for message in _messages(person):
            secrets = [sha256(message).digest()]
            secrets += [hmac.digest(key, message, "sha256") for key in (b"", *found.keys)]
            if any(HKDFExpand(SHA256(), 48, _INFO).derive(secret)[:16] in found.tags for secret in secrets):
                found.computed.add((person.insurer, person.number))


def _messages(person: Person) -> Iterator[bytes]:
    """As the vault makes them: the source code is public. A test holds both to the same bytes."""
    born, rank = (
        date.fromisoformat(person.birth_date).isoformat().encode(),
        person.birth_rank.to_bytes(1, "big"),
    )
    for label, identifier in (
        (b"rempart-card-v1", person.adherent),
        (b"rempart-vitale-v1", person.presented_nir),
    ):
        fields = (b"\0\0\0\x01", person.amc.encode(), identifier.encode(), born, rank)
        yield label + b"".join(len(each).to_bytes(2, "big") + each for each in fields)
