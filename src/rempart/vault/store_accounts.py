"""All the SQL of the accounts: one function a statement. Instants are µs from the vault's clock; an absent row is None, never an error."""
# mypy: disable-error-code="no-any-return"
# asyncpg publishes no types: the annotations here say what each statement returns.

import uuid
from collections.abc import Sequence
from typing import TypeAlias

import asyncpg

from rempart.foundation.clock import DAY

Connection: TypeAlias = asyncpg.Connection
Row: TypeAlias = asyncpg.Record
UUID: TypeAlias = uuid.UUID

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # A server killed in the middle of a statement is told as this: the driver loses its way in the protocol.
    asyncpg.InternalClientError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.DeadlockDetectedError,
    OSError,
)
"""The database cannot answer, or not now: an outage. Any other error of it is a fault of ours."""

NOTICES_SHOWN = 30 * DAY
"""Notices that a device bound anew still shows as new."""

RESTORED = "restored-backup"
"""The reason of the platform's switch that only two people's signatures lift (rempart.vault.restored)."""

# ── who speaks ───────────────────────────────────────────────────────────────────────────────────────────────────────

_SESSION = """
SELECT s.id, s.account, a.login, s.device, d.thumbprint, d.public_key, s.establishment, e.profession, s.role, s.assurance, s.proven,
       s.expires, b.fresh_until, w.editor, a.due_until, x.least_assurance AS editors_least,
       (SELECT max(h.least_assurance) FROM vault.membership m JOIN vault.establishment h ON h.id = m.establishment
         WHERE m.account = s.account) AS places_least,
       (SELECT max(h.least_assurance) FROM vault.membership m JOIN vault.establishment h ON h.party_group = m.party_group
         WHERE m.account = s.account) AS groups_least,
       e.networks, x.networks AS editor_networks,
       e.opens, e.closes, e.invoices_until, e.ends, e.stage, e.suspended_since, e.suspended_until
  FROM vault.session s
  JOIN vault.account a ON a.id = s.account AND a.status = 'active'
  JOIN vault.binding b ON b.account = s.account AND b.device = s.device
  JOIN vault.device d ON d.id = s.device
  LEFT JOIN vault.establishment e ON e.id = s.establishment
  LEFT JOIN vault.software w ON w.device = s.device
  LEFT JOIN vault.editor x ON x.id = w.editor
 WHERE s.token_hash = $1 AND s.expires > $2 AND (w.device IS NULL OR w.establishment = s.establishment)
   -- Nobody works any more where the accounts have ended. A house that was sold is shown to whoever signs in anew, in person: the machines
   -- that were left in it are the buyer's.
   AND (e.id IS NULL OR e.stage < 3 AND e.ends > $2)
   AND (e.leaving IS DISTINCT FROM 'cession' OR e.stage = 0 AND e.closes > $2
        OR s.opened > greatest(e.closes, e.leaving_said) AND w.device IS NULL)
   AND EXISTS (SELECT FROM vault.membership m WHERE m.account = s.account AND m.role = s.role
                  AND (m.establishment = s.establishment OR s.establishment IS NULL AND m.party_group IS NOT NULL))
"""


async def session(pool: asyncpg.Pool, token_hash: bytes, now: int) -> Row | None:
    """An open session with its account, device and place, if all of them still stand."""
    return await pool.fetchrow(_SESSION, token_hash, now)


async def lock_session(c: Connection, token_hash: bytes, now: int) -> Row | None:
    """The same, held until the end of the transaction: the acts of one session take their turn."""
    return await c.fetchrow(_SESSION + " FOR UPDATE OF s", token_hash, now)


async def open_session(
    c: Connection,
    *,
    token_hash: bytes,
    account: UUID,
    device: UUID,
    establishment: UUID | None,
    role: str,
    assurance: int,
    now: int,
    proven: int,
    expires: int,
) -> None:
    """One session an account and device: the former one on this device is over."""
    await c.execute(
        "DELETE FROM vault.session WHERE account = $1 AND (device = $2 OR expires <= $3)",
        account,
        device,
        now,
    )
    await c.execute(
        "INSERT INTO vault.session (id, token_hash, account, device, establishment, role, assurance, opened, proven, expires)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        uuid.uuid4(),
        token_hash,
        account,
        device,
        establishment,
        role,
        assurance,
        now,
        proven,
        expires,
    )


async def prove_session(c: Connection, session_id: UUID, now: int, assurance: int) -> None:
    """A factor was used again; a dearer proof raises the assurance, a cheaper one leaves it."""
    await c.execute(
        "UPDATE vault.session SET proven = $2, assurance = greatest(assurance, $3) WHERE id = $1",
        session_id,
        now,
        assurance,
    )


async def step_session(c: Connection, session_id: UUID, now: int, upto: int) -> None:
    """A passkey confirmed who is at the device: its pace is lifted up to so many units an hour."""
    await c.execute(
        "UPDATE vault.session SET stepped = $2, stepped_upto = $3 WHERE id = $1", session_id, now, upto
    )


async def move_session(c: Connection, session_id: UUID, establishment: UUID | None, role: str) -> None:
    """The session goes on in another place of work."""
    await c.execute(
        "UPDATE vault.session SET establishment = $2, role = $3 WHERE id = $1",
        session_id,
        establishment,
        role,
    )


async def close_session(c: Connection, session_id: UUID) -> None:
    """Sign out."""
    await c.execute("DELETE FROM vault.session WHERE id = $1", session_id)


