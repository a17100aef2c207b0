"""What a cell of a found table means in its column's declared type, as SQL; DuckDB in Glue's driver and on a laptop.

DuckDB's own casts are lenient: to them 1.5 is the whole number 2, `1_000` is a number and `epoch` a time. A text is
accepted only in a spelling that means its type, as `contract.values` has it for requests; a test compares the two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from trainyard.contract.sources import Column, ColumnType
from trainyard.contract.values import CURRENCY, ISO_MOMENT, MISSING, NEGATIVE, NO, NUMBER, YES, amount
from trainyard.reading import moments
from trainyard.reading.sql import literal, matches

# `key` is a key of any kind as text, `id` one that BIGINT holds and gives back as it was written.
ValueType = ColumnType | Literal["key"]
SQL_TYPES: dict[ValueType, str] = {
    "id": "BIGINT",
    "key": "VARCHAR",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "string": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}
EXPECTED: dict[ColumnType, str] = {
    "id": "a key",
    "int64": "a whole number of at most 64 bits",
    "float64": "a number such as 1.5",
    "string": "text",
    "timestamp": "a time such as 2026-01-31 23:59:59",
    "boolean": "yes or no, such as true, false, 1 or 0",
}
WHOLE_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
BROKEN_NUMBERS = ("FLOAT", "DOUBLE")
TIMES = ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
# What str.strip takes away.
SPACES = "".join(each for each in map(chr, range(0x3001)) if each.isspace())
# Keys of letters and digits, which are neither numbers nor words for nothing.
MIXED = r"[!-~]*([0-9][!-~]*[A-DF-Za-df-z]|[A-DF-Za-df-z][!-~]*[0-9])[!-~]*"
SHORT_NUMBER = r"[+-]?[0-9]{1,9}(\.[0-9]{0,9})?"
SHORT_FLOAT = r"-?[1-9][0-9]{0,14}\.0"
WHOLE_NUMBER = r"-?[0-9]+(\.0*)?"
# What spreadsheets make of a long number: its last digits are gone.
SHORTENED = r"[0-9]([.,][0-9]+)?[eE]\+[0-9]+"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Cells of a column: the SQL that has one, its type in DuckDB, and what the whole column says about its writing.

    In one that is `verbatim`, only an empty cell has no value; where thousands are `grouped`, 1,234 is one over a
    thousand. Amounts are in any currency, or where `currencies` are known, in one of these. Where it is `tidy`, there
    are no spaces around texts; where `lenient`, cells that cannot be read have no value.
    """

    sql: str
    type: str = "VARCHAR"
    decimal: str = "."
    dates: moments.Dates = "plain"
    verbatim: bool = False
    grouped: bool = False
    currencies: frozenset[str] | None = None
    tidy: bool = False
    lenient: bool = False

    @property
    def is_text(self) -> bool:
        return self.type == "VARCHAR"

    @property
    def is_open(self) -> bool:
        """Whether only the whole column can tell how moments are written in it."""
        return self.dates == "plain" and self.type not in (*TIMES, "TIMESTAMP WITH TIME ZONE")

    @property
    def is_list(self) -> bool:
        return self.type.endswith("[]")

    @property
    def is_nested(self) -> bool:
        """Whether it is neither a value nor a list of values."""
        return self.type.removesuffix("[]").startswith(("STRUCT", "MAP", "UNION")) or self.type.endswith("[][]")


def trimmed(cell: Cell) -> str:
    """The text of a cell without spaces around it; to look for them all costs more than to see that there are none."""
    text = _text(cell)
    if cell.tidy:
        return text
    return f"(CASE WHEN {_without_spaces(text)} THEN {text} ELSE trim({text}, {literal(SPACES)}) END)"


def missing(cell: Cell) -> str:
    """Whether a cell says that there is no value."""
    if cell.type in BROKEN_NUMBERS:
        return f"({cell.sql} IS NULL OR isnan({cell.sql}))"
    if cell.is_text:
        words = frozenset({""}) if cell.verbatim else MISSING
        longer = f"strlen({cell.sql}) > {max(map(len, MISSING))} AND {_without_spaces(cell.sql)}"
        return f"(CASE WHEN {longer} THEN FALSE ELSE {cell.sql} IS NULL OR {_one_of(cell, words)} END)"
    return f"({cell.sql} IS NULL)"


def value(cell: Cell, kind: ValueType) -> str:
    """The cell in a type; NULL where it is missing, or no value of that type."""
    return f"({_VALUES[kind](cell)})"


