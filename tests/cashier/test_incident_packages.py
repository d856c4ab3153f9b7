"""An incident's packages, from look-ups on the real vault to the insurer that opens its own: nobody else can, and none tells of another."""

import base64
import csv
import hashlib
import json
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from rempart.claims.expiry import forget_acknowledged
from rempart.claims.messages import (
    KEPT,
    AcknowledgeBody,
    Body,
    FilePartBody,
    IncidentPage,
    IncidentView,
    InsurerDesk,
    Nothing,
    PageBody,
)
from rempart.cli.commands import command_line
from rempart.evidence.note import VerifierKey
from rempart.foundation.clock import HOUR, MINUTE, SECOND
from rempart.foundation.vocabulary import Domain
from rempart.incident import store_case as store
from rempart.incident.case import Verb
from rempart.incident.exposure import Question, Scope
from rempart.incident.handing_over import Planned, plan, seal, send, unacknowledged
from rempart.incident.notices.errors import BadIncidentPackage
from rempart.incident.notices.making import Package
from rempart.incident.notices.package import Header, Sealed, Signature, open_package, references
from rempart.incident.notices.rendering import Telling
from rempart.incident.notices.templates import Templates
from rempart.incident.scope import scope
from rempart.incident.scope_proofs import prove_answers, read_published
from rempart.vaultdoor.insurer import sign_as_insurer
from rempart.vaultdoor.messages import (
    Act,
    Done,
    IncidentStatement,
    Jwks,
    Paper,
    PublicKeys,
    Refused,
    Stated,
    StatePackage,
    TellInsurer,
    ThrowSwitch,
)
from tests.authenticator import ORIGIN, expect
from tests.cashier.clerks import clerk, remember
from tests.cashier.conftest import Insured, Insurer, Professional, Trade

TITLE = "Session volée"
PAGE = "/claims/insurer/incidents"


@dataclass
class Theft:
    """Two insurers' members, asked by a stolen seat and by an honest one; the incident about the stolen one."""

    trade: Trade
    one: Insurer
    other: Insurer
    thief: Professional
    honest: Professional
    exposed: dict[str, Insured]
    unexposed: Insured
    number: int
    scope: Scope
    jwks: dict[str, object]

    def telling(self) -> Telling:
        with self.trade.database.connect("operator") as c:
            incident, insurers = store.read_incident(c, self.number), store.insurers(c)
        return Telling.of(
            incident, self.scope, insurers, "Rempart essai", self.trade.clock(), Templates.read()
        )

    def sign(self, said: IncidentStatement) -> str:
        return expect(Stated, self.trade.operate(StatePackage(said))).statement

    def planned(self) -> list[Planned]:
        with self.trade.database.connect("operator") as c:
            return plan(self.telling(), store.handed_over(c, self.number))

    def send_all(self) -> dict[str, Package]:
        sent = {}
        with self.trade.database.connect("operator") as c:
            for each in self.planned():
                package = send(c, self.telling(), each, self.sign, self.trade.clock, "essai")
                if package is not None:
                    sent[each.insurer.amc] = package
        return sent


@pytest.fixture(scope="module")
def theft(trade: Trade) -> Theft:
    one, other, thief, honest = trade.insurer(), trade.insurer(), trade.professional(), trade.professional()
    exposed = {}
    for number in range(3):
        insured = trade.insure(one)
        remember(trade, insured, f"MBR-{number:06d}")
        exposed[f"MBR-{number:06d}"] = insured
    far, spared = trade.insure(other), trade.insure(one)
    remember(trade, far, "AUTRE-000001")
    remember(trade, spared, "MBR-SPARED")
    since = trade.clock()
    for insured in exposed.values():
        thief.check_right(insured, Domain.PHAR)
    thief.check_right(next(iter(exposed.values())), Domain.MED)
    thief.check_right(far, Domain.OPTI)
    honest.check_right(spared, Domain.PHAR)
    honest.check_right(far, Domain.PHAR)
    trade.runner.run(trade.vault.checkpoints.sign_if_grown())
    trade.clock.advance(SECOND)
    question = Question(since, trade.clock(), establishments=frozenset({uuid.UUID(thief.establishment)}))
    with trade.database.connect("operator") as c:
        number = store.open_incident(c, trade.clock(), "essai", TITLE, since)
        store.add_act(
            c,
            number,
            trade.clock(),
            "essai",
            Verb.FACT,
            "nature",
            "Une session volée a interrogé la plateforme.",
        )
        found = scope(c, question)
    jwks = json.loads(expect(PublicKeys, trade.operate(Jwks())).jwks)
    return Theft(trade, one, other, thief, honest, exposed, spared, number, found, jwks)


