"""All the SQL of campaigns: role rempart_vault, asyncpg. Instants are µs from the vault's clock; NEVER is the largest bigint."""
# mypy: disable-error-code="no-any-return"
# asyncpg publishes no types: the annotations here say what each statement returns.

from collections.abc import Sequence
from uuid import UUID

from rempart.vault.store_accounts import Connection, Row
from rempart.vaultdoor.campaigns import BLOCKING, STARTS_WITHIN, Kind

NEVER = 2**63 - 1
BLOCKS = sorted(BLOCKING)
_FORMER_KEPT = 5
"""Passwords that may not come back."""

# ── whom ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_BY_PLACE = (
    "SELECT m.account FROM vault.membership m LEFT JOIN vault.establishment e ON e.id = m.establishment"
)
_PEOPLE: dict[str, str] = {
    "platform": f"{_BY_PLACE} WHERE $1::text IS NOT NULL",
    "profession": f"{_BY_PLACE} WHERE e.profession = $1::text",
    "establishment": f"{_BY_PLACE} WHERE e.id = $1::uuid",
    "group": f"{_BY_PLACE} WHERE e.party_group = $1::uuid OR m.party_group = $1::uuid",
    "account": "SELECT $1::uuid AS account",
    "device": "SELECT account FROM vault.binding WHERE device = $1::uuid",
    "editor": "SELECT b.account FROM vault.binding b JOIN vault.software w USING (device) WHERE w.editor = $1::uuid",
}
_PLACES: dict[str, str] = {
    "platform": "e.finess IS NOT NULL AND $1::text IS NOT NULL",
    "profession": "e.profession = $1::text AND e.finess IS NOT NULL",
    "establishment": "e.id = $1::uuid AND e.finess IS NOT NULL",
    "group": "e.party_group = $1::uuid AND e.finess IS NOT NULL",
}
_EDITORS = {"platform": "x.status = 'active' AND $1::text IS NOT NULL", "editor": "x.id = $1::uuid"}
_ON_DEVICES = {
    "device": "AND b.device = $1::uuid",
    "editor": "AND b.device IN (SELECT device FROM vault.software WHERE editor = $1::uuid)",
}
# Who has nothing of the kind has nothing to do. `{devices}`: of one device or editor, what is bound or open there alone.
_HAS: dict[Kind, str] = {
    Kind.SIGN_OUT: "EXISTS (SELECT FROM vault.session b WHERE b.account = a.id {devices})",
    Kind.DEVICES: "EXISTS (SELECT FROM vault.binding b WHERE b.account = a.id {devices})",
    Kind.PASSWORD: "EXISTS (SELECT FROM vault.password b WHERE b.account = a.id)",
    Kind.TOTP: "EXISTS (SELECT FROM vault.totp b WHERE b.account = a.id)",
}
# An operator is asked for nothing here: the desk must stay staffed on the day of an incident, and takes a passkey anyway.
_NO_OPERATOR = """NOT EXISTS (SELECT FROM vault.membership o JOIN vault.establishment p ON p.id = o.establishment
  WHERE o.account = a.id AND p.profession = 'operator')"""


def _concerned(kind: Kind, scope: str) -> str:
    """The ids of the accounts that a campaign concerns; $1: the scope's key."""
    if kind is Kind.RIB:
        return f"SELECT e.id FROM vault.establishment e WHERE {_PLACES[scope]}"  # noqa: S608 (constants)
    if kind is Kind.EDITOR_KEYS:
        return f"SELECT x.id FROM vault.editor x WHERE {_EDITORS[scope]}"  # noqa: S608
    has = _HAS[kind].format(devices=_ON_DEVICES.get(scope, ""))
    return (
        f"SELECT a.id FROM vault.account a WHERE a.status = 'active' AND a.id IN ({_PEOPLE[scope]})"  # noqa: S608
        f" AND {has} AND {_NO_OPERATOR}"
    )


async def group_by_label(c: Connection, label: str) -> UUID | None:
    return await c.fetchval("SELECT id FROM vault.party_group WHERE label = $1", label)


