"""Making offline cards: whom the current generation knows, what stands open, the signed card, its QR code.

A card says what a look-up would: its rights are read in the person's own capsule, opened with what the request shows of the card, never
taken from the request.
"""

import csv
import io
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from rempart.foundation.clock import SECOND, instant, paris_date
from rempart.foundation.vocabulary import Lane
from rempart.intake.model import Reject
from rempart.intake.offline import OfflineOrder, write_number
from rempart.sealer import store
from rempart.sealer.card_paper import qr_code
from rempart.sealer.cards import Pace
from rempart.sealer.offline_file import OfflineFile
from rempart.sealer.store import Connection, Insurer
from rempart.vault.capsule import associated_data, card_message, derive, open_capsule
from rempart.vault.capsule import subject as subject_of
from rempart.vault.decision import Grid
from rempart.vault.disclose import age_on
from rempart.vault.keystore import KeyStore
from rempart.vault.offline import Person, rights_of, seal_person, sign_card
from rempart.vaultdoor.offline_card import write_digits

_LIST = "cartes.csv"
_DAY = 86_400
Rights = dict[str, list[dict[str, object]]]


@dataclass(frozen=True)
class Holder:
    """Somebody who gets a card."""

    order: OfflineOrder
    person: Person
    rights: Rights


@dataclass(frozen=True)
class OfflinePress:
    """What offline cards of one insurer are made with."""

    keys: KeyStore
    insurer: Insurer
    grids: Mapping[str, Grid]
    dated: int
    """µs."""
    file: OfflineFile

    @property
    def begins(self) -> int:
        """Not before, seconds."""
        return self.dated // SECOND

    @property
    def ends(self) -> int:
        """Not after, seconds."""
        return self.begins + self.file.days * _DAY

    def find(
        self, connection: Connection, orders: Sequence[OfflineOrder]
    ) -> tuple[list[Holder], list[Reject]]:
        """Those who get a card; and those whom the current generation does not know so, or to whom nothing is open."""
        keyed = [(order, *self._key(order)) for order in orders]
        found = store.capsules_at(connection, self.insurer, [tag for _, tag, _ in keyed])
        holders, rejects = [], []
        for order, tag, key in keyed:
            holder = self._open(order, key, found.get(tag))
            if isinstance(holder, str):
                rejects.append(Reject(order.line, "member_ref", holder))
            else:
                holders.append(holder)
        return holders, rejects

    def _key(self, order: OfflineOrder) -> tuple[bytes, bytes]:
        epoch, amc = self.insurer.epoch, self.insurer.amc
        message = card_message(epoch, amc, order.adherent, order.birth_date, order.rank)
        return derive(self.keys.prf(f"capsule-{epoch}")(message))

    def _open(self, order: OfflineOrder, key: bytes, row: store.Capsule | None) -> Holder | str:
        subject = subject_of(self.keys.prf("subject"), self.insurer.amc, order.member_ref)
        # A reference that is not that person's would put one member's right in another's hands.
        if row is None or row.subject != subject:
            return "person-unknown"
        contents = open_capsule(
            key, associated_data(self.insurer.number, Lane.CARD, self.insurer.epoch), row.sealed
        )
        today = paris_date(self.dated)
        rights = rights_of(contents, self.grids, today, paris_date(self.ends * SECOND))
        person = Person(self.insurer.number, subject, age_on(today, order.birth_date), row.notice_ref)
        return Holder(order, person, rights) if rights else "no-right"

    def card(self, holder: Holder, card: UUID, place: int) -> str:
        """The JWS."""
        claims = {
            "iss": self.file.origin,
            "jti": write_number(card),
            "amc": self.insurer.amc,
            "nbf": self.begins,
            "exp": self.ends,
            "status": {"status_list": self.file.reference(place)},
            "rights": holder.rights,
            "sealed": seal_person(self.keys, card.bytes, holder.person),
        }
        return sign_card(self.file.key, claims)

    def files(
        self, holders: Sequence[Holder], allotted: Sequence[tuple[UUID, int]], pace: Pace
    ) -> Iterator[tuple[str, bytes]]:
        """Name and content: a QR code each, named by its line, then the list that says whose each is, and each card as text."""
        listed = io.StringIO()
        rows = csv.writer(listed, delimiter=";", lineterminator="\n")
        rows.writerow(("line", "member_ref", "file", "card", "valid_until", "text"))
        until = instant(self.ends * SECOND).strftime("%Y-%m-%dT%H:%M:%SZ")
        for made, (holder, (card, place)) in enumerate(zip(holders, allotted, strict=True)):
            pace(made)
            order, text = holder.order, self.card(holder, card, place)
            name = f"{order.line:06d}.png"
            rows.writerow((order.line, order.member_ref, name, write_number(card), until, text))
            yield name, qr_code(write_digits(text))
        yield _LIST, listed.getvalue().encode()


def draw_numbers(count: int) -> list[UUID]:
    """Random numbers, 128 bits each."""
    return [UUID(bytes=secrets.token_bytes(16)) for _ in range(count)]
