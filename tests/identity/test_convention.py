"""The text that people sign: another word is another version."""

import hashlib

from rempart.identity.convention import ARTICLES, VERSION


def test_a_version_is_one_text() -> None:
    digest = hashlib.sha256("\n".join(french for french, _ in ARTICLES).encode()).hexdigest()[:16]
    signed = {"2026-1": "b0ba04a21f7b7f8a"}
    assert signed[VERSION] == digest, "the text has changed: give it another version, and keep this line"
