"""Canaries and cards of the synthetic population: people who do not exist among those who do, and serials."""

from datetime import date
from itertools import pairwise
from pathlib import Path

from rempart.population import Population

AS_OF = date(2026, 1, 1)


def lines(population: Population, insurer: int = 0) -> list[dict[str, str]]:
    content = b"".join(population.lines(population.insurers[insurer])).decode()
    header, *rest = content.splitlines()
    return [dict(zip(header.split(";"), line.split(";"), strict=True)) for line in rest]


def test_without_canaries_and_cards_the_files_are_what_they_were() -> None:
    plain, other = Population(7, 2_000, 3), Population(7, 2_000, 3, canaries=0, cards=0)
    for insurer in plain.insurers:
        assert list(plain.lines(insurer)) == list(other.lines(insurer))
    assert plain.canaries_of(plain.insurers[0]) == []
    assert "canary" not in lines(plain)[0]


def test_canaries_are_among_the_members_and_said_by_their_column_alone() -> None:
    plain, population = Population(7, 3_000, 3), Population(7, 3_000, 3, canaries=20)
    for insurer in population.insurers:
        found = lines(population, insurer.index)
        nobody = [line for line in found if line["canary"] == "1"]
        assert len({line["member_ref"] for line in nobody}) == 20
        # Whoever leaves them out has the file of a population without.
        told = [{k: v for k, v in line.items() if k != "canary"} for line in found if line["canary"] == "0"]
        assert told == lines(plain, insurer.index)
        at = [place for place, line in enumerate(found) if line["canary"] == "1"]
        assert at[0] < len(found) / 3, "not at the end, where their line would tell"
        assert at[-1] > len(found) * 2 / 3
        assert max(after - before for before, after in pairwise(at)) < len(found) / 2


def test_no_canary_is_presented_as_anybody_else_is() -> None:
    population = Population(11, 20_000, 4, canaries=200)
    everybody = [person for insurer in population.insurers for person in population.people(insurer)]
    nobody = [person for insurer in population.insurers for person in population.canaries_of(insurer)]
    assert len(nobody) == 800
    assert all(person.is_known(AS_OF) for person in nobody)
    by_card = [
        (person.amc, person.adherent, person.birth_date, person.birth_rank) for person in everybody + nobody
    ]
    assert len(set(by_card)) == len(by_card)
    by_nir = [(person.nir, person.birth_date) for person in nobody]
    assert len(set(by_nir)) == len(nobody)
    assert not set(by_nir) & {(person.nir, person.birth_date) for person in everybody}
    references = [(person.amc, person.member_ref) for person in everybody + nobody]
    assert len(set(references)) == len(references)


def test_cards_are_held_by_the_share_that_was_asked_for(tmp_path: Path) -> None:
    population = Population(7, 4_000, 2, canaries=3, cards=128)
    for insurer in population.insurers:
        people = list(population.people(insurer))
        holders = {person.member_ref for person in people if population.serial(person)}
        assert abs(len(holders) / len(people) - 0.5) < 0.05
        found = lines(population, insurer.index)
        assert {line["card"] for line in found} == {"", "1"}
        told = {line["member_ref"] for line in found if line["card"] == "1" and line["canary"] == "0"}
        assert told == holders
    population.write_files(tmp_path / "two", processes=2)
    population.write_files(tmp_path / "one")
    assert [file.read_bytes() for file in sorted((tmp_path / "two").iterdir())] == [
        file.read_bytes() for file in sorted((tmp_path / "one").iterdir())
    ]


def test_a_delta_keeps_cards_and_canaries() -> None:
    population = Population(7, 500, 1, canaries=2, cards=256)
    (insurer,) = population.insurers
    nobody, somebody = population.canaries_of(insurer)[0], population.person(0, 3)
    content = population.delta(
        insurer, 2, leaving=[population.person(0, 4)], changed=[nobody, somebody]
    ).content
    header, left, *changed = content.decode().splitlines()
    assert header.endswith(";domains;card;canary")
    assert left.split(";") == ["D", "", "", population.person(0, 4).member_ref] + [""] * 16
    assert changed[0].endswith(";1;1")
    assert changed[-1].endswith(";1;0")