async def count(c: Connection, kind: Kind, scope: str, key: str, now: int) -> Row:
    """concerned, establishments, sessions (open now), devices (bound)."""
    concerned = _concerned(kind, scope)
    places = {
        Kind.RIB: "SELECT count(*) FROM concerned",
        Kind.EDITOR_KEYS: "SELECT count(DISTINCT establishment) FROM vault.software WHERE editor IN (SELECT id FROM concerned)",
    }.get(
        kind,
        "SELECT count(DISTINCT establishment) FROM vault.membership WHERE account IN (SELECT id FROM concerned)",
    )
    return await c.fetchrow(
        f"WITH concerned AS ({concerned}) SELECT (SELECT count(*) FROM concerned) AS concerned, ({places}) AS establishments,"  # noqa: S608
        " (SELECT count(*) FROM vault.session WHERE expires > $2 AND account IN (SELECT id FROM concerned)) AS sessions,"
        " (SELECT count(DISTINCT device) FROM vault.binding WHERE account IN (SELECT id FROM concerned)) AS devices",
        key,
        now,
    )


# ── starting and ending ──────────────────────────────────────────────────────────────────────────────────────────────


async def take_turn(c: Connection) -> None:
    """One campaign is started or ended at a time: each writes many accounts, in no order, and may take longer than a request."""
    await c.execute("SELECT set_config('statement_timeout', $1, true)", f"{STARTS_WITHIN:.0f}s")
    await c.execute("SELECT pg_advisory_xact_lock(hashtextextended('campaigns', 7))")


async def add(
    c: Connection,
    kind: Kind,
    scope: str,
    key: str,
    named: str,
    reasons: tuple[str, str],
    *,
    by: str,
    now: int,
    expires: int,
    window_start: int | None,
) -> int:
    """A new campaign's number."""
    return await c.fetchval(
        "INSERT INTO vault.campaign (kind, scope, key, named, reason_fr, reason_en, started, started_by, expires, window_start)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING number",
        kind, scope, key, named, *reasons, now, by, expires, window_start,
    )  # fmt: skip


async def demand(c: Connection, number: int, kind: Kind, scope: str, key: str, now: int) -> int:
    """Write down whom it concerns, and tell them; how many."""
    concerned = _concerned(kind, scope)
    status = await c.execute(
        f"INSERT INTO vault.demand (campaign, account) SELECT $2, id FROM ({concerned}) AS s",  # noqa: S608
        key,
        number,
    )
    await c.execute(
        "INSERT INTO vault.notice (account, at, kind, detail) SELECT account, $2, 'campaign:start', $3 FROM vault.demand"
        " WHERE campaign = $1",
        number,
        now,
        kind,
    )
    return _count(status)


async def block(c: Connection, number: int, expires: int) -> None:
    """From now on they are refused everything else."""
    await c.execute(
        "UPDATE vault.account SET due_until = greatest(due_until, $2)"
        " WHERE id IN (SELECT account FROM vault.demand WHERE campaign = $1)",
        number,
        expires,
    )


async def end_sessions(c: Connection, number: int, scope: str, key: str) -> None:
    """Theirs; of one device or editor, on that alone."""
    await c.execute(
        "DELETE FROM vault.session b WHERE b.account IN (SELECT account FROM vault.demand WHERE campaign = $2)"  # noqa: S608
        f" AND $1::text IS NOT NULL {_on_devices(scope)}",
        key,
        number,
    )


async def unbind(c: Connection, number: int, scope: str, key: str) -> None:
    """Their devices, and with them their sessions; and who waits for approval waits no more."""
    await c.execute(
        "DELETE FROM vault.pending WHERE account IN (SELECT account FROM vault.demand WHERE campaign = $1)",
        number,
    )
    await c.execute(
        "DELETE FROM vault.binding b WHERE b.account IN (SELECT account FROM vault.demand WHERE campaign = $2)"  # noqa: S608
        f" AND $1::text IS NOT NULL {_on_devices(scope)}",
        key,
        number,
    )


def _on_devices(scope: str) -> str:
    # The key is text in these statements, for scopes that compare it with no device.
    return _ON_DEVICES.get(scope, "").replace("$1::uuid", "$1::text::uuid")


async def demand_of_editors(c: Connection, number: int, scope: str, key: str, expires: int) -> int:
    """Their software is refused until they have replaced their key; how many."""
    status = await c.execute(
        f"INSERT INTO vault.editor_demand (campaign, editor) SELECT $2, id FROM ({_concerned(Kind.EDITOR_KEYS, scope)}) AS s",  # noqa: S608
        key,
        number,
    )
    await c.execute(
        "UPDATE vault.editor SET due_until = greatest(due_until, $2)"
        " WHERE id IN (SELECT editor FROM vault.editor_demand WHERE campaign = $1)",
        number,
        expires,
    )
    return _count(status)


