"""A campaign at the FHIR door, in a platform of real processes: what is due stops a look-up in the one SQL call, and nothing is counted."""

from collections.abc import Iterator

import pytest

from rempart.cli.counter import Counter, DoorRefused
from rempart.vaultdoor.messages import CampaignStarted, StartCampaign
from tests.browser.platform import Platform, running_platform
from tests.conftest import TestCluster
from tests.vault.test_attacks_on_disclosure import KNOWN
from tests.vault.test_switches_live import leaves

OLD, NEW = "Quatre-loutres-et-1-parapluie", "Treize herissons jouent du basson"


@pytest.fixture
def platform(cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    database = cluster.fresh_database()
    with running_platform(database, tmp_path_factory.mktemp("p")) as started:
        yield started
    cluster.drop(database)


def test_the_fhir_door_is_no_way_around_a_campaign(platform: Platform) -> None:
    login, code = platform.enrol(platform.enrol_pharmacy("Pharmacie du Rempart"))
    counter = Counter(platform.origin)
    counter.activate(code)
    counter.act("/acts/password/change", {"old": "", "new": OLD})
    assert counter.check(KNOWN)["outcome"] == "complete"
    before = leaves(platform.database)
    call = StartCampaign("password", "account", login, reason_fr="x", reason_en="x")
    platform.ask(call, CampaignStarted)
    # The vault has just served this very session from its memory.
    with pytest.raises(DoorRefused, match="403"):
        counter.check(KNOWN)
    assert leaves(platform.database) == before
    counter.act("/acts/password/change", {"old": OLD, "new": NEW})
    assert counter.check(KNOWN)["outcome"] == "complete"
    assert leaves(platform.database) == before + 1
    counter.close()
