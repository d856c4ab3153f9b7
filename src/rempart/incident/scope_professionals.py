"""The professionals' own data that may have been seen, told apart from the insured persons': never a part of a scope's figures.

Reading one's colleagues or one's payments leaves no leaf, so this is no list of what was seen. It is an upper bound by rule: whatever the
pages show to the seats that the parties in question hold now, or asked from. Pure but for the store's statements.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from rempart.foundation.vocabulary import Role
from rempart.incident.exposure import Question
from rempart.incident.scope_store import (
    Connection,
    Place,
    Seat,
    accounts_of,
    one_snapshot,
    people_at,
    places_of,
    seats_of,
)


class Kind(StrEnum):
    """What the pages show of professionals, by class. The list is closed: docs/incident.md says which page shows which."""

    SELF = "self"
    """Of the account's holder: login, factors' and devices' labels, sessions, notices, own look-ups (no insured person in them)."""
    PLACE = "place"
    """Of the establishment: name, town, FINESS or n° AMC, profession; installed software; its answers about published incidents."""
    COLLEAGUES = "colleagues"
    """Of everybody who works there: name, login, role, since when."""
    MONEY = "money"
    """Of the establishment: amounts invoiced, paid and due, statements, letters about them."""
    RIB_STATE = "rib-state"
    """Whether a bank account is on file or about to change, and since when. Never any part of its number."""
    INSURER_DESK = "insurer-desk"
    """At an insurer's seat: establishments and amounts of its own prises en charge and flows; who consulted one of its members."""


SENTENCES: dict[Kind, tuple[str, str]] = {
    Kind.SELF: (
        "identifiant, intitulés des facteurs et des postes, sessions, avis et consultations du titulaire du compte",
        "login, labels of factors and devices, sessions, notices and look-ups of the account's holder",
    ),
    Kind.PLACE: (
        "nom, ville, n° FINESS ou AMC et profession de l'établissement ; logiciels installés ; réponses sur les incidents publiés",
        "name, town, FINESS or n° AMC and profession of the establishment; installed software; answers about published incidents",
    ),
    Kind.COLLEAGUES: (
        "nom, identifiant, rôle et date d'arrivée des personnes de l'établissement",
        "name, login, role and date of joining of the establishment's people",
    ),
    Kind.MONEY: (
        "montants facturés, payés et dus à l'établissement, relevés",
        "amounts invoiced by, paid and due to the establishment, statements",
    ),
    Kind.RIB_STATE: (
        "l'existence d'un RIB et les dates de ses changements, jamais son numéro, même en partie",
        "that a bank account is on file and when it changed, never its number nor a part of it",
    ),
    Kind.INSURER_DESK: (
        "au siège d'un assureur : établissements et montants de ses prises en charge et de ses flux",
        "at an insurer's seat: establishments and amounts of its prises en charge and flows",
    ),
}
NEVER_SHOWN = (
    "the number of a bank account, a postal address, an e-mail address, a telephone number (contacts are for the operator and letters"
    " alone), a colleague's RPPS or ADELI number, a password, a secret of a factor"
)
BASIS = (
    "An upper bound by rule, not a list of what was seen: the pages that show these data leave no leaf in the ledger.",
    (
        "Seats are those held now or left within a day, and every establishment where an account asked in the interval; a seat that was"
        " removed longer ago, and from which nothing was asked in it, is not known any more."
    ),
    "It counts every account still bound to a device in question, or that asked with it, whether or not it signed in during the interval.",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the accounts in question could show of one establishment. `people`: who works there, the account's holders included."""

    place: Place
    kinds: tuple[Kind, ...]
    accounts: int
    """Of those in question, how many had it before them."""
    people: int


@dataclass(frozen=True, slots=True)
class ProfessionalsSeen:
    """The upper bound. `people`: distinct accounts whose data may have been seen."""

    accounts: frozenset[UUID]
    seen: tuple[Seen, ...]
    people: int


def professionals_seen(c: Connection, question: Question) -> ProfessionalsSeen:
    """Whose data the accounts in question could show. `c`: as rempart_operator. Raises LedgerUnreadable."""
    with one_snapshot(c):
        accounts = accounts_of(c, question)
        seats = seats_of(c, accounts, question)
        houses = frozenset(seat.establishment for seat in seats if seat.establishment is not None)
        groups = frozenset(seat.party_group for seat in seats if seat.party_group is not None)
        places = places_of(c, houses, groups)
        people = people_at(c, [place.id for place in places])
    at: dict[UUID, list[Seat]] = {}
    for seat in seats:
        # An administrator has every establishment of the group.
        for key in (seat.establishment, seat.party_group):
            if key is not None:
                at.setdefault(key, []).append(seat)
    seen = []
    for place in places:
        mine = [*at.get(place.id, ()), *(at.get(place.party_group, ()) if place.party_group else ())]
        here = people.get(place.id, frozenset()) | {seat.account for seat in mine if seat.establishment}
        holders = {seat.account for seat in mine}
        seen.append(Seen(place, _kinds(place, {seat.role for seat in mine}), len(holders), len(here)))
    return ProfessionalsSeen(accounts, tuple(seen), len(accounts.union(*people.values())))


def _kinds(place: Place, roles: set[str]) -> tuple[Kind, ...]:
    if place.amc is not None:
        return (Kind.SELF, Kind.PLACE, Kind.COLLEAGUES, Kind.INSURER_DESK)
    if roles == {Role.ADMINISTRATOR}:
        # Of the group's houses: who works there. An administrator checks nothing, bills nothing.
        return (Kind.SELF, Kind.PLACE, Kind.COLLEAGUES)
    return (Kind.SELF, Kind.PLACE, Kind.COLLEAGUES, Kind.MONEY, Kind.RIB_STATE)
