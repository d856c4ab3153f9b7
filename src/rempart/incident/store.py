"""All the SQL of the room. The sentinel's half runs as rempart_sentinel, the operator's as rempart_operator. psycopg, autocommit.

Neither reads a salt, a name or a reference of an insurer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from rempart.incident.errors import AlertUnknown
from rempart.incident.model import (
    Alert,
    Containment,
    Event,
    Evidence,
    Finding,
    Held,
    Hold,
    Lookup,
    Party,
    Rule,
    Scope,
    Strength,
)

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Position:
    """The next entry's index, the last event's id, the stream's time."""

    entry: int
    event: int
    at: int


# ── the stream ───────────────────────────────────────────────────────────────────────────────────────────────────────

_ENTRIES = """
SELECT e.index, e.at, e.account, e.device, e.establishment, e.editor, e.insurer, e.outcome = 1, e.cost, e.subject,
       coalesce(f.bucket, 0), coalesce(f.step, 0), coalesce(h.profession, ''), e.outcome = 3
  FROM evidence.entry e
  LEFT JOIN vault.feature f ON f.index = e.index
  LEFT JOIN vault.establishment h ON h.id = e.establishment
 WHERE e.index >= %s AND e.index < %s
 ORDER BY e.index LIMIT %s
"""
# Indexes are given in the order of commits, under the head's lock: an entry that is seen has none before it that is not.


def read_lookups(c: Connection, since: int, most: int, before: int = 2**62) -> list[Lookup]:
    """The entries from this index on, in order."""
    with c.cursor(binary=True) as cursor:
        return [Lookup(*row) for row in cursor.execute(_ENTRIES, (since, before, most))]


_EVENTS = """
SELECT v.id, v.at, v.kind, v.account, v.device, v.establishment, v.editor, v.index, v.detail, e.subject
  FROM vault.event v LEFT JOIN evidence.entry e ON v.kind = 'canary' AND e.index = v.index
"""


def read_events(c: Connection, since: int, most: int) -> list[Event]:
    """The events after this id. Several vaults give ids in no order of commits: the caller looks a little back and knows what it saw."""
    with c.cursor(binary=True) as cursor:
        return [
            Event(*row)
            for row in cursor.execute(_EVENTS + " WHERE v.id > %s ORDER BY v.id LIMIT %s", (since, most))
        ]


def read_past_events(c: Connection, since: int, canaries_since: int, last: int) -> list[Event]:
    """Those up to id `last` from a time on, and canaries from an earlier time on."""
    with c.cursor(binary=True) as cursor:
        where = " WHERE v.id <= %s AND (v.at >= %s OR v.kind = 'canary' AND v.at >= %s) ORDER BY v.at, v.id"
        return [Event(*row) for row in cursor.execute(_EVENTS + where, (last, since, canaries_since))]


def claimed(c: Connection, indexes: Sequence[int]) -> set[int]:
    """Which of these look-ups an accepted claim names."""
    rows = c.execute(
        "SELECT index FROM vault.claim WHERE index = ANY (%s) AND cancelled IS NULL", (list(indexes),)
    )
    return {row[0] for row in rows}


# ── what the sentinel keeps ──────────────────────────────────────────────────────────────────────────────────────────


def position(c: Connection) -> Position:
    """Where the former run ended."""
    row = c.execute("SELECT entry, event, at FROM incident.position WHERE id = 1").fetchone()
    assert row is not None
    return Position(*row)


def first_entry_since(c: Connection, at: int, before: int) -> int:
    """The index of the first entry at or after this time, by halving: the times of entries grow with their indexes."""
    low, high = 0, before
    while low < high:
        middle = (low + high) // 2
        row = c.execute(
            "SELECT at FROM evidence.entry WHERE index >= %s ORDER BY index LIMIT 1", (middle,)
        ).fetchone()
        if row is None or row[0] >= at:
            high = middle
        else:
            low = middle + 1
    return low


def save_position(c: Connection, reached: Position) -> None:
    """So far the stream was judged."""
    c.execute(
        "UPDATE incident.position SET entry = %s, event = %s, at = %s WHERE id = 1",
        (reached.entry, reached.event, reached.at),
    )


def histories(c: Connection) -> Iterable[tuple[UUID, int, bytes]]:
    """Party, kind and state of everything learnt."""
    with c.cursor(binary=True) as cursor:
        yield from cursor.execute("SELECT party, kind, state FROM incident.history")


def save_histories(
    c: Connection, rows: Sequence[tuple[UUID, int, bytes]], at: int, forget_before: int
) -> None:
    """All of them or none; what was quiet for long is forgotten."""
    with c.transaction(), c.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO incident.history (party, kind, at, state) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (party, kind) DO UPDATE SET at = EXCLUDED.at, state = EXCLUDED.state",
            [(party, kind, at, state) for party, kind, state in rows],
        )
        cursor.execute("DELETE FROM incident.history WHERE at < %s", (forget_before,))


