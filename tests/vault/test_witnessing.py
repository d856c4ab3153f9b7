"""The ledger before its witnesses, which are real processes, or hostile ones."""
# ruff: noqa: F811 (fixtures)

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server
from typing import Self

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.evidence import store, tiles
from rempart.evidence.cosignature import Cosigner, open_cosigned
from rempart.evidence.errors import WitnessesRefused
from rempart.evidence.merkle import root
from rempart.evidence.note import Checkpoint as Of
from rempart.evidence.note import SignerKey, sign_checkpoint
from rempart.evidence.proof import open_proof
from rempart.evidence.tilepath import read_tile_path
from rempart.evidence.witnesses import RECENT
from rempart.vault.keystore import KeyStore
from rempart.vault.witnessing import LATE
from rempart.vault.zone import open_zone
from rempart.vaultdoor.messages import (
    Answer,
    AskProof,
    AskTile,
    Checkpoint,
    Health,
    Healthy,
    LedgerFile,
    Refused,
    SignedCheckpoint,
)
from tests.authenticator import expect
from tests.conftest import Database, TestClock
from tests.evidence.test_cosignature import verify_by_hand
from tests.vault.accounts.conftest import Vault, activated, key_store  # noqa: F401 (a fixture)
from tests.vault.accounts.test_attacks import check_right, refusal
from tests.vault.witnessed import log_key, open_vault, settings_of, until
from tests.witness.process import WitnessProcess, make_witness, running_witness


@pytest.fixture
def pair(tmp_path: Path, key_store: KeyStore) -> Iterator[tuple[WitnessProcess, WitnessProcess]]:
    vkey = log_key(key_store).verifier().text()
    with (
        running_witness(tmp_path / "w1", "w1.example", vkey) as one,
        running_witness(tmp_path / "w2", "w2.example", vkey) as two,
    ):
        yield one, two


@contextmanager
def vault_with(
    lines: list[str],
    database: Database,
    key_store: KeyStore,
    tmp_path: Path,
    clock: TestClock,
) -> Iterator[Vault]:
    folder = tmp_path / "run"
    folder.mkdir(exist_ok=True)
    settings = settings_of(database, folder, witnesses=tuple(lines))
    with open_vault(settings, key_store, database, clock) as vault:
        yield vault


def grow(database: Database, to: int) -> None:
    """Leaves of nobody, as many as asked."""
    with database.connect() as owner:
        owner.execute(
            "INSERT INTO evidence.leaf SELECT n, sha256(n::text::bytea) FROM generate_series((SELECT size FROM evidence.log), %s) n",
            (to - 1,),
        )
        owner.execute("UPDATE evidence.log SET size = %s", (to,))


def published(vault: Vault) -> SignedCheckpoint:
    return expect(SignedCheckpoint, vault.call(Checkpoint()))


def health(vault: Vault) -> Healthy:
    return expect(Healthy, vault.call(Health()))


def test_every_answer_comes_under_a_checkpoint_that_two_witnesses_cosigned(
    pair: tuple[WitnessProcess, WitnessProcess], database: Database, key_store: KeyStore, tmp_path: Path, clock: TestClock
) -> None:  # fmt: skip
    with vault_with([each.line for each in pair], database, key_store, tmp_path, clock) as vault:
        claire = activated(vault, "claire", vault.establishment())
        for _ in range(3):
            expect(Answer, check_right(vault, claire.browser))
        log = log_key(key_store).verifier()

        def covered() -> bool:
            found = vault.zone.witnessing.published
            return found is not None and found[0].size == 3

        until(vault, covered)
        note = published(vault).note
        cosigned = open_cosigned(note.encode(), log, [each.key for each in pair])
        cosigned.require(2)
        for each in pair:
            assert verify_by_hand(note, each.key.name, each.key.public) > 1_700_000_000
        proof = expect(LedgerFile, vault.call(AskProof(2))).body
        assert len(open_proof(proof, log, [each.key for each in pair]).cosignatures) == 2
        # What is exported carries them too.
        with store.reading(database.dsn("operator")) as connection:
            assert store.latest_checkpoint(connection).decode() == note
        assert refusal(vault.call(AskProof(3))) == "ledger-not-yet"
        told = health(vault)
        assert (told.ready, told.heard, told.restored) == (True, True, False)
        assert [(each.size, each.age, each.trouble) for each in told.witnesses] == [(3, 0, "")] * 2
    # A new start goes on from what is stored, before any witness answers again.
    for each in pair:
        each.stop()
    with vault_with([each.line for each in pair], database, key_store, tmp_path, clock) as vault:
        assert published(vault).note == note


