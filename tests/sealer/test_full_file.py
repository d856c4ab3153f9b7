"""A full file, from the spool to look-ups: what is taken, what is refused, and that nothing else changes."""

from dataclasses import replace
from datetime import date

import pytest

from rempart.foundation.clock import DAY
from rempart.foundation.vocabulary import Domain, Lane
from rempart.intake import notice
from rempart.intake.model import Kind
from rempart.vault.capsule import Departure, SealedContract, subject
from tests.sealer.conftest import Zone, full, member, products, with_key

PARENT = with_key("1800175056000")


def test_whoever_is_in_the_file_is_found_by_card_and_by_vitale(zone: Zone) -> None:
    one, two = member(1, domains="OPTI:2026-01-01/2026-06-30 AUDI:-"), member(2, responsible="0")
    told = zone.load(full(one, two))
    assert told["state"] == "loaded", told
    assert (told["persons"], told["rejected"], told["lines"]) == (2, 0, 2)
    expected = SealedContract(
        "CONFORT", date(2019, 4, 1).toordinal(), 0, True, 0, 0,
        [
            Departure(Domain.OPTI.code, date(2026, 1, 1).toordinal(), date(2026, 6, 30).toordinal()),
            Departure(Domain.AUDI.code, -1, 0),
        ],
    )  # fmt: skip
    assert zone.look(one) == [expected]
    assert zone.look(one, Lane.VITALE) == [expected]
    assert zone.look(two) == [SealedContract("CONFORT", expected.valid_from, 0, False, 0, 0, [])]
    assert zone.look(replace(one, birth_date="1931-02-03")) is None
    assert zone.insurer().persons == 2


def test_suspended_contracts_stay_and_dead_ones_vanish(zone: Zone) -> None:
    suspended = member(1, suspended_from="2025-12-15", suspended_reason="non-payment")
    dead = member(2, valid_to="2025-12-31")
    dead_and_living = replace(dead, member_ref="M3", adherent="3", nir=PARENT)
    renewed = replace(dead_and_living, contract="C2", valid_from="2026-01-01", valid_to="")
    assert zone.load(full(suspended, dead, dead_and_living, renewed))["persons"] == 2
    (contract,) = zone.look(suspended) or []
    assert (contract.suspended_from, contract.suspended_reason) == (date(2025, 12, 15).toordinal(), 1)
    assert zone.look(dead) is None
    assert [contract.valid_from for contract in zone.look(renewed) or []] == [date(2026, 1, 1).toordinal()]


def test_a_child_is_found_under_each_parent_and_twins_by_rank(zone: Zone) -> None:
    mother = with_key("2820175056000")
    twin = member(1, nir="", nir_attached=f"{PARENT} {mother}", birth_date="2024-02-15")
    other = replace(twin, member_ref="M2", birth_rank="2", product="PREMIUM")
    assert zone.load(full(twin, other))["persons"] == 2
    for nir in (PARENT, mother):
        assert [contract.product for contract in zone.look(twin, Lane.VITALE, nir) or []] == ["CONFORT"]
        assert [contract.product for contract in zone.look(other, Lane.VITALE, nir) or []] == ["PREMIUM"]


def test_whoever_is_no_longer_in_the_file_is_gone(zone: Zone) -> None:
    people = [member(n) for n in range(1, 31)]
    zone.load(full(*people))
    told = zone.load(full(*people[1:], member(40)), sequence=2)
    assert told["state"] == "loaded", told
    assert told["leaving"] == 1
    assert zone.look(people[0]) is None
    assert zone.look(people[0], Lane.VITALE) is None
    assert zone.look(people[1])
    assert zone.look(member(40))
    assert len(zone.tables()) == 1, "the old generation is dropped"


def test_two_insurers_never_touch_each_other(zone: Zone) -> None:
    zone.know("99000002")
    zone.load(products("99000002"), Kind.PRODUCTS, amc="99000002")
    zone.load(full(member(1), member(2)))
    same = replace(member(1), amc="99000002")
    assert zone.load(full(same), amc="99000002")["state"] == "loaded"
    assert zone.look(member(2))
    assert zone.look(same)
    assert zone.look(replace(member(2), amc="99000002")) is None
    mine, theirs = (zone.insurer(amc) for amc in ("99000001", "99000002"))
    assert (mine.persons, theirs.persons, mine.sequence, theirs.sequence) == (2, 1, 1, 1)
    told = zone.load(full(member(3), same), sequence=2)
    assert told["rejects"][0]["code"] == "amc-differs"
    assert zone.insurer("99000002") == theirs


