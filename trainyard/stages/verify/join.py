"""Joins labels with the predictions that came before them, in memory that does not grow with the rows; DuckDB."""

# ruff: noqa: S608 - names in a query are the recipe's own, and quoted

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from trainyard.contract import chunks
from trainyard.contract.config import ScoreColumn
from trainyard.contract.spilling import database
from trainyard.contract.truth import Truth
from trainyard.reading.sql import identifier, literal, one_file
from trainyard.run.watch.observed import LEAST_ROWS, Unit
from trainyard.stages.verify.labelled import Labelled
from trainyard.stages.verify.predictions import Kept, Scored

MEMORY = "1GB"
UNITS: tuple[Unit, ...] = ("day", "week", "month")
# More points are no picture.
MOST_PERIODS = 60


@contextmanager
def joining(labels: Sequence[Path], truth: Truth, *, columns: Sequence[ScoreColumn]) -> Iterator[Join]:
    """Labels in the Parquet files of ingest, to be joined with what is added; `columns` are those of bulk scoring."""
    by_name = {each.name: each for each in columns}
    with database(MEMORY) as connection:
        join = Join(connection=connection, truth=truth, columns=tuple(by_name[each] for each in truth.predicted))
        files = ", ".join(literal(str(each)) for each in labels)
        label = "label::VARCHAR AS label" if truth.label == "id" else "label"
        connection.execute(
            f"CREATE TABLE truth AS SELECT id::VARCHAR AS id, {label}, time FROM read_parquet([{files}])"
        )
        connection.register("declared", chunks.schema(join.columns).empty_table())
        connection.execute(
            "CREATE TABLE predictions AS SELECT ''::VARCHAR AS id, ''::VARCHAR AS version, "
            "NULL::TIMESTAMP AS predicted_at, 0::BIGINT AS place, * FROM declared"
        )
        yield join


@dataclass(frozen=True, kw_only=True)
class Join:
    """Labels and predictions in a database; `columns` are the predicted ones, as bulk scoring declares them.

    Of an id that was predicted several times by a model, the last prediction before the label's time counts, and none
    that came later: it may have known.
    """

    connection: duckdb.DuckDBPyConnection
    truth: Truth
    columns: tuple[ScoreColumn, ...]

    @property
    def _names(self) -> list[str]:
        return [identifier(each.name) for each in self.columns]

    @property
    def _predicted(self) -> str:
        return ", ".join(self._names)

    def newest(self) -> datetime | None:
        """The time of the newest label: what was predicted later is about none."""
        [[found]] = self.connection.execute("SELECT max(time) FROM truth").fetchall()
        return found if isinstance(found, datetime) else None

    def add(self, found: Scored | Kept) -> bool:
        """Take over the predictions in a file for ids that have a label, as far as a model had an answer.

        Returns whether it could be read: scores of an earlier version of the recipe may have other columns.
        """
        query = self._of_scores(found) if isinstance(found, Scored) else self._of_requests(found)
        answered = " AND ".join(f"{name} IS NOT NULL" for name in self._names)
        insert = (
            f"INSERT INTO predictions SELECT * FROM ({query}) AS found "
            f"WHERE id IN (SELECT id FROM truth) AND {answered}"
        )
        try:
            self.connection.execute(insert)
        except (duckdb.BinderException, duckdb.ConversionException):
            if isinstance(found, Kept):
                raise
            return False
        return True

    def _of_scores(self, found: Scored) -> str:
        return (
            f"SELECT {identifier(self.truth.key)}::VARCHAR AS id, {literal(found.version)} AS version, "
            f"TIMESTAMP {literal(found.moment.isoformat())} AS predicted_at, file_row_number AS place, "
            f"{self._predicted} FROM read_parquet({one_file(found.path)}, file_row_number = true)"
        )

    def _of_requests(self, found: Kept) -> str:
        """The row of a request is named by its own field, else by what the request is called, and which row it is."""
        named = "inference_id || CASE WHEN row = 0 THEN '' ELSE '/' || row END"
        field = literal(f'$."{self.truth.asked}"')
        asked = f"coalesce(request->>{field}, {named})" if self.truth.asked else named
        answered = ", ".join(self._answered(each, kind) for each, kind in zip(self.columns, self._types(), strict=True))
        return (
            f"SELECT {asked} AS id, run AS version, time AS predicted_at, row AS place, {answered} "
            f"FROM read_parquet({one_file(found.path)})"
        )

    def _answered(self, column: ScoreColumn, kind: str) -> str:
        path = literal(self.truth.answers.get(column.name, f"$.{column.name}"))
        nested = column.type.startswith(("array", "struct"))
        value = f"json_extract(answer, {path})" if nested else f"answer->>{path}"
        return f"TRY_CAST({value} AS {kind}) AS {identifier(column.name)}"

    def _types(self) -> list[str]:
        """The predicted columns' types as DuckDB calls them."""
        return [str(each) for each in self.connection.table("declared").types]

    def finish(self, *, in_use: str) -> Labelled:
        """Join what was added; by days, weeks or months as suits the model `in_use`.

        Where an id has several labels, a row has all that came after one prediction, in the period of the first: what
        a row says does not depend on how long periods are.
        """
        last = "PARTITION BY version, id, predicted_at ORDER BY place DESC"
        self.connection.execute(
            "CREATE TABLE matched AS "
            f"SELECT asked.version, asked.id, label, asked.time, predicted_at, {self._predicted} "
            "FROM (SELECT * FROM truth CROSS JOIN (SELECT DISTINCT version FROM predictions)) AS asked "
            f"ASOF JOIN (SELECT * FROM predictions QUALIFY row_number() OVER ({last}) = 1) AS found "
            "ON asked.version = found.version AND asked.id = found.id AND asked.time >= found.predicted_at"
        )
        labels, grouped = f"label, time, {self._predicted}", ""
        if self.truth.several:
            predicted = ", ".join(f"any_value({name}) AS {name}" for name in self._names)
            labels = f"list(label ORDER BY label) AS label, min(time) AS time, {predicted}"
            grouped = " GROUP BY ALL"
        self.connection.execute(
            f"CREATE TABLE of_one AS SELECT version, predicted_at, id, {labels} FROM matched{grouped}"
        )
        unit = self._unit(in_use)
        self.connection.execute(
            f"CREATE VIEW joined AS SELECT version, date_trunc('{unit}', time)::DATE AS period, predicted_at, id, "
            f"label, time, {self._predicted} FROM of_one"
        )
        return Labelled(connection=self.connection, columns=self.columns, several=self.truth.several, unit=unit)

    def _unit(self, in_use: str) -> Unit:
        """Days, or weeks or months where days have few rows of the model in use (else of that with most) or are many.

        The others are shown by the same: periods of two models would be no picture otherwise.
        """
        most = "SELECT version FROM of_one GROUP BY 1 ORDER BY version = ? DESC, count(*) DESC, version LIMIT 1"
        for unit in UNITS[:-1]:
            query = f"SELECT count(*) FROM of_one WHERE version = ({most}) GROUP BY date_trunc('{unit}', time)"
            counts = sorted(rows for [rows] in self.connection.execute(query, [in_use]).fetchall())
            if counts and len(counts) <= MOST_PERIODS and counts[len(counts) // 2] >= LEAST_ROWS:
                return unit
        return UNITS[-1]
