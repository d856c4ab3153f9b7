"""The night of an incident at the desk: who may count and tell, what leaves by whose hands, what no page ever shows."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from rempart.desk import incident_errands, long_work, scopes
from rempart.evidence.note import SignerKey
from rempart.evidence.opening import Opening, Outcome
from rempart.foundation.clock import DAY, HOUR, MINUTE, SECOND, instant, paris_date
from rempart.foundation.vocabulary import Lane, Profession, Role
from rempart.incident.case import Verb
from rempart.incident.scope_proofs import Shown, verify_shown
from rempart.vault.deeds import DEEDS
from rempart.vaultdoor.messages import (
    Done,
    EnrolEstablishment,
    Enrolled,
    EnrolProfessional,
    IncidentStatement,
    PackagesReleased,
    Proposals,
    Proposed,
    Refused,
    RegisterInsurer,
    SendPackages,
    Stated,
    StateReleased,
    TellReleased,
)
from tests.authenticator import expect
from tests.desk.conftest import Operator, Room
from tests.desk.test_door import Door
from tests.incident.scope_ledger import ScopeLedger
from tests.vault.accounts.conftest import activated

AMCS = ("99999997", "99999989")
NAMES = ("Mutuelle des Remparts", "Prévoyance du Port")
NIR = "2 85 05 99 999 123 04"


@dataclass
class Night:
    """A ledger in which one account asked for seven people of two insurers, and another for one of them."""

    room: Room
    door: Door
    ledger: ScopeLedger
    thief: str
    subjects: list[UUID]
    since: int

    def ask(self, who: Operator, path: str, **body: Any) -> httpx.Response:
        return self.door.act(who, f"/desk/{path}", **body)

    def text(self, who: Operator, path: str, **body: Any) -> str:
        done = self.ask(who, path, **body)
        assert done.status_code == 200, done.text
        return " ".join(done.text.split())

    def code(self, who: Operator, path: str, **body: Any) -> str:
        done = self.ask(who, path, **body)
        assert done.status_code >= 400, done.text
        return done.headers["rempart-code"]

    def count(self, who: Operator, **named: Any) -> str:
        """The page once the ledger is read."""
        self.text(
            who,
            "scope/ask",
            **(
                {"since": iso(self.since), "until": iso(self.room.clock() - MINUTE), "accounts": [self.thief]}
                | named
            ),
        )
        return self.over(who, "scope")

    def over(self, who: Operator, path: str, **body: Any) -> str:
        """The page when no bar is on it any more."""
        deadline = time.monotonic() + 30
        while "<progress" in (shown := self.text(who, path, **body)):
            assert time.monotonic() < deadline
        return shown

    def opened(self, who: Operator) -> int:
        """An incident about what the thief asked."""
        told = self.text(who, "incident/open", title="Session volée", aware=iso(self.room.clock() - HOUR))
        found = re.search(r"n=(\d+)", told)
        assert found is not None
        number = int(found[1])
        assert "personne(s) concernée(s)" in (shown := self.count(who)), shown
        self.text(who, "incident/about", id=number)
        return number

    def planned(self, who: Operator, number: int) -> dict[str, Any]:
        """The body that the page's button carries."""
        self.text(who, "packages/plan", id=number, everybody=False, proofs=True)
        shown = self.over(who, "packages", id=number)
        found = re.search(r'data-deed="desk/packages/send".*?data-body="([^"]+)"', shown)
        assert found is not None, shown
        body: dict[str, Any] = json.loads(found[1].replace("&#34;", '"'))
        return body

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.room.rows(query)


def iso(micros: int) -> str:
    return instant(micros).isoformat()


