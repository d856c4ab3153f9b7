"""The bench plays what it measures, and writes the figures that are published."""

import json
import subprocess
import sys
from pathlib import Path


def test_the_bench_measures_a_whole_load(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [
            sys.executable, "-m", "rempart.cli", "bench", "intake", "--persons", "2000", "--processes", "1", "--no-pkcs11",
            "--json", str(figures),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    measured = json.loads(figures.read_text())
    assert 1_800 < measured["persons"] <= 2_000
    assert measured["capsules"] > 2 * measured["persons"]
    assert measured["rejected"] == 0
    seconds = measured["seconds"]
    # The rate is of the whole time, of which the figure shows thousandths.
    slowest, fastest = (measured["persons"] / (seconds["total"] + half) for half in (0.0005, -0.0005))
    assert round(slowest) <= measured["persons_per_second"] <= round(fastest)
    assert {
        "verify",
        "stream",
        "index",
        "count",
        "workers_check",
        "workers_seal",
        "workers_copy",
    } < seconds.keys()
    assert 0 < measured["ratio"] < 1
    assert measured["rss_peak_mb"] > 50
