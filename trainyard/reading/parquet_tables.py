"""Opens Parquet files; runs in Glue's driver and on a laptop."""

from __future__ import annotations

import duckdb

from trainyard.errors import BadData
from trainyard.reading.model import Found
from trainyard.reading.plain_text import Text
from trainyard.reading.sentences import literal, refused


def parquet_table(connection: duckdb.DuckDBPyConnection, text: Text) -> Found:
    """The table in a Parquet file; raises BadData for a damaged one."""
    file = f"read_parquet({literal(str(text.path))})"
    try:
        names = tuple(row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {file}").fetchall())  # noqa: S608
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        found, advice = f"a damaged one ({reason})", "export it once more"
        raise BadData([refused(text.name, expected="a Parquet file", found=found, advice=advice)]) from error
    columns = ", ".join(f"c{index}" for index in range(len(names)))
    return Found(
        name=text.name,
        source=text.source,
        relation=f"{file} AS t({columns})",
        columns=names,
        width=len(names),
        read_as=("Parquet", *text.read_as),
        typed=True,
    )