@pytest.fixture
def night(room: Room) -> Iterator[Night]:
    with room.database.connect() as owner:
        tables = owner.execute(
            "SELECT string_agg(format('DELETE FROM %I.%I', schemaname, tablename), ';') FROM pg_tables"
            " WHERE schemaname IN ('evidence', 'incident', 'intake', 'identity') AND tablename <> 'log'"
        ).fetchone()
        assert tables is not None
        owner.execute("SET session_replication_role = replica")
        keys = [X25519PrivateKey.generate().public_key().public_bytes_raw() for _ in AMCS]
        for amc, name, key in zip(AMCS, NAMES, keys, strict=True):
            expect(Enrolled, room.operate(RegisterInsurer(amc, name, b"\1" * 32, key)))
        numbers = [row[0] for row in owner.execute("SELECT number FROM vault.insurer ORDER BY number")]
        place, other = room.establishment(), room.establishment(2)
        activated(room, "claire.martin", place)
        activated(room, "paul.durand", other)
        ledger = ScopeLedger(
            owner,
            SignerKey(
                room.zone.checkpoints.origin,
                Ed25519PrivateKey.from_private_bytes(room.zone.keys.ring.ledger),
            ),
        )
        since = room.clock() - 2 * HOUR
        who = dict(owner.execute("SELECT login, id FROM vault.account").fetchall())
        devices = dict(owner.execute("SELECT account, device FROM vault.binding").fetchall())
        subjects = [UUID(int=0x5000 + n) for n in range(7)]
        for n, subject in enumerate([*subjects, subjects[0]]):
            asks = "paul.durand" if n == 7 else "claire.martin"
            insurer = numbers[0 if n in {0, 1, 2, 3, 7} else 1]
            ledger.add(
                Opening(
                    at=since + n * MINUTE, account=who[asks], device=devices[who[asks]],
                    establishment=UUID(other if n == 7 else place), insurer=insurer, lane=Lane.CARD, domain=1, answer_class=1,
                    outcome=Outcome.TOLD, cost=1, subject=subject, editor=None,
                ),
                insurer.to_bytes(4, "big") + bytes([n % 7]) * 30,
            )  # fmt: skip
        ledger.sign()
        for number in numbers:
            owner.execute("INSERT INTO intake.load VALUES (%s, %s, %s)", (number, number, b"w" * 80))
        owner.execute(
            "INSERT INTO identity.establishment (id, finess, amc, name, town, profession) SELECT id, finess, amc, 'Pharmacie Essai',"
            " 'Paris', profession FROM vault.establishment WHERE profession = 'pharmacy'"
        )
        seat = expect(Enrolled, room.operate(EnrolEstablishment("", Profession.INSURER, amc=AMCS[0]))).id
        room.operate(EnrolProfessional("alix.essai", Role.TITULAIRE, seat))
        owner.execute(
            "INSERT INTO identity.establishment (id, amc, name, town, profession) VALUES (%s, %s, 'Siège', 'Paris', 'insurer')",
            (seat, AMCS[0]),
        )
        yield Night(room, Door(room), ledger, "claire.martin", subjects, since)
        owner.execute(tables[0])
        owner.execute("UPDATE evidence.log SET size = 0")


