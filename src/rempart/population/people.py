"""The insured persons of one insurer, computed a household at a time from the seed, the insurer and the household's place.

An insurer's persons are numbered from 0. Every twelve of them form a block, cut into households by one of eight patterns, so that anybody's
household is found without looking at the others. 64 dice (a keyed BLAKE2b per household) decide the rest. What must be unique is not left
to dice: for NIRs see `births`; n° adhérent and member_ref are affine permutations of the person's number; and the day of birth modulo 7
is the place in the household, so that no two members share a birth date but twins.
"""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import accumulate
from typing import NamedTuple, Optional

from rempart.population.births import Births, civil_identity, twin_of
from rempart.population.contracts import Portfolio, terms_since_birth
from rempart.population.model import Contract, Insurer, Person, Product, Terms
from rempart.population.names import FAMILY_NAMES, FIRST_NAMES

BLOCK = 12


class _Shape(NamedTuple):
    """A household's place in its block, and who is in it."""

    offset: int
    adults: int
    children: int


def _pattern(*households: tuple[int, int]) -> tuple[_Shape, ...]:
    offsets = accumulate((adults + children for adults, children in households), initial=0)
    return tuple(_Shape(offset, *who) for offset, who in zip(offsets, households, strict=False))


# (adults, children). Every pattern begins with somebody alone, who in some blocks is insured elsewhere too.
_PATTERNS = (
    _pattern((1, 0), (1, 0), (1, 0), (2, 0), (2, 0), (2, 1), (1, 1)),
    _pattern((1, 0), (1, 0), (2, 0), (2, 2), (2, 2)),
    _pattern((1, 0), (1, 0), (1, 0), (1, 0), (2, 0), (2, 0), (2, 2)),
    _pattern((1, 0), (2, 0), (2, 1), (2, 1), (2, 1)),
    _pattern((1, 0), (1, 0), (1, 2), (2, 0), (2, 3)),
    _pattern((1, 0), (1, 0), (2, 0), (2, 0), (2, 4)),
    _pattern((1, 0), (1, 0), (1, 0), (1, 0), (1, 0), (1, 0), (2, 0), (2, 2)),
    _pattern((1, 0), (2, 3), (2, 2), (1, 1)),
)

# First year of the ten in which somebody was born; a parent's goes with the children's.
_ADULT_WINDOWS = (1936, 1946, 1946, 1956, 1956, 1966, 1976, 1976, 1986, 1986, 1996, 1996)
_PARENT_WINDOWS = (1966, 1972, 1976, 1976, 1980, 1986)
_CHILD_WINDOWS = (2008, 2008, 2008, 2012, 2012, 2016)

# What each of a household's first dice decides; from die 16 on, each member has six of their own.
(
    _FAMILY,
    _OWN,
    _OWN_OR_SHARED,
    _TWINS,
    _NO_NIR,
    _BOTH_PARENTS,
    _WINDOW,
    _PRODUCT,
    _START,
    _SITUATION,
    _ELSEWHERE,
) = range(11)
_MEMBERS, _DICE_EACH = 16, 6
_FIRST_NAME, _DAY, _RECORD, _STEM = range(4)

_CONTRACT_SUFFIXES = ("", "-2")


class _Civil(NamedTuple):
    """Who somebody is, whoever insures them: the columns of `Person` between the references and the contracts."""

    nir: str
    nir_attached: tuple[str, ...]
    birth_date: str
    birth_rank: int
    family_name: str
    first_name: str


