"""Every parser of what others write: whatever comes, it gives a value or one of its declared errors, soon, and in bounded memory.

A row says what a good input looks like, who reads it, and which errors may come out. Anything else, a ValueError, a RecursionError, a
crash, fails with the input that did it.
"""

import base64
import gzip
import os
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pyrage
import pytest
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import HealthCheck, given, settings

from rempart.api.headers import reader_language
from rempart.claims import bank_report, flow_file
from rempart.claims.case_file import read_cases
from rempart.claims.engagement import EngagementElsewhere, EngagementInvalid, EngagementReader
from rempart.claims.fhir.claim import read_claim
from rempart.claims.fhir.examples import examples
from rempart.claims.fhir.search import read_search
from rempart.claims.messages import AskBody, InvoiceBody, QuoteBody
from rempart.evidence.cosignature import read_cosignatures
from rempart.evidence.errors import LedgerUnreadable
from rempart.evidence.merkle import Frontier
from rempart.evidence.note import (
    Checkpoint,
    SignerKey,
    open_checkpoint,
    parse_note,
    read_vkey,
    sign_checkpoint,
)
from rempart.evidence.opening import decode_opening
from rempart.evidence.proof import format_proof, open_proof
from rempart.evidence.tilepath import read_tile_path
from rempart.evidence.tiles import unbundle
from rempart.evidence.witnesses import read_witnesses
from rempart.foundation.clock import SECOND
from rempart.foundation.errors import BadInput, Refusal, RempartError
from rempart.foundation.settings import BadSettings, FrontSettings, SupervisorSettings, load_settings
from rempart.foundation.vocabulary import Domain, Lane
from rempart.front.addresses import read_address
from rempart.intake.cards import read_cards
from rempart.intake.checks import Terms
from rempart.intake.columns import read_header
from rempart.intake.compression import PIECE, Expander
from rempart.intake.envelope import read_envelope, seal_file
from rempart.intake.errors import (
    BadCompression,
    BadEnvelope,
    BadHeader,
    BadManifest,
    BadText,
    ForbiddenColumn,
)
from rempart.intake.lines import Chunk, Splitter
from rempart.intake.manifest import make_manifest, read_manifest, write_manifest
from rempart.intake.members import read_members
from rempart.intake.model import CARD_COLUMNS, MEMBER_COLUMNS, PRODUCT_COLUMNS, Kind
from rempart.intake.products import read_products
from rempart.intake.upload import SignedRequest, sign_upload, verify_upload
from rempart.vault.signature import SignatureInvalid, read_signature
from rempart.vaultdoor.bodies import read_body, require_shallow
from rempart.vaultdoor.browser import DeviceKey
from rempart.vaultdoor.fhir import BadPresentation, Presentation, read_request, write_request
from rempart.vaultdoor.messages import Act
from tests.claims.test_bank_report import entry, line, notification, payment, returned, status_report
from tests.hostile.mangling import spoilt
from tests.sealer.conftest import Line as MemberLine
from tests.sealer.conftest import with_key

SECONDS = 2.0
"""A spoilt input is refused, or read, within this. The longest are 300 kB."""
EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "200"))
"""Inputs for each parser; `HOSTILE_EXAMPLES=10000` for a night."""
TODAY = date(2026, 1, 5)
SIGNER = {"kid": "k", **DeviceKey.generate().public}
LOG = SignerKey("rempart.example/ledger", Ed25519PrivateKey.from_private_bytes(b"\1" * 32))


@dataclass(frozen=True)
class Parser:
    name: str
    seeds: Sequence[bytes]
    read: Callable[[bytes], object]
    raises: tuple[type[RempartError], ...]


def _text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    """A header, a path, a parameter: every byte is a character, as it is for whoever reads it from HTTP."""
    return lambda data: read(data.decode("latin-1"))


def _lines(*lines: MemberLine) -> bytes:
    return "".join(f"{each.written(MEMBER_COLUMNS)}\n" for each in lines).encode()


def _members(data: bytes) -> object:
    terms = Terms("99000001", frozenset({"CONFORT"}), TODAY, synthetic_only=True)
    return read_members(Chunk(2, data + b"\n", data.count(b"\n") + 1), list(MEMBER_COLUMNS), terms)


def _products(data: bytes) -> object:
    return read_products([Chunk(2, data + b"\n", data.count(b"\n") + 1)], list(PRODUCT_COLUMNS), "99000001")


