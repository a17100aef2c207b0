"""Reads labels that were joined with predictions: how many there are, by model and period, and the rows; DuckDB."""

# ruff: noqa: S608 - names in a query are the recipe's own, and quoted

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from trainyard.contract.config import ScoreColumn
from trainyard.reading.sql import identifier, literal
from trainyard.run.watch.observed import Unit


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Labels in all, those that a prediction came before, those with later ones only, and those without any."""

    labels: int
    judged: int
    early: int
    unknown: int


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """The tables `truth`, `predictions`, `matched` and `joined` of a database, as `Join.finish` leaves them.

    `columns` are the predicted ones. With `several`, an id may have more than one label, and a row has all of them.
    Labels are taken together by the `unit`.
    """

    connection: duckdb.DuckDBPyConnection
    columns: tuple[ScoreColumn, ...]
    several: bool
    unit: Unit

    @property
    def _names(self) -> list[str]:
        return [identifier(each.name) for each in self.columns]

    def counts(self) -> Counts:
        """What became of the labels, once they are joined."""
        key = "id, label" if self.several else "id"
        labels, judged, known = (
            self._number(query)
            for query in (
                "SELECT count(*) FROM truth",
                f"SELECT count(*) FROM (SELECT DISTINCT {key} FROM matched)",
                "SELECT count(*) FROM truth WHERE id IN (SELECT id FROM predictions)",
            )
        )
        return Counts(labels=labels, judged=judged, early=known - judged, unknown=labels - known)

    def _number(self, query: str) -> int:
        return int(self.connection.execute(query).fetchall()[0][0])

    def versions(self) -> list[str]:
        """The runs whose models' predictions have labels, by the id."""
        return [
            str(each) for [each] in self.connection.execute("SELECT DISTINCT version FROM joined ORDER BY 1").fetchall()
        ]

    def periods(self, version: str) -> list[tuple[str, int]]:
        """The first day of each period that has labels for a model, and how many."""
        query = "SELECT period, count(*) FROM joined WHERE version = ? GROUP BY 1 ORDER BY 1"
        return [(str(start), int(rows)) for start, rows in self.connection.execute(query, [version]).fetchall()]

    def rows(self, version: str, *, period: str | None = None, most: int) -> pa.Table:
        """Labels and what was predicted, of one period or all; of more than `most` rows always the same ones."""
        within = "" if period is None else f" AND period = DATE {literal(period)}"
        return self.connection.sql(
            f"SELECT label, {', '.join(self._names)} FROM joined WHERE version = ?{within} "
            f"ORDER BY hash(id), id, predicted_at LIMIT {most}",
            params=[version],
        ).to_arrow_table()

    def same_rows(self, first: str, second: str, *, most: int) -> tuple[pa.Table, pa.Table]:
        """What two models predicted for the very same labels, row by row."""
        columns = ", ".join(f"one.{name} AS a{at}, other.{name} AS b{at}" for at, name in enumerate(self._names))
        found = self.connection.sql(
            f"SELECT one.label, {columns} FROM joined AS one JOIN joined AS other ON one.id = other.id "
            "AND one.period = other.period AND one.label = other.label WHERE one.version = ? AND other.version = ? "
            f"ORDER BY hash(one.id), one.id, one.predicted_at, other.predicted_at LIMIT {most}",
            params=[first, second],
        ).to_arrow_table()
        return self._of(found, "a"), self._of(found, "b")

    def _of(self, found: pa.Table, side: str) -> pa.Table:
        names = ["label", *(f"{side}{at}" for at in range(len(self.columns)))]
        return found.select(names).rename_columns(["label", *(each.name for each in self.columns)])

    def write(self, path: Path) -> None:
        """Every label with the prediction that it judges, as Parquet."""
        order = "ORDER BY version, period, id, predicted_at"
        self.connection.execute(
            f"COPY (FROM joined {order}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        )
