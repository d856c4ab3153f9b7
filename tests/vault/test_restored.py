"""A restored backup, a second history, a new name: the witnesses know better, and two people answer for it."""
# ruff: noqa: F811 (fixtures)

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rempart.cli.witness import trust_log
from rempart.database.roles import create_database
from rempart.evidence import store
from rempart.evidence.audit import audit_ledger
from rempart.evidence.note import Checkpoint, SignerKey, sign_checkpoint, sign_note
from rempart.foundation.settings import VaultSettings
from rempart.vault.keystore import KeyStore
from rempart.vaultdoor.messages import (
    Answer,
    AskRelease,
    Done,
    Health,
    Healthy,
    Message,
    ReleaseRestored,
    ReleaseText,
    ThrowSwitch,
)
from tests.authenticator import SoftwareBrowser, expect
from tests.conftest import Database, TestClock, TestCluster
from tests.vault.accounts.conftest import Vault, activated, key_store  # noqa: F401 (a fixture)
from tests.vault.accounts.test_attacks import check_right, refusal
from tests.vault.signers import PEOPLE, RELEASE_KEYS, STRANGER, by_two
from tests.vault.witnessed import LOG, log_key, open_vault, settings_of, until
from tests.witness.process import WitnessProcess, make_witness

AFTER = f"{LOG}/2"


@dataclass
class Town:
    """A vault that is opened on one database or another, and the witnesses that stay."""

    key_store: KeyStore
    cluster: TestCluster
    folder: Path
    clock: TestClock
    witnesses: list[WitnessProcess]
    copies: list[Database] = field(default_factory=list)

    def settings(self, database: Database, name: str) -> VaultSettings:
        folder = self.folder / "run"
        folder.mkdir(exist_ok=True)
        more: dict[str, Any] = {
            "log_origin": name,
            "release_keys": RELEASE_KEYS,
        }
        return settings_of(database, folder, witnesses=tuple(each.line for each in self.witnesses), **more)

    def vault(self, database: Database, name: str = LOG) -> Any:
        return open_vault(self.settings(database, name), self.key_store, database, self.clock)

    def backup(self, database: Database) -> Database:
        """A copy of the database as it is now. Nobody is connected to it."""
        name = f"{database.name}_copy"
        copy = Database(name, database.cluster, database.secrets, database.cluster.superuser_dsn(name))
        create_database(self.cluster.cluster.superuser_dsn(), copy.name, template=database.name)
        self.copies.append(copy)
        return copy

    def trust(self, name: str) -> None:
        """The people of the witnesses accept a log under a new name."""
        for each in self.witnesses:
            each.stop()
            trust_log(each.folder, log_key(self.key_store, name).verifier().text())
            each.start()


@pytest.fixture
def town(key_store: KeyStore, cluster: TestCluster, tmp_path: Path, clock: TestClock) -> Iterator[Town]:
    vkey = log_key(key_store).verifier().text()
    witnesses = [make_witness(tmp_path / f"w{number}", f"w{number}.example", vkey) for number in (1, 2)]
    for each in witnesses:
        each.start()
    made = Town(key_store, cluster, tmp_path, clock, witnesses)
    try:
        yield made
    finally:
        for each in witnesses:
            each.stop()
        for copy in made.copies:
            cluster.drop(copy)


def level(vault: Vault, size: int) -> None:
    """Until every witness has cosigned so many leaves."""
    until(vault, lambda: all(watch.size == size for watch in vault.zone.witnessing.watches))


def health(vault: Vault) -> Healthy:
    return expect(Healthy, vault.call(Health()))


def spend_all(vault: Vault, browser: SoftwareBrowser) -> int:
    """Ask until nothing more is told; how many were."""
    for told in range(200):
        reply = check_right(vault, browser)
        if not isinstance(reply, Answer):
            assert refusal(reply) in {"exhausted", "step-up"}
            return told
    raise AssertionError("no line")


def release(vault: Vault, *signers: SignerKey, change: Callable[[str], str] = str) -> Message:
    text = change(expect(ReleaseText, vault.operate(AskRelease())).text)
    return vault.operate(ReleaseRestored([sign_note(text, [key]) for key in signers]))


