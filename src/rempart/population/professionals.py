"""Synthetic establishments and professionals, under numbers that are valid by key and never attributed."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

from rempart.foundation.identifiers import Finess, Rpps, finess_key, rpps_key
from rempart.foundation.vocabulary import Profession
from rempart.population.names import FAMILY_NAMES, FIRST_NAMES, TOWNS

# Out of 16 establishments.
_PROFESSIONS = (
    *[Profession.PHARMACY] * 4, *[Profession.DOCTOR] * 3, *[Profession.AUXILIARY] * 2, Profession.LABORATORY, Profession.RADIOLOGY,
    Profession.DENTIST, Profession.OPTICIAN, Profession.AUDIOLOGIST, Profession.HOSPITAL, Profession.AMBULANCE,
)  # fmt: skip
_WORDS = {
    Profession.PHARMACY: "Pharmacie",
    Profession.LABORATORY: "Laboratoire",
    Profession.RADIOLOGY: "Imagerie médicale",
    Profession.DOCTOR: "Cabinet médical",
    Profession.AUXILIARY: "Cabinet de soins",
    Profession.DENTIST: "Cabinet dentaire",
    Profession.OPTICIAN: "Optique",
    Profession.AUDIOLOGIST: "Audioprothèse",
    Profession.HOSPITAL: "Clinique",
    Profession.AMBULANCE: "Ambulances",
}
_MOST = 10**6


@dataclass(frozen=True)
class SyntheticEstablishment:
    """FINESS numbers are in département 99, which has no establishment."""

    finess: Finess
    profession: Profession
    name: str
    town: str


@dataclass(frozen=True)
class SyntheticProfessional:
    """RPPS numbers begin with 199, far above those attributed."""

    rpps: Rpps
    login: str
    family_name: str
    first_name: str


def synthetic_establishments(seed: int, n: int) -> Iterator[SyntheticEstablishment]:
    """`n` establishments, a pharmacy first. Raises ValueError above a million."""
    _refuse_too_many(n)
    for index in range(n):
        dice = _dice(seed, "establishment", index)
        profession = _PROFESSIONS[index % len(_PROFESSIONS)]
        number = f"99{(index * 618_033 + seed) % _MOST:06d}"
        name = f"{_WORDS[profession]} {FAMILY_NAMES[(dice[0] * 256 + dice[1]) % len(FAMILY_NAMES)]}"
        yield SyntheticEstablishment(
            Finess(number + finess_key(number)), profession, name, TOWNS[dice[2] % len(TOWNS)]
        )


def synthetic_professionals(seed: int, n: int) -> Iterator[SyntheticProfessional]:
    """`n` professionals, each with a login of their own. Raises ValueError above a million."""
    _refuse_too_many(n)
    for index in range(n):
        dice = _dice(seed, "professional", index)
        number = f"199{(index * 6_180_339 + seed) % 10**7:07d}"
        family_name = FAMILY_NAMES[(dice[0] * 256 + dice[1]) % len(FAMILY_NAMES)]
        first_name = FIRST_NAMES[dice[2] % len(FIRST_NAMES)]
        yield SyntheticProfessional(
            Rpps(number + rpps_key(number)), f"ps{number[3:]}", family_name, first_name
        )


def synthetic_iban(number: int) -> str:
    """A French account at the bank code 00000, which is nobody's; valid by its RIB key and its IBAN key. Raises ValueError above 10^11."""
    if not 0 <= number < 10**11:
        raise ValueError("an account number has 11 digits")
    # RIB key: 97 - (89 bank + 15 branch + 3 account) mod 97; bank and branch are zero.
    bban = f"{0:05d}{0:05d}{number:011d}{97 - 3 * number % 97:02d}"
    key = 98 - int(f"{bban}152700") % 97
    return f"FR{key:02d}{bban}"


def _refuse_too_many(n: int) -> None:
    if n > _MOST:
        raise ValueError(f"at most {_MOST} can be numbered")


def _dice(seed: int, kind: str, index: int) -> bytes:
    return blake2b(f"rempart {kind} {seed} {index}".encode(), digest_size=8).digest()
