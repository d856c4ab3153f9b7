"""`rempart demo --no-serve --json FILE` plays the main job and says what it measured."""

import json
import subprocess
import sys
from pathlib import Path


def test_the_demo_plays_the_main_job_and_leaves_nothing_running(tmp_path: Path) -> None:
    figures, picture = tmp_path / "demo.json", tmp_path / "attack.svg"
    small = ["--no-serve", "--persons", "1000", "--invoices", "120"]
    options = [*small, "--json", str(figures), "--picture", str(picture)]
    played = subprocess.run(
        [sys.executable, "-m", "rempart.cli", "demo", *options],
        capture_output=True, text=True, check=False, timeout=290,
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
    # Four pharmacies of thirty patients at most, and the optician.
    assert traded["payments"] == 5
    assert traded["settled_cents"] > 0
    assert traded["statement_equals_order"]
    assert traded["journal_balanced"]
    assert "numéro d'engagement" in played.stdout
    attacked = measured["attacked"]
    assert 0 < attacked["persons_exposed"] <= 60
    # Those whose answer was held back as a switch fell are counted too.
    assert 0 <= attacked["persons_in_scope"] - attacked["persons_exposed"] <= 10
    assert attacked["response"]["scope_equals_thief"]
    # The insured people of the drill, and the canaries among them.
    assert attacked["persons_without_meters"] == 20_084
    assert attacked["contained_minutes"] <= 60
    assert (attacked["reopened"], attacked["packages"]) == (True, 84)
    assert attacked["response"]["honest_refused"] == {}
    assert "exactly" in played.stdout
    assert "<svg" in picture.read_text()[:1_000]
