"""A column of visits that holds names: the values that training kept, each of them a network input; no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trainyard.contract.values import boolean, identifier, is_missing, number

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
        """From training values in the terms of `text`."""
        found, counts = np.unique(np.asarray(values, dtype=object).astype(str), return_counts=True)
        kept = found[np.argsort(-counts, kind="stable")[:max_values]]
        return cls(name=name, values=tuple(sorted(kept.tolist())))

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs this column becomes."""
        return [f"{self.name} = {value}" for value in (*self.values, OTHER)]

    def text_of(self, value: object) -> str:
        """`text` of a value, without any work where training kept it as it is written, or as a number."""
        if type(value) is float:
            return self._texts_of_numbers.get(value) or text(value)
        return value if isinstance(value, str) and value in self._indices else text(value)

    def input_indices(self, values: Sequence[str]) -> np.ndarray:
        """Which of its inputs each value sets (int64 [rows]); the last is for values that training did not keep."""
        return np.fromiter(map(self.input_index, values), dtype=np.int64, count=len(values))

    def input_index(self, value: str) -> int:
        """Which of its inputs a value in the terms of `text` sets, however spelled: TRUE, true and 1 are one yes."""
        found = self._indices.get(value)
        if found is None:
            found = self._other_spellings.get(self._folded(value), len(self.values))
        return found

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {value: index for index, value in enumerate(self.values)}

    @cached_property
    def _texts_of_numbers(self) -> dict[float, str]:
        """The values that are numbers, by what they are as such."""
        numbers = [(number(value), value) for value in self.values]
        return {each: value for each, value in numbers if each is not None and text(each) == value}

    @cached_property
    def _other_spellings(self) -> dict[str, int]:
        """Indices by folded value; of values that differ in spelling only each keeps to its own."""
        folded = [self._folded(value) for value in self.values]
        return {each: index for index, each in enumerate(folded) if folded.count(each) == 1}

    def _folded(self, value: str) -> str:
        means = boolean(value) if self._says_yes_or_no else None
        return value.casefold() if means is None else BOOLEANS[means]

    @cached_property
    def _says_yes_or_no(self) -> bool:
        """Whether training's values are a yes and a no, in numbers alone or in words beside others."""
        known = [each for each in self.values if each != MISSING]
        means = [boolean(each) for each in known]
        in_words = [each for each in known if not each[:1].isdigit()]
        both = sorted(str(each) for each in means if each is not None) == ["False", "True"]
        return None not in means or (both and {boolean(each) for each in in_words} >= {True, False})


def text(value: object) -> str:
    """What a value is called in `Category.values`, in training and in requests: `true`, `2` for 2.0, `(missing)`."""
    if is_missing(value):
        return MISSING
    return BOOLEANS[bool(value)] if isinstance(value, bool | np.bool_) else identifier(value)
