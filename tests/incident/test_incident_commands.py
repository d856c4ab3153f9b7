"""The incident room's commands on the whole platform: from a theft to packages that each insurer opens with the key that it alone has."""

import base64
import csv
import io
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pypdf import PdfReader
from typer.testing import CliRunner

from rempart.cli.commands import command_line
from rempart.cli.demo_trade import Houses
from rempart.cli.operator import add_insurers_seat, add_professional, ask
from rempart.cli.presenting import by_card
from rempart.cli.taking_in import all_loaded, deliver, written_files
from rempart.database.embedded import EmbeddedCluster
from rempart.foundation.clock import HOUR, MINUTE, instant, system_clock
from rempart.foundation.errors import RempartError
from rempart.foundation.vocabulary import Domain, Profession, Role
from rempart.incident.notices.package import open_package, references
from rempart.intake.model import Kind
from rempart.population.model import Insurer
from rempart.population.population import Population
from rempart.supervisor.platform import Platform, running_platform
from rempart.vaultdoor.messages import Enrolled, RegisterInsurer

POPULATION = Population(11, 400, 3)


@dataclass
class Town:
    """A platform after a theft: who was asked for, and the insurers' private keys."""

    platform: Platform
    notice: dict[str, X25519PrivateKey]
    signing: dict[str, Ed25519PrivateKey]
    stolen: dict[str, set[str]]
    """N° AMC → references of the members that the thief's counter was told of."""
    house: str

    def rempart(self, *arguments: str, fails: int = 0) -> str:
        """What a command says."""
        typed = ["incident", *arguments, "--folder", str(self.platform.home.folder)]
        done = CliRunner().invoke(command_line(typed), typed, env={"COLUMNS": "400"})
        error = done.exception
        if isinstance(error, RempartError):
            # As `rempart.cli.main` says it.
            assert fails == 1, error
            return f"{done.output}{error.english} {error.detail} [{error.code}]"
        assert done.exit_code == fails, (done.output, error)
        return done.output

    def insurer(self, *arguments: str, fails: int = 0) -> str:
        """What an insurer's command says, on its own machine."""
        typed = ["insurer", *arguments]
        done = CliRunner().invoke(command_line(typed), typed, env={"COLUMNS": "400"})
        assert done.exit_code == fails, (done.output, done.exception)
        return done.output

    def sql(self, query: str) -> list[tuple[object, ...]]:
        superuser = EmbeddedCluster(self.platform.home.postgres).superuser_dsn("rempart")
        with psycopg.connect(superuser, autocommit=True) as owner:
            return owner.execute(query.encode()).fetchall()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("i") / "p"
    with running_platform(
        folder, more='shared_buffers = "32MB"\n', without=("sentinel",), desk=True
    ) as platform:
        notice, keys, deliveries = {}, {}, []
        for insurer, files in written_files(platform, POPULATION, 1):
            signing, notice[insurer.amc] = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
            keys[insurer.amc] = signing
            register(platform, insurer, signing, notice[insurer.amc])
            deliveries += deliver(platform, insurer, files, signing, (Kind.PRODUCTS, Kind.FULL))
        while not all_loaded(platform, deliveries):
            time.sleep(0.05)
        houses = Houses(platform, 5)
        thief, honest = houses.open(Profession.PHARMACY), houses.open(Profession.PHARMACY)
        stolen: dict[str, set[str]] = {}
        for insurer, many in zip(POPULATION.insurers[:2], (4, 2), strict=True):
            for number in range(many):
                person = POPULATION.person(insurer.index, number)
                thief.check(by_card(person, Domain.PHAR))
                stolen.setdefault(insurer.amc, set()).add(person.member_ref)
        honest.check(by_card(POPULATION.person(0, 9), Domain.PHAR))
        thief.close()
        honest.close()
        seat = add_insurers_seat(folder, POPULATION.insurers[0].amc, POPULATION.insurers[0].name, "Paris")
        add_professional(folder, "clerk-one", Role.TITULAIRE, seat, "Alix Essai")
        town = Town(platform, notice, keys, stolen, "")
        [(house,)] = town.sql("SELECT DISTINCT establishment::text FROM evidence.entry WHERE insurer = 2")
        town.house = str(house)
        yield town