def test_a_witness_that_is_down_delays_nobody(
    pair: tuple[WitnessProcess, WitnessProcess], database: Database, key_store: KeyStore, tmp_path: Path, clock: TestClock
) -> None:  # fmt: skip
    # Two that answer, one that is not there, one that takes the connection and then says nothing.
    absent = make_witness(tmp_path / "w3", "w3.example")
    with create_server(("127.0.0.1", 0)) as silent:
        deaf = f"{Cosigner('w4.example', Ed25519PrivateKey.generate()).key().text()} http://127.0.0.1:{silent.getsockname()[1]}"
        lines = [*(each.line for each in pair), absent.line, deaf]
        with vault_with(lines, database, key_store, tmp_path, clock) as vault:
            claire = activated(vault, "claire", vault.establishment())
            begun = time.monotonic()
            for _ in range(3):
                expect(Answer, check_right(vault, claire.browser))
            # Far below the time after which the silent one is given up.
            assert time.monotonic() - begun < 2.5

            def covered() -> bool:
                found = vault.zone.witnessing.published
                return found is not None and found[0].size == 3

            until(vault, covered, seconds=2.5)
            told = health(vault)
            assert told.ready
            assert [each.size for each in told.witnesses] == [3, 3, -1, -1]
            clock.advance(LATE + 1)
            assert [each.age > LATE for each in health(vault).witnesses] == [False, False, True, True]


def test_with_too_few_witnesses_up_the_checkpoint_says_so_after_a_while(
    pair: tuple[WitnessProcess, WitnessProcess], database: Database, key_store: KeyStore, tmp_path: Path, clock: TestClock
) -> None:  # fmt: skip
    with vault_with([each.line for each in pair], database, key_store, tmp_path, clock) as vault:
        pair[1].stop()
        sign, witnessing = vault.zone.checkpoints.sign_if_grown, vault.zone.witnessing

        def signed_by_one(size: int) -> bool:
            return witnessing.watches[0].size == size

        for size in range(1, RECENT + 1):
            grow(database, size)
            vault.runner.run(sign())
            until(vault, lambda size=size: signed_by_one(size))  # type: ignore[misc]
            found = witnessing.published
            assert found is not None
            # The empty log was cosigned by both: so long as it is recent, it is what is published.
            if size < RECENT // 2:
                assert found[0].size == 0
        assert found[0].size == RECENT
        assert published(vault).note.count("—") == 2


def test_nothing_is_disclosed_before_a_witness_has_answered(
    database: Database,
    key_store: KeyStore,
    tmp_path: Path,
    clock: TestClock,
) -> None:
    vkey = log_key(key_store).verifier().text()
    late = make_witness(tmp_path / "w1", "w1.example", vkey)
    with vault_with([late.line], database, key_store, tmp_path, clock) as vault:
        claire = activated(vault, "claire", vault.establishment())
        assert refusal(check_right(vault, claire.browser)) == "outage"
        assert vault.rows("SELECT size FROM evidence.log") == [(0,)]
        told = health(vault)
        assert (told.ready, told.heard) == (False, False)
        late.start()
        try:
            until(vault, lambda: vault.zone.witnessing.heard)
            expect(Answer, check_right(vault, claire.browser))
            assert health(vault).ready
        finally:
            late.stop()


