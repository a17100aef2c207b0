"""pyarrow without pandas, a quarter of a second of every process; runs wherever a recipe reads and writes tables.

At its first conversion of an array of numpy, pyarrow imports pandas to see whether it was given any of it; so it does
to make an array of numpy or of Python's objects, and `pyarrow.parquet.read_table` does. Recipes that have no use for
pandas take `pa` and the functions here. Whoever imports pandas later finds that pyarrow knows it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PANDAS = "pandas"


class _Missing(MetaPathFinder):
    """Finds no pandas."""

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        if fullname == PANDAS:
            raise ModuleNotFoundError(f"No module named {PANDAS!r}", name=PANDAS)
        return None


class _Told(MetaPathFinder):
    """Finds pandas as ever, and tells pyarrow when it is there."""

    def find_spec(  # noqa: PLR0917 - as Python has it
        self, fullname: str, path: Any, target: Any = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == PANDAS else None
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_and_tell(module: ModuleType) -> None:
            load(module)
            # What needs pandas makes pyarrow look for it again.
            pa.array([0]).to_pandas()

        spec.loader.exec_module = load_and_tell  # type: ignore[method-assign]
        return spec


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The table in one Parquet file, or some of its columns."""
    with pq.ParquetFile(path) as file:
        return file.read(columns)


def numbers(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Numbers, none of them missing, as an array of numpy that may not be written to."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.from_dlpack(whole)


def text_array(texts: Iterable[str]) -> pa.StringArray:
    """Texts, none of them missing, as a column of a table."""
    encoded = [each.encode() for each in texts]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))


@contextmanager
def _found_by(finder: MetaPathFinder) -> Iterator[None]:
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


if PANDAS not in sys.modules:
    with _found_by(_Missing()):
        pa.array(np.zeros(1))
    sys.meta_path.insert(0, _Told())

__all__ = ["numbers", "pa", "read_table", "text_array"]
