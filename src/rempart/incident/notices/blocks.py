"""From a rendered template to blocks: the few marks that a template may use, at the beginning of a line.

    # title        ## heading       - item       ! warning       | cell | cell       @fields       [blank line: a new paragraph]

What comes from a fact is wrapped by `guard` before it is rendered, so that no fact begins a line, a cell or a mark: facts are data.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

_FACT, _BREAK, _BAR = "\ue000", "\ue001", "\ue002"
_RESERVED = re.compile("[\ue000-\ue002]")
FIELDS = "@fields"


class Mark(StrEnum):
    """What a block is."""

    TITLE = "title"
    HEADING = "heading"
    ITEM = "item"
    WARNING = "warning"
    ROW = "row"
    PARAGRAPH = "paragraph"


@dataclass(frozen=True, slots=True)
class Block:
    """`texts`: one, or the cells of a row."""

    mark: Mark
    texts: tuple[str, ...]


_MARKS = {"# ": Mark.TITLE, "## ": Mark.HEADING, "- ": Mark.ITEM, "! ": Mark.WARNING}


def guard(text: str) -> str:
    """A fact on its way into a template."""
    return _FACT + _RESERVED.sub("", text).replace("\n", _BREAK).replace("|", _BAR)


def read_blocks(rendered: str, fields: list[tuple[str, str]]) -> list[Block]:
    """The blocks of a rendered template; `fields`: the rows of @fields. Raises ValueError for a mark that is none."""
    found: list[Block] = []
    paragraph: list[str] = []
    # Not splitlines: it would also end a line at what a fact may hold.
    for line in [*rendered.split("\n"), ""]:
        mark = _mark(line)
        if paragraph and mark is not None:
            found.append(Block(Mark.PARAGRAPH, (" ".join(paragraph),)))
            paragraph = []
        if mark is None:
            paragraph.append(_clean(line))
        elif line.strip() == FIELDS:
            found += [Block(Mark.ROW, (_clean(guard(name)), _clean(guard(value)))) for name, value in fields]
        elif line.startswith("|"):
            found.append(Block(Mark.ROW, tuple(map(_clean, line.strip().strip("|").split("|")))))
        elif line.strip():
            found.append(Block(mark, (_clean(line.split(" ", 1)[1]),)))
    _require_whole(found)
    return found


def _mark(line: str) -> Mark | None:
    """None: it goes on with a paragraph. An empty line ends one."""
    if not line.strip():
        return Mark.PARAGRAPH
    if line.startswith(("|", "@")):
        if line.startswith("@") and line.strip() != FIELDS:
            raise ValueError(f"{line[:40]!r} is no mark")
        return Mark.ROW
    return next((mark for begin, mark in _MARKS.items() if line.startswith(begin)), None)


def _clean(text: str) -> str:
    return text.replace(_FACT, "").replace(_BREAK, " ").replace(_BAR, "|").strip()


def _require_whole(blocks: list[Block]) -> None:
    if not blocks or blocks[0].mark is not Mark.TITLE:
        raise ValueError("a document begins with its title: # …")
    if sum(block.mark is Mark.TITLE for block in blocks) != 1:
        raise ValueError("a document has one title")


def plain(blocks: list[Block]) -> str:
    """The same as plain text: for letters, and for whoever copies it into a form."""
    lines: list[str] = []
    for block in blocks:
        if block.mark is Mark.ROW:
            lines.append(" : ".join(block.texts))
        elif block.mark is Mark.ITEM:
            lines.append(f"- {block.texts[0]}")
        else:
            lines += ["", block.texts[0], ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
