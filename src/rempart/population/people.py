"""The insured persons of one insurer, computed a household at a time from the seed, the insurer and the household's place.

An insurer's persons are numbered from 0. Every twelve of them form a block, cut into households by one of eight patterns, so that anybody's
household is found without looking at the others. 64 dice (a keyed BLAKE2b per household) decide the rest. What must be unique is not left
to dice: for NIRs see `births`; n° adhérent and member_ref are affine permutations of the person's number; and the day of birth modulo 7
is the place in the household, so that no two members share a birth date but twins.
"""

from collections.abc import Iterator
from datetime import date
from hashlib import blake2b
from itertools import accumulate, chain
from typing import NamedTuple, Optional

from rempart.population.births import Birth, Births, civil_identity, twin_of
from rempart.population.contracts import AS_OF, contracts_since_birth, draw_terms
from rempart.population.model import Contract, Insurer, Person, Product
from rempart.population.names import FAMILY_NAMES, FIRST_NAMES
from rempart.population.products import SUPPLEMENT_REFERENCE

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

_ALONE = _Shape(0, 1, 0)
# First year of the ten in which somebody was born; a parent's goes with the children's.
_ADULT_WINDOWS = (1936, 1946, 1946, 1956, 1956, 1966, 1976, 1976, 1986, 1986, 1996, 1996)
_PARENT_WINDOWS = (1966, 1972, 1976, 1976, 1980, 1986)
_CHILD_WINDOWS = (2008, 2008, 2008, 2012, 2012, 2016)

# What each of a household's first dice decides; from die 16 on, each member has six of their own.
_FAMILY, _FAMILY_END, _OTHER, _OTHER_END, _SHARE_NAME, _WINDOW, _PRODUCT, _START, _SITUATION = range(9)
_ELSEWHERE, _TWINS, _TWIN_NAME, _NO_NIR, _ONE_PARENT = range(9, 14)
_MEMBERS, _DICE_EACH = 16, 6
_FIRST_NAME, _DAY, _RECORD = range(3)


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
        self.births, self.first_birth, self.elsewhere = births, first_birth, elsewhere
        self.products = tuple(product for product in products if product.reference != SUPPLEMENT_REFERENCE)
        self._hash = blake2b(f"{insurer.index} ".encode(), key=seed.to_bytes(16, "big", signed=True))
        self._salt = int.from_bytes(self._hash.digest()[:8], "big")

    def __iter__(self) -> Iterator[Person]:
        """Everybody, in order."""
        return chain.from_iterable(self.households())

    def households(self) -> Iterator[list[Person]]:
        """Everybody, a household at a time."""
        for block in range(0, self.insurer.persons, BLOCK):
            for shape in self._pattern(block):
                if block + shape.offset < self.insurer.persons:
                    yield _Household(self, block + shape.offset, shape).members()

    def person(self, number: int) -> Person:
        """One person, at the cost of one household. Raises IndexError outside the roll."""
        household = self.household(number)
        return household[number - household[0].number]

    def household(self, number: int) -> list[Person]:
        """The whole household of one person. Raises IndexError outside the roll."""
        if not 0 <= number < self.insurer.persons:
            raise IndexError("no such person at this insurer")
        block = number - number % BLOCK
        shape = next(shape for shape in reversed(self._pattern(block)) if block + shape.offset <= number)
        return _Household(self, block + shape.offset, shape).members()

    def canary(self, place: int) -> Person:
        """Somebody who does not exist, alone and insured: a person like another, whose number comes after everybody's."""
        person = _Household(self, self.insurer.persons + place, _ALONE).adults()[0]
        if person.is_known(date.fromisoformat(AS_OF)):
            return person
        # A dead contract would leave the canary out.
        terms = draw_terms(self.products, place & 255, place * 7 & 255, 255)
        return person._replace(contracts=(Contract(f"C{person.adherent}", terms[0]),))

    def throw(self, head: int) -> bytes:
        """The dice of the household that begins with person `head`."""
        thrown = self._hash.copy()
        thrown.update(head.to_bytes(8, "big"))
        return thrown.digest()

    def adherent(self, head: int) -> str:
        """The n° adhérent of that household: a permutation of eight digits."""
        return str(10_000_000 + (head * 61_803_397 + self._salt) % 90_000_000)

    def member_ref(self, number: int) -> str:
        """The insurer's reference of a person: a permutation of nine digits."""
        return f"M{100_000_000 + (number * 618_033_989 + self._salt) % 900_000_000}"

    def _pattern(self, block: int) -> tuple[_Shape, ...]:
        """Multiplicative hashing (Knuth, 6.4): the top three bits spread evenly over the patterns."""
        return _PATTERNS[(block * 0x9E3779B97F4A7C15 + self._salt & 0xFFFFFFFFFFFFFFFF) >> 61]