def strict(cell: Cell, kind: ValueType, *, nullable: bool) -> str:
    """The cell in a type, or an error that ends the query where it is no such value, or missing and needed."""
    found = value(cell, kind)
    if not nullable:
        return f"coalesce({found}, error('refused'))"
    return (
        found
        if kind == "string"
        else f"coalesce({found}, CASE WHEN {missing(cell)} THEN NULL ELSE error('refused') END)"
    )


def refused(cell: Cell, column: Column, *, found: str) -> str:
    """Whether a cell is no value of its column, or missing where one is needed; `found` is the SQL of its value."""
    if column.nullable and (column.type == "string" or cell.lenient):
        return "FALSE"
    return f"({found} IS NULL AND NOT {missing(cell)})" if column.nullable else f"({found} IS NULL)"


def kind_of(column: Column) -> ValueType:
    """How a column is read where nothing is known of its keys."""
    return "key" if column.type == "id" else column.type


def canonical(key: str) -> str:
    """Whether a key (SQL of a text) comes back from BIGINT as it was written; NULL is."""
    return f"coalesce(TRY_CAST({key} AS BIGINT)::VARCHAR = {key}, {key} IS NULL)"


def currency(cell: Cell) -> str:
    """What an amount in the text of a cell says about its currency; NULL of any other cell."""
    text = trimmed(cell)
    return f"(CASE WHEN {_is_amount(text, cell)} THEN nullif(regexp_extract({text}, {literal(CURRENCY)}), '') END)"


def _key(cell: Cell) -> str:
    text, point = trimmed(cell), r"\." if cell.decimal == "." else "[.,]"
    if not cell.is_text:
        return f"CASE WHEN {missing(cell)} THEN NULL ELSE {text} END"
    usual = f"WHEN {matches(cell.sql, MIXED)} OR TRY_CAST({cell.sql} AS BIGINT)::VARCHAR = {cell.sql} THEN {cell.sql} "
    whole = f"WHEN {matches(text, f'[+-]?[0-9]+{point}0*')} THEN regexp_extract({text}, '^[+-]?[0-9]+')"
    return f"CASE {usual} WHEN {missing(cell)} OR {matches(text, SHORTENED)} THEN NULL {whole} ELSE {text} END"


def _id(cell: Cell) -> str:
    if cell.type in WHOLE_NUMBERS:
        return f"{cell.sql}::BIGINT"
    key = f"({_key(cell)})"
    return f"CASE {_usual_whole(cell)} WHEN {canonical(key)} THEN TRY_CAST({key} AS BIGINT) END"


def _int64(cell: Cell) -> str:
    if cell.type in WHOLE_NUMBERS or cell.type == "BOOLEAN":
        return f"{cell.sql}::BIGINT"
    text, point = trimmed(cell), r"\." if cell.decimal == "." else ","
    digits = "TRY_CAST(regexp_extract({}, '^[+-]?[0-9]+') AS BIGINT)"
    whole = f"WHEN {matches(text, f'[+-]?[0-9]+({point}0*)?')} THEN {digits.format(text)}"
    bare = _bare(text, cell.decimal)
    amounts = f"WHEN {_is_amount(text, cell)} AND {matches(bare, WHOLE_NUMBER)} THEN {digits.format(bare)}"
    return f"CASE {_usual_whole(cell)} {whole} {amounts if cell.is_text else ''} END"


def _usual_whole(cell: Cell) -> str:
    """The branches of a CASE that read nearly all whole numbers, for the others cost much more.

    That a number comes back as it was written is cheaper to find out than that it matches a pattern; of the branches
    of a CASE only those are evaluated that rows are left for.
    """
    if not cell.is_text:
        return ""
    text, number = cell.sql, f"TRY_CAST({cell.sql} AS BIGINT)"
    branches = f"WHEN {number}::VARCHAR = {text} THEN {number}"
    if cell.decimal == ".":
        branches += f" WHEN {matches(text, SHORT_FLOAT)} THEN TRY_CAST({text} AS DOUBLE)::BIGINT"
    return branches


