"""A scope in words and as JSON: the same figures for a duty officer's screen and for a file. Pure. No name, no identifier of a person."""

import base64
import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from rempart.evidence.note import to_base64
from rempart.evidence.opening import ANSWER_CLASSES
from rempart.evidence.operations import ASSUMPTIONS as COUNTS_ASSUMPTIONS
from rempart.foundation.clock import PARIS, SECOND, in_paris, instant
from rempart.foundation.errors import BadInput
from rempart.foundation.vocabulary import DOMAIN_BY_CODE, Lane
from rempart.incident.exposure import Exposed, Question, Scope, Told
from rempart.incident.scope_hit import Hit
from rempart.incident.scope_negative import Depth, Negative
from rempart.incident.scope_professionals import BASIS, NEVER_SHOWN, SENTENCES, ProfessionalsSeen

VERSION = 1
SETTLED = 10 * SECOND
"""An answer takes its time when it is asked, and its place when it is written: no later than the vault's statements may last."""
ALWAYS = (
    "Every answer counts as told, even one that never arrived: a crash over-counts, it never under-counts.",
    "What honest people asked with the same accounts and devices meanwhile is in it too: the ledger knows who signed, not who sat there.",
    (
        "A person is one for each insurer. Which member a pseudonym is, only that insurer reads, in a reference that no leaf commits to; it"
        " checks it by asking who consulted that member."
    ),
    (
        "Every answer of the vault has its leaf before it leaves, and says no more than its class: that is the vault's code, and the key"
        " store's count is the check on it."
    ),
    "It is about the vault's answers. What a thief who had root on a door saw pass is the question about all parties.",
)


# ── the question ─────────────────────────────────────────────────────────────────────────────────────────────────────


def read_instant(text: str) -> int:
    """µs of an ISO instant; without an offset it is Paris's civil time. Raises BadInput."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is no ISO date and time") from None
    return round((when if when.tzinfo else when.replace(tzinfo=PARIS)).timestamp() * SECOND)


def question_as_json(question: Question) -> dict[str, Any]:
    """A question as a file holds it; `read_question` reads it again."""
    return {
        "since": said(question.since),
        "until": said(question.until),
        "accounts": sorted(map(str, question.accounts)),
        "devices": sorted(map(str, question.devices)),
        "establishments": sorted(map(str, question.establishments)),
        "editors": sorted(map(str, question.editors)),
        "lanes": sorted(lane.name.lower() for lane in question.lanes),
        "insurers": sorted(question.insurers),
    }


def read_question(data: bytes) -> Question:
    """A question from JSON: alone, or inside what `scope --json` wrote. Raises BadInput."""
    try:
        content = json.loads(data)
        found = content.get("question", content)
        parties = {
            name: frozenset(map(UUID, found.get(name, ())))
            for name in ("accounts", "devices", "establishments", "editors")
        }
        return Question(
            read_instant(found["since"]),
            read_instant(found["until"]),
            lanes=frozenset(Lane[name.upper()] for name in found.get("lanes", ())),
            insurers=frozenset(map(int, found.get("insurers", ()))),
            **parties,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadInput("the file holds no question: write one with `rempart incident scope --json`") from None


def said(micros: int) -> str:
    """An instant, in UTC, to the microsecond: a question read again is the same one."""
    return instant(micros).isoformat()


# ── the answer ───────────────────────────────────────────────────────────────────────────────────────────────────────


def scope_as_json(scope: Scope, insurers: Mapping[int, tuple[str, str]]) -> dict[str, Any]:
    """Everything that a scope says. `insurers`: number → n° AMC, name."""
    groups: dict[int, list[Exposed]] = {}
    for person in scope.exposed:
        groups.setdefault(person.insurer, []).append(person)
    return {
        "version": VERSION,
        "question": question_as_json(scope.question),
        "ledger_size": scope.size,
        "persons": len(scope.exposed),
        "answers": sum(len(person.answers) for person in scope.exposed),
        "absences": scope.absences,
        "answers_in_the_day_before": scope.before,
        "answers_in_the_day_after": scope.after,
        "pruned_before": said(scope.pruned_before) if scope.pruned_before else None,
        "revealed": {
            str(kind): list(ANSWER_CLASSES[kind])
            for kind in sorted({told.answer_class for person in scope.exposed for told in person.answers})
        },
        "insurers": [
            {
                "insurer": number,
                "amc": insurers.get(number, ("", ""))[0],
                "persons": len(persons),
                "answers": sum(len(person.answers) for person in persons),
                "exposed": [_person(person) for person in persons],
            }
            for number, persons in groups.items()
        ],
    }


def cautions_of(scope: Scope, now: int) -> list[str]:
    """What keeps the list from being the last word. `now`: the operator's clock, µs."""
    lines = []
    if now < scope.question.until + SETTLED:
        lines.append(
            "The interval is not over, or ended seconds ago: an answer asked in it may still be written. Ask again in ten seconds."
        )
    if scope.pruned_before > scope.question.since:
        lines.append(
            f"Entries before {in_paris(scope.pruned_before, exact=True)} may have been pruned, their three years over: who was told of"
            " before is not in it."
        )
    if scope.before or scope.after:
        lines.append(
            f"The same parties were told of somebody by {scope.before:,} answers in the day before the interval and {scope.after:,}"
            " in the day after it: not in question unless it is widened."
        )
    return lines