class Roll:
    """Everybody whom one insurer insures.

    `first_birth` is the number of its first person among the population's births. `elsewhere` is the roll of the largest insurer
    (None for that one): at one block in sixteen, the block's first person is the one of the same number there, insured by both.
    """

    def __init__(
        self,
        seed: int,
        insurer: Insurer,
        products: tuple[Product, ...],
        births: Births,
        first_birth: int,
        elsewhere: Optional["Roll"],
    ) -> None:
        self.insurer = insurer
        self._births, self._first_birth, self._elsewhere = births, first_birth, elsewhere
        self._portfolio = Portfolio(products)
        self._hash = blake2b(f"{insurer.index} ".encode(), key=seed.to_bytes(16, "big", signed=True))
        self._salt = int.from_bytes(self._hash.digest()[:8], "big")

    def __iter__(self) -> Iterator[Person]:
        """Everybody, in order."""
        for block in range(0, self.insurer.persons, BLOCK):
            for shape in self._pattern(block):
                if block + shape.offset < self.insurer.persons:
                    yield from self._household(block + shape.offset, shape)

    def person(self, index: int) -> Person:
        """One person, at the cost of one household. Raises IndexError outside the roll."""
        household = self.household(index)
        return household[index - household[0].number]

    def household(self, index: int) -> list[Person]:
        """The whole household of one person. Raises IndexError outside the roll."""
        if not 0 <= index < self.insurer.persons:
            raise IndexError("no such person at this insurer")
        block = index - index % BLOCK
        shape = next(shape for shape in reversed(self._pattern(block)) if block + shape.offset <= index)
        return self._household(block + shape.offset, shape)

    def _pattern(self, block: int) -> tuple[_Shape, ...]:
        """Multiplicative hashing (Knuth, 6.4): the top three bits spread evenly over the patterns."""
        return _PATTERNS[(block * 0x9E3779B97F4A7C15 + self._salt & 0xFFFFFFFFFFFFFFFF) >> 61]

    def _household(self, head: int, shape: _Shape) -> list[Person]:
        """The household that begins with person `head`; the last one of the roll may be cut short."""
        dice = self._throw(head)
        terms = self._portfolio.draw(dice[_PRODUCT], dice[_START], dice[_SITUATION])
        adherent = f"{(head * 61_803_399 + self._salt) % 10**8:08d}"
        members = self._adults(head, shape, dice)
        if shape.children:
            members += self._children(head, shape, dice, members)
        left = self.insurer.persons - head
        return [
            self._insure(head + place, adherent, member, terms) for place, member in enumerate(members[:left])
        ]

    def _throw(self, head: int) -> bytes:
        """The dice of the household that begins with person `head`."""
        thrown = self._hash.copy()
        thrown.update(head.to_bytes(8, "big"))
        return thrown.digest()

    def _insure(self, index: int, adherent: str, member: _Civil, terms: tuple[Terms, ...]) -> Person:
        if terms[0].valid_from < member.birth_date:
            terms = terms_since_birth(terms, member.birth_date)
        contracts = tuple(
            [
                Contract(f"C{adherent}{suffix}", one)
                for suffix, one in zip(_CONTRACT_SUFFIXES, terms, strict=False)
            ]
        )
        member_ref = f"M{(index * 618_033_989 + self._salt) % 10**9:09d}"
        return Person(self.insurer.index, index, self.insurer.amc, adherent, member_ref, *member, contracts)

    def _adults(self, head: int, shape: _Shape, dice: bytes) -> list[_Civil]:
        """One adult or a couple, who may share a name."""
        if self._elsewhere is not None and shape.offset == 0 and dice[_ELSEWHERE] < 16:
            return self._elsewhere._adults(head, shape, self._elsewhere._throw(head))
        windows = _PARENT_WINDOWS if shape.children else _ADULT_WINDOWS
        window = windows[dice[_WINDOW] % len(windows)]
        adults = [self._member(head, 0, window, dice, _family_name(dice))]
        if shape.adults == 2:
            own = _family_name(dice, _OWN) if dice[_OWN_OR_SHARED] < 128 else adults[0].family_name
            adults.append(self._member(head, 1, window, dice, own))
        return adults

    def _children(self, head: int, shape: _Shape, dice: bytes, adults: list[_Civil]) -> list[_Civil]:
        """All may be presented under a parent's NIR. The last two may be twins; the last one, or both twins, may have no NIR yet."""
        window = _CHILD_WINDOWS[dice[_WINDOW] % len(_CHILD_WINDOWS)]
        parents = tuple([adult.nir for adult in adults])
        if dice[_BOTH_PARENTS] < 128:
            parents = parents[:1]
        have_twins = shape.children >= 2 and dice[_TWINS] < 8
        places = range(shape.adults, shape.adults + shape.children - have_twins)
        children = [
            self._member(head, place, window, dice, adults[0].family_name, parents) for place in places
        ]
        youngest = len(children) - 1
        if have_twins:
            children.append(self._second_twin(head, places[-1], window, dice, children[-1]))
        if dice[_NO_NIR] < 64:
            children[youngest:] = [child._replace(nir="") for child in children[youngest:]]
        return children

    def _member(
        self, head: int, place: int, window: int, dice: bytes, family_name: str, parents: tuple[str, ...] = ()
    ) -> _Civil:
        """The member at a place of the household, by the birth that has their number."""
        own = _MEMBERS + _DICE_EACH * place
        nir, birth_date = civil_identity(
            self._births.birth(self._first_birth + head + place),
            window,
            _day(dice, place),
            record_incomplete=dice[own + _RECORD] < 32,
        )
        return _Civil(
            nir, parents, birth_date, 1, family_name, FIRST_NAMES[dice[own + _FIRST_NAME] % len(FIRST_NAMES)]
        )

    def _second_twin(self, head: int, place: int, window: int, dice: bytes, first: _Civil) -> _Civil:
        """The twin of the member at `place`: same birth date, rank 2, a first name that differs."""
        own = _MEMBERS + _DICE_EACH * place
        nir, birth_date = civil_identity(
            twin_of(self._births.birth(self._first_birth + head + place)),
            window,
            _day(dice, place),
            record_incomplete=dice[own + _RECORD] < 32,
        )
        other = 1 + dice[own + _FIRST_NAME + _DICE_EACH] % (len(FIRST_NAMES) - 1)
        first_name = FIRST_NAMES[(dice[own + _FIRST_NAME] + other) % len(FIRST_NAMES)]
        return first._replace(nir=nir, birth_date=birth_date, birth_rank=2, first_name=first_name)


def _day(dice: bytes, place: int) -> int:
    """1 to 28; modulo 7 it tells the place in the household."""
    return 1 + place + 7 * (dice[_MEMBERS + _DICE_EACH * place + _DAY] & 3)


def _family_name(dice: bytes, which: int = _FAMILY) -> str:
    """Ten bits: a die, and two bits of the first member's."""
    return FAMILY_NAMES[dice[which] * 4 + (dice[_MEMBERS + _STEM] + which & 3)]
