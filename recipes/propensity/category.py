"""A column of visits that holds names: the values that training kept, each of them a network input; no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

OTHER = "(other)"
MISSING = "(missing)"
BOOLEANS = {True: "true", False: "false"}


@dataclass(frozen=True, kw_only=True)
class Category:
    """A column of names; those seen too rarely share one input."""

    name: str
    values: tuple[str, ...]

    @classmethod
    def fit(cls, name: str, values: Sequence[str], *, max_values: int) -> Category:
        found, counts = np.unique(np.asarray(values, dtype=object).astype(str), return_counts=True)
        kept = found[np.argsort(-counts, kind="stable")[:max_values]]
        return cls(name=name, values=tuple(sorted(kept.tolist())))

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs this column becomes."""
        return [f"{self.name} = {value}" for value in (*self.values, OTHER)]

    def input_indices(self, values: Sequence[str]) -> np.ndarray:
        """Which of its inputs each value sets (int64 [rows]); the last stands for values that training did not keep."""
        return np.fromiter(map(self.input_index, values), dtype=np.int64, count=len(values))

    def input_index(self, value: str) -> int:
        """Which of its inputs a value sets."""
        return self._indices.get(value, len(self.values))

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {value: index for index, value in enumerate(self.values)}


def text(value: object) -> str:
    """What a value is called in `Category.values`; None is missing."""
    if value is None:
        return MISSING
    return BOOLEANS[value] if isinstance(value, bool) else str(value)
