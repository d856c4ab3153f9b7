"""The one act: from a signed request to a decision. The steps and the reason for their order: docs/algorithms/disclose.md."""

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any, ClassVar

import msgspec

from rempart.foundation.clock import paris_date
from rempart.foundation.errors import Outage, Refusal
from rempart.foundation.identifiers import refuse_synthetic, refuse_unless_synthetic
from rempart.foundation.vocabulary import Domain, Lane
from rempart.vault import switches
from rempart.vault.asked import Network
from rempart.vault.breakers import BreakerOpen, DeviceBusy
from rempart.vault.capsule import (
    Departure,
    SealedContract,
    associated_data,
    card_message,
    derive,
    encode_content,
    is_canary,
    open_capsule,
    seal,
    secret_message,
    vitale_message,
)
from rempart.vault.decision import ABSENT, ANSWER_CLASS, Grid, decide
from rempart.vault.directory import KnownInsurer
from rempart.vault.editors import editor_of, served
from rempart.vault.engagement import number_of
from rempart.vault.errors import Due, Elsewhere, LaneClosed, PasskeyOnly, StepUpNeeded
from rempart.vault.events import Event
from rempart.vault.ledgercall import Debited, Entry, Status
from rempart.vault.policy import LINES, costs
from rempart.vault.sessions import Standing, network_told, standing
from rempart.vault.signature import SignatureInvalid, VerifiedRequest, read_signature, verify
from rempart.vault.store_accounts import LOST
from rempart.vault.zone import Zone
from rempart.vaultdoor.fhir import BadPresentation, Presentation, read_request
from rempart.vaultdoor.holds import ClaimsOnly, Contained, KnownOnly
from rempart.vaultdoor.messages import Act, Answer, Decision
from rempart.vaultdoor.seats import SeatDeparted, SeatNotOpen, SeatSuspended

RIGHTS = ("/fhir/CoverageEligibilityRequest/$submit", "/fhir/CoverageEligibilityRequest/%24submit")
"""The same address twice: a client may escape the dollar. What it wrote is what it signed."""
BROWSER = uuid.UUID(int=0)
"""No editor: a browser asks."""
PADDED = 4096
"""Bytes of an encoded answer: every answer fills a whole number of these, one in practice."""
_OLDEST_CARE, _LATEST_CARE = timedelta(days=2 * 366), timedelta(days=366)


class Exhausted(Refusal):
    """A line has no room for the dearest outcome. Said openly, and decided before the probe."""

    code: ClassVar[str] = "exhausted"


class SessionOver(Refusal):
    """Session, device, account, establishment or membership no longer stands."""

    code: ClassVar[str] = "session"


class DeviceMismatch(Refusal):
    """The key that signed is not the session's device."""

    code: ClassVar[str] = "device"


_REFUSALS: dict[Status, type[Refusal]] = {
    Status.EXHAUSTED: Exhausted,
    Status.CONTAINED: Contained,
    Status.SESSION_OVER: SessionOver,
    Status.STEP_UP: StepUpNeeded,
    Status.WITHHELD: KnownOnly,
    Status.CLAIMS_ONLY: ClaimsOnly,
    Status.DUE: Due,
    Status.PASSKEY_ONLY: PasskeyOnly,
    Status.LANE_CLOSED: LaneClosed,
    Status.ELSEWHERE: Elsewhere,
    Status.DEPARTED: SeatDeparted,
    Status.SUSPENDED: SeatSuspended,
    Status.NOT_OPEN: SeatNotOpen,
}
_TOLD_TO_DETECTION = {
    Status.EXHAUSTED: "exhausted",
    Status.CONTAINED: "contained",
    Status.STEP_UP: "step-up",
    Status.WITHHELD: "contained",
    Status.CLAIMS_ONLY: "contained",
    Status.PASSKEY_ONLY: "refused",
    Status.LANE_CLOSED: "refused",
    Status.ELSEWHERE: "refused",
    Status.DEPARTED: "refused",
    Status.SUSPENDED: "refused",
    Status.NOT_OPEN: "refused",
}