def test_a_restored_backup_gives_no_budget_back(town: Town, database: Database) -> None:
    with town.vault(database) as vault:
        claire = activated(vault, "claire", vault.establishment()).browser
        expect(Answer, check_right(vault, claire))
        level(vault, 1)
    backup = town.backup(database)
    with town.vault(database) as vault:
        spent = spend_all(vault, claire)
        assert spent > 1
        level(vault, 1 + spent)
        assert refusal(check_right(vault, claire)) in {"exhausted", "step-up"}
    with town.vault(backup) as vault:
        # The copy's own meters would tell: nothing spent. Its witnesses say otherwise.
        assert refusal(check_right(vault, claire)) == "contained"
        assert vault.rows("SELECT size FROM evidence.log") == [(1,)]
        told = health(vault)
        assert (told.restored, told.heard) == (True, True)
        assert [each.trouble for each in told.witnesses] == ["longer-elsewhere"] * 2
        kept = vault.rows("SELECT why, here, seen, note <> '' FROM vault.restored")
        assert kept == [("longer-elsewhere", 1, 1 + spent, True)]
        assert '"restored:hold"' in vault.journal()
        # No ordinary release lifts it, nor does another switch take its place or its name.
        for on, minutes in ((False, 0), (True, 1)):
            assert (
                refusal(vault.operate(ThrowSwitch("platform", "", "we know", on, minutes)))
                == "restored-backup"
            )
        assert refusal(vault.operate(ThrowSwitch("lane", "card", "restored-backup", True))) == "bad-input"
        # Nor do two people, while the witnesses still know more.
        assert refusal(release(vault, PEOPLE[0], PEOPLE[1])) == "conflict"
        # Nor taking the switch away behind the vault's back.
        with backup.connect() as owner:
            owner.execute("DELETE FROM vault.switch")
    with town.vault(backup) as vault:
        assert refusal(check_right(vault, claire)) == "contained"
        assert vault.rows("SELECT count(*) FROM vault.restored") == [(1,)]


def test_two_people_release_a_ledger_that_goes_on_under_a_new_name(town: Town, database: Database) -> None:
    with town.vault(database) as vault:
        claire = activated(vault, "claire", vault.establishment()).browser
        expect(Answer, check_right(vault, claire))
        level(vault, 1)
    backup = town.backup(database)
    with town.vault(database) as vault:
        expect(Answer, check_right(vault, claire))
        level(vault, 2)
    with town.vault(backup) as vault:
        assert refusal(check_right(vault, claire)) == "contained"
    # Under a name that no witness was told of, nobody answers and nothing is disclosed.
    with town.vault(backup, AFTER) as vault:
        assert refusal(check_right(vault, claire)) == "outage"
    town.trust(AFTER)
    with town.vault(backup, AFTER) as vault:
        level(vault, 1)
        assert refusal(check_right(vault, claire)) == "contained"
        text = expect(ReleaseText, vault.operate(AskRelease())).text
        assert f"\norigin {LOG}\n" in text
        assert f"\nas {AFTER}\n" in text
        # One person, the same one twice, a stranger, another text, a signature of before: none of them.
        assert refusal(release(vault, PEOPLE[0])) == "release-refused"
        assert refusal(release(vault, PEOPLE[0], PEOPLE[0])) == "release-refused"
        assert (
            refusal(release(vault, PEOPLE[0], SignerKey("eve.example", PEOPLE[0].private)))
            == "release-refused"
        )
        assert refusal(release(vault, PEOPLE[0], STRANGER)) == "release-refused"
        assert (
            refusal(
                release(vault, PEOPLE[0], PEOPLE[1], change=lambda text: text.replace("seen 2", "seen 1"))
            )
            == "release-refused"
        )
        assert refusal(vault.operate(ReleaseRestored([b"", b"not a note"]))) == "release-refused"
        assert refusal(check_right(vault, claire)) == "contained"
        expect(Done, release(vault, PEOPLE[2], PEOPLE[0]))
        expect(Answer, check_right(vault, claire))
        assert not health(vault).restored
        assert '"anne.example chloe.example", "act": "restored:release"' in vault.journal()
        assert refusal(vault.operate(AskRelease())) == "not-found"
        level(vault, 2)
    # The next start finds what was released, and goes on.
    with town.vault(backup, AFTER) as vault:
        expect(Answer, check_right(vault, claire))
        level(vault, 3)
    # Its audit finds both names signed by one key, and every root right.
    with store.reading(backup.dsn("worker")) as connection:
        report = audit_ledger(connection, batch=100, key=log_key(town.key_store, AFTER).verifier())
    assert (report.size, report.checkpoints >= 3) == (3, True)
    # But not the other copy, which nobody released, even under the new name.
    with town.vault(database, AFTER) as vault:
        assert refusal(check_right(vault, claire)) == "contained"


