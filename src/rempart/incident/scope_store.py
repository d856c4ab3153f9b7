"""All the SQL of a scope: role rempart_operator, read only. Instants are µs; nothing here names a person."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from rempart.evidence.errors import LedgerUnreadable
from rempart.evidence.merkle import HASH_SIZE
from rempart.evidence.opening import LABEL, OPENING_SQL
from rempart.evidence.tiles import PART, SPAN, WIDTH
from rempart.foundation.clock import paris_date
from rempart.incident.exposure import Question

Connection = psycopg.Connection[Any]


@contextmanager
def one_snapshot(c: Connection) -> Iterator[None]:
    """Everything inside reads the database at one instant. Raises LedgerUnreadable for whatever it answers instead."""
    if c.info.transaction_status != TransactionStatus.IDLE:
        # The caller's own snapshot: several questions of one instant.
        yield
        return
    try:
        with c.transaction():
            c.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    except psycopg.Error as error:
        raise LedgerUnreadable(f"the database does not answer: {type(error).__name__}") from error


# ── the question, in SQL ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as conditions on a row `e` of evidence.entry: one a kind of party that is named, none of them exclusive; or one in all."""

    parties: tuple[sql.Composable, ...]
    rest: sql.Composable
    values: dict[str, Any]

    def whole(self) -> sql.Composable:
        """One condition."""
        return sql.SQL("(({}) AND {})").format(sql.SQL(" OR ").join(self.parties), self.rest)


def conditions_of(question: Question, since: int, until: int) -> Asked:
    """The question's, with another interval when one is given."""
    named = {
        "account": question.accounts, "device": question.devices, "establishment": question.establishments, "editor": question.editors,
    }  # fmt: skip
    parties = [
        sql.SQL("e.{} = ANY (%({})s)").format(sql.Identifier(name), sql.SQL(name))
        for name, keys in named.items()
        if keys
    ]
    rest: list[sql.Composable] = [sql.SQL("e.at >= %(since)s AND e.at < %(until)s")]
    values: dict[str, Any] = {name: sorted(keys) for name, keys in named.items() if keys}
    for name, wanted in (("lane", question.lanes), ("insurer", question.insurers)):
        if wanted:
            rest.append(sql.SQL("e.{} = ANY (%({})s)").format(sql.Identifier(name), sql.SQL(name)))
            values[name] = sorted(int(each) for each in wanted)
    return Asked(
        tuple(parties) or (sql.SQL("true"),),
        sql.SQL(" AND ").join(rest),
        values | {"since": since, "until": until},
    )


def read_answers(c: Connection, question: Question) -> list[tuple[Any, ...]]:
    """Every answer in question, in index order: index, at, outcome, insurer, lane, domain, class, account, device, establishment, editor,
    subject, notice_ref, generation.
    """
    asked = conditions_of(question, question.since, question.until)
    query = sql.SQL(
        "SELECT e.index, e.at, e.outcome, e.insurer, e.lane, e.domain, e.answer_class, e.account, e.device, e.establishment, e.editor,"
        " e.subject, coalesce(e.notice_ref, ''), e.generation FROM evidence.entry e WHERE {} AND {}"
    )
    found: dict[int, tuple[Any, ...]] = {}
    with c.cursor(binary=True) as cursor:
        for party in asked.parties:
            # One scan a kind of party, each by its own index; an answer of two named parties is one answer.
            for row in cursor.execute(query.format(party, asked.rest), asked.values):
                found[row[0]] = row
    return [found[index] for index in sorted(found)]


def count_beside(c: Connection, question: Question, since: int, until: int) -> int:
    """How many answers told of somebody, had the question had this interval."""
    asked = conditions_of(question, since, until)
    query = sql.SQL("SELECT e.index FROM evidence.entry e WHERE {} AND {} AND e.outcome = 1")
    found: set[int] = set()
    for party in asked.parties:
        found.update(index for (index,) in c.execute(query.format(party, asked.rest), asked.values))
    return len(found)


