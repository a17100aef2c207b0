"""The tables of visits and sales in the one form that the queries expect, however a database keeps them; ingest job.

Ids are whole numbers, `is_sale` is 0 or 1 and times are UTC without a zone. Where the database has them so, its own
tables are used with their indexes. A SQLite file keeps any value in any column, so its values are looked at: where they
are others, a temporary table takes what they mean, with the same index. A server keeps one type per column, so an
expression converts those of another type.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from recipes.propensity import server_values
from recipes.propensity.database_schema import BIG, SALES, VISITS
from trainyard.contract import values
from trainyard.contract.quality import Quality

# What SQLAlchemy writes for a moment, and what is compared with it as text.
WRITTEN = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]." + "[0-9]" * 6
# Days since 4713 BC of the years 1900 to 2100; as seconds since 1970 these numbers would be of its January.
JULIAN_DAYS = (2_415_020.0, 2_488_070.0)
JULIAN_1970 = 2_440_587.5
MEANT = {
    "visit_id": "_whole",
    "product_id": "_whole",
    "visit_date": "_moment",
    "sales_date": "_moment",
    "is_sale": "_yes",
}


@dataclass(frozen=True, kw_only=True)
class VisitTables:
    """Visits with visit_id, product_id, visit_date and is_sale; sales with product_id and sales_date."""

    visits: sa.FromClause = VISITS
    sales: sa.FromClause = SALES


def visit_tables(connection: sa.Connection, *, max_bad_share: float = 0.01) -> tuple[VisitTables, Quality]:
    """The tables to ask, and what is to be said of values that could not be read: problems where they are too many."""
    if connection.dialect.name != "sqlite":
        visits, sales = (_on_server(connection, table, columns=names) for table, names in _COLUMNS.items())
        return VisitTables(visits=visits, sales=sales), Quality()
    unread = _Unread(counts={}, examples={}, rows={})
    visits, sales = (_in_file(connection, table, columns=names, unread=unread) for table, names in _COLUMNS.items())
    return VisitTables(visits=visits, sales=sales), unread.quality(max_bad_share)


def utc(moment: Any) -> datetime | None:
    """A moment of the database in UTC without a zone; None where it is none, such as MySQL's zero dates."""
    found = moment if isinstance(moment, datetime) else values.moment(moment)
    if found is None or found.tzinfo is None:
        return found
    return found.astimezone(UTC).replace(tzinfo=None)


def yes(value: Any) -> bool | None:
    """Yes or no, as databases write it; None for other values."""
    if isinstance(value, bytes):
        return bool(int.from_bytes(value, "big")) if len(value) == 1 and value[0] < 2 else None
    return values.boolean(value)


_COLUMNS: Mapping[sa.Table, tuple[str, ...]] = {
    VISITS: ("visit_id", "product_id", "visit_date", "is_sale"),
    SALES: ("product_id", "sales_date"),
}


@dataclass(frozen=True, kw_only=True)
class _Unread:
    """How many values of which column meant nothing, and one of them."""

    counts: dict[str, int]
    examples: dict[str, str]
    rows: dict[str, int]

    def note(self, column: str, value: Any) -> None:
        self.counts[column] = self.counts.get(column, 0) + 1
        self.examples.setdefault(column, str(value)[:40])

    def quality(self, max_bad_share: float) -> Quality:
        few = {each: count <= max_bad_share * self.rows[each.partition(".")[0]] for each, count in self.counts.items()}
        return Quality(
            problems=tuple(self._sentence(each, "correct them") for each, warned in few.items() if not warned),
            warnings=tuple(self._sentence(each, "their rows are left out") for each, warned in few.items() if warned),
        )

    def _sentence(self, column: str, what: str) -> str:
        table, _, name = column.partition(".")
        return (
            f"database: {self.counts[column]:,} of {self.rows[table]:,} values of {column} could not be read, such as "
            f"{self.examples[column]!r}; expected {_EXPECTED[name]}; {what}."
        )


_EXPECTED = {
    "visit_id": "whole numbers",
    "product_id": "whole numbers",
    "is_sale": "1 and 0, or yes and no",
    "visit_date": "times as 2026-01-31 23:59:59 or in seconds since 1970",
    "sales_date": "times as 2026-01-31 23:59:59 or in seconds since 1970",
}


def _in_file(connection: sa.Connection, table: sa.Table, *, columns: tuple[str, ...], unread: _Unread) -> sa.FromClause:
    odd = _odd_columns(connection, table, columns=columns)
    if not odd:
        return table
    texts = "visit_id" in columns and _has_text_keys(connection)
    meaning = {each: "_key" if texts and each == "visit_id" else MEANT[each] for each in columns}
    meant = sa.Table(
        f"tmp_{table.name}",
        sa.MetaData(),
        *(sa.Column(each, {"_moment": sa.DateTime, "_key": sa.Text}.get(meaning[each], BIG)) for each in columns),
        prefixes=["TEMPORARY"],
    )
    connection.execute(sa.text(f"DROP TABLE IF EXISTS temp.{meant.name}"))
    meant.create(connection, checkfirst=False)
    read = ", ".join(
        f"{_registered(connection, f'{table.name}.{each}', meaning=meaning[each], unread=unread)}({each})"
        if each in odd
        else each
        for each in columns
    )
    unread.rows[table.name] = connection.exec_driver_sql(f"SELECT count(*) FROM main.{table.name}").scalar_one()  # noqa: S608
    connection.exec_driver_sql(f"INSERT INTO temp.{meant.name} SELECT {read} FROM main.{table.name}")  # noqa: S608
    ordered = ", ".join(sorted(columns, key=_INDEXED.index))
    connection.exec_driver_sql(f"CREATE INDEX temp.ix_{meant.name} ON {meant.name} ({ordered})")
    return meant


