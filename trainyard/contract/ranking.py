"""The best of many scored candidates, exactly and in bounded memory; numpy only, for recipes that recommend."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# Scores of one block of rows for all columns take this much memory at most.
BLOCK_BYTES = 64 * 1024 * 1024


def top_columns(scores: np.ndarray, count: int) -> np.ndarray:
    """Columns of the `count` largest values of each row, largest first: int64 [rows, count]. Exact."""
    count = min(count, scores.shape[1])
    candidates = np.argpartition(scores, -count, axis=1)[:, -count:]
    order = np.argsort(-np.take_along_axis(scores, candidates, axis=1), axis=1, kind="stable")
    return np.take_along_axis(candidates, order, axis=1)


def blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of rows so small that a float32 matrix of one block by `columns` stays below `BLOCK_BYTES`."""
    size = max(1, BLOCK_BYTES // (4 * max(columns, 1)))
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