async def close_sessions(c: Connection, account: UUID, *, but: UUID | None = None) -> int:
    """Every session of the account, but one; how many there were."""
    status = await c.execute(
        "DELETE FROM vault.session WHERE account = $1 AND id IS DISTINCT FROM $2", account, but
    )
    return _count(status)


async def close_sessions_at(c: Connection, account: UUID, establishment: UUID) -> None:
    """The account's sessions in one establishment."""
    await c.execute(
        "DELETE FROM vault.session WHERE account = $1 AND establishment = $2", account, establishment
    )


async def count_sessions(c: Connection, account: UUID, now: int) -> int:
    """Open sessions of the account."""
    return int(
        await c.fetchval(
            "SELECT count(*) FROM vault.session WHERE account = $1 AND expires > $2", account, now
        )
    )


# ── accounts and places ──────────────────────────────────────────────────────────────────────────────────────────────


async def account(c: Connection, account_id: UUID) -> Row | None:
    """id, login, status; the row is held."""
    return await c.fetchrow(
        "SELECT id, login, status FROM vault.account WHERE id = $1 FOR UPDATE", account_id
    )


async def account_by_login(c: Connection, login: str) -> Row | None:
    """id, login, status; the row is held."""
    return await c.fetchrow("SELECT id, login, status FROM vault.account WHERE login = $1 FOR UPDATE", login)


async def add_account(c: Connection, login: str, now: int) -> UUID | None:
    """A new account, invited, with its meter; None when the login is taken."""
    new = await c.fetchval(
        "INSERT INTO vault.account (id, login, added) VALUES ($1, $2, $3) ON CONFLICT (login) DO NOTHING RETURNING id",
        uuid.uuid4(),
        login,
        now,
    )
    if new is not None:
        await add_meter(c, new, 1)
    return new


async def set_account_status(c: Connection, account_id: UUID, status: str) -> None:
    """invited, active or suspended."""
    await c.execute("UPDATE vault.account SET status = $2 WHERE id = $1", account_id, status)


async def add_meter(c: Connection, key: UUID, kind: int) -> None:
    """An empty meter: 1 account, 2 device, 3 establishment."""
    await c.execute(
        "INSERT INTO vault.meter (key, kind) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING", key, kind
    )


async def memberships(c: Connection, account_id: UUID) -> list[Row]:
    """establishment, party_group, role of an account: establishments first, those that closed last among them, then the oldest first.

    None where the accounts have ended: a session there would not stand.
    """
    return await c.fetch(
        "SELECT m.establishment, m.party_group, m.role FROM vault.membership m LEFT JOIN vault.establishment e ON e.id = m.establishment"
        " WHERE m.account = $1 AND coalesce(e.stage, 0) < 3"
        " ORDER BY m.establishment IS NULL, coalesce(e.stage, 0) > 0, m.added, m.establishment",
        account_id,
    )


async def managed_establishments(c: Connection, account_id: UUID) -> list[UUID]:
    """Where the account invites and removes people: as titulaire, or as administrator of the group."""
    rows = await c.fetch(
        "SELECT m.establishment AS id FROM vault.membership m WHERE m.account = $1 AND m.role = 'titulaire'"
        " UNION SELECT e.id FROM vault.membership m JOIN vault.establishment e ON e.party_group = m.party_group"
        " WHERE m.account = $1 AND m.role = 'administrator' AND e.stage < 3 ORDER BY id",
        account_id,
    )
    return [row["id"] for row in rows]


async def administered(c: Connection, account_id: UUID) -> list[Row]:
    """party_group, id, finess of every establishment of the groups that the account administers, by FINESS."""
    return await c.fetch(
        "SELECT e.party_group, e.id, e.finess FROM vault.membership m JOIN vault.establishment e ON e.party_group = m.party_group"
        " WHERE m.account = $1 AND m.role = 'administrator' ORDER BY e.finess, e.id",
        account_id,
    )


async def establishment(c: Connection, establishment_id: UUID) -> Row | None:
    """id, finess (None for an insurer's seat), amc (None for any other), profession."""
    return await c.fetchrow(
        "SELECT id, finess, amc, profession FROM vault.establishment WHERE id = $1", establishment_id
    )


_ACTIVE_PLACE = """
SELECT e.finess, e.amc, coalesce(i.number, 0) AS insurer FROM vault.establishment e LEFT JOIN vault.insurer i ON i.amc = e.amc
 WHERE e.id = $1 AND e.status = 'active'
"""


async def active_place(c: Connection, establishment_id: UUID) -> Row | None:
    """finess, amc, and the insurer's number (0 for who gives care), unless the establishment is suspended."""
    return await c.fetchrow(_ACTIVE_PLACE, establishment_id)


_HERE_SINCE = """
SELECT greatest(m.added, (SELECT min(b.bound) FROM vault.binding b WHERE b.account = m.account))
  FROM vault.membership m WHERE m.account = $1 AND m.establishment = $2
"""


async def here_since(c: Connection, account_id: UUID, establishment_id: UUID) -> int:
    """Since when this account works there on a device of its own, µs; 0 for somebody who does not."""
    return int(await c.fetchval(_HERE_SINCE, account_id, establishment_id) or 0)


