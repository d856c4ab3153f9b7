"""All the SQL of editors and their software: one function a statement. Instants are µs from the vault's clock; an absent row is None."""
# mypy: disable-error-code="no-any-return"
# asyncpg publishes no types: the annotations here say what each statement returns.

import uuid
from typing import TypeAlias

import asyncpg

from rempart.vault.store_accounts import Connection, Row

UUID: TypeAlias = uuid.UUID

# ── editors ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_BY_KEY = """
SELECT id, name, status, due_until, CASE WHEN thumbprint = $1 THEN public_key ELSE former_key END AS public_key,
    (SELECT count(DISTINCT establishment) FROM vault.software WHERE editor = vault.editor.id) AS served
  FROM vault.editor WHERE thumbprint = $1 OR (former_thumbprint = $1 AND former_until > $2)
"""


async def editor_by_key(c: Connection | asyncpg.Pool, thumbprint: bytes, now: int) -> Row | None:
    """id, name, status, due_until, the key of this thumbprint (the present one, or the former while it counts), establishments served."""
    return await c.fetchrow(_BY_KEY, thumbprint, now)


async def editor(c: Connection, editor_id: UUID) -> Row | None:
    """id, name, thumbprint, public_key, former_until, due_until, status, added; the row is held."""
    return await c.fetchrow(
        "SELECT id, name, thumbprint, public_key, former_until, due_until, status, added FROM vault.editor WHERE id = $1 FOR UPDATE",
        editor_id,
    )


async def editor_by_name(c: Connection, name: str) -> Row | None:
    """id, name, thumbprint, public_key, former_until, status, added; the row is held."""
    return await c.fetchrow(
        "SELECT id, name, thumbprint, public_key, former_until, status, added FROM vault.editor WHERE name = $1 FOR UPDATE",
        name,
    )


async def key_is_known(c: Connection, thumbprint: bytes) -> bool:
    """Is this any editor's key, or was it its last one?"""
    return bool(
        await c.fetchval(
            "SELECT EXISTS (SELECT FROM vault.editor WHERE thumbprint = $1 OR former_thumbprint = $1)",
            thumbprint,
        )
    )


async def add_editor(c: Connection, name: str, thumbprint: bytes, point: bytes, now: int) -> UUID:
    """A new editor, active."""
    return await c.fetchval(
        "INSERT INTO vault.editor (id, name, thumbprint, public_key, added) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        uuid.uuid4(),
        name,
        thumbprint,
        point,
        now,
    )


async def replace_key(
    c: Connection, editor_id: UUID, thumbprint: bytes, point: bytes, former_until: int | None
) -> None:
    """A new key; the one before counts until then, or no more (None)."""
    await c.execute(
        "UPDATE vault.editor SET thumbprint = $2, public_key = $3, former_until = $4::bigint,"
        " former_thumbprint = CASE WHEN $4::bigint IS NOT NULL THEN thumbprint END,"
        " former_key = CASE WHEN $4::bigint IS NOT NULL THEN public_key END WHERE id = $1",
        editor_id,
        thumbprint,
        point,
        former_until,
    )


async def set_editor_status(c: Connection, editor_id: UUID, status: str) -> None:
    """active or suspended."""
    await c.execute("UPDATE vault.editor SET status = $2 WHERE id = $1", editor_id, status)


async def editor_is_active(c: Connection, editor_id: UUID) -> bool:
    """Does it stand now?"""
    return bool(
        await c.fetchval(
            "SELECT EXISTS (SELECT FROM vault.editor WHERE id = $1 AND status = 'active')", editor_id
        )
    )


async def editors(c: Connection) -> list[Row]:
    """id, name, thumbprint, former_until, status, added, establishments, devices; by name."""
    return await c.fetch(
        "SELECT x.id, x.name, x.thumbprint, x.former_until, x.status, x.added,"
        " count(DISTINCT w.establishment) AS establishments, count(w.device) AS devices"
        " FROM vault.editor x LEFT JOIN vault.software w ON w.editor = x.id GROUP BY x.id ORDER BY x.name"
    )


