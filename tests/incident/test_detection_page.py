"""docs/detection.md says each rule's threshold and strength as the code has them, and names every rule."""

from pathlib import Path

from rempart.incident import (
    canary,
    hours,
    insisting,
    misses,
    new_device,
    one_person,
    order,
    pace,
    response,
    sign_in,
    spread,
    together,
    unclaimed,
)
from rempart.incident.model import Rule
from rempart.incident.sentences import SENTENCES
from rempart.vault.containment import MOST_AN_HOUR, SCOPES

PAGE = (Path(__file__).parents[2] / "docs/detection.md").read_text()
IN_CODE = [
    ("pace-device", pace.DEVICE_THRESHOLD, "strong"),
    ("pace-device", pace.AT_ONCE, "strong"),
    ("pace-establishment", pace.HOUSE_THRESHOLD, "sign"),
    ("odd-hours", hours.THRESHOLD, "sign"),
    ("misses", misses.THRESHOLD, "strong"),
    ("order", order.THRESHOLD, "strong"),
    ("spread", spread.THRESHOLD, "sign"),
    ("unclaimed", unclaimed.SLOW_THRESHOLD, "sure"),
    ("unclaimed", unclaimed.FAST_THRESHOLD, "strong"),
    ("one-person", one_person.DAY_THRESHOLD, "sign"),
    ("one-person", one_person.WEEK_THRESHOLD, "sign"),
    ("together", together.SAME_INSURER, "sure"),
    ("together", together.ANY_INSURER, "strong"),
    ("new-device", new_device.THRESHOLD, "strong"),
    ("canary", canary.THRESHOLD, "sign"),
    ("sign-in", sign_in.DEVICE_THRESHOLD, "sign"),
    ("sign-in", sign_in.PLATFORM_THRESHOLD, "sign"),
    ("insisting", insisting.THRESHOLD, "strong"),
    ("insisting", insisting.BUSY_THRESHOLD, "strong"),
]


def rows() -> list[tuple[str, float, str]]:
    section = PAGE.split("\n## The rules\n")[1].split("\n## ")[0]
    cells = [
        [c.strip() for c in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| `")
    ]
    return [(cell[0].strip("`"), float(cell[2]), cell[3]) for cell in cells]


def test_every_threshold_on_the_page_is_the_codes() -> None:
    assert rows() == IN_CODE
    assert {row[0] for row in rows()} == {rule.value for rule in Rule} == {rule.value for rule in SENTENCES}


def test_what_the_page_says_of_holds_is_what_is_done() -> None:
    assert f"for {response.STEP_UP_MINUTES // 1440} days" in PAGE
    assert f"at least {'ten' if response.SETTLE == 600_000_000 else '?'} minutes" in PAGE
    assert f"at most {response.MEMORY // 86_400_000_000} days" in PAGE
    assert (
        f"closes at most {MOST_AN_HOUR['closed']} an hour and asks at most {MOST_AN_HOUR['step-up']:,}"
        in PAGE
    )
    assert len(SCOPES) == 4
