"""Cosignatures are those of other people's witnesses, to the byte."""

import base64
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rempart.evidence.cosignature import (
    Cosigner,
    WitnessKey,
    add_cosignatures,
    open_cosigned,
    read_cosignatures,
)
from rempart.evidence.errors import NoteMalformed, NoteRefused, WitnessesRefused
from rempart.evidence.keyfile import make_person_key, make_witness_key, read_person_key, read_witness_key
from rempart.evidence.note import Checkpoint, SignerKey, VerifierKey, sign_checkpoint
from rempart.evidence.witnesses import publication_rank, read_witnesses, require_witnesses

# A checkpoint of a public Certificate Transparency log, as four public witnesses cosigned it, and their published keys.
PUBLIC = """arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
"""  # noqa: E501 (as published)
WITNESSES = [
    WitnessKey.parse(text)
    for text in (
        "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
        "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
    )
]
LOG = SignerKey("example.com/behind-the-sofa", Ed25519PrivateKey.from_private_bytes(b"l" * 32))
OURS = Cosigner("witness.example.com/w1", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
CHECKPOINT = Checkpoint(
    "example.com/behind-the-sofa", 20852163, base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
)
NOTE = sign_checkpoint(CHECKPOINT, LOG)


def test_the_cosignatures_of_four_public_witnesses_verify() -> None:
    found = read_cosignatures(PUBLIC.encode(), WITNESSES)
    assert [each.witness for each in found] == WITNESSES
    assert {each.second for each in found} == {0x6A122120}
    assert all(each.line in PUBLIC for each in found)


def test_a_public_cosignature_on_another_size_is_refused() -> None:
    for witness in WITNESSES:
        with pytest.raises(NoteRefused):
            read_cosignatures(PUBLIC.replace("1432088532", "1432088533").encode(), [witness])


def verify_by_hand(note: str, name: str, public: bytes) -> int:
    """C2SP tlog-cosignature written anew from the text, with nothing of ours. Gives the timestamp."""
    text, _, lines = note.rpartition("\n\n")
    key_id = sha256(name.encode() + b"\n\x04" + public).digest()[:4]
    (blob,) = [
        base64.b64decode(line.split(" ")[2])
        for line in lines.splitlines()
        if line.startswith(f"— {name} ") and base64.b64decode(line.split(" ")[2])[:4] == key_id
    ]
    assert len(blob) == 4 + 8 + 64
    timestamp = int.from_bytes(blob[4:12], "big")
    message = b"cosignature/v1\ntime " + str(timestamp).encode() + b"\n" + text.encode() + b"\n"
    Ed25519PublicKey.from_public_bytes(public).verify(blob[12:], message)
    return timestamp


def test_a_checkpoint_cosigned_by_us_verifies_by_hand() -> None:
    note = add_cosignatures(NOTE.decode(), [OURS.cosign(CHECKPOINT.text(), 1_679_315_147)])
    assert verify_by_hand(note, OURS.name, OURS.key().public) == 1_679_315_147
    with pytest.raises(InvalidSignature):
        verify_by_hand(note.replace("20852163", "20852164"), OURS.name, OURS.key().public)
    # And the same reading by hand is the public witnesses' one.
    assert {verify_by_hand(PUBLIC, each.name, each.public) for each in WITNESSES} == {0x6A122120}


def test_a_note_is_cosigned_by_the_expected_witnesses_or_not() -> None:
    stranger = Cosigner("stranger.example/w", Ed25519PrivateKey.from_private_bytes(b"s" * 32))
    lines = [OURS.cosign(CHECKPOINT.text(), 10), stranger.cosign(CHECKPOINT.text(), 11)]
    note = add_cosignatures(NOTE.decode(), lines).encode()
    cosigned = open_cosigned(note, LOG.verifier(), [OURS.key()])
    assert [each.witness.name for each in cosigned.cosignatures] == [OURS.name]
    cosigned.require(1)
    with pytest.raises(NoteRefused):
        cosigned.require(2)


def test_one_witness_under_two_names_counts_once() -> None:
    alias = Cosigner("alias.example/w", OURS.private)
    lines = [OURS.cosign(CHECKPOINT.text(), 10), alias.cosign(CHECKPOINT.text(), 11)]
    cosigned = open_cosigned(
        add_cosignatures(NOTE.decode(), lines).encode(), LOG.verifier(), [OURS.key(), alias.key()]
    )
    assert len(cosigned.cosignatures) == 1
    with pytest.raises(WitnessesRefused):
        read_witnesses([f"{OURS.key().text()} https://a.example", f"{alias.key().text()} https://b.example"])


def test_a_logs_key_is_no_witness_and_a_witness_is_no_log() -> None:
    with pytest.raises(NoteMalformed):
        WitnessKey.parse(LOG.verifier().text())
    with pytest.raises(NoteMalformed):
        VerifierKey.parse(OURS.key().text())
    # The same private key under both types: neither signature passes for the other.
    twin = Cosigner(LOG.name, LOG.private)
    assert read_cosignatures(NOTE, [twin.key()]) == ()


def test_a_cosignature_cut_short_or_of_no_time_is_refused() -> None:
    line = OURS.cosign(CHECKPOINT.text(), 10)
    value = base64.b64decode(line.split(" ")[2])
    for changed in (value[:-1], value[:4] + b"\xff" * 8 + value[12:], value[:4] + bytes(8) + value[12:]):
        bad = f"— {OURS.name} {base64.b64encode(changed).decode()}\n"
        with pytest.raises(NoteRefused):
            open_cosigned(NOTE + bad.encode(), LOG.verifier(), [OURS.key()])


def test_production_with_fewer_than_two_foreign_witnesses_is_refused() -> None:
    one = f"{OURS.key().text()} https://w1.example"
    two = f"{Cosigner('w2.example', Ed25519PrivateKey.from_private_bytes(b'2' * 32)).key().text()} https://w2.example/"
    log = LOG.verifier().public
    require_witnesses(read_witnesses([one, two]), "production", log)
    require_witnesses((), "demo", log)
    own = f"{Cosigner('w3.example', LOG.private).key().text()} https://w3.example"
    for lines in ([], [one], [one, own]):
        with pytest.raises(WitnessesRefused):
            require_witnesses(read_witnesses(lines), "production", log)


@pytest.mark.parametrize(
    "url", ["", "ftp://w1.example", "http://w1.example", "https://w1.example/?x", "https://"]
)
def test_a_witness_without_an_address_that_will_do_is_refused(url: str) -> None:
    with pytest.raises(WitnessesRefused):
        read_witnesses([f"{OURS.key().text()} {url}"])


def test_the_quorum_comes_before_the_size() -> None:
    assert max([(7, 1), (5, 2), (6, 3), (8, 0)], key=lambda each: publication_rank(*each)) == (6, 3)


def test_a_key_file_is_read_back_by_its_own_type_alone(tmp_path: Path) -> None:
    person = make_person_key(tmp_path / "person", "anne.example", b"p" * 32)
    witness = make_witness_key(tmp_path / "witness", "w.example", b"w" * 32, "# a remark")
    assert read_person_key(tmp_path / "person").verifier() == person.verifier()
    assert read_witness_key(tmp_path / "witness").key() == witness.key()
    assert (tmp_path / "person").stat().st_mode & 0o777 == 0o600
    for read, name in ((read_person_key, "witness"), (read_witness_key, "person")):
        with pytest.raises(NoteMalformed):
            read(tmp_path / name)
    with pytest.raises(FileExistsError):
        make_person_key(tmp_path / "person", "anne.example", b"q" * 32)
