"""A scenario: what somebody writes down to have an attack played. Read strictly; whatever makes no sense is an error that says so."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml

from rempart.foundation.errors import BadInput

Holding = Literal[
    "password", "password+totp-live", "cookie", "browser-profile", "session", "editor-key", "insurer-access",
    "database-dump", "door-root",
]  # fmt: skip
Knowledge = Literal["none", "nir-list", "card-list", "member-number-ranges"]
Adaptation = Literal["stop-on-refusal", "slow-down", "switch-endpoint", "switch-account", "fake-claims"]
LaneName = Literal["card", "vitale", "secret"]
Victims = Literal["ordinary", "idle", "busy"]

ACCOUNTLESS = frozenset({"database-dump", "door-root"})
ASKING = frozenset({"session", "browser-profile", "editor-key", "cookie"})
"""Holdings with which a right can at least be asked for."""
_LANE_OF: dict[Knowledge, LaneName] = {
    "none": "card",
    "nir-list": "vitale",
    "card-list": "card",
    "member-number-ranges": "card",
}


class BadScenario(BadInput):
    """The scenario cannot be read or makes no sense; the detail says where and why."""

    code = "scenario"
    french = "Ce scénario ne peut pas être joué (docs/drill.md)."
    english = "This scenario cannot be played (docs/drill.md)."


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Thief(_Strict, frozen=True):
    """What the thief has, knows and does. docs/drill.md says how each holding is played."""

    holds: Holding
    accounts: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    knows: Knowledge = "none"
    list_coverage: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    """The share of the insured people who are on his list."""
    order: Literal["random", "sorted"] = "random"
    pace: Annotated[float, msgspec.Meta(gt=0, le=100_000)] | Literal["human", "under-cap"] = "human"
    """Requests an hour, by all his accounts together; or a counter's own rhythm; or as little as is never refused."""
    hours: Literal["any", "working"] = "any"
    lane: LaneName | None = None
    """By default the one that his knowledge opens."""
    adapts: list[Adaptation] = []
    days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 1
    shuns_canaries: bool = False
    """Whoever does not exist is not on his list: he knows the people himself."""
    victims: Victims = "ordinary"
    """Whose accounts: drawn among all; whose holder asks nothing meanwhile; or of the busiest pharmacies."""

    @property
    def plays_lane(self) -> LaneName:
        """The lane he presents people in."""
        return self.lane or _LANE_OF[self.knows]


class People(_Strict, frozen=True):
    """The isolated platform's size."""

    persons: Annotated[int, msgspec.Meta(ge=100, le=2_000_000)] = 20_000
    insurers: Annotated[int, msgspec.Meta(ge=1, le=84)] = 4
    establishments: Annotated[int, msgspec.Meta(ge=1, le=2_000)] = 40
    canaries: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 25
    """People who do not exist, placed by each insurer among its members: on every list that was stolen whole."""


class Honest(_Strict, frozen=True):
    """Days of honest traffic that are played before the thief begins."""

    days: Annotated[int, msgspec.Meta(ge=0, le=60)] = 1


class Crash(_Strict, frozen=True):
    """A process of the platform is killed in the middle of requests; the supervisor starts it again."""

    process: Literal["vault", "database", "front", "cashier", "sentinel"]
    at_hours: Annotated[float, msgspec.Meta(ge=0)]
    """Simulated hours after the thief's begin."""


class Description(_Strict, frozen=True):
    """Two lines for `--list`."""

    fr: str = ""
    en: str = ""


class Scenario(_Strict, frozen=True):
    """The whole file."""

    thief: Thief
    population: People = People()
    honest: Honest = Honest()
    crashes: Annotated[list[Crash], msgspec.Meta(max_length=50)] = []
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**31)] = 1
    name: str = ""
    description: Description | str = ""

    @property
    def days(self) -> int:
        """Simulated days in all."""
        return self.honest.days + self.thief.days


def read_scenario(text: str, name: str) -> Scenario:
    """A scenario from its YAML. Raises BadScenario."""
    try:
        scenario = msgspec.convert(_as_a_list(yaml.safe_load(text)), Scenario)
    except yaml.YAMLError as error:
        raise BadScenario(f"{name}: no YAML: {str(error).splitlines()[0]}") from error
    except msgspec.ValidationError as error:
        raise BadScenario(f"{name}: {error}") from error
    require_sense(scenario, name)
    return scenario if scenario.name else msgspec.structs.replace(scenario, name=name)


def _as_a_list(given: Any) -> Any:
    """`adapts` may be one word, or none: people write that."""
    thief = given.get("thief") if isinstance(given, dict) else None
    if isinstance(thief, dict) and isinstance(thief.get("adapts", []), str | None):
        word = thief["adapts"]
        return given | {"thief": thief | {"adapts": [] if word in {None, "none"} else [word]}}
    return given


def require_sense(scenario: Scenario, name: str) -> None:
    """Raises BadScenario for what contradicts itself, saying what."""
    thief, town = scenario.thief, scenario.population
    for wrong, why in (
        (town.persons < town.insurers, "population.persons: fewer persons than insurers"),
        (
            thief.holds in ACCOUNTLESS and thief.accounts > 1,
            f"thief.accounts: {thief.holds} is no account: leave it at 1",
        ),
        (
            thief.holds == "insurer-access" and thief.accounts > town.insurers,
            "thief.accounts: more than there are insurers",
        ),
        (
            thief.holds == "database-dump" and bool(thief.adapts),
            "thief.adapts: a dump answers nobody, there is nothing to adapt to",
        ),
        (
            "fake-claims" in thief.adapts and thief.holds not in ASKING,
            f"thief.adapts: fake-claims needs a right told of, which {thief.holds} cannot ask for",
        ),
        (
            "switch-account" in thief.adapts and thief.accounts == 1,
            "thief.adapts: switch-account needs more than one account",
        ),
        (
            thief.list_coverage != 1 and thief.knows == "none",
            "thief.list_coverage: there is no list when he knows none",
        ),
        (
            thief.lane is not None and thief.knows != "none" and thief.lane != _LANE_OF[thief.knows],
            f"thief.lane: {thief.knows} opens the lane {_LANE_OF[thief.knows]}, not {thief.lane}",
        ),
    ):
        if wrong:
            raise BadScenario(f"{name}: {why}")
    for place, crash in enumerate(scenario.crashes):
        if crash.at_hours >= 24 * thief.days:
            raise BadScenario(
                f"{name}: crashes[{place}].at_hours: {crash.at_hours:g} is after the end, {24 * thief.days} hours after the thief's begin"
            )


def shipped() -> dict[str, Traversable]:
    """The scenarios that come with Rempart, by name."""
    folder = files("rempart.drill") / "scenarios"
    return {
        file.name.removesuffix(".yaml"): file
        for file in sorted(folder.iterdir(), key=lambda f: f.name)
        if file.name.endswith(".yaml")
    }


def load_scenario(named: str) -> Scenario:
    """A shipped scenario by its name, else a file. Raises BadScenario."""
    known = shipped().get(named.removesuffix(".yaml"))
    if known is not None and not Path(named).is_file():
        return read_scenario(known.read_text(), named.removesuffix(".yaml"))
    try:
        return read_scenario(Path(named).read_text(), Path(named).stem)
    except (OSError, UnicodeDecodeError) as error:
        raise BadScenario(
            f"{named}: neither a shipped scenario nor a readable file; `rempart drill --list`"
        ) from error
