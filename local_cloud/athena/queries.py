"""Runs one query and leaves its result where AWS leaves it; runs in the server, as a task of its event loop.

MiniStack writes results to another key than the one that it answers with, and cannot make a table of a query.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from typing import Any

from ministack.services import athena

from local_cloud.athena import new_table, projection
from local_cloud.athena.stored import put

logger = logging.getLogger("local_cloud.athena")
Result = Mapping[str, Any]
# What reads a value out of a text of JSON has another name in DuckDB.
TRINO, DUCKDB = re.compile(r"\bjson_extract_scalar(?=\s*\()", re.IGNORECASE), "json_extract_string"
NOTHING: Result = {"columns": [], "column_types": [], "rows": []}


async def execute(query_id: str, query: str, database: str, ddl: Any, catalog: str | None = None) -> None:  # noqa: PLR0917 - MiniStack's signature
    """Run a query that was accepted; how it ended is in its record."""
    execution, began = athena._executions[query_id], time.monotonic()
    execution["Status"]["State"] = "RUNNING"
    try:
        result = await _run(execution, query, database=database, ddl=ddl, catalog=catalog)
        execution["_results"] = {"columns": result["columns"], "rows": result["rows"]}
        execution["_column_types"] = result["column_types"]
        ended = {"State": "SUCCEEDED"}
    except Exception as error:
        # Whatever it is, the person who asked is told, as by AWS.
        logger.info("Query %s failed: %s", query_id, error)
        ended = {"State": "FAILED", "StateChangeReason": str(error)[:2000]}
    # Somebody may have cancelled it meanwhile.
    if execution["Status"]["State"] == "RUNNING":
        execution["Status"].update(ended, CompletionDateTime=int(time.time()))
    milliseconds = int((time.monotonic() - began) * 1000)
    execution["Statistics"].update(EngineExecutionTimeInMillis=milliseconds, TotalExecutionTimeInMillis=milliseconds)
    # The journal writes what was asked for lately, and a query may take long.
    athena._executions[query_id] = execution


async def _run(execution: dict[str, Any], query: str, *, database: str, ddl: Any, catalog: str | None) -> Result:
    if ddl is not None:
        return dict(athena._run_ddl(ddl, database))
    projection.require_injected(query, database)
    query = TRINO.sub(DUCKDB, query)
    if (wanted := new_table.parsed(query)) is not None:
        results = execution["ResultConfiguration"]["OutputLocation"].rpartition("/")[0]
        prefix = f"{results}/tables/{execution['QueryExecutionId']}"
        execution["ResultConfiguration"]["OutputLocation"] = prefix
        execution["Statistics"]["DataManifestLocation"] = await new_table.make(
            wanted, database=database, catalog=catalog, prefix=prefix
        )
        return NOTHING
    result: Result = await athena._run_duckdb(query, database, catalog)
    put(execution["ResultConfiguration"]["OutputLocation"], _csv(result))
    return result


def _csv(result: Result) -> bytes:
    """A result as AWS writes it: every value in quotes, and nothing at all for one that is missing."""
    rows = [result["columns"], *result["rows"]]
    return "".join(",".join(_cell(value) for value in row) + "\n" for row in rows).encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = str(athena._datum_text(value)).replace('"', '""')
    return f'"{text}"'
