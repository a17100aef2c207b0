"""Finds what a person may have meant by a name that is not known; standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, known: Iterable[str]) -> str:
    """The known name that looks most like one that is not, empty where none does.

    >>> closest("two_towr", ["prod2vec", "two_tower"])
    'two_tower'
    """
    return next(iter(get_close_matches(name.lower(), list(known), n=1)), "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question to end a sentence with, empty where nothing that is known looks like the name."""
    found = closest(name, known)
    return f" Did you mean {found}?" if found else ""
