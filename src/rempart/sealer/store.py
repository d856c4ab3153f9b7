"""All the SQL of the sealer. Instants are µs and come from the caller; table names are made of integers only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, cast
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from rempart.intake.manifest import Manifest
from rempart.intake.model import Kind, Reject
from rempart.intake.products import Product

Connection = psycopg.Connection[Any]

MOST_REJECTS = 10_000
"""Rejects kept of one delivery; all are counted."""
_ONE_SEALER = 0x5EA1E2
"""Advisory lock: one sealer a database."""
_COLUMNS = sql.SQL(
    "tag uuid NOT NULL, subject uuid NOT NULL, sealed bytea NOT NULL, notice_ref bytea NOT NULL,"
    " source_line integer NOT NULL, slot smallint NOT NULL"
)


@dataclass(frozen=True, slots=True)
class Insurer:
    """An insurer's row, as a load needs it."""

    number: int
    amc: str
    signing_key: bytes
    notice_key: bytes
    generation: int
    epoch: int
    sequence: int
    persons: int
    products_version: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery's row, as far as the sealer decides by it."""

    id: UUID
    number: int
    amc: str
    sender: str
    filename: str
    kind: str | None
    sequence: int | None
    state: str
    code: str
    detail: str
    attempts: int
    received: int
    lines: int
    lines_done: int
    persons: int
    capsules: int
    rejected: int
    leaving: int
    epoch: int

    @property
    def hex(self) -> str:
        """Its name in the spool."""
        return self.id.hex


_DELIVERY = sql.SQL(
    "id, number, amc, sender, filename, kind, sequence, state, code, detail, attempts, received, lines, lines_done,"
    " persons, capsules, rejected, leaving, epoch"
)


@dataclass(frozen=True, slots=True)
class Count:
    """What a load made."""

    lines: int = 0
    persons: int = 0
    capsules: int = 0
    rejected: int = 0
    leaving: int = 0


def connect(dsn: str, purpose: str) -> Connection:
    """An autocommit connection."""
    return psycopg.connect(dsn, autocommit=True, application_name=f"rempart-sealer-{purpose}")


