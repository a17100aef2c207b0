"""How much of what an answer says another one says otherwise, whatever the recipe; pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any


def changed(before: Any, now: Any, *, tolerance: float) -> float:
    """The share, from 0 to 1, of an answer that another one says otherwise.

    What an answer names counts: its texts and whole numbers, with yes or no beside them, wherever in a list they stand,
    for the second of ten products that became the third is the same product. Its other numbers, such as the scores
    beside names, count where it has neither texts nor whole numbers: then yes, no and nothing are compared by their
    places, too. Numbers that are `tolerance` apart, or that share of themselves, are equal.

    >>> changed({"similar": [{"id": 5, "score": 0.9}, {"id": 7, "score": 0.8}]},
    ...         {"similar": [{"id": 7, "score": 0.7}, {"id": 8, "score": 0.6}]}, tolerance=0.01)
    0.5
    >>> changed({"probability": 0.500}, {"probability": 0.503}, tolerance=0.01)
    0.0
    """
    names, others = (Counter(_names(each)) for each in (before, now))
    if any(_names_something(value) for _, value in (*names, *others)):
        return 1 - (names & others).total() / max(names.total(), others.total())
    values, later = (dict(_leaves(each, places=True)) for each in (before, now))
    places = values.keys() | later.keys()
    same = sum(
        place in values and place in later and _same(values[place], later[place], tolerance=tolerance)
        for place in places
    )
    return 1 - same / len(places) if places else 0.0


def _names(value: Any) -> Iterator[tuple[str, Any]]:
    return ((path, each) for path, each in _leaves(value, places=False) if not isinstance(each, float))


def _names_something(value: Any) -> bool:
    """A text or a whole number: `true` beside a probability must not silence it."""
    return isinstance(value, str | int) and not isinstance(value, bool)


def _leaves(value: Any, *, places: bool, path: str = "") -> Iterator[tuple[str, Any]]:
    """What an answer says by where it stands; the place in a list counts where `places` says so."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, places=places, path=f"{path}.{key}")
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _leaves(each, places=places, path=f"{path}[{place if places else ''}]")
    else:
        yield path, value


def _same(before: Any, now: Any, *, tolerance: float) -> bool:
    if isinstance(before, float) and isinstance(now, float):
        return math.isclose(before, now, rel_tol=tolerance, abs_tol=tolerance)
    return before is now
