"""docs/commands.md names every command, and no other."""

import re
from pathlib import Path

import click
from typer.main import get_command

from rempart.cli.commands import command_line

PAGE = Path(__file__).parents[2] / "docs/commands.md"


def names(command: click.Command, so_far: str) -> set[str]:
    """The full names of a command's leaves."""
    if not hasattr(command, "commands"):
        return {so_far}
    return {name for word, child in command.commands.items() for name in names(child, f"{so_far} {word}")}


def test_every_command_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `(rempart [a-z -]+)`", PAGE.read_text(), re.MULTILINE))
    assert documented == names(get_command(command_line([])), "rempart")


def test_every_command_explains_itself() -> None:
    def leaves(command: click.Command, name: str) -> list[tuple[str, click.Command]]:
        children = getattr(command, "commands", None)
        return (
            [(name, command)]
            if children is None
            else [x for w, c in children.items() for x in leaves(c, f"{name} {w}")]
        )

    assert [
        name for name, command in leaves(get_command(command_line([])), "rempart") if not command.help
    ] == []