def test_rejected_lines_are_told_without_the_person(zone: Zone) -> None:
    bad = member(2, nir=member(2).nir[:13] + "99", birth_date="1980-02-30")
    told = zone.load(full(member(1), bad, member(3, product="GONE")))
    assert told["state"] == "loaded"
    assert (told["persons"], told["rejected"]) == (1, 2)
    assert [(r["line"], r["field"], r["code"]) for r in told["rejects"]] == [
        (3, "birth_date", "date"), (3, "nir", "nir-key"), (4, "product", "product-unknown"),
    ]  # fmt: skip
    assert all(reject["french"] and reject["english"] for reject in told["rejects"])
    assert zone.look(member(1))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, "adherent"),
        ({"adherent": "99"}, "nir"),
        ({"nir": PARENT}, "adherent"),
        ({"nir": PARENT, "adherent": "99", "nir_attached": member(1).nir}, "nir_attached"),
    ],
)
def test_the_later_of_two_persons_presented_alike_is_rejected(
    zone: Zone, change: dict[str, str], field: str
) -> None:
    one = member(1)
    told = zone.load(
        full(one, member(2), replace(one, member_ref="M9", product="PREMIUM", **change), member(3))
    )
    assert told["state"] == "loaded", told
    assert [(r["line"], r["field"], r["code"]) for r in told["rejects"]] == [(4, field, "duplicate")]
    assert told["persons"] == 3
    assert [contract.product for contract in zone.look(one) or []] == ["CONFORT"]
    assert [contract.product for contract in zone.look(one, Lane.VITALE) or []] == ["CONFORT"]


def test_a_reference_that_comes_back_is_rejected(zone: Zone) -> None:
    one = member(1)
    told = zone.load(
        full(
            one,
            member(2),
            replace(one, contract="C2", product="PREMIUM"),
            replace(member(5), member_ref="M2"),
        )
    )
    assert [(r["line"], r["field"], r["code"]) for r in told["rejects"]] == [
        (4, "member_ref", "reference-twice"), (5, "member_ref", "reference-twice"),
    ]  # fmt: skip
    assert told["persons"] == 2
    assert zone.look(member(5)) is None


def refusal(zone: Zone, told: dict[str, object], code: str) -> None:
    assert (told["state"], told["code"]) == ("refused", code), told
    assert told["french"]
    assert told["english"]
    zone.rounds.tidy()
    assert len(zone.tables()) == 1, "nothing is left of it"


