"""The insurers' daily flows, made: what was accepted, cancelled and called, told once to each insurer (docs/files/flow.md).

Steps, each one transaction that looks first at what is done: open (choose, count, sum, write the header), acceptances part by part,
cancellations, calls for funds, made. Killed anywhere, the next call goes on; nothing is told twice, nothing is left out. Memory holds one
part at a time. A flow that is missing one day is caught up by the next: it tells whatever no flow has told.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from rempart.claims import flow_file
from rempart.claims import store_flows as store
from rempart.claims.flow_file import Acceptance, Call, Cancellation, Header, LoadKey, write_line
from rempart.claims.messages import Shares
from rempart.claims.store_flows import Accepted, Connection, Flow
from rempart.foundation.clock import PARIS, SECOND, Clock
from rempart.foundation.errors import Refusal

PART = 192 * 1024
"""Bytes of a part at the most: one travels in one frame between two processes."""
BATCH = 200
"""Rows read at once."""


class FlowsBusy(Refusal):
    """Two processes never make flows at once."""

    code = "flows-busy"
    french = "Les flux quotidiens sont déjà en cours : attendez leur fin."
    english = "The daily flows are already being made: wait for their end."


@dataclass(frozen=True, slots=True)
class Told:
    """A flow that is made, or a part that is durable (`made` False)."""

    amc: str
    day: date
    parts: int
    rows: int
    cents: int
    made: bool


def make_flows(
    c: Connection, day: date, clock: Clock, told: Callable[[Told], None] = lambda _: None
) -> list[Told]:
    """Finish what was cut short, then make each insurer's flow of this day (civil, Paris), empty or not; those made now.

    `c`: autocommit, as rempart_worker. For a day that is not over, a flow ends now: what comes later is in the next one. Raises FlowsBusy.
    """
    until = min(clock(), _end_of(day))
    with _alone(c):
        made = [_write(c, flow, clock, told) for flow in store.unfinished(c)]
        for insurer in store.without_flow(c, day):
            with c.transaction():
                flow = store.open_flow(c, insurer, day, until)
                flow = store.add_part(c, flow, write_line(_header(flow)))
            told(_told(flow, made=False))
            made.append(_write(c, flow, clock, told))
    return made


def _write(c: Connection, flow: Flow, clock: Clock, told: Callable[[Told], None]) -> Told:
    for write_part in (_write_accepted, _write_cancelled):
        while (longer := write_part(c, flow)) is not None:
            flow = longer
            told(_told(flow, made=False))
    with c.transaction():
        # The calls are few, and go with the end: there is no other mark of their having been written.
        if calls := [Call(*row[:3], row[3].isoformat()) for row in store.calls_of(c, flow)]:
            flow = store.add_part(c, flow, b"".join(map(write_line, calls)))
        digest = hashlib.sha256()
        for content in store.contents(c, flow):
            digest.update(content)
        store.finish(c, flow, digest.digest(), clock())
    told(_told(flow, made=True))
    return _told(flow, made=True)


def _write_accepted(c: Connection, flow: Flow) -> Flow | None:
    """The next part of acceptances; their sealed acts move into it. None when there is none left."""
    with c.transaction():
        rows = store.next_accepted(c, flow, BATCH)
        if not rows:
            return None
        keys = store.load_keys(c, flow.insurer, sorted({_load(row) for row in rows}))
        content, many = _fit(_with_keys(rows, keys))
        flow = store.add_part(c, flow, content)
        store.forget_acts(c, [row.invoice for row in rows[:many]])
        return flow


def _write_cancelled(c: Connection, flow: Flow) -> Flow | None:
    """The next part of cancellations; None when there is none left."""
    with c.transaction():
        rows = store.next_cancelled(c, flow, BATCH)
        if not rows:
            return None
        content, many = _fit(
            write_line(
                Cancellation(
                    str(row["id"]), row["engagement_number"], row["domain"], row["cancelled"],
                    Shares(*(row[name] for name in Shares.__struct_fields__)),
                )
            )
            for row in rows
        )  # fmt: skip
        store.cancelled_to(c, flow, rows[many - 1]["id"])
        return store.add_part(c, flow, content)


def _with_keys(rows: Sequence[Accepted], keys: dict[int, bytes]) -> Iterator[bytes]:
    """Each row's line; before the first one of a load, that load's key.

    A key comes again in each part: parts know nothing of each other, whoever was killed in between."""
    written = set()
    for row in rows:
        load, before = _load(row), b""
        if load in keys and load not in written:
            written.add(load)
            before = write_line(LoadKey(load, flow_file.text(keys[load])))
        yield (
            before
            + write_line(
                Acceptance(
                    str(row.invoice), row.engagement_number, row.engagement, row.domain, row.care_date.isoformat(), row.received,
                    row.amounts, flow_file.text(row.notice_ref or b""), flow_file.text(row.sealed),
                )
            )
        )  # fmt: skip


def _fit(lines: Iterator[bytes]) -> tuple[bytes, int]:
    """As many lines as a part holds, one at least; and how many."""
    content, many = bytearray(), 0
    for line in lines:
        if many and len(content) + len(line) > PART:
            break
        content += line
        many += 1
    return bytes(content), many


def _load(row: Accepted) -> int:
    """The load that a reference names in its first bytes (rempart.intake.notice); 0 without a reference."""
    return int.from_bytes((row.notice_ref or b"")[:4], "big")


def _header(flow: Flow) -> Header:
    figures = flow.figures
    return Header(
        flow_file.VERSION, flow.amc, flow.day.isoformat(), flow.until, figures.acceptances, figures.accepted, figures.cancellations,
        figures.cancelled, figures.calls, figures.called,
    )  # fmt: skip


def _told(flow: Flow, *, made: bool) -> Told:
    figures = flow.figures
    rows = figures.acceptances + figures.cancellations + figures.calls
    return Told(flow.amc, flow.day, flow.parts, rows, flow.cents, made)


def _end_of(day: date) -> int:
    """The first instant of the next day in Paris, µs."""
    return int(datetime.combine(day + timedelta(days=1), time(), PARIS).timestamp()) * SECOND


@contextmanager
def _alone(c: Connection) -> Iterator[None]:
    if not store.take_lock(c):
        raise FlowsBusy
    try:
        yield
    finally:
        if not c.broken:
            store.give_lock(c)
