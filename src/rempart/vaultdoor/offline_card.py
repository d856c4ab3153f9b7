"""The offline card: a right signed for a few days, verified without asking anybody (docs/offline-card.md).

A compact JWS (RFC 7515, ES256) whose payload is deflated (RFC 1951), as in SMART Health Cards; written in digits for a QR code. What
verifies it is one public file: the platform's keys for cards, and its signed lists of revoked ones (IETF Token Status List: a bit a card).
Pure: the time is given, nothing is fetched.
"""

import base64
import json
import re
import zlib
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

CARD = "rempart-offline+jwt"
"""The card's `typ`."""
STATUS_LIST = "statuslist+jwt"
"""The list's, as the draft names it (draft-ietf-oauth-status-list §5.1)."""
USE = "rempart-use+jwt"
"""A use's: signed by the device at whose counter the card was shown."""
SKEW = 300
"""Seconds by which two clocks may differ."""
LONGEST = 3_500
"""Characters of a card: what one QR code holds in digits (ISO/IEC 18004: 7,089), a little less."""
_INFLATED = 64 * 1024
_LIST_INFLATED = 1 << 17
_DIGITS = re.compile(r"(?:[0-9]{2}){40,}")
_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_FIRST = 45
"""The code of "-", the first letter of a JWS: a letter is two digits from there, as SMART Health Cards write it."""


class CardRefused(Exception):
    """An offline card is not to be accepted. `reason`: of the closed list REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS[reason][1])
        self.reason, self.french = reason, REASONS[reason][0]


REASONS: dict[str, tuple[str, str]] = {
    "unreadable": (
        "Ce texte n'est pas celui d'une carte hors ligne, ou n'a pas été lu en entier.",
        "This is not the text of an offline card, or it was not read whole.",
    ),
    "forged": (
        "Cette carte n'est pas signée par la plateforme, ou a été modifiée.",
        "This card is not signed by the platform, or was altered.",
    ),
    "elsewhere": (
        "Cette carte est celle d'une autre plateforme.",
        "This card is another platform's.",
    ),
    "early": ("Cette carte n'est pas encore valable.", "This card is not valid yet."),
    "expired": ("Cette carte n'est plus valable.", "This card is no longer valid."),
    "no-list": (
        "La liste des cartes révoquées manque ou ne connaît pas cette carte : elle ne peut pas être acceptée.",
        "The list of revoked cards is missing, or does not know this card: it cannot be accepted.",
    ),
    "stale-list": (
        "La liste des cartes révoquées est trop ancienne : la carte ne peut pas être acceptée.",
        "The list of revoked cards is too old: the card cannot be accepted.",
    ),
    "revoked": ("Cette carte est révoquée.", "This card is revoked."),
}


USES: dict[str, tuple[str, str]] = {
    "device": (
        "Cette utilisation n'est pas signée par ce poste, ou il n'était pas encore reconnu à cette heure.",
        "This use is not signed by this device, or the device was not bound yet at that time.",
    ),
    "time": (
        "L'heure de cette utilisation est hors de la validité de la carte, à venir, ou trop ancienne.",
        "The time of this use is outside the card's validity, in the future, or too long ago.",
    ),
    "unknown": ("Cette carte n'est pas, ou plus, connue.", "This card is not known, or no longer."),
    "closed": (
        "Cet organisme est arrêté pour l'instant : renvoyez l'utilisation plus tard.",
        "This insurer is closed for now: send the use again later.",
    ),
    "house": (
        "Votre établissement ne servait pas à cette heure : fermé, suspendu, ou pas encore ouvert.",
        "Your establishment did not serve at that time: closed, suspended, or not open yet.",
    ),
    "not-open": (
        "Le droit n'était pas ouvert ce jour-là pour ce domaine.",
        "The right was not open that day for that domain.",
    ),
    "pec": (
        "Ce domaine demande une prise en charge : une carte hors ligne n'y suffit pas.",
        "This domain needs a prise en charge: an offline card does not suffice.",
    ),
    "too-many": (
        "Ce poste a servi trop de cartes hors ligne ce jour-là : appelez l'assistance.",
        "This device served too many offline cards that day: call the support.",
    ),
    "spent": (
        "Le montant garanti à cette carte ce jour-là est épuisé, tous établissements réunis.",
        "The amount guaranteed to this card that day is used up, all establishments together.",
    ),
}
"""Why a use earns nothing, besides REASONS."""


@dataclass(frozen=True)
class OfflineCard:
    """What a verified card says. Who it is about, it does not say."""

    number: str
    amc: str
    not_before: int
    not_after: int
    """Seconds since 1970, UTC."""
    place: int
    """Its bit in the lists."""
    list_uri: str
    rights: dict[str, list[dict[str, Any]]]
    """Domain → the open contracts, as an engagement says them; a contract with `until` is open up to that day."""
    sealed: str
    """For the vault alone."""

    def open_on(self, domain: str, day: date) -> list[dict[str, Any]]:
        """The contracts open that day for that domain."""
        open_ones = self.rights.get(domain, [])
        return [one for one in open_ones if "until" not in one or day.isoformat() <= one["until"]]


def write_digits(jws: str) -> str:
    """As the QR code says it: two digits a letter."""
    return "".join(f"{ord(letter) - _FIRST:02d}" for letter in jws)


def read_text(text: str) -> str:
    """The JWS in what was scanned, pasted or uploaded. Raises CardRefused."""
    squeezed = "".join(text.split())
    if len(squeezed) > 2 * LONGEST:
        raise CardRefused("unreadable")
    if _DIGITS.fullmatch(squeezed):
        pairs = (squeezed[at : at + 2] for at in range(0, len(squeezed), 2))
        squeezed = "".join(chr(int(pair) + _FIRST) for pair in pairs)
    if _JWS.fullmatch(squeezed) is None:
        raise CardRefused("unreadable")
    return squeezed


def unpack_number(number: str) -> UUID:
    """A card's number as 16 bytes. Raises CardRefused."""
    if re.fullmatch(r"[A-Za-z0-9_-]{22}", number) is None:
        raise CardRefused("unreadable")
    return UUID(bytes=_unb64url(number))


