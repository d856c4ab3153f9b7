"""An insurer's files, listed, downloaded part by part, acknowledged: its flow, the ledger's openings, packages of an incident. One desk.

All are sealed to the insurer: nobody here opens them.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from rempart.cashier.errands import Asked, Errand, NotFound, Party, Table
from rempart.claims import store_daily as store
from rempart.claims.messages import (
    AcknowledgeBody,
    DailyFile,
    FilePartBody,
    FlowPage,
    IncidentPage,
    OpeningsPage,
    PageBody,
    View,
)
from rempart.claims.store_daily import FLOWS, INCIDENTS, OPENINGS, Shelf
from rempart.foundation.errors import Refusal
from rempart.vaultdoor.messages import Paper

MEDIA_TYPE = "application/x-ndjson"


class NotWhole(Refusal):
    """An acknowledgement that proves nothing: the digest is another's."""

    code = "flow-digest"
    french = (
        "Le fichier reçu n'est pas entier ou a été modifié : téléchargez-le à nouveau avant de l'acquitter."
    )
    english = "The file received is not whole or was changed: download it again before you acknowledge it."


class Gone(Refusal):
    """Acknowledged: nothing of it is kept here."""

    code = "flow-acknowledged"
    french = "Ce fichier est acquitté : son contenu a été effacé ici, le vôtre est le seul exemplaire."
    english = "This file is acknowledged: its content was deleted here, yours is the only copy."


@dataclass(frozen=True)
class DailyDesk:
    """The errands of one kind of daily file."""

    shelf: Shelf[Any]
    page: Callable[[list[Any], int], View]
    paper: str
    """The kind of a part, at the doors."""

    async def files(self, _asked: Asked, c: asyncpg.Connection, body: PageBody) -> View:
        """Its files, newest first."""
        return self.page(*await store.page(c, self.shelf, body.before))

    async def download(self, _asked: Asked, c: asyncpg.Connection, body: FilePartBody) -> Paper:
        """One part of a file, as it is. Raises NotFound, Gone."""
        wanted = _id(body.id)
        content = await store.part(c, self.shelf, wanted, body.part)
        if content is None:
            known = await store.find(c, self.shelf, wanted)
            raise Gone if known is not None and known.acknowledged else NotFound
        return Paper(self.paper, content, MEDIA_TYPE)

    async def acknowledge(self, asked: Asked, c: asyncpg.Connection, body: AcknowledgeBody) -> DailyFile:
        """The insurer has it whole: its content goes. Once acknowledged, the same answer. Raises NotFound, NotWhole."""
        wanted = _id(body.id)
        known = await store.find(c, self.shelf, wanted, lock=True)
        if known is None:
            raise NotFound
        if body.digest.lower() != known.digest:
            raise NotWhole
        if not known.acknowledged:
            await store.acknowledge(c, self.shelf, wanted, asked.at)
        answer: DailyFile | None = await store.find(c, self.shelf, wanted)
        assert answer is not None
        return answer

    def errands(self, listed: str, one: str) -> Table:
        """`listed`: the address of its list; `one`: the stem of what is done with one file."""
        return {
            listed: Errand(Party.INSURER, PageBody, self.files),
            f"{one}/download": Errand(Party.INSURER, FilePartBody, self.download),
            f"{one}/acknowledge": Errand(Party.INSURER, AcknowledgeBody, self.acknowledge),
        }


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound from None


TABLE = {
    **DailyDesk(FLOWS, FlowPage, "FlowPart").errands(
        "POST /claims/insurer/flows", "POST /claims/insurer/flow"
    ),
    **DailyDesk(OPENINGS, OpeningsPage, "OpeningsPart").errands(
        "POST /claims/insurer/openings", "POST /claims/insurer/openings"
    ),
    **DailyDesk(INCIDENTS, IncidentPage, "IncidentPart").errands(
        "POST /claims/insurer/incidents", "POST /claims/insurer/incidents"
    ),
}
