"""`rempart card verify`: is this offline card good? Nobody is asked (docs/offline-card.md)."""

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from rempart.cli.insurer import fetch_public
from rempart.foundation.clock import SECOND, paris_date, system_clock
from rempart.foundation.errors import BadInput, RempartError
from rempart.foundation.vocabulary import Domain
from rempart.vaultdoor.offline_card import LONGEST, CardRefused, OfflineCard, verify_card

app = typer.Typer(help="Offline cards.", no_args_is_help=True)


@app.callback()
def _nothing_first() -> None:
    pass


@app.command("verify")
def verify(
    card: Annotated[
        str, typer.Argument(help="A file with the card's text, or its digits as scanned; - reads them.")
    ],
    platform: Annotated[
        str,
        typer.Option(
            "--platform",
            help="The file that verifies cards, kept from before (offline-cards.json); or the platform's address.",
        ),
    ],
    at: Annotated[
        datetime | None, typer.Option("--at", help="Judge at that instant, with its offset; now by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what the card says as JSON.")] = False,
) -> None:
    """Verify an offline card: signature, platform, dates, revocation. Exit code 1 and why, when it is not to be accepted."""
    try:
        now = _seconds(at)
        said = verify_card(_text(card), fetch_public(platform, "offline-cards.json"), now)
    except CardRefused as refused:
        print(f"{refused.french}\n{refused} [{refused.reason}]", file=sys.stderr)
        raise typer.Exit(1) from None
    except RempartError as error:
        print(f"{error.french}\n{error.english} {error.detail} [{error.code}]", file=sys.stderr)
        raise typer.Exit(1) from error
    print(
        json.dumps(_plain(said, paris_date(now * SECOND)), indent=1, ensure_ascii=False)
        if as_json
        else _words(said, now)
    )


def _seconds(at: datetime | None) -> int:
    if at is None:
        return system_clock() // SECOND
    if at.tzinfo is None:
        raise BadInput("--at needs an offset")
    return int(at.timestamp())


def _text(card: str) -> str:
    try:
        if card == "-":
            return sys.stdin.read(4 * LONGEST)
        with Path(card).open(encoding="ascii", errors="replace") as file:
            return file.read(4 * LONGEST)
    except OSError as error:
        raise BadInput(f"{card}: {error.strerror}") from error


def _plain(card: OfflineCard, day: date) -> dict[str, Any]:
    rights = {domain: card.open_on(domain, day) for domain in Domain}
    return {
        "card": card.number,
        "amc": card.amc,
        "not_before": card.not_before,
        "not_after": card.not_after,
        "rights": {str(domain): open_ones for domain, open_ones in rights.items() if open_ones},
    }


def _words(card: OfflineCard, now: int) -> str:
    day = paris_date(now * SECOND)
    lines = [f"{card.amc}: card {card.number}, good until {paris_date(card.not_after * SECOND).isoformat()}"]
    for domain in Domain:
        for contract in card.open_on(domain, day):
            pec = ", prise en charge needed" if contract["pec"] else ""
            lines.append(f"  {domain}  {contract['product']}: {contract['formula']}{pec}")
    return "\n".join(lines)
