"""What a written value means, the same in uploaded files and in requests; standard library only.

Its counterpart for columns of a file are the SQL expressions in `trainyard.reading.cells`; a test compares the two.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from typing import Any

# How files write that there is no value, in lower case.
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", r"\n", "nat", "<na>"})
YES = frozenset({"true", "t", "yes", "y", "1", "1.0"})
NO = frozenset({"false", "f", "no", "n", "0", "0.0"})
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
# A whole number that came through a column of floating point numbers.
WHOLE_FLOAT = re.compile(r"([+-]?[0-9]+)\.0*")
# A key that a 64 bit column holds and gives back as it was written.
CANONICAL = re.compile(r"0|-?[1-9][0-9]{0,18}")
# Seconds since 1970 up to the year 5138; more are milliseconds, microseconds, nanoseconds.
MAX_SECONDS = 10**11


def is_missing(value: Any) -> bool:
    """Whether a value says that there is none.

    >>> is_missing("NA"), is_missing(float("nan")), is_missing(0)
    (True, True, False)
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    return isinstance(value, str) and value.strip().lower() in MISSING


def identifier(value: Any) -> str:
    """A key as text, without what programs add to it: spaces around it, and the `.0` of a column of floats.

    >>> identifier(7), identifier("1630.0"), identifier(" 80144A ")
    ('7', '1630', '80144A')
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value).strip()
    whole = WHOLE_FLOAT.fullmatch(text)
    return whole[1] if whole else text


def boolean(value: Any) -> bool | None:
    """Yes or no in any of the spellings of `YES` and `NO`; None for other values.

    >>> boolean("TRUE"), boolean("no"), boolean(1.0), boolean("maybe")
    (True, False, True, None)
    """
    text = str(value).strip().lower()
    return True if text in YES else False if text in NO else None


def number(value: Any) -> float | None:
    """A number; None for other values, and for those that are not finite.

    >>> number("4.5"), number(" 3 "), number("4,5")
    (4.5, 3.0, None)
    """
    text = str(value).strip()
    if isinstance(value, bool) or not NUMBER.fullmatch(text):
        return None
    found = float(text)
    return found if abs(found) < float("inf") else None


def moment(value: Any) -> datetime | None:
    """A moment in UTC: ISO 8601 with or without a zone (UTC then), a date, or seconds or milliseconds since 1970.

    >>> moment("2026-07-01T02:57:00+02:00")
    datetime.datetime(2026, 7, 1, 0, 57, tzinfo=datetime.timezone.utc)
    """
    if isinstance(value, date):
        value = value.isoformat()
    seconds = number(value)
    try:
        if seconds is not None:
            while abs(seconds) >= MAX_SECONDS:
                seconds /= 1000
            return datetime.fromtimestamp(seconds, UTC)
        found = datetime.fromisoformat(str(value).strip())
    except (ValueError, OverflowError, OSError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def written(key: str) -> int | str:
    """A key as it goes into JSON: a number where it was one that every reader of JSON can hold, else text.

    >>> written("1630"), written("007"), written("80144A")
    (1630, '007', '80144A')
    """
    return int(key) if CANONICAL.fullmatch(key) and abs(int(key)) <= 2**53 else key
