"""The kinds of a campaign, shared by the vault, which demands them, and by whoever words them."""

from enum import StrEnum


class Kind(StrEnum):
    """What has to be done again."""

    SIGN_OUT = "sign-out"
    """Sessions end at once; done at the next sign-in."""
    DEVICES = "devices"
    """Devices are unbound at once: the next sign-in takes a passkey, or a posted code; done by it."""
    PASSWORD = "password"  # noqa: S105 (a word)
    TOTP = "totp"
    EDITOR_KEYS = "editor-keys"
    """An editor's own: its software is refused until it has replaced its key."""
    RIB = "rib"
    """An establishment's own: the account it is paid on, typed again."""


BLOCKING = frozenset({Kind.PASSWORD, Kind.TOTP})
"""While one of these is due, a person is refused everything but what it demands."""
STARTS_WITHIN = 120.0
"""Seconds that whoever starts or ends one waits for the answer: of every professional of the country it is some (docs/performance.md), of a
machine under attack more. Who gave up earlier would not know that it goes on."""
AT_SIGN_IN = frozenset({Kind.SIGN_OUT, Kind.DEVICES})
"""Done by signing in again."""