def register(
    platform: Platform, insurer: Insurer, signing: Ed25519PrivateKey, notice: X25519PrivateKey
) -> None:
    keys = signing.public_key().public_bytes_raw(), notice.public_key().public_bytes_raw()
    ask(platform.home.folder, RegisterInsurer(insurer.amc, insurer.name, *keys), Enrolled)


def ago(micros: int) -> str:

    return instant(system_clock() - micros).isoformat(timespec="seconds")


def test_from_alarm_to_packages_as_a_duty_officer_types_it(town: Town, tmp_path: Path) -> None:
    said = town.rempart("open", "--aware", ago(2 * HOUR), "--title", "Session volée", "--by", "garde")
    assert "Incident 1 is open" in said
    # Nothing is known yet: every document says so, and nothing can be handed over.
    assert "no scope" in town.rempart("notify", fails=1)
    town.rempart("render", "--output", str(tmp_path / "early"))
    assert "inconnu à ce stade" in (tmp_path / "early" / "cnil-initial.fr.txt").read_text()

    town.rempart("fact", "nature", "Une session volée a interrogé la plateforme.")
    town.rempart("fact", "malicious", "oui")
    assert "incident-fact" in town.rempart("fact", "victims", "33000000", fails=1)
    # The access was not cut next hour: a day typed wrong goes to nobody.
    assert "is to come" in town.rempart("fact", "contained", ago(-HOUR), fails=1)
    since = ago(HOUR)
    asked = ("about", "--since", since, "--establishment", town.house, "--until")
    assert "6 persons, 6 answers" in town.rempart(*asked, ago(-HOUR))
    # More may be asked meanwhile: no document says "nobody else", and no insurer is told.
    town.rempart("render", "--output", str(tmp_path / "early"))
    assert "peut encore grandir" in (tmp_path / "early" / "cnil-initial.fr.txt").read_text()
    assert (
        json.loads((tmp_path / "early" / "cnil-initial.json").read_text())["nobody_else"]
        == "incident-not-over"
    )
    assert "incident-not-over" in town.rempart("notify")
    assert "incident-not-over" in town.rempart("notify", "--send", fails=1)
    assert "6 persons, 6 answers" in town.rempart(*asked, ago(0))

    assert "no-such-party" in town.rempart("about", "--since", since, "--establishment", "999999999", fails=1)

    dry = town.rempart("notify")
    assert "Nothing was handed over" in dry
    assert town.sql("SELECT count(*) FROM incident.package") == [(0,)]
    sent = town.rempart("notify", "--send", "--proofs", "--output", str(tmp_path / "packages"))
    assert "2 packages handed over, 0 were there already" in sent
    # The second insurer has nobody here to tell: said, and its file can be handed over by other means.
    assert f"No seat to tell: {POPULATION.insurers[1].amc}" in sent
    assert "0 packages handed over, 2 were there already" in town.rempart(
        "notify", "--send", "--json", str(tmp_path / "told.json"), "--output", str(tmp_path / "again")
    )
    told = json.loads((tmp_path / "told.json").read_text())
    assert (told["packages"], told["handed_over"], told["persons"]) == (2, 0, 6)
    # The second insurer still has to be told by other means: the duty is not noted as done.
    assert told["without_seat"] == [POPULATION.insurers[1].amc]
    assert "done" not in town.rempart("clocks")

    jwks = httpx.get(f"{town.platform.origin}/.well-known/jwks.json", trust_env=False).json()
    for number, amc in ((1, POPULATION.insurers[0].amc), (2, POPULATION.insurers[1].amc)):
        rows = town.sql(f"SELECT content FROM incident.package_part WHERE insurer = {number} ORDER BY number")
        content = b"".join(bytes(row[0]) for row in rows)  # type: ignore[arg-type]
        assert content == (tmp_path / "packages" / f"{amc}-1.incident").read_bytes()
        # Whoever else handed it over meanwhile, the file is there to be given by other means.
        assert content == (tmp_path / "again" / f"{amc}-1.incident").read_bytes()
        private = town.notice[amc].private_bytes_raw()
        opened = open_package(content, private, jwks)
        assert {who for who, _ in references(opened, private)} == town.stolen[amc]
        told = json.loads(opened.documents["insurer-notification.json"])
        assert (told["figures"]["persons"], told["nobody_else"]) == (len(town.stolen[amc]), "stated")
        assert "n'a été l'objet d'aucune réponse en cause" in told["fr"]

    journal = town.rempart("journal")
    assert journal.count("hand-over") == 2
    assert "garde" in journal
    assert town.sql("SELECT object FROM vault.journal WHERE act = 'incident:state' ORDER BY id") == [
        (POPULATION.insurers[0].amc,), (POPULATION.insurers[1].amc,),
    ]  # fmt: skip
    assert town.sql("SELECT count(*) FROM vault.notice WHERE kind = 'incident:package'") == [(1,)]