def lock_alone(connection: Connection) -> bool:
    """Hold the sealer's lock for as long as this connection lives; False when another sealer does."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_ONE_SEALER,)).fetchone()
    return bool(row and row[0])


# ── deliveries ───────────────────────────────────────────────────────────────────────────────────────────────────────


def record_delivery(
    connection: Connection, delivery: UUID, sender: str, filename: str, digest: bytes, received: int
) -> None:
    """A delivery has arrived. Recording it twice changes nothing."""
    connection.execute(
        "INSERT INTO intake.delivery (id, sender, filename, digest, received) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (id) DO NOTHING",
        (delivery, sender, filename, digest, received),
    )


def find_delivery(connection: Connection, delivery: UUID) -> Delivery | None:
    """One delivery."""
    row = connection.execute(
        sql.SQL("SELECT {} FROM intake.delivery WHERE id = %s").format(_DELIVERY), (delivery,)
    ).fetchone()
    return Delivery(*row) if row else None


def unfinished_deliveries(connection: Connection) -> list[Delivery]:
    """Received, or being checked when a sealer died."""
    rows = connection.execute(
        sql.SQL(
            "SELECT {} FROM intake.delivery WHERE state IN ('received', 'checking') ORDER BY received, number"
        ).format(_DELIVERY)
    )
    return [Delivery(*row) for row in rows]


def approved_deliveries(connection: Connection) -> list[Delivery]:
    """Waiting, and approved by somebody who did not send them."""
    rows = connection.execute(
        sql.SQL(
            "SELECT {} FROM intake.delivery d WHERE state = 'waiting' AND EXISTS"
            " (SELECT FROM intake.approval a WHERE a.delivery = d.id AND a.approver <> d.sender)"
        ).format(_DELIVERY)
    )
    return [Delivery(*row) for row in rows]


def begin_attempt(connection: Connection, delivery: UUID) -> None:
    """Checking starts, or starts again: what an earlier attempt told is forgotten."""
    with connection.transaction():
        connection.execute("DELETE FROM intake.reject WHERE delivery = %s", (delivery,))
        connection.execute(
            "UPDATE intake.delivery SET state = 'checking', attempts = attempts + 1, lines_done = 0, persons = 0,"
            " capsules = 0, rejected = 0, leaving = 0 WHERE id = %s AND state IN ('received', 'checking')",
            (delivery,),
        )


def note_manifest(connection: Connection, delivery: UUID, manifest: Manifest) -> None:
    """The manifest is verified: what it says may be told."""
    connection.execute(
        "UPDATE intake.delivery SET amc = %s, kind = %s, sequence = %s, created = %s, lines = %s WHERE id = %s",
        (manifest.amc, manifest.kind.value, manifest.sequence, manifest.created_at, manifest.lines, delivery),
    )


def note_progress(connection: Connection, delivery: UUID, lines_done: int) -> None:
    """Lines checked and sealed so far."""
    connection.execute("UPDATE intake.delivery SET lines_done = %s WHERE id = %s", (lines_done, delivery))


def add_rejects(connection: Connection, delivery: UUID, rejects: Iterable[Reject]) -> None:
    """Keep rejects."""
    kept = list(rejects)
    # Not by COPY: PostgreSQL has none into a table under row security.
    connection.execute(
        "INSERT INTO intake.reject (delivery, line, field, code)"
        " SELECT %s, * FROM unnest(%s::integer[], %s::text[], %s::text[])",
        (delivery, [each.line for each in kept], [each.field for each in kept], [each.code for each in kept]),
    )


def refuse(connection: Connection, delivery: UUID, number: int, code: str, detail: str, now: int) -> None:
    """A delivery changed nothing. Its tables, if any, are dropped with the leftovers."""
    with connection.transaction():
        connection.execute("DELETE FROM intake.load WHERE number = %s", (number,))
        connection.execute(
            "UPDATE intake.delivery SET state = 'refused', code = %s, detail = %s, finished = %s WHERE id = %s"
            " AND state <> 'loaded'",
            (code, detail, now, delivery),
        )


def give_back(connection: Connection, delivery: UUID) -> None:
    """The sealer was asked to stop in the middle: that was no attempt."""
    connection.execute(
        "UPDATE intake.delivery SET attempts = attempts - 1 WHERE id = %s AND attempts > 0", (delivery,)
    )


def first_rejects(connection: Connection, delivery: UUID, many: int) -> list[Reject]:
    """The first rejects of a delivery, by line."""
    rows = connection.execute(
        "SELECT line, field, code FROM intake.reject WHERE delivery = %s ORDER BY line, field LIMIT %s",
        (delivery, many),
    )
    return [Reject(*row) for row in rows]


# ── insurers and products ────────────────────────────────────────────────────────────────────────────────────────────


def find_insurer(connection: Connection, amc: str) -> Insurer | None:
    """By n° AMC."""
    row = connection.execute(
        "SELECT number, amc, signing_key, notice_key, generation, epoch, sequence, persons, products_version"
        " FROM vault.insurer WHERE amc = %s",
        (amc,),
    ).fetchone()
    return Insurer(*row) if row else None


def product_references(connection: Connection, insurer: Insurer) -> frozenset[str]:
    """The products of the current products' file."""
    rows = connection.execute(
        "SELECT reference FROM vault.product WHERE insurer = %s AND version = %s",
        (insurer.number, insurer.products_version),
    )
    return frozenset(reference for (reference,) in rows)


def last_created(connection: Connection, amc: str, kind: Kind) -> int:
    """When the latest file of that kind taken in was created, µs; -1 before the first."""
    row = connection.execute(
        "SELECT max(created) FROM intake.delivery WHERE amc = %s AND kind = %s AND state = 'loaded'",
        (amc, kind.value),
    ).fetchone()
    return row[0] if row and row[0] is not None else -1


def swap_products(
    connection: Connection,
    insurer: Insurer,
    products: Sequence[Product],
    delivery: UUID,
    count: Count,
    now: int,
) -> None:
    """The new grids become the insurer's, in one transaction."""
    version = insurer.products_version + 1
    with connection.transaction():
        connection.execute(
            "DELETE FROM vault.product WHERE insurer = %s AND version <> %s",
            (insurer.number, insurer.products_version),
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO vault.product (insurer, version, reference, label, grid) VALUES (%s, %s, %s, %s, %s)",
                [(insurer.number, version, p.reference, p.label, Jsonb(p.grid)) for p in products],
            )
        connection.execute(
            "UPDATE vault.insurer SET products_version = %s WHERE number = %s", (version, insurer.number)
        )
        _finish(connection, delivery, count, now, {})