# ── the night ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_from_the_count_to_packages_by_two_people_and_nothing_goes_twice(
    night: Night, duty: Operator, lead: Operator
) -> None:
    number = night.opened(duty)
    counted = night.text(duty, "scope")
    assert "7 personne(s) concernée(s)" in counted
    assert "Ce qui est en cause n&#39;a parlé de personne d&#39;autre." in counted
    for name in NAMES:
        assert name in counted
    night.text(
        duty, "incident/fact", id=number, key="nature", value="Une session volée a interrogé la plateforme."
    )
    body = night.planned(duty, number)
    assert (body["amcs"], body["persons"]) == (list(AMCS), 7)
    assert night.rows("SELECT count(*) FROM incident.package") == [(0,)]
    duty.touch()
    effect = night.text(duty, "packages/send", **body)
    assert 'data-second="true"' in effect
    assert "<strong>2</strong> assureur(s)" in effect
    proposal = duty.expect(Proposed, "packages/send", **body, dry_run=False).id
    assert night.rows("SELECT count(*) FROM incident.package") == [(0,)]
    night.room.time.advance(SECOND)
    lead.touch()
    assert "Envoyer les dossiers aux assureurs" in night.text(lead, "proposals")
    assert "a commencé" in night.text(lead, "proposal/approve", id=proposal)
    shown = night.over(duty, "packages", id=number)
    assert "Dossiers remis : 2. Déjà remis avant : 0." in shown
    # The second insurer has nobody here to be told: said, and the duty is not noted as done.
    assert f"par un autre moyen : {AMCS[1]}" in shown.replace("\u00a0", " ")
    assert night.rows("SELECT rows FROM incident.package ORDER BY insurer") == [(4,), (3,)]
    assert night.rows(
        "SELECT count(*) FROM incident.act WHERE act = 'hand-over' AND actor = 'diane sami'"
    ) == [(2,)]
    assert night.rows("SELECT count(*) FROM vault.notice WHERE kind = 'incident:package'") == [(1,)]
    states = night.rows("SELECT actor, object FROM vault.journal WHERE act = 'incident:state' ORDER BY id")
    assert states == [("diane sami", amc) for amc in AMCS]
    # The release stands for an hour: whoever goes on with it sends nothing again.
    duty.touch()
    night.text(duty, "packages/resume", id=number)
    assert "Dossiers remis : 0. Déjà remis avant : 2." in night.over(duty, "packages", id=number)
    assert night.rows("SELECT count(*) FROM incident.package") == [(2,)]


def test_an_unacknowledged_package_is_recalled_by_a_touch(
    night: Night, duty: Operator, lead: Operator
) -> None:
    number = sent(night, duty, lead)
    with night.room.database.connect() as owner:
        owner.execute("UPDATE incident.package SET made = made - %s", (25 * HOUR,))
    assert "à relancer" in night.text(duty, "packages", id=number)
    night.room.time.advance(6 * MINUTE)
    recall = {"incident": number, "amcs": list(AMCS)}
    assert duty.refused("packages/remind", **recall) == "step-up"
    duty.touch()
    done = night.ask(duty, "packages/remind", html=False, **recall).json()
    assert (done["amcs"], done["silent"]) == ([AMCS[0]], [AMCS[1]])
    assert night.rows("SELECT count(*) FROM vault.notice WHERE kind = 'incident:remind'") == [(1,)]
    assert night.rows("SELECT actor, value FROM incident.act WHERE act = 'remind'") == [("diane", "1")]
    with night.room.database.connect() as owner:
        owner.execute("UPDATE incident.package SET fetched = made + 1, acknowledged = made + 2")
    assert "à relancer" not in night.text(duty, "packages", id=number)


def sent(night: Night, duty: Operator, lead: Operator) -> int:
    number = night.opened(duty)
    body = night.planned(duty, number)
    duty.touch()
    proposal = duty.expect(Proposed, "packages/send", **body, dry_run=False).id
    night.room.time.advance(SECOND)
    lead.touch()
    night.text(lead, "proposal/approve", id=proposal)
    assert "Dossiers remis" in night.over(duty, "packages", id=number)
    return number


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_auditor_reads_and_cannot_send(night: Night, duty: Operator) -> None:
    number = night.opened(duty)
    body = night.planned(duty, number)
    rita = night.room.operator("rita", Role.AUDITOR)
    rita.touch()
    assert "Session volée" in night.text(rita, "incident", id=number)
    assert "Aucun dossier" in night.text(rita, "packages", id=number)
    tried = {
        "packages/send": body | {"dry_run": False},
        "packages/plan": {"id": number},
        "packages/resume": {"id": number},
        "packages/remind": {"incident": number, "amcs": [AMCS[0]]},
        "incident/open": {"title": "x", "aware": "2026-01-01"},
        "incident/fact": {"id": number, "key": "nature", "value": "x"},
        "incident/done": {"id": number, "duty": "gdpr-33-1"},
        "incident/waive": {"id": number, "duty": "gdpr-33-1", "why": "x"},
        "incident/about": {"id": number},
        "scope/ask": {"since": "2026-01-01"},
        "scope/proofs": {},
    }
    before = night.rows("SELECT count(*) FROM incident.act")
    for path, asked in tried.items():
        assert rita.refused(path, **asked) == "forbidden", path
    assert night.rows("SELECT count(*) FROM incident.act") == before
    refused = night.rows("SELECT count(*) FROM vault.journal WHERE act = 'desk:refuse' AND actor = 'rita'")
    assert refused == [(len(tried),)]
    clerk = night.room.operator("ines", Role.ONBOARDING_CLERK)
    assert clerk.refused("incident", id=number) == "forbidden"