async def told_of_place(c: Connection, establishment_id: UUID) -> list[UUID]:
    """The accounts that work in an establishment, and the administrators of its group."""
    rows = await c.fetch(
        "SELECT DISTINCT m.account FROM vault.establishment e"
        " JOIN vault.membership m ON m.establishment = e.id OR m.party_group = e.party_group WHERE e.id = $1",
        establishment_id,
    )
    return [row["account"] for row in rows]


async def establishment_by_number(c: Connection, number: str) -> UUID | None:
    """Its id, by FINESS, or by the n° AMC of an insurer's seat. Of several of one FINESS, whose it is now: the first that has not closed,
    else the last that did.
    """
    return await c.fetchval(
        "SELECT id FROM vault.establishment WHERE finess = $1 OR amc = $1"
        " ORDER BY stage > 0, CASE WHEN stage > 0 THEN -opens ELSE opens END LIMIT 1",
        number,
    )


async def add_establishment(
    c: Connection,
    finess: str | None,
    profession: str,
    group: UUID | None,
    *,
    amc: str | None = None,
    id_: UUID | None = None,
) -> UUID | None:
    """A new establishment with its meter; None when the FINESS is known, or the insurer's seat, or the id that it is to have."""
    new = await c.fetchval(
        "INSERT INTO vault.establishment (id, finess, amc, profession, party_group) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING RETURNING id",
        id_ or uuid.uuid4(),
        finess,
        amc,
        profession,
        group,
    )
    if new is not None:
        await add_meter(c, new, 3)
    return new


async def group_exists(c: Connection, group: UUID) -> bool:
    """Is there such a group?"""
    return bool(await c.fetchval("SELECT EXISTS (SELECT FROM vault.party_group WHERE id = $1)", group))


async def add_group(c: Connection, label: str) -> UUID | None:
    """A new group; None when the label is taken."""
    return await c.fetchval(
        "INSERT INTO vault.party_group (id, label) VALUES ($1, $2) ON CONFLICT (label) DO NOTHING RETURNING id",
        uuid.uuid4(),
        label,
    )


async def add_membership(
    c: Connection, account_id: UUID, establishment_id: UUID | None, group: UUID | None, role: str, now: int
) -> bool:
    """False when the account is there already."""
    status = await c.execute(
        "INSERT INTO vault.membership (account, establishment, party_group, role, added) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING",
        account_id,
        establishment_id,
        group,
        role,
        now,
    )
    return _count(status) == 1


async def membership(c: Connection, account_id: UUID, establishment_id: UUID) -> Row | None:
    """role, added."""
    return await c.fetchrow(
        "SELECT role, added FROM vault.membership WHERE account = $1 AND establishment = $2",
        account_id,
        establishment_id,
    )


async def end_membership(c: Connection, account_id: UUID, establishment_id: UUID, now: int) -> str | None:
    """Remove the membership and remember the departure; the role held, or None."""
    role = await c.fetchval(
        "DELETE FROM vault.membership WHERE account = $1 AND establishment = $2 RETURNING role",
        account_id,
        establishment_id,
    )
    if role is not None:
        await c.execute(
            "INSERT INTO vault.departure (account, establishment, role, at) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (account, establishment) DO UPDATE SET role = EXCLUDED.role, at = EXCLUDED.at",
            account_id,
            establishment_id,
            role,
            now,
        )
    return role


async def undo_departure(
    c: Connection, account_id: UUID, establishment_id: UUID, role: str, since: int
) -> bool:
    """Did this person leave this role here after `since`? The memory of it is used up."""
    status = await c.execute(
        "DELETE FROM vault.departure WHERE account = $1 AND establishment = $2 AND role = $3 AND at > $4",
        account_id,
        establishment_id,
        role,
        since,
    )
    return _count(status) == 1


async def members(c: Connection, establishment_id: UUID, now: int) -> list[Row]:
    """account, login, role, status, added: who works here, and who holds an unused invitation."""
    return await c.fetch(
        "SELECT m.account, a.login, m.role, a.status, m.added FROM vault.membership m"
        " JOIN vault.account a ON a.id = m.account WHERE m.establishment = $1"
        " UNION ALL SELECT k.account, a.login, k.role, 'invited', k.issued FROM vault.code k"
        " JOIN vault.account a ON a.id = k.account"
        " WHERE k.establishment = $1 AND k.purpose = 'membership' AND k.expires > $2 ORDER BY 2",
        establishment_id,
        now,
    )


# ── devices ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def bind_device(
    c: Connection,
    account_id: UUID,
    thumbprint: bytes,
    point: bytes,
    *,
    label: str,
    how: str,
    now: int,
    fresh_until: int,
) -> tuple[UUID, bool]:
    """Bind the device, or make its binding fresh again; its id, and whether it is new to this account. A new device gets its meter.

    A new binding shows the last month's notices: whoever unbinds the holder's device does not hide what it had not shown yet.
    """
    await c.execute(
        "INSERT INTO vault.device (id, thumbprint, public_key, added) VALUES ($1, $2, $3, $4) ON CONFLICT (thumbprint) DO NOTHING",
        uuid.uuid4(),
        thumbprint,
        point,
        now,
    )
    device: UUID = await c.fetchval("SELECT id FROM vault.device WHERE thumbprint = $1", thumbprint)
    await add_meter(c, device, 2)
    new = await c.fetchval(
        "INSERT INTO vault.binding AS b (account, device, label, how, bound, fresh_until, notices_seen)"
        " VALUES ($1, $2, $3, $4, $5, $6, (SELECT coalesce(max(id), 0) FROM vault.notice WHERE account = $1 AND at < $7))"
        " ON CONFLICT (account, device) DO UPDATE SET fresh_until = EXCLUDED.fresh_until RETURNING b.xmax = 0",
        account_id,
        device,
        label,
        how,
        now,
        fresh_until,
        now - NOTICES_SHOWN,
    )
    return device, bool(new)


