"""*Who consulted me* through the real doors: an insurer's systems sign, the answer is valid R4 by the official definitions."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from rempart.cli.commands import command_line
from rempart.foundation.clock import system_clock
from rempart.foundation.vocabulary import Domain
from rempart.vaultdoor.insurer import WHO_CONSULTED, sign_as_insurer
from tests.api.test_door import assert_secure
from tests.api.test_profiles import require_valid
from tests.api.town import AMC, ANNE, CLOSED_AMC, Town, running_town
from tests.conftest import Database

KEYS = {AMC: Ed25519PrivateKey.generate(), CLOSED_AMC: Ed25519PrivateKey.generate()}


@pytest.fixture(scope="module")
def town(module_database: Database) -> Iterator[Town]:
    with running_town(module_database) as running:
        with module_database.connect() as owner:
            for amc, key in KEYS.items():
                owner.execute(
                    "UPDATE vault.insurer SET signing_key = %s WHERE amc = %s",
                    (key.public_key().public_bytes_raw(), amc),
                )
        yield running


def ask(town: Town, amc: str, member: str, **more: str) -> tuple[int, dict[str, Any]]:
    """The search, as an insurer's systems make it."""
    body = urlencode({"patient:identifier": f"urn:member|{member}"} | more).encode()
    headers = sign_as_insurer(WHO_CONSULTED, town.front.settings.origin, body, KEYS[amc], system_clock())
    response, content = town.front.ask(
        "POST", WHO_CONSULTED, body, headers | {"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert_secure(response)
    assert response.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
    assert member.encode() not in content
    return response.status, require_valid(content)


def test_each_consultation_is_an_audit_event(town: Town) -> None:
    town.check(ANNE.by_card(Domain.PHAR))
    town.check(ANNE.by_card(Domain.OPTI))
    status, bundle = ask(town, AMC, ANNE.adherent)
    assert status == 200
    events = [entry["resource"] for entry in bundle["entry"]]
    details = [
        {each["type"]: each["valueString"] for each in event["entity"][0]["detail"]} for event in events
    ]
    assert [each["domain"] for each in details] == ["OPTI", "PHAR"]
    assert {each["lane"] for each in details} == {"card"}
    assert all("formula" in each["at-most"].split() for each in details)
    [agent] = events[0]["agent"]
    assert agent["who"]["identifier"]["value"] == town.finess
    assert [each["coding"][0]["code"] for each in agent["role"]] == ["pharmacy", "titulaire"]
    assert events[0]["recorded"] >= events[1]["recorded"]


def test_another_insurers_member_and_a_foreign_key_get_nothing(town: Town) -> None:
    town.check(ANNE.by_card(Domain.PHAR))
    status, bundle = ask(town, CLOSED_AMC, ANNE.adherent)
    assert (status, "entry" in bundle) == (200, False)
    body = urlencode({"patient:identifier": ANNE.adherent}).encode()
    headers = sign_as_insurer(
        WHO_CONSULTED, town.front.settings.origin, body, Ed25519PrivateKey.generate(), system_clock()
    )
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    response, content = town.front.ask("POST", WHO_CONSULTED, body, headers | form)
    assert json.loads(content)["issue"][0]["details"]["coding"][0]["code"] == "signature"
    assert response.status == 401
    # A professional's signed session is no insurer's key.
    response, content = town.ask("POST", WHO_CONSULTED, body, None, **form)
    assert json.loads(content)["issue"][0]["details"]["coding"][0]["code"] == "signature"


def test_the_insurers_command_prints_them(town: Town, tmp_path: Path) -> None:
    town.check(ANNE.by_card(Domain.PHAR))
    (tmp_path / "signing.key").write_bytes(base64.b64encode(KEYS[AMC].private_bytes_raw()))
    arguments = [
        "insurer", "consultations", ANNE.adherent, "--key", str(tmp_path / "signing.key"), "--origin", town.front.settings.origin,
    ]  # fmt: skip
    result = CliRunner().invoke(command_line(arguments), arguments)
    assert result.exit_code == 0, result.output
    events = [json.loads(line) for line in result.output.splitlines()]
    assert events[0]["resourceType"] == "AuditEvent"
    assert len(events) == len(ask(town, AMC, ANNE.adherent)[1]["entry"])


def test_no_reference_of_a_member_is_in_any_log(town: Town) -> None:
    ask(town, AMC, "MEMBER-NEVER-LOGGED")
    assert "MEMBER-NEVER-LOGGED" not in town.logs()
