"""How times, sizes and figures are written for a reader, on a page and in a terminal; standard library only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

# From here on four digits would need a power of ten; from there on all of them are too many to read.
LARGE, HUGE = 9999.5, 1e15


def duration(seconds: float) -> str:
    """A time span as a reader says it: `0.8 s`, `42 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: float) -> str:
    """A number of bytes in the unit that keeps it short."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def moment(time: datetime) -> str:
    """A point in time, in the reader's zone."""
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S}"


def ago(time: datetime, now: datetime) -> str:
    """How long before `now` a moment was, in its largest unit: `just now`, `5 min ago`, `3 h ago`, `12 days ago`."""
    seconds = (now - time).total_seconds()
    for unit, length in (("day", 86_400), ("h", 3_600), ("min", 60)):
        count = int(seconds // length)
        if count >= 1:
            plural = "s" if unit == "day" and count > 1 else ""
            return f"{count} {unit}{plural} ago"
    return "just now"


def number(value: Any) -> str:
    """A figure with four digits that matter, a large one without its fraction; anything else as text.

    >>> number(0.79676), number(1248.0), number(100000.0)
    ('0.7968', '1248', '100,000')
    """
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if LARGE <= abs(value) < HUGE else f"{value:.4g}"


def setting(value: Any) -> str:
    """A setting as `run.json` and `--set` take it: text as it is, anything else as JSON.

    >>> setting("all"), setting(True), setting(["all"]), setting(1e-05)
    ('all', 'true', '["all"]', '1e-05')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def words(name: str) -> str:
    """A name of the code as people read it.

    >>> words("hit_rate")
    'hit rate'
    """
    return name.replace("_", " ")


def indented(text: str) -> str:
    """JSON with indentation, anything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


# What templates know these by.
FILTERS: Mapping[str, Callable[..., str]] = {
    "duration": duration,
    "size": size,
    "moment": moment,
    "ago": ago,
    "number": number,
    "setting": setting,
    "words": words,
}
