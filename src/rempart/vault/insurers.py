"""Insurers as parties: made known with their public keys, which arrive by contract, and their *vitale* lane. One speaks for millions."""

import base64

from rempart.foundation.errors import BadInput
from rempart.foundation.identifiers import check_amc_number
from rempart.vault import store_accounts as store
from rempart.vault.actors import Actor
from rempart.vault.errors import Conflict, NotThere
from rempart.vault.notices import Audited, journal
from rempart.vault.store_accounts import Connection, Row
from rempart.vault.words import said
from rempart.vault.zone import Zone
from rempart.vaultdoor.messages import (
    Done,
    Enrolled,
    Insurers,
    InsurerView,
    ListInsurers,
    RegisterInsurer,
    SetVitale,
)
from rempart.vaultdoor.party_keys import RAW


async def register(zone: Zone, c: Connection, call: RegisterInsurer, by: Actor) -> Enrolled:
    """A new insurer; its number. The same again changes nothing; other keys for a known n° AMC are refused (Conflict)."""
    known = await require_same(c, call)
    if known is not None:
        return Enrolled(str(known["number"]))
    amc, name = check_amc_number(call.amc), said(call.name, "name")
    number = await store.add_insurer(c, amc, name, call.signing_key, call.notice_key)
    await journal(c, zone.clock(), by.name, Audited.INSURER_REGISTER, amc)
    return Enrolled(str(number))


async def require_same(c: Connection, call: RegisterInsurer) -> Row | None:
    """The insurer of this n° AMC, where it is known as the call has it. Raises BadInput, Conflict."""
    amc = check_amc_number(call.amc)
    if len(call.signing_key) != RAW or len(call.notice_key) != RAW:
        raise BadInput("signing_key" if len(call.signing_key) != RAW else "notice_key")
    said(call.name, "name")
    known = await store.insurer(c, amc)
    if known is not None and (known["name"], known["signing_key"], known["notice_key"]) != (
        call.name, call.signing_key, call.notice_key,
    ):  # fmt: skip
        raise Conflict("amc")
    return known


async def set_vitale(zone: Zone, c: Connection, call: SetVitale, by: Actor) -> Done:
    """Open or close an insurer's vitale lane: its own choice. Raises BadInput, NotThere, Conflict (is so already)."""
    amc, reason = check_amc_number(call.amc), said(call.reason, "reason")
    if not await store.set_vitale(c, await number_of(c, call), opened=call.open):
        raise Conflict("amc")
    act = Audited.VITALE_OPEN if call.open else Audited.VITALE_CLOSE
    await journal(c, zone.clock(), by.name, act, amc, reason)
    return Done()


async def number_of(c: Connection, call: SetVitale) -> int:
    """Whose lane it is. Raises BadInput, NotThere."""
    known = await store.insurer(c, check_amc_number(call.amc))
    if known is None:
        raise NotThere("amc")
    return int(known["number"])


async def list_all(_zone: Zone, c: Connection, _call: ListInsurers, _by: Actor) -> Insurers:
    """Every insurer, by n° AMC: what can be held against its contract."""
    return Insurers([_view(row) for row in await store.insurers_known(c)])


def _view(row: Row) -> InsurerView:
    return InsurerView(
        amc=row["amc"],
        name=row["name"],
        persons=row["persons"],
        vitale_open=row["vitale_open"],
        signing_key=base64.b64encode(row["signing_key"]).decode(),
        notice_key=base64.b64encode(row["notice_key"]).decode(),
    )
