"""An insurer's own systems, by the signing key that the operator registered: who signed, now and for the first time."""

import hashlib

from rempart.foundation.clock import SECOND
from rempart.foundation.errors import Outage
from rempart.vault import store_accounts as store
from rempart.vault import store_consultations, store_switches
from rempart.vault.errors import NoSuchAct
from rempart.vault.sessions import require_from
from rempart.vault.signature import FRESH_SECONDS, ClaimedSignature, Stale
from rempart.vault.store_accounts import Connection, Row
from rempart.vault.zone import Zone
from rempart.vaultdoor.holds import REFUSALS, Doing, forbidding
from rempart.vaultdoor.insurer import (
    FETCHED,
    InsurersSignature,
    NotTheInsurers,
    key_thumbprint,
    read_insurers_signature,
    verify_insurers,
)
from rempart.vaultdoor.messages import Act, Thrown, Vouched


async def vouch_by_key(act: Act, zone: Zone) -> Vouched:
    """For what an insurer's systems may fetch, and nothing else: nobody's account, no establishment, that insurer's number.

    Raises NoSuchAct, NotTheInsurers, Elsewhere, Stale, Contained, Outage.
    """
    if act.target not in FETCHED or act.method != "POST":
        raise NoSuchAct
    claimed, now = read_insurers_signature(act), zone.clock()
    try:
        insurer = await proven(zone, act, claimed, now)
        async with zone.pool.acquire() as c, c.transaction():
            await require_first_time(c, claimed, now)
            scopes = [("platform", ""), ("insurer", str(insurer["number"]))]
            thrown = await store_switches.holds_on(c, now, scopes)
    except store.LOST as error:
        raise Outage(type(error).__name__) from error
    hold = forbidding(Doing.FOLLOW, thrown)
    if hold is not None:
        raise REFUSALS[hold]
    return Vouched(
        account="", login="", device="", establishment="", profession="", role="", amc=insurer["amc"], insurer=insurer["number"], finess="",
        assurance=0, proven=0, since=0, at=now, thrown=[Thrown(*each) for each in thrown],
    )  # fmt: skip


async def proven(zone: Zone, act: Act, claimed: InsurersSignature, now: int) -> Row:
    """The insurer whose key signed this very request: number, amc, signing_key, networks. Raises NotTheInsurers, Elsewhere,
    Stale."""
    for row in await store_consultations.insurers_keys(zone.pool):
        if key_thumbprint(row["signing_key"]) == claimed.keyid:
            verify_insurers(act, claimed, row["signing_key"], zone.settings.origin)
            require_from(act.address, row["networks"])
            zone.nonces.admit(_as_device(claimed), now)
            return row
    raise NotTheInsurers("keyid")


async def require_first_time(c: Connection, claimed: InsurersSignature, now: int) -> None:
    """Each signature serves once, in every vault. Raises Stale."""
    digest = hashlib.sha256(b"insurer\0" + claimed.keyid.encode() + claimed.nonce.encode()).digest()
    if not await store.use_nonce(c, digest, now, (claimed.created + FRESH_SECONDS + 1) * SECOND):
        raise Stale("nonce")


def _as_device(claimed: InsurersSignature) -> ClaimedSignature:
    """For the memory of nonces, which is one for every key."""
    digest = hashlib.sha256(claimed.keyid.encode()).digest()
    return ClaimedSignature(claimed.parameters, claimed.created, claimed.nonce, digest, claimed.raw)
