"""Attacks on the cards of ours and on canaries, where they are sealed: revoked, borrowed, guessed, searched for at rest."""

from dataclasses import replace
from typing import Any

import pytest

from rempart.foundation.clock import paris_date
from rempart.foundation.vocabulary import Lane
from rempart.intake.model import Kind
from rempart.population import Population
from rempart.vault.capsule import is_canary
from rempart.vaultdoor.fhir import write_secret
from tests.sealer.conftest import Line, Zone, delta, full, member, products

CARD, CANARY = ("card",), ("canary",)


def held() -> list[Line]:
    return [member(1, card="1"), member(2, card="7"), member(3)]


def told(found: dict[str, Any]) -> tuple[str, str, int]:
    return found["state"], found["code"], found["rejected"]


def test_a_card_of_ours_opens_its_own_capsule_and_costs_one_row(zone: Zone) -> None:
    people = held()
    assert told(zone.load(full(*people, optional=CARD))) == ("loaded", "", 0)
    (contract,) = zone.look(people[0], Lane.SECRET, secret=zone.secret(people[0], 1)) or []
    assert contract.product == "CONFORT"
    assert zone.look(people[1], Lane.SECRET, secret=zone.secret(people[1], 7))
    # Without a serial there is no capsule of that lane, whatever secret could be derived.
    assert zone.look(people[2], Lane.SECRET, secret=zone.secret(people[2], 1)) is None
    table = f"capsule.i1_g{zone.insurer().generation}"
    assert zone.owner.execute(f"SELECT slot, count(*) FROM {table} GROUP BY 1 ORDER BY 1").fetchall() == [
        (0, 3), (1, 3), (4, 2),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [Kind.FULL, Kind.DELTA])
@pytest.mark.parametrize("serial", ["2", ""])
def test_a_revoked_card_is_a_stranger(zone: Zone, kind: Kind, serial: str) -> None:
    people = held()
    zone.load(full(*people, optional=CARD))
    lost = zone.secret(people[0], 1)
    assert zone.look(people[0], Lane.SECRET, secret=lost)
    now = replace(people[0], card=serial)
    content = full(now, *people[1:], optional=CARD) if kind is Kind.FULL else delta(now, optional=CARD)
    assert told(zone.load(content, kind, 2)) == ("loaded", "", 0)
    assert zone.look(people[0], Lane.SECRET, secret=lost) is None
    reissued = zone.look(people[0], Lane.SECRET, secret=zone.secret(people[0], 2))
    assert (reissued is not None) == (serial == "2")
    # Whoever kept his card, and the lost card's holder by his other lanes, is where he was.
    assert zone.look(people[1], Lane.SECRET, secret=zone.secret(people[1], 7))
    assert zone.look(people[0])


def test_a_card_of_insurer_a_presented_at_insurer_b(zone: Zone) -> None:
    zone.know("99000002")
    assert zone.load(products("99000002"), Kind.PRODUCTS, amc="99000002")["state"] == "loaded"
    here, there = member(1, card="1"), member(1, card="1", amc="99000002")
    zone.load(full(here, optional=CARD))
    zone.load(full(there, optional=CARD), amc="99000002")
    mine = zone.secret(here, 1)
    assert zone.look(here, Lane.SECRET, secret=mine)
    assert zone.look(here, Lane.SECRET, secret=mine, amc="99000002") is None
    # The same reference and serial there make another secret.
    assert zone.secret(there, 1) != mine
    assert zone.look(there, Lane.SECRET, secret=zone.secret(there, 1))


def test_a_secret_guessed_or_presented_for_somebody_else(zone: Zone) -> None:
    people = held()
    zone.load(full(*people, optional=CARD))
    mine = zone.secret(people[0], 1)
    guesses = [bytes(16), mine[:15] + bytes([mine[15] ^ 1]), bytes([mine[0] ^ 0x80]) + mine[1:]]
    # Serials are small numbers: what protects is the key, not they.
    guesses += [zone.secret(people[0], serial) for serial in (0, 2, 3, 7)]
    for guess in guesses:
        assert zone.look(people[0], Lane.SECRET, secret=guess) is None
    for field, value in (("birth_date", "1980-01-14"), ("birth_rank", "2")):
        assert zone.look(replace(people[0], **{field: value}), Lane.SECRET, secret=mine) is None
    assert zone.look(people[1], Lane.SECRET, secret=mine) is None


