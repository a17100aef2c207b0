"""Quotes a cell of somebody's data in a sentence, which ends in messages and logs; standard library only.

What is quoted is short and of one line whatever the cell holds, and an environment may have nothing quoted at all.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LONGEST = 60
NOT_SHOWN = "a value that is not shown here"
# Control characters, halves of characters and ends of lines; and what changes the direction of writing.
UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
DIRECTIONS = frozenset(map(chr, (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
_shown: ContextVar[bool] = ContextVar("cells_are_shown", default=True)


@contextmanager
def cells_shown(shown: bool) -> Iterator[None]:
    """Whether cells are quoted inside a `with` block."""
    before = _shown.set(shown)
    try:
        yield
    finally:
        _shown.reset(before)


def are_shown() -> bool:
    """Whether cells are quoted here."""
    return _shown.get()


def quoted(cell: object) -> str:
    """A cell in quotes, cut where it is long.

    >>> quoted("some day")
    "'some day'"
    """
    return printable(repr(short(str(cell)))) if are_shown() else NOT_SHOWN


def plain(cell: object, *, longest: int = LONGEST) -> str:
    """A key, or what a parser says of a line, as it is, cut where it is long."""
    return printable(short(str(cell), longest)) if are_shown() else NOT_SHOWN


def short(text: str, longest: int = LONGEST) -> str:
    """The text, or its beginning with three dots."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def printable(text: str) -> str:
    r"""The text in one line, what cannot be seen as escapes.

    >>> printable("a" + chr(27) + "[2Jb")
    'a\\x1b[2Jb'
    """
    if text.isprintable():
        return text
    return "".join(_escaped(each) for each in text)


def _escaped(character: str) -> str:
    hidden = character in DIRECTIONS or unicodedata.category(character) in UNPRINTABLE
    return ascii(character)[1:-1] if hidden else character
