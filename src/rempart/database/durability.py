"""A debit that a power cut takes back is a person told of for nothing: the server must mean it when it says *committed*."""

from typing import Any

import psycopg

from rempart.database.errors import NotDurable

# synchronous_commit: 'local' would lose what a synchronous replica has not yet received; stronger values than 'on' are welcome.
_REQUIRED = {"fsync": {"on"}, "synchronous_commit": {"on", "remote_apply"}, "full_page_writes": {"on"}}


def require_durable(connection: psycopg.Connection[Any]) -> None:
    """Raises `NotDurable`, naming the setting, unless fsync, synchronous_commit and full_page_writes are on for this session."""
    for name, accepted in _REQUIRED.items():
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        value = row[0] if row else ""
        if value not in accepted:
            raise NotDurable(f"{name} is {value}")