def test_no_secret_at_rest(zone: Zone, caplog: pytest.LogCaptureFixture) -> None:
    people = held()
    zone.load(full(*people, optional=CARD))
    secrets = [zone.secret(people[0], 1), zone.secret(people[1], 7)]
    hidden = [form for one in secrets for form in (one, one.hex().encode(), write_secret(one).encode())]
    tables = zone.owner.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('capsule', 'vault', 'intake', 'evidence', 'claims', 'identity')"
    ).fetchall()
    assert len(tables) > 20
    at_rest = [
        b"".join(_copied(zone, schema, table, form))
        for schema, table in tables
        for form in ("TEXT", "BINARY")
    ]
    at_rest += [path.read_bytes() for path in zone.folder.rglob("*") if path.is_file()]
    at_rest.append(caplog.text.encode())
    # The search finds what is there: subjects are.
    assert any(zone.insurer().amc.encode() in place for place in at_rest)
    for place in at_rest:
        assert not any(form in place for form in hidden)


def _copied(zone: Zone, schema: str, table: str, form: str) -> list[bytes]:
    with (
        zone.owner.cursor() as cursor,
        cursor.copy(f"COPY {schema}.{table} TO STDOUT (FORMAT {form})") as copy,
    ):
        return [bytes(block) for block in copy]


def test_the_database_without_the_key_store_shows_no_difference_between_a_canary_and_a_member(
    zone: Zone,
) -> None:
    # Two who differ by nothing that has a length.
    somebody, nobody = member(11, adherent="20000011"), member(12, adherent="20000012", canary="1")
    assert told(zone.load(full(somebody, nobody, optional=CANARY))) == ("loaded", "", 0)
    table = f"capsule.i1_g{zone.insurer().generation}"
    rows = zone.owner.execute(
        f"SELECT slot, length(sealed), length(notice_ref), pg_column_size(t.*) FROM {table} t ORDER BY source_line, slot"
    ).fetchall()
    assert len(rows) == 4
    assert rows[:2] == rows[2:], "a member's rows, then a canary's"
    columns = zone.owner.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema IN ('capsule', 'vault', 'intake')"
    )
    assert not [name for (name,) in columns if "canary" in name]
    # Inside, by its own card or NIR, it is told.
    for lane in (Lane.CARD, Lane.VITALE):
        assert is_canary(zone.look(nobody, lane) or [])
        assert not is_canary(zone.look(somebody, lane) or [])


def test_a_canary_tells_its_contracts_like_anybody(zone: Zone) -> None:
    first = member(21, canary="1", card="3")
    second = replace(first, contract="C2", product="PREMIUM")
    zone.load(full(first, second, member(22), optional=(*CARD, *CANARY)))
    found = zone.look(first, Lane.SECRET, secret=zone.secret(first, 3))
    assert [contract.product for contract in found or []] == ["CONFORT", "PREMIUM"]
    assert is_canary(found or [])
    assert not is_canary([])


def test_a_synthetic_population_with_canaries_and_cards_is_taken_in_whole(zone: Zone) -> None:
    population = Population(3, 400, 1, canaries=5, cards=64)
    (insurer,) = population.insurers
    zone.clock.advance(1_000_000)
    assert told(zone.load(population.products_csv(insurer), Kind.PRODUCTS)) == ("loaded", "", 0)
    found = zone.load(b"".join(population.lines(insurer)))
    assert told(found) == ("loaded", "", 0)
    alive = [p for p in population.people(insurer) if p.is_known(paris_date(zone.clock()))]
    assert found["persons"] == len(alive) + 5
    for person in (population.canaries_of(insurer)[0], alive[0]):
        line = Line(
            person.member_ref,
            person.adherent,
            birth_date=person.birth_date,
            birth_rank=str(person.birth_rank),
        )
        assert is_canary(zone.look(line) or []) == (person.number >= insurer.persons)
    holder = next(person for person in alive if population.serial(person))
    card = Line(holder.member_ref, birth_date=holder.birth_date, birth_rank=str(holder.birth_rank))
    assert zone.look(card, Lane.SECRET, secret=zone.secret(card, 1))
