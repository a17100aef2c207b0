"""How much of what an answer says another one says otherwise, whatever the recipe; pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any


def changed(before: Any, now: Any, *, tolerance: float) -> float:
    """The share, from 0 to 1, of an answer that another one says otherwise.

    What an answer names counts: its texts, whole numbers and yes or no, wherever in a list they stand, for the second
    of ten products that became the third is the same product. Its other numbers, such as the scores beside names, count
    where it names nothing; those that are `tolerance` apart, or that share of themselves, are equal.

    >>> changed({"similar": [{"id": 5, "score": 0.9}, {"id": 7, "score": 0.8}]},
    ...         {"similar": [{"id": 7, "score": 0.7}, {"id": 8, "score": 0.6}]}, tolerance=0.01)
    0.5
    >>> changed({"probability": 0.500}, {"probability": 0.503}, tolerance=0.01)
    0.0
    """
    names, others = (Counter(_leaves(each, numbers=False)) for each in (before, now))
    if names or others:
        return 1 - (names & others).total() / max(names.total(), others.total())
    numbers, later = (dict(_leaves(each, numbers=True)) for each in (before, now))
    places = numbers.keys() | later.keys()
    same = sum(_near(numbers.get(place), later.get(place), tolerance=tolerance) for place in places)
    return 1 - same / len(places) if places else 0.0


def _leaves(value: Any, *, numbers: bool, path: str = "") -> Iterator[tuple[str, Any]]:
    """What an answer names, or its other numbers, by where it stands; a name's place in a list does not count."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, numbers=numbers, path=f"{path}.{key}")
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _leaves(each, numbers=numbers, path=f"{path}[{place if numbers else ''}]")
    elif isinstance(value, float) == numbers:
        yield path, value


def _near(before: Any, now: Any, *, tolerance: float) -> bool:
    return before is not None and now is not None and math.isclose(before, now, rel_tol=tolerance, abs_tol=tolerance)
