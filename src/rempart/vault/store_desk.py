"""All the SQL of operators, their proposals, and whom an act would touch: role rempart_vault, asyncpg. Instants are µs."""
# mypy: disable-error-code="no-any-return"
# asyncpg publishes no types: the annotations here say what each statement returns.

import uuid

from rempart.vault.store_accounts import Connection, Row

# ── operators ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def operators_seat(c: Connection) -> uuid.UUID | None:
    """The one establishment of the profession operator, if anybody was ever enrolled there."""
    return await c.fetchval("SELECT id FROM vault.establishment WHERE profession = 'operator'")


async def is_operator(c: Connection, account: uuid.UUID) -> bool:
    """Has this account a seat at the desk?"""
    return bool(
        await c.fetchval(
            "SELECT EXISTS (SELECT FROM vault.membership m JOIN vault.establishment e ON e.id = m.establishment"
            " WHERE m.account = $1 AND e.profession = 'operator')",
            account,
        )
    )


async def operators(c: Connection) -> list[Row]:
    """account, login, role, status, added; by login."""
    return await c.fetch(
        "SELECT m.account, a.login, m.role, a.status, m.added FROM vault.membership m"
        " JOIN vault.establishment e ON e.id = m.establishment AND e.profession = 'operator'"
        " JOIN vault.account a ON a.id = m.account ORDER BY a.login"
    )


async def set_role(c: Connection, account: uuid.UUID, role: str) -> None:
    """An operator's new role."""
    await c.execute("UPDATE vault.membership SET role = $2 WHERE account = $1", account, role)


async def is_bound(c: Connection, account: uuid.UUID, device: uuid.UUID) -> bool:
    """Was this device ever this account's, and is it still?"""
    return bool(
        await c.fetchval(
            "SELECT EXISTS (SELECT FROM vault.binding WHERE account = $1 AND device = $2)", account, device
        )
    )


# ── proposals ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def propose(
    c: Connection,
    call: str,
    effect: str,
    login: str,
    now: int,
    expires: int,
    *,
    account: uuid.UUID | None = None,
    device: uuid.UUID | None = None,
) -> int:
    """A new one; its number."""
    return await c.fetchval(
        "INSERT INTO vault.proposal (call, effect, account, login, device, at, expires) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        call,
        effect, account, login, device, now, expires,
    )  # fmt: skip


# Whoever proposed must still stand: suspended, they propose nothing any more.
_PROPOSAL = """
SELECT id, call, effect, account, login, device, at, expires,
       (SELECT m.role FROM vault.membership m JOIN vault.establishment e ON e.id = m.establishment
         WHERE m.account = p.account AND e.profession = 'operator') AS role
  FROM vault.proposal p WHERE state = 'open'
   AND (account IS NULL OR EXISTS (SELECT FROM vault.account a WHERE a.id = p.account AND a.status = 'active'))
"""


async def open_proposals(c: Connection, now: int) -> list[Row]:
    """id, call, effect, account, login, device, at, expires of those in time, the oldest first; role: the proposer's, as it is now."""
    return await c.fetch(f"{_PROPOSAL} AND expires > $1 ORDER BY id", now)


async def open_proposal(c: Connection, number: int, now: int) -> Row | None:
    """The same of one, held until the end of the transaction: two approvals take their turn."""
    return await c.fetchrow(f"{_PROPOSAL} AND id = $1 AND expires > $2 FOR UPDATE", number, now)


async def done_proposal(c: Connection, number: int, account: uuid.UUID, since: int) -> Row | None:
    """call, decided, decided_by of one of this person's that was done since then."""
    return await c.fetchrow(
        "SELECT call, decided, decided_by FROM vault.proposal WHERE id = $1 AND account = $2 AND state = 'done' AND decided > $3",
        number,
        account,
        since,
    )


async def done_proposals(c: Connection, account: uuid.UUID, since: int) -> list[Row]:
    """id, call, effect, login, at, expires of this person's that were done since then."""
    return await c.fetch(
        "SELECT id, call, effect, login, at, expires FROM vault.proposal"
        " WHERE account = $1 AND state = 'done' AND decided > $2 ORDER BY id",
        account,
        since,
    )


async def make_own(c: Connection, number: int, account: uuid.UUID, device: uuid.UUID, login: str) -> None:
    """A command's proposal is this person's from now on."""
    await c.execute(
        "UPDATE vault.proposal SET account = $2, device = $3, login = $4 WHERE id = $1",
        number,
        account,
        device,
        login,
    )


async def proposals_of(c: Connection, account: uuid.UUID, now: int) -> list[int]:
    """The numbers of what this person proposed and nobody decided, held until the end of the transaction."""
    rows = await c.fetch(
        "SELECT id FROM vault.proposal WHERE state = 'open' AND account = $1 AND expires > $2 ORDER BY id FOR UPDATE",
        account,
        now,
    )
    return [row["id"] for row in rows]