async def demand_of_places(c: Connection, number: int, scope: str, key: str) -> int:
    """Their account to be paid on has to be confirmed; how many establishments."""
    status = await c.execute(
        "INSERT INTO claims.rib_check (campaign, establishment, window_start, until, reason_fr, reason_en)"  # noqa: S608
        " SELECT g.number, s.id, g.window_start, g.expires, g.reason_fr, g.reason_en"
        f" FROM vault.campaign g, ({_concerned(Kind.RIB, scope)}) AS s WHERE g.number = $2",
        key,
        number,
    )
    return _count(status)


async def end(c: Connection, number: int, now: int) -> None:
    """It asks nothing more; what others ask stands."""
    await c.execute("UPDATE vault.campaign SET ended = $2 WHERE number = $1", number, now)
    await c.execute(
        "UPDATE claims.rib_check SET until = $2 WHERE campaign = $1 AND confirmed IS NULL", number, now
    )
    await c.execute(
        f"{_SETTLE} a.id IN (SELECT account FROM vault.demand WHERE campaign = $2)",  # noqa: S608 (constants)
        BLOCKS,
        number,
    )
    editors = await c.fetch("SELECT editor FROM vault.editor_demand WHERE campaign = $1", number)
    await _settle_editors(c, [row["editor"] for row in editors])


# ── doing ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_FULFIL = """
UPDATE vault.demand d SET done = $3 FROM vault.campaign g
 WHERE d.account = $1 AND d.done IS NULL AND g.number = d.campaign AND g.kind = ANY ($2) AND g.ended IS NULL
"""


async def fulfil(c: Connection, account: UUID, kinds: Sequence[Kind], now: int) -> None:
    """This person has just done what campaigns of these kinds ask."""
    if _count(await c.execute(_FULFIL, account, kinds, now)):
        await _settle(c, account)


async def fulfil_editor(c: Connection, editor: UUID, now: int) -> bool:
    """The key was replaced. Was it demanded?"""
    status = await c.execute(
        "UPDATE vault.editor_demand d SET done = $2 FROM vault.campaign g"
        " WHERE d.editor = $1 AND d.done IS NULL AND g.number = d.campaign AND g.ended IS NULL",
        editor,
        now,
    )
    if not _count(status):
        return False
    await _settle_editors(c, [editor])
    return True


# Until when these are refused everything else, from what is still open. $1: BLOCKS.
_SETTLE = """
UPDATE vault.account a SET due_until = coalesce((SELECT max(g.expires) FROM vault.demand d JOIN vault.campaign g ON g.number = d.campaign
    WHERE d.account = a.id AND d.done IS NULL AND g.ended IS NULL AND g.kind = ANY ($1)), 0)
 WHERE a.due_until <> 0 AND"""


async def _settle(c: Connection, account: UUID) -> None:
    await c.execute(f"{_SETTLE} a.id = $2", BLOCKS, account)


async def _settle_editors(c: Connection, editors: list[UUID]) -> None:
    await c.execute(
        "UPDATE vault.editor x SET due_until = coalesce((SELECT max(g.expires) FROM vault.editor_demand d"
        " JOIN vault.campaign g ON g.number = d.campaign"
        " WHERE d.editor = x.id AND d.done IS NULL AND g.ended IS NULL), 0) WHERE x.id = ANY ($1)",
        editors,
    )


async def due_kinds(c: Connection, account: UUID, now: int) -> frozenset[Kind]:
    """What this person has to do before anything else."""
    rows = await c.fetch(
        "SELECT DISTINCT g.kind FROM vault.demand d JOIN vault.campaign g ON g.number = d.campaign"
        " WHERE d.account = $1 AND d.done IS NULL AND g.ended IS NULL AND g.expires > $2 AND g.kind = ANY ($3)",
        account,
        now,
        BLOCKS,
    )
    return frozenset(Kind(row["kind"]) for row in rows)


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_VIEW = """
SELECT g.number, g.kind, g.scope, g.key, g.named, g.reason_fr, g.reason_en, g.started, g.started_by, g.expires,
       coalesce(g.ended, 0) AS ended, n.total, n.done
  FROM vault.campaign g CROSS JOIN LATERAL (
    SELECT count(*) AS total, count(u.done) AS done FROM (
      SELECT d.done FROM vault.demand d WHERE d.campaign = g.number
      UNION ALL SELECT d.done FROM vault.editor_demand d WHERE d.campaign = g.number
      UNION ALL SELECT r.confirmed FROM claims.rib_check r WHERE r.campaign = g.number) u) n
