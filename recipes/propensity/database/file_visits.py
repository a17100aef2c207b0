"""The visits and sales of a SQLite file, whose cells hold anything: what they mean, in temporary tables; ingest job."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from recipes.propensity.database import visit_values
from recipes.propensity.database.schema import BIG
from recipes.propensity.database.visit_values import COLUMNS, Meaning
from trainyard.contract import values
from trainyard.contract.quality import Quality

# What SQLAlchemy writes for a moment, and what is compared with it as text.
WRITTEN = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]." + "[0-9]" * 6
# As the indexes of the schema: what is asked to be equal before what is asked to be in a range.
INDEXED = ("product_id", "is_sale", "visit_date", "sales_date", "visit_id")
READ: Mapping[Meaning, Callable[[Any], Any]] = {
    "moment": visit_values.moment,
    "whole": visit_values.whole,
    "yes": visit_values.as_number,
    "key": str,
}
EXPECTED = {
    "visit_id": "whole numbers",
    "product_id": "whole numbers",
    "is_sale": "1 and 0, or yes and no",
    "visit_date": "times as 2026-01-31 23:59:59 or in seconds since 1970",
    "sales_date": "times as 2026-01-31 23:59:59 or in seconds since 1970",
}


@dataclass(frozen=True, kw_only=True)
class Unread:
    """How many values of which column meant nothing, and one of them."""

    counts: dict[str, int]
    examples: dict[str, str]
    rows: dict[str, int]

    def note(self, column: str, value: Any) -> None:
        """Count one more value."""
        self.counts[column] = self.counts.get(column, 0) + 1
        self.examples.setdefault(column, str(value)[:40])

    def quality(self, max_bad_share: float) -> Quality:
        """Warnings of columns with few such values, problems of those with more than this share."""
        few = {each: count <= max_bad_share * self.rows[each.partition(".")[0]] for each, count in self.counts.items()}
        return Quality(
            problems=tuple(self._sentence(each, "correct them") for each, warned in few.items() if not warned),
            warnings=tuple(self._sentence(each, "their rows are left out") for each, warned in few.items() if warned),
        )

    def _sentence(self, column: str, what: str) -> str:
        table, _, name = column.partition(".")
        return (
            f"database: {self.counts[column]:,} of {self.rows[table]:,} values of {column} could not be read, such as "
            f"{self.examples[column]!r}; expected {EXPECTED[name]}; {what}."
        )


def in_file(connection: sa.Connection, table: sa.Table, *, unread: Unread) -> sa.FromClause:
    """The table itself where its cells are written as SQLAlchemy would, else a temporary one with what they mean."""
    odd = _odd_columns(connection, table)
    if not odd:
        return table
    meanings = dict(COLUMNS[table])
    if "visit_id" in meanings and _has_text_keys(connection):
        meanings["visit_id"] = "key"
    types: Mapping[str, Any] = {"moment": sa.DateTime, "key": sa.Text}
    columns = [sa.Column(name, types.get(meaning, BIG)) for name, meaning in meanings.items()]
    meant = sa.Table(f"tmp_{table.name}", sa.MetaData(), *columns, prefixes=["TEMPORARY"])
    connection.execute(sa.text(f"DROP TABLE IF EXISTS temp.{meant.name}"))
    meant.create(connection, checkfirst=False)
    for name in odd:
        _register(connection, f"{table.name}.{name}", meaning=meanings[name], unread=unread)
    read = ", ".join(f"{_function(table.name, name)}({name})" if name in odd else name for name in meanings)
    _fill(connection, table, meant=meant, read=read)
    unread.rows[table.name] = connection.execute(sa.select(sa.func.count()).select_from(meant)).scalar_one()
    return meant


def _fill(connection: sa.Connection, table: sa.Table, *, meant: sa.Table, read: str) -> None:
    # Names are this module's own.
    connection.exec_driver_sql(f"INSERT INTO temp.{meant.name} SELECT {read} FROM main.{table.name}")  # noqa: S608
    ordered = ", ".join(sorted(meant.c.keys(), key=INDEXED.index))
    connection.exec_driver_sql(f"CREATE INDEX temp.ix_{meant.name} ON {meant.name} ({ordered})")


def _odd_columns(connection: sa.Connection, table: sa.Table) -> set[str]:
    """The columns with a cell that is not written as SQLAlchemy would."""
    meanings = COLUMNS[table]
    asked = [
        f"max({name} NOT GLOB '{WRITTEN}')" if meaning == "moment" else f"max(typeof({name}) <> 'integer')"
        for name, meaning in meanings.items()
    ]
    # Names are this module's own.
    found = connection.exec_driver_sql(f"SELECT {', '.join(asked)} FROM main.{table.name}").one()  # noqa: S608
    return {name for name, odd in zip(meanings, found, strict=True) if odd}


def _register(connection: sa.Connection, column: str, *, meaning: Meaning, unread: Unread) -> None:
    """Give SQL a function that tells what a value of this column means."""
    meant = READ[meaning]

    def read(value: Any) -> Any:
        if values.is_missing(value):
            return None
        found = meant(value)
        if found is None:
            unread.note(column, value)
        return found

    _driver(connection).create_function(_function(*column.split(".")), 1, read, deterministic=True)


def _function(table: str, column: str) -> str:
    return f"meant_{table}_{column}"


def _has_text_keys(connection: sa.Connection) -> bool:
    """Whether some visit's id is no whole number, but a UUID or another text; these get a function for their hash."""
    driver = _driver(connection)
    driver.create_function(
        "is_text_key", 1, lambda each: each is not None and visit_values.whole(each) is None, deterministic=True
    )
    driver.create_function("number_of_key", 1, _number_of_key, deterministic=True)
    query = "SELECT EXISTS (SELECT 1 FROM main.visits WHERE typeof(visit_id) <> 'integer' AND is_text_key(visit_id))"
    return bool(connection.exec_driver_sql(query).scalar_one())


def _number_of_key(key: str) -> int:
    """As servers compute it: the first 32 bits of the MD5, which hides nothing here."""
    return int(hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()[:8], 16)


def _driver(connection: sa.Connection) -> Any:
    return connection.connection.driver_connection