# ── cards ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def insurer_name(connection: Connection, insurer: Insurer) -> str:
    """As its cards print it."""
    row = connection.execute("SELECT name FROM vault.insurer WHERE number = %s", (insurer.number,)).fetchone()
    assert row is not None
    return str(row[0])


def known_tags(connection: Connection, insurer: Insurer, tags: Sequence[bytes]) -> set[bytes]:
    """Those of the tags at which the insurer's current generation has a capsule."""
    rows = connection.execute(
        sql.SQL("SELECT tag FROM {} WHERE tag = ANY (%s)").format(
            generation_table(insurer.number, insurer.generation)
        ),
        ([UUID(bytes=tag) for tag in tags],),
    )
    return {tag.bytes for (tag,) in rows}


@dataclass(frozen=True, slots=True)
class Capsule:
    """A row of a generation."""

    subject: bytes
    sealed: bytes
    notice_ref: bytes


def capsules_at(connection: Connection, insurer: Insurer, tags: Sequence[bytes]) -> dict[bytes, Capsule]:
    """The current generation's capsules at those tags."""
    rows = connection.execute(
        sql.SQL("SELECT tag, subject, sealed, notice_ref FROM {} WHERE tag = ANY (%s)").format(
            generation_table(insurer.number, insurer.generation)
        ),
        ([UUID(bytes=tag) for tag in tags],),
    )
    return {tag.bytes: Capsule(subject.bytes, sealed, ref) for tag, subject, sealed, ref in rows}


def product_grids(connection: Connection, insurer: Insurer) -> dict[str, dict[str, Any]]:
    """The grids of the current products' file."""
    rows = connection.execute(
        "SELECT reference, grid FROM vault.product WHERE insurer = %s AND version = %s",
        (insurer.number, insurer.products_version),
    )
    return dict(rows.fetchall())


def allot_places(
    connection: Connection, insurer: Insurer, cards: Sequence[UUID], not_after: int
) -> list[tuple[UUID, int]]:
    """Offline cards begin: each with its bit in the lists, in the order given. `not_after`: µs."""
    rows = connection.execute(
        "INSERT INTO vault.offline_card (card, insurer, not_after) SELECT card, %s, %s FROM unnest(%s::uuid[]) card"
        " RETURNING card, place",
        (insurer.number, not_after, list(cards)),
    )
    places: dict[UUID, int] = dict(rows.fetchall())
    return [(card, places[card]) for card in cards]


def revoke_offline(connection: Connection, insurer: Insurer, cards: Sequence[UUID], now: int) -> set[UUID]:
    """Those of an insurer's cards that are revoked now, or were; the first time counts."""
    rows = connection.execute(
        "UPDATE vault.offline_card SET revoked = coalesce(revoked, %s) WHERE insurer = %s AND card = ANY (%s)"
        " RETURNING card",
        (now, insurer.number, list(cards)),
    )
    return {card for (card,) in rows}


def forget_ended(connection: Connection, before: int) -> None:
    """Cards that ended before that: their uses can be told no more."""
    connection.execute("DELETE FROM vault.offline_card WHERE not_after <= %s", (before,))


def places_in_use(connection: Connection, now: int) -> tuple[int, int] | None:
    """The first and the last place of a card that lives; None when none does."""
    row = connection.execute(
        "SELECT min(place), max(place) FROM vault.offline_card WHERE not_after > %s", (now,)
    ).fetchone()
    return (row[0], row[1]) if row and row[0] is not None else None


def revoked_places(connection: Connection, now: int) -> list[int]:
    """The places of revoked cards that would live otherwise."""
    rows = connection.execute(
        "SELECT place FROM vault.offline_card WHERE revoked IS NOT NULL AND not_after > %s ORDER BY place",
        (now,),
    )
    return [place for (place,) in rows]


def finish_cards(connection: Connection, delivery: UUID, count: Count, now: int) -> None:
    """The cards are made: `count.persons` of them."""
    _finish(connection, delivery, count, now, {})


# ── tables of capsules ───────────────────────────────────────────────────────────────────────────────────────────────


def generation_table(insurer: int, generation: int) -> sql.Identifier:
    """The table of a generation."""
    return sql.Identifier("capsule", f"i{int(insurer)}_g{int(generation)}")


