"""The closed lists, as the pages tell them and as the doors say them."""

import re
from pathlib import Path

from rempart.claims.prise_en_charge import AGREED_UP_TO, OLDEST_CARE, REASONS, SENDING, VALIDITY_MONTHS
from rempart.claims.rejects import Reject
from rempart.vaultdoor.codes import CODES

DOCS = Path(__file__).parents[2] / "docs"


def rows(page: str) -> dict[str, list[str]]:
    """The page's table rows whose first cell is a code."""
    lines = (DOCS / page).read_text().splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")
    ]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_the_page_lists_every_reject_with_its_sentences_and_no_other() -> None:
    told = {
        each.code: [each.cause.french, each.remedy.french, each.cause.english, each.remedy.english]
        for each in Reject
    }
    assert rows("rejects.md") == told


def test_the_page_lists_every_reason_of_a_prise_en_charge() -> None:
    told = {
        code: [each.sentence.french, each.remedy.french, each.sentence.english, each.remedy.english]
        for code, each in REASONS.items()
    }
    listed = {code: cells[:4] for code, cells in rows("prise-en-charge.md").items() if len(cells) == 5}
    assert listed == told


def test_the_page_tells_limits_and_validity() -> None:
    page = (DOCS / "prise-en-charge.md").read_text()
    for domain, cents in AGREED_UP_TO.items():
        euros = f"{cents // 100:,}".replace(",", " ")
        assert f"| {domain} | {euros} € | {VALIDITY_MONTHS[domain]} months |" in page
    assert f"billed {SENDING.days} days after" in page
    assert f"more than {OLDEST_CARE.days} days past" in page


def test_every_door_says_a_reject_in_the_same_words() -> None:
    for each in Reject:
        code = CODES[each.code]
        assert (code.french, code.english) == (
            f"{each.cause.french} {each.remedy.french}", f"{each.cause.english} {each.remedy.english}"
        )  # fmt: skip


def test_every_code_is_lower_case_words() -> None:
    codes = [each.code for each in Reject] + list(REASONS)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)
    assert len(set(codes)) == len(codes)