class TestAFileThatChangesNothing:
    @pytest.fixture(autouse=True)
    def _loaded(self, zone: Zone) -> None:
        zone.load(full(*[member(n) for n in range(1, 4)]))

    @pytest.fixture(autouse=True)
    def _unchanged(self, zone: Zone, _loaded: None) -> object:
        before = zone.insurer()
        yield
        assert zone.insurer() == before
        assert zone.look(member(1))

    def test_sent_again(self, zone: Zone) -> None:
        refusal(zone, zone.load(full(member(9)), sequence=1), "already-taken")

    def test_out_of_order(self, zone: Zone) -> None:
        told = zone.load(full(member(9)), sequence=3)
        refusal(zone, told, "out-of-order")
        assert told["detail"] == "sequence 3; expected 2"

    def test_truncated_in_its_content(self, zone: Zone) -> None:
        whole = full(*[member(n) for n in range(1, 9)])
        manifest = zone.put_plain(whole, Kind.FULL, 2)
        path = zone.spool.folder / f"{manifest}.bin"
        path.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 1])
        refusal(zone, zone.work(manifest), "truncated")

    def test_altered_in_its_content(self, zone: Zone) -> None:
        whole = full(member(1), member(2))
        delivery = zone.put_plain(whole, Kind.FULL, 2)
        (zone.spool.folder / f"{delivery}.bin").write_bytes(whole.replace(b"CONFORT", b"PREMIUM"))
        refusal(zone, zone.work(delivery), "truncated")

    def test_cut_off(self, zone: Zone) -> None:
        whole = zone.seal(full(*[member(n) for n in range(1, 9)]), Kind.FULL, 2)
        refusal(zone, zone.work(zone.put(whole[:-10])), "signature")

    def test_signed_by_another_insurer(self, zone: Zone) -> None:
        other = zone.know("99000002")
        zone.insurers["99000001"], mine = other, zone.insurers["99000001"]
        told = zone.load(full(member(9)), sequence=2)
        zone.insurers["99000001"] = mine
        refusal(zone, told, "signature")

    def test_of_an_unknown_insurer(self, zone: Zone) -> None:
        zone.insurers["99000009"] = zone.insurers["99000001"]
        refusal(zone, zone.load(full(member(9)), amc="99000009"), "unknown-insurer")

    def test_with_a_forbidden_column(self, zone: Zone) -> None:
        content = full(member(1)).replace(b"first_name", b"iban", 1)
        told = zone.load(content, sequence=2)
        refusal(zone, told, "forbidden-column")
        assert told["detail"].startswith("column 9 (≈ “iban”): bank details")

    def test_with_another_header(self, zone: Zone) -> None:
        refusal(zone, zone.load(full(member(1)).replace(b"first_name", b"prenom", 1), sequence=2), "header")

    def test_that_is_no_envelope(self, zone: Zone) -> None:
        refusal(zone, zone.work(zone.put(b"rempart-envelope-v1\nnonsense")), "envelope")

    def test_damaged_where_it_is_compressed(self, zone: Zone) -> None:
        delivery = zone.put_plain(full(member(1)), Kind.FULL, 2, compress="gz")
        path = zone.spool.folder / f"{delivery}.bin"
        path.write_bytes(path.read_bytes()[:-9])
        refusal(zone, zone.work(delivery), "compression")

    def test_products_in_error(self, zone: Zone) -> None:
        zone.clock.advance(DAY)
        told = zone.load(products().replace(b";100;", b";many;", 1), Kind.PRODUCTS)
        refusal(zone, told, "products")
        assert [(r["line"], r["field"], r["code"]) for r in told["rejects"]] == [(2, "percent", "number")]

    def test_older_products(self, zone: Zone) -> None:
        refusal(zone, zone.load(products("99000001", "CONFORT"), Kind.PRODUCTS), "already-taken")


@pytest.mark.parametrize("compress", ["", "gz", "zst"])
def test_a_plain_file_is_taken_in_a_demonstration(zone: Zone, compress: str) -> None:
    assert zone.work(zone.put_plain(full(member(1)), Kind.FULL, compress=compress))["state"] == "loaded"


