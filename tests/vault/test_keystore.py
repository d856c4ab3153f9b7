"""Both key stores open with what they were closed with, and with nothing else."""

import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography.exceptions import InvalidTag

from rempart.vault import keystore
from rempart.vault.keystore import (
    CountedKeyStore,
    EpochInUse,
    KeyStore,
    KeyStoreClosed,
    Pkcs11KeyStore,
    Token,
    begin_epoch,
    complete_key_store,
    create_key_store,
    dossier_key,
    open_key_store,
    operations_key,
    unwrap,
    wrap,
)

SOFTHSM = next((p for p in Path("/usr/lib").glob("**/libsofthsm2.so")), None)


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text("correct horse battery staple\n")
    return path


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two tokens in one SoftHSM: the library reads its configuration once a process."""
    if SOFTHSM is None or shutil.which("softhsm2-util") is None:
        pytest.skip("no SoftHSM here: the PKCS#11 key store is not exercised (apt-get install softhsm2)")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        for label in ("first", "second", "third"):
            command = [
                "softhsm2-util",
                "--init-token",
                "--free",
                "--label",
                label,
                "--so-pin",
                "0000",
                "--pin",
                "123456",
            ]
            subprocess.run(command, check=True, capture_output=True)
        yield folder


def token(folder: Path, label: str) -> Token:
    assert SOFTHSM is not None
    (folder / f"{label}.pin").write_text("123456\n")
    return Token(SOFTHSM, label, folder / f"{label}.pin")


def test_the_file_store_keeps_its_keys(tmp_path: Path, passphrase: Path) -> None:
    create_key_store(tmp_path / "keys", passphrase, None, tmp_path / "claims.key")
    first, second = (open_key_store(tmp_path / "keys", passphrase, None) for _ in range(2))
    assert first.prf("subject")(b"m") == second.prf("subject")(b"m")
    assert first.prf("subject")(b"m") != first.prf("pseudonym")(b"m")
    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0
    assert (tmp_path / "claims.key").stat().st_mode & 0o077 == 0


def test_a_wrong_passphrase_opens_nothing(tmp_path: Path, passphrase: Path) -> None:
    create_key_store(tmp_path / "keys", passphrase, None, tmp_path / "claims.key")
    passphrase.write_text("correct horse battery stapler\n")
    with pytest.raises(KeyStoreClosed):
        open_key_store(tmp_path / "keys", passphrase, None)


def test_a_key_store_is_never_overwritten(tmp_path: Path, passphrase: Path) -> None:
    create_key_store(tmp_path / "keys", passphrase, None, tmp_path / "claims.key")
    before = (tmp_path / "keys").read_bytes()
    with pytest.raises(FileExistsError):
        create_key_store(tmp_path / "keys", passphrase, None, tmp_path / "other.key")
    assert (tmp_path / "keys").read_bytes() == before


def test_the_file_holds_no_key_in_clear(tmp_path: Path, passphrase: Path) -> None:
    create_key_store(tmp_path / "keys", passphrase, None, tmp_path / "claims.key")
    ring = open_key_store(tmp_path / "keys", passphrase, None).ring
    stored = (tmp_path / "keys").read_bytes()
    for secret in (*ring.prf.values(), ring.ledger, ring.engagement, ring.intake.encode()):
        assert secret not in stored


def test_the_token_computes_what_never_leaves_it(tmp_path: Path, tokens: Path) -> None:
    first = token(tokens, "first")
    create_key_store(tmp_path / "keys", None, first, tmp_path / "claims.key")
    store = open_key_store(tmp_path / "keys", None, first)
    assert store.kind == "pkcs11"
    assert store.ring.prf == {}
    assert store.prf("capsule-1")(b"m") == store.prf("capsule-1")(b"m")
    assert len(store.prf("capsule-1")(b"m")) == 32
    with pytest.raises(KeyError):
        store.prf("capsule-2")
    counted = CountedKeyStore(store)
    assert counted.prf("capsule-1")(b"m") == store.prf("capsule-1")(b"m")
    assert counted.counts() == {"capsule-1": 1}


def test_a_store_older_than_the_count_signs_it_with_a_key_of_its_own(
    tmp_path: Path, passphrase: Path
) -> None:
    create_key_store(tmp_path / "keys", passphrase, None, tmp_path / "claims.key")
    ring = open_key_store(tmp_path / "keys", passphrase, None).ring
    older = msgspec.structs.replace(ring, operations=b"")
    keys = [operations_key(each).private_bytes_raw() for each in (ring, older, older)]
    assert keys[0] != keys[1] == keys[2] != ring.ledger


def test_with_another_pin_a_token_opens_nothing(tmp_path: Path, tokens: Path) -> None:
    second = token(tokens, "second")
    create_key_store(tmp_path / "keys", None, second, tmp_path / "claims.key")
    second.pin_file.write_text("654321\n")
    with pytest.raises(KeyStoreClosed):
        open_key_store(tmp_path / "keys", None, second)


def test_a_secret_moved_to_another_place_does_not_open(tmp_path: Path, passphrase: Path) -> None:
    create_key_store(tmp_path / "keys", passphrase, None, tmp_path / "claims.key")
    store = open_key_store(tmp_path / "keys", passphrase, None)
    sealed = wrap(store, b"totp secret", b"account 1")
    assert unwrap(store, sealed, b"account 1") == b"totp secret"
    with pytest.raises(InvalidTag):
        unwrap(store, sealed, b"account 2")


def outputs(store: KeyStore) -> dict[str, bytes]:
    """What the keys that stand before a rotation make of one message."""
    names = ("subject", "pseudonym", "codes", "wrapping", "card", "capsule-1")
    return {name: store.prf(name)(b"m") for name in names}


def test_a_new_epoch_adds_a_key_to_the_file_and_keeps_the_others(tmp_path: Path, passphrase: Path) -> None:
    path = tmp_path / "keys"
    create_key_store(path, passphrase, None, tmp_path / "claims.key")
    before = open_key_store(path, passphrase, None)
    (tmp_path / ".keys.new").write_text("left by a crash")
    assert begin_epoch(path, passphrase, None, in_use=1) == 2
    after = open_key_store(path, passphrase, None)
    assert (before.epoch, after.epoch) == (1, 2)
    assert outputs(after) == outputs(before)
    assert after.prf("capsule-2")(b"m") not in outputs(after).values()
    assert (after.ring.ledger, after.ring.intake) == (before.ring.ledger, before.ring.intake)
    assert path.stat().st_mode & 0o777 == 0o600
    assert {file.name for file in tmp_path.iterdir()} == {"keys", "claims.key", "passphrase"}


def test_an_epoch_begins_once_for_all_insurers_at_the_current_one(tmp_path: Path, passphrase: Path) -> None:
    path = tmp_path / "keys"
    create_key_store(path, passphrase, None, tmp_path / "claims.key")
    begin_epoch(path, passphrase, None, in_use=1)
    stored = path.read_bytes()
    with pytest.raises(EpochInUse):
        begin_epoch(path, passphrase, None, in_use=1)
    assert path.read_bytes() == stored
    passphrase.write_text("another\n")
    with pytest.raises(KeyStoreClosed):
        begin_epoch(path, passphrase, None, in_use=2)
    assert path.read_bytes() == stored


def test_a_new_epoch_adds_a_key_to_the_token_and_keeps_the_others(tmp_path: Path, tokens: Path) -> None:
    path, third = tmp_path / "keys", token(tokens, "third")

    def opened() -> Pkcs11KeyStore:
        store = open_key_store(path, None, third)
        assert isinstance(store, Pkcs11KeyStore)
        return store

    create_key_store(path, None, third, tmp_path / "claims.key")
    before = opened()
    first, old_file = outputs(before), path.read_bytes()
    before.session.close()
    assert begin_epoch(path, None, third, in_use=1) == 2
    after = opened()
    assert after.epoch == 2
    assert after.ring.prf == {}
    assert outputs(after) == first
    second = after.prf("capsule-2")(b"m")
    assert second not in first.values()
    after.session.close()
    # A crash after the key was made and before the file was: the key is taken, not made twice.
    path.write_bytes(old_file)
    begin_epoch(path, None, third, in_use=1)
    again = opened()
    assert again.prf("capsule-2")(b"m") == second
    again.session.close()


def test_a_store_made_before_a_purpose_came_gets_its_key_and_keeps_the_others(
    tmp_path: Path, passphrase: Path
) -> None:
    path = tmp_path / "keys"
    create_key_store(path, passphrase, None, tmp_path / "claims.key")
    before = open_key_store(path, passphrase, None)
    old = {name: key for name, key in before.ring.prf.items() if name != "card"}
    salt = secrets.token_bytes(16)
    sealing = keystore._stretch(passphrase.read_bytes().strip(), salt)
    path.write_bytes(keystore._sealed_file(msgspec.structs.replace(before.ring, prf=old), sealing, salt))
    with pytest.raises(KeyError):
        open_key_store(path, passphrase, None).prf("card")
    completed = complete_key_store(path, passphrase, None)
    assert len(completed.prf("card")(b"x")) == 32
    again = complete_key_store(path, passphrase, None)
    assert again.ring == completed.ring == open_key_store(path, passphrase, None).ring
    assert {name: key for name, key in again.ring.prf.items() if name != "card"} == old
    assert again.ring.prf["card"] != before.ring.prf["card"]


def test_a_store_made_before_dossiers_opens_them_by_a_key_of_its_own(
    tmp_path: Path, passphrase: Path
) -> None:
    path = tmp_path / "keys"
    create_key_store(path, passphrase, None, tmp_path / "claims.key")
    ring = open_key_store(path, passphrase, None).ring
    older = msgspec.structs.replace(ring, dossier=b"")
    keys = {dossier_key(each).private_bytes_raw() for each in (ring, older)}
    assert len(keys) == 2
    assert dossier_key(older).private_bytes_raw() == dossier_key(older).private_bytes_raw()
    assert ring.dossier in keys