def test_a_stolen_desk_session_without_a_fresh_passkey_sends_no_package(
    night: Night, duty: Operator, lead: Operator
) -> None:
    number = night.opened(duty)
    body = night.planned(duty, number)
    night.room.time.advance(6 * MINUTE)
    for path, asked in (
        ("packages/send", body | {"dry_run": False}),
        ("packages/resume", {"id": number}),
        ("packages/remind", {"incident": number, "amcs": [AMCS[0]]}),
        ("incident/done", {"id": number, "duty": "gdpr-33-1"}),
        ("incident/waive", {"id": number, "duty": "gdpr-33-1", "why": "rien"}),
        ("scope/proofs", {"part": 0}),
    ):
        assert duty.refused(path, **asked) == "step-up", path
    assert duty.expect(Proposals, "proposals").proposals == []
    # With the passkey it is a proposal, and still nothing goes by one hand.
    duty.touch()
    proposal = duty.expect(Proposed, "packages/send", **body, dry_run=False).id
    assert duty.refused("proposal/approve", id=proposal) == "own-proposal"
    assert duty.refused("packages/resume", id=number) == "not-released"
    assert night.rows("SELECT count(*) FROM incident.package") == [(0,)]


def test_a_desk_that_was_taken_over_gets_no_signature_that_two_people_did_not_release(
    night: Night, duty: Operator, lead: Operator
) -> None:
    """It can ask on its socket as it likes, in nobody's name."""
    room = night.room
    said = IncidentStatement(AMCS[0], 7, 1, "0" * 64)

    def asked(call: Any) -> Any:
        return room.runner.run(room.desk.call(call))

    assert expect(Refused, asked(StateReleased(said))).code == "not-released"
    assert expect(Refused, asked(TellReleased(7, AMCS[0]))).code == "not-released"
    body = {
        "incident": 7,
        "everybody": False,
        "proofs": False,
        "amcs": [AMCS[0]],
        "persons": 3,
        "digest": "a" * 64,
    }
    proposal = duty.expect(Proposed, "packages/send", **body, dry_run=False).id
    room.time.advance(SECOND)
    lead.touch()
    released = lead.expect(PackagesReleased, "proposal/approve", id=proposal)
    assert (released.amcs, released.by) == ([AMCS[0]], "diane sami")
    # Not for another insurer.
    another = IncidentStatement(AMCS[1], 7, 1, "0" * 64)
    assert expect(Refused, asked(StateReleased(another))).code == "not-released"
    assert expect(Refused, asked(TellReleased(7, AMCS[1]))).code == "not-released"
    # One package, and one more try of it: no third signature, and none for another incident.
    for _ in range(2):
        expect(Stated, asked(StateReleased(said)))
    assert expect(Refused, asked(StateReleased(said))).code == "not-released"
    for _ in range(2):
        expect(Done, asked(TellReleased(7, AMCS[0])))
    assert expect(Refused, asked(TellReleased(7, AMCS[0]))).code == "not-released"
    other = IncidentStatement(AMCS[0], 8, 1, "0" * 64)
    assert expect(Refused, asked(StateReleased(other))).code == "not-released"
    room.time.advance(HOUR)
    assert expect(Refused, asked(TellReleased(7, AMCS[0]))).code == "not-released"
    assert DEEDS[SendPackages].roles == {Role.DUTY_OFFICER, Role.SECURITY_LEAD, Role.DPO}


