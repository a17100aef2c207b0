"""What a written value means, the same in uploaded files and in requests; standard library only.

Its counterpart for columns of a file are the SQL expressions in `trainyard.reading.cells`; a test compares the two.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

# How files write that there is no value, in lower case.
MISSING = frozenset(
    {"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", r"\n", "nat", "<na>", "0000-00-00", "0000-00-00 00:00:00"}
)
# The words of programs, and what spreadsheets write for them in other languages.
YES = frozenset(
    {
        "true",
        "t",
        "yes",
        "y",
        "1",
        "1.0",
        "wahr",
        "vrai",
        "verdadero",
        "verdadeiro",
        "vero",
        "ja",
        "oui",
        "si",
        "sí",
        "sì",
        "sim",
    }
)
NO = frozenset({"false", "f", "no", "n", "0", "0.0", "falsch", "faux", "falso", "nein", "non", "não"})
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
# What stands before or after an amount of money.
CURRENCY = (
    r"(([A-Z]{1,3})?[$€£¥₹]|[￥₽₩₺₫₴₪฿]|EUR|USD|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|"
    r"TRY|RUB|KRW|zł|Kč|kr\.?|Ft|lei|Fr\.|Rs\.?|円|元|원)"
)
# What says that an amount is less than nothing, and the spaces that stand between thousands.
NEGATIVE = "[(\\-\u2212]"
THIN_SPACES = " \u00a0\u202f\u2009"
# A whole number that came through a column of floating point numbers.
WHOLE_FLOAT = re.compile(r"([+-]?[0-9]+)\.0*")
# A key that a 64 bit column holds and gives back as it was written.
CANONICAL = re.compile(r"0|-?[1-9][0-9]{0,18}")
# Seconds since 1970 up to the year 5138; more are milliseconds, microseconds, nanoseconds.
MAX_SECONDS = 10**11
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
ISO_MOMENT = re.compile(rf"[1-9][0-9]{{3}}-[01][0-9]-[0-3][0-9]([ T]{_CLOCK})?")
ISO_MOMENT_AND_ZONE = re.compile(
    rf"[1-9][0-9]{{3}}-[01][0-9]-[0-3][0-9][ T]{_CLOCK} ?(Z|UTC|GMT|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
)


def is_missing(value: Any) -> bool:
    """Whether a value says that there is none.

    >>> is_missing("NA"), is_missing(float("nan")), is_missing(0)
    (True, True, False)
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    return isinstance(value, str) and value.strip().lower() in MISSING


def texts(cells: Iterable[str]) -> list[str]:
    """What cells say that are not `is_missing`, without spaces around it.

    >>> texts([" 1.5", "NA", ""])
    ['1.5']
    """
    # Not by `is_missing`, for some ten thousand cells of each file are asked.
    return [text for each in cells if (text := each.strip()).lower() not in MISSING]


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
    """A number, also as people write amounts (`amount`); None for other values, and for those that are not finite.

    >>> number("4.5"), number(" 3 "), number("4,5"), number("$1,630.50"), number("(12%)")
    (4.5, 3.0, None, 1630.5, -12.0)
    """
    text = str(value).strip()
    if isinstance(value, bool):
        return None
    if not NUMBER.fullmatch(text):
        if not re.fullmatch(amount("."), text):
            return None
        sign = "-" if re.search(NEGATIVE, text) else ""
        text = sign + re.sub("[^0-9.]", "", text)
    found = float(text)
    return found if abs(found) < float("inf") else None


@cache
def amount(decimal: str, *, grouped: bool = False) -> str:
    """The pattern of a number with what spreadsheets and accountants add to it; it does without look-around.

    That is thousands apart, a currency or a percent sign, which changes nothing of the number, a minus at the end,
    brackets for less than nothing, and the apostrophe that makes a text of a number. What 1,234 is, nobody knows unless
    thousands are `grouped`: one group and no fraction is no amount then.
    """
    mark, other = (r"\.", ",") if decimal == "." else (",", r"\.")
    first, fraction = "[1-9][0-9]{0,2}", f"({mark}[0-9]*)"
    apart = "|".join(f"{first}({each}[0-9]{{3}})+{fraction}?" for each in (f"[{THIN_SPACES}]", "['\u2019]"))
    certain = f"{first}({other}[0-9]{{3}})+{fraction}|{first}({other}[0-9]{{3}}){{2,}}"
    # Of lakhs and crores only the last three digits are together.
    lakhs = f"[1-9][0-9]?({other}[0-9]{{2}})+{other}[0-9]{{3}}{fraction}?"
    doubtful = f"|{first}{other}[0-9]{{3}}" if grouped else ""
    digits = f"({apart}|{certain}|{lakhs}{doubtful}|[0-9]+{fraction}?|{mark}[0-9]+)"
    sign, before, after = "[+\\-\u2212]?", f"({CURRENCY}[{THIN_SPACES}]?)", f"([{THIN_SPACES}]?({CURRENCY}|%))"
    signed = f"({sign}{before}?|{before}{sign}){digits}{after}?-?"
    return rf"'?({signed}|{before}?\({signed}\){after}?)"


def moment(value: Any) -> datetime | None:
    """A moment in UTC: ISO 8601 with or without a zone (UTC then), a date, or a number that counts from 1970.

    Numbers are seconds, or milli-, micro- or nanoseconds where seconds would be beyond the year 5138.

    >>> moment("2026-07-01T02:57:00+02:00")
    datetime.datetime(2026, 7, 1, 0, 57, tzinfo=datetime.timezone.utc)
    """
    if isinstance(value, date):
        value = value.isoformat()
    text = str(value).strip()
    try:
        if ISO_MOMENT.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        if ISO_MOMENT_AND_ZONE.fullmatch(text):
            return datetime.fromisoformat(re.sub(" ?(UTC|GMT)$", "Z", re.sub(" ([+-])", r"\1", text))).astimezone(UTC)
        return _since_1970(value)
    except (ValueError, OverflowError):
        return None


def _since_1970(value: Any) -> datetime | None:
    """Exactly where the number is whole: a float cannot hold microseconds."""
    seconds: float | int | None = number(value) if NUMBER.fullmatch(str(value).strip()) else None
    if seconds is None or abs(seconds) >= 2**62:
        return None
    whole = WHOLE_FLOAT.fullmatch(str(value).strip()) or re.fullmatch("([+-]?[0-9]+)", str(value).strip())
    amount = int(whole[1]) if whole else seconds
    for unit in (10**6, 10**3, 1):
        if abs(amount) < MAX_SECONDS * 10**6 // unit:
            return EPOCH + timedelta(microseconds=amount * unit)
    return EPOCH + timedelta(microseconds=amount // 1000)


def written(key: str) -> int | str:
    """A key as it goes into JSON: a number where it was one that every reader of JSON can hold, else text.

    >>> written("1630"), written("007"), written("80144A")
    (1630, '007', '80144A')
    """
    return int(key) if CANONICAL.fullmatch(key) and abs(int(key)) <= 2**53 else key


def written_keys(keys: Sequence[str]) -> list[int | str]:
    """The keys of a model as they go into its answers: as `written` where that makes numbers of all, else text.

    >>> written_keys(["1", "20"]), written_keys(["1", "B7"])
    ([1, 20], ['1', 'B7'])
    """
    found = [written(each) for each in keys]
    return found if all(isinstance(each, int) for each in found) else list(keys)
