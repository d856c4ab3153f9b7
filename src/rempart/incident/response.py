"""From a finding to what is done: the smallest scope that holds, a question before a closure, a person before anything larger."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rempart.foundation.clock import DAY, MINUTE
from rempart.incident.model import Alert, Containment, Finding, Held, Hold, Rule, Scope, Strength
from rempart.incident.sentences import SENTENCES

MEMORY = 28 * DAY
"""A second crossing within it closes."""
SETTLE = 10 * MINUTE
"""What was on its way when a hold was thrown is part of the same crossing."""
BOTH_WITHIN = DAY
STEP_UP_MINUTES = 7 * 24 * 60
UNTIL_UNDONE = 0
_ABOUT_A_DEVICE = frozenset(Rule) - {Rule.PACE_ESTABLISHMENT, Rule.ONE_PERSON, Rule.CANARY}
"""What may make another sign strong. A house or a person is not the device's doing; a canary has its own rule."""


@dataclass(frozen=True, slots=True)
class Past:
    """What was found and held of the same device and account in the last 28 days, oldest first."""

    findings: Sequence[Finding] = ()
    held: Sequence[Held] = ()


def respond(finding: Finding, past: Past) -> Alert:
    """The alert, with what is proposed; done by itself where that is sure enough."""
    weighed = replace(finding, strength=weigh(finding, past.findings))
    proposed, by_itself = propose(weighed, past.held)
    french, english = SENTENCES[weighed.rule]
    figures = {"figure": f"{weighed.figure:g}", "threshold": f"{weighed.threshold:g}"}
    return Alert(weighed, proposed, by_itself, french.format(**figures), english.format(**figures))


def weigh(finding: Finding, past: Sequence[Finding]) -> Strength:
    """Two different signs at one device within a day are strong; identifiers in order that are often missed are a robot's: sure."""
    near = {
        f.rule for f in past if f.at > finding.at - BOTH_WITHIN and f.party.device == finding.party.device
    }
    if {finding.rule, *near} >= {Rule.ORDER, Rule.MISSES} and finding.rule in {Rule.ORDER, Rule.MISSES}:
        return Strength.SURE
    others = (near - {finding.rule}) & _ABOUT_A_DEVICE
    if finding.strength is Strength.SIGN and finding.rule in _ABOUT_A_DEVICE and others:
        return Strength.STRONG
    return finding.strength


def propose(finding: Finding, held: Sequence[Held]) -> tuple[Containment | None, bool]:
    """What would hold, and whether it is thrown now. A device that is held by this very crossing is not held again."""
    device = finding.party.device
    if device is None:
        house = finding.party.establishment
        return (
            Containment(Scope.ESTABLISHMENT, house, Hold.STEP_UP, STEP_UP_MINUTES) if house else None
        ), False
    mine = [h for h in held if h.containment.key == device and h.at > finding.at - MEMORY]
    closing = finding.strength is Strength.SURE or any(h.at <= finding.at - SETTLE for h in mine)
    if not closing or finding.strength is Strength.SIGN:
        proposed = Containment(Scope.DEVICE, device, Hold.STEP_UP, STEP_UP_MINUTES)
    elif _another_is_closed(finding, held) and finding.party.account is not None:
        proposed = Containment(Scope.ACCOUNT, finding.party.account, Hold.CLOSED, UNTIL_UNDONE)
    else:
        proposed = Containment(Scope.DEVICE, device, Hold.CLOSED, UNTIL_UNDONE)
    just_done = any(h.at > finding.at - SETTLE and h.containment == proposed for h in held)
    return proposed, finding.strength >= Strength.STRONG and not just_done


def _another_is_closed(finding: Finding, held: Sequence[Held]) -> bool:
    """Another device of the same account was closed: the account is what is stolen."""
    return any(
        h.containment.scope is Scope.DEVICE
        and h.containment.hold is Hold.CLOSED
        and h.containment.key != finding.party.device
        and h.at > finding.at - MEMORY
        for h in held
    )
