"""Tells amounts of one currency from others, and telephone numbers from both; SQL for DuckDB in Glue's driver."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from trainyard.contract.values import CURRENCY, THIN_SPACES
from trainyard.reading.sql import literal, matches

# What stands before the currency in the counts of a column.
IN = "in "
SAME = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "zł": "PLN"}
# Nine digits or twelve in threes, or a country's code in front: as an amount such a number would be of any length.
TELEPHONE = (
    rf"[0-9]{{3}}([{THIN_SPACES}][0-9]{{3}}){{2,3}}|\+[0-9]{{1,3}}([{THIN_SPACES}][0-9]{{2,4}}){{2,}}|\+[0-9]{{8,15}}"
)
# 30 123 456 is one where the column says so.
OF_A_TELEPHONE = rf"\+?[0-9]+([{THIN_SPACES}][0-9]+)+"
NAMES_TELEPHONES = re.compile(
    r"(^|[\W_])(tel|t[eé]l[eé](fon|fono|phone)|phone|mobile?|handy|gsm|fax|cell)(no|nr|number|nummer)?([\W_]|$)",
    re.IGNORECASE,
)


def currency(text: str, number: str) -> str:
    """The currency in a text that is a number; NULL of a number without one, which is told by its ends."""
    bare = f"ascii({text}) BETWEEN 46 AND 57 AND ascii(right({text}, 1)) BETWEEN 46 AND 57"
    found = f"nullif(regexp_extract({text}, {literal(CURRENCY)}), '')"
    return f"CASE WHEN {number} IS NULL OR ({bare}) THEN NULL ELSE {found} END"


def is_telephone(text: str, number: str, *, column: str) -> str:
    """Whether a text that could be a number is written as telephone numbers are, in a column of this name."""
    if NAMES_TELEPHONES.search(column):
        return f"{number} IS NOT NULL AND {matches(text, f'{TELEPHONE}|{OF_A_TELEPHONE}')}"
    return f"{number} IS NOT NULL AND strlen({text}) > 8 AND {matches(text, TELEPHONE)}"


def currencies(counts: Mapping[str, int]) -> tuple[str, ...]:
    """The currencies that cells of a column are in, given how many of them are written in each way (see `IN`)."""
    return named({name.removeprefix(IN) for name, times in counts.items() if name.startswith(IN) and times})


def named(marks: Iterable[str]) -> tuple[str, ...]:
    """Currencies in alphabetical order, each once however it is written.

    >>> named(["$", "US$", "€"])
    ('EUR', 'USD')
    """
    return tuple(sorted({SAME.get(each, each) for each in marks}))
