"""The table of acts: closed, as documented, and what happens when the database goes away."""

import asyncio
import re
import time
from pathlib import Path

import pytest

from rempart.foundation.vocabulary import Role
from rempart.vault.acts import ACTS, Rule, Who
from rempart.vaultdoor.messages import Refused, Reply
from tests.authenticator import SoftwareBrowser, expect
from tests.vault.accounts.conftest import Person, Vault, activated

PROTOCOL = Path(__file__).parents[3] / "docs/protocol.md"
SAID = {
    "anyone": Who.ANYONE,
    "session": Who.SESSION,
    "step-up": Who.STEP_UP,
    "step-up, titulaire or administrator": Who.MANAGER,
}
WITH_SESSION = [path for path, rule in ACTS.items() if rule.who is not Who.ANYONE]


def test_the_protocol_page_is_the_table() -> None:
    rows = re.findall(r"^\| (/acts/\S+) \| ([^|]+) \| (.+?) \| [^|]+ \|$", PROTOCOL.read_text(), re.MULTILINE)
    assert {path: SAID[who] for path, who, _ in rows} == {path: rule.who for path, rule in ACTS.items()}
    for path, _, body in rows:
        found = re.match(r"\{([^}]*)\}", body)
        assert found is not None, path
        assert {name.strip() for name in found[1].split(",") if name.strip()} == fields(ACTS[path]), path


def fields(rule: Rule) -> set[str]:
    return set(rule.body.__struct_fields__)


def test_without_a_session_nothing_is_done(vault: Vault) -> None:
    stranger = vault.browser()
    for path in WITH_SESSION:
        assert stranger.refused(path.removeprefix("/acts/")) == "session", path


@pytest.mark.parametrize("path", [path for path, rule in ACTS.items() if rule.who is Who.MANAGER])
def test_an_employee_manages_nobody(vault: Vault, claire: Person, path: str) -> None:
    paul = activated(vault, "paul", claire.establishment, Role.EMPLOYEE)
    body = dict.fromkeys(fields(ACTS[path]), "") | (
        {"role": "employee"} if "role" in fields(ACTS[path]) else {}
    )
    assert paul.browser.refused(path.removeprefix("/acts/"), **body) == "forbidden"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"establishment":3}', b'{"establishment":""}x', b'{"\xff":""}']
)
def test_a_malformed_body_is_said_without_repeating_it(vault: Vault, claire: Person, body: bytes) -> None:
    refused = expect(Refused, vault.call(claire.browser.signed("/acts/members", body)))
    assert refused.code == "bad-input"
    assert refused.detail in {"json", "establishment", "unknown", ""}


def test_a_body_too_large(vault: Vault, claire: Person) -> None:
    act = claire.browser.signed("/acts/members", b" " * (64 * 1024 + 1))
    assert expect(Refused, vault.call(act)).code == "too-large"


def test_a_database_that_goes_away_is_an_outage_and_comes_back(vault: Vault, claire: Person) -> None:
    with vault.database.connect() as owner, vault.database.connect() as holder, holder.transaction():
        holder.execute("SELECT id FROM vault.session FOR UPDATE")

        async def lose() -> Reply:
            act = asyncio.create_task(vault.door.call(claire.browser.signed("/acts/security", {})))
            deadline = time.monotonic() + 10
            waits = b"SELECT pid FROM pg_stat_activity WHERE application_name = 'rempart-vault' AND wait_event_type = 'Lock'"
            while not (found := owner.execute(waits).fetchall()):
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)
            owner.execute("SELECT pg_terminate_backend(%s)", found[0])
            return await act

        refused = expect(Refused, vault.runner.run(lose()))
    assert refused.code == "outage"
    assert refused.reference
    assert (
        SoftwareBrowser(vault, key=claire.browser.key, session=claire.browser.session).security().login
        == "claire"
    )
