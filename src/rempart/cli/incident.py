"""`rempart incident`: every command of the incident room, each in the module of what it does."""

from rempart.cli.incident_case import app as case
from rempart.cli.incident_notify import app as notifying
from rempart.cli.incident_scope import app

__all__ = ["app"]

for each in (case, notifying):
    app.add_typer(each)
