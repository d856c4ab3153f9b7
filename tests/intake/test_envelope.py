"""The envelope, the manifest, the insurer's references and its uploads: nothing forged passes."""

import base64
import hashlib
from dataclasses import replace
from pathlib import Path

import msgspec
import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rempart.foundation.clock import MINUTE, SECOND
from rempart.foundation.errors import RempartError
from rempart.intake import notice
from rempart.intake.envelope import MAGIC, open_envelope, read_envelope, seal_file, verify_envelope
from rempart.intake.errors import BadEnvelope, BadManifest, BadSignature, NotForUs
from rempart.intake.lines import Chunk
from rempart.intake.manifest import make_manifest, read_manifest, write_manifest
from rempart.intake.model import PRODUCT_COLUMNS, Kind, Reject
from rempart.intake.products import read_products
from rempart.intake.upload import sign_upload, verify_upload

NOW = 1_767_600_000 * SECOND
CONTENT = b"amc;x\n" + b"99000001;synthetic\n" * 20_000
SIGNING = Ed25519PrivateKey.generate()
PLATFORM = pyrage.x25519.Identity.generate()


def sealed(folder: Path, content: bytes = CONTENT) -> Path:
    source, target = folder / "file.csv", folder / "file.rempart"
    source.write_bytes(content)
    seal_file(source, target, "99000001", Kind.FULL, 3, SIGNING, str(PLATFORM.to_public()), NOW)
    assert sorted(path.name for path in folder.iterdir()) == ["file.csv", "file.rempart"]
    return target


def opened(
    path: Path, key: Ed25519PrivateKey = SIGNING, identity: pyrage.x25519.Identity = PLATFORM
) -> bytes:
    with path.open("rb") as file:
        envelope = read_envelope(file)
        rest = file.read()
        verify_envelope(envelope, hashlib.sha256(rest).digest(), key.public_key().public_bytes_raw())
        file.seek(envelope.begins)
        out: list[bytes] = []
        open_envelope(file, str(identity), out.append)
    return b"".join(out)


def test_what_was_sealed_is_what_is_opened(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    assert opened(path) == CONTENT
    with path.open("rb") as file:
        manifest = read_envelope(file).manifest
    assert (manifest.amc, manifest.kind, manifest.sequence, manifest.lines) == (
        "99000001",
        Kind.FULL,
        3,
        20_000,
    )
    assert manifest.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert manifest.created_at == NOW


def test_no_byte_can_be_changed(tmp_path: Path) -> None:
    path = sealed(tmp_path, CONTENT[:2_000])
    whole = path.read_bytes()
    begins = whole.index(b"age-encryption.org")
    for place in [*range(0, begins, 3), *range(begins, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(RempartError):
            opened(path)


@pytest.mark.parametrize("keep", [0, 5, len(MAGIC), 60, 300, -1, -70_000])
def test_no_end_can_be_cut_off(tmp_path: Path, keep: int) -> None:
    path = sealed(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises((BadEnvelope, BadSignature)):
        opened(path)


def test_another_insurer_cannot_sign_for_this_one(tmp_path: Path) -> None:
    with pytest.raises(BadSignature):
        opened(sealed(tmp_path), key=Ed25519PrivateKey.generate())


def test_a_ciphertext_cannot_move_to_another_manifest(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first, second = sealed(tmp_path / "a").read_bytes(), sealed(tmp_path / "b", CONTENT[:200]).read_bytes()
    mixed = tmp_path / "mixed"
    mixed.write_bytes(first[: first.index(b"age-enc")] + second[second.index(b"age-enc") :])
    with pytest.raises(BadSignature):
        opened(mixed)


def test_a_file_for_another_platform_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(NotForUs):
        opened(sealed(tmp_path), identity=pyrage.x25519.Identity.generate())


def test_an_error_while_the_content_passes_is_not_taken_for_another(tmp_path: Path) -> None:
    path = sealed(tmp_path)

    def fail(_: bytes) -> None:
        raise BadManifest("mine")

    with path.open("rb") as file:
        read_envelope(file)
        with pytest.raises(BadManifest, match="mine"):
            open_envelope(file, str(PLATFORM), fail)


MANIFEST = write_manifest(make_manifest("99000001", Kind.FULL, 1, 5, "0" * 64, NOW))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 2), ("amc", "1"), ("kind", "whole"), ("sequence", 0), ("sequence", "1"), ("lines", -1), ("lines", 10**9),
        ("sha256", "F" * 64), ("sha256", "0" * 63), ("created", "yesterday"), ("created", "2026-01-01T00:00:00"), ("extra", 1),
    ],
)  # fmt: skip
def test_a_manifest_is_strict(key: str, value: object) -> None:
    assert read_manifest(MANIFEST).lines == 5
    with pytest.raises(BadManifest):
        read_manifest(msgspec.json.encode({**msgspec.json.decode(MANIFEST), key: value}))


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"\xff", MANIFEST + b" " * 4_096, b"null"])
def test_what_is_no_manifest(text: bytes) -> None:
    with pytest.raises(BadManifest):
        read_manifest(text)