def test_a_clock_about_to_lapse_is_loud_and_a_late_one_louder(town: Town) -> None:
    town.rempart("open", "--aware", ago(HOUR), "--title", "Calme")
    assert "running" in town.rempart("clocks")
    town.rempart("open", "--aware", ago(20 * HOUR), "--title", "Bientôt")
    soon = town.rempart("clocks", fails=4)
    assert "ABOUT TO LAPSE: nis2-early (NIS 2 art. 23(4)(a), ANSSI)" in soon
    town.rempart("open", "--aware", ago(25 * HOUR), "--title", "Tard")
    late = town.rempart("clocks", fails=5)
    assert "LATE: nis2-early" in late
    assert "LATE: dora" not in late
    for duty in ("nis2-early", "gdpr-33-2"):
        town.rempart("waive", duty, "essai")
    assert "incident-duty-done" in town.rempart("done", "nis2-early", fails=1)
    town.rempart("done", "gdpr-33-1", "--reference", "CNIL-42")
    # The cell may be folded: the terminal's width is that of whoever printed first.
    assert "CNIL-42" in town.rempart("clocks")
    assert "incident-duty" in town.rempart("done", "gdpr-99", fails=1)
    assert "Incident" not in town.rempart("clocks", "99", fails=1)


def test_a_nir_typed_as_a_receipt_or_as_a_reason_is_kept_nowhere(town: Town) -> None:
    """The journal is never unsaid, and the clocks show it to everybody: it is refused, and not said again either."""
    nir = "2 85 05 99 999 123 04"
    town.rempart("open", "--aware", ago(HOUR), "--title", "Un numéro de trop")
    for typed in (
        ("done", "gdpr-33-1", "--reference", f"reçu {nir}"),
        ("waive", "nis2-early", f"voir {nir}"),
    ):
        told = town.rempart(*typed, fails=1)
        assert "looks like a NIR" in told
        assert nir not in told
    assert nir not in town.rempart("clocks")
    assert town.sql(f"SELECT act FROM incident.act WHERE value LIKE '%{nir}%'") == []
    # The same with one word less is taken.
    town.rempart("done", "gdpr-33-1", "--reference", "reçu 285")
    town.rempart("waive", "nis2-early", "voir le dossier")
    assert "reçu 285" in town.rempart("journal")


def test_a_package_nobody_acknowledges_is_recalled(town: Town) -> None:
    assert "not acknowledged" in town.rempart("clocks", "1")
    assert "0 to recall" in town.rempart("remind", "1")
    town.sql(f"UPDATE incident.package SET made = made - {25 * HOUR} RETURNING 1")
    assert "recall it: rempart incident remind --send" in town.rempart("clocks", "1", fails=4)
    assert "2 to recall" in town.rempart("remind", "1")
    assert "2 recalled" in town.rempart("remind", "1", "--send")
    assert town.sql("SELECT count(*) FROM vault.notice WHERE kind = 'incident:remind'") == [(1,)]
    assert "1 to recall" in town.rempart("remind", "1")