def test_production_with_one_witness_refuses_to_start(
    database: Database,
    key_store: KeyStore,
    tmp_path: Path,
    clock: TestClock,
) -> None:
    def witness(name: str, key: Ed25519PrivateKey) -> str:
        return f"{Cosigner(name, key).key().text()} https://{name}"

    one, two = (
        witness("w1.example", Ed25519PrivateKey.generate()),
        witness("w2.example", Ed25519PrivateKey.generate()),
    )
    own = witness("w3.example", log_key(key_store).private)

    async def start(*lines: str) -> None:
        settings = settings_of(database, tmp_path, mode="production", witnesses=lines)
        zone = await open_zone(settings, clock, key_store)
        zone.witnessing.close()
        await zone.ledger.close()
        await zone.close_pools()

    for lines in ((), (one,), (one, one), (one, own)):
        with pytest.raises(WitnessesRefused):
            asyncio.run(start(*lines))
    asyncio.run(start(one, two))


# ── hostile witnesses ────────────────────────────────────────────────────────────────────────────────────────────────


class Hostile:
    """Answers whatever it likes."""

    def __init__(self, answer: "tuple[int, bytes]") -> None:
        self.key = Cosigner("hostile.example", Ed25519PrivateKey.generate())
        self.answer = answer
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _say(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer = outer.speak(self.command, body)
                outer.asked += 1
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET = _say

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    def speak(self, method: str, _body: bytes) -> tuple[int, bytes]:
        return self.answer if method == "POST" else (404, b"")

    @property
    def line(self) -> str:
        return f"{self.key.key().text()} http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize("answer", [
    (200, b""), (200, b"\xff"), (200, b"no line\n"), (200, "— hostile.example AAAAAAA=\n".encode()), (200, b"x" * 200_000), (500, b""),
    (409, b"many\n"), (409, b"-1\n"), (302, b""), (404, b""), (403, b""), (400, b""),
])  # fmt: skip
def test_a_witness_that_answers_nonsense_gets_nothing_published_under_its_name(
    answer: tuple[int, bytes],
    database: Database,
    key_store: KeyStore,
    tmp_path: Path,
    clock: TestClock,
) -> None:
    with (
        Hostile(answer) as hostile,
        vault_with([hostile.line], database, key_store, tmp_path, clock) as vault,
    ):
        until(vault, lambda: hostile.asked > 1)
        told = health(vault)
        assert (told.heard, told.restored, told.witnesses[0].trouble != "") == (False, False, True)
        assert published(vault).note.count("—") == 1
        assert vault.rows("SELECT * FROM evidence.cosignature") == []


def test_another_keys_cosignature_is_not_taken_for_the_witnesses(
    database: Database,
    key_store: KeyStore,
    tmp_path: Path,
    clock: TestClock,
) -> None:
    other = Cosigner("hostile.example", Ed25519PrivateKey.generate())

    class Impostor(Hostile):
        def speak(self, method: str, body: bytes) -> tuple[int, bytes]:
            text = body.decode().partition("\n\n")[2].rpartition("\n\n")[0] + "\n"
            return 200, other.cosign(text, 1).encode()

    with (
        Impostor((200, b"")) as hostile,
        vault_with([hostile.line], database, key_store, tmp_path, clock) as vault,
    ):
        until(vault, lambda: hostile.asked > 1)
        assert not health(vault).heard
        assert vault.rows("SELECT * FROM evidence.cosignature") == []


def test_a_witness_that_agreed_and_then_claims_more_without_showing_it_closes_nothing(
    database: Database,
    key_store: KeyStore,
    tmp_path: Path,
    clock: TestClock,
) -> None:
    class Liar(Hostile):
        lying = False

        def speak(self, method: str, body: bytes) -> tuple[int, bytes]:
            if method == "GET":
                # A checkpoint of the right name and of another key.
                forged = SignerKey(log_key(key_store).name, Ed25519PrivateKey.generate())
                return 200, sign_checkpoint(Of(forged.name, 99, b"x" * 32), forged)
            text = body.decode().partition("\n\n")[2].rpartition("\n\n")[0] + "\n"
            return (409, b"99\n") if self.lying else (200, self.key.cosign(text, 1).encode())

    with Liar((200, b"")) as liar, vault_with([liar.line], database, key_store, tmp_path, clock) as vault:
        assert vault.zone.witnessing.heard
        liar.lying = True
        claire = activated(vault, "claire", vault.establishment())
        expect(Answer, check_right(vault, claire.browser))
        until(vault, lambda: vault.zone.witnessing.watches[0].trouble == "longer-elsewhere")
        expect(Answer, check_right(vault, claire.browser))
        assert not health(vault).restored


