"""The operator's switches: thrown, lifted, listed. One person throws anything at once, but for what stops the whole platform.

An actor may bring the proof that two answer for it, as the desk's does. Else the call's own signed notes are asked for.
"""

import hashlib
import json
from datetime import datetime

import msgspec

from rempart.foundation.clock import HOUR, MINUTE, SECOND, instant
from rempart.foundation.errors import BadInput, Refusal
from rempart.foundation.vocabulary import Lane
from rempart.vault import restored, store_switches
from rempart.vault import store_accounts as store
from rempart.vault.actors import Actor, both
from rempart.vault.errors import NotThere, ReleaseRefused
from rempart.vault.notices import Audited, journal
from rempart.vault.store_accounts import Connection, Row
from rempart.vault.switches import SCOPES, switch_key
from rempart.vault.two_people import TwoPeople, require_release_keys, signed_by_two
from rempart.vault.zone import Zone
from rempart.vaultdoor.holds import Hold, does_something
from rempart.vaultdoor.messages import (
    AskTwoPeople,
    Done,
    ListSwitches,
    ReleaseText,
    SwitchCount,
    Switches,
    SwitchView,
    ThrowSwitch,
)

ALONE = frozenset({Hold.KNOWN_ONLY, Hold.STEP_UP})
"""What one person may throw on the whole platform, and lift: people are still served, or asked to confirm."""
SIGNED_LATELY = HOUR
"""How old the text may be that two people signed."""
SHOWN = 500
"""Switches in one list: a room that a mass incident makes unreadable is none."""
_HEADER = "rempart switch v1"


class TwoPeopleNeeded(Refusal):
    """The whole platform is closed by two people, and opened by two."""

    code = "two-people"
    french = "Deux personnes doivent signer pour arrêter ou rouvrir toute la plateforme."
    english = "Two people have to sign to stop or reopen the whole platform."


async def throw_switch(zone: Zone, c: Connection, call: ThrowSwitch, by: Actor) -> Done:
    """Contain, or lift. Effective for every answer that has not left, in every vault, within a second.

    Raises BadInput, NotThere, RestoredHold, TwoPeopleNeeded, ReleaseRefused.
    """
    now, reason = zone.clock(), _named(call.reason)
    if not 0 <= call.minutes <= 10 * 366 * 24 * 60:
        raise BadInput("minutes")
    key = await switch_key(c, call.scope, call.key)
    await restored.require_ordinary(c, call.scope, reason)
    holds = [_thrown(call)] if call.on else await _lifted(c, call, key, now)
    if call.signatures or any(needs_two(call.scope, hold) for hold in holds):
        by = by if by.people else both(await _signed(zone, c, call, now))
    for hold in holds:
        if call.on:
            until = now + call.minutes * MINUTE if call.minutes else None
            # One's own never ends sooner by being thrown again: to shorten it is to lift it, which asks for a proof.
            await store_switches.prolong(c, call.scope, key, hold, by.name, reason, now, until)
        else:
            await store_switches.undo(c, call.scope, key, hold)
    act = Audited.SWITCH_THROW if call.on else Audited.SWITCH_UNDO
    await journal(c, now, by.name, act, f"{call.scope} {call.key}".strip(), f"{', '.join(holds)}: {reason}")
    return Done()


def _thrown(call: ThrowSwitch) -> Hold:
    hold = Hold(call.hold or Hold.CLOSED)
    if call.whole or not does_something(call.scope, hold):
        raise BadInput("hold")
    return hold


async def named_hold(c: Connection, call: ThrowSwitch, now: int) -> ThrowSwitch:
    """The same call, saying which hold it throws or lifts where it left that out; all of them stays all. Raises BadInput, NotThere."""
    if call.whole or call.hold:
        return call
    key = await switch_key(c, call.scope, call.key)
    hold = Hold.CLOSED if call.on else (await _lifted(c, call, key, now))[0]
    return msgspec.structs.replace(call, hold=hold.value)


