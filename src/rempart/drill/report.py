"""What a drill measured, as `--json` writes it (docs/drill.md explains each key)."""

from dataclasses import asdict, dataclass, field
from typing import Any

from rempart.drill.crashes import Crashed
from rempart.drill.loot import Loot
from rempart.drill.response import Response
from rempart.drill.watch import Mark
from rempart.foundation.clock import MINUTE


@dataclass
class Report:
    """Minutes are simulated, counted from the thief's first act; None: it did not happen."""

    scenario: str
    seed: int
    seconds: float
    """Real time, the platform's start included."""
    simulated_days: int
    persons_exposed: int
    persons_in_scope: int
    scope_beyond_exposed: int
    """The difference: answers that were counted and lost in a crash. Never negative."""
    first_alert_minutes: float | None
    contained_minutes: float | None
    persons_until_first_alert: int | None
    persons_until_contained: int | None
    honest_requests: int
    honest_refused_rate: float
    honest_stepped_up_rate: float
    persons_without_meters: int
    """What the same thief would have been told by a platform that only asks for the session: see docs/drill.md."""
    persons_beside: int
    """Told to the honest people of the accounts he held, meanwhile."""
    thief_requests: int
    thief_answers: dict[str, int]
    honest_refusals: dict[str, int]
    honest_beside_thief: dict[str, int]
    honest_invoices: dict[str, int]
    alerts: list[dict[str, Any]]
    alerts_about_others: dict[str, int]
    """By rule, since the thief began, about parties that he does not hold: false alarms."""
    crashes: list[dict[str, Any]]
    honest_outages: dict[str, int]
    """Requests of honest people that nobody answered, by code: they asked again."""
    ledger: dict[str, int]
    notes: list[str]
    seconds_by_part: dict[str, float]
    timeline: list[dict[str, Any]] = field(default_factory=list)
    picture: str = ""
    response: Response | None = None
    """Of whoever was on duty, where somebody responded."""

    def to_json(self) -> dict[str, Any]:
        """In the order above; a response's five figures beside the drill's own, the rest under `response`."""
        whole = asdict(self)
        del whole["response"]
        return whole | (self.response.to_json() if self.response is not None else {})


def minutes(at: int, began: int) -> float:
    """Simulated minutes since the thief began."""
    return round((at - began) / MINUTE, 2)


def told_of(crashes: list[Crashed], began: int) -> list[dict[str, Any]]:
    """The crashes that happened."""
    return [
        {
            "minutes": minutes(crash.at, began),
            "process": crash.process,
            "in_flight": crash.in_flight,
            "seconds": crash.seconds,
        }
        for crash in crashes
    ]


def timeline_of(loot: Loot, alerts: list[Mark], contained: Mark | None) -> list[dict[str, Any]]:
    """Cumulated persons at each instant at which the number grew, and what the platform did, in order of time."""
    began = loot.began
    steps = {at: count for count, at in enumerate(sorted(loot.told.values()), start=1)}
    told = [{"minutes": minutes(at, began), "event": "told", "persons": count} for at, count in steps.items()]
    marks = [
        {
            "minutes": minutes(mark.at, began),
            "event": "alert",
            "what": mark.what,
            "persons": loot.persons_by(mark.at),
        }
        for mark in alerts
    ]
    if contained is not None:
        marks.append({
            "minutes": minutes(contained.at, began), "event": "contained", "what": contained.what,
            "persons": loot.persons_by(contained.at),
        })  # fmt: skip
    return sorted([*told, *marks], key=lambda line: (line["minutes"], line["event"] != "told"))
