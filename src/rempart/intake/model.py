"""The vocabulary of intake."""

from dataclasses import dataclass
from enum import StrEnum

MEMBER_COLUMNS = (
    "amc", "adherent", "member_ref", "nir", "nir_attached", "birth_date", "birth_rank", "family_name", "first_name", "contract",
    "product", "valid_from", "valid_to", "responsible", "suspended_from", "suspended_reason", "domains",
)  # fmt: skip
MEMBER_OPTIONAL = ("card", "canary")
DELTA_COLUMNS = ("action", *MEMBER_COLUMNS)
PRODUCT_COLUMNS = (
    "amc", "product", "label", "domain", "rate_basis", "percent", "amount_cents", "per", "formula", "prise_en_charge",
)  # fmt: skip
CARD_COLUMNS = (
    "amc", "member_ref", "card", "adherent", "birth_date", "birth_rank", "beneficiary", "valid_from", "valid_to", "convention", "csr",
    "responsible", "guarantees",
)  # fmt: skip
OFFLINE_COLUMNS = ("amc", "member_ref", "adherent", "birth_date", "birth_rank")
OFFLINE_REVOKED_COLUMNS = ("amc", "card")


class Kind(StrEnum):
    """What a file holds."""

    FULL = "full"
    DELTA = "delta"
    PRODUCTS = "products"
    CARDS = "cards"
    OFFLINE = "offline"
    OFFLINE_REVOKED = "offline-revoked"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its header, all required, in any order."""
        return {
            Kind.FULL: MEMBER_COLUMNS,
            Kind.DELTA: DELTA_COLUMNS,
            Kind.PRODUCTS: PRODUCT_COLUMNS,
            Kind.CARDS: CARD_COLUMNS,
            Kind.OFFLINE: OFFLINE_COLUMNS,
            Kind.OFFLINE_REVOKED: OFFLINE_REVOKED_COLUMNS,
        }[self]

    @property
    def optional(self) -> tuple[str, ...]:
        """The columns that its header may have besides."""
        return MEMBER_OPTIONAL if self in {Kind.FULL, Kind.DELTA} else ()


@dataclass(frozen=True, slots=True, order=True)
class Reject:
    """A line, or a part of it, that was not taken in. Never what the line says. Lines are counted from 1, the header being line 1."""

    line: int
    field: str
    code: str
