"""What an insurer makes of its package, on its own machine: a table of its members, a letter each, and the proofs checked."""

from collections.abc import Iterator

import msgspec

from rempart.evidence.note import VerifierKey
from rempart.foundation.clock import instant
from rempart.foundation.vocabulary import DOMAIN_BY_CODE, Lane
from rempart.incident.facts import Language, moment
from rempart.incident.notices.errors import BadIncidentPackage
from rempart.incident.notices.figures import revealed
from rempart.incident.notices.making import LETTER, PROOFS
from rempart.incident.notices.package import Answer, Member, Opened
from rempart.incident.scope_proofs import Shown, verify_shown

COLUMNS = (
    "member",
    "answers",
    "first",
    "last",
    "domains",
    "lanes",
    "revealed",
    "establishments",
    "indexes",
    "generation",
)
ANSWERS = "[[consultations]]"
"""What a letter says of each answer, filled in for each member; the other placeholders are the insurer's to fill."""
_SAYS = {
    Language.FRENCH: "- le {moment}, domaine {domain}, une réponse a pu dire : {fields}",
    Language.ENGLISH: "- on {moment}, domain {domain}, an answer can have said: {fields}",
}


def row(reference: str, member: Member) -> dict[str, str]:
    """One member as the spreadsheet has it."""
    times = sorted(answer.at for answer in member.answers)
    return {
        "member": reference, "answers": str(len(member.answers)), "first": _utc(times[0]), "last": _utc(times[-1]),
        "domains": " ".join(sorted({DOMAIN_BY_CODE[a.domain] for a in member.answers})),
        "lanes": " ".join(sorted({Lane(a.lane).name.lower() for a in member.answers})),
        "revealed": ", ".join(revealed(sorted({a.answer_class for a in member.answers}), Language.FRENCH)),
        "establishments": " ".join(sorted({a.establishment.hex() for a in member.answers})),
        "indexes": " ".join(str(a.index) for a in member.answers), "generation": str(member.generation),
    }  # fmt: skip


def letter(opened: Opened, member: Member, language: Language) -> str:
    """The text of article 34 for one member: what was told of them, filled in. Raises BadIncidentPackage."""
    text = opened.documents.get(f"{LETTER}.{language}.txt", b"").decode()
    if ANSWERS not in text:
        raise BadIncidentPackage(f"{LETTER}.{language}.txt has no {ANSWERS}")
    return text.replace(ANSWERS, "\n".join(_said(answer, language) for answer in member.answers))


def check_proofs(opened: Opened, log: VerifierKey) -> int:
    """Verify that the ledger holds each answer, for this insurer and this member; how many. Raises BadIncidentPackage, and what
    `scope_proofs.verify_shown` raises.
    """
    shown = {each.index: each for each in _shown(opened)}
    checked = 0
    for member in opened.members:
        for answer in member.answers:
            if answer.index not in shown:
                raise BadIncidentPackage(f"answer {answer.index} has no proof")
            said = verify_shown(shown[answer.index], log)
            subject = said.subject.bytes if said.subject else b""
            told = (
                said.insurer,
                subject,
                said.at,
                said.domain,
                said.lane,
                said.answer_class,
                said.establishment.bytes,
            )
            ours = (
                opened.header.insurer, member.subject, answer.at, answer.domain, answer.lane, answer.answer_class, answer.establishment,
            )  # fmt: skip
            if told != ours:
                raise BadIncidentPackage(f"the ledger says otherwise of answer {answer.index}")
            checked += 1
    return checked


def _shown(opened: Opened) -> Iterator[Shown]:
    for line in opened.documents.get(PROOFS, b"").splitlines():
        try:
            yield msgspec.json.decode(line, type=Shown)
        except msgspec.MsgspecError:
            raise BadIncidentPackage(PROOFS) from None


def _said(answer: Answer, language: Language) -> str:
    fields = ", ".join(revealed([answer.answer_class], language))
    domain = DOMAIN_BY_CODE[answer.domain].value
    return _SAYS[language].format(moment=moment(answer.at, language), domain=domain, fields=fields)


def _utc(micros: int) -> str:
    return instant(micros).isoformat(timespec="seconds")
