"""Passwords: Argon2id (RFC 9106), the fifty bits of CNIL's recommendation 2022-100, and a floor of guesses. Never a factor by themselves.

A password is accepted if all hold: 12 to 128 characters; 50 bits by its length and the kinds of character it uses, whichever they are; at
least 2^30 guesses by zxcvbn, which knows the login and the trade's common words; not in the operator's file of breached passwords; not
close to the former one.
"""

import asyncio
import hashlib
import math
import mmap
import re
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from rempart.foundation.errors import Outage
from rempart.vault.errors import PasswordWeak

R = TypeVar("R")

SHORTEST, LONGEST = 12, 128
"""Characters, after NFC."""
BITS = 50
"""CNIL 2022-100, where attempts are limited: length × log2(characters of the kinds used). Twelve small letters have 56."""
GUESSES_LOG2 = 30
_ZXCVBN_READS = 32
"""Characters: a password made for it costs zxcvbn seconds at 72, and the look-ups of this process with it."""
# zxcvbn's lists are English: what a French counter would think of first.
_COMMON_HERE = """
    motdepasse pharmacie azerty soleil bonjour doudou chouchou marseille loulou pharmacien officine laboratoire
    docteur medecin dentiste opticien sante secret ordonnance doliprane vitale mutuelle cabinet clinique hopital
    infirmier janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre printemps automne
    hiver france paris lyon toulouse bordeaux bienvenue jetaime coucou nicolas camille thomas julien rempart
    tierspayant
"""
# OWASP's minimum for Argon2id: 19 MiB, two passes, one lane; some 25 ms.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, type=Type.ID)
_NOBODY = _HASHER.hash(secrets.token_urlsafe(24))
"""The hash of a password nobody knows: an unknown login costs the same work as a known one."""
MOST_IN_LINE = 100
"""Passwords that may be judged or wait for it, some 25 ms each. Beyond, whoever comes is asked to come back."""


class Crowded(Outage):
    """Too many passwords wait to be judged."""


class _Hashing:
    """Runs slow work two at a time: it must not starve the look-ups of this process, and each Argon2 takes 19 MiB."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
        self._in_line = 0

    def require_room(self) -> None:
        if self._in_line >= MOST_IN_LINE:
            raise Crowded

    async def run(self, work: Callable[..., R], *arguments: object) -> R:
        self.require_room()
        self._in_line += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._in_line -= 1


_hashing = _Hashing()


def normalized(password: str) -> str:
    """The form that is judged and hashed: NFC (RFC 8265, OpaqueString)."""
    return unicodedata.normalize("NFC", password)


def require_room() -> None:
    """Raises Crowded when a password could not be judged now: to be asked before an attempt is counted."""
    _hashing.require_room()


async def hash_password(password: str) -> str:
    """The Argon2id string to store. Does not block the loop."""
    return await _hashing.run(_HASHER.hash, normalized(password))


async def matches(stored: str | None, password: str) -> bool:
    """Is it the password? With `stored` None (no such account, no password) the same work ends in False."""
    return await _hashing.run(_matches, stored, password)


def _matches(stored: str | None, password: str) -> bool:
    try:
        _HASHER.verify(stored or _NOBODY, normalized(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


async def require_new(password: str, earlier: Sequence[str]) -> None:
    """Raises PasswordWeak where one of these hashes is of this very password: what was given up may be known to others."""
    for hashed in earlier:
        if await matches(hashed, password):
            raise PasswordWeak("reused")


async def require_strong(password: str, *, login: str, former: str, breached: Path | None) -> None:
    """Raises PasswordWeak, naming the rule. `former`: the password it replaces, as just presented, or ""."""
    await _hashing.run(_require_strong, normalized(password), login, former, breached)


def _require_strong(password: str, login: str, former: str, breached: Path | None) -> None:
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordWeak("length")
    if len(password) * math.log2(_alphabet(password)) < BITS:
        raise PasswordWeak("bits")
    if former and similar(password, normalized(former)):
        raise PasswordWeak("similar")
    if login.casefold() in password.casefold():
        raise PasswordWeak("guessable")
    known = [login, *re.split(r"[@._-]", login), *_COMMON_HERE.split()]
    guesses = zxcvbn(password[:_ZXCVBN_READS], user_inputs=known)["guesses"]
    if math.log2(guesses) < GUESSES_LOG2:
        raise PasswordWeak("guessable")
    if breached is not None and is_breached(password, breached):
        raise PasswordWeak("breached")


def _alphabet(password: str) -> int:
    """How many characters the kinds that are used have: small letters, capitals, digits, the keyboard's others."""
    kinds = (
        (26, any(char.islower() for char in password)),
        (26, any(char.isupper() for char in password)),
        (10, any(char.isdigit() for char in password)),
        (32, any(not char.isalnum() for char in password)),
    )
    # Letters without case (ideographs) are of none of these kinds.
    return sum(size for size, used in kinds if used) or 26


def similar(new: str, former: str) -> bool:
    """Is a password the former one with a changed digit, ending or capital?

    Same core, one within the other, or fewer edits than four, or than a third of the longer one.
    """
    a, b = new.casefold(), former.casefold()
    shorter, longer = sorted((a, b), key=len)
    return (
        _core(a) == _core(b) != ""
        or (len(shorter) >= 6 and shorter in longer)
        or _distance(a, b) < max(4, len(longer) // 3)
    )


def _core(password: str) -> str:
    """What is left without the digits and marks that people change at either end."""
    start, end = 0, len(password)
    while start < end and not password[start].isalpha():
        start += 1
    while end > start and not password[end - 1].isalpha():
        end -= 1
    return password[start:end]


def _distance(a: str, b: str) -> int:
    """Levenshtein: insertions, deletions and replacements."""
    row = list(range(len(b) + 1))
    for i, char in enumerate(a, start=1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (char != other))
    return row[-1]


def is_breached(password: str, file: Path) -> bool:
    """Is its SHA-1 in the file? Sorted lines `HEX` or `HEX:COUNT`, as Have I Been Pwned publishes them: halved, never read whole."""
    wanted = hashlib.sha1(normalized(password).encode(), usedforsecurity=False).hexdigest().upper().encode()
    with file.open("rb") as opened:
        if opened.seek(0, 2) == 0:
            return False
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as lines:
            low, high = 0, len(lines)
            while low < high:
                # Both ends are always at the start of a line.
                start = lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
                end = lines.find(b"\n", start)
                end = len(lines) if end < 0 else end
                found = lines[start : start + 40].upper()
                if found == wanted:
                    return True
                if found < wanted:
                    low = end + 1
                else:
                    high = start
    return False