def test_an_insurers_systems_fetch_their_package_and_acknowledge_it(town: Town, tmp_path: Path) -> None:
    """With the insurer's two keys, over HTTP, nobody signed in."""
    amc, origin = POPULATION.insurers[1].amc, town.platform.origin
    signing, notice = tmp_path / "signing.key", tmp_path / "notice.key"
    signing.write_text(base64.b64encode(town.signing[amc].private_bytes_raw()).decode())
    notice.write_text(base64.b64encode(town.notice[amc].private_bytes_raw()).decode())
    keys = ("--key", str(signing), "--origin", origin)
    assert town.sql("SELECT count(*) FROM incident.package WHERE fetched IS NOT NULL") == [(0,)]
    assert "2 members" in town.insurer("incident-fetch", *keys, "--output", str(tmp_path))
    assert town.sql("SELECT insurer FROM incident.package WHERE fetched >= made") == [(2,)]
    file = tmp_path / "incident-1-1.incident"
    said = town.insurer("incident-read", str(file), "--key", str(notice), "--platform", origin)
    assert "2 members, 2 answers" in said
    with (tmp_path / "incident-1-1.incident.opened" / "members.csv").open(newline="") as table:
        assert {row["member"] for row in csv.DictReader(table)} == town.stolen[amc]
    assert "acknowledged" in town.insurer("incident-acknowledge", str(file), *keys)
    assert "has this digest" in town.insurer("incident-acknowledge", str(file), *keys, fails=1)
    assert town.sql("SELECT acknowledged IS NOT NULL FROM incident.package WHERE insurer = 2") == [(True,)]
    assert "2 to recall" not in town.rempart("remind", "1")


def test_documents_are_written_and_say_what_is_known(town: Town, tmp_path: Path) -> None:
    said = town.rempart("render", "1", "--output", str(tmp_path))
    assert f"documents in {tmp_path}" in re.sub(r"\s+", " ", said)
    letters = sorted(path.name for path in tmp_path.glob("professionals-concerned-*.pdf"))
    assert len(letters) == 1
    text = " ".join(
        page.extract_text() for page in PdfReader(io.BytesIO((tmp_path / letters[0]).read_bytes())).pages
    )
    assert re.search(r"Assurés dont une réponse a parlé\s+6", text)
    assert "numéro" in text
    cnil = json.loads((tmp_path / "cnil-initial.json").read_text())
    assert cnil["professionals"] == 1
    assert (cnil["figures"]["persons"], cnil["facts"]["began"]["fr"]) == (6, None)
    assert "Une session volée" in (tmp_path / "complaint.fr.txt").read_text()
    said = (tmp_path / "cnil-initial.fr.txt").read_text()
    assert "Qui n'est pas dans ce compte n'a été l'objet d'aucune réponse en cause" in said
    assert {path.stem for path in tmp_path.glob("anssi-*.pdf")} == {
        "anssi-early-warning",
        "anssi-notification",
        "anssi-final",
    }


def test_a_changed_question_leaves_no_wrong_paper(town: Town, tmp_path: Path) -> None:
    """Said as the question is put; insurers told before are told again, of nobody too; no letter of the former scope stays."""
    outbox = town.platform.home.outbox / "incidents" / "1"
    town.rempart("render", "1")
    assert len(list(outbox.glob("professionals-concerned-*.pdf"))) == 1
    said = town.rempart("about", "--incident", "1", "--since", ago(3 * HOUR), "--until", ago(2 * HOUR))
    assert "the packages of 2 insurers, 0 published answers" in said
    town.rempart("render", "1")
    assert not list(outbox.glob("professionals-concerned-*"))
    assert (outbox / "cnil-initial.pdf").is_file()
    assert not [each for each in outbox.parent.iterdir() if each.name.startswith(".")]
    dry = town.rempart("notify", "1")
    for insurer in POPULATION.insurers[:2]:
        assert re.search(rf"{insurer.amc}\W+.*\b0\W+0\W+2\W+new", dry), dry
    # Nobody's folder is emptied for it.
    (tmp_path / "mine.odt").write_text("à moi")
    assert "holds something else" in town.rempart("render", "1", "--output", str(tmp_path), fails=1)
    assert [each.name for each in tmp_path.iterdir()] == ["mine.odt"]


