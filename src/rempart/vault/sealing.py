"""Tagging and sealing many people at a time: what `capsule` does for one, in blocks ready for COPY (FORMAT binary).

Two things differ from `capsule`, for speed, and tests/vault/test_sealing.py holds both to the same bytes: HKDF-Expand is written out over
hashlib (half the time of the library's object a call), and nonces are cut from one draw of random bytes.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rempart.foundation.vocabulary import Lane
from rempart.vault.capsule import _INFO as INFO
from rempart.vault.capsule import _fields as fields
from rempart.vault.capsule import associated_data
from rempart.vault.keystore import KeyStore

COLUMNS = ("subject", "notice_ref", "source_line", "slot", "tag", "sealed")
"""The order of a block's fields."""
SLOT_CARD, SLOT_VITALE, SLOT_SECRET = 0, 1, 4
"""A person's capsules are numbered: 0 the card, 1 to 3 the own NIR and the attached ones, 4 the secret of a card of ours."""
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"

_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_FIRST, _SECOND = INFO + b"\x01", INFO + b"\x02"
_HALF_BLOCK = bytes(32)
_U16 = [length.to_bytes(2, "big") for length in range(256)]
_SLOTS = [b"\0\0\0\x02" + slot.to_bytes(2, "big") + b"\0\0\0\x10" for slot in range(8)]
"""The field `slot` and the length of the tag that follows it."""
_U32 = [length.to_bytes(4, "big") for length in range(1024)]


@dataclass(frozen=True, slots=True)
class Presented:
    """Some people as they may be presented, one entry each in every list; texts are UTF-8.

    `tails` is what every presentation ends with: birth date and rank as length-prefixed fields. `nirs`: the own NIR and the attached
    ones. `serials`: of the card of ours, 0 for none. `contents`: the encoded contracts. `lines`: the source line, unique in the load.
    """

    lines: Sequence[int]
    references: Sequence[bytes]
    adherents: Sequence[bytes]
    nirs: Sequence[tuple[bytes, ...]]
    serials: Sequence[int]
    tails: Sequence[bytes]
    contents: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class LoadKey:
    """The data key of one load and what its references are bound to."""

    number: int
    key: bytes
    associated: bytes


class Sealer:
    """Seals the people of one insurer under one epoch."""

    def __init__(self, keys: KeyStore, insurer: int, amc: str, epoch: int, load: LoadKey) -> None:
        self._prf, self._subject_prf = keys.prf(f"capsule-{epoch}"), keys.prf("subject")
        number = epoch.to_bytes(4, "big")
        self._card_prf = keys.prf("card")
        self._card_secret = fields(b"rempart-card-secret-v1", amc.encode())
        self._secret = fields(b"rempart-secret-v1", number, amc.encode())
        self._secret_data = associated_data(insurer, Lane.SECRET, epoch)
        self._card = fields(b"rempart-card-v1", number, amc.encode())
        self._vitale = fields(b"rempart-vitale-v1", number, amc.encode())
        self._subject = fields(b"rempart-subject-v1", amc.encode())
        self._card_data = associated_data(insurer, Lane.CARD, epoch)
        self._vitale_data = associated_data(insurer, Lane.VITALE, epoch)
        self._load, self._references = load, AESGCM(load.key)
        self._load_number = load.number.to_bytes(4, "big")

    def seal(self, people: Presented) -> tuple[bytes, int]:
        """The rows of these people's capsules for COPY, without header and trailer, and how many they are."""
        # One loop with everything at hand: a call more a capsule would cost as much as a hash.
        prf, gcm, sha256, slots = self._prf, AESGCM, hashlib.sha256, _SLOTS
        card, vitale, card_data, vitale_data = self._card, self._vitale, self._card_data, self._vitale_data
        rows, out = 0, list[bytes]()
        nonces = os.urandom(12 * sum(2 + len(nirs) for nirs in people.nirs))
        for line, reference, adherent, nirs, serial, tail, content in zip(
            people.lines,
            people.references,
            people.adherents,
            people.nirs,
            people.serials,
            people.tails,
            people.contents,
            strict=True,
        ):
            who, size = self._who(line, reference), (28 + len(content)).to_bytes(4, "big")
            shown = [(SLOT_CARD, card + _U16[len(adherent)] + adherent + tail, card_data)]
            for slot, nir in enumerate(nirs, SLOT_VITALE):
                shown.append((slot, vitale + _U16[len(nir)] + nir + tail, vitale_data))
            if serial:
                # The secret exists from here to the next line.
                secret = self._secret + _U16[16] + self.card_secret(reference, serial) + tail
                shown.append((SLOT_SECRET, secret, self._secret_data))
            for slot, message, data in shown:
                # HKDF-Expand (RFC 5869 §2.3) of 48 bytes: T(1) = HMAC(prk, info ‖ 1), T(2) = HMAC(prk, T(1) ‖ info ‖ 2), HMAC by RFC 2104.
                padded = prf(message) + _HALF_BLOCK
                inner, outer = sha256(padded.translate(_INNER)), sha256(padded.translate(_OUTER))
                again, last = inner.copy(), outer.copy()
                inner.update(_FIRST)
                outer.update(inner.digest())
                first = outer.digest()
                again.update(first + _SECOND)
                last.update(again.digest())
                nonce = nonces[12 * rows : 12 * rows + 12]
                sealed = gcm(first[16:] + last.digest()[:16]).encrypt(nonce, content, data)
                out += (who, slots[slot], first[:16], size, nonce, sealed)
                rows += 1
        return b"".join(out), rows

    def subject(self, reference: bytes) -> bytes:
        """The pseudonym of one person, as `capsule.subject` makes it."""
        return self._subject_prf(self._subject + _U16[len(reference)] + reference)[:16]

    def card_secret(self, reference: bytes, serial: int) -> bytes:
        """The secret of one person's card, as `capsule.card_secret` makes it."""
        return self._card_prf(
            self._card_secret + _U16[len(reference)] + reference + _U16[4] + serial.to_bytes(4, "big")
        )[:16]

    def _who(self, line: int, reference: bytes) -> bytes:
        # The fields that all capsules of a person share: a row has six fields; subject, notice_ref, source_line.
        place = line.to_bytes(4, "big")
        padded = reference + bytes(-len(reference) % 16)
        hidden = self._references.encrypt(b"\0\0\0\0\0\0\0\0" + place, padded, self._load.associated)
        return b"".join((
            b"\0\x06\0\0\0\x10", self.subject(reference), _U32[8 + len(hidden)], self._load_number, place, hidden, b"\0\0\0\x04", place
        ))  # fmt: skip