def delta_tables(insurer: int, number: int) -> tuple[sql.Identifier, sql.Identifier]:
    """Of a delta being prepared: who comes in, and who is removed first."""
    return (
        sql.Identifier("capsule", f"i{int(insurer)}_d{int(number)}"),
        sql.Identifier("capsule", f"i{int(insurer)}_l{int(number)}"),
    )


def create_generation(connection: Connection, insurer: int, number: int, wrapped: bytes) -> sql.Identifier:
    """A table that nobody reads yet, and the key of its references."""
    table = generation_table(insurer, number)
    with connection.transaction():
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
        connection.execute(sql.SQL("CREATE TABLE {} ({})").format(table, _COLUMNS))
        _keep_load(connection, insurer, number, wrapped)
    return table


def create_delta(
    connection: Connection, insurer: int, number: int, wrapped: bytes
) -> tuple[sql.Identifier, sql.Identifier]:
    """The two tables of a delta being prepared."""
    coming, leaving = delta_tables(insurer, number)
    with connection.transaction():
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}, {}").format(coming, leaving))
        connection.execute(sql.SQL("CREATE TABLE {} ({})").format(coming, _COLUMNS))
        connection.execute(
            sql.SQL(
                "CREATE TABLE {} (subject uuid NOT NULL, source_line integer NOT NULL, known boolean NOT NULL)"
            ).format(leaving)
        )
        _keep_load(connection, insurer, number, wrapped)
    return coming, leaving


def _keep_load(connection: Connection, insurer: int, number: int, wrapped: bytes) -> None:
    connection.execute("DELETE FROM intake.load WHERE number = %s", (number,))
    connection.execute(
        "INSERT INTO intake.load (number, insurer, wrapped) VALUES (%s, %s, %s)", (number, insurer, wrapped)
    )


def prepare_sorts(connection: Connection, memory_mb: int) -> None:
    """Memory for the sorts that build indexes, in this session."""
    connection.execute(sql.SQL("SET maintenance_work_mem = {}").format(sql.Literal(f"{int(memory_mb)}MB")))
    connection.execute("SET max_parallel_maintenance_workers = 0")


def index_tags(connection: Connection, table: sql.Identifier, name: str) -> None:
    """One capsule a tag. Raises psycopg.errors.UniqueViolation."""
    connection.execute(sql.SQL("CREATE UNIQUE INDEX {} ON {} (tag)").format(sql.Identifier(name), table))


def index_subjects(connection: Connection, table: sql.Identifier, name: str) -> None:
    """One capsule a subject and slot. Raises psycopg.errors.UniqueViolation."""
    connection.execute(
        sql.SQL("CREATE UNIQUE INDEX {} ON {} (subject, slot)").format(sql.Identifier(name), table)
    )


def complete_table(connection: Connection, table: sql.Identifier, tag_index: str) -> None:
    """The tags' index becomes the primary key; the planner learns what the table holds."""
    connection.execute(
        sql.SQL("ALTER TABLE {} ADD PRIMARY KEY USING INDEX {}").format(table, sql.Identifier(tag_index))
    )
    connection.execute(sql.SQL("ANALYZE {} (tag, subject)").format(table))


def drop_index(connection: Connection, name: str) -> None:
    """Before a second try."""
    connection.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier("capsule", name)))


def remove_repeated_references(connection: Connection, table: sql.Identifier) -> list[int]:
    """Lines of persons whose reference is already that of lines above; they are removed."""
    rows = connection.execute(
        sql.SQL(
            "WITH twice AS (SELECT subject, min(source_line) AS first FROM {0} GROUP BY subject"
            " HAVING min(source_line) < max(source_line)),"
            " gone AS (DELETE FROM {0} t USING twice w WHERE t.subject = w.subject AND t.source_line > w.first"
            " RETURNING t.source_line) SELECT DISTINCT source_line FROM gone ORDER BY 1"
        ).format(table)
    )
    return [line for (line,) in rows]


def remove_duplicates(connection: Connection, table: sql.Identifier) -> list[tuple[int, int]]:
    """(line, slot) of persons who are presented as a person above is; they are removed with all their capsules."""
    with connection.transaction():
        rows = connection.execute(
            sql.SQL(
                "SELECT t.source_line, min(t.slot) FROM {0} t JOIN (SELECT tag, min(source_line) AS first FROM {0}"
                " GROUP BY tag HAVING count(*) > 1) w ON t.tag = w.tag AND t.source_line > w.first GROUP BY 1 ORDER BY 1"
            ).format(table)
        ).fetchall()
        connection.execute(
            sql.SQL("DELETE FROM {} WHERE source_line = ANY (%s)").format(table),
            ([line for line, _ in rows],),
        )
    return rows


