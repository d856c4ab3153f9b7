"""The vault's replies as HTML, one template each. Everything is escaped; nothing of a reply is rendered that has no place here."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2

from rempart.desk import scope_wording, wording
from rempart.doorway.rendering import fragment, strict_environment
from rempart.foundation.clock import MINUTE, PARIS, instant
from rempart.vaultdoor.codes import Code
from rempart.vaultdoor.messages import (
    CampaignProgress,
    Campaigns,
    CampaignStarted,
    Editors,
    Effect,
    Enrolled,
    Establishments,
    HalfCode,
    Insurers,
    JournalLines,
    LineState,
    Operators,
    Profiles,
    ProfileView,
    Proposals,
    Proposed,
    Refused,
    Reply,
    Security,
    Switches,
    SwitchView,
)

TEMPLATES = Path(__file__).parent / "templates"
_FRAGMENTS: dict[type, str] = {
    CampaignProgress: "campaign.html",
    Campaigns: "campaigns.html",
    CampaignStarted: "campaign-started.html",
    Editors: "editors.html",
    Effect: "effect.html",
    Enrolled: "code.html",
    Establishments: "establishments.html",
    HalfCode: "half.html",
    Insurers: "insurers.html",
    JournalLines: "journal.html",
    LineState: "line.html",
    Operators: "operators.html",
    Profiles: "profiles.html",
    ProfileView: "profile.html",
    Proposals: "proposals.html",
    Proposed: "proposed.html",
    Security: "security.html",
    Switches: "switches.html",
}


def environment(origin: str, address: Callable[[str], str]) -> jinja2.Environment:
    """The desk's templates."""
    env = strict_environment(TEMPLATES, origin, address, wording=wording, scoping=scope_wording)
    env.filters.update(
        moment=_moment,
        civil=_civil,
        lines=lambda texts: [json.loads(text) for text in texts],
        paris=_paris,
        key_of=key_of,
        grouped=_grouped,
        hours=_hours,
    )
    return env


def key_of(held: SwitchView) -> str:
    """How a switch's key is named when it is lifted: as a person would name it, so that the journal reads the same both ways."""
    if held.scope == "insurer":
        return held.named.partition(" ")[0]
    return held.key if held.scope == "device" else held.named or held.key


class Fragments:
    """Renders replies."""

    def __init__(self, env: jinja2.Environment) -> None:
        self._env = env

    def has(self, reply: Reply) -> bool:
        """Is there a template for it?"""
        return type(reply) in _FRAGMENTS

    def render(self, reply: Reply, language: str) -> str:
        """The fragment of a reply that has one."""
        return self.fill(_FRAGMENTS[type(reply)], language, reply=reply)

    def refusal(self, reply: Refused, code: Code, language: str) -> str:
        """An alert: the code's sentence, which says what to do, and the element at fault."""
        return self.fill("refused.html", language, reply=reply, code=code, detail=reply.detail)

    def fill(self, name: str, language: str, **values: Any) -> str:
        """A fragment with these values."""
        return fragment(self._env, name, language, **values)


def _moment(micros: int, language: str) -> str:
    """A time as people in France read it, to the second: an incident is told by them."""
    moment = instant(micros).astimezone(PARIS)
    return moment.strftime("%d %b %Y, %H:%M:%S" if language == "en" else "%d/%m/%Y %H:%M:%S")


def _civil(micros: int) -> str:
    """The day of an instant in Paris."""
    return instant(micros).astimezone(PARIS).strftime("%d/%m/%Y")


def _paris(iso: str, language: str) -> str:
    """A line of the journal carries its time as ISO 8601, in UTC."""
    return _moment(int(datetime.fromisoformat(iso).timestamp() * 1_000_000), language)


def _hours(micros: int) -> str:
    hours, minutes = divmod(abs(micros) // MINUTE, 60)
    sign = "\u2212" if micros < 0 else ""
    return f"{sign}{hours} h {minutes:02d}"


def _grouped(number: int, language: str) -> str:
    return f"{number:,}" if language == "en" else f"{number:,}".replace(",", "\u202f")
