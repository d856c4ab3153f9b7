"""A package that somebody spoilt, on the way or before it was signed: read whole, or refused in one way."""

import base64
import hashlib
import uuid
from functools import cache
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import HealthCheck, given, settings

from rempart.foundation.vocabulary import Lane
from rempart.incident.exposure import Exposed, Told
from rempart.incident.notices import package as packaging
from rempart.incident.notices.errors import BadIncidentPackage
from rempart.incident.notices.package import Contents, Signature, open_package, seal_package
from rempart.vault.published import PublishedKey
from rempart.vaultdoor.messages import INCIDENT_STATEMENT, IncidentStatement
from tests.hostile.mangling import spoilt

NOTICE = X25519PrivateKey.from_private_bytes(b"\7" * 32)
PRIVATE, PUBLIC = NOTICE.private_bytes_raw(), NOTICE.public_key().public_bytes_raw()
DATA_KEY = b"\5" * 32


@cache
def platform() -> PublishedKey:
    encoding, form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    key = ec.derive_private_key(11, ec.SECP256R1())
    return PublishedKey(key.private_bytes(encoding, form, serialization.NoEncryption()))


def sign(said: IncidentStatement, typ: str = INCIDENT_STATEMENT) -> str:
    return platform().sign(platform().header(typ), msgspec.structs.asdict(said))


def jwks() -> dict[str, Any]:
    return {"keys": [platform().jwk]}


def contents(persons: int = 3) -> Contents:
    nobody = uuid.UUID(int=9)
    told = Told(4, 1_000_000, Lane.CARD, 1, 1, nobody, nobody, nobody, uuid.UUID(int=0))
    exposed = [Exposed(1, uuid.UUID(int=n + 1), b"\0\0\0\7" + bytes(20), 7, (told,)) for n in range(persons)]
    documents = {"a.pdf": b"%PDF" + bytes(120_000), "b.txt": "é".encode()}
    return Contents(
        "99000001",
        1,
        "Mutuelle",
        1,
        "Titre",
        1,
        5,
        "00",
        9,
        {"persons": persons},
        documents,
        exposed,
        {7: b"k"},
    )


LINES = seal_package(contents(), DATA_KEY, PUBLIC, sign)
WHOLE = b"".join(LINES)


def test_what_was_sealed_is_what_is_read() -> None:
    opened = open_package(WHOLE, PRIVATE, jwks())
    assert opened.documents.keys() - {"manifest.json"} == {"a.pdf", "b.txt"}
    assert {name: opened.documents[name] for name in ("a.pdf", "b.txt")} == contents().documents
    assert [member.subject for member in opened.members] == [p.subject.bytes for p in contents().exposed]
    assert max(map(len, LINES)) < 200_000, "a part travels in one frame"


@pytest.mark.parametrize("persons", [0, 1, 2_000])
def test_it_holds_nobody_or_many(persons: int) -> None:
    lines = seal_package(contents(persons), DATA_KEY, PUBLIC, sign)
    assert len(open_package(b"".join(lines), PRIVATE, jwks()).members) == persons


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(spoilt([WHOLE[:4_000] + WHOLE[-1_500:], WHOLE]))
def test_a_package_spoilt_on_the_way_is_refused(data: bytes) -> None:
    if data != WHOLE:
        with pytest.raises(BadIncidentPackage):
            open_package(data, PRIVATE, jwks())


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(spoilt([msgspec.msgpack.encode(packaging.Piece("x", b"y" * 50)), b"\x82\xa4type\xa7members"]))
def test_what_the_platform_itself_sealed_wrongly_is_refused_and_never_crashes(data: bytes) -> None:
    """Whoever holds the platform's key: what is inside is read as strictly."""
    header = LINES[0]
    sealed = AESGCM(DATA_KEY).encrypt((1).to_bytes(12, "big"), data, packaging._associated(header))

    part = msgspec.json.encode(packaging.Sealed(1, base64.b64encode(sealed).decode())) + b"\n"
    lines = [header, part, *LINES[2:-1]]
    digest = hashlib.sha256(b"".join(lines)).hexdigest()
    last = msgspec.json.encode(Signature(sign(IncidentStatement("99000001", 1, 1, digest)))) + b"\n"
    with pytest.raises(BadIncidentPackage):
        open_package(b"".join([*lines, last]), PRIVATE, jwks())


def test_a_statement_of_another_kind_by_the_same_key_signs_no_package() -> None:
    """The platform signs engagements with this key all day long: none of them vouches for a package."""
    digest = hashlib.sha256(b"".join(LINES[:-1])).hexdigest()
    said = IncidentStatement("99000001", 1, 1, digest)
    for typ in ("rempart-receipt+jwt", "rempart-cards+jwt"):
        last = msgspec.json.encode(Signature(sign(said, typ))) + b"\n"
        with pytest.raises(BadIncidentPackage, match="signature"):
            open_package(b"".join([*LINES[:-1], last]), PRIVATE, jwks())
    for other in (IncidentStatement("99000002", 1, 1, digest), IncidentStatement("99000001", 2, 1, digest)):
        last = msgspec.json.encode(Signature(sign(other))) + b"\n"
        with pytest.raises(BadIncidentPackage, match="not the file"):
            open_package(b"".join([*LINES[:-1], last]), PRIVATE, jwks())