async def reach(c: Connection, editor_id: UUID) -> Row:
    """establishments, devices: where its software is installed."""
    return await c.fetchrow(
        "SELECT count(DISTINCT establishment) AS establishments, count(*) AS devices FROM vault.software WHERE editor = $1",
        editor_id,
    )


async def refusals(c: Connection, editor_id: UUID, since: int) -> list[Row]:
    """kind, count of what was refused to its software since."""
    return await c.fetch(
        "SELECT kind, count(*) AS count FROM vault.event WHERE editor = $1 AND at >= $2 GROUP BY kind ORDER BY kind",
        editor_id,
        since,
    )


async def spent(c: Connection, editor_id: UUID, hour_slot: int, day_slot: int, month_slot: int) -> list[int]:
    """Units of the last hour, of the last day, and of the month's line less what claims earned (docs/meters.md)."""
    row = await c.fetchrow(
        "SELECT vault.spent(hour, $2 - hour_slot) AS hour, vault.spent(day, $3 - day_slot) AS day,"
        " vault.spent(month, $4 - month_slot) - vault.spent(earned, greatest($4, month_slot) - earned_slot) - flight AS month"
        " FROM vault.meter WHERE key = $1",
        editor_id,
        hour_slot,
        day_slot,
        month_slot,
    )
    return [row["hour"], row["day"], row["month"]] if row else [0, 0, 0]


async def switch(c: Connection, editor_id: UUID, now: int) -> str | None:
    """What holds the editor's software back: the strictest hold thrown on it; None when nothing does."""
    return await c.fetchval(
        "SELECT hold FROM vault.switch WHERE scope = 'editor' AND key = $1 AND (until IS NULL OR until > $2)"
        " ORDER BY array_position(ARRAY['closed', 'claims-only', 'read-only', 'known-only', 'step-up'], hold) LIMIT 1",
        str(editor_id),
        now,
    )


# ── software ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def issue_software_code(
    c: Connection, code_hash: bytes, establishment: UUID, editor_id: UUID, now: int, expires: int
) -> None:
    """One an establishment and editor: the former is void."""
    await c.execute(
        "INSERT INTO vault.software_code (code_hash, establishment, editor, issued, expires) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (establishment, editor) DO UPDATE SET code_hash = EXCLUDED.code_hash, issued = EXCLUDED.issued,"
        " expires = EXCLUDED.expires",
        code_hash,
        establishment,
        editor_id,
        now,
        expires,
    )


async def use_software_code(c: Connection, code_hash: bytes, editor_id: UUID, now: int) -> UUID | None:
    """Use it up: the establishment that it is for; None when it is none of this editor's, used or expired."""
    return await c.fetchval(
        "DELETE FROM vault.software_code WHERE code_hash = $1 AND editor = $2 AND expires > $3 RETURNING establishment",
        code_hash,
        editor_id,
        now,
    )


async def install(
    c: Connection, thumbprint: bytes, point: bytes, editor_id: UUID, establishment: UUID, label: str, now: int
) -> UUID | None:
    """A new device that is a software, with its meter; None when this key is known already, to anybody."""
    device = await c.fetchval(
        "INSERT INTO vault.device (id, thumbprint, public_key, added) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (thumbprint) DO NOTHING RETURNING id",
        uuid.uuid4(),
        thumbprint,
        point,
        now,
    )
    if device is not None:
        await c.execute("INSERT INTO vault.meter (key, kind) VALUES ($1, 2)", device)
        await c.execute(
            "INSERT INTO vault.software (device, editor, establishment, label, installed) VALUES ($1, $2, $3, $4, $5)",
            device,
            editor_id,
            establishment,
            label,
            now,
        )
    return device


_SOFTWARE = """
SELECT w.device, d.thumbprint, w.editor, x.name, w.establishment, w.label, w.asked, w.purpose, w.ask_expires, w.confirmed_by, w.confirmed
  FROM vault.software w JOIN vault.device d ON d.id = w.device JOIN vault.editor x ON x.id = w.editor
"""