async def refresh_binding(c: Connection, account_id: UUID, device: UUID, fresh_until: int) -> None:
    """The device was vouched for again."""
    await c.execute(
        "UPDATE vault.binding SET fresh_until = $3 WHERE account = $1 AND device = $2",
        account_id,
        device,
        fresh_until,
    )


async def is_bound(c: Connection | asyncpg.Pool, thumbprint: bytes) -> bool:
    """Is this key a device's that some account is bound to?"""
    bound = await c.fetchval(
        "SELECT EXISTS (SELECT FROM vault.device d JOIN vault.binding b ON b.device = d.id WHERE d.thumbprint = $1)",
        thumbprint,
    )
    return bool(bound)


async def bindings(c: Connection, account_id: UUID) -> list[Row]:
    """device, label, bound, fresh_until."""
    return await c.fetch(
        "SELECT device, label, bound, fresh_until FROM vault.binding WHERE account = $1 ORDER BY bound, device",
        account_id,
    )


async def unbind(c: Connection, account_id: UUID, device: UUID) -> str | None:
    """Remove a device; its sessions fall with it. Its label, or None."""
    return await c.fetchval(
        "DELETE FROM vault.binding WHERE account = $1 AND device = $2 RETURNING label", account_id, device
    )


async def unbind_all(c: Connection, account_id: UUID) -> None:
    """Remove every device, and with them every session; and whoever waits for approval."""
    await end_waiting(c, account_id)
    await c.execute("DELETE FROM vault.binding WHERE account = $1", account_id)


async def ask_approval(
    c: Connection, account_id: UUID, thumbprint: bytes, label: str, now: int, expires: int, most: int
) -> UUID | None:
    """A device waits; asking again renews its wait. None when `most` others wait already."""
    await c.execute("DELETE FROM vault.pending WHERE expires <= $1", now)
    waiting = await c.fetchval(
        "SELECT count(*) FROM vault.pending WHERE account = $1 AND thumbprint <> $2", account_id, thumbprint
    )
    if waiting >= most:
        return None
    return await c.fetchval(
        "INSERT INTO vault.pending (id, account, thumbprint, label, asked, expires) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (account, thumbprint) DO UPDATE SET id = EXCLUDED.id, label = EXCLUDED.label, asked = EXCLUDED.asked,"
        " expires = EXCLUDED.expires, approved = NULL RETURNING id",
        uuid.uuid4(),
        account_id,
        thumbprint,
        label,
        now,
        expires,
    )


async def pending(c: Connection, pending_id: UUID, now: int) -> Row | None:
    """account, login, status, thumbprint, label, expires, approved; the row is held."""
    return await c.fetchrow(
        "SELECT p.account, a.login, a.status, p.thumbprint, p.label, p.expires, p.approved FROM vault.pending p"
        " JOIN vault.account a ON a.id = p.account WHERE p.id = $1 AND p.expires > $2 FOR UPDATE OF p",
        pending_id,
        now,
    )


async def waiting(c: Connection, account_id: UUID, now: int) -> list[Row]:
    """id, label, asked, expires of devices not approved yet."""
    return await c.fetch(
        "SELECT id, label, asked, expires FROM vault.pending WHERE account = $1 AND expires > $2 AND approved IS NULL ORDER BY asked",
        account_id,
        now,
    )


async def approve(c: Connection, pending_id: UUID, now: int) -> None:
    """A bound device approved it."""
    await c.execute("UPDATE vault.pending SET approved = $2 WHERE id = $1", pending_id, now)


async def end_waiting(c: Connection, account_id: UUID) -> None:
    """Whoever waits, approved or not, waits no more."""
    await c.execute("DELETE FROM vault.pending WHERE account = $1", account_id)


async def end_pending(c: Connection, account_id: UUID, pending_id: UUID) -> str | None:
    """The wait is over, bound or turned away; its label, or None."""
    return await c.fetchval(
        "DELETE FROM vault.pending WHERE account = $1 AND id = $2 RETURNING label", account_id, pending_id
    )


# ── factors ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def credentials(c: Connection, login: str, thumbprint: bytes, bound_since: int) -> Row | None:
    """account, status, password hash, sealed TOTP secret, last step, and the device if it is bound: one row for a login, one statement."""
    return await c.fetchrow(
        "SELECT a.id, a.status, p.hash, t.secret, t.last_step, b.device FROM vault.account a"
        " LEFT JOIN vault.password p ON p.account = a.id LEFT JOIN vault.totp t ON t.account = a.id"
        " LEFT JOIN (vault.binding b JOIN vault.device d ON d.id = b.device AND d.thumbprint = $2)"
        "   ON b.account = a.id AND b.fresh_until > $3"
        " WHERE a.login = $1",
        login,
        thumbprint,
        bound_since,
    )


async def passkeys(c: Connection, account_id: UUID) -> list[Row]:
    """id, credential, label, added, last_used."""
    return await c.fetch(
        "SELECT id, credential, label, added, last_used FROM vault.passkey WHERE account = $1 ORDER BY added, id",
        account_id,
    )