def _cards(data: bytes) -> object:
    return read_cards(Chunk(2, data + b"\n", data.count(b"\n") + 1), list(CARD_COLUMNS), "99000001", TODAY)


def _split(data: bytes) -> object:
    splitter = Splitter(Kind.FULL, 4_000)
    chunks = [
        chunk for start in range(0, len(data), 777) for chunk in splitter.feed(data[start : start + 777])
    ]
    return [*chunks, *splitter.finish()]


def _expand(data: bytes) -> int:
    expander, size = Expander(), 0
    for start in range(0, len(data), 4_096):
        size += sum(map(len, expander.feed(data[start : start + 4_096])))
    return size + sum(map(len, expander.finish()))


def _envelopes() -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name) / "a.csv", Path(name) / "a.rempart"
        source.write_bytes(b"amc;x\n99000001;y\n")
        recipient = str(pyrage.x25519.Identity.generate().to_public())
        seal_file(
            source,
            target,
            "99000001",
            Kind.FULL,
            3,
            Ed25519PrivateKey.generate(),
            recipient,
            1_767_600_000 * SECOND,
        )
        yield target.read_bytes()


def _signed_headers() -> bytes:
    signed = DeviceKey.generate().sign("POST", "https://a.example/acts/x", b"{}", 1_767_600_000)
    return f"{signed['Signature-Input']}\n{signed['Signature']}".encode()


def _signature(data: bytes) -> object:
    parameters, _, signature = data.decode("latin-1").partition("\n")
    return read_signature(Act("POST", "/acts/x", "", parameters, signature, "", b"", "fr"))


def _upload_headers() -> bytes:
    signed = sign_upload(
        "/intake/99000001/a",
        "https://a.example",
        b"\0" * 32,
        Ed25519PrivateKey.generate(),
        1_767_600_000 * SECOND,
    )
    return f"{signed.content_digest}\n{signed.signature_input}\n{signed.signature}".encode()


def _upload(data: bytes) -> object:
    digest, _, rest = data.decode("latin-1").partition("\n")
    parameters, _, signature = rest.partition("\n")
    request = SignedRequest("PUT", "/intake/99000001/a", digest, parameters, signature)
    return verify_upload(request, "https://a.example", b"\0" * 32, 1_767_600_000 * SECOND, b"\1" * 32)


def _note(size: int = 1) -> bytes:
    frontier = Frontier()
    for number in range(size):
        frontier.append(bytes([number]) * 32)
    return sign_checkpoint(Checkpoint(LOG.name, size, frontier.root()), LOG)


def _settings(kind: type[Any]) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        with tempfile.NamedTemporaryFile(suffix=".toml") as file:
            Path(file.name).write_bytes(data)
            return load_settings(kind, Path(file.name))

    return read


def _receipt(data: bytes) -> object:
    reader = EngagementReader(X25519PrivateKey.from_private_bytes(b"\1" * 32), "https://a.example")
    reader.trust([SIGNER])
    return reader.verify(data.decode("latin-1"), "x")


def _json(kind: type[Any]) -> Callable[[bytes], object]:
    return lambda data: read_body(data, kind)


