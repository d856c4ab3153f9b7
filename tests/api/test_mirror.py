"""Anybody's copy of the ledger, through the real door: it grows with the log, and each answer's leaf is in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rempart.evidence.mirror import over_http, update_mirror
from rempart.evidence.note import VerifierKey
from rempart.evidence.tiles import prove_leaf, verify_folder
from rempart.foundation.vocabulary import Domain
from rempart.vaultdoor.messages import Checkpoint, SignedCheckpoint
from tests.api.town import ANNE, Town, running_town
from tests.authenticator import expect
from tests.conftest import Database
from tests.front.process import wait_until


@pytest.fixture(scope="module")
def town(module_database: Database) -> Iterator[Town]:
    with running_town(module_database) as running:
        yield running


def test_a_mirror_follows_the_public_door(town: Town, tmp_path: Path) -> None:
    key = VerifierKey.parse(expect(SignedCheckpoint, town.operate(Checkpoint())).verifier_key)
    fetch = over_http(f"{town.front.settings.origin}/ledger")

    def caught_up() -> bool:
        return update_mirror(tmp_path / "copy", key, fetch).checkpoint.size == town.ledger_size()

    for domain in (Domain.PHAR, Domain.OPTI):
        town.check(ANNE.by_card(domain))
        wait_until(caught_up, "the copy has every leaf")
    assert verify_folder(tmp_path / "copy", key).checkpoint.size == town.ledger_size() > 1
    prove_leaf(tmp_path / "copy", 0, key)
