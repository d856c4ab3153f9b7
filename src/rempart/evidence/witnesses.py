"""Which witnesses a log relies on, and how many: the rules, without I/O.

A witness is written `<vkey> <URL>` in the settings: the words of a C2SP tlog-policy `witness` line, without its local name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from rempart.evidence.cosignature import WitnessKey
from rempart.evidence.errors import WitnessesRefused
from rempart.foundation.errors import BadInput
from rempart.foundation.settings import Mode

QUORUM = 2
"""Cosignatures that a published checkpoint carries when so many witnesses are configured; fewer when fewer are."""
RECENT = 60
"""Checkpoints, about a minute of a growing log: so long a publication waits for the quorum, then it says what it has."""
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Witness:
    """A witness that the log asks: its key, and its submission prefix."""

    key: WitnessKey
    url: str


def read_witnesses(lines: Sequence[str]) -> tuple[Witness, ...]:
    """Raises `WitnessesRefused` for a line that cannot be read, or two of one key: that would be one witness counted twice."""
    witnesses: list[Witness] = []
    for line in lines:
        text, _, url = line.strip().partition(" ")
        try:
            key = WitnessKey.parse(text)
        except BadInput as error:
            raise WitnessesRefused(f"{line!r}: {error}") from error
        parts = urlsplit(url.strip())
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment:
            raise WitnessesRefused(f"{key.name}: a URL is expected after the key")
        if parts.scheme == "http" and parts.hostname not in LOCAL:
            raise WitnessesRefused(f"{key.name}: plain HTTP is for this machine only")
        witnesses.append(Witness(key, url.strip().rstrip("/")))
    if len({witness.key.public for witness in witnesses}) != len(witnesses):
        raise WitnessesRefused("two witnesses have one key")
    return tuple(witnesses)


def require_witnesses(witnesses: Sequence[Witness], mode: Mode, log_public: bytes) -> None:
    """Production relies on two witnesses at least, whose keys are not its own. Raises `WitnessesRefused`."""
    if any(witness.key.public == log_public for witness in witnesses):
        raise WitnessesRefused("a log is no witness of itself: a witness has the log's key")
    if mode == "production" and len(witnesses) < QUORUM:
        raise WitnessesRefused(f"production needs {QUORUM} witnesses at least, {len(witnesses)} are named")


def publication_rank(size: int, cosignatures: int) -> tuple[int, int]:
    """Of recent checkpoints, the one with the greatest rank is published: the quorum first, then the size."""
    return min(cosignatures, QUORUM), size
