"""People who sign, two by two, what stops the whole platform."""

from collections.abc import Callable

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.evidence.note import SignerKey, sign_note
from rempart.vaultdoor.messages import AskTwoPeople, Call, ReleaseText, Reply, ThrowSwitch
from tests.authenticator import expect

PEOPLE = [SignerKey(f"{name}.example", Ed25519PrivateKey.generate()) for name in ("anne", "bruno", "chloe")]
STRANGER = SignerKey("dora.example", Ed25519PrivateKey.generate())
RELEASE_KEYS = tuple(key.verifier().text() for key in PEOPLE)


def signed(operate: Callable[[Call], Reply], switch: ThrowSwitch, *people: SignerKey) -> ThrowSwitch:
    """The same call with a note of each of these people over its text."""
    text = expect(ReleaseText, operate(AskTwoPeople(switch))).text
    return msgspec.structs.replace(switch, signatures=[sign_note(text, (each,)) for each in people])


def by_two(operate: Callable[[Call], Reply], switch: ThrowSwitch) -> Reply:
    """Done as two people do it."""
    return operate(signed(operate, switch, *PEOPLE[:2]))
