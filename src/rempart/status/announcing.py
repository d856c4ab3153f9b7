"""What the operator says: announcements to the public, messages to professionals. Words are checked; what was said is never rewritten."""

from collections.abc import Sequence

from rempart.foundation.clock import DAY, HOUR
from rempart.foundation.identifiers import check_finess
from rempart.foundation.vocabulary import Profession
from rempart.status import store
from rempart.status.errors import BadAnnouncement, NoSuchAnnouncement
from rempart.status.model import Audience, Level, Message, Service, Weight
from rempart.status.store import Connection

LONGEST_MESSAGE = 90 * DAY


def announce(
    c: Connection, now: int, level: Level, services: Sequence[Service], french: str, english: str
) -> int:
    """Tell the public; the number of the announcement. Raises BadAnnouncement."""
    if not services:
        raise BadAnnouncement("services")
    if level is Level.UNKNOWN:
        raise BadAnnouncement("level")
    return store.add_announcement(
        c, now, level, sorted(set(services)), line(french, "french"), line(english, "english")
    )


def update(c: Connection, now: int, number: int, french: str, english: str) -> None:
    """Say more of one that stands. Raises BadAnnouncement, NoSuchAnnouncement."""
    words = line(french, "french"), line(english, "english")
    with c.transaction():
        if not store.stands(c, number):
            raise NoSuchAnnouncement(str(number))
        store.add_update(c, number, now, *words)


def end(c: Connection, now: int, number: int, french: str, english: str) -> None:
    """It is over, with a last word. Raises BadAnnouncement, NoSuchAnnouncement."""
    words = line(french, "french"), line(english, "english")
    with c.transaction():
        if not store.end_announcement(c, number, now):
            raise NoSuchAnnouncement(str(number))
        store.add_update(c, number, now, *words)


def tell(
    c: Connection,
    now: int,
    weight: Weight,
    audience: Audience,
    named: str,
    hours: int,
    french: str,
    english: str,
) -> int:
    """A message to professionals for so many hours; its number. `named`: "", a profession, or a FINESS.

    Raises BadAnnouncement, BadInput (FINESS).
    """
    if not 0 < hours * HOUR <= LONGEST_MESSAGE:
        raise BadAnnouncement("hours: 1 to 2160")
    words = line(french, "french"), line(english, "english")
    return store.add_message(
        c, Message(0, now, now + hours * HOUR, weight, audience, _key(c, audience, named), *words)
    )


def withdraw(c: Connection, now: int, number: int) -> None:
    """A message is shown no more. Raises NoSuchAnnouncement."""
    if not store.end_message(c, number, now):
        raise NoSuchAnnouncement(str(number))


def audience_of(to: str) -> tuple[Audience, str]:
    """Whom a word of an operator's names: all, a profession, or a FINESS; and how `tell` is given it."""
    if to == "all":
        return Audience.ALL, ""
    return Audience.ESTABLISHMENT if any(char.isdigit() for char in to) else Audience.PROFESSION, to


def _key(c: Connection, audience: Audience, named: str) -> str:
    if audience is Audience.ALL and not named:
        return ""
    if audience is Audience.PROFESSION and named in set(Profession):
        return named
    if audience is Audience.ESTABLISHMENT:
        found = store.establishment_by_finess(c, check_finess(named))
        if found is not None:
            return found
    raise BadAnnouncement("to: all, a profession, or the FINESS of an establishment that is known")


def line(text: str, field: str) -> str:
    """One line of words that the public reads. Raises BadAnnouncement."""
    words = " ".join(text.split())
    if not 3 <= len(words) <= 500 or not words.isprintable():
        raise BadAnnouncement(field)
    return words
