"""A delta joins the generation that is there."""

from dataclasses import replace
from typing import Any

import pytest

from rempart.foundation.vocabulary import Lane
from rempart.intake.model import Kind
from rempart.vault.keystore import FileKeyStore
from tests.sealer.conftest import Zone, delta, full, member, with_key

PARENT = with_key("1800175056000")


@pytest.fixture(autouse=True)
def _loaded(zone: Zone) -> None:
    zone.load(full(*[member(n) for n in range(1, 5)]))


def send(zone: Zone, *lines: Any, sequence: int = 2) -> dict[str, Any]:
    return zone.load(delta(*lines), Kind.DELTA, sequence)


def rejects(told: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(one["line"], one["field"], one["code"]) for one in told["rejects"]]


def test_people_come_change_and_leave(zone: Zone) -> None:
    changed = member(2, product="PREMIUM")
    told = send(zone, member(1).leaves(), changed, member(9))
    assert (told["state"], told["rejected"]) == ("loaded", 0), told
    assert zone.look(member(1)) is None
    assert zone.look(member(1), Lane.VITALE) is None
    assert [contract.product for contract in zone.look(changed) or []] == ["PREMIUM"]
    assert zone.look(member(3))
    assert zone.look(member(9), Lane.VITALE)
    assert (zone.insurer().persons, zone.insurer().sequence) == (4, 2)
    assert len(zone.tables()) == 1


def test_new_identifiers_replace_the_old_ones(zone: Zone) -> None:
    renewed = replace(member(2), adherent="87654321", nir=PARENT)
    send(zone, renewed)
    assert zone.look(member(2)) is None
    assert zone.look(member(2), Lane.VITALE) is None
    assert zone.look(renewed)
    assert zone.look(renewed, Lane.VITALE)


def test_whoever_has_dead_contracts_only_is_gone(zone: Zone) -> None:
    send(zone, member(2, valid_to="2025-12-31"))
    assert zone.look(member(2)) is None
    assert zone.insurer().persons == 3


def test_somebody_unknown_cannot_leave(zone: Zone) -> None:
    told = send(zone, member(77).leaves(), member(1).leaves())
    assert rejects(told) == [(2, "member_ref", "not-known")]
    assert zone.insurer().persons == 3


def test_a_person_with_a_line_in_error_stays_as_he_was(zone: Zone) -> None:
    told = send(zone, member(2, product="PREMIUM"), member(2, contract="C2", product="GONE"))
    assert rejects(told) == [(2, "action", "mixed"), (3, "product", "product-unknown")]
    assert [contract.product for contract in zone.look(member(2)) or []] == ["CONFORT"]


def test_nobody_takes_the_identifiers_of_somebody_who_stays(zone: Zone) -> None:
    usurper = replace(member(9), adherent=member(2).adherent, birth_date=member(2).birth_date)
    heir = replace(member(8), adherent=member(1).adherent, birth_date=member(1).birth_date)
    told = send(zone, usurper, heir, member(1).leaves())
    assert rejects(told) == [(2, "adherent", "taken")]
    assert [contract.product for contract in zone.look(member(2)) or []] == ["CONFORT"]
    assert zone.look(heir, Lane.VITALE)


def test_a_refused_change_keeps_its_identifiers_from_others(zone: Zone) -> None:
    # 2 wants the identifiers of 3, who stays; 9 wants those that 2 would have left.
    greedy = replace(member(2), adherent=member(3).adherent, birth_date=member(3).birth_date)
    heir = replace(member(9), adherent=member(2).adherent, birth_date=member(2).birth_date)
    told = send(zone, greedy, heir)
    assert rejects(told) == [(2, "adherent", "taken"), (3, "adherent", "taken")]
    assert zone.look(member(2))
    assert zone.insurer().persons == 4


def test_a_reference_twice_and_two_persons_alike(zone: Zone) -> None:
    told = send(zone, member(7), member(8), member(7).leaves(), replace(member(8), member_ref="M88"))
    assert rejects(told) == [(4, "member_ref", "reference-twice"), (5, "adherent", "duplicate")]
    assert zone.look(member(7))
    assert zone.insurer().persons == 6


@pytest.mark.parametrize(("sequence", "code"), [(1, "already-taken"), (3, "out-of-order")])
def test_order_is_kept(zone: Zone, sequence: int, code: str) -> None:
    assert send(zone, member(1).leaves(), sequence=sequence)["code"] == code
    assert zone.look(member(1))


def test_a_delta_needs_a_full_file(zone: Zone) -> None:
    zone.owner.execute("UPDATE vault.insurer SET generation = 0, sequence = 0")
    assert send(zone, member(1), sequence=1)["code"] == "no-full-file"


def test_a_delta_after_a_rotation_is_of_its_generation_s_epoch(zone: Zone) -> None:
    ring = zone.keys.ring
    import msgspec

    later = FileKeyStore(msgspec.structs.replace(ring, epoch=2, prf={**ring.prf, "capsule-2": b"\x02" * 32}))
    zone.rounds.workshop = replace(zone.workshop, keys=later)
    zone.workshop.gang._keys = later
    zone.keys = later
    assert send(zone, member(9))["state"] == "loaded"
    assert zone.insurer().epoch == 1
    assert zone.look(member(9))
    assert zone.look(member(1))
    zone.load(full(*[member(n) for n in (1, 2, 3, 4, 9)]), sequence=3)
    assert zone.insurer().epoch == 2
    assert zone.look(member(1))