@dataclass(frozen=True, slots=True)
class Key:
    """Where a person's capsule would be and what would open it, under one epoch. Lives as long as the request."""

    epoch: int
    tag: uuid.UUID
    secret: bytes


@dataclass(frozen=True, slots=True)
class Decoy:
    """A capsule of nobody. An absence opens it, so that it costs what a person costs."""

    key: bytes
    sealed: bytes
    aad: bytes

    @classmethod
    def fresh(cls) -> "Decoy":
        """A typical content under a random key."""
        content = [SealedContract("decoy", 1, 0, True, 0, 0, [Departure(1, 1, 0)])]
        key, aad = secrets.token_bytes(32), associated_data(0, Lane.CARD, 0)
        return cls(key, seal(key, aad, encode_content(content)), aad)


_DECOY = Decoy.fresh()


async def disclose(act: Act, zone: Zone) -> Answer:
    """Check a right. Raises BadInput, Refusal or Outage; on any of them nothing was disclosed."""
    # Who asks, did their device sign this very request, and the editor of the software on it? Only then is the body read.
    who = await standing(zone, act.session)
    request = verified(act, who, zone)
    editor = await editor_of(zone, act, request.at, bound=who.editor)
    presentation = read_presentation(request, zone)
    insurer = await zone.directory.insurer(presentation.amc, zone.clock())
    # The card's secret exists from here to the end of this call.
    keys = present(presentation, zone)
    entry = entry_for(presentation, who, editor, insurer, keys, zone, network_told(act.address))
    # Meter and ledger first, durably. The capsule is opened against their receipt, never before.
    heard = zone.switches.mark()
    debited = await debit(entry, who, insurer, zone)
    if debited.epoch > keys[0].epoch:
        # The sealer was started again and this vault was not: the person may well be there, under a tag we cannot make.
        raise Outage(f"insurer {presentation.amc} is at epoch {debited.epoch}: start the vault again")
    decision = reduce(debited, keys, insurer, presentation, canary=partial(tell_canary, zone, who, debited))
    answer = pad(engage(debited, decision, who, insurer, presentation, zone))
    if not await zone.switches.unchanged(heard):
        await require_still_open(entry, debited, who, zone)
    return answer


async def require_still_open(entry: Entry, debited: Debited, who: Standing, zone: Zone) -> None:
    """Read the switches again, for an answer that is on its way while one was thrown. It stays counted and logged: never under-counted.

    Raises Contained, ClaimsOnly, KnownOnly, StepUpNeeded, Outage.
    """
    scopes = [
        ("platform", ""), ("insurer", str(entry.insurer)), ("lane", str(int(entry.lane))), ("profession", who.profession),
        ("editor", str(entry.editor)), ("establishment", str(who.establishment)), ("account", str(who.account)),
        ("device", str(who.device)),
    ]  # fmt: skip
    try:
        refusal = await switches.against_look_up(
            zone.pool,
            zone.clock(),
            scopes,
            session=who.session,
            known=debited.cost == 0 or debited.status is Status.TOLD_KNOWN,
        )
    except LOST as error:
        raise Outage(type(error).__name__) from error
    if refusal is not None:
        note(zone, who, "step-up" if refusal is StepUpNeeded else "contained", None)
        raise refusal


async def debit(entry: Entry, who: Standing, insurer: KnownInsurer | None, zone: Zone) -> Debited:
    """The breakers', then the one call's receipt. Raises Outage and whatever refuses: then detection is told, and nothing was debited."""
    try:
        async with zone.breakers.reserve(
            who.device, insurer, zone.directory.persons, entry.cost_absent
        ) as reserved:
            debited = await zone.ledger.debit(entry)
            reserved.spent = debited.cost
            if debited.commitment:
                zone.operations.logged()
    except BreakerOpen:
        note(zone, who, "breaker", insurer)
        raise
    except DeviceBusy as busy:
        # Once a burst: this refusal is so cheap that its events would be the flood.
        if busy.first:
            note(zone, who, "busy", insurer)
        raise
    if debited.status in _REFUSALS:
        if debited.status in _TOLD_TO_DETECTION:
            note(zone, who, _TOLD_TO_DETECTION[debited.status], insurer)
        raise _REFUSALS[debited.status]
    return debited


