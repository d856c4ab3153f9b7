"""The synthetic population: the same for a seed, any person alone as in the stream, nobody twice, and every case of the trade present."""

import csv
import gzip
import hashlib
import io
import itertools
import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from rempart.foundation import identifiers as ids
from rempart.foundation.vocabulary import Domain, Profession
from rempart.population import Person, Population, synthetic_establishments, synthetic_professionals
from rempart.population.births import CAPACITY, Births, civil_identity
from rempart.population.products import SUPPLEMENT_REFERENCE
from rempart.population.professionals import synthetic_iban

TODAY = date(2026, 2, 1)
MEMBER_COLUMNS = [
    *["amc", "adherent", "member_ref", "nir", "nir_attached", "birth_date", "birth_rank", "family_name", "first_name", "contract"],
    *["product", "valid_from", "valid_to", "responsible", "suspended_from", "suspended_reason", "domains"],
]  # fmt: skip


@pytest.fixture(scope="module")
def small() -> Population:
    return Population(seed=11, persons=5_000)


@pytest.fixture(scope="module")
def crowd() -> list[Person]:
    """60,000 persons of one insurer."""
    alone = Population(seed=12, persons=60_000, insurers=1)
    return list(alone.people(alone.insurers[0]))


def rows(chunks: object, columns: list[str] = MEMBER_COLUMNS) -> list[dict[str, str]]:
    text = b"".join(chunks).decode()  # type: ignore[call-overload]
    assert '"' not in text
    reader = csv.DictReader(io.StringIO(text), delimiter=";", strict=True)
    assert reader.fieldnames == columns
    found = list(reader)
    assert all(None not in row and None not in row.values() for row in found)
    return found


def test_sizes_are_unequal_and_add_up_exactly() -> None:
    for persons in (84, 85, 100_000, 20_000_000):
        insurers = Population(1, persons).insurers
        sizes = [insurer.persons for insurer in insurers]
        assert len(insurers) == len({i.amc for i in insurers}) == len({i.name for i in insurers}) == 84
        assert sum(sizes) == persons
        assert min(sizes) >= 1
        assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 10 * sizes[-1]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(small: Population) -> None:
    def everything(population: Population) -> list[bytes]:
        return [b"".join(population.lines(insurer)) for insurer in population.insurers]

    again = everything(Population(seed=11, persons=5_000))
    assert everything(small) == again
    assert everything(Population(seed=13, persons=5_000)) != again


def test_the_bytes_of_a_seed_never_change(small: Population) -> None:
    # Files already written must go on matching the persons computed: who changes the population on purpose changes this digest.
    digest = hashlib.sha256(b"".join(small.lines(small.insurers[3]))).hexdigest()
    assert digest == "e9893e7d37d2ce6f7e0a510a406d8798efef9d1c93941da5f72a6d9212247b64"


def test_any_person_alone_is_the_one_of_the_stream(small: Population) -> None:
    for insurer in small.insurers:
        people = list(small.people(insurer))
        assert len(people) == insurer.persons
        for number, person in enumerate(people):
            assert (person.insurer, person.number, person.amc) == (insurer.index, number, insurer.amc)
            assert small.person(insurer.index, number) == person
            assert person in small.household(insurer.index, number)


def test_nobody_stands_outside_the_roll(small: Population) -> None:
    for number in (-1, small.insurers[5].persons):
        with pytest.raises(IndexError):
            small.person(5, number)


def test_nobody_is_twice_in_an_insurers_file(crowd: list[Person]) -> None:
    assert len({person.member_ref for person in crowd}) == len(crowd)
    assert len({(p.adherent, p.birth_date, p.birth_rank) for p in crowd}) == len(crowd)
    presentations = [
        (nir, p.birth_date, p.birth_rank) for p in crowd for nir in {p.nir, *p.nir_attached} - {""}
    ]
    assert len(set(presentations)) == len(presentations)


def test_every_nir_is_valid_synthetic_and_agrees_with_the_birth_date(crowd: list[Person]) -> None:
    for person in crowd:
        for nir in filter(None, (person.nir, *person.nir_attached)):
            ids.check_nir(nir)
            ids.refuse_unless_synthetic(nir)
        if person.nir:
            assert person.nir[1:3] == person.birth_date[2:4]
            assert person.nir[3:5] == person.birth_date[5:7] or 20 <= int(person.nir[3:5]) <= 42
        else:
            assert person.nir_attached


@pytest.mark.parametrize("seed", [0, -5, 2**63])
def test_births_are_a_bijection(seed: int) -> None:
    births = Births(seed)
    numbers = [*range(30_000), *range(CAPACITY - 30_000, CAPACITY)]
    assert len({births.birth(n) for n in numbers}) == len(numbers)
    assert len({civil_identity(births.birth(n), 1966, 1)[0] for n in numbers}) == len(numbers)


