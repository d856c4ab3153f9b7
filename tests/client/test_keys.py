"""Keys in files, and what the library refuses before anything is sent."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from rempart.client import Client, DeviceKey, EditorKey, Line
from rempart.client.fhir import _item, cents
from rempart.client.keys import keyid
from rempart.client.receipt import verified_terms


def test_a_key_is_kept_for_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "device.pem"
    made = DeviceKey.load_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert DeviceKey.load_or_create(path).public == made.public
    with pytest.raises(FileExistsError):
        DeviceKey.generate().save(path)
    assert DeviceKey.load(path).public == made.public


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "editor.pem"
    EditorKey.generate().save(path)
    path.chmod(0o640)
    with pytest.raises(PermissionError):
        EditorKey.load(path)


def test_a_key_under_a_passphrase_needs_it(tmp_path: Path) -> None:
    path = tmp_path / "editor.pem"
    EditorKey.generate().save(path, b"une phrase")
    with pytest.raises(TypeError):
        EditorKey.load(path)
    with pytest.raises(ValueError):  # noqa: PT011 (the library's own words)
        EditorKey.load(path, b"une autre")
    assert len(keyid(EditorKey.load(path, b"une phrase"))) == 43


def test_a_key_of_another_curve_is_refused() -> None:
    with pytest.raises(TypeError):
        DeviceKey(ec.generate_private_key(ec.SECP384R1()))


@pytest.mark.parametrize(
    "origin",
    ["http://rempart.example", "https://rempart.example/portail", "ftp://rempart.example", "rempart.example"],
)
def test_an_origin_without_tls_or_with_a_path_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        Client(origin, DeviceKey.generate(), EditorKey.generate())


@given(st.integers(0, 10**15))
def test_an_amount_is_written_and_read_to_the_cent(amount: int) -> None:
    written = json.dumps(_item(1, Line("drug-65", amount, amount), "2026-01-05"))
    net = json.loads(written, parse_float=Decimal)["net"]["value"]
    assert cents(net) == amount


@pytest.mark.parametrize("receipt", ["", "a.b", "a.b.c", "e30.e30.AAAA", "eyJraWQiOiJ4In0.e30." + "A" * 86])
def test_what_is_no_engagement_verifies_as_none(receipt: str) -> None:
    key = DeviceKey.generate()
    with pytest.raises(ValueError):  # noqa: PT011 (of base64, of JSON, or ours)
        verified_terms(receipt, {"keys": [{"kid": "x", **key.public}]})