def note(
    zone: Zone, who: Standing, kind: str, insurer: KnownInsurer | None, index: int | None = None
) -> None:
    """For detection."""
    zone.events.note(
        Event(
            zone.clock(), kind, who.account, who.device, who.establishment, who.editor,
            insurer=insurer.number if insurer else None, index=index,
        )
    )  # fmt: skip


def tell_canary(zone: Zone, who: Standing, debited: Debited) -> None:
    """Nobody honest asks for somebody who does not exist. The answer is everybody's."""
    note(zone, who, "canary", None, debited.index)


def verified(act: Act, who: Standing, zone: Zone) -> VerifiedRequest:
    """The request, once its signature by the session's device holds."""
    claimed = read_signature(act)
    if claimed.thumbprint != who.thumbprint:
        raise DeviceMismatch
    if act.method != "POST":
        raise SignatureInvalid("method")
    return verify(
        act, claimed, who.public_key, origin=zone.settings.origin, now=zone.clock(), seen=zone.nonces
    )


def read_presentation(request: VerifiedRequest, zone: Zone) -> Presentation:
    """What the request presents, with its care date: today's in Paris where it says none."""
    presentation, today = read_request(request.body), paris_date(request.at)
    if presentation.nir:
        (refuse_synthetic if zone.settings.mode == "production" else refuse_unless_synthetic)(
            presentation.nir
        )
    care_date = presentation.care_date or today
    if not today - _OLDEST_CARE <= care_date <= today + _LATEST_CARE:
        raise BadPresentation("servicedDate", "care-date")
    return msgspec.structs.replace(presentation, care_date=care_date)


def present(presentation: Presentation, zone: Zone) -> tuple[Key, Key]:
    """The keys of a presentation under the current epoch and the one before (the same when there is none)."""
    current = _key(presentation, zone.keys.epoch, zone)
    return current, current if zone.keys.epoch == 1 else _key(presentation, zone.keys.epoch - 1, zone)


def _key(presentation: Presentation, epoch: int, zone: Zone) -> Key:
    birth, rank = presentation.birth_date, presentation.rank
    if presentation.lane is Lane.CARD:
        message = card_message(epoch, presentation.amc, presentation.adherent, birth, rank)
    elif presentation.lane is Lane.SECRET:
        message = secret_message(epoch, presentation.amc, presentation.secret, birth, rank)
    else:
        message = vitale_message(epoch, presentation.amc, presentation.nir, birth, rank)
    tag, secret = derive(zone.capsule_prf(epoch)(message))
    return Key(epoch, uuid.UUID(bytes=tag), secret)


def entry_for(
    presentation: Presentation,
    who: Standing,
    editor: uuid.UUID | None,
    insurer: KnownInsurer | None,
    keys: tuple[Key, Key],
    zone: Zone,
    address: Network | None = None,
) -> Entry:
    """What the SQL call needs, and nothing more: tags, costs, limits; no identifier of the person."""
    line = LINES[who.profession]
    told, absent = costs(presentation.lane)
    bucket, step = zone.features.of(presentation, who.device, zone.clock())
    return Entry(
        session=who.session,
        editor=editor or BROWSER,
        insurer=insurer.number if insurer else 0,
        lane=presentation.lane,
        domain=presentation.domain.code,
        answer_class=ANSWER_CLASS,
        tag=keys[0].tag,
        tag_before=keys[1].tag,
        cost_told=told,
        cost_absent=absent,
        limits=line.limits(who.assurance, served(zone, editor)),
        pace=line.pace,
        told_window=line.told_window,
        salt=secrets.token_bytes(16),
        bucket=bucket,
        step=step,
        address=address,
    )