@pytest.mark.parametrize("compress", ["gz", "zst"])
def test_a_compressed_file_is_taken_in_its_envelope(zone: Zone, compress: str) -> None:
    import gzip

    import zstandard

    pack = {"gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress}[compress]
    assert zone.load(pack(full(member(1), member(2))))["persons"] == 2


def test_production_refuses_plain_files_and_synthetic_people(zone: Zone) -> None:
    zone.rounds.workshop = replace(zone.workshop, mode="production")
    assert zone.work(zone.put_plain(full(member(1)), Kind.FULL))["code"] == "plain-file"
    told = zone.load(full(member(1)))
    assert (told["persons"], told["rejects"][0]["code"]) == (0, "nir-synthetic")


def test_a_file_of_nobody_is_taken_first_and_waits_later(zone: Zone) -> None:
    assert zone.load(full())["state"] == "loaded"
    assert zone.insurer().persons == 0
    zone.load(full(member(1)), sequence=2)
    assert zone.load(full(), sequence=3)["state"] == "waiting"
    assert zone.look(member(1))


def test_products_come_first(zone: Zone) -> None:
    zone.know("99000002")
    assert zone.load(full(replace(member(1), amc="99000002")), amc="99000002")["code"] == "no-products"


def test_new_products_replace_the_grids(zone: Zone) -> None:
    zone.clock.advance(DAY)
    assert zone.load(products("99000001", "CONFORT", "NEW"), Kind.PRODUCTS)["state"] == "loaded"
    assert zone.load(full(member(1, product="NEW"), member(2, product="PREMIUM")))["rejected"] == 1
    rows = zone.owner.execute(
        "SELECT reference, grid->'PHAR'->>'formula' FROM vault.product WHERE version = 2 ORDER BY 1"
    )
    assert rows.fetchall() == [("CONFORT", "100 % BR, AMO comprise"), ("NEW", "100 % BR, AMO comprise")]


def test_only_the_insurer_reads_who_a_capsule_is_about(zone: Zone) -> None:
    zone.load(full(member(1)))
    insurer = zone.insurers["99000001"]
    number = zone.insurer().generation
    row = zone.owner.execute(
        f"SELECT subject, notice_ref FROM capsule.i1_g{number} WHERE slot = 0"
    ).fetchone()
    wrapped = zone.owner.execute("SELECT wrapped FROM intake.load WHERE number = %s", (number,)).fetchone()
    assert row
    assert wrapped
    key = notice.unwrap_load_key(wrapped[0], insurer.notice.private_bytes_raw(), insurer.amc)
    assert notice.open_reference(row[1], key, insurer.amc) == "M1"
    assert row[0].bytes == subject(zone.keys.prf("subject"), "99000001", "M1")


def test_nothing_of_a_person_is_left_in_the_database_the_spool_or_the_status(zone: Zone) -> None:
    people = [member(n, nir_attached=PARENT, adherent=f"XYZ{n}QR") for n in range(1, 4)] + [
        member(9, nir="1" * 15, adherent="XYZ9QR")
    ]
    delivery = zone.send(full(*people), Kind.FULL)
    zone.work(delivery)
    tables = zone.owner.execute(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('vault', 'intake', 'capsule', 'evidence')"
    )
    dump = "".join(
        str(row)
        for (table,) in tables.fetchall()
        for row in zone.owner.execute(f"SELECT t::text FROM {table} t").fetchall()
    )
    dump += (zone.spool.folder / f"{delivery}.status").read_text()
    assert sorted(path.name for path in zone.spool.own.iterdir()) == []
    assert [path.suffix for path in zone.spool.folder.iterdir() if path.stem == delivery] == [".status"]
    assert "99000001" in dump
    for person in people:
        for value in (
            person.nir,
            person.nir[:13],
            person.family_name,
            person.birth_date,
            person.adherent,
            PARENT,
        ):
            assert value not in dump
            assert value.encode().hex() not in dump


class TestManyLeave:
    @pytest.fixture(autouse=True)
    def waiting(self, zone: Zone) -> str:
        zone.load(full(*[member(n) for n in range(40)]))
        delivery = zone.send(full(*[member(n) for n in range(3, 40)], member(50)), Kind.FULL, 2)
        told = zone.work(delivery)
        assert (told["state"], told["code"], told["leaving"]) == ("waiting", "many-leaving", 3)
        return delivery

    def approve(self, zone: Zone, delivery: str, who: str) -> None:
        with zone.database.connect("operator") as operator:
            operator.execute(
                "INSERT INTO intake.approval (delivery, approver, at) VALUES (%s, %s, %s)",
                (delivery, who, zone.clock()),
            )
        zone.rounds.step()

    def test_nothing_changes_until_a_second_person_agrees(self, zone: Zone, waiting: str) -> None:
        zone.rounds.tidy()
        assert zone.look(member(0))
        assert zone.look(member(50)) is None
        self.approve(zone, waiting, "bruno")
        assert zone.told(waiting)["state"] == "loaded"
        assert zone.look(member(0)) is None
        assert zone.look(member(50))
        assert (zone.insurer().sequence, zone.insurer().persons) == (2, 38)

    def test_whoever_laid_it_down_is_no_second_person(self, zone: Zone, waiting: str) -> None:
        self.approve(zone, waiting, "anne")
        assert zone.told(waiting)["state"] == "waiting"
        assert zone.look(member(0))

    def test_a_corrected_file_takes_its_place(self, zone: Zone, waiting: str) -> None:
        assert zone.load(full(*[member(n) for n in range(39)]), sequence=2)["state"] == "loaded"
        assert zone.row(waiting)["code"] == "superseded"
        self.approve(zone, waiting, "bruno")
        assert zone.look(member(0))
        assert zone.look(member(50)) is None
        zone.rounds.tidy()
        assert len(zone.tables()) == 1

    def test_one_in_twenty_passes(self, zone: Zone, waiting: str) -> None:
        told = zone.load(full(*[member(n) for n in range(2, 40)]), sequence=2)
        assert (told["state"], told["leaving"]) == ("loaded", 2)
