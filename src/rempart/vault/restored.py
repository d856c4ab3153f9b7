"""A ledger that is not the one its witnesses saw: every line counts as spent until two people release it.

Three things close the platform. A witness knows a longer ledger: the database is an older copy, and what was asked since would be given
back. A witness knows another history. The log has another name than the one under which it was last signed: no witness could compare.
The switch is the platform's, thrown with the reason `REASON`; no ordinary release lifts it. What two people sign names this very hold.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import asyncpg

from rempart.evidence.note import VerifierKey
from rempart.foundation.clock import instant
from rempart.foundation.errors import BadInput
from rempart.vault.errors import NotThere, RestoredHold
from rempart.vault.store_accounts import RESTORED as REASON
from rempart.vault.store_accounts import Connection, write_journal
from rempart.vault.two_people import signed_by_two

VAULT = "vault"
"""The actor, in the journal: nobody did it."""
HELD, RELEASED = "restored:hold", "restored:release"
"""The acts, in the journal."""
_HEADER = "rempart release of a restored backup v1"
Why = Literal["longer-elsewhere", "another-history", "another-name"]


@dataclass(frozen=True)
class Contradiction:
    """What was found. `here`: leaves in the database; `seen`: leaves that the witness cosigned; `note`: what it showed, or ""."""

    why: Why
    here: int
    seen: int
    witness: str = ""
    note: str = ""


async def close_platform(pool: asyncpg.Pool, now: int, origin: str, found: Contradiction) -> None:
    """Throw the switch and remember why. While one is held, another finding adds nothing."""
    async with pool.acquire() as c, c.transaction():
        new = await c.fetchval(
            "INSERT INTO vault.restored (nonce, at, origin, here, seen, why, witness, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
            " ON CONFLICT DO NOTHING RETURNING nonce",
            uuid.uuid4(), now, origin, found.here, found.seen, found.why, found.witness, found.note,
        )  # fmt: skip
        await _throw(c, now)
        if new is not None:
            await write_journal(c, now, VAULT, HELD, origin, f"{found.why} {found.here} {found.seen}")


async def keep_closed(pool: asyncpg.Pool, now: int) -> bool:
    """At start: a hold that nobody released stands, even if somebody took the switch away behind the vault's back."""
    async with pool.acquire() as c, c.transaction():
        if not await c.fetchval("SELECT EXISTS (SELECT FROM vault.restored WHERE released IS NULL)"):
            return False
        await _throw(c, now)
    return True


async def is_held(pool: asyncpg.Pool) -> bool:
    """Does a hold wait for two people?"""
    return bool(await pool.fetchval("SELECT EXISTS (SELECT FROM vault.restored WHERE released IS NULL)"))


async def was_released(pool: asyncpg.Pool, origin: str) -> bool:
    """Did two people accept that the log goes on under this name?"""
    return bool(
        await pool.fetchval(
            "SELECT EXISTS (SELECT FROM vault.restored WHERE released_as = $1)",
            origin,
        )
    )


async def release_text(c: Connection, name: str) -> str:
    """What each of the two people signs, as the text of a signed note: this hold, and the log's name from now on.

    Raises `NotThere` when nothing is held.
    """
    row = await c.fetchrow(
        "SELECT nonce, at, origin, here, seen, why, witness FROM vault.restored WHERE released IS NULL FOR UPDATE"
    )
    if row is None:
        raise NotThere("hold")
    told = {
        "origin": row["origin"], "hold": row["nonce"], "since": instant(row["at"]).isoformat(timespec="seconds"), "why": row["why"],
        "here": row["here"], "seen": row["seen"], "by": row["witness"] or "-", "as": name,
    }  # fmt: skip
    return "".join(f"{line}\n" for line in (_HEADER, *(f"{name} {value}" for name, value in told.items())))


async def release(
    c: Connection, now: int, name: str, keys: Sequence[VerifierKey], signatures: Sequence[bytes]
) -> None:
    """Lift the switch, on the signatures of two people over the text of this hold. Raises `NotThere`, `ReleaseRefused`.

    What the operator had contained stays contained.
    """
    people = signed_by_two(await release_text(c, name), keys, signatures)
    await c.execute(
        "UPDATE vault.restored SET released = $1, released_by = $2, released_as = $3 WHERE released IS NULL",
        now, str(people), name,
    )  # fmt: skip
    await c.execute("DELETE FROM vault.switch WHERE scope = 'platform' AND key = '' AND reason = $1", REASON)
    origin = people.text.splitlines()[1].partition(" ")[2]
    await write_journal(c, now, str(people), RELEASED, origin, "")


async def require_ordinary(c: Connection, scope: str, reason: str) -> None:
    """An operator's switch neither lifts this hold, nor takes its name. Raises `RestoredHold`, `BadInput`."""
    if reason == REASON:
        raise BadInput("reason")
    held = scope == "platform" and await c.fetchval(
        "SELECT EXISTS (SELECT FROM vault.switch WHERE scope = 'platform' AND key = '' AND reason = $1)",
        REASON,
    )
    if held:
        raise RestoredHold


async def _throw(c: Connection, now: int) -> None:
    # Beside whatever the operator had contained, which stands when this is lifted.
    await c.execute(
        "INSERT INTO vault.switch (scope, key, hold, thrown_by, reason, thrown, until) VALUES ('platform', '', 'closed', $1, $2, $3, NULL)"
        " ON CONFLICT (scope, key, hold, thrown_by) DO NOTHING",
        VAULT, REASON, now,
    )  # fmt: skip
