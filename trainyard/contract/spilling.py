"""Asks DuckDB about tables larger than memory: what it sorts and joins goes to disk; processing and training images."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

# With half as much DuckDB 2.0 cannot sort three million documents; with this it sorted twelve, 6.5 GB of text.
MEMORY = "1GB"


@contextmanager
def database(memory: str = MEMORY) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database that keeps to so much memory, and spills the rest to a folder that goes away with it.

    Rows without an ORDER BY come in any order.
    """
    with tempfile.TemporaryDirectory(prefix="spilled-") as folder:
        settings = {
            "memory_limit": memory,
            "temp_directory": folder,
            "preserve_insertion_order": False,
            # Each thread has buffers of its own, which small limits have no room for.
            "threads": 1,
        }
        with duckdb.connect(config=settings) as opened:
            yield opened
