"""The rows of small Ibis expressions, such as figures that a recipe judges its tables by; runs in Glue."""

from __future__ import annotations

from typing import Any

import ibis


def rows(expression: ibis.Table) -> list[dict[str, Any]]:
    """The rows of an expression as mappings of column names to Python values; for a few rows only."""
    backend = ibis.get_backend(expression)
    if backend.name != "duckdb":
        return list(expression.to_pyarrow().to_pylist())
    # DuckDB itself answers, for Ibis would import pandas, which costs a job a tenth of its start.
    cursor = backend.raw_sql(backend.compile(expression))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
