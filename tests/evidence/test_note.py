"""Signed notes and checkpoints: the bytes other implementations make, and nothing else."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from rempart.evidence.errors import FrontierMalformed, NoteMalformed, NoteRefused, RootMismatch
from rempart.evidence.merkle import Frontier, leaf_hash
from rempart.evidence.note import (
    Checkpoint,
    SignerKey,
    VerifierKey,
    open_checkpoint,
    open_frontier,
    open_note,
    parse_note,
    sign_checkpoint,
    sign_note,
)

# The example of Go's golang.org/x/mod/sumdb/note (BSD-3): private key, verifier key and the note it makes.
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
GO_NOTE = (
    GO_TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()

LOG = SignerKey("rempart.example/ledger", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = SignerKey("rempart.example/ledger", Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
ROOT = bytes(range(100, 132))
NOTE = sign_checkpoint(Checkpoint(LOG.name, 1234, ROOT), LOG)


def test_go_sumdb_note_is_made_and_read_to_the_byte() -> None:
    signer = SignerKey("PeterNeumann", Ed25519PrivateKey.from_private_bytes(GO_SEED))
    assert signer.verifier().text() == GO_KEY
    assert sign_note(GO_TEXT, [signer]) == GO_NOTE
    key = VerifierKey.parse(GO_KEY)
    assert open_note(GO_NOTE, [key]).text == GO_TEXT


def test_the_examples_of_the_specifications_parse() -> None:
    checkpoint = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa "
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    note = parse_note(checkpoint.encode())
    assert Checkpoint.parse(note.text).size == 20852163
    assert note.signatures[0].key_id == bytes.fromhex("033de0ae")
    poem = (
        "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
        "— quasimodo.example/salvatore "
        "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
    )
    assert parse_note(poem.encode()).text.endswith("\n\ned è subito sera.\n")


def test_a_checkpoint_comes_back() -> None:
    assert open_checkpoint(NOTE, LOG.verifier()) == Checkpoint(LOG.name, 1234, ROOT)
    empty = sign_checkpoint(Checkpoint(LOG.name, 0, ROOT), LOG)
    assert empty.decode().split("\n")[1] == "0"
    assert open_checkpoint(empty, VerifierKey.parse(LOG.verifier().text())).size == 0


def test_a_checkpoint_signed_by_another_key_is_refused() -> None:
    with pytest.raises(NoteRefused):
        open_checkpoint(NOTE, OTHER.verifier())


def test_a_signature_of_another_key_under_the_log_s_key_id_is_refused() -> None:
    text, _, _ = NOTE.decode().rpartition("— ")
    forged = LOG.verifier().key_id + OTHER.private.sign(Checkpoint(LOG.name, 1234, ROOT).text().encode())
    note = f"{text}— {LOG.name} {base64.b64encode(forged).decode()}\n".encode()
    with pytest.raises(NoteRefused):
        open_checkpoint(note, LOG.verifier())


def test_a_checkpoint_of_another_log_is_refused_though_the_key_signed_it() -> None:
    with pytest.raises(NoteRefused):
        open_checkpoint(sign_checkpoint(Checkpoint("other.example/log", 1234, ROOT), LOG), LOG.verifier())


def test_unknown_signatures_are_ignored_and_a_wrong_known_one_refuses_the_note() -> None:
    text = Checkpoint(LOG.name, 7, ROOT).text()
    witness = SignerKey("witness.example", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
    both = sign_note(text, [witness, LOG])
    assert open_note(both, [LOG.verifier()]).signed_by == (LOG.verifier(),)
    assert open_note(both, [LOG.verifier(), witness.verifier()]).signed_by == (
        witness.verifier(),
        LOG.verifier(),
    )
    other_text = sign_note(Checkpoint(LOG.name, 8, ROOT).text(), [witness]).decode().split("\n\n")[1]
    mixed = (sign_note(text, [LOG]).decode() + other_text).encode()
    assert open_note(mixed, [LOG.verifier()]).text == text
    with pytest.raises(NoteRefused):
        open_note(mixed, [LOG.verifier(), witness.verifier()])


@given(st.integers(0, len(NOTE) * 8 - 1))
def test_any_single_bit_changed_in_a_checkpoint_is_refused(bit: int) -> None:
    forged = bytearray(NOTE)
    forged[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises((NoteMalformed, NoteRefused)):
        open_checkpoint(bytes(forged), LOG.verifier())


@given(st.binary(max_size=200))
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises((NoteMalformed, NoteRefused)):
        open_checkpoint(data, LOG.verifier())


SIGNATURE = NOTE.decode().split("\n\n")[1]


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\n" + SIGNATURE[:-1],
        "text\n\n" + SIGNATURE + "\n",
        "text\r\n\n" + SIGNATURE,
        "te\x00xt\n\n" + SIGNATURE,
        "text\n\n" + SIGNATURE.replace("— ", "- "),
        "text\n\n" + SIGNATURE.replace("— ", "—  "),
        "text\n\n" + SIGNATURE.replace("ledger", "led+ger"),
        "text\n\n" + SIGNATURE.replace("ledger", "led\u00a0ger"),
        "text\n\n" + SIGNATURE.replace("=", "", 1),
        "text\n\n— name AAAA\n",
        "text\n\n— name AAAAAAB=\n",
        "text\n\n— name \n",
        "text\n\n" + SIGNATURE * 101,
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(NoteMalformed):
        parse_note(note.encode())


def test_sixteen_signatures_are_accepted() -> None:
    assert len(parse_note(("text\n\n" + SIGNATURE * 16).encode()).signatures) == 16


ROOT_LINE = base64.b64encode(ROOT).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"log\n1\n{ROOT_LINE}",
        f"log\n01\n{ROOT_LINE}\n",
        f"log\n+1\n{ROOT_LINE}\n",
        f"log\n-1\n{ROOT_LINE}\n",
        f"log\n１\n{ROOT_LINE}\n",
        f"log\n9223372036854775808\n{ROOT_LINE}\n",
        f"log\n\n{ROOT_LINE}\n",
        f"\n1\n{ROOT_LINE}\n",
        f"log\n1\n{ROOT_LINE}\n\n",
        f"log\n1\n{ROOT_LINE[:-4]}\n",
        "log\n1\n\n",
        "log\n1\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteMalformed):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "name",
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY.replace("c74f20a3", "C74F20A3"),
        GO_KEY.replace("PeterNeumann", "Peter Neumann"),
        GO_KEY.replace("ARpc", "Axpc"),
        GO_KEY[:-4],
        GO_KEY + "\n",
    ],
)
def test_a_malformed_verifier_key_is_refused(key: str) -> None:
    with pytest.raises(NoteMalformed):
        VerifierKey.parse(key)


@pytest.mark.parametrize("text", ["", "no newline", "tab\there\n", "bell\x07\n"])
def test_nothing_is_signed_that_no_note_can_hold(text: str) -> None:
    with pytest.raises(NoteMalformed):
        sign_note(text, [LOG])
    with pytest.raises(NoteMalformed):
        sign_checkpoint(Checkpoint("two\nlines", 1, ROOT), LOG)


def test_a_frontier_planted_in_the_database_is_not_signed_on() -> None:
    honest, planted = Frontier(), Frontier()
    honest.extend(leaf_hash(bytes([number])) for number in range(5))
    planted.extend(leaf_hash(bytes([number + 1])) for number in range(5))
    note = sign_checkpoint(Checkpoint(LOG.name, 5, honest.root()), LOG)
    assert open_frontier(honest.serialise(), note, LOG.verifier()).root() == honest.root()
    with pytest.raises(RootMismatch):
        open_frontier(planted.serialise(), note, LOG.verifier())
    with pytest.raises(FrontierMalformed):
        open_frontier(b"", note, LOG.verifier())
    forged = sign_checkpoint(Checkpoint(LOG.name, 5, planted.root()), OTHER)
    with pytest.raises(NoteRefused):
        open_frontier(planted.serialise(), forged, LOG.verifier())
