"""Insurers' uploads: whole and announced, or nothing is kept. Through real HTTP."""

import asyncio
import base64
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rempart.api.application import app
from rempart.api.settings import ApiSettings
from rempart.foundation.clock import SECOND, system_clock
from rempart.vaultdoor.client import VaultClient
from tests.front.process import FrontProcess, running_front, wait_until

BODY = bytes(range(256)) * 9000
ADDRESS = "/intake/99000001/members-1.csv.age"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontProcess]:
    with running_front(tmp_path_factory.mktemp("front"), dsn="postgresql:///nowhere") as started:
        yield started


@pytest.fixture
def spool(front: FrontProcess) -> Iterator[Path]:
    folder = front.settings.spool_folder
    yield folder
    for path in folder.iterdir():
        path.unlink()


def signed(body: bytes = BODY, created: int | None = None) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return {
        "Content-Digest": f"sha-256=:{digest}:",
        "Signature-Input": (
            f'rempart=("@method" "@target-uri" "content-digest");created={created or int(time.time())};nonce="{"n" * 22}"'
            f';keyid="{"k" * 43}";alg="ed25519";tag="rempart-upload"'
        ),
        "Signature": f"rempart=:{'s' * 86}==:",
    }


def code_of(content: bytes) -> str:
    return str(json.loads(content)["issue"][0]["details"]["coding"][0]["code"])


def test_a_file_is_put_down_with_its_signature_beside_it(front: FrontProcess, spool: Path) -> None:
    response, content = front.ask("PUT", ADDRESS, BODY, signed())
    assert response.status == 202
    told = json.loads(content)
    assert told["state"] == "received"
    assert (spool / f"{told['delivery']}.bin").read_bytes() == BODY
    beside = json.loads((spool / f"{told['delivery']}.json").read_text())
    headers = signed()
    assert beside["content_digest"] == headers["Content-Digest"]
    assert beside["signature"] == headers["Signature"]
    assert beside["signature_input"].startswith("rempart=(")
    assert (beside["amc"], beside["filename"], beside["size"]) == ("99000001", "members-1.csv.age", len(BODY))
    assert (beside["method"], beside["target"]) == ("PUT", ADDRESS)
    assert abs(beside["received"] - system_clock()) < 60 * SECOND
    assert sorted(path.suffix for path in spool.iterdir()) == [".bin", ".json"]

    response, content = front.ask("GET", f"/intake/{told['delivery']}")
    assert (response.status, json.loads(content)) == (200, told)
    (spool / f"{told['delivery']}.status").write_text(
        f'{{"delivery":"{told["delivery"]}","state":"taken-in"}}'
    )
    assert json.loads(front.ask("GET", f"/intake/{told['delivery']}")[1])["state"] == "taken-in"


REFUSED = [
    (ADDRESS, {"Content-Digest": "sha-256=:" + "A" * 43 + "=:"}, "file-altered"),
    (ADDRESS, {"Content-Digest": "sha-512=:AA==:"}, "signature"),
    (ADDRESS, {"Signature": "rempart=:x:"}, "signature"),
    (ADDRESS, {"Signature-Input": 'rempart=("@method")'}, "signature"),
    (ADDRESS, {"Signature-Input": signed(created=1_700_000_000)["Signature-Input"]}, "stale"),
    (ADDRESS, {"Signature-Input": signed(created=9_700_000_000)["Signature-Input"]}, "stale"),
    ("/intake/99/members.age", {}, "bad-input"),
    ("/intake/99000001/.hidden", {}, "bad-input"),
    ("/intake/99000001/a%2Fb", {}, "not-found"),
    ("/intake/99000001/..%2F..%2Fetc", {}, "not-found"),
]


@pytest.mark.parametrize(("address", "change", "code"), REFUSED)
def test_a_refused_upload_leaves_nothing(
    front: FrontProcess, spool: Path, address: str, change: dict[str, str], code: str
) -> None:
    response, content = front.ask("PUT", address, BODY[:1000], signed(BODY[:1000]) | change)
    assert 400 <= response.status < 500
    assert code_of(content) == code
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("name", ["Content-Digest", "Signature-Input", "Signature"])
def test_an_unsigned_upload_is_refused(front: FrontProcess, spool: Path, name: str) -> None:
    headers = signed()
    del headers[name]
    response, content = front.ask("PUT", ADDRESS, BODY, headers)
    assert (response.status, code_of(content)) == (401, "signature")
    assert list(spool.iterdir()) == []


