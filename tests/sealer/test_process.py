"""The sealer as a process, and the commands that feed it."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from rempart.cli import intake as commands
from rempart.cli.commands import command_line
from rempart.foundation.settings import SealerSettings, write_settings
from rempart.foundation.vocabulary import Lane
from rempart.intake.envelope import seal_file
from rempart.intake.model import Kind
from rempart.intake.upload import sign_upload
from rempart.supervisor.home import Home
from rempart.vaultdoor.card_text import read_card_text
from tests.sealer.conftest import Zone, full, member
from tests.sealer.test_cards import asked_for, published, request, scanned


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


@pytest.fixture
def home(zone: Zone, key_store: Path, tmp_path: Path) -> Iterator[Home]:
    """An installation's folder with a sealer at work, on the zone's database."""
    made = Home.at(tmp_path / "v")
    made.prepare()
    made.operator_dsn.write_text(zone.database.dsn("operator") + "\n")
    (key_store / "passphrase").chmod(0o600)
    settings = SealerSettings(
        mode="demo", dsn=zone.database.dsn("sealer"), run_folder=made.run, key_store=key_store / "store.json",
        spool_folder=made.spool, passphrase_file=key_store / "passphrase", cards_folder=made.outbox / "cards",
        origin="http://localhost:8000", offline_file=made.folder / "offline-cards.json",
    )  # fmt: skip
    write_settings(settings, made.config_file("sealer"))
    command = [sys.executable, "-m", "rempart.sealer", "--config", str(made.config_file("sealer"))]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        until((made.run / "sealer.sock").exists)
        yield made
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        assert process.stderr is not None
        process.stderr.close()
        process.wait()


def rempart(*words: str) -> Result:
    app = {"intake": commands.app, "insurer": commands.insurer}[words[0]]
    # The console took its width from the environment when it was made; runners of tests set one.
    commands.console.width = 200
    return CliRunner().invoke(app, words[1:])


def test_from_an_insurer_s_desk_to_cards_in_its_hands(zone: Zone, home: Home, tmp_path: Path) -> None:
    desk = tmp_path / "desk"
    signing, notice = rempart("insurer", "new-keys", str(desk)).stdout.split()[1::2]
    zone.owner.execute(
        "UPDATE vault.insurer SET signing_key = %s, notice_key = %s WHERE amc = '99000001'",
        (base64.b64decode(signing), base64.b64decode(notice)),
    )
    files = {
        "members": ("full", full(member(1, card="3"), optional=("card",))),
        "cards": ("cards", request(asked_for(1, card="3"), asked_for(2))),
    }
    for name, (kind, content) in files.items():
        (desk / name).write_bytes(content)
        sealed = rempart(
            "insurer", "seal-file", str(desk / name), "--amc", "99000001", "--kind", kind, "--sequence", "1",
            "--key", str(desk / "signing.key"), "--recipient", zone.recipient,
        )  # fmt: skip
        assert sealed.exit_code == 0, sealed.stderr
        told = rempart("intake", "load", str(desk / f"{name}.rempart"), "--folder", str(home.folder))
        assert told.exit_code == 0, told.stdout
    assert "line 3, card: card-unknown" in told.stdout
    (package,) = (home.outbox / "cards").iterdir()
    (desk / "jwks.json").write_text(json.dumps(published(zone)))
    arguments = ["insurer", "cards-open", str(package), "--key", str(desk / "notice.key")]
    opened = CliRunner().invoke(
        command_line(["insurer"]), [*arguments, "--platform", str(desk / "jwks.json")]
    )
    assert opened.exit_code == 0, opened.output
    with zipfile.ZipFile(f"{package}.zip") as archive:
        card = read_card_text(scanned(archive.read("000002.pdf")))
    assert zone.look(member(1), Lane.SECRET, secret=card.secret)


def test_from_an_insurer_s_desk_to_a_generation(zone: Zone, home: Home, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(home.run / "sealer.sock"))
        assert json.loads(caller.makefile().readline()) == {"ready": True}
    # 1. the insurer makes keys and an envelope
    desk = tmp_path / "desk"
    keys = rempart("insurer", "new-keys", str(desk))
    assert keys.exit_code == 0, keys.stderr
    assert (desk / "signing.key").stat().st_mode & 0o777 == 0o600
    signing = base64.b64decode(keys.stdout.split()[1])
    zone.owner.execute("UPDATE vault.insurer SET signing_key = %s WHERE amc = '99000001'", (signing,))
    recipient = rempart("intake", "recipient", "--folder", str(home.folder)).stdout.strip()
    assert recipient == zone.recipient
    (desk / "members.csv").write_bytes(full(*[member(n) for n in range(30)], member(40, product="GONE")))
    sealed = rempart(
        "insurer", "seal-file", str(desk / "members.csv"), "--amc", "99000001", "--kind", "full", "--sequence", "1",
        "--key", str(desk / "signing.key"), "--recipient", recipient,
    )  # fmt: skip
    assert sealed.exit_code == 0, sealed.stderr
    # 2. the operator takes it in
    loaded = rempart(
        "intake", "load", str(desk / "members.csv.rempart"), "--folder", str(home.folder), "--sender", "anne"
    )
    assert loaded.exit_code == 0, loaded.stderr
    assert "30 persons, 1 rejected" in loaded.stdout
    assert "line 32, product: product-unknown" in loaded.stdout
    assert zone.look(member(7)) is not None
    # 3. a second file that many leave waits for a second person
    (desk / "members.csv").write_bytes(full(*[member(n) for n in range(20)]))
    zone_key = Ed25519PrivateKey.from_private_bytes(base64.b64decode((desk / "signing.key").read_bytes()))
    seal_file(desk / "members.csv", desk / "two", "99000001", Kind.FULL, 2, zone_key, recipient, zone.clock())
    waiting = rempart("intake", "load", str(desk / "two"), "--folder", str(home.folder), "--sender", "anne")
    assert "waiting (many-leaving)" in waiting.stdout
    delivery = waiting.stdout.split("(delivery ")[1][:32]
    same = rempart("intake", "approve", delivery, "--by", "anne", "--folder", str(home.folder))
    assert same.exit_code == 1
    assert "same-person" in same.stderr
    approved = rempart("intake", "approve", delivery[:10], "--by", "bruno", "--folder", str(home.folder))
    assert "loaded" in approved.stdout, approved.stderr
    assert zone.look(member(25)) is None
    # 4. sent again, it is refused, and the list says so
    again = rempart("intake", "load", str(desk / "two"), "--folder", str(home.folder))
    assert again.exit_code == 1
    assert "already-taken" in again.stdout
    listed = rempart("intake", "status", "--folder", str(home.folder)).stdout
    assert [listed.count(state) for state in ("loaded", "refused")] == [3, 1]


def test_two_sealers_never_work_on_one_database(zone: Zone, home: Home) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "rempart.sealer", "--config", str(home.config_file("sealer"))],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert second.returncode == 1
    assert "another-sealer" in second.stderr


def upload(
    zone: Zone, body: bytes, key: Ed25519PrivateKey, origin: str = "http://localhost:8000"
) -> dict[str, Any]:
    import hashlib

    signed = sign_upload(
        "/intake/99000001/a.rempart", origin, hashlib.sha256(body).digest(), key, zone.clock()
    )
    delivery = zone.put(
        body, sender="upload", amc="99000001", filename="a.rempart", method=signed.method, target=signed.target,
        content_digest=signed.content_digest, signature_input=signed.signature_input, signature=signed.signature,
        received=zone.clock(),
    )  # fmt: skip
    return zone.work(delivery)


def test_an_upload_is_verified_in_the_vault_s_zone(zone: Zone) -> None:
    body = zone.seal(full(member(1)), Kind.FULL)
    mine = zone.insurers["99000001"].signing
    assert upload(zone, body, Ed25519PrivateKey.generate())["code"] == "signature"
    assert upload(zone, body, mine, "https://elsewhere.example")["code"] == "signature"
    assert zone.work(zone.put(body, sender="upload", received=zone.clock()))["code"] == "signature"
    assert zone.insurer().generation == 0
    assert upload(zone, body, mine)["state"] == "loaded"


def test_a_door_that_lays_traps_in_the_spool_gets_nothing(zone: Zone) -> None:
    secret = zone.folder / "secret"
    secret.write_text("not for the spool")
    lured, piped, noted = "a" * 32, "b" * 32, "c" * 32
    for name in (lured, piped):
        (zone.spool.folder / f"{name}.json").write_text("{}")
    (zone.spool.folder / f"{lured}.bin").symlink_to(secret)
    os.mkfifo(zone.spool.folder / f"{piped}.bin")
    os.mkfifo(zone.spool.folder / f"{noted}.json")
    (zone.spool.folder / f"{noted}.status").symlink_to(secret)
    mine = zone.send(full(member(1)), Kind.FULL)
    zone.rounds.step()
    assert zone.told(mine)["state"] == "loaded"
    assert secret.read_text() == "not for the spool"
    assert list(zone.spool.own.iterdir()) == []
    assert [path.suffix for path in zone.spool.folder.iterdir() if path.stem in {lured, piped}] == []


@pytest.mark.parametrize("note", [b"", b"[]", b'{"delivery": 3}', b"\xff", b"{" * 20_000])
def test_a_note_that_says_nothing_is_an_upload_without_signature(zone: Zone, note: bytes) -> None:
    delivery = zone.put(zone.seal(full(member(1)), Kind.FULL))
    (zone.spool.folder / f"{delivery}.json").write_bytes(note)
    assert zone.work(delivery)["code"] == "signature"


def test_what_verifies_offline_cards_is_there_as_soon_as_the_sealer_works(home: Home) -> None:
    file = home.folder / "offline-cards.json"
    until(file.exists)
    published = json.loads(file.read_bytes())
    assert (published["issuer"], published["lists"]) == ("http://localhost:8000", [])
    assert [key["use"] for key in published["keys"]] == ["sig"]
