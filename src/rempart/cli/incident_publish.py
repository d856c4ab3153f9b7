"""`rempart incident publish|unpublish`: every professional reads in the portal whether they were hit."""

import time
from typing import Annotated

import typer

from rempart.cli.evidence import ask_key
from rempart.cli.incident_case import By, Number, Which, console, room
from rempart.cli.incident_scope import configured_witnesses
from rempart.cli.operator import VAR, Folder, who_released
from rempart.incident.acting import question_of
from rempart.incident.case import Incident
from rempart.incident.nobody_else import seconds_left
from rempart.incident.publishing import Answers, Readers, are_published, count_answers, digest_of, readers
from rempart.incident.publishing import publish as write_answers
from rempart.incident.publishing import unpublish as withdraw_answers
from rempart.incident.scope_negative import Depth, state_negative
from rempart.incident.scope_proofs import read_published
from rempart.vaultdoor.messages import PublishAnswers

app = typer.Typer()


@app.command("publish")
def publish_command(
    number: Number = 0,
    sending: Annotated[
        bool, typer.Option("--send", help="really publish: every professional can read it")
    ] = False,
    counted: Annotated[
        bool,
        typer.Option("--counted", help="do not recompute every entry of the interval: faster, and says less"),
    ] = False,
    by: By = "",
    folder: Folder = VAR,
) -> None:
    """Tell each establishment and group in the portal whether it was hit, and nobody else's answer. A dry run unless told `--send`.

    Run again, it counts anew and replaces what was published. Once two people at the desk may approve it, it is proposed to them.
    """
    with room(folder, number) as here:
        wait_until_settled(here.incident, here.clock())
        scope = here.scope()
        signed = read_published(here.c, ask_key(folder), configured_witnesses(folder))
        depth = Depth.COUNTED if counted else Depth.RECOMPUTED
        negative = state_negative(here.c, scope, signed, depth)
        answers = count_answers(here.c, here.incident, scope, negative, here.clock())
        hit = readers(here.c, answers)
        _say(answers, hit)
        if not sending:
            console.print("Nothing was published: add --send.")
            return
        deed = PublishAnswers(here.incident.id, hit.houses, hit.seats, hit.groups, digest_of(answers).hex())
        released = who_released(folder, deed)
        if released and are_published(here.c, answers):
            console.print(f"Incident {here.incident.id}: {released} had it published already.")
            return
        issue = write_answers(here.c, answers, released or here.hand(by).actor)
    console.print(
        f"Incident {answers.shown.incident}: published, issue {issue}. The portal announces it; page /incidents."
    )


@app.command("unpublish")
def unpublish_command(
    why: Annotated[str, typer.Argument(help="why it is withdrawn: it stays in the journal")],
    number: Which = 0,
    by: By = "",
    folder: Folder = VAR,
) -> None:
    """Withdraw the published answers of an incident: at once, nobody reads them any more."""
    with room(folder, number) as here:
        withdraw_answers(here.c, here.hand(by), here.incident.id, why)
    console.print(f"Incident {here.incident.id}: withdrawn.")


def wait_until_settled(incident: Incident, now: int) -> None:
    """An interval that ended seconds ago: what is still being written belongs to it. One that is not over is refused instead."""
    question = question_of(incident)
    time.sleep(0.0 if question is None else seconds_left(question, now))


def _say(answers: Answers, hit: Readers) -> None:
    words = answers.shown.words
    console.print(f"[bold]{words.title}[/bold]", soft_wrap=True)
    for label, text in (
        ("what happened", words.nature_fr), ("in English", words.nature_en), ("what was done", words.measures_fr),
        ("in English", words.measures_en), ("where to ask", words.contact_fr), ("in English", words.contact_en),
        ("an answer can have said", words.told_fr), ("in English", words.told_en),
    ):  # fmt: skip
        if text:
            console.print(f"{label}: {text}", soft_wrap=True, markup=False)
    console.print(
        f"{hit.houses:,} establishments, {hit.seats:,} insurers' seats and {hit.groups:,} groups were hit;"
        " whoever else asks reads that they were not."
    )
