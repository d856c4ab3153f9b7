"""The key store: two backends, one face.

- *file*: every key in one file, sealed with AES-256-GCM under a passphrase stretched by Argon2id (RFC 9106).
- *pkcs11*: the PRF keys are generated in a token and never leave it; every PRF is one HMAC operation there. The signing keys and the
  intake key lie in a file sealed under a key that only the token derives (HMAC of a fixed label): without the token, nothing opens.

Purposes are closed: asking for another raises. Every PRF is HMAC-SHA-256 (RFC 2104) with a key of its own, so that no output of one
purpose is ever one of another.
"""

import base64
import fcntl
import json
import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from rempart.foundation.errors import Outage, Refusal

Prf = Callable[[bytes], bytes]
"""32 bytes for any message."""

PRF_PURPOSES = ("subject", "pseudonym", "codes", "wrapping", "card", "rib")
"""Besides `capsule-<epoch>`: pseudonyms of capsules, pseudonyms of claims, hashes of one-time codes and logins, secrets at rest, secrets of
cards, marks of accounts to be paid on."""

# OWASP's minimum for Argon2id is 19 MiB and 2 passes; a key file is opened once a start, so we take far more.
_PASSES, _LANES, _MEMORY_KIB = 3, 4, 64 * 1024
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class KeyStoreClosed(Outage):
    """The passphrase or the token does not open the key store."""

    french = "Le magasin de clés ne s'ouvre pas : vérifiez la phrase de passe, le jeton et son code."
    english = "The key store does not open: check the passphrase, the token and its PIN."


class EpochInUse(Refusal):
    """A third epoch would be asked for: only the current one and the one before are."""

    code = "epoch-in-use"
    french = "Une époque ne commence que lorsque tous les assureurs ont passé à l'époque courante."
    english = "An epoch begins only once every insurer's generation is of the current one."


class KeyRing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The software half of a key store, as it lies sealed in its file. Private keys are PKCS#8 DER or raw."""

    epoch: int
    prf: dict[str, bytes]
    engagement: bytes
    """P-256: signs engagements."""
    ledger: bytes
    """Ed25519, raw: signs checkpoints."""
    intake: str
    """age identity: opens insurers' files."""
    claims_public: bytes
    """X25519, raw: the claims zone's public key."""
    operations: bytes = b""
    """Ed25519, raw: signs the count of operations. Empty in a store made before there was one: see `operations_key`."""
    offline: bytes = b""
    """P-256: signs offline cards and their lists. Empty in a store made before there was one: see `offline_key`."""
    dossier: bytes = b""
    """X25519, raw: what applicants declare is closed to it. Empty in a store made before there was one: see `dossier_key`."""


class KeyStore(Protocol):
    """What the vault's zone may ask of its keys."""

    @property
    def kind(self) -> str:
        """`file` or `pkcs11`."""

    @property
    def epoch(self) -> int:
        """The epoch under which new capsules are sealed; the one before may still be asked for."""

    def prf(self, purpose: str) -> Prf:
        """The PRF of a purpose: one of PRF_PURPOSES or `capsule-<epoch>`. Raises KeyError for any other."""

    @property
    def ring(self) -> KeyRing:
        """The software keys."""


@dataclass(frozen=True, slots=True)
class FileKeyStore:
    """Keys in a passphrase-protected file."""

    ring: KeyRing
    kind: str = "file"

    @property
    def epoch(self) -> int:
        return self.ring.epoch

    def prf(self, purpose: str) -> Prf:
        keyed = hmac.HMAC(self.ring.prf[purpose], hashes.SHA256())

        def apply(message: bytes) -> bytes:
            mac = keyed.copy()
            mac.update(message)
            return mac.finalize()

        return apply


@dataclass(frozen=True, slots=True)
class Pkcs11KeyStore:
    """PRF keys in a token (a real HSM; SoftHSM in tests)."""

    ring: KeyRing
    session: Any
    kind: str = "pkcs11"

    @property
    def epoch(self) -> int:
        return self.ring.epoch

    def prf(self, purpose: str) -> Prf:
        return _token_prf(self.session, purpose)


