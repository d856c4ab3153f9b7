"""The clocks of the law: what is due to whom by when, what is done, about to lapse, late. Pure; `now` is passed in."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from rempart.foundation.clock import HOUR, PARIS, SECOND, instant
from rempart.incident.case import DutyUnknown, Incident

PACKAGES = "packages"
_LAST_SHARE = 4
"""About to lapse: in the last quarter of the term."""


class Duty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of clocks.toml, which explains the fields."""

    key: str
    law: str
    to: str
    to_english: str
    french: str
    english: str
    starts: str
    hours: int = 0
    months: int = 0
    latest_hours: int = 0
    aid: bool = False
    documents: tuple[str, ...] = ()
    done_by: str = ""

    def __post_init__(self) -> None:
        kind, _, of = self.starts.partition(":")
        if (kind, bool(of)) not in {("aware", False), ("fact", True), ("done", True)}:
            raise ValueError(f"duty {self.key}: starts {self.starts!r}")
        if min(self.hours, self.months, self.latest_hours) < 0 or (self.hours and self.months):
            raise ValueError(f"duty {self.key}: a term is hours or months")
        if self.done_by not in {"", PACKAGES}:
            raise ValueError(f"duty {self.key}: done_by {self.done_by!r}")


class Clocks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """clocks.toml."""

    duty: tuple[Duty, ...]
    remind_after_hours: int

    def __post_init__(self) -> None:
        keys = [duty.key for duty in self.duty]
        begun = [duty.starts.removeprefix("done:") for duty in self.duty if duty.starts.startswith("done:")]
        if len(set(keys)) != len(keys) or not set(begun) <= set(keys) or self.remind_after_hours < 1:
            raise ValueError("duties have different keys, and begin with each other")

    def find(self, key: str) -> Duty:
        """Raises DutyUnknown."""
        for duty in self.duty:
            if duty.key == key:
                return duty
        raise DutyUnknown(key)


class State(StrEnum):
    """How loud a duty is."""

    DONE = "done"
    DONE_LATE = "done late"
    WAIVED = "not due"
    WAITING = "not begun"
    """It begins with something that has not happened."""
    OPEN = "as soon as known"
    """The law gives no figure."""
    RUNNING = "running"
    SOON = "about to lapse"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Due:
    """A duty of one incident. `due` (µs) None where there is no term, or none yet; `done` (µs) None until it is."""

    duty: Duty
    state: State
    due: int | None
    done: int | None = None
    said: str = ""
    """The reference of what was done, or why it is not due."""


def read_clocks(clocks: Clocks, incident: Incident, now: int) -> list[Due]:
    """Every duty, in the order of clocks.toml."""
    return [_due(duty, incident, now) for duty in clocks.duty]


def loudest(dues: list[Due]) -> State:
    """LATE, SOON, or RUNNING for everything quieter. Another's duty is shown, and is never louder than ours."""
    states = {due.state for due in dues if not due.duty.aid}
    return next((state for state in (State.LATE, State.SOON) if state in states), State.RUNNING)


def _due(duty: Duty, incident: Incident, now: int) -> Due:
    start = _start(duty, incident)
    due = _end(duty, start, incident.aware)
    if (done := incident.done.get(duty.key)) is not None:
        late = due is not None and done.at > due
        return Due(duty, State.DONE_LATE if late else State.DONE, due, done.at, done.reference)
    if (why := incident.waived.get(duty.key)) is not None:
        return Due(duty, State.WAIVED, None, said=why)
    if due is None:
        return Due(duty, State.OPEN if start is not None else State.WAITING, None)
    if now > due:
        return Due(duty, State.LATE, due)
    begun = incident.aware if start is None else start
    soon = (due - now) * _LAST_SHARE <= due - begun
    return Due(duty, State.SOON if soon else State.RUNNING, due)


def _start(duty: Duty, incident: Incident) -> int | None:
    kind, _, of = duty.starts.partition(":")
    if kind == "aware":
        return incident.aware
    if kind == "fact":
        said = incident.facts.get(of)
        return None if said is None else int(said)
    done = incident.done.get(of)
    return None if done is None else done.at


def _end(duty: Duty, start: int | None, aware: int) -> int | None:
    ends = []
    if start is not None and duty.hours:
        ends.append(start + duty.hours * HOUR)
    if start is not None and duty.months:
        ends.append(_months_later(start, duty.months))
    if duty.latest_hours:
        ends.append(aware + duty.latest_hours * HOUR)
    return min(ends, default=None)


def _months_later(start: int, months: int) -> int:
    """The same time of day, that many months later in Paris; the month's last day where it has no such day."""
    there = instant(start).astimezone(PARIS)
    year, month = divmod(there.year * 12 + there.month - 1 + months, 12)
    for day in range(there.day, 27, -1):
        try:
            return _micros(there.replace(year=year, month=month + 1, day=day))
        except ValueError:
            continue
    return _micros(there.replace(year=year, month=month + 1))


def _micros(there: datetime) -> int:
    return round(there.timestamp()) * SECOND