def reduce(
    debited: Debited,
    keys: tuple[Key, Key],
    insurer: KnownInsurer | None,
    presentation: Presentation,
    *,
    canary: Callable[[], None],
) -> Decision:
    """Open the capsule and keep the decision of this domain and date. An absence opens the decoy: same work, nothing learnt."""
    assert presentation.care_date is not None
    if debited.sealed is None or insurer is None:
        contents = open_capsule(_DECOY.key, _DECOY.aad, _DECOY.sealed)
        decide(contents, {}, presentation.domain, presentation.care_date)
        return ABSENT
    key = keys[0] if debited.epoch == keys[0].epoch else keys[1]
    aad = associated_data(insurer.number, presentation.lane, key.epoch)
    contents = open_capsule(key.secret, aad, debited.sealed)
    if is_canary(contents):
        canary()
    return decide(contents, insurer.grids, presentation.domain, presentation.care_date)


def engage(
    debited: Debited,
    decision: Decision,
    who: Standing,
    insurer: KnownInsurer | None,
    presentation: Presentation,
    zone: Zone,
) -> Answer:
    """Sign what is guaranteed, for which domain and date, to whom; or, when nothing is, the promise of inclusion alone."""
    assert presentation.care_date is not None
    # An absence is sealed like a person: same work.
    beneficiary = zone.signer.sealed_beneficiary(
        insurer.number if insurer else 0,
        debited.subject,
        age_on(presentation.care_date, presentation.birth_date),
        debited.commitment,
    )
    number = number_of(debited.index)
    terms: dict[str, object] = {
        "jti": number,
        "sub": str(who.establishment),
        "amc": presentation.amc,
        "domain": presentation.domain,
        "date": presentation.care_date.isoformat(),
        "contracts": guaranteed(decision, insurer.grids if insurer else {}, presentation.domain),
        "psn": beneficiary,
    }
    return Answer(
        decision=decision,
        engagement=number if decision.open else "",
        receipt=zone.signer.receipt(
            index=debited.index,
            commitment=debited.commitment,
            at=debited.at,
            terms=terms if decision.open else {},
        ),
        insurer=presentation.amc,
        domain=presentation.domain,
        date=presentation.care_date.isoformat(),
        lane=presentation.lane.name.lower(),
        cost=debited.cost,
        at=debited.at,
    )


def guaranteed(decision: Decision, grids: Mapping[str, Grid], domain: Domain) -> list[dict[str, object]]:
    """The open contracts, each with its cell of the insurer's grid: an engagement is priced by what it says, whatever the grid becomes."""
    return [
        {
            "product": c.product,
            "formula": c.formula,
            "responsible": c.responsible,
            "pec": c.prise_en_charge,
            "guarantee": _guarantee(grids[c.product][domain]),
        }
        for c in decision.contracts
        if c.open
    ]


def _guarantee(cell: Mapping[str, Any]) -> dict[str, str | int | None]:
    """`basis`, `percent`, `amount_cents`, `per` (docs/files/products.md); null where the basis needs none."""
    return {
        "basis": cell.get("rate_basis"),
        "percent": cell.get("percent"),
        "amount_cents": cell.get("amount_cents"),
        "per": cell.get("per") or None,
    }


def age_on(day: date, born: date) -> int:
    """Whole years, from 0 (also before the birth) to 150. Somebody born on 29 February is a year older on 1 March of other years."""
    years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return min(max(years, 0), 150)


def pad(answer: Answer) -> Answer:
    """Fill the answer's encoding to a whole number of PADDED bytes."""
    # str 16 of MessagePack takes three bytes of head where the empty string takes one, hence the 258 at least.
    room = -(len(_encode(answer)) + 258) % PADDED + 256
    return msgspec.structs.replace(answer, pad=" " * room)


_encode = msgspec.msgpack.Encoder().encode
