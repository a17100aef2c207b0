"""Tables of a recipe's source files for its tests."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from trainyard.contract.sources import Source
from trainyard.reading.model import LocalFile
from trainyard.reading.read import read


def stored(tables: Mapping[str, pa.Table]) -> dict[str, ibis.Table]:
    """The tables in a DuckDB of their own, as a Glue job has them."""
    connection = ibis.duckdb.connect()
    for name, table in tables.items():
        connection.con.register(name, table)
    return {name: connection.table(name) for name in tables}


def read_sources(connection: Any, directory: Path, sources: Sequence[Source]) -> dict[str, ibis.Table]:
    """The recipe's tables in the files of `directory`, as ingest reads them, in `connection` (Ibis on DuckDB)."""
    with tempfile.TemporaryDirectory() as scratch:
        reading = read(_local_files(directory, sources), sources, settings={}, max_bad_share=0.0, scratch=Path(scratch))
        assert reading.quality.ok, reading.quality.problems
        for name, parts in reading.tables.items():
            connection.con.read_parquet([str(each) for each in parts]).create(name)
    return {name: connection.table(name) for name in reading.tables}


def _local_files(directory: Path, sources: Sequence[Source]) -> list[LocalFile]:
    names = {path: [each.name for each in sources if each.accepts(path.name)] for path in sorted(directory.iterdir())}
    return [LocalFile(name=path.name, path=path, source=(*found, "")[0]) for path, found in names.items()]