@pytest.fixture(scope="module")
def sent(theft: Theft) -> dict[str, Package]:
    return theft.send_all()


def whole(package: Package) -> bytes:
    return b"".join(package.lines)


def opened_by(theft: Theft, package: Package, insurer: Insurer) -> dict[str, list[int]]:
    private = insurer.notice.private_bytes_raw()
    opened = open_package(whole(package), private, theft.jwks)
    return {who: [a.domain for a in member.answers] for who, member in references(opened, private)}


def test_an_insurer_reads_its_own_references_and_what_was_told_of_each(
    theft: Theft, sent: dict[str, Package]
) -> None:
    phar, med, opti = Domain.PHAR.code, Domain.MED.code, Domain.OPTI.code
    assert opened_by(theft, sent[theft.one.amc], theft.one) == {
        "MBR-000000": [phar, med], "MBR-000001": [phar], "MBR-000002": [phar],
    }  # fmt: skip
    assert opened_by(theft, sent[theft.other.amc], theft.other) == {"AUTRE-000001": [opti]}


def test_a_package_of_one_insurer_tells_another_nothing(theft: Theft, sent: dict[str, Package]) -> None:
    content = whole(sent[theft.one.amc])
    with pytest.raises(BadIncidentPackage, match="key"):
        open_package(content, theft.other.notice.private_bytes_raw(), theft.jwks)
    for secret in (b"MBR-", TITLE.encode(), theft.thief.establishment.encode()):
        assert secret not in content
    # In what the first one reads, nothing of the second: neither its number, nor its member, nor how many it has.
    private = theft.one.notice.private_bytes_raw()
    opened = open_package(content, private, theft.jwks)
    for text in opened.documents.values():
        assert theft.other.amc.encode() not in text
        assert b"AUTRE" not in text
    everything = {answer.index for member in opened.members for answer in member.answers}
    others = {
        told.index
        for person in theft.scope.exposed
        if person.insurer == theft.other.number
        for told in person.answers
    }
    assert others
    assert not everything & others


def test_the_platforms_forger_without_its_key_is_not_believed(theft: Theft, sent: dict[str, Package]) -> None:
    """Whoever has the insurer's public key can seal; nobody else can sign, and one package's signature serves no other."""
    lines, private = sent[theft.one.amc].lines, theft.one.notice.private_bytes_raw()
    open_package(b"".join(lines), private, theft.jwks)
    header = msgspec.json.decode(lines[0], type=Header)
    later = msgspec.json.encode(msgspec.structs.replace(header, issue=9)) + b"\n"
    others = sent[theft.other.amc].lines[-1]
    unsigned = msgspec.json.encode(Signature("e30.e30.AAAA")) + b"\n"
    part = msgspec.json.decode(lines[1], type=Sealed)
    swapped = msgspec.json.encode(Sealed(2, part.content)) + b"\n"
    for forged in (
        [later, *lines[1:]], [*lines[:-1], others], [*lines[:-1], unsigned], [*lines[:-2], lines[-1]], [lines[0], swapped, *lines[2:]],
        lines[:1],
    ):  # fmt: skip
        with pytest.raises(BadIncidentPackage):
            open_package(b"".join(forged), private, theft.jwks)