def has_more(c: Connection, question: Question, since: int, until: int, most: int) -> bool:
    """Are there more than so many answers, had the question had this interval? Nothing is counted beyond; an answer of two named parties
    counts twice.
    """
    asked = conditions_of(question, since, until)
    query = sql.SQL("SELECT count(*) FROM (SELECT FROM evidence.entry e WHERE {} AND {} LIMIT {}) AS bounded")
    found = 0
    for party in asked.parties:
        row = c.execute(
            query.format(party, asked.rest, sql.Literal(most + 1 - found)), asked.values
        ).fetchone()
        found += row[0] if row else 0
        if found > most:
            return True
    return False


# ── the ledger ───────────────────────────────────────────────────────────────────────────────────────────────────────


def ledger_size(c: Connection) -> int:
    """Leaves so far, as the log's head says."""
    row = c.execute("SELECT size FROM evidence.log WHERE id = 1").fetchone()
    return int(row[0]) if row else 0


def read_openings(c: Connection, indexes: Sequence[int]) -> Iterator[tuple[int, bytes, bytes, bytes]]:
    """index, commitment, salt and canonical opening of these entries, in index order."""
    query = sql.SQL(
        "SELECT e.index, l.commitment, e.salt, {} FROM evidence.entry e JOIN evidence.leaf l ON l.index = e.index"
        " WHERE e.index = ANY (%s) ORDER BY e.index"
    ).format(sql.SQL(OPENING_SQL))
    with c.cursor(binary=True) as cursor:
        for index, *values in cursor.execute(query, (list(indexes),)):
            commitment, salt, opening = map(bytes, values)
            yield index, commitment, salt, opening


def read_tiles(
    c: Connection, level: int, numbers: Iterable[int], size: int, *, width: int = WIDTH
) -> Iterator[tuple[int, bytes]]:
    """The tiles of one level in a log of this size: leaf hashes at level 0, the stored roots of full tiles above. A row that is missing
    makes a tile shorter than it should be. `width`: PART for parts of tiles, numbered through.
    """
    inner = (
        "SELECT string_agg(sha256('\\x00'::bytea || l.commitment), ''::bytea ORDER BY l.index) FROM evidence.leaf l WHERE true"
        if level == 0
        else "SELECT string_agg(l.hash, ''::bytea ORDER BY l.index) FROM evidence.node l WHERE l.level = %(level)s"
    )
    query = (
        f"SELECT t, ({inner} AND l.index >= t * %(width)s AND l.index < least((t + 1) * %(width)s, %(full)s))"  # noqa: S608 (constants of ours)
        " FROM unnest(%(tiles)s::bigint[]) AS t"
    )
    values = {"width": width, "full": size >> (SPAN * level), "level": level, "tiles": sorted(numbers)}
    with c.cursor(binary=True) as cursor:
        for number, data in cursor.execute(query, values):
            yield number, bytes(data or b"")


def read_part_roots(c: Connection, tiles: Iterable[int]) -> dict[int, bytes]:
    """The roots of the parts of these tiles of leaves, where they are kept: only for tiles that are full."""
    with c.cursor(binary=True) as cursor:
        rows = cursor.execute(
            "SELECT index, parts FROM evidence.node WHERE level = 1 AND index = ANY (%s) AND length(parts) = %s",
            (sorted(tiles), PART * HASH_SIZE),
        )
        return {number: bytes(parts) for number, parts in rows}