def _float64(cell: Cell) -> str:
    if cell.is_text:
        text = trimmed(cell)
        pattern = NUMBER.pattern if cell.decimal == "." else NUMBER.pattern.replace(r"\.", ",")
        number = f"TRY_CAST({text if cell.decimal == '.' else f'replace({text}, chr(44), chr(46))'} AS DOUBLE)"
        usual = (
            f"WHEN {matches(cell.sql, SHORT_NUMBER)} THEN TRY_CAST({cell.sql} AS DOUBLE)" if cell.decimal == "." else ""
        )
        found = f"{usual} WHEN {matches(text, pattern)} THEN CASE WHEN isfinite({number}) THEN {number} END"
        amounts = f"WHEN {_is_amount(text, cell)} THEN TRY_CAST({_bare(text, cell.decimal)} AS DOUBLE)"
        return f"CASE {found} {amounts} END"
    number = f"TRY_CAST({cell.sql} AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def _is_amount(text: str, cell: Cell) -> str:
    """Whether the text of a cell is a number as spreadsheets show amounts."""
    is_one = matches(text, amount(cell.decimal, grouped=cell.grouped))
    if cell.currencies is None:
        return is_one
    known = ", ".join(literal(each) for each in ("", *sorted(cell.currencies)))
    return f"({is_one} AND regexp_extract({text}, {literal(CURRENCY)}) IN ({known}))"


def _bare(text: str, decimal: str) -> str:
    """Sign, digits and point of an amount."""
    digits = f"replace(regexp_replace({text}, '[^0-9{decimal}]', '', 'g'), {literal(decimal)}, '.')"
    return f"(CASE WHEN regexp_matches({text}, {literal(NEGATIVE)}) THEN '-' ELSE '' END || {digits})"


def _string(cell: Cell) -> str:
    if cell.is_list:
        return f"nullif(array_to_string({cell.sql}::VARCHAR[], '|'), '')"
    text = cell.sql if cell.is_text else f"replace({_text(cell)}, chr(0), '')"
    return f"CASE WHEN {missing(cell)} THEN NULL ELSE {text} END"


def _timestamp(cell: Cell) -> str:
    if cell.type in TIMES:
        return f"{cell.sql}::TIMESTAMP"
    if cell.type == "TIMESTAMP WITH TIME ZONE":
        return f"{cell.sql} AT TIME ZONE 'UTC'"
    text = moments.of_text(trimmed(cell), cell.dates)
    if cell.type in WHOLE_NUMBERS:
        number = f"{cell.sql}::BIGINT"
        return f"CASE WHEN {_apart(number)} THEN {moments.of_number(number)} ELSE {text} END"
    if not cell.is_text:
        return text
    if cell.dates in {"compact", "year"}:
        return text
    iso = f"WHEN {matches(cell.sql, ISO_MOMENT.pattern)} THEN TRY_CAST({cell.sql} AS TIMESTAMP)"
    return f"CASE {iso} {_usual_count(cell)} ELSE {text} END"


def _usual_count(cell: Cell) -> str:
    """The branches that read most counts from 1970, as `_usual_whole` does."""
    number, double = f"TRY_CAST({cell.sql} AS BIGINT)", f"TRY_CAST({cell.sql} AS DOUBLE)::BIGINT"
    return " ".join(
        f"WHEN {usual} AND {_apart(count)} THEN {moments.of_number(count)}"
        for usual, count in ((f"{number}::VARCHAR = {cell.sql}", number), (matches(cell.sql, SHORT_FLOAT), double))
    )


def _apart(number: str) -> str:
    """Whether a count does not look like a year or like a day such as 20260131."""
    ends = ((1900, 2099), (19000101, 21000000), (19000101000000, 21000000000000))
    return " AND ".join(f"{number} NOT BETWEEN {first} AND {last}" for first, last in ends)


def _boolean(cell: Cell) -> str:
    return (
        cell.sql
        if cell.type == "BOOLEAN"
        else (f"CASE WHEN {_one_of(cell, YES)} THEN TRUE WHEN {_one_of(cell, NO)} THEN FALSE END")
    )


def _text(cell: Cell) -> str:
    if cell.is_text:
        return cell.sql
    if cell.type not in BROKEN_NUMBERS:
        return f"{cell.sql}::VARCHAR"
    whole = f"{cell.sql} = trunc({cell.sql}) AND abs({cell.sql}) < {2**63}"
    return f"CASE WHEN {whole} THEN {cell.sql}::BIGINT::VARCHAR ELSE {cell.sql}::VARCHAR END"


def _without_spaces(text: str) -> str:
    """Whether the first and the last character are letters, digits or signs of ASCII."""
    return f"ascii({text}) BETWEEN 33 AND 126 AND ascii(right({text}, 1)) BETWEEN 33 AND 126"


def _one_of(cell: Cell, words: frozenset[str]) -> str:
    """Whether a cell is one of some words in any case; a long IN would be a join, for which all rows are trimmed."""
    return matches(f"lower({trimmed(cell)})", "|".join(re.escape(each) for each in sorted(words)))


_VALUES = {
    "id": _id,
    "key": _key,
    "int64": _int64,
    "float64": _float64,
    "string": _string,
    "timestamp": _timestamp,
    "boolean": _boolean,
}
