"""How a synthetic person is presented at a counter."""

from datetime import date

from rempart.foundation.vocabulary import Domain, Lane
from rempart.population.model import Person
from rempart.vaultdoor.fhir import Presentation


def by_card(person: Person, domain: Domain) -> Presentation:
    """As the complementary card shows them."""
    born = date.fromisoformat(person.birth_date)
    return Presentation(Lane.CARD, person.amc, person.adherent, "", born, person.birth_rank, domain)


def by_vitale(person: Person, domain: Domain) -> Presentation:
    """As the Carte Vitale shows them, no complementary card at hand."""
    born = date.fromisoformat(person.birth_date)
    return Presentation(Lane.VITALE, person.amc, "", person.presented_nir, born, person.birth_rank, domain)
