"""The SQL of dossiers: role rempart_vault, asyncpg. It sees wrapped keys, and nothing that they open."""

import uuid

from rempart.vault.store_accounts import Connection


async def wrapped(c: Connection, dossier: uuid.UUID, document: int) -> list[bytes]:
    """The wrapped keys of a document's pieces, in their order."""
    rows = await c.fetch(
        "SELECT wrapped FROM identity.dossier_piece WHERE dossier = $1 AND document = $2 ORDER BY piece",
        dossier,
        document,
    )
    return [bytes(row["wrapped"]) for row in rows]


async def opened_since(c: Connection, login: str, since: int) -> set[tuple[str, str]]:
    """The (dossier, document) that this operator opened since then, as the journal has them."""
    rows = await c.fetch(
        "SELECT DISTINCT object, detail FROM vault.journal WHERE act = 'dossier:open' AND actor = $1 AND at > $2",
        login,
        since,
    )
    return {(row["object"], row["detail"]) for row in rows}