def test_a_reference_is_read_by_its_insurer_alone() -> None:
    insurer, load_key, load, line = X25519PrivateKey.generate(), b"k" * 32, 7, 12
    wrapped = notice.wrap_load_key(load_key, insurer.public_key().public_bytes_raw(), "99000001")
    assert notice.unwrap_load_key(wrapped, insurer.private_bytes_raw(), "99000001") == load_key
    reference = load.to_bytes(4, "big") + line.to_bytes(4, "big") + AESGCM(load_key).encrypt(
        bytes(8) + line.to_bytes(4, "big"), notice.pad_reference(b"M204118733"), notice.associated_data("99000001", load)
    )  # fmt: skip
    assert notice.open_reference(reference, load_key, "99000001") == "M204118733"
    with pytest.raises(notice.UnreadableReference):
        notice.unwrap_load_key(wrapped, X25519PrivateKey.generate().private_bytes_raw(), "99000001")
    with pytest.raises(notice.UnreadableReference):
        notice.unwrap_load_key(wrapped, insurer.private_bytes_raw(), "99000002")
    for place in range(len(reference)):
        with pytest.raises(notice.UnreadableReference):
            notice.open_reference(
                reference[:place] + bytes([reference[place] ^ 1]) + reference[place + 1 :],
                load_key,
                "99000001",
            )


def test_an_upload_is_the_insurer_s_for_these_bytes_at_this_time() -> None:
    digest, origin = hashlib.sha256(b"body").digest(), "https://rempart.example"
    public = SIGNING.public_key().public_bytes_raw()
    signed = sign_upload("/intake/99000001/a.rempart", origin, digest, SIGNING, NOW)
    verify_upload(signed, origin, digest, NOW + 4 * MINUTE, public)
    other = Ed25519PrivateKey.generate()
    refused = [
        (signed, "https://elsewhere.example", digest, NOW, public),
        (signed, origin, hashlib.sha256(b"other").digest(), NOW, public),
        (signed, origin, digest, NOW + 6 * MINUTE, public),
        (signed, origin, digest, NOW - 6 * MINUTE, public),
        (signed, origin, digest, NOW, other.public_key().public_bytes_raw()),
        (replace(signed, target="/intake/99000002/a.rempart"), origin, digest, NOW, public),
        (replace(signed, method="POST"), origin, digest, NOW, public),
        (replace(signed, signature="rempart=::"), origin, digest, NOW, public),
        (
            replace(signed, signature_input=signed.signature_input.replace("rempart-upload", "rempart-v1")),
            origin,
            digest,
            NOW,
            public,
        ),
        (sign_upload(signed.target, origin, digest, other, NOW), origin, digest, NOW, public),
    ]
    for arguments in refused:
        with pytest.raises(BadSignature):
            verify_upload(*arguments)
    assert base64.b64decode(signed.signature.split(":")[1])


GOOD_PRODUCT = "99000001;CONFORT;Confort;PHAR;base-including-amo;100;;;100 % BR, AMO comprise;0"


def products(*lines: str) -> tuple[object, list[Reject]]:
    data = "".join(f"{line}\n" for line in lines).encode()
    return read_products([Chunk(2, data, len(lines))], list(PRODUCT_COLUMNS), "99000001")


def test_a_grid_is_read_by_product_and_domain() -> None:
    found, rejects = read_products(
        [Chunk(2, f"{GOOD_PRODUCT}\n99000001;CONFORT;Confort;OPTI;amount-on-top-of-amo;;15000;year;150,00 € par an;1\n".encode(), 2)],
        list(PRODUCT_COLUMNS), "99000001",
    )  # fmt: skip
    assert rejects == []
    assert found[0].grid["OPTI"] == {
        "rate_basis": "amount-on-top-of-amo", "percent": None, "amount_cents": 15000, "per": "year", "formula": "150,00 € par an",
        "prise_en_charge": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("place", "value", "field", "code"),
    [
        (0, "99000002", "amc", "amc-differs"), (1, "", "product", "format"), (2, "", "label", "missing"),
        (2, "x" * 81, "label", "too-long"),
        (3, "SPA", "domain", "format"), (4, "free", "rate_basis", "format"), (5, "", "percent", "basis"), (5, "-1", "percent", "number"),
        (5, "1e3", "percent", "number"), (6, "5", "amount_cents", "basis"), (7, "week", "per", "format"), (8, "", "formula", "missing"),
        (8, "a\tb", "formula", "format"), (9, "yes", "prise_en_charge", "format"),
    ],
)  # fmt: skip
def test_a_product_line_in_error(place: int, value: str, field: str, code: str) -> None:
    values = GOOD_PRODUCT.split(";")
    values[place] = value
    assert products(";".join(values))[1] == [Reject(2, field, code)]


def test_a_product_says_one_label_and_each_domain_once() -> None:
    assert products(GOOD_PRODUCT, GOOD_PRODUCT)[1] == [Reject(3, "domain", "repeated")]
    other = GOOD_PRODUCT.replace("Confort", "Confort plus").replace("PHAR", "OPTI")
    assert products(GOOD_PRODUCT, other)[1] == [Reject(3, "label", "label-differs")]
    assert products("99000001;x")[1] == [Reject(2, "", "line-form")]
