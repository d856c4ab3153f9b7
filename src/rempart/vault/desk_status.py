"""The bodies of the announcements' page at the desk (rempart.vault.desk_acts): what the operator says to everybody, or to professionals.

Each is a preview unless it says `"dry_run": false`. The journal's line says what kind of word it was, about what; the words are public.
"""

from typing import Annotated, Literal

from msgspec import Meta

from rempart.vault.asked import Body
from rempart.vault.desk_incident import Noted
from rempart.vault.notices import Audited

Number = Annotated[int, Meta(ge=1, le=2**62)]
Line = Annotated[str, Meta(max_length=500, pattern=r"^[^\x00]*$")]
Service = Annotated[str, Meta(pattern=r"^[a-z-]{1,40}$")]


class BoardBody(Body, frozen=True, kw_only=True):
    """What works now, or what stands of what was said."""

    part: Literal["levels", "standing"] = "levels"


class Previewed(Noted, frozen=True):
    """Words that many read: shown first, then said."""

    ACT = Audited.STATUS_SAY
    dry_run: bool = True


class AnnounceBody(Previewed, frozen=True, kw_only=True):
    level: Literal["operational", "maintenance", "restricted", "down"]
    services: Annotated[list[Service], Meta(max_length=20)]
    french: Line
    english: Line

    def told(self) -> tuple[str, str]:
        return "announcement", f"open {self.level}: {', '.join(self.services)}"[:200]


class UpdateBody(Previewed, frozen=True, kw_only=True):
    id: Number
    french: Line
    english: Line

    def told(self) -> tuple[str, str]:
        return f"announcement {self.id}", "update"


class CloseBody(UpdateBody, frozen=True, kw_only=True):
    """With a last word."""

    def told(self) -> tuple[str, str]:
        return f"announcement {self.id}", "close"


class TellBody(Previewed, frozen=True, kw_only=True):
    """`to`: all, a profession, or a FINESS."""

    to: Annotated[str, Meta(pattern=r"^[a-z]{1,40}$|^[0-9A-Z]{1,9}$")]
    weight: Literal["information", "warning", "urgent"]
    hours: Annotated[int, Meta(ge=1, le=2_160)]
    french: Line
    english: Line

    def told(self) -> tuple[str, str]:
        return "message", f"tell {self.to}, {self.weight}, {self.hours} h"


class WithdrawMessageBody(Previewed, frozen=True, kw_only=True):
    id: Number

    def told(self) -> tuple[str, str]:
        return f"message {self.id}", "withdraw"