async def decide(c: Connection, number: int, state: str, now: int, by: str) -> None:
    """done or withdrawn."""
    await c.execute(
        "UPDATE vault.proposal SET state = $2, decided = $3, decided_by = $4 WHERE id = $1",
        number,
        state,
        now,
        by,
    )


# ── whom an act would touch ──────────────────────────────────────────────────────────────────────────────────────────

# Many: joined whole, for a row at a time would take seconds with 200,000 accounts. `{which}` picks establishments.
_MANY = """
SELECT (SELECT count(*) FROM vault.establishment e WHERE {which}) AS establishments,
       (SELECT count(*) FROM (SELECT DISTINCT m.account FROM vault.membership m JOIN vault.establishment e ON e.id = m.establishment
         WHERE {which}) a) AS accounts,
       (SELECT count(*) FROM (SELECT DISTINCT b.device FROM vault.binding b JOIN vault.membership m USING (account)
          JOIN vault.establishment e ON e.id = m.establishment WHERE {which}) d) AS devices,
       (SELECT count(*) FROM vault.session s JOIN vault.establishment e ON e.id = s.establishment
         WHERE s.expires > $2 AND {which}) AS sessions
"""
# A platform, an insurer or a lane is closed to everybody who asks, whatever its key.
_EVERYBODY = "e.profession NOT IN ('operator', 'insurer') AND $1::text IS NOT NULL"
_PROFESSION = "e.profession = $1::text"

# One party: (places, people, devices).
_ONE = """
WITH places AS ({places}), people AS ({people}), devices AS ({devices})
SELECT (SELECT count(*) FROM places) AS establishments, (SELECT count(*) FROM people) AS accounts,
       (SELECT count(*) FROM devices) AS devices,
       (SELECT count(*) FROM vault.session WHERE expires > $2 AND account IN (SELECT account FROM people)
           AND device IN (SELECT id FROM devices)) AS sessions
"""
_BOUND = "SELECT DISTINCT device AS id FROM vault.binding WHERE account IN (SELECT account FROM people)"
_REACH: dict[str, str] = {
    **dict.fromkeys(("platform", "insurer", "lane"), _MANY.format(which=_EVERYBODY)),
    "profession": _MANY.format(which=_PROFESSION),
    "establishment": _ONE.format(
        places="SELECT $1::uuid AS id",
        people="SELECT DISTINCT account FROM vault.membership WHERE establishment = $1::uuid",
        devices=_BOUND,
    ),
    "group": _ONE.format(
        places="SELECT id FROM vault.establishment WHERE party_group = $1::uuid",
        people="SELECT DISTINCT m.account FROM vault.membership m LEFT JOIN vault.establishment e ON e.id = m.establishment"
        " WHERE e.party_group = $1::uuid OR m.party_group = $1::uuid",
        devices=_BOUND,
    ),
    "account": _ONE.format(
        places="SELECT establishment AS id FROM vault.membership WHERE account = $1::uuid AND establishment IS NOT NULL",
        people="SELECT $1::uuid AS account",
        devices=_BOUND,
    ),
    "device": _ONE.format(
        places="SELECT DISTINCT establishment AS id FROM vault.session WHERE device = $1::uuid AND establishment IS NOT NULL"
        " AND expires > $2",
        people="SELECT DISTINCT account FROM vault.binding WHERE device = $1::uuid",
        devices="SELECT $1::uuid AS id",
    ),
    "editor": _ONE.format(
        places="SELECT DISTINCT establishment AS id FROM vault.software WHERE editor = $1::uuid",
        people="SELECT DISTINCT b.account FROM vault.binding b JOIN vault.software w USING (device) WHERE w.editor = $1::uuid",
        devices="SELECT device AS id FROM vault.software WHERE editor = $1::uuid",
    ),
}
_INSURERS = {
    "platform": "SELECT count(*), coalesce(sum(persons), 0) FROM vault.insurer WHERE $1 = ''",
    "lane": "SELECT count(*), coalesce(sum(persons), 0) FROM vault.insurer WHERE $1 <> ''",
    "insurer": "SELECT count(*), coalesce(sum(persons), 0) FROM vault.insurer WHERE number::text = $1",
}


MANY = frozenset({"platform", "insurer", "lane", "profession"})
"""Scopes whose count reads whole tables."""


async def reach(c: Connection, scope: str, key: str, now: int) -> dict[str, int]:
    """establishments, accounts, devices, sessions (open now) under a switch's (scope, key)."""
    row = await c.fetchrow(_REACH[scope], key, now)
    return {name: int(row[name]) for name in ("establishments", "accounts", "devices", "sessions")}


async def insurers(c: Connection, scope: str, key: str) -> dict[str, int]:
    """insurers and persons under it; nothing where it concerns none."""
    if scope not in _INSURERS:
        return {}
    found, persons = await c.fetchrow(_INSURERS[scope], key)
    return {"insurers": int(found), "persons": int(persons)}
