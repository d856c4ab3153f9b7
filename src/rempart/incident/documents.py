"""Every document of an incident that is not an insurer's: for authorities and the public, and one an establishment."""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

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
