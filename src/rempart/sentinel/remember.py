"""What survives a restart: what was learnt, in incident.history; what was found, in incident.alert; the rest is read again, silently."""

from typing import Any
from uuid import UUID

import psycopg

from rempart.foundation.clock import DAY
from rempart.incident import history, store
from rempart.incident.desk import Desk
from rempart.incident.model import in_order
from rempart.incident.response import MEMORY
from rempart.incident.watch import Watch

READ_AGAIN = 3 * DAY
"""Sums, windows and look-ups that still wait for their claim: the longest wait is three days."""


def restore(c: "psycopg.Connection[Any]", desk: Desk, batch: int) -> store.Position:
    """Bring a fresh desk to where the former process was. Answers from where to go on."""
    reached = store.position(c)
    for party, kind, state in store.histories(c):
        if kind == history.DEVICE:
            desk.watch.devices[party] = history.read_device(state)
        else:
            desk.watch.houses[party] = history.read_house(state)
    for finding, held in store.past_alerts(c, reached.at - MEMORY):
        desk.remember(finding, held)
    desk.answering = False
    _read_again(c, desk, reached, batch)
    desk.answering = True
    desk.watch.touched.clear()
    return reached


def _read_again(c: "psycopg.Connection[Any]", desk: Desk, reached: store.Position, batch: int) -> None:
    since = reached.at - READ_AGAIN
    # Canaries are remembered for four weeks; who was found then, too.
    events = store.read_past_events(c, since, reached.at - MEMORY, reached.event)
    index = store.first_entry_since(c, since, reached.entry)
    while entries := store.read_lookups(c, index, batch, before=reached.entry):
        index = entries[-1].index + 1
        until = entries[-1].at
        for seen in in_order(entries, (e for e in events if e.at <= until)):
            desk.take(seen)
        events = [e for e in events if e.at > until]
    for event in events:
        desk.note(event)
    # Their claims were judged by the former process.
    desk.due(reached.at)


def saved_rows(watch: Watch) -> list[tuple[UUID, int, bytes]]:
    """The rows of every device and house that changed since the last time."""
    rows = []
    for party in watch.touched:
        if (device := watch.devices.get(party)) is not None and device.paced.rhythm.profession:
            rows.append((party, history.DEVICE, history.write_device(device)))
        if (house := watch.houses.get(party)) is not None:
            rows.append((party, history.HOUSE, history.write_house(house)))
    watch.touched.clear()
    return rows
