"""`python -m rempart.drill`: what `rempart drill` starts."""

import argparse
import json
import signal
import sys
from pathlib import Path

from rempart.drill.picture import draw, require_picture
from rempart.drill.play import own_folder, play
from rempart.drill.respond import play_response, require_answerable
from rempart.drill.response import Response, beside_january_2024
from rempart.drill.scenario import Description, load_scenario, shipped
from rempart.foundation.errors import RempartError


def main() -> int:
    """Play a scenario, or list those that are shipped. Exit code 1 and a sentence when it cannot be played."""
    parser = argparse.ArgumentParser(prog="rempart drill", description=__doc__)
    parser.add_argument("scenario", nargs="?", default="", help="a shipped scenario's name, or a YAML file")
    parser.add_argument("--json", type=Path, dest="json_file", help="where the report is written")
    parser.add_argument("--picture", type=Path, help="where the timeline is drawn: .svg or .png")
    parser.add_argument("--keep", action="store_true", help="keep the platform's folder")
    parser.add_argument(
        "--with-response", action="store_true", help="a duty officer answers, to the reopening"
    )
    parser.add_argument("--list", action="store_true", dest="list_all", help="the shipped scenarios")
    arguments = parser.parse_args()
    # Asked to end, it ends its platform first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        if arguments.list_all or not arguments.scenario:
            _list_all()
        else:
            _play(arguments)
    except RempartError as error:
        print(f"{error.english} {error.detail} [{error.code}]", file=sys.stderr)  # noqa: T201 (a command's answer)
        return 1
    return 0


def _list_all() -> None:
    for name in shipped():
        described = load_scenario(name).description
        lines = (described.fr, described.en) if isinstance(described, Description) else (described,)
        print(name, *(f"    {line}" for line in lines), sep="\n")  # noqa: T201 (a command's answer)


def _play(arguments: argparse.Namespace) -> None:
    scenario = load_scenario(arguments.scenario)
    if arguments.picture is not None:
        require_picture(arguments.picture)
    if arguments.with_response:
        require_answerable(scenario)
    with own_folder(keep=arguments.keep) as folder:
        report, curve = (play_response if arguments.with_response else play)(scenario, folder, _say)
        if arguments.keep:
            print(f"  {folder}", file=sys.stderr)  # noqa: T201
    if arguments.picture is not None:
        draw(report, scenario, curve, curve[0][0], arguments.picture)
        report.picture = str(arguments.picture)
    if report.response is not None:
        _say_beside(report.response, report.first_alert_minutes)
    written = json.dumps(report.to_json(), indent=2, ensure_ascii=False) + "\n"
    if arguments.json_file is not None:
        arguments.json_file.write_text(written)
    else:
        print(written)  # noqa: T201 (what was asked for)


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)  # noqa: T201 (what happens, beside the answer)


def _say_beside(response: Response, first_alert_minutes: float | None) -> None:
    _say("")
    for what, then, here in beside_january_2024(response, first_alert_minutes):
        _say(what)
        _say(f"    2024 : {then}")
        _say(f"    ici / here : {here}")


if __name__ == "__main__":
    sys.exit(main())