def _person(person: Exposed) -> dict[str, Any]:
    return {
        "subject": str(person.subject),
        "notice_ref": base64.b64encode(person.notice_ref).decode(),
        "generation": person.generation,
        "answers": [_told(told) for told in person.answers],
    }


def _told(told: Told) -> dict[str, Any]:
    return {
        "index": told.index,
        "at": said(told.at),
        "lane": told.lane.name.lower(),
        "domain": DOMAIN_BY_CODE[told.domain],
        "class": told.answer_class,
        "account": str(told.account),
        "device": str(told.device),
        "establishment": str(told.establishment),
        "editor": str(told.editor) if told.editor.int else None,
    }


def counts_of(scope: Scope) -> dict[str, Counter[str]]:
    """Answers by lane and by domain, accounts and devices that asked: for the screen."""
    answers = [told for person in scope.exposed for told in person.answers]
    return {
        "lane": Counter(told.lane.name.lower() for told in answers),
        "domain": Counter(str(DOMAIN_BY_CODE[told.domain]) for told in answers),
        "account": Counter(str(told.account) for told in answers),
        "device": Counter(str(told.device) for told in answers),
        "establishment": Counter(str(told.establishment) for told in answers),
    }


# ── the negative ─────────────────────────────────────────────────────────────────────────────────────────────────────


def negative_as_json(negative: Negative) -> dict[str, Any]:
    """The statement with what it rests on."""
    operations = negative.operations
    return {
        "statement": statement_of(negative),
        "depth": negative.depth.value,
        "origin": negative.origin,
        "read": {"first": negative.first, "until": negative.until, "whole": negative.whole},
        "size": negative.size,
        "signed": negative.signed,
        "root": to_base64(negative.root),
        "cosigned": [{"witness": name, "at": said(second * SECOND)} for name, second in negative.cosigned],
        "told": negative.told,
        "absent": negative.absent,
        "operations": None
        if operations is None
        else {name: getattr(operations, name) for name in operations.__slots__},
        "assumptions": assumptions_of(negative),
    }


def statement_of(negative: Negative) -> list[str]:
    """What was done, and what follows from it."""
    count = negative.until - negative.first
    read = f"all {count} entries" + (
        f" with an index from {negative.first} to {negative.until - 1}" if count else ""
    )
    how = (
        f"{read} were read: each is what its leaf commits to, and these leaves hash to the root that was signed"
        if negative.depth is Depth.RECOMPUTED
        else f"{read} are there"
    )
    lines = [
        f"In the ledger {negative.origin} ({negative.size} leaves; root of the first {negative.signed}: {to_base64(negative.root)}) {how}.",
        f"{negative.told} of them, in question, told of somebody, {negative.absent} of nobody.",
        "Nobody else was told of by what is in question.",
    ]
    if negative.cosigned:
        names = ", ".join(f"{name} ({in_paris(second * SECOND)})" for name, second in negative.cosigned)
        lines.append(f"Cosigned by {names}.")
    if (done := negative.operations) is not None:
        since, until = in_paris(done.since, exact=True), in_paris(done.until, exact=True)
        lines.append(
            f"The key store counted, from {since} to {until}, {done.made} derivations of a capsule's key,"
            f" {done.disclosed} of them by {done.asked} rights checks: {done.answered} answered, {done.refused} refused, {done.failed}"
            f" failed; {done.leaves} leaves. {done.verified} of its signed records were verified."
        )
    return lines


