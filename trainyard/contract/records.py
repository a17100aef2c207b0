"""The rows of small Ibis expressions, such as figures that a recipe judges its tables by; runs in Glue."""

from __future__ import annotations

from typing import Any

import ibis
from ibis.util import gen_name


def rows(expression: ibis.Table) -> list[dict[str, Any]]:
    """The rows of an expression as mappings of column names to Python values; for a few rows only."""
    backend = ibis.get_backend(expression)
    if backend.name != "duckdb":
        return list(expression.to_pyarrow().to_pylist())
    # DuckDB itself answers, for Ibis would import pandas, which costs a job a tenth of its start.
    cursor = backend.raw_sql(backend.compile(expression))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def kept(expression: ibis.Table) -> ibis.Table:
    """The same rows, computed once by DuckDB, which would do that anew in each expression that has them.

    They are there as long as the connection. Spark, which plans its own work, gets the expression.
    """
    backend = ibis.get_backend(expression)
    if backend.name != "duckdb":
        return expression
    return backend.create_table(gen_name("kept"), expression, temp=True)