def test_what_is_there_already_is_not_handed_over_twice_and_a_new_fact_makes_a_new_issue(
    theft: Theft, sent: dict[str, Package]
) -> None:
    assert sent
    theft.trade.clock.advance(HOUR)
    assert theft.send_all() == {}
    with theft.trade.database.connect("operator") as c:
        store.add_act(c, theft.number, theft.trade.clock(), "essai", Verb.FACT, "consequences", "hameçonnage")
    again = theft.send_all()
    assert {package.issue for package in again.values()} == {2}
    assert len(again) == 2
    verbs = []
    with theft.trade.database.connect("operator") as c:
        verbs = [act.verb for act in store.acts(c, theft.number)]
        handed = store.handed_over(c, theft.number)
    assert verbs.count(Verb.HAND_OVER) == 4
    assert [(h.issue, h.acknowledged) for h in handed] == [(1, 0), (2, 0), (1, 0), (2, 0)]
    incident = theft.telling().incident
    now = theft.trade.clock()
    assert [(h.issue, due) for h, due in unacknowledged(incident, handed, 24, now)] == [
        (2, False),
        (2, False),
    ]
    assert [due for _, due in unacknowledged(incident, handed, 24, now + 24 * HOUR)] == [True, True]


def test_a_package_is_written_whole_or_not_at_all(theft: Theft) -> None:
    """A connection that dies in the middle of the parts leaves nothing; the same call then succeeds."""
    trade = theft.trade
    with trade.database.connect() as owner:
        owner.execute(
            "CREATE FUNCTION incident.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF new.number = 3 THEN"
            " PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN new; END $$;"
            "CREATE TRIGGER dies BEFORE INSERT ON incident.package_part FOR EACH ROW EXECUTE FUNCTION incident.fail()"
        )
    with trade.database.connect("operator") as c:
        store.add_act(c, theft.number, trade.clock(), "essai", Verb.FACT, "cause", "hameçonnage")
        before = store.handed_over(c, theft.number), len(store.acts(c, theft.number))
    with pytest.raises(psycopg.OperationalError):
        theft.send_all()
    with trade.database.connect() as owner:
        owner.execute("DROP TRIGGER dies ON incident.package_part")
    with trade.database.connect("operator") as c:
        assert (store.handed_over(c, theft.number), len(store.acts(c, theft.number))) == before
    assert len(theft.send_all()) == 2


