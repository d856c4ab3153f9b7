"""What the thief holds of one account, and what can be asked with it."""

from dataclasses import dataclass, field
from typing import Literal

from rempart.drill.seat import FHIR, RIGHTS, Door, Seat, Told, told_of
from rempart.vaultdoor.browser import DeviceKey
from rempart.vaultdoor.fhir import Presentation, write_request

Kind = Literal["live", "copied", "cookie"]
ENDPOINTS = (RIGHTS, "/fhir/CoverageEligibilityRequest/%24submit")
"""The right's two spellings; the other addresses tell no person, and a hopper tries them beside."""


@dataclass
class Grip:
    """`live`: malware on the workstation, which follows every new session; `copied`: the browser's profile as it was on that day;
    `cookie`: the session's value alone, which the thief signs with a key of his own."""

    door: Door
    victim: Seat
    kind: Kind
    own: DeviceKey = field(default_factory=DeviceKey.generate)
    copied: str = ""
    refusals: int = 0
    in_a_row: int = 0
    given_up: bool = False

    @property
    def session(self) -> str:
        """The session's value, as he has it now."""
        return self.victim.session if self.kind == "live" else self.copied

    @property
    def device(self) -> DeviceKey:
        """The key he signs with. Scripts cannot export the victim's; whoever copies the whole profile has the use of it."""
        return self.own if self.kind == "cookie" else self.victim.device

    def copy(self) -> None:
        """Take what there is now."""
        self.copied = self.victim.session

    async def ask(self, shown: Presentation, endpoint: int = 0) -> Told:
        """Ask for somebody."""
        body = write_request(shown, self.door.today)
        path = ENDPOINTS[endpoint % len(ENDPOINTS)]
        return told_of(await self.door.post(path, body, self.device, self.session, FHIR))
