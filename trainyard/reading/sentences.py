"""The sentence in which reading refuses a file or asks about it; runs in Glue's driver and on a laptop."""

from __future__ import annotations


def refused(name: str, place: str = "", *, expected: str, found: str, advice: str) -> str:
    """The one sentence that every refusal of a file is; `place` is such as `line 12`, or empty for the whole file."""
    where = f"{name}, {place}" if place else name
    return f"{where}: expected {expected}, found {found}; {advice} and upload the file again."