def test_an_entry_removed_from_the_ledger_is_not_denied_in_any_document(town: Town, tmp_path: Path) -> None:
    number = re.search(r"Incident (\d+)", town.rempart("open", "--aware", ago(HOUR), "--title", "Trou"))
    assert number is not None
    about = ("about", "--incident", number[1], "--establishment", town.house)
    town.rempart(*about, "--since", ago(HOUR), "--until", ago(MINUTE // 6))
    [(index,)] = town.sql("SELECT max(index) FROM evidence.entry")
    kept = town.sql(f"SELECT row_to_json(e)::text FROM evidence.entry e WHERE index = {index}")[0][0]
    superuser = EmbeddedCluster(town.platform.home.postgres).superuser_dsn("rempart")
    with psycopg.connect(superuser, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("DELETE FROM evidence.entry WHERE index = %s", (index,))
        try:
            town.rempart("render", number[1], "--output", str(tmp_path / "out"))
        finally:
            owner.execute(
                "INSERT INTO evidence.entry SELECT * FROM json_populate_record(NULL::evidence.entry, %s::json)",
                (kept,),
            )
    names = ("cnil-initial", "public-statement", "professionals-not-concerned")
    said = {name: (tmp_path / "out" / f"{name}.fr.txt").read_text() for name in names}
    assert "que personne d'autre n'est concerné : Une feuille du registre manque." in said["cnil-initial"]
    assert "Ces nombres sont exacts" not in said["cnil-initial"]
    assert "n'est pas concerné." not in said["public-statement"].replace(
        "personne d'autre n'est concerné.", ""
    )
    assert "Votre établissement n'est pas concerné" not in said["professionals-not-concerned"]


def test_an_operators_broken_template_stops_everything_before_anything_is_sent(town: Town) -> None:
    place = town.platform.home.folder / "incident-templates"
    town.rempart("templates", "export")
    assert "17 documents can be rendered" in town.rempart("templates", "check")
    file = place / "status.fr.txt"
    whole = file.read_text()
    file.write_text("# {{ nombre_de_victimes }}\n")
    before = town.sql("SELECT count(*) FROM incident.package")
    try:
        for command in (("templates", "check"), ("notify", "1", "--send"), ("render", "1")):
            assert "status.fr.txt" in town.rempart(*command, fails=1)
    finally:
        file.write_text(whole)
    assert town.sql("SELECT count(*) FROM incident.package") == before


def test_nothing_of_an_incident_is_unsaid_by_the_operators_role(town: Town) -> None:
    dsn = town.platform.home.operator_dsn.read_text().strip()
    with psycopg.connect(dsn, autocommit=True) as c:
        for statement in (
            "UPDATE incident.act SET value = ''", "DELETE FROM incident.act", "DELETE FROM incident.package",
            "UPDATE incident.package SET rows = 0",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                c.execute(statement.encode())


def test_every_houses_answer_is_published_once_it_can_be_said_and_withdrawn(town: Town) -> None:
    town.rempart("open", "--aware", ago(2 * HOUR), "--title", "Publiée")
    town.rempart("about", "--since", ago(2 * HOUR), "--until", ago(-HOUR), "--establishment", town.house)
    assert "incident-words" in town.rempart("publish", fails=1)
    town.rempart("fact", "nature", "Une session volée a interrogé la plateforme.")
    assert "incident-not-over" in town.rempart("publish", "--send", fails=1)
    town.rempart("about", "--since", ago(2 * HOUR), "--until", ago(HOUR), "--establishment", town.house)
    dry = town.rempart("publish")
    # Nothing was asked then; but whoever works at the house in question might have shown its own data.
    assert "1 establishments, 0 insurers' seats and 0 groups were hit" in dry
    assert "Nothing was published" in dry
    assert town.sql("SELECT count(*) FROM incident.publication") == [(0,)]
    assert "incident-not-published" in town.rempart("unpublish", "essai", fails=1)
    assert "published, issue 1" in town.rempart("publish", "--send", "--by", "garde")
    assert town.sql("SELECT party::text, answers FROM incident.answer") == [(town.house, 0)]
    assert "withdrawn" in town.rempart("unpublish", "mauvais intervalle")
    assert town.sql("SELECT count(*) FROM incident.answer") == [(0,)]
    journal = town.rempart("journal")
    assert re.search(r"garde\W+publish", journal)
    assert "mauvais intervalle" in journal
