"""Reads what a catalogue writes in its column of genres or categories: several in one text; runs where process does."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

NONE = frozenset({"(no genres listed)", "unknown", r"\n"})
SEPARATORS = "|;,"
# In lists of objects: [{"id": 18, "name": "Drama"}].
NAME_KEYS = ("name", "description", "title", "label", "value")


def listed(text: str) -> tuple[str, ...]:
    """The genres in a text, in the order of the alphabet, each once.

    They are separated by bars, semicolons or commas (the first of these that occurs), or a list in JSON or Python.

    >>> listed("Drama|Comedy"), listed("['Drama', 'Comedy']"), listed('[{"id": 18, "name": "Drama"}]')
    (('Comedy', 'Drama'), ('Comedy', 'Drama'), ('Drama',))
    """
    # Bars separate them in the files of a model.
    found = {re.sub(r"\s*\|\s*", "/", each).strip() for each in _parts(text.strip())}
    return tuple(sorted(each for each in found if each and each.lower() not in NONE))


def _parts(text: str) -> list[str]:
    if text.startswith(("[", "{")) and (parsed := _parsed(text)) is not None:
        return parsed
    separator = next((each for each in SEPARATORS if each in text), None)
    return text.split(separator) if separator else [text]


def _parsed(text: str) -> list[str] | None:
    """The texts of a written list, or None where it is none."""
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        entries = found if isinstance(found, list | tuple | set) else [found]
        return [name for each in entries if (name := _name(each))]
    return None


def _name(entry: Any) -> str:
    if isinstance(entry, dict):
        entry = next((entry[key] for key in NAME_KEYS if key in entry), "")
    return entry if isinstance(entry, str) else ""