def _token_prf(session: Any, purpose: str) -> Prf:
    import pkcs11

    try:
        key = session.get_key(label=f"rempart-{purpose}", object_class=pkcs11.ObjectClass.SECRET_KEY)
    except pkcs11.NoSuchKey as error:
        raise KeyError(purpose) from error

    def apply(message: bytes) -> bytes:
        return bytes(key.sign(message, mechanism=pkcs11.Mechanism.SHA256_HMAC))

    return apply


class CountedKeyStore:
    """A key store whose every PRF operation is counted by its purpose, whichever the backend (rempart.vault.operations)."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._counts: Counter[str] = Counter()
        # Slow work is done in threads besides: an increment is not one step of the interpreter's.
        self._lock = threading.Lock()

    @property
    def kind(self) -> str:
        return self._store.kind

    @property
    def epoch(self) -> int:
        return self._store.epoch

    @property
    def ring(self) -> KeyRing:
        return self._store.ring

    def prf(self, purpose: str) -> Prf:
        prf, counts, lock = self._store.prf(purpose), self._counts, self._lock

        def apply(message: bytes) -> bytes:
            # Before, not after: an operation that fails may have been made.
            with lock:
                counts[purpose] += 1
            return prf(message)

        return apply

    def counts(self) -> dict[str, int]:
        """Operations by purpose since this was made."""
        with self._lock:
            return dict(self._counts)


class LoneCountedKeyStore(CountedKeyStore):
    """The same for one thread, at a fraction of the cost: sealing makes millions."""

    def __init__(self, store: KeyStore) -> None:
        super().__init__(store)
        self._made: list[tuple[str, Callable[[], int]]] = []

    def prf(self, purpose: str) -> Prf:
        prf, made = self._store.prf(purpose), 0

        def apply(message: bytes) -> bytes:
            nonlocal made
            made += 1
            return prf(message)

        self._made.append((purpose, lambda: made))
        return apply

    def counts(self) -> dict[str, int]:
        """Operations by purpose since this was made."""
        counts = Counter[str]()
        for purpose, made in self._made:
            counts[purpose] += made()
        return dict(counts)


def operations_key(ring: KeyRing) -> ed25519.Ed25519PrivateKey:
    """What signs the count. A store older than the count derives it from the ledger's key."""
    seed = ring.operations or HKDFExpand(hashes.SHA256(), 32, b"rempart-operations-key-v1").derive(
        ring.ledger
    )
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed)


def offline_key(ring: KeyRing) -> bytes:
    """What signs offline cards, PKCS#8. A store older than they are derives it from the engagement's key."""
    if ring.offline:
        return ring.offline
    seed = HKDFExpand(hashes.SHA256(), 48, b"rempart-offline-key-v1").derive(ring.engagement)
    # FIPS 186-5 A.2.1: 64 bits more than the order, so that the remainder is as good as uniform.
    return _pkcs8(ec.derive_private_key(int.from_bytes(seed, "big") % (_P256_ORDER - 1) + 1, ec.SECP256R1()))


def dossier_key(ring: KeyRing) -> x25519.X25519PrivateKey:
    """What opens dossiers of référencement. A store older than they are derives it from the engagement's key."""
    seed = ring.dossier or HKDFExpand(hashes.SHA256(), 32, b"rempart-dossier-key-v1").derive(ring.engagement)
    return x25519.X25519PrivateKey.from_private_bytes(seed)


