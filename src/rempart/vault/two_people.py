"""The proof that two people answer for an act. What needs one takes a `TwoPeople`, never a boolean.

Each mechanism makes one in one place. Here: two signed notes over one text, each made on its signer's own machine, with a key of the
setting `release_keys`. It needs no desk, so that it works on the day when the desk does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rempart.evidence.errors import NoteMalformed, NoteRefused
from rempart.evidence.note import VerifierKey, open_note
from rempart.foundation.errors import BadInput
from rempart.vault.errors import ReleaseRefused

PEOPLE = 2


@dataclass(frozen=True)
class TwoPeople:
    """Two different people agreed to this very text."""

    text: str
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) < PEOPLE:
            raise ReleaseRefused(f"{len(set(self.names))} of {PEOPLE}")

    def __str__(self) -> str:
        return " ".join(self.names)


def signed_by_two(text: str, keys: Sequence[VerifierKey], signatures: Sequence[bytes]) -> TwoPeople:
    """Raises ReleaseRefused unless two of these keys signed this text. One person with two notes is one person."""
    signers: dict[bytes, str] = {}
    for data in signatures:
        try:
            note = open_note(data, keys)
        except (NoteMalformed, NoteRefused) as error:
            raise ReleaseRefused(str(error)) from error
        if note.text != text:
            raise ReleaseRefused("a signature is for another text")
        signers |= {key.public: key.name for key in note.signed_by}
    if len(signers) < PEOPLE:
        raise ReleaseRefused(f"{len(signers)} of {PEOPLE}")
    return TwoPeople(text, tuple(sorted(signers.values())))


def require_release_keys(texts: Sequence[str]) -> tuple[VerifierKey, ...]:
    """The people of whom two may. Raises `BadInput` for what is no vkey of a person, for one key or one name twice."""
    keys = tuple(VerifierKey.parse(text) for text in texts)
    if len({key.public for key in keys}) != len(keys) or len({key.name for key in keys}) != len(keys):
        raise BadInput("release_keys: one key, or one name, stands there twice")
    return keys
