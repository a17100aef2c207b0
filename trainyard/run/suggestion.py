"""Says what a person may have meant by a name that is not known; standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question to end a sentence with, empty where nothing that is known looks like the name.

    >>> did_you_mean("two_towr", ["prod2vec", "two_tower"])
    ' Did you mean two_tower?'
    """
    found = get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f" Did you mean {found[0]}?" if found else ""