# ── tiles and proofs from the database ───────────────────────────────────────────────────────────────────────────────


def test_tiles_and_proofs_are_those_of_the_exported_folder(
    database: Database,
    key_store: KeyStore,
    tmp_path: Path,
    clock: TestClock,
) -> None:
    log = log_key(key_store).verifier()
    # 70,000 leaves: the example of C2SP tlog-tiles, three levels of tiles.
    grow(database, 600)
    with vault_with([], database, key_store, tmp_path, clock) as vault:
        grow(database, 70_000)
        vault.runner.run(vault.zone.checkpoints.sign_if_grown())
        with store.reading(database.dsn("operator")) as connection:
            note = store.latest_checkpoint(connection)
            tiles.export_tiles(
                tmp_path / "out", store.stream_commitments(connection, batch=10_000), note, log
            )
        files = [path for path in (tmp_path / "out" / "tile").rglob("*") if path.is_file()]
        assert {path.relative_to(tmp_path / "out" / "tile").parts[0] for path in files} == {
            "0",
            "1",
            "2",
            "entries",
        }
        for path in files:
            name = read_tile_path(str(path.relative_to(tmp_path / "out")))
            found = expect(LedgerFile, vault.call(AskTile(name.level, name.number, name.width)))
            assert found.body == path.read_bytes(), path
        for index in (0, 1, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999):
            proof = expect(LedgerFile, vault.call(AskProof(index))).body
            assert proof == tiles.prove_leaf(tmp_path / "out", index, log)
            assert open_proof(proof, log).index == index
        leaves = (tmp_path / "out/tile/0/000").read_bytes()
        with database.connect() as owner:
            rows = owner.execute("SELECT hash, parts FROM evidence.node ORDER BY level, index").fetchall()
        assert rows[0][1] == b"".join(tiles.part_roots(_split(leaves)))
        assert all(root(_split(parts)) == hash_ for hash_, parts in rows)
        for absent in (
            (0, 273, 113),
            (0, 274, 1),
            (1, 1, 18),
            (2, 0, 2),
            (3, 0, 1),
            (-1, 273, 113),
            (-2, 0, 1),
            (0, -1, 1),
            (0, 0, 257),
        ):
            assert refusal(vault.call(AskTile(*absent))) == "not-found"


def _split(data: bytes) -> list[bytes]:
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def test_a_rewritten_inner_hash_proves_nothing(
    database: Database,
    key_store: KeyStore,
    tmp_path: Path,
    clock: TestClock,
) -> None:
    grow(database, 600)
    with vault_with([], database, key_store, tmp_path, clock) as vault:
        with database.connect() as owner:
            assert (
                owner.execute(
                    "UPDATE evidence.node SET hash = sha256('x') WHERE level = 1 AND index = 0"
                ).rowcount
                == 1
            )
        reply = vault.call(AskProof(300))
        assert isinstance(reply, Refused)
        assert reply.code == "proof-refused"


def test_a_tiles_path_has_one_spelling() -> None:
    for good in ("tile/0/000", "tile/63/x001/x234/067.p/1", "tile/entries/000.p/255"):
        assert read_tile_path(good).path == good
    for bad in (
        "tile/0/0", "tile/0/000.p/256", "tile/0/000.p/0", "tile/0/000.p/01", "tile/64/000", "tile/00/000", "tile/0/x000/000", "tile/0/1234",
        "tile/0/../000", "tile/0/000/", "tile/entries/x01/000", "checkpoint", "tile/0/٠٠٠",
    ):  # fmt: skip
        with pytest.raises(Exception, match="no tile has such a path"):
            read_tile_path(bad)