def test_an_upload_that_breaks_off_leaves_nothing(front: FrontProcess, spool: Path) -> None:
    connection = front.connect()
    connection.putrequest("PUT", ADDRESS)
    for name, value in {**signed(), "Content-Length": str(len(BODY))}.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(BODY[:100_000])
    wait_until(lambda: any(spool.glob("*.part")), "the upload has begun")
    connection.close()
    wait_until(lambda: not any(spool.iterdir()), "nothing is left of it")


def put(settings: ApiSettings, headers: dict[str, str], body: Any = BODY) -> httpx.Response:
    """The application alone, for what a setting bounds."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app(settings, VaultClient("/nowhere"), VaultClient("/nowhere")))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.put(ADDRESS, headers=headers, content=body)

    return asyncio.run(ask())


async def in_blocks() -> Any:
    for start in range(0, len(BODY), 65536):
        yield BODY[start : start + 65536]


def test_a_file_beyond_the_limit_is_refused_announced_or_not(tmp_path: Path) -> None:
    settings = ApiSettings("http://localhost", spool_folder=tmp_path, upload_limit=len(BODY) - 1)
    for body in (BODY, in_blocks()):
        response = put(settings, signed(), body)
        assert (response.status_code, code_of(response.content)) == (413, "file-too-large")
    assert list(tmp_path.iterdir()) == []
    assert (
        put(
            ApiSettings("http://localhost", spool_folder=tmp_path, upload_limit=len(BODY)), signed()
        ).status_code
        == 202
    )


def test_only_so_many_deliveries_wait(tmp_path: Path) -> None:
    settings = ApiSettings("http://localhost", spool_folder=tmp_path, uploads_waiting=1)
    assert put(settings, signed()).status_code == 202
    response = put(settings, signed())
    assert (response.status_code, code_of(response.content)) == (503, "spool-full")
    assert len(list(tmp_path.glob("*.bin"))) == 1


def test_anonymous_uploads_never_fill_the_disk_announced_or_not(tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    free = disk.f_bavail * disk.f_frsize
    large = bytes(64 * 1024**2)

    async def in_large_blocks() -> Any:
        for start in range(0, len(large), 2**20):
            yield large[start : start + 2**20]

    # Room for this file once, not twice; others use the same disk, hence the margin.
    settings = ApiSettings("http://localhost", spool_folder=tmp_path, disk_reserve=free - 96 * 1024**2)
    for body in (large, in_large_blocks()):
        response = put(settings, signed(large), body)
        assert (response.status_code, code_of(response.content)) == (503, "spool-full")
    assert list(tmp_path.iterdir()) == []


def test_an_upload_that_falls_silent_is_dropped(tmp_path: Path) -> None:
    async def silent() -> Any:
        yield BODY[:10]
        await asyncio.Event().wait()

    settings = ApiSettings("http://localhost", spool_folder=tmp_path, upload_chunk_seconds=0.01)
    response = put(settings, signed(), silent())
    assert (response.status_code, code_of(response.content)) == (408, "slow")
    assert list(tmp_path.iterdir()) == []


def test_without_a_spool_there_is_no_such_door() -> None:
    response = put(ApiSettings("http://localhost"), signed())
    assert (response.status_code, code_of(response.content)) == (404, "not-found")


def test_a_start_forgets_what_a_crash_left_half_done_and_nothing_else(tmp_path: Path) -> None:
    settings = ApiSettings("http://localhost", spool_folder=tmp_path)
    whole = put(settings, signed()).json()["delivery"]
    for name in ("a.part", "b.new", "c.bin", "going-on.part", f"{whole}.bin", f"{whole}.json"):
        (tmp_path / name).touch()
        if name != "going-on.part":
            os.utime(tmp_path / name, (time.time() - 7200,) * 2)
    app(settings, VaultClient("/nowhere"), VaultClient("/nowhere"))
    assert {path.name for path in tmp_path.iterdir()} == {"going-on.part", f"{whole}.bin", f"{whole}.json"}


def test_an_upload_that_drips_is_dropped_once_its_grace_is_over(tmp_path: Path) -> None:
    async def drops() -> Any:
        for at in range(0, len(BODY), 1000):
            yield BODY[at : at + 1000]

    slow = ApiSettings("http://localhost", spool_folder=tmp_path, upload_grace_seconds=0, upload_pace=10**15)
    response = put(slow, signed(), drops())
    assert (response.status_code, code_of(response.content)) == (408, "slow")
    assert list(tmp_path.iterdir()) == []
    assert put(ApiSettings("http://localhost", spool_folder=tmp_path), signed(), drops()).status_code == 202
