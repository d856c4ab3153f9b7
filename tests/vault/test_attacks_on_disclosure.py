"""Attacks on the rights check, through the real door and at the vault's socket. Each ends by what the ledger shows."""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from rempart.cli.counter import RIGHTS, Counter, DoorRefused
from rempart.foundation.clock import system_clock
from rempart.foundation.settings import VaultSettings, load_settings
from rempart.foundation.vocabulary import Domain, Lane
from rempart.vault.capsule import SealedContract, associated_data, card_message, derive, encode_content, seal
from rempart.vault.keystore import open_key_store
from rempart.vault.policy import HOUR_SLOT
from rempart.vaultdoor.browser import DeviceKey
from rempart.vaultdoor.client import VaultClient
from rempart.vaultdoor.fhir import Presentation, write_request
from rempart.vaultdoor.messages import Act, Answer, RecoveryCodes, Refused, Reply, ReplyEnvelope
from tests.browser.platform import AMC, BORN, NIR, OPEN, Platform, running_platform
from tests.conftest import Database, TestCluster

KNOWN = Presentation(Lane.CARD, AMC, OPEN.adherent, "", BORN, 1, Domain.PHAR)
PEOPLE = 2_000


@pytest.fixture(scope="module")
def platform(cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    database = cluster.fresh_database()
    folder = tmp_path_factory.mktemp("p")
    with running_platform(database, folder) as started:
        insure_many(database, folder / "vault.toml")
        yield started
    cluster.drop(database)


def insure_many(database: Database, vault_file: Path) -> None:
    """Two thousand more people, so that a line can be spent on distinct ones."""
    settings = load_settings(VaultSettings, vault_file)
    prf = open_key_store(settings.key_store, settings.passphrase_file, None).prf("capsule-1")
    contract = encode_content([SealedContract("CONFORT", date(2024, 1, 1).toordinal(), 0, True, 0, 0, [])])
    rows = []
    for number in range(PEOPLE):
        tag, key = derive(prf(card_message(1, AMC, f"N{number}", BORN, 1)))
        sealed = seal(key, associated_data(1, Lane.CARD, 1), contract)
        rows.append((uuid.UUID(bytes=tag), uuid.uuid4(), sealed))
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO capsule.i1_g1 VALUES (%s, %s, %s, 'ref')", rows)
        # Thousands of look-ups in a minute: the breakers, which would rightly open, are another test's.
        cursor.executemany(
            "INSERT INTO vault.breaker (scope, key, hour_limit) VALUES (%s, %s, 1000000000)",
            [("platform", ""), ("insurer", "0"), ("insurer", "1")],
        )


@pytest.fixture
def counter(platform: Platform) -> Iterator[Counter]:
    """A pharmacist at a counter, signed in by passkey."""
    _, code = platform.enrol(platform_pharmacy(platform))
    signed_in = Counter(platform.origin)
    signed_in.activate(code)
    yield signed_in
    signed_in.close()


_pharmacies: dict[int, str] = {}


def platform_pharmacy(platform: Platform) -> str:
    if id(platform) not in _pharmacies:
        _pharmacies[id(platform)] = platform.enrol_pharmacy("Pharmacie du Rempart")
    return _pharmacies[id(platform)]


def ledger(platform: Platform) -> int:
    with platform.database.connect() as connection:
        row = connection.execute("SELECT size FROM evidence.log").fetchone()
    assert row is not None
    return int(row[0])


def open_lines(platform: Platform) -> None:
    """The bench's night: every meter at zero, and everybody has just confirmed that they are there."""
    with platform.database.connect() as connection:
        connection.execute(
            "UPDATE vault.meter SET hour = '{0,0,0,0,0}', day = '{0,0,0,0,0,0,0}', month = '{0,0,0,0,0,0,0,0}'"
        )
        connection.execute("DELETE FROM vault.told")
        connection.execute("UPDATE vault.session SET stepped = %s, stepped_upto = 10000", (system_clock(),))


def send(platform: Platform, headers: dict[str, str], body: bytes) -> httpx.Response:
    return httpx.post(platform.origin + RIGHTS, headers=headers, content=body, trust_env=False)


def signed(
    counter: Counter, body: bytes, *, created: int = 0, key: DeviceKey | None = None
) -> dict[str, str]:
    headers = (key or counter.device).sign("POST", counter.origin + RIGHTS, body, created or int(time.time()))
    return headers | {"Content-Type": "application/fhir+json", "Cookie": f"__Host-rempart={counter.session}"}


def refusal(response: httpx.Response) -> str:
    return str(response.json()["issue"][0]["details"]["coding"][0]["code"])


def test_an_honest_check_is_told_and_logged_once(platform: Platform, counter: Counter) -> None:
    before = ledger(platform)
    told = counter.check(KNOWN)
    assert told["insurance"][0]["inforce"]
    assert told["preAuthRef"]
    assert ledger(platform) == before + 1


def test_a_cookie_without_the_device_key_gets_nothing(platform: Platform, counter: Counter) -> None:
    before, body = ledger(platform), write_request(KNOWN)
    response = send(platform, signed(counter, body, key=DeviceKey.generate()), body)
    assert (response.status_code, refusal(response)) == (401, "device")
    unsigned = {"Cookie": f"__Host-rempart={counter.session}", "Content-Type": "application/fhir+json"}
    assert send(platform, unsigned, body).status_code == 401
    assert ledger(platform) == before


def test_a_replayed_request_gets_nothing(platform: Platform, counter: Counter) -> None:
    body = write_request(KNOWN)
    headers = signed(counter, body)
    assert send(platform, headers, body).status_code == 200
    before = ledger(platform)
    again = send(platform, headers, body)
    assert (again.status_code, refusal(again)) == (401, "stale")
    assert ledger(platform) == before


@pytest.mark.parametrize("minutes", [-2, 2], ids=["old", "from the future"])
def test_a_request_of_another_time_gets_nothing(platform: Platform, counter: Counter, minutes: int) -> None:
    body, before = write_request(KNOWN), ledger(platform)
    response = send(platform, signed(counter, body, created=int(time.time()) + 60 * minutes + minutes), body)
    assert (response.status_code, refusal(response)) == (401, "stale")
    assert ledger(platform) == before


def test_an_altered_body_gets_nothing(platform: Platform, counter: Counter) -> None:
    body, before = write_request(KNOWN), ledger(platform)
    altered = body.replace(OPEN.adherent.encode(), b"OUVERT02")
    assert altered != body
    response = send(platform, signed(counter, body), altered)
    assert (response.status_code, refusal(response)) == (401, "signature")
    redigested = signed(counter, body) | {"Content-Digest": signed(counter, altered)["Content-Digest"]}
    assert refusal(send(platform, redigested, altered)) == "signature"
    assert ledger(platform) == before


def test_a_signature_for_another_address_gets_nothing(platform: Platform, counter: Counter) -> None:
    body, before = write_request(KNOWN), ledger(platform)
    headers = counter.device.sign("POST", counter.origin + "/acts/journal", body, int(time.time()))
    headers |= {"Cookie": f"__Host-rempart={counter.session}", "Content-Type": "application/fhir+json"}
    assert refusal(send(platform, headers, body)) == "signature"
    elsewhere = counter.device.sign("POST", "https://evil.example" + RIGHTS, body, int(time.time()))
    assert refusal(send(platform, headers | elsewhere, body)) == "signature"
    assert ledger(platform) == before


def at_the_socket(platform: Platform, *acts: Act) -> list[Reply]:
    """What a lying door would do: speak to the vault directly."""

    async def speak() -> list[Reply]:
        client = VaultClient(platform.run_folder / "door.sock")
        try:
            return [await client.call(act) for act in acts]
        finally:
            await client.close()

    return asyncio.run(speak())


def test_a_door_that_forges_an_account_gets_nothing(platform: Platform, counter: Counter) -> None:
    before, own_key = ledger(platform), DeviceKey.generate()
    body, now = write_request(KNOWN), int(time.time())
    honest = counter.device.act(counter.origin, RIGHTS, body, now, counter.session)
    forged = [
        own_key.act(counter.origin, RIGHTS, body, now, counter.session),
        own_key.act(counter.origin, RIGHTS, body, now, "a session of my own"),
        own_key.act(counter.origin, RIGHTS, body, now, ""),
        msgspec.structs.replace(honest, body=write_request(msgspec.structs.replace(KNOWN, adherent="N7"))),
        msgspec.structs.replace(honest, target=RIGHTS + "?x"),
        msgspec.structs.replace(honest, method="GET"),
        msgspec.structs.replace(honest, session="another"),
        msgspec.structs.replace(honest, signature="rempart=:" + "A" * 86 + "==:"),
    ]
    assert all(isinstance(reply, Refused) for reply in at_the_socket(platform, *forged))
    assert ledger(platform) == before


def test_a_door_may_not_send_what_the_operator_may(platform: Platform) -> None:
    from rempart.vaultdoor.client import VaultUnreachable
    from rempart.vaultdoor.messages import IssueCode

    async def speak() -> None:
        client = VaultClient(platform.run_folder / "door.sock")
        try:
            await client.call(IssueCode("somebody", "activation"))
        finally:
            await client.close()

    with pytest.raises(VaultUnreachable):
        asyncio.run(speak())


ABSENCES = {
    "unknown member": msgspec.structs.replace(KNOWN, adherent="INCONNU"),
    "wrong birth date": msgspec.structs.replace(KNOWN, birth_date=BORN.replace(day=1)),
    "wrong rank": msgspec.structs.replace(KNOWN, rank=2),
    "unknown insurer": msgspec.structs.replace(KNOWN, amc="99999999"),
    "unknown NIR": Presentation(Lane.VITALE, AMC, "", NIR, BORN.replace(day=2), 1, Domain.PHAR),
}


def test_every_absence_is_one_answer_in_content_and_length(platform: Platform, counter: Counter) -> None:
    open_lines(platform)
    bodies = []
    for absence in ABSENCES.values():
        body = write_request(absence)
        response = send(platform, signed(counter, body), body)
        assert response.status_code == 200
        bodies.append(response.content)
    told = write_request(KNOWN)
    assert {len(body) for body in bodies} == {len(send(platform, signed(counter, told), told).content)}
    stripped = []
    for body in bodies:
        answer = json.loads(body)
        for own in ("created", "request", "extension", "insurer", "contained"):
            del answer[own]
        stripped.append(answer)
    assert all(answer == stripped[0] for answer in stripped)


def test_hit_and_miss_have_frames_of_one_length(platform: Platform, counter: Counter) -> None:
    open_lines(platform)
    acts = [
        counter.device.act(counter.origin, RIGHTS, write_request(one), int(time.time()), counter.session)
        for one in (KNOWN, *ABSENCES.values())
    ]
    replies = at_the_socket(platform, *acts)
    assert all(isinstance(reply, Answer) for reply in replies)
    assert len({len(msgspec.msgpack.encode(ReplyEnvelope(1, reply))) for reply in replies}) == 1


def test_at_the_end_of_the_line_hit_and_miss_are_refused_alike(platform: Platform, counter: Counter) -> None:
    open_lines(platform)
    # A line of 120 units, one a person, room for a miss (5) required: the 116th is the last.
    for number in range(116):
        counter.check(msgspec.structs.replace(KNOWN, adherent=f"N{number}"))
    with pytest.raises(DoorRefused, match="429"):
        counter.check(msgspec.structs.replace(KNOWN, adherent="N116"))
    before = ledger(platform)
    bodies = []
    for one in (KNOWN, msgspec.structs.replace(KNOWN, adherent="N1900"), *ABSENCES.values()):
        body = write_request(one)
        response = send(platform, signed(counter, body), body)
        assert response.status_code == 429
        bodies.append(response.content)
    assert len(set(bodies)) == 1
    assert ledger(platform) == before
    open_lines(platform)


def test_a_robot_on_a_live_session_is_asked_for_a_passkey_that_it_has_not(
    platform: Platform, counter: Counter
) -> None:
    """Thirty units an hour at a pharmacy's counter; then the person touches the key, which opens fifteen more."""
    people = (msgspec.structs.replace(KNOWN, adherent=f"N{number}") for number in range(600, 900))
    for _ in range(30):
        counter.check(next(people))
    before = ledger(platform)
    for _ in range(20):
        with pytest.raises(DoorRefused, match="403"):
            counter.check(next(people))
    assert ledger(platform) == before
    counter.confirm()
    for _ in range(15):
        counter.check(next(people))
    with pytest.raises(DoorRefused, match="403"):
        counter.check(next(people))
    assert ledger(platform) == before + 15
    open_lines(platform)


def test_a_pace_touch_does_not_open_passkey_add_for_malware(platform: Platform, counter: Counter) -> None:
    """Malware in the browser has the session, the device key, and the honest touch of a moment ago."""
    with platform.database.connect() as owner:
        # The last sign-in's five minutes are over, and the counter is at its pace.
        owner.execute("UPDATE vault.session SET proven = 0")
        owner.execute(
            "UPDATE vault.meter SET hour[1] = 30, hour_slot = %s WHERE kind = 2",
            (system_clock() // HOUR_SLOT,),
        )
    before = ledger(platform)
    with pytest.raises(DoorRefused, match="403"):
        counter.check(KNOWN)
    counter.confirm()
    for path, body in (
        ("/acts/passkey/begin", {}),
        ("/acts/passkey/add", {"nonce": "A" * 43, "credential": {}, "label": "à moi"}),
        ("/acts/device/approve", {"pending": str(uuid.uuid4()), "code": "AAAA-AAAA"}),
        ("/acts/recovery/renew", {}),
    ):
        with pytest.raises(DoorRefused, match="403 step-up"):
            counter.act(path, body)
    assert ledger(platform) == before
    # The touch did what it was for.
    assert counter.check(KNOWN)["insurance"][0]["inforce"]
    assert ledger(platform) == before + 1
    open_lines(platform)


def test_two_requests_racing_for_the_last_unit_are_not_both_told(
    platform: Platform, counter: Counter
) -> None:
    open_lines(platform)
    for number in range(115):
        counter.check(msgspec.structs.replace(KNOWN, adherent=f"N{number}"))
    before = ledger(platform)
    acts = [
        counter.device.act(
            counter.origin,
            RIGHTS,
            write_request(msgspec.structs.replace(KNOWN, adherent=f"N{number}")),
            int(time.time()),
            counter.session,
        )
        for number in range(500, 516)
    ]

    async def race() -> list[Reply]:
        client = VaultClient(platform.run_folder / "door.sock")
        try:
            return list(await asyncio.gather(*[client.call(act) for act in acts]))
        finally:
            await client.close()

    replies = asyncio.run(race())
    assert sum(isinstance(reply, Answer) for reply in replies) == 1
    # Of one device four are under way at once.
    assert {reply.code for reply in replies if isinstance(reply, Refused)} <= {"exhausted", "busy"}
    assert ledger(platform) == before + 1
    open_lines(platform)


def test_hit_and_miss_cannot_be_told_apart_by_time(platform: Platform, counter: Counter) -> None:
    """2,000 interleaved pairs at the vault's socket: a classifier on the duration does no better than AUC 0.55."""

    async def durations() -> tuple[list[float], list[float]]:
        client = VaultClient(platform.run_folder / "door.sock")
        hits: list[float] = []
        misses: list[float] = []
        try:
            for number in range(PEOPLE):
                if number % 15 == 0:
                    await asyncio.to_thread(open_lines, platform)
                known = msgspec.structs.replace(KNOWN, adherent=f"N{number}")
                unknown = msgspec.structs.replace(KNOWN, adherent=f"X{number}")
                pair = [(hits, known), (misses, unknown)]
                # Either goes first as often as the other.
                for measured, presentation in pair if number % 2 else reversed(pair):
                    body = write_request(presentation)
                    act = counter.device.act(counter.origin, RIGHTS, body, int(time.time()), counter.session)
                    started = time.perf_counter()
                    reply = await client.call(act)
                    measured.append(time.perf_counter() - started)
                    assert isinstance(reply, Answer)
                    assert reply.decision.found is (measured is hits)
        finally:
            await client.close()
        return hits, misses

    hits, misses = asyncio.run(durations())
    auc = area_under_curve(hits, misses)
    assert max(auc, 1 - auc) < 0.55, (
        f"AUC {auc:.3f}, medians {statistics.median(hits):.6f} and {statistics.median(misses):.6f}"
    )


def area_under_curve(positives: list[float], negatives: list[float]) -> float:
    """Mann-Whitney: how often a positive is the longer, ties counting half."""
    ranked = sorted([(value, True) for value in positives] + [(value, False) for value in negatives])
    ranks = sum(rank for rank, (_, positive) in enumerate(ranked, start=1) if positive)
    return (ranks - len(positives) * (len(positives) + 1) / 2) / (len(positives) * len(negatives))


def vault_pid(platform: Platform) -> int:
    """The vault's process, by the socket it serves."""
    folder = str(platform.run_folder.parent)
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        words = command.read_bytes().split(b"\0") if command.exists() else []
        if b"rempart.vault" in words and any(folder.encode() in word for word in words):
            return int(command.parent.name)
    raise LookupError("no vault")


def test_a_kill_between_debit_and_answer_counts_and_tells_nothing(
    cluster: TestCluster, tmp_path: Path
) -> None:
    database = cluster.fresh_database()
    with running_platform(database, tmp_path) as platform:
        counter = Counter(platform.origin)
        counter.activate(platform.enrol(platform.enrol_pharmacy("Pharmacie de la Brèche"))[1])
        pid, outcome = vault_pid(platform), []

        def ask() -> None:
            try:
                outcome.append(counter.check(KNOWN))
            except (DoorRefused, httpx.HTTPError) as error:
                outcome.append(error)

        with database.connect() as holder, holder.transaction():
            # The call waits for the ledger's head; the vault is stopped; the database then commits the call; the vault dies.
            holder.execute("SELECT FROM evidence.log FOR UPDATE")
            asking = threading.Thread(target=ask)
            asking.start()
            wait_until(lambda: waiting_for_the_head(database))
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: ledger(platform) == 1)
        os.kill(pid, signal.SIGKILL)
        asking.join()
        assert isinstance(outcome[0], (DoorRefused, httpx.HTTPError))
        with database.connect() as connection:
            spent = connection.execute("SELECT kind, hour[1] FROM vault.meter ORDER BY kind").fetchall()
            subjects = connection.execute("SELECT outcome FROM evidence.entry").fetchall()
        assert spent == [(1, 1), (2, 1), (3, 1)]
        assert subjects == [(1,)]
        restarted = subprocess.Popen(
            [sys.executable, "-m", "rempart.vault", "--config", str(tmp_path / "vault.toml")]
        )
        try:
            wait_until(lambda: answers(counter))
            assert ledger(platform) == 2
        finally:
            restarted.terminate()
            restarted.wait(20)
        counter.close()
    cluster.drop(database)


def test_an_act_replayed_after_a_restart_of_the_vault_is_not_done_again(
    cluster: TestCluster, tmp_path: Path
) -> None:
    """The device's clock runs four seconds ahead, so that the restarted vault finds the request fresh and not older than itself."""
    database = cluster.fresh_database()
    with running_platform(database, tmp_path) as platform:
        counter = Counter(platform.origin)
        counter.activate(platform.enrol(platform.enrol_pharmacy("Pharmacie du Retour"))[1])
        ahead = int(time.time()) + 4
        act = counter.device.act(counter.origin, "/acts/recovery/renew", {}, ahead, counter.session)
        assert isinstance(at_the_socket(platform, act)[0], RecoveryCodes)
        pid = vault_pid(platform)
        os.kill(pid, signal.SIGKILL)
        restarted = subprocess.Popen(
            [sys.executable, "-m", "rempart.vault", "--config", str(tmp_path / "vault.toml")]
        )
        try:
            wait_until(lambda: answers(counter))
            replies = at_the_socket(platform, act)
            assert isinstance(replies[0], Refused)
            assert replies[0].code == "stale"
        finally:
            restarted.terminate()
            restarted.wait(20)
        counter.close()
    cluster.drop(database)


def answers(counter: Counter) -> bool:
    try:
        return bool(counter.check(KNOWN)["preAuthRef"])
    except DoorRefused:
        return False


def waiting_for_the_head(database: Database) -> bool:
    with database.connect() as connection:
        row = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return row != (0,)


def wait_until(condition: Any, seconds: float = 20) -> None:
    """Poll with a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        threading.Event().wait(0.05)


def test_no_nir_no_birth_date_no_name_in_any_response_log_or_column(
    platform: Platform, counter: Counter
) -> None:
    open_lines(platform)
    vitale = Presentation(Lane.VITALE, AMC, "", NIR, BORN, 1, Domain.PHAR)
    responses = []
    for one in (vitale, KNOWN, *ABSENCES.values()):
        # A miss by the *vitale* lane weighs 50.
        open_lines(platform)
        responses.append(json.dumps(counter.check(one)))
    malformed = write_request(vitale).replace(b'"active"', b'"actif"')
    responses.append(send(platform, signed(counter, malformed), malformed).text)
    secrets = [NIR, NIR[:13], OPEN.adherent, BORN.isoformat(), BORN.strftime("%d/%m/%Y")]
    log = (platform.run_folder.parent / "processes.log").read_text()
    stored = columns(platform.database)
    for secret in secrets:
        assert not any(secret in response for response in responses), secret
        assert secret not in log
        assert secret not in stored, secret


def columns(database: Database) -> str:
    """Everything that the database holds, as text."""
    with database.connect() as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        rows = []
        for schema, table in tables:
            rows += [
                str(row)
                for row in connection.execute(f'SELECT t::text FROM "{schema}"."{table}" t').fetchall()
            ]
    return "\n".join(rows)


def test_the_engagement_verifies_with_the_published_keys_and_names_its_leaf(
    platform: Platform, counter: Counter
) -> None:
    from joserfc import jws
    from joserfc.jwk import KeySet

    from rempart.evidence.merkle import leaf_hash

    told = counter.check(KNOWN)
    receipt = next(e["valueString"] for e in told["extension"] if "valueString" in e)
    keys = KeySet.import_key_set(
        httpx.get(f"{platform.origin}/.well-known/jwks.json", trust_env=False).json()
    )
    claims = json.loads(jws.deserialize_compact(receipt, keys).payload)
    assert claims["jti"] == told["preAuthRef"]
    with platform.database.connect() as connection:
        row = connection.execute(
            "SELECT commitment FROM evidence.leaf WHERE index = %s", (claims["log"]["index"],)
        ).fetchone()
    assert row is not None
    import base64

    assert base64.urlsafe_b64encode(leaf_hash(row[0])).rstrip(b"=").decode() == claims["log"]["leaf"]


def test_a_vault_whose_database_went_away_says_no_and_comes_back(
    platform: Platform, counter: Counter
) -> None:
    """Its connections are cut: nothing is told without the ledger; the next request finds them open again."""
    open_lines(platform)
    with platform.database.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rempart_vault'"
        )
    before = ledger(platform)
    wait_until(lambda: answers(counter))
    assert ledger(platform) == before + 1
