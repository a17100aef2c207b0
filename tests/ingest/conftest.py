"""Both engines, a DuckDB, and a small table that reading is tested on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from trainyard.contract.sources import Column, Source
from trainyard.glue import engine

SOURCE = Source(
    name="things",
    files=("things.csv",),
    columns=(
        Column(name="id", type="int64"),
        Column(name="name", type="string"),
        Column(name="price", type="float64", nullable=True),
    ),
    unique=("id",),
)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = engine.connect(tmp_path)
    yield connection
    connection.close()
