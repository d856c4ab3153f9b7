"""All the SQL of offline cards' uses. Instants are µs and come from the caller."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from rempart.vault.asked import Speaker
from rempart.vault.offline import Person
from rempart.vault.store_accounts import Connection, Row

_LOCKS = 0x0FF1
"""Advisory locks of cards; the second half is cut from the number: two cards that share it wait for each other, no more."""


async def lock_cards(c: Connection, cards: Sequence[UUID]) -> None:
    """Until the transaction's end, the uses of these are counted by it alone. In the order given."""
    for key in sorted({int.from_bytes(card.bytes[:4], "big", signed=True) for card in cards}):
        await c.execute("SELECT pg_advisory_xact_lock($1, $2)", _LOCKS, key)


async def card_of(c: Connection, card: UUID) -> Row | None:
    """insurer, revoked."""
    return await c.fetchrow("SELECT insurer, revoked FROM vault.offline_card WHERE card = $1", card)


async def find_use(c: Connection, card: UUID, device: UUID, domain: int, at: int) -> Row | None:
    """index, commitment, reported, cents, establishment of a use told before."""
    return await c.fetchrow(
        "SELECT u.index, l.commitment, u.reported, u.cents, u.establishment FROM vault.offline_use u"
        " JOIN evidence.leaf l ON l.index = u.index WHERE u.card = $1 AND u.device = $2 AND u.domain = $3 AND u.at = $4",
        card, device, domain, at,
    )  # fmt: skip


async def spent(c: Connection, card: UUID, day: date) -> int:
    """Cents of a card on a day, wherever it was used."""
    found: int = await c.fetchval(
        "SELECT coalesce(sum(cents), 0) FROM vault.offline_use WHERE card = $1 AND day = $2", card, day
    )
    return found


async def cards_that_day(c: Connection, device: UUID, day: date) -> int:
    """Uses that a device told of a day."""
    found: int = await c.fetchval(
        "SELECT count(*) FROM vault.offline_use WHERE device = $1 AND day = $2", device, day
    )
    return found


async def bound_since(c: Connection, account: UUID, device: UUID) -> int | None:
    """Since when the device is bound to the account; None where it is not."""
    found: int | None = await c.fetchval(
        "SELECT bound FROM vault.binding WHERE account = $1 AND device = $2", account, device
    )
    return found


async def log_use(
    c: Connection, now: int, who: Speaker, person: Person, domain: int, salt: bytes
) -> tuple[int, bytes]:
    """Append the leaf; its index and commitment."""
    row = await c.fetchrow(
        "SELECT index, commitment FROM vault.log_offline($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        now, who.account, who.device, who.establishment, person.insurer, domain, salt, UUID(bytes=person.subject), person.notice_ref,
    )  # fmt: skip
    assert row is not None
    return row["index"], row["commitment"]


async def keep_use(
    c: Connection, card: UUID, who: Speaker, domain: int, at: int, day: date, cents: int, index: int, now: int
) -> None:
    """Told once."""
    await c.execute(
        "INSERT INTO vault.offline_use (card, device, domain, at, day, establishment, cents, index, reported)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        card, who.device, domain, at, day, who.establishment, cents, index, now,
    )  # fmt: skip


async def forget_uses(c: Connection, before: int) -> None:
    """Of so long ago that none can be told any more."""
    await c.execute("DELETE FROM vault.offline_use WHERE at < $1", before)