# As the indexes of the schema: what is asked to be equal before what is asked to be in a range.
_INDEXED = ("product_id", "is_sale", "visit_date", "sales_date", "visit_id")


def _odd_columns(connection: sa.Connection, table: sa.Table, *, columns: tuple[str, ...]) -> set[str]:
    """The columns with a cell that is not written as SQLAlchemy would."""
    asked = [
        f"max({each} NOT GLOB '{WRITTEN}')" if MEANT[each] == "_moment" else f"max(typeof({each}) <> 'integer')"
        for each in columns
    ]
    # Names are this module's own.
    found = connection.exec_driver_sql(f"SELECT {', '.join(asked)} FROM main.{table.name}").one()  # noqa: S608
    return {each for each, odd in zip(columns, found, strict=True) if odd}


def _registered(connection: sa.Connection, column: str, *, meaning: str, unread: _Unread) -> str:
    """A function of SQL that tells what a value of this column means; its name."""
    known: Mapping[str, Callable[[Any], Any]] = {"_moment": _moment, "_whole": _whole, "_yes": _as_number, "_key": str}
    meant = known[meaning]

    def read(value: Any) -> Any:
        if values.is_missing(value):
            return None
        found = meant(value)
        if found is None:
            unread.note(column, value)
        return found

    name = f"meant_{column.replace('.', '_')}"
    _driver(connection).create_function(name, 1, read, deterministic=True)
    return name


def _has_text_keys(connection: sa.Connection) -> bool:
    """Whether some visit's id is no whole number, but a UUID or another text; these get a function for their hash."""
    driver = _driver(connection)
    driver.create_function("is_text_key", 1, lambda each: each is not None and _whole(each) is None, deterministic=True)
    driver.create_function("number_of_key", 1, _number_of_key, deterministic=True)
    query = "SELECT EXISTS (SELECT 1 FROM main.visits WHERE typeof(visit_id) <> 'integer' AND is_text_key(visit_id))"
    return bool(connection.exec_driver_sql(query).scalar_one())


def _number_of_key(key: str) -> int:
    """As servers compute it: the first 32 bits of the MD5, which hides nothing here."""
    return int(hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()[:8], 16)


def _driver(connection: sa.Connection) -> Any:
    return connection.connection.driver_connection


def _moment(value: Any) -> str | None:
    days = values.number(value)
    if days is not None and JULIAN_DAYS[0] <= days < JULIAN_DAYS[1]:
        # A real number holds a Julian day to less than a thousandth of a second.
        found: datetime | None = values.EPOCH + timedelta(milliseconds=round((days - JULIAN_1970) * 86_400_000))
    else:
        found = values.moment(value)
    return found.replace(tzinfo=None).isoformat(" ", "microseconds") if found else None


def _whole(value: Any) -> int | None:
    text = values.identifier(value)
    return int(text) if values.CANONICAL.fullmatch(text) and abs(int(text)) < 2**63 else None


def _as_number(value: Any) -> int | None:
    found = yes(value)
    return None if found is None else int(found)


def _on_server(connection: sa.Connection, table: sa.Table, *, columns: tuple[str, ...]) -> sa.FromClause:
    """The table itself where its types are those of the schema, else a query over it."""
    types = {each["name"]: each["type"] for each in sa.inspect(connection).get_columns(table.name)}
    plain = {each: types[each] for each in columns}
    if all(_as_declared(kind, moment=MEANT[each] == "_moment") for each, kind in plain.items()):
        return table
    texts = isinstance(plain.get("visit_id"), (sa.String, sa.Uuid))
    convert = {"_moment": server_values.moment, "_whole": server_values.whole, "_yes": server_values.yes}
    raw = sa.table(table.name, *(sa.column(each, kind) for each, kind in plain.items()))
    read = [
        raw.c[each]
        if texts and each == "visit_id"
        else convert[MEANT[each]](raw.c[each], dialect=connection.dialect.name).label(each)
        for each in columns
    ]
    return sa.select(*read).select_from(raw).subquery(f"meant_{table.name}")


def _as_declared(kind: sa.types.TypeEngine[Any], *, moment: bool) -> bool:
    if moment:
        return isinstance(kind, (sa.DateTime, sa.Date, mysql.TIMESTAMP))
    return isinstance(kind, sa.Integer)