def count_capsules(connection: Connection, table: sql.Identifier) -> tuple[int, int]:
    """Persons and capsules of a table."""
    row = connection.execute(
        sql.SQL("SELECT count(*) FILTER (WHERE slot = 0), count(*) FROM {}").format(table)
    ).fetchone()
    assert row is not None
    return cast("tuple[int, int]", tuple(row))


def count_leaving(connection: Connection, insurer: Insurer, table: sql.Identifier) -> int:
    """Persons of the current generation who are not in the new one."""
    if insurer.generation == 0:
        return 0
    row = connection.execute(
        sql.SQL(
            "SELECT count(*) FROM {} o WHERE o.slot = 0 AND NOT EXISTS"
            " (SELECT FROM {} n WHERE n.subject = o.subject AND n.slot = 0)"
        ).format(generation_table(insurer.number, insurer.generation), table)
    ).fetchone()
    assert row is not None
    return int(row[0])


# ── swaps ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def hold(connection: Connection, delivery: UUID, count: Count, epoch: int, seconds: dict[str, float]) -> None:
    """The generation is ready, and waits for a second person."""
    connection.execute(
        "UPDATE intake.delivery SET state = 'waiting', code = 'many-leaving', epoch = %s, lines_done = %s, persons = %s,"
        " capsules = %s, rejected = %s, leaving = %s, seconds = %s WHERE id = %s",
        (
            epoch,
            count.lines,
            count.persons,
            count.capsules,
            count.rejected,
            count.leaving,
            Jsonb(seconds),
            delivery,
        ),
    )


def swap(
    connection: Connection,
    insurer: int,
    delivery: Delivery,
    epoch: int,
    count: Count,
    now: int,
    seconds: dict[str, float],
) -> bool:
    """The new generation is the insurer's, and the delivery is loaded: one transaction. False when another file came in between."""
    with connection.transaction():
        row = connection.execute(
            "UPDATE vault.insurer SET generation = %s, epoch = %s, sequence = %s, persons = %s"
            " WHERE number = %s AND sequence = %s - 1 RETURNING amc",
            (delivery.number, epoch, delivery.sequence, count.persons, insurer, delivery.sequence),
        ).fetchone()
        if row is None:
            return False
        _supersede(connection, row[0], delivery.id, now)
        _finish(connection, delivery.id, count, now, seconds)
    return True


def apply_delta(
    connection: Connection,
    insurer: Insurer,
    delivery: Delivery,
    count: Count,
    now: int,
    seconds: dict[str, float],
) -> bool:
    """Who leaves is removed, who comes is added, in one transaction. False when another file came in between."""
    current = generation_table(insurer.number, insurer.generation)
    coming, leaving = delta_tables(insurer.number, delivery.number)
    with connection.transaction():
        row = connection.execute(
            "UPDATE vault.insurer SET sequence = %s WHERE number = %s AND sequence = %s - 1 AND generation = %s RETURNING amc",
            (delivery.sequence, insurer.number, delivery.sequence, insurer.generation),
        ).fetchone()
        if row is None:
            return False
        connection.execute(
            sql.SQL("DELETE FROM {} c USING {} l WHERE c.subject = l.subject").format(current, leaving)
        )
        names = sql.SQL("tag, subject, sealed, notice_ref, source_line, slot")
        connection.execute(
            sql.SQL("INSERT INTO {0} ({2}) SELECT {2} FROM {1}").format(current, coming, names)
        )
        connection.execute(
            sql.SQL(
                "UPDATE vault.insurer SET persons = (SELECT count(*) FROM {} WHERE slot = 0) WHERE number = %s"
            ).format(current),
            (insurer.number,),
        )
        _supersede(connection, row[0], delivery.id, now)
        _finish(connection, delivery.id, count, now, seconds)
    return True


def index_leaving(connection: Connection, leaving: sql.Identifier) -> None:
    """For the joins that follow."""
    connection.execute(sql.SQL("CREATE INDEX ON {} (subject)").format(leaving))
    connection.execute(sql.SQL("ANALYZE {}").format(leaving))