async def passkey(c: Connection, credential: bytes) -> Row | None:
    """id, account, login, status, public_key, sign_count; the row is held, so that a count is used once."""
    return await c.fetchrow(
        "SELECT p.id, p.account, a.login, a.status, p.public_key, p.sign_count FROM vault.passkey p"
        " JOIN vault.account a ON a.id = p.account WHERE p.credential = $1 FOR UPDATE OF p",
        credential,
    )


async def use_passkey(c: Connection, passkey_id: UUID, sign_count: int, now: int) -> None:
    """It was used."""
    await c.execute(
        "UPDATE vault.passkey SET sign_count = $2, last_used = $3 WHERE id = $1", passkey_id, sign_count, now
    )


async def add_passkey(
    c: Connection,
    account_id: UUID,
    credential: bytes,
    public_key: bytes,
    sign_count: int,
    label: str,
    now: int,
) -> bool:
    """False when this credential is known already, to anybody."""
    status = await c.execute(
        "INSERT INTO vault.passkey (id, account, credential, public_key, sign_count, label, added)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (credential) DO NOTHING",
        uuid.uuid4(),
        account_id,
        credential,
        public_key,
        sign_count,
        label,
        now,
    )
    return _count(status) == 1


async def password(c: Connection, account_id: UUID) -> Row | None:
    """id, hash, added, last_used."""
    return await c.fetchrow(
        "SELECT id, hash, added, last_used FROM vault.password WHERE account = $1", account_id
    )


async def put_password(c: Connection, account_id: UUID, hashed: str, now: int) -> None:
    """Set or replace."""
    await c.execute(
        "INSERT INTO vault.password (account, id, hash, added) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (account) DO UPDATE SET hash = EXCLUDED.hash, added = EXCLUDED.added, last_used = 0",
        account_id,
        uuid.uuid4(),
        hashed,
        now,
    )


async def use_password(c: Connection, account_id: UUID, judged: str, now: int) -> bool:
    """It was used; False when it is no longer the one whose hash was judged."""
    status = await c.execute(
        "UPDATE vault.password SET last_used = $3 WHERE account = $1 AND hash = $2", account_id, judged, now
    )
    return _count(status) == 1


async def totp(c: Connection, account_id: UUID) -> Row | None:
    """id, secret (sealed), last_step, added, last_used."""
    return await c.fetchrow(
        "SELECT id, secret, last_step, added, last_used FROM vault.totp WHERE account = $1", account_id
    )


async def put_totp(c: Connection, account_id: UUID, secret: bytes, last_step: int, now: int) -> None:
    """Set or replace; `last_step` is the step of the code that confirmed it, used by that."""
    await c.execute(
        "INSERT INTO vault.totp (account, id, secret, last_step, added) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account) DO UPDATE"
        " SET secret = EXCLUDED.secret, last_step = EXCLUDED.last_step, added = EXCLUDED.added, last_used = 0",
        account_id,
        uuid.uuid4(),
        secret,
        last_step,
        now,
    )


async def use_totp_step(c: Connection, account_id: UUID, step: int, now: int) -> bool:
    """Use up a step; False when it, or a later one, was used already."""
    status = await c.execute(
        "UPDATE vault.totp SET last_step = $2, last_used = $3 WHERE account = $1 AND last_step < $2",
        account_id,
        step,
        now,
    )
    return _count(status) == 1


async def offer_totp(c: Connection, account_id: UUID, secret: bytes, place: str, expires: int) -> None:
    """A secret was shown, at `activation` or in a `session`; the last one shown counts."""
    await c.execute(
        "INSERT INTO vault.totp_offer (account, secret, place, expires) VALUES ($1, $2, $3, $4) ON CONFLICT (account) DO UPDATE"
        " SET secret = EXCLUDED.secret, place = EXCLUDED.place, expires = EXCLUDED.expires",
        account_id,
        secret,
        place,
        expires,
    )


async def offered_totp(c: Connection, account_id: UUID, place: str, now: int) -> bytes | None:
    """The sealed secret last shown there."""
    return await c.fetchval(
        "SELECT secret FROM vault.totp_offer WHERE account = $1 AND place = $2 AND expires > $3",
        account_id,
        place,
        now,
    )


async def end_offer(c: Connection, account_id: UUID) -> None:
    """The offered secret was confirmed, or is void."""
    await c.execute("DELETE FROM vault.totp_offer WHERE account = $1", account_id)


async def remove_factor(c: Connection, account_id: UUID, factor: UUID) -> str | None:
    """Remove the passkey, password or TOTP with this id; what it was, or None."""
    for kind in ("passkey", "password", "totp"):
        status = await c.execute(
            f"DELETE FROM vault.{kind} WHERE account = $1 AND id = $2",  # noqa: S608 (a closed list)
            account_id,
            factor,
        )
        if _count(status):
            return kind
    return None


async def can_sign_in(c: Connection, account_id: UUID) -> bool:
    """Has the account a passkey, or a password and TOTP?"""
    return bool(
        await c.fetchval(
            "SELECT EXISTS (SELECT FROM vault.passkey WHERE account = $1)"
            " OR EXISTS (SELECT FROM vault.password p JOIN vault.totp t USING (account) WHERE p.account = $1)",
            account_id,
        )
    )


