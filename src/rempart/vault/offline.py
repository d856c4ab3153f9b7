"""Offline cards as the vault's zone makes them: what a card says, and what of it is for the vault alone (docs/offline-card.md)."""

import base64
import zlib
from collections.abc import Mapping
from datetime import date, timedelta

import msgspec

from rempart.foundation.vocabulary import Domain
from rempart.vault.capsule import CapsuleContent, SealedContract
from rempart.vault.decision import Grid, decide
from rempart.vault.disclose import guaranteed
from rempart.vault.keystore import KeyStore, unwrap, wrap
from rempart.vault.published import PublishedKey, b64url
from rempart.vaultdoor.offline_card import CARD

_CONTEXT = b"rempart-offline-card-v1"


class Person(msgspec.Struct, frozen=True, array_like=True):
    """Who a card is about, as an engagement needs it. Sealed to the vault's zone and to that card."""

    insurer: int
    subject: bytes
    age: int
    """Whole years on the day the card was made."""
    notice_ref: bytes


def seal_person(keys: KeyStore, card: bytes, person: Person) -> str:
    """base64url; `card` is the card's number (16 bytes)."""
    return b64url(wrap(keys, msgspec.msgpack.encode(person), _CONTEXT + card))


def open_person(keys: KeyStore, card: bytes, sealed: str) -> Person:
    """What `seal_person` sealed for that card. Raises InvalidTag."""
    raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    return msgspec.msgpack.decode(unwrap(keys, raw, _CONTEXT + card), type=Person)


def rights_of(
    contents: CapsuleContent, grids: Mapping[str, Grid], first: date, last: date
) -> dict[str, list[dict[str, object]]]:
    """What is open on the first day, domain by domain, as an engagement would say it; with its last day where that comes before `last`."""
    said: dict[str, list[dict[str, object]]] = {}
    for domain in Domain:
        for contract in contents:
            for terms in guaranteed(decide([contract], grids, domain, first), grids, domain):
                until = _open_until(contract, grids, domain, first, last)
                more: dict[str, object] = {} if until == last else {"until": until.isoformat()}
                said.setdefault(str(domain), []).append({**terms, **more})
    return said


def _open_until(
    contract: SealedContract, grids: Mapping[str, Grid], domain: Domain, first: date, last: date
) -> date:
    day = first
    while day < last and decide([contract], grids, domain, day + timedelta(1)).open:
        day += timedelta(1)
    return day


def sign_card(key: PublishedKey, claims: object) -> str:
    """The compact JWS: its payload is deflated, so that a QR code holds it."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    payload = packer.compress(msgspec.json.encode(claims)) + packer.flush()
    return key.sign_payload(key.header(CARD, zip="DEF"), payload)
