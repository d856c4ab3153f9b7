"""Puts the names of establishments and colleagues beside the vault's replies, which know ids and logins only.

Ids come from the vault's reply, or from a body that the vault has just accepted. When the names cannot be had, the reply goes without:
what was done is done, and a one-time code is shown once.
"""

import logging
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.requests import Request

from rempart.identity.directory import Directory
from rempart.identity.errors import BadName, NamesUnavailable
from rempart.identity.model import Establishment
from rempart.status.errors import StatusUnavailable
from rempart.status.model import Message
from rempart.status.reading import StatusReader
from rempart.vaultdoor.messages import (
    Activated,
    Done,
    Enrolled,
    Here,
    Members,
    Reply,
    SignedIn,
    SoftwareAsked,
    Softwares,
    ToDo,
)

NAME_HEADER = "rempart-display-name"
"""The colleague's name, percent-encoded UTF-8: not for the vault, so not in the signed body."""
_log = logging.getLogger("rempart.portal")


@dataclass(frozen=True)
class Known:
    """Names for one reply."""

    places: dict[str, Establishment] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    """Account → name."""
    messages: list[Message] = field(default_factory=list)
    """What the operator has to say to whoever works there."""


class Names:
    """With `directory` None (no identity database), ids and logins are shown as they are; without `status`, no messages are."""

    def __init__(self, directory: Directory | None, status: StatusReader | None = None) -> None:
        self._directory, self._status = directory, status

    async def around(self, reply: Reply) -> Known:
        """What a fragment of this reply needs."""
        if isinstance(reply, Here):
            return Known(messages=await self._messages(reply))
        if self._directory is None:
            return Known()
        try:
            if isinstance(reply, Members):
                people = (
                    await self._directory.professionals(reply.establishment) if reply.establishment else {}
                )
                places = await self._directory.establishments(
                    [*reply.establishments, *filter(None, [reply.establishment])]
                )
                return Known(places, {account: person.name for account, person in people.items()})
            if isinstance(reply, ToDo):
                people = await self._directory.professionals(reply.establishment) if reply.colleagues else {}
                return Known(people={account: person.name for account, person in people.items()})
            places_shown = _places_shown(reply)
            if places_shown:
                return Known(await self._directory.establishments(places_shown))
        except NamesUnavailable as error:
            _log.warning("names unavailable: %s", error.detail)
        return Known()

    async def _messages(self, here: Here) -> list[Message]:
        try:
            return await self._status.messages(here.establishment, here.profession) if self._status else []
        except StatusUnavailable as error:
            _log.warning("messages unavailable: %s", error.detail)
            return []

    async def beside(self, reply: Reply) -> dict[str, Any]:
        """What the script's JSON gets more: the establishments by name, for the header."""
        session = reply.session if isinstance(reply, Activated) else reply
        if not isinstance(session, SignedIn | Members):
            return {}
        known = await self.around(session)
        return {"places": [msgspec.to_builtins(place) for place in known.places.values()]}

    async def follow(self, request: Request, body: bytes, reply: Reply) -> None:
        """After an invitation, write the colleague's name down; after a removal, forget it."""
        if self._directory is None:
            return
        path = request.url.path
        try:
            if path == "/acts/members/invite" and isinstance(reply, Enrolled):
                name = unquote(request.headers.get(NAME_HEADER, ""))
                place = msgspec.json.decode(body)["establishment"]
                if name and place:
                    await self._directory.name_professional(place, reply.id, name)
            elif path == "/acts/members/remove" and isinstance(reply, Done):
                accepted = msgspec.json.decode(body)
                if accepted["establishment"]:
                    await self._directory.forget_professional(accepted["establishment"], accepted["account"])
        except (NamesUnavailable, BadName) as error:
            _log.warning("name not written: %s", error.detail)


def _places_shown(reply: Reply) -> list[str]:
    """The establishments that a reply names by their ids."""
    if isinstance(reply, SoftwareAsked | Softwares):
        return [reply.establishment]
    session = reply.session if isinstance(reply, Activated) else reply
    return session.establishments if isinstance(session, SignedIn) else []