async def software_by_key(c: Connection, thumbprint: bytes) -> Row | None:
    """The software whose device key this is; the row is held."""
    return await c.fetchrow(_SOFTWARE + " WHERE d.thumbprint = $1 FOR UPDATE OF w", thumbprint)


async def software_asking(c: Connection, asked: UUID, now: int) -> Row | None:
    """The software that waits for this confirmation; the row is held."""
    return await c.fetchrow(
        _SOFTWARE + " WHERE w.asked = $1 AND w.ask_expires > $2 FOR UPDATE OF w", asked, now
    )


async def ask_confirmation(c: Connection, device: UUID, purpose: str, expires: int) -> UUID:
    """The software waits for a person; asking again voids what was asked before."""
    return await c.fetchval(
        "UPDATE vault.software SET asked = $2, purpose = $3, ask_expires = $4, confirmed_by = NULL, confirmed = NULL"
        " WHERE device = $1 RETURNING asked",
        device,
        uuid.uuid4(),
        purpose,
        expires,
    )


async def confirm_software(c: Connection, device: UUID, account: UUID, now: int) -> None:
    """A person confirmed."""
    await c.execute(
        "UPDATE vault.software SET confirmed_by = $2, confirmed = $3 WHERE device = $1", device, account, now
    )


async def end_asking(c: Connection, device: UUID) -> None:
    """What was asked is done."""
    await c.execute(
        "UPDATE vault.software SET asked = NULL, purpose = NULL, ask_expires = NULL, confirmed_by = NULL, confirmed = NULL"
        " WHERE device = $1",
        device,
    )


async def open_on(c: Connection, device: UUID, now: int) -> bool:
    """Is a session open on this device?"""
    return bool(
        await c.fetchval(
            "SELECT EXISTS (SELECT FROM vault.session s JOIN vault.binding b USING (account, device)"
            " WHERE s.device = $1 AND s.expires > $2 AND b.fresh_until > $2)",
            device,
            now,
        )
    )


async def close_on(c: Connection, device: UUID) -> None:
    """Whoever worked on this device works there no more."""
    await c.execute("DELETE FROM vault.session WHERE device = $1", device)


async def seat_software_session(
    c: Connection, account: UUID, device: UUID, establishment: UUID, role: str
) -> UUID:
    """The session just opened works where the software stands, and is no proof of a person for factors, members or bank accounts."""
    return await c.fetchval(
        "UPDATE vault.session SET establishment = $3, role = $4, proven = 0 WHERE account = $1 AND device = $2 RETURNING id",
        account,
        device,
        establishment,
        role,
    )


async def software_in(c: Connection, establishment: UUID) -> list[Row]:
    """device, name (of the editor), status, label, installed, fresh_until (0 when nobody confirmed it), of an establishment."""
    return await c.fetch(
        "SELECT w.device, x.name, x.status, w.label, w.installed,"
        " coalesce((SELECT max(b.fresh_until) FROM vault.binding b WHERE b.device = w.device), 0) AS fresh_until"
        " FROM vault.software w JOIN vault.editor x ON x.id = w.editor WHERE w.establishment = $1 ORDER BY w.installed, w.device",
        establishment,
    )


async def active_editors(c: Connection) -> list[str]:
    """Names, in order."""
    rows = await c.fetch("SELECT name FROM vault.editor WHERE status = 'active' ORDER BY name")
    return [row["name"] for row in rows]


async def remove_software(c: Connection, device: UUID, establishment: UUID) -> str | None:
    """It is installed no more, and nobody works on it; its label, or None where it is not."""
    label = await c.fetchval(
        "DELETE FROM vault.software WHERE device = $1 AND establishment = $2 RETURNING label",
        device,
        establishment,
    )
    if label is not None:
        await c.execute("DELETE FROM vault.binding WHERE device = $1", device)
    return label
