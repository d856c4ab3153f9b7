"""The vault, started alone, has none of the rooms or doors in memory."""

import subprocess
import sys


def test_the_vault_alone_knows_no_room_and_no_door() -> None:
    script = (
        "import sys, rempart.vault.__main__;"
        "print(*[m for m in sys.modules if m.startswith('rempart.') or m in ('polars', 'starlette', 'jinja2', 'httpx')])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    floors = {name.split(".")[1] for name in loaded if name.startswith("rempart.")}
    assert floors == {"vault", "vaultdoor", "evidence", "foundation"}
    assert not {"polars", "starlette", "jinja2", "httpx"} & set(loaded)
