"""What of the ledger goes when its retention is over: the openings of the oldest answers. Their leaves stay, so every proof still verifies.

Three years (docs/runbooks/prune.md), from the first entry on, without a hole: below a recorded index entries may be missing, nowhere else.
The database's own function removes and records in one transaction; an audit holds each record against the times of the checkpoints.
"""

from dataclasses import dataclass
from typing import Any

import psycopg

from rempart.evidence.errors import LeafMissing, LedgerUnreadable, RetentionNotOver
from rempart.foundation.clock import DAY

Connection = psycopg.Connection[Any]
RETENTION = 1_096 * DAY
"""Three years, one of them a leap year, µs; the same number is in evidence.prune and evidence.horizon."""
_SIGNED_LATE = DAY
"""A leaf is signed within seconds, or when a vault that was down is up again: no later than this, or an audit asks why."""


@dataclass(frozen=True)
class Horizon:
    """Below `index` entries may be gone: 0 when nothing was ever pruned. `cutoff` and `at` in µs."""

    index: int
    cutoff: int
    at: int


@dataclass(frozen=True)
class Plan:
    """What pruning would remove: `entries`, all below `horizon`."""

    horizon: int
    entries: int


def latest_horizon(c: Connection) -> Horizon:
    """The last one recorded."""
    row = c.execute("SELECT index, cutoff, at FROM evidence.horizon ORDER BY index DESC LIMIT 1").fetchone()
    return Horizon(*row) if row else Horizon(0, 0, 0)


def plan(c: Connection, cutoff: int, at: int) -> Plan:
    """What would go if everything older than `cutoff` went, without a hole. Raises RetentionNotOver."""
    if cutoff > at - RETENTION:
        raise RetentionNotOver("answers younger than three years are kept")
    row = c.execute("SELECT min(index) FROM evidence.entry WHERE at >= %s", (cutoff,)).fetchone()
    horizon = max(latest_horizon(c).index, int(row[0])) if row and row[0] is not None else 0
    counted = c.execute("SELECT count(*) FROM evidence.entry WHERE index < %s", (horizon,)).fetchone()
    assert counted is not None
    return Plan(horizon, int(counted[0]))


def prune(c: Connection, cutoff: int, at: int, actor: str) -> Plan:
    """Remove and record. `c`: autocommit, as rempart_operator. Raises RetentionNotOver, LedgerUnreadable."""
    try:
        row = c.execute("SELECT * FROM evidence.prune(%s, %s, %s)", (cutoff, at, actor)).fetchone()
    except psycopg.errors.CheckViolation as error:
        raise RetentionNotOver(
            "younger than three years, or a clock ahead of the ledger's last signature"
        ) from error
    except psycopg.Error as error:
        raise LedgerUnreadable(f"the database does not answer: {type(error).__name__}") from error
    assert row is not None
    return Plan(int(row[0]), int(row[1]))


def require_sound_horizon(c: Connection, head: int) -> Horizon:
    """The horizon, once it is one that `evidence.prune` could have recorded. For an audit's snapshot. Raises LeafMissing."""
    horizon = latest_horizon(c)
    for index, cutoff, at in c.execute(
        "SELECT index, cutoff, at FROM evidence.horizon ORDER BY index"
    ).fetchall():
        _require_sound(c, Horizon(index, cutoff, at), head)
    return horizon


def _require_sound(c: Connection, horizon: Horizon, head: int) -> None:
    if horizon.cutoff > horizon.at - RETENTION or horizon.index >= head:
        raise LeafMissing("entries were pruned before their retention was over", index=horizon.index)
    row = c.execute(
        "SELECT (SELECT max(at) FROM evidence.checkpoint WHERE size <= %s), (SELECT max(at) FROM evidence.checkpoint)",
        (horizon.index,),
    ).fetchone()
    assert row is not None
    hidden, last = row
    # A leaf below was signed after the cutoff, hence younger than what may go; or the pruning's clock ran ahead of the ledger.
    if (
        last is None
        or horizon.at > last + DAY
        or (hidden is not None and hidden > horizon.cutoff + _SIGNED_LATE)
    ):
        raise LeafMissing("entries were pruned that the checkpoints say are younger", index=horizon.index)
