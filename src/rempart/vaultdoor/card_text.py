"""What the DataMatrix of a card of ours says, as a scanner types it (docs/files/cards.md):

    REMPART2 99000001 AAISEM2EKVTHPCEZVK54ZXPO74 19800113 1 2

n° AMC, secret, birth date, birth rank, and a check character (ISO 7064 MOD 37,36 over the four before: it finds every slip of one
character). Spaces between, because they are where they are on every keyboard: a scanner types like one. Capitals or not does not matter.
"""

from datetime import date
from typing import NamedTuple

from stdnum.iso7064 import mod_37_36

from rempart.foundation.errors import BadInput
from rempart.foundation.identifiers import check_amc_number
from rempart.foundation.vocabulary import Domain, Lane
from rempart.vaultdoor.fhir import Presentation, read_secret, write_secret

VERSION = "REMPART2"


class BadCardText(BadInput):
    """Not the text of a card of ours, or not read whole. Says nothing of what it holds."""

    code = "card-text"
    french = (
        "Ce n'est pas le texte d'une carte Rempart, ou il n'a pas été lu en entier : scannez-la de nouveau."
    )
    english = "This is not the text of a Rempart card, or was not read whole: scan it again."


class CardText(NamedTuple):
    """What such a text says. It prints without any of it."""

    amc: str
    secret: bytes
    birth_date: date
    rank: int

    def __repr__(self) -> str:
        return "CardText()"

    def presentation(self, domain: Domain, care_date: date | None = None) -> Presentation:
        """How its holder is presented, by the secret lane."""
        return Presentation(
            Lane.SECRET, self.amc, "", "", self.birth_date, self.rank, domain, care_date, self.secret
        )


def write_card_text(card: CardText) -> str:
    """The text, of capitals, digits and spaces only: what a DataMatrix packs best."""
    fields = [card.amc, write_secret(card.secret), card.birth_date.strftime("%Y%m%d"), str(card.rank)]
    return " ".join((VERSION, *fields, mod_37_36.calc_check_digit("".join(fields))))


def read_card_text(text: str) -> CardText:
    """The card of a scanned text. Raises BadCardText."""
    try:
        version, amc, secret, birth, rank, check = text.upper().split()
        if version != VERSION or len(birth) != 8 or rank not in set("123456789") or len(check) != 1:
            raise ValueError("form")
        mod_37_36.validate(f"{amc}{secret}{birth}{rank}{check}")
        return CardText(check_amc_number(amc), read_secret(secret), date.fromisoformat(birth), int(rank))
    except (ValueError, BadInput):
        raise BadCardText from None