"""


async def campaigns(c: Connection) -> list[Row]:
    """All of them, the newest first: number, kind, scope, key, named, reasons, started, started_by, expires, ended, total, done."""
    return await c.fetch(f"{_VIEW} ORDER BY g.number DESC")


async def campaign(c: Connection, number: int) -> Row | None:
    """The same of one."""
    return await c.fetchrow(f"{_VIEW} WHERE g.number = $1", number)


_PROGRESS = """
SELECT coalesce(e.finess, e.amc, p.label) AS number, coalesce(e.profession, 'group') AS profession, count(*) AS total, count(d.done) AS done
  FROM vault.demand d JOIN vault.membership m ON m.account = d.account
  LEFT JOIN vault.establishment e ON e.id = m.establishment LEFT JOIN vault.party_group p ON p.id = m.party_group
 WHERE d.campaign = $1 GROUP BY 1, 2
UNION ALL
SELECT x.name, 'editor', 1, count(d.done) FROM vault.editor_demand d JOIN vault.editor x ON x.id = d.editor WHERE d.campaign = $1 GROUP BY 1
UNION ALL
SELECT e.finess, e.profession, 1, count(r.confirmed) FROM claims.rib_check r JOIN vault.establishment e ON e.id = r.establishment
 WHERE r.campaign = $1 GROUP BY 1, 2
 ORDER BY 1
"""


async def progress(c: Connection, number: int) -> list[Row]:
    """number, profession, total, done by establishment; whoever works in two counts in both."""
    return await c.fetch(_PROGRESS, number)


_OF_PERSON = """
SELECT * FROM (SELECT g.number, g.kind, g.reason_fr, g.reason_en, g.started, g.expires, coalesce(d.done, 0) AS done
  FROM vault.demand d JOIN vault.campaign g ON g.number = d.campaign
 WHERE d.account = $1 AND (d.done > $3 OR d.done IS NULL AND g.ended IS NULL AND g.expires > $2)
UNION ALL
SELECT g.number, g.kind, g.reason_fr, g.reason_en, g.started, g.expires, coalesce(r.confirmed, 0)
  FROM claims.rib_check r JOIN vault.campaign g ON g.number = r.campaign
 WHERE r.establishment = $4 AND (r.confirmed > $3 OR r.confirmed IS NULL AND g.ended IS NULL AND g.expires > $2)
) u ORDER BY done > 0, number
"""


async def demands_of(
    c: Connection, account: UUID, now: int, done_since: int, managed: UUID | None
) -> list[Row]:
    """What is asked of this person, and of the establishment they manage, the open ones first; done ones since then."""
    return await c.fetch(_OF_PERSON, account, now, done_since, managed)


async def colleagues(c: Connection, establishment: UUID, now: int) -> list[Row]:
    """account, login, total, done of campaigns that still run, for whoever works there."""
    return await c.fetch(
        "SELECT d.account, a.login, count(*) AS total, count(d.done) AS done FROM vault.membership m"
        " JOIN vault.demand d ON d.account = m.account JOIN vault.account a ON a.id = d.account"
        " JOIN vault.campaign g ON g.number = d.campaign AND g.ended IS NULL AND g.expires > $2"
        " WHERE m.establishment = $1 GROUP BY 1, 2 ORDER BY 2",
        establishment,
        now,
    )


# ── passwords that may not come back ─────────────────────────────────────────────────────────────────────────────────


async def former_passwords(c: Connection, account: UUID) -> list[str]:
    """The hashes of the last few."""
    rows = await c.fetch(
        "SELECT hash FROM vault.former_password WHERE account = $1 ORDER BY replaced DESC", account
    )
    return [row["hash"] for row in rows]


async def retire_password(c: Connection, account: UUID, now: int) -> None:
    """Remember the present one, before it is replaced or removed; the oldest beyond a few are forgotten."""
    await c.execute(
        "INSERT INTO vault.former_password (account, hash, replaced) SELECT account, hash, $2 FROM vault.password WHERE account = $1"
        " ON CONFLICT DO NOTHING",
        account,
        now,
    )
    await c.execute(
        "DELETE FROM vault.former_password WHERE account = $1 AND replaced NOT IN"
        " (SELECT replaced FROM vault.former_password WHERE account = $1 ORDER BY replaced DESC LIMIT $2)",
        account,
        _FORMER_KEPT,
    )


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
