"""The `rempart` command: starts and stops the platform, the operator's acts, the demo, the benches, the ledger's checks.

What happens here: a command line is turned into calls, an error into one sentence and exit code 1. Who may come in: whoever holds the
installation's folder. What never happens here: a rule, a key, a look into the vault other than through its sockets.
"""

import sys


def main() -> None:
    """The console script. Never shows a traceback for an error that has a sentence."""
    from rempart.cli.commands import command_line
    from rempart.foundation.errors import RempartError

    try:
        command_line(sys.argv[1:])()
    except RempartError as error:
        sentence = f"{error.english} {error.detail}".strip()
        print(f"{sentence} [{error.code}]", file=sys.stderr)
        sys.exit(1)
