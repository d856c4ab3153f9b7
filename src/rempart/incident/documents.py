"""Every document of an incident that is not an insurer's: for authorities and the public, and one an establishment."""

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

from rempart.claims.durable import write_durably
from rempart.foundation.errors import BadInput
from rempart.incident import store_case as store
from rempart.incident.facts import Language
from rempart.incident.notices.figures import by_establishment
from rempart.incident.notices.rendering import Rendered, Telling, render, render_for_place


def documents_of(c: store.Connection, telling: Telling) -> Iterator[tuple[str, Rendered]]:
    """Each with its file's name, without a suffix. Raises BadTemplate."""
    for document in telling.templates.documents:
        if document.per == "once":
            yield document.key, render(telling, document)
        elif document.per == "establishment" and telling.scope is not None:
            parts = by_establishment(telling.scope)
            seen = telling.professionals.seen if telling.professionals else ()
            places = store.places(c, [*parts, *(each.place.id for each in seen)])
            # Of a FINESS that was sold the seller and the buyer have a letter each: neither takes the other's place in a folder.
            often = Counter(place.finess for place in places)
            for place in places:
                yield (
                    f"{document.key}-{place.finess if often[place.finess] == 1 and place.finess else place.id}",
                    render_for_place(telling, document, place, parts.get(UUID(place.id), [])),
                )


def forms_of(document: Rendered) -> Iterator[tuple[str, bytes]]:
    """A document in each of its forms, with the suffix of its file."""
    yield ".pdf", document.pdf()
    yield ".json", document.json()
    for language in Language:
        yield f".{language}.txt", document.text(language).encode()


_OURS = re.compile(r"[a-z][a-z0-9-]*\.(pdf|json|(fr|en)\.txt)")


def write_documents(
    c: store.Connection, telling: Telling, target: Path, done: Callable[[], object] = lambda: None
) -> int:
    """Every form of each in a folder of their own, in the place of those of a former rendering; how many documents. `done` hears of each.

    Written beside it and then swapped: a letter of a former scope never lies among those of this one, wherever this is killed. A folder
    that holds anything else is refused, and nothing is written. Raises BadInput, BadTemplate.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise BadInput(f"{target} is no folder")
    if target.is_dir() and any(not _OURS.fullmatch(each.name) for each in target.iterdir()):
        raise BadInput(f"{target} holds something else than documents of an incident: name another folder")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    made = 0
    try:
        fresh = beside / "new"
        fresh.mkdir(mode=0o700)
        for name, document in documents_of(c, telling):
            for suffix, content in forms_of(document):
                write_durably(fresh / f"{name}{suffix}", content)
            made += 1
            done()
        if target.is_dir():
            target.rename(beside / "former")
        fresh.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return made