def test_every_case_of_the_trade_is_there(crowd: list[Person]) -> None:
    nirs = [p.nir for p in crowd if p.nir]
    assert {nir[5:7] for nir in nirs} >= {"2A", "2B", "97", "99", "75"}
    assert {nir[5:8] for nir in nirs} >= {"971", "972", "973", "974", "975", "976"}
    assert any(20 <= int(nir[3:5]) <= 42 for nir in nirs)
    assert any(p.nir == "" and len(p.nir_attached) == 2 for p in crowd)
    assert any(p.nir == "" and len(p.nir_attached) == 1 for p in crowd)
    assert any(any(c.is_dead(TODAY) for c in p.contracts) and p.is_known(TODAY) for p in crowd)
    assert any(not p.is_known(TODAY) for p in crowd)
    reasons = Counter(c.terms.suspended_reason for p in crowd for c in p.contracts)
    assert set(reasons) == {"", "non-payment", "fraud", "other"}
    two = [p for p in crowd if len(p.contracts) == 2 and not any(c.is_dead(TODAY) for c in p.contracts)]
    assert any(c.terms.product == SUPPLEMENT_REFERENCE for p in two for c in p.contracts)
    states = Counter(p.contracts[-1].state(Domain.OPTI, TODAY) for p in crowd)
    assert set(states) == {"", "waiting-period", "not-started", "ended", "suspended"}
    assert "domain-not-covered" in {p.contracts[-1].state(Domain.AUDI, TODAY) for p in crowd}
    assert states[""] > 0.8 * len(crowd)


def test_twins_share_a_birth_date_and_differ_by_rank(crowd: list[Person]) -> None:
    seconds = [p for p in crowd if p.birth_rank == 2]
    pairs = [(crowd[p.number - 1], p) for p in seconds]
    assert len(pairs) > 20
    for first, second in pairs:
        assert (first.adherent, first.birth_date, first.birth_rank) == (second.adherent, second.birth_date, 1)
        assert first.first_name != second.first_name
    assert any(first.nir == second.nir != "" for first, second in pairs)
    assert any(first.nir != second.nir for first, second in pairs)


def test_families_hold_together(crowd: list[Person]) -> None:
    for _, members in itertools.groupby(crowd, key=lambda p: p.adherent):
        adherent, *others = members
        assert adherent.birth_date < "2006"
        for other in others:
            if other.nir_attached:
                assert other.nir_attached[0] == adherent.nir
                assert int(other.birth_date[:4]) - int(adherent.birth_date[:4]) >= 16
                assert other.family_name == adherent.family_name
    assert all(
        c.terms.valid_from >= p.birth_date for p in crowd for c in p.contracts if p.birth_date > "2014"
    )
    assert all(p.contracts for p in crowd)


def test_some_are_insured_by_two_insurers(small: Population) -> None:
    largest = {(p.nir, p.birth_date, p.birth_rank): p for p in small.people(small.insurers[0]) if p.nir}
    shared = 0
    for insurer in small.insurers[1:]:
        for person in small.people(insurer):
            other = largest.get((person.nir, person.birth_date, person.birth_rank))
            if other is not None:
                shared += 1
                assert (person.family_name, person.first_name) == (other.family_name, other.first_name)
                assert person.member_ref != other.member_ref
    assert shared > 5


def test_every_line_parses_back(small: Population) -> None:
    insurer = small.insurers[0]
    parsed = rows(small.lines(insurer))
    people = list(small.people(insurer))
    assert [ref for ref, _ in itertools.groupby(row["member_ref"] for row in parsed)] == [
        p.member_ref for p in people
    ]
    products = {product.reference: product for product in small.products(insurer)}
    for row in parsed:
        assert row["amc"] == insurer.amc
        date.fromisoformat(row["birth_date"])
        assert date.fromisoformat(row["valid_from"]) <= date.fromisoformat(row["valid_to"] or "9999-12-31")
        assert row["responsible"] == str(int(products[row["product"]].responsible))
        assert len(row["adherent"]) <= 20
        assert len(row["member_ref"]) <= 32
        assert len(row["contract"]) <= 30
    cases = [(p, c) for p in people for c in p.contracts]
    for row, (person, contract) in zip(parsed, cases, strict=True):
        assert row["nir"] == person.nir
        assert row["nir_attached"].split() == list(person.nir_attached)
        assert (row["birth_date"], row["birth_rank"]) == (person.birth_date, str(person.birth_rank))
        assert row["contract"] == contract.number
        assert row["suspended_reason"] == contract.terms.suspended_reason
        assert row["domains"].split() == [str(exception) for exception in contract.terms.exceptions]


