"""`rempart incident`: every command of the incident room, each in the module of what it does."""

from rempart.cli import incident_match
from rempart.cli.incident_case import app as case
from rempart.cli.incident_notify import app as notifying
from rempart.cli.incident_publish import app as publishing
from rempart.cli.incident_scope import app

# `match` adds itself beside `scope`.
__all__ = ["app", "incident_match"]

for each in (case, notifying, publishing):
    app.add_typer(each)
