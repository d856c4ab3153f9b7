"""An insurer's package, made: its documents rendered, its members and their load keys gathered, all of it sealed and signed."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from rempart.incident.exposure import Exposed
from rempart.incident.facts import Language
from rempart.incident.notices.figures import plain_figures
from rempart.incident.notices.package import Contents, Sign, digest_of, member_of, seal_package
from rempart.incident.notices.rendering import Insurer, Telling, render_for_insurer

LETTER = "insurer-letter"
PROOFS = "proofs.ndjson"


@dataclass(frozen=True)
class Package:
    """One insurer's, sealed. `content`: the SHA-256 of what it says, the same for the same facts, scope and templates."""

    insurer: Insurer
    issue: int
    persons: int
    content: bytes
    lines: list[bytes]
    digest: bytes

    @property
    def bytes(self) -> int:
        """Of the whole file."""
        return sum(map(len, self.lines))


def make_package(
    telling: Telling,
    insurer: Insurer,
    exposed: Sequence[Exposed],
    load_keys: dict[int, bytes],
    issue: int,
    sign: Sign,
    proofs: Sequence[bytes] = (),
) -> Package:
    """Render and seal. `proofs`: a line an answer, in the form of a proofs' file. Raises BadTemplate."""
    assert telling.scope is not None
    documents = render_documents(telling, insurer)
    if proofs:
        documents[PROOFS] = b"".join(proofs)
    contents = Contents(
        insurer.amc, insurer.number, insurer.name, telling.incident.id, telling.incident.title, issue, telling.at,
        telling.templates.digest, telling.scope.size, plain_figures(telling.parts.get(insurer.number)) or {}, documents, exposed, load_keys,
    )  # fmt: skip
    lines = seal_package(contents, os.urandom(32), insurer.notice_key, sign)
    digest = hashlib.sha256(b"".join(lines)).digest()
    return Package(insurer, issue, len(exposed), content_of(telling, insurer, exposed), lines, digest)


def render_documents(telling: Telling, insurer: Insurer) -> dict[str, bytes]:
    """PDF and JSON of each; the letter also as text, for the insurer's own mailing."""
    made: dict[str, bytes] = {}
    for document in telling.templates.documents:
        if document.per != "insurer":
            continue
        rendered = render_for_insurer(telling, document, insurer)
        made[f"{document.key}.pdf"], made[f"{document.key}.json"] = rendered.pdf(), rendered.json()
        if document.key == LETTER:
            for language in Language:
                made[f"{document.key}.{language}.txt"] = rendered.text(language).encode()
    return made


def content_of(telling: Telling, insurer: Insurer, exposed: Sequence[Exposed]) -> bytes:
    """What decides whether a package is new. Neither the hour nor the ledger's growth does."""
    incident, scope = telling.incident, telling.scope
    assert scope is not None
    said = (
        incident.id, incident.title, incident.aware, sorted(incident.facts.items()), insurer.amc, insurer.name, telling.operator,
        telling.templates.digest, scope.question.since, scope.question.until, plain_figures(telling.whole),
        digest_of([member_of(person) for person in exposed]), telling.nobody_else.code,
    )  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(said)).digest()