def _pkcs8(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@dataclass(frozen=True, slots=True)
class Token:
    """Where the PKCS#11 token is. The PIN is in a file of its own."""

    module: Path
    label: str
    pin_file: Path


def create_key_store(path: Path, passphrase_file: Path | None, token: Token | None, claims_key: Path) -> None:
    """Generate every key for a new platform. Refuses to overwrite. The claims zone's private key is written to `claims_key` (0600)
    and is not in the store: the vault can encrypt to the claims zone, never read.
    """
    claims = x25519.X25519PrivateKey.generate()
    names = [*PRF_PURPOSES, "capsule-1"]
    ring = KeyRing(
        epoch=1,
        prf={} if token else {name: secrets.token_bytes(32) for name in names},
        engagement=_pkcs8(ec.generate_private_key(ec.SECP256R1())),
        ledger=ed25519.Ed25519PrivateKey.generate().private_bytes_raw(),
        intake=_new_age_identity(),
        claims_public=claims.public_key().public_bytes_raw(),
        operations=ed25519.Ed25519PrivateKey.generate().private_bytes_raw(),
        offline=_pkcs8(ec.generate_private_key(ec.SECP256R1())),
        dossier=x25519.X25519PrivateKey.generate().private_bytes_raw(),
    )
    if token is not None:
        session = _open_token(token)
        try:
            for name in [*names, "key-file"]:
                _generate_in_token(session, name)
            sealing, salt = _token_prf(session, "key-file")(b"rempart-key-file-v1"), b""
        finally:
            session.close()
    else:
        assert passphrase_file is not None
        salt = secrets.token_bytes(16)
        sealing = _stretch(_passphrase(passphrase_file), salt)
    _write_new(claims_key, base64.b64encode(claims.private_bytes_raw()) + b"\n")
    _write_new(path, _sealed_file(ring, sealing, salt))


def open_key_store(path: Path, passphrase_file: Path | None, token: Token | None) -> KeyStore:
    """Open the store with its passphrase or its token. Raises KeyStoreClosed; never says which half was wrong."""
    try:
        document = json.loads(path.read_bytes())
        session = _open_token(token) if token is not None else None
        if session is not None:
            sealing = _token_prf(session, "key-file")(b"rempart-key-file-v1")
        else:
            assert passphrase_file is not None
            sealing = _stretch(_passphrase(passphrase_file), base64.b64decode(document["salt"]))
        plain = AESGCM(sealing).decrypt(
            base64.b64decode(document["nonce"]), base64.b64decode(document["sealed"]), b"rempart-key-store-v1"
        )
        ring = msgspec.msgpack.decode(plain, type=KeyRing)
    except (OSError, ValueError, KeyError, InvalidTag) as error:
        raise KeyStoreClosed(type(error).__name__) from error
    return Pkcs11KeyStore(ring, session) if session is not None else FileKeyStore(ring)


def complete_key_store(path: Path, passphrase_file: Path | None, token: Token | None) -> KeyStore:
    """Open the store, as `open_key_store` does, once it has a key for each purpose: one may have come after the store was made.

    Every key that was there stays. Vault and sealer may do it at once: the second finds it done.
    """
    store = open_key_store(path, passphrase_file, token)
    if not _missing(store):
        return store
    path = path.resolve()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        store = open_key_store(path, passphrase_file, token)
        missing = _missing(store)
        if not missing:
            return store
        if isinstance(store, Pkcs11KeyStore):
            for name in missing:
                _generate_in_token(store.session, name)
            return store
        assert passphrase_file is not None
        prf, salt = (
            {**store.ring.prf, **{name: secrets.token_bytes(32) for name in missing}},
            secrets.token_bytes(16),
        )
        ring = msgspec.structs.replace(store.ring, prf=prf)
        _replace(path, folder, _sealed_file(ring, _stretch(_passphrase(passphrase_file), salt), salt))
        return FileKeyStore(ring)
    finally:
        os.close(folder)


def _missing(store: KeyStore) -> list[str]:
    if isinstance(store, Pkcs11KeyStore):
        return [name for name in PRF_PURPOSES if not _token_holds(store.session, name)]
    return [name for name in PRF_PURPOSES if name not in store.ring.prf]


def begin_epoch(path: Path, passphrase_file: Path | None, token: Token | None, in_use: int) -> int:
    """Add the capsule key of the next epoch and make it the current one; every key that was there stays. Returns the new epoch.

    `in_use` is the one epoch that every insurer's generation is of: unless it is the current one, EpochInUse. Raises KeyStoreClosed.
    Vault and sealer know of the new epoch once they are started again.
    """
    path = path.resolve()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # One at a time: the second would find the epoch raised.
        fcntl.flock(folder, fcntl.LOCK_EX)
        store = open_key_store(path, passphrase_file, token)
        if in_use != store.epoch:
            raise EpochInUse(f"The current epoch is {store.epoch}, the insurers are at {in_use}.")
        following, salt = store.epoch + 1, b""
        name, prf = f"capsule-{following}", store.ring.prf
        if isinstance(store, Pkcs11KeyStore):
            # A key of that name is one whose epoch an earlier attempt did not live to begin: it has sealed nothing.
            if not _token_holds(store.session, name):
                _generate_in_token(store.session, name)
            sealing = _token_prf(store.session, "key-file")(b"rempart-key-file-v1")
            store.session.close()
        else:
            assert passphrase_file is not None
            prf, salt = {**prf, name: secrets.token_bytes(32)}, secrets.token_bytes(16)
            sealing = _stretch(_passphrase(passphrase_file), salt)
        ring = msgspec.structs.replace(store.ring, epoch=following, prf=prf)
        _replace(path, folder, _sealed_file(ring, sealing, salt))
    finally:
        os.close(folder)
    return following


def _replace(path: Path, folder: int, content: bytes) -> None:
    coming = path.with_name(f".{path.name}.new")
    coming.unlink(missing_ok=True)
    _write_new(coming, content)
    coming.replace(path)
    os.fsync(folder)


def _sealed_file(ring: KeyRing, sealing: bytes, salt: bytes) -> bytes:
    nonce = secrets.token_bytes(12)
    sealed = AESGCM(sealing).encrypt(nonce, msgspec.msgpack.encode(ring), b"rempart-key-store-v1")
    document = {
        "format": 1,
        **{
            k: base64.b64encode(v).decode() for k, v in (("salt", salt), ("nonce", nonce), ("sealed", sealed))
        },
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def _stretch(passphrase: bytes, salt: bytes) -> bytes:
    return Argon2id(salt=salt, length=32, iterations=_PASSES, lanes=_LANES, memory_cost=_MEMORY_KIB).derive(
        passphrase
    )


def _passphrase(path: Path) -> bytes:
    # A line that begins with # marks a development secret (foundation.settings refuses those in production).
    lines = [line for line in path.read_bytes().splitlines() if line.strip() and not line.startswith(b"#")]
    if len(lines) != 1:
        raise ValueError("a passphrase file holds one line")
    return lines[0].strip()


def _new_age_identity() -> str:
    from pyrage import x25519 as age

    return str(age.Identity.generate())


def _open_token(token: Token) -> Any:
    import pkcs11

    try:
        library = pkcs11.lib(str(token.module))
        return library.get_token(token_label=token.label).open(
            rw=True, user_pin=_passphrase(token.pin_file).decode()
        )
    except pkcs11.PKCS11Error as error:
        raise KeyStoreClosed(type(error).__name__) from error


def _token_holds(session: Any, purpose: str) -> bool:
    try:
        _token_prf(session, purpose)
    except KeyError:
        return False
    return True


def _generate_in_token(session: Any, purpose: str) -> None:
    import pkcs11

    session.generate_key(
        pkcs11.KeyType.GENERIC_SECRET,
        256,
        label=f"rempart-{purpose}",
        store=True,
        capabilities=pkcs11.MechanismFlag.SIGN | pkcs11.MechanismFlag.VERIFY,
        template={pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False},
    )


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def wrap(store: KeyStore, plaintext: bytes, context: bytes) -> bytes:
    """Seal a small secret at rest (a TOTP secret). `context` binds it to its place: what is moved elsewhere does not open."""
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(store.prf("wrapping")(b"rempart-wrap-v1")).encrypt(nonce, plaintext, context)


def unwrap(store: KeyStore, wrapped: bytes, context: bytes) -> bytes:
    """Open what `wrap` sealed. Raises cryptography.exceptions.InvalidTag."""
    return AESGCM(store.prf("wrapping")(b"rempart-wrap-v1")).decrypt(wrapped[:12], wrapped[12:], context)