def test_what_changed_since_two_people_approved_it_is_not_sent(
    night: Night, duty: Operator, lead: Operator
) -> None:
    number = night.opened(duty)
    body = night.planned(duty, number)
    duty.touch()
    proposal = duty.expect(Proposed, "packages/send", **body, dry_run=False).id
    night.room.time.advance(SECOND)
    night.text(duty, "incident/fact", id=number, key="nature", value="Autre chose.")
    lead.touch()
    night.text(lead, "proposal/approve", id=proposal)
    assert "a changé depuis l&#39;approbation" in night.over(duty, "packages", id=number)
    assert night.rows("SELECT count(*) FROM incident.package") == [(0,)]
    assert night.rows("SELECT count(*) FROM vault.journal WHERE act = 'incident:state'") == [(0,)]


def test_nothing_is_sent_of_an_interval_that_is_not_over(
    night: Night, duty: Operator, lead: Operator
) -> None:
    """More may be asked meanwhile: a package would say of somebody who is asked for now that nobody asked."""
    number = night.opened(duty)
    body = night.planned(duty, number)
    night.count(duty, until=iso(night.room.clock() + MINUTE))
    night.text(duty, "incident/about", id=number)
    night.text(duty, "packages/plan", id=number, everybody=False, proofs=False)
    shown = night.over(duty, "packages", id=number)
    assert "rien ne part avant" in shown
    assert "desk/packages/send" not in shown
    assert "peut encore grandir" in night.text(
        duty, "document", id=number, document="cnil-initial", form="read"
    )
    # By hand, and approved all the same.
    duty.touch()
    proposal = duty.expect(Proposed, "packages/send", **body, dry_run=False).id
    night.room.time.advance(SECOND)
    lead.touch()
    night.text(lead, "proposal/approve", id=proposal)
    assert "pas terminé depuis dix secondes" in night.over(duty, "packages", id=number)
    assert night.rows("SELECT count(*) FROM incident.package") == [(0,)]


def test_after_another_question_whoever_was_told_is_told_again(
    night: Night, duty: Operator, lead: Operator
) -> None:
    number = sent(night, duty, lead)
    assert "La question a changé" not in night.text(duty, "packages", id=number)
    night.room.time.advance(SECOND)
    night.count(duty, accounts=["paul.durand"])
    night.text(duty, "incident/about", id=number)
    shown = night.text(duty, "packages", id=number)
    assert "La question a changé depuis : 2 assureur(s)" in shown.replace("\u00a0", " ")
    # The second insurer has nobody any more: it learns that its former package was wrong.
    body = night.planned(duty, number)
    assert (body["amcs"], body["persons"], body["everybody"]) == (list(AMCS), 1, False)


