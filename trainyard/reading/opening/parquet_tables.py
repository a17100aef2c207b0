"""Opens Parquet files; runs in Glue's driver and on a laptop."""

from __future__ import annotations

import duckdb

from trainyard.contract.quoting import printable
from trainyard.errors import BadData
from trainyard.reading.model import Found
from trainyard.reading.opening import nested
from trainyard.reading.opening.plain_text import Text
from trainyard.reading.sentences import refused
from trainyard.reading.sql import one_file


def parquet_table(connection: duckdb.DuckDBPyConnection, text: Text) -> Found:
    """The table in a Parquet file; raises BadData for a damaged one."""
    file = f"read_parquet({one_file(text.path)})"
    try:
        rows = connection.sql(f"SELECT * FROM {file}")  # noqa: S608
        types = dict(zip(rows.columns, rows.types, strict=True))
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        found, advice = f"a damaged one ({printable(reason)[:200]})", "export it once more"
        raise BadData([refused(text.name, expected="a Parquet file", found=found, advice=advice)]) from error
    found_columns = [field for name, kind in types.items() for field in nested.fields(name, kind, as_text=False)]
    return Found(
        name=text.name,
        source=text.source,
        relation=nested.select(found_columns, rows=file),
        columns=tuple(each.name for each in found_columns),
        width=len(found_columns),
        read_as=("Parquet", *text.read_as),
        typed=True,
    )
