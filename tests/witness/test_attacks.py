"""What a log may try with a witness, over HTTP, on a real process: C2SP tlog-witness, status by status."""

import base64
import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rempart.evidence.cosignature import open_cosigned
from rempart.evidence.merkle import EMPTY_ROOT, leaf_hash, nodes_in_memory, prove_consistency, root
from rempart.evidence.note import Checkpoint, SignerKey, sign_checkpoint
from rempart.witness import application
from tests.evidence.test_cosignature import verify_by_hand
from tests.witness.process import WitnessProcess, make_witness, running_witness

ORIGIN = "rempart.example/ledger"
KEY = SignerKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"l" * 32))
OTHER = SignerKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"o" * 32))


@dataclass
class Log:
    """An honest log, or one that is not."""

    leaves: list[bytes] = field(default_factory=list)
    key: SignerKey = KEY

    def grow(self, *names: str) -> "Log":
        """The same log, longer."""
        return Log([*self.leaves, *(leaf_hash(name.encode()) for name in names)], self.key)

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint(self.key.name, len(self.leaves), root(self.leaves))

    def proof(self, old: int) -> list[bytes]:
        return prove_consistency(nodes_in_memory(self.leaves), old, len(self.leaves)) if old else []

    def submission(self, old: int, proof: Sequence[bytes] | None = None) -> bytes:
        lines = [
            f"old {old}",
            *(base64.b64encode(h).decode() for h in (self.proof(old) if proof is None else proof)),
            "",
        ]
        return "".join(f"{line}\n" for line in lines).encode() + sign_checkpoint(self.checkpoint, self.key)


FIRST = Log().grow("a", "b", "c")
LONGER = FIRST.grow("d", "e", "f", "g")


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[WitnessProcess]:
    with running_witness(tmp_path / "w", "witness.example/w1", KEY.verifier().text()) as started:
        yield started


def submit(witness: WitnessProcess, body: bytes) -> tuple[int, bytes]:
    response, answer = witness.ask("POST", "/add-checkpoint", body)
    return response.status, answer


def state(witness: WitnessProcess) -> dict[str, dict[str, object]]:
    found = json.loads((witness.folder / "state.json").read_bytes())
    assert isinstance(found, dict)
    return found


def test_what_an_honest_log_gets(witness: WitnessProcess) -> None:
    assert submit(witness, FIRST.submission(0))[0] == 200
    status, line = submit(witness, LONGER.submission(3))
    assert status == 200
    note = sign_checkpoint(LONGER.checkpoint, KEY) + line
    cosigned = open_cosigned(note, KEY.verifier(), [witness.key])
    assert cosigned.checkpoint.size == 7
    cosigned.require(1)
    assert verify_by_hand(note.decode(), "witness.example/w1", witness.key.public) > 1_700_000_000
    # Again: the same tree, a newer cosignature.
    assert submit(witness, LONGER.submission(7))[0] == 200
    response, last = witness.ask("GET", f"/checkpoint?origin={ORIGIN}")
    assert response.status == 200
    assert open_cosigned(last, KEY.verifier(), [witness.key]).checkpoint == LONGER.checkpoint
    assert witness.ask("GET", "/checkpoint?origin=nobody")[0].status == 404


def test_a_fork_is_refused(witness: WitnessProcess) -> None:
    assert submit(witness, LONGER.submission(0))[0] == 200
    kept = state(witness)
    fork = FIRST.grow("d", "e", "f", "rewritten", "g", "h")
    assert submit(witness, fork.submission(7))[0] == 422
    # Another tree of the same size, with and without a proof.
    same = FIRST.grow("d", "e", "f", "rewritten")
    response, answer = witness.ask("POST", "/add-checkpoint", same.submission(7))
    assert (response.status, answer, response.headers["Content-Type"]) == (409, b"7\n", "text/x.tlog.size")
    assert state(witness) == kept


def test_a_shrink_is_refused(witness: WitnessProcess) -> None:
    assert submit(witness, LONGER.submission(0))[0] == 200
    kept = state(witness)
    for old in (0, 3):
        response, answer = witness.ask("POST", "/add-checkpoint", FIRST.submission(old))
        assert (response.status, answer, response.headers["Content-Type"]) == (
            409,
            b"7\n",
            "text/x.tlog.size",
        )
    assert submit(witness, FIRST.submission(7, []))[0] == 400
    assert state(witness) == kept


def test_another_logs_key_is_refused(witness: WitnessProcess) -> None:
    assert submit(witness, Log(FIRST.leaves, OTHER).submission(0))[0] == 403
    # With the trusted key's line beside it the same checkpoint is the log's own.
    body = FIRST.submission(0)
    stranger = sign_checkpoint(FIRST.checkpoint, OTHER).rpartition(b"\n\n")[2]
    assert submit(witness, body + stranger)[0] == 200
    # But a note on which the trusted key's own line is wrong is refused whole.
    broken = bytearray(LONGER.submission(3))
    broken[-3] ^= 1
    assert submit(witness, bytes(broken))[0] in {400, 403}
    assert state(witness)[ORIGIN]["size"] == 3


def test_an_unknown_log_is_refused(witness: WitnessProcess) -> None:
    unknown = SignerKey("rempart.example/another", KEY.private)
    assert submit(witness, Log(FIRST.leaves, unknown).submission(0))[0] == 404
    assert state(witness) == {}