def test_with_an_entry_removed_no_paper_denies_that_somebody_else_was_told_of(
    night: Night, duty: Operator
) -> None:
    number = night.opened(duty)
    stated = "a été l&#39;objet d&#39;aucune réponse en cause"
    shown = night.text(duty, "document", id=number, document="cnil-initial", form="read")
    assert stated in shown
    with night.room.database.connect() as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(
            "DELETE FROM evidence.entry WHERE account <> (SELECT account FROM evidence.entry LIMIT 1)"
        )
    shown = night.text(duty, "document", id=number, document="cnil-initial", form="read")
    assert stated not in shown
    assert "Une feuille du registre manque." in shown
    night.text(duty, "packages/plan", id=number, everybody=False, proofs=False)
    shown = night.over(duty, "packages", id=number)
    assert "n&#39;est pas dit dans les dossiers : Une feuille du registre manque." in shown.replace(
        "\u00a0", " "
    )


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_something_like_a_nir_is_refused_wherever_words_are_kept_and_kept_nowhere(
    night: Night, duty: Operator
) -> None:
    number = night.opened(duty)
    duty.touch()
    for path, asked in (
        ("incident/open", {"title": f"Vol de {NIR}", "aware": iso(night.since)}),
        ("incident/fact", {"id": number, "key": "nature", "value": f"La personne {NIR}"}),
        ("incident/done", {"id": number, "duty": "gdpr-33-1", "reference": NIR}),
        ("incident/waive", {"id": number, "duty": "nis2-early", "why": f"voir {NIR}"}),
    ):
        told = night.ask(duty, path, **asked)
        assert told.headers["rempart-code"] == "looks-like-nir", path
        assert NIR not in told.text
    digits = NIR.replace(" ", "")
    for table in ("incident.act", "vault.journal"):
        kept = night.rows(f"SELECT count(*) FROM {table} t WHERE replace(t::text, ' ', '') LIKE '%{digits}%'")
        assert kept == [(0,)]
    # Nor where it is typed in the wrong field.
    assert night.code(duty, "scope/ask", since=iso(night.since), accounts=[NIR]) == "no-such-party"
    asked = night.rows(
        "SELECT detail FROM vault.journal WHERE act = 'incident:scope' ORDER BY id DESC LIMIT 1"
    )
    assert digits not in str(asked).replace(" ", "")
    # The same with one number less is taken.
    night.text(duty, "incident/fact", id=number, key="nature", value="Une personne")
    night.text(duty, "incident/fact", id=number, key="began", value="2026-01-05T03:10")
    shown = night.text(duty, "incident", id=number, part="facts")
    assert "Une personne" in shown
    # An instant that is known stands in its field: noting it again does not forget it.
    assert 'value="2026-01-05T03:10"' in shown
    assert night.code(duty, "incident/fact", id=number, key="victims", value="3") == "incident-fact"


def test_no_name_of_a_person_is_in_any_fragment(night: Night, duty: Operator, lead: Operator) -> None:
    """Pseudonyms, insurers, establishments: whoever reads over a shoulder learns of nobody."""
    with night.room.database.connect() as owner:
        owner.execute(
            "INSERT INTO identity.professional (establishment, account, name) SELECT m.establishment, a.id, 'Claire SECRET' FROM"
            " vault.account a JOIN vault.membership m ON m.account = a.id WHERE a.login = 'claire.martin'"
        )
    number = sent(night, duty, lead)
    duty.touch()
    shown = [
        night.text(duty, "scope"),
        night.text(duty, "scope", list=True),
        night.text(duty, "packages", id=number),
    ]
    shown += [
        night.text(duty, "incident", id=number, part=part)
        for part in ("clocks", "facts", "duties", "documents", "journal")
    ]
    shown.append(night.text(duty, "document", id=number, document="cnil-initial", form="read"))
    finess = night.rows("SELECT finess FROM vault.establishment WHERE finess IS NOT NULL ORDER BY finess")[0][
        0
    ]
    shown.append(night.text(duty, "scope/hit", establishment=finess))
    whole = " ".join(shown)
    for subject in night.subjects:
        assert str(subject) in whole
    for word in ("SECRET", "Claire", "notice_ref"):
        assert word not in whole
    assert not re.search(r"[12]\s?\d{2}\s?\d{2}\s?\d{2}\s?\d{3}\s?\d{3}", whole)
    proofs = night.ask(duty, "scope/proofs", part=0)
    assert proofs.headers["content-disposition"] == 'attachment; filename="proofs-1.ndjson"'
    lines = [json.loads(line) for line in proofs.text.splitlines()]
    assert len(lines) == 7
    for line in lines:
        verify_shown(Shown(**line), night.ledger.key)


# ── bounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_scope_cannot_be_asked_endlessly(
    night: Night, duty: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_work, "AN_HOUR", 3)
    for _ in range(3):
        night.count(duty)
    assert night.code(duty, "scope/ask", since=iso(night.since)) == "work-too-often"
    night.room.time.advance(HOUR)
    night.count(duty)
    # Each was journaled, with whom it was about.
    asked = night.rows("SELECT detail FROM vault.journal WHERE act = 'incident:scope'")
    assert len(asked) == 5
    assert "claire.martin" in asked[0][0]


def test_one_scope_at_a_time_few_in_all_and_it_can_be_stopped(
    night: Night, duty: Operator, lead: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the ledger is locked by somebody, nobody's page waits: the bar is shown, others are told, and it ends when it is stopped."""
    dora = night.room.operator("dora", Role.DPO)
    with night.room.database.connect() as owner:
        owner.execute("BEGIN")
        owner.execute("LOCK TABLE evidence.entry IN ACCESS EXCLUSIVE MODE")
        for who in (duty, lead):
            night.text(who, "scope/ask", since=iso(night.since))
            assert "<progress" in night.text(who, "scope")
        assert night.code(duty, "scope/ask", since=iso(night.since)) == "work-under-way"
        assert night.code(dora, "scope/ask", since=iso(night.since)) == "work-busy"
        # The desk goes on answering meanwhile.
        assert night.text(dora, "incident", id=0)
        night.text(duty, "scope/stop")
        assert "Arrêté à votre demande" in night.over(duty, "scope")
        owner.execute("ROLLBACK")
    assert "8" in night.over(lead, "scope")
    assert "7 personne(s)" in night.count(dora)


def test_more_answers_than_the_desk_holds_are_refused_before_they_are_read(
    night: Night, duty: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scopes, "MOST_ANSWERS", 6)
    assert "Trop de réponses pour cette page" in night.count(duty)
    monkeypatch.setattr(scopes, "MOST_ANSWERS", 7)
    assert "7 personne(s) concernée(s)" in night.count(duty)


def test_the_list_is_paged_and_a_name_that_nobody_has_is_refused(
    night: Night, duty: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scopes, "PAGE", 3)
    night.count(duty)
    pages = [night.text(duty, "scope", list=True, page=page) for page in range(3)]
    shown = [re.findall(r"00000000-0000-0000-0000-0000000050\d\d", page) for page in pages]
    assert [len(page) for page in shown] == [3, 3, 1]
    assert {UUID(one) for page in shown for one in page} == set(night.subjects)
    assert night.code(duty, "scope/ask", since=iso(night.since), accounts=["personne"]) == "no-such-party"
    assert night.code(duty, "scope/ask", since="hier") == "bad-input"
    assert night.code(duty, "scope/hit", establishment="1", group="2") == "bad-input"


def test_of_a_pharmacy_that_was_sold_the_caller_is_told_what_is_theirs(night: Night, duty: Operator) -> None:
    night.count(duty)
    [(finess,)] = night.rows(
        "SELECT finess FROM vault.establishment WHERE finess IS NOT NULL ORDER BY finess LIMIT 1"
    )
    alone = night.text(duty, "scope/hit", establishment=finess)
    assert "changé de mains" not in alone
    with night.room.database.connect() as owner:
        owner.execute(
            "UPDATE vault.establishment SET closes = %(at)s, invoices_until = %(at)s, ends = %(at)s, leaving = 'cession'"
            " WHERE finess = %(n)s",
            {"at": night.since, "n": finess},
        )
        owner.execute(
            "INSERT INTO vault.establishment (id, finess, profession, opens) VALUES (gen_random_uuid(), %s, 'pharmacy', %s)",
            (finess, night.since),
        )
    shown = night.text(duty, "scope/hit", establishment=finess)
    assert "changé de mains" in shown
    assert f"{finess}, depuis le {paris_date(night.since):%d/%m/%Y}" in shown
    assert shown.count("<li>") == 2


def test_a_session_left_open_fills_no_journal_and_stands_in_nobodys_way(
    night: Night, duty: Operator, lead: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incident_errands, "MOST_OPENED", 2)
    for _ in range(2):
        night.text(duty, "incident/open", title="Encore", aware=iso(night.since))
    assert night.code(duty, "incident/open", title="Encore", aware=iso(night.since)) == "incident-full"
    monkeypatch.setattr(incident_errands, "MOST_ACTS", 2)
    number = night.rows("SELECT max(id) FROM incident.incident")[0][0]
    night.text(duty, "incident/fact", id=number, key="nature", value="une")
    assert night.code(duty, "incident/fact", id=number, key="nature", value="deux") == "incident-full"
    night.text(lead, "incident/fact", id=number, key="nature", value="deux")
    night.text(lead, "incident/open", title="Le vrai", aware=iso(night.since))


def test_a_database_changed_behind_the_ledger_leaves_no_statement(night: Night, duty: Operator) -> None:
    with night.room.database.connect() as owner:
        owner.execute("UPDATE evidence.entry SET account = device WHERE index = 2")
    shown = night.count(duty)
    assert "6 personne(s) concernée(s)" in shown
    assert "On ne peut PAS dire que personne d&#39;autre" in shown


# ── what the role may ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_desk_host_that_was_taken_over_unsays_nothing_and_reads_no_key(night: Night) -> None:
    with night.room.database.connect("desk") as c:
        for statement in (
            "UPDATE incident.act SET value = ''", "DELETE FROM incident.act", "UPDATE incident.package SET rows = 0",
            "DELETE FROM incident.package", "SELECT content FROM incident.package_part", "UPDATE evidence.entry SET at = 0",
            "SELECT signing_key FROM vault.insurer", "SELECT status FROM vault.account", "SELECT * FROM vault.passkey",
            "SELECT * FROM vault.session", "SELECT name FROM identity.professional", "SELECT * FROM claims.invoice",
            "SELECT * FROM vault.package_release",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                c.execute(statement.encode())


def test_documents_are_rendered_at_the_desk_and_an_insurers_is_not_among_them(
    night: Night, duty: Operator
) -> None:
    number = night.opened(duty)
    assert night.ask(duty, "document", id=number, document="cnil-initial", form="pdf").content.startswith(
        b"%PDF"
    )
    figures = night.ask(duty, "document", id=number, document="complaint", form="json").json()["figures"]
    assert figures["persons"] == 7
    letters = night.ask(duty, "document", id=number, document="professionals-concerned", form="zip")
    assert letters.content.startswith(b"PK")
    assert night.code(duty, "document", id=number, document="insurer-letter", form="pdf") == "bad-input"
    assert night.code(duty, "document", id=99, document="complaint", form="pdf") == "incident-unknown"
    duty.touch()
    night.text(duty, "incident/done", id=number, duty="gdpr-33-1", reference="CNIL-42")
    assert night.code(duty, "incident/done", id=number, duty="gdpr-33-1") == "incident-duty-done"
    clocks = night.text(duty, "incident", id=number)
    assert "CNIL-42" in clocks
    night.room.time.advance(8 * DAY)
    duty.browser.sign_in(duty.passkey)
    assert "en retard" in night.text(duty, "incident", id=number)
    acts = {row[0] for row in night.rows("SELECT act FROM incident.act")}
    assert acts == {Verb.OPEN, Verb.QUESTION, Verb.DONE}
    journaled = night.rows("SELECT detail FROM vault.journal WHERE act = 'incident:act' ORDER BY id")
    assert [row[0] for row in journaled] == ["open", "question", "done gdpr-33-1", "done gdpr-33-1"]
