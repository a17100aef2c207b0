"""The classes of a data set: their order, and the names that people read; standard library only.

Classes are learned from the data. Some data sets write letters or numbers for them and keep the names elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

# Of the UCI News Aggregator, whose file has the letters only.
UCI_NAMES: Mapping[str, str] = {"b": "business", "t": "science and technology", "e": "entertainment", "m": "health"}


def in_order(classes: Iterable[str]) -> tuple[str, ...]:
    """Each class once: numbers by their size, then all others as text.

    >>> in_order(["10", "9", "sport", "9"])
    ('9', '10', 'sport')
    """
    return tuple(sorted(set(classes), key=lambda each: (not _is_number(each), int(_is_number(each) and each), each)))


def names(classes: Sequence[str], listed: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """What people call each class: as in `listed`, by class, or by its place from 1; the classes themselves without.

    Places from 0 will do too, where a data set counts its classes so.

    >>> names(["0", "1"], {"1": "world", "2": "sports"}), names(["b", "e", "m", "t"])[0]
    (('world', 'sports'), 'business')
    """
    known = dict(listed or ())
    if set(classes) == set(UCI_NAMES):
        known = {**UCI_NAMES, **known}
    if "0" in classes and "0" not in known:
        known = {str(int(place) - 1): name for place, name in known.items() if _is_number(place)}
    return tuple(known.get(each, each) for each in classes)


def listing(classes: Sequence[str], *, most: int = 5) -> str:
    """Some classes in a sentence: a, b, c and 7 more.

    >>> listing(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(f"{each:.40}" for each in classes[:most])
    return f"{shown} and {len(classes) - most:,} more" if len(classes) > most else shown


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