def test_the_insurers_command_writes_its_members_its_letters_and_checks_the_ledgers_proofs(
    theft: Theft, tmp_path: Path
) -> None:
    trade = theft.trade
    log = VerifierKey.parse(trade.vault.checkpoints.verifier_key)
    [planned] = [each for each in theft.planned() if each.insurer.number == theft.one.number]
    with trade.database.connect("operator") as c:
        published = read_published(c, log)
        package = seal(
            c, theft.telling(), planned, theft.sign,
            lambda exposed: [
                msgspec.json.encode(shown) + b"\n"
                for shown in prove_answers(c, published, [a.index for person in exposed for a in person.answers])
            ],
        )  # fmt: skip
    file, key, keys = tmp_path / "dossier.incident", tmp_path / "notice.key", tmp_path / "jwks.json"
    file.write_bytes(whole(package))
    key.write_text(base64.b64encode(theft.one.notice.private_bytes_raw()).decode())
    keys.write_text(json.dumps(theft.jwks))
    arguments = [
        "insurer",
        "incident-read",
        str(file),
        "--key",
        str(key),
        "--platform",
        str(keys),
        "--letters",
        "--log-key",
        log.text(),
    ]
    done = CliRunner().invoke(command_line(arguments), arguments)
    assert done.exit_code == 0, done.output
    assert hashlib.sha256(whole(package)).hexdigest() in done.output
    assert "4 answers proved" in done.output
    folder = tmp_path / "dossier.incident.opened"
    with (folder / "members.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert [(row["member"], row["domains"]) for row in rows] == [
        ("MBR-000000", "MED PHAR"), ("MBR-000001", "PHAR"), ("MBR-000002", "PHAR"),
    ]  # fmt: skip
    letter = (folder / "letter-000001.fr.txt").read_text()
    assert letter.count("domaine PHAR") == letter.count("domaine MED") == 1
    assert "[[nom]]" in letter
    assert "Une session volée" in letter
    assert (folder / "insurer-notification.pdf").read_bytes().startswith(b"%PDF")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_insurers_people_download_open_and_acknowledge_and_then_nobody_recalls_it(theft: Theft) -> None:
    """Through the real cashier: what a seat downloads is what was laid on its desk; acknowledged, it is quiet."""
    trade = theft.trade
    theft.send_all()
    desk, rival = clerk(trade, theft.one), clerk(trade, theft.other)
    listed = desk.ask(IncidentPage, PAGE, PageBody()).items
    latest = max(listed, key=lambda file: file.issue)
    assert (latest.incident, latest.rows, latest.acknowledged) == (theft.number, 3, 0)
    assert {file.id for file in rival.ask(IncidentPage, PAGE, PageBody()).items}.isdisjoint(
        file.id for file in listed
    )
    content = b"".join(
        expect(Paper, desk.errand(f"{PAGE}/download", FilePartBody(latest.id, n + 1))).body
        for n in range(latest.parts)
    )
    assert hashlib.sha256(content).hexdigest() == latest.digest
    private = theft.one.notice.private_bytes_raw()
    opened = open_package(content, private, theft.jwks)
    assert {who for who, _ in references(opened, private)} == set(theft.exposed)
    waiting = desk.ask(InsurerDesk, "/claims/insurer/home", Nothing()).incidents_waiting
    # Of several issues, the last one waits.
    assert waiting == 1 < len(listed)
    assert desk.refused(f"{PAGE}/acknowledge", AcknowledgeBody(latest.id, "0" * 64)).code == "flow-digest"
    done = desk.ask(IncidentView, f"{PAGE}/acknowledge", AcknowledgeBody(latest.id, latest.digest))
    assert done.acknowledged
    assert desk.ask(IncidentView, f"{PAGE}/acknowledge", AcknowledgeBody(latest.id, latest.digest)) == done
    again = expect(Paper, desk.errand(f"{PAGE}/download", FilePartBody(latest.id))).body
    assert content.startswith(again), "a week to fetch it again"
    assert desk.ask(InsurerDesk, "/claims/insurer/home", Nothing()).incidents_waiting == waiting - 1
    with trade.database.connect("operator") as c:
        handed = store.handed_over(c, theft.number)
    late = trade.clock() + 48 * HOUR
    assert [h.amc for h, _ in unacknowledged(theft.telling().incident, handed, 24, late)] == [theft.other.amc]
    # What it acknowledged is not handed over again.
    assert theft.send_all() == {}


