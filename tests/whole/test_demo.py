"""`rempart demo --no-serve --json FILE` plays the main job and says what it measured."""

import json
import subprocess
import sys
from pathlib import Path


def test_the_demo_plays_the_main_job_and_leaves_nothing_running(tmp_path: Path) -> None:
    figures = tmp_path / "demo.json"
    played = subprocess.run(
        [sys.executable, "-m", "rempart.cli", "demo", "--no-serve", "--persons", "1000", "--invoices", "120", "--json", str(figures)],
        capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert played.returncode == 0, played.stderr
    measured = json.loads(figures.read_text())
    assert (measured["insurers"], measured["persons"]) == (84, 1000)
    assert measured["right_open"]
    assert measured["wrong_card_refused"]
    assert measured["ledger_verified"]
    assert measured["seconds"] > 0
    traded = measured["traded"]
    assert traded["prise_en_charge"] == "accordee"
    assert (traded["invoices"], traded["accepted"]) == (121, 121)
    # Two pharmacies of a hundred patients at most, and the optician.
    assert traded["payments"] == 3
    assert traded["settled_cents"] > 0
    assert traded["statement_equals_order"]
    assert traded["journal_balanced"]
    assert "numéro d'engagement" in played.stdout