async def remove_all_factors(c: Connection, account_id: UUID) -> None:
    """Void passkeys, password, TOTP, its offer and recovery codes."""
    for table in ("passkey", "password", "totp", "totp_offer", "recovery_code"):
        await c.execute(f"DELETE FROM vault.{table} WHERE account = $1", account_id)  # noqa: S608 (a closed list)


# ── one-time codes ───────────────────────────────────────────────────────────────────────────────────────────────────


async def put_recovery_codes(c: Connection, account_id: UUID, hashes: Sequence[bytes], now: int) -> None:
    """These replace the former ones."""
    await c.execute("DELETE FROM vault.recovery_code WHERE account = $1", account_id)
    await c.executemany(
        "INSERT INTO vault.recovery_code (account, code_hash, added) VALUES ($1, $2, $3)",
        [(account_id, code_hash, now) for code_hash in hashes],
    )


async def recovery_codes(c: Connection, account_id: UUID) -> Row:
    """left, added."""
    row = await c.fetchrow(
        "SELECT count(*) AS left, coalesce(max(added), 0) AS added FROM vault.recovery_code WHERE account = $1",
        account_id,
    )
    assert row is not None
    return row


async def recovery_code_stands(c: Connection, account_id: UUID | None, code_hash: bytes) -> bool:
    """Is it one of the account's unused codes?"""
    return bool(
        await c.fetchval(
            "SELECT EXISTS (SELECT FROM vault.recovery_code WHERE account = $1 AND code_hash = $2)",
            account_id,
            code_hash,
        )
    )


async def use_recovery_code(c: Connection, account_id: UUID, code_hash: bytes) -> bool:
    """Use it up; False when it is not there."""
    return (
        _count(
            await c.execute(
                "DELETE FROM vault.recovery_code WHERE account = $1 AND code_hash = $2", account_id, code_hash
            )
        )
        == 1
    )


async def issue_code(
    c: Connection,
    code_hash: bytes,
    account_id: UUID,
    purpose: str,
    now: int,
    expires: int,
    *,
    establishment_id: UUID | None = None,
    group: UUID | None = None,
    role: str | None = None,
) -> None:
    """The former code of the same purpose (and place) is void."""
    await c.execute(
        "DELETE FROM vault.code WHERE account = $1 AND purpose = $2 AND establishment IS NOT DISTINCT FROM $3"
        " AND party_group IS NOT DISTINCT FROM $4",
        account_id,
        purpose,
        establishment_id,
        group,
    )
    await c.execute(
        "INSERT INTO vault.code (code_hash, account, purpose, establishment, party_group, role, issued, expires)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        code_hash,
        account_id,
        purpose,
        establishment_id,
        group,
        role,
        now,
        expires,
    )


async def code(c: Connection, code_hash: bytes, purpose: str, now: int) -> Row | None:
    """account, login, status, establishment, party_group, role of a code that still stands; account and code are held."""
    return await c.fetchrow(
        "SELECT k.account, a.login, a.status, k.establishment, k.party_group, k.role FROM vault.code k"
        " JOIN vault.account a ON a.id = k.account WHERE k.code_hash = $1 AND k.purpose = $2 AND k.expires > $3 FOR UPDATE",
        code_hash,
        purpose,
        now,
    )


async def use_code(c: Connection, code_hash: bytes) -> bool:
    """Use it up; False when somebody else was first."""
    return _count(await c.execute("DELETE FROM vault.code WHERE code_hash = $1", code_hash)) == 1


async def invitations(c: Connection, account_id: UUID) -> list[Row]:
    """establishment (None: a group's), role of the unused membership codes, the latest first."""
    return await c.fetch(
        "SELECT establishment, role FROM vault.code WHERE account = $1 AND purpose = 'membership' ORDER BY issued DESC",
        account_id,
    )


async def drop_invitation(c: Connection, account_id: UUID, establishment_id: UUID) -> bool:
    """The membership code for this place is void; False when there was none."""
    status = await c.execute(
        "DELETE FROM vault.code WHERE account = $1 AND purpose = 'membership' AND establishment = $2",
        account_id,
        establishment_id,
    )
    return _count(status) == 1


async def drop_codes(c: Connection, account_id: UUID, purpose: str) -> None:
    """Every code of this purpose is void."""
    await c.execute("DELETE FROM vault.code WHERE account = $1 AND purpose = $2", account_id, purpose)


# ── ceremonies and attempts ──────────────────────────────────────────────────────────────────────────────────────────


async def use_nonce(c: Connection, nonce: bytes, now: int, expires: int) -> bool:
    """Use it up; False when it was used. What has expired is forgotten: it would be refused anyway."""
    await c.execute("DELETE FROM vault.ceremony WHERE expires <= $1", now)
    status = await c.execute(
        "INSERT INTO vault.ceremony (nonce, expires) VALUES ($1, $2) ON CONFLICT DO NOTHING", nonce, expires
    )
    return _count(status) == 1