def test_a_stolen_insurers_session_acknowledges_no_package_and_silences_no_recall(theft: Theft) -> None:
    """The list shows every digest: it is a proof of who acknowledges that is asked. And even the proven one destroys nothing for a week."""
    trade = theft.trade
    with trade.database.connect("operator") as c:
        store.add_act(c, theft.number, trade.clock(), "essai", Verb.FACT, "consequences", "démarchage")
    theft.send_all()
    desk = clerk(trade, theft.one)
    trade.clock.advance(6 * MINUTE)
    latest = max(desk.ask(IncidentPage, PAGE, PageBody()).items, key=lambda file: file.issue)
    said = AcknowledgeBody(latest.id, latest.digest)
    assert desk.refused(f"{PAGE}/acknowledge", said).code == "step-up"
    for errand in ("flow", "openings"):
        assert desk.refused(f"/claims/insurer/{errand}/acknowledge", said).code == "step-up"
    with trade.database.connect("operator") as c:
        handed = store.handed_over(c, theft.number)
    late = trade.clock() + 24 * HOUR
    recalled = unacknowledged(theft.telling().incident, handed, 24, late)
    assert (theft.one.amc, latest.issue, True) in [(h.amc, h.issue, due) for h, due in recalled]
    # The same seat, proven: acknowledged, and every byte there until the worker comes a week later.
    desk = clerk(trade, theft.one)
    done = desk.ask(IncidentView, f"{PAGE}/acknowledge", said)
    kept = "SELECT count(*)::int FROM incident.package_part WHERE package = %s"
    with trade.database.connect("worker") as worker:
        forget_acknowledged(worker, done.acknowledged + KEPT - 1)
        assert trade.rows(kept, latest.id) == [(latest.parts,)]
        forget_acknowledged(worker, done.acknowledged + KEPT)
    assert trade.rows(kept, latest.id) == [(0,)]
    [(unacknowledged_parts,)] = trade.rows(
        "SELECT count(*)::int FROM incident.package_part JOIN incident.package p ON p.id = package WHERE p.acknowledged IS NULL"
    )
    assert unacknowledged_parts, "what nobody acknowledged stays"
    with trade.database.connect("cashier") as cashier, pytest.raises(psycopg.errors.InsufficientPrivilege):
        cashier.execute("DELETE FROM incident.package_part")


def test_the_vault_signs_for_a_known_insurer_and_tells_its_people_of_a_package_alone(theft: Theft) -> None:
    trade, digest = theft.trade, "0" * 64
    for said in (
        IncidentStatement("88888888", 1, 1, digest),
        IncidentStatement(theft.one.amc, 0, 1, digest),
        IncidentStatement(theft.one.amc, 1, 1, "0"),
    ):
        expect(Refused, trade.operate(StatePackage(said)))
    assert expect(Refused, trade.operate(TellInsurer(theft.one.amc, "rib:ask", "x"))).code == "bad-input"
    assert (
        expect(Refused, trade.operate(TellInsurer("88888888", "incident:package", "x"))).code == "not-found"
    )
    desk = clerk(trade, trade.insurer())
    amc = trade.rows("SELECT amc FROM vault.establishment WHERE id = %s", desk.establishment)[0][0]
    before = trade.rows("SELECT count(*) FROM vault.notice")
    expect(Done, trade.operate(TellInsurer(amc, "incident:package", "incident 1")))
    assert trade.rows("SELECT count(*) FROM vault.notice") == [(before[0][0] + 1,)]
    # Each is one line of the vault's journal: who, what, for which insurer.
    assert trade.rows("SELECT actor, object FROM vault.journal WHERE act = 'incident:package'")[-1] == (
        "operator",
        amc,
    )


def signed(
    trade: Trade,
    insurer: Insurer,
    path: str,
    body: Body,
    *,
    key: Ed25519PrivateKey | None = None,
    **changes: Any,
) -> Act:
    """A request of an insurer's systems, without a session."""
    content = msgspec.json.encode(body)
    headers = sign_as_insurer(path, ORIGIN, content, key or insurer.signing, trade.clock())
    act = Act(
        method="POST", target=path, content_digest=headers["Content-Digest"], signature_input=headers["Signature-Input"],
        signature=headers["Signature"], session="", body=content,
    )  # fmt: skip
    return msgspec.structs.replace(act, **changes)


def test_an_insurers_systems_fetch_and_acknowledge_by_its_signing_key(theft: Theft) -> None:
    trade = theft.trade
    with trade.database.connect("operator") as c:
        store.add_act(c, theft.number, trade.clock(), "essai", Verb.FACT, "ongoing", "no")
    theft.send_all()
    listed = expect(Paper, trade.at_cashier(signed(trade, theft.one, PAGE, PageBody())))
    file = max(msgspec.json.decode(listed.body, type=IncidentPage).items, key=lambda each: each.issue)
    content = b"".join(
        expect(
            Paper,
            trade.at_cashier(signed(trade, theft.one, f"{PAGE}/download", FilePartBody(file.id, n + 1))),
        ).body
        for n in range(file.parts)
    )
    private = theft.one.notice.private_bytes_raw()
    assert open_package(content, private, theft.jwks).header.issue == file.issue
    done = expect(
        Paper,
        trade.at_cashier(
            signed(trade, theft.one, f"{PAGE}/acknowledge", AcknowledgeBody(file.id, file.digest))
        ),
    )
    assert msgspec.json.decode(done.body, type=IncidentView).acknowledged


