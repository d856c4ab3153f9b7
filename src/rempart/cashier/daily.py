"""An insurer's files, listed, downloaded part by part, acknowledged: its flow, the ledger's openings, packages of an incident. One desk.

All are sealed to the insurer: nobody here opens them. The list shows the digests, so that one proves no reading: a person who acknowledges
proves who they are, and the content stays for a week.
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
    """Acknowledged a week ago: nothing of it is kept here."""

    code = "flow-acknowledged"
    french = "Ce fichier est acquitté depuis plus de sept jours : son contenu est effacé ici, le vôtre est le seul exemplaire."
    english = "This file was acknowledged more than seven days ago: its content is deleted here, yours is the only copy."


class Replaced(Refusal):
    """A newer issue was acknowledged a week ago: nothing of this one is kept."""

    code = "package-replaced"
    french = "Une version plus récente de ce dossier est acquittée : celle-ci a été effacée ici. Lisez la plus récente."
    english = "A newer issue of this package was acknowledged: this one was deleted here. Read the newest."


@dataclass(frozen=True)
class DailyDesk:
    """The errands of one kind of daily file."""

    shelf: Shelf[Any]
    page: Callable[[list[Any], int], View]
    paper: str
    """The kind of a part, at the doors."""

    async def files(self, asked: Asked, c: asyncpg.Connection, body: PageBody) -> View:
        """Its files, newest first."""
        return self.page(*await store.page(c, self.shelf, body.before, asked.at))

    async def download(self, asked: Asked, c: asyncpg.Connection, body: FilePartBody) -> Paper:
        """One part of a file, as it is. Raises NotFound, Gone, Replaced."""
        wanted = _id(body.id)
        known = await store.find(c, self.shelf, wanted, asked.at)
        # Whether the worker has removed it yet is nobody's luck.
        if known is not None and not known.parts:
            raise Gone if known.acknowledged else Replaced
        content = await store.part(c, self.shelf, wanted, body.part)
        if content is None:
            raise NotFound
        if self.shelf is INCIDENTS and known is not None and body.part == known.parts:
            await store.note_fetched(c, wanted, asked.at)
        return Paper(self.paper, content, MEDIA_TYPE)

    async def acknowledge(self, asked: Asked, c: asyncpg.Connection, body: AcknowledgeBody) -> DailyFile:
        """The insurer has it whole: it is recalled no more, its content goes a week later. Once acknowledged, the same answer.

        Raises NotFound, NotWhole.
        """
        wanted = _id(body.id)
        known = await store.find(c, self.shelf, wanted, asked.at, lock=True)
        if known is None:
            raise NotFound
        if body.digest.lower() != known.digest:
            raise NotWhole
        if not known.acknowledged:
            await store.acknowledge(c, self.shelf, wanted, asked.at)
        answer: DailyFile | None = await store.find(c, self.shelf, wanted, asked.at)
        assert answer is not None
        return answer

    def errands(self, listed: str, one: str) -> Table:
        """`listed`: the address of its list; `one`: the stem of what is done with one file."""
        return {
            listed: Errand(Party.INSURER, PageBody, self.files),
            f"{one}/download": Errand(Party.INSURER, FilePartBody, self.download),
            f"{one}/acknowledge": Errand(Party.INSURER, AcknowledgeBody, self.acknowledge, "step-up"),
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
