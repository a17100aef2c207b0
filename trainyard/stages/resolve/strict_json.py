"""Reads JSON that a person wrote, strictly: what other readers take otherwise or not at all is an error; pure."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

# Settings are four levels deep; what is deeper is no settings, and would exhaust the stack of whoever walks it.
DEEPEST = 32
# No setting has more; Python itself refuses thousands, with advice for programmers.
MOST_DIGITS = 400
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
BRACKET = re.compile(r"[][{}]")


def load(text: str) -> Any:
    """The value of a JSON text.

    Raises ValueError (json.JSONDecodeError where a place is known) that says what was found: no JSON, a name that
    stands twice in an object, NaN or an infinity, a number of thousands of digits, half a character, too many levels.
    """
    # Before the parser, which goes as deep as the stack of this process happens to let it.
    if depth(text) > DEEPEST:
        raise ValueError(f"more than {DEEPEST} levels of brackets")
    value = json.loads(
        text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_number
    )
    check(value)
    return value


def check(value: Any) -> None:
    """Raise ValueError for parsed JSON with half a character (a lone surrogate) or too many levels."""
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        if not level:
            return
        for text in (each for each in level if isinstance(each, str)):
            _encodable(text)
        level = [part for each in level for part in _parts(each)]
    if level:
        raise ValueError(f"more than {DEEPEST} levels of brackets")


def depth(text: str) -> int:
    """How deep the brackets of a text are nested, those inside its strings left out."""
    steps = (1 if each in "[{" else -1 for each in BRACKET.findall(STRING.sub("", text)))
    return max(itertools.accumulate(steps, initial=0))


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return [*value, *value.values()]
    return value if isinstance(value, list) else ()


def _encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(text[error.start]):04x}"
        raise ValueError(f"half a character ({half} without its other half)") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!a:.60} twice in one object")
    return found


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number of {len(text):,} digits")
    return int(text)


def _number(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"the number {text:.30}, which no machine can hold")
    return value


def _constant(name: str) -> Any:
    raise ValueError(f"{name}, which is no number in JSON")