CHECK = [
    write_request(Presentation(Lane.CARD, "99000001", "20318847", "", date(1980, 1, 13), 1, Domain.PHAR), TODAY),
    write_request(Presentation(Lane.VITALE, "99000001", "", with_key("2800175056000"), date(1980, 1, 13), 2, Domain.OPTI), TODAY),
    write_request(Presentation(Lane.SECRET, "99000001", "", "", date(1980, 1, 13), 1, Domain.PHAR, secret=b"\7" * 16), TODAY),
]  # fmt: skip
CLAIMS = [msgspec.json.encode(each) for name, each in examples().items() if name.startswith("claim-")]
PARSERS: list[Parser] = [
    Parser("rights check", CHECK, read_request, (BadPresentation,)),
    Parser("claim", CLAIMS, read_claim, (BadInput,)),
    Parser("claims search", [b"use=claim&created=ge2026-01-01&_count=20&page=2", b"amount=12.50&identifier=a|b"],
           _text(lambda query: read_search(query, {"use", "created", "identifier", "amount"})), (BadInput,)),
    Parser("invoice body", [b'{"number":"F1","care":{"lines":[{"nature":"MED","price":1000,"base":1000}],"receipt":"a.b.c"},"care_date":"2026-01-05"}'],
           _json(InvoiceBody), (BadInput,)),
    Parser("ask body", [b'{"care":{"lines":[]},"amc":"99000001"}'], _json(AskBody), (BadInput,)),
    Parser("quote body", [b'{"care":{"lines":[]},"amc":"99000001"}'], _json(QuoteBody), (BadInput,)),
    Parser("receipt", [b"eyJhbGciOiJFUzI1NiIsInR5cCI6InJlbXBhcnQtcmVjZWlwdCtqd3QiLCJraWQiOiJrIn0.e30.AAAA"], _receipt, (EngagementInvalid, EngagementElsewhere)),
    Parser("header of a members' file", [";".join(MEMBER_COLUMNS).encode()], lambda data: read_header(data, Kind.FULL),
           (BadHeader, BadText, ForbiddenColumn)),
    Parser("members' lines", [_lines(MemberLine(nir=with_key("1800175056000")), MemberLine(nir=with_key("2240275056000")))], _members, ()),
    Parser("products' lines", [b"99000001;CONFORT;Confort;PHAR;100 % BR;0;base-including-amo;100;;\n"], _products, ()),
    Parser("cards' lines", [b"99000001;M1;1;20318847;1980-01-13;1;A. Dupont;2026-01-01;;;;1;PHAR 100 %\n"], _cards, (BadInput,)),
    Parser("stream of lines", [";".join(MEMBER_COLUMNS).encode() + b"\n" + _lines(MemberLine(nir=with_key("1800175056000"))) * 40], _split,
           (BadHeader, BadText, ForbiddenColumn)),
    Parser("compressed stream", [gzip.compress(b"a;b\n" * 2_000), zstandard.compress(b"a;b\n" * 2_000), b"plain"], _expand,
           (BadCompression,)),
    Parser("envelope", list(_envelopes()), lambda data: read_envelope(BytesIO(data)), (BadEnvelope, BadManifest)),
    Parser("manifest", [write_manifest(make_manifest("99000001", Kind.FULL, 3, 2, "0" * 64, 1_767_600_000 * SECOND))], read_manifest, (BadManifest,)),
    Parser("upload's headers", [_upload_headers()], _upload, (Refusal,)),
    Parser("signature's headers", [_signed_headers()], _signature, (SignatureInvalid,)),
    Parser("bank's status report", [status_report("<GrpSts>RJCT</GrpSts>", payment(line("S1", "RJCT", "AC04", "12.30"))), status_report()],
           bank_report.read, (BadInput,)),
    Parser("bank's notification", [notification(entry(returned("S1", amount="12.30")))], bank_report.read, (BadInput,)),
    Parser("signed note", [_note()], parse_note, (BadInput,)),
    Parser("checkpoint", [_note(), _note(5)], lambda data: open_checkpoint(data, LOG.verifier()), (BadInput, Refusal)),
    Parser("cosignatures", [_note()], lambda data: read_cosignatures(data, ()), (BadInput, Refusal)),
    Parser("proof", [format_proof(0, b"\0" * 32, [b"\1" * 32], _note(2))], lambda data: open_proof(data, LOG.verifier()), (BadInput, Refusal)),
    Parser("verifier key", [LOG.verifier().text().encode()], _text(lambda text: read_vkey(text, b"\1")), (BadInput,)),
    Parser("witnesses", [b"a.example+0+AAAA https://a.example\nb.example"], _text(lambda text: read_witnesses(text.split("\n"))), (BadInput, Refusal)),
    Parser("leaf's opening", [b"\2" + b"\0" * 103, b"\1" + b"\0" * 87], decode_opening, (BadInput,)),
    Parser("frontier", [Frontier().serialise(), b"\0" * 40], Frontier.restore, (BadInput,)),
    Parser("tile's path", [b"tile/0/x001/x234/067.p/12", b"tile/entries/000"], _text(read_tile_path), (LedgerUnreadable,)),
    Parser("entry bundle", [(b"\0\x20" + b"\1" * 32) * 3], lambda data: list(unbundle(data, 0, 3)), (Refusal,)),
    Parser("flow's line", [b'{"line":"funds","reference":"A","cents":1}', b'{"line":"load","load":1,"wrapped":"AAAA"}'], flow_file.read_line,
           (BadInput, Refusal)),
    Parser("pricing cases", [Path(__file__).parents[1].joinpath("claims/given_cases.json").read_bytes()[:6_000]], read_cases, (BadInput,)),
    Parser("front's settings", [b'mode = "demo"\ndsn = "postgresql://a@/b"\nrun_folder = "r"\norigin = "http://localhost"\nspool_folder = "s"\nport = 8000\n'],
           _settings(FrontSettings), (BadSettings,)),
    Parser("supervisor's settings", [b'mode = "demo"\ndrain_seconds = 10.0\npostgres_binaries = "x"\ntrusted_proxies = ["10.0.0.1"]\n'],
           _settings(SupervisorSettings), (BadSettings,)),
    Parser("Accept-Language", [b"fr-FR, en;q=0.8, *;q=0.1"], _text(reader_language), ()),
    Parser("forwarded address", [b"203.0.113.9", b"[2001:db8::1]:80", b"fe80::1%eth0"], _text(read_address), ()),
]  # fmt: skip


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_whatever_comes_out_is_a_value_or_a_declared_error(parser: Parser) -> None:
    assert parser.seeds

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(spoilt(parser.seeds))
    def spoil(data: bytes) -> None:
        began = time.monotonic()
        with suppress(*parser.raises):
            parser.read(data)
        assert time.monotonic() - began < SECONDS

    spoil()


