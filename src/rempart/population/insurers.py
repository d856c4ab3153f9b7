"""The fictional insurers: obviously invented names, AMC numbers in a range of their own, unequal sizes."""

from rempart.population.model import Insurer

_FORMS = (
    "Mutuelle fictive", "Prévoyance imaginaire", "Institution inventée", "Assurance de papier", "Caisse d'opérette",
    "Entraide de théâtre", "Solidarité de roman",
)  # fmt: skip
_OBJECTS = (
    "du Tilleul", "des Nuages", "de la Girouette", "du Cerf-volant", "des Sept Lunes", "de la Luciole", "du Sablier",
    "des Bulles", "du Hérisson", "de l'Arc-en-ciel", "du Lampion", "des Marées",
)  # fmt: skip


def make_insurers(persons: int, insurers: int) -> tuple[Insurer, ...]:
    """The insurers, largest first; their sizes add up to `persons` exactly and each has one person at least."""
    return tuple(
        Insurer(index, f"{99_000_001 + index}", _name(index), size)
        for index, size in enumerate(_sizes(persons, insurers))
    )


def _sizes(persons: int, insurers: int) -> list[int]:
    """Zipf's law, flattened at its head: of 84 the largest has a tenth of all persons, the smallest a third of a percent."""
    weights = [1 / (rank + 3) for rank in range(insurers)]
    shared = persons - insurers
    sizes = [1 + int(shared * weight / sum(weights)) for weight in weights]
    sizes[0] += persons - sum(sizes)
    return sizes


def _name(index: int) -> str:
    rank, name = divmod(index, len(_FORMS) * len(_OBJECTS))
    number = f" {rank + 1}" if rank else ""
    return f"{_FORMS[name % len(_FORMS)]} {_OBJECTS[name // len(_FORMS)]}{number}"