def test_an_insurers_key_fetches_its_own_packages_once_a_signature_and_nothing_else(theft: Theft) -> None:
    trade = theft.trade

    def refusal(act: Act) -> str:
        return expect(Refused, trade.at_cashier(act)).code

    first = signed(trade, theft.one, PAGE, PageBody())
    expect(Paper, trade.at_cashier(first))
    assert refusal(first) == "stale"
    altered = msgspec.structs.replace(signed(trade, theft.one, PAGE, PageBody()), body=b'{"before": 1}')
    assert refusal(altered) == "signature"
    assert (
        refusal(signed(trade, theft.one, PAGE, PageBody(), key=Ed25519PrivateKey.generate())) == "signature"
    )
    assert refusal(signed(trade, theft.one, PAGE, PageBody(), target=f"{PAGE}/download")) == "signature"
    page = expect(Paper, trade.at_cashier(signed(trade, theft.other, PAGE, PageBody())))
    theirs = msgspec.json.decode(page.body, type=IncidentPage).items[0]
    for path, body in (
        ("/download", FilePartBody(theirs.id)),
        ("/acknowledge", AcknowledgeBody(theirs.id, theirs.digest)),
    ):
        assert refusal(signed(trade, theft.one, PAGE + path, body)) == "not-found"
    # A person's errands stay a person's: deciding, flows, funds.
    for path in ("home", "flows", "openings", "prises-en-charge", "funds", "decide"):
        assert refusal(signed(trade, theft.one, f"/claims/insurer/{path}", PageBody())) == "not-found"
    assert refusal(signed(trade, theft.one, "/claims/invoice/list", PageBody())) == "not-found"


def test_a_package_is_fetched_while_its_insurer_is_closed(theft: Theft) -> None:
    """Containment must not keep from an insurer what it has to tell its members."""
    trade = theft.trade
    throw = ThrowSwitch("insurer", theft.other.amc, "essai", on=True)
    expect(Done, trade.operate(throw))
    try:
        expect(Paper, trade.at_cashier(signed(trade, theft.other, PAGE, PageBody())))
    finally:
        expect(Done, trade.operate(msgspec.structs.replace(throw, on=False)))


def test_an_insurer_told_of_members_whom_another_question_spares_is_told_so(theft: Theft) -> None:
    """Without `--everybody`: what it read before would stay true for it. Nobody else is told of nobody."""
    theft.send_all()
    ours = tuple(person for person in theft.scope.exposed if person.insurer == theft.one.number)
    spared = replace(theft, scope=replace(theft.scope, exposed=ours))
    assert {each.insurer.amc: len(each.exposed) for each in spared.planned()} == {
        theft.one.amc: 3, theft.other.amc: 0,
    }  # fmt: skip
    package = spared.send_all()[theft.other.amc]
    opened = open_package(whole(package), theft.other.notice.private_bytes_raw(), theft.jwks)
    assert opened.members == []
    said = json.loads(opened.documents["insurer-notification.json"])
    assert "Ce dossier remplace ceux que vous auriez déjà reçus" in said["fr"]
    assert said["figures"]["persons"] == 0
    # Nobody asked the ledger for this one: it is not said that nobody else is concerned.
    assert said["nobody_else"] == "nobody-else-unchecked"
    assert "a été l'objet d'aucune réponse" not in said["fr"]
    assert spared.send_all() == {}