def test_every_product_has_its_whole_grid(small: Population) -> None:
    columns = [
        "amc",
        "product",
        "label",
        "domain",
        "rate_basis",
        "percent",
        "amount_cents",
        "per",
        "formula",
        "prise_en_charge",
    ]
    for insurer in small.insurers:
        parsed = rows([small.products_csv(insurer)], columns)
        grid = Counter(row["product"] for row in parsed)
        assert len(grid) >= 5
        assert set(grid.values()) == {len(Domain)}
        for row in parsed:
            Domain(row["domain"])
            needs = "amount_cents" if row["rate_basis"].startswith("amount") else "percent"
            other = "percent" if needs == "amount_cents" else "amount_cents"
            assert row["rate_basis"] == "real-cost" or int(row[needs]) > 0
            assert row[other] == "" or row["rate_basis"] == "real-cost"
            assert row["per"] in {"", "act", "day", "year"}
            assert row["formula"]
            assert row["prise_en_charge"] in {"0", "1"}


@pytest.mark.parametrize("compress", [None, "gz", "zst"])
def test_written_files_agree_with_their_manifests(tmp_path: Path, compress: str | None) -> None:
    population = Population(seed=3, persons=400, insurers=3)
    heard: list[str] = []
    population.write_files(tmp_path, compress, lambda insurer: heard.append(insurer.amc))  # type: ignore[arg-type]
    assert heard == [insurer.amc for insurer in population.insurers]
    unpack = {
        None: bytes,
        "gz": gzip.decompress,
        "zst": lambda b: zstandard.ZstdDecompressor().decompressobj().decompress(b),
    }
    for insurer in population.insurers:
        name = f"{insurer.amc}.members.csv" + (f".{compress}" if compress else "")
        content = unpack[compress]((tmp_path / name).read_bytes())
        assert content == b"".join(population.lines(insurer))
        manifest = json.loads((tmp_path / f"{name}.manifest.json").read_bytes())
        assert manifest == {
            "format": 1,
            "amc": insurer.amc,
            "kind": "full",
            "sequence": 1,
            "lines": len(rows([content])),
            "sha256": hashlib.sha256(content).hexdigest(),
            "created": "2026-01-01T00:00:00Z",
        }
        products = json.loads((tmp_path / f"{insurer.amc}.products.csv.manifest.json").read_bytes())
        csv_bytes = (tmp_path / f"{insurer.amc}.products.csv").read_bytes()
        assert products["kind"] == "products"
        assert products["sha256"] == hashlib.sha256(csv_bytes).hexdigest()
        assert products["lines"] == csv_bytes.count(b"\n") - 1


def test_two_processes_write_the_same_files(tmp_path: Path) -> None:
    population = Population(seed=3, persons=400, insurers=3)
    population.write_files(tmp_path / "one")
    population.write_files(tmp_path / "two", processes=2)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "two").iterdir())
    assert len(names) == 12
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_delta_names_who_leaves_and_replaces_who_changed(small: Population) -> None:
    insurer = small.insurers[0]
    leaving, changed = small.person(0, 0), small.person(0, 1)
    closed = changed._replace(
        contracts=tuple(
            contract._replace(
                terms=type(contract.terms)(contract.terms.product, "2020-01-01", "2025-06-30", True)
            )
            for contract in changed.contracts
        )
    )
    delta = small.delta(insurer, 2, leaving=[leaving], changed=[closed])
    parsed = rows([delta.content], ["action", *MEMBER_COLUMNS])
    assert [row["action"] for row in parsed] == ["D"] + ["U"] * len(closed.contracts)
    assert {key: value for key, value in parsed[0].items() if value} == {
        "action": "D",
        "member_ref": leaving.member_ref,
    }
    assert {row["valid_to"] for row in parsed[1:]} == {"2025-06-30"}
    manifest = json.loads(delta.manifest.to_json())
    assert (manifest["kind"], manifest["sequence"], manifest["lines"]) == ("delta", 2, len(parsed))
    assert manifest["sha256"] == hashlib.sha256(delta.content).hexdigest()


def test_a_population_of_no_size_is_refused() -> None:
    for persons, insurers in ((83, 84), (0, 1), (10, 0), (CAPACITY + 1, 84)):
        with pytest.raises(ValueError, match="population"):
            Population(1, persons, insurers)


def test_establishments_and_professionals_have_numbers_valid_by_key() -> None:
    establishments = list(synthetic_establishments(5, 2_000))
    assert len({one.finess for one in establishments}) == len(establishments)
    assert {one.profession for one in establishments} == set(Profession) - {
        Profession.INSURER,
        Profession.OPERATOR,
    }
    assert establishments[0].profession == Profession.PHARMACY
    for one in establishments:
        assert ids.check_finess(one.finess).startswith("99")
    professionals = list(synthetic_professionals(5, 2_000))
    assert len({one.rpps for one in professionals}) == len({one.login for one in professionals}) == 2_000
    for person in professionals:
        assert ids.rpps_warning(ids.check_rpps(person.rpps)) == ""
    assert list(synthetic_establishments(5, 3)) == establishments[:3]
    assert list(synthetic_establishments(6, 3)) != establishments[:3]


@given(st.integers(0, 10**11 - 1))
def test_an_account_is_valid_and_nobodys(number):
    iban = synthetic_iban(number)
    assert ids.check_iban(iban) == iban
    assert iban[4:9] == "00000"
