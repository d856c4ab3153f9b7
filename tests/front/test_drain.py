"""SIGTERM: nothing more is accepted, what is in flight is finished, then the process ends with 0."""

import base64
import hashlib
import json
import socket
import time
from pathlib import Path

from tests.front.process import running_front, wait_until

NOWHERE = "postgresql:///nowhere"


def _refused(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return False
    except ConnectionRefusedError:
        return True


def upload_headers(body: bytes) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return {
        "Content-Digest": f"sha-256=:{digest}:",
        "Signature-Input": (
            f'rempart=("@method" "@target-uri" "content-digest");created={int(time.time())};nonce="{"n" * 22}";keyid="{"k" * 43}"'
            ';alg="ed25519";tag="rempart-upload"'
        ),
        "Signature": f"rempart=:{'s' * 86}==:",
    }


def test_a_request_in_flight_is_finished_after_sigterm(tmp_path: Path) -> None:
    body = b"x" * 300_000
    with running_front(tmp_path, dsn=NOWHERE) as front:
        connection = front.connect()
        connection.putrequest("PUT", "/intake/99000001/members.csv.age")
        for name, value in {**upload_headers(body), "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(body[:1000])
        wait_until(lambda: any(front.settings.spool_folder.glob("*.part")), "the upload has begun")

        front.process.terminate()
        wait_until(lambda: _refused(front.settings.port), "nothing more is accepted")
        assert front.process.poll() is None
        connection.send(body[1000:])
        response = connection.getresponse()
        assert response.status == 202
        delivery = json.loads(response.read())["delivery"]
        connection.close()
        assert front.process.wait(10) == 0
    assert (tmp_path / "spool" / f"{delivery}.bin").read_bytes() == body


def test_an_idle_connection_does_not_hold_the_drain(tmp_path: Path) -> None:
    with running_front(tmp_path, dsn=NOWHERE) as front:
        idle = front.connect()
        idle.request("GET", "/health/live")
        idle.getresponse().read()
        began = time.monotonic()
        assert front.terminate() == 0
        assert time.monotonic() - began < 5
        idle.close()
