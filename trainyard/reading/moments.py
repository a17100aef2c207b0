"""When something was, as SQL: the moment that a written cell means, in UTC; DuckDB in Glue's driver and on a laptop.

A single value of ISO 8601 or of a count from 1970 says what it means (as `contract.values.moment` has it). What
3/4/2026, 20260304 or 2026 means, only the whole column can tell: that is a `Dates`.
"""

from __future__ import annotations

from typing import Literal, get_args

from trainyard.contract.values import ISO_MOMENT, ISO_MOMENT_AND_ZONE, MAX_SECONDS, NUMBER
from trainyard.reading.sql import literal, matches

# How a column writes its moments; `plain` is what every single cell says by itself.
Dates = Literal["plain", "epoch", "compact", "year", "day first", "month first"]
EVERY_WAY: tuple[Dates, ...] = get_args(Dates)
FIRST_SECOND = -62_135_596_800  # of the year 1
WHOLE = r"[+-]?[0-9]{1,18}(\.0*)?"
COMPACT = r"(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9])?(\.0*)?"
YEAR = r"(19|20)[0-9]{2}(\.0*)?"
NAMED = r".*[A-Za-z]{3}.*[0-9].*|.*[0-9].*[A-Za-z]{3}.*|[0-9]{1,2} [0-9]{1,2}, [0-9]{4}"
SLASHES = r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})([ T,].*)?"
DOTTED = r"[0-9]{1,2}\.[0-9]{1,2}\..*"
YEAR_FIRST = r"([0-9]{4})[/.]([0-9]{1,2})[/.]([0-9]{1,2})([ T,].*)?"
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
NAMED_FORMATS = (
    *(
        f"{day}{clock}"
        for day in ("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y")
        for clock in CLOCKS
    ),
    *("%m %d, %Y", "%a, %d %b %Y %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%d/%b/%Y:%H:%M:%S"),
)
NAMED_AND_ZONE = (
    "%a, %d %b %Y %H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S %Z",
    "%a %b %d %H:%M:%S %z %Y",
    "%d/%b/%Y:%H:%M:%S %z",
)


def of_text(text: str, dates: Dates) -> str:
    """TIMESTAMP of a trimmed text that is written in this way; NULL where it is not."""
    # The text is computed once, and stands in the query once.
    whole, text = text, "t"
    iso = f"WHEN {matches(text, ISO_MOMENT.pattern)} THEN TRY_CAST({text} AS TIMESTAMP)"
    tidy = f"regexp_replace(regexp_replace({text}, ' ([+-])', '\\1'), ' ?(UTC|GMT)$', 'Z')"
    zoned = f"WHEN {matches(text, ISO_MOMENT_AND_ZONE.pattern)} THEN {_in_utc(f'TRY_CAST({tidy} AS TIMESTAMPTZ)')}"
    meant = f"CASE {iso} {zoned} {_count(text, dates)} {_with_slashes(text, dates)} {_named(text)} END"
    return f"list_transform([{whole}], lambda {text}: {meant})[1]"


def of_number(number: str) -> str:
    """TIMESTAMP of a whole (BIGINT) or a broken (DOUBLE) number that counts from 1970."""
    units = ((MAX_SECONDS, "* 1000000"), (MAX_SECONDS * 10**3, "* 1000"), (MAX_SECONDS * 10**6, "* 1"))
    cases = " ".join(f"WHEN abs({number}) < {limit} THEN round({number} {unit})::BIGINT" for limit, unit in units)
    micros = f"(CASE {cases} WHEN abs({number}) < {2**62} THEN ({number} // 1000)::BIGINT END)"
    return f"(CASE WHEN {micros} >= {FIRST_SECOND} * 1000000 THEN make_timestamp({micros}) END)"


def _count(text: str, dates: Dates) -> str:
    compact = f"regexp_replace({text}, '\\..*', '')"
    digits = (
        f"CASE WHEN length({compact}) = 8 THEN try_strptime({compact}, '%Y%m%d') "
        f"ELSE try_strptime({compact}, '%Y%m%d%H%M%S') END"
    )
    meant = f"WHEN {matches(text, COMPACT)} THEN {digits if dates == 'compact' else 'NULL'}"
    whole = f"TRY_CAST(regexp_replace({text}, '\\..*', '') AS BIGINT)"
    day = f"make_timestamp({whole}, 1, 1, 0, 0, 0)" if dates == "year" else "NULL"
    meant = f"{meant} WHEN {matches(text, YEAR)} THEN {day}"
    no_count = f"{meant} WHEN {matches(text, NUMBER.pattern)} THEN NULL"
    apart = {"compact": no_count, "year": no_count, "epoch": ""}.get(dates, meant)
    return (
        f"{apart} WHEN {matches(text, WHOLE)} THEN {of_number(whole)} "
        f"WHEN {matches(text, NUMBER.pattern)} THEN {of_number(f'TRY_CAST({text} AS DOUBLE)')}"
    )


def _with_slashes(text: str, dates: Dates) -> str:
    first = f"WHEN {matches(text, YEAR_FIRST)} THEN {_parsed(text, YEAR_FIRST, order='%Y/%m/%d')}"
    if dates not in ("day first", "month first"):
        return first
    order = "%d/%m/" if dates == "day first" else "%m/%d/"
    years = (
        f"CASE WHEN length(regexp_extract({text}, '{SLASHES}', 3)) = 4 THEN "
        f"{_parsed(text, SLASHES, order=order + '%Y')} ELSE {_parsed(text, SLASHES, order=order + '%y')} END"
    )
    return f"{first} WHEN {matches(text, SLASHES)} THEN {years}"


def _parsed(text: str, pattern: str, *, order: str) -> str:
    clock = f"regexp_replace(regexp_extract({text}, '{pattern}', 4), '^[ T,]+', ' ')"
    parts = " || '/' || ".join(f"regexp_extract({text}, '{pattern}', {group})" for group in (1, 2, 3))
    return f"try_strptime({parts} || {clock}, {_list([order + each for each in CLOCKS])})"


def _named(text: str) -> str:
    plain = f"try_strptime({text}, {_list(NAMED_FORMATS)})"
    zoned = " ".join(f"{_in_utc(f'try_strptime({text}, {literal(each)})')}," for each in NAMED_AND_ZONE)
    return f"WHEN {matches(text, NAMED)} THEN coalesce({plain}, {zoned.rstrip(',')})"


def _in_utc(moment: str) -> str:
    return f"({moment} AT TIME ZONE 'UTC')"


def _list(formats: tuple[str, ...] | list[str]) -> str:
    return f"[{', '.join(literal(each) for each in formats)}]"