@pytest.mark.parametrize("change", ["missing", "longer", "swapped", "from nothing"])
def test_a_wrong_proof_is_refused(witness: WitnessProcess, change: str) -> None:
    if change == "from nothing":
        assert submit(witness, LONGER.submission(0, LONGER.proof(3)))[0] == 422
        assert submit(witness, Log().submission(0))[0] == 200
        return
    assert submit(witness, FIRST.submission(0))[0] == 200
    proof = LONGER.proof(3)
    wrong = {
        "missing": proof[:-1],
        "longer": [*proof, proof[0]],
        "swapped": [proof[1], proof[0], *proof[2:]],
    }[change]
    assert submit(witness, LONGER.submission(3, wrong))[0] == 422
    assert state(witness)[ORIGIN]["size"] == 3


def test_an_empty_tree_with_a_root_is_refused(witness: WitnessProcess) -> None:
    forged = sign_checkpoint(Checkpoint(ORIGIN, 0, leaf_hash(b"x")), KEY)
    assert submit(witness, b"old 0\n\n" + forged)[0] == 422
    assert submit(witness, b"old 0\n\n" + sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), KEY))[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        b"", b"old 0", b"old 0\n", b"old 00\n\n", b"old -1\n\n", b"old 0 \n\n", b"old 9223372036854775808\n\n", b"new 0\n\n", b"\n\n",
        b"old 0\nnot base64\n\n", b"old 0\nAAAA\n\n", b"old 0\n\xff\n\n", b"old 0\n" + b"A" * 43 + b"=\n" * 64 + b"\n",
    ],
)  # fmt: skip
def test_a_malformed_request_is_refused(witness: WitnessProcess, body: bytes) -> None:
    assert submit(witness, body)[0] == 400
    assert submit(witness, body + sign_checkpoint(FIRST.checkpoint, KEY))[0] == 400
    assert state(witness) == {}


def test_a_body_without_end_is_cut(witness: WitnessProcess) -> None:
    assert submit(witness, b"old 0\n" + b"x" * application.MAX_BODY)[0] == 413


def test_a_slow_body_is_cut_and_delays_nobody(witness: WitnessProcess) -> None:
    with socket.create_connection(("127.0.0.1", witness.port), timeout=20) as slow:
        slow.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 1000\r\n\r\nold 0\n")
        assert submit(witness, FIRST.submission(0))[0] == 200
        assert slow.recv(12) == b"HTTP/1.1 413"


def test_two_submissions_at_once_never_roll_the_log_back(witness: WitnessProcess) -> None:
    """The race that C2SP describes: both judged against 3 leaves, the shorter one recorded last."""
    assert submit(witness, FIRST.submission(0))[0] == 200
    shorter = FIRST.grow("d")
    connections = [http.client.HTTPConnection("127.0.0.1", witness.port, timeout=20) for _ in range(8)]
    for number, connection in enumerate(connections):
        log = LONGER if number % 2 else shorter
        connection.request("POST", "/add-checkpoint", log.submission(3))
    statuses = [connection.getresponse().status for connection in connections]
    for connection in connections:
        connection.close()
    assert statuses.count(200) == 1
    assert statuses.count(409) == 7
    assert state(witness)[ORIGIN]["size"] == (LONGER if statuses.index(200) % 2 else shorter).checkpoint.size


def test_a_witness_killed_after_its_answer_still_refuses_a_shrink(witness: WitnessProcess) -> None:
    assert submit(witness, LONGER.submission(0))[0] == 200
    witness.kill()
    witness.start()
    assert submit(witness, FIRST.submission(0)) == (409, b"7\n")


def test_a_witness_that_cannot_remember_cosigns_nothing(witness: WitnessProcess) -> None:
    assert submit(witness, FIRST.submission(0))[0] == 200
    # A folder where the new state would be staged: no write can succeed, whoever runs this.
    (witness.folder / ".state.json.part").mkdir()
    assert submit(witness, LONGER.submission(3))[0] == 503
    (witness.folder / ".state.json.part").rmdir()
    assert submit(witness, LONGER.submission(3))[0] == 200


def test_a_witness_that_lost_its_memory_does_not_start(tmp_path: Path) -> None:
    witness = make_witness(tmp_path / "w", "witness.example/w1", KEY.verifier().text())
    (witness.folder / "state.json").unlink()
    command = [sys.executable, "-m", "rempart.witness", "--config", str(witness.folder / "witness.toml")]
    started = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (started.returncode, "witness-state" in started.stderr) == (1, True)


def test_the_commands_make_a_witness_that_says_what_it_trusts(tmp_path: Path) -> None:
    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "rempart.cli", "witness", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    folder = str(tmp_path / "w")
    vkey = run("init", folder, "--name", "witness.example/w9").stdout.strip()
    assert vkey.startswith("witness.example/w9+")
    assert run("init", folder, "--name", "witness.example/w9").returncode == 1
    assert run("trust", folder, vkey).returncode == 1, "a witness is no log"
    assert run("trust", folder, KEY.verifier().text()).returncode == 0
    assert run("show", folder).stdout.splitlines() == [vkey, f"{KEY.verifier().text()}  nothing cosigned yet"]
