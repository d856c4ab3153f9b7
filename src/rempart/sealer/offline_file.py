"""The public file that verifies offline cards: the platform's keys for them, and its signed lists of revoked ones (docs/offline-card.md).

A list is an IETF Token Status List (draft-ietf-oauth-status-list §4, §5.1): a bit a card, 1 for revoked, compressed, signed. Exact: a card
is never taken for another.
"""

import logging
import zlib
from pathlib import Path

import msgspec

from rempart.foundation.clock import DAY, SECOND, Clock
from rempart.foundation.errors import Outage
from rempart.foundation.settings import BadSettings
from rempart.sealer import store
from rempart.sealer.store import Connection
from rempart.vault.published import PublishedKey, b64url
from rempart.vaultdoor.offline_card import STATUS_LIST

PATH = "/.well-known/offline-cards.json"
PLACES = 1 << 20
"""Cards of one list: 128 KiB before compression, some 200 bytes after it when none is revoked."""
RENEWED_SECONDS = 15 * 60
MOST_DAYS = 31
KEPT_DAYS = 31
"""After its end a card's row stays so long: its uses are told on reopening."""
_HOUR = 3_600
_log = logging.getLogger(__name__)


class OfflineFile:
    """Writes the file anew when something changed, and every quarter of an hour. Raises BadSettings."""

    def __init__(
        self, path: Path, key: PublishedKey, origin: str, clock: Clock, *, days: int, hours: int
    ) -> None:
        """`days`: of a card's life; `hours`: of a list's."""
        if not 1 <= days <= MOST_DAYS:
            raise BadSettings(f"offline_days: 1 to {MOST_DAYS}")
        if not 1 <= hours <= 24 * days:
            raise BadSettings("offline_list_hours: at least 1, and no more than a card's life")
        self.key, self.origin, self.days = key, origin, days
        self._path, self._clock, self._hours = path, clock, hours
        self._due = 0

    def reference(self, place: int) -> dict[str, object]:
        """Where a card's bit is: `idx` in the list `uri`."""
        return {"idx": place % PLACES, "uri": self._uri(place // PLACES)}

    def publish_when_due(self, connection: Connection) -> None:
        """A list that nobody renews ends. Where it cannot be written, the next round tries again."""
        if self._clock() >= self._due:
            try:
                self.publish(connection)
            except Outage as error:
                _log.error("what verifies offline cards is not written: %s", error.detail)

    def publish(self, connection: Connection) -> None:
        """Sign the lists as they are now; forget the cards that have ended. Raises Outage when the file cannot be written."""
        now = self._clock()
        store.forget_ended(connection, now - KEPT_DAYS * DAY)
        span, revoked = store.places_in_use(connection, now), store.revoked_places(connection, now)
        lists = [self._sign(number, revoked, now // SECOND) for number in _numbers(span)]
        content = {"issuer": self.origin, "made": now // SECOND, "keys": [self.key.jwk], "lists": lists}
        self._write(msgspec.json.encode(content))
        self._due = now + RENEWED_SECONDS * SECOND

    def _write(self, content: bytes) -> None:
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            part.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            part.write_bytes(content)
            part.chmod(0o644)
            part.replace(self._path)
        except OSError as error:
            raise Outage(type(error).__name__) from error

    def _sign(self, number: int, revoked: list[int], now: int) -> str:
        bits = bytearray(PLACES // 8)
        for place in revoked:
            if place // PLACES == number:
                at = place % PLACES
                bits[at // 8] |= 1 << at % 8
        claims = {
            "iss": self.origin,
            "sub": self._uri(number),
            "iat": now,
            "exp": now + self._hours * _HOUR,
            "ttl": RENEWED_SECONDS,
            "status_list": {"bits": 1, "lst": b64url(zlib.compress(bytes(bits), 9))},
        }
        return self.key.sign(self.key.header(STATUS_LIST), claims)

    def _uri(self, number: int) -> str:
        return f"{self.origin}{PATH}#{number}"


def _numbers(span: tuple[int, int] | None) -> range:
    return range(span[0] // PLACES, span[1] // PLACES + 1) if span else range(0)
