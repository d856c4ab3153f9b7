"""All the SQL of profiles but the one act's own (0081_disclose.sql): role rempart_vault, asyncpg.

A party is (scope, key) as switches name it. An insurer's vitale lane is `vitale_open`, whoever opened or closed it; its line is its
breaker.
"""

import uuid
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network

from rempart.vault.store_accounts import Connection, Row

_READ = {
    "establishment": "SELECT least_assurance, lanes_open, line_percent, networks FROM vault.establishment WHERE id::text = $1",
    "editor": "SELECT least_assurance, lanes_open, line_percent, networks FROM vault.editor WHERE id::text = $1",
    "insurer": "SELECT least_assurance, CASE WHEN vitale_open THEN lanes_open ELSE lanes_open & 5 END AS lanes_open,"
    " 100 AS line_percent, networks FROM vault.insurer WHERE number::text = $1",
}
_WRITE = {
    "establishment": "UPDATE vault.establishment SET least_assurance = $2, lanes_open = $3, line_percent = $4, networks = $5"
    " WHERE id::text = $1",
    "editor": "UPDATE vault.editor SET least_assurance = $2, lanes_open = $3, line_percent = $4, networks = $5 WHERE id::text = $1",
    "insurer": "UPDATE vault.insurer SET least_assurance = $2, lanes_open = $3 | 2, vitale_open = $3 & 2 <> 0, networks = $5"
    " WHERE number::text = $1 AND $4 = 100",
}
_NARROWED = """
SELECT 'establishment' AS scope, coalesce(finess, amc) AS named, least_assurance, lanes_open, line_percent, networks
  FROM vault.establishment WHERE least_assurance > 1 OR lanes_open <> 7 OR line_percent < 100 OR networks IS NOT NULL
UNION ALL
SELECT 'editor', name, least_assurance, lanes_open, line_percent, networks
  FROM vault.editor WHERE least_assurance > 1 OR lanes_open <> 7 OR line_percent < 100 OR networks IS NOT NULL
UNION ALL
SELECT 'insurer', amc, least_assurance, CASE WHEN vitale_open THEN lanes_open ELSE lanes_open & 5 END, 100, networks
  FROM vault.insurer WHERE least_assurance > 1 OR lanes_open <> 7 OR NOT vitale_open OR networks IS NOT NULL
ORDER BY 1, 2
"""


async def read(c: Connection, scope: str, key: str) -> Row | None:
    """least_assurance, lanes_open, line_percent, networks; the row is held."""
    return await c.fetchrow(_READ[scope] + " FOR UPDATE", key)


async def write(
    c: Connection,
    scope: str,
    key: str,
    least: int,
    lanes: int,
    percent: int,
    networks: Sequence[IPv4Network | IPv6Network] | None,
) -> None:
    """The whole profile."""
    await c.execute(_WRITE[scope], key, least, lanes, percent, networks)


async def narrowed(c: Connection) -> list[Row]:
    """scope, named and the profile of each party that has another than the policy's own."""
    rows: list[Row] = await c.fetch(_NARROWED)
    return rows


async def shared(c: Connection, key: uuid.UUID | None, limits: Iterable[int]) -> list[int]:
    """The policy's limits, as vault.disclose takes them: by the share of the establishment, or of the first one where an account or a
    device works; or of the editor."""
    percent = await c.fetchval(
        "SELECT line_percent FROM vault.establishment WHERE id = $1"
        " UNION ALL SELECT line_percent FROM vault.editor WHERE id = $1"
        " UNION ALL SELECT e.line_percent FROM vault.membership m JOIN vault.establishment e ON e.id = m.establishment"
        " WHERE m.account = $1 OR m.account IN (SELECT b.account FROM vault.binding b WHERE b.device = $1) LIMIT 1",
        key,
    )
    return [limit * (percent or 100) // 100 for limit in limits]


async def least_of(c: Connection, account: uuid.UUID) -> int:
    """The assurance that the strictest of an account's places asks for, those of a group that it administers among them."""
    return int(
        await c.fetchval(
            "SELECT greatest(1, (SELECT max(h.least_assurance) FROM vault.membership m JOIN vault.establishment h"
            " ON h.id = m.establishment WHERE m.account = $1), (SELECT max(h.least_assurance) FROM vault.membership m"
            " JOIN vault.establishment h ON h.party_group = m.party_group WHERE m.account = $1))",
            account,
        )
    )


_WEAKER = {
    "establishment": "account IN (SELECT m.account FROM vault.membership m WHERE m.establishment::text = $1"
    " UNION SELECT m.account FROM vault.membership m JOIN vault.establishment h ON h.party_group = m.party_group"
    " WHERE h.id::text = $1)",
    "editor": "device IN (SELECT w.device FROM vault.software w WHERE w.editor::text = $1)",
}


async def close_weaker(c: Connection, scope: str, key: str, least: int) -> None:
    """The sessions that are no longer enough: of an establishment's people, wherever they sit; or on an editor's software."""
    await c.execute(f"DELETE FROM vault.session WHERE {_WEAKER[scope]} AND assurance < $2", key, least)  # noqa: S608 (constants)
