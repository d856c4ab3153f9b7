"""`rempart migrate`: bring a database to this program's state."""

from pathlib import Path
from typing import Annotated

import typer

from rempart.database.migrate import migrate, pending_migrations
from rempart.foundation.clock import system_clock


def migrate_command(
    dsn: Annotated[
        str,
        typer.Option(
            help="the database, as a role that may act as rempart_owner; the password in a passfile",
            envvar="REMPART_ADMIN_DSN",
        ),
    ],
    folder: Annotated[Path | None, typer.Option(help="SQL files other than the program's own")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="name the files that would run, and run none")
    ] = False,
) -> None:
    """Run the migrations that have not run yet. `rempart up` does this by itself."""
    more = () if folder is None else (folder,)
    names = pending_migrations(dsn, *more) if dry_run else migrate(dsn, system_clock, *more)
    for name in names:
        print(name)
    if not names:
        print("Nothing to do.")