GOOD = [
    parser
    for parser in PARSERS
    if parser.name
    in {"rights check", "signature's headers", "bank's notification", "checkpoint", "envelope", "manifest"}
]


@pytest.mark.parametrize("parser", GOOD, ids=lambda parser: parser.name)
def test_the_seeds_themselves_are_read(parser: Parser) -> None:
    for seed in parser.seeds:
        parser.read(seed)


def test_a_dsn_or_a_path_that_no_file_can_have_is_bad_settings() -> None:
    good = PARSERS[[parser.name for parser in PARSERS].index("front's settings")].seeds[0]
    for bad in (
        good.replace(b"postgresql://a@/b", b"postgresql://["),
        good.replace(b"a@/b", b"a@/b?passfile=\\u0000"),
    ):
        with pytest.raises(BadSettings):
            _settings(FrontSettings)(bad)


@pytest.mark.parametrize(
    "header", [b'{"alg":"\xff"}', b"[" * 20_000, b'{"alg":' * 20_000], ids=["no text", "deep", "deep object"]
)
def test_a_receipt_whose_header_is_no_json_is_no_receipt(header: bytes) -> None:
    with pytest.raises(EngagementInvalid):
        _receipt(base64.urlsafe_b64encode(header).rstrip(b"=") + b".e30.AAAA")


@pytest.mark.parametrize(
    "content",
    [b"\xff", b'{"line":"funds","reference":"\xff"}', b"[" * 20_000],
    ids=["no text", "no text inside", "deep"],
)
def test_a_flows_line_that_is_no_json_is_a_bad_flow(content: bytes) -> None:
    with pytest.raises(BadInput):
        flow_file.read_line(content)


DEEP = [b"[" * 60_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b'{"id":' + b"[" * 33 + b"]" * 33 + b"}"]


@pytest.mark.parametrize("body", DEEP, ids=["arrays", "objects", "33 deep, closed"])
@pytest.mark.parametrize(
    "read", [read_request, read_claim, _json(InvoiceBody)], ids=["check", "claim", "invoice"]
)
def test_a_body_nested_deeper_than_anybody_means_to_is_refused_before_it_is_parsed(
    body: bytes, read: Callable[[bytes], object]
) -> None:
    with pytest.raises(BadInput) as refused:
        read(body)
    assert refused.value.detail in {"json", " json"}


def test_brackets_inside_a_text_nest_nothing() -> None:
    require_shallow(b'{"a":"' + b"[{" * 5_000 + b'\\"[[["}')
    require_shallow(b"[" + b"[],{}," * 5_000 + b"1]")


BOMBS = {
    "gzip": lambda: gzip.compress(b"\0" * 100_000_000, 9),
    "zstandard": lambda: zstandard.compress(b"\0" * 100_000_000, 3),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_compression_bomb_is_unpacked_piece_by_piece_and_never_held(name: str) -> None:
    bomb = BOMBS[name]()
    assert len(bomb) < 1_000_000
    tracemalloc.start()
    try:
        expander, size, longest = Expander(), 0, 0
        for start in range(0, len(bomb), 65_536):
            for piece in expander.feed(bomb[start : start + 65_536]):
                size += len(piece)
                longest = max(longest, len(piece))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == 100_000_000
    # A kilobyte of zstandard gives 32 MiB at the most (intake/compression.py).
    assert longest <= {"gzip": PIECE, "zstandard": 33 << 20}[name]
    assert most < 100_000_000
