"""Which columns tell the rows of a table apart for a reader: few, with few values each; pandas only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

# Columns that are shown, and the values that a column of segments has.
SHOWN_COLUMNS = 3
FEWEST_VALUES, MOST_VALUES = 2, 12
# A segment of fewer rows says nothing.
SMALLEST_SHARE = 0.05


def segments(rows: pd.DataFrame, columns: Sequence[str]) -> Mapping[str, np.ndarray]:
    """The values of at most `SHOWN_COLUMNS` columns: those with few values first, in their order; then numbers."""
    few = [name for name in columns if _has_few_values(rows[name])]
    many = [name for name in columns if _is_number(rows[name]) and rows[name].nunique() > MOST_VALUES]
    return {name: _values(rows[name]) for name in (*few, *many)[:SHOWN_COLUMNS]}


def _values(column: pd.Series) -> np.ndarray:
    """Numbers as such, so that they stay in their order; anything else as text, empty where it is missing."""
    if _is_number(column):
        return column.to_numpy(np.float64, na_value=np.nan)
    return np.asarray(column.astype(object).where(column.notna(), "").astype(str).to_numpy())


def _is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def _has_few_values(values: pd.Series) -> bool:
    """Whether there are several segments, of which two at least are no handful."""
    shares = values.value_counts(normalize=True, dropna=False)
    return FEWEST_VALUES <= len(shares) <= MOST_VALUES and shares.iloc[1] >= SMALLEST_SHARE
