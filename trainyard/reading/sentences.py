"""The sentences in which reading refuses a file or asks about it, and names quoted for SQL; runs in Glue's driver."""

from __future__ import annotations


def refused(name: str, place: str = "", *, expected: str, found: str, advice: str) -> str:
    """The one sentence that every refusal of a file is; `place` is such as `line 12`, or empty for the whole file."""
    where = f"{name}, {place}" if place else name
    return f"{where}: expected {expected}, found {found}; {advice} and upload the file again."


def identifier(name: str) -> str:
    """A name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"
