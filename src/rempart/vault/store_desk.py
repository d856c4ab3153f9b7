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
    login: str,
    now: int,
    expires: int,
    *,
    account: uuid.UUID | None = None,
    device: uuid.UUID | None = None,
) -> int:
    """A new one; its number."""
    return await c.fetchval(
        "INSERT INTO vault.proposal (call, account, login, device, at, expires) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        call, account, login, device, now, expires,
    )  # fmt: skip


_PROPOSAL = "SELECT id, call, account, login, device, at, expires FROM vault.proposal WHERE state = 'open'"


async def open_proposals(c: Connection, now: int) -> list[Row]:
    """id, call, account, login, device, at, expires of those in time, the oldest first."""
    return await c.fetch(f"{_PROPOSAL} AND expires > $1 ORDER BY id", now)


async def open_proposal(c: Connection, number: int, now: int) -> Row | None:
    """The same of one, held until the end of the transaction: two approvals take their turn."""
    return await c.fetchrow(f"{_PROPOSAL} AND id = $1 AND expires > $2 FOR UPDATE", number, now)


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

_CARE = "SELECT id FROM vault.establishment WHERE profession NOT IN ('operator', 'insurer')"
_WORK = "SELECT DISTINCT m.account FROM vault.membership m WHERE m.establishment IN (SELECT id FROM places)"
_BOUND = "SELECT DISTINCT device AS id FROM vault.binding WHERE account IN (SELECT account FROM people)"
# (places, people, devices) of a scope; $1 is its key as text.
_REACH: dict[str, tuple[str, str, str]] = {
    "platform": (f"{_CARE} AND $1 = ''", _WORK, _BOUND),
    # An insurer, or a lane, is closed to everybody who asks.
    "insurer": (f"{_CARE} AND $1 <> ''", _WORK, _BOUND),
    "lane": (f"{_CARE} AND $1 <> ''", _WORK, _BOUND),
    "profession": ("SELECT id FROM vault.establishment WHERE profession = $1", _WORK, _BOUND),
    "establishment": ("SELECT $1::uuid AS id", _WORK, _BOUND),
    "account": (
        "SELECT establishment AS id FROM vault.membership WHERE account = $1::uuid AND establishment IS NOT NULL",
        "SELECT $1::uuid AS account",
        _BOUND,
    ),
    "device": (
        "SELECT DISTINCT establishment AS id FROM vault.session WHERE device = $1::uuid AND establishment IS NOT NULL AND expires > $2",
        "SELECT DISTINCT account FROM vault.binding WHERE device = $1::uuid",
        "SELECT $1::uuid AS id",
    ),
    "editor": (
        "SELECT DISTINCT establishment AS id FROM vault.software WHERE editor = $1::uuid",
        "SELECT DISTINCT b.account FROM vault.binding b JOIN vault.software w USING (device) WHERE w.editor = $1::uuid",
        "SELECT device AS id FROM vault.software WHERE editor = $1::uuid",
    ),
}
_INSURERS = {
    "platform": "SELECT count(*), coalesce(sum(persons), 0) FROM vault.insurer WHERE $1 = ''",
    "lane": "SELECT count(*), coalesce(sum(persons), 0) FROM vault.insurer WHERE $1 <> ''",
    "insurer": "SELECT count(*), coalesce(sum(persons), 0) FROM vault.insurer WHERE number::text = $1",
}


async def reach(c: Connection, scope: str, key: str, now: int) -> dict[str, int]:
    """establishments, accounts, devices, sessions (open now), insurers, persons under a switch's (scope, key); nothing for ("", "")."""
    if not scope:
        return {}
    places, people, devices = _REACH[scope]
    # What is put together here are the constants above; what somebody typed is a parameter.
    row = await c.fetchrow(
        f"WITH places AS ({places}), people AS ({people}), devices AS ({devices})"  # noqa: S608
        " SELECT (SELECT count(*) FROM places) AS establishments, (SELECT count(*) FROM people) AS accounts,"
        " (SELECT count(*) FROM devices) AS devices,"
        " (SELECT count(*) FROM vault.session WHERE expires > $2 AND account IN (SELECT account FROM people)"
        "   AND device IN (SELECT id FROM devices)) AS sessions",
        key, now,
    )  # fmt: skip
    found = {name: int(row[name]) for name in ("establishments", "accounts", "devices", "sessions")}
    if scope in _INSURERS:
        insurers, persons = await c.fetchrow(_INSURERS[scope], key)
        found |= {"insurers": int(insurers), "persons": int(persons)}
    return found