def remove_repeated_leaving(
    connection: Connection, coming: sql.Identifier, leaving: sql.Identifier
) -> list[int]:
    """Lines of persons of whom lines above already speak; what they say is set aside."""
    with connection.transaction():
        rows = connection.execute(
            sql.SQL(
                "WITH twice AS (SELECT subject, min(source_line) AS first FROM {0} GROUP BY subject HAVING count(*) > 1)"
                " DELETE FROM {0} l USING twice w WHERE l.subject = w.subject AND l.source_line > w.first"
                " RETURNING l.source_line"
            ).format(leaving)
        ).fetchall()
        lines = sorted(line for (line,) in rows)
        connection.execute(sql.SQL("DELETE FROM {} WHERE source_line = ANY (%s)").format(coming), (lines,))
    return lines


def remove_taken(
    connection: Connection, insurer: Insurer, coming: sql.Identifier, leaving: sql.Identifier
) -> list[tuple[int, int]]:
    """(line, slot) of persons who are presented as somebody who stays is; they are left as they were."""
    current = generation_table(insurer.number, insurer.generation)
    with connection.transaction():
        rows = connection.execute(
            sql.SQL(
                "SELECT n.source_line, min(n.slot) FROM {} n JOIN {} c ON c.tag = n.tag WHERE NOT EXISTS"
                " (SELECT FROM {} l WHERE l.subject = c.subject) GROUP BY 1 ORDER BY 1"
            ).format(coming, current, leaving)
        ).fetchall()
        lines = [line for line, _ in rows]
        for table in (coming, leaving):
            connection.execute(sql.SQL("DELETE FROM {} WHERE source_line = ANY (%s)").format(table), (lines,))
    return rows


def remove_set_aside(connection: Connection, leaving: sql.Identifier, lines: list[int]) -> None:
    """Persons whose lines were set aside stay as they were."""
    connection.execute(sql.SQL("DELETE FROM {} WHERE source_line = ANY (%s)").format(leaving), (lines,))


def unknown_leaving(connection: Connection, insurer: Insurer, leaving: sql.Identifier) -> list[int]:
    """Lines that remove somebody who is not there."""
    rows = connection.execute(
        sql.SQL(
            "SELECT source_line FROM {} l WHERE known AND NOT EXISTS (SELECT FROM {} c WHERE c.subject = l.subject) ORDER BY 1"
        ).format(leaving, generation_table(insurer.number, insurer.generation))
    )
    return [line for (line,) in rows]


def _supersede(connection: Connection, amc: str, winner: UUID, now: int) -> None:
    connection.execute(
        "UPDATE intake.delivery SET state = 'refused', code = 'superseded', finished = %s"
        " WHERE amc = %s AND state = 'waiting' AND id <> %s",
        (now, amc, winner),
    )


def _finish(
    connection: Connection, delivery: UUID, count: Count, now: int, seconds: dict[str, float]
) -> None:
    connection.execute(
        "UPDATE intake.delivery SET state = 'loaded', code = '', detail = '', finished = %s, lines_done = %s, persons = %s,"
        " capsules = %s, rejected = %s, leaving = %s, seconds = %s WHERE id = %s",
        (
            now,
            count.lines,
            count.persons,
            count.capsules,
            count.rejected,
            count.leaving,
            Jsonb(seconds),
            delivery,
        ),
    )


# ── leftovers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def unused_tables(connection: Connection) -> list[str]:
    """Tables of capsules that are no insurer's current generation and that no delivery will use."""
    rows = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'capsule'"
        " WHERE c.relkind = 'r' AND c.relname ~ '^i[0-9]+_[gdl][0-9]+$'"
        " AND NOT EXISTS (SELECT FROM vault.insurer i WHERE c.relname = format('i%s_g%s', i.number, i.generation))"
        " AND NOT EXISTS (SELECT FROM intake.delivery d JOIN vault.insurer i ON i.amc = d.amc"
        " WHERE d.state = 'waiting' AND c.relname = format('i%s_g%s', i.number, d.number)) ORDER BY 1"
    )
    return [name for (name,) in rows]


def drop_table(connection: Connection, name: str, patience_ms: int) -> bool:
    """Drop a table nobody should read any more; False when somebody still does."""
    try:
        with connection.transaction():
            connection.execute(
                sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{int(patience_ms)}ms"))
            )
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier("capsule", name)))
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def copy_statement(table: sql.Identifier, columns: Sequence[LiteralString]) -> sql.Composed:
    """COPY FROM STDIN in binary."""
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        table, sql.SQL(", ").join(map(sql.Identifier, columns))
    )
