"""The witness's process: `python -m rempart.witness --config FILE`, or `rempart witness serve FOLDER`."""

import argparse
import asyncio
import sys
from pathlib import Path

from rempart.foundation.clockline import add_clock_option, read_clock
from rempart.foundation.errors import RempartError
from rempart.foundation.logs import configure_logs
from rempart.foundation.settings import WitnessSettings, load_settings
from rempart.witness.serving import serve


def main() -> int:
    """Parse the command line and run. Exit code 1 and a sentence when the witness cannot start."""
    parser = argparse.ArgumentParser(prog="rempart.witness", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    add_clock_option(parser)
    arguments = parser.parse_args()
    configure_logs()
    try:
        settings = load_settings(WitnessSettings, arguments.config)
        return asyncio.run(serve(settings, read_clock(arguments.clock_fd, settings.mode)))
    except RempartError as error:
        print(f"{error.code}: {error.english} {error.detail}", file=sys.stderr)  # noqa: T201 (before logs matter)
        return 1


if __name__ == "__main__":
    sys.exit(main())