def test_a_new_name_alone_needs_two_people(town: Town, database: Database) -> None:
    """Else whoever restores a copy would rename the log, and no witness could compare."""
    with town.vault(database) as vault:
        claire = activated(vault, "claire", vault.establishment()).browser
        expect(Answer, check_right(vault, claire))
        level(vault, 1)
    town.trust(AFTER)
    with town.vault(database, AFTER) as vault:
        level(vault, 1)
        assert refusal(check_right(vault, claire)) == "contained"
        assert vault.rows("SELECT why, witness FROM vault.restored") == [("another-name", LOG)]
        expect(Done, release(vault, PEOPLE[0], PEOPLE[1]))
        expect(Answer, check_right(vault, claire))


def test_what_the_operator_contained_before_stays_contained_after_the_release(
    town: Town, database: Database
) -> None:
    with town.vault(database) as vault:
        claire = activated(vault, "claire", vault.establishment()).browser
        expect(Answer, check_right(vault, claire))
        expect(Done, by_two(vault.operate, ThrowSwitch("platform", "", "a doubt", True)))
        level(vault, 1)
    town.trust(AFTER)
    with town.vault(database, AFTER) as vault:
        level(vault, 1)
        expect(Done, release(vault, PEOPLE[0], PEOPLE[1]))
        assert vault.rows("SELECT reason FROM vault.switch") == [("a doubt",)]
        assert refusal(check_right(vault, claire)) == "contained"
        expect(Done, by_two(vault.operate, ThrowSwitch("platform", "", "no doubt", False)))
        expect(Answer, check_right(vault, claire))


def test_a_second_history_signed_with_our_key_closes_the_platform_while_it_runs(
    town: Town, database: Database
) -> None:
    """Somebody holds the log's key and a copy: what they show to a witness, our vault learns at its next checkpoint."""
    with town.vault(database) as vault:
        claire = activated(vault, "claire", vault.establishment()).browser
        level(vault, 0)
        theirs = sign_checkpoint(Checkpoint(LOG, 9, b"x" * 32), log_key(town.key_store))
        assert town.witnesses[0].ask("POST", "/add-checkpoint", b"old 0\n\n" + theirs)[0].status == 200
        expect(Answer, check_right(vault, claire))
        until(vault, lambda: vault.zone.witnessing.contradicted)

        async def held() -> bool:
            return bool(await vault.zone.pool.fetchval("SELECT EXISTS (SELECT FROM vault.restored)"))

        until(vault, held)
        assert refusal(check_right(vault, claire)) == "contained"
        assert vault.rows("SELECT why, seen, note <> '' FROM vault.restored") == [
            ("longer-elsewhere", 9, True)
        ]


def test_a_ledger_rewritten_at_the_same_size_is_another_history(town: Town, database: Database) -> None:
    """Whoever has the database and the log's key rewrites a leaf and signs again: a witness has seen the first."""
    with town.vault(database) as vault:
        claire = activated(vault, "claire", vault.establishment()).browser
        for _ in range(3):
            expect(Answer, check_right(vault, claire))
        level(vault, 3)
    with database.connect() as owner:
        owner.execute("UPDATE evidence.leaf SET commitment = sha256('another') WHERE index = 1")
        owner.execute("DELETE FROM evidence.checkpoint")
        owner.execute("DELETE FROM evidence.cosignature")
    with town.vault(database) as vault:
        assert refusal(check_right(vault, claire)) == "contained"
        assert vault.rows("SELECT why, here, seen FROM vault.restored") == [("another-history", 3, 3)]


def test_a_clean_restart_closes_nothing(town: Town, database: Database) -> None:
    with town.vault(database) as vault:
        claire = activated(vault, "claire", vault.establishment()).browser
        expect(Answer, check_right(vault, claire))
        level(vault, 1)
    for _ in range(2):
        with town.vault(database) as vault:
            expect(Answer, check_right(vault, claire))
            assert not health(vault).restored
