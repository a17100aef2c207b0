"""Writes an array to a .npy file a part at a time, so that it is never in memory as a whole; numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.lib import format as npy


class GrowingArray:
    """A .npy file of which rows are added; `numpy.load(path, mmap_mode="r")` maps it once it is closed.

    `row` is the shape of a row: of numbers by default.
    """

    def __init__(self, path: Path, dtype: Any, *, row: Sequence[int] = ()) -> None:
        self._file, self._dtype, self._row, self._rows = path.open("wb"), np.dtype(dtype), tuple(row), 0
        self._write_header()

    def add(self, part: np.ndarray) -> None:
        """Append the rows of `part` [rows, ...]."""
        self._file.write(np.ascontiguousarray(part, dtype=self._dtype).data)
        self._rows += len(part)

    def close(self) -> None:
        """Say at the head of the file how many rows there are."""
        # numpy leaves room for the number of rows, so that a header of any number takes the same place.
        self._file.seek(0)
        self._write_header()
        self._file.close()

    def _write_header(self) -> None:
        header = {"descr": npy.dtype_to_descr(self._dtype), "fortran_order": False, "shape": (self._rows, *self._row)}
        npy.write_array_header_1_0(self._file, header)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