async def _lifted(c: Connection, call: ThrowSwitch, key: str, now: int) -> list[Hold]:
    """The strictest that stands, or the one named, or all; what stood before it stands again. Raises NotThere."""
    standing = [
        Hold(row["hold"])
        for row in await store_switches.standing(c, now, call.scope, key)
        if row["reason"] != store.RESTORED
    ]
    if call.hold:
        standing = [hold for hold in standing if hold == call.hold]
    if not standing:
        raise NotThere("key")
    return list(dict.fromkeys(standing)) if call.whole else standing[:1]


# ── two people ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def ask_two_people(zone: Zone, _c: Connection, call: AskTwoPeople, _by: Actor) -> ReleaseText:
    """What two people sign so that this may be done. Raises BadInput."""
    _named(call.switch.reason)
    return ReleaseText(switch_text(zone.checkpoints.origin, call.switch, zone.clock()))


def switch_text(origin: str, call: ThrowSwitch, at: int) -> str:
    """This platform, this act, this minute: a signature serves for nothing else."""
    told = {
        "origin": origin, "act": "throw" if call.on else "lift", "switch": f"{call.scope} {call.key}".strip(),
        "hold": call.hold or (str(Hold.CLOSED) if call.on else "the strictest"), "whole": json.dumps(call.whole),
        "minutes": call.minutes or "until it is lifted", "reason": _named(call.reason),
        "at": instant(at).isoformat(timespec="seconds"),
    }  # fmt: skip
    return "".join(f"{line}\n" for line in (_HEADER, *(f"{name} {value}" for name, value in told.items())))


async def _signed(zone: Zone, c: Connection, call: ThrowSwitch, now: int) -> TwoPeople:
    if not call.signatures:
        raise TwoPeopleNeeded
    at = _signed_at(call.signatures[0])
    if not now - SIGNED_LATELY <= at <= now:
        raise ReleaseRefused("the text is older than an hour")
    keys = require_release_keys(zone.settings.release_keys)
    people = signed_by_two(switch_text(zone.checkpoints.origin, call, at), keys, call.signatures)
    # Once: whoever kept both notes must not close again what was opened.
    digest = hashlib.sha256(b"two-people\0" + people.text.encode()).digest()
    if not await store.use_nonce(c, digest, now, at + SIGNED_LATELY + MINUTE):
        raise ReleaseRefused("these signatures have served")
    return people


def _signed_at(note: bytes) -> int:
    """The instant that a text names; what else it says is compared whole."""
    for line in note.split(b"\n"):
        if line.startswith(b"at "):
            try:
                return int(datetime.fromisoformat(line[3:].decode()).timestamp()) * SECOND
            except (ValueError, OverflowError):
                break
    raise ReleaseRefused("no instant")


# ── what stands ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def list_switches(zone: Zone, c: Connection, call: ListSwitches, _by: Actor) -> Switches:
    """What holds somebody now, the widest first: all of it counted, and `SHOWN` of it, or what stands on one key.

    What is over is in the journal. Raises BadInput, NotThere (no such key).
    """
    now = zone.clock()
    at = (call.scope, await switch_key(c, call.scope, call.key)) if call.scope else ("", "")
    counts = await store_switches.counted(c, now, SCOPES, *at)
    rows = await store_switches.shown(c, now, SCOPES, SHOWN, *at)
    return Switches([_view(row) for row in rows], now, [SwitchCount(*each) for each in counts])


def _view(row: Row) -> SwitchView:
    return SwitchView(
        scope=row["scope"],
        key=row["key"],
        named=Lane(int(row["key"])).name.lower() if row["scope"] == "lane" else row["label"] or "",
        hold=row["hold"],
        reason=row["reason"],
        thrown=row["thrown"],
        until=row["until"] or 0,
        by=row["thrown_by"],
        second=needs_two(row["scope"], Hold(row["hold"])),
    )


def needs_two(scope: str, hold: Hold) -> bool:
    """Is this thrown, and lifted, by two people?"""
    return scope == "platform" and hold not in ALONE


def _named(text: str) -> str:
    words = " ".join(text.split())
    if not 1 <= len(words) <= 200 or not words.isprintable():
        raise BadInput("reason")
    return words
