"""What a password must be, how it is kept, and how codes are made."""

import asyncio
import base64
import hashlib
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rempart.foundation.clock import SECOND
from rempart.vault import passwords
from rempart.vault.errors import PasswordWeak
from rempart.vault.passwords import (
    _distance,
    hash_password,
    is_breached,
    matches,
    require_strong,
    similar,
)
from rempart.vault.recovery import ALPHABET, new_code, read_code
from rempart.vault.totp import code_at, matching_step
from tests.authenticator import PASSWORD

GOOD = (
    PASSWORD,
    "Xylophone!Gris88-vert",
    "aB3" * 2 + "zQ9-fjord-Lutin",
    # Of whatever composition (ASVS 6.2.5), and long (6.2.9).
    "loutre parapluie girouette",
    "8305174962830619",
    "quatre loutres et un parapluie sous la pluie de novembre, rue des Girouettes, pres du canal",
)


def judge(
    password: str, *, login: str = "claire.martin", former: str = "", breached: Path | None = None
) -> str:
    """ "" when accepted, else the rule."""
    try:
        asyncio.run(require_strong(password, login=login, former=former, breached=breached))
    except PasswordWeak as refused:
        return refused.detail
    return ""


@pytest.mark.parametrize("password", GOOD)
def test_good_passwords_are_accepted(password: str) -> None:
    assert judge(password) == ""


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("Court-1Mot!", "length"),
        ("x" * 100 + "Aa1-" * 8, "length"),
        ("739164028517", "bits"),
        ("azertyazerty", "guessable"),
        ("Password1234!", "guessable"),
        ("Azerty123456!", "guessable"),
        ("Motdepasse2024!", "guessable"),
        ("Pharmacie2024!", "guessable"),
        ("Aaaaaaaaaaaa1!", "guessable"),
        ("Xyloclaire.martin!88", "guessable"),
    ],
)
def test_weak_passwords_are_refused_by_rule(password: str, rule: str) -> None:
    assert judge(password) == rule


def test_the_login_in_a_password_makes_it_guessable() -> None:
    assert judge("Zbigniew-Katz1", login="zbigniew.katz") == "guessable"
    assert judge("Zbigniew-Katz1-fjord", login="anne") == ""


@pytest.mark.parametrize(
    "new",
    [
        "Quatre-loutres-et-2-parapluie",
        "quatre-Loutres-et-1-parapluie2027!",
        "2027-Quatre-loutres-et-1-parapluie",
        "Quatre-loutres-et-1-parapluies",
    ],
)
def test_a_password_close_to_the_former_one_is_refused(new: str) -> None:
    assert judge(new, former=PASSWORD) == "similar"
    assert judge(GOOD[1], former=PASSWORD) == ""


def test_a_password_made_to_be_slow_costs_no_second_of_everybodys_look_ups() -> None:
    # zxcvbn tries every reading of these marks as letters: 72 of them took 1.7 s.
    slow = "4@8({[<369|!1/|0$5+7%2zx" * 5
    before = time.process_time()
    judge(slow[:128], login="anne")
    assert time.process_time() - before < 1.0


@given(st.text("abC1-", max_size=12), st.text("abC1-", max_size=12))
def test_similarity_and_distance_are_symmetric(a: str, b: str) -> None:
    assert similar(a, b) == similar(b, a)
    assert _distance(a, b) == _distance(b, a)
    assert abs(len(a) - len(b)) <= _distance(a, b) <= max(len(a), len(b))


@given(st.sets(st.integers(0, 500), max_size=40), st.booleans(), st.booleans())
def test_a_breached_password_is_found_wherever_it_stands(
    tmp_path_factory: pytest.TempPathFactory, numbers: set[int], counted: bool, ended: bool
) -> None:
    digests = {hashlib.sha1(f"secret {n}".encode()).hexdigest().upper(): n for n in numbers}
    lines = [f"{digest}:{n * n}" if counted else digest for digest, n in sorted(digests.items())]
    file = tmp_path_factory.mktemp("breached") / "sha1"
    file.write_text("\n".join(lines) + ("\n" if ended and lines else ""))
    found = {n for n in range(60) if is_breached(f"secret {n}", file)}
    assert found == {n for n in numbers if n < 60}


def test_the_operators_file_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "sha1"
    file.write_text(hashlib.sha1(GOOD[1].encode()).hexdigest().upper() + ":3\n")
    assert judge(GOOD[1], breached=file) == "breached"
    assert judge(GOOD[0], breached=file) == ""


def test_passwords_are_hashed_with_argon2id_and_matched_in_either_unicode_form() -> None:
    stored = asyncio.run(hash_password("Crème-brûlée-42"))
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert asyncio.run(matches(stored, "Cre\u0300me-bru\u0302le\u0301e-42"))
    assert not asyncio.run(matches(stored, "Crème-brûlée-43"))
    assert not asyncio.run(matches(None, "Crème-brûlée-42"))


def test_a_crowd_is_asked_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MOST_IN_LINE", 3)

    async def crowd() -> list[bool | BaseException]:
        return await asyncio.gather(*(matches(None, PASSWORD) for _ in range(5)), return_exceptions=True)

    outcomes = asyncio.run(crowd())
    assert [outcome for outcome in outcomes if outcome is False] == [False] * 3
    assert [type(outcome) for outcome in outcomes if outcome is not False] == [passwords.Crowded] * 2
    assert asyncio.run(matches(None, PASSWORD)) is False


def test_one_time_codes_follow_rfc_6238() -> None:
    # RFC 6238, appendix B, SHA-1, last six of its eight digits.
    secret = b"12345678901234567890"
    assert code_at(secret, 59 * SECOND) == "287082"
    assert code_at(secret, 1_111_111_109 * SECOND) == "081804"
    assert code_at(secret, 20_000_000_000 * SECOND) == "353130"


def test_a_step_either_side_counts_and_each_counts_once() -> None:
    secret, now = base64.b32decode("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), 1_767_600_010 * SECOND
    present = now // SECOND // 30
    for shift in (-1, 0, 1):
        assert matching_step(secret, code_at(secret, now + shift * 30 * SECOND), now, 0) == present + shift
    for shift in (-2, 2):
        assert matching_step(secret, code_at(secret, now + shift * 30 * SECOND), now, 0) is None
    assert matching_step(secret, code_at(secret, now), now, present) is None
    assert matching_step(None, code_at(secret, now), now, 0) is None
    assert matching_step(secret, "", now, 0) is None


def test_codes_have_eighty_bits_and_forgive_misreading() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    for code in codes:
        assert len(read_code(code)) == 16
        assert set(read_code(code)) <= set(ALPHABET)
        assert read_code(code.lower().replace("0", "O").replace("1", "i").replace("-", " ")) == read_code(
            code
        )