async def reserve_attempts(
    c: Connection, keys: Sequence[bytes], now: int, forgotten: int, free: int, first: int, longest: int
) -> bool:
    """Count one attempt for each key before it is judged; False, and nothing counted, when one of them is locked.

    After `free` attempts, each further one locks the key for `first` µs, then twice as long, `longest` at the most. What was last tried
    before `forgotten` counts no more.
    """
    await c.execute("DELETE FROM vault.attempt WHERE last < $1", forgotten)
    ordered = sorted(keys)
    await c.execute(
        "INSERT INTO vault.attempt (key, count, last, locked_until) SELECT k, 0, $2, 0 FROM unnest($1::bytea[]) k ON CONFLICT DO NOTHING",
        ordered,
        now,
    )
    locked = await c.fetch(
        "SELECT locked_until > $2 AS locked FROM (SELECT locked_until FROM vault.attempt WHERE key = ANY ($1) ORDER BY key FOR UPDATE) a",
        ordered,
        now,
    )
    if any(row["locked"] for row in locked):
        return False
    await c.execute(
        "UPDATE vault.attempt SET count = count + 1, last = $2, locked_until = CASE WHEN count + 1 < $3 THEN 0"
        " ELSE $2 + least($5::bigint, $4::bigint << least(count + 1 - $3, 20)) END WHERE key = ANY ($1)",
        ordered,
        now,
        free,
        first,
        longest,
    )
    return True


async def clear_attempts(c: Connection, keys: Sequence[bytes]) -> None:
    """The last attempt was right."""
    await c.execute("DELETE FROM vault.attempt WHERE key = ANY ($1)", list(keys))


async def unannounced_attempts(c: Connection, key: bytes, at_least: int) -> int:
    """How many attempts this key has had, if at least so many and more than was last told; 0 otherwise. They are told now."""
    found = await c.fetchval(
        "UPDATE vault.attempt SET announced = count WHERE key = $1 AND count >= $2 AND count > announced RETURNING count",
        key,
        at_least,
    )
    return int(found or 0)


# ── notices, journals ────────────────────────────────────────────────────────────────────────────────────────────────


async def add_notice(
    c: Connection, account_id: UUID, now: int, kind: str, detail: str, device: UUID | None
) -> None:
    """Something the holder should know."""
    await c.execute(
        "INSERT INTO vault.notice (account, at, kind, detail, device) VALUES ($1, $2, $3, $4, $5)",
        account_id,
        now,
        kind,
        detail,
        device,
    )


_NOTICES = """
SELECT at, kind, detail, seen FROM (
  SELECT *, row_number() OVER (PARTITION BY seen, kind ORDER BY id DESC) AS repeated FROM (
    SELECT n.id, n.at, n.kind, n.detail, n.id <= b.notices_seen OR n.device IS NOT DISTINCT FROM $2 AS seen FROM vault.notice n
      JOIN vault.binding b ON b.account = n.account AND b.device = $2 WHERE n.account = $1) mine
  ORDER BY seen, repeated, id DESC LIMIT $3) shown
 ORDER BY id DESC
"""


async def notices(c: Connection, account_id: UUID, device: UUID, most: int) -> list[Row]:
    """at, kind, detail, seen (on this device, or it happened here), newest first. One of each kind before a second of any: repeating a
    harmless act pushes nothing out of sight.
    """
    return await c.fetch(_NOTICES, account_id, device, most)


async def see_notices(c: Connection, account_id: UUID, device: UUID) -> None:
    """This device has shown them all."""
    await c.execute(
        "UPDATE vault.binding SET notices_seen = (SELECT coalesce(max(id), 0) FROM vault.notice WHERE account = $1)"
        " WHERE account = $1 AND device = $2",
        account_id,
        device,
    )


async def write_journal(c: Connection, now: int, actor: str, act: str, object_: str, detail: str) -> None:
    """One line; lines are only ever added."""
    await c.execute(
        "INSERT INTO vault.journal (at, actor, act, object, detail) VALUES ($1, $2, $3, $4, $5)",
        now,
        actor,
        act,
        object_,
        detail,
    )


async def read_journal(c: Connection, limit: int) -> list[Row]:
    """at, actor, act, object, detail, newest first."""
    return await c.fetch(
        "SELECT at, actor, act, object, detail FROM vault.journal ORDER BY id DESC LIMIT $1", limit
    )


async def entries(c: Connection, account_id: UUID, before: int | None, limit: int) -> list[Row]:
    """The account's ledger entries, newest first: index, at, amc, lane, domain, outcome, cost."""
    return await c.fetch(
        "SELECT e.index, e.at, coalesce(i.amc, '') AS amc, e.lane, e.domain, e.outcome, e.cost FROM evidence.entry e"
        " LEFT JOIN vault.insurer i ON i.number = e.insurer WHERE e.account = $1 AND ($2::bigint IS NULL OR e.index < $2)"
        " ORDER BY e.index DESC LIMIT $3",
        account_id,
        before,
        limit,
    )


async def spent(c: Connection, key: UUID, hour_slot: int, day_slot: int) -> tuple[int, int]:
    """Units spent in the last hour and day."""
    row = await c.fetchrow(
        "SELECT vault.spent(hour, $2 - hour_slot) AS hour, vault.spent(day, $3 - day_slot) AS day FROM vault.meter WHERE key = $1",
        key,
        hour_slot,
        day_slot,
    )
    return (row["hour"], row["day"]) if row is not None else (0, 0)


async def line_spent(c: Connection, key: UUID, month_slot: int) -> int:
    """Units of the month's line in use: asked, less what claims earned; negative where more was earned."""
    return (
        await c.fetchval(
            "SELECT vault.spent(month, $2 - month_slot) - vault.spent(earned, greatest($2, month_slot) - earned_slot) - flight"
            " FROM vault.meter WHERE key = $1",
            key,
            month_slot,
        )
        or 0
    )