def entry_at(c: Connection, index: int) -> tuple[int, int] | None:
    """The first entry from this index on: its index and time."""
    row = c.execute(
        "SELECT index, at FROM evidence.entry WHERE index >= %s ORDER BY index LIMIT 1", (index,)
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else None


def nth_entry(c: Connection, first: int, n: int) -> int | None:
    """The index of the n-th entry from `first` on, None when there are fewer. Indexes are distinct whole numbers: all of [first, until) are
    there if and only if the last one of so many is until - 1. It reads every one, as a count does, for a fifth less of the processor.
    """
    row = c.execute(
        "SELECT index FROM evidence.entry WHERE index >= %s ORDER BY index OFFSET %s LIMIT 1", (first, n - 1)
    ).fetchone()
    return int(row[0]) if row else None


def first_without_entry(c: Connection, first: int, until: int) -> int | None:
    """The first index in [first, until) that has no entry."""
    row = c.execute(
        "SELECT i FROM generate_series(%s::bigint, %s::bigint - 1) AS i WHERE NOT EXISTS"
        " (SELECT FROM evidence.entry e WHERE e.index = i) ORDER BY i LIMIT 1",
        (first, until),
    ).fetchone()
    return int(row[0]) if row else None


@dataclass(frozen=True, slots=True)
class Run:
    """One tile's leaves, read whole: the commitments, how many entries are in question, the first one that is not what its leaf commits
    to (None: all are).
    """

    tile: int
    commitments: bytes
    told: int
    absent: int
    wrong: int | None


def read_runs(c: Connection, question: Question, first: int, until: int) -> Iterator[Run]:
    """Every tile that holds a leaf of [first, until), whole, in order; entries are compared and counted inside [first, until) alone."""
    asked = conditions_of(question, question.since, question.until)
    query = sql.SQL(
        "SELECT l.index / {width}, string_agg(l.commitment, ''::bytea ORDER BY l.index),"
        " count(*) FILTER (WHERE e.outcome = 1 AND {inside} AND {asked}), count(*) FILTER (WHERE e.outcome <> 1 AND {inside} AND {asked}),"
        " min(l.index) FILTER (WHERE {inside} AND NOT coalesce(l.commitment = sha256({label} || e.salt || {opening}), false))"
        " FROM evidence.leaf l LEFT JOIN evidence.entry e ON e.index = l.index"
        " WHERE l.index >= %(low)s AND l.index < %(high)s GROUP BY 1 ORDER BY 1"
    ).format(
        width=sql.Literal(WIDTH), label=sql.Literal(LABEL), opening=sql.SQL(OPENING_SQL), asked=asked.whole(),
        inside=sql.SQL("l.index >= %(first)s AND l.index < %(last)s"),
    )  # fmt: skip
    for low in range(first - first % WIDTH, until, _AT_ONCE):
        high = min(low + _AT_ONCE, until + -until % WIDTH)
        values = asked.values | {"low": low, "high": high, "first": first, "last": until}
        with c.cursor(binary=True) as cursor:
            for tile, commitments, told, absent, wrong in cursor.execute(query, values):
                yield Run(tile, bytes(commitments), told, absent, wrong)


_AT_ONCE = 64 * WIDTH
assert HASH_SIZE == 32


# ── the key store's count ────────────────────────────────────────────────────────────────────────────────────────────


def last_operation(c: Connection) -> int:
    """The number of the count's last record; 0 when there is none."""
    row = c.execute("SELECT coalesce(max(sequence), 0) FROM evidence.operations").fetchone()
    assert row is not None
    return int(row[0])


def operation_line(c: Connection, sequence: int) -> bytes:
    """One record's line, "" where it is missing: then it is not signed."""
    row = c.execute("SELECT line FROM evidence.operations WHERE sequence = %s", (sequence,)).fetchone()
    return str(row[0]).encode() if row else b""


def operation_lines(c: Connection, first: int, last: int) -> list[bytes]:
    """The lines of records first to last, both included."""
    rows = c.execute(
        "SELECT line FROM evidence.operations WHERE sequence BETWEEN %s AND %s ORDER BY sequence",
        (first, last),
    ).fetchall()
    return [str(row[0]).encode() for row in rows]


# ── parties ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Place:
    """An establishment, or an insurer's seat: then `amc` is its number."""

    id: UUID
    number: str
    """FINESS or n° AMC."""
    profession: str
    party_group: UUID | None
    amc: str | None
    opens: int = 0
    """From when on it works, µs: 0, but for one that took its FINESS over."""

    @property
    def called(self) -> str:
        """Its number, told apart from who had it before."""
        return f"{self.number}, since {paris_date(self.opens).isoformat()}" if self.opens else self.number


@dataclass(frozen=True, slots=True)
class Seat:
    """Where an account works, administers (`party_group`), left within a day, or asked (`role` "asked")."""

    account: UUID
    establishment: UUID | None
    party_group: UUID | None
    role: str


def accounts_of(c: Connection, question: Question) -> frozenset[UUID]:
    """Every account that a question concerns: named, bound to a device named, seated in an establishment named, on a software of an editor
    named, or that asked what is in question.
    """
    asked = conditions_of(question, question.since, question.until)
    found = set(question.accounts)
    for party in asked.parties:
        query = sql.SQL("SELECT DISTINCT e.account FROM evidence.entry e WHERE {} AND {}")
        found.update(account for (account,) in c.execute(query.format(party, asked.rest), asked.values))
    for belonging, keys in (
        ("SELECT account FROM vault.binding WHERE device = ANY (%s)", question.devices),
        ("SELECT account FROM vault.membership WHERE establishment = ANY (%s)", question.establishments),
        ("SELECT account FROM vault.departure WHERE establishment = ANY (%s)", question.establishments),
        ("SELECT b.account FROM vault.binding b JOIN vault.software s USING (device) WHERE s.editor = ANY (%s)", question.editors),
    ):  # fmt: skip
        if keys:
            found.update(account for (account,) in c.execute(belonging, (sorted(keys),)))
    return frozenset(found)


def seats_of(c: Connection, accounts: frozenset[UUID], question: Question) -> list[Seat]:
    """Where these accounts have a seat, had one within a day, or asked from in the interval."""
    values = {"accounts": sorted(accounts), "since": question.since, "until": question.until}
    rows = c.execute(
        "SELECT account, establishment, party_group, role FROM vault.membership WHERE account = ANY (%(accounts)s)"
        " UNION SELECT account, establishment, NULL, 'left' FROM vault.departure WHERE account = ANY (%(accounts)s)"
        " UNION SELECT account, establishment, NULL, 'asked' FROM evidence.entry WHERE account = ANY (%(accounts)s)"
        " AND at >= %(since)s AND at < %(until)s",
        values,
    )
    return [Seat(*row) for row in rows]


def places_of(c: Connection, ids: frozenset[UUID], groups: frozenset[UUID]) -> list[Place]:
    """These establishments, and those of these groups, by number."""
    rows = c.execute(
        "SELECT id, coalesce(finess, amc), profession, party_group, amc, opens FROM vault.establishment"
        " WHERE id = ANY (%s) OR party_group = ANY (%s) ORDER BY 2",
        (sorted(ids), sorted(groups)),
    )
    return [Place(*row) for row in rows]


def people_at(c: Connection, establishments: Sequence[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Who has a seat in each of these."""
    rows = c.execute(
        "SELECT establishment, array_agg(DISTINCT account) FROM vault.membership WHERE establishment = ANY (%s) GROUP BY establishment",
        (list(establishments),),
    )
    return {place: frozenset(accounts) for place, accounts in rows}


def places_by_number(c: Connection, number: str) -> list[Place]:
    """Every seat that this FINESS was, the newest first (it has several once it was sold), or the seat of this n° AMC."""
    rows = c.execute(
        "SELECT id, coalesce(finess, amc), profession, party_group, amc, opens FROM vault.establishment WHERE finess = %s OR amc = %s"
        " ORDER BY opens DESC",
        (number, number),
    )
    return [Place(*row) for row in rows]


def places_in_group(c: Connection, label: str) -> list[Place]:
    """The establishments of a group, by number."""
    rows = c.execute(
        "SELECT e.id, coalesce(e.finess, e.amc), e.profession, e.party_group, e.amc, e.opens FROM vault.establishment e"
        " JOIN vault.party_group g ON g.id = e.party_group WHERE g.label = %s ORDER BY 2",
        (label,),
    )
    return [Place(*row) for row in rows]


def seats_at(c: Connection, establishments: frozenset[UUID]) -> frozenset[UUID]:
    """The accounts that have a seat in any of these."""
    return frozenset(account for here in people_at(c, sorted(establishments)).values() for account in here)


def seats_held(c: Connection, accounts: Sequence[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Each establishment where any of these accounts has a seat, and which of them."""
    rows = c.execute(
        "SELECT establishment, array_agg(account) FROM vault.membership WHERE account = ANY (%s) AND establishment IS NOT NULL"
        " GROUP BY establishment",
        (list(accounts),),
    )
    return {place: frozenset(seated) for place, seated in rows}


def groups(c: Connection, establishments: Sequence[UUID]) -> dict[UUID, frozenset[UUID]]:
    """The groups of these establishments, each with all of its own."""
    rows = c.execute(
        "SELECT party_group, array_agg(id) FROM vault.establishment WHERE party_group IN"
        " (SELECT party_group FROM vault.establishment WHERE id = ANY (%s)) GROUP BY party_group",
        (list(establishments),),
    )
    return {group: frozenset(own) for group, own in rows}


def served(c: Connection, establishments: frozenset[UUID], subjects: Sequence[UUID]) -> set[UUID]:
    """Which of these persons any of these establishments was told of, by the entries that are kept."""
    rows = c.execute(
        "SELECT s FROM unnest(%s::uuid[]) AS s WHERE EXISTS (SELECT FROM evidence.entry e"
        " WHERE e.subject = s AND e.outcome = 1 AND e.establishment = ANY (%s))",
        (list(subjects), sorted(establishments)),
    )
    return {subject for (subject,) in rows}


def houses_served(c: Connection, subjects: Sequence[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Which of these persons each establishment was told of, by the entries that are kept."""
    rows = c.execute(
        "SELECT establishment, array_agg(DISTINCT subject) FROM evidence.entry WHERE subject = ANY (%s) AND outcome = 1"
        " GROUP BY establishment",
        (list(subjects),),
    )
    return {place: frozenset(known) for place, known in rows}


def party_ids(c: Connection, kind: str, names: Sequence[str]) -> dict[str, set[UUID]]:
    """The ids behind names: an account's login, an establishment's FINESS (every seat that it was), an editor's name, a group's label."""
    query = {
        "account": "SELECT login, id FROM vault.account WHERE login = ANY (%s)",
        "establishment": "SELECT coalesce(finess, amc), id FROM vault.establishment WHERE finess = ANY (%(n)s) OR amc = ANY (%(n)s)",
        "editor": "SELECT name, id FROM vault.editor WHERE name = ANY (%s)",
        "group": "SELECT label, id FROM vault.party_group WHERE label = ANY (%s)",
    }[kind]
    found: dict[str, set[UUID]] = {}
    for name, party in c.execute(query, {"n": list(names)} if "%(n)s" in query else (list(names),)):
        found.setdefault(name, set()).add(party)
    return found


def insurer_numbers(c: Connection) -> dict[int, tuple[str, str]]:
    """Number → n° AMC and name, of every insurer."""
    rows = c.execute("SELECT number, amc, name FROM vault.insurer ORDER BY number")
    return {number: (amc, name) for number, amc, name in rows}


def told_ever(c: Connection) -> dict[str, int]:
    """Distinct persons that any answer kept told of, by n° AMC; 0 for an insurer nobody was told of."""
    rows = c.execute(
        "SELECT i.amc, count(DISTINCT e.subject) FROM vault.insurer i LEFT JOIN evidence.entry e ON e.insurer = i.number AND e.outcome = 1"
        " GROUP BY i.amc"
    )
    return dict(rows.fetchall())