class _Household:
    """One throw of dice, and the persons who follow from it. They live together, and share an adhérent's contracts and his name."""

    __slots__ = ("_adherent", "_contracts", "_dice", "_head", "_name", "_roll", "_shape")

    def __init__(self, roll: Roll, head: int, shape: _Shape) -> None:
        self._roll, self._head, self._shape = roll, head, shape
        dice = self._dice = roll.throw(head)
        adherent = self._adherent = roll.adherent(head)
        terms = draw_terms(roll.products, dice[_PRODUCT], dice[_START], dice[_SITUATION])
        first = Contract(f"C{adherent}", terms[0])
        self._contracts: tuple[Contract, ...] = (first,)
        if len(terms) == 2:
            self._contracts = (first, Contract(f"C{adherent}-2", terms[1]))
        self._name = _family_name(dice[_FAMILY], dice[_FAMILY_END])

    def members(self) -> list[Person]:
        """The adhérent first; the last household of a roll may be cut short."""
        roll, shape = self._roll, self._shape
        if roll.elsewhere is not None and shape.offset == 0 and self._dice[_ELSEWHERE] < 16:
            members = [self._insure_too(_Household(roll.elsewhere, self._head, shape).adults()[0])]
        else:
            members = self.adults()
        if shape.children:
            members += self._children(members)
        return members[: roll.insurer.persons - self._head]

    def adults(self) -> list[Person]:
        """One adult or a couple, who may share a name."""
        windows = _PARENT_WINDOWS if self._shape.children else _ADULT_WINDOWS
        window = windows[self._dice[_WINDOW] % len(windows)]
        adults = [self._member(0, window, self._name, ())]
        if self._shape.adults == 2:
            shared = self._dice[_SHARE_NAME] < 128
            name = self._name if shared else _family_name(self._dice[_OTHER], self._dice[_OTHER_END])
            adults.append(self._member(1, window, name, ()))
        return adults

    def _insure_too(self, person: Person) -> Person:
        """Somebody whom another insurer insures has a contract here as well."""
        insurer = self._roll.insurer
        return person._replace(
            insurer=insurer.index,
            amc=insurer.amc,
            adherent=self._adherent,
            member_ref=self._roll.member_ref(self._head),
            contracts=self._contracts,
        )

    def _children(self, adults: list[Person]) -> list[Person]:
        """All may be presented under a parent's NIR. The last two may be twins; the last one, or both twins, may have no NIR yet."""
        dice, shape = self._dice, self._shape
        window = _CHILD_WINDOWS[dice[_WINDOW] % len(_CHILD_WINDOWS)]
        parents = tuple([adult.nir for adult in adults])
        if dice[_ONE_PARENT] < 128:
            parents = parents[:1]
        have_twins = shape.children >= 2 and dice[_TWINS] < 8
        places = range(shape.adults, shape.adults + shape.children - have_twins)
        children = [self._member(place, window, self._name, parents) for place in places]
        youngest = len(children) - 1
        if have_twins:
            children.append(self._second_twin(places[-1], window, children[-1]))
        if dice[_NO_NIR] < 64:
            children[youngest:] = [child._replace(nir="") for child in children[youngest:]]
        return children

    def _member(self, place: int, window: int, family_name: str, parents: tuple[str, ...]) -> Person:
        """The person at a place of the household, born by the birth that has their number."""
        roll, number = self._roll, self._head + place
        insurer, dice = roll.insurer, self._dice
        nir, birth_date = self._civil_identity(roll.births.birth(roll.first_birth + number), place, window)
        contracts = self._contracts
        if contracts[0].terms.valid_from < birth_date:
            contracts = contracts_since_birth(contracts, birth_date)
        return Person(
            insurer.index,
            number,
            insurer.amc,
            self._adherent,
            roll.member_ref(number),
            nir,
            parents,
            birth_date,
            1,
            family_name,
            FIRST_NAMES[dice[_MEMBERS + _DICE_EACH * place + _FIRST_NAME] & 63],
            contracts,
        )

    def _second_twin(self, place: int, window: int, first: Person) -> Person:
        """The twin of the member at `place`, who comes next: same birth date, rank 2, another first name."""
        roll = self._roll
        birth = twin_of(roll.births.birth(roll.first_birth + first.number))
        nir, birth_date = self._civil_identity(birth, place, window)
        at = FIRST_NAMES.index(first.first_name) + 1 + self._dice[_TWIN_NAME] % (len(FIRST_NAMES) - 1)
        return first._replace(
            number=first.number + 1,
            member_ref=roll.member_ref(first.number + 1),
            nir=nir,
            birth_date=birth_date,
            birth_rank=2,
            first_name=FIRST_NAMES[at % len(FIRST_NAMES)],
        )

    def _civil_identity(self, birth: Birth, place: int, window: int) -> tuple[str, str]:
        """The day is 1 to 28; modulo 7 it tells the place in the household."""
        own = _MEMBERS + _DICE_EACH * place
        day = 1 + place + 7 * (self._dice[own + _DAY] & 3)
        return civil_identity(birth, window, day, record_incomplete=self._dice[own + _RECORD] < 64)


def _family_name(die: int, last_bits: int) -> str:
    return FAMILY_NAMES[die * 4 + (last_bits & 3)]
