"""Every command, and the function or group behind it. One line each; a module is imported only when its command is asked for."""

from collections.abc import Sequence
from importlib import import_module

import typer

COMMANDS: dict[str, str] = {
    "up": "rempart.cli.up:up",
    "status": "rempart.cli.up:status",
    "down": "rempart.cli.up:down",
    "migrate": "rempart.cli.migrate:migrate_command",
    "demo": "rempart.cli.demo:demo",
    "drill": "rempart.cli.drill:drill",
    "operator": "rempart.cli.profile:app",
    "onboarding": "rempart.cli.onboarding:app",
    "desk": "rempart.cli.desk:app",
    "establishment": "rempart.cli.establishment:app",
    "campaign": "rempart.cli.campaign:app",
    "intake": "rempart.cli.intake:app",
    "card": "rempart.cli.card:app",
    "insurer": "rempart.cli.insurer_match:app",
    "alerts": "rempart.cli.alerts:app",
    "announce": "rempart.cli.announce:app",
    "attempts": "rempart.cli.attempts:attempts",
    "incident": "rempart.cli.incident:app",
    "evidence": "rempart.cli.keeping:app",
    "line": "rempart.cli.line:app",
    "witness": "rempart.cli.witness:app",
    "price": "rempart.cli.price:price",
    "settlement": "rempart.cli.settlement:app",
    "bench campaign": "rempart.cli.bench_campaign:bench_campaign",
    "bench comeback": "rempart.cli.bench_comeback:bench_comeback",
    "bench intake": "rempart.cli.bench_intake:bench_intake",
    "bench line": "rempart.cli.bench_line:bench_line",
    "bench notify": "rempart.cli.bench_notify:bench_notify",
    "bench pricing": "rempart.cli.bench_pricing:bench_pricing",
    "bench rights": "rempart.cli.bench_rights:bench_rights",
    "bench scope": "rempart.cli.bench_scope:bench_scope",
    "bench settlement": "rempart.cli.bench_settlement:bench_settlement",
}
GROUPS = {"bench": "Measure, and write what was measured."}


def command_line(arguments: Sequence[str]) -> typer.Typer:
    """The command line, with the one command that is asked for; with all of them when none is, for the help."""
    asked = {name: place for name, place in COMMANDS.items() if arguments and name.split()[0] == arguments[0]}
    return _build(asked or COMMANDS)


def _build(commands: dict[str, str]) -> typer.Typer:
    app = typer.Typer(
        name="rempart", help="Rempart: checking rights without ever handing over a person.", no_args_is_help=True,
        add_completion=False, pretty_exceptions_enable=False,
    )  # fmt: skip
    # Without a callback, typer would take a single command's name for an argument.
    app.callback()(_nothing_first)
    groups: dict[str, typer.Typer] = {}
    for name, place in commands.items():
        module, attribute = place.split(":")
        what = getattr(import_module(module), attribute)
        parent, last = app, name
        if " " in name:
            group, last = name.split()
            if group not in groups:
                groups[group] = typer.Typer(help=GROUPS[group], no_args_is_help=True)
                groups[group].callback()(_nothing_first)
                app.add_typer(groups[group], name=group)
            parent = groups[group]
        if isinstance(what, typer.Typer):
            parent.add_typer(what, name=last)
        else:
            parent.command(name=last)(what)
    return app


def _nothing_first() -> None:
    pass