def save_alert(c: Connection, alert: Alert, noted: int) -> int:
    """A new alert; its number."""
    finding, party, proposed = alert.finding, alert.finding.party, alert.proposed
    row = c.execute(
        "INSERT INTO incident.alert (at, noted, rule, strength, figure, threshold, device, account, establishment, editor, indexes,"
        " events, french, english, scope, key, hold, minutes, by_itself)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (
            finding.at, noted, finding.rule.value, int(finding.strength), finding.figure, finding.threshold, party.device,
            party.account, party.establishment, party.editor, list(finding.evidence.indexes), list(finding.evidence.events),
            alert.french, alert.english, proposed.scope.value if proposed else None, proposed.key if proposed else None,
            proposed.hold.value if proposed else None, proposed.minutes if proposed else None, alert.by_itself,
        ),
    ).fetchone()  # fmt: skip
    assert row is not None
    return int(row[0])


def note_contained(c: Connection, number: int, now: int) -> None:
    """The vault did what the alert proposed."""
    c.execute("UPDATE incident.alert SET contained = %s WHERE id = %s", (now, number))


def note_refused(c: Connection, number: int, code: str) -> None:
    """The vault will not, with this code."""
    c.execute("UPDATE incident.alert SET refused = %s WHERE id = %s", (code, number))


def undone(c: Connection) -> list[tuple[int, str, Containment]]:
    """What should have been contained by itself and is not yet: number, reason, what."""
    with c.cursor(row_factory=class_row(Kept)) as cursor:
        rows = cursor.execute(
            "SELECT * FROM incident.alert WHERE by_itself AND contained IS NULL AND refused = '' ORDER BY id"
        ).fetchall()
    return [(kept.id, f"alert {kept.id}: {kept.rule}", kept.proposed) for kept in rows if kept.proposed]


def past_alerts(c: Connection, since: int) -> list[tuple[Finding, Held | None]]:
    """What was found, and what was held by itself or by the operator as proposed."""
    return [
        (
            alert.finding,
            Held(alert.at, alert.proposed) if alert.contained is not None and alert.proposed else None,
        )
        for alert in alerts(c, since=since, most=1_000_000)
    ]


# ── what the operator reads ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Kept:
    """An alert as it stands in the table."""

    id: int
    at: int
    noted: int
    rule: str
    strength: int
    figure: float
    threshold: float
    device: UUID | None
    account: UUID | None
    establishment: UUID | None
    editor: UUID | None
    indexes: list[int]
    events: list[int]
    french: str
    english: str
    scope: str | None
    key: UUID | None
    hold: str | None
    minutes: int | None
    by_itself: bool
    contained: int | None
    refused: str
    acknowledged: int | None

    @property
    def proposed(self) -> Containment | None:
        """What the alert proposes, or proposed and did."""
        if self.scope is None or self.key is None or self.hold is None or self.minutes is None:
            return None
        return Containment(Scope(self.scope), self.key, Hold(self.hold), self.minutes)

    @property
    def finding(self) -> Finding:
        """What was found."""
        party = Party(self.device, self.account, self.establishment, self.editor)
        evidence = Evidence(tuple(self.indexes), tuple(self.events))
        return Finding(
            Rule(self.rule), self.at, party, self.figure, self.threshold, Strength(self.strength), evidence
        )


def alerts(c: Connection, *, since: int = 0, most: int = 100, newest_first: bool = False) -> list[Kept]:
    """The alerts from a time of the stream on."""
    with c.cursor(row_factory=class_row(Kept)) as cursor:
        order = "DESC" if newest_first else "ASC"
        # `order` is one of two words of ours.
        return cursor.execute(
            f"SELECT * FROM incident.alert WHERE at >= %s ORDER BY id {order} LIMIT %s",  # noqa: S608
            (since, most),
        ).fetchall()


def alert(c: Connection, number: int) -> Kept:
    """One alert. Raises AlertUnknown."""
    with c.cursor(row_factory=class_row(Kept)) as cursor:
        found = cursor.execute("SELECT * FROM incident.alert WHERE id = %s", (number,)).fetchone()
    if found is None:
        raise AlertUnknown
    return found


def acknowledge(c: Connection, number: int, now: int) -> None:
    """Somebody has seen it; the first time counts. Raises AlertUnknown."""
    alert(c, number)
    c.execute(
        "UPDATE incident.alert SET acknowledged = %s WHERE id = %s AND acknowledged IS NULL", (now, number)
    )


def attempts(c: Connection, since: int, until: int) -> list[tuple[int, str, int]]:
    """Per day (days since 1970, UTC) and kind: refusals and canaries from the vault's events, misses from the ledger."""
    return c.execute(
        "SELECT at / 86400000000, kind, count(*) FROM vault.event WHERE at >= %(since)s AND at < %(until)s GROUP BY 1, 2"
        " UNION ALL SELECT at / 86400000000, 'miss', count(*) FROM evidence.entry"
        " WHERE index >= %(first)s AND outcome = 2 AND at >= %(since)s AND at < %(until)s GROUP BY 1 ORDER BY 1, 2",
        {"since": since, "until": until, "first": first_entry_since(c, since, _size(c))},
    ).fetchall()


def _size(c: Connection) -> int:
    row = c.execute("SELECT size FROM evidence.log WHERE id = 1").fetchone()
    assert row is not None
    return int(row[0])