async def widen(c: Connection, key: UUID, now: int, units: int, *, by_operator: bool = False) -> None:
    """The line is longer by so much, for a month."""
    await c.execute("SELECT vault.widen($1, $2, $3, $4)", now, key, units, by_operator)


async def set_breaker(c: Connection, scope: str, key: str, units: int | None) -> None:
    """Units an hour; None for the policy's share."""
    await c.execute(
        "INSERT INTO vault.breaker (scope, key, hour_limit) VALUES ($1, $2, $3)"
        " ON CONFLICT (scope, key) DO UPDATE SET hour_limit = EXCLUDED.hour_limit",
        scope,
        key,
        units,
    )


async def profession_behind(c: Connection, key: UUID) -> str | None:
    """The profession of an establishment, or of the first place where an account, or a device's, works."""
    found = await c.fetchval(
        "SELECT e.profession FROM vault.establishment e WHERE e.id = $1 UNION ALL"
        " SELECT e.profession FROM vault.membership m JOIN vault.establishment e ON e.id = m.establishment"
        " WHERE m.account = $1 OR m.account IN (SELECT b.account FROM vault.binding b WHERE b.device = $1) LIMIT 1",
        key,
    )
    return str(found) if found else None


async def lock_meters(c: Connection, keys: Sequence[UUID]) -> None:
    """Held until the end of the transaction, in the order of vault.disclose: what is read of them next is what is changed."""
    await c.execute("SELECT FROM vault.meter WHERE key = ANY ($1) ORDER BY key FOR UPDATE", keys)


async def widenings(c: Connection, key: UUID, since: int) -> int:
    """How often a person's own passkey lengthened it since then."""
    return int(
        await c.fetchval(
            "SELECT count(*) FROM vault.widening WHERE key = $1 AND at > $2 AND NOT by_operator", key, since
        )
    )


async def widened_by_operator(c: Connection, key: UUID, since: int) -> tuple[int, int]:
    """How often the operator lengthened it since then, and by how many units in all."""
    row = await c.fetchrow(
        "SELECT count(*) AS times, coalesce(sum(units), 0) AS units FROM vault.widening WHERE key = $1 AND at > $2 AND by_operator",
        key,
        since,
    )
    return int(row["times"]), int(row["units"])


# ── insurers and switches ────────────────────────────────────────────────────────────────────────────────────────────


async def insurer(c: Connection, amc: str) -> Row | None:
    """number, name, signing_key, notice_key."""
    return await c.fetchrow(
        "SELECT number, name, signing_key, notice_key FROM vault.insurer WHERE amc = $1", amc
    )


async def insurers_known(c: Connection) -> list[Row]:
    """amc, name, persons, vitale_open, signing_key, notice_key of each, by n° AMC."""
    return await c.fetch(
        "SELECT amc, name, persons, vitale_open, signing_key, notice_key FROM vault.insurer ORDER BY amc"
    )


async def set_vitale(c: Connection, number: int, *, opened: bool) -> bool:
    """Open or close an insurer's vitale lane; False when it is so already."""
    done = await c.execute(
        "UPDATE vault.insurer SET vitale_open = $2 WHERE number = $1 AND vitale_open <> $2", number, opened
    )
    return bool(done.endswith(" 1"))


async def add_insurer(c: Connection, amc: str, name: str, signing_key: bytes, notice_key: bytes) -> int:
    """A new insurer; its number. One at a time: numbers have no gaps and no race."""
    await c.execute("LOCK TABLE vault.insurer IN SHARE ROW EXCLUSIVE MODE")
    return int(
        await c.fetchval(
            "INSERT INTO vault.insurer (number, amc, name, signing_key, notice_key)"
            " SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4 FROM vault.insurer RETURNING number",
            amc,
            name,
            signing_key,
            notice_key,
        )
    )


async def is_contained(c: Connection, now: int, scopes: Sequence[tuple[str, str]]) -> bool:
    """Is a switch that closes thrown on any of these (scope, key)?"""
    return bool(
        await c.fetchval(
            "SELECT EXISTS (SELECT FROM vault.switch s JOIN unnest($2::text[], $3::text[]) AS u (scope, key) USING (scope, key)"
            " WHERE s.hold = 'closed' AND (s.until IS NULL OR s.until > $1))",
            now,
            [scope for scope, _ in scopes],
            [key for _, key in scopes],
        )
    )


_HOLD = """
SELECT s.hold FROM vault.switch s JOIN unnest($2::text[], $3::text[]) AS u (scope, key) USING (scope, key)
 WHERE (s.until IS NULL OR s.until > $1) AND (s.hold = 'closed' OR s.thrown >= $4)
 ORDER BY s.hold = 'closed' DESC, s.thrown DESC LIMIT 1
"""


async def hold_on(c: Connection, now: int, proven: int, scopes: Sequence[tuple[str, str]]) -> str | None:
    """closed, if a switch that closes is thrown on one of these (scope, key); else one thrown since `proven`; None where there is none."""
    return await c.fetchval(_HOLD, now, [scope for scope, _ in scopes], [key for _, key in scopes], proven)


async def device_exists(c: Connection, device: UUID) -> bool:
    """Is there such a device?"""
    return bool(await c.fetchval("SELECT EXISTS (SELECT FROM vault.device WHERE id = $1)", device))


def _count(status: str) -> int:
    """The rows of a command tag, e.g. "DELETE 3"."""
    return int(status.rpartition(" ")[2])