def assumptions_of(negative: Negative) -> list[str]:
    """Everything that the statement rests on, the usual and what is particular to this one."""
    lines = list(ALWAYS)
    if negative.depth is Depth.COUNTED:
        lines.append(
            "Entries that are not in question were counted, not recomputed: one that the database's owner altered to look like another's"
            " would not be found. Ask without --counted."
        )
    if not negative.whole:
        lines.append("The vault's clock was never turned back by more than an hour; --whole does without.")
    if negative.size > negative.signed:
        lines.append(f"The last {negative.size - negative.signed} leaves are not signed yet: ask again in two seconds.")  # fmt: skip
    if negative.cosigned:
        lines.append(
            "The witnesses are foreign, and their keys were not taken from a machine that was broken into."
        )
    else:
        lines.append(
            "No witness cosigned it whose key is known here (--witness): the root is believed on the log's own key, and a ledger rewritten"
            " by whoever holds it would not be found."
        )
    done = negative.operations
    if done is None:
        lines.append(
            "The key store's count is not there: only the vault's code says that no capsule was opened without a leaf."
        )
        return lines
    if done.unseen:
        lines.append(
            f"{done.unseen} leaves were written while no vault counted: one was killed; what it derived then is unknown."
        )
    if done.uncounted:
        lines.append(f"{done.uncounted} leaves are younger than the key store's last record.")
    lines.append(
        "The count was read from the database: `rempart evidence operations` holds it against the file beside the key store."
    )
    if not done.key_given:
        lines.append(
            "The count's public key was read from the count itself: give the one noted when it began (--operations-key)."
        )
    return [*lines, *COUNTS_ASSUMPTIONS]


# ── professionals, houses ────────────────────────────────────────────────────────────────────────────────────────────


def professionals_as_json(seen: ProfessionalsSeen) -> dict[str, Any]:
    """The upper bound, told apart."""
    return {
        "upper_bound": True,
        "accounts": sorted(map(str, seen.accounts)),
        "people": seen.people,
        "establishments": [
            {
                "establishment": str(each.place.id),
                "number": each.place.number,
                "profession": each.place.profession,
                "kinds": [kind.value for kind in each.kinds],
                "accounts_in_question": each.accounts,
                "people": each.people,
            }
            for each in seen.seen
        ],
        "kinds": {kind.value: {"fr": french, "en": english} for kind, (french, english) in SENTENCES.items()},
        "never_shown": NEVER_SHOWN,
        "basis": list(BASIS),
    }


def hit_as_json(hit: Hit) -> dict[str, Any]:
    """One house's answer."""
    return {name: getattr(hit, name) for name in hit.__slots__} | {"untouched": hit.untouched}


def hit_sentences(hit: Hit) -> tuple[str, str]:
    """The answer in one French and one English sentence."""
    if hit.untouched:
        return (
            "Non : aucune consultation en cause n'a été faite avec vos comptes, et aucune des personnes concernées n'est des vôtres.",
            "No: none of the look-ups in question was made with your accounts, and none of the persons concerned is yours.",
        )
    french = (
        f"{hit.answers} réponse(s) en cause faites chez vous ({hit.persons} personne(s)), {hit.elsewhere} faites ailleurs par l'un de vos"
        f" comptes ; {hit.served} des personnes que vous avez servies sont concernées, dont {hit.served_by_others} par des consultations"
        " faites ailleurs."
    )
    english = (
        f"{hit.answers} answers in question were made at yours ({hit.persons} persons), {hit.elsewhere} elsewhere by one of your accounts;"
        f" {hit.served} of the persons whom you served are concerned, {hit.served_by_others} of them by look-ups made elsewhere."
    )
    return french, english