def verify_card(text: str, published: dict[str, Any], now: int) -> OfflineCard:
    """The card, if everything holds at `now` (seconds): signature, platform, dates, list. Raises CardRefused, saying what does not."""
    card = read_card(text, published)
    if now < card.not_before - SKEW:
        raise CardRefused("early")
    if now >= card.not_after:
        raise CardRefused("expired")
    require_not_revoked(card, published, now)
    return card


def read_card(text: str, published: dict[str, Any]) -> OfflineCard:
    """The card, if this platform signed it: its dates and the lists are not looked at. Raises CardRefused."""
    jws = read_text(text)
    try:
        payload = verified_payload(jws, published, CARD)
    except ValueError:
        raise CardRefused("forged") from None
    try:
        claims = json.loads(_inflate(payload, _INFLATED))
        status = claims["status"]["status_list"]
        card = OfflineCard(
            claims["jti"], claims["amc"], claims["nbf"], claims["exp"], status["idx"], status["uri"],
            claims["rights"], claims["sealed"],
        )  # fmt: skip
    except (ValueError, LookupError, TypeError, zlib.error):
        raise CardRefused("unreadable") from None
    if claims.get("iss") != published.get("issuer"):
        raise CardRefused("elsewhere")
    return card


def require_not_revoked(card: OfflineCard, published: dict[str, Any], now: int) -> None:
    """By the list that the card names. Closed by default: no list, an old one or too short a one is a refusal. Raises CardRefused."""
    found = None
    for token in published.get("lists", []):
        try:
            claims = json.loads(verified_payload(token, published, STATUS_LIST))
        except ValueError:
            continue
        if claims.get("sub") == card.list_uri and claims.get("iss") == published.get("issuer"):
            found = claims
    if found is None:
        raise CardRefused("no-list")
    if not found["iat"] - SKEW <= now < found["exp"]:
        raise CardRefused("stale-list")
    if found["status_list"]["bits"] != 1 or _bit(found["status_list"]["lst"], card.place):
        raise CardRefused("revoked")


def verified_payload(statement: str, keys: dict[str, Any], typ: str) -> bytes:
    """The payload's bytes, if one of `keys` signed it as a statement of this kind: RFC 8725 §3.1 and §3.11. Raises ValueError."""
    try:
        protected, payload, signature = statement.split(".")
        header = json.loads(_unb64url(protected))
        [jwk] = [key for key in keys["keys"] if key["kid"] == header["kid"]]
        point = b"\x04" + _unb64url(jwk["x"]) + _unb64url(jwk["y"])
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        raw = _unb64url(signature)
        if header["alg"] != "ES256" or header["typ"] != typ or len(raw) != 64:
            raise ValueError("another algorithm, or a statement of another kind")
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        key.verify(encode_dss_signature(r, s), f"{protected}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
        return _unb64url(payload)
    except (InvalidSignature, LookupError, TypeError) as error:
        raise ValueError("none of these keys signed it") from error


def _bit(packed: str, place: int) -> bool:
    bits = zlib.decompressobj()
    raw = bits.decompress(_unb64url(packed), _LIST_INFLATED)
    if not 0 <= place < 8 * len(raw):
        raise CardRefused("no-list")
    return bool(raw[place // 8] >> (place % 8) & 1)


def _inflate(payload: bytes, most: int) -> bytes:
    expander = zlib.decompressobj(-zlib.MAX_WBITS)
    raw = expander.decompress(payload, most)
    if not expander.eof:
        raise ValueError("longer than a card, or cut")
    return raw


def _unb64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
