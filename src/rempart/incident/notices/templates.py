"""The templates: shipped ones, and over them the operator's own folder. Read once, so that a whole notification uses the same ones.

Jinja2 in its sandbox. What a template may name is a closed list (docs/incident.md): an unknown name is an error before anything is sent.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from jinja2 import DictLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from rempart.incident.clocks import Clocks
from rempart.incident.facts import FactList, Language
from rempart.incident.notices.blocks import Block, guard, read_blocks
from rempart.incident.notices.errors import BadTemplate

FOLDER = "incident-templates"
"""In the platform's folder."""
MOST_BYTES = 200_000
PART = "part-"
"""A file so named is included by others."""
T = TypeVar("T")


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of documents.toml. `per`: once, or one an insurer, or one an establishment of the scope."""

    key: str
    to: str
    french: str
    english: str
    per: str = "once"
    fields: tuple[str, ...] = ()
    """The facts, in the order of the form, that @fields lists."""

    def __post_init__(self) -> None:
        if self.per not in {"once", "insurer", "establishment"}:
            raise ValueError(f"document {self.key}: per {self.per!r}")


class DocumentList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """documents.toml."""

    document: tuple[Document, ...]


@dataclass(frozen=True)
class Templates:
    """Every file's text, by name."""

    texts: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls, overlay: Path | None = None) -> "Templates":
        """The shipped ones, each replaced by the operator's of the same name. Raises BadTemplate for a name that is none of them."""
        texts = shipped()
        if overlay is not None and overlay.is_dir():
            for path in sorted(overlay.iterdir()):
                if path.name.startswith("."):
                    continue
                texts[path.name] = _read(path)
        made = cls(texts)
        made.require_known()
        return made

    def require_known(self) -> None:
        """A misspelt file would be ignored without a word. Raises BadTemplate."""
        names = {f"{document.key}.{language}.txt" for document in self.documents for language in Language}
        for name in self.texts:
            if name not in names | set(shipped()) and not name.startswith(PART):
                raise BadTemplate(f"{name}: no document of documents.toml and no shipped file is named so")
        for name in names - set(self.texts):
            raise BadTemplate(f"{name}: documents.toml names it, and it is not there")

    @cached_property
    def facts(self) -> FactList:
        """facts.toml."""
        return self._list("facts.toml", FactList)

    @cached_property
    def clocks(self) -> Clocks:
        """clocks.toml."""
        return self._list("clocks.toml", Clocks)

    @cached_property
    def documents(self) -> tuple[Document, ...]:
        """documents.toml."""
        found = self._list("documents.toml", DocumentList).document
        for document in found:
            unknown = set(document.fields) - {fact.key for fact in self.facts.fact}
            if unknown:
                raise BadTemplate(
                    f"documents.toml: {document.key} lists {', '.join(sorted(unknown))}, which facts.toml does not know"
                )
        return found

    @cached_property
    def digest(self) -> str:
        """Of everything, for the manifest."""
        whole = hashlib.sha256()
        for name, text in sorted(self.texts.items()):
            whole.update(f"{name}\0{len(text)}\0{text}".encode())
        return whole.hexdigest()

    def document(self, key: str) -> Document:
        """Raises BadTemplate."""
        for document in self.documents:
            if document.key == key:
                return document
        raise BadTemplate(f"no document {key}: {', '.join(document.key for document in self.documents)}")

    def render(
        self, document: Document, language: Language, words: dict[str, Any], fields: list[tuple[str, str]]
    ) -> list[Block]:
        """Raises BadTemplate, naming the file, the line where it is known, and what is wrong."""
        name = f"{document.key}.{language}.txt"
        try:
            rendered = self._environment.get_template(name).render(words)
            return read_blocks(rendered, fields)
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            raise BadTemplate(f"{name}{f', line {line}' if line else ''}: {error.message}") from None
        except (ValueError, TypeError, ArithmeticError, LookupError) as error:
            raise BadTemplate(f"{name}: {error}") from None

    @cached_property
    def _environment(self) -> ImmutableSandboxedEnvironment:
        # Text, not HTML: `finalize` keeps a fact from being read as a mark, and nothing here is ever a page.
        return ImmutableSandboxedEnvironment(
            loader=DictLoader({name: text for name, text in self.texts.items() if name.endswith(".txt")}),
            undefined=StrictUndefined, finalize=_finalize, trim_blocks=True, lstrip_blocks=True, autoescape=False,
        )  # fmt: skip

    def _list(self, name: str, kind: type[T]) -> T:
        try:
            return msgspec.convert(tomllib.loads(self.texts[name]), kind)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError, RecursionError) as error:
            raise BadTemplate(f"{name}: {error}") from None


def shipped() -> dict[str, str]:
    """The files that come with Rempart."""
    folder = files("rempart.incident.notices").joinpath("shipped")
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadTemplate(f"{path.name}: more than {MOST_BYTES} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadTemplate(f"{path.name}: {error}") from None


def _finalize(value: object) -> str:
    if isinstance(value, StrictUndefined):
        return str(value)  # raises: the name is unknown
    if not isinstance(value, str):
        raise TypeError(f"a template shows words, not a {type(value).__name__}")
    return guard(value)
