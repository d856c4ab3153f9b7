"""Synthetic people, who serve demos, drills and tests: 84 fictional insurers and as many insured persons as asked, to 20 million.

Everything follows from a seed; any person is computed alone, without the others; nothing is held in memory. Whoever needs a person
to present comes in. No real person can ever be in here: every NIR has the order number 000, which INSEE never attributes.
"""

from rempart.population.model import Contract, Insurer, Person
from rempart.population.population import Population
from rempart.population.professionals import (
    SyntheticEstablishment,
    SyntheticProfessional,
    synthetic_establishments,
    synthetic_professionals,
)

__all__ = [
    "Contract",
    "Insurer",
    "Person",
    "Population",
    "SyntheticEstablishment",
    "SyntheticProfessional",
    "synthetic_establishments",
    "synthetic_professionals",
]
